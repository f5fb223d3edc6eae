//! The peers' own curves and jitters through the public API. "5.x" are their published vectors.

mod draws;

use std::time::Duration;

use draws::{Constant, Shared, assert_near, ms, us};
use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio, SplitMix64};

fn ladder(initial: u64, factor: &str, max: u64) -> BackoffConfig {
    BackoffConfig::exponential(ms(initial), factor.parse().unwrap(), ms(max)).unwrap()
}

fn polly(initial: u64, max: u64) -> BackoffConfig {
    ladder(initial, "2", max).with_jitter(Jitter::DecorrelatedV2).unwrap()
}

/// Longer than any wait of a vector, so that its formula is seen without a cap.
const DAY_MS: u64 = 86_400_000;

/// 5.6: Polly's V2 with constant draws, in ms. A µs is the last digit given, and the rounding.
#[test]
fn polly_vectors_with_constant_draws() {
    let got = |u| polly(1000, DAY_MS).delays(Constant(u)).take(7).collect::<Vec<_>>();
    let half = [897.405, 1093.004, 2035.748, 4045.979, 8083.632, 16_163.663, 32_325.517];
    assert_near(&got(1 << 63), &half, 2.0);
    assert_near(&got(0)[..5], &[0.0, 1377.182, 1460.067, 2865.85, 5717.807], 2.0);
    assert_near(&got(1 << 62)[..5], &[646.924, 1013.57, 1720.438, 3404.51, 6798.37], 2.0);
}

/// 5.6: the same with the shared draws, eight waits in a row.
#[test]
fn polly_vectors_with_the_shared_draws() {
    let want = [428.5109, 2215.8896, 931.0837, 5828.5901, 2419.9751, 22_338.550_1, 27_848.756, 119_578.236_9];
    let got: Vec<_> = polly(1000, DAY_MS).delays(Shared::default()).take(8).collect();
    assert_near(&got, &want, 2.0);
}

/// 5.6: the medians of 100,000 walks, and Polly's own bound `0 <= d < initial × 2^n × 4`.
#[test]
fn polly_medians_and_bounds() {
    let (config, mut rng) = (polly(1000, DAY_MS), SplitMix64::new(56));
    let mut columns = vec![Vec::new(); 7];
    for _ in 0..100_000 {
        for ((n, column), wait) in columns.iter_mut().enumerate().zip(config.delays(&mut rng)) {
            assert!(wait < ms(4000 << n));
            column.push(wait);
        }
    }
    for (column, median) in
        columns.iter_mut().zip([897.0, 1142.0, 2019.0, 4011.0, 7975.0, 15_987.0, 31_949.0])
    {
        let (_, got, _) = column.select_nth_unstable(50_000);
        assert!((got.as_secs_f64() * 1000.0 / median - 1.0).abs() < 0.02, "{got:?}, not {median} ms");
    }
}

/// Polly#2163 and 5.6's overflow, and what its clamp does to a fleet: from the cap on Polly waits exactly `MaxDelay`.
#[test]
fn polly_spreads_at_the_cap_for_ever() {
    for (initial, max) in [(1000, 30_000), (1000, 1000), (1, DAY_MS)] {
        let config = polly(initial, max);
        let waits: Vec<_> = config.delays(SplitMix64::new(9)).skip(70).take(20_000).collect();
        let share = |from: u64, to: u64| {
            let inside = waits
                .iter()
                .filter(|&&wait| ms(max) * from as u32 <= wait * 10 && wait * 10 < ms(max) * to as u32);
            inside.count() * 100 / waits.len()
        };
        assert!(waits.iter().all(|&wait| wait < ms(max)), "{initial} {max}");
        assert!(share(9, 10) < 25, "{initial} {max}: {} % in the last tenth", share(9, 10));
        assert!(share(5, 10) > 40, "{initial} {max}: only {} % in the upper half", share(5, 10));
        let mut distinct = waits.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > waits.len() / 4, "{initial} {max}: {} distinct waits", distinct.len());
    }
    let endless = polly(1_000_000, u64::MAX / 1000);
    assert!(endless.delays(SplitMix64::new(9)).skip(70).take(200).all(|wait| wait > ms(DAY_MS)));
}

