//! The client: redial's driver over a WebSocket, speaking the gateway's protocol.
//!
//! Everything that reconnects is in the policy. What is here is transport and translation: dial, read, write, close, and
//! what the messages mean.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use redial::driver::{Command, Dial, DialError, Notice, Protocol, Runtime, SendFailed, Tokio};
use redial::{Action, Cause, Class, Config, Disposition, Endpoint, Epoch, Event, Instant, IoKind, Phase};
use tokio::net::{TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderMap, header};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::happening::Happening;
use crate::ledger::{Ledger, Socket};
use crate::meaning::{self, Meaning};
use crate::protocol::Frame;
use crate::target::Target;
use crate::view::View;

/// The largest message taken from a server; a bigger one ends the connection before it fills the memory.
const MAX_MESSAGE: usize = 1 << 20;

/// A gateway client without any reconnection logic.
pub(crate) struct Client {
    base: Target,
    token: String,
    /// Whether sessions are kept, and with them the mark of what has been seen.
    resumes: bool,
    /// The driver's own clock.
    clock: Tokio,
    view: Arc<View>,
    /// The judge of the show.
    ledger: Option<Ledger>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    newest: u32,
    /// Read, and not yet handed to the application: that waits until its number is noted, so that what a resume
    /// replays is exactly what the application has not got. There is never more than one.
    inbox: Option<Dispatch>,
    /// The wait that the policy announced last, if it is still waiting.
    wait: Option<Instant>,
    /// What the policy says no dial may come before.
    not_before: Option<Instant>,
    /// The session's own, as the last READY told it.
    endpoint: Option<String>,
    /// What the last failed dial said for itself, for people.
    detail: Option<String>,
}

struct Dispatch {
    epoch: Epoch,
    name: String,
    /// The number that the show's events carry.
    n: Option<u64>,
}

pub(crate) struct Reader {
    stream: SplitStream<WebSocketStream<TcpStream>>,
    /// After the stream, so that the book is told when the socket is closed.
    _socket: Option<Socket>,
}

pub(crate) struct Writer {
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    epoch: Epoch,
}

impl Client {
    pub(crate) fn new(
        base: Target,
        token: String,
        config: &Config,
        clock: Tokio,
        view: Arc<View>,
        ledger: Option<Ledger>,
    ) -> Self {
        let resumes = config.resume() == config.resume().with_enabled(true);
        Self { base, token, resumes, clock, view, ledger, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that the policy does not decide, as it happens.
    fn say(&self, epoch: Epoch, happening: &Happening) {
        self.view.show(self.clock.now(), epoch.get(), happening);
    }

    /// The number of the newest connection; 0 before the first.
    pub(crate) fn newest(&self) -> u32 {
        self.state().newest
    }

    /// The URL of a dial: the session's own, with the parameters that the server leaves to us, or the base.
    fn target(&self, endpoint: Option<&String>) -> Target {
        endpoint.and_then(|url| self.base.session(url).ok()).unwrap_or_else(|| self.base.clone())
    }

    async fn connect(&self, target: &Target) -> Result<WebSocketStream<TcpStream>, DialError> {
        // By itself, so that a name that is not found is known as such: the system's error kinds don't tell.
        let addresses = lookup_host((target.host.as_str(), target.port)).await.map_err(|error| {
            self.state().detail = Some(error.to_string());
            DialError::from(Cause::Io(IoKind::NameNotFound))
        })?;
        let mut failed = Cause::Io(IoKind::NameNotFound);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.upgrade(target, stream).await,
                Err(error) => failed = io(&error),
            }
        }
        Err(failed.into())
    }

