//! Where an endpoint that a server names may lie, before a session token is sent there.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Which endpoints of a server's choice are dialled with the session's token.
///
/// A server that names an endpoint for the resume (`resume_gateway_url`, a redirect, "use another server") decides where
/// the token goes next. An attacker who can forge or inject one message could have it sent to a host of theirs. So an endpoint is
/// judged against the base, the address in the client's own configuration, and never against an endpoint that a server
/// named before.
///
/// In all but [`Any`](Self::Any):
///
/// - The scheme must be that of the base, or one with TLS (`wss`, `https`, `tls`, `mqtts`, `amqps`, `rediss`) where the base
///   has one of these or its counterpart without (`ws`, `http`, `tcp`, `mqtt`, `amqp`, `redis`). An address without a
///   scheme (`host:port`) is trusted only for a base without one.
/// - The host of the base itself is always trusted.
/// - The port may be another. A name and a certificate stand for a host and not for a port, so the operator is the same, and
///   services do put sessions on other ports of one host.
/// - What can't be read without doubt is refused: user names, percent signs in a host, backslashes, blanks, control
///   characters, letters beyond ASCII (an internationalised name is read as Punycode, `xn--…`), fragments, IPv4 addresses
///   other than four decimal numbers, scopes of IPv6 addresses, empty labels and ports. Programs disagree about what those
///   mean. Upper case and one trailing dot are accepted.
///
/// An endpoint that is refused is left out: the session is then resumed at the base. See [`EndpointGuard`] for how.
///
/// ```
/// use redial::driver::{EndpointTrust, TrustedHost};
///
/// let trust = EndpointTrust::Listed(&[TrustedHost::Domain("discord.gg")]);
/// let base = "wss://gateway.discord.gg/?v=10";
/// assert!(trust.judge(base, "wss://gateway-us-east1-b.discord.gg").is_ok());
/// let refused = trust.judge(base, "wss://gateway.discord.gg.evil.example").unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "the endpoint \"wss://gateway.discord.gg.evil.example\" is not trusted for the base \"gateway.discord.gg\": \
///      its host is not on the list; dial the base, or add the host to EndpointTrust::Listed"
/// );
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointTrust<'a> {
    /// The registrable domain of the base and everything below it: for `gateway.discord.gg` that is `discord.gg`, so
    /// that siblings such as `gateway-us-east1-b.discord.gg` are trusted. For an address, a name without a dot
    /// (`localhost`), a public suffix and a top-level domain that the list does not have (`.internal`): the same host.
    /// The default.
    ///
    /// A domain is registrable right below a public suffix, such as `com`, `co.uk` or `github.io`. The list of those
    /// (publicsuffix.org, with its private part) comes with the feature `public-suffix`, in the state of the day on which
    /// the crate `psl` was released; `cargo update` brings a newer one. **Without that feature this is
    /// [`SameHost`](Self::SameHost).**
    #[default]
    SameDomain,
    /// The host of the base.
    SameHost,
    /// The host of the base, and these.
    Listed(&'a [TrustedHost<'a>]),
    /// Whatever the server names; nothing is read. For tokens that are worth nothing, and for endpoints that are no
    /// addresses but names that the client looks up by itself.
    Any,
}

/// A place in [`EndpointTrust::Listed`]: a host without scheme and port. One that can't be read matches nothing.
///
/// ```
/// use redial::driver::{EndpointTrust, TrustedHost};
///
/// let trust = EndpointTrust::Listed(&[TrustedHost::Host("resume.example.net"), TrustedHost::Domain("example.org")]);
/// let base = "wss://gateway.example.com";
/// assert!(trust.judge(base, "wss://resume.example.net").is_ok());
/// assert!(trust.judge(base, "wss://eu.example.org").is_ok());
/// assert!(trust.judge(base, "wss://eu.resume.example.net").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrustedHost<'a> {
    /// This name or address (an IPv6 address in brackets), and no other.
    Host(&'a str),
    /// This name and everything below it.
    Domain(&'a str),
}

/// An endpoint is not trusted, so no token goes there. No reason to give up: dial the base.
///
/// ```
/// use redial::driver::{Distrust, EndpointTrust};
///
/// let untrusted = EndpointTrust::SameHost.judge("wss://a.example", "ws://a.example").unwrap_err();
/// assert_eq!(untrusted.reason, Distrust::Scheme);
/// println!("{untrusted}"); // with what was named, what is wrong, and the way out
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Untrusted {
    /// Scheme, host and port of the endpoint as the server named it, without path and query, cut to 100 characters.
    /// [`Display`](fmt::Display) escapes it.
    pub place: String,
    /// The host of the base; empty where the base can't be read.
    pub base: String,
    /// What is wrong with it.
    pub reason: Distrust,
}

/// Why an endpoint is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Distrust {
    /// The base can't be read, so nothing can be compared with it.
    Base,
    /// A blank, a control character, a backslash, a `#` or a letter beyond ASCII.
    Character,
    /// It has a user name (`user@host`), which serves to disguise a host.
    UserName,
    /// Its scheme is none, or weaker than that of the base, or another one altogether.
    Scheme,
    /// Its host is missing or can't be read without doubt.
    Host,
    /// Its port is no number from 1 to 65535.
    Port,
    /// Its host is not that of the base.
    OtherHost,
    /// Its host is not within the registrable domain of the base.
    OtherDomain,
    /// Its host is neither that of the base nor on the list.
    NotListed,
}

