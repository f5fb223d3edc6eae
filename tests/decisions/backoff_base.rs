//! A first wait that the server sets ([`Backoff::set_base`]), through the public API. Report 22: the `retry:` field of
//! server-sent events was ignored.

use std::time::Duration;

use crate::draws::{Constant, Shared, ms};
use proptest::prelude::*;
use redial::backoff::AfterTable;
use redial::rand_core::Rng;
use redial::{Backoff, BackoffConfig, ConfigError, Jitter, Mode, Ratio, SplitMix64};

const MAX: u64 = 30_000;
const CURVES: usize = 9;
const BASES: [u64; 9] = [1, 2, 333, 1_000, 4_999, 29_000, MAX, 86_400_000, u64::MAX];

fn ratio(text: &str) -> Ratio {
    text.parse().unwrap()
}

/// Curve number `curve` with this initial wait, and any growth.
fn curve(curve: usize, initial: Duration) -> Result<BackoffConfig, ConfigError> {
    let max = ms(MAX);
    let table = |after| {
        let entries = vec![initial, ms(4_000), ms(1_500), max];
        BackoffConfig::table(Box::leak(entries.into_boxed_slice()), after).build()
    };
    match curve {
        0 => BackoffConfig::exponential(initial, Ratio::ONE, max).build(),
        1 => BackoffConfig::exponential(initial, Ratio::TWO, max).build(),
        2 => BackoffConfig::exponential(initial, ratio("1.6"), max).build(),
        3 => BackoffConfig::linear(initial, max).build(),
        4 => BackoffConfig::fibonacci(initial, max).build(),
        5 => BackoffConfig::quadratic(initial, ms(700), max).build(),
        6 => BackoffConfig::elapsed(ratio("1/3"), initial, max).build(),
        7 => table(AfterTable::GiveUp),
        _ => table(AfterTable::RepeatLast),
    }
}

/// Every curve with every jitter that it takes.
fn jittered() -> impl Iterator<Item = (usize, Jitter, BackoffConfig)> {
    (0..CURVES).flat_map(|shape| jitters().map(|jitter| (shape, jitter))).filter_map(|(shape, jitter)| {
        Some((shape, jitter, curve(shape, ms(1_000)).unwrap().to_builder().jitter(jitter).build().ok()?))
    })
}

fn jitters() -> [Jitter; 11] {
    [
        Jitter::None,
        Jitter::Full,
        Jitter::Equal,
        Jitter::Decorrelated,
        Jitter::PlusMinus(ratio("0.2")),
        Jitter::Minus(ratio("0.2")),
        Jitter::Window(ratio("0.25"), ratio("0.75")),
        Jitter::Plus(ratio("0.1")),
        Jitter::PlusFixed(ms(0), ms(500)),
        Jitter::AboveInitial,
        Jitter::DecorrelatedV2,
    ]
}

/// Every way to finish a config: floors, fresh caps, an exact first wait.
fn finished(config: BackoffConfig) -> Vec<BackoffConfig> {
    let floored = config.to_builder().floor(ms(1_500)).build().unwrap();
    let mut all = vec![config, config.to_builder().exact_first().build_const(), floored];
    all.extend([floored, config].map(|config| config.to_builder().max_fresh(ms(60_000)).build().unwrap()));
    all
}

fn cap(config: &BackoffConfig, mode: Mode) -> Duration {
    config.max_delay(mode)
}

const fn mode(n: u32) -> Mode {
    if n % 3 == 1 { Mode::Fresh } else { Mode::Resume }
}

fn waits(backoff: &mut Backoff, config: &BackoffConfig, rng: &mut impl Rng) -> Vec<Option<Duration>> {
    (0..30).map(|n| backoff.next_delay(config, mode(n), ms(u64::from(n) * 3_000), rng)).collect()
}

