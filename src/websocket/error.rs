//! What can be wrong before anything is dialled.

use core::fmt;
use std::string::String;

use super::url::UrlError;
use crate::error::ConfigError;

/// A client that can't be set up as it was asked for. Nothing was dialled.
///
/// `Display` says what is wrong and what to do. So does `Debug`, which is what a `main` that returns the error prints.
///
/// ```
/// use redial::websocket::{SetupError, connect};
///
/// let wrong = connect("feed.example").client().err().expect("no scheme");
/// assert!(matches!(wrong, SetupError::Url(_)));
/// println!("{wrong}"); // what is wrong, and what to do
///
/// let wrong = connect("wss://feed.example").header("Host", "other").client().err().expect("not to be set");
/// assert_eq!(wrong, SetupError::ReservedHeader("Host".to_owned()));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetupError {
    /// The URL can't be used.
    Url(UrlError),
    /// There are more than 8 URLs.
    TooManyUrls,
    /// A header with this name can't be sent: the name or the value has a character that no header may have.
    Header(String),
    /// A header with this name is the handshake's own.
    ReservedHeader(String),
    /// A subprotocol with this name can't be asked for: it is empty, asked for twice, or no token (RFC 9110, section 5.6.2).
    Subprotocol(String),
    /// The reason of the close frame is longer than 123 bytes (RFC 6455, section 5.5).
    CloseReason,
    /// The config can't be used.
    Config(ConfigError),
    /// TLS can't be set up.
    Tls(String),
    /// There is no tokio runtime to spawn the client on.
    NoRuntime,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::TooManyUrls => {
                f.write_str("there are more than 8 URLs; use one name with several addresses")
            }
            Self::Header(name) => {
                write!(
                    f,
                    "the header {name:?} can't be sent: its name or value has a character that no header may have; leave that out or encode it"
                )
            }
            Self::ReservedHeader(name) => {
                write!(
                    f,
                    "the header {name:?} is the handshake's own; leave it out, and ask for a subprotocol with `subprotocol`"
                )
            }
            Self::Subprotocol(name) => {
                write!(
                    f,
                    "the subprotocol {name:?} can't be asked for: it is empty, asked for twice, or no token; use letters, digits and \"-._\""
                )
            }
            Self::CloseReason => {
                f.write_str("the reason of the close frame is longer than 123 bytes; shorten it")
            }
            Self::Config(error) => write!(f, "the config can't be used: {error}"),
            Self::Tls(error) => write!(f, "TLS can't be set up: {error}; give a configuration with `tls`"),
            Self::NoRuntime => f.write_str(
                "there is no tokio runtime here; call it inside of one, or run the driver yourself",
            ),
        }
    }
}

impl fmt::Debug for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetupError({self})")
    }
}

impl core::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Config(error) => Some(error),
            _ => None,
        }
    }
}

impl From<UrlError> for SetupError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<ConfigError> for SetupError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::Url;
    use std::format;

    #[test]
    fn debug_is_the_sentence_too() {
        let url = Url::parse("http://h").unwrap_err();
        let words = "the URL \"http://h\" can't be used: its scheme is not that of a WebSocket; use ws:// instead of http://";
        assert_eq!(format!("{url:?}"), format!("UrlError({words})"));
        assert_eq!(format!("{:?}", SetupError::Url(url)), format!("SetupError({words})"));
    }
}
