//! What a recording has beside the facts: microseconds, logged timers, another generator, a state to begin with; and events
//! that can't follow.

use super::engine::Replay;
use super::{error, replay};

fn played(log: &str) -> String {
    let (out, result) = replay(log);
    assert_eq!(result, Ok(()), "{log}");
    out
}

/// Lines in microseconds are answered in microseconds, and their timers fire exactly.
#[test]
fn microseconds_are_kept() {
    let out = played(
        "{\"config\": {\"backoff\": {\"initial_ms\": \"1.5\", \"factor\": \"1\"}}}\n\
         {\"at_us\": 7, \"event\": \"start\"}\n\
         {\"at_us\": 10, \"event\": \"open_failed\", \"cause\": {\"timeout\": true, \"retry_after\": \"2.0005\"}}\n\
         {\"at_us\": 5000}",
    );
    let expected = "\
        {\"at_us\": 7, \"state\": \"connecting\", \"why\": \"start\"}\n\
        {\"at_us\": 7, \"action\": \"open\", \"epoch\": 1, \"mode\": \"fresh\", \"endpoint\": \"primary\", \"attempt\": 1}\n\
        {\"at_us\": 7, \"wake\": 10001, \"why\": \"connect_timeout\", \"wake_us\": 10000007}\n\
        {\"at_us\": 10, \"state\": \"waiting\", \"why\": \"timeout\"}\n\
        {\"at_us\": 10, \"wake\": 3, \"why\": \"hint\", \"wake_us\": 2011}\n\
        {\"at_us\": 2011, \"state\": \"connecting\", \"why\": \"hint\"}\n\
        {\"at_us\": 2011, \"action\": \"open\", \"epoch\": 2, \"mode\": \"fresh\", \"endpoint\": \"primary\", \"attempt\": 2}\n\
        {\"at_us\": 2011, \"wake\": 10003, \"why\": \"connect_timeout\", \"wake_us\": 10002011}\n";
    assert_eq!(out, expected);
}

/// With logged timers a wait lasts until the log says so, however late that is.
#[test]
fn logged_timers_fire_where_the_log_says() {
    let log = |timers: &str| {
        played(&format!(
            "{{\"timers\": \"{timers}\"}}\n{{\"at\": 0, \"event\": \"start\"}}\n\
             {{\"at\": 10, \"event\": \"open_failed\", \"cause\": {{\"timeout\": true}}}}\n{{\"at\": 4000}}\n\
             {{\"at\": 5000, \"event\": \"timeout\"}}\n{{\"at\": 5001}}"
        ))
    };
    let dial = |at: u64| format!("{{\"at\": {at}, \"action\": \"open\", \"epoch\": 2,");
    assert!(log("auto").contains(&dial(1_010)));
    let logged = log("logged");
    assert!(logged.contains(&dial(5_000)) && logged.matches("\"action\"").count() == 2, "{logged}");
    // The end of the input fires nothing either.
    let out = played("{\"timers\": \"logged\"}\n{\"at\": 0, \"event\": \"start\"}\n{\"at\": 99999999}");
    assert_eq!(out.matches("\"action\"").count(), 1, "{out}");
}

#[test]
fn the_generator_is_the_one_that_is_named() {
    let log = |set_up: &str| {
        played(&format!(
            "{{{set_up}\"seed\": 7, \"config\": {{\"backoff\": {{\"jitter\": \"full\"}}}}}}\n\
             {{\"at\": 0, \"event\": \"start\"}}\n\
             {{\"at\": 1, \"event\": \"open_failed\", \"cause\": {{\"timeout\": true}}}}"
        ))
    };
    assert_eq!(log(""), log("\"generator\": \"chacha8\", "));
    let other = log("\"generator\": \"splitmix64\", ");
    assert_ne!(log(""), other);
    // 0.389 of a second: the first draw of SplitMix64 from 7, as its authors' program prints it.
    assert!(other.contains("\"wake\": 391, \"why\": \"backoff\"}"), "{other}");
    assert!(
        error("{\"generator\": \"xoshiro\"}").contains("\"generator\" must be \"chacha8\" or \"splitmix64\"")
    );
    assert!(error("{\"timers\": \"manual\"}").contains("\"timers\" must be \"auto\" or \"logged\""));
}

