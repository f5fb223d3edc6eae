//! A WebSocket under the driver: dial, read, write, close.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::borrow::ToOwned;
use std::format;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio_rustls::rustls::ClientConfig;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::classify::{Cause, IoKind};
use crate::driver::{
    Command, Dial, DialError, EndpointGuard, Notice, Received, RefreshFailed, SendFailed, SendProtocol,
};
use crate::endpoints::FixedEndpoints;
use crate::policy::{Action, Disposition, Epoch, Event};

use super::connect::MAX_URLS;
use super::decoded::{Decoded, Ready};
use super::dial::{self, Socket};
use super::failure::Failure;
use super::frame::{Close, Frame};
use super::limits::Limits;
use super::numbers::{Numbered, Numbers};
use super::protocol::{Connection, Protocol};
use super::report::Report;
use super::request::{Headers, Upgraded};
use super::url::Url;

/// A [`driver::Protocol`](crate::driver::Protocol) over WebSockets, with the meaning of the messages by a
/// [`Protocol`]: for a [`Driver`](crate::driver::Driver) with a policy of your own.
/// [`Connect::client`](super::Connect::client) makes it; [`Connect::spawn`](super::Connect::spawn) is the short way.
///
/// ```no_run
/// use redial::driver::{Driver, Tokio};
/// use redial::policy::Snapshot;
/// use redial::subscriptions::SubscriptionList;
/// use redial::websocket::{Protocol, connect};
/// use redial::{Instant, Policy, SplitMix64, presets};
///
/// /// A client whose session outlives the process: with a policy of one's own.
/// async fn run(chat: impl Protocol<Key = String>, kept: Snapshot<String>) -> Result<(), Box<dyn std::error::Error>> {
///     let client = connect("wss://chat.example").with_protocol(chat).client()?;
///     let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os())
///         .with_session_type::<String>()
///         .with_snapshot(Instant::ZERO, kept)
///         .with_subscriptions(SubscriptionList::new());
///     let mut driver = Driver::new(policy, client, Tokio::new());
///     println!("{}", driver.run().await);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Client<P> {
    pub(super) protocol: Arc<P>,
    pub(super) first: Url,
    pub(super) others: Vec<Url>,
    pub(super) endpoints: FixedEndpoints<MAX_URLS>,
    pub(super) headers: Headers,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) limits: Limits,
    pub(super) guard: EndpointGuard<'static>,
    pub(super) close_reason: String,
    /// The newest sequence numbers, as the policy has noted them.
    pub(super) numbers: Numbers,
}

/// The half of a connection that is read.
pub struct Reader {
    stream: SplitStream<Socket>,
    /// What the policy has noted of it.
    _numbered: Numbered,
    /// The number of the base that was dialled.
    base: usize,
    pings: Arc<AtomicU64>,
}

/// The half that is written.
pub struct Writer {
    sink: SplitSink<Socket, Message>,
    epoch: Epoch,
    upgraded: Upgraded,
    /// How many pings were sent: the newest has this number in it, and its pong, too.
    pings: Arc<AtomicU64>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Without the message that waits for the socket, which may be a login.
impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, upgraded, .. } = self;
        f.debug_struct("Writer").field("epoch", epoch).field("upgraded", upgraded).finish_non_exhaustive()
    }
}

/// What one message tells, with the epoch that this layer does not know.
type Told<P> = Vec<Received<String, <P as Protocol>::Key, <P as Protocol>::Incoming>>;

impl<P: Protocol> Client<P> {
    /// The meaning of the messages.
    #[must_use]
    pub const fn protocol(&self) -> &Arc<P> {
        &self.protocol
    }

    /// How many endpoints that a server named were refused so far. Any at all means that a server misbehaves, that somebody
    /// else speaks for it, or that the trust is narrower than the service.
    #[must_use]
    pub fn refused_endpoints(&self) -> usize {
        self.guard.refused()
    }

