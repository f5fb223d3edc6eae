//! After.

use std::time::Duration;

use redial::Ratio;
use redial::breaker::{Config, CountWindow, Rates};

use crate::breakers::Guard;

pub type Breaker = Guard<CountWindow<10>>;

const RATES: Rates = Rates::new(Ratio::new_const(1, 2), 10).build_const();

/// Half of the last ten calls open it, and half of two probes open it again.
pub fn breaker(open: Duration) -> Breaker {
    Guard::new(Config::by_count(RATES, open).probes(2).build().expect("an open time above zero"))
}
