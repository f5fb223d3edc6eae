//! Settings of a connection: how it starts, is kept alive, and ends.

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

    /// Whether a dial may take as long as the wait after it (before jitter), if that is longer than the
    /// [connect timeout](Self::connect_timeout), as in gRPC's `max(20 s, backoff)`. Default false.
    pub const fn connect_timeout_growing(mut self, on: bool) -> Self {
        self.config.connect_timeout_grows = on;
        self
    }

    /// Expects a greeting before anything is sent, and waits for it at most this long; `None`: for the connect timeout. Default: no
    /// greeting is expected.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero).
    pub const fn greeting(mut self, timeout: Option<Duration>) -> Self {
        self.config.greeting = true;
        self.config.greeting_timeout = Micros::from_duration_option(timeout);
        self
    }

    /// Expects no greeting. This is the default, for a config that is made from one with a greeting.
    pub const fn without_greeting(mut self) -> Self {
        self.config.greeting = false;
        self.config.greeting_timeout = None;
        self
    }

    /// How long the server may take to establish or resume the session, from the moment at which it is asked to; then the
    /// connection ends with [`Cause::ReadyTimeout`](crate::Cause::ReadyTimeout). Where a connection is established when it opens
    /// ([`Establish::OnOpen`]), nothing is waited for.
    ///
    /// Default `None`: as long as a heartbeat that a greeting started finds the connection alive, so that a client waits through
    /// an outage of the service; otherwise the [connect timeout](Self::connect_timeout). Without a greeting the heartbeat starts
    /// only when the connection is established, and so does not lengthen this time; nor does one whose interval is above
    /// [`retry_after_max`](Self::retry_after_max).
    ///
    /// The same time limits the answer to [`Action::Authenticate`](crate::Action::Authenticate), with `None` the connect timeout
    /// always.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero).
    pub const fn ready_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.config.ready_timeout = Micros::from_duration_option(timeout);
        self
    }

    /// When a connection counts as established. Default [`Establish::OnReady`].
    pub const fn establish(mut self, establish: Establish) -> Self {
        self.config.establish = establish;
        self
    }

    /// Whether and how sessions are resumed. Default: [`ResumeConfig::DEFAULT`].
    pub const fn resume(mut self, resume: ResumeConfig) -> Self {
        self.config.resume = resume;
        self
    }

    /// The time within which a stable session that is asked to reconnect dials again, drawn at random, instead of the wait of the
    /// backoff. `Some(ZERO)`: at once. Default `None`: the wait after any loss. The session is stable here if it held for
    /// [`Self::reset_after_stable`] and at least for the first wait of the backoff, so that a server can't make the client spin.
    pub const fn requested_spread(mut self, spread: Option<Duration>) -> Self {
        self.config.requested_spread = Micros::from_duration_option(spread);
        self
    }

    /// How a connection is kept alive and how a dead one is found. Default: [`HeartbeatConfig::DEFAULT`].
    pub const fn heartbeat(mut self, heartbeat: HeartbeatConfig) -> Self {
        self.config.heartbeat = heartbeat;
        self
    }

    /// How subscriptions are restored. Default: [`RestoreConfig::DEFAULT`].
    pub const fn restore(mut self, restore: RestoreConfig) -> Self {
        self.config.restore = restore;
        self
    }

    /// When credentials are requested and how they are renewed. Default: [`CredentialConfig::DEFAULT`].
    pub const fn credential(mut self, credential: CredentialConfig) -> Self {
        self.config.credential = credential;
        self
    }

    /// The age at which a connection is replaced, as by [`Event::Redial`](crate::Event::Redial), and how much earlier at random, so
    /// that connections of one age don't end together. Default: never.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`](crate::ConfigError::TimeoutZero) for an age of zero; [`ConfigError::RangeReversed`](crate::ConfigError::RangeReversed) for a spread above the age.
    pub const fn max_age(mut self, age: Option<Duration>, spread: Duration) -> Self {
        self.config.max_age = Micros::from_duration_option(age);
        self.config.max_age_spread = Micros::from_duration(spread);
        self
    }

    /// The close code of a connection whose session is kept. Default 4000 (twilight). It is never 1000 or 1001, which end a session;
    /// browsers accept only 3000 to 4999.
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

    /// Whether a dial may take as long as the wait after it.
    #[must_use]
    pub const fn connect_timeout_growing(&self) -> bool {
        self.connect_timeout_grows
    }

    /// Whether a greeting is expected before anything is sent.
    #[must_use]
    pub const fn greeting(&self) -> bool {
        self.greeting
    }

    /// How long the greeting may take, if that is not the connect timeout.
    #[must_use]
    pub const fn greeting_timeout(&self) -> Option<Duration> {
        Micros::to_duration_option(self.greeting_timeout)
    }

    /// How long the server may take to establish or resume the session, if that has a limit of its own. See
    /// [`ready_timeout`](Builder::<Config>::ready_timeout).
    #[must_use]
    pub const fn ready_timeout(&self) -> Option<Duration> {
        Micros::to_duration_option(self.ready_timeout)
    }

    /// When a connection counts as established.
    #[must_use]
    pub const fn establish(&self) -> Establish {
        self.establish
    }

    /// Whether and how sessions are resumed.
    #[must_use]
    pub const fn resume(&self) -> ResumeConfig {
        self.resume
    }

    /// The time within which a stable session that is asked to reconnect dials again.
    #[must_use]
    pub const fn requested_spread(&self) -> Option<Duration> {
        Micros::to_duration_option(self.requested_spread)
    }

    /// How a connection is kept alive and how a dead one is found.
    #[must_use]
    pub const fn heartbeat(&self) -> HeartbeatConfig {
        self.heartbeat
    }

    /// How subscriptions are restored.
    #[must_use]
    pub const fn restore(&self) -> RestoreConfig {
        self.restore
    }

    /// When credentials are requested and how they are renewed.
    #[must_use]
    pub const fn credential(&self) -> CredentialConfig {
        self.credential
    }

    /// The age at which a connection is replaced, and how much earlier at random.
    #[must_use]
    pub const fn max_age(&self) -> (Option<Duration>, Duration) {
        (Micros::to_duration_option(self.max_age), self.max_age_spread.to_duration())
    }

    /// The close code of a connection whose session is kept.
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        self.close_code
    }
}
