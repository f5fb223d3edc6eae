//! The whole measurement with 50 connections.

use std::process::Command;

const CONNECTIONS: &str = "50";

/// What it prints with these arguments beside those of a small run.
fn measured(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_scale"))
        .args([
            "--connections",
            CONNECTIONS,
            "--repetitions",
            "1",
            "--held",
            "1",
            "--down",
            "3",
            "--patience",
            "120",
        ])
        .args(arguments)
        .output()
        .expect("the program starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    text.into_owned()
}

/// The numbers of the row that begins with `who`.
fn row(text: &str, who: &str) -> Vec<f64> {
    let begin = format!("| {who} | ");
    let row =
        text.lines().find_map(|line| line.strip_prefix(&begin)).unwrap_or_else(|| panic!("{who}: {text}"));
    let cells = row.trim_end_matches(" |").split(" | ");
    cells
        .map(|cell| cell.parse().unwrap_or_else(|_| panic!("{who} has no number but {cell:?}: {text}")))
        .collect()
}

/// One client comes back through the restart, and what it took is told. How many dials were in vain, each.
fn comes_back(name: &str, who: &str) -> f64 {
    let text = measured(&["--only", name]);
    assert!(text.starts_with("## 50 connections\n"), "{text}");
    let [most, all, peak, in_vain, bytes, bytes_at_most, cpu] = row(&text, who)[..] else {
        panic!("{who} has other columns: {text}")
    };
    assert!(0.0 < most && most <= all, "{text}");
    assert!((1.0..=50.0).contains(&peak), "{text}");
    assert!(bytes >= 1_000.0 && bytes_at_most >= bytes, "{text}");
    assert!(cpu > 0.0, "{text}");
    in_vain
}

#[test]
fn a_loop_comes_back_to_a_server_that_was_killed() {
    let in_vain = comes_back("fixed", "a loop that sleeps 1 s");
    assert!(in_vain >= 2.0, "a dial a second while there was no server for 3 s: {in_vain}");
}

#[test]
fn the_loop_around_backon_comes_back_to_a_server_that_was_killed() {
    let in_vain = comes_back("backon", "a loop around backon");
    assert!(in_vain >= 1.0, "at once, when there was no server: {in_vain}");
}

#[test]
fn redial_comes_back_to_a_server_that_was_killed() {
    let in_vain = comes_back("redial-few", "redial, the waits of `presets::FEW`");
    assert!(in_vain > 0.0, "there was no server for 3 s");
}

/// A server that accepts ten a second takes five seconds for them, whatever they do.
#[test]
fn no_more_are_accepted_in_a_second_than_was_said() {
    let text = measured(&["--only", "fixed", "--rate", "10"]);
    let fixed = row(&text, "a loop that sleeps 1 s");
    assert!(fixed[1] >= 4.0, "50 at 10 a second: {text}");
    assert!(fixed[2] <= 12.0, "{text}");
}

#[test]
fn all_get_up_that_dial_at_once() {
    let text = measured(&["--only", "lines-by-hand,lines-stubborn,lines-redial"]);
    for who in ["written by hand", "stubborn-io", "redial"] {
        assert_eq!(row(&text, who)[0], 50.0, "{text}");
    }
}

#[test]
fn an_argument_that_can_not_be_used_is_one_line_that_says_so() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_scale")).args(["--connections", "0"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("--connections") && text.contains("1..=1000000"), "{text}");
}
