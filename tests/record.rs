//! A recording is played as it happened: the same decisions, byte for byte.

#![cfg(all(feature = "record", feature = "chacha"))]

#[path = "../examples/replay/engine.rs"]
#[allow(dead_code, reason = "the replay program uses all of it")]
mod engine;
#[path = "common/invariants.rs"]
mod invariants;
#[path = "common/script.rs"]
mod script;

use arbitrary::Unstructured;
use proptest::prelude::*;
use redial::endpoints::Endpoints;
use redial::policy::Endpoint;
use redial::record::Recorder;
use redial::subscriptions::Subscriptions;
use redial::{Action, Actions, Instant, presets};

use engine::Replay;
use engine::decisions::{self, Decided, Decisions, Stamp, Unit, quoted};
use invariants::{Tested, policy};

/// What a log prints.
fn replay(log: &str) -> String {
    let (mut out, mut replay) = (String::new(), Replay::default());
    for line in log.lines() {
        replay.line(line.as_bytes(), &mut out).unwrap_or_else(|error| panic!("{error}\n{log}"));
    }
    replay.finish(&mut out).expect("a log");
    out
}

/// What a call decided, in the words of the replay program.
fn print(
    printed: &mut Decisions,
    policy: &Tested<'_>,
    at: Instant,
    told: (Option<&str>, Actions),
    out: &mut String,
) {
    let explained = policy.explain();
    let until = policy.poll_timeout();
    let reason = policy.deadline().map(|(_, reason)| reason).or(explained.waiting_for);
    let at = Stamp { micros: at.as_micros(), unit: Unit::Micros };
    let (event, actions) = told;
    let decided = Decided { at, event, actions: Some(actions), explained, deadline: until.zip(reason) };
    let shown = |action| {
        let endpoint = || {
            let Action::Open { endpoint, .. } = action else { return String::new() };
            quoted(&match endpoint {
                Endpoint::Base if policy.endpoints().count() == 1 => "primary".to_owned(),
                Endpoint::Base => policy.endpoints().current().to_string(),
                Endpoint::Session => "session".to_owned(),
                Endpoint::Redirect => policy.redirect().map_or_else(String::new, u8::to_string),
            })
        };
        let keys = || {
            let keys: Vec<_> = policy.subscriptions().batch().map(|key| quoted(&key.to_string())).collect();
            keys.join(", ")
        };
        decisions::action(action, redial::Epoch::get, endpoint, policy.session().sequence(), keys)
    };
    printed.print(decided, shown, out);
}

/// Lives through a story on a preset, recording from the step with this number on: the log, and what was decided.
fn live(story: &[u8], mut recorder: Recorder, begin: usize) -> arbitrary::Result<(String, String)> {
    let u = &mut Unstructured::new(story);
    let (name, config) = *u.choose(presets::ALL)?;
    let mut policy = policy(config, u.arbitrary()?, u.int_in_range(1..=3)?);
    let (mut now, mut log, mut decided) = (Instant::ZERO, String::new(), String::new());
    let mut printed = None;
    for step in 0..500 {
        if step == begin {
            log.push_str(recorder.set_up(&policy, name).expect("few names"));
            printed = Some(Decisions::new(policy.phase()));
        }
        if u.is_empty() {
            break;
        }
        let (Ok(next), Ok(event)) = (script::time(u, now, &policy), script::fact(u, &policy)) else { break };
        now = next;
        let line = match &event {
            Some(event) => recorder.event(now, event).expect("few names").to_owned(),
            None => recorder.timeout(now).to_owned(),
        };
        let told = event.is_some().then(|| word(&line));
        let actions = match event {
            Some(event) => policy.handle_event(now, event),
            None => policy.handle_timeout(now),
        };
        if let Some(printed) = &mut printed {
            print(printed, &policy, now, (told.as_deref(), actions), &mut decided);
            log.push_str(&line);
        }
    }
    Ok((log, decided))
}

/// The event of a line.
fn word(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    line["event"].as_str().expect("an event").to_owned()
}

/// What stands in the lines beside names.
fn without_names(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        for key in ["keys", "endpoint"] {
            if let Some(value) = line.get_mut(key) {
                *value = value.as_array().map_or(0, Vec::len).into();
            }
        }
        text += &format!("{line}\n");
    }
    text
}

/// The first line that differs says more than all of them.
fn same(played: &str, decided: &str) {
    for (played, decided) in played.lines().zip(decided.lines()) {
        assert_eq!(played, decided);
    }
    let rest =
        |lines: &str, from: &str| lines.lines().skip(from.lines().count()).collect::<Vec<_>>().join("\n");
    assert_eq!(rest(played, decided), rest(decided, played));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_recording_is_played_as_it_happened(
        story in proptest::collection::vec(any::<u8>(), 0..1_200),
        begin in prop_oneof![Just(0_usize), 0_usize..60],
    ) {
        // The only error is the end of the story.
        let Ok((log, decided)) = live(&story, Recorder::showing_names(), begin) else { return Ok(()) };
        if !log.is_empty() {
            same(&replay(&log), &decided);
        }
    }

    /// Without the names it is the same story, and none of them is in it.
    #[test]
    fn numbered_names_decide_the_same(story in proptest::collection::vec(any::<u8>(), 0..1_200)) {
        let Ok((log, decided)) = live(&story, Recorder::new(), 7) else { return Ok(()) };
        if !log.is_empty() {
            same(&without_names(&replay(&log)), &without_names(&decided));
        }
    }
}
