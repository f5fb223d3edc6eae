//! The backoff through the public API. Rule numbers: F, S gateways; P Rust peers' pitfalls.

mod draws;

use std::time::Duration;

use draws::{Constant, Shared, assert_near, ms, us};
use proptest::prelude::*;
use redial::backoff::AfterTable;
use redial::rand_core::Rng;
use redial::{Backoff, BackoffConfig, ConfigError, Jitter, Mode, Ratio, SplitMix64};

fn ratio(text: &str) -> Ratio {
    text.parse().unwrap()
}

fn exponential(initial: u64, factor: &str, max: u64) -> BackoffConfig {
    BackoffConfig::exponential(ms(initial), ratio(factor), ms(max)).build().unwrap()
}

fn waits(config: BackoffConfig, n: usize) -> Vec<Duration> {
    config.delays(Shared::default()).take(n).collect()
}

fn millis(list: &[u64]) -> Vec<Duration> {
    list.iter().copied().map(ms).collect()
}

const SAMPLES: [u32; 24] = [
    0,
    1,
    2,
    5,
    31,
    32,
    33,
    57,
    58,
    63,
    64,
    255,
    256,
    1013,
    1014,
    1015,
    1023,
    1024,
    1025,
    1026,
    65_536,
    0x8000_0000,
    u32::MAX - 1,
    u32::MAX,
];

// The backoff

