//! Retry one operation with backon, with the waits of redial: `cargo run -p redial-beside --bin retry`.
//!
//! For an operation that ends, backon alone is enough: its own `ExponentialBuilder` will do. Take these waits where the jitter
//! must stay inside the cap, where a log must replay, or where the same config also keeps a connection alive. Take a `Policy`
//! where what you retry is a connection that lives on: it needs a reset after it has held, a session, a breaker, a heartbeat.

use std::fmt;
use std::time::Duration;

use backon::{BlockingRetryable, Retryable};
use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_millis(20), Ratio::TWO, Duration::from_secs(1))
        .jitter(Jitter::Equal)
        .build_const();

#[derive(Debug)]
enum Failure {
    Busy { retry_after: Option<Duration> },
    Forbidden,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { retry_after } => write!(f, "busy, retry after {retry_after:?}"),
            Self::Forbidden => f.write_str("forbidden"),
        }
    }
}

/// A service that answers the `calls`-th call, and says once how long to stay away.
fn service(calls: &mut u32) -> Result<u32, Failure> {
    *calls += 1;
    match *calls {
        1 => Err(Failure::Busy { retry_after: None }),
        2 => Err(Failure::Busy { retry_after: Some(Duration::from_millis(90)) }),
        3 => Ok(42),
        _ => Err(Failure::Forbidden),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut calls = 0;
    let answer = (|| std::future::ready(service(&mut calls)))
        .retry(BACKOFF.delays(SplitMix64::from_os()).take(5))
        .when(|failure| matches!(failure, Failure::Busy { .. }))
        .adjust(|failure, delay| match failure {
            // What the server asks for is a floor.
            Failure::Busy { retry_after: Some(asked) } => delay.map(|delay| delay.max(*asked)),
            _ => delay,
        })
        .notify(|failure, delay| println!("{failure}: again in {delay:?}"))
        .await;
    println!("async: {answer:?} after {calls} calls");

    let refused = (|| service(&mut calls))
        .retry(BACKOFF.delays(SplitMix64::from_os()).take(5))
        .when(|failure| matches!(failure, Failure::Busy { .. }))
        .call();
    println!("blocking: {refused:?} after {calls} calls");
}
