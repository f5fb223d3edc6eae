//! What a reader of the source may rely on: modules of a readable size, dependencies that point one way, words for every enum,
//! and comments in the terms of the field.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules that every other may use.
const BOTTOM: [&str; 10] =
    ["array", "builder", "codec", "denied", "error", "mode", "ratio", "time", "window", "words"];
/// The modules that compose others, or stand outside.
const COMPOSERS: [&str; 13] = [
    "causes",
    "data",
    "driver",
    "fleet",
    "handover",
    "lib",
    "policy",
    "presets",
    "record",
    "sim",
    "telemetry",
    "testing",
    "websocket",
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in
        fs::read_dir(folder).expect("a folder of the project").map(|entry| entry.expect("readable").path())
    {
        if entry.is_dir() && !["target", "node_modules"].iter().any(|made| entry.ends_with(made)) {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push(entry);
        }
    }
}

/// Every source file, with its text and the module that it belongs to.
fn modules() -> Vec<(PathBuf, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let module = |path: &Path| {
        let first = path.strip_prefix(&src).expect("below src").iter().next().expect("a name");
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    files.iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"), module(path))).collect()
}

/// Those of these files that have more than 500 lines, below the root of the project.
fn long(files: impl IntoIterator<Item = (PathBuf, String)>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let long = files.into_iter().filter(|(_, text)| text.lines().count() > 500);
    long.map(|(path, _)| path.strip_prefix(root).expect("below the root").display().to_string()).collect()
}

#[test]
fn no_module_is_too_long_to_read_in_one_sitting() {
    let modules = modules();
    assert!(modules.len() > 30);
    let long = long(modules.into_iter().map(|(path, text, _)| (path, text)));
    assert!(long.is_empty(), "modules over 500 lines: {long:?}");
}

#[test]
fn nothing_beside_the_library_is_too_long_to_read_in_one_sitting() {
    let mut files = Vec::new();
    for folder in ["benches", "bindings", "ci", "examples", "fuzz", "tests"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    assert!(files.len() > 300, "{}", files.len());
    let long = long(files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))));
    assert!(long.is_empty(), "files over 500 lines: {long:?}");
}

#[test]
fn leaves_know_nothing_of_each_other() {
    for (path, text, module) in modules().iter().filter(|(.., module)| !COMPOSERS.contains(&module.as_str()))
    {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = used == *module || BOTTOM.contains(&used.as_str());
                assert!(known, "{}: the module {module} uses {used}: {line}", path.display());
            }
        }
    }
}

#[test]
fn the_policy_does_not_know_the_handover_above_it() {
    for (path, text, _) in modules().iter().filter(|(.., module)| module == "policy") {
        let used =
            text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("crate::handover"));
        assert!(!used, "{} uses crate::handover", path.display());
    }
}

#[test]
fn nothing_in_the_core_knows_the_driver_or_the_presets() {
    for (path, text, _) in modules().iter().filter(|(.., module)| {
        !["driver", "fleet", "lib", "presets", "telemetry", "testing", "websocket"].contains(&module.as_str())
    }) {
        for outside in ["crate::driver", "crate::presets", "crate::telemetry", "crate::websocket"] {
            let used =
                text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(outside));
            assert!(!used, "{} uses {outside}", path.display());
        }
    }
}

#[test]
fn nothing_that_ships_knows_the_tests_of_its_users() {
    for (path, text, _) in
        modules().iter().filter(|(.., module)| !["lib", "testing"].contains(&module.as_str()))
    {
        let used =
            text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("crate::testing"));
        assert!(!used, "{} uses crate::testing", path.display());
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
    let files = modules();
    let mut enums = 0;
    for (path, text, module) in &files {
        for name in
            text.lines().filter_map(|line| name_after(line, "pub enum ")).filter(|name| !name.is_empty())
        {
            enums += 1;
            let texts = files.iter().filter(|(.., other)| other == module).map(|(_, text, _)| text.as_str());
            let found = has_words(&texts.collect::<String>(), name);
            assert!(found, "{}: {name} has no as_str and Display: give it a `words!`", path.display());
        }
    }
    assert!(enums > 30);
}

