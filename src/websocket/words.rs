//! The words of this module's enums: a stable one for each variant.

use crate::words::words;

use super::decoded::Decoded;
use super::error::SetupError;
use super::frame::Frame;
use super::report::Report;
use super::socket::SendError;
use super::url::UrlFault;

words!(as_str UrlFault {
    Empty => "empty",
    TooLong => "too_long",
    NoScheme => "no_scheme",
    Http => "http",
    Https => "https",
    Scheme => "scheme",
    Character => "character",
    Fragment => "fragment",
    UserName => "user_name",
    Host => "host",
    Port => "port",
});

words!([K, I] Decoded<K, I> {
    Message => "message",
    Sequenced => "sequenced",
    Sequence => "sequence",
    Cursor => "cursor",
    Greeting => "greeting",
    Ready => "ready",
    Resumed => "resumed",
    SessionInvalid => "session_invalid",
    ReconnectRequested => "reconnect_requested",
    Drained => "drained",
    Redirected => "redirected",
    Confirmed => "confirmed",
    Refused => "refused",
    Unsubscribed => "unsubscribed",
    HeartbeatAcked => "heartbeat_acked",
    HeartbeatRequested => "heartbeat_requested",
    KeepAlive => "keep_alive",
    BackoffHint => "backoff_hint",
    AuthOk => "auth_ok",
    AuthFailed => "auth_failed",
    Ignored => "ignored",
    Invalid => "invalid",
    End => "end",
    Many => "many",
});

impl Frame {
    /// `"text"` or `"binary"`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Binary(_) => "binary",
        }
    }
}

impl SetupError {
    /// The variant's word, in snake case. It does not change between versions.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Url(_) => "url",
            Self::TooManyUrls => "too_many_urls",
            Self::Header(_) => "header",
            Self::ReservedHeader(_) => "reserved_header",
            Self::Subprotocol(_) => "subprotocol",
            Self::CloseReason => "close_reason",
            Self::Config(_) => "config",
            Self::Tls(_) => "tls",
            Self::NoRuntime => "no_runtime",
        }
    }
}

impl Report<'_> {
    /// The variant's word, in snake case. It does not change between versions.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Upgraded(_) => "upgraded",
            Self::DialFailed(_) => "dial_failed",
            Self::Closed(_) => "closed",
            Self::Lost(_) => "lost",
            Self::Invalid(_) => "invalid",
            Self::Duplicate(_) => "duplicate",
            Self::Untrusted { .. } => "untrusted",
            Self::BadEndpoint(_) => "bad_endpoint",
        }
    }
}

impl<M> SendError<M> {
    /// The reason in snake case: `"too_large"`, or that of the [driver's error](crate::driver::SendError::as_str).
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotSent(error) => error.as_str(),
        }
    }
}
