//! The program itself, run as a process.

use std::process::{Command, Output, Stdio};

use super::*;

/// The program itself: output, exit status, standard error.
#[test]
#[cfg_attr(miri, ignore = "spawns a process")]
fn the_program() {
    let program = example::build("replay");
    let run = |arguments: &[&str], input: &str| -> Output {
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();

    let example = include_str!("worked_example.jsonl");
    let good = run(&[], example);
    assert_eq!(text(&good.stdout), include_str!("worked_example.out.jsonl"));
    assert_eq!((good.status.code(), text(&good.stderr)), (Some(0), String::new()));

    let bad = run(&[], &example.replace("{\"at\": 20", "{\"att\": 20"));
    assert_eq!(bad.status.code(), Some(2));
    assert!(text(&bad.stderr).starts_with("replay: line 3: unknown key \"att\""), "{}", text(&bad.stderr));
    assert_eq!(text(&bad.stdout).lines().count(), 3);

    let timeline = run(&["--timeline"], example);
    assert_eq!(text(&timeline.stdout), include_str!("worked_example.timeline.txt"));
    for (log, expected) in [
        (include_str!("handover/drained.jsonl"), include_str!("handover/drained.timeline.txt")),
        (include_str!("handover/old-one-first.jsonl"), include_str!("handover/old-one-first.timeline.txt")),
    ] {
        assert_eq!(text(&run(&["--timeline"], log).stdout), expected);
    }
    let (log, expected) = chapter();
    assert_eq!(text(&run(&["--timeline"], log).stdout), expected, "docs/guide/src/incidents.md");
    let odd = run(&[], "{}\n{\"at\": 0, \"event\": \"opened\", \"epoch\": 3}\n");
    assert_eq!(odd.status.code(), Some(0));
    assert_eq!(
        text(&odd.stderr),
        "replay: line 2: \"opened\" can't follow: it is of connection 3, and none was dialled\n"
    );
    let no_file = run(&["--flight"], "");
    assert!(text(&no_file.stderr).contains("\"--flight\" needs a file"), "{}", text(&no_file.stderr));
    let nowhere = run(&["--flight", "/nowhere/at/all"], "");
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(text(&nowhere.stderr).starts_with("replay: /nowhere/at/all: "), "{}", text(&nowhere.stderr));

    let help = run(&["--help"], "");
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).starts_with("replay: a log of facts in"));
    assert_eq!(run(&["incident.jsonl"], "").status.code(), Some(2));
    #[cfg(unix)]
    {
        let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
        for (arguments, said) in [
            (vec![odd], "replay: unknown argument \"\u{fffd}\"; the log"),
            (vec!["--flight".as_ref(), odd], "replay: \u{fffd}: "),
        ] {
            let odd = Command::new(&program).args(arguments).stdin(Stdio::null()).output().unwrap();
            assert_eq!(odd.status.code(), Some(2));
            assert!(text(&odd.stderr).starts_with(said), "{}", text(&odd.stderr));
        }
    }
}

/// The log of the guide's chapter, and the timeline that it shows.
fn chapter() -> (&'static str, &'static str) {
    let text = include_str!("../../docs/guide/src/incidents.md");
    let block =
        |begin| text.split_once(begin).and_then(|(_, rest)| rest.split_once("```\n")).expect("a block").0;
    (block("```json\n"), block("```text\n"))
}

/// A clock that jumps by ages while a ladder without a limit is waiting: an error in the end, not memory without end.
#[test]
fn a_jump_over_ages_is_refused() {
    let log = "{}\n{\"at\": 0, \"event\": \"start\"}\n{\"at\": 18446744073709551}\n";
    assert!(error(log).starts_with("line 3: more than 250000 timers"));
}
