//! Each fault does what it says, and each rule of conduct is noticed: seen by a plain WebSocket client.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::fault::{Expect, Fault};
use crate::protocol::{Event, Frame, QUERY, TOKEN};
use crate::report::fact::{By, Fact, How, Offence};
use crate::server::{Config, Server, ServerHandle, Stuck};

/// For what comes at once: generous, as the machine may be busy.
const SOON: Duration = Duration::from_secs(5);
/// For what must not come.
const SILENCE: Duration = Duration::from_millis(250);

async fn server() -> ServerHandle {
    let config = Config {
        heartbeat_interval: Duration::from_secs(10),
        event_every: Duration::from_millis(5),
        calm: Duration::from_millis(50),
        quiet: Duration::from_millis(200),
        patience: Duration::from_secs(2),
        ..Config::default()
    };
    Server::start(config).await.unwrap()
}

#[derive(Debug, PartialEq)]
enum Seen {
    Frame(Frame),
    Close(Option<u16>),
    Ping,
    /// A text that is none of the gateway's frames.
    Odd(String),
    /// The connection ended, with a close handshake or without.
    End,
    Nothing,
}

struct Peer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    seq: u64,
    n: Vec<u64>,
}

impl Peer {
    async fn dial(url: &str) -> Result<Self, Error> {
        let (socket, _) = connect_async(format!("{url}{QUERY}")).await?;
        Ok(Self { socket, session: String::new(), seq: 0, n: Vec::new() })
    }

    async fn see(&mut self) -> Seen {
        self.see_within(SOON).await
    }

    async fn silent(&mut self) {
        assert_eq!(self.see_within(SILENCE).await, Seen::Nothing);
    }

    async fn see_within(&mut self, limit: Duration) -> Seen {
        match timeout(limit, self.socket.next()).await {
            Err(_) => Seen::Nothing,
            Ok(Some(Ok(Message::Text(text)))) => {
                Frame::decode(&text).map_or_else(|_| Seen::Odd(text.to_string()), Seen::Frame)
            }
            Ok(Some(Ok(Message::Ping(_)))) => Seen::Ping,
            Ok(Some(Ok(Message::Close(frame)))) => Seen::Close(frame.map(|frame| frame.code.into())),
            Ok(Some(Ok(other))) => panic!("{other:?}"),
            Ok(Some(Err(_)) | None) => Seen::End,
        }
    }

    /// The next thing that is no event; the events are noted.
    async fn skip(&mut self) -> Seen {
        loop {
            match self.see().await {
                Seen::Frame(Frame::Dispatch { s, event: Event::Message { n } }) => {
                    assert_eq!(s, self.seq + 1, "sequence numbers have no holes");
                    self.seq = s;
                    self.n.push(n);
                }
                other => return other,
            }
        }
    }

    /// The events that were on their way, until nothing more comes.
    async fn skip_until_silent(&mut self) {
        loop {
            match self.see_within(SILENCE).await {
                Seen::Frame(Frame::Dispatch { s, event: Event::Message { n } }) => {
                    self.seq = s;
                    self.n.push(n);
                }
                other => return assert_eq!(other, Seen::Nothing),
            }
        }
    }

