//! The `replay` example against its contract: golden logs, errors, the config.

#[path = "../examples/replay/engine.rs"]
mod engine;
#[path = "replay/recorded.rs"]
mod recorded;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use engine::Replay;
use engine::set_up::SetUp;
use redial::backoff::AfterTable;
use redial::breaker;
use redial::budget::{AdaptiveThrottleConfig, RetryBudgetConfig, StartBudgetConfig, ThrottleConfig};
use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig};
use redial::health::HealthConfig;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
use redial::{BackoffConfig, Cause, Config, IoKind, Jitter, Ratio, presets};

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

/// The logs of the public reports, of which `tests/reports/reports.tsv` has the list, show what is right for each.
#[test]
fn every_report_is_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/reports");
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let entries = fs::read_dir(&folder).expect("a folder of the project");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("text"));
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

/// The line and the reason, and no output after the last good line.
#[test]
fn bad_lines_are_named() {
    let good = "{\"config\": {}}\n\n{\"at\": 0, \"event\": \"start\"}\n";
    let before = {
        let (mut out, mut replay) = (String::new(), Replay::default());
        good.lines().for_each(|line| replay.line(line.as_bytes(), &mut out).unwrap());
        out
    };
    for (line, reason) in [
        ("{\"at\": 1\n", "not valid JSON: EOF while parsing an object at column 8"),
        ("{\"at\": 1} x", "not valid JSON"),
        ("[]", "a line must be an object, not []"),
        ("{\"at\": 1, \"event\": \"opend\"}", "unknown event \"opend\"; did you mean \"opened\"?"),
        ("{\"at\": 1, \"event\": 7}", "\"event\" must be a string, not 7"),
        ("{\"event\": \"opened\"}", "\"at\" is missing"),
        ("{\"at\": -1}", "\"at\" must be an integer from 0 to 18446744073709551615, not -1"),
        ("{\"at\": 1.5}", "not 1.5"),
        ("{\"at\": 99999999999999999999}", "\"at\" must be an integer"),
        ("{\"at\": 18446744073709552}", "\"at\" must be at most 18446744073709551, not 18446744073709552"),
        ("{\"at\": 1, \"at_us\": 1}", "\"at\" and \"at_us\" are both there; use one"),
        ("{\"at\": 1, \"at\": 2}", "the key \"at\" is there twice; remove one at column"),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"ws\": 1, \"ws\": 2}}",
            "the key \"ws\" is there twice; remove one",
        ),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"tls\": \"certificat_expired\"}}",
            "did you mean \"certificate_expired\"? The names, nearest first: certificate_expired, ",
        ),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"kind\": \"unknwon\"}}",
            "\"cause.kind\" must be \"connect_timeout\"",
        ),
        ("{\"at\": 1, \"event\": \"timeout\", \"epoch\": 1}", "unknown key \"epoch\""),
        ("{\"at\": 1, \"event\": \"redirected\"}", "event \"redirected\": \"endpoint\" is missing"),
        ("{\"at\": 1, \"epoch\": 1}", "unknown key \"epoch\""),
        ("{\"at\": 1, \"event\": \"opened\", \"epok\": 1}", "unknown key \"epok\"; did you mean \"epoch\"?"),
        ("{\"at\": 1, \"event\": \"opened\", \"epoch\": 0}", "\"epoch\" must be at least 1, not 0"),
        (
            "{\"at\": 1, \"event\": \"opened\", \"epoch\": 4294967296}",
            "\"epoch\" must be an integer from 0 to",
        ),
        ("{\"at\": 1, \"event\": \"closed\"}", "event \"closed\": \"cause\" is missing"),
        ("{\"at\": 1, \"event\": \"seq\"}", "event \"seq\": \"n\" is missing"),
        ("{\"at\": 1, \"event\": \"hold\"}", "event \"hold\": \"reason\" is missing"),
        ("{\"at\": 1, \"event\": \"woke\", \"gap\": null}", "\"gap\" must be an integer"),
        ("{\"at\": 1, \"event\": \"subscribe\"}", "\"key\" is missing"),
        (
            "{\"at\": 1, \"event\": \"woke\", \"gap\": 1, \"counted\": 1}",
            "event \"woke\": \"counted\" must be true or false, not 1",
        ),
        ("{\"at\": 1, \"event\": \"cursor\"}", "event \"cursor\": \"id\" is missing"),
        ("{\"at\": 1, \"event\": \"cursor\", \"id\": 7}", "event \"cursor\": \"id\" must be a string, not 7"),
        ("{\"at\": 1, \"event\": \"backoff_hint\"}", "event \"backoff_hint\": \"base\" is missing"),
        (
            "{\"at\": 1, \"event\": \"keep_alive\", \"interval\": -1}",
            "event \"keep_alive\": \"interval\" must be an integer from 0",
        ),
        ("{\"at\": 1, \"event\": \"network_changed\", \"epoch\": 1}", "unknown key \"epoch\""),
        (
            "{\"at\": 1, \"event\": \"please_reconnect\", \"dedline\": 1}",
            "unknown key \"dedline\"; did you mean \"deadline\"?",
        ),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"ws\": 1}, \"endpoint\": 7}",
            "event \"closed\": \"endpoint\" must be a string, not 7",
        ),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"ws\": 1}, \"permanent\": true}",
            "event \"closed\": \"permanent\" needs an \"endpoint\"",
        ),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"class\": \"replacd\"}}",
            "\"cause.class\" must be \"transient\", \"fresh\", \"fatal\", \"auth\", \"rate_limited\" or \"replaced\"",
        ),
        (
            "{\"at\": 1, \"event\": \"credential_ok\", \"ttl\": \"1h\"}",
            "event \"credential_ok\": \"ttl\" must be an integer from 0",
        ),
        ("{\"at\": 1, \"event\": \"stop\", \"keep\": 1}", "\"keep\" must be true or false, not 1"),
        ("{\"at\": 1, \"event\": \"closed\", \"cause\": {}}", "\"cause\" must have exactly one of"),
        ("{\"at\": 1, \"event\": \"closed\", \"cause\": {\"ws\": 1, \"http\": 2}}", "exactly one of"),
        ("{\"at\": 1, \"event\": \"closed\", \"cause\": {\"ws\": 65536}}", "\"cause.ws\" must be"),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"io\": \"conection_reset\"}}",
            "\"connection_reset\"?",
        ),
        (
            "{\"at\": 1, \"event\": \"closed\", \"cause\": {\"timeout\": false}}",
            "\"cause.timeout\" must be true",
        ),
        (
            "{\"at\": 1, \"event\": \"restart\", \"down\": 5}",
            "unknown key \"down\"; did you mean \"down_ms\"?",
        ),
        (
            "{\"at\": 1, \"event\": \"restart\", \"down_ms\": -5}",
            "event \"restart\": \"down_ms\" must be an integer",
        ),
        (
            "{\"at\": 1, \"event\": \"restart\", \"down_ms\": 18446744073709551}",
            "event \"restart\": \"down_ms\" must be at most 18446744073709551 with \"at\"",
        ),
        (
            "{\"at\": 1, \"event\": \"restart\", \"corrupt\": true}",
            "\"corrupt\" must be \"altered\", \"cut\", \"foreign\", \"version\" or \"wrong_key\", not true",
        ),
        ("{\"at\": 1, \"event\": \"explain\", \"epoch\": 1}", "unknown key \"epoch\""),
        ("{\"at\": 1, \"event\": \"start_limit\", \"remaining\": 1}", "\"reset_after\" is missing"),
        (
            "{\"at\": 1, \"event\": \"start_limit\", \"remaining\": 1, \"reset_after\": 9}",
            "event \"start_limit\": the set-up has no \"start_budget\"",
        ),
        (
            "{\"at\": 1, \"event\": \"calls\", \"failed\": 1}",
            "event \"calls\": the set-up has no budget or throttle of calls",
        ),
        (
            "{\"at\": 1, \"event\": \"calls\", \"failed\": 65536}",
            "\"failed\" must be an integer from 0 to 65535",
        ),
    ] {
        let (out, result) = replay(&format!("{good}{line}\n{{\"at\": 99999999}}"));
        let error = result.expect_err(line);
        assert!(error.starts_with("line 4: ") && error.contains(reason), "{line}: {error}");
        assert_eq!(out, before, "{line}");
    }
    let mut holds = good.to_owned();
    for number in 0..=32 {
        writeln!(holds, "{{\"at\": 1, \"event\": \"hold\", \"reason\": \"{number}\"}}").unwrap();
    }
    assert_eq!(error(&holds), "line 36: event \"hold\": more than 32 different hold reasons");
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
    assert_eq!(replay("{}"), (String::new(), Ok(())));
}

