//! Where to connect: a WebSocket URL, checked before anything is dialled.

use core::fmt;
use core::str::FromStr;
use std::borrow::ToOwned;
use std::format;
use std::string::String;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::http::Uri;

/// The longest URL, in bytes: what RFC 9112, section 3, recommends that every server takes as a request line.
pub const MAX_URL: usize = 8000;

/// The most characters of a URL that an error shows.
const MAX_SHOWN: usize = 80;

/// The address of a WebSocket server: `ws://HOST[:PORT][/PATH][?QUERY]`, or `wss://` for TLS.
///
/// The port is 80 or 443 unless the URL has another. A host is a name in ASCII (an internationalised one as Punycode,
/// `xn--…`), an IPv4 address, or an IPv6 address in brackets.
///
/// [`Display`](fmt::Display) and [`Debug`] leave out the query, where many services expect a token.
///
/// ```
/// use redial::websocket::Url;
///
/// let url: Url = "wss://gateway.example/?v=10".parse()?;
/// assert_eq!((url.host(), url.port(), url.is_secure()), ("gateway.example", 443, true));
/// assert_eq!(url.to_string(), "wss://gateway.example/");
///
/// let error = "https://gateway.example".parse::<Url>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the URL \"https://gateway.example\" can't be used: its scheme is not that of a WebSocket; use wss:// instead of https://"
/// );
/// # Ok::<(), redial::websocket::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    secure: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// Scheme, authority, path and query.
    text: String,
}

/// A URL that can't be used. `Display` says which, why, and what to write instead. So does `Debug`, which is what a `main` that
/// returns the error prints.
///
/// ```
/// use redial::websocket::{Url, UrlFault};
///
/// let error = Url::parse("http://feed.example").unwrap_err();
/// println!("{error}"); // what is wrong with it, and what to write instead
/// # let _ = UrlFault::as_str;
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UrlError {
    /// The URL as far as its path, cut to 80 characters, without a user name.
    pub url: String,
    /// What is wrong with it.
    pub reason: UrlFault,
}

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlFault {
    /// It is empty.
    Empty,
    /// It is longer than [`MAX_URL`].
    TooLong,
    /// It has no scheme.
    NoScheme,
    /// Its scheme is `http`.
    Http,
    /// Its scheme is `https`.
    Https,
    /// Its scheme is another one that is not `ws` or `wss`.
    Scheme,
    /// It has a character that no URL may have.
    Character,
    /// It has a fragment (`#…`), which RFC 6455, section 3, forbids.
    Fragment,
    /// It has a user name.
    UserName,
    /// Its host is missing, or is no name and no address.
    Host,
    /// Its port is not a number from 1 to 65535.
    Port,
}

impl UrlFault {
    /// What is wrong, and the way out.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Empty => ("it is empty", "use ws://HOST:PORT or wss://HOST"),
            Self::TooLong => {
                ("it is longer than 8000 bytes", "send what is long in a header or in a message")
            }
            Self::NoScheme => ("its scheme is missing", "use ws://HOST:PORT or wss://HOST"),
            Self::Http => ("its scheme is not that of a WebSocket", "use ws:// instead of http://"),
            Self::Https => ("its scheme is not that of a WebSocket", "use wss:// instead of https://"),
            Self::Scheme => ("its scheme is not that of a WebSocket", "use ws://HOST:PORT or wss://HOST"),
            Self::Character => (
                "it has a character that no URL may have",
                "write it percent-encoded, and a host as Punycode",
            ),
            Self::Fragment => ("it has a fragment", "leave out the #, or write it as %23"),
            Self::UserName => ("it has a user name", "send credentials in a header"),
            Self::Host => ("its host is missing or no name", "use ws://HOST:PORT or wss://HOST"),
            Self::Port => {
                ("its port is not a number from 1 to 65535", "correct it, or leave it out for 80 or 443")
            }
        }
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().0)
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, way_out) = self.reason.words();
        write!(f, "the URL {:?} can't be used: {reason}; {way_out}", self.url)
    }
}

impl fmt::Debug for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlError({self})")
    }
}

impl core::error::Error for UrlError {}

