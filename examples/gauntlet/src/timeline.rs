//! What a client did, as its server saw it. A verdict is a function of this alone.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Milliseconds since the first client was started.
    pub(crate) at: u64,
    /// The connection, counted from 1 over all ports; 0 where it is about none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) conn: u32,
    #[serde(flatten)]
    pub(crate) what: What,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(conn: &u32) -> bool {
    *conn == 0
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(crate) enum What {
    /// A TCP connection was accepted: at the first port (0), or at the one that the server named (1).
    Dial {
        door: u8,
    },
    /// The client asked for this, with an upgrade or without.
    Request {
        target: String,
        upgrade: bool,
    },
    /// The connection is of use: upgraded, with a session where the shape has one, accepted by CONNACK.
    Open,
    /// The fault begins here. The first one counts.
    Fault,
    /// The server sent this, for readers.
    Sent {
        text: String,
    },
    Text {
        text: String,
    },
    Binary {
        bytes: usize,
    },
    Ping {
        bytes: usize,
    },
    Pong {
        text: String,
    },
    Close {
        code: Option<u16>,
    },
    /// The client sent what can't be read.
    Garbled {
        text: String,
    },
    /// The client ended the TCP connection.
    Gone {
        reset: bool,
    },
    /// The server ended it.
    Cut,
    Identify,
    Resume {
        session: String,
        seq: Option<u64>,
    },
    Heartbeat {
        seq: Option<u64>,
    },
    /// The server sent an event with this number.
    Sequence {
        seq: u64,
    },
    Connect {
        version: u8,
        clean: bool,
        keep_alive: u16,
    },
    Subscribe {
        topics: Vec<String>,
    },
    PingReq,
    PubAck {
        packet: u16,
    },
    Disconnect {
        reason: u8,
    },
    /// The client's process was asked to end (SIGTERM).
    Signal,
    /// It ended by itself; without a status by a signal.
    Exit {
        status: Option<i32>,
    },
}

/// Where everything is written down.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    start: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { start: Instant::now(), entries: Arc::default() }
    }
}

impl Recorder {
    pub(crate) fn note(&self, conn: u32, what: What) {
        let at = self.now();
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(Entry { at, conn, what });
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A timeline as a judge reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) entries: &'a [Entry],
    /// When it is judged.
    pub(crate) now: u64,
    /// Nothing more will come.
    pub(crate) over: bool,
    /// By how much the limits of time are stretched.
    pub(crate) slow: f64,
}

impl<'a> Seen<'a> {
    /// A limit in milliseconds, stretched.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of a run")]
    pub(crate) fn limit(&self, ms: u64) -> u64 {
        (ms as f64 * self.slow) as u64
    }

    pub(crate) fn times(&self, wanted: impl Fn(&What) -> bool + 'a) -> impl Iterator<Item = u64> + 'a {
        self.entries.iter().filter(move |entry| wanted(&entry.what)).map(|entry| entry.at)
    }

    /// When the fault began.
    pub(crate) fn fault(&self) -> Option<u64> {
        self.times(|what| *what == What::Fault).next()
    }

    /// Dials that began at or after this.
    pub(crate) fn dials_from(&self, from: u64) -> Vec<u64> {
        self.times(|what| matches!(what, What::Dial { .. })).filter(|at| *at >= from).collect()
    }

    /// Dials after the connection on which the fault began, which may itself have been dialled in the same millisecond.
    pub(crate) fn dials_after_fault(&self) -> Vec<u64> {
        let faulty = self.entries.iter().position(|entry| entry.what == What::Fault);
        let after = self.entries.get(faulty.unwrap_or(usize::MAX)..).unwrap_or_default();
        after.iter().filter(|entry| matches!(entry.what, What::Dial { .. })).map(|entry| entry.at).collect()
    }

    /// The connection on which the fault began.
    pub(crate) fn faulty(&self) -> u32 {
        self.entries.iter().find(|entry| entry.what == What::Fault).map_or(0, |entry| entry.conn)
    }

    /// The first entry of this kind after the fault's.
    pub(crate) fn after_fault(&self, wanted: impl Fn(&Entry) -> bool) -> Option<&'a Entry> {
        let faulty = self.entries.iter().position(|entry| entry.what == What::Fault)?;
        self.entries.iter().skip(faulty).find(|entry| wanted(entry))
    }

    /// The end of the process that nobody asked for, and its status.
    pub(crate) fn exit(&self) -> Option<(u64, Option<i32>)> {
        self.entries.iter().find_map(|entry| match entry.what {
            What::Exit { status } => Some((entry.at, status)),
            _ => None,
        })
    }

    /// What came on one connection.
    pub(crate) fn on(&self, conn: u32) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.conn == conn)
    }

    /// When a connection ended, whoever ended it.
    pub(crate) fn end_of(&self, conn: u32) -> Option<u64> {
        self.on(conn).find(|entry| matches!(entry.what, What::Gone { .. } | What::Cut)).map(|entry| entry.at)
    }

    /// The most dials in any window of so many milliseconds, and when that began.
    pub(crate) fn densest(times: &[u64], window: u64) -> (usize, u64) {
        let count =
            |from: u64| times.iter().filter(|at| (from..from.saturating_add(window)).contains(at)).count();
        times.iter().map(|from| (count(*from), *from)).max_by_key(|(count, _)| *count).unwrap_or_default()
    }

    /// The longest time for which a connection was open beside a newer one, and the newer one.
    pub(crate) fn overlap(&self) -> Option<(u64, u32)> {
        let opens = self.entries.iter().filter(|entry| entry.what == What::Open);
        let beside = opens.flat_map(|open| {
            let older =
                self.entries.iter().filter(|entry| entry.what == What::Open && entry.conn < open.conn);
            older.map(move |older| {
                let end = self.end_of(older.conn).unwrap_or(self.now);
                let end = end.min(self.end_of(open.conn).unwrap_or(self.now));
                (end.saturating_sub(open.at), open.conn)
            })
        });
        beside.max()
    }
}

/// Milliseconds as a reader wants them.
pub(crate) fn seconds(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}
