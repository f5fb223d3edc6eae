//! An object that is read strictly: every key known, every value of the right kind, and the error says which.

// The examples read their logs with this file too, over the values of their own format.
#![allow(dead_code, reason = "each reader needs some of the kinds")]

use std::borrow::ToOwned;
use std::fmt::Display;
use std::format;
use std::string::{String, ToString};
use std::time::Duration;
use std::vec::Vec;

use super::tree::{Map, Ratio, Value};

pub(crate) struct Object<'a> {
    /// Where it stands, for messages: `config.backoff`, or nothing for a whole line.
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// This value as an object with no key but these.
    pub(crate) fn new(path: &str, value: &'a Value, known: &[&str]) -> Result<Self, String> {
        let Value::Object(map) = value else {
            let what = if path.is_empty() { "a line".to_owned() } else { format!("\"{path}\"") };
            return Err(format!("{what} must be an object, not {}", shown(value)));
        };
        let object = Self { path: path.to_owned(), map };
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(unknown("key", &object.name(key), key, known)),
            None => Ok(object),
        }
    }

    /// The object under `key`, if there is one.
    pub(crate) fn object(&self, key: &str, known: &[&str]) -> Result<Option<Self>, String> {
        self.get(key).map(|value| Object::new(&self.name(key), value, known)).transpose()
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The full name of a key, for messages.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    /// The keys and values in a fixed order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.map.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The message for a value of the wrong kind.
    pub(crate) fn wrong(&self, key: &str, expected: impl Display) -> String {
        let found = self.get(key).map_or_else(|| "nothing".to_owned(), shown);
        format!("\"{}\" must be {expected}, not {found}", self.name(key))
    }

    /// What a reader below found, or an error if the key is not there.
    pub(crate) fn required<T>(&self, key: &str, found: Option<T>) -> Result<T, String> {
        found.ok_or_else(|| format!("\"{}\" is missing", self.name(key)))
    }

    /// What `read` finds, where `null` stands for "none": `Some(None)`.
    pub(crate) fn or_null<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Self, &str) -> Result<Option<T>, String>,
    ) -> Result<Option<Option<T>>, String> {
        match self.get(key) {
            Some(Value::Null) => Ok(Some(None)),
            _ => Ok(read(self, key)?.map(Some)),
        }
    }

    pub(crate) fn str(&self, key: &str) -> Result<Option<&'a str>, String> {
        self.read(key, "a string", Value::as_str)
    }

    pub(crate) fn bool(&self, key: &str) -> Result<Option<bool>, String> {
        self.read(key, "true or false", Value::as_bool)
    }

    /// An integer from 0 to `max`.
    fn up_to(&self, key: &str, max: u64) -> Result<Option<u64>, String> {
        let fits = |value: &Value| value.as_u64().filter(|number| *number <= max);
        self.read(key, format_args!("an integer from 0 to {max}"), fits)
    }

    pub(crate) fn u64(&self, key: &str) -> Result<Option<u64>, String> {
        self.up_to(key, u64::MAX)
    }

    pub(crate) fn u32(&self, key: &str) -> Result<Option<u32>, String> {
        Ok(self.up_to(key, u32::MAX.into())?.and_then(|number| number.try_into().ok()))
    }

    pub(crate) fn u16(&self, key: &str) -> Result<Option<u16>, String> {
        Ok(self.up_to(key, u16::MAX.into())?.and_then(|number| number.try_into().ok()))
    }

    pub(crate) fn u8(&self, key: &str) -> Result<Option<u8>, String> {
        Ok(self.up_to(key, u8::MAX.into())?.and_then(|number| number.try_into().ok()))
    }

    pub(crate) fn i32(&self, key: &str) -> Result<Option<i32>, String> {
        let expected = format_args!("an integer from {} to {}", i32::MIN, i32::MAX).to_string();
        self.read(key, expected, |value| value.as_i64().and_then(|number| number.try_into().ok()))
    }

    /// A duration in integer milliseconds, or as a text with decimals. The core saturates, so any number will do.
    pub(crate) fn ms(&self, key: &str) -> Result<Option<Duration>, String> {
        match self.get(key).and_then(millis) {
            Some(span) => Ok(Some(span)),
            None => Ok(self.u64(key)?.map(Duration::from_millis)),
        }
    }

    /// Two durations in a list.
    pub(crate) fn range(&self, key: &str) -> Result<Option<(Duration, Duration)>, String> {
        self.read(key, "two integers of at least 0", |value| match value.as_array()?.as_slice() {
            [low, high] => Some((millis(low)?, millis(high)?)),
            _ => None,
        })
    }

    pub(crate) fn ratio(&self, key: &str) -> Result<Option<Ratio>, String> {
        match self.get(key) {
            Some(value) => ratio(value)
                .map(Some)
                .ok_or_else(|| self.wrong(key, "a ratio in quotes, like \"2\", \"3/2\" or \"0.2\"")),
            None => Ok(None),
        }
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| value.as_str() == Some(*word));
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        found.map(|(_, value)| Some(*value)).ok_or_else(|| self.wrong(key, one_of(&names)))
    }

    fn read<T>(
        &self,
        key: &str,
        expected: impl Display,
        as_type: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.get(key) {
            Some(value) => as_type(value).map(Some).ok_or_else(|| self.wrong(key, expected)),
            None => Ok(None),
        }
    }
}

