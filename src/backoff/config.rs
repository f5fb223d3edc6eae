//! The config of a backoff: its curve, its caps, its jitter.

use core::time::Duration;

use rand_core::Rng;

use super::base::Start;
use super::windows::{WINDOWS, WindowPhase, Windows};
use super::{Backoff, Delays, Jitter};
use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::mode::Mode;
use crate::ratio::Ratio;
use crate::time::Micros;
use crate::words::words;

/// The waits between attempts: a curve between a first wait and a cap, and the jitter on it.
///
/// It is valid by construction, and every constructor works in a `const`. Durations are rounded up to whole microseconds. No wait
/// is above the cap, and jitter still spreads the waits at it.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, ConfigError, Jitter, Mode, Ratio};
///
/// const BACKOFF: BackoffConfig =
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))
///         .jitter(Jitter::Full)
///         .build_const();
/// assert_eq!(BACKOFF.ceiling(1, Mode::Resume), Some(Duration::from_secs(1)));
/// assert_eq!(BACKOFF.ceiling(6, Mode::Resume), Some(Duration::from_secs(30)));
/// assert_eq!(BackoffConfig::constant(Duration::ZERO).build(), Err(ConfigError::InitialZero));
/// ```
#[doc(alias = "retry")]
#[doc(alias = "exponential backoff")]
#[doc(alias = "delay")]
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
    /// How many bits of a drawn phase all windows of an outage share.
    pub(super) phase_bits: u8,
    /// Which short way the next wait has.
    pub(super) plain: Plain,
    /// On a short way, the wait from which on the next step is the cap, the larger one.
    pub(super) turn: Micros,
    /// On a short way, the factor, if it is whole; 0: the curve's.
    pub(super) factor: u32,
    pub(super) rare: Rare,
}

/// The jitter of a config whose next wait has a short way: see `backoff/plain.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Plain {
    /// There is none.
    No,
    /// Full, with a floor or with another cap for fresh dials.
    FullBetween,
    Full,
    Equal,
    PlusMinus,
    Decorrelated,
}

impl Plain {
    /// Whether the wait follows without floor and mode.
    #[inline]
    pub(super) const fn is_shortest(self) -> bool {
        !matches!(self, Self::No | Self::FullBetween)
    }
}

/// The code of the rare jitters and curves. A config refers to the code of its own, so that a program without such a config does
/// not contain it: kilobytes on a microcontroller. It follows from jitter and curve, and is not compared or shown.
#[derive(Clone, Copy)]
pub(super) enum Rare {
    No,
    OnTop(fn(&BackoffConfig, Micros, Mode) -> (Micros, Micros)),
    Polly {
        /// The next wait, from this first wait, for this cap and draw.
        walk: fn(&mut Backoff, &BackoffConfig, Micros, Micros, u64) -> Micros,
        /// The position after this many failures from this first wait, with this draw.
        place: fn(&BackoffConfig, Micros, u32, u64) -> Micros,
    },
    Windows(&'static Windows),
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

/// How the nominal wait follows from the number of failures. Each constructor of [`BackoffConfig`] has its curve.
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
    /// [`BackoffConfig::windows`], with its scale.
    Windows(Duration),
}

words!(Curve {
    Constant => "constant",
    Exponential => "exponential",
    Linear => "linear",
    Fibonacci => "fibonacci",
    Table => "table",
    Quadratic => "quadratic",
    Elapsed => "elapsed",
    Windows => "windows",
});

/// What follows the last entry of a [table](BackoffConfig::table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterTable {
    /// The last entry repeats.
    RepeatLast,
    /// No further attempt: [`Backoff::next_delay`] returns `None` (SignalR's `[0, 2, 10, 30]` s, then stop).
    GiveUp,
}

words!(AfterTable {
    RepeatLast => "repeat_last",
    GiveUp => "give_up",
});

builds!(BackoffConfig);

