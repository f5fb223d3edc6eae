//! Ends that are announced: the connection serves while its session moves to another one.

use super::peer::{Peer, SILENCE, Seen, back, dropped, offences, online, server, struck};
use crate::fault::Fault;
use crate::protocol::Frame;
use crate::report::server_event::{By, ServerEvent};
use crate::server::ServerHandle;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Error;

/// The warning of this fault, which came on `peer`.
async fn warned(fault: Fault, deadline: u64) -> (ServerHandle, Peer) {
    let (server, mut peer) = struck(fault).await;
    let deadline = Some(Duration::from_millis(deadline));
    assert_eq!(peer.skip().await, Seen::Frame(Frame::Reconnect { deadline, url: None }));
    (server, peer)
}

fn cuts(server: &ServerHandle) -> usize {
    let entries = server.recorder().entries();
    entries.iter().filter(|entry| matches!(entry.event, ServerEvent::Cut { .. })).count()
}

/// What `old` and `new` have seen together is everything up to the newest, each at least once.
fn nothing_is_missing(old: &Peer, new: &Peer) {
    let mut seen: Vec<_> = old.n.iter().chain(&new.n).copied().collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_warning_is_kept() {
    let (server, mut peer) = warned(Fault::PlannedRotation, 1_000).await;
    let warned = Instant::now();
    peer.events(20).await;
    assert_eq!(peer.skip().await, Seen::End, "without a close frame");
    assert!(warned.elapsed() > Duration::from_millis(900));
    back(&server, &peer).await;
    assert_eq!(cuts(&server), 1);
}

/// Until the RESUMED the old connection gets the events, from then on the new one, and both are open.
#[tokio::test]
async fn a_session_moves_with_its_resumed() {
    let (server, mut old) = warned(Fault::PlannedRotation, 1_000).await;
    let mut new = Peer::dial(server.resume_url()).await.unwrap();
    new.hello().await;
    old.events(5).await;
    new.resume(&old).await;
    new.events(20).await;
    assert_eq!(server.recorder().rows()[1].gap, Duration::ZERO);
    old.beat(Some(old.seq)).await;
    assert_eq!(old.skip().await, Seen::Frame(Frame::HeartbeatAck), "it is alive");
    old.silent().await;
    nothing_is_missing(&old, &new);
    assert_eq!(old.see().await, Seen::End, "the warning is kept");
    new.events(5).await;
    assert_eq!((cuts(&server), server.recorder().most_open().0), (1, 2));
    assert_eq!(offences(&server), []);
}

/// Without a warning, too, the client is left the time to go.
#[tokio::test]
async fn a_connection_whose_session_has_moved_is_closed_after_a_while() {
    let server = server().await;
    let mut old = online(&server).await;
    let mut new = Peer::dial(server.resume_url()).await.unwrap();
    new.hello().await;
    new.resume(&old).await;
    let moved = Instant::now();
    assert_eq!(old.skip().await, Seen::Close(None));
    assert!(moved.elapsed() > Duration::from_millis(300));
    new.events(3).await;
    let closed = |event| matches!(event, ServerEvent::Closed { conn: 1, by: By::Server, code: None });
    drop(old);
    sleep(SILENCE).await;
    assert!(server.recorder().entries().iter().any(|entry| closed(entry.event)));
}

#[tokio::test]
async fn a_deploy_refuses_two_dials_while_the_old_connection_serves() {
    let (server, mut old) = warned(Fault::Deploy, 1_200).await;
    for _ in 0..2 {
        match Peer::dial(server.resume_url()).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 503),
            other => panic!("{:?}", other.err()),
        }
    }
    old.events(5).await;
    let mut new = Peer::dial(server.resume_url()).await.unwrap();
    new.hello().await;
    new.resume(&old).await;
    new.events(3).await;
    nothing_is_missing(&old, &new);
    assert_eq!(cuts(&server), 0);
}

#[tokio::test]
async fn a_deploy_that_takes_too_long_greets_after_the_cut() {
    let (server, mut old) = warned(Fault::DeployTooSlow, 200).await;
    let mut new = Peer::dial(server.resume_url()).await.unwrap();
    assert_eq!(old.skip().await, Seen::End);
    let cut = Instant::now();
    new.hello().await;
    assert!(cut.elapsed() > Duration::from_millis(50));
    new.resume(&old).await;
    new.events(3).await;
    nothing_is_missing(&old, &new);
    assert!(server.recorder().rows()[1].gap > Duration::from_millis(50));
}

#[tokio::test]
async fn a_warning_that_is_not_kept() {
    let (server, mut old) = warned(Fault::WarnedThenDropped, 400).await;
    let warned = Instant::now();
    let mut new = Peer::dial(server.resume_url()).await.unwrap();
    assert_eq!(old.skip().await, Seen::End);
    assert!(warned.elapsed() < Duration::from_millis(300));
    new.hello().await;
    new.resume(&old).await;
    new.events(3).await;
    nothing_is_missing(&old, &new);
}

#[tokio::test]
async fn the_server_names_another_url_and_serves_until_the_session_is_there() {
    let (server, mut old) = struck(Fault::Moved).await;
    let url = match old.skip().await {
        Seen::Frame(Frame::Reconnect { deadline: None, url: Some(url) }) => url,
        other => panic!("{other:?}"),
    };
    assert!(url != server.gateway_url() && url != server.resume_url());
    old.events(50).await;
    let mut new = Peer::dial(&url).await.unwrap();
    new.hello().await;
    new.resume(&old).await;
    new.events(3).await;
    nothing_is_missing(&old, &new);
    assert_eq!(server.recorder().rows()[1].gap, Duration::ZERO);
    assert_eq!(offences(&server), []);
}

/// One that resumes and goes before it has the session leaves it where it is.
#[tokio::test]
async fn a_resume_that_is_refused_on_a_new_connection_costs_the_old_one_nothing() {
    let server = server().await;
    let mut old = online(&server).await;
    let mut new = Peer::dial(server.resume_url()).await.unwrap();
    new.hello().await;
    new.ask_resume("session-7", 1).await;
    assert_eq!(new.see().await, Seen::Frame(Frame::InvalidSession { resumable: false }));
    new.close(4000).await;
    old.events(5).await;
    assert_eq!(server.recorder().rows()[0].gap, Duration::ZERO);
}

/// A cut is what ends a connection that is up, and nothing else.
#[tokio::test]
async fn only_connections_that_were_up_are_counted_as_cut() {
    let (server, _) = dropped(Fault::Http404).await;
    assert_eq!(cuts(&server), 1);
    assert!(Peer::dial(server.gateway_url()).await.is_err());
    assert_eq!(cuts(&server), 1);
}
