//! The errors of a configuration.

use core::fmt;

/// Why a configuration is refused.
///
/// [`Builder::build`](crate::builder::Builder::build) returns it, and so does every constructor that can be misused. All of them
/// are `const`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigError {
    /// The first delay is 0, from which a curve can't grow.
    InitialZero,
    /// The first delay, or an entry of a table, is above 0 and below 1 ms, which would be a hot loop.
    InitialTooShort,
    /// The first delay is longer than the cap.
    InitialAboveMax,
    /// The growth factor is below 1, so that the waits would shrink.
    FactorBelowOne,
    /// A ratio has the denominator 0, or a text is not a ratio.
    RatioNotANumber,
    /// A jitter of more than ±100 %.
    JitterAboveOne,
    /// A jitter window whose low end is above its high end, or whose high end is 0 or above 1.
    JitterWindow,
    /// A decorrelated jitter on a constant curve, which leaves nothing to draw from between the first delay and the cap.
    JitterNoRoom,
    /// A jitter on windows, where each client is spread by its phase.
    JitterOnWindows,
    /// A scale of windows below 1 ms.
    WindowsScale,
    /// A curve or jitter that has other code than the backoff that it is built like.
    BackoffKind,
    /// A table of delays without an entry.
    TableEmpty,
    /// A table that would repeat a delay of 0 without end.
    TableRepeatsZero,
    /// The floor of the delays is above their cap.
    FloorAboveMax,
    /// A breaker that opens after zero failures.
    BreakerFailuresZero,
    /// A breaker that stays open for no time, or whose longest open time is below its first.
    BreakerOpenTime,
    /// A half-open breaker that admits no probe, or more than 16 or than its window can hold.
    BreakerProbes,
    /// A probe lease of zero.
    BreakerLeaseZero,
    /// A threshold rate of 0 (everything would open the breaker) or above 1 (nothing would).
    BreakerRate,
    /// A minimum throughput of 0, or above the size of the window: it would never be reached.
    BreakerMinimum,
    /// A slow-call duration of zero.
    BreakerSlowZero,
    /// A window of zero results or of no time.
    BreakerWindow,
    /// A deadline of 0, at which every attempt would fail.
    TimeoutZero,
    /// A minimum interval between two dials of more than a day, which would silently end the connection.
    MinIntervalTooLong,
    /// A heartbeat interval of 0.
    HeartbeatIntervalZero,
    /// A heartbeat interval of more than a day, which would find no connection dead.
    HeartbeatIntervalTooLong,
    /// A heartbeat that may miss zero acknowledgements before the connection is dead.
    HeartbeatMissedZero,
    /// A range whose lower end is above its upper end.
    RangeReversed,
    /// A batch size of zero subscriptions.
    BatchZero,
    /// More than [`MAX_OVERRIDES`](crate::classify::MAX_OVERRIDES) overrides of the classification; put the rest in a table.
    TooManyOverrides,
    /// No endpoint, or more than 255.
    EndpointCount,
    /// A limit of zero resumes.
    ResumeFailuresZero,
    /// A close code of 1000 or 1001, which would end a session that is to be resumed, or one that may not be sent. Allowed are
    /// 1002-1003, 1007-1014 and 3000-4999.
    CloseCode,
    /// A budget of 0, in 0 buckets or of 0 a day, which would never grant anything.
    BudgetZero,
    /// A budget with more starts than its storage can hold.
    BudgetRoom,
    /// A retry budget whose time to live is not 1 to 60 s.
    BudgetTtl,
    /// A throttle with no token, or with more than 1000.
    ThrottleTokens,
    /// A share outside of its range.
    ShareRange,
    /// A window, day or half-life of zero length.
    WindowZero,
    /// A limit of 0 bytes or of no time: nothing would pass.
    LimitZero,
    /// A capacity of 0 clients, or of some in no time.
    CapacityZero,
}

