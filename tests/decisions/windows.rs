//! Consecutive windows with one phase an outage, against a recomputation in floats.

mod bits;
mod edges;
mod policy;

use std::time::Duration;

use crate::draws::{Constant, ms};
use proptest::prelude::*;
use redial::backoff::{Curve, WindowPhase};
use redial::rand_core::{Rng, TryRng};
use redial::{Backoff, BackoffConfig, ConfigError, Jitter, Mode, Ratio, SplitMix64};

/// The windows in whole milliseconds: where they begin, as in the rule, and one behind the last.
fn begins(first: u64, scale: u64, max: u64, until: u64) -> Vec<u64> {
    let mut begins = vec![0, first.min(max)];
    while *begins.last().unwrap() <= until {
        let last = *begins.last().unwrap();
        let m = last.max(1_000) as f64;
        let width = (2. * m).min((scale as f64 * m).sqrt()).floor().min(max as f64);
        begins.push(last + width as u64);
    }
    begins
}

/// The point of window `k` in microseconds.
fn point(begins: &[u64], k: usize, phase: f64) -> f64 {
    let width = (begins[k + 1] - begins[k]) as f64;
    1e3 * (begins[k] as f64 + phase * width)
}

/// The wait in microseconds after a failure at `elapsed`, the first of the outage or a later one.
fn naive(begins: &[u64], phase: f64, first: bool, elapsed: f64) -> f64 {
    naive_at(begins, |_| phase, first, elapsed)
}

/// The same with a place in each window.
fn naive_at(begins: &[u64], place: impl Fn(usize) -> f64, first: bool, elapsed: f64) -> f64 {
    if first && elapsed == 0. {
        return point(begins, 0, place(0));
    }
    let target = (0..begins.len() - 1).map(|k| point(begins, k, place(k))).find(|at| *at > elapsed + 3e5);
    target.expect("windows enough") - elapsed
}

fn phase_of(phase: WindowPhase) -> f64 {
    f64::from(phase.to_bits()) / 2f64.powi(32)
}

fn windows(first: u64, scale: u64) -> BackoffConfig {
    BackoffConfig::windows(ms(first), ms(scale)).build().unwrap()
}

/// A generator that counts what is drawn.
struct Counting(SplitMix64, u32);

