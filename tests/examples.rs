//! The starter examples, run as a user runs them. Those that need a server get one that is killed and restarted.

#[cfg(all(feature = "blocking", feature = "tokio"))]
#[path = "examples/lines.rs"]
mod lines;
#[cfg(all(feature = "blocking", feature = "tokio"))]
#[path = "common/port.rs"]
mod port;

#[cfg(feature = "chacha")]
use std::io::Write;
use std::path::Path;
use std::process::Command;
#[cfg(feature = "chacha")]
use std::process::Stdio;

/// Cargo builds the examples beside the tests, but for `cargo test --test examples`, which builds this test alone.
fn example(name: &str) -> Command {
    let mut path = std::env::current_exe().expect("this test");
    path.pop();
    path.pop();
    let path = path.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("rs");
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    assert!(
        changed(&path) >= changed(&source),
        "{name} is not built: run `cargo build --all-features --examples` first"
    );
    Command::new(path)
}

fn output(name: &str) -> String {
    let output = example(name).output().expect("the example runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn backoff_stays_below_its_ceiling() {
    let text = output("backoff");
    let waits = text.lines().filter(|line| line.starts_with("failure "));
    assert_eq!(waits.count(), 8, "{text}");
    assert!(text.contains("failure 8: wait ") && text.contains("of at most 30s"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.ends_with("lost in 3 failures")), "{text}");
}

#[test]
fn subscriptions_are_sent_again_where_the_server_has_lost_them() {
    let expected = [
        r#"a new session: send ["orders", "lobby", "news"]"#,
        r#"resumed: send ["news"]"#,
        r#"a new session: send ["orders", "lobby", "news"]"#,
    ];
    assert_eq!(output("subscriptions").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_session_is_resumed_by_the_next_connection_and_the_next_process() {
    let text = output("resume");
    assert!(text.contains("then a resume at the session's endpoint"), "{text}");
    assert!(
        text.contains(r#"resume Some("token-17") after Some(41) at Some("wss://eu-3.example")"#),
        "{text}"
    );
    assert!(text.ends_with("the next process dials to resume the session, after Some(41)\n"), "{text}");
}

#[test]
fn firmware_goes_on_over_the_wrap_of_its_tick() {
    let text = output("embedded");
    let mut ticks = text
        .lines()
        .map(|line| line.split_whitespace().next().expect("a tick").parse::<u32>().expect("a number"));
    assert!(ticks.next() > Some(u32::MAX - 20_000) && ticks.any(|tick| tick < 1_000_000), "{text}");
    assert_eq!(text.matches("subscribe to 7").count(), text.matches("Open").count(), "{text}");
    assert!(text.matches("Open").count() >= 3, "{text}");
}

/// Runs the replay on this log.
#[cfg(feature = "chacha")]
fn replay(arguments: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let mut child = example("replay")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example runs");
    child.stdin.take().expect("piped").write_all(input).expect("read");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(feature = "chacha")]
#[test]
fn the_replay_says_what_to_write_instead() {
    let refused = "{}\n{\"at\": 0, \"event\": \"start\"}\n\
                   {\"at\": 1, \"event\": \"open_failed\", \"cause\": {\"io\": \"refused\"}}\n";
    for (log, reason) in [
        ("\u{feff}{}\n", "line 1: a byte order mark (BOM) of UTF-8; save the log as UTF-8 without one"),
        (refused, "did you mean \"connection_refused\"? The names, nearest first: connection_refused, "),
        (
            "{\"config\": {\"backoff\": {\"jitter\": \"ful\"}}}\n",
            "or an object such as {\"plus_minus\": \"0.2\"} or {\"window\": [\"0.2\", \"1\"]}, not \"ful\"",
        ),
    ] {
        let (code, error) = replay(&[], log.as_bytes());
        assert!(code == Some(2) && error.contains(reason), "{error}");
    }
    let (_, error) = replay(&[], b"\xff\xfe{\0}\0\n\0");
    assert!(error.contains("a byte order mark (BOM) of UTF-16"), "{error}");
}

/// The set-up that was not recorded is asked for, and one with another config is called that.
#[cfg(feature = "chacha")]
#[test]
fn a_flight_names_a_config_that_is_not_its_own() {
    use redial::record::{FlightRecorder, Names};
    use redial::{Event, Instant, Policy, SplitMix64, presets};

    let policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    let other = FlightRecorder::<_, 256>::new(&policy).with_set_up("{\"preset\": \"websocket\"}");
    let file = std::env::temp_dir().join(format!("redial-flight-{}.bin", std::process::id()));
    let path = file.to_str().expect("text");
    let fly = |mut recorder: FlightRecorder<_, 256>, input: &str| {
        recorder.event(Instant::ZERO, &Event::Start);
        let mut bytes = [0; 2_048];
        let length = recorder.dump(Names::Shown, &mut bytes).expect("room");
        std::fs::write(&file, &bytes[..length]).expect("written");
        let output = replay(&["--flight", path], input.as_bytes());
        std::fs::remove_file(&file).expect("removed");
        output
    };
    let untold = || FlightRecorder::new(&policy);
    assert_eq!(fly(untold(), "{\"preset\": \"recommended\"}\n"), (Some(0), String::new()));
    let config = serde_json::to_string(&presets::RECOMMENDED).expect("a table of the crate's");
    assert_eq!(fly(untold(), &format!("{{\"config\": {config}}}\n")), (Some(0), String::new()));
    let expected = |than: &str| {
        let error = format!(
            "replay: {path}: the dump was taken under another config than {than}; one of Config::new in Rust has \
             \"hint\": {{\"spread\": \"1\"}}, where a set-up without it has \"0\"\n"
        );
        (Some(2), error)
    };
    assert_eq!(fly(untold(), "{\"preset\": \"websocket\"}\n"), expected("the one on standard input"));
    assert_eq!(fly(other, ""), expected("the set-up in it says"));
}