impl BackoffConfig {
    /// The n-th wait is `initial × factor^(n - 1)`, at most `max`: the first is `initial`.
    ///
    /// Each wait follows from the one before it, rounded down to 1 µs but growing by at least that. This is followed
    /// for 1024 failures, after which the nominal wait is the cap. A factor of 1 is [`constant`](Self::constant).
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`],
    /// [`ConfigError::FactorBelowOne`].
    pub const fn exponential(initial: Duration, factor: Ratio, max: Duration) -> Builder<Self> {
        let is_one = !factor.is_above_one() && !factor.is_below_one();
        let curve = if is_one { Curve::Constant } else { Curve::Exponential(factor) };
        Self::begin(curve, initial, max)
    }

    /// A constant curve: every wait is `delay`.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`].
    pub const fn constant(delay: Duration) -> Builder<Self> {
        Self::begin(Curve::Constant, delay, delay)
    }

    /// The n-th wait is `initial × n`, at most `max`.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn linear(initial: Duration, max: Duration) -> Builder<Self> {
        Self::begin(Curve::Linear, initial, max)
    }

    /// The waits are 1, 1, 2, 3, 5, 8 … times `initial`, at most `max`.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn fibonacci(initial: Duration, max: Duration) -> Builder<Self> {
        Self::begin(Curve::Fibonacci, initial, max)
    }

    /// The n-th wait is `initial + step × (n - 1)²`, at most `max`. go-libp2p dials with 5 s and 1 s.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn quadratic(initial: Duration, step: Duration, max: Duration) -> Builder<Self> {
        Self::begin(Curve::Quadratic(step), initial, max)
    }

    /// The waits are the entries of `delays`, followed by `after`. The cap is the longest entry. An entry of 0 is an immediate retry.
    ///
    /// # Errors
    /// [`ConfigError::TableEmpty`]; [`ConfigError::InitialTooShort`] for an entry above 0 and below 1 ms;
    /// [`ConfigError::TableRepeatsZero`] when a last entry of 0 would be repeated.
    pub const fn table(delays: &'static [Duration], after: AfterTable) -> Builder<Self> {
        let (mut initial, mut max) = (Duration::ZERO, Duration::ZERO);
        if let [first, ..] = delays {
            initial = *first;
        }
        let mut rest = delays;
        while let [delay, tail @ ..] = rest {
            if delay.as_nanos() > max.as_nanos() {
                max = *delay;
            }
            rest = tail;
        }
        Self::begin(Curve::Table(delays, after), initial, max)
    }

    /// The wait is `share` of the time that the outage has lasted, at least `initial` and at most `max`.
    ///
    /// A short outage is retried fast and a long one rarely, however many attempts either took.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`].
    pub const fn elapsed(share: Ratio, initial: Duration, max: Duration) -> Builder<Self> {
        Self::begin(Curve::Elapsed(share), initial, max)
    }

    pub(super) const fn begin(curve: Curve, initial: Duration, max: Duration) -> Builder<Self> {
        let max = Micros::from_duration(max);
        Builder::of(Self {
            curve,
            jitter: Jitter::None,
            initial: Micros::from_duration(initial),
            max,
            max_fresh: max,
            floor: Micros::ZERO,
            first: None,
            first_exact: false,
            phase_bits: WindowPhase::BITS,
            plain: Plain::No,
            turn: Micros::ZERO,
            factor: 0,
            rare: Rare::No,
        })
    }
}

impl Builder<BackoffConfig> {
    /// The jitter. Default: [`Jitter::None`].
    ///
    /// # Errors
    /// [`ConfigError::JitterAboveOne`], [`ConfigError::JitterWindow`]; [`ConfigError::RangeReversed`] for a
    /// [`Jitter::PlusFixed`] whose low end is above its high end; [`ConfigError::InitialAboveMax`] where the first
    /// wait with its [`Jitter::Plus`] or [`Jitter::PlusFixed`] does not fit under the cap (as on a
    /// [`constant`](BackoffConfig::constant): take [`exponential`](BackoffConfig::exponential) with a factor of 1);
    /// [`ConfigError::JitterNoRoom`] for the decorrelated ones on a [`constant`](BackoffConfig::constant), and
    /// [`ConfigError::InitialZero`] on a table that begins with 0, since nothing times anything never grows.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.config.jitter = jitter;
        self
    }

    /// The shortest wait, at most the cap; before fresh dials, at most their cap. Default: 0.
    ///
    /// # Errors
    /// [`ConfigError::FloorAboveMax`].
    pub const fn floor(mut self, floor: Duration) -> Self {
        self.config.floor = Micros::from_duration(floor);
        self
    }

    /// Another first wait of an outage: 0 for an immediate retry, or from 1 ms to the cap. Default: none.
    ///
    /// It is jittered like any other wait, but not raised to the floor. The later waits are not affected.
    pub const fn first_delay(mut self, first: Duration) -> Self {
        let first = Micros::from_duration(first);
        self.config.first = Some(if first.is_zero() { first } else { first.max(Micros::MILLISECOND) });
        self
    }

    /// No jitter on the first wait of an outage, as in grpc-go, so that a single client comes back as early as possible. Many clients
    /// that lose a server together then come back together once.
    ///
    /// The wait still takes its draw, so that the later waits are the same with and without this.
    pub const fn exact_first(mut self) -> Self {
        self.config.first_exact = true;
        self
    }

    /// Another cap for the waits before a [`Mode::Fresh`] dial. Default: the same cap.
    ///
    /// The curve is shared: a fresh dial after three failed resumes has the wait of the fourth failure.
    ///
    /// # Errors
    /// [`ConfigError::InitialAboveMax`]; [`ConfigError::InitialZero`] for 0, [`ConfigError::InitialTooShort`] below 1 ms.
    pub const fn max_fresh(mut self, max_fresh: Duration) -> Self {
        self.config.max_fresh = Micros::from_duration(max_fresh);
        self
    }
}

