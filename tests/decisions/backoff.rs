//! The backoff through the public API. Rule numbers: F, S gateways; P Rust peers' pitfalls.

mod configs;
mod far;
mod jitter;
mod peers;
mod random;

use std::time::Duration;

use crate::draws::{Constant, Shared, assert_near, ms, us};
use proptest::prelude::*;
use redial::backoff::{AfterTable, Curve};
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
