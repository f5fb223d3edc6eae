//! When a breaker opens, for how long, and what closes it.

use core::time::Duration;

use crate::breaker::window::{Consecutive, CountWindow, TimeWindow, Timed, Window};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::Micros;

/// The thresholds of a breaker by rate, for a [`CountWindow`] or a [`TimeWindow`]. Reaching a threshold exactly is
/// enough.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::Rates;
/// use redial::{Ratio, valid};
///
/// // Half of at least 20 results failed, or four fifths took more than 3 s.
/// const HALF: Ratio = valid(Ratio::new(1, 2));
/// const RATES: Rates = valid(
///     valid(Rates::new(HALF, 20)).with_slow(Duration::from_secs(3), valid(Ratio::new(4, 5))),
/// );
/// # let _ = RATES;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rates {
    pub(super) failure: Ratio,
    pub(super) minimum: u32,
    /// What is slow, and the share of slow results that is too much. A `Duration`, to compare it with what comes in
    /// without a conversion.
    pub(super) slow: Option<(Duration, Ratio)>,
}

impl Rates {
    /// Opens when at least `failure` (above 0, at most 1) of the results in the window are failures and the window
    /// holds at least `minimum` results (at least 1), the minimum throughput. Usual choices are 1/2 of 100
    /// (resilience4j) and 1/10 of 100 (Polly). Slow results are results like any other.
    ///
    /// # Errors
    /// [`ConfigError::BreakerRate`], [`ConfigError::BreakerMinimum`].
    pub const fn new(failure: Ratio, minimum: u32) -> Result<Self, ConfigError> {
        if !Self::is_threshold(failure) {
            return Err(ConfigError::BreakerRate);
        }
        if minimum == 0 {
            return Err(ConfigError::BreakerMinimum);
        }
        Ok(Self { failure, minimum, slow: None })
    }

    /// Opens as well when at least `rate` (above 0, at most 1) of the results, good or bad, took longer than `longer_than`
    /// (above 0). resilience4j: all of them, 60 s. Default: off.
    ///
    /// # Errors
    /// [`ConfigError::BreakerRate`], [`ConfigError::BreakerSlowZero`].
    pub const fn with_slow(mut self, longer_than: Duration, rate: Ratio) -> Result<Self, ConfigError> {
        if !Self::is_threshold(rate) {
            return Err(ConfigError::BreakerRate);
        }
        if longer_than.is_zero() {
            return Err(ConfigError::BreakerSlowZero);
        }
        self.slow = Some((longer_than, rate));
        Ok(self)
    }

    const fn is_threshold(rate: Ratio) -> bool {
        rate.numerator() != 0 && !rate.is_above_one()
    }

    pub(super) fn is_slow(&self, took: Duration) -> bool {
        self.slow.is_some_and(|(longer_than, _)| took > longer_than)
    }
}

/// When a [`CircuitBreaker`](crate::CircuitBreaker) opens, for how long, and what closes it. Built in a `const`, shared
/// by any number of breakers. `W` is what the breaker counts.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, CountWindow, Rates, TimeWindow};
/// use redial::{Ratio, valid};
///
/// // Five failures open it for a minute; every failed probe doubles that, up to ten minutes.
/// const CONFIG: breaker::Config = valid(
///     valid(breaker::Config::new(5, Duration::from_secs(60))).with_growth(Ratio::TWO, Duration::from_secs(600)),
/// );
///
/// // Half of the last 100 results, or of those of the last 30 s; both from the 10th result on.
/// const RATES: Rates = valid(Rates::new(valid(Ratio::new(1, 2)), 10));
/// const BY_COUNT: breaker::Config<CountWindow<100>> =
///     valid(breaker::Config::by_count(RATES, Duration::from_secs(60)));
/// const BY_TIME: breaker::Config<TimeWindow<10>> =
///     valid(breaker::Config::by_time(RATES, Duration::from_secs(30), Duration::from_secs(60)));
/// # let _ = (CONFIG, BY_COUNT, BY_TIME);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config<W: Window = Consecutive> {
    pub(super) limits: W::Limits,
    pub(super) probes: u8,
    pub(super) open: Micros,
    max_open: Micros,
    factor: Ratio,
    jitter: Ratio,
    pub(super) lease: Micros,
}

impl Config {
    /// The most probes that a half-open breaker can keep apart.
    pub const MAX_PROBES: u8 = u16::BITS as u8;

    /// Opens after `failures` failures in a row (at least 1), for `open` (at least 1 µs). A usual choice is 5 failures
    /// and 60 s. No growth, no jitter, one probe, a lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerFailuresZero`], [`ConfigError::BreakerOpenTime`].
    pub const fn new(failures: u32, open: Duration) -> Result<Self, ConfigError> {
        if failures == 0 {
            return Err(ConfigError::BreakerFailuresZero);
        }
        Self::with_limits(failures, open)
    }
}

