//! Errors of tungstenite, and of what is built on it: tokio-tungstenite, async-tungstenite.

use std::time::SystemTime;

use tungstenite::Error;
use tungstenite::error::{CapacityError, ProtocolError, UrlError};

use crate::classify::{Cause, Class, IoKind, TlsKind};
use crate::policy::RetryAfter;

#[cfg_attr(redial_docsrs, doc(cfg(feature = "tungstenite")))]
impl From<&Error> for Cause {
    /// | tungstenite says | cause |
    /// | --- | --- |
    /// | `ConnectionClosed`, `AlreadyClosed`, `ResetWithoutClosingHandshake` | [`Cause::NoCloseFrame`]. A close frame is a message before it, and the first report of a loss counts |
    /// | `HandshakeIncomplete` | [`IoKind::UnexpectedEof`] |
    /// | an answer 101 that breaks the rules of the upgrade: `SecWebSocketAcceptKeyMismatch`, `MissingConnectionUpgradeHeader`, `MissingUpgradeWebSocketHeader`, `SecWebSocketSubProtocolError` | HTTP 101 |
    /// | `Http` with an informational status, which is no answer yet | [`IoKind::InvalidData`] |
    /// | `Http` with any other | [`Cause::Http`]. What it asks to wait for is in [`causes::retry_after_of`](fn@super::retry_after_of) |
    /// | `Io` | what the error says: TLS, or the socket |
    /// | `MessageTooLong`, `Utf8` | [`Class::Fresh`]: a resume would bring the same message again |
    /// | any other of `Capacity` or `Protocol`, `AttackAttempt` | [`IoKind::InvalidData`] |
    /// | `UnableToConnect`: no address answered, and tungstenite does not say why | [`Class::Transient`] |
    /// | any other of `Url`, `HttpFormat` | [`IoKind::InvalidInput`] |
    /// | `Tls` | [`TlsKind::Other`]: what it holds depends on tungstenite's features. A verdict on a certificate comes as `Io` |
    /// | `WriteBufferFull`, which ends no connection | [`Cause::Unknown`] |
    fn from(error: &Error) -> Self {
        super::of(error)
    }
}

/// What the error says by itself.
pub(super) fn said(error: &Error) -> Cause {
    use ProtocolError as P;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Cause::NoCloseFrame,
        Error::Protocol(P::ResetWithoutClosingHandshake) => Cause::NoCloseFrame,
        Error::Protocol(P::HandshakeIncomplete) => Cause::Io(IoKind::UnexpectedEof),
        Error::Protocol(
            P::SecWebSocketAcceptKeyMismatch
            | P::MissingConnectionUpgradeHeader
            | P::MissingUpgradeWebSocketHeader
            | P::SecWebSocketSubProtocolError(_),
        ) => Cause::Http(101),
        // The socket's or TLS's own is its source.
        Error::Io(_) => Cause::Unknown,
        Error::Http(response) if response.status().is_informational() => Cause::Io(IoKind::InvalidData),
        Error::Http(response) => response.status().into(),
        Error::Capacity(CapacityError::MessageTooLong { .. }) | Error::Utf8(_) => Cause::Class(Class::Fresh),
        Error::Capacity(_) | Error::Protocol(_) | Error::AttackAttempt => Cause::Io(IoKind::InvalidData),
        Error::Url(UrlError::UnableToConnect(_)) => Cause::Class(Class::Transient),
        Error::Url(_) | Error::HttpFormat(_) => Cause::Io(IoKind::InvalidInput),
        Error::Tls(_) => Cause::Tls(TlsKind::Other),
        Error::WriteBufferFull(_) => Cause::Unknown,
    }
}

/// What the refusal of an upgrade asks to wait for.
pub(super) fn asked(error: &Error, now: SystemTime) -> Option<RetryAfter> {
    let Error::Http(response) = error else { return None };
    super::retry_after(response.status(), response.headers(), now)
}
