//! The peers' own curves and jitters through the public API, against their published vectors.

mod contention;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::draws::{Constant, Shared, assert_near, ms, us};
use redial::backoff::AfterTable;
use redial::endpoints::{EndpointOrder, Endpoints, EndpointsConfig, FixedEndpoints};
use redial::rand_core::Rng;
use redial::{Backoff, BackoffConfig, ConfigError, Instant, Jitter, Mode, Ratio, SplitMix64};

fn ladder(initial: u64, factor: &str, max: u64) -> BackoffConfig {
    BackoffConfig::exponential(ms(initial), factor.parse().unwrap(), ms(max)).build().unwrap()
}

fn polly(initial: u64, max: u64) -> BackoffConfig {
    ladder(initial, "2", max).to_builder().jitter(Jitter::DecorrelatedV2).build().unwrap()
}

/// Longer than any wait of a vector, so that its formula is seen without a cap.
const DAY_MS: u64 = 86_400_000;

/// Polly's V2 with constant draws, in ms. A µs is the last digit given, and the rounding.
#[test]
fn polly_vectors_with_constant_draws() {
    let got = |u| polly(1000, DAY_MS).delays(Constant(u)).take(7).collect::<Vec<_>>();
    let half = [897.405, 1093.004, 2035.748, 4045.979, 8083.632, 16_163.663, 32_325.517];
    assert_near(&got(1 << 63), &half, 2.0);
    assert_near(&got(0)[..5], &[0.0, 1377.182, 1460.067, 2865.85, 5717.807], 2.0);
    assert_near(&got(1 << 62)[..5], &[646.924, 1013.57, 1720.438, 3404.51, 6798.37], 2.0);
}

/// The same with the shared draws, eight waits in a row.
#[test]
fn polly_vectors_with_the_shared_draws() {
    let want = [428.5109, 2215.8896, 931.0837, 5828.5901, 2419.9751, 22_338.550_1, 27_848.756, 119_578.236_9];
    let got: Vec<_> = polly(1000, DAY_MS).delays(Shared::default()).take(8).collect();
    assert_near(&got, &want, 2.0);
}

/// The medians of 100,000 walks, and Polly's own bound `0 <= d < initial × 2^n × 4`.
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
fn polly_spreads_at_the_cap_forever() {
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

/// One backoff, two caps far apart: the smaller one has its spread too.
#[test]
fn polly_spreads_below_the_smaller_cap() {
    let config = polly(1000, 10_000).to_builder().max_fresh(ms(600_000)).build().unwrap();
    let (mut backoff, mut rng) = (Backoff::new(), SplitMix64::new(4));
    let mut last = ms(0);
    for failure in 1..1000 {
        let wait = backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut rng).unwrap();
        assert!(wait < ms(10_000) && (failure < 10 || wait != last), "{failure}: {wait:?}");
        last = wait;
    }
    assert!(
        config
            .to_builder()
            .floor(ms(500))
            .build()
            .unwrap()
            .delays(Constant(0))
            .take(50)
            .all(|wait| wait >= ms(500))
    );
}

