//! How an outage goes: the waits, what the causes mean, and the limits.

use core::time::Duration;

use super::Config;
use crate::backoff::BackoffConfig;
use crate::breaker;
use crate::builder::Builder;
use crate::classify::Classifier;
use crate::endpoints::EndpointsConfig;
use crate::ratio::Ratio;
use crate::time::Micros;

impl Builder<Config> {
    /// With this backoff.
    pub const fn backoff(mut self, backoff: BackoffConfig) -> Self {
        self.config.backoff = backoff;
        self
    }

    /// What the causes mean. Default: the `websocket` table, unknown causes transient.
    pub const fn classifier(mut self, classifier: Classifier) -> Self {
        self.config.classifier = classifier;
        self
    }

    /// How long an established connection must hold until its outage is over and the backoff resets. Default: the cap of the
    /// backoff, at least 10 s and at most 60 s. Zero, at once, lets a server that accepts and drops keep you at the first
    /// wait; where that is 0, the least is the first that is not, or 1 s.
    pub const fn reset_after_stable(mut self, held: Duration) -> Self {
        self.config.reset_after_stable = Micros::from_duration(held);
        self.config.stable_by_cap = false;
        self
    }

    /// The default of [`Self::reset_after_stable`], for a config made from one that has another.
    pub const fn stability_by_cap(mut self) -> Self {
        self.config.stable_by_cap = true;
        self
    }

    /// The least time between two dials, whatever asks for them; at most a day. Default zero.
    ///
    /// # Errors
    /// [`ConfigError::MinIntervalTooLong`](crate::ConfigError::MinIntervalTooLong).
    pub const fn min_interval(mut self, interval: Duration) -> Self {
        self.config.min_interval = Micros::from_duration(interval);
        self
    }

    /// At most so many dials in one outage; 0: the first loss is final. Default: no limit.
    pub const fn max_attempts(mut self, attempts: Option<u32>) -> Self {
        self.config.max_attempts = attempts;
        self
    }

    /// No wait may end later than this after the outage began. Default: no limit.
    pub const fn max_elapsed(mut self, elapsed: Option<Duration>) -> Self {
        self.config.max_elapsed = Micros::from_duration_option(elapsed);
        self
    }

    /// Other limits for the time until the first connection after a start is established: at most so
    /// many dials (1: the first failure is final), and none that would begin later than so long after the start.
    /// Default `None` and `None`: the same limits as for any outage.
    pub const fn initial_limits(mut self, attempts: Option<u32>, elapsed: Option<Duration>) -> Self {
        self.config.initial_attempts = attempts;
        self.config.initial_elapsed = Micros::from_duration_option(elapsed);
        self
    }

    /// Whether the wait after a failed attempt counts from the attempt's beginning, as gRPC's does, and not from its
    /// failure: an attempt that took longer than its wait is followed at once. With several endpoints it
    /// counts from the last dial of the round. Default false.
    pub const fn wait_from_dial(mut self, on: bool) -> Self {
        self.config.wait_from_dial = on;
        self
    }

    /// Another backoff for an outage that has lasted `after` (Ably's SUSPENDED). Give it a jitter: a fleet
    /// enters it together. Default: none.
    pub const fn long_outage(mut self, after: Duration, backoff: BackoffConfig) -> Self {
        self.config.long_outage = Some((Micros::from_duration(after), backoff));
        self
    }

    /// One backoff however long an outage lasts: the default, for a config made from one with two.
    pub const fn without_long_outage(mut self) -> Self {
        self.config.long_outage = None;
        self
    }

    /// The longest wait a server may ask for; a longer one is cut to this and counted. Default 300 s.
    pub const fn retry_after_max(mut self, longest: Duration) -> Self {
        self.config.retry_after_max = Micros::from_duration(longest);
        self
    }

    /// Spreads the wait that a server asked for upwards, over this share of it. Default 0: obeyed exactly. Take 1 for a
    /// fleet: a constant `Retry-After` that every client obeys to the second brings all of them back at once (measured:
    /// 28 to 41 attempts a client against 5.5 to 11 with a share of 1).
    pub const fn retry_after_spread(mut self, share: Ratio) -> Self {
        self.config.retry_after_spread = share;
        self
    }

    /// A breaker over the attempts of this policy. Default: none.
    pub const fn breaker(mut self, breaker: Option<breaker::Config>) -> Self {
        self.config.breaker = breaker;
        self
    }

    /// How several endpoints are walked. Default: [`EndpointsConfig::DEFAULT`].
    pub const fn endpoints(mut self, endpoints: EndpointsConfig) -> Self {
        self.config.endpoints = endpoints;
        self
    }

    /// How many endpoints that servers name are followed in one outage; 0: none. Default 5.
    pub const fn redirects(mut self, hops: u8) -> Self {
        self.config.max_hops = hops;
        self
    }
}

impl Config {
    /// The backoff.
    #[must_use]
    pub const fn backoff(&self) -> BackoffConfig {
        self.backoff
    }

    /// What the causes mean.
    #[must_use]
    pub const fn classifier(&self) -> Classifier {
        self.classifier
    }

    /// How long an established connection must hold until its outage is over.
    #[must_use]
    pub const fn reset_after_stable(&self) -> Duration {
        self.reset_after_stable.to_duration()
    }

    /// Whether that follows from the cap of the backoff.
    #[must_use]
    pub const fn stability_by_cap(&self) -> bool {
        self.stable_by_cap
    }

    /// The least time between two dials.
    #[must_use]
    pub const fn min_interval(&self) -> Duration {
        self.min_interval.to_duration()
    }

    /// The most dials in one outage.
    #[must_use]
    pub const fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }

    /// The longest time of one outage.
    #[must_use]
    pub const fn max_elapsed(&self) -> Option<Duration> {
        Micros::to_duration_option(self.max_elapsed)
    }

    /// The limits of attempts and time of the first connect, where it has its own.
    #[must_use]
    pub const fn initial_limits(&self) -> (Option<u32>, Option<Duration>) {
        (self.initial_attempts, Micros::to_duration_option(self.initial_elapsed))
    }

    /// Whether the wait after a failed attempt counts from the attempt's beginning.
    #[must_use]
    pub const fn wait_from_dial(&self) -> bool {
        self.wait_from_dial
    }

    /// After how long an outage is long, and its backoff.
    #[must_use]
    pub const fn long_outage(&self) -> Option<(Duration, BackoffConfig)> {
        match self.long_outage {
            Some((after, backoff)) => Some((after.to_duration(), backoff)),
            None => None,
        }
    }

    /// The longest wait a server may ask for.
    #[must_use]
    pub const fn retry_after_max(&self) -> Duration {
        self.retry_after_max.to_duration()
    }

    /// Over which share of it such a wait is spread.
    #[must_use]
    pub const fn retry_after_spread(&self) -> Ratio {
        self.retry_after_spread
    }

    /// The breaker over the attempts.
    #[must_use]
    pub const fn breaker(&self) -> Option<breaker::Config> {
        self.breaker
    }

    /// How several endpoints are walked.
    #[must_use]
    pub const fn endpoints(&self) -> EndpointsConfig {
        self.endpoints
    }

    /// How many endpoints that servers name are followed in one outage.
    #[must_use]
    pub const fn redirects(&self) -> u8 {
        self.max_hops
    }
}
