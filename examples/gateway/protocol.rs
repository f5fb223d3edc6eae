//! The frames of the gateway, in the shape of Discord's: JSON text with `op`, `d`, `s` and `t`. Both sides use them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What both URLs need behind them. The resume URL comes without it: the client must add it to either.
pub(crate) const QUERY: &str = "/?v=10&encoding=json";
/// The one token that the server takes; any other is answered with 4004.
pub(crate) const TOKEN: &str = "token-of-the-loopback-bot";

/// One text frame, of either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// op 0. Every dispatch has a sequence number, which grows within its session.
    Dispatch { s: u64, event: Event },
    /// op 1, with the newest sequence number that the client has seen.
    Heartbeat { seq: Option<u64> },
    /// op 2: a new session, please.
    Identify { token: String },
    /// op 6: the old session, please, and what came after `seq`.
    Resume { token: String, session_id: String, seq: u64 },
    /// op 7: the server wants the client to come again and resume. It may say in how long it will cut the connection, and
    /// where to go.
    Reconnect { deadline: Option<Duration>, url: Option<String> },
    /// op 8: a request, which is answered on the connection that it came on.
    Request { nonce: u64 },
    /// op 9: the session is refused; `resumable` says whether a resume may help.
    InvalidSession { resumable: bool },
    /// op 10, the greeting.
    Hello { heartbeat_interval: Duration },
    /// op 11
    HeartbeatAck,
    /// op 12: the answer to a request. Discord has no such op; it answers by dispatches.
    Answer { nonce: u64 },
}

/// What a dispatch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A new session is established.
    Ready { session_id: String, resume_gateway_url: String },
    /// The old session lives on; everything missed has been replayed before this.
    Resumed,
    /// The payload of the show: `n` counts 1, 2, 3 … over all sessions, so that the judge can tell lost from twice.
    Message { n: u64 },
}

