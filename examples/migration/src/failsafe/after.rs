//! After.

use std::time::Duration;

use redial::breaker::{Config, Consecutive};

use crate::breakers::Guard;

pub type Breaker = Guard<Consecutive>;

/// Three failures in a row open it.
pub fn breaker(open: Duration) -> Breaker {
    Guard::new(Config::new(3, open).build().expect("an open time above zero"))
}
