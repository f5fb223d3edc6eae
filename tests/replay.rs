//! The `replay` example against its contract: golden logs, errors, the config.

#[path = "replay/beside.rs"]
mod beside;
#[path = "replay/configs.rs"]
mod configs;
#[path = "../examples/replay/engine.rs"]
mod engine;
#[path = "common/example.rs"]
mod example;
#[path = "replay/lines.rs"]
mod lines;
#[path = "replay/program.rs"]
mod program;
#[path = "replay/recorded.rs"]
mod recorded;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use engine::Replay;
use engine::set_up::SetUp;
use redial::{BackoffConfig, Config, Ratio};

fn set_up(json: &str) -> Result<SetUp, String> {
    SetUp::parse(&serde_json::from_str(json).unwrap())
}

fn config(json: &str) -> Config {
    set_up(&format!("{{\"config\": {json}}}")).unwrap_or_else(|error| panic!("{json}: {error}")).config
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const PLAIN: BackoffConfig = BackoffConfig::exponential(ms(1_000), Ratio::TWO, ms(30_000)).build_const();

/// What a log prints, and the error that ends it, if one does.
fn replay(log: &str) -> (String, Result<(), String>) {
    let (mut out, mut replay) = (String::new(), Replay::default());
    for line in log.lines() {
        if let Err(error) = replay.line(line.as_bytes(), &mut out) {
            return (out, Err(error));
        }
    }
    let finished = replay.finish(&mut out);
    (out, finished)
}

fn error(log: &str) -> String {
    replay(log).1.expect_err(log)
}

/// The log prints exactly this, twice.
fn golden(log: &str, expected: &str) {
    let (out, result) = replay(log);
    assert_eq!(result, Ok(()));
    for (number, (found, wanted)) in out.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, wanted, "line {}", number + 1);
    }
    assert_eq!(out, expected);
    assert_eq!(replay(log).0, out);
    for line in out.lines() {
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.is_object()),
            "{line}"
        );
    }
}

/// A Cortex-M3, WebAssembly in Node and Chromium, and C play these too, and compare their bytes with these files: `ci/c.sh`,
/// `ci/embedded.sh`, `ci/js.sh`.
#[test]
fn the_logs_that_every_host_plays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let logs = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    let logs: Vec<_> = logs.filter(|path| path.extension().is_some_and(|of| of == "log")).collect();
    assert!(logs.len() >= 2);
    for log in logs {
        let read = |path: &Path| fs::read_to_string(path).expect("text");
        golden(&read(&log), &read(&log.with_extension("out")));
    }
}

macro_rules! golden {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            golden(
                include_str!(concat!("replay/", stringify!($name), ".jsonl")),
                include_str!(concat!("replay/", stringify!($name), ".out.jsonl")),
            );
        }
    )*};
}

