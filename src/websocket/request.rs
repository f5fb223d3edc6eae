//! What the upgrade asks for, and what its answer says.

use core::fmt;
use std::borrow::ToOwned;
use std::string::String;
use std::vec::Vec;

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::error::SetupError;
use super::failure::Failure;
use super::url::Url;
use crate::classify::{Cause, IoKind};

/// Those that make a request an upgrade, or that this client does not speak.
const RESERVED: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
];

/// The headers of an upgrade, beside those that make it one. [`Debug`] shows their names alone: a value may be a secret.
///
/// ```
/// use redial::websocket::{Headers, SetupError};
///
/// // From a protocol's `request`: a token that is another one for each dial.
/// let mut headers = Headers::default();
/// headers.set("Authorization", "Bearer 0123")?;
/// assert!(headers.contains("authorization"));
/// assert!(headers.set("Sec-WebSocket-Key", "x").is_err());
/// # Ok::<(), SetupError>(())
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    map: HeaderMap,
    subprotocols: Vec<String>,
}

impl Headers {
    /// Sends this header, and no other of the same name.
    ///
    /// # Errors
    /// [`SetupError::Header`]: the name or the value has a character that no header may have.
    /// [`SetupError::ReservedHeader`]: the handshake sets it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SetupError> {
        let wrong = || SetupError::Header(name.to_owned());
        let key: HeaderName = name.parse().map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        if RESERVED.contains(&key) {
            return Err(SetupError::ReservedHeader(name.to_owned()));
        }
        self.map.insert(key, value);
        Ok(())
    }

    /// Whether a header of this name is sent.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Asks for a subprotocol; the first that was asked for is preferred.
    pub(super) fn add_subprotocol(&mut self, name: &str) -> Result<(), SetupError> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let known = self.subprotocols.iter().any(|other| other == name);
        if name.is_empty() || known || !name.bytes().all(is_token) {
            return Err(SetupError::Subprotocol(name.to_owned()));
        }
        self.subprotocols.push(name.to_owned());
        Ok(())
    }

    /// The whole upgrade.
    pub(super) fn request(&self, url: &Url) -> Result<Request, Failure> {
        let wrong = |detail: &str| Failure::new(Cause::Io(IoKind::InvalidInput), detail);
        // The library writes the key and what else makes it an upgrade.
        let request = url.as_str().into_client_request();
        let mut request = request.map_err(|error| Failure::from_websocket(&error))?;
        let headers = request.headers_mut();
        headers.extend(self.map.clone());
        if !self.subprotocols.is_empty() {
            let names = HeaderValue::from_str(&self.subprotocols.join(", "));
            headers.insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                names.map_err(|_| wrong("the subprotocols can't be sent"))?,
            );
        }
        Ok(request)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.map.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Headers").field("names", &names).field("subprotocols", &self.subprotocols).finish()
    }
}

/// What the server answered to the upgrade. [`Debug`] shows the names of its headers alone.
///
/// ```no_run
/// use redial::websocket::connect;
///
/// # fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = connect("wss://feed.example")
///     .on_connect(|connection| {
///         let node = connection.upgraded().header("x-node").unwrap_or("unknown");
///         println!("connected to {node}");
///     })
///     .spawn()?;
/// # let _ = socket;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Upgraded(HeaderMap);

impl Upgraded {
    pub(super) const fn new(headers: HeaderMap) -> Self {
        Self(headers)
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.header("sec-websocket-protocol")
    }

    /// The first header of this name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(HeaderName::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn what_no_header_may_have_is_refused() {
        let mut headers = Headers::default();
        headers.set("Authorization", "Bearer secret").unwrap();
        for (name, value) in [("", "x"), ("a b", "x"), ("a:", "x"), ("a", "x\r\nb: c"), ("a", "\0")] {
            assert_eq!(headers.set(name, value), Err(SetupError::Header(name.to_owned())));
        }
        for name in ["host", "Connection", "UPGRADE", "Sec-WebSocket-Key", "sec-websocket-protocol"] {
            assert_eq!(headers.set(name, "x"), Err(SetupError::ReservedHeader(name.to_owned())));
        }
        for name in ["", "a,b", "a b", "ü", "a\r\n"] {
            assert_eq!(headers.add_subprotocol(name), Err(SetupError::Subprotocol(name.to_owned())));
        }
        headers.add_subprotocol("graphql-transport-ws").unwrap();
        assert!(headers.add_subprotocol("graphql-transport-ws").is_err(), "twice");
        let shown = format!("{headers:?}");
        assert!(shown.contains("authorization") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn an_upgrade_asks_for_the_path_and_carries_what_was_set() {
        let mut headers = Headers::default();
        headers.set("Origin", "https://app.example").unwrap();
        headers.add_subprotocol("a").unwrap();
        headers.add_subprotocol("b").unwrap();
        let url = Url::parse("wss://h:444/path?v=10").unwrap();
        let request = headers.request(&url).unwrap();
        assert_eq!(request.uri().path_and_query().unwrap().as_str(), "/path?v=10");
        for (name, value) in
            [("host", "h:444"), ("origin", "https://app.example"), ("sec-websocket-protocol", "a, b")]
        {
            assert_eq!(request.headers()[name], value);
        }
    }
}
