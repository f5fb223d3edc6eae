//! How a client is set up.

use core::fmt;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
#[cfg(feature = "telemetry")]
use std::sync::{Mutex, PoisonError};
use std::vec;
use std::vec::Vec;

use tokio_rustls::rustls::ClientConfig;

use crate::driver::{EndpointGuard, EndpointTrust, Outbox};
use crate::endpoints::FixedEndpoints;
use crate::handover;
use crate::policy::{Config, Epoch};
use crate::presets;
#[cfg(feature = "telemetry")]
use crate::telemetry::Sink;

use super::client::Client;
use super::error::SetupError;
use super::limits::Limits;
use super::numbers::Numbers;
use super::protocol::{Connection, Protocol};
use super::raw::Raw;
use super::report::Report;
use super::request::Headers;
use super::socket::Socket;
use super::tls;
use super::url::{Url, shown};

/// How many URLs a client may have.
pub(super) const MAX_URLS: usize = 8;

/// The longest reason of a close frame, in bytes (RFC 6455, section 5.5).
const MAX_REASON: usize = 123;

/// A client that stays connected to `url`, once it is [spawned](Connect::spawn).
///
/// What is wrong with the URL or another argument is an error of [`Connect::spawn`].
///
/// ```no_run
/// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = redial::websocket::connect("wss://feed.example")
///     .on_connect(|connection| connection.send("SUB lobby"))
///     .spawn()?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.recv().await {
///     println!("{message}");
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "spawn it"]
pub fn connect(url: &str) -> Connect<Raw> {
    Connect {
        urls: vec![url.to_owned()],
        protocol: Raw::default(),
        headers: Headers::default(),
        tls: None,
        limits: Limits::DEFAULT,
        trust: EndpointTrust::default(),
        close_reason: String::new(),
        config: presets::WEBSOCKET,
        handover: None,
        seed: None,
        outbox: None,
        buffer: None,
        subscriptions: Vec::new(),
        #[cfg(feature = "telemetry")]
        sink: Observing::default(),
        error: None,
    }
}

/// What a client needs to know. [`connect`] begins it, [`spawn`](Self::spawn) ends it. [`Debug`] shows its URLs without their
/// queries, and the names of its headers alone: the rest may be a secret.
///
/// ```no_run
/// use redial::driver::{Outbox, Overflow};
/// use redial::websocket::{Limits, connect};
/// use redial::{handover, presets};
///
/// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = connect("wss://eu.feed.example")
///     .or("wss://us.feed.example")
///     .header("X-Api-Key", "0123")
///     .subprotocol("feed.v2")
///     .config(presets::WEBSOCKET.to_builder().backoff(presets::FEW.backoff()).build()?)
///     .handover(handover::Config::DEFAULT)
///     .outbox(Outbox::new().with_offline_queue(Overflow::DropOldest))
///     .limits(Limits::DEFAULT)
///     .on_report(|epoch, report| eprintln!("connection {epoch}: {report}"))
///     .spawn()?;
/// # let _ = socket;
/// # Ok(())
/// # }
/// ```
#[must_use = "spawn it"]
pub struct Connect<P: Protocol> {
    urls: Vec<String>,
    protocol: P,
    headers: Headers,
    tls: Option<Box<ClientConfig>>,
    limits: Limits,
    trust: EndpointTrust<'static>,
    close_reason: String,
    pub(super) config: Config,
    pub(super) handover: Option<handover::Config>,
    pub(super) seed: Option<u64>,
    pub(super) outbox: Option<Outbox>,
    pub(super) buffer: Option<usize>,
    pub(super) subscriptions: Vec<(P::Key, i32)>,
    #[cfg(feature = "telemetry")]
    pub(super) sink: Observing,
    /// The first thing that was wrong.
    error: Option<SetupError>,
}

impl<P: Protocol + fmt::Debug> fmt::Debug for Connect<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<_> = self.urls.iter().map(|url| shown(url)).collect();
        f.debug_struct("Connect")
            .field("urls", &urls)
            .field("protocol", &self.protocol)
            .field("headers", &self.headers)
            .field("limits", &self.limits)
            .field("trust", &self.trust)
            .field("close_reason", &self.close_reason)
            .field("config", &self.config)
            .field("handover", &self.handover)
            .field("outbox", &self.outbox)
            .field("buffer", &self.buffer)
            .field("subscriptions", &self.subscriptions)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// What sees the policy's steps.
#[cfg(feature = "telemetry")]
#[derive(Default)]
pub(super) struct Observing(Mutex<Option<Box<dyn Sink + Send>>>);

