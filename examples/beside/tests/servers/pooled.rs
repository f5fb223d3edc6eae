//! `pool`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::common::server::Server;
use crate::common::{Example, eventually, free_port, is_short, pause};

const CONNECTIONS: usize = 6;
const AHEAD: usize = 2;
/// The example's budget: so many dials in any so long time.
const DIALS: usize = 2;
const WINDOW: Duration = Duration::from_millis(250);

/// When it accepted each connection. It answers after 150 ms.
fn server(port: u16) -> (Server, Arc<Mutex<Vec<Instant>>>) {
    let accepted = Arc::<Mutex<Vec<Instant>>>::default();
    let noted = accepted.clone();
    let server = Server::start(port, move |mut stream| {
        noted.lock().unwrap().push(Instant::now());
        async move {
            let (read, mut write) = stream.split();
            let mut requests = BufReader::new(read).lines();
            while let Ok(Some(request)) = requests.next_line().await {
                tokio::time::sleep(Duration::from_millis(150)).await;
                if write.write_all(format!("{request}!\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    });
    (server, accepted)
}

fn within_budget(accepted: &Mutex<Vec<Instant>>) {
    let accepted = accepted.lock().unwrap();
    for dials in accepted.windows(DIALS + 1) {
        let took = dials[DIALS] - dials[0];
        // A busy server accepts a connection late, and the one after it in time.
        assert!(took > WINDOW * 3 / 4, "{} dials in {took:?}", DIALS + 1);
    }
}

/// Sends these requests at once; each is answered.
fn ask(example: &mut Example, requests: std::ops::Range<usize>) {
    let mut expected: Vec<_> = requests.clone().map(|number| format!("{number}: {number}!")).collect();
    for number in requests {
        example.say(&number.to_string());
    }
    let mut answers: Vec<_> = expected.iter().map(|_| example.line()).collect();
    expected.sort();
    answers.sort();
    assert_eq!(answers, expected);
}

#[test]
fn connections_share_a_budget_and_a_breaker() {
    let port = free_port();
    let (server, accepted) = server(port);
    let arguments = [format!("127.0.0.1:{port}"), CONNECTIONS.to_string(), AHEAD.to_string()];
    let mut example = Example::start(env!("CARGO_BIN_EXE_pool"), arguments);
    eventually(|| server.connections.open.load(Ordering::SeqCst) == AHEAD);
    // One request at a time needs no more of them, and many do.
    ask(&mut example, 0..1);
    ask(&mut example, 1..2);
    assert_eq!(server.connections.all.load(Ordering::SeqCst), AHEAD);
    ask(&mut example, 2..12);
    eventually(|| server.connections.open.load(Ordering::SeqCst) == CONNECTIONS);
    within_budget(&accepted);
    drop(server);
    // The first wait is 250 ms to 1 s, and the breaker opens for one more after the third failure.
    pause(1_100);
    let failed = example.log().iter().filter(|line| line.contains("refused")).count();
    assert!((1..=3).contains(&failed), "{failed}: {:?}", example.log());
    let (server, accepted) = self::server(port);
    ask(&mut example, 12..20);
    eventually(|| server.connections.open.load(Ordering::SeqCst) == CONNECTIONS);
    assert_eq!(server.connections.most.load(Ordering::SeqCst), CONNECTIONS);
    within_budget(&accepted);
    assert_eq!(example.rest(), [""; 0]);
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../pool.rs"), 120);
}