/// A policy that was online with a session when the recording began.
#[test]
fn a_checkpoint_is_where_the_log_begins() {
    use redial::endpoints::FixedEndpoints;
    use redial::policy::HoldReason;
    use redial::record::Recorder;
    use redial::{Epoch, Event, Instant, Policy, SplitMix64, presets};

    let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
        .with_session_type::<String>()
        .with_endpoints(FixedEndpoints::<3>::new_const(2));
    let epoch = Epoch::from_raw(1).expect("not 0");
    let ready = Event::Ready {
        epoch,
        token: Some("secret".to_owned()),
        endpoint: None,
        sequence: Some(7),
        ttl: None,
    };
    let hold = Event::Hold(HoldReason::new(9).expect("below 32"));
    for event in [Event::Start, Event::Opened { epoch }, ready, hold] {
        let _actions = policy.handle_event(Instant::ZERO, event);
    }
    let mut recorder = Recorder::new().with_endpoints(&["eu", "us"]);
    let set_up = recorder.set_up(&policy).expect("few names").to_owned();
    assert!(!set_up.contains("secret"));
    let lost = "{\"at_us\": 5000000, \"event\": \"closed\", \"cause\": {\"ws\": 4000}}\n";
    let out = played(&format!(
        "{set_up}{lost}{{\"at_us\": 5000001, \"event\": \"release\", \"reason\": \"9\"}}\n\
         {{\"at_us\": 90000000, \"event\": \"timeout\"}}"
    ));
    let resumed =
        "\"action\": \"open\", \"epoch\": 2, \"mode\": \"resume\", \"endpoint\": \"us\", \"attempt\": 2}";
    assert!(out.contains("\"state\": \"parked\"") && out.contains(resumed), "{out}");

    let spoilt = |from: &str, to: &str| error(&set_up.replace(from, to));
    assert!(spoilt("\"eu\", \"us\"", "\"eu\"").contains("has 1 names, and the checkpoint 2 endpoints"));
    let other = spoilt("\"connect_timeout_ms\":10000", "\"connect_timeout_ms\":9999");
    assert!(
        other.contains("\"checkpoint\": the checkpoint belongs to a policy with another config"),
        "{other}"
    );
    assert!(error("{\"checkpoint\": \"d2\"}").contains("\"checkpoint\": not a checkpoint"));
    assert!(
        error("{\"checkpoint\": \"0g\"}").contains("\"checkpoint\" must be hexadecimal digits, two a byte")
    );
}

/// The log goes on, and says what is odd about it.
#[test]
fn events_that_can_not_follow_are_pointed_out() {
    let mut replay = Replay::default();
    let mut notes = Vec::new();
    let mut out = String::new();
    for line in [
        "{}",
        "{\"at\": 0, \"event\": \"rx\"}",
        "{\"at\": 0, \"event\": \"start\"}",
        "{\"at\": 1, \"event\": \"ready\"}",
        "{\"at\": 2, \"event\": \"opened\", \"epoch\": 2}",
        "{\"at\": 3, \"event\": \"opened\"}",
        "{\"at\": 4, \"event\": \"opened\"}",
        "{\"at\": 5, \"event\": \"ready\"}",
        "{\"at\": 6, \"event\": \"restart\"}",
        "{\"at\": 7, \"event\": \"closed\", \"epoch\": 1, \"cause\": {\"ws\": 1006}}",
    ] {
        replay.line(line.as_bytes(), &mut out).expect(line);
        notes.extend(replay.notes());
    }
    assert_eq!(
        notes,
        [
            "line 2: \"rx\" can't follow: it is of connection 1, and none was dialled",
            "line 4: \"ready\" can't follow: connection 1 is not open yet",
            "line 5: \"opened\" can't follow: it is of connection 2, and the newest that was dialled is 1",
            "line 7: \"opened\" can't follow: connection 1 is open already",
        ]
    );
    assert!(out.contains("{\"at\": 2, \"ignored\": \"stale\", \"event\": \"opened\"}"), "{out}");
}

