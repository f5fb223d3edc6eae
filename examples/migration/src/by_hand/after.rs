//! After.

use redial::driver::{Outcome, Tokio, supervise};
use redial::{Policy, SplitMix64, presets};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::net::TcpStream;

pub async fn follow(address: &str, on_line: impl Fn(String)) -> Outcome {
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os());
    let connect = |_| async { Ok(TcpStream::connect(address).await?) };
    let on_line = &on_line;
    let mut driver = supervise(policy, Tokio::new(), connect, |stream, link| async move {
        link.ready();
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await? {
            link.received();
            on_line(line);
        }
        Ok(())
    });
    driver.run().await
}