impl TryRng for Counting {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.1 += 1;
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.1 += 1;
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

proptest! {
    /// W01: the waits are those of the formula, whatever the attempts take, rounded down to a microsecond.
    #[test]
    fn the_waits_are_those_of_the_formula(
        (first, scale) in (1..60_000_u64, 1_000..300_000_u64),
        max in prop_oneof![Just(u64::MAX), 60_000..600_000_u64],
        bits in any::<u32>(),
        (begins_late, attempts) in (prop_oneof![Just(0), 0..20_000_000_u64], prop::collection::vec(0..15_000_000_u64, 1..40)),
    ) {
        let mut config = windows(first, scale);
        if max < u64::MAX {
            config = config.to_builder().max_delay(ms(max)).build().unwrap();
        }
        let phase = WindowPhase::from_bits(bits);
        let begins = begins(first, scale, max, 5_000_000);
        let mut backoff = Backoff::new().with_window_phase(phase);
        let mut elapsed = begins_late;
        for (n, attempt) in attempts.into_iter().enumerate() {
            let wait = backoff.next_delay(&config, Mode::Resume, us(elapsed), &mut Constant(0)).unwrap();
            let expected = naive(&begins, phase_of(phase), n == 0, elapsed as f64);
            let micros = wait.as_micros() as f64;
            if expected <= 1e3 * max as f64 {
                prop_assert!((micros - expected).abs() < 1.001, "{micros}, not {expected}, after {n} at {elapsed}");
            } else {
                // A slow attempt: spread below the cap.
                prop_assert!(micros >= 0.74e3 * max as f64 && micros <= 1e3 * max as f64);
            }
            elapsed += wait.as_micros() as u64 + attempt;
            if elapsed > 4_000_000_000 {
                break;
            }
        }
    }

    /// W01: no wait is above the cap, below the floor or nothing after the first, at any time and after any leap. Nothing panics.
    #[test]
    fn it_is_total_at_the_extremes(
        (first, scale) in (extreme(), extreme()),
        (max, fresh, floor) in (prop::option::of(extreme()), prop::option::of(extreme()), prop::option::of(extreme())),
        asked in prop::option::of(extreme()),
        base in prop::option::of(extreme()),
        exact in any::<bool>(),
        times in prop::collection::vec((extreme(), any::<bool>()), 1..12),
        (bits, given) in (any::<u32>(), any::<bool>()),
    ) {
        let micros = Duration::from_micros;
        let mut config = BackoffConfig::windows(micros(first.max(1_000)), micros(scale.max(1_000))).build().unwrap();
        for builder in [
            max.map(|max| config.to_builder().max_delay(micros(max))),
            fresh.map(|fresh| config.to_builder().max_fresh(micros(fresh))),
            floor.map(|floor| config.to_builder().floor(micros(floor))),
            asked.map(|asked| config.to_builder().first_delay(micros(asked))),
            Some(config.to_builder().exact_first()).filter(|_| exact),
            Some(config.to_builder().phase_bits(bits as u8)).filter(|_| bits % 3 > 0),
        ].into_iter().flatten() {
            config = builder.build().unwrap_or(config);
        }
        let mut backoff = Backoff::new();
        if given {
            backoff = backoff.with_window_phase(WindowPhase::from_bits(bits));
        }
        backoff.set_base(base.map(micros));
        for (n, (elapsed, resume)) in times.into_iter().enumerate() {
            let mode = if resume { Mode::Resume } else { Mode::Fresh };
            let mut same = backoff.clone();
            let wait = backoff.next_delay(&config, mode, micros(elapsed), &mut SplitMix64::new(1)).unwrap();
            prop_assert_eq!(same.next_delay(&config, mode, micros(elapsed), &mut SplitMix64::new(1)), Some(wait));
            prop_assert_eq!(&same, &backoff);
            prop_assert!(wait <= config.max_delay(mode));
            prop_assert!(n == 0 || wait >= ms(300).min(config.max_delay(mode) * 3 / 4 - micros(2_000).min(config.max_delay(mode) * 3 / 4)));
            let floor = config.floor().min(config.max_delay(mode) * 3 / 4);
            prop_assert!(n == 0 || wait + micros(2_000) >= floor, "{:?} {:?}", wait, floor);
            prop_assert!(config.ceiling(n as u32, mode).is_some_and(|ceiling| ceiling <= config.max_delay(mode)));
        }
    }

    /// W01: of two failures of an outage, the later one is not followed by the earlier dial; and a wait is at most the window and
    /// the least distance.
    #[test]
    fn later_failures_aim_at_later_points(
        (first, scale, bits) in (1..100_000_u64, 1..1_000_000_u64, any::<u32>()),
        mut times in prop::collection::vec(0..10_000_000_000_u64, 2..20),
    ) {
        let config = windows(first, scale);
        times.sort_unstable();
        let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(bits));
        let mut before = 0;
        for elapsed in times {
            let wait = backoff.next_delay(&config, Mode::Fresh, us(elapsed), &mut Constant(0)).unwrap();
            let at = elapsed + wait.as_micros() as u64;
            prop_assert!(at >= before, "{at} after {before}");
            before = at;
        }
    }
}

fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn extreme() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_000_u64, 0..600_000_000_u64, Just(u64::MAX), Just(u64::MAX / 1_000), any::<u64>()]
}

/// W01: the windows and the points of the recommended numbers, as they are written down in the research.
#[test]
fn golden_windows() {
    let config = windows(1_750, 40_000);
    assert_eq!(
        begins(1_750, 40_000, u64::MAX, 300_000)[..8],
        [0, 1_750, 5_250, 15_750, 40_849, 81_271, 138_287, 212_660]
    );
    let waits = |bits, n| -> Vec<u64> {
        let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(bits));
        let mut elapsed = Duration::ZERO;
        (0..n)
            .map(|_| {
                let wait = backoff.next_delay(&config, Mode::Fresh, elapsed, &mut Constant(0)).unwrap();
                elapsed += wait;
                elapsed.as_millis() as u64
            })
            .collect()
    };
    assert_eq!(waits(0, 7), [0, 1_750, 5_250, 15_750, 40_849, 81_271, 138_287]);
    assert_eq!(waits(1 << 31, 7), [875, 3_500, 10_500, 28_299, 61_060, 109_779, 175_473]);
    let ceilings: Vec<_> = (1..6).map(|n| config.ceiling(n, Mode::Fresh).unwrap()).collect();
    assert_eq!(ceilings, [1_750, 3_500, 10_500, 25_099, 40_422].map(ms));
    assert_eq!(config.curve(), Curve::Windows(ms(40_000)));
    assert_eq!(config.max_delay(Mode::Resume), Duration::from_micros(u64::MAX));
    // As an iterator: each attempt takes no time.
    let mut delays = config.delays(Constant(1 << 63));
    assert_eq!(delays.by_ref().take(3).collect::<Vec<_>>(), [ms(875), ms(2_625), ms(7_000)]);
}

