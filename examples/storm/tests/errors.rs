//! Everything that a user can get wrong: one line that says where, why, and what would be right.

mod common;

use std::fs;

use common::{folder, output};

/// What it says on standard error; it must print nothing, and end with status 2.
fn said(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {output:?}");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.lines().count() == 1 && said.ends_with('\n'), "{said}");
    said.strip_prefix("storm: ").expect("its name").trim_end().to_owned()
}

#[test]
fn scenarios() {
    let folder = folder("scenarios");
    let cases: &[(&[u8], &str)] = &[
        (b"title = \"x\"\nclients = 0", ":2:11: clients must be from 1 to 10000000"),
        (b"title = \"x\"\nclients = 5000000000", ":2:11: clients must be from 1 to 10000000"),
        (b"title = \"x\"\nper_second = 0", ":2:14: per_second must be from 1 to 1000000000"),
        (b"ideal = \"3s\"", ":1:1: missing field `title`"),
        (
            b"title = \"x\"\nideal = \"3 fortnights\"",
            ":2:9: \"3 fortnights\" is no duration; write one such as \"30s\", \"250ms\" or \"1m 30s\"",
        ),
        (b"title = \"x\"\nideal = 3", ":2:9: invalid type: integer `3`, expected a duration such as \"30s\""),
        (b"title = \"x\"\nclients = \"3\"", ":2:11: invalid type: string \"3\", expected a whole number"),
        (b"title = \"x\"\nheeded = \"3\"", ":2:10: invalid type: string \"3\", expected a number"),
        (
            b"title = \"x\"\nideal = \"0s\"",
            ":2:9: ideal must be above 0; leave it out for servers that take all that come",
        ),
        (
            b"title = \"x\"\nideal = \"3s\"\nper_second = 3",
            ":2:9: both ideal and per_second say what the servers take; leave one out",
        ),
        (b"title = \"x", ":1:11: invalid basic string, expected `\"`"),
        (b"\xc3\xa9 = 1\ntitle = \"\xff\"", ":2:10: this is no text in UTF-8"),
        (
            b"title = \"x\"\n[[capacity]]\nshare = -1",
            ":3:9: share must be from 0, where the server is down, to 1000",
        ),
        (
            b"title = \"x\"\n[[capacity]]\nshare = nan",
            ":3:9: share must be from 0, where the server is down, to 1000",
        ),
        (b"title = \"x\"\n[[capacity]]\nfrom = \"3s\"", ":2:1: missing field `share`"),
        (b"title = \"x\"\n[[capacity]]\nregion = 4\nshare = 1", ":3:10: region must be from 0 to 3"),
        (
            b"title = \"x\"\n[[loss]]\nzone = [4, 4]",
            ":3:8: zone must be a number and of how many, such as [0, 4] for the first of 4",
        ),
        (
            b"title = \"x\"\n[[loss]]\nwindow = \"4s\"",
            ":3:10: a window is told with a warning; say how long before the loss with warned",
        ),
        (
            b"title = \"x\"\n[[loss]]\nwhen = \"4s\"",
            ":3:1: unknown field `when`, expected one of `at`, `over`, `zone`, `warned`, `window`",
        ),
        (
            b"title = \"x\"\nserver = { qeue = \"4s\" }",
            ":2:12: unknown variant `qeue`, expected `bucket` or `queue`",
        ),
        (
            b"title = \"x\"\nfailure = \"slow\"",
            ":2:11: unknown variant `slow`, expected `refused` or `silent`",
        ),
        (
            b"title = \"x\"\nnetwork = [\"4s\", \"3s\"]",
            ":2:11: network must be the shortest and the longest time one way, such as [\"5ms\", \"60ms\"]; the longest at least 1ms",
        ),
        (
            b"title = \"x\"\nhints = { appointments = 5 }",
            ":2:26: appointments must be how far the server overbooks, from 0.1 to 4, such as 1.5",
        ),
        (b"title = \"x\"\nheeded = 1.5", ":2:10: heeded must be a number from 0 to 1"),
        (b"title = \"x\"\nidentify_cost = -1", ":2:17: identify_cost must be a number from 0 to 10000"),
        (b"title = \"x\"\naccepts_then_drops = { until = \"3s\" }", ":2:22: missing field `after`"),
    ];
    for (text, message) in cases {
        let file = folder.join("wrong.toml");
        fs::write(&file, text).expect("written");
        let file = file.display().to_string();
        assert_eq!(said(&["run", "grpc", "--scenario", &file]), format!("{file}{message}"));
        assert_eq!(said(&["compare", "grpc", "--scenarios", &file]), format!("{file}{message}"));
    }
    // A file among good ones is named.
    fs::write(folder.join("good.toml"), "title = \"x\"").expect("written");
    let set = said(&["compare", "grpc", "--scenarios", &folder.display().to_string()]);
    assert!(set.contains("wrong.toml:2:22: "), "{set}");
}

