//! The client: redial's driver over a WebSocket, speaking the gateway's protocol.
//!
//! Everything that reconnects is in the policy. What is here is transport and translation: dial, read, write, close, and
//! what the messages mean.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use redial::driver::{Command, Dial, DialError, Notice, Protocol, Runtime, SendFailed, Tokio};
use redial::policy::Endpoint;
use redial::{Action, Cause, Config, Disposition, Epoch, Event, Instant, IoKind, Phase};
use tokio::net::{TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::failure::{cause, io, retry_after};
use crate::happening::Happening;
use crate::ledger::{Ledger, Socket};
use crate::meaning::{self, Meaning};
use crate::protocol::Frame;
use crate::target::Target;
use crate::view::View;
use crate::wire::Wire;

/// The largest message taken from a server; a bigger one ends the connection before it fills the memory.
const MAX_MESSAGE: usize = 1 << 20;

/// The most that waits to be written, in bytes: ours and the answers to pings. Our largest message has a token and a
/// session id in it. When it is full, only the newest ping is answered, as RFC 6455 section 5.5.3 allows.
const MAX_UNSENT: usize = 256 << 10;

/// The longest session id and resume URL that are kept, in bytes. They are kept as long as the session, sent with each
/// resume and shown with each dial.
const MAX_ID: usize = 1 << 10;

/// How far a sequence number may lie above the newest of its session. They count the events of a session one by one,
/// and a resume replays those that were missed, so a larger step is a fault of the server. To believe it would make all
/// numbers up to it old, and their events duplicates.
const MAX_STEP: u64 = 1 << 16;

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
    /// The newest sequence number of the session, as the policy has it.
    mark: Option<u64>,
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
    stream: SplitStream<WebSocketStream<Wire>>,
    /// After the stream, so that the book is told when the socket is closed.
    _socket: Option<Socket>,
}

pub(crate) struct Writer {
    sink: SplitSink<WebSocketStream<Wire>, Message>,
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
        let resumes = config.resume() == config.resume().to_builder().enabled(true).build_const();
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

