//! Jitter: one draw for each wait, its bounds, its spread.

use super::*;

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