impl Distrust {
    /// The sentence of [`Untrusted`]: what is wrong, and the way out.
    const fn words(self) -> (&'static str, &'static str) {
        const LIST: &str = "or add the host to EndpointTrust::Listed";
        match self {
            Self::Base => ("the base can't be read", "or give the base as scheme://host:port"),
            Self::Character => {
                ("it has a character that no address may have", "or have the server escape it")
            }
            Self::UserName => ("it has a user name", "or have the server leave that out"),
            Self::Scheme => ("its scheme is not as strong as that of the base", "or have the server name it"),
            Self::Host => ("its host can't be read", "or have the server name a host"),
            Self::Port => ("its port is no number from 1 to 65535", "or have the server name one"),
            Self::OtherHost => ("its host is not that of the base", LIST),
            Self::OtherDomain => ("its host is outside the registrable domain of the base", LIST),
            Self::NotListed => ("its host is not on the list", LIST),
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().0)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, way_out) = self.reason.words();
        write!(f, "the endpoint {:?} is not trusted", self.place)?;
        if !self.base.is_empty() {
            write!(f, " for the base {:?}", self.base)?;
        }
        write!(f, ": {reason}; dial the base, {way_out}")
    }
}

impl core::error::Error for Untrusted {}

impl EndpointTrust<'_> {
    /// Whether the token of a session that was begun at `base` may be sent to `endpoint`. Both are `scheme://host:port`
    /// with the rest of a URL behind it, or `host:port`; the base may have a user name.
    ///
    /// # Errors
    /// [`Untrusted`], which says what is wrong and what to do.
    pub fn judge(&self, base: &str, endpoint: &str) -> Result<(), Untrusted> {
        if *self == Self::Any {
            return Ok(());
        }
        let base = Place::read(base, true);
        let judged = match &base {
            Ok(base) => Place::read(endpoint, false).and_then(|endpoint| self.compare(base, &endpoint)),
            Err(_) => Err(Distrust::Base),
        };
        judged.map_err(|reason| Untrusted {
            place: shown(endpoint),
            base: base.map_or_else(|_| String::new(), |base| base.host.to_string()),
            reason,
        })
    }

    fn compare(&self, base: &Place, endpoint: &Place) -> Result<(), Distrust> {
        if !base.allows_scheme(endpoint) {
            return Err(Distrust::Scheme);
        }
        let host = &endpoint.host;
        if base.host == *host {
            return Ok(());
        }
        let (trusted, otherwise) = match self {
            Self::SameDomain if cfg!(feature = "public-suffix") => {
                (base.host.shares_domain(host), Distrust::OtherDomain)
            }
            Self::SameDomain | Self::SameHost => (false, Distrust::OtherHost),
            Self::Listed(list) => (list.iter().any(|listed| listed.covers(host)), Distrust::NotListed),
            Self::Any => (true, Distrust::OtherHost),
        };
        if trusted { Ok(()) } else { Err(otherwise) }
    }
}

impl TrustedHost<'_> {
    fn covers(self, host: &Host) -> bool {
        let (Self::Host(text) | Self::Domain(text)) = self;
        let Ok(listed) = Host::read(text) else { return false };
        match (self, &listed, host) {
            (Self::Domain(_), Host::Name(domain), Host::Name(name)) => {
                let above = name.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            _ => listed == *host,
        }
    }
}