    /// As many endpoints as there are URLs, for [`Policy::with_endpoints`](crate::Policy::with_endpoints).
    #[must_use]
    pub fn endpoints(&self) -> FixedEndpoints<MAX_URLS> {
        self.endpoints.clone()
    }

    /// Where a dial goes: to the endpoint that the server named, if it is trusted, or to the base.
    #[must_use]
    pub fn url(&self, dial: &Dial<String>) -> Url {
        let base = usize::from(dial.endpoint_index);
        let named = dial.endpoint.as_deref().and_then(|endpoint| self.named(dial.epoch, base, endpoint));
        named.unwrap_or_else(|| self.base(base).clone())
    }

    /// The base with this number; the first where there is none, for a policy that knows of more endpoints than this.
    fn base(&self, index: usize) -> &Url {
        self.others.get(index.wrapping_sub(1)).unwrap_or(&self.first)
    }

    /// An endpoint of the server's choice. One that is not trusted, or can't be dialled, is as good as none.
    fn named(&self, epoch: Epoch, base: usize, endpoint: &str) -> Option<Url> {
        let base = self.base(base);
        match self.guard.admit(base.as_str(), endpoint) {
            Ok(endpoint) => base
                .join(endpoint)
                .inspect_err(|error| self.protocol.report(epoch, Report::BadEndpoint(error)))
                .ok(),
            Err(error) => {
                let refused = self.guard.refused();
                self.protocol.report(epoch, Report::Untrusted { error: &error, refused });
                None
            }
        }
    }

    fn invalid(&self, epoch: Epoch, detail: &str) {
        self.protocol.report(epoch, Report::Invalid(detail));
    }

    async fn open(&self, dial: &Dial<String>) -> Result<(Socket, Upgraded), Failure> {
        let mut headers = self.headers.clone();
        let wrong = |error| Failure::new(Cause::Io(IoKind::InvalidInput), error);
        self.protocol.request(dial, &mut headers).map_err(wrong)?;
        dial::open(&self.url(dial), &headers, &self.tls, &self.limits).await
    }

    /// Adds what `decoded` means to `told`.
    ///
    /// # Errors
    /// The connection has to end.
    fn tell(
        &self,
        reader: &Reader,
        epoch: Epoch,
        decoded: Decoded<P::Key, P::Incoming>,
        told: &mut Told<P>,
    ) -> Result<(), Cause> {
        let event = match decoded {
            Decoded::Message(message) => {
                told.push(Received::Message(message));
                return Ok(());
            }
            Decoded::Sequenced { sequence, message } => {
                // A session that the same message establishes is not noted yet.
                let begun = told.iter().rev().find_map(|told| match told {
                    Received::Event(Event::Ready { sequence, .. }) => Some(*sequence),
                    _ => None,
                });
                let known = match begun {
                    Some(first) => first.is_some_and(|first| sequence <= first),
                    None => self.numbers.has_had(epoch, sequence),
                };
                // Of what is known already the policy hears, too: it counts.
                told.push(Event::Sequence { epoch, sequence }.into());
                if known {
                    self.protocol.report(epoch, Report::Duplicate(sequence));
                } else {
                    told.push(Received::Message(message));
                }
                return Ok(());
            }
            Decoded::Many(several) => {
                return several.into_iter().try_for_each(|one| self.tell(reader, epoch, one, told));
            }
            Decoded::Ready(Ready { token, endpoint, sequence, ttl }) => {
                let endpoint = endpoint.filter(|url| self.named(epoch, reader.base, url).is_some());
                Event::Ready { epoch, token, endpoint, sequence, ttl }
            }
            Decoded::Redirected { endpoint, permanent } => {
                if self.named(epoch, reader.base, &endpoint).is_none() {
                    return Ok(());
                }
                Event::Redirected { epoch, endpoint, permanent }
            }
            Decoded::Resumed { sequence } => {
                told.extend(sequence.map(|sequence| Event::Sequence { epoch, sequence }.into()));
                Event::Resumed { epoch }
            }
            Decoded::Sequence(sequence) => Event::Sequence { epoch, sequence },
            Decoded::Cursor(token) => Event::Cursor { epoch, token },
            Decoded::Greeting { heartbeat } => Event::Greeting { epoch, heartbeat },
            Decoded::SessionInvalid { resumable } => Event::SessionInvalid { epoch, resumable },
            Decoded::ReconnectRequested { retry_after, deadline } => {
                Event::ReconnectRequested { epoch, retry_after, deadline }
            }
            Decoded::Confirmed { key, batch } => Event::SubscriptionConfirmed { epoch, key, send: batch },
            Decoded::Refused { key, batch, retryable } => {
                Event::SubscriptionFailed { epoch, key, send: batch, retryable }
            }
            Decoded::Unsubscribed(key) => Event::SubscriptionLost { epoch, key },
            Decoded::Drained => Event::Drained { epoch },
            Decoded::HeartbeatAcked => Event::HeartbeatAcked { epoch },
            Decoded::HeartbeatRequested => Event::HeartbeatRequested { epoch },
            Decoded::KeepAlive(interval) => Event::KeepAlive { epoch, interval },
            Decoded::BackoffHint(base) => Event::BackoffHint { base },
            Decoded::AuthOk => Event::AuthOk { epoch },
            Decoded::AuthFailed { fatal } => Event::AuthFailed { epoch, fatal },
            Decoded::Ignored => return Ok(()),
            Decoded::Invalid(detail) => {
                self.invalid(epoch, &detail);
                return Ok(());
            }
            Decoded::End(cause) if told.is_empty() => return Err(cause),
            Decoded::End(cause) => Event::Closed { epoch, cause },
        };
        told.push(event.into());
        Ok(())
    }

