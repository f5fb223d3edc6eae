//! The config of restoring subscriptions.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;

/// How subscriptions are restored on a connection.
///
/// ```
/// use core::time::Duration;
/// use redial::policy::RestoreConfig;
///
/// // A server that takes 50 requests in 5 s, and answers each within 10.
/// const CONFIG: RestoreConfig = RestoreConfig::new()
///     .batches(50, Duration::from_secs(5))
///     .confirm_timeout(Some(Duration::from_secs(10)))
///     .build_const();
/// assert!(!CONFIG.authentication());
/// ```
#[doc(alias = "resubscribe")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestoreConfig {
    pub(crate) enabled: bool,
    pub(crate) batch: u16,
    pub(crate) interval: Micros,
    pub(crate) confirm_timeout: Option<Micros>,
    pub(crate) authenticate: bool,
}

builds!(RestoreConfig);

impl RestoreConfig {
    /// On, in batches of 50 (the strictest known limits allow three times as many) without a pause between them, with neither a
    /// confirmation timeout nor an authentication step.
    pub const DEFAULT: Self =
        Self { enabled: true, batch: 50, interval: Micros::ZERO, confirm_timeout: None, authenticate: false };

    /// Nothing is restored.
    pub const DISABLED: Self = Self { enabled: false, ..Self::DEFAULT };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.batch == 0 {
            return Err(ConfigError::BatchZero);
        }
        match self.confirm_timeout {
            Some(timeout) if timeout.is_zero() => Err(ConfigError::TimeoutZero),
            _ => Ok(self),
        }
    }
}

impl Builder<RestoreConfig> {
    /// Whether subscriptions are restored. Default true.
    pub const fn enabled(mut self, on: bool) -> Self {
        self.config.enabled = on;
        self
    }

    /// Sends `batch` subscriptions at a time, `interval` apart, whether or not the earlier ones are confirmed.
    ///
    /// # Errors
    /// [`ConfigError::BatchZero`].
    pub const fn batches(mut self, batch: u16, interval: Duration) -> Self {
        self.config.batch = batch;
        self.config.interval = Micros::from_duration(interval);
        self
    }

    /// How long the server may take to answer a subscription, counted for each key from its send. After that the subscription has
    /// failed, and is sent again after a wait of the backoff. Default `None`: no limit, for protocols that don't confirm.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn confirm_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.config.confirm_timeout = Micros::from_duration_option(timeout);
        self
    }

    /// Whether a new session is authenticated before its subscriptions are restored, by
    /// [`Action::Authenticate`](crate::Action::Authenticate). Default false.
    pub const fn authentication(mut self, on: bool) -> Self {
        self.config.authenticate = on;
        self
    }
}

impl RestoreConfig {
    /// Whether subscriptions are restored.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// How many subscriptions are sent at a time, and the pause between two batches.
    #[must_use]
    pub const fn batches(&self) -> (u16, Duration) {
        (self.batch, self.interval.to_duration())
    }

    /// How long the server may take to answer a subscription.
    #[must_use]
    pub const fn confirm_timeout(&self) -> Option<Duration> {
        Micros::to_duration_option(self.confirm_timeout)
    }

    /// Whether a new session is authenticated before its subscriptions are restored.
    #[must_use]
    pub const fn authentication(&self) -> bool {
        self.authenticate
    }
}

impl Default for RestoreConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}
