//! The endpoints through their public API: one test for each rule, and random calls.

use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;
use redial::endpoints::{EndpointOrder, Endpoints, EndpointsConfig, FixedEndpoints, SingleEndpoint};
use redial::{ConfigError, Instant, SplitMix64};

const PRIMARY: EndpointsConfig = EndpointsConfig::DEFAULT;
/// No stickiness, so that the memory alone decides.
const LEAST: EndpointsConfig =
    EndpointsConfig::new().order(EndpointOrder::LeastFailed).sticky(Duration::ZERO).build_const();
const MINUTE: u64 = 60;

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn three() -> FixedEndpoints<3> {
    FixedEndpoints::new(3).expect("valid")
}

/// A whole round in which every endpoint fails.
fn round<E: Endpoints>(
    endpoints: &mut E,
    config: &EndpointsConfig,
    now: Instant,
    rng: &mut SplitMix64,
) -> Vec<u8> {
    let mut dialled = vec![endpoints.begin_round(config, now, rng)];
    while let Some(next) = endpoints.failed(config, now, rng) {
        assert_eq!(endpoints.current(), next);
        dialled.push(next);
        assert!(dialled.len() < 300, "the round does not end");
    }
    dialled
}

/// A round that begins with `index`, which must be one of the least failed: whichever seed does it.
fn begin_with(endpoints: &mut FixedEndpoints<3>, index: u8, now: Instant) {
    let begun = (0..1_000).map(|seed| {
        let mut begun = endpoints.clone();
        begun.begin_round(&LEAST, now, &mut SplitMix64::new(seed));
        begun
    });
    *endpoints = begun.into_iter().find(|begun| begun.current() == index).expect("one of the least failed");
}

/// One failed dial of `index`, which must be one of the least failed.
fn blame(endpoints: &mut FixedEndpoints<3>, index: u8, now: Instant) {
    begin_with(endpoints, index, now);
    endpoints.failed(&LEAST, now, &mut SplitMix64::new(0));
}

/// The endpoints that a round may begin with.
fn firsts(endpoints: &FixedEndpoints<3>, config: &EndpointsConfig, now: Instant) -> Vec<u8> {
    let first = |seed| endpoints.clone().begin_round(config, now, &mut SplitMix64::new(seed));
    (0..100).map(first).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Lifecycle 71: a round dials each endpoint once; then it is over, and stays so.
#[test]
fn lifecycle_71_a_round_is_each_endpoint_once() {
    for config in [PRIMARY, LEAST] {
        let (mut endpoints, mut rng) = (three(), SplitMix64::new(1));
        for second in 0..20 {
            let mut dialled = round(&mut endpoints, &config, at(second), &mut rng);
            dialled.sort_unstable();
            assert_eq!(dialled, [0, 1, 2]);
            assert_eq!(endpoints.failed(&config, at(second), &mut rng), None);
        }
    }
}

/// Lifecycle 72, RTN17i: each round begins at the primary however often it failed, and the fallbacks come in both
/// orders.
#[test]
fn lifecycle_72_primary_first_then_the_others_drawn() {
    let mut orders = BTreeSet::new();
    for seed in 0..20 {
        let (mut endpoints, mut rng) = (three(), SplitMix64::new(seed));
        for second in 0..5 {
            let dialled = round(&mut endpoints, &PRIMARY, at(second), &mut rng);
            assert_eq!(dialled[0], 0);
            orders.insert(dialled);
        }
    }
    assert_eq!(orders, BTreeSet::from([vec![0, 1, 2], vec![0, 2, 1]]));
}

/// Lifecycle 72, async-nats: the least failed first; equals are drawn, from the seed alone.
#[test]
fn lifecycle_72_least_failed_first_with_a_seeded_shuffle() {
    let first = |seed: u64| three().begin_round(&LEAST, at(0), &mut SplitMix64::new(seed));
    assert_eq!((0..30).map(first).collect::<BTreeSet<_>>(), BTreeSet::from([0, 1, 2]));
    assert!((0..30).all(|seed| first(seed) == first(seed)));

    // Each round begins with one that was not blamed yet; the fourth starts over.
    for seed in 0..20 {
        let (mut endpoints, mut rng) = (three(), SplitMix64::new(seed));
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            seen.insert(endpoints.begin_round(&LEAST, at(0), &mut rng));
            endpoints.failed(&LEAST, at(0), &mut rng);
        }
        assert_eq!(seen.len(), 3, "seed {seed}");
    }

    // Endpoint 0 failed twice, 1 once, 2 not since its success: the whole round is in that order, whatever the seed.
    let mut endpoints = three();
    for index in [0, 1, 2, 0] {
        blame(&mut endpoints, index, at(0));
    }
    begin_with(&mut endpoints, 2, at(0));
    endpoints.succeeded(&LEAST, at(0));
    for seed in 0..20 {
        assert_eq!(round(&mut endpoints.clone(), &LEAST, at(0), &mut SplitMix64::new(seed)), [2, 1, 0]);
    }
}

