//! The config of a handover.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;

/// How a connection that is to end is replaced by a successor before it does.
///
/// ```
/// use core::time::Duration;
/// use redial::handover;
///
/// const HANDOVER: handover::Config = handover::Config::new().drain(Duration::from_secs(5)).build_const();
/// assert_eq!(HANDOVER.timeout(), Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    pub(super) timeout: Micros,
    pub(super) drain: Micros,
}

builds!(Config);

impl Config {
    /// The defaults: 10 s for a successor, and no drain.
    pub const DEFAULT: Self = Self { timeout: Micros::from_millis(10_000), drain: Micros::ZERO };

    /// A config with the defaults.
    pub const fn new() -> Builder<Self> {
        Builder::of(Self::DEFAULT)
    }

    /// How long a successor may take from its dial until it is ready, authentication included. After that its dial has
    /// failed. The timeouts of the stages hold beside it.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout.to_duration()
    }

    /// How long the replaced connection stays open for what is under way on it.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        self.drain.to_duration()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.timeout.is_zero() { Err(ConfigError::TimeoutZero) } else { Ok(self) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Builder<Config> {
    /// How long a successor may take from its dial until it is ready. Above zero; zero is [`ConfigError::TimeoutZero`].
    /// Default 10 s, the default of the connect timeout.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = Micros::from_duration(timeout);
        self
    }

    /// How long the replaced connection stays open for what is under way on it: responses to requests that were sent before
    /// (GOAWAY of HTTP/2), events that are on their way. [`Event::Drained`](crate::Event::Drained) ends it earlier, and so
    /// does the next dial. The policy sends nothing on it meanwhile. Default 0: it is closed as soon as the successor is
    /// promoted. There is no upper
    /// limit: with [`Duration::MAX`] only the event and the next dial end it.
    pub const fn drain(mut self, drain: Duration) -> Self {
        self.config.drain = Micros::from_duration(drain);
        self
    }
}
