//! Lines that are wrong, and what may stand in one.

use super::*;

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
    assert_eq!(error(&holds), "line 36: event \"hold\": more than 32 hold reasons at a time");
}

/// A reason that is released gives its number back, and the release of one that is not held takes none, nor that of another.
#[test]
fn a_log_may_have_any_number_of_hold_reasons_one_after_another() {
    let mut log = "{}\n{\"at\": 0, \"event\": \"hold\", \"reason\": \"the first\"}\n".to_owned();
    log += "{\"at\": 0, \"event\": \"hold\", \"reason\": \"last\"}\n{\"at\": 0, \"event\": \"start\"}\n";
    for at in 1..=100 {
        for event in ["release", "hold", "release"] {
            writeln!(log, "{{\"at\": {at}, \"event\": \"{event}\", \"reason\": \"r{at}\"}}").unwrap();
        }
    }
    log += "{\"at\": 101, \"event\": \"release\", \"reason\": \"the first\"}\n";
    log += "{\"at\": 102, \"event\": \"release\", \"reason\": \"last\"}\n";
    let (out, result) = replay(&log);
    assert_eq!(result, Ok(()));
    let dials: Vec<_> = out.lines().filter(|line| line.contains("\"action\": \"open\"")).collect();
    assert!(dials.len() == 1 && dials[0].starts_with("{\"at\": 102, "), "{dials:?}");
}

/// The white space of JSON is all that may stand around a line.
#[test]
fn a_form_feed_is_no_white_space() {
    for (byte, blank) in [(' ', true), ('\t', true), ('\r', true), ('\u{b}', false), ('\u{c}', false)] {
        for line in [format!("{byte}{{\"at\": 0}}"), format!("{{\"at\": 0}}{byte}"), byte.to_string()] {
            assert_eq!(replay(&format!("{{}}\n{line}\n")).1.is_ok(), blank, "{line:?}");
        }
    }
}