/// The comments of a source file with their line numbers, without those of its tests, which name the rules they check.
fn comments(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines()
        .enumerate()
        .filter_map(|(at, line)| line.split_once("//").map(|(_, comment)| (at + 1, comment)))
}

/// The words of a comment.
fn words_of(comment: &str) -> Vec<&str> {
    comment.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect()
}

/// Whether this is the number of a rule in `docs/rules.md`, such as F12 or S40.
fn is_rule(word: &str) -> bool {
    let mut chars = word.chars();
    let family = chars.next().is_some_and(|first| "FSPR".contains(first));
    family && (2..=3).contains(&chars.as_str().len()) && chars.all(|c| c.is_ascii_digit())
}

#[test]
fn no_comment_cites_a_rule_that_its_reader_cannot_look_up() {
    for (path, text, _) in modules() {
        for (at, comment) in comments(&text) {
            let words = words_of(comment);
            let number = |word: &str| word.chars().all(|c| c.is_ascii_digit());
            let cited = words.iter().any(|word| is_rule(word))
                || words.windows(2).any(|pair| {
                    ["lifecycle", "report", "reports"].contains(&pair[0].to_lowercase().as_str())
                        && number(pair[1])
                });
            assert!(!cited, "{}:{at}: say it without the number of the rule:{comment}", path.display());
        }
    }
}

/// Words of no field, each with the one to use. Those that are right in another sense are not here.
const PRIVATE_WORDS: [(&str, &str); 14] = [
    ("anew", "again, or say what starts over"),
    ("fact", "event"),
    ("facts", "events"),
    ("for ever", "without end, indefinitely"),
    ("goodbye", "close handshake"),
    ("herd", "burst of dials"),
    ("ladder", "backoff"),
    ("ladders", "backoffs"),
    ("manieth", "n-th"),
    ("quiet", "hot path"),
    ("room", "module, or space"),
    ("whoever", "callers that, or name who it is"),
    ("wish", "request"),
    ("wishes", "requests"),
];

#[test]
fn comments_use_the_words_of_the_field() {
    for (path, text, _) in &modules() {
        for (at, comment) in comments(text) {
            let said = format!(" {} ", words_of(comment).join(" ").to_lowercase());
            for (word, better) in PRIVATE_WORDS {
                let used = said.contains(&format!(" {word} "));
                assert!(!used, "{}:{at}: \"{word}\" ({better}):{comment}", path.display());
            }
        }
    }
}

#[test]
fn the_words_of_the_events_are_those_of_a_recorded_log() {
    let read = |path| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("text");
    let (log, words) = (read("examples/replay/fact.rs"), read("src/policy/event.rs"));
    let mut events = 0;
    for (name, rest) in
        log.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => Event::"))
    {
        let variant: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
        events += 1;
        assert!(words.contains(&format!("    {variant} => \"{name}\",\n")), "{variant} is {name} in a log");
    }
    assert!(events > 25);
}

/// A test that runs an example builds it with its own features, so that nothing is compiled twice.
#[test]
fn an_example_that_a_test_runs_has_every_feature_of_the_test() {
    let cargo = fs::read_to_string("Cargo.toml").expect("the manifest");
    let example = fs::read_to_string("tests/common/example.rs").expect("what builds an example");
    let (_, features) = cargo.split_once("\n[features]\n").expect("it has features");
    let (features, _) = features.split_once("\n[").expect("something stands behind them");
    let names = features.lines().filter_map(|line| line.split_once(" = [")).map(|(name, _)| name);
    let forgotten: Vec<_> = names
        .filter(|name| *name != "default" && !example.contains(&format!("\n        \"{name}\",\n")))
        .collect();
    assert!(forgotten.is_empty(), "tests/common/example.rs does not name {forgotten:?}");
}
