//! Before.

use std::time::Duration;

use recloser::{Error, Recloser};

pub type Breaker = Recloser;

/// Half of the last ten calls open it, and half of two probes open it again.
pub fn breaker(open: Duration) -> Breaker {
    Recloser::custom().error_rate(0.5).closed_len(10).half_open_len(2).open_wait(open).build()
}

pub fn price(breaker: &Breaker, ask: impl FnOnce() -> Result<u32, &'static str>) -> Result<u32, String> {
    match breaker.call(ask) {
        Ok(price) => Ok(price),
        Err(Error::Inner(error)) => Err(error.to_owned()),
        Err(Error::Rejected) => Err("not asked".to_owned()),
    }
}