impl BackoffConfig {
    /// The nominal wait after the `failure`-th failure in a row (from 1; 0 counts as 1), before floor and jitter.
    ///
    /// `None`: a table that gives up is exhausted. It is what a [`Backoff`] reaches by counting, in at most 1025 steps for any
    /// `failure`. It does not decrease as `failure` increases, except for a table and a [`first_delay`](Self::first_delay). Where the
    /// wait does not follow from the count ([`elapsed`](Self::elapsed), the decorrelated jitters), it is the cap; of
    /// [`windows`](Self::windows), the longest wait if no attempt takes time.
    #[must_use]
    pub fn ceiling(&self, failure: u32, mode: Mode) -> Option<Duration> {
        let failure = failure.max(1);
        let mut ladder = Backoff::new();
        let mut nominal = ladder.climb(self, Start::of(self));
        while ladder.failures() < failure.min(FOLLOWED) {
            nominal = ladder.climb(self, Start::of(self));
        }
        if failure > FOLLOWED {
            ladder.skip_to(failure);
            nominal = ladder.climb(self, Start::of(self));
        }
        let nominal = nominal
            .map(|nominal| if failure > 1 { nominal.saturating_add(self.reach(nominal)) } else { nominal });
        nominal.map(|nominal| nominal.min(self.nominal_cap(mode)).to_duration())
    }

    /// These waits as an iterator, for a retry loop.
    pub const fn delays<R: Rng>(self, rng: R) -> Delays<R> {
        Delays::new(self, rng)
    }

    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The jitter.
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

    /// The separate first wait of an outage, if there is one.
    #[must_use]
    pub const fn first_delay(&self) -> Option<Duration> {
        Micros::to_duration_option(self.first)
    }

    /// Whether the first wait of an outage has no jitter.
    #[must_use]
    pub const fn exact_first(&self) -> bool {
        self.first_exact
    }

    /// The first nominal wait of the curve that is not 0, which keeps a client from spinning.
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

    /// The longest nominal wait before such a dial, which leaves space for a jitter that only adds.
    pub(super) const fn nominal_cap(&self, mode: Mode) -> Micros {
        let cap = self.cap(mode);
        match self.jitter {
            Jitter::Plus(share) => share.divide_one_plus(cap),
            Jitter::PlusFixed(_, high) => cap.saturating_sub(Micros::from_duration(high)),
            _ => cap,
        }
    }

    /// The range of a jitter that only adds, for the nominal wait under the cap of this mode.
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

    /// The larger cap, up to which the shared curve grows.
    pub(super) const fn top(&self) -> Micros {
        self.max.max(self.max_fresh)
    }

    /// Checks the config and derives what follows from its settings.
    const fn checked(self) -> Result<Self, ConfigError> {
        match self.check() {
            Ok(()) => Ok(self.with_rare(self.rare()).with_short_way()),
            Err(error) => Err(error),
        }
    }

    /// The short way of a constant or an exponential curve without a separate first wait, and but for full jitter with one cap
    /// and without a floor.
    const fn short_way(&self) -> Plain {
        let simple = matches!(self.curve, Curve::Exponential(_) | Curve::Constant)
            && self.first.is_none()
            && !self.first_exact;
        let plain = simple && self.floor.is_zero() && self.max.0 == self.max_fresh.0;
        match self.jitter {
            Jitter::Full if plain => Plain::Full,
            Jitter::Full if simple => Plain::FullBetween,
            Jitter::Equal if plain => Plain::Equal,
            Jitter::PlusMinus(_) if plain => Plain::PlusMinus,
            Jitter::Decorrelated if plain => Plain::Decorrelated,
            _ => Plain::No,
        }
    }

    /// The code of the rare jitter or curve that this has.
    const fn rare(&self) -> Rare {
        match self.jitter {
            Jitter::Plus(_) | Jitter::PlusFixed(..) => Rare::OnTop(Self::on_top),
            Jitter::DecorrelatedV2 => Rare::Polly { walk: Backoff::walk, place: Backoff::place },
            _ if matches!(self.curve, Curve::Windows(_)) => Rare::Windows(WINDOWS),
            _ => Rare::No,
        }
    }

    pub(super) const fn with_rare(mut self, rare: Rare) -> Self {
        self.rare = rare;
        self
    }

    /// The config with what its short way needs, which follows from the other fields.
    pub(super) const fn with_short_way(mut self) -> Self {
        if !self.has_windows() {
            self.phase_bits = WindowPhase::BITS;
        }
        (self.plain, self.turn, self.factor) = (self.short_way(), Micros::ZERO, 0);
        let top = self.top();
        match self.curve {
            Curve::Exponential(factor) if factor.denominator() == 1 => {
                (self.turn, self.factor) = (top.divided_up(factor.numerator()), factor.numerator());
            }
            // The first wait whose next step reaches the cap.
            Curve::Exponential(factor) => self.turn = factor.least_reaching(top),
            Curve::Constant => (self.turn, self.factor) = (top, 1),
            _ => {}
        }
        self
    }
}

/// The number of failures up to which an exponential curve is computed. A factor of 1.01 has grown 26,000 times by then.
pub(super) const FOLLOWED: u32 = 1024;
