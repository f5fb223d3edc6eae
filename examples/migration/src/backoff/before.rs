//! Before.

use std::io::{self, ErrorKind};
use std::time::Duration;

use backoff::future::retry;
use backoff::{Error, ExponentialBackoff, ExponentialBackoffBuilder};

use crate::net::ask;

pub async fn first_line(address: &str) -> io::Result<String> {
    let backoff: ExponentialBackoff = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(500))
        .with_multiplier(1.5)
        .with_max_interval(Duration::from_secs(60))
        .with_randomization_factor(0.5)
        .with_max_elapsed_time(Some(Duration::from_secs(900)))
        .build();
    retry(backoff, || async {
        ask(address).await.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => Error::permanent(error),
            _ => Error::transient(error),
        })
    })
    .await
}