impl Url {
    /// Checks a URL.
    ///
    /// # Errors
    /// [`UrlError`], which says what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::read(text).map_err(|reason| UrlError { url: shown(text), reason })
    }

    fn read(text: &str) -> Result<Self, UrlFault> {
        if text.is_empty() {
            return Err(UrlFault::Empty);
        }
        if text.len() > MAX_URL {
            return Err(UrlFault::TooLong);
        }
        // What parsers cut away, replace or understand in different ways.
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\') {
            return Err(UrlFault::Character);
        }
        if text.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlFault::NoScheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            "http" => return Err(UrlFault::Http),
            "https" => return Err(UrlFault::Https),
            _ => return Err(UrlFault::Scheme),
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlFault::UserName);
        }
        let (host, port) = match authority.find(']') {
            Some(end) => authority.split_at(end.saturating_add(1)),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let default = if secure { 443 } else { 80 };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => default,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0).ok_or(UrlFault::Port)?
            }
            _ => return Err(UrlFault::Port),
        };
        let bare = match host.strip_prefix('[') {
            Some(inner) => {
                inner.strip_suffix(']').filter(|inner| inner.contains(':')).ok_or(UrlFault::Host)?
            }
            None => host,
        };
        // The strictest of those that read it later, so that none of them can refuse it during a dial.
        ServerName::try_from(bare).map_err(|_| UrlFault::Host)?;
        let path = if tail.starts_with('/') { "" } else { "/" };
        let scheme = if secure { "wss" } else { "ws" };
        let text = format!("{scheme}://{authority}{path}{tail}");
        let uri: Uri = text.parse().map_err(|_| UrlFault::Character)?;
        if uri.authority().is_none_or(|read| read.as_str() != authority) {
            return Err(UrlFault::Host);
        }
        Ok(Self { secure, host: bare.to_owned(), port, text })
    }

    /// An endpoint that the server named for a session or a redirect. Without a query of its own it gets this URL's, as
    /// the version and the encoding in it are the client's to choose.
    ///
    /// # Errors
    /// [`UrlError`]. This does not judge whether the endpoint is trusted: see
    /// [`EndpointGuard`](crate::driver::EndpointGuard).
    pub fn join(&self, endpoint: &str) -> Result<Self, UrlError> {
        let url = Self::parse(endpoint)?;
        match (self.query(), url.query()) {
            (Some(query), None) => Self::parse(&format!("{}?{query}", url.text.trim_end_matches('?'))),
            _ => Ok(url),
        }
    }

    /// The whole URL, the query included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is spoken: `wss`.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    fn query(&self) -> Option<&str> {
        self.text.split_once('?').map(|(_, query)| query).filter(|query| !query.is_empty())
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// A text that should have been a URL, for people: nothing of it that may be a secret.
pub(super) fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = match text.find("://") {
        Some(at) => text.split_at(at.saturating_add(3)),
        None => ("", text),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(_, host)| ("…@", host));
    [scheme, user, host, path].into_iter().flat_map(str::chars).take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_url_gets_what_it_lacks() {
        for (text, host, port, secure, whole) in [
            ("ws://127.0.0.1:4000", "127.0.0.1", 4000, false, "ws://127.0.0.1:4000/"),
            ("WSS://Gateway.example", "Gateway.example", 443, true, "wss://Gateway.example/"),
            ("ws://[::1]/path?v=9", "::1", 80, false, "ws://[::1]/path?v=9"),
            ("ws://[::1]:81?a=b", "::1", 81, false, "ws://[::1]:81/?a=b"),
            ("wss://h/a/b?c=d/e?f@g", "h", 443, true, "wss://h/a/b?c=d/e?f@g"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host(), url.port(), url.is_secure()), (host, port, secure), "{text}");
            assert_eq!(url.as_str(), whole);
        }
    }

    #[test]
    fn an_endpoint_gets_the_query_and_keeps_its_own() {
        let base = Url::parse("ws://h/path?v=10").unwrap();
        for (endpoint, joined) in [
            ("ws://i:81", "ws://i:81/?v=10"),
            ("ws://i:81/x?", "ws://i:81/x?v=10"),
            ("ws://i/x?v=9", "ws://i/x?v=9"),
        ] {
            assert_eq!(base.join(endpoint).unwrap().as_str(), joined);
        }
        assert_eq!(Url::parse("ws://h").unwrap().join("ws://i").unwrap().as_str(), "ws://i/");
        assert_eq!(base.join("http://i").unwrap_err().reason, UrlFault::Http);
    }

    #[test]
    fn a_bad_url_says_where_why_and_what_instead() {
        let long = format!("ws://h/{}", "x".repeat(MAX_URL));
        for (text, reason) in [
            ("", UrlFault::Empty),
            (&long, UrlFault::TooLong),
            ("localhost:80", UrlFault::NoScheme),
            ("http://localhost", UrlFault::Http),
            ("https://localhost", UrlFault::Https),
            ("ftp://localhost", UrlFault::Scheme),
            ("://localhost", UrlFault::Scheme),
            ("ws://ho st:1", UrlFault::Character),
            ("ws://host\\@other", UrlFault::Character),
            ("ws://bücher.example", UrlFault::Character),
            ("ws://host/\r\nX: y", UrlFault::Character),
            ("ws://host/a#b", UrlFault::Fragment),
            ("ws://user:word@host:1", UrlFault::UserName),
            ("ws://", UrlFault::Host),
            ("ws://:80", UrlFault::Host),
            ("ws:///path", UrlFault::Host),
            ("ws://[::1", UrlFault::Port),
            ("ws://[127.0.0.1]", UrlFault::Host),
            ("ws://::1", UrlFault::Port),
            ("ws://a..b", UrlFault::Host),
            ("ws://a%2eb", UrlFault::Host),
            ("ws://host:", UrlFault::Port),
            ("ws://host:0", UrlFault::Port),
            ("ws://host:+80", UrlFault::Port),
            ("ws://host:99999", UrlFault::Port),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert_eq!(error.reason, reason, "{text:.40}");
            let words = error.to_string();
            assert!(words.len() < 300 && words.contains("; ") && !words.contains('\n'), "{words}");
        }
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let url = Url::parse("wss://h/path?token=secret").unwrap();
        let error = Url::parse("wss://user:secret@h/path?token=secret").unwrap_err();
        let fragment = Url::parse("wss://h/#secret").unwrap_err();
        for text in [url.to_string(), format!("{url:?}"), error.to_string(), fragment.to_string()] {
            assert!(!text.contains("secret") && text.contains("wss://"), "{text}");
        }
    }
}
