//! What the two sides say: messages, and the close frame.

use core::fmt;
use std::borrow::ToOwned;
use std::string::String;
use std::vec::Vec;

use tokio_tungstenite::tungstenite::Message;

/// One message, of either direction.
///
/// ```
/// use redial::websocket::Frame;
///
/// assert_eq!(Frame::from("hello").as_text(), Some("hello"));
/// assert_eq!(Frame::from(vec![1, 2]).to_string(), "2 bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two kinds of messages that RFC 6455 has")]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

impl Frame {
    /// The text; `None` for a binary message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The bytes of either kind.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn into_message(self) -> Message {
        match self {
            Self::Text(text) => Message::text(text),
            Self::Binary(bytes) => Message::binary(bytes),
        }
    }
}

/// The text, or the number of bytes.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Binary(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Frame {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.to_owned())
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

/// How the server ended a connection.
///
/// ```
/// use redial::Cause;
/// use redial::websocket::Close;
///
/// /// From a protocol's `closed`, where the reason says more than the code.
/// fn closed(close: &Close) -> Cause {
///     match (close.code, close.reason.as_str()) {
///         (1008, "token expired") => Cause::AuthRejected,
///         (4009, _) => Cause::SessionInvalid,
///         (code, _) => Cause::CloseFrame(code),
///     }
/// }
/// # let _ = closed;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Close {
    /// The code of its close frame; 1005 for a frame without one.
    pub code: u16,
    /// The reason in it, at most 123 bytes.
    pub reason: String,
}

/// The code, and the reason where there is one.
impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, reason } = self;
        if reason.is_empty() { write!(f, "close {code}") } else { write!(f, "close {code}: {reason:?}") }
    }
}
