//! A recording is played as it happened: the same decisions, byte for byte.

#![cfg(all(feature = "record", feature = "chacha"))]
#![allow(clippy::let_underscore_must_use, reason = "a story ends where its bytes end")]

#[path = "../examples/replay/engine.rs"]
#[allow(dead_code, reason = "the replay program uses all of it")]
mod engine;
#[path = "../examples/replay/flight.rs"]
mod flight;
#[path = "harness/mod.rs"]
mod harness;
#[path = "common/read_back.rs"]
mod read_back;
#[path = "fuzzed/story.rs"]
mod story;

use proptest::prelude::*;
use redial::handover::Decider;
use redial::policy::Endpoint;
use redial::record::{CheckpointError, Flight, FlightRecorder, Names, Recorder, Store};
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::testing::Script;
use redial::{Action, Actions, Config, Event, Instant, SessionState, presets};

use engine::Replay;
use engine::decisions::{self, Decided, Decisions, Stamp, Unit, quoted};
use harness::{KEYS, SmallPolicy};
use read_back::{SmallHandover, sealed};

/// What a log prints.
fn replay(log: &str) -> String {
    let (mut out, mut replay) = (String::new(), Replay::default());
    for line in log.lines() {
        replay.line(line.as_bytes(), &mut out).unwrap_or_else(|error| panic!("{error}\n{log}"));
    }
    replay.finish(&mut out).expect("a log");
    out
}

/// What is recorded here.
trait Small:
    Decider<Token = u8, Subscriptions = FixedSubscriptions<u8, KEYS>> + Store + Clone + PartialEq
{
    /// How many endpoints it has.
    fn count(&self) -> u8;
}

impl Small for SmallPolicy<'_> {
    fn count(&self) -> u8 {
        self.endpoints().count()
    }
}

impl Small for SmallHandover<'_> {
    fn count(&self) -> u8 {
        self.endpoints().count()
    }
}

/// What a call decided, in the words of the replay program.
fn print(
    printed: &mut Decisions,
    policy: &impl Small,
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
            let name = match endpoint {
                Endpoint::Base if policy.count() == 1 => "primary".to_owned(),
                Endpoint::Base => policy.endpoint_index().to_string(),
                Endpoint::Session => "session".to_owned(),
                Endpoint::Redirect => policy.redirect().map_or_else(String::new, u8::to_string),
            };
            quoted(&name).to_string()
        };
        let keys = || {
            let quoted = |key: &u8| quoted(&key.to_string()).to_string();
            policy.subscriptions().batch().map(quoted).collect::<Vec<_>>().join(", ")
        };
        let sequence = policy.session().and_then(SessionState::sequence);
        decisions::action(action, redial::Epoch::get, endpoint, sequence, keys)
    };
    printed.print(decided, shown, out);
}

/// Lives through a story on any config, recording from the step with this number on: the log, and what was decided.
fn live(story: &[u8], recorder: Recorder, begin: usize) -> (String, String) {
    let mut script = Script::from_bytes(story);
    let config = script.config();
    let policy = story::policy(&mut script, &config);
    lived(script, policy, recorder, begin)
}

/// The same with a handover.
fn handed_over(story: &[u8], recorder: Recorder, begin: usize) -> (String, String) {
    let mut script = Script::from_bytes(story);
    let (handover, config) = (script.handover(), script.config());
    let handover = story::policy(&mut script, &config).with_handover(handover);
    lived(script, handover, recorder, begin)
}

