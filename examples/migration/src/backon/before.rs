//! Before.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::net::TcpStream;

const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_factor(2.0)
    .with_max_delay(Duration::from_secs(60))
    .with_jitter()
    .without_max_times();

pub async fn follow(address: &str, on_line: impl Fn(String)) -> std::io::Result<()> {
    loop {
        let stream = (|| TcpStream::connect(address)).retry(BACKOFF).await?;
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            on_line(line);
        }
    }
}
