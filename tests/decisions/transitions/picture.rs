//! The picture of the phases, in the documentation of `Phase` and in the README, is that of the transitions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use redial::Phase;

use super::{NOW, facts, phases};

type Ways = BTreeSet<(String, String)>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("text")
}

/// The documentation of `Phase`, without the comment signs.
fn documentation() -> String {
    let source = read("src/policy/explain.rs");
    let (before, _) = source.split_once("pub enum Phase").expect("the enum");
    let comment = before.rsplit("\n\n").next().expect("its documentation");
    comment
        .lines()
        .filter_map(|line| line.strip_prefix("///"))
        .map(|line| format!("{}\n", line.trim_start_matches(' ')))
        .collect()
}

/// From each phase, by each event and by time.
fn ways() -> Ways {
    let mut ways = Ways::new();
    let mut add = |from: Phase, to: Phase| {
        if from != to {
            ways.insert((from.to_string(), to.to_string()));
        }
    };
    for (name, policy) in phases() {
        let newest = policy.epoch().or_else(|| redial::Epoch::from_raw(policy.stats().opens.max(1)));
        let now = NOW.max(policy.explain().since);
        for (_, fact) in facts(newest.expect("not 0")) {
            let mut after = policy.clone();
            let _actions = after.handle_event(now, fact);
            add(policy.phase(), after.phase());
        }
        let mut after = policy.clone();
        let _actions = after.handle_timeout(policy.poll_timeout().unwrap_or(now));
        add(policy.phase(), after.phase());
        // What needs more than one step: a restoration comes from the session, and ends with its last batch.
        if name == "restoring" {
            add(Phase::Establishing, policy.phase());
            while after.phase() == Phase::Restoring {
                let due = after.poll_timeout().expect("the next batch");
                let _restore = after.handle_timeout(due);
            }
            add(Phase::Restoring, after.phase());
        }
    }
    ways
}

/// The rows of the table, each phase on the left with each on the right.
fn table(documentation: &str) -> Ways {
    let rows = documentation.lines().filter(|line| line.starts_with("| ")).skip(2);
    let mut ways = Ways::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [from, to, _] = cells[..] else { panic!("{row}") };
        for from in from.split(", ") {
            assert!(ways.insert((from.to_owned(), to.to_owned())), "{from} to {to} is there twice");
        }
    }
    ways
}

#[test]
fn the_table_of_the_phases_is_that_of_the_transitions() {
    let (shown, real) = (table(&documentation()), ways());
    let missing: Vec<_> = real.difference(&shown).collect();
    let wrong: Vec<_> = shown.difference(&real).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "not shown: {missing:?}; shown, and not so: {wrong:?}");
}

#[test]
fn the_picture_of_the_phases_is_that_of_the_transitions() {
    let real = ways();
    let documentation = documentation();
    let (_, picture) = documentation.split_once("```text\n").expect("a picture");
    let (picture, _) = picture.split_once("```").expect("its end");

    // The first line is a chain, whose arrows have a label.
    let first = picture.lines().next().expect("a line");
    let chain: Vec<&str> = first.split(['─', '▶', ' ']).filter(|word| !word.is_empty()).collect();
    let expected =
        ["idle", "start", "connecting", "opened", "establishing", "ready", "restoring", "sent", "online"];
    assert_eq!(chain, expected);
    let live: Vec<&str> = chain.iter().step_by(2).copied().collect();
    let is_way = |from: &str, to: &str| real.contains(&(from.to_owned(), to.to_owned()));
    for pair in live.windows(2) {
        assert!(is_way(pair[0], pair[1]), "{} to {}", pair[0], pair[1]);
    }

    // Every loss of the others leads to one of the three below.
    let below: Vec<&str> = picture
        .lines()
        .find(|line| line.contains("◀──────▶"))
        .expect("the line of what follows a loss")
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(below, ["waiting", "parked", "failed"]);
    for from in &live[1..] {
        for to in &below {
            assert!(is_way(from, to), "{from} to {to}");
        }
    }
    assert!(is_way("waiting", "connecting") && is_way("waiting", "parked") && is_way("parked", "waiting"));
    assert!(!is_way("parked", "connecting"), "a gate stands in between");

    // And nothing in the table contradicts it: a loss never dials in the same call.
    for from in &live[1..] {
        let forward: Vec<_> = real.iter().filter(|(of, _)| of == from).map(|(_, to)| to.as_str()).collect();
        for to in forward {
            let at = live.iter().position(|phase| *phase == to);
            let ahead = at > live.iter().position(|phase| phase == from);
            assert!(ahead || below.contains(&to) || to == "stopped", "{from} to {to}");
        }
    }
}

#[test]
fn the_picture_of_the_readme_is_that_of_the_documentation() {
    let documentation = documentation();
    let lines = documentation.lines().skip_while(|line| *line != "```text").take_while(|line| *line != "```");
    let readme = read("README.md");
    let readme: Vec<&str> = readme.lines().map(|line| line.trim_start_matches(' ')).collect();
    for line in lines {
        assert!(readme.contains(&line), "not in the README: {line}");
    }
}
