//! The ladder: how long to wait after the n-th failure in a row.

mod config;

use core::iter::FusedIterator;
use core::time::Duration;

use rand_core::Rng;

use crate::mode::Mode;
use crate::ratio::uniform;
use crate::time::Micros;

use config::FOLLOWED;
pub use config::{AfterTable, BackoffConfig, Curve, Jitter};

/// Counts the failures of one outage and says how long to wait after each.
///
/// 24 bytes, constant work for each failure, no clock and no generator of its own: the same config, facts and draws
/// give the same waits. The config is an argument, so that a fleet shares one.
///
/// ```
/// use core::time::Duration;
/// use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio, SplitMix64};
///
/// let config = BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))?
///     .with_jitter(Jitter::Full)?;
/// let mut rng = SplitMix64::new(7); // seed every client differently
/// let mut backoff = Backoff::new();
/// let wait = backoff.next_delay(&config, Mode::Fresh, Duration::ZERO, &mut rng);
/// assert!(wait.is_some_and(|wait| wait < Duration::from_secs(1)));
/// assert_eq!(backoff.failures(), 1);
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Backoff {
    failures: u32,
    /// The nominal wait after the last failure, up to the larger of the caps.
    nominal: Micros,
    /// What else the next step needs: the nominal wait before (fibonacci), or the last wait drawn (decorrelated).
    trail: Micros,
}

const _: () = assert!(size_of::<Backoff>() == 24, "there may be a million of them");

impl Backoff {
    /// No failure yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { failures: 0, nominal: Micros::ZERO, trail: Micros::ZERO }
    }

    /// Failures since the last [`reset`](Self::reset), saturating at [`u32::MAX`].
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The outage is over: the next failure is the first again.
    pub const fn reset(&mut self) {
        *self = Self::new();
    }

    /// Counts one failure and returns the wait before the next dial, which will be of kind `mode`.
    ///
    /// `elapsed` is the time lost in this outage so far; only [`BackoffConfig::elapsed`] reads it. `None`: a table
    /// that [gives up](AfterTable::GiveUp) is spent, and stays so until a reset. A wait of zero is no such thing.
    #[must_use = "a failure that is counted but not waited for is a hot loop"]
    pub fn next_delay<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Duration,
        rng: &mut R,
    ) -> Option<Duration> {
        self.next_wait(config, mode, Micros::from_duration(elapsed), rng).map(Micros::to_duration)
    }

    /// [`next_delay`](Self::next_delay) in the core's own unit.
    pub(crate) fn next_wait<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        let cap = config.cap(mode);
        let climbed = self.climb(config)?;
        let asked_for = config.first.is_some() && self.failures == 1;
        let nominal = match config.curve {
            Curve::Elapsed(share) if !asked_for => share.of(elapsed).max(config.initial),
            _ => climbed,
        }
        .min(cap);
        let (low, high) = match config.jitter {
            Jitter::None => (nominal, nominal),
            Jitter::Full => (Micros::ZERO, nominal),
            Jitter::Equal => (Micros(nominal.0 / 2), nominal),
            Jitter::PlusMinus(share) => {
                let spread = share.of(nominal);
                (nominal.saturating_sub(spread), nominal.saturating_add(spread).min(cap))
            }
            Jitter::Window(low, high) => (low.of(nominal), high.of(nominal)),
            Jitter::Decorrelated if asked_for => (Micros::ZERO, nominal),
            Jitter::Decorrelated => (config.initial, self.trail.max(config.initial).saturating_mul(3)),
        };
        let low = if asked_for { low } else { low.max(config.floor.min(cap)) };
        if config.jitter == Jitter::None {
            return Some(low);
        }
        let mut wait = uniform(rng, low, high);
        if config.jitter == Jitter::Decorrelated {
            wait = fold(wait, low, cap, high);
            self.trail = wait;
        }
        Some(wait)
    }

    /// The jittered wait after the `failure`-th failure in a row of something that only counts its failures.
    pub(crate) fn wait_after<R: Rng + ?Sized>(
        config: &BackoffConfig,
        failure: u32,
        mode: Mode,
        rng: &mut R,
    ) -> Option<Micros> {
        let mut ladder = Self::new();
        for _ in 1..failure.min(FOLLOWED) {
            ladder.climb(config)?;
        }
        ladder.next_wait(config, mode, Micros::ZERO, rng)
    }

    /// Counts one failure and returns its nominal wait before the caps of the modes.
    fn climb(&mut self, config: &BackoffConfig) -> Option<Micros> {
        self.failures = self.failures.saturating_add(1);
        let first = self.failures == 1;
        let top = config.top();
        let before = self.nominal;
        self.nominal = match config.curve {
            Curve::Table(delays, after) => {
                let index = usize::try_from(self.failures.saturating_sub(1)).unwrap_or(usize::MAX);
                let entry = match after {
                    AfterTable::RepeatLast => delays.get(index).or(delays.last()),
                    AfterTable::GiveUp => delays.get(index),
                };
                Micros::from_duration(*entry?)
            }
            Curve::Constant => config.initial,
            Curve::Linear => config.initial.saturating_mul(u64::from(self.failures)),
            Curve::Exponential(_) | Curve::Fibonacci if first => config.initial,
            Curve::Exponential(_) if before == top || self.failures > FOLLOWED => top,
            Curve::Exponential(factor) => factor.of(before).max(before.saturating_add(Micros(1))),
            Curve::Fibonacci => before.saturating_add(self.trail),
            Curve::Elapsed(_) => top,
        }
        .min(top);
        if config.jitter == Jitter::Decorrelated {
            self.nominal = top; // the trail belongs to the draws
        } else if config.curve == Curve::Fibonacci {
            self.trail = before;
        }
        match config.first {
            Some(asked_for) if first => Some(asked_for),
            _ => Some(self.nominal),
        }
    }

    /// As if all but one of these failures had been counted, for the curves that need no history by then.
    const fn skip_to(&mut self, failure: u32) {
        self.failures = failure.saturating_sub(1);
    }
}