golden! {
    /// The contract's own example, byte for byte.
    worked_example
    /// A gateway's day. S45, S46: the mark neither moves back nor is touched before the resume. S64, S65: a beat that was
    /// asked for. S35: a reconnect request to a stable session. S62: a zombie. S50: the base endpoint after the session's
    /// own. S41: the refused session's wait above the ladder's. S49: a fatal code.
    discord
    /// S33, S34: a ladder that only a held connection resets. S89, S91: the breaker opens, probes, opens for longer, and
    /// the later of it and the ladder counts. S40: a hint above the ladder. S22: a late "opened".
    flapping
    /// Holds as a set, network, page, sleep (S84), a host that can't dial just now (S20), `stop` with `keep` (S55), a time
    /// to live that starts anew with every loss, and a clock that runs backwards (S98).
    host
    /// S75, S80, S86: refreshed once at once, then along the ladder; nothing goes on without authentication.
    auth
    /// S76 to S78 and the order of the batches; any traffic as a sign of life (S66).
    restore
    /// Report 38: what is not answered in time is sent again, along the backoff, and anew on the next connection.
    report_38
    /// Report 42: notices of a gap between a failure and the next send change nothing, and later ones climb.
    report_42
    /// Report 42: the same with numbered answers, which are stale. Report 91: the end of a subscription that is no refusal.
    report_42_numbered
    /// Lifecycle 71 to 77: a walk of three endpoints, its limits, and a long outage.
    endpoints
    /// F72, S56, lifecycle 64: processes that end in a wait, while connected, during a dial and with nothing to leave; a
    /// next process at once and later; epochs that go on counting; a session that expires meanwhile; every way in which a
    /// snapshot can be refused, and the fresh start after it.
    restart
    /// F104 to F107, lifecycle 95: failing until a connection is established, alerts that come and go, counters.
    health
    /// Report 73: a night in a hidden tab, an hour without network and 50 s asleep are no slow recoveries: 110, 140 and
    /// 120 ms, the time in which something could be tried.
    nights
    /// F76, F77, S60: a fresh dial waits for its turn and for the next day, a resume asks nobody; a stop, a hold and the end
    /// of the process leave the line.
    budget
    /// Lifecycle 90 to 92: retries beyond the reserve and the share wait; so do those of a service that fails elsewhere.
    retries
    /// Lifecycle 90: a round of endpoints is one retry, and one that has to wait for another budget is not paid twice; what
    /// others do counts while no process is there.
    shared
    /// Report 93: a connection without others under its throttle, and one under a retry budget without a reserve, is refused
    /// until the cap of the backoff has passed since its last dial, and then dialled.
    lone
    /// Report 54: a server that counts connections, so that a resume takes a start too.
    resumes
    /// Lifecycle 93: a server that takes little is asked less, and again when it takes more.
    adaptive
    /// W01, W02: an outage in windows with the phase of the set-up, and the first wait of the next.
    windows
    /// W25 to W28: a floor, appointments and windows, cut and kept, in a refusal and with a planned restart.
    hints
    /// Report 12: the default route moves during a dial, online with and without an answer, and in a wait.
    network_changed
    /// Report 13: idle, online, during a dial, and in a wait.
    redial
    /// Report 20: another host named during the login, twice, once by a transport that is gone; for one dial each.
    see_other_host
    /// Report 61: a server that moved, until a stop; then more hops than are allowed.
    moved
    /// Report 22: the newest event id, and `retry:` until a stop.
    cursor
    /// Reports 50 and 98: a request with a deadline is obeyed in its first half and not put off by a later one, an old
    /// connection is replaced up to the spread before its age.
    planned
    /// Report 31: a credential with a lifetime is renewed ahead of its end, and asked for again while nobody answers.
    renewal
    /// Report 68: renewed credentials are sent on the connection that is up; a refusal ends it.
    in_band
    /// Report 86: a request for a credential that nobody answers.
    unanswered
    /// Report 65: a page that comes back asks for a sign of life, and repeated news does not put its deadline off.
    visible
    /// A heartbeat that the server sets, for one connection; reports 59 and 84: an answer time of its own.
    keep_alive
    /// Reports 11 and 71: a dial under way in a sleep is begun anew, uncounted; a clock that stood still ages a floor.
    woke
    /// Reports 62 and 75: another client takes the session over, six times within an hour each.
    replaced
    /// Reports 46, 47 and 58: a fatal status with a time to come back, an endpoint of the session that is gone, a service
    /// that is refused five times in a row, and what starts it again.
    deferred
    /// The same draws on every machine. Every wait is in `[250, min(1000 · 2^n, 4000))`.
    jitter
}

/// The logs of the public reports, of which `tests/decisions/reports/reports.tsv` has the list, show what is right for each.
#[test]
fn every_report_is_shown() {
    every_log_of("tests/replay/reports");
}

/// A connection that is replaced before it ends, and everything that can come between.
#[test]
fn every_handover_is_shown() {
    every_log_of("tests/replay/handover");
}

fn every_log_of(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let entries = fs::read_dir(&folder).expect("a folder of the project");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("text"));
    let names = names.filter(|name| !name.ends_with(".timeline.txt"));
    let (mut logs, mut outs): (Vec<_>, Vec<_>) = names.partition(|name| !name.ends_with(".out.jsonl"));
    logs.sort();
    outs.sort();
    let expected: Vec<_> = logs.iter().map(|log| log.replace(".jsonl", ".out.jsonl")).collect();
    assert_eq!(outs, expected, "a log without output, or the other way round");
    for (log, out) in logs.iter().zip(&outs) {
        writeln!(std::io::stdout(), "{log}").expect("a line of output");
        golden(&read(log), &read(out));
    }
}

