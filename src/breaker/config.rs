//! When a breaker opens, for how long, and what closes it.

use core::time::Duration;

use crate::breaker::window::{Consecutive, CountWindow, TimeWindow, Timed, Window};
use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::Micros;

/// The thresholds of a breaker by rate, for a [`CountWindow`] or a [`TimeWindow`]. A rate that equals a threshold reaches it.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::Rates;
/// use redial::Ratio;
///
/// // Half of at least 20 results failed, or four fifths took more than 3 s.
/// const HALF: Ratio = Ratio::new_const(1, 2);
/// const RATES: Rates = Rates::new(HALF, 20).slow(Duration::from_secs(3), Ratio::new_const(4, 5)).build_const();
/// # let _ = RATES;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rates {
    pub(super) failure: Ratio,
    pub(super) minimum: u32,
    /// The duration above which a result is slow, and the threshold of slow results. A `Duration` needs no conversion for the
    /// comparison.
    pub(super) slow: Option<(Duration, Ratio)>,
}

builds!(Rates);

impl Rates {
    /// Opens when at least `failure` (above 0, at most 1) of the results in the window are failures, and the window has at least
    /// `minimum` results (at least 1), the minimum throughput. Usual choices are 1/2 of 100 (resilience4j) and 1/10 of 100 (Polly).
    /// Slow results are among the results.
    ///
    /// # Errors
    /// [`ConfigError::BreakerRate`], [`ConfigError::BreakerMinimum`].
    pub const fn new(failure: Ratio, minimum: u32) -> Builder<Self> {
        Builder::of(Self { failure, minimum, slow: None })
    }

    /// The threshold of failures, and the minimum throughput.
    #[must_use]
    pub const fn failure(&self) -> (Ratio, u32) {
        (self.failure, self.minimum)
    }

    /// The duration above which a result is slow, and the threshold of slow results.
    #[must_use]
    pub const fn slow(&self) -> Option<(Duration, Ratio)> {
        self.slow
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if !Self::is_threshold(self.failure) {
            return Err(ConfigError::BreakerRate);
        }
        if self.minimum == 0 {
            return Err(ConfigError::BreakerMinimum);
        }
        match self.slow {
            Some((_, rate)) if !Self::is_threshold(rate) => Err(ConfigError::BreakerRate),
            Some((longer_than, _)) if longer_than.is_zero() => Err(ConfigError::BreakerSlowZero),
            _ => Ok(self),
        }
    }

    const fn is_threshold(rate: Ratio) -> bool {
        rate.numerator() != 0 && !rate.is_above_one()
    }

    pub(super) fn is_slow(&self, took: Duration) -> bool {
        self.slow.is_some_and(|(longer_than, _)| took > longer_than)
    }
}

impl Builder<Rates> {
    /// Opens also when at least `rate` (above 0, at most 1) of the results, failures or not, took longer than `longer_than` (above
    /// 0). resilience4j has 1 and 60 s. Default: off.
    ///
    /// # Errors
    /// [`ConfigError::BreakerRate`], [`ConfigError::BreakerSlowZero`].
    pub const fn slow(mut self, longer_than: Duration, rate: Ratio) -> Self {
        self.config.slow = Some((longer_than, rate));
        self
    }
}

/// The config of a [`CircuitBreaker`](crate::CircuitBreaker): when it opens, for how long, and what closes it. Shared by any number
/// of breakers. `W` is what the breaker counts.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, CountWindow, Rates, TimeWindow};
/// use redial::Ratio;
///
/// // Five failures open it for a minute; every failed probe doubles that, up to ten minutes.
/// const CONFIG: breaker::Config = breaker::Config::new(5, Duration::from_secs(60))
///     .growth(Ratio::TWO, Duration::from_secs(600))
///     .build_const();
///
/// // Half of the last 100 results, or of those of the last 30 s; both from the 10th result on.
/// const RATES: Rates = Rates::new(Ratio::new_const(1, 2), 10).build_const();
/// const BY_COUNT: breaker::Config<CountWindow<100>> =
///     breaker::Config::by_count(RATES, Duration::from_secs(60)).build_const();
/// const BY_TIME: breaker::Config<TimeWindow<10>> =
///     breaker::Config::by_time(RATES, Duration::from_secs(30), Duration::from_secs(60)).build_const();
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
    /// The largest number of probes of a half-open breaker.
    pub const MAX_PROBES: u8 = u16::BITS as u8;

    /// Opens after `failures` failures in a row (at least 1), for `open` (at least 1 µs). A usual choice is 5 failures
    /// and 60 s. No growth, no jitter, one probe, a lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerFailuresZero`], [`ConfigError::BreakerOpenTime`].
    pub const fn new(failures: u32, open: Duration) -> Builder<Self> {
        let mut builder = Self::begin(failures, open);
        if failures == 0 {
            builder.refuse(ConfigError::BreakerFailuresZero);
        }
        builder
    }

    /// How many failures in a row open it.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.limits
    }
}