/// Report 22: the waits are those of a config that was built with this initial wait, draw by draw, on every curve with
/// every jitter; what `first` the config has is replaced with it.
#[test]
fn a_base_waits_like_a_config_with_that_initial_wait() {
    let mut compared = 0;
    for (shape, jitter, own) in jittered() {
        for base in BASES.iter().map(|base| ms(*base)) {
            // A table's cap is its longest entry, which a longer first entry would raise.
            let built =
                curve(shape, base.min(ms(MAX))).and_then(|config| config.to_builder().jitter(jitter).build());
            let Ok(built) = built else { continue };
            for (own, built) in finished(own).into_iter().zip(finished(built)) {
                // Above a cap of 30 s for one mode and 60 s for the other no config can be built.
                if base > ms(MAX) && own.max_delay(Mode::Fresh) != own.max_delay(Mode::Resume) {
                    continue;
                }
                for own in [
                    own,
                    own.to_builder().first_delay(ms(77)).build_const(),
                    own.to_builder().first_delay(Duration::ZERO).build_const(),
                ] {
                    let mut backoff = Backoff::new();
                    backoff.set_base(Some(base));
                    let (mut rng, mut same) = (SplitMix64::new(7), SplitMix64::new(7));
                    for _ in 0..2 {
                        let expected = waits(&mut Backoff::new(), &built, &mut same);
                        assert_eq!(waits(&mut backoff, &own, &mut rng), expected, "{own:?} {base:?}");
                        backoff.reset();
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

/// Report 22: a base of 0 is one retry at once, and no hot loop: from the second wait on all is as the config has it.
#[test]
fn a_base_of_zero_does_not_spin() {
    for (_, jitter, own) in jittered() {
        for own in finished(own) {
            let (mut backoff, mut rng, mut same) = (Backoff::new(), SplitMix64::new(7), SplitMix64::new(7));
            backoff.set_base(Some(Duration::ZERO));
            let got = waits(&mut backoff, &own, &mut rng);
            assert_eq!(
                got,
                waits(
                    &mut Backoff::new(),
                    &own.to_builder().first_delay(Duration::ZERO).build_const(),
                    &mut same
                )
            );
            if !matches!(jitter, Jitter::PlusFixed(..)) {
                assert_eq!(got[0], Some(Duration::ZERO), "{own:?}");
            }
            let mut backoff = Backoff::new();
            backoff.set_base(Some(Duration::ZERO));
            let longest = waits(&mut backoff, &own, &mut Constant(u64::MAX));
            assert!(longest[1..].iter().flatten().all(|wait| *wait >= ms(700)), "{own:?}: {longest:?}");
        }
    }
}

/// The cap of the dial that is waited for cuts a base.
#[test]
fn a_base_is_cut_at_the_cap_of_each_mode() {
    let config = curve(1, ms(1_000)).unwrap().to_builder().max_fresh(ms(60_000)).build().unwrap();
    for (mode, cap) in [(Mode::Resume, 30_000), (Mode::Fresh, 60_000)] {
        for (base, want) in [(45_000, 45_000.min(cap)), (86_400_000, cap), (u64::MAX, cap)] {
            let mut backoff = Backoff::new();
            backoff.set_base(Some(ms(base)));
            let wait = backoff.next_delay(&config, mode, Duration::ZERO, &mut Shared::default());
            assert_eq!(wait, Some(ms(want)), "{mode:?} {base}");
        }
    }
}

/// Set in the middle of an outage, the n-th wait is the new curve's n-th.
#[test]
fn a_base_that_comes_late_counts_from_the_first_failure() {
    let config = curve(1, ms(1_000)).unwrap();
    let mut backoff = Backoff::new();
    let mut next = |base: Option<Option<u64>>| {
        if let Some(base) = base {
            backoff.set_base(base.map(ms));
        }
        backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut Shared::default()).unwrap()
    };
    assert_eq!([next(None), next(None)], [ms(1_000), ms(2_000)]);
    assert_eq!([next(Some(Some(3_000))), next(None)], [ms(12_000), ms(24_000)]);
    assert_eq!(next(Some(Some(1))), ms(16));
    assert_eq!(next(Some(None)), ms(30_000));
}

fn any_base() -> impl Strategy<Value = Option<Option<Duration>>> {
    let base = prop_oneof![
        Just(Duration::ZERO),
        (0..60_000_u64).prop_map(ms),
        any::<u64>().prop_map(Duration::from_micros),
        Just(Duration::MAX),
    ];
    prop::option::weighted(0.3, prop::option::weighted(0.7, base))
}

proptest! {
    /// Whatever is set whenever: no wait above the cap, none below the floor but a first one of 0, and a table ends
    /// when it would have ended.
    #[test]
    fn any_base_stays_within_the_floor_and_the_cap(
        shape in 0..CURVES,
        (jitter, finish, first) in (0..11_usize, 0..5_usize, prop::option::of(0..100_000_u64)),
        bases in prop::collection::vec((any_base(), any::<bool>(), 0..20_u8), 1..80),
        (seed, lost) in (any::<u64>(), any::<u64>()),
    ) {
        let config = curve(shape, ms(1_000)).unwrap();
        let config = config.to_builder().jitter(jitters()[jitter]).build().unwrap_or(config);
        let config = finished(config)[finish];
        let config = first.map_or(config, |first| config.to_builder().first_delay(ms(first)).build_const());
        let mut draws: [Box<dyn Rng>; 3] =
            [Box::new(SplitMix64::new(seed)), Box::new(Constant(0)), Box::new(Constant(u64::MAX))];
        let mut backoffs = [Backoff::new(), Backoff::new(), Backoff::new()];
        for (base, fresh, reset) in bases {
            let mode = if fresh { Mode::Fresh } else { Mode::Resume };
            for (backoff, rng) in backoffs.iter_mut().zip(&mut draws) {
                if reset == 0 {
                    backoff.reset();
                }
                if let Some(base) = base {
                    backoff.set_base(base);
                }
                let wait = backoff.next_delay(&config, mode, Duration::from_micros(lost), &mut **rng);
                prop_assert_eq!(wait.is_none(), config.ceiling(backoff.failures(), mode).is_none());
                if let Some(wait) = wait {
                    let first = backoff.failures() == 1;
                    prop_assert!(wait <= cap(&config, mode), "{:?}", wait);
                    prop_assert!(first || wait >= config.floor(), "{:?}", wait);
                }
            }
        }
    }
}

/// A backoff is still 16 bytes.
#[test]
fn a_base_costs_no_space() {
    assert_eq!(size_of::<Backoff>(), 16);
}
