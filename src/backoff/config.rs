//! What a ladder looks like: its curve, its caps, its jitter.

use core::time::Duration;

use rand_core::Rng;

use super::{Backoff, Delays, Jitter};
use crate::error::ConfigError;
use crate::mode::Mode;
use crate::ratio::Ratio;
use crate::time::Micros;
use crate::words::words;

/// The waits between attempts: a curve between a first wait and a cap, and the jitter on it.
///
/// Valid by construction, and every constructor works in `const`. Durations are taken to whole microseconds, rounded
/// up. A wait is never above the cap: jitter is drawn inside it and still spreads there.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, ConfigError, Jitter, Mode, Ratio, valid};
///
/// const LADDER: BackoffConfig = valid(
///     valid(BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)))
///         .with_jitter(Jitter::Full),
/// );
/// assert_eq!(LADDER.ceiling(1, Mode::Resume), Some(Duration::from_secs(1)));
/// assert_eq!(LADDER.ceiling(6, Mode::Resume), Some(Duration::from_secs(30)));
/// assert_eq!(BackoffConfig::constant(Duration::ZERO), Err(ConfigError::InitialZero));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackoffConfig {
    pub(super) curve: Curve,
    pub(super) jitter: Jitter,
    pub(super) initial: Micros,
    pub(super) max: Micros,
    pub(super) max_fresh: Micros,
    pub(super) floor: Micros,
    pub(super) first: Option<Micros>,
    pub(super) first_exact: bool,
    /// For an exponential ladder with a whole factor and full jitter, which is to be fast: from which wait on the next step
    /// is the top. Zero: it is another.
    pub(super) turn: Micros,
    /// Its factor.
    pub(super) factor: u32,
    /// It has neither a floor nor a cap for each mode, and is to be faster still.
    pub(super) plain: bool,
    pub(super) rare: Rare,
}

/// The code of the jitters that few ladders have. A config brings what its jitter needs, so that a program without such
/// a config does not carry it: kilobytes on a microcontroller. It follows from the jitter and is no part
/// of what is compared or shown.
#[derive(Clone, Copy)]
pub(super) enum Rare {
    No,
    OnTop(fn(&BackoffConfig, Micros, Mode) -> (Micros, Micros)),
    Polly {
        /// The next wait, for this cap and draw.
        walk: fn(&mut Backoff, &BackoffConfig, Micros, u64) -> Micros,
        /// Where this many failures lead, with this draw.
        place: fn(&BackoffConfig, u32, u64) -> Micros,
    },
}

impl PartialEq for Rare {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Rare {}

impl core::hash::Hash for Rare {
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

impl core::fmt::Debug for Rare {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("..")
    }
}

/// How the nominal wait follows from the number of failures: what the constructors of [`BackoffConfig`] chose between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// [`BackoffConfig::constant`], or an exponential one with a factor of 1.
    Constant,
    /// [`BackoffConfig::exponential`], with its factor.
    Exponential(Ratio),
    /// [`BackoffConfig::linear`].
    Linear,
    /// [`BackoffConfig::fibonacci`].
    Fibonacci,
    /// [`BackoffConfig::table`], with its entries.
    Table(&'static [Duration], AfterTable),
    /// [`BackoffConfig::quadratic`], with its step.
    Quadratic(Duration),
    /// [`BackoffConfig::elapsed`], with its share.
    Elapsed(Ratio),
}

words!(Curve {
    Constant => "constant",
    Exponential => "exponential",
    Linear => "linear",
    Fibonacci => "fibonacci",
    Table => "table",
    Quadratic => "quadratic",
    Elapsed => "elapsed",
});

/// What follows the last entry of a [table](BackoffConfig::table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterTable {
    /// The last entry, for ever.
    RepeatLast,
    /// No further attempt: [`Backoff::next_delay`] says `None` (SignalR's `[0, 2, 10, 30]` s, then stop).
    GiveUp,
}

words!(AfterTable {
    RepeatLast => "repeat_last",
    GiveUp => "give_up",
});