#[cfg(feature = "telemetry")]
impl Observing {
    pub(super) fn into_sink(self) -> Option<Box<dyn Sink + Send>> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connect<Raw> {
    /// Calls this on every new connection, before anything else is sent. Of several, all in order.
    pub fn on_connect(mut self, on_connect: impl Fn(&mut Connection<'_>) + Send + Sync + 'static) -> Self {
        self.protocol.on_connect.push(Box::new(on_connect));
        self
    }

    /// Calls this with what the policy does not decide: failed dials, close frames, and why. For logs.
    pub fn on_report(mut self, on_report: impl Fn(Epoch, &Report<'_>) + Send + Sync + 'static) -> Self {
        self.protocol.on_report.push(Box::new(on_report));
        self
    }

    /// Speaks this protocol, with subscriptions and a session where it has them. It replaces what
    /// [`on_connect`](Self::on_connect) and [`on_report`](Self::on_report) set: see [`Protocol::identify`] and
    /// [`Protocol::report`].
    pub fn with_protocol<P: Protocol>(self, protocol: P) -> Connect<P> {
        Connect {
            protocol,
            subscriptions: Vec::new(),
            urls: self.urls,
            headers: self.headers,
            tls: self.tls,
            limits: self.limits,
            trust: self.trust,
            close_reason: self.close_reason,
            config: self.config,
            handover: self.handover,
            seed: self.seed,
            outbox: self.outbox,
            buffer: self.buffer,
            #[cfg(feature = "telemetry")]
            sink: self.sink,
            error: self.error,
        }
    }
}

impl<P: Protocol> Connect<P> {
    /// Another URL of the same service, up to 8 in all: dialled where the others fail, as
    /// [`EndpointsConfig`](crate::endpoints::EndpointsConfig) says. Sessions are resumed at any of them.
    pub fn or(mut self, url: &str) -> Self {
        self.urls.push(url.to_owned());
        let result = if self.urls.len() > MAX_URLS { Err(SetupError::TooManyUrls) } else { Ok(()) };
        self.check(result)
    }

    /// Sends this header with each upgrade. For one that changes from dial to dial see [`Protocol::request`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let result = self.headers.set(name, value);
        self.check(result)
    }

    /// Sends this `Origin`, for servers that ask where a page comes from.
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// Asks for this subprotocol; the first that was asked for is preferred. A server that chooses none of them has not
    /// granted the upgrade ([`Cause::Http(101)`](crate::Cause::Http)).
    pub fn subprotocol(mut self, name: &str) -> Self {
        let result = self.headers.add_subprotocol(name);
        self.check(result)
    }

    /// Uses this configuration of TLS: with roots of your own, a certificate of the client's, another version. ALPN is
    /// `http/1.1` in any case. Default: TLS 1.2 and 1.3, Mozilla's roots (the crate `webpki-roots`).
    pub fn tls(mut self, config: ClientConfig) -> Self {
        self.tls = Some(Box::new(config));
        self
    }

    /// Bounds of messages, headers and time. Default: [`Limits::DEFAULT`].
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Which endpoints that a server names for a session or a redirect are dialled; the others are left out, and the dial
    /// goes to the client's own URL. Default: [`EndpointTrust::SameDomain`].
    pub const fn trust(mut self, trust: EndpointTrust<'static>) -> Self {
        self.trust = trust;
        self
    }

    /// The reason in the close frames that this client sends, at most 123 bytes. Default: none.
    pub fn close_reason(mut self, reason: &str) -> Self {
        let result = if reason.len() > MAX_REASON { Err(SetupError::CloseReason) } else { Ok(()) };
        reason.clone_into(&mut self.close_reason);
        self.check(result)
    }

    /// The policy, but for when a connection is established: that is the protocol's to say
    /// ([`Protocol::ESTABLISHED`]), and replaces the config's own. Default: [`presets::WEBSOCKET`], also for a [`Protocol`] with
    /// a session: it has the heartbeat, and `ESTABLISHED` sets the rest.
    pub const fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Replaces a connection whose end is announced while it still serves: the next one is dialled beside it, and takes over when
    /// it is ready. Default: the connection is closed first. See [`handover`](crate::handover) for when, and what happens.
    ///
    /// The client has two connections then for as long as that takes, and for the
    /// [drain](handover::Config::drain). The replaced one is closed as any other, with the config's
    /// [`close_code`](crate::Config::close_code), so that the session goes on.
    ///
    /// ```no_run
    /// use core::time::Duration;
    /// use redial::handover;
    /// use redial::websocket::{Decoded, Frame, Protocol, connect};
    ///
    /// /// A feed that says `CLOSING <milliseconds>` before it cuts a connection.
    /// struct Feed;
    ///
    /// impl Protocol for Feed {
    ///     type Key = String;
    ///     type Outgoing = Frame;
    ///     type Incoming = String;
    ///
    ///     fn subscribe(&self, topic: &String) -> Frame {
    ///         format!("SUB {topic}").into()
    ///     }
    ///
    ///     fn encode(&self, message: &Frame) -> Frame {
    ///         message.clone()
    ///     }
    ///
    ///     fn decode(&self, frame: Frame) -> Decoded<String, String> {
    ///         let text = frame.to_string();
    ///         match text.strip_prefix("CLOSING ").and_then(|millis| millis.parse().ok()) {
    ///             Some(millis) => Decoded::ReconnectRequested {
    ///                 retry_after: None,
    ///                 deadline: Some(Duration::from_millis(millis)),
    ///             },
    ///             None => Decoded::Message(text),
    ///         }
    ///     }
    /// }
    ///
    /// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut feed = connect("wss://feed.example")
    ///     .with_protocol(Feed)
    ///     .subscribe("weather")
    ///     .handover(handover::Config::DEFAULT)
    ///     .spawn()?;
    /// while let Some(text) = feed.recv().await {
    ///     println!("{text}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub const fn handover(mut self, handover: handover::Config) -> Self {
        self.handover = Some(handover);
        self
    }

    /// The seed of all random waits: the same seed draws the same waits. Default: random.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What becomes of messages while there is no connection. Default: they are given back.
    pub const fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// How many messages wait for the application before reading pauses, at least 1. Default: 64.
    pub const fn buffer(mut self, messages: usize) -> Self {
        self.buffer = Some(messages);
        self
    }

    /// Lets this sink see every step of the policy: see [`telemetry`](crate::telemetry). Of several calls the last one counts; two
    /// sinks are a pair. Default: none.
    ///
    /// ```no_run
    /// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
    /// use redial::telemetry::{Change, Sink};
    ///
    /// struct Print;
    ///
    /// impl Sink for Print {
    ///     fn change(&mut self, _: redial::Instant, change: &Change) {
    ///         eprintln!("{change}");
    ///     }
    /// }
    ///
    /// let socket = redial::websocket::connect("wss://feed.example").observe(Print).spawn()?;
    /// # let _ = socket;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "telemetry")]
    #[cfg_attr(redial_docsrs, doc(cfg(feature = "telemetry")))]
    pub fn observe(mut self, sink: impl Sink + Send + 'static) -> Self {
        self.sink = Observing(Mutex::new(Some(Box::new(sink))));
        self
    }

    /// Subscribes to this from the beginning. See also [`Socket::subscribe`].
    pub fn subscribe(mut self, key: impl Into<P::Key>) -> Self {
        self.subscriptions.push((key.into(), 0));
        self
    }

    /// The protocol for a [`Driver`](crate::driver::Driver) of your own, with a policy, a recorder or endpoints that
    /// [`spawn`](Self::spawn) does not know. Config, handover, seed, outbox, buffer, sink and subscriptions are left out: those are
    /// the driver's.
    ///
    /// # Errors
    /// [`SetupError`], which says what is wrong and what to do.
    pub fn client(self) -> Result<Client<P>, SetupError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut urls = self.urls.iter().map(|url| Url::parse(url));
        let first = urls.next().unwrap_or_else(|| Url::parse(""))?;
        let others = urls.collect::<Result<_, _>>()?;
        let count = u8::try_from(self.urls.len()).unwrap_or(u8::MAX);
        let endpoints = FixedEndpoints::new(count).map_err(|_| SetupError::TooManyUrls)?;
        let tls = match self.tls {
            Some(config) => tls::http11(*config),
            None => tls::default()?,
        };
        Ok(Client {
            protocol: Arc::new(self.protocol),
            first,
            others,
            endpoints,
            headers: self.headers,
            tls,
            limits: self.limits,
            guard: EndpointGuard::new(self.trust),
            close_reason: self.close_reason,
            numbers: Numbers::default(),
        })
    }

    /// Spawns the client on the tokio runtime that this is called in. It connects, stays connected, and ends when the
    /// [`Socket`] is closed or dropped, or the policy gives up.
    ///
    /// # Errors
    /// [`SetupError`], which says what is wrong and what to do. Nothing is dialled then.
    pub fn spawn(self) -> Result<Socket<P>, SetupError> {
        Socket::spawn(self)
    }

    pub(super) const fn outgoing_limit(&self) -> usize {
        self.limits.outgoing()
    }

    fn check(mut self, result: Result<(), SetupError>) -> Self {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
        self
    }
}