impl<const N: usize> Config<CountWindow<N>> {
    /// Opens by the rates among the last `N` results, for `open` (at least 1 µs). No growth, no jitter, one probe, a
    /// lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerWindow`] when `N` is 0; [`ConfigError::BreakerMinimum`] when the minimum throughput is
    /// above `N`, which could never be reached; [`ConfigError::BreakerOpenTime`].
    pub const fn by_count(rates: Rates, open: Duration) -> Result<Self, ConfigError> {
        if N == 0 {
            return Err(ConfigError::BreakerWindow);
        }
        if rates.minimum > CountWindow::<N>::SIZE {
            return Err(ConfigError::BreakerMinimum);
        }
        Self::with_limits(rates, open)
    }
}

impl<const BUCKETS: usize> Config<TimeWindow<BUCKETS>> {
    /// Opens by the rates among the results of the last `span` (at least 1 µs), for `open` (at least 1 µs). A bucket is
    /// `span / BUCKETS` wide, rounded up to whole microseconds. No growth, no jitter, one probe, a lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerWindow`] when `BUCKETS` or `span` is 0; [`ConfigError::BreakerOpenTime`].
    pub const fn by_time(rates: Rates, span: Duration, open: Duration) -> Result<Self, ConfigError> {
        let span = Micros::from_duration(span);
        if BUCKETS == 0 || span.is_zero() {
            return Err(ConfigError::BreakerWindow);
        }
        let width = span.0.div_ceil(BUCKETS as u64);
        Self::with_limits(Timed { rates, width }, open)
    }
}

impl<W: Window> Config<W> {
    const fn with_limits(limits: W::Limits, open: Duration) -> Result<Self, ConfigError> {
        let open = Micros::from_duration(open);
        if open.is_zero() {
            return Err(ConfigError::BreakerOpenTime);
        }
        Ok(Self {
            limits,
            probes: 1,
            open,
            max_open: open,
            factor: Ratio::ONE,
            jitter: Ratio::ZERO,
            lease: Micros::from_millis(60_000),
        })
    }

    /// Multiplies the open time by `factor` (at least 1) each time a probe fails, up to `max`, which is the limit
    /// before jitter. Closing starts over. Default: no growth. It stops growing after 255 failed probes at the latest.
    ///
    /// # Errors
    /// [`ConfigError::FactorBelowOne`]; [`ConfigError::BreakerOpenTime`] when `max` is below the first open time.
    pub const fn with_growth(mut self, factor: Ratio, max: Duration) -> Result<Self, ConfigError> {
        let max = Micros::from_duration(max);
        if factor.is_below_one() {
            return Err(ConfigError::FactorBelowOne);
        }
        if max.0 < self.open.0 {
            return Err(ConfigError::BreakerOpenTime);
        }
        self.factor = factor;
        self.max_open = max;
        Ok(self)
    }

    /// Draws each open time from `[open, open × (1 + share))`, so that breakers which opened together do not probe
    /// together. `share` is 0 to 1. Default: 0, which takes nothing from the generator.
    ///
    /// # Errors
    /// [`ConfigError::JitterAboveOne`].
    pub const fn with_jitter(mut self, share: Ratio) -> Result<Self, ConfigError> {
        if share.is_above_one() {
            return Err(ConfigError::JitterAboveOne);
        }
        self.jitter = share;
        Ok(self)
    }

    /// How many probes a half-open breaker admits, 1 to [`Config::MAX_PROBES`] and, with a [`CountWindow`], to its
    /// size. Default: 1.
    ///
    /// With [`Consecutive`] all of them must succeed to close it, and the first one that fails opens it again. With rates
    /// it waits for the results of all of them and applies the thresholds to these; the minimum throughput does
    /// not matter there.
    ///
    /// # Errors
    /// [`ConfigError::BreakerProbes`].
    pub const fn with_probes(mut self, probes: u8) -> Result<Self, ConfigError> {
        if probes == 0 || probes > W::MAX_PROBES {
            return Err(ConfigError::BreakerProbes);
        }
        self.probes = probes;
        Ok(self)
    }

    /// How long a probe may take before it counts as failed: a probe that never answers must not keep the breaker
    /// half-open for ever. With several probes, one lease covers all of
    /// them and runs from the last admission. Default: 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerLeaseZero`].
    pub const fn with_lease(mut self, lease: Duration) -> Result<Self, ConfigError> {
        self.lease = Micros::from_duration(lease);
        if self.lease.is_zero() {
            return Err(ConfigError::BreakerLeaseZero);
        }
        Ok(self)
    }

    /// The shortest and the longest open time after this many failed probes.
    #[inline]
    pub(super) fn open_time(&self, reopenings: u8) -> (Micros, Micros) {
        let constant = reopenings == 0 && self.jitter.numerator() == 0;
        if constant { (self.open, self.open) } else { self.grown_open_time(reopenings) }
    }

    /// No open time is longer.
    pub(crate) const fn longest_open(&self) -> Micros {
        let longest = self.open.max(self.max_open);
        longest.saturating_add(self.jitter.of(longest))
    }

    #[cold]
    fn grown_open_time(&self, reopenings: u8) -> (Micros, Micros) {
        let mut low = self.open;
        for _ in 0..reopenings {
            if low >= self.max_open {
                break;
            }
            low = self.factor.of(low).min(self.max_open);
        }
        (low, low.saturating_add(self.jitter.of(low)))
    }
}