/// Lifecycle 73, RTN17j: without a network there is no walk, and nobody is blamed.
#[test]
fn lifecycle_73_no_network_no_walk_no_blame() {
    let mut endpoints = three();
    blame(&mut endpoints, 1, at(0));
    blame(&mut endpoints, 2, at(0));
    for seed in 0..20 {
        let mut rng = SplitMix64::new(seed);
        assert_eq!(endpoints.begin_round(&LEAST, at(0), &mut rng), 0, "still the only one without a failure");
        endpoints.end_round();
    }
    assert_eq!(endpoints.failed(&LEAST, at(0), &mut SplitMix64::new(0)), None, "and stays so");
}

/// Lifecycle 73: a fallback that is sticky stays so when the network was at fault.
#[test]
fn lifecycle_73_no_network_keeps_the_sticky_one() {
    let (mut endpoints, mut rng) = (three(), SplitMix64::new(5));
    endpoints.begin_round(&PRIMARY, at(0), &mut rng);
    let fallback = endpoints.failed(&PRIMARY, at(0), &mut rng).expect("a fallback");
    endpoints.succeeded(&PRIMARY, at(0));
    endpoints.begin_round(&PRIMARY, at(1), &mut rng);
    endpoints.end_round();
    assert_eq!(endpoints.begin_round(&PRIMARY, at(2), &mut rng), fallback);
}

/// Lifecycle 74, nats.java#1586: the gaps in a round spread over their range and stay in it.
#[test]
fn lifecycle_74_gaps_are_jittered() {
    let (low, high) = (Duration::from_millis(100), Duration::from_millis(400));
    let mut rng = SplitMix64::new(9);
    let gaps: Vec<_> = (0..1_000).map(|_| PRIMARY.draw_gap(&mut rng)).collect();
    assert!(gaps.iter().all(|gap| (low..high).contains(gap)));
    assert!(gaps.iter().collect::<BTreeSet<_>>().len() > 900);
    let mean = gaps.iter().sum::<Duration>() / 1_000;
    assert!(mean.abs_diff(Duration::from_millis(250)) < Duration::from_millis(10), "{mean:?}");

    let fixed = PRIMARY.to_builder().gap(low, low).build().expect("valid");
    let mut untouched = SplitMix64::new(9);
    assert_eq!(fixed.draw_gap(&mut untouched), low);
    assert_eq!(untouched, SplitMix64::new(9), "one value needs no draw");
}

/// Lifecycle 75, RSC15f: a fallback that succeeded goes first for ten minutes and the primary after that; flapping on it
/// does not prolong that.
#[test]
fn lifecycle_75_sticky_success_then_back_to_the_primary() {
    let (mut endpoints, mut rng) = (three(), SplitMix64::new(2));
    endpoints.begin_round(&PRIMARY, at(0), &mut rng);
    let fallback = endpoints.failed(&PRIMARY, at(0), &mut rng).expect("a fallback");
    endpoints.succeeded(&PRIMARY, at(0));
    for minute in 1..10 {
        assert_eq!(endpoints.begin_round(&PRIMARY, at(minute * MINUTE), &mut rng), fallback);
        endpoints.succeeded(&PRIMARY, at(minute * MINUTE));
    }
    assert_eq!(endpoints.begin_round(&PRIMARY, at(10 * MINUTE), &mut rng), 0);
}

/// Lifecycle 75, RSC15f: a sticky endpoint that fails is sticky no more; the primary is next, in this round and after.
#[test]
fn lifecycle_75_a_failure_ends_it() {
    for seed in 0..10 {
        let (mut endpoints, mut rng) = (three(), SplitMix64::new(seed));
        endpoints.begin_round(&PRIMARY, at(0), &mut rng);
        let fallback = endpoints.failed(&PRIMARY, at(0), &mut rng).expect("a fallback");
        endpoints.succeeded(&PRIMARY, at(0));
        let dialled = round(&mut endpoints, &PRIMARY, at(1), &mut rng);
        assert_eq!(dialled[..2], [fallback, 0]);
        assert_eq!(endpoints.begin_round(&PRIMARY, at(2), &mut rng), 0);
    }
}