    async fn connect(&self, target: &Target) -> Result<WebSocketStream<Wire>, DialError> {
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

    async fn upgrade(&self, target: &Target, stream: TcpStream) -> Result<WebSocketStream<Wire>, DialError> {
        // Small frames at a steady pace: Nagle would hold them back. A socket that refuses this is used all the same.
        stream.set_nodelay(true).unwrap_or_default();
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE))
            .read_buffer_size(8 << 10)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_UNSENT);
        match client_async_with_config(target.url.as_str(), Wire::new(stream), Some(limits)).await {
            Ok((socket, _)) => Ok(socket),
            Err(error) => {
                let retry_after = match &error {
                    Error::Http(response) => retry_after(response.headers()),
                    _ => {
                        self.state().detail = Some(error.to_string());
                        None
                    }
                };
                Err(DialError::Failed { cause: cause(&error), retry_after })
            }
        }
    }

    /// The facts in a message, in the order in which they are to be taken.
    fn facts(&self, epoch: Epoch, text: &str) -> Result<Vec<Event<String>>, String> {
        Ok(match meaning::read(text)? {
            Meaning::Hello { heartbeat } => vec![Event::Greeting { epoch, heartbeat }],
            Meaning::HeartbeatAcked => vec![Event::HeartbeatAcked { epoch }],
            Meaning::HeartbeatRequested => vec![Event::HeartbeatRequested { epoch }],
            Meaning::Reconnect => {
                vec![Event::ReconnectRequested { epoch, retry_after: None, deadline: None }]
            }
            Meaning::InvalidSession { resumable } => vec![Event::SessionInvalid { epoch, resumable }],
            Meaning::Dispatch { s, event } => {
                let s = self.number(epoch, s);
                match event {
                    meaning::Event::Ready { session_id, resume_url } => {
                        let token = session_id.filter(|id| self.fits(epoch, "session_id", id));
                        let endpoint = resume_url.filter(|url| self.can_dial(epoch, url));
                        vec![Event::Ready { epoch, token, endpoint, sequence: s, ttl: None }]
                    }
                    meaning::Event::Resumed => {
                        let mut facts: Vec<_> =
                            s.map(|n| Event::Sequence { epoch, sequence: n }).into_iter().collect();
                        facts.push(Event::Resumed { epoch });
                        facts
                    }
                    meaning::Event::Other { name, n } => {
                        let dispatch = Dispatch { epoch, name, n };
                        match s {
                            Some(n) => {
                                self.state().inbox = Some(dispatch);
                                vec![Event::Sequence { epoch, sequence: n }]
                            }
                            // Without a number it is never replayed: there is nothing to wait for.
                            None => {
                                self.deliver(self.clock.now(), dispatch, None);
                                vec![]
                            }
                        }
                    }
                }
            }
        })
    }

    fn bad_frame(&self, epoch: Epoch, detail: String) {
        self.say(epoch, &Happening::BadFrame { detail });
    }

    /// The sequence number of a dispatch. One that can't be right is reported and counts as none: the event is
    /// delivered, the numbers before and after it go on to count, and the mark of a resume is not moved by it.
    fn number(&self, epoch: Epoch, s: Result<Option<u64>, String>) -> Option<u64> {
        let mark = self.state().mark;
        match (s, mark) {
            (Ok(Some(n)), Some(mark)) if n.saturating_sub(mark) > MAX_STEP => {
                self.bad_frame(epoch, format!("no sequence number: {n}, far above {mark}"));
                None
            }
            (Ok(n), _) => n,
            (Err(detail), _) => {
                self.bad_frame(epoch, detail);
                None
            }
        }
    }

    /// Whether a name that the server gives is short enough to be kept. Without its id a session can't be resumed.
    fn fits(&self, epoch: Epoch, what: &str, name: &str) -> bool {
        let fits = name.len() <= MAX_ID;
        if !fits {
            self.bad_frame(epoch, format!("{what} of {} bytes: too long to be kept", name.len()));
        }
        fits
    }

    /// Whether a session's own URL can be dialled. One that can't is as good as none, and no reason to give up.
    fn can_dial(&self, epoch: Epoch, url: &str) -> bool {
        if !self.fits(epoch, "resume_gateway_url", url) {
            return false;
        }
        match self.base.session(url) {
            Ok(_) => true,
            Err(error) => {
                self.bad_frame(epoch, format!("resume_gateway_url: {error}"));
                false
            }
        }
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
        if disposition == Disposition::Applied {
            self.state().mark = Some(n);
        }
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
            Event::Sequence { epoch, sequence: n } => return self.noted(at, *epoch, *n, disposition),
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
                    let mut state = self.state();
                    state.endpoint.clone_from(endpoint);
                    state.mark = *sequence;
                }
                Happening::Ready { seq: *sequence, endpoint: endpoint.clone() }
            }
            Event::Resumed { .. } => Happening::Resumed,
            Event::ReconnectRequested { .. } => Happening::ReconnectRequested,
            Event::SessionInvalid { resumable, .. } => Happening::SessionInvalid { resumable: *resumable },
            Event::HeartbeatAcked { .. } => Happening::BeatAck,
            Event::HeartbeatRequested { .. } => Happening::HeartbeatRequested,
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
            self.bad_frame(epoch, detail);
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
                    self.bad_frame(epoch, error.to_string());
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
            Command::Heartbeat { sequence } => {
                (Frame::Heartbeat { seq: sequence }, Happening::Heartbeat { seq: sequence })
            }
            // This protocol has neither.
            Command::Authenticate | Command::Restore { .. } => return Ok(()),
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
                Action::DropSession { reason } => {
                    self.state().mark = None;
                    (self.newest(), Happening::DropSession { reason })
                }
                Action::GaveUp { reason, cause } => (self.newest(), Happening::GaveUp { reason, cause }),
                Action::RefreshCredential { .. } => (self.newest(), Happening::RefreshCredential),
                // Shown when they are sent.
                Action::Identify { .. } | Action::Resume { .. } | Action::Heartbeat { .. } => continue,
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