/// All facts of one instant come before its timers, and a line without event makes them fire too.
#[test]
fn facts_of_an_instant_come_before_its_timers() {
    let log = |last: &str| {
        let start = "{}\n{\"at\": 0, \"event\": \"start\"}\n{\"at\": 10000}\n";
        replay(&format!("{start}{last}")).0
    };
    let timed_out = log("");
    assert!(timed_out.contains("\"at\": 10000, \"state\": \"waiting\", \"why\": \"connect_timeout\""));
    let opened = log("{\"at\": 10000, \"event\": \"opened\"}");
    assert!(opened.contains("\"at\": 10000, \"action\": \"send_fresh\", \"epoch\": 1"));
    assert!(!opened.contains("connect_timeout\"}\n{\"at\": 10000, \"action\": \"close\""));
}

/// The epoch that is left out is the newest at the time of the fact: a timer may have dialled since the last line.
#[test]
fn an_epoch_that_is_left_out_is_the_newest() {
    let log = "{}\n{\"at\": 0, \"event\": \"start\"}\n\
        {\"at\": 5, \"event\": \"open_failed\", \"cause\": {\"timeout\": true}}\n{\"at\": 2000, \"event\": \"opened\"}";
    let (out, _) = replay(log);
    assert!(out.contains("{\"at\": 2000, \"action\": \"send_fresh\", \"epoch\": 2}"), "{out}");
    let (out, _) = replay("{}\n{\"at\": 0, \"event\": \"opened\"}");
    assert_eq!(out, "{\"at\": 0, \"ignored\": \"stale\", \"event\": \"opened\"}\n");
}

