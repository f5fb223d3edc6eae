//! Without a reason to move, a handover decides as the policy alone: the same actions, dispositions, phases, deadlines,
//! explanations and counters.

#![allow(clippy::let_underscore_must_use, reason = "every action is compared where it is made")]

use arbitrary::{Result, Unstructured};
use proptest::prelude::*;
use redial::{Config, Event, Instant, handover};

use super::harness::{SmallPolicy, small_policy};
use super::pair::{Subject, is_live};
use super::{Hex, cases, script, story};

/// Whether this could begin a handover.
fn is_reason(event: &Event<u8, u8>) -> bool {
    matches!(event, Event::Redial | Event::ReconnectRequested { .. })
}

fn compare(policy: &SmallPolicy<'_>, pair: &Subject<'_>, then: &str) {
    assert_eq!(policy.phase(), pair.phase(), "{then}");
    assert_eq!(policy.deadline(), pair.deadline(), "{then}");
    assert_eq!(policy.poll_timeout(), pair.poll_timeout(), "{then}");
    assert_eq!(policy.explain(), pair.explain(), "{then}");
    assert_eq!(policy.stats(), pair.stats(), "{then}");
    assert_eq!(policy.epoch(), pair.epoch(), "{then}");
    assert_eq!((pair.successor(), pair.draining()), (None, None), "{then}");
    assert!(policy.session() == pair.session(), "{then}");
    assert!(policy.subscriptions() == pair.subscriptions(), "{then}");
    assert!(policy.endpoints() == pair.endpoints(), "{then}");
    assert_eq!(policy.redirect(), pair.redirect(), "{then}");
}

/// One script, told to both. With `on`, nothing of it is a reason to move.
fn run(bytes: &[u8], on: bool) -> Result<()> {
    let u = &mut Unstructured::new(bytes);
    let (config, _) = script::config(u)?;
    let config: Config =
        if on { config.to_builder().max_age(None, Default::default()).build_const() } else { config };
    let seed = u64::from(u.arbitrary::<u8>()?);
    let mut policy = small_policy(&config, seed, u.int_in_range(1..=3)?);
    let mut pair = policy.clone().with_handover(on.then_some(handover::Config::DEFAULT));
    let mut now = Instant::ZERO;
    for _ in 0..2_000 {
        if u.is_empty() {
            break;
        }
        now = script::time(u, now, &policy)?;
        let event = script::event(u, &policy)?;
        if on && is_live(&pair) && event.as_ref().is_some_and(is_reason) {
            continue;
        }
        let then = format!("{event:?} at {now:?}");
        let (one, other) = match event {
            Some(event) => (policy.handle_event(now, event.clone()), pair.handle_event(now, event)),
            None => (policy.handle_timeout(now), pair.handle_timeout(now)),
        };
        assert_eq!(one, other, "{then}");
        compare(&policy, &pair, &then);
        assert_eq!(policy.snapshot(now), pair.snapshot(now), "{then}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_handover_without_a_config_decides_as_the_policy(Hex(bytes) in story()) {
        let _ = run(&bytes, false);
    }

    #[test]
    fn a_handover_without_a_reason_decides_as_the_policy(Hex(bytes) in story()) {
        let _ = run(&bytes, true);
    }
}
