//! After.

use std::time::Duration;

use redial::driver::{Outcome, Tokio, supervise};
use redial::{BackoffConfig, Config, Jitter, Policy, Ratio, SplitMix64};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::net::TcpStream;

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(60))
        .jitter(Jitter::Plus(Ratio::ONE))
        .build_const();
static CONFIG: Config = Config::new(BACKOFF).build_const();

pub async fn follow(address: &str, on_line: impl Fn(String)) -> Outcome {
    let policy = Policy::new(&CONFIG, SplitMix64::from_os());
    let connect = |_| async { Ok(TcpStream::connect(address).await?) };
    let on_line = &on_line;
    let mut driver = supervise(policy, Tokio::new(), connect, |stream, link| async move {
        link.ready();
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await? {
            on_line(line);
        }
        Ok(())
    });
    driver.run().await
}
