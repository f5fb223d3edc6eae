//! What the pages of `docs/migration` show does what it did before, without the traps; and the pages show what is here.

mod breakers;
mod connections;
mod operations;
mod pages;
mod recorder;
mod server;
mod waits;
mod websockets;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longer than anything takes, of virtual time.
const LIMIT: Duration = Duration::from_secs(7_200);
/// Longer than anything takes, of real time.
const SOON: Duration = Duration::from_secs(60);

/// What a client tells until it has told so many lines. It is dropped then.
async fn told<F: Future>(limit: Duration, count: usize, client: impl FnOnce(Teller) -> F) -> Vec<String> {
    let (tell, mut lines) = mpsc::unbounded_channel();
    let client = client(Box::new(move |line| drop(tell.send(line))));
    let take = async {
        let mut told = Vec::new();
        while told.len() < count {
            told.push(lines.recv().await.expect("it goes on"));
        }
        told
    };
    let told = async {
        tokio::select! {
            told = take => told,
            _ = client => panic!("it ended"),
        }
    };
    timeout(limit, told).await.expect("it tells them all")
}

type Teller = Box<dyn Fn(String) + Send + Sync>;

/// Lets a client run for so long. It is dropped then.
async fn run_for<F: Future>(time: Duration, client: F) {
    assert!(timeout(time, client).await.is_err(), "it does not end");
}