impl BackoffConfig {
    /// The n-th wait is `initial × factor^(n - 1)`, at most `max`: the first is `initial`.
    ///
    /// Each wait follows from the one before it, rounded down to 1 µs but growing by at least that. This is followed
    /// for 1024 failures, after which the nominal wait is the cap. A factor of 1 is [`constant`](Self::constant).
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`],
    /// [`ConfigError::FactorBelowOne`].
    pub const fn exponential(initial: Duration, factor: Ratio, max: Duration) -> Result<Self, ConfigError> {
        if factor.is_below_one() {
            return Err(ConfigError::FactorBelowOne);
        }
        let curve = if factor.is_above_one() { Curve::Exponential(factor) } else { Curve::Constant };
        Self::growing(curve, initial, max)
    }

    /// Every wait is `delay`.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`].
    pub const fn constant(delay: Duration) -> Result<Self, ConfigError> {
        Self::growing(Curve::Constant, delay, delay)
    }

    /// The n-th wait is `initial × n`, at most `max`.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn linear(initial: Duration, max: Duration) -> Result<Self, ConfigError> {
        Self::growing(Curve::Linear, initial, max)
    }

    /// The waits are 1, 1, 2, 3, 5, 8 … times `initial`, at most `max`.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn fibonacci(initial: Duration, max: Duration) -> Result<Self, ConfigError> {
        Self::growing(Curve::Fibonacci, initial, max)
    }

    /// The n-th wait is `initial + step × (n - 1)²`, at most `max`. go-libp2p dials with 5 s and 1 s.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn quadratic(initial: Duration, step: Duration, max: Duration) -> Result<Self, ConfigError> {
        Self::growing(Curve::Quadratic(step), initial, max)
    }

    /// The waits are those of `delays`, then what `after` says. The cap is the longest of them.
    ///
    /// An entry of 0 is a retry at once.
    ///
    /// # Errors
    /// [`ConfigError::TableEmpty`]; [`ConfigError::InitialTooShort`] for an entry above 0 and below 1 ms;
    /// [`ConfigError::TableRepeatsZero`] when a last entry of 0 would be repeated.
    pub const fn table(delays: &'static [Duration], after: AfterTable) -> Result<Self, ConfigError> {
        let [first, ..] = delays else { return Err(ConfigError::TableEmpty) };
        let mut max = Micros::ZERO;
        let mut last = max;
        let mut rest = delays;
        while let [delay, tail @ ..] = rest {
            last = match checked(*delay) {
                Ok(delay) => delay,
                Err(ConfigError::InitialZero) => Micros::ZERO,
                Err(error) => return Err(error),
            };
            max = max.max(last);
            rest = tail;
        }
        if last.is_zero() && matches!(after, AfterTable::RepeatLast) {
            return Err(ConfigError::TableRepeatsZero);
        }
        Ok(Self::new(Curve::Table(delays, after), Micros::from_duration(*first), max))
    }

    /// The wait is `share` of the time already lost in this outage, at least `initial` and at most `max`.
    ///
    /// A short blip is retried fast and a long outage seldom, however many attempts either took.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn elapsed(share: Ratio, initial: Duration, max: Duration) -> Result<Self, ConfigError> {
        Self::growing(Curve::Elapsed(share), initial, max)
    }

    /// With this jitter; without, there is none.
    ///
    /// # Errors
    /// [`ConfigError::JitterAboveOne`], [`ConfigError::JitterWindow`]; [`ConfigError::RangeReversed`] for a
    /// [`Jitter::PlusFixed`] whose low end is above its high end; [`ConfigError::InitialAboveMax`] where the first
    /// wait with its [`Jitter::Plus`] or [`Jitter::PlusFixed`] does not fit under the cap (as on a
    /// [`constant`](Self::constant): take [`exponential`](Self::exponential) with a factor of 1);
    /// [`ConfigError::JitterNoRoom`] for the decorrelated ones on a [`constant`](Self::constant), and
    /// [`ConfigError::InitialZero`] on a table that begins with 0, since nothing times anything never grows.
    pub const fn with_jitter(self, jitter: Jitter) -> Result<Self, ConfigError> {
        match jitter {
            Jitter::PlusMinus(share) | Jitter::Minus(share) if share.is_above_one() => {
                Err(ConfigError::JitterAboveOne)
            }
            Jitter::PlusFixed(low, high) if low.as_nanos() > high.as_nanos() => {
                Err(ConfigError::RangeReversed)
            }
            Jitter::Plus(share) if share.of(self.initial).0 > self.max.saturating_sub(self.initial).0 => {
                Err(ConfigError::InitialAboveMax)
            }
            Jitter::PlusFixed(_, high)
                if Micros::from_duration(high).0 > self.max.saturating_sub(self.initial).0 =>
            {
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
            _ => {
                let rare = match jitter {
                    Jitter::Plus(_) | Jitter::PlusFixed(..) => Rare::OnTop(Self::on_top),
                    Jitter::DecorrelatedV2 => Rare::Polly { walk: Backoff::walk, place: Backoff::place },
                    _ => Rare::No,
                };
                Ok(Self { jitter, rare, ..self }.marked())
            }
        }
    }

    /// With no wait below `floor` (or below the cap, where that is less). Default 0.
    ///
    /// # Errors
    /// [`ConfigError::FloorAboveMax`].
    pub const fn with_floor(self, floor: Duration) -> Result<Self, ConfigError> {
        let floor = Micros::from_duration(floor);
        if floor.0 > self.max.0 {
            return Err(ConfigError::FloorAboveMax);
        }
        Ok(Self { floor, ..self }.marked())
    }

    /// With `first` in place of the first wait of an outage, at most the cap; 0 is a retry at once, and what is above 0 is
    /// at least 1 ms.
    ///
    /// Jittered like any other, but not raised to the floor: it was asked for. The later waits stay as they are.
    #[must_use]
    pub const fn with_first(self, first: Duration) -> Self {
        let first = Micros::from_duration(first);
        Self { first: Some(if first.is_zero() { first } else { first.max(Micros::MILLISECOND) }), ..self }
            .marked()
    }

    /// With no jitter on the first wait of an outage: one client alone comes back as soon as it may. grpc-go has this.
    ///
    /// A fleet that loses its server together then comes back together once. The wait still takes its draw, so that
    /// the later ones are the same with and without this.
    #[must_use]
    pub const fn with_exact_first(self) -> Self {
        Self { first_exact: true, ..self }.marked()
    }

    /// With another cap for the waits before a [`Mode::Fresh`] dial. Default: the same cap.
    ///
    /// The ladder itself is shared: a fresh dial after three resumes waits as long as a fourth failure should.
    ///
    /// # Errors
    /// [`ConfigError::InitialAboveMax`]; [`ConfigError::InitialZero`] for 0, [`ConfigError::InitialTooShort`] below 1 ms.
    pub const fn with_max_fresh(self, max_fresh: Duration) -> Result<Self, ConfigError> {
        let max_fresh = match checked(max_fresh) {
            Ok(max_fresh) => max_fresh,
            Err(error) => return Err(error),
        };
        if self.initial.0 > max_fresh.0 {
            return Err(ConfigError::InitialAboveMax);
        }
        Ok(Self { max_fresh, ..self }.marked())
    }

    /// The nominal wait after the `failure`-th failure in a row (from 1; 0 counts as 1), before floor and jitter.
    ///
    /// `None`: a table that gives up is spent. The same number as a [`Backoff`] reaches by counting, in at most 1025
    /// steps for any `failure`. Never falls as `failure` rises, but for a table and [`with_first`](Self::with_first).
    /// Where the wait does not follow from the count ([`elapsed`](Self::elapsed), the decorrelated jitters) it is the
    /// cap, which no wait exceeds.
    #[must_use]
    pub fn ceiling(&self, failure: u32, mode: Mode) -> Option<Duration> {
        let failure = failure.max(1);
        let mut ladder = Backoff::new();
        let mut nominal = ladder.climb(self);
        while ladder.failures() < failure.min(FOLLOWED) {
            nominal = ladder.climb(self);
        }
        if failure > FOLLOWED {
            ladder.skip_to(failure);
            nominal = ladder.climb(self);
        }
        nominal.map(|nominal| nominal.min(self.nominal_cap(mode)).to_duration())
    }

    /// These waits as an iterator, for a retry loop of your own.
    pub const fn delays<R: Rng>(self, rng: R) -> Delays<R> {
        Delays::new(self, rng)
    }

    /// How the waits grow.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// How they are spread.
    #[must_use]
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// The first nominal wait of the curve.
    #[must_use]
    pub const fn initial_delay(&self) -> Duration {
        self.initial.to_duration()
    }

    /// The longest wait before a dial of this kind.
    #[must_use]
    pub const fn max_delay(&self, mode: Mode) -> Duration {
        self.cap(mode).to_duration()
    }

    /// The shortest wait.
    #[must_use]
    pub const fn floor(&self) -> Duration {
        self.floor.to_duration()
    }

    /// What [`with_first`](Self::with_first) set.
    #[must_use]
    pub fn first_delay(&self) -> Option<Duration> {
        self.first.map(Micros::to_duration)
    }

    /// Whether [`with_exact_first`](Self::with_exact_first) was asked for.
    #[must_use]
    pub const fn is_first_exact(&self) -> bool {
        self.first_exact
    }

    /// The first nominal wait of the curve that is not 0: what guards against spinning.
    pub(crate) const fn initial(&self) -> Micros {
        if let (Curve::Table(mut rest, _), true) = (self.curve, self.initial.is_zero()) {
            while let [delay, tail @ ..] = rest {
                if !delay.is_zero() {
                    return Micros::from_duration(*delay);
                }
                rest = tail;
            }
        }
        self.initial
    }

    /// The longest wait before a dial of this kind.
    pub(crate) const fn cap(&self, mode: Mode) -> Micros {
        match mode {
            Mode::Fresh => self.max_fresh,
            Mode::Resume => self.max,
        }
    }

    /// The longest nominal wait before such a dial: what leaves room for a jitter that only adds.
    pub(super) const fn nominal_cap(&self, mode: Mode) -> Micros {
        let cap = self.cap(mode);
        match self.jitter {
            Jitter::Plus(share) => share.divide_one_plus(cap),
            Jitter::PlusFixed(_, high) => cap.saturating_sub(Micros::from_duration(high)),
            _ => cap,
        }
    }

    /// The window of a jitter that only adds, for the nominal wait under the cap of this mode.
    fn on_top(&self, nominal: Micros, mode: Mode) -> (Micros, Micros) {
        let nominal = nominal.min(self.nominal_cap(mode));
        let (low, high) = match self.jitter {
            Jitter::Plus(share) => (Micros::ZERO, share.of(nominal)),
            Jitter::PlusFixed(low, high) => (Micros::from_duration(low), Micros::from_duration(high)),
            _ => (Micros::ZERO, Micros::ZERO),
        };
        let under_cap = |more| nominal.saturating_add(more).min(self.cap(mode));
        (under_cap(low), under_cap(high))
    }

    /// How far the shared ladder climbs: the larger cap.
    pub(super) const fn top(&self) -> Micros {
        self.max.max(self.max_fresh)
    }

    const fn growing(curve: Curve, initial: Duration, max: Duration) -> Result<Self, ConfigError> {
        let (initial, max) = match checked(initial) {
            Ok(initial) => (initial, Micros::from_duration(max)),
            Err(error) => return Err(error),
        };
        if initial.0 > max.0 {
            return Err(ConfigError::InitialAboveMax);
        }
        Ok(Self::new(curve, initial, max))
    }

    const fn new(curve: Curve, initial: Micros, max: Micros) -> Self {
        Self {
            curve,
            jitter: Jitter::None,
            initial,
            max,
            max_fresh: max,
            floor: Micros::ZERO,
            first: None,
            first_exact: false,
            turn: Micros::ZERO,
            factor: 1,
            plain: false,
            rare: Rare::No,
        }
    }

    /// With [`Self::turn`] and what belongs to it as the other fields have it.
    const fn marked(mut self) -> Self {
        let full = matches!(self.jitter, Jitter::Full) && self.first.is_none() && !self.first_exact;
        (self.turn, self.factor) = match self.curve {
            Curve::Exponential(factor) if full && factor.denominator() == 1 => {
                (self.top().divided_up(factor.numerator()), factor.numerator())
            }
            Curve::Constant if full => (self.top(), 1),
            _ => (Micros::ZERO, 1),
        };
        self.plain = !self.turn.is_zero() && self.floor.is_zero() && self.max.0 == self.max_fresh.0;
        self
    }
}

/// What a wait must be at least, so that a config is no hot loop.
const fn checked(wait: Duration) -> Result<Micros, ConfigError> {
    let wait = Micros::from_duration(wait);
    if wait.is_zero() {
        Err(ConfigError::InitialZero)
    } else if wait.0 < Micros::MILLISECOND.0 {
        Err(ConfigError::InitialTooShort)
    } else {
        Ok(wait)
    }
}

/// How many failures an exponential curve is followed for. A factor of 1.01 has grown 26,000 times by then.
pub(super) const FOLLOWED: u32 = 1024;