/// Milliseconds as an integer, or exactly as a text.
pub(crate) fn millis(value: &Value) -> Option<Duration> {
    match value.as_str() {
        Some(text) => exact_millis(text),
        None => value.as_u64().map(Duration::from_millis),
    }
}

/// `"1.5"`: milliseconds to the nanosecond.
fn exact_millis(text: &str) -> Option<Duration> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 6 {
        return None;
    }
    let nanos: u128 = format!("{decimals:0<6}").parse().ok()?;
    let nanos = whole.parse::<u128>().ok()?.checked_mul(1_000_000)?.checked_add(nanos)?;
    let secs = nanos.checked_div(1_000_000_000)?;
    let nanos = nanos.checked_rem(1_000_000_000)?;
    Some(Duration::new(secs.try_into().ok()?, nanos.try_into().ok()?))
}

pub(crate) fn ratio(value: &Value) -> Option<Ratio> {
    value.as_str()?.parse().ok()
}

/// `"a", "b" or "c"`.
pub(crate) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// The message for a name that is not known, with the nearest one that is.
pub(crate) fn unknown(what: &str, full: &str, name: &str, known: &[&str]) -> String {
    let full: String = full.chars().take(80).collect();
    match known.iter().min_by_key(|candidate| unlikeness(name, candidate)) {
        Some(nearest) => format!("unknown {what} \"{full}\"; did you mean \"{nearest}\"?"),
        None => format!("unknown {what} \"{full}\""),
    }
}

/// The names, those that are most like this one first.
pub(crate) fn nearest<'a>(name: &str, mut known: Vec<&'a str>) -> Vec<&'a str> {
    known.sort_by_key(|candidate| unlikeness(name, candidate));
    known
}

/// Orders names by how likely one was meant: first those that contain it (`refused` is a part of `connection_refused`), then
/// by the letters that differ.
fn unlikeness(name: &str, candidate: &str) -> (bool, usize) {
    (!candidate.contains(name), distance(name, candidate))
}

/// A value as it was written, cut to a length fit for a message.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("...".chars()).collect() }
}

/// How many letters must be added, removed or replaced to make `b` of `a` (Levenshtein), of the first 64 letters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().take(64).collect();
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (above, from) in a.chars().take(64).enumerate() {
        // The cells to the left in this row and in the one above.
        let (mut left, mut diagonal) = (above.saturating_add(1), above);
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = left;
        }
        for (cell, to) in cells.zip(&b) {
            let replaced = diagonal.saturating_add(usize::from(from != *to));
            diagonal = *cell;
            left = replaced.min(left.saturating_add(1)).min(cell.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
