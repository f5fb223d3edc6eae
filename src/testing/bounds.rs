//! How long a config can make a client wait.

use core::time::Duration;

use crate::backoff::BackoffConfig;
use crate::mode::Mode;
use crate::policy::Config;
use crate::time::Micros;

/// The longest wait for a dial that a policy on this config can be in, whatever happens to it, but for two: one that the host
/// itself asks for ([`Event::NotNow`](crate::Event::NotNow)), which is at most a day, and the end of a kept session, which can lie
/// behind any wait.
///
/// It is the largest of the caps of the backoffs, the open times of the breaker, what a server may ask for, what a verdict asks
/// for, and the spreads and distances of the config. Rounded up to whole microseconds.
///
/// ```
/// use core::time::Duration;
/// use redial::{presets, testing};
///
/// // A server may ask for 300 s, which are spread over as much again.
/// assert_eq!(testing::longest_wait(&presets::RECOMMENDED), Duration::from_secs(600));
/// ```
#[must_use]
pub fn longest_wait(config: &Config) -> Duration {
    let backoff = |backoff: &BackoffConfig| backoff.cap(Mode::Fresh).max(backoff.cap(Mode::Resume));
    let breaker = config.breaker.as_ref().map_or(Micros::ZERO, |breaker| {
        // One that is forced open is asked again after the connect timeout.
        breaker.longest_open().max(Micros::from_duration(breaker.lease())).max(config.connect_timeout)
    });
    let waits = [
        backoff(&config.backoff),
        config.long_outage.as_ref().map_or(Micros::ZERO, |(_, late)| backoff(late)),
        config.first_wait(),
        config.classifier.longest_wait(),
        config.longest_retry_after(),
        config.resume.invalid_wait.1,
        config.requested_spread.unwrap_or(Micros::ZERO),
        config.network_spread,
        config.min_interval,
        Micros::from_duration(config.endpoints.gap().1),
        breaker,
        // Never twice in one instant.
        Micros::MILLISECOND,
    ];
    waits.into_iter().fold(Micros::ZERO, Micros::max).to_duration()
}
