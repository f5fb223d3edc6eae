//! Why a dial or a connection failed, in the policy's words.
//!
//! Only translated, never judged, by [`causes`](crate::causes): what a status means, and whether to wait for as long as the server
//! asks, is decided by the policy.

use core::fmt;
use std::io;
use std::string::{String, ToString};

use tokio_tungstenite::tungstenite::Error;

use crate::causes;
use crate::classify::{Cause, TlsKind};
use crate::driver::DialError;
use crate::policy::RetryAfter;

/// Why a dial failed or a connection was lost, with what the libraries below say for people.
///
/// ```no_run
/// use redial::websocket::{Report, connect};
///
/// # fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = connect("wss://feed.example")
///     .on_report(|_, report| {
///         if let Report::DialFailed(failure) = report {
///             eprintln!("{}; the server asks for {:?}; {}", failure.cause, failure.retry_after, failure.detail);
///         }
///     })
///     .spawn()?;
/// # let _ = socket;
/// # Ok(())
/// # }
/// ```
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
        Self { retry_after: causes::asked_now(error), ..Self::new(error.into(), error) }
    }

    /// From the TLS handshake.
    pub(super) fn from_tls(error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => Cause::Tls(TlsKind::Eof),
            _ => error.into(),
        };
        Self::new(cause, error)
    }

    pub(super) const fn dial_error(&self) -> DialError {
        DialError::Failed { cause: self.cause, retry_after: self.retry_after }
    }
}
