//! What the policy does not decide, for logs.

use core::fmt;

use crate::driver::Untrusted;

use super::failure::Failure;
use super::frame::Close;
use super::request::Upgraded;
use super::url::UrlError;

/// Something that happened on a connection, for [`Protocol::report`](super::Protocol::report). `Display` is a line for a log.
///
/// ```no_run
/// use redial::websocket::{Report, connect};
///
/// # fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = connect("wss://feed.example")
///     .on_report(|epoch, report| match report {
///         Report::Upgraded(_) => println!("connection {epoch} is up"),
///         Report::Duplicate(_) => {}
///         other => eprintln!("connection {epoch}: {other}"),
///     })
///     .spawn()?;
/// # let _ = socket;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// The upgrade was granted.
    Upgraded(&'a Upgraded),
    /// A dial failed.
    DialFailed(&'a Failure),
    /// The server closed the connection with a close frame.
    Closed(&'a Close),
    /// The connection was lost without one.
    Lost(&'a Failure),
    /// A message could not be understood, or not be sent: why.
    Invalid(&'a str),
    /// A message with this sequence number came again and was left out.
    Duplicate(u64),
    /// An endpoint that the server named is not trusted, and was left out.
    Untrusted {
        /// Which, and why.
        error: &'a Untrusted,
        /// How many endpoints this client has refused so far, with this one.
        refused: usize,
    },
    /// An endpoint that the server named is no URL of a WebSocket, and was left out.
    BadEndpoint(&'a UrlError),
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upgraded(upgraded) => match upgraded.subprotocol() {
                Some(name) => write!(f, "upgraded, subprotocol {name:?}"),
                None => f.write_str("upgraded"),
            },
            Self::DialFailed(failure) => {
                write!(f, "the dial failed: {failure}")?;
                match failure.retry_after {
                    Some(wait) => write!(f, "; the server asks to come again {wait}"),
                    None => Ok(()),
                }
            }
            Self::Closed(close) => write!(f, "the server closed the connection: {close}"),
            Self::Lost(failure) => write!(f, "the connection was lost: {failure}"),
            Self::Invalid(detail) => write!(f, "bad message: {detail}"),
            Self::Duplicate(sequence) => write!(f, "message {sequence} came again and was left out"),
            Self::Untrusted { error, refused } => write!(f, "{error} (refused so far: {refused})"),
            Self::BadEndpoint(error) => error.fmt(f),
        }
    }
}
