//! `redial::testing`, as a user meets it: around every kind of policy, with what a driver owes, with a log, as a timeline.

mod drivers;
mod normal_form;
#[cfg(feature = "alloc")]
mod timelines;

use core::fmt::Debug;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redial::endpoints::FixedEndpoints;
use redial::handover::{self, EventOf};
use redial::policy::{CredentialConfig, RefreshOn};
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::testing::{Checkable, Checked, Limits, longest_wait};
use redial::{Cause, Event, Instant, IoKind, Phase, Policy, SessionState, SplitMix64, fixed_config, presets};

/// The message of the panic that this must end in.
fn message(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("it must panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// The life of a connection that is lost and comes back again and again, with anything that may go wrong.
fn live<D: Checkable>(policy: D, token: impl Fn() -> Option<D::Token>, key: impl Fn() -> Option<Key<D>>) {
    let mut policy = Checked::new(policy);
    let mut now = Instant::ZERO;
    let _actions = policy.handle_event(now, Event::Start);
    let mut random = SplitMix64::new(1);
    let mut draw = |below: u64| rand_core::Rng::next_u64(&mut random) % below;
    for _ in 0..400 {
        let epoch = policy.epoch().or(policy.successor());
        let event = epoch.and_then(|epoch| {
            Some(match draw(16) {
                0..=2 => Event::Opened { epoch },
                3 => Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None },
                4 | 5 => {
                    Event::Ready { epoch, token: token(), endpoint: token(), sequence: Some(1), ttl: None }
                }
                6 => Event::Resumed { epoch },
                7 => Event::Closed { epoch, cause: Cause::NoCloseFrame },
                8 => Event::Greeting { epoch, heartbeat: Some(Duration::from_secs(1)) },
                9 => Event::Subscribe { key: key()?, priority: 0 },
                10 => Event::SubscriptionFailed { epoch, key: key()?, send: None, retryable: true },
                11 => Event::Redial,
                12 => Event::NetworkDown,
                _ => return None,
            })
        });
        let event = event.or((draw(4) == 0).then_some(Event::NetworkUp));
        now = match draw(8) {
            0 => Instant::from_micros(now.as_micros().saturating_sub(draw(3_000_000))),
            1..=3 => policy.poll_timeout().unwrap_or(now).max(now),
            _ => now.saturating_add(Duration::from_micros(draw(2_000_000))),
        };
        let _actions = policy.call(now, event);
    }
    policy.assert_recovers();
    assert!(policy.stats().opens > 5, "{}", policy.explain());
}

type Key<D> = <<D as handover::Decider>::Subscriptions as Subscriptions>::Key;

#[test]
fn every_kind_of_policy_can_be_checked() {
    fixed_config!(struct Phoenix = presets::PHOENIX);
    let seed = || SplitMix64::new(7);
    live(Policy::new(&presets::RECOMMENDED, seed()), || Some(()), || None);
    live(Policy::new(Phoenix, seed()), || Some(()), || None);
    let numbered = Policy::new(&presets::DISCORD_GATEWAY, seed())
        .with_session_type::<u32>()
        .with_subscriptions(FixedSubscriptions::<u8, 3>::new())
        .with_endpoints(FixedEndpoints::<3>::new(3).expect("3 endpoints"));
    live(numbered.clone(), || Some(9), || Some(2));
    live(numbered.with_handover(handover::Config::DEFAULT), || Some(9), || Some(2));
    let session = SessionState::resumable("token", None, None);
    live(Policy::new(presets::WEBSOCKET, seed()).with_session(session), || Some("another"), || None);
}

#[test]
#[cfg(all(feature = "alloc", feature = "chacha"))]
fn the_documented_generator_and_what_grows_can_be_checked() {
    use redial::rand_core::SeedableRng;
    let policy = Policy::new(&presets::WEBSOCKET, redial::ChaCha8Rng::seed_from_u64(7))
        .with_session_type::<String>()
        .with_subscriptions(redial::subscriptions::SubscriptionList::<String>::new());
    let text = || Some(String::from("text"));
    live(policy.clone(), text, text);
    live(
        policy.with_handover(handover::Config::new().drain(Duration::from_secs(5)).build_const()),
        text,
        text,
    );
}

/// One line changes: every method that asks, and generic code.
#[test]
fn it_has_the_methods_of_what_it_wraps() {
    fn start<D: handover::Decider>(decider: &mut D) -> usize {
        decider.handle_event(Instant::ZERO, Event::Start).len()
    }
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_session_type::<&str>();
    let mut checked = Checked::new(policy.clone());
    assert!(
        checked.config() == &presets::RECOMMENDED
            && checked.session().is_empty()
            && checked.redirect().is_none()
    );
    assert_eq!(start(&mut checked), 1);
    let mut handed = Checked::new(policy.with_handover(handover::Config::DEFAULT));
    assert_eq!(start(&mut handed), 1);
    assert!(handed.snapshot(at(1)).is_none_or(|snapshot| !snapshot.has_session()));
    assert_eq!((checked.phase(), checked.now()), (Phase::Connecting, Instant::ZERO));
    assert_eq!(checked.clone().into_inner().stats().opens, 1);
}

#[test]
fn it_wraps_a_policy_before_its_first_event() {
    let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    let _open = policy.handle_event(Instant::ZERO, Event::Start);
    let message = message(|| _ = Checked::new(policy));
    assert!(message.contains("this one is connecting"), "{message}");
}

/// Two that were told different things are equal if they go on alike.
#[test]
fn equal_ones_go_on_alike() {
    let checked = || Checked::new(Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))).with_hashes();
    let (mut one, mut other) = (checked(), checked());
    assert!(one == other);
    let _open = one.handle_event(at(5), Event::Start);
    assert!(one != other);
    let _nothing = other.handle_timeout(at(1));
    let _open = other.handle_event(at(5), Event::Start);
    assert!(one == other);
}

