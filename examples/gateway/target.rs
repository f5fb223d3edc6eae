//! Where to dial: a `ws://` URL taken apart.

use std::sync::Arc;

use redial::driver::EndpointGuard;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::protocol::QUERY;

/// A `ws://` URL. Without a path and parameters of its own it gets the gateway's.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The whole URL, as it is asked for in the upgrade.
    pub(crate) url: String,
    query: String,
    /// Where sessions may lie: on this host, and with the feature `public-suffix` in its registrable domain.
    guard: Arc<EndpointGuard<'static>>,
}

impl Target {
    /// The gateway's own URL, as the user gives it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (_, query) = QUERY.split_once('?').unwrap_or_default();
        Self::with_query(text, query)
    }

    /// A session's own URL, as the server gives it: the parameters are ours to add. The token is sent there, so it has to
    /// be where we trust it to be.
    pub(crate) fn session(&self, text: &str) -> Result<Self, String> {
        let trusted = self.guard.admit(&self.url, text);
        let text = trusted.map_err(|error| format!("{error} (refused so far: {})", self.guard.refused()))?;
        Self::with_query(text, &self.query)
    }

    fn with_query(text: &str, query: &str) -> Result<Self, String> {
        let shown: String = text.chars().take(80).collect();
        let wrong = |why: &str| format!("bad URL {shown:?}: {why}");
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("{error}; use ws://HOST:PORT")))?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => return Err(wrong("this example speaks no TLS; use ws://HOST:PORT")),
            Some(other) => {
                return Err(wrong(&format!("{other}:// is no WebSocket scheme; use ws://HOST:PORT")));
            }
            None => return Err(wrong("the scheme is missing; use ws://HOST:PORT")),
        }
        let authority = uri.authority().ok_or_else(|| wrong("the host is missing"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a user name has no place in it"));
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => 80,
            Some(rest) => match rest.strip_prefix(':').and_then(|port| port.parse().ok()) {
                Some(port) if port > 0 => port,
                _ => return Err(wrong("the port must be a number from 1 to 65535")),
            },
            None => return Err(wrong("the host is unclear")),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let query = uri.query().filter(|own| !own.is_empty()).unwrap_or(query);
        let path = uri.path();
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            host: bare.to_owned(),
            port,
            url: format!("ws://{authority}{path}?{query}"),
            query: query.to_owned(),
            guard: Arc::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gets_what_it_lacks() {
        let target = Target::parse("ws://127.0.0.1:4000").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("127.0.0.1", 4000));
        assert_eq!(target.url, format!("ws://127.0.0.1:4000{QUERY}"));
        let own = Target::parse("ws://[::1]/path?v=9").unwrap();
        assert_eq!((own.host.as_str(), own.port, own.url.as_str()), ("::1", 80, "ws://[::1]/path?v=9"));
        let session = own.session("ws://[::1]:81").unwrap();
        assert_eq!(session.url, "ws://[::1]:81/?v=9");
    }

    #[test]
    fn a_session_stays_where_it_is_trusted() {
        let target = Target::parse("ws://127.0.0.1:4000").unwrap();
        for (count, url) in
            (1..).zip(["ws://127.0.0.2:4000", "ws://127.0.0.1@evil.example", "http://127.0.0.1:81"])
        {
            let error = target.session(url).unwrap_err();
            assert!(error.ends_with(&format!("(refused so far: {count})")), "{error}");
        }
    }

    #[test]
    fn a_bad_url_says_why() {
        for (url, why) in [
            ("", "use ws://"),
            ("localhost:80", "use ws://"),
            ("wss://localhost:80", "no TLS"),
            ("http://localhost:80", "no WebSocket scheme"),
            ("ws://", "use ws://"),
            ("ws://:80", "bad URL"),
            ("ws://host:", "the port"),
            ("ws://host:0", "the port"),
            ("ws://host:99999", "the port"),
            ("ws://user:word@host:1", "user name"),
            ("ws://ho st:1", "use ws://"),
        ] {
            let error = Target::parse(url).unwrap_err();
            assert!(error.contains(why) && !error.contains('\n'), "{url}: {error}");
        }
    }
}