fn lived<D: Small>(
    mut script: Script<'_>,
    mut policy: D,
    mut recorder: Recorder,
    begin: usize,
) -> (String, String) {
    let (mut now, mut log, mut decided) = (Instant::ZERO, String::new(), String::new());
    let mut printed = None;
    for step in 0..500 {
        if step == begin {
            log.push_str(recorder.set_up(&policy).expect("few names"));
            printed = Some(Decisions::new(policy.phase()));
        }
        let Some(step) = script.next_step(&policy, now) else { break };
        let event = step.event;
        now = step.at;
        let line = recorder.step(now, event.as_ref()).expect("few names").to_owned();
        let told = event.as_ref().map(Event::as_str);
        let actions = match event {
            Some(event) => policy.handle_event(now, event),
            None => policy.handle_timeout(now),
        };
        if let Some(printed) = &mut printed {
            print(printed, &policy, now, (told, actions), &mut decided);
            log.push_str(&line);
        }
    }
    (log, decided)
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
    #![proptest_config(ProptestConfig { cases: harness::cases(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_recording_is_played_as_it_happened(
        story in proptest::collection::vec(any::<u8>(), 0..1_200),
        begin in prop_oneof![Just(0_usize), 0_usize..60],
    ) {
        let (log, decided) = live(&story, Recorder::showing_names(), begin);
        if !log.is_empty() {
            same(&replay(&log), &decided);
        }
    }

    #[test]
    fn a_handover_is_played_as_it_happened(
        story in proptest::collection::vec(any::<u8>(), 0..1_200),
        begin in prop_oneof![Just(0_usize), 0_usize..60],
    ) {
        let (log, decided) = handed_over(&story, Recorder::showing_names(), begin);
        if !log.is_empty() {
            same(&replay(&log), &decided);
        }
    }

    /// Without the names it is the same story, and none of them is in it.
    #[test]
    fn numbered_names_decide_the_same(story in proptest::collection::vec(any::<u8>(), 0..1_200)) {
        let (log, decided) = live(&story, Recorder::new(), 7);
        if !log.is_empty() {
            same(&without_names(&replay(&log)), &without_names(&decided));
        }
    }

    #[test]
    fn numbered_names_hand_over_the_same(story in proptest::collection::vec(any::<u8>(), 0..1_200)) {
        let (log, decided) = handed_over(&story, Recorder::new(), 7);
        if !log.is_empty() {
            same(&without_names(&replay(&log)), &without_names(&decided));
        }
    }

    #[test]
    fn a_flight_of_a_handover_is_played_as_it_happened(story in proptest::collection::vec(any::<u8>(), 0..1_200)) {
        let _dump = fly_over::<0>(&story);
        let _dump = fly_over::<150>(&story);
        let _dump = fly_over::<10_000>(&story);
    }

    /// What is left of a flight is played as it happened since its checkpoint, however small the ring.
    #[test]
    fn a_flight_is_played_as_it_happened(story in proptest::collection::vec(any::<u8>(), 0..1_200)) {
        let _dump = fly::<0>(&story);
        let _dump = fly::<9>(&story);
        let _dump = fly::<150>(&story);
        let _dump = fly::<10_000>(&story);
    }

    #[test]
    fn no_bytes_are_a_flight_by_chance(
        story in proptest::collection::vec(any::<u8>(), 0..600),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        for flight in [fly::<300>(&story), fly_over::<300>(&story)] {
            let mut bytes = flight;
            bytes.truncate(bytes.len() - 4);
            for (place, byte) in &changes {
                let place = 2 + usize::from(*place) % (bytes.len() - 2);
                bytes[place] = *byte;
            }
            let bytes = sealed(bytes);
            let _ = read_back::flight(&presets::RECOMMENDED, &bytes);
            if let Ok(log) = flight::log(&bytes, None) {
                let (mut out, mut replay) = (String::new(), Replay::default());
                let _ = log.iter().try_for_each(|line| replay.line(line.as_bytes(), &mut out));
            }
        }
    }
}

/// Lives through a story beside a flight recorder, and returns its dump.
fn fly<const BYTES: usize>(story: &[u8]) -> Vec<u8> {
    let mut script = Script::from_bytes(story);
    let (name, config) = preset(&mut script);
    let policy = story::policy(&mut script, config);
    flown::<_, BYTES>(script, policy, &format!("{{\"preset\": \"{name}\"}}"))
}

/// The same with a handover.
fn fly_over<const BYTES: usize>(story: &[u8]) -> Vec<u8> {
    let mut script = Script::from_bytes(story);
    let (handover, (name, config)) = (script.handover(), preset(&mut script));
    let handover = story::policy(&mut script, config).with_handover(handover);
    let settings = serde_json::to_string(&handover.handover_config()).expect("plain data");
    let set_up = format!("{{\"preset\": \"{name}\", \"config\": {{\"handover\": {settings}}}}}");
    flown::<_, BYTES>(script, handover, &set_up)
}

