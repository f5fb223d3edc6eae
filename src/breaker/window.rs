//! What a breaker counts: the failures in a row, the last N results, or the results of a span of time.

#[cfg(feature = "serde")]
mod serial;

use core::fmt::Debug;
use core::hash::Hash;
use core::time::Duration;

use crate::breaker::config::Rates;
use crate::ratio::Ratio;
use crate::time::Instant;
use crate::words::words;

/// The result of an attempt, and how long it took. Where slow results are not counted, [`Duration::ZERO`] will do.
///
/// An attempt that says nothing about the endpoint has no outcome: return its permit with
/// [`CircuitBreaker::release`](crate::CircuitBreaker::release).
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, CountWindow, Denied, Outcome, Rates};
/// use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};
///
/// // Opens when four of five answers took more than a second, whether they failed or not.
/// const RATES: Rates = Rates::new(Ratio::ONE, 5).slow(Duration::from_secs(1), Ratio::new_const(4, 5)).build_const();
/// const CONFIG: breaker::Config<CountWindow<5>> =
///     breaker::Config::by_count(RATES, Duration::from_secs(30)).build_const();
/// let (now, mut breaker, mut rng) = (Instant::ZERO, CircuitBreaker::new(), SplitMix64::new(7));
/// for millis in [1_500, 20, 1_200, 3_000, 2_000] {
///     let permit = breaker.try_acquire(&CONFIG, now, &mut rng)?;
///     breaker.record(&CONFIG, now, permit, Outcome::Success(Duration::from_millis(millis)), &mut rng);
/// }
/// assert!(breaker.try_acquire(&CONFIG, now, &mut rng).is_err());
/// # Ok::<(), Denied>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "made by the caller; an attempt succeeds or fails")]
pub enum Outcome {
    /// It succeeded after this long.
    Success(Duration),
    /// It failed after this long.
    Failure(Duration),
}

words!(Outcome {
    Success => "success",
    Failure => "failure",
});

impl Outcome {
    pub(super) const fn is_failure(self) -> bool {
        matches!(self, Self::Failure(_))
    }
}

/// What a [`CircuitBreaker`](crate::CircuitBreaker) counts: [`Consecutive`], [`CountWindow`] or [`TimeWindow`].
#[diagnostic::on_unimplemented(
    message = "a breaker can't count in `{Self}`",
    note = "take `Consecutive` (failures in a row), `CountWindow<N>` (the last N results) or `TimeWindow<BUCKETS>` (the last while)"
)]
pub trait Window: Counting {}

/// A [`Window`] that has rates: [`CountWindow`] or [`TimeWindow`].
pub trait RateWindow: Window + Rated {}

impl Window for Consecutive {}
impl<const N: usize> Window for CountWindow<N> {}
impl<const N: usize> RateWindow for CountWindow<N> {}
impl<const BUCKETS: usize> Window for TimeWindow<BUCKETS> {}
impl<const BUCKETS: usize> RateWindow for TimeWindow<BUCKETS> {}

/// Which thresholds are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceeded {
    pub(super) failures: bool,
    pub(super) slow: bool,
}

impl Exceeded {
    pub(super) const fn any(self) -> bool {
        self.failures || self.slow
    }
}

/// The part of [`Window`] that the state machine calls. Sealed: it can't be named outside.
///
/// A window is empty when a half-open cycle starts. During the cycle only [`Counting::probe`] adds to it, and it keeps every
/// result until the cycle ends, however long that takes.
pub trait Counting: Copy + Debug + Eq + Hash {
    /// The thresholds.
    type Limits: Copy + Debug + Eq + Hash;
    /// A window without results.
    const EMPTY: Self;
    /// The largest number of probes whose results it can keep.
    const MAX_PROBES: u8 = u16::BITS as u8;

    /// Records a result of the closed breaker and returns the thresholds that are reached.
    fn record(&mut self, limits: &Self::Limits, now: Instant, outcome: Outcome) -> Exceeded;
    /// Records the result of a probe and returns whether it opens the breaker by itself.
    fn probe(&mut self, limits: &Self::Limits, now: Instant, outcome: Outcome) -> bool;
    /// The thresholds that are reached when all probes have results.
    fn verdict(&self, limits: &Self::Limits) -> Exceeded;
    /// The failures, as of the last result.
    fn failures(&self) -> u32;
}

/// The part of [`RateWindow`] that the state machine calls. Sealed.
pub trait Rated: Counting {
    /// The thresholds, without the shape of the window.
    fn rates(limits: &Self::Limits) -> &Rates;
    /// The contents of the window at `now`.
    fn counts(&self, limits: &Self::Limits, now: Instant) -> Counts;
}

/// Failures in a row: a success resets the count.
///
/// All probes of a half-open breaker must succeed; the first that fails opens it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Consecutive {
    pub(super) failures: u32,
}

impl Counting for Consecutive {
    type Limits = u32;
    const EMPTY: Self = Self { failures: 0 };