/// What the connection says while its successor is dialled or while it drains is not odd; what a successor can't say is.
#[test]
fn events_of_two_connections_can_follow() {
    let mut replay = Replay::default();
    let (mut notes, mut out) = (Vec::new(), String::new());
    for line in [
        "{\"config\": {\"handover\": {\"drain_ms\": 1000}}}",
        "{\"at\": 0, \"event\": \"start\"}",
        "{\"at\": 1, \"event\": \"opened\"}",
        "{\"at\": 2, \"event\": \"ready\", \"id\": \"s\", \"seq\": 1}",
        "{\"at\": 20000, \"event\": \"redial\"}",
        "{\"at\": 20001, \"event\": \"seq\", \"epoch\": 1, \"n\": 2}",
        "{\"at\": 20002, \"event\": \"beat_requested\", \"epoch\": 1}",
        "{\"at\": 20003, \"event\": \"resumed\"}",
        "{\"at\": 20004, \"event\": \"opened\"}",
        "{\"at\": 20005, \"event\": \"opened\"}",
        "{\"at\": 20006, \"event\": \"opened\", \"epoch\": 1}",
        "{\"at\": 20007, \"event\": \"resumed\"}",
        "{\"at\": 20008, \"event\": \"rx\", \"epoch\": 1}",
        "{\"at\": 20009, \"event\": \"drained\"}",
        "{\"at\": 20010, \"event\": \"drained\", \"epoch\": 1}",
    ] {
        replay.line(line.as_bytes(), &mut out).expect(line);
        notes.extend(replay.notes());
    }
    assert_eq!(
        notes,
        [
            "line 8: \"resumed\" can't follow: connection 2 is not open yet",
            "line 10: \"opened\" can't follow: connection 2 is open already",
            "line 11: \"opened\" can't follow: connection 1 is open already",
        ]
    );
    let closed = "{\"at\": 20009, \"action\": \"close\", \"epoch\": 1, \"code\": 4000}\n";
    assert!(out.contains(closed), "left out, it is the connection that drains: {out}");
}

/// The set-up line of a handover says how it hands over, also in the middle of one; that of a policy is played with or
/// without one.
#[test]
fn a_recording_may_begin_in_the_middle_of_a_handover() {
    use redial::endpoints::FixedEndpoints;
    use redial::handover;
    use redial::record::Recorder;
    use redial::{Epoch, Event, Instant, Policy, SplitMix64, presets};

    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
        .with_session_type::<String>()
        .with_endpoints(FixedEndpoints::<3>::new_const(2));
    let mut handover = policy.clone().with_handover(handover::Config::DEFAULT);
    let epoch = Epoch::from_raw(1).expect("not 0");
    let token = Some("secret".to_owned());
    let ready = Event::Ready { epoch, token, endpoint: None, sequence: Some(7), ttl: None };
    for (at, event) in [(0, Event::Start), (0, Event::Opened { epoch }), (0, ready), (60_000, Event::Redial)]
    {
        let _actions = handover.handle_event(Instant::from_millis(at), event);
    }
    let mut recorder = Recorder::new().with_endpoints(&["eu", "us"]);
    let set_up = recorder.set_up(&handover).expect("few names").to_owned();
    let begin = "{\"config\": {\"endpoints\": [\"eu\", \"us\"], \"handover\": {\"timeout_ms\":10000,\"drain_ms\":0}, \"backoff\":";
    assert!(set_up.starts_with(begin) && !set_up.contains("secret"), "{set_up}");
    let rest = "{\"at_us\": 60001000, \"event\": \"seq\", \"epoch\": 1, \"n\": 8}\n\
        {\"at_us\": 60002000, \"event\": \"opened\", \"epoch\": 2}\n\
        {\"at_us\": 60003000, \"event\": \"resumed\", \"epoch\": 2}\n";
    let out = played(&format!("{set_up}{rest}"));
    for line in [
        "{\"at_us\": 60002000, \"action\": \"send_resume\", \"epoch\": 2, \"seq\": 8}\n",
        "{\"at_us\": 60003000, \"action\": \"promote\", \"epoch\": 2}\n\
         {\"at_us\": 60003000, \"action\": \"close\", \"epoch\": 1, \"code\": 4000}\n",
    ] {
        assert!(out.contains(line), "{out}");
    }
    let other = error(&set_up.replace("\"drain_ms\":0", "\"drain_ms\":1"));
    assert!(
        other.contains("\"checkpoint\": the checkpoint belongs to a policy with another config"),
        "{other}"
    );

    let alone = recorder.set_up(&policy).expect("few names").to_owned();
    assert!(!alone.contains("handover"), "{alone}");
    let with = alone.replace("{\"config\": {", "{\"config\": {\"handover\": {}, ");
    let log = "{\"at_us\": 0, \"event\": \"start\"}\n{\"at_us\": 0, \"event\": \"opened\"}\n\
        {\"at_us\": 0, \"event\": \"ready\"}\n{\"at_us\": 60000000, \"event\": \"redial\"}\n";
    let successor = "\"role\": \"successor\"";
    assert!(!played(&format!("{alone}{log}")).contains(successor));
    assert!(played(&format!("{with}{log}")).contains(successor));
}
