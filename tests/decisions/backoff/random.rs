//! Random configs and any number of failures.

use super::*;

// Any config

fn any_ratio(least: u32) -> impl Strategy<Value = Ratio> {
    (1..=u32::MAX, prop_oneof![1..20_u32, 1..=u32::MAX]).prop_map(move |(num, den)| {
        let over = Ratio::new(num, den).unwrap();
        if over.is_below(Ratio::new(least, 1).unwrap()) { Ratio::new(den, num).unwrap() } else { over }
    })
}

fn any_span() -> impl Strategy<Value = u64> {
    prop_oneof![1..100_u64, 1..100_000_000_u64, 1..=u64::MAX]
}

fn any_jitter() -> impl Strategy<Value = Jitter> {
    let share = |share: u32| Ratio::new(share, 1000).unwrap();
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        (0..=1000_u32).prop_map(move |r| Jitter::PlusMinus(share(r))),
        (0..=1000_u32, 1..=1000_u32).prop_map(move |(a, b)| Jitter::Window(share(a.min(b)), share(a.max(b)))),
        (0..=1000_u32).prop_map(move |r| Jitter::Minus(share(r))),
        any_ratio(0).prop_map(Jitter::Plus),
        (any_span(), any_span()).prop_map(|(a, b)| Jitter::PlusFixed(us(a.min(b)), us(a.max(b)))),
        Just(Jitter::AboveInitial),
        Just(Jitter::DecorrelatedV2),
    ]
}

const TABLES: [&[Duration]; 3] =
    [&[ms(1)], &[ms(5), ms(1), ms(7)], &[Duration::from_micros(1_003), Duration::MAX, ms(9)]];

/// A config with every option, and what must hold of it.
#[derive(Debug)]
struct Any {
    config: BackoffConfig,
    max: Duration,
    max_fresh: Duration,
    floor: Duration,
    asked_for: bool,
    monotone: bool,
}

impl Any {
    fn cap(&self, mode: Mode) -> Duration {
        if mode == Mode::Fresh { self.max_fresh } else { self.max }
    }
}

prop_compose! {
    fn any_config()(
        spans in (any_span(), any_span()),
        (curve, factor, share, step) in (0..9_usize, any_ratio(1), any_ratio(0), any_span()),
        (fresh, floor) in (prop::option::of(any_span()), prop::option::of(any_span())),
        (first, exact, jitter) in (prop::option::of(0..=u64::MAX), any::<bool>(), any_jitter()),
        (table, gives_up) in (0..TABLES.len(), any::<bool>()),
    ) -> Any {
        let ends = (spans.0.max(1_000), spans.1.max(1_000));
        let (initial, mut max) = (us(ends.0.min(ends.1)), us(ends.0.max(ends.1)));
        let after = if gives_up { AfterTable::GiveUp } else { AfterTable::RepeatLast };
        let config = match curve {
            0 => { max = initial; BackoffConfig::constant(initial).build() }
            1 => BackoffConfig::linear(initial, max).build(),
            2 => BackoffConfig::fibonacci(initial, max).build(),
            3 => BackoffConfig::elapsed(share, initial, max).build(),
            4 => {
                max = TABLES[table].iter().copied().max().unwrap().min(us(u64::MAX));
                BackoffConfig::table(TABLES[table], after).build()
            }
            5 => BackoffConfig::quadratic(initial, us(step), max).build(),
            6 => BackoffConfig::windows(initial, us(step.max(1_000))).max_delay(max).build(),
            _ => BackoffConfig::exponential(initial, factor, max).build(),
        };
        let config = config.unwrap();
        // A jitter that only adds may not fit.
        let config = config.to_builder().jitter(jitter).build().unwrap_or(config);
        let config = if exact { config.to_builder().exact_first().build_const() } else { config };
        let asked_for = first.is_some();
        let monotone = curve != 4 && !asked_for;
        let mut any = Any { config, max, max_fresh: max, floor: Duration::ZERO, asked_for, monotone };
        if let Some(Ok(config)) = fresh.map(|fresh| any.config.to_builder().max_fresh(us(fresh)).build()) {
            any = Any { config, max_fresh: us(fresh.unwrap()), ..any };
        }
        if let Some(Ok(config)) = floor.map(|floor| any.config.to_builder().floor(us(floor)).build()) {
            any = Any { config, floor: us(floor.unwrap()), ..any };
        }
        if let Some(first) = first {
            any.config = any.config.to_builder().first_delay(us(first)).build_const();
        }
        any
    }
}