/// One ladder, two caps far apart: the smaller one has its spread too.
#[test]
fn polly_spreads_below_the_smaller_cap() {
    let config = polly(1000, 10_000).with_max_fresh(ms(600_000)).unwrap();
    let (mut backoff, mut rng) = (Backoff::new(), SplitMix64::new(4));
    let mut last = ms(0);
    for failure in 1..1000 {
        let wait = backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut rng).unwrap();
        assert!(wait < ms(10_000) && (failure < 10 || wait != last), "{failure}: {wait:?}");
        last = wait;
    }
    assert!(config.with_floor(ms(500)).unwrap().delays(Constant(0)).take(50).all(|wait| wait >= ms(500)));
}

/// 5.5: centrifuge-js's ranges and its vector; a draw of 0 and one just below 1.
#[test]
fn above_initial_vectors() {
    let config = ladder(500, "2", 20_000).with_jitter(Jitter::AboveInitial).unwrap();
    let got: Vec<_> = config.delays(Shared::default()).take(8).collect();
    // The peer draws whole milliseconds and rounds them down.
    let whole: Vec<_> = got.iter().map(Duration::as_millis).collect();
    assert_eq!(whole, [550, 1400, 1160, 3380, 900, 9780, 9300, 20_000]);
    assert!(config.delays(Constant(0)).take(20).all(|wait| wait == ms(500)));
    let highs: Vec<_> = config.delays(Constant(u64::MAX)).take(8).map(|wait| wait.as_millis() + 1).collect();
    assert_eq!(highs, [1000, 1500, 2500, 4500, 8500, 16_500, 20_001, 20_001]);
    let late: Vec<_> = config.delays(SplitMix64::new(1)).skip(6).take(100_000).collect();
    let at_cap = late.iter().filter(|&&wait| wait == ms(20_000)).count();
    assert!((2300..2700).contains(&at_cap), "2.5 %, not {at_cap}");
    let mean = late.iter().sum::<Duration>() / 100_000;
    assert!((mean.as_secs_f64() * 1000.0 - 10_493.7).abs() < 100.0, "{mean:?}");
}

/// 5.5: wait.Backoff of Kubernetes and backon, whose jitter only adds.
#[test]
fn plus_vectors() {
    let backon = ladder(100, "2", 120_000).with_jitter(Jitter::Plus(Ratio::ONE)).unwrap();
    let got: Vec<_> = backon.delays(Shared::default()).take(6).collect();
    assert_eq!(got, [110, 380, 532, 1376, 1680, 5056].map(ms));
    // {1s, factor 2, 6 steps, J 4}: 1 2 4 8 16 32, each up to five times as long.
    let wide = ladder(1000, "2", 1_000_000).with_jitter(Jitter::Plus("4".parse().unwrap())).unwrap();
    assert_eq!(
        wide.delays(Constant(0)).take(6).collect::<Vec<_>>(),
        [1, 2, 4, 8, 16, 32].map(|s| ms(s * 1000))
    );
    let highs: Vec<_> = wide.delays(Constant(u64::MAX)).take(6).collect();
    assert_eq!(highs, [5, 10, 20, 40, 80, 160].map(|s| ms(s * 1000) - us(1)));
    // {1s, factor 2, cap 3s, J .5}: [1, 1.5) [2, 3) [3, 4.5); the longest wait is 4.5 s.
    let capped = ladder(1000, "2", 4500).with_jitter(Jitter::Plus("1/2".parse().unwrap())).unwrap();
    assert_eq!(capped.delays(Constant(0)).take(4).collect::<Vec<_>>(), [1000, 2000, 3000, 3000].map(ms));
    assert_eq!(capped.ceiling(3, Mode::Fresh), Some(ms(3000)), "before the jitter");
    let highs: Vec<_> = capped.delays(Constant(u64::MAX)).take(4).collect();
    assert_eq!(highs, [1500, 3000, 4500, 4500].map(|high| ms(high) - us(1)));
}

