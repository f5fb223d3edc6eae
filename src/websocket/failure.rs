//! Why a dial or a connection failed, in the policy's words.
//!
//! Only translated, never judged: what a status means, and whether to wait for as long as the server asks, is decided by
//! the policy.

use core::fmt;
use core::time::Duration;
use std::io;
use std::string::{String, ToString};
use std::time::SystemTime;

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::http::{HeaderMap, header};

use crate::advise;
use crate::classify::{Cause, Class, IoKind, TlsKind};
use crate::driver::DialError;
use crate::policy::RetryAfter;

use super::tls;

/// Why a dial failed or a connection was lost, with what the libraries below say for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What the policy is told.
    pub cause: Cause,
    /// What the server asked to wait for: `Retry-After`, as seconds or as a date, and what it means by it: with
    /// [`Retry-After-Kind`](crate::advise::KIND_HEADER) an appointment or a window, otherwise at least so long. `None` where it did
    /// not ask.
    pub retry_after: Option<RetryAfter>,
    /// The same for people, in one line without a secret.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause, self.detail)
    }
}

impl Failure {
    pub(super) fn new(cause: Cause, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string().replace(['\r', '\n'], " ");
        Self { cause, retry_after: None, detail }
    }

    /// From the WebSocket library.
    pub(super) fn from_websocket(error: &Error) -> Self {
        let retry_after = match error {
            Error::Http(response) => meant(response.headers()),
            _ => None,
        };
        Self { retry_after, ..Self::new(cause(error), error) }
    }

    /// From the TLS handshake.
    pub(super) fn from_tls(error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => Cause::Tls(TlsKind::Eof),
            _ => io(error),
        };
        Self::new(cause, error)
    }

    pub(super) const fn dial_error(&self) -> DialError {
        DialError::Failed { cause: self.cause, retry_after: self.retry_after }
    }
}

/// Every report of the WebSocket library as one cause.
pub(super) fn cause(error: &Error) -> Cause {
    use ProtocolError as P;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Cause::NoCloseFrame,
        Error::Protocol(P::ResetWithoutClosingHandshake) => Cause::NoCloseFrame,
        Error::Protocol(P::HandshakeIncomplete) => Cause::Io(IoKind::UnexpectedEof),
        // An answer that says yes and breaks the rules of the upgrade.
        Error::Protocol(
            P::SecWebSocketAcceptKeyMismatch
            | P::MissingConnectionUpgradeHeader
            | P::MissingUpgradeWebSocketHeader
            | P::SecWebSocketSubProtocolError(_),
        ) => Cause::Http(101),
        Error::Io(error) => io(error),
        // Early hints, say, which the library takes for the answer. They are none, and say nothing about the service.
        Error::Http(response) if response.status().is_informational() => Cause::Io(IoKind::InvalidData),
        Error::Http(response) => Cause::Http(response.status().as_u16()),
        // Above our own limit, or not UTF-8: a resume would bring the same message again.
        Error::Capacity(CapacityError::MessageTooLong { .. }) | Error::Utf8(_) => Cause::Class(Class::Fresh),
        Error::Capacity(_) | Error::Protocol(_) | Error::AttackAttempt => Cause::Io(IoKind::InvalidData),
        Error::Url(_) | Error::HttpFormat(_) => Cause::Io(IoKind::InvalidInput),
        Error::Tls(_) | Error::WriteBufferFull(_) => Cause::Unknown,
    }
}

/// An error of the stream: TLS, or the socket.
pub(super) fn io(error: &io::Error) -> Cause {
    if let Some(cause) = tls::cause(error) {
        return cause;
    }
    // EMFILE and ENFILE, which `std` has no kind for.
    Cause::Io(match error.raw_os_error() {
        Some(23 | 24) if cfg!(unix) => IoKind::TooManyOpenFiles,
        _ => IoKind::from(error.kind()),
    })
}

/// The wait that the server asks for, as it means it. A kind that is not known, or several, are the cautious one.
fn meant(headers: &HeaderMap) -> Option<RetryAfter> {
    let wait = retry_after(headers)?;
    let mut kinds = headers.get_all(advise::KIND_HEADER).into_iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).filter(|_| kinds.next().is_none());
    Some(match kind.map(str::trim) {
        Some(advise::APPOINTMENT) => RetryAfter::Appointment(wait),
        Some(advise::WINDOW) => RetryAfter::Window(wait),
        _ => RetryAfter::AtLeast(wait),
    })
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). A date that is over means now, more seconds than a number
/// holds mean the longest wait there is, and what is neither is ignored. Of several the longest counts: each of those who
/// wrote one asks for that long.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    #[expect(clippy::disallowed_methods, reason = "a date has to be compared with the calendar")]
    let now = SystemTime::now();
    let values = headers.get_all(header::RETRY_AFTER).into_iter();
    values.filter_map(|value| wait(value.to_str().ok()?.trim(), now)).max()
}