/// centrifuge-js's ranges and its vector; a draw of 0 and one just below 1.
#[test]
fn above_initial_vectors() {
    let config = ladder(500, "2", 20_000).to_builder().jitter(Jitter::AboveInitial).build().unwrap();
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

/// wait.Backoff of Kubernetes and backon, whose jitter only adds.
#[test]
fn plus_vectors() {
    let backon = ladder(100, "2", 120_000).to_builder().jitter(Jitter::Plus(Ratio::ONE)).build().unwrap();
    let got: Vec<_> = backon.delays(Shared::default()).take(6).collect();
    assert_eq!(got, [110, 380, 532, 1376, 1680, 5056].map(ms));
    // {1s, factor 2, 6 steps, J 4}: 1 2 4 8 16 32, each up to five times as long.
    let wide =
        ladder(1000, "2", 1_000_000).to_builder().jitter(Jitter::Plus("4".parse().unwrap())).build().unwrap();
    assert_eq!(
        wide.delays(Constant(0)).take(6).collect::<Vec<_>>(),
        [1, 2, 4, 8, 16, 32].map(|s| ms(s * 1000))
    );
    let highs: Vec<_> = wide.delays(Constant(u64::MAX)).take(6).collect();
    assert_eq!(highs, [5, 10, 20, 40, 80, 160].map(|s| ms(s * 1000) - us(1)));
    // {1s, factor 2, cap 3s, J .5}: [1, 1.5) [2, 3) [3, 4.5); the longest wait is 4.5 s.
    let capped =
        ladder(1000, "2", 4500).to_builder().jitter(Jitter::Plus("1/2".parse().unwrap())).build().unwrap();
    assert_eq!(capped.delays(Constant(0)).take(4).collect::<Vec<_>>(), [1000, 2000, 3000, 3000].map(ms));
    assert_eq!(capped.ceiling(3, Mode::Fresh), Some(ms(3000)), "before the jitter");
    let highs: Vec<_> = capped.delays(Constant(u64::MAX)).take(4).collect();
    assert_eq!(highs, [1500, 3000, 4500, 4500].map(|high| ms(high) - us(1)));
}

/// graphql-ws and nats.go, whose jitter is a range of its own.
#[test]
fn plus_fixed_vectors() {
    let graphql =
        ladder(1000, "2", 19_000).to_builder().jitter(Jitter::PlusFixed(ms(300), ms(3000))).build().unwrap();
    let got: Vec<_> = graphql.delays(Shared::default()).take(5).collect();
    assert_eq!(got, [1570, 4730, 5191, 10_244, 16_435].map(ms));
    let lows: Vec<_> = graphql.delays(Constant(0)).take(6).collect();
    assert_eq!(lows, [1300, 2300, 4300, 8300, 16_300, 16_300].map(ms));
    let nats =
        ladder(2000, "1", 2100).to_builder().jitter(Jitter::PlusFixed(ms(0), ms(100))).build().unwrap();
    let got: Vec<_> = nats.delays(Shared::default()).take(3).collect();
    assert_eq!(got, [2010, 2090, 2033].map(ms));
}

/// Ably's `1 - 0.2 u`: the larger the draw, the shorter the wait.
#[test]
fn minus_vectors() {
    const RAMP: &[Duration] = &[ms(15_000), ms(20_000), ms(25_000), ms(30_000)];
    let ably = BackoffConfig::table(RAMP, AfterTable::RepeatLast)
        .jitter(Jitter::Minus("0.2".parse().unwrap()))
        .build()
        .unwrap();
    let got: Vec<_> = ably.delays(Shared::default()).take(8).collect();
    assert_eq!(got, [14_700, 16_400, 23_350, 25_680, 29_700, 26_520, 27_360, 24_060].map(ms));
    assert_eq!(ably.delays(Constant(0)).next(), Some(ms(15_000)));
    let floored = ably.to_builder().floor(ms(14_000)).build().unwrap();
    assert_eq!(floored.delays(Constant(u64::MAX)).next(), Some(ms(14_000) + us(1)));
}

/// go-libp2p's 5 s, then 5 s + tries² s, the second term at most 300 s.
#[test]
fn quadratic_vector() {
    let config = BackoffConfig::quadratic(ms(5000), ms(1000), ms(305_000)).build().unwrap();
    let got: Vec<_> = config.delays(Shared::default()).take(20).collect();
    assert_eq!(got[..5], [5, 6, 9, 14, 21].map(|s| ms(s * 1000)));
    assert_eq!(got[17..], [294, 305, 305].map(|s| ms(s * 1000)));
    assert_eq!(config.ceiling(u32::MAX, Mode::Fresh), Some(ms(305_000)));
}

/// grpc-go's first wait is the base delay to the microsecond; the other waits are those of the C core.
#[test]
fn an_exact_first_wait_shifts_no_other() {
    let core = ladder(1000, "1.6", 120_000)
        .to_builder()
        .jitter(Jitter::PlusMinus("0.2".parse().unwrap()))
        .build()
        .unwrap();
    let core: Vec<_> = core.delays(Shared::default()).take(8).collect();
    for jitter in [Jitter::PlusMinus("0.2".parse().unwrap()), Jitter::Decorrelated, Jitter::DecorrelatedV2] {
        let config = ladder(1000, "1.6", 120_000).to_builder().jitter(jitter).exact_first().build().unwrap();
        let got: Vec<_> = config.delays(Shared::default()).take(8).collect();
        assert_eq!(got[0], ms(1000), "{jitter:?}");
        if jitter != Jitter::Decorrelated && jitter != Jitter::DecorrelatedV2 {
            assert_eq!(got[1..], core[1..]);
        }
        assert_eq!(
            config.to_builder().first_delay(ms(7)).build_const().delays(Constant(5)).next(),
            Some(ms(7)),
            "{jitter:?}"
        );
    }
}

/// A draw that is this share of the range.
fn share(of: f64) -> Constant {
    Constant((of * 2_f64.powi(64)) as u64)
}

/// Ably's ranges for 2, 3 and 15 s (RTB1: coefficients 1, 4/3, 5/3, 2), and its portable test of 1000 samples.
#[test]
fn ably_bounds() {
    const RAMPS: [[Duration; 4]; 3] = [
        [ms(2000), us(2_666_667), us(3_333_333), ms(4000)],
        [ms(3000), ms(4000), ms(5000), ms(6000)],
        [ms(15_000), ms(20_000), ms(25_000), ms(30_000)],
    ];
    let bounds = [
        [(1600.0, 2000.0), (2133.333, 2666.667), (2666.667, 3333.333), (3200.0, 4000.0)],
        [(2400.0, 3000.0), (3200.0, 4000.0), (4000.0, 5000.0), (4800.0, 6000.0)],
        [(12_000.0, 15_000.0), (16_000.0, 20_000.0), (20_000.0, 25_000.0), (24_000.0, 30_000.0)],
    ];
    for (ramp, bounds) in RAMPS.iter().zip(bounds) {
        let config = BackoffConfig::table(ramp, AfterTable::RepeatLast)
            .jitter(Jitter::Minus("0.2".parse().unwrap()))
            .build()
            .unwrap();
        let highs: Vec<_> = config.delays(Constant(0)).take(4).collect();
        assert_near(&highs, &bounds.map(|(_, high)| high), 1.0);
        let lows: Vec<_> = config.delays(Constant(u64::MAX)).take(4).collect();
        assert_near(&lows, &bounds.map(|(low, _)| low), 2.0);

        let shares: Vec<_> = config
            .delays(SplitMix64::new(55))
            .skip(3)
            .take(1000)
            .map(|wait| wait.as_secs_f64() / ramp[3].as_secs_f64())
            .collect();
        let (low, high) =
            shares.iter().fold((1.0_f64, 0.0_f64), |(low, high), share| (low.min(*share), high.max(*share)));
        assert!(low >= 0.8 && high <= 1.0 && high - low > 0.05, "{low} {high}");
        assert!((0.85..=0.95).contains(&(shares.iter().sum::<f64>() / 1000.0)));
    }
}

/// Envoy's `random % interval`, whose interval doubles, and its strategy with a lower bound. Ours scales the draw
/// (a remainder favours small numbers), so that the same share of the interval is the same wait.
#[test]
fn envoy_vectors() {
    for (base, max, random, want) in
        [(5, 100, 9999_u64, &[4, 9, 19, 39, 79, 99, 99][..]), (25, 30, 27, &[2, 27])]
    {
        let mut interval = base;
        let config = ladder(base, "2", max).to_builder().jitter(Jitter::Full).build().unwrap();
        for (n, &want) in want.iter().enumerate() {
            assert_eq!(random % interval, want, "the peer");
            let draw = share((want as f64 + 0.001) / interval as f64);
            assert_near(&[config.delays(draw).nth(n).unwrap()], &[want as f64], 2.0);
            interval = (interval * 2).min(max);
        }
    }
    let bounded =
        ladder(500, "1", 750).to_builder().jitter(Jitter::PlusFixed(ms(0), ms(250))).build().unwrap();
    for (random, want) in [(22_u64, 522), (9999, 749)] {
        assert_eq!(500 + random % 250, want, "the peer");
        let draw = share((want as f64 - 500.0 + 0.001) / 250.0);
        assert_near(&[bounded.delays(draw).next().unwrap()], &[want as f64], 2.0);
    }
}

/// backon's backoff for redis-rs without jitter, and with its `no_std` default seed, one constant: every device waits
/// like this. They are waits of the same backoff; here the seed is the caller's, and two seeds wait apart.
#[test]
fn backon_vectors() {
    let plain = ladder(100, "2", 60_000);
    let waits: Vec<_> = plain.delays(Constant(0)).take(6).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200].map(ms));
    assert_eq!(waits.iter().sum::<Duration>(), ms(6300));
    let jittered = ladder(100, "2", 120_000).to_builder().jitter(Jitter::Plus(Ratio::ONE)).build().unwrap();
    for (n, peer) in [148.097, 389.652, 611.567, 1294.213, 1868.983, 5129.876].into_iter().enumerate() {
        let draw = share(peer / (100.0 * 2_f64.powi(n as i32)) - 1.0);
        assert_near(&[jittered.delays(draw).nth(n).unwrap()], &[peer], 2.0);
    }
    let seeded = |seed| jittered.delays(SplitMix64::new(seed)).take(6).collect::<Vec<_>>();
    assert_ne!(seeded(1), seeded(2));
}