    async fn upgrade(
        &self,
        target: &Target,
        stream: TcpStream,
    ) -> Result<WebSocketStream<TcpStream>, DialError> {
        // Small frames at a steady pace: Nagle would hold them back. A socket that refuses this is used all the same.
        stream.set_nodelay(true).unwrap_or_default();
        let limits =
            WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        match client_async_with_config(target.url.as_str(), stream, Some(limits)).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => Err(DialError::Failed {
                cause: Cause::Http(response.status().as_u16()),
                retry_after: retry_after(response.headers()),
            }),
            Err(error) => {
                self.state().detail = Some(error.to_string());
                Err(cause(&error).into())
            }
        }
    }

    /// The facts in a message, in the order in which they are to be taken.
    fn facts(&self, epoch: Epoch, text: &str) -> Result<Vec<Event<String>>, String> {
        Ok(match meaning::read(text)? {
            Meaning::Hello { heartbeat } => vec![Event::Greeting { epoch, heartbeat }],
            Meaning::BeatAcked => vec![Event::BeatAcked { epoch }],
            Meaning::BeatRequested => vec![Event::BeatRequested { epoch }],
            Meaning::Reconnect => vec![Event::PleaseReconnect { epoch, after: None, deadline: None }],
            Meaning::InvalidSession { resumable } => vec![Event::SessionInvalid { epoch, resumable }],
            Meaning::Dispatch { s, event } => match event {
                meaning::Event::Ready { session_id, resume_url } => {
                    // A URL that can't be dialled is as good as none, and no reason to give up.
                    let endpoint = resume_url.filter(|url| match self.base.session(url) {
                        Ok(_) => true,
                        Err(error) => {
                            let detail = format!("resume_gateway_url: {error}");
                            self.say(epoch, &Happening::BadFrame { detail });
                            false
                        }
                    });
                    vec![Event::Ready { epoch, token: session_id, endpoint, sequence: s, ttl: None }]
                }
                meaning::Event::Resumed => {
                    let mut facts: Vec<_> = s.map(|n| Event::Sequence { epoch, n }).into_iter().collect();
                    facts.push(Event::Resumed { epoch });
                    facts
                }
                meaning::Event::Other { name, d } => {
                    let dispatch = Dispatch { epoch, name, n: d.get("n").and_then(|n| n.as_u64()) };
                    match s {
                        Some(n) => {
                            self.state().inbox = Some(dispatch);
                            vec![Event::Sequence { epoch, n }]
                        }
                        // Without a number it is never replayed: there is nothing to wait for.
                        None => {
                            self.deliver(self.clock.now(), dispatch, None);
                            vec![]
                        }
                    }
                }
            },
        })
    }

    /// Hands an event to the application.
    fn deliver(&self, at: Instant, dispatch: Dispatch, seq: Option<u64>) {
        if let (Some(ledger), Some(n)) = (&self.ledger, dispatch.n) {
            ledger.delivered(n);
        }
        self.view.show(at, dispatch.epoch.get(), &Happening::Dispatch { seq, name: dispatch.name });
    }

    /// A sequence number was noted, or not.
    fn noted(&self, at: Instant, epoch: Epoch, n: u64, disposition: Disposition) {
        let Some(dispatch) = self.state().inbox.take_if(|dispatch| dispatch.epoch == epoch) else { return };
        // Of an old connection: the next resume brings it again. At or below the mark: the application has it.
        if disposition == Disposition::Applied || disposition != Disposition::Stale && !self.resumes {
            return self.deliver(at, dispatch, Some(n));
        }
        let stale = disposition == Disposition::Stale;
        let ignored = Happening::Ignored { stale, event: "dispatch", seq: Some(n) };
        self.view.show(at, epoch.get(), &ignored);
    }

    fn fact(&self, at: Instant, fact: &Event<String>, disposition: Disposition) {
        let epoch = fact.epoch().map_or_else(|| self.newest(), Epoch::get);
        let happening = match fact {
            Event::Sequence { epoch, n } => return self.noted(at, *epoch, *n, disposition),
            // A sign of life, and no more; where there was more to say, it is said.
            Event::Start | Event::Received { .. } => return,
            Event::Stop { .. } => Happening::Stop,
            Event::Opened { .. } => Happening::Opened,
            Event::OpenFailed { cause, retry_after, .. } => {
                let detail = self.state().detail.take();
                Happening::OpenFailed { cause: *cause, retry_after: *retry_after, detail }
            }
            Event::Closed { cause, .. } => Happening::Closed { cause: *cause },
            Event::SendFailed { .. } => Happening::SendFailed,
            Event::Greeting { heartbeat, .. } => Happening::Greeting { heartbeat: *heartbeat },
            Event::Ready { endpoint, sequence, .. } => {
                if disposition == Disposition::Applied {
                    self.state().endpoint.clone_from(endpoint);
                }
                Happening::Ready { seq: *sequence, endpoint: endpoint.clone() }
            }
            Event::Resumed { .. } => Happening::Resumed,
            Event::PleaseReconnect { .. } => Happening::PleaseReconnect,
            Event::SessionInvalid { resumable, .. } => Happening::SessionInvalid { resumable: *resumable },
            Event::BeatAcked { .. } => Happening::BeatAck,
            Event::BeatRequested { .. } => Happening::BeatRequested,
            // Nothing else is ever told to this driver.
            _ => return,
        };
        let happening = match disposition {
            Disposition::Stale => Happening::Ignored { stale: true, event: happening.name(), seq: None },
            // An acknowledgement that nobody waits for is still one.
            Disposition::Inapplicable if !matches!(happening, Happening::BeatAck) => {
                Happening::Ignored { stale: false, event: happening.name(), seq: None }
            }
            _ => happening,
        };
        self.view.show(at, epoch, &happening);
    }
}