    fn told(&self, reader: &Reader, epoch: Epoch, frame: Frame) -> Result<Told<P>, Cause> {
        let mut told = Vec::new();
        self.tell(reader, epoch, self.protocol.decode(frame), &mut told)?;
        Ok(told)
    }

    fn lost(&self, epoch: Epoch, failure: &Failure) -> Cause {
        self.protocol.report(epoch, Report::Lost(failure));
        failure.cause
    }

    /// What a command is on the wire; `None`: a ping.
    fn frames(&self, writer: &Writer, command: Command<String, P::Key, Frame>) -> Option<Vec<Frame>> {
        let mut connection = Connection::new(&writer.upgraded, writer.epoch);
        match command {
            Command::Identify => self.protocol.identify(&mut connection),
            Command::Resume(session) => {
                // What is replayed begins behind it.
                self.numbers.note(writer.epoch, session.sequence());
                let token = session.token().map_or("", String::as_str);
                self.protocol.resume(token, session.sequence(), &mut connection);
            }
            Command::Authenticate => self.protocol.authenticate(&mut connection),
            Command::Restore { keys, send } => self.protocol.restore(&keys, send, &mut connection),
            Command::Unsubscribe(key) => return Some(self.protocol.unsubscribe(&key).into_iter().collect()),
            Command::Heartbeat { sequence } => {
                return self.protocol.heartbeat(sequence).map(|frame| vec![frame]);
            }
            Command::Message(frame) => return Some(vec![frame]),
        }
        Some(connection.into_frames())
    }
}

impl<P: Protocol> SendProtocol for Client<P> {
    type Reader = Reader;
    type Writer = Writer;
    type Token = String;
    type Key = P::Key;
    type Message = Frame;
    type Incoming = P::Incoming;
    type Received = Told<P>;

