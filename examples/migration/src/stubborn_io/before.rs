//! Before.

use std::io;
use std::time::Duration;

use stubborn_io::ReconnectOptions;
use stubborn_io::strategies::ExpBackoffStrategy;
use stubborn_io::tokio::StubbornIo;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::net::TcpStream;

pub async fn follow(address: &str, on_line: impl Fn(String)) -> io::Result<()> {
    let options =
        ReconnectOptions::new().with_exit_if_first_connect_fails(true).with_retries_generator(|| {
            ExpBackoffStrategy::new(Duration::from_secs(4), 2.0, 0.05).with_max(Duration::from_secs(1800))
        });
    let stream = StubbornIo::<TcpStream, String>::connect_with_options(address.to_owned(), options).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        on_line(line);
    }
    Ok(())
}
