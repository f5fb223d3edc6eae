//! What a config holds, for programs that lay one over another (a preset under a file of settings).

use core::time::Duration;

use crate::backoff::BackoffConfig;
use crate::classify::Classifier;
use crate::endpoints::EndpointsConfig;
use crate::heartbeat::HeartbeatConfig;
use crate::time::Micros;

use super::config::Config;
use super::options::{CredentialConfig, OnNetworkDown, RestoreConfig, ResumeConfig};

impl Config {
    /// The ladder of waits.
    #[must_use]
    pub const fn backoff(&self) -> BackoffConfig {
        self.backoff
    }

    /// What the causes mean.
    #[must_use]
    pub const fn classifier(&self) -> Classifier {
        self.classifier
    }

    /// Whether a greeting is awaited before anything is sent.
    #[must_use]
    pub const fn greeting(&self) -> bool {
        self.greeting
    }

    /// How long, where it is not as long as a dial may take.
    #[must_use]
    pub fn greeting_timeout(&self) -> Option<Duration> {
        self.greeting_timeout.map(Micros::to_duration)
    }

    /// Expects no greeting: the default, for a config made from one that does.
    #[must_use]
    pub const fn without_greeting(mut self) -> Self {
        self.greeting = false;
        self.greeting_timeout = None;
        self
    }

    /// Whether and how sessions are resumed.
    #[must_use]
    pub const fn resume(&self) -> ResumeConfig {
        self.resume
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

    /// What the network's going does, and the spread after its coming.
    #[must_use]
    pub const fn network(&self) -> (OnNetworkDown, Duration) {
        (self.on_network_down, self.network_spread.to_duration())
    }

    /// When credentials are asked for, and what becomes of them.
    #[must_use]
    pub const fn credential(&self) -> CredentialConfig {
        self.credential
    }

    /// After how long a connection is replaced, and the spread of that.
    #[must_use]
    pub fn max_age(&self) -> (Option<Duration>, Duration) {
        (self.max_age.map(Micros::to_duration), self.max_age_spread.to_duration())
    }

    /// The limits of attempts and time of the first connect, where it has its own.
    #[must_use]
    pub fn initial_limits(&self) -> (Option<u32>, Option<Duration>) {
        (self.initial_attempts, self.initial_elapsed.map(Micros::to_duration))
    }

    /// After how long an outage is long, and its ladder.
    #[must_use]
    pub fn long_outage(&self) -> Option<(Duration, BackoffConfig)> {
        self.long_outage.map(|(after, ladder)| (after.to_duration(), ladder))
    }

    /// One ladder however long an outage lasts: the default, for a config made from one with two.
    #[must_use]
    pub const fn without_long_outage(mut self) -> Self {
        self.long_outage = None;
        self
    }

    /// How several endpoints are walked.
    #[must_use]
    pub const fn endpoints(&self) -> EndpointsConfig {
        self.endpoints
    }
}

impl ResumeConfig {
    /// Whether sessions are kept and resumed. Default true.
    #[must_use]
    pub const fn with_enabled(mut self, on: bool) -> Self {
        self.enabled = on;
        self
    }

    /// What [`Self::with_endpoint_fallback`] set.
    #[must_use]
    pub const fn endpoint_fallback(&self) -> (u8, Duration) {
        (self.fallback_failures, self.fallback_after.to_duration())
    }
}

impl RestoreConfig {
    /// Whether subscriptions are restored. Default true.
    #[must_use]
    pub const fn with_enabled(mut self, on: bool) -> Self {
        self.enabled = on;
        self
    }

    /// What [`Self::with_batches`] set.
    #[must_use]
    pub const fn batches(&self) -> (u16, Duration) {
        (self.batch, self.interval.to_duration())
    }
}
