//! Backoffs.

use core::time::Duration;

use crate::backoff::{AfterTable, BackoffConfig, Jitter};
use crate::ratio::Ratio;

use super::Script;

static MILLISECOND: [Duration; 1] = [Duration::from_millis(1)];

static TABLES: [&[Duration]; 5] = [
    &[Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)],
    &[Duration::ZERO],
    &[Duration::from_secs(5), Duration::from_secs(1)],
    &[Duration::ZERO, Duration::ZERO, Duration::MAX],
    &MILLISECOND,
];

impl Script<'_> {
    /// A valid backoff: every curve, every jitter, each of the other settings. Waits from 0 to [`Duration::MAX`].
    pub fn backoff(&mut self) -> BackoffConfig {
        let (initial, other) = (self.duration(), self.duration());
        let max = initial.max(other);
        let ratio = self.ratio();
        let after = if self.choices.flag() { AfterTable::GiveUp } else { AfterTable::RepeatLast };
        let curve = match self.choices.below(8) {
            0 => BackoffConfig::exponential(initial, ratio, max),
            1 => BackoffConfig::constant(initial),
            2 => BackoffConfig::linear(initial, max),
            3 => BackoffConfig::fibonacci(initial, max),
            4 => BackoffConfig::elapsed(ratio, initial, max),
            5 => BackoffConfig::quadratic(initial, other, max),
            6 if after == AfterTable::GiveUp => BackoffConfig::windows(initial, other).max_delay(max),
            6 => BackoffConfig::windows(initial, other).phase_bits(max.as_secs() as u8),
            _ => BackoffConfig::table(self.choices.pick(&TABLES, &MILLISECOND), after),
        };
        let mut backoff = SIMPLEST;
        backoff = curve.build().unwrap_or(backoff);
        if self.choices.one_in(4) {
            let first = self.duration();
            backoff = backoff.to_builder().first_delay(first).build().unwrap_or(backoff);
        }
        if self.choices.one_in(4) {
            backoff = backoff.to_builder().exact_first().build().unwrap_or(backoff);
        }
        let jitter = self.jitter(ratio, (initial.min(other), max));
        backoff = backoff.to_builder().jitter(jitter).build().unwrap_or(backoff);
        if !self.choices.flag() {
            return backoff;
        }
        let (floor, fresh) = (self.duration(), self.duration());
        backoff = backoff.to_builder().floor(floor).build().unwrap_or(backoff);
        backoff = backoff.to_builder().max_fresh(fresh).build().unwrap_or(backoff);
        backoff
    }

    /// Every kind of jitter, with this ratio and this range.
    fn jitter(&mut self, ratio: Ratio, (low, high): (Duration, Duration)) -> Jitter {
        match self.choices.below(11) {
            0 => Jitter::None,
            1 => Jitter::Full,
            2 => Jitter::Equal,
            3 => Jitter::Decorrelated,
            4 => Jitter::PlusMinus(ratio),
            5 => Jitter::Window(Ratio::ZERO, ratio),
            6 => Jitter::Minus(ratio),
            7 => Jitter::Plus(ratio),
            8 => Jitter::PlusFixed(low, high),
            9 => Jitter::AboveInitial,
            _ => Jitter::DecorrelatedV2,
        }
    }

    #[cfg(any(feature = "arbitrary", feature = "proptest"))]
    pub(in crate::testing) fn any_jitter(&mut self) -> Jitter {
        let (ratio, one, other) = (self.ratio(), self.duration(), self.duration());
        self.jitter(ratio, (one.min(other), one.max(other)))
    }

    /// 0 to 5, and fractions of those; 2 first.
    pub(in crate::testing) fn ratio(&mut self) -> Ratio {
        let numerator = self.choices.pick(&[2, 1, 3, 4, 5, 0], 2);
        let denominator = self.choices.below(5).saturating_add(1);
        Ratio::new(numerator, denominator).unwrap_or(Ratio::ONE)
    }
}

/// A wait of 1 s.
const SIMPLEST: BackoffConfig = BackoffConfig::constant(Duration::from_secs(1)).build_const();
