//! A drawn phase of which the first bits stay: against a recomputation, and what it does for a fleet.

use std::time::Duration;

use super::{begins, naive_at, phase_of, us, windows};
use crate::draws::{Constant, ms};
use proptest::prelude::*;
use redial::backoff::WindowPhase;
use redial::rand_core::Rng;
use redial::{Backoff, BackoffConfig, Mode, SplitMix64};

/// The place in the window that begins at this millisecond: bit by bit, from the first one on.
fn place(phase: u32, bits: u8, begin: u64) -> f64 {
    let draw = SplitMix64::new(u64::from(phase) * 0x1_0000_0000 + begin).next_u64();
    let mut place = 0.;
    for bit in 0..31 {
        let of = if bit < u32::from(bits) || begin == 0 { u64::from(phase) << 32 } else { draw };
        place += f64::from((of >> (63 - bit)) as u8 & 1) / 2f64.powi(bit as i32 + 1);
    }
    place
}

fn moving(first: u64, scale: u64, bits: u8) -> BackoffConfig {
    windows(first, scale).to_builder().phase_bits(bits).build().unwrap()
}

/// A phase that a generator draws.
fn drawn(phase: u32) -> Constant {
    Constant(u64::from(phase) << 32)
}

proptest! {
    /// W01: the waits are those of the formula, at a place of each window that follows from the phase and its beginning.
    #[test]
    fn each_window_has_its_place(
        (first, scale) in (1..60_000_u64, 1_000..300_000_u64),
        (phase, bits) in (any::<u32>(), 0..40_u8),
        (begins_late, attempts) in (prop_oneof![Just(0), 0..20_000_000_u64], prop::collection::vec(0..15_000_000_u64, 1..40)),
    ) {
        let config = moving(first, scale, bits);
        let phase = phase & !1;
        let begins = begins(first, scale, u64::MAX, 8_000_000);
        let mut backoff = Backoff::new();
        let mut elapsed = begins_late;
        for (n, attempt) in attempts.into_iter().enumerate() {
            let mut rng = if n == 0 { drawn(phase) } else { Constant(7) };
            let wait = backoff.next_delay(&config, Mode::Resume, us(elapsed), &mut rng).unwrap();
            let expected = naive_at(&begins, |k| place(phase, bits, begins[k]), n == 0, elapsed as f64);
            let micros = wait.as_micros() as f64;
            prop_assert!((micros - expected).abs() < 1.001, "{micros}, not {expected}, after {n} at {elapsed}");
            elapsed += wait.as_micros() as u64 + attempt;
            if elapsed > 4_000_000_000 {
                break;
            }
        }
    }

    /// W01, W06: the later failure is not followed by the earlier dial, at any times; and no wait is longer than the ceiling, where no
    /// attempt takes time.
    #[test]
    fn the_dials_keep_their_order(
        (first, scale) in (1..100_000_u64, 1..1_000_000_u64),
        (phase, bits) in (any::<u32>(), 0..40_u8),
        mut times in prop::collection::vec(0..10_000_000_000_u64, 2..20),
    ) {
        let config = moving(first, scale, bits);
        times.sort_unstable();
        let (mut backoff, mut before) = (Backoff::new(), 0);
        for elapsed in times {
            let wait = backoff.next_delay(&config, Mode::Fresh, us(elapsed), &mut drawn(phase)).unwrap();
            let at = elapsed + wait.as_micros() as u64;
            prop_assert!(at >= before, "{at} after {before}");
            before = at;
        }
        let (mut backoff, mut elapsed) = (Backoff::new(), Duration::ZERO);
        // The windows of the count and those of the time are the same ones only where none is passed.
        let config = moving(first.max(1_000), scale.max(4_000), bits);
        for failure in 1..15 {
            let wait = backoff.next_delay(&config, Mode::Fresh, elapsed, &mut drawn(phase)).unwrap();
            elapsed += wait;
            let ceiling = config.ceiling(failure, Mode::Fresh).unwrap();
            prop_assert!(wait <= ceiling.max(ms(300) + ceiling / 2), "{failure}: {wait:?} of {ceiling:?}");
        }
    }
}

/// W02: nothing is drawn but the phase; one that was given stays in all windows, and all bits are the default.
#[test]
fn a_phase_that_is_given_does_not_move() {
    let all = windows(1_750, 40_000);
    assert_eq!(all.phase_bits(), 32);
    assert_eq!(moving(1_750, 40_000, 32), all);
    assert_eq!(moving(1_750, 40_000, u8::MAX), all);
    let config = moving(1_750, 40_000, 3);
    assert_ne!(config, all);
    let other = BackoffConfig::linear(ms(1_000), ms(30_000));
    assert_eq!(other.phase_bits(3).build(), other.build(), "another curve has no phase");
    let dials = |mut backoff: Backoff, config: &BackoffConfig, mut rng: Constant| {
        let mut elapsed = Duration::ZERO;
        [(); 9].map(|()| {
            elapsed += backoff.next_delay(config, Mode::Fresh, elapsed, &mut rng).unwrap();
            elapsed
        })
    };
    for number in 0..100 {
        let phase = WindowPhase::of_client(number);
        let given = Backoff::new().with_window_phase(phase);
        assert_eq!(dials(given.clone(), &config, Constant(1)), dials(given.clone(), &all, Constant(2)));
        let free = dials(Backoff::new(), &config, drawn(phase.to_bits()));
        assert_ne!(free, dials(given, &all, Constant(1)), "{number}");
        assert_eq!(free[0], dials(Backoff::new(), &all, drawn(phase.to_bits()))[0], "the first window");
    }
}

/// W03: each client stays in its eighth, neighbours part, and every window is evenly filled.
#[test]
fn neighbours_part_within_their_eighth() {
    let (config, begins) = (moving(1_750, 40_000, 3), begins(1_750, 40_000, u64::MAX, 300_000));
    let places = |phase: u32| {
        let (mut backoff, mut elapsed) = (Backoff::new(), Duration::ZERO);
        [0, 1, 2, 3, 4, 5, 6].map(|k: usize| {
            elapsed += backoff.next_delay(&config, Mode::Fresh, elapsed, &mut drawn(phase)).unwrap();
            (elapsed.as_secs_f64() * 1e3 - begins[k] as f64) / (begins[k + 1] - begins[k]) as f64
        })
    };
    let (mut filled, mut apart) = ([[0_u32; 20]; 7], [0.; 7]);
    for client in 0..5_000_u32 {
        let phase = SplitMix64::new(client.into()).next_u32() & !3;
        let (one, other) = (places(phase), places(phase | 2));
        let eighth = (phase_of(WindowPhase::from_bits(phase)) * 8.).floor();
        for k in 0..7 {
            for place in [one[k], other[k]] {
                assert!((place * 8. + 1e-6).floor() >= eighth && place * 8. < eighth + 1.001, "{place}");
                filled[k][(place * 20.) as usize % 20] += 1;
            }
            apart[k] += (one[k] - other[k]).abs() * 8. / 5_000.;
        }
    }
    assert!(apart[0] < 1e-6, "the first window is the draw's");
    for (k, counts) in filled.iter().enumerate() {
        // Five standard deviations of a binomial; in the first window the clients come in pairs.
        assert!(
            counts.iter().all(|count| count.abs_diff(500) <= if k == 0 { 155 } else { 110 }),
            "{k}: {counts:?}"
        );
        // Two places in an eighth that have nothing to do with one another are a third of it apart.
        assert!(k == 0 || (apart[k] - 1. / 3.).abs() < 0.017, "{k}: {}", apart[k]);
    }
}