impl ConfigError {
    /// The message: what is wrong and what is allowed, in one line and lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InitialZero => "the initial delay is 0; use at least 1 ms",
            Self::InitialTooShort => {
                "the initial delay or an entry of the table is below 1 ms, which is a hot loop; use at least 1 ms, or 0 in a table"
            }
            Self::InitialAboveMax => "the initial delay is above the maximum",
            Self::FactorBelowOne => "the factor is below 1, so the waits would shrink",
            Self::RatioNotANumber => "not a ratio; write it like \"2\", \"3/2\" or \"0.2\"",
            Self::JitterAboveOne => "a jitter of more than ±1",
            Self::JitterWindow => {
                "a jitter window must be two ratios in ascending order, the second above 0 and at most 1"
            }
            Self::JitterNoRoom => {
                "a decorrelated jitter has no room on a constant curve; use full, or another curve"
            }
            Self::JitterOnWindows => {
                "windows spread the clients by their phase, which is drawn once an outage; use the jitter \"none\""
            }
            Self::WindowsScale => "the scale of the windows is below 1 ms",
            Self::BackoffKind => {
                "the curve or jitter is of another kind than the backoff that it is built like"
            }
            Self::TableEmpty => "the table of delays is empty",
            Self::TableRepeatsZero => "the table of delays would repeat 0 for ever",
            Self::FloorAboveMax => "the floor is above the maximum",
            Self::BreakerFailuresZero => "the breaker would open after 0 failures; use at least 1",
            Self::BreakerOpenTime => "the breaker's open time is 0 or above its maximum",
            Self::BreakerProbes => {
                "the half-open breaker must admit 1 to 16 probes, no more than its window holds"
            }
            Self::BreakerLeaseZero => "the breaker's probe lease is 0",
            Self::BreakerRate => "the breaker's threshold rate must be above 0 and at most 1",
            Self::BreakerMinimum => "the breaker's minimum throughput is 0 or above the size of its window",
            Self::BreakerSlowZero => "a slow call must take some time",
            Self::BreakerWindow => "the breaker's window is empty",
            Self::TimeoutZero => "a timeout of 0 fails every attempt at once",
            Self::MinIntervalTooLong => {
                "the least interval between two dials is above a day; use at most 24 hours, or hold the policy"
            }
            Self::HeartbeatIntervalZero => "the heartbeat interval is 0",
            Self::HeartbeatIntervalTooLong => {
                "the heartbeat interval is above a day, so no connection would be found dead; use at most 24 hours, or none"
            }
            Self::HeartbeatMissedZero => "a heartbeat must be missed at least once to be dead",
            Self::RangeReversed => "the lower end of a range is above its upper end",
            Self::BatchZero => "a batch of 0 subscriptions would never restore anything",
            Self::TooManyOverrides => "too many overrides of the classification",
            Self::EndpointCount => "there must be 1 to 255 endpoints",
            Self::ResumeFailuresZero => "a resume must be allowed to fail at least once",
            Self::CloseCode => "the close code would end the session or may not be sent; use 3000 to 4999",
            Self::BudgetZero => "a budget of 0 would never grant anything",
            Self::BudgetRoom => "the storage of the budget is smaller than buckets × starts per window",
            Self::BudgetTtl => "the time to live of a retry budget must be 1 to 60 s",
            Self::ThrottleTokens => "a throttle must have 1 to 1000 tokens",
            Self::ShareRange => "the share is out of range",
            Self::WindowZero => "a window, day or half-life of 0",
            Self::LimitZero => "a limit of 0 lets nothing pass; use at least 1",
            Self::CapacityZero => "the capacity must be at least 1 client in at least 1 µs",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for ConfigError {}

/// What a constructor for constants returns: a mistake in a `const` does not compile.
#[track_caller]
#[expect(clippy::panic, reason = "a wrong constant must not compile; input cannot reach this")]
pub(crate) const fn valid<T: Copy>(result: Result<T, ConfigError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{}", error.as_str()),
    }
}
