//! What is equal in a normal form, and what is not.

use core::time::Duration;

use proptest::prelude::*;
use redial::endpoints::SingleEndpoint;
use redial::policy::{Endpoint, ResumeConfig};
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Normal, Script, normal_form};
use redial::{Cause, Config, Event, Instant, IoKind, Mode, Phase, Policy, SessionState, SplitMix64, presets};

use crate::harness::{Harness, cases, open};

/// The clock's beginning is past the horizon, and its end is far.
const KNOWN: core::ops::Range<Instant> =
    Instant::from_millis(5_000_000)..Instant::from_millis(1_000_000_000_000);
const HORIZON: Duration = Duration::from_secs(3_600);

fn form(policy: &impl Normal, now: Instant, horizon: Duration) -> Vec<u8> {
    let mut form = vec![0; 4_000];
    let length = normal_form(policy, now, horizon, &mut form).expect("room");
    form.truncate(length);
    form
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Refused with a wait of so long at the first dial, then stopped after a second. How it is seen later.
fn refused_and_stopped(wait: Duration, later: Duration) -> Vec<u8> {
    let mut harness = Harness::started(presets::WEBSOCKET);
    _ = harness.refuse(503, Some(wait));
    harness.now = harness.now.saturating_add(secs(1));
    _ = harness.stop(true);
    form(&*harness.policy, harness.now.saturating_add(later), HORIZON)
}

/// A gate is forgotten after half of the horizon (D-TESTS-04).
#[test]
fn a_gate_is_forgotten_after_half_of_the_horizon() {
    let [short, long] = [secs(10), secs(20)];
    let soon = HORIZON / 2 - secs(1);
    assert_ne!(refused_and_stopped(short, soon), refused_and_stopped(long, soon));
    let late = HORIZON / 2 + secs(120);
    assert_eq!(refused_and_stopped(short, late), refused_and_stopped(long, late));
}

/// Parked so long after its outage began. How it is seen two hours later.
fn parked(outage: Duration, begun: Duration) -> Vec<u8> {
    let mut harness = Harness::new(presets::WEBSOCKET);
    harness.start_clock_at(Instant::from_millis(10_000_000_000).saturating_add(begun));
    _ = harness.start();
    _ = harness.refuse(503, Some(secs(60)));
    harness.now = harness.now.saturating_add(outage);
    _ = harness.event(Event::NetworkDown);
    assert_eq!(harness.phase(), Phase::Parked);
    form(&*harness.policy, harness.now.saturating_add(HORIZON * 2), HORIZON)
}

/// The time that a policy is parked does not count, but the outage before it does, however long ago.
#[test]
fn an_outage_is_as_long_as_when_it_was_parked() {
    assert_eq!(parked(secs(10), secs(0)), parked(secs(10), secs(1_000)));
    assert_ne!(parked(secs(10), secs(0)), parked(secs(20), secs(0)));
}

/// The endpoint of its session can't be reached. How it is seen a minute after the first dial.
fn unreachable(begun: Duration) -> Vec<u8> {
    let session = SessionState::resumable("token", Some("wss://resume"), Some(7));
    let resume = ResumeConfig::new().endpoint_fallback(5, secs(300)).build_const();
    let mut harness =
        Harness::importing(presets::DISCORD_GATEWAY.to_builder().resume(resume).build_const(), session);
    harness.start_clock_at(Instant::from_millis(10_000_000_000).saturating_add(begun));
    let seen = harness.now.saturating_add(secs(60));
    assert_eq!(open(&harness.start()), Some((Mode::Resume, Endpoint::Session, 1)));
    _ = harness.fail(Cause::Io(IoKind::ConnectionRefused));
    form(&*harness.policy, seen, HORIZON)
}

/// When the endpoint of a session was first out of reach is seen from now.
#[test]
fn an_endpoint_out_of_reach_is_seen_from_now() {
    assert_eq!(unreachable(secs(0)), unreachable(secs(1_000)));
}

type Subject = Policy<SplitMix64, &'static str, FixedSubscriptions<&'static str, 4>, Config, SingleEndpoint>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000)))]

    /// A story that another clock tells has the same forms: each instant is seen from now.
    #[test]
    fn a_form_is_the_same_wherever_the_clock_began(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        later in 1..10_000_000_u64,
    ) {
        let mut script = Script::from_bytes(&bytes);
        let config = script.config();
        let subject = |session: SessionState<&'static str>| {
            let generator = SplitMix64::new(7);
            Subject::from_parts(config, generator, FixedSubscriptions::new(), SingleEndpoint).with_session(session)
        };
        let session = script.session();
        let (mut one, mut other) = (subject(session.clone()), subject(session));
        let (mut now, later) = (Instant::from_millis(10_000_000_000), secs(later));
        for _ in 0..60 {
            let Some(step) = script.next_step(&one, now) else { break };
            if !KNOWN.contains(&step.at) {
                // What never was stands at the beginning of the clock, and what never will be at its end.
                break;
            }
            now = step.at;
            let mut shifted = step.clone();
            shifted.at = step.at.saturating_add(later);
            let actions = step.apply(&mut one);
            prop_assert_eq!(actions, shifted.apply(&mut other));
            prop_assert_eq!(form(&one, now, HORIZON), form(&other, now.saturating_add(later), HORIZON));
        }
    }
}
