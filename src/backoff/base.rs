//! A first wait that the server sets, in place of the config's.

use core::time::Duration;

use rand_core::Rng;

use super::config::Rare;
use super::{Backoff, BackoffConfig};
use crate::mode::Mode;
use crate::time::Micros;

/// The value of [`Backoff::set_base`], in the 4 bytes that padding would take: whole milliseconds plus one in the lower 31 bits.
/// The highest bit says that the caller gave the [phase](super::WindowPhase).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Base(u32);

impl Base {
    pub(super) const NONE: Self = Self(0);
    const PHASE_GIVEN: u32 = 1 << 31;
    /// Withdrawn during an outage: none, but the position is still that on the old base's curve.
    const CLEARED: u32 = Self::PHASE_GIVEN - 1;

    /// Whether there is nothing to remember: no base, and no phase that was given.
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has_phase(self) -> bool {
        self.0 & Self::PHASE_GIVEN != 0
    }

    pub(super) const fn with_phase(self) -> Self {
        Self(self.0 | Self::PHASE_GIVEN)
    }

    /// The same with another base.
    const fn with_value(self, value: u32) -> Self {
        Self(self.0 & Self::PHASE_GIVEN | value)
    }

    const fn value(self) -> u32 {
        self.0 & !Self::PHASE_GIVEN
    }

    /// The value after the end of the outage.
    pub(super) const fn settled(self) -> Self {
        if self.value() == Self::CLEARED { self.with_value(0) } else { self }
    }

    /// Rounded up to whole milliseconds, at most 24 days.
    const fn value_of(base: Micros) -> u32 {
        const MOST: u64 = Base::CLEARED as u64 - 2;
        let millis = base.millis_up();
        (if millis > MOST { MOST as u32 } else { millis as u32 }).saturating_add(1)
    }

    /// For a checkpoint.
    pub(super) const fn to_bits(self) -> u32 {
        self.0
    }

    /// What [`Self::to_bits`] gave.
    pub(super) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    const fn get(self) -> Option<Micros> {
        match self.settled().value().checked_sub(1) {
            Some(millis) => Some(Micros::from_millis(millis as u64)),
            None => None,
        }
    }
}

/// How an outage begins: from the config, or as the server set it.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// The first nominal wait of the curve.
    pub(super) initial: Micros,
    /// The separate first wait.
    pub(super) first: Option<Micros>,
}

impl Start {
    #[inline]
    pub(super) const fn of(config: &BackoffConfig) -> Self {
        Self { initial: config.initial, first: config.first }
    }

    /// The same with an initial wait that the server set: see [`Backoff::set_base`].
    const fn based(config: &BackoffConfig, base: Option<Micros>) -> Self {
        match base {
            None => Self::of(config),
            Some(Micros::ZERO) => Self { initial: config.initial, first: base },
            Some(base) => Self { initial: base.min(config.top()), first: None },
        }
    }
}

impl Backoff {
    /// Sets the first wait, as a server does with the `retry:` field of server-sent events. From the next failure on, `base`
    /// replaces the config's initial wait and its [`first_delay`](BackoffConfig::first_delay), until the next call; a
    /// [`reset`](Self::reset) keeps it. `None`: the config's own, which is the default.
    ///
    /// `base` is rounded up to whole milliseconds, and is at most 24 days and at most the cap of the dial. The waits are those of
    /// the same config with this initial wait, counted from the first failure of the outage:
    ///
    /// * A constant curve waits `base` each time, and one by the [time lost](BackoffConfig::elapsed) at least `base`.
    /// * In a [table](BackoffConfig::table) only the first entry is replaced, and of [windows](BackoffConfig::windows) only the
    ///   first.
    /// * The decorrelated jitters draw from `base` on.
    ///
    /// With a `base` of 0 the first retry is immediate, and the second wait is the config's own, so that the server can't make the
    /// client spin.
    ///
    /// ```
    /// use core::time::Duration;
    /// use redial::{Backoff, BackoffConfig, Mode, Ratio, SplitMix64};
    ///
    /// let (mut rng, secs) = (SplitMix64::new(7), Duration::from_secs);
    /// let config = BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30)).build()?;
    /// let mut backoff = Backoff::new();
    /// backoff.set_base(Some(secs(5)));
    /// let mut wait = || backoff.next_delay(&config, Mode::Fresh, Duration::ZERO, &mut rng);
    /// assert_eq!([wait(), wait(), wait(), wait()], [5, 10, 20, 30].map(|wait| Some(secs(wait))));
    /// # Ok::<(), redial::ConfigError>(())
    /// ```
    pub const fn set_base(&mut self, base: Option<Duration>) {
        self.base = self.base.with_value(match base {
            Some(base) => Base::value_of(Micros::from_duration(base)),
            None if self.base.value() == 0 || self.failures == 0 => 0,
            None => Base::CLEARED,
        });
    }

