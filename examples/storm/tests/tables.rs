//! The tables, and what they do not depend on.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{folder, package, printed, storm};

const POLICIES: [&str; 2] = ["policies/full.json", "policies/steady.toml"];

/// Compares with a committed file; with `BLESS=1` it is written instead.
fn golden(name: &str, arguments: &[&str]) {
    let path = package().join("tests/golden").join(name);
    let now = printed(arguments);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, now).expect("a file of the project");
    } else {
        let committed = fs::read_to_string(&path).expect("a file of the project");
        assert_eq!(now, committed, "{arguments:?}; BLESS=1 takes it over");
    }
}

#[test]
fn one_policy_in_one_scenario() {
    let arguments = ["run", POLICIES[0], "--scenario", "outage-30-ideal-100", "--clients", "300"];
    golden("run.md", &arguments);
    golden("run.json", &[arguments.as_slice(), &["--format", "json"]].concat());
    golden("run.csv", &[arguments.as_slice(), &["--format", "csv"]].concat());
    let seconds = ["run", POLICIES[0], "--scenario", "outage-0-ideal-10", "--seconds", "--format", "csv"];
    golden("seconds.csv", &[seconds.as_slice(), &["--clients", "300"]].concat());
}

#[test]
fn several_policies_in_drawn_scenarios() {
    let arguments = ["compare", POLICIES[0], POLICIES[1], "--count", "6", "--clients", "200"];
    golden("compare.md", &arguments);
    golden("compare.csv", &[arguments.as_slice(), &["--format", "csv"]].concat());
    golden("unlimited.md", &[arguments.as_slice(), &["--unlimited"]].concat());
    golden("each.md", &[arguments.as_slice(), &["--each"]].concat());
}

#[test]
fn the_best_of_a_grid() {
    let grid = ["search", "grid.toml", "--axis", "backoff.max_ms=10000,60000"];
    let arguments = [grid.as_slice(), &["--count", "3", "--clients", "60"]].concat();
    golden("search.md", &arguments);
    golden("search-all.csv", &[arguments.as_slice(), &["--all", "--format", "csv"]].concat());
    // No client of these is back sooner.
    let bound = ["search", "--axis", "backoff.max_ms=10000", "--lone-drop", "10ms"];
    let none = printed(&[bound.as_slice(), &["--count", "1", "--clients", "20"]].concat());
    assert_eq!(none.lines().count(), 2, "{none}");
}