/// 5.5: graphql-ws and nats.go, whose jitter is a range of its own.
#[test]
fn plus_fixed_vectors() {
    let graphql = ladder(1000, "2", 19_000).with_jitter(Jitter::PlusFixed(ms(300), ms(3000))).unwrap();
    let got: Vec<_> = graphql.delays(Shared::default()).take(5).collect();
    assert_eq!(got, [1570, 4730, 5191, 10_244, 16_435].map(ms));
    let lows: Vec<_> = graphql.delays(Constant(0)).take(6).collect();
    assert_eq!(lows, [1300, 2300, 4300, 8300, 16_300, 16_300].map(ms));
    let nats = ladder(2000, "1", 2100).with_jitter(Jitter::PlusFixed(ms(0), ms(100))).unwrap();
    let got: Vec<_> = nats.delays(Shared::default()).take(3).collect();
    assert_eq!(got, [2010, 2090, 2033].map(ms));
}

/// 5.5: Ably's `1 - 0.2 u`: the larger the draw, the shorter the wait.
#[test]
fn minus_vectors() {
    const RAMP: &[Duration] = &[ms(15_000), ms(20_000), ms(25_000), ms(30_000)];
    let ably = BackoffConfig::table(RAMP, redial::AfterTable::RepeatLast)
        .and_then(|table| table.with_jitter(Jitter::Minus("0.2".parse().unwrap())))
        .unwrap();
    let got: Vec<_> = ably.delays(Shared::default()).take(8).collect();
    assert_eq!(got, [14_700, 16_400, 23_350, 25_680, 29_700, 26_520, 27_360, 24_060].map(ms));
    assert_eq!(ably.delays(Constant(0)).next(), Some(ms(15_000)));
    let floored = ably.with_floor(ms(14_000)).unwrap();
    assert_eq!(floored.delays(Constant(u64::MAX)).next(), Some(ms(14_000) + us(1)));
}

/// 5.5: go-libp2p's 5 s, then 5 s + tries² s, the second term at most 300 s.
#[test]
fn quadratic_vector() {
    let config = BackoffConfig::quadratic(ms(5000), ms(1000), ms(305_000)).unwrap();
    let got: Vec<_> = config.delays(Shared::default()).take(20).collect();
    assert_eq!(got[..5], [5, 6, 9, 14, 21].map(|s| ms(s * 1000)));
    assert_eq!(got[17..], [294, 305, 305].map(|s| ms(s * 1000)));
    assert_eq!(config.ceiling(u32::MAX, Mode::Fresh), Some(ms(305_000)));
}

/// 5.1: grpc-go's first wait is the base delay to the microsecond; the other waits are those of the C core.
#[test]
fn an_exact_first_wait_shifts_no_other() {
    let core = ladder(1000, "1.6", 120_000).with_jitter(Jitter::PlusMinus("0.2".parse().unwrap())).unwrap();
    let core: Vec<_> = core.delays(Shared::default()).take(8).collect();
    for jitter in [Jitter::PlusMinus("0.2".parse().unwrap()), Jitter::Decorrelated, Jitter::DecorrelatedV2] {
        let config = ladder(1000, "1.6", 120_000).with_jitter(jitter).unwrap().with_exact_first();
        let got: Vec<_> = config.delays(Shared::default()).take(8).collect();
        assert_eq!(got[0], ms(1000), "{jitter:?}");
        if jitter != Jitter::Decorrelated && jitter != Jitter::DecorrelatedV2 {
            assert_eq!(got[1..], core[1..]);
        }
        assert_eq!(config.with_first(ms(7)).delays(Constant(5)).next(), Some(ms(7)), "{jitter:?}");
    }
}
