//! The config of a heartbeat.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;
use crate::words::words;

/// What counts as a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a choice of the configuration, matched by nobody but the heartbeat"
)]
pub enum Liveness {
    /// Only the acknowledgement of a heartbeat, as in Discord's documentation.
    Ack,
    /// Everything that is received.
    AnyTraffic,
}

words!(Liveness {
    Ack => "ack",
    AnyTraffic => "any_traffic",
});

/// How a connection is kept alive and how a dead one is found.
///
/// ```
/// use core::time::Duration;
/// use redial::heartbeat::{HeartbeatConfig, Liveness};
///
/// // IMAP's IDLE: something every 29 minutes, and an answer within seconds.
/// const CONFIG: HeartbeatConfig = HeartbeatConfig::new()
///     .interval(Duration::from_secs(29 * 60))
///     .liveness(Liveness::AnyTraffic)
///     .answer_within(Some(Duration::from_secs(10)))
///     .build_const();
/// assert_eq!(CONFIG.answer_within(), Some(Duration::from_secs(10)));
/// ```
#[doc(alias = "keepalive")]
#[doc(alias = "ping")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeartbeatConfig {
    pub(crate) interval: Option<Micros>,
    pub(crate) liveness: Liveness,
    pub(crate) missed: u8,
    pub(crate) first_jitter: bool,
    pub(crate) required: bool,
    pub(crate) answer_within: Option<Micros>,
}

builds!(HeartbeatConfig);

impl HeartbeatConfig {
    /// No interval, so that only a greeting sets one; acknowledgements are the sign of life; one missed heartbeat means that the
    /// connection is dead; the first heartbeat is jittered; an answer is due by the next heartbeat.
    pub const DEFAULT: Self = Self {
        interval: None,
        liveness: Liveness::Ack,
        missed: 1,
        first_jitter: true,
        required: false,
        answer_within: None,
    };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        match self.interval {
            Some(interval) if interval.is_zero() => return Err(ConfigError::HeartbeatIntervalZero),
            Some(interval) if interval.0 > Micros::DAY.0 => {
                return Err(ConfigError::HeartbeatIntervalTooLong);
            }
            _ => {}
        }
        if self.missed == 0 {
            return Err(ConfigError::HeartbeatMissedZero);
        }
        match self.answer_within {
            Some(within) if within.is_zero() => Err(ConfigError::TimeoutZero),
            _ => Ok(self),
        }
    }
}

impl Builder<HeartbeatConfig> {
    /// Sends a heartbeat every `interval`, from the greeting or the establishment of the connection on. An interval in the
    /// greeting takes precedence. Rounded up to whole milliseconds; from 10 ms (shorter ones are raised to it) to a day.
    /// Default: none, so that there are heartbeats only where a greeting asks for them.
    ///
    /// # Errors
    /// [`ConfigError::HeartbeatIntervalZero`]; [`ConfigError::HeartbeatIntervalTooLong`] above a day.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.config.interval = Some(Micros::from_duration(interval));
        self
    }

    /// Without an interval. This is the default, for a config that is made from one with an interval.
    pub const fn without_interval(mut self) -> Self {
        self.config.interval = None;
        self
    }

    /// What counts as a sign of life. Default: [`Liveness::Ack`].
    pub const fn liveness(mut self, liveness: Liveness) -> Self {
        self.config.liveness = liveness;
        self
    }

    /// How many heartbeats in a row may be unanswered when the next is due, before the connection is dead: 1 to 255. Default 1.
    ///
    /// # Errors
    /// [`ConfigError::HeartbeatMissedZero`].
    pub const fn missed(mut self, missed: u8) -> Self {
        self.config.missed = missed;
        self
    }

    /// Whether the first heartbeat comes after `interval × r`, with r drawn from [0, 1), so that clients that connect together
    /// don't send heartbeats together (Discord documentation, "Heartbeat Interval"). Default true.
    pub const fn first_jitter(mut self, on: bool) -> Self {
        self.config.first_jitter = on;
        self
    }

    /// Whether a greeting without an interval, where the config has none either, is a failed attempt. Default false: there are no
    /// heartbeats then.
    pub const fn required(mut self, on: bool) -> Self {
        self.config.required = on;
        self
    }

    /// How long the answer to a heartbeat or a probe may take, independently of the interval: IMAP IDLE asks every 29 minutes and
    /// should know within seconds. The connection is dead this long after the last of the [allowed](Self::missed) unanswered
    /// heartbeats. Default `None`: a heartbeat may be answered until the next one, and a probe within the connect timeout.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn answer_within(mut self, within: Option<Duration>) -> Self {
        self.config.answer_within = Micros::from_duration_option(within);
        self
    }
}

impl HeartbeatConfig {
    /// The interval, if there is one.
    #[must_use]
    pub const fn interval(&self) -> Option<Duration> {
        Micros::to_duration_option(self.interval)
    }

    /// What counts as a sign of life.
    #[must_use]
    pub const fn liveness(&self) -> Liveness {
        self.liveness
    }

    /// How many heartbeats in a row may be unanswered.
    #[must_use]
    pub const fn missed(&self) -> u8 {
        self.missed
    }

    /// Whether the first heartbeat is jittered.
    #[must_use]
    pub const fn first_jitter(&self) -> bool {
        self.first_jitter
    }

    /// Whether a greeting must have an interval.
    #[must_use]
    pub const fn required(&self) -> bool {
        self.required
    }

    /// How long an answer may take, if that is not until the next heartbeat.
    #[must_use]
    pub const fn answer_within(&self) -> Option<Duration> {
        Micros::to_duration_option(self.answer_within)
    }
}

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}