/// W02: one draw an outage, with its first failure; none where the phase is given.
#[test]
fn the_phase_is_drawn_once_an_outage() {
    let config = windows(1_750, 40_000);
    let mut rng = Counting(SplitMix64::new(5), 0);
    let mut backoff = Backoff::new();
    for outage in 1..20_u32 {
        let mut elapsed = Duration::ZERO;
        for _ in 0..10 {
            elapsed += backoff.next_delay(&config, Mode::Fresh, elapsed, &mut rng).unwrap();
            assert_eq!(rng.1, outage);
        }
        backoff.reset();
        assert_eq!(backoff, Backoff::new());
    }
    let mut backoff = Backoff::new().with_window_phase(WindowPhase::of_client(3));
    let (fresh, mut waits) = (backoff.clone(), Vec::new());
    for _ in 0..3 {
        let mut elapsed = Duration::ZERO;
        for _ in 0..6 {
            let wait = backoff.next_delay(&config, Mode::Fresh, elapsed, &mut rng).unwrap();
            elapsed += wait;
            waits.push(wait);
        }
        backoff.set_base(Some(ms(9)));
        backoff.set_base(None);
        backoff.reset();
        assert_eq!(backoff, fresh, "the phase stays");
    }
    assert_eq!(rng.1, 19);
    assert_eq!(waits[..6], waits[6..12]);
    assert_eq!(waits[..6], waits[12..]);
}

/// W02: equal phases, equal waits, whoever draws; and other curves don't know a phase.
#[test]
fn a_phase_that_is_given_is_the_phase() {
    let config = windows(3_000, 20_000);
    for number in 0..200 {
        let phase = WindowPhase::of_client(number);
        let drawn = Constant(u64::from(phase.to_bits()) << 32);
        let (mut one, mut other) = (Backoff::new(), Backoff::new().with_window_phase(phase));
        for elapsed in [0, 1_000, 20_000, 21_000, 100_000, 7_000_000] {
            let delay = |backoff: &mut Backoff, rng: &mut dyn Rng| {
                backoff.next_delay(&config, Mode::Fresh, ms(elapsed), rng)
            };
            assert_eq!(
                delay(&mut one, &mut drawn.clone()),
                delay(&mut other, &mut Constant(77)),
                "{number} {elapsed}"
            );
        }
    }
    for jitter in [Jitter::None, Jitter::Full, Jitter::Decorrelated, Jitter::DecorrelatedV2] {
        let config =
            BackoffConfig::exponential(ms(1_000), Ratio::TWO, ms(30_000)).jitter(jitter).build().unwrap();
        let (mut one, mut other) =
            (Backoff::new(), Backoff::new().with_window_phase(WindowPhase::from_bits(u32::MAX)));
        let (mut rng, mut same) = (SplitMix64::new(1), SplitMix64::new(1));
        for failure in 0..30 {
            if failure % 7 == 6 {
                one.reset();
                other.reset();
            }
            let wait = one.next_delay(&config, Mode::Fresh, ms(0), &mut rng);
            assert_eq!(
                other.next_delay(&config, Mode::Fresh, ms(0), &mut same),
                wait,
                "{jitter:?} {failure}"
            );
        }
    }
}

/// W03: of ten thousand clients in step every window gets its share in every twentieth, and consecutive numbers leave no holes.
#[test]
fn every_window_is_evenly_filled() {
    let config = windows(1_750, 40_000);
    let begins = begins(1_750, 40_000, u64::MAX, 300_000);
    for given in [false, true] {
        let mut filled = vec![[0_u32; 20]; 7];
        for client in 0..10_000_u64 {
            let (mut backoff, mut rng) = (Backoff::new(), SplitMix64::new(client));
            if given {
                backoff = backoff.with_window_phase(WindowPhase::of_client(client));
            }
            let mut elapsed = Duration::ZERO;
            for (k, filled) in filled.iter_mut().enumerate() {
                elapsed += backoff.next_delay(&config, Mode::Fresh, elapsed, &mut rng).unwrap();
                let at = elapsed.as_secs_f64() * 1e3 - begins[k] as f64;
                let width = (begins[k + 1] - begins[k]) as f64;
                assert!((0. ..width).contains(&at), "client {client} in window {k}: {at} of {width}");
                filled[(at / width * 20.) as usize] += 1;
            }
        }
        // Five standard deviations of a binomial, or two clients.
        let off = if given { 2 } else { 110 };
        for (k, counts) in filled.iter().enumerate() {
            assert!(counts.iter().all(|count| count.abs_diff(500) <= off), "{given} {k}: {counts:?}");
        }
    }
}