/// The message for an unknown key lists those that there are, and each is documented.
#[test]
fn every_key_of_a_scenario_is_documented() {
    let file = folder("keys").join("wrong.toml");
    fs::write(&file, "title = \"x\"\nidel = \"3s\"").expect("written");
    let said = said(&["run", "grpc", "--scenario", &file.display().to_string()]);
    let (place, keys) = said.split_once(": unknown field `idel`, expected one of ").expect("a list");
    assert!(place.ends_with("wrong.toml:2:1"), "{place}");
    let readme = fs::read_to_string(common::package().join("README.md")).expect("a file of the project");
    let keys: Vec<_> = keys.split(", ").collect();
    assert_eq!(keys.len(), 18);
    for key in keys.iter().chain(&["`at`", "`over`", "`zone`", "`warned`", "`region`", "`from`", "`share`"]) {
        assert!(readme.contains(key), "{key} is not in the README");
    }
}

#[test]
fn names_and_folders() {
    let empty = folder("empty").display().to_string();
    for (arguments, message) in [
        (
            ["run", "grpc", "--scenario", "metastabel-queue"],
            "\"metastabel-queue\": no such scenario, and no such file (did you mean \"metastable-queue\"?); `storm list` has the names",
        ),
        (
            ["run", "gprc", "--scenario", "lone-drop"],
            "\"gprc\": no preset of this name, and no such file (did you mean \"grpc\"?); `storm list` has the names",
        ),
        (["run", "grpc", "--scenario", "no.toml"], "no.toml: No such file or directory (os error 2)"),
        (["run", "no.json", "--scenario", "lone-drop"], "no.json: No such file or directory (os error 2)"),
        (
            ["compare", "grpc", "--scenarios", "xyzzy"],
            "\"xyzzy\": no such scenario, and no such file; `storm list` has the names",
        ),
    ] {
        assert_eq!(said(&arguments), message);
    }
    let said = said(&["compare", "grpc", "--scenarios", &empty]);
    assert_eq!(said, format!("{empty}: no scenario in this folder; they are files with the ending .toml"));
}

#[test]
fn policies() {
    let folder = folder("policies");
    for (name, text, message) in [
        (
            "a.json",
            "{\"backoff\": {\n  \"max\": 3}}",
            ":2:10: unknown key \"backoff.max\"; did you mean \"max_ms\"?",
        ),
        (
            "b.json",
            "{\"backoff\": {\n  \"max_ms\": 3.5}}",
            ":2:13: \"backoff.max_ms\" must be an integer from 0 to 18446744073709551615, not 3.5",
        ),
        ("c.json", "{\"backoff\": {\n  \"max_ms\": }}", ":2:13: expected value"),
        ("d.json", "[1]", ":1:1: invalid type: sequence, expected a map"),
        (
            "e.json",
            "{\"preset\": \"gprc\"}",
            ":1:12: unknown \"preset\" \"gprc\"; `storm list` has the names",
        ),
        ("f.json", "{\"preset\": 3}", ":1:12: \"preset\" must be a name, not 3"),
        (
            "g.json",
            "{\"seed\": 7,\n \"config\": {\"backoff\": {\"max\": 3}}}",
            ":2:32: unknown key \"config.backoff.max\"; did you mean \"max_ms\"?",
        ),
        (
            "h.json",
            "{\"config\": {},\n \"max_attempts\": 3}",
            ":2:18: \"max_attempts\" stands beside \"config\"; it must stand in it",
        ),
        ("i.toml", "[backoff]\nmax = 3", ":2:7: unknown key \"backoff.max\"; did you mean \"max_ms\"?"),
        (
            "j.toml",
            "max_attempts = \"a\"",
            ":1:16: \"max_attempts\" must be an integer from 0 to 4294967295, not \"a\"",
        ),
        ("k.toml", "max_attempts = ", ":1:16: string values must be quoted, expected literal string"),
    ] {
        let file = folder.join(name);
        fs::write(&file, text).expect("written");
        let file = file.display().to_string();
        assert_eq!(said(&["run", &file, "--scenario", "lone-drop"]), format!("{file}{message}"));
    }
    for (policy, message) in [
        (
            "grpc:backoff.max_ms=x",
            "\"backoff.max_ms\" must be an integer from 0 to 18446744073709551615, not \"x\"",
        ),
        ("grpc:max_attempts=1,x", "\"x\" is no setting; write backoff.max_ms=60000"),
        ("grpc:backoff=1,backoff.max_ms=3", "\"backoff.max_ms\" is set twice"),
    ] {
        assert_eq!(said(&["run", policy, "--scenario", "lone-drop"]), format!("{policy:?}: {message}"));
    }
}