/// A limit that the policy does not keep stands for a promise that is broken.
fn break_a_promise<D: Checkable>(policy: Checked<D>) -> impl FnOnce()
where
    EventOf<D>: Debug,
{
    move || {
        let limits = policy.limits().longest_wait(Duration::from_micros(1));
        let mut policy = policy.with_limits(limits);
        let _open = policy.handle_event(at(1), Event::Start);
        let epoch = policy.epoch().expect("a dial");
        let cause = Cause::Io(IoKind::ConnectionRefused);
        let _wait = policy.handle_event(at(20), Event::OpenFailed { epoch, cause, retry_after: None });
    }
}

#[test]
fn a_message_says_what_a_stranger_needs() {
    let policy = Policy::new(&presets::PHOENIX, SplitMix64::new(7));
    let message = message(break_a_promise(Checked::new(policy)));
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(
        lines,
        [
            "a promise of redial is broken: after every call a policy is connected, dials or waits with a deadline, \
             is parked on a named condition, stopped, or failed",
            "  found:   a wait until Some(Instant(30000)), and the longest is 1µs",
            "  call:    handle_event at 20000 us, OpenFailed { epoch: Epoch(1), cause: Io(ConnectionRefused), \
             retry_after: None }",
            "  before:  connecting (start), connect_timeout at 10001 ms, attempt 1, 0 failures in a row",
            "  after:   waiting (connection_refused), backoff at 30 ms, then a fresh start, attempt 1, 1 failures in \
             a row, last cause connection_refused",
            "  answer:  applied",
            "For a log of the run that the `replay` program plays, switch on the feature `record` and call \
             `Checked::recording` before the run.",
        ]
    );
}

/// A counterexample is a log that `replay` plays.
#[test]
#[cfg(feature = "record")]
fn a_message_has_the_recording_of_the_run() {
    let policy = || Policy::new(&presets::PHOENIX, SplitMix64::new(7));
    let recording = Checked::new(policy()).recording().expect("a preset can be recorded");
    let set_up = recording.log().expect("it is kept").to_owned();
    assert!(set_up.starts_with("{\"config\": {") && set_up.contains("\"checkpoint\": "), "{set_up}");
    let message = message(break_a_promise(recording));
    let log = format!(
        "The run, as the `replay` program plays it:\n{set_up}\
         {{\"at_us\": 1000, \"event\": \"start\"}}\n\
         {{\"at_us\": 20000, \"event\": \"open_failed\", \"epoch\": 1, \"cause\": {{\"io\": \"connection_refused\"}}}}\n"
    );
    assert!(message.ends_with(&log), "{message}");
    assert_eq!(Checked::new(policy()).log(), None);
}

