//! Before.

use std::time::Duration;

use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures};
use failsafe::{CircuitBreaker, Config, Error, StateMachine, backoff};

pub type Breaker = StateMachine<ConsecutiveFailures<backoff::Constant>, ()>;

/// Three failures in a row open it.
pub fn breaker(open: Duration) -> Breaker {
    let policy = consecutive_failures(3, backoff::constant(open));
    Config::new().failure_policy(policy).build()
}

pub fn price(breaker: &Breaker, ask: impl FnOnce() -> Result<u32, &'static str>) -> Result<u32, String> {
    match breaker.call(ask) {
        Ok(price) => Ok(price),
        Err(Error::Inner(error)) => Err(error.to_owned()),
        Err(Error::Rejected) => Err("not asked".to_owned()),
    }
}