/// The policy knows nothing of alerts and budgets; the program that holds them does.
#[test]
fn what_stands_beside_the_policy_has_keys_too() {
    let health = |json: &str| {
        set_up(&format!("{{\"config\": {{\"health\": {json}}}}}")).map(|set_up| set_up.health.unwrap())
    };
    let documented =
        r#"{"window_ms": 300000, "failure_rate": "1/10", "min_attempts": 1, "average_recovery_ms": 30000}"#;
    for json in ["{}", documented] {
        assert_eq!(health(json), Ok(HealthConfig::DEFAULT), "{json}");
    }
    let other = r#"{"window_ms": 1000, "failure_rate": "1/2", "min_attempts": 7, "average_recovery_ms": 2}"#;
    let expected = HealthConfig::new()
        .window(ms(1_000))
        .failure_rate(Ratio::new(1, 2).unwrap(), 7)
        .build()
        .map(|health| health.to_builder().average_recovery(ms(2)).build_const());
    assert_eq!(health(other).map_err(|_| ()), expected.map_err(|_| ()));
    let budget = |json: &str| {
        set_up(&format!("{{\"start_budget\": {json}}}")).map(|set_up| set_up.budgets.starts.unwrap())
    };
    let discord = StartBudgetConfig::new(1, 1, ms(5_000)).build();
    let discord =
        discord.and_then(|budget| budget.to_builder().daily(u32::MAX, ms(86_400_000)).build()).unwrap();
    let documented = r#"{"per_window": 1, "window_ms": 5000, "per_day": null, "day_ms": 86400000}"#;
    for json in ["{}", documented] {
        assert_eq!(budget(json), Ok(discord), "{json}");
    }
    let other = StartBudgetConfig::new(1, 3, ms(4)).daily(5, ms(6)).build().unwrap();
    assert_eq!(
        budget(r#"{"per_window": 3, "window_ms": 4, "per_day": 5, "day_ms": 6}"#),
        Ok(other),
        "every key"
    );
    let budgets = |json: &str| set_up(json).expect(json).budgets;
    for (json, resumes) in
        [("{}", false), (r#"{"resumes": false}"#, false), (r#"{"resumes": true, "per_window": 3}"#, true)]
    {
        assert_eq!(budgets(&format!("{{\"start_budget\": {json}}}")).resumes, resumes, "{json}");
    }
    for json in ["{}", r#"{"ttl_ms": 10000, "per_second": 10, "share": "1/5"}"#] {
        let read = budgets(&format!("{{\"retry_budget\": {json}}}")).retries;
        assert_eq!(read, Some(RetryBudgetConfig::DEFAULT), "{json}");
    }
    let other = RetryBudgetConfig::new()
        .ttl(ms(2_000))
        .build()
        .map(|budget| budget.to_builder().reserve(3).build_const());
    assert_eq!(
        budgets(r#"{"retry_budget": {"ttl_ms": 2000, "per_second": 3, "share": "7"}}"#).retries,
        other.and_then(|budget| budget.to_builder().share(Ratio::new(7, 1).unwrap()).build()).ok(),
        "every key"
    );
    for json in ["{}", r#"{"tokens": 10, "per_success": "1/10"}"#] {
        let read = budgets(&format!("{{\"throttle\": {json}}}")).throttle;
        assert_eq!(read, ThrottleConfig::new(10, Ratio::new(1, 10).unwrap()).build().ok(), "{json}");
    }
    assert_eq!(
        budgets(r#"{"throttle": {"tokens": 4, "per_success": "1/2"}}"#).throttle,
        ThrottleConfig::new(4, Ratio::new(1, 2).unwrap()).build().ok(),
        "every key"
    );
    for json in ["{}", r#"{"window_ms": 120000, "multiplier": "2"}"#] {
        let read = budgets(&format!("{{\"adaptive_throttle\": {json}}}")).adaptive;
        assert_eq!(read, Some(AdaptiveThrottleConfig::DEFAULT), "{json}");
    }
    let other = AdaptiveThrottleConfig::new().window(ms(1_000)).build();
    assert_eq!(
        budgets(r#"{"adaptive_throttle": {"window_ms": 1000, "multiplier": "3/2"}}"#).adaptive,
        other.and_then(|throttle| throttle.to_builder().multiplier(Ratio::new(3, 2).unwrap()).build()).ok(),
        "every key"
    );
    for (json, reason) in [
        (r#"{"retry_budget": {"ttl_ms": 999}}"#, "\"retry_budget\": "),
        (r#"{"retry_budget": {"share": "1001"}}"#, "\"retry_budget\": "),
        (r#"{"retry_budget": {"reserve": 1}}"#, "unknown key \"retry_budget.reserve\""),
        (r#"{"throttle": {"tokens": 0}}"#, "\"throttle\": "),
        (r#"{"throttle": {"per_success": 0.1}}"#, "\"throttle.per_success\" must be"),
        (r#"{"adaptive_throttle": {"multiplier": "1/2"}}"#, "\"adaptive_throttle\": "),
        (r#"{"adaptive_throttle": {}}"#, "\"seed\" is required because an adaptive throttle draws"),
        (r#"{"config": {"health": {"window_ms": 0}}}"#, "\"config.health\": "),
        (r#"{"config": {"health": {"failure_rate": "3/2"}}}"#, "\"config.health\": "),
        (r#"{"config": {"health": {"faliure_rate": "1/2"}}}"#, "did you mean \"failure_rate\"?"),
        (r#"{"start_budget": {"per_window": 0}}"#, "\"start_budget\": "),
        (r#"{"start_budget": {"per_window": 65}}"#, "\"start_budget.per_window\" must be at most 64"),
        (r#"{"start_budget": {"window_ms": 0}}"#, "\"start_budget\": "),
        (r#"{"start_budget": {"per_day": 0}}"#, "\"start_budget\": "),
        (r#"{"start_budget": {"resumes": 1}}"#, "\"start_budget.resumes\" must be true or false, not 1"),
        (r#"{"start_budget": 5}"#, "\"start_budget\" must be an object, not 5"),
    ] {
        let error = error(json);
        assert!(error.starts_with("line 1: ") && error.contains(reason), "{json}: {error}");
    }
}

/// A new process knows its user's wishes no more than its connections, and draws anew: the seed of the n-th one after the
/// first is the log's plus n.
#[test]
fn a_restart_begins_with_what_the_snapshot_holds() {
    let log = |seed: u64, restarts: &str| {
        let lines = [
            &format!("{{\"seed\": {seed}, \"config\": {{\"backoff\": {{\"jitter\": \"full\"}}}}}}"),
            r#"{"at": 0, "event": "subscribe", "key": "a"}"#,
            restarts,
            r#"{"at": 2, "event": "start"}"#,
            r#"{"at": 3, "event": "open_failed", "cause": {"timeout": true}}"#,
            r#"{"at": 900000}"#,
        ];
        let (out, result) = replay(&lines.join("\n"));
        assert_eq!(result, Ok(()));
        out
    };
    let restart = r#"{"at": 1, "event": "restart"}"#;
    let empty = "{\"at\": 1, \"restart\": \"empty\", \"bytes\": 0}\n";
    assert_eq!(log(7, restart), format!("{empty}{}", log(8, "")));
    assert_eq!(log(7, &[restart; 3].join("\n")), format!("{}{}", empty.repeat(3), log(10, "")));

    let lines = [
        "{}",
        r#"{"at": 0, "event": "subscribe", "key": "a"}"#,
        r#"{"at": 0, "event": "restart"}"#,
        r#"{"at": 0, "event": "subscribe", "key": "b"}"#,
        r#"{"at": 0, "event": "start"}"#,
        r#"{"at": 1, "event": "opened"}"#,
        r#"{"at": 2, "event": "ready"}"#,
    ];
    let (out, _) = replay(&lines.join("\n"));
    assert!(out.contains("\"keys\": [\"b\"]"), "{out}");
}

/// What is down hears nothing, and at the end of the log it stays down; facts at the instant of its return are heard.
#[test]
fn a_process_that_is_down_hears_nothing() {
    let log = |last: &str| {
        let (out, result) =
            replay(&format!("{{}}\n{{\"at\": 5, \"event\": \"restart\", \"down_ms\": 10}}\n{last}"));
        assert_eq!(result, Ok(()));
        out
    };
    let down = "{\"at\": 5, \"restart\": \"down\", \"bytes\": 0}\n";
    let up = "{\"at\": 15, \"restart\": \"empty\", \"bytes\": 0}\n";
    assert_eq!(log(""), down);
    assert_eq!(log("{\"at\": 14}"), down);
    assert_eq!(log("{\"at\": 15}"), format!("{down}{up}"));
    for event in ["restart", "explain", "start"] {
        let ignored = format!("{{\"at\": 14, \"ignored\": \"down\", \"event\": \"{event}\"}}\n");
        assert_eq!(log(&format!("{{\"at\": 14, \"event\": \"{event}\"}}")), format!("{down}{ignored}"));
    }
    let out = log("{\"at\": 15, \"event\": \"start\"}");
    assert!(out.starts_with(&format!("{down}{up}{{\"at\": 15, \"state\": \"connecting\"")), "{out}");
}

/// A token that no snapshot can hold: the next process starts fresh, and says why.
#[test]
fn a_snapshot_that_can_not_be_written_is_a_fresh_start() {
    let token = "x".repeat(65_536);
    let log = format!(
        "{{}}\n{{\"at\": 0, \"event\": \"start\"}}\n{{\"at\": 1, \"event\": \"opened\"}}\n\
         {{\"at\": 2, \"event\": \"ready\", \"id\": \"{token}\", \"seq\": 1}}\n{{\"at\": 3, \"event\": \"restart\"}}"
    );
    let (out, result) = replay(&log);
    assert_eq!(result, Ok(()));
    let refused =
        "{\"at\": 3, \"restart\": \"refused\", \"bytes\": 0, \"error\": \"no room for the snapshot\"}\n";
    assert!(out.contains(refused), "{out}");
}

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

/// What the contract refuses, and how the message helps.
#[test]
fn bad_configs_are_refused() {
    for (json, reason) in [
        (r#"{"backoff": {"initial_ms": 0}}"#, "\"config.backoff\": the initial delay is 0"),
        (r#"{"backoff": {"initial_ms": 31000}}"#, "above the maximum"),
        (
            r#"{"backoff": {"curve": "constant", "jitter": "decorrelated"}}"#,
            "\"config.backoff\": a decorrelated jitter has no room on a constant curve; use full",
        ),
        (
            r#"{"min_interval_ms": 86400001}"#,
            "\"config.min_interval_ms\": the least interval between two dials is above a day; use at most 24 hours",
        ),
        (
            r#"{"heartbeat": {"interval_ms": 86400001}}"#,
            "\"config.heartbeat\": the heartbeat interval is above a day",
        ),
        (r#"{"backoff": {"factor": "0.9"}}"#, "the factor is below 1"),
        (r#"{"backoff": {"factor": "x"}}"#, "\"config.backoff.factor\" must be a ratio in quotes"),
        (r#"{"backoff": {"factor": 2}}"#, "must be a ratio in quotes"),
        (r#"{"backoff": {"factor": "1/0"}}"#, "must be a ratio in quotes"),
        (r#"{"backoff": {"jitter": {"plus_minus": "1.1"}}}"#, "more than ±1"),
        (r#"{"backoff": {"jitter": {"window": ["1", "0.5"]}}}"#, "ascending"),
        (r#"{"backoff": {"jitter": {"window": ["1"]}}}"#, "two ratios in quotes"),
        (r#"{"backoff": {"jitter": "some"}}"#, "\"decorrelated\", \"above_initial\" or \"decorrelated_v2\""),
        (r#"{"backoff": {"jitter": null}}"#, "\"config.backoff.jitter\" must be a word"),
        (r#"{"backoff": {"curve": "table"}}"#, "the table of delays is empty"),
        (r#"{"backoff": {"curve": "table", "table_ms": [-1]}}"#, "list of integers"),
        (r#"{"backoff": {"max_ms": -1}}"#, "not -1"),
        (r#"{"backoff": {"max_ms": 1e3}}"#, "not 1000.0"),
        (r#"{"bakoff": {}}"#, "unknown key \"config.bakoff\"; did you mean \"backoff\"?"),
        (
            r#"{"backoff": {"inital_ms": 1}}"#,
            "unknown key \"config.backoff.inital_ms\"; did you mean \"initial_ms\"?",
        ),
        (r#"{"backoff": null}"#, "\"config.backoff\" must be an object, not null"),
        (
            r#"{"breaker": {"probes": 0}}"#,
            "\"config.breaker\": the half-open breaker must admit 1 to 16 probes",
        ),
        (r#"{"breaker": {"open_ms": 5000, "open_max_ms": 4000}}"#, "open time is 0 or above its maximum"),
        (r#"{"breaker": {"factor": "1/2"}}"#, "\"config.breaker\": the factor is below 1"),
        (r#"{"breaker": {"jitter": "2"}}"#, "\"config.breaker\": "),
        (r#"{"breaker": {"lease_ms": 0}}"#, "\"config.breaker\": "),
        (r#"{"endpoint_half_life_ms": 0}"#, "\"config.endpoint_half_life_ms\": "),
        (r#"{"restore": {"batch": 0}}"#, "a batch of 0"),
        (
            r#"{"restore": {"confirm_timeout_ms": 0}}"#,
            "\"config.restore.confirm_timeout_ms\": a timeout of 0",
        ),
        (r#"{"connect_timeout_ms": 0}"#, "\"config.connect_timeout_ms\": a timeout of 0"),
        (r#"{"resume": {"invalid_wait_ms": [2, 1]}}"#, "the lower end of a range"),
        (r#"{"heartbeat": {"missed": 0}}"#, "missed at least once"),
        (r#"{"heartbeat": {"answer_within_ms": 0}}"#, "\"config.heartbeat\": a timeout of 0"),
        (r#"{"credential": {"timeout_ms": 0}}"#, "\"config.credential\": a timeout of 0"),
        (r#"{"credential": {"in_band": "yes"}}"#, "\"config.credential.in_band\" must be true or false"),
        (
            r#"{"network": {"on_change": "park"}}"#,
            "\"config.network.on_change\" must be \"probe\", \"drop\" or \"ignore\", not \"park\"",
        ),
        (r#"{"on_visible": true}"#, "\"config.on_visible\" must be \"nothing\" or \"probe\", not true"),
        (r#"{"max_age_ms": 0}"#, "\"config.max_age_ms\": a timeout of 0"),
        (
            r#"{"max_age_ms": 5, "max_age_spread_ms": 6}"#,
            "\"config.max_age_spread_ms\" must be at most \"max_age_ms\", not 6",
        ),
        (
            r#"{"redirect": {"max_hops": 256}}"#,
            "\"config.redirect.max_hops\" must be an integer from 0 to 255",
        ),
        (
            r#"{"resume": {"sequence_needed": "yes"}}"#,
            "\"config.resume.sequence_needed\" must be \"auto\", true or false, not \"yes\"",
        ),
        (r#"{"reset_after_stable_ms": "auto"}"#, "\"config.reset_after_stable_ms\" must be an integer"),
        (
            r#"{"handover": {"timeout_ms": 10000}}"#,
            "\"config.handover\" must be null, not {\"timeout_ms\":10000}: a handover is not there yet, so a planned end \
             closes the connection before it dials",
        ),
        (r#"{"heartbeat": {"missed": 256}}"#, "an integer from 0 to 255, not 256"),
        (r#"{"endpoints": []}"#, "a list of names, not empty"),
        (r#"{"endpoints": [1]}"#, "a list of names, not empty"),
        (r#"{"endpoint_gap_ms": [2, 1]}"#, "the lower end of a range"),
        (r#"{"endpoint_gap_ms": 5}"#, "two integers of at least 0, not 5"),
        (r#"{"long_outage": {}}"#, "\"config.long_outage.after_ms\" is missing"),
        (r#"{"backoff": {"jitter": {"plus": "1", "minus": "1"}}}"#, "an object with one of \"plus_minus\""),
        (r#"{"backoff": {"jitter": {"plus_fixed_ms": [1, 29001]}}}"#, "above the maximum"),
        (r#"{"close_code": 1000}"#, "the close code would end the session"),
        (r#"{"classify": {"table": "discord"}}"#, "\"discord-gateway\""),
        (
            r#"{"classify": {"overrides": [{"ws": 4002}]}}"#,
            "\"config.classify.overrides[0].class\" is missing",
        ),
        (r#"{"classify": {"overrides": [{"class": "fatal"}]}}"#, "exactly one of"),
        (
            r#"{"classify": {"overrides": [{"ws": 1, "class": "fatal", "wait_ms": [2, 1]}]}}"#,
            "\"config.classify.overrides[0].wait_ms\": the lower end",
        ),
        (
            r#"{"classify": {"overrides": [{"ws": 1, "class": "fatal", "steps_ms": [4294967296]}]}}"#,
            "\"config.classify.overrides[0].steps_ms\" must be a list of integers",
        ),
    ] {
        let error = error(&format!("{{\"config\": {json}}}"));
        assert!(error.starts_with("line 1: ") && error.contains(reason), "{json}: {error}");
    }
    let names: Vec<_> = (0..17).map(|number| format!("\"{number}\"")).collect();
    let many = format!("{{\"config\": {{\"endpoints\": [{}]}}}}", names.join(", "));
    assert_eq!(error(&many), "line 1: \"config.endpoints\" has 17 names; at most 16");
    assert_eq!(
        error("{\"preset\": \"discord\"}").split(';').next(),
        Some("line 1: unknown preset \"discord\"")
    );
    for (name, _) in presets::ALL {
        assert!(error("{\"preset\": \"discord\"}").contains(name));
    }
}

/// Every key of the contract, and the values of keys left out.
#[test]
fn every_key_reaches_the_config() {
    let plain = Config::new(PLAIN).build_const();
    assert_eq!(config("{}"), plain);
    let documented = r#"{
        "backoff": {"curve": "exponential", "initial_ms": 1000, "factor": "2", "max_ms": 30000, "table_ms": [],
                    "after_table": "repeat_last", "jitter": "none", "floor_ms": 0, "first_ms": null,
                    "max_fresh_ms": null},
        "reset_after_stable_ms": null, "min_interval_ms": 0, "max_attempts": null, "max_elapsed_ms": null,
        "connect_timeout_ms": 10000, "connect_timeout_grows": false, "greeting_timeout_ms": null, "ready_timeout_ms": null, "greeting": false,
        "establish": "on_ready", "hint": {"max_ms": 300000, "spread": "0"},
        "resume": {"enabled": true, "max_failures": 3, "invalid_wait_ms": [1000, 5000],
                   "endpoint_fallback": {"failures": 1, "for_ms": 0}, "sequence_needed": "auto"},
        "heartbeat": {"interval_ms": null, "liveness": "ack", "missed": 1, "first_jitter": true, "required": false,
                      "answer_within_ms": null},
        "breaker": null, "restore": {"enabled": true, "batch": 50, "interval_ms": 0, "confirm_timeout_ms": null,
                    "authenticate": false},
        "credential": {"refresh_on": "auth", "max_rejections": null, "timeout_ms": 30000, "lead_ms": 0,
                       "lead_spread_ms": 0, "in_band": false},
        "network": {"on_down": "park", "on_change": "probe", "spread_up_ms": 0, "restart_on_up": false},
        "endpoints": ["primary"], "on_visible": "nothing", "max_age_ms": null, "max_age_spread_ms": 0, "handover": null,
        "redirect": {"max_hops": 5},
        "classify": {"table": "websocket", "default": "transient", "overrides": []},
        "please_reconnect": {"spread_ms": null}, "visibility": "defer", "close_code": 4000,
        "initial": {"max_attempts": null, "max_elapsed_ms": null}, "wait_from": "failure", "long_outage": null,
        "endpoint_order": "primary_first", "endpoint_gap_ms": [100, 400], "endpoint_sticky_ms": 600000,
        "endpoint_half_life_ms": 60000, "on_wake": "redial"
    }"#;
    assert_eq!(config(documented), plain, "the defaults are those that the help states");

    let other = r#"{
        "backoff": {"initial_ms": 500, "factor": "3/2", "max_ms": 9000, "jitter": {"plus_minus": "0.2"},
                    "floor_ms": 100, "first_ms": 0, "max_fresh_ms": 60000},
        "reset_after_stable_ms": 1, "min_interval_ms": 2, "max_attempts": 3, "max_elapsed_ms": 4,
        "connect_timeout_ms": 5, "connect_timeout_grows": true, "greeting_timeout_ms": 6, "ready_timeout_ms": 7, "greeting": true,
        "establish": "on_open", "hint": {"max_ms": 8, "spread": "1/2"},
        "resume": {"enabled": false, "max_failures": 9, "invalid_wait_ms": [10, 11],
                   "endpoint_fallback": {"failures": 12, "for_ms": 13}, "sequence_needed": true},
        "heartbeat": {"interval_ms": 14, "liveness": "any_traffic", "missed": 15, "first_jitter": false,
                      "required": true, "answer_within_ms": 33},
        "breaker": {"failures": 16, "open_ms": 17, "open_max_ms": 18, "factor": "3", "jitter": "1/2", "probes": 2,
                    "lease_ms": 31},
        "restore": {"enabled": false, "batch": 19, "interval_ms": 20, "confirm_timeout_ms": 40,
                    "authenticate": true},
        "credential": {"refresh_on": "never", "max_rejections": 21, "timeout_ms": 34, "lead_ms": 35,
                       "lead_spread_ms": 36, "in_band": true},
        "network": {"on_down": "ignore", "on_change": "drop", "spread_up_ms": 22, "restart_on_up": true},
        "on_visible": "probe", "max_age_ms": 38, "max_age_spread_ms": 37, "redirect": {"max_hops": 39},
        "classify": {"table": "pusher", "default": "fatal", "overrides": [
            {"ws": 4002, "class": "fatal"}, {"ws": null, "class": "fresh"}, {"http": 403, "class": "transient"},
            {"io": "name_not_found", "class": "auth"}, {"tls": "eof", "class": "rate_limited"},
            {"timeout": true, "class": "fatal"}, {"ws": 142, "class": "replaced"},
            {"ws": 4029, "class": "rate_limited", "limit": 4, "wait_ms": [5, 6], "steps_ms": [0, 7],
             "at_cap": true, "renew": true, "client_fault": true}]},
        "please_reconnect": {"spread_ms": 23}, "visibility": "ignore", "close_code": 4999,
        "initial": {"max_attempts": 24, "max_elapsed_ms": 25}, "wait_from": "dial",
        "long_outage": {"after_ms": 26, "backoff": {"initial_ms": 27, "jitter": "full"}},
        "endpoints": ["a", "b"], "endpoint_order": "least_failed", "endpoint_gap_ms": [28, 29],
        "endpoint_sticky_ms": 30, "endpoint_half_life_ms": 32, "on_wake": "probe"
    }"#;
    let ladder = BackoffConfig::exponential(ms(500), Ratio::new(3, 2).unwrap(), ms(9_000))
        .jitter(Jitter::PlusMinus(Ratio::new(1, 5).unwrap()))
        .floor(ms(100))
        .first_delay(ms(0))
        .max_fresh(ms(60_000))
        .build()
        .unwrap();
    let overrides = [
        (Cause::CloseFrame(4002), Class::Fatal),
        (Cause::NoCloseFrame, Class::Fresh),
        (Cause::Http(403), Class::Transient),
        (Cause::Io(IoKind::NameNotFound), Class::Auth),
        (Cause::Tls(TlsKind::Eof), Class::RateLimited),
        (Cause::Timeout, Class::Fatal),
        (Cause::CloseFrame(142), Class::Replaced),
    ];
    let classifier = overrides.into_iter().fold(
        Classifier::new(&tables::PUSHER).default_class(Class::Fatal).build_const(),
        |c, (cause, class)| {
            c.to_builder().rule(Rule::new(Match::Is(cause), Verdict::new(class))).build().unwrap()
        },
    );
    let limited = Verdict::new(Class::RateLimited).with_limit(4).with_wait(ms(5), ms(6)).unwrap();
    let limited = limited.with_steps_ms(&[0, 7]).with_at_cap().with_renewal().with_client_fault();
    let limited = Rule::new(Match::Is(Cause::CloseFrame(4029)), limited);
    let classifier = classifier.to_builder().rule(limited).build().unwrap();
    let slow = BackoffConfig::exponential(ms(27), Ratio::TWO, ms(30_000)).build().unwrap();
    let slow = slow.to_builder().jitter(Jitter::Full).build().unwrap();
    let expected = Config::new(ladder)
        .classifier(classifier)
        .reset_after_stable(ms(1))
        .min_interval(ms(2))
        .max_attempts(Some(3))
        .max_elapsed(Some(ms(4)))
        .connect_timeout(ms(5))
        .connect_timeout_growing(true)
        .greeting(Some(ms(6)))
        .ready_timeout(Some(ms(7)))
        .establish(Establish::OnOpen)
        .retry_after_max(ms(8))
        .retry_after_spread(Ratio::new(1, 2).unwrap())
        .resume(
            ResumeConfig::DISABLED
                .to_builder()
                .failures_max(9)
                .invalid_wait(ms(10), ms(11))
                .endpoint_fallback(12, ms(13))
                .sequence_needed(true)
                .build()
                .unwrap(),
        )
        .heartbeat(
            HeartbeatConfig::new()
                .interval(ms(14))
                .liveness(Liveness::AnyTraffic)
                .missed(15)
                .first_jitter(false)
                .required(true)
                .answer_within(Some(ms(33)))
                .build()
                .unwrap(),
        )
        .breaker(Some(
            breaker::Config::new(16, ms(17))
                .growth(Ratio::new(3, 1).unwrap(), ms(18))
                .jitter(Ratio::new(1, 2).unwrap())
                .probes(2)
                .lease(ms(31))
                .build()
                .unwrap(),
        ))
        .restore(
            RestoreConfig::DISABLED
                .to_builder()
                .batches(19, ms(20))
                .confirm_timeout(Some(ms(40)))
                .authentication(true)
                .build()
                .unwrap(),
        )
        .credential(
            CredentialConfig::new()
                .refresh_on(RefreshOn::Never)
                .rejections_max(Some(21))
                .timeout(ms(34))
                .lead(ms(35), ms(36))
                .in_band(true)
                .build()
                .unwrap(),
        )
        .network(OnNetworkDown::Ignore, ms(22))
        .on_network_change(OnNetworkChange::Drop)
        .on_visible(OnVisible::Probe)
        .max_age(Some(ms(38)), ms(37))
        .redirects(39)
        .requested_spread(Some(ms(23)))
        .defer_while_hidden(false)
        .close_code(4999)
        .restart_on_network_up(true)
        .initial_limits(Some(24), Some(ms(25)))
        .wait_from_dial(true)
        .long_outage(ms(26), slow)
        .endpoints(
            EndpointsConfig::new()
                .order(EndpointOrder::LeastFailed)
                .gap(ms(28), ms(29))
                .sticky(ms(30))
                .half_life(ms(32))
                .build()
                .unwrap(),
        )
        .on_wake(OnWake::Probe)
        .build()
        .unwrap();
    assert_eq!(config(other), expected);
}

/// Left out or null, a connection is stable when it has held as long as the longest wait, 10 to 60 s; 0 is 0, and a preset
/// keeps what it says.
#[test]
fn stability_follows_from_the_cap_unless_it_is_given() {
    let held = |json: &str| config(json).to_builder().backoff(PLAIN).build_const();
    for json in ["{}", r#"{"reset_after_stable_ms": null}"#, r#"{"backoff": {"max_ms": 600000}}"#] {
        assert_eq!(held(json), Config::new(PLAIN).build_const(), "{json}");
    }
    let zero = Config::new(PLAIN).reset_after_stable(ms(0)).build_const();
    assert_eq!(held(r#"{"reset_after_stable_ms": 0}"#), zero);
    assert_ne!(zero, Config::new(PLAIN).build_const());
    let over = |json: &str| {
        set_up(&format!("{{\"preset\": \"discord-gateway\", \"config\": {json}}}")).unwrap().config
    };
    assert_eq!(over("{}"), presets::DISCORD_GATEWAY);
    let by_cap = presets::DISCORD_GATEWAY.to_builder().stability_by_cap().build_const();
    assert_eq!(over(r#"{"reset_after_stable_ms": null}"#), by_cap);
}

#[test]
fn every_curve_and_jitter() {
    let curve = |json: &str| config(&format!("{{\"backoff\": {json}}}")).backoff();
    let half = Ratio::new(1, 2).unwrap();
    let (initial, max) = (ms(1_000), ms(30_000));
    assert_eq!(Ok(curve(r#"{"curve": "linear"}"#)), BackoffConfig::linear(initial, max).build());
    assert_eq!(Ok(curve(r#"{"curve": "fibonacci"}"#)), BackoffConfig::fibonacci(initial, max).build());
    assert_eq!(
        Ok(curve(r#"{"curve": "quadratic", "step_ms": 500}"#)),
        BackoffConfig::quadratic(initial, ms(500), max).build()
    );
    assert_eq!(curve(r#"{"exact_first": true}"#), PLAIN.to_builder().exact_first().build_const());
    assert_eq!(
        Ok(curve(r#"{"curve": "constant"}"#)),
        BackoffConfig::exponential(initial, Ratio::ONE, max).build()
    );
    assert_eq!(
        Ok(curve(r#"{"curve": "elapsed", "factor": "0.5"}"#)),
        BackoffConfig::elapsed(half, initial, max).build()
    );
    const TABLE: &[Duration] = &[ms(0), ms(60_000)];
    const CUT: &[Duration] = &[ms(0), ms(5_000)];
    assert_eq!(
        Ok(curve(r#"{"curve": "table", "table_ms": [0, 60000]}"#)),
        BackoffConfig::table(TABLE, AfterTable::RepeatLast).build()
    );
    assert_eq!(
        Ok(curve(r#"{"curve": "table", "table_ms": [0, 60000], "max_ms": 5000, "after_table": "give_up"}"#)),
        BackoffConfig::table(CUT, AfterTable::GiveUp).build()
    );
    for (json, jitter) in [
        (r#""none""#, Jitter::None),
        (r#""full""#, Jitter::Full),
        (r#""equal""#, Jitter::Equal),
        (r#""decorrelated""#, Jitter::Decorrelated),
        (r#""above_initial""#, Jitter::AboveInitial),
        (r#""decorrelated_v2""#, Jitter::DecorrelatedV2),
        (r#"{"plus": "1/2"}"#, Jitter::Plus(half)),
        (r#"{"minus": "1/2"}"#, Jitter::Minus(half)),
        (r#"{"plus_fixed_ms": [300, 3000]}"#, Jitter::PlusFixed(ms(300), ms(3_000))),
        (r#"{"window": ["1/2", "1"]}"#, Jitter::Window(half, Ratio::ONE)),
    ] {
        assert_eq!(curve(&format!("{{\"jitter\": {json}}}")).jitter(), jitter);
    }
}

/// One key changes one value; whatever else the preset says stays.
#[test]
fn a_config_is_laid_over_its_preset() {
    let over = |config: &str| {
        let json = format!("{{\"preset\": \"discord-gateway\", \"config\": {config}}}");
        set_up(&json).unwrap_or_else(|error| panic!("{config}: {error}")).config
    };
    let preset = presets::DISCORD_GATEWAY;
    assert_eq!(over("{}"), preset);
    let nothing = r#"{"backoff": {}, "resume": {"endpoint_fallback": {}}, "heartbeat": {}, "restore": {}, "network": {},
        "classify": {}, "hint": {}, "credential": {}, "please_reconnect": {}, "greeting": true}"#;
    assert_eq!(over(nothing), preset);
    // Every curve, jitter and second ladder is taken over whole.
    for (name, preset) in presets::ALL {
        let laid = |config: &str| {
            set_up(&format!("{{\"preset\": \"{name}\", \"config\": {config}}}")).map(|set_up| set_up.config)
        };
        assert_eq!(laid("{\"backoff\": {}, \"initial\": {}}"), Ok(**preset), "{name}");
    }
    let ladder = BackoffConfig::exponential(ms(1_000), Ratio::TWO, ms(60_000)).build().unwrap();
    let ladder = ladder.to_builder().jitter(Jitter::Full).floor(ms(250)).build().unwrap();
    let ladder = ladder.to_builder().max_fresh(ms(600_000)).build().unwrap();
    assert_eq!(over(r#"{"backoff": {"max_ms": 60000}}"#), preset.to_builder().backoff(ladder).build_const());
    assert_eq!(
        over(r#"{"greeting_timeout_ms": 5000}"#),
        preset.to_builder().greeting(Some(ms(5_000))).build().unwrap(),
        "still greeted"
    );
    assert_eq!(over(r#"{"greeting": false}"#), preset.to_builder().without_greeting().build_const());
    let heartbeat = HeartbeatConfig::new().required(true).missed(2).build().unwrap();
    assert_eq!(
        over(r#"{"heartbeat": {"missed": 2}}"#),
        preset.to_builder().heartbeat(heartbeat).build_const()
    );
    let fatal = Rule::new(Match::Is(Cause::CloseFrame(4002)), Verdict::new(Class::Fatal));
    assert_eq!(
        over(r#"{"classify": {"overrides": [{"ws": 4002, "class": "fatal"}]}}"#),
        preset
            .to_builder()
            .classifier(preset.classifier().to_builder().rule(fatal).build().unwrap())
            .build_const()
    );
}

/// The program itself: output, exit status, standard error.
#[test]
#[cfg_attr(miri, ignore = "spawns a process")]
fn the_program() {
    let run = |arguments: &[&str], input: &str| -> Output {
        let mut child = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--example", "replay", "--"])
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();

    let example = include_str!("replay/worked_example.jsonl");
    let good = run(&[], example);
    assert_eq!(text(&good.stdout), include_str!("replay/worked_example.out.jsonl"));
    assert_eq!((good.status.code(), text(&good.stderr)), (Some(0), String::new()));

    let bad = run(&[], &example.replace("{\"at\": 20", "{\"att\": 20"));
    assert_eq!(bad.status.code(), Some(2));
    assert!(text(&bad.stderr).starts_with("replay: line 3: unknown key \"att\""), "{}", text(&bad.stderr));
    assert_eq!(text(&bad.stdout).lines().count(), 3);

    let timeline = run(&["--timeline"], example);
    assert_eq!(text(&timeline.stdout), include_str!("replay/worked_example.timeline.txt"));
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
}

/// A clock that jumps by ages while a ladder without a limit is waiting: an error in the end, not memory without end.
#[test]
fn a_jump_over_ages_is_refused() {
    let log = "{}\n{\"at\": 0, \"event\": \"start\"}\n{\"at\": 18446744073709551}\n";
    assert!(error(log).starts_with("line 3: more than 250000 timers"));
}