/// What follows from a config is what the tests of the project knew by hand.
#[test]
fn limits_are_read_from_a_config() {
    let plain = Limits::of(&presets::RECOMMENDED);
    assert_eq!((plain.connect_timeout, plain.min_interval), (Duration::from_secs(10), Duration::ZERO));
    assert!(!plain.heartbeats && plain.restores && !plain.sequence_needed);
    assert!(Limits::of(&presets::PHOENIX).heartbeats);
    let growing = presets::RECOMMENDED.to_builder().connect_timeout_growing(true).build_const();
    let grown = Limits::of(&growing);
    assert_eq!(
        (grown.connect_timeout, grown.longest_wait),
        (Duration::from_secs(600), longest_wait(&growing))
    );
    let numbered = Limits::of(&presets::DISCORD_GATEWAY);
    assert!(numbered.sequence_needed && !numbered.heartbeats, "its greeting brings the heartbeat");
}

/// The checker allows the end of a session within a wait that the host asked for, which is longer than any of the config's.
#[test]
fn a_session_may_end_within_a_wait_of_the_host() {
    let mut policy = Checked::new(Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)));
    let _open = policy.handle_event(at(0), Event::Start);
    let epoch = policy.epoch().expect("a dial");
    let _identify = policy.handle_event(at(0), Event::Opened { epoch });
    let ttl = Some(Duration::from_secs(900));
    let _ready = policy
        .handle_event(at(0), Event::Ready { epoch, token: Some(()), endpoint: None, sequence: None, ttl });
    let _wait = policy.handle_event(at(0), Event::Closed { epoch, cause: Cause::NoCloseFrame });
    let due = policy.poll_timeout().expect("a wait");
    let _open = policy.handle_timeout(due);
    let epoch = policy.epoch().expect("a dial");
    let _wait =
        policy.handle_event(due, Event::NotNow { epoch, retry_after: Some(Duration::from_secs(1200)) });
    assert_eq!(policy.deadline(), Some((at(900_000), redial::policy::WaitReason::SessionExpiry)));
}

/// A deadline that had passed when a call made it is no fault of the loop, which serves it at once; a loop that sleeps is told.
#[test]
fn a_loop_is_late_from_the_call_that_made_the_deadline() {
    let rules = redial::testing::DriverRules::new(Duration::from_millis(50));
    let lead = CredentialConfig::new()
        .refresh_on(RefreshOn::Dial)
        .lead(Duration::from_secs(2), Duration::ZERO)
        .build_const();
    let config = presets::RECOMMENDED.to_builder().credential(lead).build_const();
    let mut policy = Checked::new(Policy::new(config, SplitMix64::new(7))).with_driver_rules(rules);
    let _refresh = policy.handle_event(at(0), Event::Start);
    let _open =
        policy.handle_event(at(0), Event::CredentialOk { request: None, ttl: Some(Duration::from_secs(3)) });
    let epoch = policy.epoch().expect("a dial");
    let _identify = policy.handle_event(at(5_000), Event::Opened { epoch });
    // The credential was to be renewed while the server took its time.
    let _ready = policy.handle_event(
        at(9_000),
        Event::Ready { epoch, token: Some(()), endpoint: None, sequence: None, ttl: None },
    );
    assert_eq!(policy.poll_timeout(), Some(at(1_750)));
    let mut late = policy.clone();
    let _renewal = policy.handle_timeout(at(9_050));
    let told = message(move || _ = late.handle_timeout(at(9_051)));
    assert!(told.contains("51ms after the deadline"), "{told}");
}

/// Calm steps get a policy online after anything, also after a hostile answer to a login.
#[test]
fn calm_steps_get_online_after_anything() {
    for seed in 0..1_000 {
        let mut script = redial::testing::Script::seeded(seed);
        let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(seed));
        let mut now = Instant::ZERO;
        for _ in 0..5 + seed % 4 * 10 {
            let step = script.next_step(&policy, now).expect("a seed has no end");
            now = step.at;
            let _actions = step.apply(&mut policy);
        }
        let online = (0..200).any(|_| {
            let step = script.calm_step(&policy, now);
            now = step.at;
            let _actions = step.apply(&mut policy);
            policy.phase() == Phase::Online
        });
        assert!(online, "{seed}: {}", policy.explain());
    }
}