impl Protocol for Client {
    type Reader = Reader;
    type Writer = Writer;
    type Token = String;
    type Key = Infallible;
    type Facts = Vec<Event<String>>;

    async fn dial(&self, dial: Dial<String>) -> Result<(Reader, Writer), DialError> {
        let not_before = self
            .state()
            .not_before
            .map(|at| tokio::time::Instant::now() + at.saturating_duration_since(self.clock.now()));
        let socket = self.ledger.as_ref().map(|ledger| ledger.dial(not_before));
        let (sink, stream) = self.connect(&self.target(dial.endpoint.as_ref())).await?.split();
        Ok((Reader { stream, _socket: socket }, Writer { sink, epoch: dial.epoch }))
    }

    async fn receive(&self, reader: &mut Reader, epoch: Epoch) -> Result<Vec<Event<String>>, Cause> {
        let bad = |detail| {
            self.say(epoch, &Happening::BadFrame { detail });
            Ok(vec![])
        };
        match reader.stream.next().await {
            Some(Ok(Message::Text(text))) => self.facts(epoch, &text).or_else(bad),
            Some(Ok(Message::Binary(bytes))) => bad(format!("a binary message of {} bytes", bytes.len())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(vec![]),
            Some(Ok(Message::Close(frame))) => {
                // One more poll sends our answer. What it says is the same loss again.
                drop(reader.stream.next().now_or_never());
                // 1005: a frame without a code.
                Err(Cause::CloseFrame(frame.map_or(1005, |frame| frame.code.into())))
            }
            Some(Err(error)) => {
                let cause = cause(&error);
                if !matches!(cause, Cause::NoCloseFrame) {
                    self.say(epoch, &Happening::BadFrame { detail: error.to_string() });
                }
                Err(cause)
            }
            None => Err(Cause::NoCloseFrame),
        }
    }

    async fn send(&self, writer: &mut Writer, command: Command<String>) -> Result<(), SendFailed> {
        let token = || self.token.clone();
        let (frame, happening) = match command {
            Command::Identify => (Frame::Identify { token: token() }, Happening::Identify),
            Command::Resume(session) => {
                let session_id = session.token().cloned().unwrap_or_default();
                let seq = session.sequence();
                let frame = Frame::Resume { token: token(), session_id, seq: seq.unwrap_or(0) };
                (frame, Happening::Resume { seq })
            }
            Command::Beat { sequence } => {
                (Frame::Heartbeat { seq: sequence }, Happening::Beat { seq: sequence })
            }
            // This protocol has neither.
            Command::Authenticate | Command::Restore(_) => return Ok(()),
            Command::Unsubscribe(never) => match never {},
        };
        self.say(writer.epoch, &happening);
        Ok(writer.sink.send(Message::text(frame.encode())).await?)
    }

    async fn close(&self, mut reader: Reader, mut writer: Writer, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        if writer.sink.send(Message::Close(Some(frame))).await.is_ok() {
            // Until the server has hung up, or the driver's patience is over: a socket that is closed with something
            // unread in it is reset, and the close frame may be lost with it.
            while let Some(Ok(_)) = reader.stream.next().await {}
        }
        // The reader holds the place in the book.
        drop(writer);
        drop(reader);
    }

    fn observe(&self, notice: &Notice<'_, String, Infallible>) {
        let (at, now) = (notice.at, &notice.explanation);
        if let Some(fact) = notice.fact {
            self.fact(at, fact, notice.actions.disposition());
        }
        for action in notice.actions.iter() {
            let (epoch, happening) = match action {
                Action::Open { epoch, mode, endpoint, attempt } => {
                    self.state().newest = epoch.get();
                    let (endpoint, target) = match endpoint {
                        // This gateway names no other endpoint but the session's.
                        Endpoint::Base | Endpoint::Redirect => ("base", self.base.clone()),
                        Endpoint::Session => ("session", self.target(self.state().endpoint.as_ref())),
                    };
                    let url = target.url;
                    (epoch.get(), Happening::Open { mode, endpoint, url, attempt })
                }
                // The connect timeout is the end of a dial like any other; there is nothing to close yet.
                Action::Close { epoch, code: None } if notice.fact.is_none() => {
                    let cause = now.last_cause.unwrap_or(Cause::ConnectTimeout);
                    (epoch.get(), Happening::OpenFailed { cause, retry_after: None, detail: None })
                }
                Action::Close { epoch, code } => {
                    let stopped = matches!(now.phase, Phase::Stopped);
                    (epoch.get(), Happening::Close { code, cause: now.last_cause.filter(|_| !stopped) })
                }
                Action::DropSession { reason } => (self.newest(), Happening::DropSession { reason }),
                Action::GaveUp { reason, cause } => (self.newest(), Happening::GaveUp { reason, cause }),
                Action::RefreshCredential { .. } => (self.newest(), Happening::RefreshCredential),
                // Shown when they are sent.
                Action::SendFresh { .. } | Action::SendResume { .. } | Action::Beat { .. } => continue,
                Action::Authenticate { .. } | Action::Restore { .. } => continue,
            };
            self.view.show(at, epoch, &happening);
        }
        self.waits(notice);
    }
}

impl Client {
    /// What is being waited for, where that is new.
    fn waits(&self, notice: &Notice<'_, String, Infallible>) {
        let now = &notice.explanation;
        let why = now.waiting_for.map_or("", |reason| reason.as_str());
        let mut state = self.state();
        let opens = notice.actions.iter().any(|action| matches!(action, Action::Open { .. }));
        match now.phase {
            Phase::Waiting => {
                state.not_before = now.until;
                let new = now.until.filter(|_| state.wait != now.until);
                state.wait = now.until;
                let epoch = state.newest;
                drop(state);
                if let Some(until) = new {
                    let attempt = now.attempt.saturating_add(1);
                    let (mode, cause) = (now.mode, now.last_cause);
                    let wait = Happening::Wait { until, why, mode, attempt, cause };
                    self.view.show(notice.at, epoch, &wait);
                }
            }
            phase => {
                state.wait = None;
                // The dial that ends a wait begins after this.
                if !opens {
                    state.not_before = None;
                }
                let epoch = state.newest;
                drop(state);
                if phase == Phase::Parked {
                    self.view.show(notice.at, epoch, &Happening::Parked { why });
                }
            }
        }
    }
}

/// Gateways research, "What a Rust driver sees": every report of the library as one cause.
fn cause(error: &Error) -> Cause {
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
        Error::Http(response) => Cause::Http(response.status().as_u16()),
        // Our own limit. A resume would bring the same message again.
        Error::Capacity(_) => Cause::Class(Class::Fresh),
        Error::Protocol(_) | Error::Utf8(_) | Error::AttackAttempt => Cause::Io(IoKind::InvalidData),
        Error::Url(_) | Error::HttpFormat(_) => Cause::Io(IoKind::InvalidInput),
        Error::Tls(_) | Error::WriteBufferFull(_) => Cause::Unknown,
    }
}

fn io(error: &std::io::Error) -> Cause {
    // EMFILE and ENFILE, which `std` has no kind for.
    Cause::Io(match error.raw_os_error() {
        Some(23 | 24) if cfg!(unix) => IoKind::TooManyOpenFiles,
        _ => IoKind::from(error.kind()),
    })
}

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3). A date that is over means now.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(text).ok()?;
    #[expect(clippy::disallowed_methods, reason = "a date has to be compared with the calendar")]
    let now = std::time::SystemTime::now();
    Some(date.duration_since(now).unwrap_or_default())
}
