//! What the client did, saw and decided, and its form as a line of JSON.

use std::time::Duration;

use redial::policy::DropReason;
use redial::{Cause, GiveUp, Instant, Mode};
use serde_json::{Value, json};

/// What happened on the client's side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClientEvent {
    Start {
        seed: u64,
        url: String,
        preset: String,
    },
    Open {
        mode: Mode,
        endpoint: &'static str,
        url: String,
        attempt: u32,
        /// It is to replace a connection that is still up.
        successor: bool,
    },
    Opened,
    OpenFailed {
        cause: Cause,
        retry_after: Option<Duration>,
        detail: Option<String>,
    },
    Closed {
        cause: Cause,
    },
    Greeting {
        heartbeat: Option<Duration>,
    },
    Identify,
    Resume {
        seq: Option<u64>,
    },
    Ready {
        seq: Option<u64>,
        endpoint: Option<String>,
    },
    Resumed,
    Dispatch {
        seq: Option<u64>,
        name: String,
    },
    Heartbeat {
        seq: Option<u64>,
    },
    BeatAck,
    /// The application's.
    Request,
    Answer {
        nonce: u64,
    },
    HeartbeatRequested,
    ReconnectRequested {
        deadline: Option<Duration>,
    },
    Redirected {
        endpoint: String,
    },
    /// The successor is the connection from here on.
    Promoted,
    /// What was under way on the connection that was replaced has ended.
    Drained,
    SessionInvalid {
        resumable: bool,
    },
    SendFailed,
    /// A message that means nothing, and why.
    BadFrame {
        detail: String,
    },
    /// We close. `cause`: what made us.
    Close {
        code: Option<u16>,
        cause: Option<Cause>,
    },
    DropSession {
        reason: DropReason,
    },
    RefreshCredential,
    Wait {
        until: Instant,
        why: &'static str,
        mode: Mode,
        attempt: u32,
        cause: Option<Cause>,
    },
    Parked {
        why: &'static str,
    },
    /// An event that changed nothing: of an old connection, or out of place.
    Ignored {
        stale: bool,
        event: &'static str,
        seq: Option<u64>,
    },
    /// Lines that were not printed, because there were too many of this kind.
    LeftOut {
        event: &'static str,
        count: u64,
    },
    Stop,
    GaveUp {
        reason: GiveUp,
        cause: Cause,
    },
    Stopped {
        opens: u32,
        resumed: u32,
        fresh: u32,
        handovers: u32,
    },
}