/// An [`EndpointTrust`] that counts what it refuses. It belongs in a [`Protocol`](super::Protocol), which puts every
/// endpoint through it that a server names, before it becomes part of an event.
///
/// What is refused is just left out of the event: the session has no endpoint of its own then, and its resume goes to the
/// base. Judge a session that was stored, too, if others can write where it is kept.
///
/// ```
/// use redial::driver::{EndpointGuard, EndpointTrust};
/// use redial::{Epoch, Event};
///
/// const BASE: &str = "wss://gateway.example.com";
///
/// struct Gateway {
///     guard: EndpointGuard<'static>,
/// }
///
/// impl Gateway {
///     /// From `Protocol::receive`.
///     fn ready(&self, epoch: Epoch, token: String, resume_url: Option<String>) -> Event<String> {
///         let endpoint = resume_url.and_then(|url| {
///             let judged = self.guard.admit(BASE, url);
///             judged.inspect_err(|untrusted| eprintln!("{untrusted}")).ok()
///         });
///         Event::Ready { epoch, token: Some(token), endpoint, sequence: None, ttl: None }
///     }
/// }
///
/// let gateway = Gateway { guard: EndpointGuard::new(EndpointTrust::SameHost) };
/// let ready = gateway.ready(Epoch::from_raw(1).unwrap(), "t".to_owned(), Some("wss://evil.example".to_owned()));
/// assert!(matches!(ready, Event::Ready { endpoint: None, .. }));
/// assert_eq!(gateway.guard.refused(), 1);
/// ```
#[derive(Debug, Default)]
pub struct EndpointGuard<'a> {
    trust: EndpointTrust<'a>,
    refused: AtomicUsize,
}

impl<'a> EndpointGuard<'a> {
    /// Nothing was refused yet.
    #[must_use]
    pub const fn new(trust: EndpointTrust<'a>) -> Self {
        Self { trust, refused: AtomicUsize::new(0) }
    }

    /// Gives the endpoint back if it is trusted, and counts it otherwise. See [`EndpointTrust::judge`].
    ///
    /// # Errors
    /// [`Untrusted`], for your log.
    pub fn admit<T: AsRef<str>>(&self, base: &str, endpoint: T) -> Result<T, Untrusted> {
        match self.trust.judge(base, endpoint.as_ref()) {
            Ok(()) => Ok(endpoint),
            Err(untrusted) => {
                let more = |count: usize| Some(count.saturating_add(1));
                _ = self.refused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
                Err(untrusted)
            }
        }
    }