#[test]
fn every_built_in_scenario_is_a_file_and_every_file_is_built_in() {
    let files = fs::read_dir(package().join("scenarios")).expect("a folder of the project");
    let files: BTreeSet<_> = files
        .map(|file| {
            file.expect("readable").path().file_stem().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    let rows = |set: &str| {
        let arguments =
            ["compare", POLICIES[0], "--scenarios", set, "--clients", "20", "--each", "--format", "csv"];
        let table = printed(&arguments);
        table
            .lines()
            .skip(1)
            .map(|row| row.split(',').nth(1).expect("a name").to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(rows("all"), files);
    assert_eq!(rows("../scenarios"), files);
    let listed = printed(&["list", "--format", "csv"]);
    for file in files {
        assert!(listed.contains(&format!("scenario,{file},")), "{file}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing_and_the_seed_does() {
    let compare = ["compare", POLICIES[0], POLICIES[1], "--count", "6", "--clients", "30", "--format", "csv"];
    let search = ["search", "grid.toml", "--count", "2", "--clients", "20", "--all", "--format", "csv"];
    for arguments in [compare.as_slice(), &search] {
        let with = |more: &[&str]| printed(&[arguments, more].concat());
        let one = with(&["--threads", "1"]);
        for threads in ["2", "7"] {
            assert_eq!(with(&["--threads", threads]), one, "{threads} threads");
        }
        assert_ne!(with(&["--seed", "2"]), one);
    }
}

/// The first of many drawn scenarios are those of fewer.
#[test]
fn more_scenarios_are_the_same_and_others() {
    let each = |count: &str| {
        printed(&["compare", POLICIES[0], "--count", count, "--clients", "50", "--each", "--format", "csv"])
    };
    let (few, many) = (each("3"), each("5"));
    assert!(many.starts_with(&few) && many.lines().count() == 6);
}

/// With another number of clients a scenario's ideal stays, so that what it comes to is alike.
#[test]
fn the_number_of_clients_leaves_the_ideal() {
    let ratio = |clients: &str| {
        let set = ["--scenarios", "outage-30-ideal-100", "--clients", clients];
        let table =
            printed(&[["compare", POLICIES[0], "--each", "--format", "csv"].as_slice(), &set].concat());
        let mut rows = table.lines().map(|row| row.split(','));
        let (keys, mut values) = (rows.next().expect("keys"), rows.next().expect("values"));
        let at = keys.into_iter().position(|key| key == "ratio").expect("a ratio");
        values.nth(at).expect("a ratio").parse::<f64>().expect("a number")
    };
    let (few, many) = (ratio("400"), ratio("4000"));
    assert!((few / many - 1.0).abs() < 0.15, "{few} and {many}");
}

#[test]
fn settings_in_a_name_are_those_of_a_file() {
    let row = |policy: &str| {
        let compare = ["compare", policy, "--count", "3", "--clients", "50", "--format", "csv"];
        let table = printed(&compare);
        // The name may have commas in quotes.
        table.lines().nth(1).expect("a row").rsplit(',').take(8).collect::<Vec<_>>().join(",")
    };
    let folder = folder("settings");
    let file = folder.join("same.json");
    fs::write(&file, r#"{"preset": "grpc", "backoff": {"max_ms": 60000, "factor": "3/2"}}"#)
        .expect("written");
    let line = folder.join("line.json");
    fs::write(
        &line,
        r#"{"seed": 7, "preset": "grpc", "config": {"backoff": {"max_ms": 60000, "factor": "3/2"}}}"#,
    )
    .expect("written");
    let named = row("grpc:backoff.max_ms=60000,backoff.factor=3/2");
    assert_eq!(row(&file.display().to_string()), named);
    assert_eq!(row(&line.display().to_string()), named);
    assert_ne!(row("grpc"), named);
}

/// Every command of the README runs, and its files are read.
#[test]
fn the_readme_holds() {
    let readme = fs::read_to_string(package().join("README.md")).expect("a file of the project");
    let folder = folder("readme");
    let run = |command: &str, more: &[&str]| {
        let mut words: Vec<_> = command.split_whitespace().collect();
        words.extend_from_slice(more);
        let output = storm(&words).current_dir(&folder).output().expect("the program runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    };
    let commands =
        readme.lines().filter_map(|line| line.strip_prefix("cargo run --release -p redial-storm -- "));
    let mut count = 0;
    for command in commands {
        let few: &[&str] = match command.split(' ').next() {
            Some("list") => &[],
            Some("run") => &["--clients", "20"],
            _ if command.starts_with("draw load") => &["--clients", "20"],
            _ => &["--clients", "20", "--count", "1"],
        };
        run(command, few);
        count += 1;
    }
    let blocks: Vec<_> =
        readme.split("```toml").skip(1).filter_map(|block| block.split("```").next()).collect();
    let [policy, grid] = blocks[..] else { panic!("{blocks:?}") };
    fs::write(folder.join("policy.toml"), policy).expect("written");
    fs::write(folder.join("grid.toml"), grid).expect("written");
    run("compare policy.toml --count 1 --clients 20", &[]);
    run("search grid.toml --count 1 --clients 20", &[]);
    assert_eq!(count, 6);
}

/// The limits of peers are lifted in both forms: of attempts, and at the end of a table.
#[test]
fn without_limits_everybody_comes_back() {
    let never = |more: &[&str]| {
        let set =
            ["compare", "signalr", "backon", "--count", "2", "--clients", "50", "--each", "--format", "csv"];
        let table = printed(&[set.as_slice(), more].concat());
        table.lines().skip(1).map(|row| row.rsplit(',').next() != Some("0")).collect::<Vec<_>>()
    };
    assert_eq!(never(&[]), [true; 4]);
    assert_eq!(never(&["--unlimited"]), [false; 4]);
}

/// A reader that goes away is no failure.
#[test]
fn a_closed_pipe_ends_it_quietly() {
    let arguments =
        ["run", POLICIES[0], "--scenario", "outage-300-ideal-1000", "--clients", "500", "--seconds"];
    let mut child = storm(&arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
