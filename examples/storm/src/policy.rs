//! The policies that are compared: presets by name, and config files.

use std::collections::BTreeMap;
use std::path::Path;

use redial::policy::ConfigOver;
use redial::{Config, presets};
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, read};
use crate::library::nearest;

/// A policy with its name.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) config: Config,
}

/// A preset by its name, or a config file; with settings in place of its own, as in `grpc:backoff.max_ms=60000,max_attempts=9`.
pub(crate) fn policy(name: &str) -> Result<Candidate, Fault> {
    let Some((base, settings)) = name.split_once(':').filter(|(_, settings)| settings.contains('=')) else {
        return plain(name);
    };
    let settings = split(settings).into_iter().map(|setting| match setting.split_once('=') {
        Some((path, value)) => Ok((path.trim().to_owned(), value_of(value.trim()))),
        None => Err(Fault::Input(format!("{name:?}: {setting:?} is no setting; write backoff.max_ms=60000"))),
    });
    let settings = settings.collect::<Result<Vec<_>, _>>()?;
    let config = with(&plain(base)?.config, &settings)
        .map_err(|message| Fault::Input(format!("{name:?}: {message}")))?;
    Ok(Candidate { name: name.to_owned(), config })
}

/// The parts of a list that commas separate, where they stand in no bracket and no quotes.
pub(crate) fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut is_quoted) = (0_i32, false);
    let separates = |character: char| {
        match character {
            '"' => is_quoted = !is_quoted,
            '[' | '{' if !is_quoted => depth += 1,
            ']' | '}' if !is_quoted => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0 && !is_quoted
    };
    list.split(separates).collect()
}

/// The value of a setting: JSON, or a text without its quotes.
pub(crate) fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A config with other values at some paths, such as `backoff.max_ms`.
pub(crate) fn with(base: &Config, settings: &[(String, Value)]) -> Result<Config, String> {
    let mut keys = Map::new();
    for (path, value) in settings {
        let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut object = &mut keys;
        for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
            let inner = object.entry(parent).or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(|| format!("{path:?} is set twice"))?;
        }
        object.insert(key.to_owned(), value.clone());
    }
    ConfigOver::new(base).deserialize(Value::Object(keys)).map_err(|error| error.to_string())
}

fn plain(name: &str) -> Result<Candidate, Fault> {
    if let Some(preset) = presets::by_name(name) {
        return Ok(Candidate { name: name.to_owned(), config: *preset });
    }
    let path = Path::new(name);
    if !path.is_file() && path.extension().is_none() {
        let near = nearest(name, presets::ALL.iter().map(|(known, _)| *known));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        return Err(Fault::Input(format!(
            "{name:?}: no preset of this name, and no such file{near} `storm list` has the names"
        )));
    }
    let text = read(path)?;
    let config = if path.extension().is_some_and(|extension| extension == "toml") {
        from_toml(name, &text)?
    } else {
        from_json(name, &text)?
    };
    let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Ok(Candidate { name: stem, config })
}

/// What a config file holds: the keys of a config, laid over the preset that it names or over the defaults.
#[derive(Deserialize)]
struct Keys<V> {
    preset: Option<String>,
    #[serde(flatten)]
    keys: V,
}

fn from_json(file: &str, text: &str) -> Result<Config, Fault> {
    let keys: Keys<Map<String, Value>> = serde_json::from_str(text).map_err(|error| {
        let line =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        Fault::at(file, text, Some(line + error.column().saturating_sub(1)), message)
    })?;
    over(keys.preset.as_deref(), Value::Object(keys.keys))
        .map_err(|message| Fault::at(file, text, json_offset(text, path_of(&message)), &message))
}

fn from_toml(file: &str, text: &str) -> Result<Config, Fault> {
    let keys: Keys<toml::Table> = toml::from_str(text)
        .map_err(|error| Fault::at(file, text, error.span().map(|span| span.start), error.message()))?;
    over(keys.preset.as_deref(), toml::Value::Table(keys.keys))
        .map_err(|message| Fault::at(file, text, toml_offset(text, path_of(&message)), &message))
}

/// The keys over a preset, or over the defaults of the replay program.
pub(crate) fn over<'de, V>(preset: Option<&str>, keys: V) -> Result<Config, String>
where
    V: serde::Deserializer<'de>,
{
    let read = match preset {
        None => Config::deserialize(keys),
        Some(name) => match presets::by_name(name) {
            Some(preset) => ConfigOver::new(preset).deserialize(keys),
            None => return Err(format!("unknown \"preset\" {name:?}; `storm list` has the names")),
        },
    };
    read.map_err(|error| error.to_string())
}

/// The path of the key that a message is about: it stands in the first quotes.
fn path_of(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or_default()
}

/// Where the value of a key begins in JSON, or that of the last object on the way to it.
fn json_offset(text: &str, path: &str) -> Option<usize> {
    let mut value = text;
    for key in path.split('.') {
        let Ok(keys) = serde_json::from_str::<BTreeMap<String, &RawValue>>(value) else { break };
        let Some(next) = keys.get(key) else { break };
        value = next.get();
    }
    Some((value.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)).filter(|offset| *offset > 0)
}

/// The same in TOML.
fn toml_offset(text: &str, path: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (mut table, mut offset) = (table.get_ref(), None);
    for key in path.split('.') {
        let Some((_, value)) = table.iter().find(|(known, _)| known.get_ref() == key) else { break };
        offset = Some(value.span().start);
        match value.get_ref() {
            DeValue::Table(next) => table = next,
            _ => break,
        }
    }
    offset
}
