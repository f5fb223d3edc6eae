//! A plain WebSocket client that does what a test says, and what it sees.

use crate::fault::Fault;
use crate::protocol::{Event, Frame, QUERY, TOKEN};
use crate::report::server_event::{Offence, ServerEvent};
use crate::server::{Config, Server, ServerHandle};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// For what comes at once: generous, as the machine may be busy.
pub(super) const SOON: Duration = Duration::from_secs(5);
/// For what must not come.
pub(super) const SILENCE: Duration = Duration::from_millis(250);

pub(super) async fn server() -> ServerHandle {
    let config = Config {
        heartbeat_interval: Duration::from_secs(10),
        event_every: Duration::from_millis(5),
        calm: Duration::from_millis(50),
        quiet: Duration::from_millis(200),
        grace: Duration::from_millis(400),
        patience: Duration::from_secs(2),
        ..Config::default()
    };
    Server::start(config).await.unwrap()
}

#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    Frame(Frame),
    Close(Option<u16>),
    Ping,
    /// A text that is none of the gateway's frames.
    Odd(String),
    /// The connection ended, with a close handshake or without.
    End,
    Nothing,
}

pub(super) struct Peer {
    pub(super) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(super) session: String,
    pub(super) seq: u64,
    pub(super) n: Vec<u64>,
}

impl Peer {
    pub(super) async fn dial(url: &str) -> Result<Self, Error> {
        let (socket, _) = connect_async(format!("{url}{QUERY}")).await?;
        Ok(Self { socket, session: String::new(), seq: 0, n: Vec::new() })
    }

    pub(super) async fn see(&mut self) -> Seen {
        self.see_within(SOON).await
    }

    pub(super) async fn silent(&mut self) {
        assert_eq!(self.see_within(SILENCE).await, Seen::Nothing);
    }

    pub(super) async fn see_within(&mut self, limit: Duration) -> Seen {
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
    pub(super) async fn skip(&mut self) -> Seen {
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
    pub(super) async fn skip_until_silent(&mut self) {
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

    pub(super) async fn events(&mut self, count: usize) {
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

    pub(super) async fn send(&mut self, frame: Frame) {
        self.socket.send(Message::text(frame.encode())).await.unwrap();
    }

    pub(super) async fn hello(&mut self) {
        assert!(matches!(self.see().await, Seen::Frame(Frame::Hello { .. })));
    }

    pub(super) async fn identify(&mut self) {
        self.send(Frame::Identify { token: TOKEN.to_owned() }).await;
        match self.see().await {
            Seen::Frame(Frame::Dispatch { s: 1, event: Event::Ready { session_id, .. } }) => {
                (self.session, self.seq) = (session_id, 1);
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn ask_resume(&mut self, session: &str, seq: u64) {
        (self.session, self.seq) = (session.to_owned(), seq);
        self.send(Frame::Resume { token: TOKEN.to_owned(), session_id: session.to_owned(), seq }).await;
    }

    /// Resumes after `self.seq`, the old connection's last.
    pub(super) async fn resume(&mut self, old: &Self) {
        self.ask_resume(&old.session, old.seq).await;
        match self.skip().await {
            Seen::Frame(Frame::Dispatch { s, event: Event::Resumed }) => {
                assert_eq!(s, self.seq + 1);
                self.seq = s;
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn beat(&mut self, seq: Option<u64>) {
        self.send(Frame::Heartbeat { seq }).await;
    }

    pub(super) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.close(Some(frame)).await.unwrap();
        while self.see().await != Seen::End {}
    }
}

pub(super) async fn online(server: &ServerHandle) -> Peer {
    let mut peer = Peer::dial(server.gateway_url()).await.unwrap();
    peer.hello().await;
    peer.identify().await;
    peer.events(3).await;
    peer
}

/// Comes back after `old` and resumes; what both have seen together is everything, once and in order.
pub(super) async fn back(server: &ServerHandle, old: &Peer) -> Peer {
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.resume(old).await;
    peer.events(3).await;
    let first = old.n.last().unwrap() + 1;
    assert_eq!(peer.n, (first..first + peer.n.len() as u64).collect::<Vec<_>>());
    peer
}

/// The old connection is dropped, and its session goes on in a new one.
pub(super) async fn back_after_drop(server: &ServerHandle, old: Peer) {
    let Peer { session, seq, n, socket } = old;
    drop(socket);
    let unused = Peer::dial(server.gateway_url()).await.unwrap();
    back(server, &Peer { session, seq, n, ..unused }).await;
}

pub(super) async fn struck(fault: Fault) -> (ServerHandle, Peer) {
    let server = server().await;
    let peer = online(&server).await;
    server.next_fault(fault).await;
    (server, peer)
}

/// A fault that begins with a drop: the server, and the old connection after its end.
pub(super) async fn dropped(fault: Fault) -> (ServerHandle, Peer) {
    let (server, mut peer) = struck(fault).await;
    assert_eq!(peer.skip().await, Seen::End);
    (server, peer)
}

pub(super) fn offences(server: &ServerHandle) -> Vec<Offence> {
    let entries = server.recorder().entries();
    let offences = entries.iter().filter_map(|entry| match entry.event {
        ServerEvent::Offence { offence, .. } => Some(offence),
        _ => None,
    });
    offences.collect()
}
