//! Servers that speak MQTT 3.1.1 or 5, whichever the client does, more or less.

pub(crate) mod faults;
mod judges;
mod serve;
mod wire;

use crate::server::Conn;
use crate::web;

/// What each connection meets: the first ones in order, then always the same.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) first: Vec<Play>,
    pub(crate) then: Play,
}

impl Script {
    pub(crate) fn of(&self, conn: u32) -> &Play {
        usize::try_from(conn).ok().and_then(|conn| self.first.get(conn - 1)).unwrap_or(&self.then)
    }
}

/// What one connection meets.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    /// Reset as soon as it is accepted.
    Reset,
    /// Never answered.
    Stall,
    Serve(Serve),
}

/// A connection whose CONNECT is answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Serve {
    pub(crate) connack: Connack,
    /// What is done once the client has been accepted, in order.
    pub(crate) moves: Vec<Move>,
}

/// The answer to CONNECT.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connack {
    /// The reason code of version 5, and the return code of 3.1.1; 0: accepted.
    pub(crate) reason: u8,
    pub(crate) code: u8,
    pub(crate) session_present: bool,
    /// Seconds, in version 5.
    pub(crate) keep_alive: Option<u16>,
    /// The reference names the second port, in version 5.
    pub(crate) elsewhere: bool,
    /// Milliseconds.
    pub(crate) late: u64,
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
    Raw(Vec<u8>),
    /// DISCONNECT with this reason, with a reference to the second port or without. In version 3.1.1, which has no such packet
    /// from a server, the end of the connection alone.
    Disconnect(u8, bool),
    /// PUBLISH with QoS 1.
    Publish,
    /// Answers nothing any more.
    Mute,
    Fin,
    Reset,
}

pub(crate) async fn play(mut conn: Conn, play: Play) {
    match play {
        Play::Reset => {
            conn.fault();
            conn.reset();
        }
        Play::Stall => {
            conn.fault();
            web::drain(&mut conn).await;
        }
        Play::Serve(serve) => serve::run(conn, serve).await,
    }
}
