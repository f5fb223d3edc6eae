//! Where scenarios come from: the built-in ones, files and folders, and the generator.

use std::path::{Path, PathBuf};

use crate::fault::{Fault, read};
use crate::random;
use crate::scenario::{Case, parse};

macro_rules! scenarios {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),*]
    };
}

/// The files of `scenarios`, by name.
pub(crate) const BUILT_IN: &[(&str, &str)] = scenarios![
    "outage-0-ideal-10"
    "outage-0-ideal-100"
    "outage-0-ideal-1000"
    "outage-30-ideal-10"
    "outage-30-ideal-100"
    "outage-30-ideal-1000"
    "outage-300-ideal-10"
    "outage-300-ideal-100"
    "outage-300-ideal-1000"
    "outage-0-timeout-1"
    "outage-30-timeout-1"
    "outage-300-timeout-1"
    "outage-0-timeout-10"
    "outage-30-timeout-10"
    "outage-300-timeout-10"
    "brown-out"
    "flapping"
    "spread-10"
    "spread-60"
    "spread-300"
    "accept-then-drop"
    "dear-fresh-starts"
    "two-regions"
    "planned-restart"
    "planned-restart-window"
    "rolling-restart"
    "rolling-restart-window"
    "queue"
    "metastable-queue"
    "hint-constant-5"
    "hint-constant-30"
    "hint-constant-30-partly"
    "hint-appointments"
    "hint-appointments-partly"
    "hint-window"
    "lone-drop"
    "lone-blip"
];

/// How scenarios are made of what the user names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    /// How many are drawn where the user says `random`.
    pub(crate) count: u32,
    pub(crate) seed: u64,
    /// In place of the number that a scenario has.
    pub(crate) clients: Option<u32>,
}

/// A built-in scenario.
pub(crate) fn built_in(name: &str, clients: Option<u32>) -> Result<Case, Fault> {
    match BUILT_IN.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => parse(&format!("{name}.toml"), name, text, clients),
        None => Err(Fault::Input(format!("{name:?}: no built-in scenario; `storm list` has them"))),
    }
}

/// One scenario: a file, or the name of a built-in one.
pub(crate) fn one(name: &str, clients: Option<u32>) -> Result<Case, Fault> {
    let path = Path::new(name);
    if BUILT_IN.iter().any(|(known, _)| *known == name) {
        built_in(name, clients)
    } else if path.is_file() || path.extension().is_some() {
        file(path, clients)
    } else {
        Err(unknown(name))
    }
}

/// A set: `random`, `all` of the built-in ones, a folder, or one scenario.
pub(crate) fn set(name: &str, drawn: Drawn) -> Result<Vec<Case>, Fault> {
    match name {
        "random" => Ok(random::cases(drawn.count, drawn.clients.unwrap_or(10_000), drawn.seed)),
        "all" => BUILT_IN.iter().map(|(name, _)| built_in(name, drawn.clients)).collect(),
        folder if Path::new(folder).is_dir() => {
            let files = files(Path::new(folder))?;
            files.iter().map(|path| file(path, drawn.clients)).collect()
        }
        _ => Ok(vec![one(name, drawn.clients)?]),
    }
}

/// The scenarios of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let wrong = |error: String| Fault::Input(format!("{}: {error}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(error.to_string()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(error.to_string()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    if paths.is_empty() {
        return Err(wrong("no scenario in this folder; they are files with the ending .toml".to_owned()));
    }
    Ok(paths)
}

fn file(path: &Path, clients: Option<u32>) -> Result<Case, Fault> {
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    parse(&path.display().to_string(), &name, &read(path)?, clients)
}

fn unknown(name: &str) -> Fault {
    let near = nearest(name, BUILT_IN.iter().map(|(known, _)| *known));
    let near = near.map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"));
    Fault::Input(format!("{name:?}: no such scenario, and no such file{near}; `storm list` has the names"))
}

/// What the user may have meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &str| strsim::jaro_winkler(name, known);
    known.filter(|known| likeness(known) > 0.8).max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