    #[inline]
    fn record(&mut self, limit: &u32, _: Instant, outcome: Outcome) -> Exceeded {
        self.failures = if outcome.is_failure() { self.failures.saturating_add(1) } else { 0 };
        Exceeded { failures: outcome.is_failure() && self.failures >= *limit, slow: false }
    }

    fn probe(&mut self, _: &u32, _: Instant, outcome: Outcome) -> bool {
        outcome.is_failure()
    }

    fn verdict(&self, _: &u32) -> Exceeded {
        Exceeded::default()
    }

    fn failures(&self) -> u32 {
        self.failures
    }
}

/// A number of results, and how many of them were failures or slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counts {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

impl Counts {
    const ZERO: Self = Self { calls: 0, failures: 0, slow: 0 };

    const fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            failures: self.failures.saturating_add(other.failures),
            slow: self.slow.saturating_add(other.slow),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            failures: self.failures.saturating_sub(other.failures),
            slow: self.slow.saturating_sub(other.slow),
        }
    }

    /// The sums of a single result.
    fn of(rates: &Rates, outcome: Outcome) -> Self {
        let (Outcome::Success(took) | Outcome::Failure(took)) = outcome;
        Self { calls: 1, failures: outcome.is_failure().into(), slow: rates.is_slow(took).into() }
    }

    fn exceeded(self, rates: &Rates) -> Exceeded {
        let reached = |part: u32, threshold: Ratio| {
            // `part / calls >= threshold`, exactly, as two products of two `u32`.
            let left = u64::from(part).saturating_mul(threshold.denominator().into());
            left >= u64::from(self.calls).saturating_mul(threshold.numerator().into())
        };
        Exceeded {
            failures: reached(self.failures, rates.failure),
            slow: rates.slow.is_some_and(|(_, threshold)| reached(self.slow, threshold)),
        }
    }

    /// The thresholds that are reached after `added` was recorded.
    ///
    /// A good result is checked only if it completes the minimum throughput, because it can't raise a rate. In a window by time
    /// the rate also rises as good results leave it; the next bad result finds that.
    fn judge(self, rates: &Rates, added: Self) -> Exceeded {
        let bad = added.failures != 0 || added.slow != 0;
        if self.calls > rates.minimum && bad || self.calls == rates.minimum {
            self.exceeded(rates)
        } else {
            Exceeded::default()
        }
    }
}

/// The last `N` results, however old. Its size is `N` + 16 bytes.
///
/// With fewer results than the minimum throughput there is no rate, and the breaker stays closed. Above it, every failure and
/// every slow result is checked against the thresholds. Any other result opens the breaker only if it completes the minimum.
///
/// A half-open breaker waits for the results of all its probes and applies the same thresholds to them.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, CountWindow, Rates};
/// use redial::{CircuitBreaker, Instant, Ratio};
///
/// const HALF: Rates = Rates::new(Ratio::new_const(1, 2), 10).build_const();
/// const CONFIG: breaker::Config<CountWindow<20>> =
///     breaker::Config::by_count(HALF, Duration::from_secs(60)).build_const();
/// let breaker = CircuitBreaker::<CountWindow<20>>::new();
/// assert_eq!(breaker.metrics(&CONFIG, Instant::ZERO).calls, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serial::UncheckedCount<N>")
)]
pub struct CountWindow<const N: usize> {
    /// A ring of results, each as the bits [`FAILED`] and [`SLOW`].
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::array::serialize"))]
    ring: [u8; N],
    next: u32,
    sum: Counts,
}

const FAILED: u8 = 1;
const SLOW: u8 = 2;

impl<const N: usize> CountWindow<N> {
    pub(super) const SIZE: u32 = if N > u32::MAX as usize { u32::MAX } else { N as u32 };

    fn push(&mut self, added: Counts) {
        let Some(slot) = self.ring.get_mut(self.next as usize) else { return };
        let failed = if added.failures != 0 { FAILED } else { 0 };
        let slow = if added.slow != 0 { SLOW } else { 0 };
        let oldest = core::mem::replace(slot, failed | slow);
        if self.sum.calls >= Self::SIZE {
            self.sum = self.sum.minus(Counts {
                calls: 1,
                failures: (oldest & FAILED != 0).into(),
                slow: (oldest & SLOW != 0).into(),
            });
        }
        self.sum = self.sum.plus(added);
        let next = self.next.saturating_add(1);
        self.next = if next >= Self::SIZE { 0 } else { next };
    }
}

impl<const N: usize> Counting for CountWindow<N> {
    type Limits = Rates;
    const EMPTY: Self = Self { ring: [0; N], next: 0, sum: Counts::ZERO };
    const MAX_PROBES: u8 = if N < u16::BITS as usize { N as u8 } else { u16::BITS as u8 };

    fn record(&mut self, rates: &Rates, _: Instant, outcome: Outcome) -> Exceeded {
        let added = Counts::of(rates, outcome);
        self.push(added);
        self.sum.judge(rates, added)
    }