/// W03: between the phases of any consecutive clients no gap is above twice the mean.
#[test]
fn consecutive_clients_leave_no_holes() {
    for (begin, many) in [
        (0_u64, 1_u64),
        (0, 2),
        (5, 3),
        (1_000, 10),
        (17, 100),
        (123_456_789, 100),
        (0, 1_000),
        (u64::MAX - 50, 100),
    ] {
        let mut phases: Vec<_> =
            (0..many).map(|n| WindowPhase::of_client(begin.wrapping_add(n)).to_bits()).collect();
        phases.sort_unstable();
        let wrapped = u64::from(phases[0]) + (1 << 32) - u64::from(*phases.last().unwrap());
        let inner = phases.windows(2).map(|pair| u64::from(pair[1] - pair[0])).max().unwrap_or(0);
        assert!(wrapped.max(inner) * many < 2 << 32, "{many} from {begin}: {}", wrapped.max(inner) * many);
    }
    assert_eq!([0, 1, 2].map(|n| WindowPhase::of_client(n).to_bits()), [0, 0x9e37_79b8, 0x3c6e_f372]);
    assert_eq!(WindowPhase::from_ratio(Ratio::ONE), None);
    assert_eq!(WindowPhase::from_ratio(Ratio::new(u32::MAX, u32::MAX - 1).unwrap()), None);
    assert_eq!(WindowPhase::from_ratio(Ratio::new(1, 2).unwrap()).unwrap().to_bits(), 1 << 31);
}

/// W04: the cap bounds the windows and the waits; a wait above it is spread over the last quarter below.
#[test]
fn the_cap_bounds_windows_and_waits() {
    let config = windows(2_000, 40_000).to_builder().max_delay(ms(20_000)).build().unwrap();
    assert_eq!(config.max_delay(Mode::Fresh), ms(20_000));
    let apart = config.to_builder().max_fresh(ms(4_000)).max_delay(ms(10_000)).build().unwrap();
    assert_eq!((apart.max_delay(Mode::Fresh), apart.max_delay(Mode::Resume)), (ms(4_000), ms(10_000)));
    let mut backoff = Backoff::new().with_window_phase(WindowPhase::default());
    let mut at = 0;
    let begins = begins(2_000, 40_000, 20_000, 120_000);
    for expected in &begins[..8] {
        at += backoff.next_delay(&config, Mode::Fresh, ms(at), &mut Constant(0)).unwrap().as_millis() as u64;
        assert_eq!(at, *expected);
    }
    // A fresh dial has less time than the window: the last quarter of its cap.
    for (bits, wait) in [(0, 3_000), (1 << 31, 3_500), (u32::MAX, 3_999)] {
        let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(bits));
        assert!(
            backoff.next_delay(&apart, Mode::Resume, ms(200_000), &mut Constant(0)).unwrap() <= ms(10_000)
        );
        let delay = backoff.next_delay(&apart, Mode::Fresh, ms(201_000), &mut Constant(0)).unwrap();
        assert_eq!(delay.as_millis(), wait, "{bits}");
    }
    // And never less than the floor, where that is in the last quarter, or the cap where it is above.
    for (floor, waits) in [(2_000, [3_000, 3_500]), (3_800, [3_800, 3_900]), (9_000, [4_000, 4_000])] {
        let apart = apart.to_builder().floor(ms(floor)).build().unwrap();
        for (bits, wait) in [0, 1 << 31].into_iter().zip(waits) {
            let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(bits));
            _ = backoff.next_delay(&apart, Mode::Resume, ms(200_000), &mut Constant(0));
            let delay = backoff.next_delay(&apart, Mode::Fresh, ms(201_000), &mut Constant(0)).unwrap();
            assert_eq!(delay, ms(wait), "{floor} {bits}");
        }
    }
    use ConfigError::{InitialAboveMax, InitialTooShort, InitialZero, JitterOnWindows, WindowsScale};
    assert_eq!(config.to_builder().max_delay(ms(1_999)).build(), Err(InitialAboveMax));
    assert_eq!(BackoffConfig::windows(ms(0), ms(1)).build(), Err(InitialZero));
    assert_eq!(BackoffConfig::windows(us(999), ms(1)).build(), Err(InitialTooShort));
    for scale in [ms(0), us(999)] {
        assert_eq!(BackoffConfig::windows(ms(1), scale).build(), Err(WindowsScale));
    }
    for jitter in [
        Jitter::Full,
        Jitter::Equal,
        Jitter::Decorrelated,
        Jitter::DecorrelatedV2,
        Jitter::Window(Ratio::ZERO, Ratio::ONE),
    ] {
        assert_eq!(config.to_builder().jitter(jitter).build(), Err(JitterOnWindows));
    }
}