    /// How many were refused so far. Any at all means that a server misbehaves, that somebody else speaks for it, or that
    /// the trust is narrower than the service.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Schemes without TLS, and those that have it.
const PLAIN: [&str; 6] = ["ws", "http", "tcp", "mqtt", "amqp", "redis"];
const SECURE: [&str; 6] = ["wss", "https", "tls", "mqtts", "amqps", "rediss"];

/// What of an address matters here.
struct Place {
    /// In lower case; `None`: it has none.
    scheme: Option<String>,
    host: Host,
}

impl Place {
    fn read(text: &str, is_base: bool) -> Result<Self, Distrust> {
        // Everything that a URL parser may cut away, replace or take for something else.
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'\\' || byte == b'#') {
            return Err(Distrust::Character);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let is_scheme = |scheme: &str| {
            let mut bytes = scheme.bytes();
            bytes.next().is_some_and(|first| first.is_ascii_lowercase())
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        if scheme.as_deref().is_some_and(|scheme| !is_scheme(scheme)) {
            return Err(Distrust::Scheme);
        }
        let mut authority = rest.split(['/', '?']).next().unwrap_or_default();
        if is_base {
            authority = authority.rsplit('@').next().unwrap_or_default();
        } else if rest.split('/').next().unwrap_or_default().contains('@') {
            // Also behind a question mark, where some parsers still see the authority.
            return Err(Distrust::UserName);
        }
        let (host, port) = match authority.find(']') {
            Some(end) => authority.split_at(end.saturating_add(1)),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let host = Host::read(host)?;
        let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let is_port = digits.and_then(|digits| digits.parse().ok()).is_some_and(|port: u16| port > 0);
        if !port.is_empty() && !is_port {
            return Err(Distrust::Port);
        }
        Ok(Self { scheme, host })
    }

    /// Whether the endpoint's scheme is this one's, or as strong.
    fn allows_scheme(&self, endpoint: &Self) -> bool {
        match (&self.scheme, &endpoint.scheme) {
            (Some(base), Some(scheme)) => {
                let known = |base| PLAIN.contains(&base) || SECURE.contains(&base);
                base == scheme || known(base.as_str()) && SECURE.contains(&scheme.as_str())
            }
            (base, scheme) => base == scheme,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Host {
    /// In lower case, without a trailing dot.
    Name(String),
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Host {
    fn read(text: &str) -> Result<Self, Distrust> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self::Address(address.into())).ok_or(Distrust::Host);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(Distrust::Host);
        }
        // No top-level domain is a number, and browsers take every such host for an IPv4 address.
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = match last.strip_prefix("0x") {
            Some(digits) => digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
            None => last.bytes().all(|digit| digit.is_ascii_digit()),
        };
        if is_number {
            let address = name.parse::<Ipv4Addr>();
            return address.map(|address| Self::Address(address.into())).map_err(|_| Distrust::Host);
        }
        Ok(Self::Name(name))
    }

    fn shares_domain(&self, other: &Self) -> bool {
        let (Self::Name(name), Self::Name(other)) = (self, other) else { return false };
        let domain = registrable(name);
        domain.is_some() && domain == registrable(other)
    }
}

/// The part of a name that somebody registered, if the list knows its public suffix.
#[cfg(feature = "public-suffix")]
fn registrable(name: &str) -> Option<&str> {
    use psl::Psl;

    // The list has internationalised names as they are shown. What is compared is what is dialled.
    let mut shown = String::new();
    for label in name.split('.') {
        let label = match label.strip_prefix("xn--") {
            Some(encoded) => from_punycode(encoded)?,
            None => label.chars().collect(),
        };
        shown.extend(label.into_iter().chain(['.']));
    }
    let shown = shown.strip_suffix('.')?;
    let domain = psl::List.domain(shown.as_bytes()).filter(|domain| domain.suffix().is_known())?;
    let labels = domain.as_bytes().split(|byte| *byte == b'.').count();
    let begin =
        name.rmatch_indices('.').nth(labels.checked_sub(1)?).map_or(0, |(dot, _)| dot.saturating_add(1));
    name.get(begin..)
}

#[cfg(not(feature = "public-suffix"))]
const fn registrable(_: &str) -> Option<&str> {
    None
}

/// What a label stands for (RFC 3492, section 6.2), without its `xn--`. At most 63 characters are decoded.
#[cfg(feature = "public-suffix")]
fn from_punycode(encoded: &str) -> Option<alloc::vec::Vec<char>> {
    const BASE: u32 = 36;
    let (basic, deltas) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut label: alloc::vec::Vec<char> = basic.chars().collect();
    let (mut code, mut place, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = deltas.chars();
    while !digits.as_str().is_empty() {
        let (before, mut weight, mut step) = (place, 1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                letter @ 'a'..='z' => u32::from(letter).checked_sub(u32::from('a'))?,
                number => number.to_digit(10)?.checked_add(26)?,
            };
            place = place.checked_add(digit.checked_mul(weight)?)?;
            let threshold = step.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE.checked_sub(threshold)?)?;
            step = step.checked_add(BASE)?;
        }
        let length = u32::try_from(label.len()).ok()?.checked_add(1)?;
        // The bias for the next one: small where the characters lie close together.
        let delta = place.checked_sub(before)?.checked_div(if before == 0 { 700 } else { 2 })?;
        let mut delta = delta.checked_add(delta.checked_div(length)?)?;
        bias = 0;
        while delta > 455 {
            delta = delta.checked_div(35)?;
            bias = bias.checked_add(BASE)?;
        }
        bias = bias.checked_add(delta.checked_mul(36)?.checked_div(delta.checked_add(38)?)?)?;
        code = code.checked_add(place.checked_div(length)?)?;
        place = place.checked_rem(length)?;
        label.insert(usize::try_from(place).ok()?, char::from_u32(code)?);
        place = place.checked_add(1)?;
    }
    Some(label)
}

/// An address as far as its port, for people.
fn shown(endpoint: &str) -> String {
    let (scheme, rest) = match endpoint.find("://") {
        Some(at) => endpoint.split_at(at.saturating_add(3)),
        None => ("", endpoint),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    scheme.chars().chain(authority.chars()).take(100).collect()
}
