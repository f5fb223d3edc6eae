//! What the server did or saw, one event at a time: the recorder keeps them.

use std::fmt;
use std::time::Duration;

use crate::fault::Fault;

/// One of the server's three URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Base,
    Resume,
    Moved,
}

/// Who ended a connection first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Server,
    Client,
}

/// Conduct of the client that breaks a rule of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offence {
    /// The upgrade's URL lacks version and encoding.
    BareUrl,
    /// Dialled before the `Retry-After` of the last answer was over.
    TooEarly {
        by: Duration,
    },
    /// Spoke before it was greeted.
    BeforeHello,
    /// Identified or resumed on a connection that has a session.
    Twice,
    /// Identified at the resume URL.
    IdentifyAtResumeUrl,
    /// Resumed a session that it had been told was gone, or had ended itself.
    DeadSession,
    /// Claims to have seen more than was sent.
    SequenceAhead {
        seq: u64,
        sent: u64,
    },
    /// A heartbeat that does not carry the last sequence it must have seen.
    SequenceBehind {
        seq: Option<u64>,
        seen: u64,
    },
    WrongToken,
    /// A binary frame, a text that is no frame of the gateway, or one that is too big.
    Garbage,
}

/// What the server did or saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerEvent {
    /// A fault begins.
    Fault(Fault),
    /// The client is over it.
    Healthy {
        how: How,
    },
    PortDown(Endpoint),
    PortUp(Endpoint),
    /// A socket came in; `open` of them are open now, this one included.
    Accepted {
        conn: u64,
        endpoint: Endpoint,
        open: usize,
    },
    /// The WebSocket handshake is done.
    Upgraded {
        conn: u64,
    },
    /// The upgrade was answered with an HTTP status instead.
    Refused {
        conn: u64,
        status: u16,
    },
    Identify {
        conn: u64,
    },
    Resume {
        conn: u64,
        seq: u64,
    },
    Ready {
        conn: u64,
    },
    Resumed {
        conn: u64,
        replayed: usize,
    },
    Heartbeat {
        conn: u64,
        seq: Option<u64>,
    },
    Dispatch {
        conn: u64,
        s: u64,
        n: u64,
    },
    /// A connection that was up is dropped.
    Cut {
        conn: u64,
    },
    /// The socket is closed on the server's side: who was first, and with what code.
    Closed {
        conn: u64,
        by: By,
        code: Option<u16>,
    },
    /// The session is gone.
    SessionEnded,
    Offence {
        conn: u64,
        offence: Offence,
    },
}

/// An event and when it was, since the show began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Duration,
    pub(crate) event: ServerEvent,
}

/// How a client came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Fresh,
    Resumed,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "base",
            Self::Resume => "resume",
            Self::Moved => "other",
        })
    }
}

impl fmt::Display for ServerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "FAULT {}: {}", fault.name(), fault.description()),
            Self::Healthy { how } => write!(f, "healthy again ({how:?})"),
            Self::PortDown(endpoint) => write!(f, "{endpoint} port closed"),
            Self::PortUp(endpoint) => write!(f, "{endpoint} port open"),
            Self::Accepted { conn, endpoint, open } => {
                write!(f, "#{conn} accepted at the {endpoint} endpoint, {open} open")
            }
            Self::Upgraded { conn } => write!(f, "#{conn} upgraded"),
            Self::Refused { conn, status } => write!(f, "#{conn} answered with HTTP {status}"),
            Self::Identify { conn } => write!(f, "#{conn} identify"),
            Self::Resume { conn, seq } => write!(f, "#{conn} resume after {seq}"),
            Self::Ready { conn } => write!(f, "#{conn} READY"),
            Self::Resumed { conn, replayed } => write!(f, "#{conn} {replayed} events replayed, RESUMED"),
            Self::Heartbeat { conn, seq } => write!(f, "#{conn} heartbeat, seq {seq:?}"),
            Self::Dispatch { conn, s, n } => write!(f, "#{conn} event {n}, s {s}"),
            Self::Cut { conn } => write!(f, "#{conn} cut"),
            Self::Closed { conn, by, code: Some(code) } => write!(f, "#{conn} closed by {by:?} with {code}"),
            Self::Closed { conn, by, code: None } => write!(f, "#{conn} closed by {by:?} without a code"),
            Self::SessionEnded => f.write_str("the session is gone"),
            Self::Offence { conn, offence } => write!(f, "#{conn} OFFENCE {offence:?}"),
        }
    }
}
