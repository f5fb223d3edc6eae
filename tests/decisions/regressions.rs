//! Regressions: bugs that other reconnecting clients had, each by what it did, and the test that a policy does not.
//!
//! Every test names the bug's repository and number, or the crate and version in whose source it was found, and
//! describes the behaviour that failed. The sources are the public trackers; no code of theirs is here.

mod breaker;
mod delays;
mod endpoints;
mod fleet;
mod liveness;
mod overflow;
mod races;
mod reset;
mod restoring;
mod session;
mod silence;
mod stop;
mod verdicts;

use core::time::Duration;

use redial::{Backoff, BackoffConfig, Mode, SplitMix64};

/// The nominal wait after the n-th failure in a row.
fn ceiling(config: BackoffConfig, failure: u32) -> Duration {
    config.ceiling(failure, Mode::Resume).expect("a wait")
}

/// So many waits in a row, as drawn.
fn waits(config: BackoffConfig, count: usize, seed: u64) -> Vec<Duration> {
    let mut rng = SplitMix64::new(seed);
    let mut backoff = Backoff::new();
    (0..count)
        .map(|_| backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut rng).expect("a wait"))
        .collect()
}