/// Lifecycle 75: with "least failed" the endpoint that worked stays first too, instead of being drawn among equals.
#[test]
fn lifecycle_75_sticky_with_least_failed() {
    let sticky = LEAST.to_builder().sticky(Duration::from_secs(10 * MINUTE)).build_const();
    let (mut endpoints, mut rng) = (three(), SplitMix64::new(2));
    let first = endpoints.begin_round(&sticky, at(0), &mut rng);
    endpoints.succeeded(&sticky, at(0));
    assert!((0..100).all(|second| endpoints.begin_round(&sticky, at(second), &mut rng) == first));
    let later: BTreeSet<_> =
        (0..100).map(|_| endpoints.begin_round(&sticky, at(10 * MINUTE), &mut rng)).collect();
    assert_eq!(later.len(), 3);
}

/// Lifecycle 77, libsignal: failures count half after a half-life of one minute; one is gone after five of them, any
/// number after eight.
#[test]
fn lifecycle_77_memory_decays_with_age() {
    let mut endpoints = three();
    blame(&mut endpoints, 0, at(0));
    assert_eq!(firsts(&endpoints, &LEAST, at(5 * MINUTE - 1)), [1, 2]);
    assert_eq!(firsts(&endpoints, &LEAST, at(5 * MINUTE)), [0, 1, 2]);

    // Two failures each, and those of endpoint 0 are both a half-life old.
    for (again, best) in [(at(MINUTE - 1), &[0, 1, 2][..]), (at(MINUTE), &[0])] {
        let mut endpoints = three();
        for index in [0, 1, 2, 0] {
            blame(&mut endpoints, index, at(0));
        }
        blame(&mut endpoints, 1, again);
        blame(&mut endpoints, 2, again);
        assert_eq!(firsts(&endpoints, &LEAST, again), best);
    }

    let mut endpoints = three();
    for _ in 0..100 {
        round(&mut endpoints, &LEAST, at(0), &mut SplitMix64::new(1));
    }
    begin_with(&mut endpoints, 0, at(0));
    endpoints.succeeded(&LEAST, at(0));
    assert_eq!(firsts(&endpoints, &LEAST, at(8 * MINUTE - 1)), [0]);
    assert_eq!(firsts(&endpoints, &LEAST, at(8 * MINUTE)), [0, 1, 2]);
}

/// Lifecycle 77: a success clears the failures of its endpoint.
#[test]
fn lifecycle_77_a_success_clears_its_endpoint() {
    let mut endpoints = three();
    round(&mut endpoints, &LEAST, at(0), &mut SplitMix64::new(1));
    begin_with(&mut endpoints, 1, at(0));
    endpoints.succeeded(&LEAST, at(0));
    assert_eq!(firsts(&endpoints, &LEAST, at(0)), [1]);
}

/// Lifecycle 77: a new network or a long sleep clears failures and stickiness; a round that is on goes on.
#[test]
fn lifecycle_77_forget_clears_everything_but_the_round() {
    let mut rng = SplitMix64::new(1);
    let mut endpoints = three();
    endpoints.begin_round(&PRIMARY, at(0), &mut rng);
    endpoints.failed(&PRIMARY, at(0), &mut rng).expect("a fallback");
    endpoints.succeeded(&PRIMARY, at(0));
    endpoints.forget();
    assert_eq!(firsts(&endpoints, &PRIMARY, at(1)), [0], "not sticky");

    let mut endpoints = three();
    blame(&mut endpoints, 0, at(0));
    let second = endpoints.current();
    endpoints.forget();
    assert_eq!(firsts(&endpoints, &LEAST, at(0)), [0, 1, 2], "no failures");
    assert_eq!(endpoints.current(), second);
    let third = endpoints.failed(&LEAST, at(0), &mut rng).expect("the third");
    assert_eq!(third, 3 - second, "0 and {second} were dialled in this round");
}