/// An endpoint that comes with a loss is a fact of its own to the core, and the line is one fact all the same: stale once,
/// counted once, and ignored only if the loss is.
#[test]
fn a_line_that_names_an_endpoint_is_one_fact() {
    let log = |last: &str| {
        let start = "{\"config\": {\"redirect\": {\"max_hops\": 0}}}\n{\"at\": 0, \"event\": \"start\"}\n";
        let (out, result) = replay(&format!("{start}{last}\n{{\"at\": 9, \"event\": \"stats\"}}"));
        assert_eq!(result, Ok(()));
        out.lines().skip(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let cause = "\"cause\": {\"timeout\": true}, \"endpoint\": \"b\"";
    let stale = log(&format!("{{\"at\": 5, \"event\": \"closed\", \"epoch\": 7, {cause}}}"));
    assert_eq!(stale[0], "{\"at\": 5, \"ignored\": \"stale\", \"event\": \"closed\"}");
    assert!(stale.len() == 2 && stale[1].contains("\"stale\": 1,"), "{stale:?}");
    // One hop too many says nothing, and the loss counts.
    let lost = log(&format!("{{\"at\": 5, \"event\": \"open_failed\", {cause}}}"));
    assert_eq!(lost[0], "{\"at\": 5, \"state\": \"waiting\", \"why\": \"timeout\"}");
    assert_eq!(lost.len(), 3, "{lost:?}");
    // A null is no endpoint.
    let none = log(&format!("{{\"at\": 5, \"event\": \"open_failed\", {}}}", cause.replace("\"b\"", "null")));
    assert_eq!(none, lost);
}

/// Where an open transport is enough, a resumed session keeps its subscriptions all the same; a new one gets them.
#[test]
fn a_resume_that_is_established_on_opening_restores_only_in_a_new_session() {
    let log = |answer: &str| {
        let lines = [
            r#"{"config": {"establish": "on_open"}}"#,
            r#"{"at": 0, "event": "subscribe", "key": "a"}"#,
            r#"{"at": 0, "event": "start"}"#,
            r#"{"at": 10, "event": "opened"}"#,
            r#"{"at": 20, "event": "ready", "id": "s", "seq": 1}"#,
            r#"{"at": 25, "event": "sub_confirmed", "key": "a"}"#,
            r#"{"at": 30, "event": "closed", "cause": {"ws": 1006}}"#,
            r#"{"at": 1040, "event": "opened"}"#,
            answer,
        ];
        let (out, result) = replay(&lines.join("\n"));
        assert_eq!(result, Ok(()));
        out
    };
    let restored = "\"action\": \"restore\"";
    let out = log(r#"{"at": 1050, "event": "resumed"}"#);
    assert_eq!(out.matches(restored).count(), 1, "{out}");
    let out = log(r#"{"at": 1050, "event": "ready", "id": "t"}"#);
    assert_eq!(out.matches(restored).count(), 2, "{out}");
    assert!(
        out.contains("{\"at\": 1050, \"action\": \"restore\", \"epoch\": 2, \"keys\": [\"a\"], \"send\": 2}"),
        "{out}"
    );
}

/// A deadline between two milliseconds is printed and fires at the later one.
#[test]
fn deadlines_are_rounded_up() {
    let log = "{\"config\": {\"backoff\": {\"initial_ms\": 1, \"factor\": \"3/2\"}}}\n{\"at\": 0, \"event\": \"start\"}\n\
        {\"at\": 0, \"event\": \"open_failed\", \"cause\": {\"timeout\": true}}\n\
        {\"at\": 1, \"event\": \"rx\", \"epoch\": 9}\n{\"at\": 1}\n\
        {\"at\": 2, \"event\": \"open_failed\", \"cause\": {\"timeout\": true}}\n{\"at\": 10}";
    let (out, _) = replay(log);
    assert!(out.contains("{\"at\": 2, \"wake\": 4, \"why\": \"backoff\"}"), "{out}");
    assert!(out.contains("{\"at\": 4, \"state\": \"connecting\", \"why\": \"backoff\"}"), "{out}");
}

/// A clock that ran backwards without a fact is passed on too, and what was due before is not lost.
#[test]
fn a_clock_may_run_backwards() {
    let log = "{}\n{\"at\": 5000, \"event\": \"start\"}\n{\"at\": 15000}\n{\"at\": 100}\n";
    let (out, result) = replay(log);
    assert_eq!(result, Ok(()));
    assert!(out.contains("{\"at\": 15000, \"wake\": 16000, \"why\": \"backoff\"}"), "{out}");
    assert!(out.ends_with("{\"at\": 100, \"wake\": 1100, \"why\": \"backoff\"}\n"), "{out}");
}

/// S27, S98: the ends of the numbers. Both deadlines are the end of time, so the wake does not change.
#[test]
fn huge_numbers_are_harmless() {
    let max = u64::MAX;
    let latest = max / 1_000;
    let log = format!(
        "{{\"config\": {{\"backoff\": {{\"max_ms\": {max}, \"initial_ms\": {max}}}, \"connect_timeout_ms\": {max}}}}}\n\
         {{\"at\": 0, \"event\": \"start\"}}\n{{\"at\": {latest}, \"event\": \"open_failed\", \"cause\": {{\"ws\": null}}}}\n\
         {{\"at\": {latest}}}"
    );
    let (out, result) = replay(&log);
    assert_eq!(result, Ok(()));
    assert!(out.ends_with("\"state\": \"waiting\", \"why\": \"no_close_frame\"}\n"), "{out}");
}

#[test]
fn the_first_line_is_the_set_up() {
    for log in ["", "\n\n", "{\"at\": 0, \"event\": \"start\"}", "{\"at\": 0}"] {
        assert!(error(log).contains("the first line must be the set-up"), "{log}");
    }
    assert!(error("\n{\"sede\": 7}").starts_with("line 2: unknown key \"sede\"; did you mean \"seed\"?"));
    let jittered = "{\"config\": {\"backoff\": {\"jitter\": \"full\"}}}";
    assert_eq!(error(jittered), "line 1: \"seed\" is required because a jitter is on");
    assert_eq!(error("{\"preset\": \"recommended\"}"), "line 1: \"seed\" is required because a jitter is on");
    let windows = "\"config\": {\"backoff\": {\"curve\": \"windows\"}}";
    assert_eq!(error(&format!("{{{windows}}}")), "line 1: \"seed\" is required because a jitter is on");
    assert_eq!(replay(&format!("{{\"phase\": \"0.25\", {windows}}}")), (String::new(), Ok(())));
    for phase in ["\"1\"", "0.5", "\"-1\""] {
        let error = error(&format!("{{\"phase\": {phase}, {windows}}}"));
        assert!(error.starts_with("line 1: \"phase\" must be a ratio"), "{error}");
    }
    assert_eq!(replay("{}"), (String::new(), Ok(())));
}

#[test]
fn a_name_is_quoted_as_json() {
    let text: String = (0..0x300).filter_map(char::from_u32).chain("\u{7f}\u{2028}😀".chars()).collect();
    assert_eq!(
        engine::decisions::quoted(&text).to_string(),
        serde_json::Value::from(text.as_str()).to_string()
    );
}