proptest! {
    /// F23, F25, F27, P7: whatever the config, the count and the draws.
    #[test]
    fn any_wait_is_between_the_floor_and_the_cap(
        any in any_config(),
        seed in any::<u64>(),
        modes in prop::collection::vec(prop_oneof![Just(Mode::Fresh), Just(Mode::Resume)], 1..60),
        lost in any_span(),
    ) {
        let mut draws: [Box<dyn Rng>; 3] =
            [Box::new(SplitMix64::new(seed)), Box::new(Constant(0)), Box::new(Constant(u64::MAX))];
        let mut backoffs = [Backoff::new(), Backoff::new(), Backoff::new()];
        for (failure, mode) in (1..).zip(modes) {
            let spent = any.config.ceiling(failure, mode).is_none();
            let mut floor = if failure == 1 && any.asked_for { Duration::ZERO } else { any.floor.min(any.cap(mode)) };
            if matches!(any.config.curve(), Curve::Windows(_)) {
                // Where a window and the floor don't fit under the cap, the wait is spread over the last quarter below.
                floor = floor.min(any.cap(mode) * 3 / 4);
            }
            for (backoff, rng) in backoffs.iter_mut().zip(&mut draws) {
                let wait = backoff.next_delay(&any.config, mode, us(lost), &mut **rng);
                prop_assert_eq!(wait.is_none(), spent);
                if let Some(wait) = wait {
                    prop_assert!(floor <= wait && wait <= any.cap(mode), "{:?} after {}", wait, failure);
                }
            }
        }
    }

    /// F24, S27: no ceiling is below an earlier one or above the cap.
    #[test]
    fn any_ceilings_never_fall(any in any_config(), failures in prop::collection::vec(any_count(), 12)) {
        let mut failures = failures;
        failures.sort_unstable();
        for mode in [Mode::Fresh, Mode::Resume] {
            let ceilings: Vec<_> = failures.iter().map(|&n| any.config.ceiling(n, mode)).collect();
            prop_assert!(!any.monotone || ceilings.is_sorted(), "{:?}", ceilings);
            prop_assert!(ceilings.iter().flatten().all(|&ceiling| ceiling <= any.cap(mode)));
        }
    }

    /// The running state is the pure function, also past the 1024 failures that are followed.
    #[test]
    fn counting_reaches_the_ceiling(
        a in any_span(), b in any_span(), fresh in any_span(), factor in any_ratio(1), curve in 0..6_usize,
    ) {
        let (initial, max) = (us(a.min(b).max(1_000)), us(a.max(b).max(1_000)));
        let config = match curve {
            0 => BackoffConfig::linear(initial, max).build(),
            1 => BackoffConfig::fibonacci(initial, max).build(),
            2 => BackoffConfig::table(TABLES[1], AfterTable::GiveUp).build(),
            3 => BackoffConfig::quadratic(initial, us(fresh), max).build(),
            _ => BackoffConfig::exponential(initial, factor, max).build(),
        }.unwrap();
        let config = config.to_builder().max_fresh(us(fresh)).build().unwrap_or(config);
        let mut backoff = Backoff::new();
        for failure in 1..1030_u32 {
            let mode = if failure % 3 == 0 { Mode::Fresh } else { Mode::Resume };
            let wait = backoff.next_delay(&config, mode, Duration::ZERO, &mut Shared::default());
            if !(70..=1020).contains(&failure) {
                prop_assert_eq!(wait, config.ceiling(failure, mode), "after {}", failure);
            }
        }
    }
}

fn any_count() -> impl Strategy<Value = u32> {
    prop_oneof![0..100_u32, 1000..1050_u32, any::<u32>(), Just(u32::MAX)]
}

/// The short way of a backoff with full jitter waits like the general one, draw by draw. An exact first wait takes the
/// general way, and its draw, so that from the second wait on both must be the same.
#[test]
fn the_short_way_is_the_general_one() {
    let secs = Duration::from_secs;
    for factor in ["1", "2", "3", "7", "4294967295"] {
        for max in [secs(1), secs(30), Duration::from_micros(30_000_001), Duration::MAX] {
            let ladder = BackoffConfig::exponential(secs(1), ratio(factor), max).build().unwrap();
            let ladder = ladder.to_builder().jitter(Jitter::Full).build().unwrap();
            let floored = ladder.to_builder().floor(Duration::from_millis(250)).build().unwrap();
            let split = floored.to_builder().max_fresh(secs(600)).build().unwrap();
            for short in [ladder, floored, split] {
                let general = short.to_builder().exact_first().build_const();
                let (mut one, mut other) = (Backoff::new(), Backoff::new());
                let (mut rng, mut same) = (SplitMix64::new(7), SplitMix64::new(7));
                for n in 0..80_u32 {
                    let mode = if n % 3 == 0 { Mode::Fresh } else { Mode::Resume };
                    let wait = one.next_delay(&short, mode, Duration::ZERO, &mut rng);
                    let expected = other.next_delay(&general, mode, Duration::ZERO, &mut same);
                    assert!(n == 0 || wait == expected, "{factor} {max:?} {n}: {wait:?} {expected:?}");
                    assert_eq!(one.failures(), other.failures());
                }
            }
        }
    }
}