    fn probe(&mut self, rates: &Rates, _: Instant, outcome: Outcome) -> bool {
        self.push(Counts::of(rates, outcome));
        false
    }

    fn verdict(&self, rates: &Rates) -> Exceeded {
        self.sum.exceeded(rates)
    }

    fn failures(&self) -> u32 {
        self.sum.failures
    }
}

impl<const N: usize> Rated for CountWindow<N> {
    fn rates(limits: &Rates) -> &Rates {
        limits
    }

    fn counts(&self, _: &Rates, _: Instant) -> Counts {
        self.sum
    }
}

/// The results of a span of time, in `BUCKETS` parts that expire one by one. Its size is 12 bytes a bucket, plus 24.
///
/// The window ends with the bucket of `now`, so that it spans between `BUCKETS - 1` and `BUCKETS` bucket widths. Thresholds
/// apply as in a [`CountWindow`]; a half-open breaker keeps the results of its probes however long they take.
///
/// When the clock runs backwards by up to one window, results go to the newest bucket until the clock has caught up. When it
/// runs back further, the whole window moves along. No result is kept for longer than two windows either way.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, Rates, TimeWindow};
/// use redial::{CircuitBreaker, Instant, Ratio};
///
/// // Of the last minute, in six buckets of ten seconds.
/// const TENTH: Rates = Rates::new(Ratio::new_const(1, 10), 100).build_const();
/// const CONFIG: breaker::Config<TimeWindow<6>> =
///     breaker::Config::by_time(TENTH, Duration::from_secs(60), Duration::from_secs(5)).build_const();
/// let breaker = CircuitBreaker::<TimeWindow<6>>::new();
/// assert_eq!(breaker.metrics(&CONFIG, Instant::ZERO).failure_rate, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serial::UncheckedTime<BUCKETS>")
)]
pub struct TimeWindow<const BUCKETS: usize> {
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::array::serialize"))]
    buckets: [Counts; BUCKETS],
    /// The index of the newest bucket.
    head: u32,
    /// The number of the newest bucket: its time divided by the width.
    newest: u64,
    sum: Counts,
}

/// The thresholds and the width of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timed {
    pub(super) rates: Rates,
    /// In microseconds, at least 1.
    pub(super) width: u64,
}

impl Timed {
    fn number(&self, now: Instant) -> u64 {
        now.as_micros().checked_div(self.width).unwrap_or(0)
    }
}

impl<const BUCKETS: usize> TimeWindow<BUCKETS> {
    /// Starts the bucket with this number and drops those that have expired.
    fn slide_to(&mut self, number: u64) {
        let steps = number.saturating_sub(self.newest);
        if steps == 0 {
            if self.newest.saturating_sub(number) >= BUCKETS as u64 {
                self.newest = number;
            }
            return;
        }
        self.newest = number;
        for _ in 0..steps.min(BUCKETS as u64) {
            let next = self.head.saturating_add(1);
            self.head = if next as usize >= BUCKETS { 0 } else { next };
            if let Some(bucket) = self.buckets.get_mut(self.head as usize) {
                *bucket = Counts::ZERO;
            }
        }
        self.sum = self.buckets.iter().fold(Counts::ZERO, |sum, bucket| sum.plus(*bucket));
    }

    fn add(&mut self, added: Counts) {
        if let Some(bucket) = self.buckets.get_mut(self.head as usize) {
            *bucket = bucket.plus(added);
            self.sum = self.sum.plus(added);
        }
    }
}

impl<const BUCKETS: usize> Counting for TimeWindow<BUCKETS> {
    type Limits = Timed;
    const EMPTY: Self = Self { buckets: [Counts::ZERO; BUCKETS], head: 0, newest: 0, sum: Counts::ZERO };

    fn record(&mut self, limits: &Timed, now: Instant, outcome: Outcome) -> Exceeded {
        let added = Counts::of(&limits.rates, outcome);
        self.slide_to(limits.number(now));
        self.add(added);
        self.sum.judge(&limits.rates, added)
    }

    /// All probes share one bucket, which is as new as the last of them, so that none of their results expires before the
    /// cycle ends.
    fn probe(&mut self, limits: &Timed, now: Instant, outcome: Outcome) -> bool {
        self.newest = limits.number(now);
        self.add(Counts::of(&limits.rates, outcome));
        false
    }

    fn verdict(&self, limits: &Timed) -> Exceeded {
        self.sum.exceeded(&limits.rates)
    }

    fn failures(&self) -> u32 {
        self.sum.failures
    }
}

impl<const BUCKETS: usize> Rated for TimeWindow<BUCKETS> {
    fn rates(limits: &Timed) -> &Rates {
        &limits.rates
    }

    fn counts(&self, limits: &Timed, now: Instant) -> Counts {
        let mut slid = *self;
        slid.slide_to(limits.number(now));
        slid.sum
    }
}
