//! What is equal in a normal form, and what is not.

use core::time::Duration;

use proptest::prelude::*;
use redial::endpoints::SingleEndpoint;
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Normal, Script, normal_form};
use redial::{Config, Instant, Policy, SessionState, SplitMix64, presets};

use crate::harness::{Harness, cases};

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
