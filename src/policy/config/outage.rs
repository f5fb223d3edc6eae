//! Settings of an outage: the waits, the classification of causes, and the limits.

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
    /// The backoff.
    pub const fn backoff(mut self, backoff: BackoffConfig) -> Self {
        self.config.backoff = backoff;
        self
    }

    /// The classification of causes. Default: the `websocket` table, with unknown causes transient.
    pub const fn classifier(mut self, classifier: Classifier) -> Self {
        self.config.classifier = classifier;
        self
    }

    /// How long an established connection must hold to be stable, which ends the outage and resets the backoff. Default: the cap of
    /// the backoff, clamped to 10 to 60 s. With zero, a server that accepts and drops keeps the client at the first wait.
    pub const fn reset_after_stable(mut self, held: Duration) -> Self {
        self.config.reset_after_stable = Micros::from_duration(held);
        self.config.stable_by_cap = false;
        self
    }

    /// The default of [`Self::reset_after_stable`], for a config that is made from one with another value.
    pub const fn stability_by_cap(mut self) -> Self {
        self.config.stable_by_cap = true;
        self
    }

    /// The minimum time between two dials, whatever their reason; at most a day. Default zero.
    ///
    /// # Errors
    /// [`ConfigError::MinIntervalTooLong`](crate::ConfigError::MinIntervalTooLong).
    pub const fn min_interval(mut self, interval: Duration) -> Self {
        self.config.min_interval = Micros::from_duration(interval);
        self
    }

    /// The largest number of dials in one outage; 0: the first loss is final. Default: no limit.
    pub const fn max_attempts(mut self, attempts: Option<u32>) -> Self {
        self.config.max_attempts = attempts;
        self
    }

    /// The longest time of one outage: no wait may end later than this after it began. Default: no limit.
    pub const fn max_elapsed(mut self, elapsed: Option<Duration>) -> Self {
        self.config.max_elapsed = Micros::from_duration_option(elapsed);
        self
    }

    /// The limits until the first connection after a start is established: the number of dials (1: the first failure is final), and
    /// the time after the start at which the last one may begin. Default `None` and `None`: the limits of any outage.
    pub const fn initial_limits(mut self, attempts: Option<u32>, elapsed: Option<Duration>) -> Self {
        self.config.initial_attempts = attempts;
        self.config.initial_elapsed = Micros::from_duration_option(elapsed);
        self
    }

    /// Whether the wait after a failed attempt counts from its dial, as in gRPC, and not from its failure. An attempt that took longer
    /// than its wait is then followed at once. With several endpoints the wait counts from the last dial of the round. Default
    /// false.
    pub const fn wait_from_dial(mut self, on: bool) -> Self {
        self.config.wait_from_dial = on;
        self
    }

    /// Another backoff for an outage that has lasted `after` (Ably's SUSPENDED). Give it a jitter, since many clients reach it
    /// together. Default: none.
    pub const fn long_outage(mut self, after: Duration, backoff: BackoffConfig) -> Self {
        self.config.long_outage = Some((Micros::from_duration(after), backoff));
        self
    }

    /// One backoff for outages of any length. This is the default, for a config that is made from one with two.
    pub const fn without_long_outage(mut self) -> Self {
        self.config.long_outage = None;
        self
    }

    /// The longest wait that a server may ask for. A longer one is cut to a random time in the last quarter of this, a
    /// [window](crate::policy::RetryAfter::Window) to this width, and counted. Default 300 s.
    pub const fn retry_after_max(mut self, longest: Duration) -> Self {
        self.config.retry_after_max = Micros::from_duration(longest);
        self
    }

    /// The share of a server's wait over which it is lengthened at random, where it is a wait of
    /// [at least](crate::policy::RetryAfter::AtLeast) so long. Default 1: a constant `Retry-After` that every client of a fleet
    /// obeys to the second brings all of them back at once (measured: 28 to 41 attempts a client against 5.5 to 11 with a share of 1),
    /// and a client alone loses half of the wait on average. With 0 the wait is kept exactly.
    pub const fn retry_after_spread(mut self, share: Ratio) -> Self {
        self.config.retry_after_spread = share;
        self
    }

    /// A breaker for the attempts of this policy. Default: none.
    pub const fn breaker(mut self, breaker: Option<breaker::Config>) -> Self {
        self.config.breaker = breaker;
        self
    }

    /// How several endpoints are dialled. Default: [`EndpointsConfig::DEFAULT`].
    pub const fn endpoints(mut self, endpoints: EndpointsConfig) -> Self {
        self.config.endpoints = endpoints;
        self
    }

    /// How many redirects are followed in one outage; 0: none. Default 5.
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

    /// The classification of causes.
    #[must_use]
    pub const fn classifier(&self) -> Classifier {
        self.classifier
    }

    /// How long an established connection must hold to be stable.
    #[must_use]
    pub const fn reset_after_stable(&self) -> Duration {
        self.reset_after_stable.to_duration()
    }

    /// Whether that is the default, which follows from the cap of the backoff.
    #[must_use]
    pub const fn stability_by_cap(&self) -> bool {
        self.stable_by_cap
    }

    /// The minimum time between two dials.
    #[must_use]
    pub const fn min_interval(&self) -> Duration {
        self.min_interval.to_duration()
    }

    /// The largest number of dials in one outage.
    #[must_use]
    pub const fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }

    /// The longest time of one outage.
    #[must_use]
    pub const fn max_elapsed(&self) -> Option<Duration> {
        Micros::to_duration_option(self.max_elapsed)
    }

    /// The limits until the first connection is established, if there are separate ones.
    #[must_use]
    pub const fn initial_limits(&self) -> (Option<u32>, Option<Duration>) {
        (self.initial_attempts, Micros::to_duration_option(self.initial_elapsed))
    }

    /// Whether the wait after a failed attempt counts from its dial.
    #[must_use]
    pub const fn wait_from_dial(&self) -> bool {
        self.wait_from_dial
    }

    /// When an outage is long, and the backoff from then on.
    #[must_use]
    pub const fn long_outage(&self) -> Option<(Duration, BackoffConfig)> {
        match self.long_outage {
            Some((after, backoff)) => Some((after.to_duration(), backoff)),
            None => None,
        }
    }

    /// The longest wait that a server may ask for.
    #[must_use]
    pub const fn retry_after_max(&self) -> Duration {
        self.retry_after_max.to_duration()
    }

    /// The share of a server's wait over which it is lengthened at random.
    #[must_use]
    pub const fn retry_after_spread(&self) -> Ratio {
        self.retry_after_spread
    }

    /// The breaker for the attempts.
    #[must_use]
    pub const fn breaker(&self) -> Option<breaker::Config> {
        self.breaker
    }

    /// How several endpoints are dialled.
    #[must_use]
    pub const fn endpoints(&self) -> EndpointsConfig {
        self.endpoints
    }

    /// How many redirects are followed in one outage.
    #[must_use]
    pub const fn redirects(&self) -> u8 {
        self.max_hops
    }
}
