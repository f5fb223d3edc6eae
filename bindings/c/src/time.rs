//! Milliseconds on the C side, microseconds in the core.

use core::time::Duration;

use core_policy::Instant;

/// The time that never comes: no deadline, no limit.
pub const REDIAL_NEVER: u64 = u64::MAX;

/// The time of a call.
pub(crate) const fn instant(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Whole milliseconds, rounded up, so that at the time shown the deadline has passed.
pub(crate) const fn millis_up(at: Instant) -> u64 {
    at.as_micros().div_ceil(1_000)
}

/// The same of a deadline. The end of time never comes.
pub(crate) fn deadline(at: Option<Instant>) -> u64 {
    at.filter(|at| *at != Instant::MAX).map_or(REDIAL_NEVER, millis_up)
}

/// A span of the caller's, of which zero says that there is none.
pub(crate) fn span(millis: u64) -> Option<Duration> {
    Some(millis).filter(|millis| *millis > 0).map(Duration::from_millis)
}

/// A span of the caller's, of which [`REDIAL_NEVER`] says that there is none.
pub(crate) fn limit(millis: u64) -> Option<Duration> {
    Some(millis).filter(|millis| *millis != REDIAL_NEVER).map(Duration::from_millis)
}

/// A span as whole milliseconds, rounded down.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(REDIAL_NEVER)
}

/// The same of one that may be missing.
pub(crate) fn limit_millis(span: Option<Duration>) -> u64 {
    span.map_or(REDIAL_NEVER, millis)
}

/// The timeout of a call of `poll(2)` that is to end at this deadline: -1 for `REDIAL_NEVER`, and at most `INT_MAX`.
#[unsafe(no_mangle)]
pub extern "C" fn redial_poll_timeout(deadline_ms: u64, now_ms: u64) -> core::ffi::c_int {
    if deadline_ms == REDIAL_NEVER {
        return -1;
    }
    core::ffi::c_int::try_from(deadline_ms.saturating_sub(now_ms)).unwrap_or(core::ffi::c_int::MAX)
}