    async fn events(&mut self, count: usize) {
        let until = self.n.len() + count;
        while self.n.len() < until {
            match self.see().await {
                Seen::Frame(Frame::Dispatch { s, event: Event::Message { n } }) => {
                    assert_eq!(s, self.seq + 1, "sequence numbers have no holes");
                    self.seq = s;
                    self.n.push(n);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn send(&mut self, frame: Frame) {
        self.socket.send(Message::text(frame.encode())).await.unwrap();
    }

    async fn hello(&mut self) {
        assert!(matches!(self.see().await, Seen::Frame(Frame::Hello { .. })));
    }

    async fn identify(&mut self) {
        self.send(Frame::Identify { token: TOKEN.to_owned() }).await;
        match self.see().await {
            Seen::Frame(Frame::Dispatch { s: 1, event: Event::Ready { session_id, .. } }) => {
                (self.session, self.seq) = (session_id, 1);
            }
            other => panic!("{other:?}"),
        }
    }

    async fn ask_resume(&mut self, session: &str, seq: u64) {
        (self.session, self.seq) = (session.to_owned(), seq);
        self.send(Frame::Resume { token: TOKEN.to_owned(), session_id: session.to_owned(), seq }).await;
    }

    /// Resumes after `self.seq`, the old connection's last.
    async fn resume(&mut self, old: &Self) {
        self.ask_resume(&old.session, old.seq).await;
        match self.skip().await {
            Seen::Frame(Frame::Dispatch { s, event: Event::Resumed }) => {
                assert_eq!(s, self.seq + 1);
                self.seq = s;
            }
            other => panic!("{other:?}"),
        }
    }

    async fn beat(&mut self, seq: Option<u64>) {
        self.send(Frame::Heartbeat { seq }).await;
    }

    async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.close(Some(frame)).await.unwrap();
        while self.see().await != Seen::End {}
    }
}

async fn online(server: &ServerHandle) -> Peer {
    let mut peer = Peer::dial(server.gateway_url()).await.unwrap();
    peer.hello().await;
    peer.identify().await;
    peer.events(3).await;
    peer
}

/// Comes back after `old` and resumes; what both have seen together is everything, once and in order.
async fn back(server: &ServerHandle, old: &Peer) -> Peer {
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.resume(old).await;
    peer.events(3).await;
    let first = old.n.last().unwrap() + 1;
    assert_eq!(peer.n, (first..first + peer.n.len() as u64).collect::<Vec<_>>());
    peer
}

/// The old connection is dropped, and its session goes on in a new one.
async fn back_after_drop(server: &ServerHandle, old: Peer) {
    let Peer { session, seq, n, socket } = old;
    drop(socket);
    let unused = Peer::dial(server.gateway_url()).await.unwrap();
    back(server, &Peer { session, seq, n, ..unused }).await;
}

async fn struck(fault: Fault) -> (ServerHandle, Peer) {
    let server = server().await;
    let peer = online(&server).await;
    server.next_fault(fault).await;
    (server, peer)
}

/// A fault that begins with a drop: the server, and the old connection after its end.
async fn dropped(fault: Fault) -> (ServerHandle, Peer) {
    let (server, mut peer) = struck(fault).await;
    assert_eq!(peer.skip().await, Seen::End);
    (server, peer)
}

fn offences(server: &ServerHandle) -> Vec<Offence> {
    let entries = server.recorder().entries();
    let offences = entries.iter().filter_map(|entry| match entry.fact {
        Fact::Offence { offence, .. } => Some(offence),
        _ => None,
    });
    offences.collect()
}

#[tokio::test]
async fn plain_drop_has_no_close_frame_and_can_be_resumed() {
    let (server, peer) = dropped(Fault::Drop).await;
    sleep(Duration::from_millis(300)).await;
    back(&server, &peer).await;
    let replayed = |fact| matches!(fact, Fact::Resumed { replayed: 2.., .. });
    let entries = server.recorder().entries();
    assert!(entries.iter().any(|entry| replayed(entry.fact)), "events went on during the outage");
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn close_without_code() {
    let (server, mut peer) = struck(Fault::CloseWithoutCode).await;
    assert_eq!(peer.skip().await, Seen::Close(None));
    assert_eq!(peer.see().await, Seen::End);
    back(&server, &peer).await;
}

#[tokio::test]
async fn op_7_then_close_after_100_ms() {
    let (server, mut peer) = struck(Fault::ReconnectThenClose).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::Reconnect));
    let asked = Instant::now();
    assert_eq!(peer.skip().await, Seen::Close(None));
    assert!(asked.elapsed() > Duration::from_millis(80));
    back(&server, &peer).await;
}

#[tokio::test]
async fn op_7_instead_of_hello() {
    let (server, old) = dropped(Fault::ReconnectInsteadOfHello).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    assert_eq!(peer.see().await, Seen::Frame(Frame::Reconnect));
    peer.silent().await;
    peer.close(4000).await;
    back(&server, &old).await;
}

#[tokio::test]
async fn silence_instead_of_hello() {
    let (server, old) = dropped(Fault::SilenceInsteadOfHello).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.silent().await;
    drop(peer);
    back(&server, &old).await;
}

#[tokio::test]
async fn hello_then_silence() {
    let (server, old) = dropped(Fault::HelloThenSilence).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    peer.beat(Some(old.seq)).await;
    peer.silent().await;
    drop(peer);
    back(&server, &old).await;
}

#[tokio::test]
async fn acks_stop_while_events_go_on() {
    let server = server().await;
    let mut peer = online(&server).await;
    peer.beat(Some(peer.seq)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    server.next_fault(Fault::AcksStop).await;
    peer.events(5).await;
    peer.beat(Some(peer.seq)).await;
    peer.events(30).await;
    assert_eq!(offences(&server), []);
    back_after_drop(&server, peer).await;
}

#[tokio::test]
async fn pings_come_without_end() {
    let (server, mut peer) = struck(Fault::PingFlood).await;
    for _ in 0..10_000 {
        assert_eq!(peer.skip().await, Seen::Ping);
    }
    back_after_drop(&server, peer).await;
    assert_eq!(offences(&server), []);
}

/// A beat in the midst of it is never acknowledged, because it is never read.
#[tokio::test]
async fn fragments_come_without_end() {
    let (server, mut peer) = struck(Fault::EndlessFragments).await;
    peer.skip_until_silent().await;
    peer.beat(Some(peer.seq)).await;
    peer.silent().await;
    back_after_drop(&server, peer).await;
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn a_wild_sequence_number_and_then_a_drop() {
    let (server, mut peer) = struck(Fault::WildSequence).await;
    match peer.skip().await {
        Seen::Odd(text) => assert!(text.contains(&u64::MAX.to_string()), "{text}"),
        other => panic!("{other:?}"),
    }
    peer.events(5).await;
    assert_eq!(peer.skip().await, Seen::End);
    back(&server, &peer).await;
}

#[tokio::test]
async fn a_second_ready_exchanges_the_session() {
    let (server, mut peer) = struck(Fault::SecondReady).await;
    let old = peer.session.clone();
    // The first may have been on its way, the others may not claim to have seen more than the new session sent.
    for _ in 0..2 {
        let seq = peer.seq;
        match peer.skip().await {
            Seen::Frame(Frame::Dispatch { s: 1, event: Event::Ready { session_id, .. } }) => {
                assert_ne!(session_id, old);
                (peer.session, peer.seq) = (session_id, 1);
                peer.beat(Some(seq)).await;
                assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
                assert_eq!(offences(&server), []);
                peer.beat(Some(u64::from(u32::MAX))).await;
            }
            other => assert_eq!(other, Seen::Frame(Frame::HeartbeatAck)),
        }
    }
    assert!(matches!(offences(&server)[..], [Offence::SequenceAhead { .. }]));
    peer.events(3).await;
    peer.close(4000).await;
}

#[tokio::test]
async fn accept_then_close_eight_times() {
    let (server, old) = dropped(Fault::AcceptThenClose).await;
    for _ in 0..8 {
        let mut peer = Peer::dial(server.resume_url()).await.unwrap();
        assert_eq!(peer.see().await, Seen::Close(None));
        assert_eq!(peer.see().await, Seen::End);
    }
    back(&server, &old).await;
    assert_eq!(server.recorder().most_open().0, 1);
}

/// Discord lets the client resume on the same connection or on a new one.
#[tokio::test]
async fn invalid_session_true() {
    for same in [true, false] {
        let (server, mut peer) = struck(Fault::InvalidSessionTrue).await;
        assert_eq!(peer.skip().await, Seen::Frame(Frame::InvalidSession { resumable: true }));
        peer.silent().await;
        if same {
            let (session, seq) = (peer.session.clone(), peer.seq);
            peer.ask_resume(&session, seq).await;
            let resumed = peer.skip().await;
            assert!(matches!(resumed, Seen::Frame(Frame::Dispatch { event: Event::Resumed, .. })));
        } else {
            back(&server, &peer).await;
        }
        assert_eq!(offences(&server), []);
    }
}

#[tokio::test]
async fn invalid_session_false() {
    let (server, old) = dropped(Fault::InvalidSessionFalse).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    assert_eq!(peer.see().await, Seen::Frame(Frame::InvalidSession { resumable: false }));
    drop(peer);
    let fresh = online(&server).await;
    assert_ne!(fresh.session, old.session);
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn a_session_that_is_gone_stays_gone() {
    let (server, mut old) = struck(Fault::SessionTimedOut).await;
    assert_eq!(old.skip().await, Seen::Close(Some(4009)));
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    assert_eq!(peer.see().await, Seen::Frame(Frame::InvalidSession { resumable: false }));
    assert_eq!(offences(&server), [Offence::DeadSession]);
}

#[tokio::test]
async fn invalid_sequence_closes_the_resume_with_4007() {
    let (server, old) = dropped(Fault::InvalidSequence).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    assert_eq!(peer.see().await, Seen::Close(Some(4007)));
    drop(peer);
    online(&server).await;
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn refused_ports_come_back_at_the_same_address() {
    let (server, old) = dropped(Fault::PortRefused).await;
    for url in [server.gateway_url(), server.resume_url()] {
        match Peer::dial(url).await {
            Err(Error::Io(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            other => panic!("{:?}", other.err()),
        }
    }
    sleep(Duration::from_millis(900)).await;
    drop(Peer::dial(server.gateway_url()).await.unwrap());
    back(&server, &old).await;
}

#[tokio::test]
async fn an_upgrade_that_is_never_answered() {
    let (server, old) = dropped(Fault::NeverAnswers).await;
    assert!(timeout(SILENCE, Peer::dial(server.gateway_url())).await.is_err());
    back(&server, &old).await;
    assert_eq!(server.recorder().most_open().0, 1);
}

#[tokio::test]
async fn http_refusals_say_when_to_come_again() {
    for (fault, status, wait) in [
        (Fault::Http503, 503, true),
        (Fault::Http429, 429, true),
        (Fault::Http403, 403, true),
        (Fault::Http418, 418, true),
        (Fault::Http404, 404, false),
        (Fault::Http200, 200, false),
        (Fault::Http302, 302, false),
    ] {
        let (server, old) = dropped(fault).await;
        for _ in 0..fault.plan().times {
            match Peer::dial(server.resume_url()).await {
                Err(Error::Http(response)) => {
                    assert_eq!(response.status(), status);
                    let after = response.headers().get("retry-after").map(|after| after.as_bytes());
                    assert_eq!(after, wait.then_some(&b"1"[..]));
                }
                other => panic!("{:?}", other.err()),
            }
        }
        // Whoever was asked to wait and does not has a bad name.
        let early = wait && fault != Fault::Http503;
        if wait && !early {
            sleep(Duration::from_secs(1)).await;
        }
        back(&server, &old).await;
        assert_eq!(matches!(offences(&server)[..], [Offence::TooEarly { .. }]), early);
        assert_eq!(offences(&server).is_empty(), !early);
    }
}

/// What is refused is looked at all the same.
#[tokio::test]
async fn a_bare_url_is_noted_when_it_is_refused() {
    let (server, _) = dropped(Fault::Http404).await;
    assert!(connect_async(server.gateway_url()).await.is_err());
    assert_eq!(offences(&server), [Offence::BareUrl]);
}

#[tokio::test]
async fn the_resume_endpoint_is_dead_and_the_base_lives() {
    let (server, old) = dropped(Fault::ResumeEndpointDead).await;
    assert!(Peer::dial(server.resume_url()).await.is_err());
    let mut peer = Peer::dial(server.gateway_url()).await.unwrap();
    peer.hello().await;
    peer.resume(&old).await;
    peer.beat(Some(peer.seq)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    peer.events(30).await;
    assert!(server.healthy().await);
    drop(peer);
    sleep(Duration::from_millis(50)).await;
    assert!(Peer::dial(server.resume_url()).await.is_ok(), "it is back when the client is");
}

/// The script ends with 4004; whoever dials again has not survived it.
#[tokio::test]
async fn the_fatal_end() {
    for again in [false, true] {
        let server = server().await;
        let mut peer = online(&server).await;
        peer.beat(Some(peer.seq)).await;
        let client = async {
            while peer.skip().await != Seen::Close(Some(4004)) {}
            drop(peer);
            if again {
                drop(Peer::dial(server.gateway_url()).await);
            }
        };
        let (played, ()) = tokio::join!(server.play(&[Fault::Fatal], drop), client);
        assert_eq!(played, Ok(()));
        assert_eq!(server.recorder().rows()[1].recovered, !again);
        assert_eq!(server.recorder().complaints().iter().any(|text| text.contains("not survived")), again);
    }
}

#[tokio::test]
async fn a_client_that_does_not_come_back_ends_the_script() {
    let server = server().await;
    assert_eq!(server.play(&[Fault::Drop], drop).await, Err(Stuck(None)));
    let mut peer = online(&server).await;
    peer.beat(Some(peer.seq)).await;
    let client = async { while peer.skip().await != Seen::End {} };
    let (played, ()) = tokio::join!(server.play(&[Fault::Drop], drop), client);
    assert_eq!(played, Err(Stuck(Some(Fault::Drop))));
    assert!(!server.recorder().rows()[1].recovered);
}

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
        let closed = |fact| matches!(fact, Fact::Closed { by: By::Client, code: Some(c), .. } if c == code);
        assert!(server.recorder().entries().iter().any(|entry| closed(entry.fact)));
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

#[test]
fn the_script_has_every_fault_once_and_the_fatal_one_last() {
    for (index, fault) in Fault::SCRIPT.iter().enumerate() {
        assert_eq!(Fault::SCRIPT.iter().position(|other| other == fault), Some(index));
        assert_eq!(fault.expect() == Expect::Stop, index + 1 == Fault::SCRIPT.len());
        assert!(fault.name().len() <= 26 && !fault.description().is_empty());
    }
}