/// S26, F21, P8, P15, P17: the first wait is the initial one, the factor is a number of its own.
#[test]
fn the_first_wait_is_the_initial_one() {
    let want = millis(&[1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    assert_eq!(waits(exponential(1000, "2", 30_000), 8), want);
    assert_eq!(waits(exponential(1, "2", 32), 7), millis(&[1, 2, 4, 8, 16, 32, 32]));
}

/// S27, F23, F24, P1, P3: omi n >= 1024, twilight u8, backo2 n >= 1015 and others fell here.
#[test]
fn no_number_of_failures_overflows_or_shortens_the_wait() {
    let day = Duration::from_secs(86_400);
    let ladders = [
        exponential(1000, "2", 30_000),
        exponential(1, "4294967295", u64::MAX / 1000),
        BackoffConfig::exponential(ms(1), ratio("1.000000001"), day).build().unwrap(),
        BackoffConfig::exponential(us(1_001), ratio("3/2"), Duration::MAX).build().unwrap(),
        BackoffConfig::linear(ms(1), ms(65_000)).build().unwrap(),
        BackoffConfig::linear(us(1_003), Duration::MAX).build().unwrap(),
        BackoffConfig::fibonacci(ms(1), Duration::MAX).build().unwrap(),
        BackoffConfig::quadratic(ms(1), Duration::MAX, Duration::MAX).build().unwrap(),
    ];
    for ladder in ladders {
        let mut before = Duration::ZERO;
        for failure in SAMPLES {
            let ceiling = ladder.ceiling(failure, Mode::Fresh).unwrap();
            assert!(ceiling >= before && !ceiling.is_zero(), "{ladder:?} after {failure}");
            before = ceiling;
        }
    }
    for failure in SAMPLES.into_iter().filter(|&failure| failure > 5) {
        assert_eq!(ladders[0].ceiling(failure, Mode::Fresh), Some(ms(30_000)));
    }
    assert_eq!(ladders[2].ceiling(u32::MAX, Mode::Fresh), Some(day), "a slow curve ends at the cap too");
}

/// S28, P13: base = cap.
#[test]
fn a_backoff_without_range_stays_at_its_cap() {
    for initial in [1, 10, 1000, 60_000, 86_400_000] {
        for factor in ["1", "1.5", "2", "7/3", "10"] {
            let ladder = exponential(initial, factor, initial);
            assert!(SAMPLES.iter().all(|&n| ladder.ceiling(n, Mode::Fresh) == Some(ms(initial))));
            assert_eq!(waits(ladder, 3), millis(&[initial; 3]));
        }
    }
}

/// gRPC's nominal waits to the microsecond, at 1.6 exactly (P4: no drift of a float).
#[test]
fn grpc_nominal_waits_are_exact() {
    let nominal = [
        1_000_000,
        1_600_000,
        2_560_000,
        4_096_000,
        6_553_600,
        10_485_760,
        16_777_216,
        26_843_545,
        42_949_672,
        68_719_475,
        109_951_160,
        120_000_000,
        120_000_000,
    ];
    let ladder = exponential(1000, "1.6", 120_000);
    assert_eq!(waits(ladder, 13), nominal.map(us));
    assert_eq!(waits(exponential(100, "2", 60_000), 8).last(), Some(&ms(12_800)));
    assert_eq!(exponential(2, "2", 32).ceiling(5, Mode::Resume), Some(ms(32)));
}

/// P8: a curve that rounds down to where it was would stay there forever.
#[test]
fn a_curve_always_grows() {
    let ladder = BackoffConfig::exponential(ms(1), ratio("1.0015"), ms(2)).build().unwrap();
    assert_eq!(waits(ladder, 4), [1_000, 1_001, 1_002, 1_003].map(us));
    let ladder = BackoffConfig::exponential(ms(1), ratio("1.0005"), ms(2)).build().unwrap();
    assert_eq!(waits(ladder, 4), [1_000, 1_001, 1_002, 1_003].map(us));
}

/// P2: the cap holds for the last step of every curve.
#[test]
fn linear_and_fibonacci_grow_as_they_are_called() {
    let linear = BackoffConfig::linear(ms(100), ms(450)).build().unwrap();
    assert_eq!(waits(linear, 6), millis(&[100, 200, 300, 400, 450, 450]));
    // P2: backon's fibonacci waits 13 s forever at a cap of 10 s.
    let fibonacci = BackoffConfig::fibonacci(ms(1000), ms(10_000)).build().unwrap();
    assert_eq!(waits(fibonacci, 9), millis(&[1000, 1000, 2000, 3000, 5000, 8000, 10_000, 10_000, 10_000]));
    assert_eq!(waits(BackoffConfig::constant(ms(200)).build().unwrap(), 3), millis(&[200; 3]));
}

/// P16: a spent table is not a wait of zero; F36: nor does it come back.
#[test]
fn tables_repeat_or_give_up() {
    const PHOENIX: &[Duration] =
        &[ms(10), ms(50), ms(100), ms(150), ms(200), ms(250), ms(500), ms(1000), ms(2000), ms(5000)];
    let phoenix = BackoffConfig::table(PHOENIX, AfterTable::RepeatLast).build().unwrap();
    let got = waits(phoenix, 12);
    assert_eq!(got[..9].iter().sum::<Duration>(), ms(4260));
    assert_eq!(got[9..], millis(&[5000; 3]));
    assert_eq!(phoenix.ceiling(u32::MAX, Mode::Fresh), Some(ms(5000)));

    const SIGNALR: BackoffConfig =
        BackoffConfig::table(&[Duration::ZERO, ms(2000), ms(10_000), ms(30_000)], AfterTable::GiveUp)
            .build_const();
    assert_eq!(waits(SIGNALR, 9), millis(&[0, 2000, 10_000, 30_000]));
    assert_eq!(SIGNALR.ceiling(4, Mode::Fresh), Some(ms(30_000)));
    assert_eq!(SIGNALR.ceiling(5, Mode::Fresh), None);
    assert_eq!(SIGNALR.ceiling(u32::MAX, Mode::Fresh), None);

    let (mut backoff, mut rng) = (Backoff::new(), Shared::default());
    let jittered = SIGNALR.to_builder().jitter(Jitter::Equal).build().unwrap();
    for _ in 0..4 {
        assert!(backoff.next_delay(&jittered, Mode::Fresh, Duration::ZERO, &mut rng).is_some());
    }
    for failures in 5..10 {
        assert_eq!(backoff.next_delay(&jittered, Mode::Fresh, Duration::ZERO, &mut rng), None);
        assert_eq!(backoff.failures(), failures);
    }
    assert_eq!(rng.drawn, 4, "nothing is drawn for no wait");
    backoff.reset();
    assert_eq!(backoff, Backoff::new());
    assert_eq!(backoff.next_delay(&SIGNALR, Mode::Fresh, Duration::ZERO, &mut rng), Some(Duration::ZERO));
}

/// A share of the time already lost, between the first wait and the cap.
#[test]
fn elapsed_waits_in_proportion_to_the_outage() {
    let config = BackoffConfig::elapsed(ratio("1/2"), ms(1000), ms(60_000)).build().unwrap();
    let (mut backoff, mut rng) = (Backoff::new(), Shared::default());
    for (lost, want) in [(0, 1000), (2000, 1000), (10_000, 5000), (1_000_000, 60_000), (4000, 2000)] {
        assert_eq!(backoff.next_delay(&config, Mode::Resume, ms(lost), &mut rng), Some(ms(want)), "{lost}");
    }
    assert_eq!(backoff.next_delay(&config, Mode::Resume, Duration::MAX, &mut rng), Some(ms(60_000)));
    assert_eq!(config.ceiling(1, Mode::Resume), Some(ms(60_000)), "what no wait exceeds");
    // The iterator's time lost is the sum of its own waits: 1, 2 (of 1), 6 (of 3), 18 (of 9) …
    let tripling = BackoffConfig::elapsed(Ratio::TWO, ms(1000), ms(60_000)).build().unwrap();
    assert_eq!(waits(tripling, 6), millis(&[1000, 2000, 6000, 18_000, 54_000, 60_000]));
}

/// S39, F34: one count, two caps.
#[test]
fn a_fresh_start_after_three_resumes_waits_for_the_fourth_failure() {
    let config = exponential(1000, "2", 30_000).to_builder().max_fresh(ms(600_000)).build().unwrap();
    let (mut backoff, mut rng) = (Backoff::new(), Shared::default());
    let mut next = |mode| backoff.next_delay(&config, mode, Duration::ZERO, &mut rng).unwrap();
    assert_eq!([Mode::Resume; 3].map(&mut next), [ms(1000), ms(2000), ms(4000)]);
    assert_eq!(next(Mode::Fresh), ms(8000));
    assert_eq!(next(Mode::Resume), ms(16_000));
    assert_eq!(
        [Mode::Resume; 3].map(&mut next),
        [ms(30_000); 3],
        "the growth goes on below the resume's cap"
    );
    assert_eq!(next(Mode::Fresh), ms(256_000));
    assert_eq!(next(Mode::Fresh), ms(512_000));
    assert_eq!(next(Mode::Fresh), ms(600_000));

    let mut outage = Backoff::new();
    let mut lost = Duration::ZERO;
    let mut starts = 0;
    while lost < Duration::from_secs(86_400) {
        lost += outage.next_delay(&config, Mode::Fresh, lost, &mut rng).unwrap();
        starts += 1;
    }
    assert_eq!(starts, 153, "of the 1000 identifies a day allows");

    let small = exponential(1000, "2", 30_000).to_builder().max_fresh(ms(3000)).build().unwrap();
    assert_eq!(small.ceiling(9, Mode::Fresh), Some(ms(3000)));
    assert_eq!(small.ceiling(9, Mode::Resume), Some(ms(30_000)));
}

/// F22, P10: the first wait may be another, 0 among them; the rest of the backoff stays.
#[test]
fn the_first_wait_of_an_outage_can_be_replaced() {
    let plain = exponential(1000, "2", 30_000).to_builder().floor(ms(1500)).build().unwrap();
    let at_once = plain.to_builder().first_delay(Duration::ZERO).build_const();
    assert_eq!(waits(at_once, 4), millis(&[0, 2000, 4000, 8000]));
    assert_eq!(at_once.ceiling(1, Mode::Resume), Some(Duration::ZERO));
    let mut delays = at_once.delays(Shared::default());
    assert_eq!(delays.next(), Some(Duration::ZERO));
    assert_eq!(delays.next(), Some(ms(2000)));
    delays.reset();
    assert_eq!(delays.next(), Some(Duration::ZERO), "every outage has a first wait");

    // P10: capped like any other, and jittered like any other.
    assert_eq!(
        waits(plain.to_builder().first_delay(Duration::MAX).build_const(), 2),
        millis(&[30_000, 2000])
    );
    let jitters = [
        (Jitter::Full, 50),
        (Jitter::Equal, 275),
        (Jitter::Decorrelated, 50),
        (Jitter::DecorrelatedV2, 50),
        (Jitter::AboveInitial, 50),
        (Jitter::Plus(Ratio::ONE), 550),
    ];
    for (jitter, want) in jitters {
        let config = plain.to_builder().first_delay(ms(500)).jitter(jitter).build().unwrap();
        assert_eq!(waits(config, 1), millis(&[want]), "{jitter:?}");
    }
}

// Jitter

/// AWS's three formulas, 1 s to 20 s. F26.
#[test]
fn aws_vectors() {
    let jittered =
        |jitter| waits(exponential(1000, "2", 20_000).to_builder().jitter(jitter).build().unwrap(), 8);
    let full = [100, 1800, 1320, 5760, 800, 11_600, 8800, 19_800];
    assert_eq!(jittered(Jitter::Full), millis(&full));
    let equal = [550, 1900, 2660, 6880, 8400, 15_800, 14_400, 19_900];
    assert_eq!(jittered(Jitter::Equal), millis(&equal));
    // Every wait grows out of the one before, and its rounding with it.
    let decorrelated =
        [1200.0, 3340.0, 3976.6, 8869.456, 2280.4184, 4387.928016, 6352.06498112, 18_875.632993926];
    assert_near(&jittered(Jitter::Decorrelated), &decorrelated, 10.0);
}

/// gRPC's ±20 % with the shared draws, and its bounds.
#[test]
fn grpc_vectors() {
    let config = exponential(1000, "1.6", 120_000)
        .to_builder()
        .jitter(Jitter::PlusMinus(ratio("0.2")))
        .build()
        .unwrap();
    let want = [840.0, 1856.0, 2385.92, 4456.448, 5373.952, 10_821.304_32, 16_374.562_816, 32_104.880_537_6];
    assert_near(&waits(config, 8), &want, 2.0);
    let lows: Vec<_> = config.delays(Constant(0)).take(13).collect();
    let highs: Vec<_> = config.delays(Constant(u64::MAX)).take(13).collect();
    assert_near(&lows, &GRPC_BOUNDS.map(|(low, _)| low), 5.0);
    // The high end is excluded. The C core goes above its cap of 120 s; the last three end there.
    let ours = GRPC_BOUNDS.map(|(_, high)| high.min(120_000.0));
    assert_near(&highs, &ours, 5.0);
    assert_eq!(GRPC_BOUNDS.map(|(_, high)| high > 120_000.0).iter().position(|&above| above), Some(10));
}

/// gRPC's bounds in ms, ±20 %, as its C core has them.
const GRPC_BOUNDS: [(f64, f64); 13] = [
    (800.0, 1200.0),
    (1280.0, 1920.0),
    (2048.0, 3072.0),
    (3276.8, 4915.2),
    (5242.88, 7864.32),
    (8388.608, 12_582.912),
    (13_421.772_8, 20_132.659_2),
    (21_474.836_48, 32_212.254_72),
    (34_359.738_368, 51_539.607_552),
    (54_975.581_389, 82_463.372_083),
    (87_960.930_222, 131_941.395_333),
    (96_000.0, 144_000.0),
    (96_000.0, 144_000.0),
];

/// 540 s of instant failures are 13 retries: the interoperability test of gRPC.
#[test]
fn grpc_retries_13_times_in_540_s() {
    let retries = |config: BackoffConfig, seed| {
        let mut at = Duration::ZERO;
        let starts = config.delays(SplitMix64::new(seed)).take_while(|wait| {
            at += *wait;
            at <= ms(540_000)
        });
        starts.count()
    };
    let plain = exponential(1000, "1.6", 120_000);
    assert_eq!(retries(plain, 0), 13);
    // The last of them begins after 531.54 s.
    assert_near(&[waits(plain, 13).iter().sum()], &[531_536.4], 100.0);
    let jittered = plain.to_builder().jitter(Jitter::PlusMinus(ratio("0.2"))).build().unwrap();
    let counts: Vec<_> = (0..1000).map(|seed| retries(jittered, seed)).collect();
    assert!(counts.iter().all(|count| (12..=15).contains(count)), "{counts:?}");
}

/// A sample of the C core's waits (grpc #2590), each within its bounds; the one above the cap is the fault, and every
/// other is a wait of ours.
#[test]
fn grpc_2590_waits_above_the_cap() {
    let sample = [
        1.00, 1.59, 2.19, 3.77, 7.38, 9.50, 19.20, 24.45, 51.16, 61.70, 105.03, 127.89, 108.55, 99.28, 106.92,
    ];
    let config = exponential(1000, "1.6", 120_000)
        .to_builder()
        .jitter(Jitter::PlusMinus(ratio("0.2")))
        .build()
        .unwrap();
    for (n, seconds) in sample.into_iter().enumerate() {
        let (low, high) = GRPC_BOUNDS[n.min(12)];
        let peer = seconds * 1000.0;
        assert!((low..=high).contains(&peer), "{n}");
        let ours = |draw| config.delays(Constant(draw)).nth(n).unwrap().as_secs_f64() * 1000.0;
        let reached = (ours(0)..=ours(u64::MAX)).contains(&peer);
        assert_eq!(reached, seconds != 127.89, "{n}");
    }
}

/// gRPC's own tests of its backoff: without jitter, with a factor of 1, and with a first wait above the cap.
#[test]
fn grpc_backoffs_of_its_own_tests() {
    assert_eq!(waits(exponential(2, "2", 32), 7), millis(&[2, 4, 8, 16, 32, 32, 32]));
    assert_eq!(waits(exponential(200, "1", 1000), 5), millis(&[200; 5]));
    // The peer takes the cap for a first wait above it. Here that is an error, and so is not mistaken for a wait of 2 s;
    // only a first wait that was asked for apart is cut.
    let above = BackoffConfig::exponential(ms(2000), Ratio::TWO, ms(1000)).build();
    assert_eq!(above, Err(ConfigError::InitialAboveMax));
    assert_eq!(
        waits(exponential(1000, "2", 1000).to_builder().first_delay(ms(2000)).build_const(), 2),
        millis(&[1000, 1000])
    );
}

/// client-go `[d, 2d)` of 0.8 s is `[1/2, 1)` of 1.6 s; Ably's `[0.8, 1]`.
#[test]
fn window_vectors() {
    let client_go =
        exponential(1600, "2", 60_000).to_builder().jitter(Jitter::Window(ratio("1/2"), Ratio::ONE)).build();
    assert_eq!(waits(client_go.unwrap(), 6), millis(&[880, 3040, 4256, 11_008, 13_440, 40_448]));
    const ABLY: &[Duration] = &[ms(2000), us(2_666_667), us(3_333_333), ms(4000)];
    let ably = BackoffConfig::table(ABLY, AfterTable::RepeatLast)
        .jitter(Jitter::Window(ratio("0.8"), Ratio::ONE))
        .build()
        .unwrap();
    let want = [1640.0, 2613.333, 2886.667, 3776.0];
    assert_near(&waits(ably, 4), &want, 2.0);
}

/// F28, P9, P11: one draw for each jittered wait, none without jitter, and a draw of 0 is a draw.
#[test]
fn one_draw_for_each_jittered_wait() {
    let jitters = [
        (Jitter::None, 0),
        (Jitter::Full, 9),
        (Jitter::Equal, 9),
        (Jitter::Decorrelated, 9),
        (Jitter::PlusMinus(Ratio::ZERO), 9),
        (Jitter::PlusMinus(Ratio::ONE), 9),
        (Jitter::Window(Ratio::ONE, Ratio::ONE), 9),
        (Jitter::Minus(Ratio::ONE), 9),
        (Jitter::Plus(Ratio::ZERO), 9),
        (Jitter::PlusFixed(Duration::ZERO, Duration::ZERO), 9),
        (Jitter::AboveInitial, 9),
        (Jitter::DecorrelatedV2, 9),
    ];
    for (jitter, draws) in jitters {
        let config = exponential(1000, "2", 30_000)
            .to_builder()
            .jitter(jitter)
            .first_delay(Duration::ZERO)
            .build()
            .unwrap();
        let mut rng = Shared::default();
        assert_eq!(config.delays(&mut rng).take(9).count(), 9);
        assert_eq!(rng.drawn, draws, "{jitter:?}");
        assert_eq!(config.delays(Constant(0)).take(100).count(), 100);
    }
}

/// S29, F27: full jitter between floor and ceiling, mean in the middle.
#[test]
fn full_jitter_keeps_its_floor_its_cap_and_its_mean() {
    for floor in [0, 1000] {
        let config = exponential(1000, "2", 30_000)
            .to_builder()
            .jitter(Jitter::Full)
            .floor(ms(floor))
            .build()
            .unwrap();
        let draws: Vec<_> = config.delays(SplitMix64::new(29)).skip(5).take(10_000).collect();
        assert!(draws.iter().all(|&wait| wait >= ms(floor) && wait < ms(30_000)));
        let mean = (draws.iter().sum::<Duration>() / 10_000).as_millis() as i64;
        let middle = (floor as i64 + 30_000) / 2;
        assert!((mean - middle).abs() < 300, "{mean}, not about {middle}");
    }
}

/// F27: a floor is a floor for every jitter, below the first wait of the backoff and above it.
#[test]
fn no_wait_is_below_the_floor() {
    let floored =
        |jitter| exponential(1000, "2", 30_000).to_builder().jitter(jitter).floor(ms(1500)).build().unwrap();
    assert_eq!(waits(floored(Jitter::None), 3), millis(&[1500, 2000, 4000]));
    // [1500, 1500), [1500, 2000), [1500, 4000) with draws of 0.1, 0.9, 0.33
    assert_near(&waits(floored(Jitter::Full), 3), &[1500.0, 1950.0, 2325.0], 2.0);
    let fresh = floored(Jitter::Full).to_builder().max_fresh(ms(1200)).build().unwrap();
    let wait = Backoff::new().next_delay(&fresh, Mode::Fresh, Duration::ZERO, &mut Shared::default());
    assert_eq!(wait, Some(ms(1200)), "but the cap of the fresh dials is");
}

/// P2, P6, P7, P9, P10, P11, P15, F25: at the cap the jitter still spreads, evenly and inside it.
#[test]
fn jitter_spreads_at_the_cap() {
    let jitters = [
        (Jitter::Full, 0),
        (Jitter::Equal, 15_000),
        (Jitter::PlusMinus(ratio("0.2")), 24_000),
        (Jitter::Window(ratio("0.25"), Ratio::ONE), 7500),
        (Jitter::Minus(ratio("0.25")), 22_500),
        (Jitter::Plus(Ratio::TWO), 10_000),
        (Jitter::PlusFixed(ms(100), ms(900)), 29_200),
    ];
    for (jitter, low) in jitters {
        let config = exponential(1000, "2", 30_000).to_builder().jitter(jitter).build().unwrap();
        let mut buckets = [0_u32; 10];
        for wait in config.delays(SplitMix64::new(7)).skip(5).take(10_000) {
            assert!(wait >= ms(low) && wait < ms(30_000), "{jitter:?}: {wait:?}");
            let share = (wait - ms(low)).as_micros() * 10 / (ms(30_000) - ms(low)).as_micros();
            buckets[share as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (800..1200).contains(count)), "{jitter:?}: {buckets:?}");
    }
}

/// P14: decorrelated jitter neither collapses nor gathers at the cap, and is uniform where all of it is folded.
#[test]
fn decorrelated_jitter_neither_collapses_nor_clips() {
    let config = exponential(1000, "2", 20_000).to_builder().jitter(Jitter::Decorrelated).build().unwrap();
    let draws: Vec<_> = config.delays(SplitMix64::new(14)).take(10_000).collect();
    assert!(draws.iter().all(|&wait| wait >= ms(1000) && wait < ms(20_000)));
    // The article's own formula has a third of its waits at 20 s exactly.
    let near_the_cap = draws.iter().filter(|&&wait| wait >= ms(19_900)).count();
    assert!(near_the_cap < 200, "{near_the_cap} of 10,000 at the cap");
    let late = draws.iter().skip(9000).sum::<Duration>() / 1000;
    assert!(late > ms(5000), "the median of a collapse falls to nothing: {late:?}");

    // From the initial wait straight over the cap: 3 × 900 against 1000, uniform in [900, 1000).
    let narrow = exponential(900, "2", 1000).to_builder().jitter(Jitter::Decorrelated).build().unwrap();
    let mut buckets = [0_u32; 10];
    for wait in narrow.delays(SplitMix64::new(3)).take(10_000) {
        buckets[((wait - ms(900)).as_micros() / 10_000) as usize] += 1;
    }
    assert!(buckets.iter().all(|count| (800..1200).contains(count)), "{buckets:?}");
}

/// S30, F28, P11, P18: the seed decides, and two backoffs on one generator do not wait alike.
#[test]
fn the_same_seed_waits_alike_and_another_does_not() {
    let config = exponential(1000, "2", 30_000).to_builder().jitter(Jitter::Full).build().unwrap();
    let of = |seed| config.delays(SplitMix64::new(seed)).take(50).collect::<Vec<_>>();
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    let mut shared = SplitMix64::new(7);
    let one: Vec<_> = config.delays(&mut shared).take(50).collect();
    let two: Vec<_> = config.delays(&mut shared).take(50).collect();
    assert_ne!(one, two);
    let unsized_rng: &mut dyn Rng = &mut SplitMix64::new(7);
    let first = Backoff::new().next_delay(&config, Mode::Fresh, Duration::ZERO, unsized_rng);
    assert_eq!(first, Some(of(7)[0]));
}

/// P5: ended is ended, also for a caller who asks on. P3: the sum of the waits saturates.
#[test]
fn the_iterator_is_fused() {
    const TWO: &[Duration] = &[ms(1), ms(2)];
    let mut delays = BackoffConfig::table(TWO, AfterTable::GiveUp).build().unwrap().delays(Shared::default());
    assert_eq!(delays.by_ref().count(), 2);
    assert!((0..100).all(|_| delays.next().is_none()));
    // P3: the sum of the waits saturates.
    let endless = BackoffConfig::elapsed(Ratio::TWO, Duration::MAX, Duration::MAX).build().unwrap();
    assert!(waits(endless, 5).iter().all(|wait| *wait == us(u64::MAX)));
}

/// P4: what is shorter than the resolution is rounded up, never to nothing; a wait below a millisecond is a hot loop and
/// refused, or rounded up where it is asked for once.
#[test]
fn waits_below_a_millisecond_are_no_waits() {
    use ConfigError::InitialTooShort;
    let config = BackoffConfig::constant(ms(1) + Duration::from_nanos(1)).build().unwrap();
    assert_eq!(waits(config, 1), [us(1_001)]);
    let half = ratio("1/2");
    for short in [Duration::from_nanos(1), us(1), us(999)] {
        assert_eq!(BackoffConfig::exponential(short, Ratio::TWO, ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::constant(short).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::linear(short, ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::fibonacci(short, ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::quadratic(short, ms(1), ms(9)).build(), Err(InitialTooShort));
        assert_eq!(BackoffConfig::elapsed(half, short, ms(9)).build(), Err(InitialTooShort));
        for after in [AfterTable::RepeatLast, AfterTable::GiveUp] {
            for entries in [[short, ms(5)], [ms(5), short], [Duration::ZERO, short]] {
                let table = BackoffConfig::table(Box::leak(Box::new(entries)), after).build();
                assert_eq!(table, Err(InitialTooShort), "{entries:?}");
            }
        }
        assert_eq!(exponential(1, "2", 9).to_builder().max_fresh(short).build(), Err(InitialTooShort));
        let asked_for = exponential(2, "2", 9).to_builder().first_delay(short).build_const();
        assert_eq!(waits(asked_for, 2), millis(&[1, 4]));
        assert_eq!(asked_for.first_delay(), Some(ms(1)));
    }
    // The last nanosecond is rounded up.
    assert!(BackoffConfig::constant(ms(1) - Duration::from_nanos(1)).build().is_ok());
    assert!(BackoffConfig::constant(ms(1)).build().is_ok());
}

/// A decorrelated jitter draws between the first wait and the cap: a constant has no such range.
#[test]
fn a_constant_has_no_decorrelated_jitter() {
    let constants = [
        BackoffConfig::constant(ms(1_000)).build().unwrap(),
        exponential(1_000, "1", 30_000),
        exponential(1_000, "1", 1_000),
    ];
    for constant in constants {
        for jitter in [Jitter::Decorrelated, Jitter::DecorrelatedV2] {
            assert_eq!(
                constant.to_builder().jitter(jitter).build(),
                Err(ConfigError::JitterNoRoom),
                "{jitter:?}"
            );
        }
        assert!(constant.to_builder().jitter(Jitter::Full).build().is_ok());
    }
    assert!(exponential(1_000, "1.01", 30_000).to_builder().jitter(Jitter::Decorrelated).build().is_ok());
}

// Refused configs

/// F40, P6, P7, P10, P12, P13, P17.
#[test]
fn configs_that_could_misbehave_are_refused() {
    use ConfigError::{
        FactorBelowOne, FloorAboveMax, InitialAboveMax, InitialZero, JitterAboveOne, JitterWindow,
        TableEmpty, TableRepeatsZero,
    };
    let (zero, one, two) = (Duration::ZERO, ms(1), ms(2));
    let half = ratio("1/2");
    assert_eq!(BackoffConfig::exponential(zero, Ratio::TWO, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::exponential(two, Ratio::TWO, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::exponential(one, half, two).build(), Err(FactorBelowOne));
    assert_eq!(BackoffConfig::exponential(one, Ratio::ZERO, two).build(), Err(FactorBelowOne));
    assert_eq!(BackoffConfig::constant(zero).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::linear(zero, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::linear(two, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::fibonacci(zero, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::fibonacci(two, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::elapsed(half, zero, one).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::elapsed(half, two, one).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::table(&[], AfterTable::RepeatLast).build(), Err(TableEmpty));
    assert_eq!(BackoffConfig::table(&[], AfterTable::GiveUp).build(), Err(TableEmpty));
    const TO_ZERO: &[Duration] = &[ms(1), Duration::ZERO];
    assert_eq!(BackoffConfig::table(TO_ZERO, AfterTable::RepeatLast).build(), Err(TableRepeatsZero));
    assert!(BackoffConfig::table(TO_ZERO, AfterTable::GiveUp).build().is_ok());

    let ladder = exponential(2, "2", 8);
    assert_eq!(ladder.to_builder().jitter(Jitter::PlusMinus(ratio("1.01"))).build(), Err(JitterAboveOne));
    assert!(ladder.to_builder().jitter(Jitter::PlusMinus(Ratio::ONE)).build().is_ok());
    assert_eq!(ladder.to_builder().jitter(Jitter::Window(Ratio::ONE, half)).build(), Err(JitterWindow));
    assert_eq!(ladder.to_builder().jitter(Jitter::Window(half, ratio("1.01"))).build(), Err(JitterWindow));
    assert_eq!(
        ladder.to_builder().jitter(Jitter::Window(Ratio::ZERO, Ratio::ZERO)).build(),
        Err(JitterWindow)
    );
    assert!(ladder.to_builder().jitter(Jitter::Window(half, half)).build().is_ok());
    assert_eq!(ladder.to_builder().jitter(Jitter::Minus(ratio("1.01"))).build(), Err(JitterAboveOne));
    assert_eq!(
        ladder.to_builder().jitter(Jitter::PlusFixed(two, one)).build(),
        Err(ConfigError::RangeReversed)
    );
    assert_eq!(ladder.to_builder().jitter(Jitter::PlusFixed(one, ms(7))).build(), Err(InitialAboveMax));
    assert!(ladder.to_builder().jitter(Jitter::PlusFixed(one, ms(6))).build().is_ok());
    assert_eq!(ladder.to_builder().jitter(Jitter::Plus(ratio("3.01"))).build(), Err(InitialAboveMax));
    assert!(ladder.to_builder().jitter(Jitter::Plus(ratio("3"))).build().is_ok());
    assert_eq!(BackoffConfig::quadratic(zero, one, two).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::quadratic(two, one, one).build(), Err(InitialAboveMax));
    const FROM_ZERO: &[Duration] = &[Duration::ZERO, ms(1)];
    let table = BackoffConfig::table(FROM_ZERO, AfterTable::RepeatLast).build().unwrap();
    assert_eq!(table.to_builder().jitter(Jitter::Decorrelated).build(), Err(InitialZero));
    assert_eq!(table.to_builder().jitter(Jitter::DecorrelatedV2).build(), Err(InitialZero));
    assert_eq!(table.to_builder().max_fresh(zero).build(), Err(InitialZero));
    assert_eq!(ladder.to_builder().floor(ms(9)).build(), Err(FloorAboveMax));
    assert!(ladder.to_builder().floor(ms(8)).build().is_ok());
    assert_eq!(ladder.to_builder().max_fresh(one).build(), Err(InitialAboveMax));
    assert!(ladder.to_builder().max_fresh(two).build().is_ok());
}

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
        (curve, factor, share, step) in (0..8_usize, any_ratio(1), any_ratio(0), any_span()),
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
            let floor = if failure == 1 && any.asked_for { Duration::ZERO } else { any.floor.min(any.cap(mode)) };
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