    async fn dial(&self, dial: Dial<String>) -> Result<(Reader, Writer), DialError> {
        let (socket, upgraded) = self.open(&dial).await.map_err(|failure| {
            self.protocol.report(dial.epoch, Report::DialFailed(&failure));
            failure.dial_error()
        })?;
        self.protocol.report(dial.epoch, Report::Upgraded(&upgraded));
        let (sink, stream) = socket.split();
        let pings = Arc::default();
        let reader = Reader {
            stream,
            _numbered: self.numbers.opened(dial.epoch),
            base: usize::from(dial.endpoint_index),
            pings: Arc::clone(&pings),
        };
        Ok((reader, Writer { sink, epoch: dial.epoch, upgraded, pings }))
    }

    fn can_send(&self, message: &Frame) -> bool {
        message.len() <= self.limits.outgoing()
    }

    async fn receive(&self, reader: &mut Reader, epoch: Epoch) -> Result<Told<P>, Cause> {
        match reader.stream.next().await {
            Some(Ok(Message::Text(text))) => self.told(reader, epoch, Frame::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(bytes))) => self.told(reader, epoch, Frame::Binary(bytes.into())),
            Some(Ok(Message::Pong(payload))) => {
                let newest = reader.pings.load(Ordering::Relaxed);
                let matches = newest > 0 && payload[..] == newest.to_be_bytes();
                Ok(if matches { vec![Event::HeartbeatAcked { epoch }.into()] } else { Vec::new() })
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => Ok(Vec::new()),
            Some(Ok(Message::Close(frame))) => {
                // One more poll sends our answer. What it says is the same loss again.
                drop(reader.stream.next().now_or_never());
                let close = match frame {
                    Some(frame) => Close { code: frame.code.into(), reason: frame.reason.to_string() },
                    None => Close { code: 1005, reason: String::new() },
                };
                self.protocol.report(epoch, Report::Closed(&close));
                Err(self.protocol.closed(&close))
            }
            Some(Err(error)) => Err(self.lost(epoch, &Failure::from_websocket(&error))),
            None => Err(self.lost(epoch, &Failure::new(Cause::NoCloseFrame, "the connection ended"))),
        }
    }

    async fn send(
        &self,
        writer: &mut Writer,
        command: Command<String, P::Key, Frame>,
    ) -> Result<(), SendFailed> {
        let Some(frames) = self.frames(writer, command) else {
            let number = writer.pings.fetch_add(1, Ordering::Relaxed).saturating_add(1);
            let payload = number.to_be_bytes().to_vec();
            return Ok(writer.sink.send(Message::Ping(payload.into())).await?);
        };
        for frame in frames {
            // One that the protocol made. Without it the connection is not what it is to be.
            if !self.can_send(&frame) {
                let (len, most) = (frame.len(), self.limits.outgoing());
                self.invalid(
                    writer.epoch,
                    &format!("a message of {len} bytes to send, above the limit of {most}"),
                );
                return Err(SendFailed);
            }
            writer.sink.feed(frame.into_message()).await?;
        }
        Ok(writer.sink.flush().await?)
    }

    async fn close(&self, mut reader: Reader, mut writer: Writer, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: self.close_reason.as_str().into() };
        if writer.sink.send(Message::Close(Some(frame))).await.is_ok() {
            // Until the server has hung up, or the driver's time for it is over: a socket that is closed with something
            // unread in it is reset, and the close frame may be lost with it.
            while let Some(Ok(_)) = reader.stream.next().await {}
        }
    }

    async fn refresh_credential(&self) -> Result<Option<Duration>, RefreshFailed> {
        self.protocol.refresh_credential().await
    }

    fn observe(&self, notice: &Notice<'_, String, P::Key>) {
        let applied = notice.actions.disposition() == Disposition::Applied;
        match notice.event {
            Some(Event::Sequence { epoch, sequence }) if applied => {
                self.numbers.note(*epoch, Some(*sequence))
            }
            Some(Event::Ready { epoch, sequence, .. }) if applied => self.numbers.note(*epoch, *sequence),
            _ => {}
        }
        if notice.actions.iter().any(|action| matches!(action, Action::DropSession { .. })) {
            self.numbers.forget();
        }
        self.protocol.observe(notice);
    }
}