fn preset(script: &mut Script<'_>) -> (&'static str, &'static Config) {
    presets::ALL[script.below(presets::ALL.len() as u32) as usize]
}

fn flown<D: Small, const BYTES: usize>(mut script: Script<'_>, mut policy: D, set_up: &str) -> Vec<u8> {
    let mut recorder = FlightRecorder::<_, BYTES>::new(&policy);
    let (mut now, mut lived) = (Instant::ZERO, Vec::new());
    while let (Some(step), true) = (script.next_step(&policy, now), lived.len() <= 400) {
        now = step.at;
        recorder.step(now, step.event.as_ref());
        lived.push((policy.clone(), now, step.event.clone()));
        let _actions = step.apply(&mut policy);
    }
    assert_eq!(recorder.gone() + recorder.len() as u64, lived.len() as u64);
    let left = &lived[lived.len() - recorder.len()..];
    let mut bytes = vec![0; 20_000];
    let length = recorder.dump(Names::Shown, &mut bytes).expect("room");
    bytes.truncate(length);

    let mut again = left.first().map_or(policy.clone(), |(policy, ..)| policy.clone());
    let (mut printed, mut decided) = (Decisions::new(again.phase()), String::new());
    for (before, now, event) in left {
        assert!(again == *before);
        let told = event.as_ref().map(Event::as_str);
        let actions = match event.clone() {
            Some(event) => again.handle_event(*now, event),
            None => again.handle_timeout(*now),
        };
        print(&mut printed, &again, *now, (told, actions), &mut decided);
    }
    same(&replay(&flight::log(&bytes, Some(set_up)).expect("its own").join("\n")), &decided);
    bytes
}

/// In a dump with hashed names there is none of them, and equal ones are still equal.
#[test]
fn a_flight_can_be_handed_in_without_names() {
    use redial::subscriptions::FixedSubscriptions;
    use redial::{Policy, SplitMix64};

    let subscriptions = FixedSubscriptions::<String, 4>::new();
    let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
        .with_subscriptions(subscriptions)
        .with_session_type::<String>();
    let mut recorder = FlightRecorder::<_, 500>::new(&policy).with_set_up(r#"{"preset": "recommended"}"#);
    let start = [
        Event::Subscribe { key: "secret topic".to_owned(), priority: 0 },
        Event::Start,
        Event::Opened { epoch: redial::Epoch::from_raw(1).expect("not 0") },
    ];
    let ready = Event::Ready {
        epoch: redial::Epoch::from_raw(1).expect("not 0"),
        token: Some("secret token".to_owned()),
        endpoint: Some("secret place".to_owned()),
        sequence: None,
        ttl: None,
    };
    let unsubscribe = Event::Unsubscribe { key: "secret topic".to_owned() };
    for (second, event) in start.into_iter().chain([ready, unsubscribe]).enumerate() {
        let now = Instant::from_millis(1_000 * second as u64);
        recorder.event(now, &event);
        let _actions = policy.handle_event(now, event);
    }
    let mut bytes = [0; 2_000];
    let length = recorder.dump(Names::Hashed(0x0123_4567_89ab_cdef), &mut bytes).expect("room");
    let bytes = &bytes[..length];
    assert!(!String::from_utf8_lossy(bytes).contains("secret"));
    let out = replay(&flight::log(bytes, None).expect("its own").join("\n"));
    assert!(out.contains("\"action\": \"restore\", \"epoch\": 1, \"keys\": ["), "{out}");
    assert!(!out.contains("ignored"), "unsubscribed under the same name: {out}");
    for cut in 0..length {
        assert!(Flight::decode(&bytes[..cut]).is_err(), "{cut}");
        let full = recorder.dump(Names::Shown, &mut vec![0; cut]);
        assert!(full == Err(CheckpointError::Full) || full.is_ok_and(|length| length <= cut));
    }
    assert_eq!(Flight::decode(&[0xd3, 7]).err(), Some(CheckpointError::Version(7)));
    assert_eq!(Flight::decode(b"{").err(), Some(CheckpointError::NotAFlight));
}
