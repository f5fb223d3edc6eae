//! The peers' published waits.

use super::*;

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
