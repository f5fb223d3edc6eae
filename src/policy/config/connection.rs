//! How a connection starts, is kept, and ends.

use core::time::Duration;

use super::super::options::{CredentialConfig, Establish, RestoreConfig, ResumeConfig};
use super::Config;
use crate::builder::Builder;
use crate::heartbeat::HeartbeatConfig;
use crate::time::Micros;

impl Builder<Config> {
    /// How long a dial may take until the transport is open. Default 10 s (twilight, python websockets).
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero).
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = Micros::from_duration(timeout);
        self
    }

    /// Whether a dial may take as long as the wait that would follow it, before jitter, where that is longer than the
    /// [connect timeout](Self::connect_timeout): gRPC's `max(20 s, backoff)`. Default false.
    pub const fn connect_timeout_growing(mut self, on: bool) -> Self {
        self.config.connect_timeout_grows = on;
        self
    }

    /// Wait for a greeting before anything is sent, at most this long. `None`: as long as a dial may take.
    /// Default: no greeting is expected.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero).
    pub const fn greeting(mut self, timeout: Option<Duration>) -> Self {
        self.config.greeting = true;
        self.config.greeting_timeout = Micros::from_duration_option(timeout);
        self
    }

    /// Expects no greeting: the default, for a config made from one that does.
    pub const fn without_greeting(mut self) -> Self {
        self.config.greeting = false;
        self.config.greeting_timeout = None;
        self
    }

    /// How long the server may take to establish or resume the session. `None`, the default: as long as the
    /// heartbeat finds the connection alive (in an outage of the service, stay), and without a heartbeat as long
    /// as a dial may take.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero).
    pub const fn ready_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.config.ready_timeout = Micros::from_duration_option(timeout);
        self
    }

    /// When an attempt has succeeded. Default [`Establish::OnReady`].
    pub const fn establish(mut self, establish: Establish) -> Self {
        self.config.establish = establish;
        self
    }

    /// Whether and how sessions are resumed. Default: [`ResumeConfig::DEFAULT`].
    pub const fn resume(mut self, resume: ResumeConfig) -> Self {
        self.config.resume = resume;
        self
    }

    /// When a server asks a stable session to reconnect, dial within this window instead of climbing the
    /// backoff. `Some(ZERO)`: at once. Default `None`: wait as after any loss. A session is stable here when it held
    /// for [`Self::reset_after_stable`] and at least for the first wait of the backoff, so that a server can't
    /// make a client spin.
    pub const fn requested_spread(mut self, spread: Option<Duration>) -> Self {
        self.config.requested_spread = Micros::from_duration_option(spread);
        self
    }

    /// How a connection is kept alive and found dead. Default: [`HeartbeatConfig::DEFAULT`].
    pub const fn heartbeat(mut self, heartbeat: HeartbeatConfig) -> Self {
        self.config.heartbeat = heartbeat;
        self
    }

    /// How subscriptions are restored. Default: [`RestoreConfig::DEFAULT`].
    pub const fn restore(mut self, restore: RestoreConfig) -> Self {
        self.config.restore = restore;
        self
    }

    /// When credentials are asked for, and what becomes of them. Default: [`CredentialConfig::DEFAULT`].
    pub const fn credential(mut self, credential: CredentialConfig) -> Self {
        self.config.credential = credential;
        self
    }

    /// After how long a connection is replaced, as by [`Event::Redial`](crate::Event::Redial), drawn up to `spread` earlier and
    /// never later: connections of one age would end together. Default: never.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero) for an age of zero; [`ConfigError::RangeReversed`](crate::ConfigError::RangeReversed) for a spread above the age.
    pub const fn max_age(mut self, age: Option<Duration>, spread: Duration) -> Self {
        self.config.max_age = Micros::from_duration_option(age);
        self.config.max_age_spread = Micros::from_duration(spread);
        self
    }

    /// The code to close with when the session is to be resumed. Default 4000 (twilight); never 1000 or 1001, which
    /// end a session. Browsers take only 3000 to 4999.
    ///
    /// # Errors
    /// [`ConfigError::CloseCode`](crate::ConfigError::CloseCode).
    pub const fn close_code(mut self, code: u16) -> Self {
        self.config.close_code = code;
        self
    }
}

impl Config {
    /// How long a dial may take until the transport is open.
    #[must_use]
    pub const fn connect_timeout(&self) -> Duration {
        self.connect_timeout.to_duration()
    }

    /// Whether a dial may take as long as the wait that would follow it.
    #[must_use]
    pub const fn connect_timeout_growing(&self) -> bool {
        self.connect_timeout_grows
    }

    /// Whether a greeting is awaited before anything is sent.
    #[must_use]
    pub const fn greeting(&self) -> bool {
        self.greeting
    }

    /// How long, where it is not as long as a dial may take.
    #[must_use]
    pub const fn greeting_timeout(&self) -> Option<Duration> {
        Micros::to_duration_option(self.greeting_timeout)
    }

    /// How long the server may take to establish or resume the session, where that has a limit of its own.
    #[must_use]
    pub const fn ready_timeout(&self) -> Option<Duration> {
        Micros::to_duration_option(self.ready_timeout)
    }

    /// When an attempt has succeeded.
    #[must_use]
    pub const fn establish(&self) -> Establish {
        self.establish
    }

    /// Whether and how sessions are resumed.
    #[must_use]
    pub const fn resume(&self) -> ResumeConfig {
        self.resume
    }

    /// The window for a dial that the server asked for.
    #[must_use]
    pub const fn requested_spread(&self) -> Option<Duration> {
        Micros::to_duration_option(self.requested_spread)
    }

    /// How a connection is kept alive and found dead.
    #[must_use]
    pub const fn heartbeat(&self) -> HeartbeatConfig {
        self.heartbeat
    }

    /// How subscriptions are restored.
    #[must_use]
    pub const fn restore(&self) -> RestoreConfig {
        self.restore
    }

    /// When credentials are asked for, and what becomes of them.
    #[must_use]
    pub const fn credential(&self) -> CredentialConfig {
        self.credential
    }

    /// After how long a connection is replaced, and the spread of that.
    #[must_use]
    pub const fn max_age(&self) -> (Option<Duration>, Duration) {
        (Micros::to_duration_option(self.max_age), self.max_age_spread.to_duration())
    }

    /// The code to close with when the session is to be resumed.
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        self.close_code
    }
}