impl<const N: usize> Config<CountWindow<N>> {
    /// Opens by the rates among the last `N` results, for `open` (at least 1 µs). No growth, no jitter, one probe, a
    /// lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerWindow`] when `N` is 0; [`ConfigError::BreakerMinimum`] when the minimum throughput is
    /// above `N`, which could never be reached; [`ConfigError::BreakerOpenTime`].
    pub const fn by_count(rates: Rates, open: Duration) -> Builder<Self> {
        let mut builder = Self::begin(rates, open);
        if N == 0 {
            builder.refuse(ConfigError::BreakerWindow);
        }
        if rates.minimum > CountWindow::<N>::SIZE {
            builder.refuse(ConfigError::BreakerMinimum);
        }
        builder
    }
}

impl<const BUCKETS: usize> Config<TimeWindow<BUCKETS>> {
    /// Opens by the rates among the results of the last `span` (at least 1 µs), for `open` (at least 1 µs). A bucket is
    /// `span / BUCKETS` wide, rounded up to whole microseconds. No growth, no jitter, one probe, a lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerWindow`] when `BUCKETS` or `span` is 0; [`ConfigError::BreakerOpenTime`].
    pub const fn by_time(rates: Rates, span: Duration, open: Duration) -> Builder<Self> {
        let span = Micros::from_duration(span);
        if BUCKETS == 0 || span.is_zero() {
            let mut builder = Self::begin(Timed { rates, width: 1 }, open);
            builder.refuse(ConfigError::BreakerWindow);
            return builder;
        }
        let width = span.0.div_ceil(BUCKETS as u64);
        Self::begin(Timed { rates, width }, open)
    }
}

builds!(Config<W>, W: Window);

impl<W: Window> Config<W> {
    const fn begin(limits: W::Limits, open: Duration) -> Builder<Self> {
        let open = Micros::from_duration(open);
        Builder::of(Self {
            limits,
            probes: 1,
            open,
            max_open: open,
            factor: Ratio::ONE,
            jitter: Ratio::ZERO,
            lease: Micros::from_millis(60_000),
        })
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.open.is_zero() || self.max_open.0 < self.open.0 {
            return Err(ConfigError::BreakerOpenTime);
        }
        if self.factor.is_below_one() {
            return Err(ConfigError::FactorBelowOne);
        }
        if self.jitter.is_above_one() {
            return Err(ConfigError::JitterAboveOne);
        }
        if self.probes == 0 || self.probes > W::MAX_PROBES {
            return Err(ConfigError::BreakerProbes);
        }
        if self.lease.is_zero() {
            return Err(ConfigError::BreakerLeaseZero);
        }
        Ok(self)
    }

    /// The first open time.
    #[must_use]
    pub const fn open_for(&self) -> Duration {
        self.open.to_duration()
    }
}

impl<W: Window> Builder<Config<W>> {
    /// Multiplies the open time by `factor` (at least 1) each time a probe fails, up to `max` before jitter, and at most 255 times.
    /// Closing the breaker resets it. Default: no growth.
    ///
    /// # Errors
    /// [`ConfigError::FactorBelowOne`]; [`ConfigError::BreakerOpenTime`] when `max` is below the first open time.
    pub const fn growth(mut self, factor: Ratio, max: Duration) -> Self {
        self.config.factor = factor;
        self.config.max_open = Micros::from_duration(max);
        self
    }

    /// Draws each open time from `[open, open × (1 + share))`, so that breakers that opened together don't probe together. `share` is 0
    /// to 1. Default: 0, which takes no draws.
    ///
    /// # Errors
    /// [`ConfigError::JitterAboveOne`].
    pub const fn jitter(mut self, share: Ratio) -> Self {
        self.config.jitter = share;
        self
    }

    /// How many probes a half-open breaker admits: 1 to [`Config::MAX_PROBES`], and at most the size of a [`CountWindow`]. Default: 1.
    ///
    /// With [`Consecutive`] all of them must succeed to close it, and the first one that fails opens it again. With rates
    /// it waits for the results of all of them and applies the thresholds to these; the minimum throughput does
    /// not matter there.
    ///
    /// # Errors
    /// [`ConfigError::BreakerProbes`].
    pub const fn probes(mut self, probes: u8) -> Self {
        self.config.probes = probes;
        self
    }

    /// How long a probe may take before it counts as failed, so that a probe without a result does not keep the breaker half-open
    /// indefinitely. With several probes, one lease covers all of them and starts with the last one. Default: 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerLeaseZero`].
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.config.lease = Micros::from_duration(lease);
        self
    }
}

impl<W: Window> Config<W> {
    /// The factor by which the open time grows when a probe fails, and its limit.
    #[must_use]
    pub const fn growth(&self) -> (Ratio, Duration) {
        (self.factor, self.max_open.to_duration())
    }

    /// The share that is added to an open time at random.
    #[must_use]
    pub const fn jitter(&self) -> Ratio {
        self.jitter
    }

    /// How many probes a half-open breaker admits.
    #[must_use]
    pub const fn probes(&self) -> u8 {
        self.probes
    }

    /// How long a probe may take.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease.to_duration()
    }

    /// The shortest and the longest open time after this many failed probes.
    #[inline]
    pub(crate) fn open_time(&self, reopenings: u8) -> (Micros, Micros) {
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
