//! What a reader may rely on: modules of a readable size, and dependencies that point one way.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules that every other may use.
const BOTTOM: [&str; 10] =
    ["array", "builder", "codec", "denied", "error", "mode", "ratio", "time", "window", "words"];
/// The modules that compose others, or stand outside.
const COMPOSERS: [&str; 6] = ["data", "driver", "lib", "policy", "presets", "record"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in
        fs::read_dir(folder).expect("a folder of the project").map(|entry| entry.expect("readable").path())
    {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push(entry);
        }
    }
}

/// Every source file, with its text and the module that it belongs to.
fn rooms() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let room = |path: &Path| {
        let first = path.strip_prefix(&src).expect("below src").iter().next().expect("a name");
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    files.iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"), room(path))).collect()
}

#[test]
fn no_module_is_too_long_to_read_in_one_sitting() {
    let rooms = rooms();
    assert!(rooms.len() > 30);
    let long = rooms.iter().filter(|(_, text, _)| text.lines().count() > 500);
    let long: Vec<_> = long.map(|(path, ..)| path.display().to_string()).collect();
    assert!(long.is_empty(), "rooms over 500 lines: {long:?}");
}

#[test]
fn leaves_know_nothing_of_each_other() {
    for (path, text, room) in rooms().iter().filter(|(.., room)| !COMPOSERS.contains(&room.as_str())) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = used == *room || BOTTOM.contains(&used.as_str());
                assert!(known, "{}: the room {room} uses {used}: {line}", path.display());
            }
        }
    }
}

#[test]
fn nothing_in_the_core_knows_the_driver_or_the_presets() {
    for (path, text, _) in
        rooms().iter().filter(|(.., room)| !["driver", "lib", "presets"].contains(&room.as_str()))
    {
        for outside in ["crate::driver", "crate::presets"] {
            let used =
                text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(outside));
            assert!(!used, "{} uses {outside}", path.display());
        }
    }
}

/// The name that follows `before` in the line.
fn name_after<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// Whether this text gives the enum `name` a `Display` and an `as_str`.
fn has_words(text: &str, name: &str) -> bool {
    let blocks = || text.split("\n}").map(|block| (block.contains("fn as_str("), block));
    let is_name = |line: &str, before: &str| name_after(line, before) == Some(name);
    let by_hand = blocks().any(|(gives, block)| {
        gives && block.lines().any(|line| line.starts_with("impl") && is_name(line, " "))
    });
    let word_only = text.lines().any(|line| is_name(line, "words!(as_str "));
    let both = text
        .lines()
        .any(|line| is_name(line, "words!(") || line.starts_with("words!([") && is_name(line, "] "));
    let display = text.lines().any(|line| line.starts_with("impl") && is_name(line, "fmt::Display for "));
    both || display && (by_hand || word_only)
}

#[test]
fn every_public_enum_has_a_word_for_each_variant() {
    let files = rooms();
    let mut enums = 0;
    for (path, text, room) in &files {
        for name in
            text.lines().filter_map(|line| name_after(line, "pub enum ")).filter(|name| !name.is_empty())
        {
            enums += 1;
            let texts = files.iter().filter(|(.., other)| other == room).map(|(_, text, _)| text.as_str());
            let found = has_words(&texts.collect::<String>(), name);
            assert!(found, "{}: {name} has no as_str and Display: give it a `words!`", path.display());
        }
    }
    assert!(enums > 30);
}