/// Why a text is not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    NotJson,
    UnknownOp(u64),
    UnknownEvent,
    Missing(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("not a JSON object with an op"),
            Self::UnknownOp(op) => write!(f, "unknown op {op}"),
            Self::UnknownEvent => f.write_str("unknown event"),
            Self::Missing(field) => write!(f, "missing or wrong field {field}"),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Raw {
    op: u64,
    #[serde(default)]
    d: Value,
    #[serde(default)]
    s: Option<u64>,
    #[serde(default)]
    t: Option<String>,
}

impl Frame {
    /// A request to come again that says neither when nor where.
    pub(crate) const RECONNECT: Self = Self::Reconnect { deadline: None, url: None };

    pub(crate) fn encode(&self) -> String {
        let (op, d) = match self {
            Self::Dispatch { s, event } => return event.encode(*s),
            Self::Heartbeat { seq } => (1, json!(seq)),
            Self::Identify { token } => (2, json!({ "token": token, "intents": 1 })),
            Self::Resume { token, session_id, seq } => {
                (6, json!({ "token": token, "session_id": session_id, "seq": seq }))
            }
            Self::Reconnect { deadline: None, url: None } => (7, Value::Null),
            Self::Reconnect { deadline, url } => {
                let mut d = serde_json::Map::new();
                d.extend(deadline.map(|after| ("deadline_ms".to_owned(), json!(millis(after)))));
                d.extend(url.as_ref().map(|url| ("reconnect_url".to_owned(), json!(url))));
                (7, d.into())
            }
            Self::Request { nonce } => (8, json!({ "nonce": nonce })),
            Self::Answer { nonce } => (12, json!({ "nonce": nonce })),
            Self::InvalidSession { resumable } => (9, json!(resumable)),
            Self::Hello { heartbeat_interval } => {
                (10, json!({ "heartbeat_interval": millis(*heartbeat_interval) }))
            }
            Self::HeartbeatAck => (11, Value::Null),
        };
        json!({ "op": op, "d": d, "s": null, "t": null }).to_string()
    }

    pub(crate) fn decode(text: &str) -> Result<Self, DecodeError> {
        let raw: Raw = serde_json::from_str(text).map_err(|_| DecodeError::NotJson)?;
        let word = |name| {
            raw.d.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(DecodeError::Missing(name))
        };
        let number = |name| raw.d.get(name).and_then(Value::as_u64).ok_or(DecodeError::Missing(name));
        Ok(match raw.op {
            0 => Self::Dispatch {
                s: raw.s.ok_or(DecodeError::Missing("s"))?,
                event: match raw.t.as_deref() {
                    Some("READY") => Event::Ready {
                        session_id: word("session_id")?,
                        resume_gateway_url: word("resume_gateway_url")?,
                    },
                    Some("RESUMED") => Event::Resumed,
                    Some("MESSAGE_CREATE") => Event::Message { n: number("n")? },
                    _ => return Err(DecodeError::UnknownEvent),
                },
            },
            1 if raw.d.is_null() => Self::Heartbeat { seq: None },
            1 => Self::Heartbeat { seq: Some(raw.d.as_u64().ok_or(DecodeError::Missing("d"))?) },
            2 => Self::Identify { token: word("token")? },
            6 => Self::Resume { token: word("token")?, session_id: word("session_id")?, seq: number("seq")? },
            7 => Self::Reconnect {
                deadline: number("deadline_ms").ok().map(Duration::from_millis),
                url: word("reconnect_url").ok(),
            },
            8 => Self::Request { nonce: number("nonce")? },
            9 => Self::InvalidSession { resumable: raw.d.as_bool().ok_or(DecodeError::Missing("d"))? },
            10 => Self::Hello { heartbeat_interval: Duration::from_millis(number("heartbeat_interval")?) },
            11 => Self::HeartbeatAck,
            12 => Self::Answer { nonce: number("nonce")? },
            op => return Err(DecodeError::UnknownOp(op)),
        })
    }
}

impl Event {
    fn encode(&self, s: u64) -> String {
        let (t, d) = match self {
            Self::Ready { session_id, resume_gateway_url } => (
                "READY",
                json!({ "v": 10, "session_id": session_id, "resume_gateway_url": resume_gateway_url }),
            ),
            Self::Resumed => ("RESUMED", json!({})),
            Self::Message { n } => ("MESSAGE_CREATE", json!({ "n": n })),
        };
        json!({ "op": 0, "d": d, "s": s, "t": t }).to_string()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_survives_the_wire() {
        let token = TOKEN.to_owned();
        let session_id = "s-1".to_owned();
        let resume_gateway_url = "ws://127.0.0.1:1".to_owned();
        for frame in [
            Frame::Dispatch {
                s: 1,
                event: Event::Ready { session_id: session_id.clone(), resume_gateway_url },
            },
            Frame::Dispatch { s: 2, event: Event::Message { n: u64::MAX } },
            Frame::Dispatch { s: u64::MAX, event: Event::Resumed },
            Frame::Heartbeat { seq: None },
            Frame::Heartbeat { seq: Some(0) },
            Frame::Identify { token: token.clone() },
            Frame::Resume { token, session_id, seq: 7 },
            Frame::Request { nonce: 0 },
            Frame::Answer { nonce: u64::MAX },
            Frame::RECONNECT,
            Frame::Reconnect { deadline: Some(Duration::from_secs(2)), url: None },
            Frame::Reconnect { deadline: None, url: Some("ws://127.0.0.1:1".to_owned()) },
            Frame::InvalidSession { resumable: true },
            Frame::InvalidSession { resumable: false },
            Frame::Hello { heartbeat_interval: Duration::from_millis(41_250) },
            Frame::HeartbeatAck,
        ] {
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error_and_never_a_panic() {
        let deep = "[".repeat(100_000);
        for (text, error) in [
            ("", DecodeError::NotJson),
            ("null", DecodeError::NotJson),
            (deep.as_str(), DecodeError::NotJson),
            (r#"{"op":-1}"#, DecodeError::NotJson),
            (r#"{"op":3}"#, DecodeError::UnknownOp(3)),
            (r#"{"op":0,"t":"READY"}"#, DecodeError::Missing("s")),
            (r#"{"op":0,"s":1,"t":"TYPING_START"}"#, DecodeError::UnknownEvent),
            (r#"{"op":1,"d":"x"}"#, DecodeError::Missing("d")),
            (r#"{"op":6,"d":{"token":"t","session_id":"s"}}"#, DecodeError::Missing("seq")),
            (r#"{"op":10,"d":[]}"#, DecodeError::Missing("heartbeat_interval")),
        ] {
            assert_eq!(Frame::decode(text), Err(error), "{text:.40}");
        }
    }
}
