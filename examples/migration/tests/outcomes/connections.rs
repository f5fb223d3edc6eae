//! Clients of one feed that comes and goes.

use std::time::Duration;

use redial::driver::Outcome;
use redial_migration::net::{Answer, Server};
use redial_migration::{backon, by_hand, stubborn_io, tower};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::{LIMIT, run_for, told};

const SERVED: Duration = Duration::from_secs(100);
const LINES: [&str; 3] = ["one", "two", "three"];

/// A feed that is gone for two dials.
fn feed(address: &str) -> Server {
    let before = Answer::Serve(&["one", "two"], SERVED);
    Server::listen(address, [before, Answer::Refuse, Answer::Refuse, Answer::Serve(&["three"], SERVED)])
}

/// A feed that accepts and ends at once.
fn flapping(address: &str) -> Server {
    Server::listen(address, [Answer::Serve(&[], Duration::from_millis(1))])
}

#[tokio::test(start_paused = true)]
async fn by_hand_both_take_all_lines() {
    let server = feed("by_hand:1");
    assert_eq!(told(LIMIT, 3, |tell| by_hand::before::follow("by_hand:1", tell)).await, LINES);
    assert_eq!(server.dials().len(), 4);
    let server = feed("by_hand:2");
    assert_eq!(told(LIMIT, 3, |tell| by_hand::after::follow("by_hand:2", tell)).await, LINES);
    assert_eq!(server.dials().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn by_hand_a_feed_that_flaps_is_dialled_ever_more_rarely() {
    let time = Duration::from_secs(600);
    let server = flapping("by_hand:3");
    run_for(time, by_hand::before::follow("by_hand:3", |_| {})).await;
    let before = server.dials().len();
    assert!((590..=610).contains(&before), "once a second: {before}");
    let server = flapping("by_hand:4");
    run_for(time, by_hand::after::follow("by_hand:4", |_| {})).await;
    let after = server.dials().len();
    assert!((2..20).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn backon_both_take_all_lines() {
    let server = feed("backon:1");
    assert_eq!(told(LIMIT, 3, |tell| backon::before::follow("backon:1", tell)).await, LINES);
    assert_eq!(server.dials().len(), 4);
    let server = feed("backon:2");
    assert_eq!(told(LIMIT, 3, |tell| backon::after::follow("backon:2", tell)).await, LINES);
    assert_eq!(server.dials().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn backon_knows_nothing_of_a_connection_that_was_made_and_lost() {
    let time = Duration::from_secs(10);
    let server = flapping("backon:3");
    run_for(time, backon::before::follow("backon:3", |_| {})).await;
    let before = server.dials().len();
    assert!(before > 1_000, "{before}");
    let server = flapping("backon:4");
    run_for(time, backon::after::follow("backon:4", |_| {})).await;
    let after = server.dials().len();
    assert!((2..=5).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn stubborn_io_both_take_all_lines() {
    let server = feed("stubborn_io:1");
    assert_eq!(told(LIMIT, 3, |tell| stubborn_io::before::follow("stubborn_io:1", tell)).await, LINES);
    assert_eq!(server.dials().len(), 4);
    let server = feed("stubborn_io:2");
    assert_eq!(told(LIMIT, 3, |tell| stubborn_io::after::follow("stubborn_io:2", tell)).await, LINES);
    assert_eq!(server.dials().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn stubborn_io_neither_retries_the_first_connect() {
    let _server = Server::listen("stubborn_io:3", [Answer::Refuse]);
    assert!(stubborn_io::before::follow("stubborn_io:3", |_| {}).await.is_err());
    let outcome = stubborn_io::after::follow("stubborn_io:3", |_| {}).await;
    assert!(matches!(outcome, Outcome::GaveUp { .. }), "{outcome}");
}

#[tokio::test(start_paused = true)]
async fn stubborn_io_a_feed_that_flaps_is_dialled_ever_more_rarely() {
    let time = Duration::from_secs(3_600);
    let server = flapping("stubborn_io:4");
    run_for(time, stubborn_io::before::follow("stubborn_io:4", |_| {})).await;
    let before = server.dials().len();
    assert!((800..1_000).contains(&before), "every 4 s: {before}");
    let server = flapping("stubborn_io:5");
    run_for(time, stubborn_io::after::follow("stubborn_io:5", |_| {})).await;
    let after = server.dials().len();
    assert!((5..=12).contains(&after), "{after}");
}

/// A line that is cut in two by a loss.
#[tokio::test(start_paused = true)]
async fn stubborn_io_joins_what_two_connections_said_and_redial_drops_it() {
    let cut = |address| {
        let answers = [Answer::Say("whole\nhalf of ", SERVED), Answer::Serve(&["another", "third"], SERVED)];
        Server::listen(address, answers)
    };
    let _server = cut("stubborn_io:6");
    let before = told(LIMIT, 3, |tell| stubborn_io::before::follow("stubborn_io:6", tell)).await;
    assert_eq!(before, ["whole", "half of another", "third"]);
    let _server = cut("stubborn_io:7");
    let after = told(LIMIT, 3, |tell| stubborn_io::after::follow("stubborn_io:7", tell)).await;
    assert_eq!(after, ["whole", "another", "third"]);
}

async fn answered(
    requests: &mpsc::Sender<(String, oneshot::Sender<String>)>,
    request: &str,
) -> Option<String> {
    let (answer, answered) = oneshot::channel();
    requests.send((request.to_owned(), answer)).await.expect("it serves");
    timeout(LIMIT, answered).await.expect("an answer, or none").ok()
}

#[tokio::test(start_paused = true)]
async fn tower_both_answer_over_one_connection_after_another() {
    let two = [Answer::Echo(2), Answer::Refuse, Answer::Echo(9)];
    let server = Server::listen("tower:1", two);
    let (requests, queue) = mpsc::channel(8);
    tokio::spawn(async { tower::reconnect_before::serve("tower:1", queue).await });
    let mut before = Vec::new();
    for request in ["a", "b", "c", "d", "e"] {
        before.extend(answered(&requests, request).await);
    }
    // One request finds the connection closed, and the next one the refused dial.
    assert_eq!(before, ["a", "b", "e"]);
    assert_eq!(server.dials().len(), 3);

    let server = Server::listen("tower:2", two);
    let (requests, queue) = mpsc::channel(8);
    tokio::spawn(async { tower::reconnect_after::serve("tower:2", queue).await });
    let mut after = Vec::new();
    for request in ["a", "b", "c", "d", "e"] {
        after.extend(answered(&requests, request).await);
    }
    // The end is seen when it comes, and the request waits for the connection that follows.
    assert_eq!(after, ["a", "b", "c", "d", "e"]);
    assert_eq!(server.dials().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn tower_reconnect_dials_for_every_call_at_once() {
    let server = Server::listen("tower:3", [Answer::Refuse]);
    let (requests, queue) = mpsc::channel(8);
    tokio::spawn(async { tower::reconnect_before::serve("tower:3", queue).await });
    for _ in 0..1_000 {
        assert_eq!(answered(&requests, "a").await, None);
    }
    let dials = server.dials();
    assert_eq!((dials.len(), dials.last()), (1_000, Some(&Duration::ZERO)));

    let server = Server::listen("tower:4", [Answer::Refuse]);
    let (_requests, queue) = mpsc::channel(8);
    run_for(Duration::from_secs(600), tower::reconnect_after::serve("tower:4", queue)).await;
    let after = server.dials().len();
    assert!((5..=25).contains(&after), "{after}");
}
