//! Servers that speak WebSocket, more or less.

pub(crate) mod faults;
mod frames;
mod judges;
mod serve;
mod upgrade;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::discord::Discord;
use crate::server::Conn;
use crate::timeline::What;

/// What each connection meets: the first ones in order, then always the same.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) first: Vec<Play>,
    pub(crate) then: Play,
    /// What the second port does, where that is not the same.
    pub(crate) second: Option<Play>,
}

impl Script {
    pub(crate) fn new(first: impl IntoIterator<Item = Play>, then: Play) -> Self {
        Self { first: first.into_iter().collect(), then, second: None }
    }

    /// Whether this is a gateway, where an upgrade alone is of no use.
    pub(crate) fn has_sessions(&self) -> bool {
        let all = self.first.iter().chain([&self.then]).chain(&self.second);
        all.into_iter().any(|play| matches!(play, Play::Serve(Serve { discord: Some(_), .. })))
    }

    pub(crate) fn of(&self, conn: u32, door: u8) -> &Play {
        match &self.second {
            Some(play) if door == 1 => play,
            _ => usize::try_from(conn).ok().and_then(|conn| self.first.get(conn - 1)).unwrap_or(&self.then),
        }
    }
}

/// What one connection meets.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    /// Reset as soon as it is accepted.
    Reset,
    /// Never answered.
    Stall,
    /// An answer whose headers come a byte at a time and never end.
    Loris,
    /// Answered with the first part of an upgrade, or with what is no HTTP at all, and ended.
    Broken(&'static str),
    /// Refused with this status and these headers. `{second}` in them is the URL of the second port.
    Http(u16, Vec<(&'static str, String)>),
    Serve(Serve),
}

/// A connection that is upgraded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serve {
    pub(crate) upgrade: Upgrade,
    pub(crate) discord: Option<Discord>,
    /// What is done once the connection is open, in order.
    pub(crate) moves: Vec<Move>,
}

/// How the upgrade is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Upgrade {
    #[default]
    Proper,
    /// After so many milliseconds.
    Late(u64),
    /// A few bytes at a time.
    Trickle,
    /// With the answer to another key.
    WrongKey,
    /// With the first message in the same segment.
    Glued,
}

/// Something that a server does by itself.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// Milliseconds, and up to half as many more as the seed has it.
    Wait(u64),
    /// Waits until every client is connected, and half a second more.
    WaitForAll,
    /// The fault begins.
    Fault,
    Ping(&'static str),
    Raw(Vec<u8>),
    /// A close frame; then the connection is ended when the client has answered, or after 5 s.
    Close(Option<u16>),
    /// A close frame, after which the server waits for the client to end the connection.
    CloseAndWait(u16),
    /// Answers nothing any more.
    Mute,
    /// Ends the connection without a close frame.
    Fin,
    Reset,
    /// A message of the gateway; `s` of a dispatch is the next of the session.
    Op(u8, serde_json::Value),
}

impl Serve {
    pub(crate) fn doing(moves: impl IntoIterator<Item = Move>) -> Self {
        Self { moves: moves.into_iter().collect(), ..Self::default() }
    }
}

pub(crate) async fn play(mut conn: Conn, play: Play) {
    match play {
        Play::Reset => {
            conn.fault();
            conn.reset();
        }
        Play::Stall => {
            conn.fault();
            drain(&mut conn).await;
        }
        Play::Loris => {
            conn.fault();
            loris(&mut conn).await;
        }
        Play::Broken(answer) => {
            if upgrade::read(&mut conn).await.is_some() {
                conn.fault();
                upgrade::answer_with(&mut conn, answer).await;
            }
        }
        Play::Http(status, headers) => {
            if upgrade::read(&mut conn).await.is_some() {
                conn.fault();
                upgrade::refuse(&mut conn, status, &headers).await;
            }
        }
        Play::Serve(serve) => serve::run(conn, serve).await,
    }
}

/// Reads until the client ends the connection.
pub(crate) async fn drain(conn: &mut Conn) {
    let mut buffer = [0; 4 << 10];
    loop {
        match conn.stream.read(&mut buffer).await {
            Ok(0) => return conn.note(What::Gone { reset: false }),
            Ok(_) => {}
            Err(_) => return conn.note(What::Gone { reset: true }),
        }
    }
}

async fn loris(conn: &mut Conn) {
    let endless = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Slow: "
        .iter()
        .chain([b'a'].iter().cycle());
    for byte in endless {
        let written = tokio::select! {
            written = conn.stream.write_all(std::slice::from_ref(byte)) => written,
        };
        if written.is_err() {
            return conn.note(What::Gone { reset: true });
        }
        let mut buffer = [0; 1 << 10];
        tokio::select! {
            read = conn.stream.read(&mut buffer) => match read {
                Ok(0) => return conn.note(What::Gone { reset: false }),
                Ok(_) => {}
                Err(_) => return conn.note(What::Gone { reset: true }),
            },
            () = sleep(Duration::from_millis(200)) => {}
        }
    }
}
