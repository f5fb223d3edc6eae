//! Every setting of every config is reached with several values, also those that are added after today.

use std::collections::{BTreeMap, BTreeSet};

use redial::presets;
use redial::testing::Script;

/// How many scripts are read.
const SCRIPTS: u64 = 450;

/// The fields of something that is printed with `{:#?}`, by their path, with their values.
fn fields(printed: &str, mut see: impl FnMut(String, String)) {
    let mut path: Vec<String> = Vec::new();
    let mut entries: Vec<usize> = Vec::new();
    for line in printed.lines() {
        let depth = (line.len() - line.trim_start().len()) / 4;
        let text = line.trim().trim_end_matches(',');
        if matches!(text, "}" | ")" | "]") {
            continue;
        }
        path.truncate(depth.saturating_sub(1));
        entries.resize(depth + 1, 0);
        let (name, value) = match text.split_once(": ") {
            Some((name, value)) => (name.to_owned(), value),
            // Of a tuple or a list: by its place.
            None => (format!("{}", entries[depth]), text),
        };
        entries[depth] += 1;
        if depth == 0 {
            continue;
        }
        path.push(name);
        // Of what has fields: which variant it is, or whether there is one.
        see(path.join("."), value.trim_end_matches([' ', '{', '(', '[']).to_owned());
    }
}

/// The values that the scripts give to each field.
fn reached(print: impl Fn(&mut Script<'_>) -> Option<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seed in 0..SCRIPTS {
        let Some(printed) = print(&mut Script::seeded(seed)) else { continue };
        fields(&printed, |path, value| {
            values.entry(lists(&path)).or_default().insert(value);
        });
    }
    values
}

/// The path with the entries of lists as one.
fn lists(path: &str) -> String {
    let mut above = [""; 2];
    let parts = path.split('.').map(|part| {
        let entry = matches!(above, [_, "overrides" | "steps_ms"] | ["curve", "0"]);
        above = [above[1], part];
        if entry && part.parse::<usize>().is_ok() { "*" } else { part }
    });
    parts.collect::<Vec<_>>().join(".")
}

/// The paths below which nothing varies.
fn fixed(values: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
    let varies = |path: &str| {
        let below = format!("{path}.");
        let mut within = values.range(below.clone()..).take_while(|(path, _)| path.starts_with(&below));
        values[path].len() > 1 || within.any(|(_, values)| values.len() > 1)
    };
    values.keys().map(String::as_str).filter(|path| !varies(path)).collect()
}

/// A setting that `Script::config` does not know would have one value.
#[test]
fn every_setting_of_a_config_is_reached() {
    let mut values = reached(|script| {
        let config = script.config();
        // A preset may set what the script does not.
        let preset = presets::ALL.iter().any(|(_, preset)| **preset == config);
        (!preset).then(|| format!("{config:#?}"))
    });
    // The rows of the tables are constants.
    values.retain(|path, _| !path.starts_with("classifier.table.") || path == "classifier.table.name");
    assert!(values.len() > 200, "{}", values.len());
    // What the code of a jitter is, is not shown.
    let constant = ["backoff.rare", "long_outage.0.1.rare"];
    assert_eq!(fixed(&values), constant);
}
