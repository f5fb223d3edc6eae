//! Without a reason to move, a handover decides as the policy alone: the same actions, dispositions, phases, deadlines,
//! explanations and counters.

use proptest::prelude::*;
use redial::testing::{Script, strategies};
use redial::{Config, Event, Instant, handover};

use crate::harness::{SmallPolicy, cases};
use crate::pair::{Subject, is_live};

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
fn run(mut script: Script<'_>, on: bool) {
    let config = script.config();
    let config: Config =
        if on { config.to_builder().max_age(None, Default::default()).build_const() } else { config };
    let mut policy = crate::story::policy(&mut script, &config);
    let mut pair = policy.clone().with_handover(on.then_some(handover::Config::DEFAULT));
    let mut now = Instant::ZERO;
    for _ in 0..2_000 {
        let Some(step) = script.next_step(&policy, now) else { break };
        now = step.at;
        if on && is_live(&pair) && step.event.as_ref().is_some_and(is_reason) {
            continue;
        }
        let then = format!("{step:?}");
        assert_eq!(step.clone().apply(&mut policy), step.apply(&mut pair), "{then}");
        compare(&policy, &pair, &then);
        assert_eq!(policy.snapshot(now), pair.snapshot(now), "{then}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2_000), max_shrink_iters: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_handover_without_a_config_decides_as_the_policy(script in strategies::scripts(1_200)) {
        run(script, false);
    }

    #[test]
    fn a_handover_without_a_reason_decides_as_the_policy(script in strategies::scripts(1_200)) {
        run(script, true);
    }
}