/// wait.Backoff's `Steps`: after so many waits it stays where it is. Here that place is the cap. `nil`, which waits
/// 0 forever, can't be built.
#[test]
fn kubernetes_steps() {
    let waits = |config: BackoffConfig| config.delays(Constant(0)).take(4).collect::<Vec<_>>();
    assert_eq!(BackoffConfig::constant(ms(0)).build(), Err(ConfigError::InitialZero));
    assert_eq!(waits(BackoffConfig::constant(ms(1000)).build().unwrap()), [ms(1000); 4], "-1, 0 or 1 step");
    assert_eq!(waits(ladder(1000, "2", 4000)), [1000, 2000, 4000, 4000].map(ms), "three steps");
    assert_eq!(waits(ladder(1000, "2", 3000)), [1000, 2000, 3000, 3000].map(ms), "a cap of 3 s");
}

/// Resilience4j's interval functions. Its attempt 0 is an error; here it counts as the first.
#[test]
fn resilience4j_intervals() {
    let waits: Vec<_> = ladder(5000, "1.5", DAY_MS).delays(Constant(0)).take(4).collect();
    assert_eq!(waits, [5000, 7500, 11_250, 16_875].map(ms));
    let capped = ladder(100, "2", 100_000);
    assert_eq!(
        [10, 11, 12, 13].map(|n| capped.ceiling(n, Mode::Fresh)),
        [51_200, 100_000, 100_000, 100_000].map(|d| Some(ms(d)))
    );
    assert_eq!(capped.ceiling(0, Mode::Fresh), capped.ceiling(1, Mode::Fresh));
    let default = ladder(500, "1.5", DAY_MS)
        .to_builder()
        .jitter(Jitter::PlusMinus("0.5".parse().unwrap()))
        .build()
        .unwrap();
    assert_eq!(default.delays(Constant(0)).take(2).collect::<Vec<_>>(), [250, 375].map(ms));
}

