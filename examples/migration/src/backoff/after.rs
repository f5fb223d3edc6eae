//! After.

use std::io::{self, ErrorKind};
use std::time::Duration;

use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
use tokio::time::{Instant, sleep};

use crate::net::ask;

const MAX_ELAPSED: Duration = Duration::from_secs(900);
const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_millis(500), Ratio::new_const(3, 2), Duration::from_secs(60))
        .jitter(Jitter::PlusMinus(Ratio::new_const(1, 2)))
        .build_const();

pub async fn first_line(address: &str) -> io::Result<String> {
    let (began, mut delays) = (Instant::now(), BACKOFF.delays(SplitMix64::from_os()));
    loop {
        let error = match ask(address).await {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => error,
            done => return done,
        };
        match delays.next() {
            Some(delay) if began.elapsed() + delay <= MAX_ELAPSED => sleep(delay).await,
            _ => return Err(error),
        }
    }
}
