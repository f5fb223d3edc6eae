//! After.

use std::io;
use std::time::Duration;

use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
use tokio_retry::Retry;

use crate::net::ask;

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))
        .jitter(Jitter::Full)
        .build_const();

pub async fn first_line(address: &str) -> io::Result<String> {
    let strategy = BACKOFF.delays(SplitMix64::from_os()).take(5);
    Retry::start(strategy, || ask(address)).await
}
