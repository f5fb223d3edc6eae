//! What a breaker says: permits, refusals, its state, and what changed it.

use core::num::NonZeroU32;

#[cfg(doc)]
use super::CircuitBreaker;
use crate::ratio::Ratio;
use crate::time::Instant;
use crate::words::words;

/// Permission for one attempt, from [`CircuitBreaker::try_acquire`]. Keep it beside the attempt's epoch and hand it back
/// once, with the result.
///
/// It names the state of the breaker that gave it: once that has changed, the result says nothing about the new state
/// and is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Permit {
    pub(super) generation: NonZeroU32,
    /// The bit of the probe's slot; 0 when this is no probe.
    pub(super) probe: u16,
}

impl Permit {
    /// Whether this attempt is one of those that decide whether a half-open breaker closes.
    #[must_use]
    pub const fn is_probe(self) -> bool {
        self.probe != 0
    }
}

/// What a [`CircuitBreaker`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum State {
    /// Every attempt is admitted.
    Closed {
        /// Failures since the last success. By rate: in the window, when the last result was recorded.
        failures: u32,
    },
    /// No attempt is admitted before `until`.
    Open {
        /// The end of the open time.
        until: Instant,
    },
    /// A limited number of attempts is admitted.
    HalfOpen {
        /// Probes without a result.
        probes_out: u8,
        /// Probes that succeeded.
        probes_succeeded: u8,
    },
    /// No attempt is admitted until somebody says otherwise.
    ForcedOpen,
    /// Every attempt is admitted and no result is counted.
    Disabled,
    /// Every attempt is admitted and every result counted, but nothing comes of it.
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

/// A change of state that a result or the time brought about, for a log or a counter. What you do to a breaker by hand
/// is not reported back to you.
///
/// From metrics-only to metrics-only: a threshold was reached for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Transition {
    /// When it was due: of the result, or of the deadline that passed.
    pub at: Instant,
    /// The state before.
    pub from: Phase,
    /// The state since.
    pub to: Phase,
    /// What did it.
    pub why: Cause,
}

/// What made a breaker change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cause {
    /// A threshold was reached, or two at once.
    Threshold {
        /// That of the failures, in a row or by rate.
        failures: bool,
        /// That of the slow results.
        slow: bool,
    },
    /// A probe failed, and one is too many.
    ProbeFailed,
    /// A probe did not answer within its lease.
    LeaseOver,
    /// The open time is over.
    OpenTimeOver,
    /// The probes answered, well enough.
    ProbesPassed,
}

words!(Cause {
    Threshold => "threshold",
    ProbeFailed => "probe_failed",
    LeaseOver => "lease_over",
    OpenTimeOver => "open_time_over",
    ProbesPassed => "probes_passed",
});

/// What the window of a breaker by rate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Metrics {
    /// Results.
    pub calls: u32,
    /// How many of them are failures.
    pub failures: u32,
    /// How many of them are slow, failures included.
    pub slow: u32,
    /// `failures / calls`. `None` below the minimum throughput: there is no rate. For the results of probes, which
    /// number fewer, the minimum is the number of probes where that is less.
    pub failure_rate: Option<Ratio>,
    /// `slow / calls`, with the same minimum.
    pub slow_rate: Option<Ratio>,
}
