//! The check of a backoff's config.

use core::time::Duration;

use super::config::{AfterTable, BackoffConfig, Curve};
use super::jitter::Jitter;
use crate::error::ConfigError;
use crate::time::Micros;

impl BackoffConfig {
    /// Whether the settings fit together.
    pub(super) const fn check(&self) -> Result<(), ConfigError> {
        if let Err(error) = self.check_curve() {
            return Err(error);
        }
        if let Err(error) = self.check_jitter() {
            return Err(error);
        }
        if self.floor.0 > self.max.0 {
            return Err(ConfigError::FloorAboveMax);
        }
        // A table may begin with 0. Its cap for fresh dials is then the same as the other, or a valid wait.
        if self.max_fresh.0 != self.max.0 {
            if let Err(error) = check_wait(self.max_fresh) {
                return Err(error);
            }
            if self.initial.0 > self.max_fresh.0 {
                return Err(ConfigError::InitialAboveMax);
            }
        }
        Ok(())
    }

    const fn check_curve(&self) -> Result<(), ConfigError> {
        if let Curve::Table(delays, after) = self.curve {
            return check_table(delays, after);
        }
        if let Curve::Exponential(factor) = self.curve {
            if factor.is_below_one() {
                return Err(ConfigError::FactorBelowOne);
            }
        }
        if let Curve::Windows(scale) = self.curve {
            if Micros::from_duration(scale).0 < Micros::MILLISECOND.0 {
                return Err(ConfigError::WindowsScale);
            }
        }
        match check_wait(self.initial) {
            Ok(()) if self.initial.0 > self.max.0 => Err(ConfigError::InitialAboveMax),
            result => result,
        }
    }

    const fn check_jitter(&self) -> Result<(), ConfigError> {
        let above_initial = self.max.saturating_sub(self.initial).0;
        if matches!(self.curve, Curve::Windows(_)) && !matches!(self.jitter, Jitter::None) {
            return Err(ConfigError::JitterOnWindows);
        }
        match self.jitter {
            Jitter::PlusMinus(share) | Jitter::Minus(share) if share.is_above_one() => {
                Err(ConfigError::JitterAboveOne)
            }
            Jitter::PlusFixed(low, high) if low.as_nanos() > high.as_nanos() => {
                Err(ConfigError::RangeReversed)
            }
            Jitter::Plus(share) if share.of(self.initial).0 > above_initial => {
                Err(ConfigError::InitialAboveMax)
            }
            Jitter::PlusFixed(_, high) if Micros::from_duration(high).0 > above_initial => {
                Err(ConfigError::InitialAboveMax)
            }
            Jitter::Window(low, high)
                if high.is_below(low) || high.is_above_one() || high.numerator() == 0 =>
            {
                Err(ConfigError::JitterWindow)
            }
            Jitter::Decorrelated | Jitter::DecorrelatedV2 if self.initial.is_zero() => {
                Err(ConfigError::InitialZero)
            }
            Jitter::Decorrelated | Jitter::DecorrelatedV2 if matches!(self.curve, Curve::Constant) => {
                Err(ConfigError::JitterNoRoom)
            }
            _ => Ok(()),
        }
    }
}

const fn check_table(delays: &[Duration], after: AfterTable) -> Result<(), ConfigError> {
    let [.., last] = delays else { return Err(ConfigError::TableEmpty) };
    let mut rest = delays;
    while let [delay, tail @ ..] = rest {
        match check_wait(Micros::from_duration(*delay)) {
            Ok(()) | Err(ConfigError::InitialZero) => {}
            error => return error,
        }
        rest = tail;
    }
    if last.is_zero() && matches!(after, AfterTable::RepeatLast) {
        return Err(ConfigError::TableRepeatsZero);
    }
    Ok(())
}

/// The shortest wait that is not zero, so that no config is a hot loop.
const fn check_wait(wait: Micros) -> Result<(), ConfigError> {
    if wait.is_zero() {
        Err(ConfigError::InitialZero)
    } else if wait.0 < Micros::MILLISECOND.0 {
        Err(ConfigError::InitialTooShort)
    } else {
        Ok(())
    }
}