    /// The first wait that the server set, if any.
    pub(crate) const fn base(&self) -> Option<Micros> {
        self.base.get()
    }

    /// The next wait where a base is, or was, set.
    pub(super) fn based_wait<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        let start = Start::based(config, self.base());
        // The base may have changed since the last failure, so that the position is computed from the count. A window does not
        // follow from it.
        if !matches!(config.rare, Rare::Windows(_)) {
            self.last = Self::followed(config, start, self.failures, self.last).last;
        }
        self.base = self.base.settled();
        self.any_wait(config, start, mode, elapsed, rng)
    }

    /// The same backoff, its base and a phase that was given, after so many failures with this config. Only the draw is taken
    /// from `last`, clamped to what a draw could have been.
    pub(crate) fn restored(&self, config: &BackoffConfig, failures: u32, last: Micros) -> Self {
        let backoff = Self::followed(config, Start::based(config, self.base()), failures, last);
        match self.window_phase() {
            Some(phase) if self.base.has_phase() => {
                Self { last: phase.at(backoff.last), base: self.base, ..backoff }
            }
            _ => Self { base: self.base.settled(), ..backoff },
        }
    }

    /// The jittered wait after the `failure`-th failure in a row, for a caller that only counts its failures. `base` is the
    /// [`base`](Self::base) of the backoff that it belongs to, `elapsed` how long an outage has lasted, if it is one; only
    /// [`BackoffConfig::windows`] reads it.
    pub(crate) fn wait_after<R: Rng + ?Sized>(
        config: &BackoffConfig,
        base: Option<Micros>,
        failure: u32,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        Self::counted_wait(config, Start::based(config, base), failure, mode, elapsed, rng)
    }

    /// The nominal wait after the next failure, before floor and jitter; `None` if a table is exhausted.
    pub(crate) fn ahead(&self, config: &BackoffConfig, mode: Mode) -> Option<Micros> {
        let (start, cap) = (Start::based(config, self.base()), config.cap(mode));
        let mut next = if self.base.is_none() {
            self.clone()
        } else {
            Self::followed(config, start, self.failures, self.last)
        };
        next.climb(config, start).map(|nominal| nominal.min(cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::{AfterTable, Jitter};
    use crate::ratio::Ratio;
    use crate::rng::SplitMix64;

    extern crate std;

    use std::vec::Vec;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const ENTRIES: &[Duration] = &[ms(0), ms(2_000), ms(700), ms(9_000)];

    fn configs() -> Vec<BackoffConfig> {
        let (initial, max) = (ms(1_000), ms(30_000));
        let curves = [
            BackoffConfig::exponential(initial, Ratio::TWO, max).build(),
            BackoffConfig::exponential(initial, Ratio::new(8, 5).unwrap(), max).build(),
            BackoffConfig::exponential(initial, Ratio::ONE, max).build(),
            BackoffConfig::linear(initial, max).build(),
            BackoffConfig::fibonacci(initial, max).build(),
            BackoffConfig::quadratic(initial, ms(300), max).build(),
            BackoffConfig::elapsed(Ratio::new(1, 3).unwrap(), initial, max).build(),
            BackoffConfig::table(ENTRIES, AfterTable::GiveUp).build(),
            BackoffConfig::table(ENTRIES, AfterTable::RepeatLast).build(),
            BackoffConfig::windows(initial, ms(40_000)).max_delay(max).build(),
            BackoffConfig::windows(initial, ms(40_000)).build(),
        ];
        let jitters = [
            Jitter::None,
            Jitter::Full,
            Jitter::PlusMinus(Ratio::new(1, 5).unwrap()),
            Jitter::PlusFixed(ms(1), ms(900)),
            Jitter::AboveInitial,
            Jitter::Decorrelated,
            Jitter::DecorrelatedV2,
        ];
        let curves = curves.map(Result::unwrap);
        let jittered = curves
            .iter()
            .flat_map(|curve| jitters.iter().filter_map(|j| curve.to_builder().jitter(*j).build().ok()));
        jittered
            .flat_map(|config| {
                [
                    config,
                    config.to_builder().first_delay(ms(50)).build_const(),
                    config.to_builder().max_fresh(ms(60_000)).build().unwrap(),
                ]
            })
            .collect()
    }

    const BASES: [Option<u64>; 8] =
        [None, Some(0), Some(1), Some(333), Some(5_000), Some(30_000), Some(45_000), Some(u64::MAX)];

    /// Report 22: a backoff that is built again from its parts waits as the one that they are from, whatever was set in
    /// the middle of the outage.
    #[test]
    fn parts_and_base_are_all_that_a_backoff_is() {
        for config in configs() {
            for (before, after) in BASES.iter().flat_map(|b| BASES.iter().map(move |a| (*b, *a))) {
                let mut backoff = Backoff::new();
                let mut rng = SplitMix64::new(3);
                backoff.set_base(before.map(ms));
                for failures in 0..12_u32 {
                    if failures == 4 {
                        backoff.set_base(after.map(ms));
                    }
                    let (count, last) = backoff.parts(&config);
                    let mut again = Backoff::new();
                    again.set_base(backoff.base().map(Micros::to_duration));
                    again = again.restored(&config, count, last);
                    assert_eq!((again.failures(), again.base()), (failures, backoff.base()));
                    let mode = if failures % 3 == 0 { Mode::Fresh } else { Mode::Resume };
                    assert_eq!(again.ahead(&config, mode), backoff.ahead(&config, mode));
                    let mut same = rng.clone();
                    let wait = backoff.next_delay_micros(&config, mode, Micros(7_000_000), &mut rng);
                    assert_eq!(again.next_delay_micros(&config, mode, Micros(7_000_000), &mut same), wait);
                    if wait.is_none() {
                        break;
                    }
                }
            }
        }
    }

    /// What only counts its failures waits as what counted them one by one, where the wait follows from the count.
    #[test]
    fn a_counted_wait_knows_the_base() {
        let drawn = [Jitter::Decorrelated, Jitter::DecorrelatedV2];
        let counted = |config: &&BackoffConfig| !drawn.contains(&config.jitter) && !config.has_windows();
        for config in configs().iter().filter(counted) {
            for base in BASES {
                let mut backoff = Backoff::new();
                backoff.set_base(base.map(ms));
                let mut rng = SplitMix64::new(5);
                for failure in 1..12_u32 {
                    let mut same = rng.clone();
                    let ahead = backoff.ahead(config, Mode::Resume);
                    let wait = backoff.next_delay_micros(config, Mode::Resume, Micros::ZERO, &mut rng);
                    let counted = Backoff::wait_after(
                        config,
                        backoff.base(),
                        failure,
                        Mode::Resume,
                        Micros::ZERO,
                        &mut same,
                    );
                    assert_eq!(counted, wait, "{config:?}, {base:?}, {failure}");
                    assert_eq!(ahead.is_none(), wait.is_none());
                    if wait.is_none() {
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn a_base_is_rounded_up_and_saturates() {
        let mut backoff = Backoff::new();
        let set = [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (ms(1), 1),
            (Duration::from_micros(1_001), 2),
            (ms(2_147_483_644), 2_147_483_644),
            (ms(2_147_483_645), 2_147_483_645),
            (ms(2_147_483_646), 2_147_483_645),
            (Duration::MAX, 2_147_483_645),
        ];
        for (base, want) in set {
            backoff.set_base(Some(base));
            assert_eq!(backoff.base(), Some(Micros::from_millis(want)), "{base:?}");
            backoff.reset();
            assert_eq!(backoff.base(), Some(Micros::from_millis(want)), "{base:?} after a reset");
        }
        backoff.set_base(None);
        assert_eq!(backoff, Backoff::new());
    }

    /// A base that is taken back in an outage leaves nothing behind it: the curve goes on as if it had never been.
    #[test]
    fn a_base_that_is_taken_back_leaves_no_trace() {
        for config in configs().iter().filter(|config| config.jitter == Jitter::Full) {
            let (mut backoff, mut never) = (Backoff::new(), Backoff::new());
            let (mut rng, mut same) = (SplitMix64::new(9), SplitMix64::new(9));
            backoff.set_base(Some(ms(20_000)));
            for failure in 0..8 {
                if failure == 3 {
                    backoff.set_base(None);
                }
                let wait = backoff.next_delay_micros(config, Mode::Resume, Micros::ZERO, &mut rng);
                let expected = never.next_delay_micros(config, Mode::Resume, Micros::ZERO, &mut same);
                assert!(failure < 3 || wait == expected, "{config:?}, {failure}: {wait:?}, not {expected:?}");
            }
            assert_eq!(backoff, never);
        }
    }

    /// W02: what is restored keeps a phase that was given, and before the first failure has none that was drawn.
    #[test]
    fn a_phase_is_restored_where_it_was_given() {
        use crate::backoff::WindowPhase;
        use crate::codec::read_back;

        let config = BackoffConfig::windows(ms(2_000), ms(40_000)).build().unwrap();
        let mut given = Backoff::new().with_window_phase(WindowPhase::from_bits(1 << 31));
        let mut drawn = Backoff::new();
        drawn.set_base(Some(ms(5_000)));
        for _ in 0..3 {
            for backoff in [&mut given, &mut drawn] {
                let (failures, last) = backoff.parts(&config);
                assert_eq!(&backoff.restored(&config, failures, last), backoff);
                assert_eq!(read_back(backoff).as_ref(), Ok(&*backoff));
                backoff.next_delay_micros(&config, Mode::Fresh, Micros::ZERO, &mut SplitMix64::new(3));
            }
        }
        let (failures, last) = drawn.parts(&config);
        assert_eq!(Backoff::new().restored(&config, 0, last), Backoff::new());
        // A base that was taken back leaves nothing behind it.
        drawn.set_base(None);
        assert!(!drawn.base.is_none() && drawn.restored(&config, failures, last).base.is_none());
    }

    /// W05: what only counts its failures has the exact first wait once, a place in its window after that, and no less than the
    /// floor; in a long outage the window is that of its age.
    #[test]
    fn a_counted_wait_is_a_place_in_a_window() {
        struct Draw(u64);
        impl rand_core::TryRng for Draw {
            type Error = core::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Ok((self.0 >> 32) as u32)
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(self.0)
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
                Ok(())
            }
        }
        let waits = |config: &BackoffConfig, failure, elapsed| {
            let elapsed = Micros::from_millis(elapsed);
            [0, u64::MAX].map(|draw| {
                let wait = Backoff::wait_after(config, None, failure, Mode::Fresh, elapsed, &mut Draw(draw));
                wait.unwrap().millis_up()
            })
        };
        let plain = BackoffConfig::windows(ms(2_000), ms(40_000)).floor(ms(100)).build().unwrap();
        let asked = plain.to_builder().first_delay(ms(500)).build().unwrap();
        let exact = asked.to_builder().exact_first().build().unwrap();
        assert_eq!(waits(&plain, 1, 0), [100, 2_000]);
        assert_eq!(waits(&plain, 2, 0), [100, 4_000]);
        assert_eq!(waits(&asked, 1, 0), [0, 500]);
        assert_eq!(waits(&asked, 2, 0), [100, 4_000]);
        assert_eq!(waits(&exact, 1, 0), [500, 500]);
        assert_eq!(waits(&exact, 2, 0), [100, 4_000]);
        // √(40 s × 1 h).
        assert_eq!(waits(&plain, 1, 3_600_000), [100, 379_473]);
    }
}
