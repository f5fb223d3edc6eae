//! The gateway of Discord, as its documentation describes it: hello, heartbeats, identify or resume.

pub(crate) mod faults;
mod judges;

use serde_json::{Value, json};

use crate::server::Conn;
use crate::timeline::What;

/// The answer to a heartbeat.
pub(crate) const ACK: &str = r#"{"op":11,"d":null,"s":null,"t":null}"#;

/// How a gateway behaves on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Discord {
    /// Milliseconds between heartbeats, as the hello says; none: there is no hello.
    pub(crate) interval: Option<u64>,
    pub(crate) acks: Acks,
    pub(crate) identify: Reply,
    pub(crate) resume: Reply,
    /// The moves begin with the hello, and not with the session.
    pub(crate) moves_at_once: bool,
}

impl Default for Discord {
    fn default() -> Self {
        Self {
            interval: Some(5_000),
            acks: Acks::Prompt,
            identify: Reply::Accept,
            resume: Reply::Accept,
            moves_at_once: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acks {
    Prompt,
    /// After so many milliseconds.
    Late(u64),
    /// None, from the first heartbeat on, which is where the fault begins.
    None,
}

/// What comes of an identify or a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Accept,
    /// Missed events come first: so many.
    Replay(u64),
    Silence,
    /// op 9
    Invalid(bool),
    Close(u16),
    Fin,
}

/// What the server does about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Say(String),
    /// The acknowledgement, after so many milliseconds.
    Later(u64),
    /// The session is there.
    Open,
    Fault,
    Close(u16),
    Fin,
}

/// A message of the gateway; the data of a dispatch has its name beside it.
pub(crate) fn message(op: u8, data: &Value, sequence: Option<u64>) -> String {
    let (name, data) = match data.get("t") {
        Some(name) if op == 0 => (name, data.get("d").unwrap_or(&Value::Null)),
        _ => (&Value::Null, data),
    };
    json!({ "op": op, "d": data, "s": sequence, "t": name }).to_string()
}

/// An event that every client knows and none needs.
pub(crate) fn event() -> Value {
    json!({ "t": "TYPING_START", "d": { "channel_id": "1", "user_id": "2", "timestamp": 1 } })
}

impl Discord {
    pub(crate) fn hello(&self) -> Option<String> {
        let interval = self.interval?;
        Some(message(10, &json!({ "heartbeat_interval": interval, "_trace": [] }), None))
    }

    pub(crate) fn hear(&mut self, text: &str, conn: &Conn) -> Vec<Answer> {
        let Ok(heard) = serde_json::from_str::<Value>(text) else {
            conn.note(What::Garbled { text: text.chars().take(80).collect() });
            return Vec::new();
        };
        match heard.get("op").and_then(Value::as_u64) {
            Some(1) => {
                conn.note(What::Heartbeat { seq: heard.get("d").and_then(Value::as_u64) });
                match self.acks {
                    Acks::Prompt => vec![Answer::Say(ACK.to_owned())],
                    Acks::Late(ms) => vec![Answer::Later(ms)],
                    Acks::None => vec![Answer::Fault],
                }
            }
            Some(2) => {
                conn.note(What::Identify);
                self.answer(self.identify, true, conn)
            }
            Some(6) => {
                let said = |name| heard.get("d").and_then(|data| data.get(name));
                let session = said("session_id").and_then(Value::as_str).unwrap_or_default().to_owned();
                conn.note(What::Resume { session, seq: said("seq").and_then(Value::as_u64) });
                self.answer(self.resume, false, conn)
            }
            _ => {
                conn.note(What::Text { text: text.chars().take(80).collect() });
                Vec::new()
            }
        }
    }

    fn answer(&self, reply: Reply, fresh: bool, conn: &Conn) -> Vec<Answer> {
        let hub = &conn.hub;
        match reply {
            Reply::Accept if fresh => {
                let (session, sequence) = hub.new_session();
                conn.note(What::Sequence { seq: sequence });
                vec![Answer::Say(ready(&session, hub.ports[1], sequence)), Answer::Open]
            }
            Reply::Accept | Reply::Replay(_) => {
                let missed = if let Reply::Replay(missed) = reply { missed } else { 0 };
                let mut answers = Vec::new();
                let events = (0..missed).map(|_| event()).chain([json!({ "t": "RESUMED", "d": {} })]);
                for event in events {
                    let seq = hub.next_sequence();
                    conn.note(What::Sequence { seq });
                    answers.push(Answer::Say(message(0, &event, Some(seq))));
                }
                answers.push(Answer::Open);
                answers
            }
            Reply::Silence => vec![Answer::Fault],
            Reply::Invalid(resumable) => {
                conn.note(What::Sent { text: format!("op 9, {resumable}") });
                vec![Answer::Fault, Answer::Say(message(9, &json!(resumable), None))]
            }
            Reply::Close(code) => vec![Answer::Fault, Answer::Close(code)],
            Reply::Fin => vec![Answer::Fault, Answer::Fin],
        }
    }
}

fn ready(session: &str, port: u16, sequence: u64) -> String {
    let user = json!({
        "id": "2", "username": "gauntlet", "discriminator": "0", "avatar": null, "bot": true, "email": null,
        "flags": 0, "mfa_enabled": false, "verified": true, "global_name": null
    });
    let data = json!({
        "v": 10, "user": user, "guilds": [], "session_id": session, "resume_gateway_url": format!("ws://127.0.0.1:{port}"),
        "shard": [0, 1], "application": { "id": "3", "flags": 0 }, "session_type": "normal", "user_settings": {},
        "private_channels": [], "presences": [], "relationships": [], "geo_ordered_rtc_regions": [], "_trace": []
    });
    message(0, &json!({ "t": "READY", "d": data }), Some(sequence))
}