fn wait(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date.duration_since(now).unwrap_or_default());
    }
    // A proxy may have joined two headers into one.
    text.split(',').filter_map(|part| seconds(part.trim())).max()
}

/// Whole seconds, or some with a fraction, which the standard doesn't know and servers send.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let started = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    Some(Duration::from_secs(whole.parse().unwrap_or(u64::MAX).saturating_add(started)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::string::String;
    use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};

    fn asked(values: &[&[u8]]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::RETRY_AFTER, HeaderValue::from_bytes(value).unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn a_header_says_what_a_wait_means() {
        let said = |kinds: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.append(header::RETRY_AFTER, HeaderValue::from_static("7"));
            for kind in kinds {
                headers.append(advise::KIND_HEADER, HeaderValue::from_str(kind).unwrap());
            }
            meant(&headers)
        };
        let wait = Duration::from_secs(7);
        assert_eq!(said(&[]), Some(RetryAfter::AtLeast(wait)));
        assert_eq!(said(&["appointment"]), Some(RetryAfter::Appointment(wait)));
        assert_eq!(said(&[" window "]), Some(RetryAfter::Window(wait)));
        assert_eq!(said(&["party"]), Some(RetryAfter::AtLeast(wait)));
        assert_eq!(said(&["window", "appointment"]), Some(RetryAfter::AtLeast(wait)));
        assert_eq!(meant(&HeaderMap::new()), None);
    }

    #[test]
    fn retry_after_is_taken_clamped_or_ignored() {
        let longest = Some(Duration::from_secs(u64::MAX));
        for (value, wait) in [
            ("0", Some(Duration::ZERO)),
            ("7", Some(Duration::from_secs(7))),
            (" 007 ", Some(Duration::from_secs(7))),
            ("18446744073709551615", longest),
            ("18446744073709551616", longest),
            ("99999999999999999999999999999999999999999999", longest),
            ("1.5", Some(Duration::from_secs(2))),
            ("3.0", Some(Duration::from_secs(3))),
            ("18446744073709551615.1", longest),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::ZERO)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(Duration::ZERO)),
            ("Sun Nov  6 08:49:37 1994", Some(Duration::ZERO)),
            ("7, 120", Some(Duration::from_secs(120))),
            ("soon, 3", Some(Duration::from_secs(3))),
            ("-1", None),
            ("-99999999999999999999999", None),
            ("+1", None),
            ("1e9", None),
            ("0x10", None),
            ("NaN", None),
            ("inf", None),
            ("1.", None),
            (".5", None),
            ("", None),
            (",", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 99 Nov 2094 08:49:37 GMT", None),
            ("\u{665}", None),
        ] {
            assert_eq!(asked(&[value.as_bytes()]), wait, "{value}");
        }
        assert!(asked(&[b"Fri, 31 Dec 9999 23:59:59 GMT"]) > Some(Duration::from_secs(7_000 * 365 * 86_400)));
        assert_eq!(asked(&[b"\xff\xfe"]), None);
    }

    #[test]
    fn of_several_headers_the_longest_counts() {
        let two_minutes = Some(Duration::from_secs(120));
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[b"7", b"120"]), two_minutes);
        assert_eq!(asked(&[b"120", b"soon", b"Sun, 06 Nov 1994 08:49:37 GMT"]), two_minutes);
        assert_eq!(asked(&[b"soon", b"-5"]), None);
    }

    /// Only a message that a resume would bring again costs the session; the answer to an upgrade says nothing about it.
    #[test]
    fn only_a_message_that_cannot_be_taken_starts_a_new_session() {
        let too_long = Error::Capacity(CapacityError::MessageTooLong { size: 2, max_size: 1 });
        for error in [too_long, Error::Utf8(String::new())] {
            assert_eq!(cause(&error), Cause::Class(Class::Fresh), "{error}");
        }
        let answer =
            |status: u16| Error::Http(Box::new(Response::builder().status(status).body(None).unwrap()));
        assert_eq!(cause(&answer(503)), Cause::Http(503));
        for error in [
            answer(103),
            Error::Capacity(CapacityError::TooManyHeaders),
            Error::AttackAttempt,
            Error::Protocol(ProtocolError::NonZeroReservedBits),
        ] {
            assert_eq!(cause(&error), Cause::Io(IoKind::InvalidData), "{error}");
        }
    }
}
