//! Several servers of one service.

use std::collections::BTreeSet;

use redial::endpoints::{Endpoints, FixedEndpoints};
use redial::policy::WaitReason;
use redial::{Config, GiveUp, Policy, SplitMix64};

use crate::harness::*;

/// Three servers; the first dial is under way.
fn pool(config: Config, seed: u64) -> Harness<FixedEndpoints<3>> {
    let endpoints = FixedEndpoints::new(3).expect("room for them");
    let mut rig =
        Harness::of(Policy::from_parts(config, SplitMix64::new(seed), Default::default(), endpoints));
    rig.start();
    rig
}

/// nats-io/nats.java#1586: the pool was walked without a pause, so that all clients of a restarted cluster met at the
/// same server at each moment.
#[test]
fn nats_java_1586() {
    let mut gaps = BTreeSet::new();
    for seed in 0..100 {
        let mut rig = pool(PLAIN, seed);
        for _ in 0..2 {
            rig.fail(REFUSED);
            let (gap, reason) = rig.due().expect("a gap");
            assert!((ms(100)..ms(400)).contains(&gap) && reason == WaitReason::Endpoint, "{gap:?}");
            gaps.insert(rig.redial());
        }
    }
    assert!(gaps.len() > 190, "{} of 200", gaps.len());
}

/// nats-io/nats.java#1595: each address of a name cost one of the attempts: four of them were over after one round and
/// a bit.
#[test]
fn nats_java_1595() {
    let mut rig = pool(PLAIN.to_builder().max_attempts(Some(4)).build_const(), 1);
    let mut dials = vec![(rig.told().attempt, rig.policy.endpoints().current())];
    let end = loop {
        if let Some(end) = gave_up(&rig.fail(REFUSED)) {
            break end;
        }
        rig.redial();
        dials.push((rig.told().attempt, rig.policy.endpoints().current()));
    };
    assert_eq!(end, (GiveUp::MaxAttempts, REFUSED));
    dials.sort_unstable();
    let rounds: Vec<_> = (1..=4).flat_map(|attempt| (0..3).map(move |server| (attempt, server))).collect();
    assert_eq!(dials, rounds, "four rounds, each of all three");
}
