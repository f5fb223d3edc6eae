//! What the server notices of a client's conduct, and what it bears.

use super::peer::{Peer, Seen, dropped, offences, online, server};
use crate::fault::Fault;
use crate::protocol::{Event, Frame, TOKEN};
use crate::report::server_event::{By, How, Offence, ServerEvent};
use futures_util::SinkExt;
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// Rule 8: 1000 and 1001 end the session, any other code keeps it.
#[tokio::test]
async fn the_clients_close_code_decides_about_the_session() {
    for (code, kept) in [(1000, false), (1001, false), (4000, true), (1012, true)] {
        let server = server().await;
        let peer = online(&server).await;
        let (session, seq) = (peer.session.clone(), peer.seq);
        peer.close(code).await;
        let mut peer = Peer::dial(server.resume_url()).await.unwrap();
        peer.hello().await;
        peer.ask_resume(&session, seq).await;
        let resumed = matches!(peer.skip().await, Seen::Frame(Frame::Dispatch { event: Event::Resumed, .. }));
        assert_eq!(resumed, kept, "{code}");
        let closed =
            |event| matches!(event, ServerEvent::Closed { by: By::Client, code: Some(c), .. } if c == code);
        assert!(server.recorder().entries().iter().any(|entry| closed(entry.event)));
    }
}

#[tokio::test]
async fn garbage_costs_the_connection_and_nothing_else() {
    let server = server().await;
    for garbage in [
        Message::text("hello?"),
        Message::text("[".repeat(4_000)),
        Message::text(r#"{"op":99}"#),
        Message::text(Frame::HeartbeatAck.encode()),
        Message::binary(vec![0; 16]),
        Message::text("x".repeat(5_000)),
        Message::binary(vec![0; 8 << 20]),
    ] {
        let mut peer = Peer::dial(server.gateway_url()).await.unwrap();
        peer.hello().await;
        // A big one may find the connection closed while it is still being written.
        drop(peer.socket.send(garbage).await);
        assert!(matches!(peer.see().await, Seen::Close(Some(4002)) | Seen::End));
    }
    assert_eq!(offences(&server), [Offence::Garbage; 7]);
    online(&server).await;
}

#[tokio::test]
async fn a_peer_that_is_no_websocket_or_says_nothing_is_in_nobodys_way() {
    use tokio::io::AsyncWriteExt;
    let server = server().await;
    let address = server.gateway_url().trim_start_matches("ws://").to_owned();
    let _mute = TcpStream::connect(&address).await.unwrap();
    let mut http = TcpStream::connect(&address).await.unwrap();
    http.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut noise = TcpStream::connect(&address).await.unwrap();
    noise.write_all(&[0xff; 4096]).await.unwrap();
    online(&server).await;
}

/// A session that is never read fills the socket, not the memory, and a new client is served.
#[tokio::test]
async fn a_client_that_never_reads_is_in_nobodys_way() {
    let server = server().await;
    let mut deaf = online(&server).await;
    for _ in 0..2_000 {
        deaf.beat(Some(deaf.seq)).await;
    }
    let mut peer = online(&server).await;
    peer.events(20).await;
    drop(deaf);
}

/// What was sent before an ack has been seen by whoever has the ack; the next heartbeat must tell.
#[tokio::test]
async fn heartbeats_must_carry_the_last_sequence() {
    let server = server().await;
    let mut peer = online(&server).await;
    let early = peer.seq;
    peer.beat(Some(early)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    peer.events(2).await;
    peer.beat(Some(peer.seq)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    assert_eq!(offences(&server), []);
    let seen = peer.seq;
    for wrong in [Some(early), None, Some(u64::MAX)] {
        peer.beat(wrong).await;
        assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    }
    let offences = offences(&server);
    assert_eq!(offences[0], Offence::SequenceBehind { seq: Some(early), seen });
    assert!(matches!(offences[1], Offence::SequenceBehind { seq: None, .. }));
    assert!(matches!(offences[2], Offence::SequenceAhead { seq: u64::MAX, .. }));
}

#[tokio::test]
async fn a_resume_after_more_than_was_sent_is_closed_with_4007() {
    let (server, old) = dropped(Fault::Drop).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, u64::MAX).await;
    assert_eq!(peer.see().await, Seen::Close(Some(4007)));
    assert!(matches!(offences(&server)[..], [Offence::SequenceAhead { seq: u64::MAX, .. }]));
}

#[tokio::test]
async fn bad_manners_are_noted() {
    let server = server().await;
    let (mut bare, _) = connect_async(server.gateway_url()).await.unwrap();
    bare.close(None).await.unwrap();
    drop(bare);
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.identify().await;
    peer.send(Frame::Identify { token: TOKEN.to_owned() }).await;
    assert_eq!(peer.skip().await, Seen::Close(Some(4005)));
    let mut stranger = Peer::dial(server.gateway_url()).await.unwrap();
    stranger.hello().await;
    stranger.send(Frame::Identify { token: "guess".to_owned() }).await;
    assert_eq!(stranger.see().await, Seen::Close(Some(4004)));
    let expected = [Offence::BareUrl, Offence::IdentifyAtResumeUrl, Offence::Twice, Offence::WrongToken];
    assert_eq!(offences(&server), expected);
}

#[tokio::test]
async fn speaking_before_the_hello_is_noted() {
    let (server, old) = dropped(Fault::SilenceInsteadOfHello).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.ask_resume(&old.session, old.seq).await;
    peer.silent().await;
    assert_eq!(offences(&server), [Offence::BeforeHello]);
}

/// A socket that its client has left before the next dial is never counted beside the next one, however fast.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_sockets_are_counted_exactly() {
    let server = server().await;
    for round in 0..200 {
        let mut peer = Peer::dial(server.gateway_url()).await.unwrap();
        if round % 2 == 0 {
            peer.hello().await;
            peer.identify().await;
        }
    }
    assert_eq!(server.recorder().most_open().0, 1);
    let first = Peer::dial(server.gateway_url()).await.unwrap();
    let second = Peer::dial(server.gateway_url()).await.unwrap();
    assert_eq!(server.recorder().most_open().0, 2);
    drop((first, second));
}

#[tokio::test]
async fn health_takes_calm_events_and_a_heartbeat() {
    let server = server().await;
    let mut peer = online(&server).await;
    peer.events(40).await;
    assert!(server.recorder().rows()[0].how.is_none(), "no heartbeat yet");
    peer.beat(Some(peer.seq)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    assert!(server.healthy().await);
    assert_eq!(server.recorder().rows()[0].how, Some(How::Fresh));
}
