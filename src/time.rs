//! Time, as a number that the caller supplies.

mod narrow;
mod widened;

use core::time::Duration;

pub use widened::Widened;

/// A point in time, in microseconds since an epoch of the caller's.
///
/// The epoch may be any moment, such as the start of the process, of the host or of the page. This crate never reads a clock.
/// A value that is smaller than the one before, from a clock that ran backwards, is allowed everywhere and never shortens a
/// wait.
///
/// The resolution is 1 µs and the range 584,000 years. All arithmetic saturates.
///
/// ```
/// use core::time::Duration;
/// use redial::Instant;
///
/// let start = Instant::from_millis(1_500);
/// let later = start.saturating_add(Duration::from_secs(2));
/// assert_eq!(later.as_micros(), 3_500_000);
/// assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Instant(u64);

impl Instant {
    /// The caller's epoch.
    pub const ZERO: Self = Self(0);
    /// The end of time. A deadline at it is never reached.
    pub const MAX: Self = Self(u64::MAX);

    /// Where a policy's clock stops, 292,000 years from the epoch. The range above it is as large again, so that no deadline
    /// saturates: such a deadline would always be due, and would lose its span when the clock ran back.
    pub(crate) const END: Self = Self(u64::MAX / 2);

    /// The instant this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant this many milliseconds after the epoch, at most [`Instant::MAX`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// This instant plus `duration` (rounded up to whole microseconds), at most [`Instant::MAX`].
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        self.after(Micros::from_duration(duration))
    }

    /// The time from `earlier` to this instant; zero if it is not later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.since(earlier).to_duration()
    }

    /// Whether this lies before `latest`, after the end of the policy's clock, or more than `leap` after `latest`.
    #[inline]
    pub(crate) const fn is_odd_after(self, latest: Self, leap: Micros) -> bool {
        self.0.wrapping_sub(latest.0) > leap.0 || self.0 > Self::END.0
    }

    /// This instant plus a span, saturating.
    pub(crate) const fn after(self, span: Micros) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This instant less a span, at least the epoch.
    pub(crate) const fn before(self, span: Micros) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span from `earlier` to here; zero if the clock ran backwards.
    pub(crate) const fn since(self, earlier: Self) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }
}

/// A span of whole microseconds in 8 bytes, where a [`Duration`] has 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Micros(pub(crate) u64);

impl Micros {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const MAX: Self = Self(u64::MAX);
    pub(crate) const MILLISECOND: Self = Self(1_000);
    pub(crate) const DAY: Self = Self(86_400_000_000);

    /// Rounded up, so that a wait is never shorter than configured, and a positive one never becomes zero.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) const fn from_duration(duration: Duration) -> Self {
        let fraction = duration.subsec_nanos().div_ceil(1_000) as u64;
        Self(duration.as_secs().saturating_mul(1_000_000).saturating_add(fraction))
    }

    /// The same for a setting that may be none.
    pub(crate) const fn from_duration_option(duration: Option<Duration>) -> Option<Self> {
        match duration {
            Some(duration) => Some(Self::from_duration(duration)),
            None => None,
        }
    }

    /// The other way.
    pub(crate) const fn to_duration_option(micros: Option<Self>) -> Option<Duration> {
        match micros {
            Some(micros) => Some(micros.to_duration()),
            None => None,
        }
    }

    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A share of it, rounded up. For zero parts it is the whole, so that the division can't panic, whatever the compiler knows
    /// of `parts`.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) const fn divided_up(self, parts: u32) -> Self {
        if parts == 0 {
            return self;
        }
        let (share, rest) = divide(self.0, parts);
        Self(share.saturating_add((rest > 0) as u64))
    }

    /// Whole milliseconds, rounded up.
    pub(crate) const fn millis_up(self) -> u64 {
        self.divided_up(1_000).0
    }

    pub(crate) const fn to_duration(self) -> Duration {
        if cfg!(target_pointer_width = "64") {
            return Duration::from_micros(self.0);
        }
        narrow::to_duration(self.0)
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn min(self, other: Self) -> Self {
        if other.0 < self.0 { other } else { self }
    }

    pub(crate) const fn max(self, other: Self) -> Self {
        if other.0 > self.0 { other } else { self }
    }

    pub(crate) const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    pub(crate) const fn saturating_mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

/// Quotient and remainder. For a divisor of 0 the quotient is the largest number.
///
/// WebAssembly has an instruction for it, other machines of 32 bits have [`narrow::divide`].
#[inline]
pub(crate) const fn divide(dividend: u64, divisor: u32) -> (u64, u32) {
    if cfg!(all(target_pointer_width = "32", not(target_family = "wasm"))) {
        return narrow::divide(dividend, divisor);
    }
    match (dividend.checked_div(divisor as u64), dividend.checked_rem(divisor as u64)) {
        (Some(quotient), Some(rest)) => (quotient, rest as u32), // below the divisor
        _ => (u64::MAX, 0),
    }
}

/// An optional instant in one word, where an `Option<Instant>` takes two. [`Instant::MAX`] is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Option<Instant>", into = "Option<Instant>")
)]
pub(crate) struct OptInstant(Instant);

#[cfg(feature = "serde")]
impl From<Option<Instant>> for OptInstant {
    fn from(instant: Option<Instant>) -> Self {
        Self::new(instant)
    }
}