/// W05: a floor is the lower end of the first window and the least distance of the others; an asked-for, an exact and a
/// server's first wait stand for the dial of the first window.
#[test]
fn floors_and_other_first_waits() {
    let config = windows(2_000, 40_000);
    let next = |config: &BackoffConfig, bits, base: Option<u64>| {
        let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(bits));
        backoff.set_base(base.map(ms));
        let mut elapsed = Duration::ZERO;
        [(); 3].map(|()| {
            elapsed += backoff.next_delay(config, Mode::Fresh, elapsed, &mut Constant(0)).unwrap();
            elapsed.as_millis()
        })
    };
    let half = 1 << 31;
    assert_eq!(next(&config, half, None), [1_000, 4_000, 12_000]);
    let floored = config.to_builder().floor(ms(500)).build().unwrap();
    assert_eq!(next(&floored, half, None), [1_250, 4_000, 12_000]);
    assert_eq!(next(&floored, 0, None), [500, 2_000, 6_000]);
    let far = config.to_builder().floor(ms(5_000)).build().unwrap();
    assert_eq!(next(&far, half, None), [12_000, 31_416, 66_005]);
    let asked = config.to_builder().first_delay(ms(600)).build().unwrap();
    assert_eq!(next(&asked, half, None), [300, 4_000, 12_000]);
    let exact = config.to_builder().exact_first().build().unwrap();
    assert_eq!(next(&exact, half, None), [2_000, 4_000, 12_000]);
    let both = asked.to_builder().exact_first().build().unwrap();
    assert_eq!(next(&both, half, None), [600, 4_000, 12_000]);
    // The server's wait is the first window, and the next follows it.
    assert_eq!(next(&config, half, Some(4_000)), [2_000, 8_000, 22_954]);
    assert_eq!(next(&config, half, Some(0)), [0, 4_000, 12_000]);
}

/// W06: a clock that leaps ahead by more than 64 windows does not make a failure look at them all: the windows go on from there.
/// One that runs back makes no wait longer than the window.
#[test]
fn a_clock_that_leaps_moves_the_windows() {
    let config = windows(1_000, 1_000);
    let year = Duration::from_secs(31_536_000);
    let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(1 << 31));
    _ = backoff.next_delay(&config, Mode::Fresh, ms(0), &mut Constant(0));
    let wait = backoff.next_delay(&config, Mode::Fresh, year, &mut Constant(0)).unwrap();
    // A window 49 days after the outage is 2072.43 s wide, and so are all that follow.
    assert!((ms(300)..ms(2_072_731)).contains(&wait), "{wait:?}");
    let again = backoff.next_delay(&config, Mode::Fresh, year + wait, &mut Constant(0)).unwrap();
    assert_eq!(again, ms(2_072_430));
    let day = Duration::from_secs(86_400);
    let mut backoff = Backoff::new().with_window_phase(WindowPhase::from_bits(1 << 31));
    let wait = backoff.next_delay(&config, Mode::Fresh, day, &mut Constant(0)).unwrap();
    // The window begins 0.301 s from now and is √(1 s × 86,400.301 s) wide.
    assert_eq!(wait, us(301_000 + 293_939_000 / 2));
    let back = backoff.next_delay(&config, Mode::Fresh, ms(5), &mut Constant(0)).unwrap();
    assert_eq!(back, ms(300 + 293_939));
}
