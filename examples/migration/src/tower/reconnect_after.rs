//! After.

use redial::Cause;
use redial::driver::{Failure, Outcome, Tokio, supervise};
use redial::{Policy, SplitMix64, presets};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, split};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Mutex, oneshot};

use crate::net::TcpStream;

pub type Request = (String, oneshot::Sender<String>);

pub async fn serve(address: &str, requests: Receiver<Request>) -> Outcome {
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os());
    let connect = |_| async { Ok(TcpStream::connect(address).await?) };
    let requests = &Mutex::new(requests);
    let mut driver = supervise(policy, Tokio::new(), connect, |stream, link| async move {
        link.ready();
        let (read, mut write) = split(stream);
        let mut answers = BufReader::new(read).lines();
        let mut requests = requests.lock().await;
        loop {
            let (request, answer) = tokio::select! {
                // Nothing was asked: the server has closed the connection, and the next one is dialled before it is needed.
                end = answers.next_line() => return end.map(drop).map_err(Failure::from),
                Some(request) = requests.recv() => request,
            };
            write.write_all(format!("{request}\n").as_bytes()).await?;
            let line = answers.next_line().await?.ok_or(Cause::NoCloseFrame)?;
            link.received();
            drop(answer.send(line));
        }
    });
    driver.run().await
}