#[cfg(feature = "serde")]
impl From<OptInstant> for Option<Instant> {
    fn from(moment: OptInstant) -> Self {
        moment.get()
    }
}

impl OptInstant {
    pub(crate) const NONE: Self = Self(Instant::MAX);

    /// Some instant. The end of time becomes the microsecond before it.
    pub(crate) const fn at(instant: Instant) -> Self {
        Self(if instant.0 == u64::MAX { Instant(u64::MAX.wrapping_sub(1)) } else { instant })
    }

    pub(crate) fn new(instant: Option<Instant>) -> Self {
        instant.map_or(Self::NONE, Self::at)
    }

    pub(crate) const fn get(self) -> Option<Instant> {
        if self.0.0 == u64::MAX { None } else { Some(self.0) }
    }

    pub(crate) const fn is_some(self) -> bool {
        self.0.0 != u64::MAX
    }

    /// The instant, or the end of time for none.
    pub(crate) const fn or_never(self) -> Instant {
        self.0
    }

    /// The earlier of the two. None is later than any instant.
    pub(crate) const fn min(self, other: Self) -> Self {
        if other.0.0 < self.0.0 { other } else { self }
    }

    pub(crate) fn map(self, change: impl FnOnce(Instant) -> Instant) -> Self {
        self.get().map_or(Self::NONE, |at| Self::at(change(at)))
    }
}

impl core::fmt::Debug for OptInstant {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.get().fmt(f)
    }
}

/// An instant that may lie before the caller's epoch, such as a beginning in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub(crate) struct SignedInstant(i64);

impl SignedInstant {
    pub(crate) const fn at(now: Instant) -> Self {
        Self::before(now, Micros::ZERO)
    }

    pub(crate) const fn before(now: Instant, ago: Micros) -> Self {
        Self(signed(now.as_micros()).saturating_sub(signed(ago.0)))
    }

    /// As bits, for a field that holds something else while there is none.
    pub(crate) const fn to_bits(self) -> u64 {
        self.0 as u64
    }

    /// The instant from [`Self::to_bits`].
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits as i64)
    }

    /// The instant so much later.
    pub(crate) const fn later(self, span: Micros) -> Self {
        Self(self.0.saturating_add(signed(span.0)))
    }

    /// The span from here to `at`; zero if the clock ran backwards.
    pub(crate) const fn until(self, at: Instant) -> Micros {
        let span = (at.as_micros() as i128).saturating_sub(self.0 as i128);
        Micros(if span < 0 {
            0
        } else if span > u64::MAX as i128 {
            u64::MAX
        } else {
            span as u64
        })
    }
}

/// The whole range of a policy's clock fits, since it stops at [`Instant::END`].
const fn signed(micros: u64) -> i64 {
    if micros > i64::MAX as u64 { i64::MAX } else { micros as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::MAX.saturating_add(Duration::MAX), Instant::MAX);
        assert_eq!(Instant::from_millis(u64::MAX), Instant::MAX);
        assert_eq!(Instant::ZERO.saturating_duration_since(Instant::MAX), Duration::ZERO);
        assert_eq!(Micros::from_duration(Duration::MAX), Micros::MAX);
    }

    /// Whatever the two clocks say: from before the beginning of one to the end of the other.
    #[test]
    fn a_span_from_before_the_beginning_saturates() {
        let early = SignedInstant::before(Instant::ZERO, Micros(1_000));
        assert_eq!(early.until(Instant::ZERO), Micros(1_000));
        assert_eq!(early.until(Instant(u64::MAX - 1_001)), Micros(u64::MAX - 1));
        assert_eq!(early.until(Instant(u64::MAX - 1_000)), Micros::MAX);
        assert_eq!(early.until(Instant(u64::MAX - 999)), Micros::MAX);
        assert_eq!(early.until(Instant::MAX), Micros::MAX);
        assert_eq!(SignedInstant::at(Instant(5)).until(Instant(4)), Micros::ZERO);
        assert_eq!(SignedInstant::at(Instant(5)).until(Instant(5)), Micros::ZERO);
    }

    #[test]
    fn an_optional_instant_is_shown_and_written_as_one() {
        for at in [None, Some(Instant(7))] {
            let moment = OptInstant::new(at);
            extern crate std;
            assert_eq!(std::format!("{moment:?}"), std::format!("{at:?}"));
            #[cfg(feature = "record")]
            assert_eq!(serde_json::to_value(moment).unwrap(), serde_json::to_value(at).unwrap());
        }
    }

    #[test]
    fn a_share_of_a_span_is_rounded_up_and_never_panics() {
        for span in [0, 1, 2, 29_999_999, 30_000_000, 30_000_001, u64::MAX - 1, u64::MAX] {
            for parts in [1, 2, 3, 7, u32::MAX] {
                assert_eq!(
                    Micros(span).divided_up(parts),
                    Micros(span.div_ceil(parts.into())),
                    "{span} {parts}"
                );
            }
            assert_eq!(Micros(span).divided_up(0), Micros(span));
        }
    }

    #[test]
    fn a_span_is_rounded_up_so_that_no_wait_gets_shorter() {
        assert_eq!(Micros::from_duration(Duration::from_nanos(1)), Micros(1));
        assert_eq!(Micros::from_duration(Duration::from_nanos(1_001)), Micros(2));
        assert_eq!(Micros::from_duration(Duration::ZERO), Micros::ZERO);
    }
}
