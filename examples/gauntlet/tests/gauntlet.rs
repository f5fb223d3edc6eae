//! The program on clients: one that must fail, and this project's own, which must not.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const GAUNTLET: &str = env!("CARGO_BIN_EXE_gauntlet");
const WEBSOCKET: &str = env!("CARGO_BIN_EXE_redial-websocket");
const MQTT: &str = env!("CARGO_BIN_EXE_redial-mqtt");

fn gauntlet(arguments: &[&str]) -> Output {
    Command::new(GAUNTLET).args(arguments).output().expect("the program was built")
}

fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Plays these faults, and gives what was written as JSON.
fn play(shape: &str, only: &str, more: &[&str], client: &[&str]) -> (Option<i32>, Value) {
    let path = temporary(&format!("{shape}-{}.json", only.replace(['*', ','], "_")));
    let file = path.display().to_string();
    let arguments =
        [&[shape, "--only", only, "--seed", "7", "--json", &file], more, &["--"], client].concat();
    let output = gauntlet(&arguments);
    let text = std::fs::read_to_string(&path).expect("a report");
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), report)
}

fn outcomes(report: &Value) -> Vec<(&str, &str, &str)> {
    let text =
        |played: &'_ Value, key: &str| played.get(key).and_then(Value::as_str).map(str::to_owned).unwrap();
    let results = report.get("results").and_then(Value::as_array).unwrap();
    let leak = |text: String| -> &'static str { text.leak() };
    results
        .iter()
        .map(|played| {
            (leak(text(played, "name")), leak(text(played, "outcome")), leak(text(played, "reason")))
        })
        .collect()
}

#[test]
fn a_naive_client_fails_what_it_must() {
    let only = "flapping,flapping-close,backoff-refused,http-401-always,http-200-always,close-1008-always,close-1012,close-1013,herd,ping,close-answered";
    let (status, report) = play("websocket", only, &[], &[GAUNTLET, "naive", "{url}"]);
    assert_eq!(status, Some(1));
    for (name, outcome, reason) in outcomes(&report) {
        assert_eq!(outcome, "fail", "{name}: {reason}");
        assert!(reason.contains(|c: char| c.is_ascii_digit()), "{name} has no measured number: {reason}");
    }
    // What needs no manners it does.
    let (status, report) = play("websocket", "fin,reset,close-1011", &[], &[GAUNTLET, "naive", "{url}"]);
    assert_eq!(status, Some(0), "{report}");
}

#[test]
fn a_websocket_client_of_this_project_passes() {
    let only = "fin,reset*,close-1000,ping,masked-frame,invalid-utf8,glued-frame,wrong-accept,close-answered,resubscribe,http-401-always,stop-*";
    let (status, report) = play("websocket", only, &["--with", "subscriptions"], &[WEBSOCKET, "{url}"]);
    assert_eq!(status, Some(0), "{:?}", outcomes(&report));
    assert!(outcomes(&report).iter().all(|(_, outcome, _)| *outcome == "pass"), "{:?}", outcomes(&report));
}

#[test]
fn an_mqtt_client_of_this_project_passes() {
    let only = "fin,reset*,publish,connack-bad-credentials,connack-unavailable,session-unasked,packet-*,session-kept,stop-*";
    let (status, report) = play("mqtt", only, &[], &[MQTT, "{host}", "{port}"]);
    assert_eq!(status, Some(0), "{:?}", outcomes(&report));
    for (name, outcome, reason) in outcomes(&report) {
        let expected = if name == "session-kept" { "not-applicable" } else { "pass" };
        assert_eq!(outcome, expected, "{name}: {reason}");
    }
}

#[test]
fn what_can_not_be_used_is_told_in_one_line() {
    let cases: [(&[&str], &str); 9] = [
        (&["websocket"], "no client"),
        (&["websocket", "--only", "nonsense", "--", "true"], "no fault \"nonsense\""),
        (&["websocket", "--", "/no/such/program"], "can't be started"),
        (&["websocket", "--", "true"], "ended before it was connected"),
        (&["websocket", "--slow", "0", "--", "true"], "not between 0.1 and 100"),
        (&["websocket", "--json", "/no/such/folder/x.json", "--", "true"], "/no/such/folder/x.json"),
        (&["table", "/no/such/file.json"], "/no/such/file.json"),
        (&["naive", "http://127.0.0.1:1"], "no ws://HOST:PORT"),
        (&["websockets"], "see --help"),
    ];
    for (arguments, expected) in cases {
        let output = gauntlet(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
        assert!(error.starts_with("gauntlet: ") && error.contains(expected), "{arguments:?}: {error}");
    }
}

/// Neither a finished run nor one that is interrupted leaves a client behind.
#[test]
fn no_client_outlives_the_run() {
    let mark = format!("{}", std::process::id());
    let running = || {
        let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
        let commands = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        commands
            .filter(|command| {
                let command = String::from_utf8_lossy(command);
                command.contains("GAUNTLET_MARK") && command.contains(&mark) && !command.contains("--only")
            })
            .count()
    };
    let script = format!("{WEBSOCKET} {{url}} & wait # GAUNTLET_MARK {mark}");
    let arguments = ["websocket", "--only", "half-open,late-upgrade", "--", "sh", "-c", &script];
    let mut run =
        Command::new(GAUNTLET).args(arguments).stderr(Stdio::null()).spawn().expect("the program was built");
    let started = (0..100).any(|_| {
        pause();
        running() == 2
    });
    assert!(started, "the clients were not started");
    let id = nix::unistd::Pid::from_raw(i32::try_from(run.id()).unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).expect("it runs");
    assert_eq!(run.wait().expect("it ends").code(), Some(2));
    let gone = (0..50).any(|_| {
        pause();
        running() == 0
    });
    assert!(gone, "{} clients outlive the run", running());
}

#[expect(clippy::disallowed_methods, reason = "it waits for other processes")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(100));
}

#[test]
fn the_list_names_what_each_fault_asks_for() {
    let total: usize = ["websocket", "discord", "mqtt"]
        .iter()
        .map(|shape| {
            let output = gauntlet(&[shape, "--list"]);
            assert!(output.status.success());
            String::from_utf8_lossy(&output.stdout).lines().count()
        })
        .sum();
    assert!(total >= 60, "{total}");
    let one = gauntlet(&["discord", "--list", "--only", "zombie"]);
    assert!(String::from_utf8_lossy(&one.stdout).contains("Discord, \"Heartbeat Interval\""));
}

#[test]
fn a_report_is_junit_and_a_table_as_well() {
    let (json, xml) = (temporary("report.json"), temporary("report.xml"));
    let (json, xml) = (json.display().to_string(), xml.display().to_string());
    let files = ["--name", "a <client> & more", "--json", &json, "--junit", &xml];
    let arguments = [
        &["websocket", "--only", "ping,resubscribe,close-1013"],
        &files[..],
        &["--", GAUNTLET, "naive", "{url}"],
    ]
    .concat();
    assert_eq!(gauntlet(&arguments).status.code(), Some(1));
    let text = std::fs::read_to_string(&xml).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut elements = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) => {
                elements.push(String::from_utf8_lossy(start.name().as_ref()).into_owned());
            }
            _ => {}
        }
    }
    let count = |name: &str| elements.iter().filter(|element| *element == name).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure"), count("skipped")), (1, 3, 2, 1));
    let table = gauntlet(&["table", &json]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        table.contains("| `ping` |") && table.contains("**0 of 2**") && table.contains("- `close-1013`: "),
        "{table}"
    );
}