/// Centrifuge tries a failed refresh of a token again after 5 to 10 s, `backoff(0, 5000, 10000)`.
#[test]
fn centrifuge_refresh_retries() {
    let refresh = ladder(5000, "2", 10_000).to_builder().jitter(Jitter::AboveInitial).build().unwrap();
    assert_eq!(refresh.delays(Constant(0)).next(), Some(ms(5000)));
    assert_eq!(refresh.delays(Constant(u64::MAX)).next(), Some(ms(10_000) - us(1)));
}

/// Polly's `ApplyJitter`, ±25 % of a constant and of a linear wait (its attempt 2 is the third), its exponential
/// waits without jitter, and its overflow.
#[test]
fn polly_apply_jitter() {
    let quarter = Jitter::PlusMinus("1/4".parse().unwrap());
    let constant = ladder(1000, "1", 1250).to_builder().jitter(quarter).build().unwrap();
    let linear = BackoffConfig::linear(ms(1000), ms(DAY_MS)).jitter(quarter).build().unwrap();
    for (u, of_1_s, of_3_s) in [
        (0.0, 750.0, 2250.0),
        (0.4, 950.0, 2850.0),
        (0.5, 1000.0, 3000.0),
        (0.6, 1050.0, 3150.0),
        (1.0, 1250.0, 3750.0),
    ] {
        // A draw of 1 is 1 µs out of reach.
        assert_near(&[constant.delays(share(u)).next().unwrap()], &[of_1_s], 2.0);
        assert_near(&[linear.delays(share(u)).nth(2).unwrap()], &[of_3_s], 2.0);
    }
    assert_eq!(
        ladder(1000, "2", DAY_MS).delays(Constant(0)).take(3).collect::<Vec<_>>(),
        [1000, 2000, 4000].map(ms)
    );
    let endless = BackoffConfig::exponential(ms(DAY_MS), Ratio::TWO, Duration::MAX).build().unwrap();
    assert_eq!(
        endless.ceiling(1000, Mode::Fresh),
        Some(endless.max_delay(Mode::Fresh)),
        "the largest there is"
    );
    assert_eq!(ladder(DAY_MS, "2", 2 * DAY_MS).ceiling(1000, Mode::Fresh), Some(ms(2 * DAY_MS)));
}