/// A draw from `[low, high)` that is at or above `cap`, spread evenly over `[low, cap)`.
///
/// The distribution is that of a draw from `[low, min(cap, high))`; a draw below the cap stays what it is.
fn fold(wait: Micros, low: Micros, cap: Micros, high: Micros) -> Micros {
    if wait.0 < cap.0 {
        return wait;
    }
    let over = u128::from(wait.saturating_sub(cap).0);
    let room = u128::from(cap.saturating_sub(low).0);
    let scaled = over.saturating_mul(room).checked_div(u128::from(high.saturating_sub(cap).0));
    low.saturating_add(Micros(scaled.map_or(0, |scaled| scaled as u64))).min(cap)
}

/// The waits of a [`BackoffConfig`], from [`BackoffConfig::delays`]: an iterator for a retry loop of your own.
///
/// The cap is that of [`Mode::Resume`]. Never ends, but for a table that gives up; then it stays ended. The time lost
/// is the sum of the waits given out.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
///
/// # fn dial() -> Result<u32, &'static str> { Ok(7) }
/// # fn sleep(_: Duration) {}
/// let config = BackoffConfig::exponential(Duration::from_millis(100), Ratio::TWO, Duration::from_secs(10))?
///     .with_jitter(Jitter::Equal)?;
/// let mut delays = config.delays(SplitMix64::new(7)).take(5);
/// let connection = loop {
///     match dial() {
///         Ok(connection) => break Some(connection),
///         Err(_) => match delays.next() {
///             Some(delay) => sleep(delay),
///             None => break None,
///         },
///     }
/// };
/// # assert_eq!(connection, Some(7));
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "iterators are lazy"]
pub struct Delays<R> {
    config: BackoffConfig,
    backoff: Backoff,
    elapsed: Micros,
    rng: R,
}

impl<R> Delays<R> {
    const fn new(config: BackoffConfig, rng: R) -> Self {
        Self { config, backoff: Backoff::new(), elapsed: Micros::ZERO, rng }
    }

    /// From the first wait on again. The generator goes on: no wait is drawn twice.
    pub const fn reset(&mut self) {
        self.backoff.reset();
        self.elapsed = Micros::ZERO;
    }
}

impl<R: Rng> Iterator for Delays<R> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.backoff.next_wait(&self.config, Mode::Resume, self.elapsed, &mut self.rng)?;
        self.elapsed = self.elapsed.saturating_add(wait);
        Some(wait.to_duration())
    }
}

impl<R: Rng> FusedIterator for Delays<R> {}
