//! What a breaker returns: permits, refusals, its state and its transitions.

use core::num::NonZeroU32;

#[cfg(doc)]
use super::CircuitBreaker;
use crate::ratio::Ratio;
use crate::time::Instant;
use crate::words::words;

/// The permission for one attempt, from [`CircuitBreaker::try_acquire`]. Return it once, with the attempt's result.
///
/// A permit belongs to the state in which the breaker gave it. Once the state has changed, the result is not counted.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, Denied};
/// use redial::{CircuitBreaker, Instant, SplitMix64};
///
/// const CONFIG: breaker::Config = breaker::Config::new(1, Duration::from_secs(60)).build_const();
/// let (mut breaker, mut rng) = (CircuitBreaker::new(), SplitMix64::new(7));
/// let first = breaker.try_acquire(&CONFIG, Instant::ZERO, &mut rng)?;
/// assert!(!first.is_probe());
/// breaker.failure(&CONFIG, Instant::ZERO, first, &mut rng);
///
/// // After the open time one attempt is let through, and its result decides.
/// let probe = breaker.try_acquire(&CONFIG, Instant::from_millis(60_000), &mut rng)?;
/// assert!(probe.is_probe());
/// breaker.release(probe); // it was not made: another may have it
/// assert!(breaker.check(&CONFIG, Instant::from_millis(60_000)).is_ok());
/// # Ok::<(), Denied>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Permit {
    pub(super) generation: NonZeroU32,
    /// The bit of the probe's slot; 0 if this is not a probe.
    pub(super) probe: u16,
}

impl Permit {
    /// Whether this attempt is a probe, whose result decides whether a half-open breaker closes.
    #[must_use]
    pub const fn is_probe(self) -> bool {
        self.probe != 0
    }
}

/// The state of a [`CircuitBreaker`].
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, State};
/// use redial::{CircuitBreaker, Instant, SplitMix64};
///
/// const CONFIG: breaker::Config = breaker::Config::new(2, Duration::from_secs(60)).build_const();
/// let (mut breaker, mut rng) = (CircuitBreaker::new(), SplitMix64::new(7));
/// for failures in [1, 2] {
///     let permit = breaker.try_acquire(&CONFIG, Instant::ZERO, &mut rng)?;
///     breaker.failure(&CONFIG, Instant::ZERO, permit, &mut rng);
///     if failures == 1 {
///         assert_eq!(breaker.state(Instant::ZERO), State::Closed { failures });
///     }
/// }
/// let until = Instant::from_millis(60_000);
/// assert_eq!(breaker.state(Instant::ZERO), State::Open { until });
/// assert_eq!(breaker.state(until), State::HalfOpen { probes_out: 0, probes_succeeded: 0 });
/// # Ok::<(), breaker::Denied>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum State {
    /// Every attempt is admitted.
    Closed {
        /// The failures since the last success; by rate, those in the window when the last result was recorded.
        failures: u32,
    },
    /// No attempt is admitted before `until`.
    Open {
        /// The end of the open time.
        until: Instant,
    },
    /// A limited number of attempts, the probes, is admitted.
    #[doc(alias = "half-open")]
    HalfOpen {
        /// The number of probes without a result.
        probes_out: u8,
        /// The number of probes that succeeded.
        probes_succeeded: u8,
    },
    /// No attempt is admitted until the caller changes the state.
    ForcedOpen,
    /// Every attempt is admitted and no result is counted.
    Disabled,
    /// Every attempt is admitted and every result is counted, but the breaker does not open.
    MetricsOnly,
}

words!(State {
    Closed => "closed",
    Open => "open",
    HalfOpen => "half_open",
    ForcedOpen => "forced_open",
    Disabled => "disabled",
    MetricsOnly => "metrics_only",
});

/// The name of a [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Phase {
    /// [`State::Closed`].
    Closed,
    /// [`State::Open`].
    Open,
    /// [`State::HalfOpen`].
    HalfOpen,
    /// [`State::ForcedOpen`].
    ForcedOpen,
    /// [`State::Disabled`].
    Disabled,
    /// [`State::MetricsOnly`].
    MetricsOnly,
}

words!(Phase {
    Closed => "closed",
    Open => "open",
    HalfOpen => "half_open",
    ForcedOpen => "forced_open",
    Disabled => "disabled",
    MetricsOnly => "metrics_only",
});

/// A change of state by a result or by the time, for a log or a counter. Changes by the caller, such as
/// [`CircuitBreaker::reset`], are not reported.
///
/// A transition from metrics-only to metrics-only means that a threshold was reached for the first time.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, Phase};
/// use redial::{CircuitBreaker, Instant, SplitMix64};
///
/// const CONFIG: breaker::Config = breaker::Config::new(1, Duration::from_secs(60)).build_const();
/// let (mut breaker, mut rng) = (CircuitBreaker::new(), SplitMix64::new(7));
/// let permit = breaker.try_acquire(&CONFIG, Instant::ZERO, &mut rng)?;
/// let transition = breaker.failure(&CONFIG, Instant::ZERO, permit, &mut rng).expect("it opens");
/// assert_eq!((transition.from, transition.to), (Phase::Closed, Phase::Open));
/// # Ok::<(), breaker::Denied>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Transition {
    /// When it took effect: the time of the result, or the deadline that passed.
    pub at: Instant,
    /// The state before.
    pub from: Phase,
    /// The state after.
    pub to: Phase,
    /// What caused it.
    pub why: Cause,
}

/// The cause of a [`Transition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// One or both thresholds were reached.
    Threshold {
        /// Whether that of the failures was reached, in a row or by rate.
        failures: bool,
        /// Whether that of the slow results was reached.
        slow: bool,
    },
    /// A probe failed, where one failure is enough.
    ProbeFailed,
    /// A probe had no result within its lease.
    LeaseOver,
    /// The open time passed.
    OpenTimeOver,
    /// The probes succeeded, as many as needed.
    ProbesPassed,
}

words!(Cause {
    Threshold => "threshold",
    ProbeFailed => "probe_failed",
    LeaseOver => "lease_over",
    OpenTimeOver => "open_time_over",
    ProbesPassed => "probes_passed",
});

/// The contents of a breaker's window, by rate.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, CountWindow, Outcome, Rates};
/// use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};
///
/// const HALF: Rates = Rates::new(Ratio::new_const(1, 2), 2).build_const();
/// const CONFIG: breaker::Config<CountWindow<10>> =
///     breaker::Config::by_count(HALF, Duration::from_secs(60)).build_const();
/// let (now, mut breaker, mut rng) = (Instant::ZERO, CircuitBreaker::new(), SplitMix64::new(7));
/// for outcome in [Outcome::Success(Duration::ZERO); 3] {
///     let permit = breaker.try_acquire(&CONFIG, now, &mut rng)?;
///     breaker.record(&CONFIG, now, permit, outcome, &mut rng);
/// }
/// let metrics = breaker.metrics(&CONFIG, now);
/// assert_eq!((metrics.calls, metrics.failures, metrics.failure_rate), (3, 0, Some(Ratio::ZERO)));
/// # Ok::<(), breaker::Denied>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Metrics {
    /// The number of results.
    pub calls: u32,
    /// The number of failures among them.
    pub failures: u32,
    /// The number of slow results among them, failures included.
    pub slow: u32,
    /// `failures / calls`; `None` below the minimum throughput. For the results of probes the minimum is at most the number of
    /// probes.
    pub failure_rate: Option<Ratio>,
    /// `slow / calls`; `None` below the same minimum.
    pub slow_rate: Option<Ratio>,
}