/// libsignal's delay for a route, which grows with its failures in a row and shrinks with their age. Here the two are
/// apart: a backoff grows from 1/K of the longest wait to all of it in M failures, and an endpoint's failures halve with
/// age until they are gone. Both stay within 0 and the longest wait, reach it at M failures of age 0, and end at the
/// cutoff.
#[test]
fn libsignal_route_delay() {
    const MAX: f64 = 64_000.0;
    let (m, cutoff, growth, cooling) = (6, 300.0, 64.0_f64, 10.0_f64);
    let peer = |count: i32, age: f64| {
        let grown = (growth.powf(f64::from(count.min(m)) / f64::from(m)) - 1.0) / (growth - 1.0);
        let cooled = (cooling - cooling.powf((age / cutoff).min(1.0))) / (cooling - 1.0);
        MAX * grown * cooled
    };
    for count in 0..20 {
        for age in 0..100 {
            let delay = peer(count, f64::from(age) * 4.0);
            assert!((0.0..=MAX).contains(&delay), "{count} {age}");
        }
        assert_eq!(peer(count, cutoff), 0.0);
    }
    assert_eq!(peer(m, 0.0), MAX);

    // The same growth a failure, 64^(1/6) = 2, and the same end; a backoff's first wait is not nothing.
    let config = ladder(1000, "2", 64_000);
    for count in 1..20 {
        let ours = config.ceiling(count, Mode::Fresh).unwrap().as_secs_f64() * 1000.0;
        assert!((0.0..=MAX).contains(&ours));
        let next = config.ceiling(count + 1, Mode::Fresh).unwrap().as_secs_f64() * 1000.0;
        assert_eq!(next, (ours * 2.0).min(MAX));
    }
    assert_eq!(
        config.ceiling(7, Mode::Fresh),
        Some(ms(64_000)),
        "all of it after M failures more than the first"
    );

    // And the same cutoff: a failed endpoint is avoided while its failures are young, and drawn like any other after.
    let rules = EndpointsConfig::new().order(EndpointOrder::LeastFailed).build_const();
    let first_after = |age: u64, seed| {
        let (mut endpoints, mut rng) = (FixedEndpoints::<2>::new(2).unwrap(), SplitMix64::new(seed));
        let failed = endpoints.begin_round(&rules, Instant::ZERO, &mut rng);
        let _ = endpoints.failed(&rules, Instant::ZERO, &mut rng);
        endpoints.begin_round(&rules, Instant::from_millis(age), &mut rng) == failed
    };
    assert!((0..100).all(|seed| !first_after(239_999, seed)));
    let again = (0..100).filter(|&seed| first_after(300_000, seed)).count();
    assert!((30..70).contains(&again), "{again}");
}
