//! What a message of the server means, without sockets and epochs.

use core::convert::Infallible;
use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::classify::Cause;
use crate::policy::RetryAfter;

use super::frame::Frame;

/// What one message means: what [`Protocol::decode`](super::Protocol::decode) returns.
///
/// `K` is the protocol's key, `I` the message that the application takes.
///
/// ```
/// use redial::websocket::{Decoded, Frame};
///
/// fn decode(frame: &Frame) -> Decoded<String, String> {
///     match frame.as_text().and_then(|text| text.split_once(' ')) {
///         Some(("MSG", text)) => Decoded::Message(text.to_owned()),
///         Some(("SUBSCRIBED", topic)) => Decoded::confirmed(topic.to_owned()),
///         Some(("SESSION", token)) => Decoded::ready(token.to_owned()),
///         _ => Decoded::Invalid(format!("unknown message of {} bytes", frame.len())),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoded<K = Infallible, I = Frame> {
    /// A message for the application.
    Message(I),
    /// A message with a sequence number. It is delivered when the policy has noted the number, and left out where it was
    /// noted before: so what a resume replays is what the application has not got. Numbers may skip; a gap is neither noticed
    /// nor reported.
    Sequenced {
        /// The number. The numbers of a session only grow.
        sequence: u64,
        /// The message.
        message: I,
    },
    /// A sequence number without a message.
    Sequence(u64),
    /// The place to resume from is now this: an event id, a cursor.
    Cursor(String),
    /// The protocol's hello, for a config with a [`greeting`](crate::Config::greeting).
    Greeting {
        /// The heartbeat interval that the server asks for, where it does.
        heartbeat: Option<Duration>,
    },
    /// A new session is established.
    Ready(Ready),
    /// The old session lives on.
    Resumed {
        /// The newest sequence number, where this message carries one.
        sequence: Option<u64>,
    },
    /// The server refuses the session.
    SessionInvalid {
        /// Whether it may be resumed on another connection.
        resumable: bool,
    },
    /// The server asks for a reconnect.
    ReconnectRequested {
        /// After how long, where it says so.
        retry_after: Option<RetryAfter>,
        /// In how long it will cut the connection, where it says so.
        deadline: Option<Duration>,
    },
    /// What was under way on this connection has ended. Where a successor has replaced it, it is closed now and not at the
    /// end of its [drain](crate::handover::Config::drain); otherwise this changes nothing.
    Drained,
    /// The server names another endpoint, which is dialled next if it is trusted
    /// ([`Connect::trust`](super::Connect::trust)) and left out otherwise.
    Redirected {
        /// A URL.
        endpoint: String,
        /// Whether it goes for every dial until a stop; otherwise for the next one.
        permanent: bool,
    },
    /// The server confirmed a subscription. See [`Decoded::confirmed`].
    Confirmed {
        /// Which.
        key: K,
        /// The number of the batch that it answers, where the protocol says so: that of
        /// [`Protocol::restore`](super::Protocol::restore).
        batch: Option<u32>,
    },
    /// The server refused a subscription, or ended it with an error.
    Refused {
        /// Which.
        key: K,
        /// The number of the batch that it answers, where the protocol says so.
        batch: Option<u32>,
        /// Whether to try again in this session.
        retryable: bool,
    },
    /// The server ended a subscription without refusing it; it is sent again.
    Unsubscribed(K),
    /// A heartbeat of the protocol's own was acknowledged. Pongs are taken care of.
    HeartbeatAcked,
    /// The server asks for a heartbeat now. Pings are taken care of.
    HeartbeatRequested,
    /// The server sets the interval of the heartbeat.
    KeepAlive(Duration),
    /// The server sets the first wait of the backoff.
    BackoffHint(Duration),
    /// The answer to [`Protocol::authenticate`](super::Protocol::authenticate), and to nothing else: the credential is good.
    /// Where no such answer is awaited, as before the session is ready, it is
    /// [inapplicable](crate::Disposition::Inapplicable) and changes nothing.
    AuthOk,
    /// The other answer to [`Protocol::authenticate`](super::Protocol::authenticate): the connection ends. Where no such answer
    /// is awaited, it is inapplicable as well. A login that is part of [`Protocol::identify`](super::Protocol::identify) or
    /// [`Protocol::resume`](super::Protocol::resume) and is refused is [`Decoded::End`] with [`Cause::AuthRejected`] or
    /// [`Cause::AuthDenied`].
    AuthFailed {
        /// Whether no other credential would do.
        fatal: bool,
    },
    /// Nothing that matters here; still a sign of life.
    Ignored,
    /// A message that can't be understood: why, for [`Protocol::report`](super::Protocol::report). The connection stays, as
    /// the next message may be fine.
    Invalid(String),
    /// The connection has to end for this reason. What stands before it in [`Decoded::Many`] is still taken.
    ///
    /// [`Cause::AuthRejected`] says that the server refused the login: the next dial follows with a credential of
    /// [`Protocol::refresh_credential`](super::Protocol::refresh_credential), and a client that has none ends.
    /// [`Cause::AuthDenied`] ends the client.
    End(Cause),
    /// Several of these, in order. `Many(vec![Decoded::ready(token), Decoded::Message(news)])`, for example, establishes a
    /// session and tells the application of it.
    Many(Vec<Self>),
}

/// A session that the server has established.
///
/// ```
/// use core::time::Duration;
/// use redial::websocket::{Decoded, Ready};
///
/// // What a server's READY says: a token, a URL for the resume, and that it keeps the session for two minutes.
/// let ready: Decoded = Decoded::Ready(Ready {
///     token: Some("t".to_owned()),
///     endpoint: Some("wss://resume.example".to_owned()),
///     ttl: Some(Duration::from_secs(120)),
///     ..Ready::default()
/// });
/// # let _ = ready;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the user, with `..Ready::default()`")]
pub struct Ready {
    /// What is needed to resume it, if it can be.
    pub token: Option<String>,
    /// The URL to resume it at, if not the client's own. It is left out where it is not trusted
    /// ([`Connect::trust`](super::Connect::trust)); without a query it gets that of the client's URL.
    pub endpoint: Option<String>,
    /// The newest sequence number, where this message carries one.
    pub sequence: Option<u64>,
    /// How long the server keeps it after a loss, where it says so.
    pub ttl: Option<Duration>,
}

impl<K, I> Decoded<K, I> {
    /// A session that this token resumes.
    #[must_use]
    pub fn ready(token: String) -> Self {
        Self::Ready(Ready { token: Some(token), ..Ready::default() })
    }

    /// A message with this sequence number; [`Decoded::Invalid`] where that is none.
    #[must_use]
    pub fn numbered(sequence: &str, message: I) -> Self {
        match sequence.parse() {
            Ok(sequence) => Self::Sequenced { sequence, message },
            Err(_) => Self::Invalid(format!("{:?} is no sequence number", shortened(sequence))),
        }
    }

    /// The newest send of this subscription is confirmed.
    #[must_use]
    pub const fn confirmed(key: K) -> Self {
        Self::Confirmed { key, batch: None }
    }
}

/// As much of a server's text as a log wants.
fn shortened(text: &str) -> &str {
    text.char_indices().nth(40).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