#[test]
fn grids() {
    let folder = folder("grids");
    for (text, message) in [
        ("[axes]\n\"backoff.max_ms\" = 3", ":2:20: axis \"backoff.max_ms\" must be a list of values"),
        (
            "[axes]\nbackoff.max_ms = [1]\nmax_attempts = []",
            ":3:16: axis \"max_attempts\" must be a list of values",
        ),
        ("[axes]\n\"backoff.max_ms\" = []", ":2:20: axis \"backoff.max_ms\" must be a list of values"),
        ("[axe]", ":1:2: unknown field `axe`, expected `over` or `axes`"),
    ] {
        let file = folder.join("wrong.toml");
        fs::write(&file, text).expect("written");
        let file = file.display().to_string();
        assert_eq!(said(&["search", &file]), format!("{file}{message}"));
    }
    let many: String = (0..1_001).map(|number| format!("{number},")).collect();
    let many = many.trim_end_matches(',');
    let (a, b) = (format!("max_attempts={many}"), format!("min_interval_ms={many}"));
    for (arguments, message) in [
        (vec!["search"], "no axis; name a file, or write --axis backoff.max_ms=30000,60000"),
        (
            vec!["search", "--axis", "max_attempts"],
            "\"max_attempts\" is no axis; write backoff.max_ms=30000,60000",
        ),
        (
            vec!["search", "--axis", "max_attempts=x"],
            "max_attempts=x: \"max_attempts\" must be an integer from 0 to 4294967295, not \"x\"",
        ),
        (
            vec!["search", "--axis", &a, "--axis", &b],
            "the grid has more than 100000 combinations; leave some values out",
        ),
    ] {
        assert_eq!(said(&arguments), message);
    }
}

/// What is no config among many is left out, and said.
#[test]
fn some_combinations_of_a_grid_may_be_no_config() {
    let over = ["search", "--over", "policies/full.json", "--count", "1", "--clients", "10"];
    let output = output(&[over.as_slice(), &["--axis", "backoff.max_ms=1,30000"]].concat());
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{said}");
    assert_eq!(
        said,
        "storm: left out 1 of 2 combinations: backoff.max_ms=1: \"backoff\": the initial delay is above the maximum\n"
    );
}

/// No text makes it panic.
#[test]
fn broken_files_are_refused() {
    let folder = folder("broken");
    let good = "title = \"x\"\nideal = \"3s\"\nserver = { queue = \"4s\" }\n[[loss]]\nzone = [0, 4]\n[[capacity]]\nshare = 0.5\n";
    for cut in (1..good.len()).step_by(7) {
        for text in [&good[..cut], &good[cut..], &good.replacen('=', "[", cut / 7)] {
            let file = folder.join("broken.toml");
            fs::write(&file, text).expect("written");
            let output = output(&[
                "run",
                "policies/full.json",
                "--clients",
                "1",
                "--seconds",
                "--scenario",
                &file.display().to_string(),
            ]);
            assert!(matches!(output.status.code(), Some(0 | 2)), "{text}: {output:?}");
        }
    }
}