/// A clock that runs backwards keeps neither a failure nor stickiness forever.
#[test]
fn a_rewound_clock_keeps_nothing_forever() {
    let mut rng = SplitMix64::new(1);
    let late = at(1_000_000);
    let mut endpoints = three();
    endpoints.begin_round(&PRIMARY, late, &mut rng);
    let fallback = endpoints.failed(&PRIMARY, late, &mut rng).expect("a fallback");
    endpoints.succeeded(&PRIMARY, late);
    assert_eq!(endpoints.begin_round(&PRIMARY, at(0), &mut rng), fallback);
    assert_eq!(endpoints.begin_round(&PRIMARY, at(10 * MINUTE), &mut rng), 0);

    let mut endpoints = three();
    blame(&mut endpoints, 0, late);
    endpoints.begin_round(&LEAST, at(0), &mut rng);
    assert_eq!(firsts(&endpoints, &LEAST, at(5 * MINUTE - 1)), [1, 2]);
    assert_eq!(firsts(&endpoints, &LEAST, at(5 * MINUTE)), [0, 1, 2]);
}

/// One endpoint: nothing is stored or drawn, and the API says the same as a set of one.
#[test]
fn a_single_endpoint_costs_nothing() {
    assert_eq!(size_of::<SingleEndpoint>(), 0);
    for config in [PRIMARY, LEAST] {
        let mut rng = SplitMix64::new(1);
        let (mut single, mut one) = (SingleEndpoint, FixedEndpoints::<1>::new(1).expect("valid"));
        assert_eq!(round(&mut single, &config, at(0), &mut rng), [0]);
        assert_eq!(round(&mut one, &config, at(0), &mut rng), [0]);
        single.succeeded(&config, at(0));
        single.forget();
        assert_eq!(single.current(), one.current());
        assert_eq!(rng, SplitMix64::new(1), "no draw");
    }
}

/// Two for each endpoint, whatever the rest.
#[test]
fn state_is_bounded() {
    assert_eq!(size_of::<FixedEndpoints<2>>(), 24);
    assert_eq!(size_of::<FixedEndpoints<6>>(), 32);
}

#[test]
fn a_config_that_could_misbehave_cannot_be_built() {
    assert_eq!(FixedEndpoints::<3>::new(0), Err(ConfigError::EndpointCount));
    assert_eq!(FixedEndpoints::<3>::new(4), Err(ConfigError::EndpointCount));
    assert_eq!(FixedEndpoints::<3>::new(2).map(|two| two.count()), Ok(2));
    assert_eq!(PRIMARY.to_builder().half_life(Duration::ZERO).build(), Err(ConfigError::WindowZero));
    let second = Duration::from_secs(1);
    assert_eq!(PRIMARY.to_builder().gap(second, Duration::ZERO).build(), Err(ConfigError::RangeReversed));
    const { _ = PRIMARY.to_builder().gap(Duration::ZERO, Duration::MAX).build_const() };
}

proptest! {
    /// Any calls in any order: nothing panics, no number is out of range, no endpoint comes twice in a round, and the
    /// same seed says the same.
    #[test]
    fn any_calls(
        calls in prop::collection::vec((0_u8..5, prop_oneof![0..u64::MAX, 0_u64..10_000_000_000]), 0..200),
        count in 1_u8..=7,
        order in prop_oneof![Just(EndpointOrder::PrimaryFirst), Just(EndpointOrder::LeastFailed)],
        half_life in 1_u64..,
        sticky in any::<u64>(),
        seed in any::<u64>(),
    ) {
        let config = PRIMARY.to_builder()
            .order(order)
            .sticky(Duration::from_micros(sticky))
            .half_life(Duration::from_micros(half_life)).build().expect("valid");
        let mut a = (FixedEndpoints::<7>::new(count).expect("valid"), SplitMix64::new(seed));
        let mut b = a.clone();
        let mut dialled = BTreeSet::new();
        for (call, micros) in calls {
            let now = Instant::from_micros(micros);
            let run = |state: &mut (FixedEndpoints<7>, SplitMix64)| match call {
                0 => Some(state.0.begin_round(&config, now, &mut state.1)),
                1 => state.0.failed(&config, now, &mut state.1),
                2 => { state.0.end_round(); None }
                3 => { state.0.succeeded(&config, now); None }
                _ => { state.0.forget(); None }
            };
            let next = run(&mut a);
            prop_assert_eq!(next, run(&mut b));
            prop_assert_eq!(&a, &b);
            if call == 0 { dialled.clear(); }
            if let Some(next) = next {
                prop_assert!(next < count);
                prop_assert_eq!(a.0.current(), next);
                prop_assert!(dialled.insert(next), "twice in a round");
            }
        }
    }
}