impl ClientEvent {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Open { .. } => "open",
            Self::Opened => "opened",
            Self::OpenFailed { .. } => "open_failed",
            Self::Closed { .. } => "closed",
            Self::Greeting { .. } => "greeting",
            Self::Identify => "identify",
            Self::Resume { .. } => "resume",
            Self::Ready { .. } => "ready",
            Self::Resumed => "resumed",
            Self::Dispatch { .. } => "dispatch",
            Self::Heartbeat { .. } => "beat",
            Self::BeatAck => "beat_ack",
            Self::Request => "request",
            Self::Answer { .. } => "answer",
            Self::HeartbeatRequested => "beat_requested",
            Self::ReconnectRequested { .. } => "please_reconnect",
            Self::Redirected { .. } => "redirected",
            Self::Promoted => "promote",
            Self::Drained => "drained",
            Self::SessionInvalid { .. } => "session_invalid",
            Self::SendFailed => "send_failed",
            Self::BadFrame { .. } => "bad_frame",
            Self::Close { .. } => "close",
            Self::DropSession { .. } => "drop_session",
            Self::RefreshCredential => "refresh_credential",
            Self::Wait { .. } => "wait",
            Self::Parked { .. } => "parked",
            Self::Ignored { stale: true, .. } => "stale",
            Self::Ignored { stale: false, .. } => "inapplicable",
            Self::LeftOut { .. } => "left_out",
            Self::Stop => "stop",
            Self::GaveUp { .. } => "gave_up",
            Self::Stopped { .. } => "stopped",
        }
    }

    /// Whether a server can bring this about with each message that it sends, to no use for the one who reads.
    pub(crate) const fn is_chatter(&self) -> bool {
        matches!(
            self,
            Self::Ready { .. }
                | Self::Heartbeat { .. }
                | Self::BeatAck
                | Self::Answer { .. }
                | Self::HeartbeatRequested
                | Self::BadFrame { .. }
                | Self::Ignored { .. }
        )
    }

    /// One line of JSON, without its end. The keys come in this order, always.
    pub(crate) fn json(&self, at: Instant, epoch: u32) -> String {
        let mut line =
            format!("{{\"t\": {}, \"what\": \"{}\", \"epoch\": {epoch}", at.as_millis(), self.name());
        for (key, value) in self.fields() {
            line.push_str(&format!(", \"{key}\": {value}"));
        }
        line.push('}');
        line
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let word = |cause: &Cause| Value::from(cause.to_string());
        let ms = |duration: &Duration| json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        match self {
            Self::Start { seed, url, preset } => {
                vec![("seed", json!(seed)), ("url", json!(url)), ("preset", json!(preset))]
            }
            Self::Open { mode, endpoint, url, attempt, successor } => {
                let mut fields = vec![
                    ("mode", json!(mode.as_str())),
                    ("endpoint", json!(endpoint)),
                    ("url", json!(url)),
                    ("attempt", json!(attempt)),
                ];
                fields.extend(successor.then(|| ("role", json!("successor"))));
                fields
            }
            Self::ReconnectRequested { deadline } => {
                deadline.iter().map(|deadline| ("deadline", ms(deadline))).collect()
            }
            Self::Answer { nonce } => vec![("nonce", json!(nonce))],
            Self::Redirected { endpoint } => vec![("endpoint", json!(endpoint))],
            Self::OpenFailed { cause, retry_after, detail } => {
                let mut fields = vec![("cause", word(cause))];
                fields.extend(retry_after.as_ref().map(|after| ("retry_after", ms(after))));
                fields.extend(detail.as_ref().map(|detail| ("detail", json!(detail))));
                fields
            }
            Self::Closed { cause } => {
                let code = match cause {
                    Cause::CloseFrame(code) => Some(*code),
                    _ => None,
                };
                vec![("code", json!(code)), ("cause", word(cause))]
            }
            Self::Close { code, cause } => {
                vec![("code", json!(code)), ("cause", json!(cause.map(|cause| cause.to_string())))]
            }
            Self::Greeting { heartbeat } => vec![("heartbeat", json!(heartbeat.as_ref().map(ms)))],
            Self::Resume { seq } | Self::Heartbeat { seq } => vec![("seq", json!(seq))],
            Self::Ready { seq, endpoint } => vec![("seq", json!(seq)), ("endpoint", json!(endpoint))],
            Self::Dispatch { seq, name } => vec![("seq", json!(seq)), ("event", json!(name))],
            Self::SessionInvalid { resumable } => vec![("resumable", json!(resumable))],
            Self::BadFrame { detail } => vec![("detail", json!(detail))],
            Self::DropSession { reason } => vec![("reason", json!(reason.as_str()))],
            Self::Wait { until, why, mode, attempt, cause } => vec![
                ("until", json!(until.as_millis())),
                ("why", json!(why)),
                ("mode", json!(mode.as_str())),
                ("attempt", json!(attempt)),
                ("cause", json!(cause.map(|cause| cause.to_string()))),
            ],
            Self::Parked { why } => vec![("why", json!(why))],
            Self::Ignored { event, seq, .. } => {
                let mut fields = vec![("event", json!(event))];
                fields.extend(seq.map(|seq| ("seq", json!(seq))));
                fields
            }
            Self::LeftOut { event, count } => vec![("event", json!(event)), ("count", json!(count))],
            Self::GaveUp { reason, cause } => {
                vec![("reason", json!(reason.as_str())), ("cause", word(cause))]
            }
            Self::Stopped { opens, resumed, fresh, handovers } => vec![
                ("opens", json!(opens)),
                ("resumed", json!(resumed)),
                ("fresh", json!(fresh)),
                ("handovers", json!(handovers)),
            ],
            Self::Opened
            | Self::Identify
            | Self::Resumed
            | Self::BeatAck
            | Self::Request
            | Self::HeartbeatRequested
            | Self::Promoted
            | Self::Drained
            | Self::SendFailed
            | Self::RefreshCredential
            | Self::Stop => Vec::new(),
        }
    }
}
