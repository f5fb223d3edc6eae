//! Before.

use std::io;
use std::time::Duration;

use tokio_retry::Retry;
use tokio_retry::strategy::{ExponentialBackoff, jitter};

use crate::net::ask;

pub async fn first_line(address: &str) -> io::Result<String> {
    // 1 s, 2 s, 4 s … 30 s: the base is the factor from one delay to the next, and the factor is half a second.
    let strategy =
        ExponentialBackoff::from_millis(2).factor(500).max_delay(Duration::from_secs(30)).map(jitter).take(5);
    Retry::start(strategy, || ask(address)).await
}
