//! Before.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::sleep;

use crate::net::TcpStream;

pub async fn follow(address: &str, on_line: impl Fn(String)) {
    let mut delay = Duration::from_secs(1);
    loop {
        if let Ok(stream) = TcpStream::connect(address).await {
            delay = Duration::from_secs(1);
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                on_line(line);
            }
        }
        sleep(delay).await;
        delay = (delay * 2).min(Duration::from_secs(30));
    }
}
