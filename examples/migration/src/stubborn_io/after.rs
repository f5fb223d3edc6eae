//! After.

use redial::driver::{Outcome, Tokio, supervise};
use redial::{Cause, IoKind, Policy, SplitMix64, presets};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::net::TcpStream;

pub async fn follow(address: &str, on_line: impl Fn(String)) -> Outcome {
    // 4 s, ×2, 30 min, ±5 %, and the first connect is not retried. `presets::WEBSOCKET` waits for 5 minutes at most.
    let policy = Policy::new(&presets::STUBBORN_IO, SplitMix64::from_os());
    let connect = |_| async { Ok(TcpStream::connect(address).await?) };
    let on_line = &on_line;
    let mut driver = supervise(policy, Tokio::new(), connect, |stream, _link| async move {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            // A line that the loss has cut is none.
            let line = line.strip_suffix('\n').ok_or(Cause::Io(IoKind::UnexpectedEof))?;
            on_line(line.to_owned());
        }
    });
    driver.run().await
}
