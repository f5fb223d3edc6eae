//! A JSON value in which some things are others, and the text of it, which may end too early.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]

use std::io;

use redial::testing::Script;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What values are replaced by: no kind, every kind, and what is close to what is right.
const WORDS: [&str; 16] = [
    "",
    "0",
    "1",
    "2/3",
    "0.25",
    "1/0",
    "-1",
    "+2",
    "1.2.3",
    "0.1234567",
    "99999999999",
    "full",
    "windows",
    "none",
    "any",
    "a word that nobody expects",
];

/// Up to four changes; the same text where the script is at its end.
pub fn altered(value: &Value, script: &mut Script<'_>) -> String {
    let mut value = value.clone();
    for _ in 0..script.below(5) {
        change(&mut value, script);
    }
    let text = value.to_string();
    match script.below(8) {
        // It ends in the middle.
        1 => text.chars().take(script.below(text.len() as u32) as usize).collect(),
        // Its first key is there twice.
        2 => twice(&value, &text),
        _ => text,
    }
}

/// Without most of its keys, and those of the objects in it.
pub fn thinned(value: &Value, script: &mut Script<'_>) -> Value {
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, value) in map {
                if script.below(4) == 1 {
                    kept.insert(key.clone(), thinned(value, script));
                }
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

/// Written by a writer that is full before the end, here or there, which says so.
pub fn too_long(it: &impl Serialize, script: &mut Script<'_>) {
    let text = serde_json::to_string(it).expect("plain data");
    for room in (script.below(text.len() as u32) as usize % 97..text.len()).step_by(97) {
        assert!(serde_json::to_writer(Short { room }, it).is_err(), "there was no room for {text}");
    }
}

/// A writer that is full after so many bytes.
struct Short {
    room: usize,
}

impl io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        if taken == 0 && !bytes.is_empty() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn change(value: &mut Value, script: &mut Script<'_>) {
    match value {
        Value::Object(map) if !map.is_empty() && script.below(8) != 1 => {
            let key = map.keys().nth(script.below(map.len() as u32) as usize).cloned().unwrap_or_default();
            in_object(map, &key, script);
        }
        Value::Array(list) if !list.is_empty() && script.below(4) != 1 => {
            let at = script.below(list.len() as u32) as usize;
            match script.below(6) {
                1 => drop(list.remove(at)),
                2 => list.push(list[at].clone()),
                _ => change(&mut list[at], script),
            }
        }
        _ => *value = other(script),
    }
}

fn in_object(map: &mut Map<String, Value>, key: &str, script: &mut Script<'_>) {
    match script.below(12) {
        1 => drop(map.remove(key)),
        2 => {
            let moved = map.remove(key).unwrap_or_default();
            map.insert(format!("{key}s"), moved);
        }
        3 => drop(map.insert(key.to_owned(), other(script))),
        _ => {
            if let Some(value) = map.get_mut(key) {
                change(value, script);
            }
        }
    }
}

fn other(script: &mut Script<'_>) -> Value {
    match script.below(14) {
        0 => Value::Null,
        1 => json!(script.flag()),
        2 => json!(0),
        3 => json!(script.below(300)),
        4 => json!(u64::from(script.below(u32::MAX)) * 7),
        5 => json!(u64::MAX),
        6 => json!(-i64::from(script.below(100_000))),
        7 => json!(i64::MIN),
        8 => json!(1.5),
        9 => json!([]),
        10 => json!({}),
        11 => json!([script.below(70_000), script.below(70_000)]),
        12 => json!([WORDS[script.below(16) as usize], "1/2"]),
        _ => json!(WORDS[script.below(16) as usize]),
    }
}

fn twice(value: &Value, text: &str) -> String {
    match value.as_object().and_then(|map| map.iter().next()) {
        Some((key, value)) => format!("{{{}:{value},{}", json!(key), &text[1..]),
        None => text.to_owned(),
    }
}
