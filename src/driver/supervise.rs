//! Reconnects for crates that own their socket: one closure connects, one lives while the connection does.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::{Future, poll_fn};
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::classify::Cause;
use crate::handover::Decider;
use crate::policy::{Epoch, Event};
use crate::subscriptions::Subscriptions;

use super::Driver;
use super::command::{Command, Dial, DialError, Received, SendFailed};
use super::protocol::Protocol;
use super::sync::{AtomicWaker, Mutex, MutexGuard};

/// Supervises the connection of a crate that owns its socket (a client of Redis, MQTT, NATS, gRPC, a database): a
/// [`Driver`] that dials with `connect` and keeps the future of `live` running while the connection lives.
///
/// - `connect` makes the connection, without retries of its own. It is dropped when the attempt's time is over.
/// - `live` gets the connection and a [`Link`] to tell what happens on it: that it is [ready](Link::ready), that
///   something was [received](Link::received), that it is [lost](Link::lost). When its future ends, the connection is lost;
///   when the policy closes the connection, the future is dropped, and with it the connection must be closed.
///
/// Both fail with any error by `?`: see [`Failure`]. The first connect has limits of its own where the config says so
/// ([`Config::initial_limits`](crate::Config::initial_limits)), so that a wrong address is found at the start.
///
/// With a [`Handover`](crate::handover::Handover), `connect` is called for the successor while the future of `live` of the old
/// connection still runs, and that is dropped when the successor has taken over, or has [`Drained`](Event::Drained).
///
/// A policy with a heartbeat needs a `live` that asks the peer when [`Link::command`] says so, or tells what it receives
/// where any traffic counts; [`presets::RECOMMENDED`](crate::presets::RECOMMENDED) has none.
///
#[cfg_attr(feature = "tokio", doc = "```no_run")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use redial::driver::{Outcome, Tokio, supervise};
/// use redial::{Policy, SplitMix64, presets};
/// use tokio::io::AsyncReadExt;
/// use tokio::net::TcpStream;
///
/// # async fn main_() {
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let connect = |_| async { Ok(TcpStream::connect("feed.example:4000").await?) };
/// let mut driver = supervise(policy, Tokio::new(), connect, |mut stream, link| async move {
///     link.ready();
///     while stream.read_u8().await? != b'q' {
///         link.received();
///     }
///     Ok(())
/// });
/// let outcome = driver.run().await;
/// # let _ = outcome;
/// # }
/// ```
#[expect(clippy::type_complexity, reason = "a driver with everything that it is made of")]
pub fn supervise<Rt, Q, Connect, Connecting, Connection, Live, Living>(
    policy: Q,
    runtime: Rt,
    connect: Connect,
    live: Live,
) -> Driver<Supervised<Q::Token, <Q::Subscriptions as Subscriptions>::Key, Connect, Live>, Rt, Q>
where
    Q: Decider<Token: Clone + PartialEq>,
    Connect: Fn(Dial<Q::Token>) -> Connecting,
    Connecting: Future<Output = Result<Connection, Failure>>,
    Live: Fn(Connection, Link<Q::Token, <Q::Subscriptions as Subscriptions>::Key>) -> Living,
    Living: Future<Output = Result<(), Failure>>,
{
    Driver::new(policy, Supervised { connect, live, types: PhantomData }, runtime)
}

/// Why a connection was not made, or is lost: by `?` from any error, from a [`Cause`] and from a [`DialError`].
///
/// An error is read as by [`causes::of`](crate::causes::of): what it or one of its sources says, by the features that are on. So a
/// `redis::RedisError` with `NOAUTH` asks for a credential with the feature `redis`, a verdict on a certificate is one with `rustls`,
/// and with `tungstenite` a refused upgrade brings its status and its `Retry-After`. What says nothing is [`Cause::Unknown`]. Where
/// you know better, return the [`Cause`]: of a name lookup in a step of its own [`causes::lookup`](crate::causes::lookup), of
/// MQTT [`causes::mqtt5`](crate::causes::mqtt5).
///
/// ```
/// use redial::Cause;
/// use redial::driver::Failure;
///
/// fn connect(name: &str) -> Result<(), Failure> {
///     if name.is_empty() {
///         return Err(Cause::AuthDenied.into()); // a cause, where you know better
///     }
///     Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))? // any error, read by its kind
/// }
/// assert_eq!(connect("").unwrap_err().cause(), Cause::AuthDenied);
/// assert_eq!(connect("a").unwrap_err().cause().as_str(), "connection_reset");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure(DialError);

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let error: &(dyn Error + 'static) = &error;
        Self(error.downcast_ref::<DialError>().copied().unwrap_or_else(|| DialError::of(error)))
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self(cause.into())
    }
}

impl Failure {
    /// What the policy is told.
    #[must_use]
    pub const fn cause(self) -> Cause {
        match self.0 {
            DialError::Failed { cause, .. } => cause,
            DialError::NotNow { .. } => Cause::Unknown,
        }
    }
}

/// What a connection that is supervised tells and is told. Cheap to clone; a clone may go to another task, and one of an
/// old connection changes nothing.
///
/// ```
/// use redial::driver::{Command, Failure, Link};
///
/// /// The life of a connection whose pings are sent by its crate: `live` of [`supervise`](crate::driver::supervise).
/// async fn live(mut pings: impl AsyncFnMut() -> Result<(), Failure>, link: Link) -> Result<(), Failure> {
///     link.ready();
///     while let Some(command) = link.command().await {
///         if let Command::Heartbeat { .. } = command {
///             pings().await?;
///             link.acknowledged();
///         }
///     }
///     Ok(())
/// }
/// # let _ = |link| live(async || Ok(()), link);
/// ```
pub struct Link<T = (), K = Infallible> {
    shared: Arc<LinkShared<T, K>>,
    epoch: Epoch,
}

impl<T, K> Clone for Link<T, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), epoch: self.epoch }
    }
}

impl<T, K> fmt::Debug for Link<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

struct LinkShared<T, K> {
    inner: Mutex<Inner<T, K>>,
    /// The driver's task.
    reader: AtomicWaker,
    /// The task that waits for a command.
    consumer: AtomicWaker,
}

struct Inner<T, K> {
    events: Vec<Event<T, K>>,
    commands: VecDeque<Command<T, K>>,
    lost: Option<Cause>,
    /// The driver has dropped the connection.
    over: bool,
}

impl<T, K> LinkShared<T, K> {
    fn lock(&self) -> MutexGuard<'_, Inner<T, K>> {
        self.inner.lock()
    }
}

impl<T, K> Link<T, K> {
    /// The number of the connection.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The session is established: [`Event::Ready`] without a token. Under
    /// [`Establish::OnOpen`](crate::policy::Establish::OnOpen) it is as soon as `connect` has succeeded.
    pub fn ready(&self) {
        self.tell(Event::Ready { epoch: self.epoch, token: None, endpoint: None, sequence: None, ttl: None });
    }

    /// Something came in: [`Event::Received`].
    pub fn received(&self) {
        self.tell(Event::Received { epoch: self.epoch });
    }

    /// The peer answered a [`Command::Heartbeat`]: [`Event::HeartbeatAcked`].
    pub fn acknowledged(&self) {
        self.tell(Event::HeartbeatAcked { epoch: self.epoch });
    }

    /// The connection is lost: the future of `live` is dropped, and a new one is dialled when the policy says so.
    pub fn lost(&self, failure: impl Into<Failure>) {
        let cause = failure.into().cause();
        self.shared.lock().lost.get_or_insert(cause);
        self.shared.reader.wake();
    }

    /// Anything else that happened on this connection; give the event this link's [`epoch`](Self::epoch).
    pub fn tell(&self, event: Event<T, K>) {
        let mut inner = self.shared.lock();
        // Nobody takes it any more.
        if inner.over {
            return;
        }
        // Whatever comes in between two looks of the driver is one sign of life.
        let again =
            matches!((inner.events.last(), &event), (Some(Event::Received { .. }), Event::Received { .. }));
        if !again {
            inner.events.push(event);
        }
        drop(inner);
        self.shared.reader.wake();
    }

    /// The next thing that the policy wants sent: identify, resume, heartbeat, subscriptions. Commands wait here until they
    /// are taken, in order and for one task; of several heartbeats only the newest waits. A crate that does all of that by
    /// itself leaves them. `None` once the connection is over.
    pub async fn command(&self) -> Option<Command<T, K>> {
        poll_fn(|cx| {
            self.shared.consumer.register(cx.waker());
            let mut inner = self.shared.lock();
            match inner.commands.pop_front() {
                None if !inner.over => Poll::Pending,
                command => Poll::Ready(command),
            }
        })
        .await
    }
}

/// The protocol of a [`supervise`]d connection.
pub struct Supervised<T, K, Connect, Live> {
    connect: Connect,
    live: Live,
    types: PhantomData<fn() -> (T, K)>,
}

impl<T, K, Connect, Live> fmt::Debug for Supervised<T, K, Connect, Live> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised").finish_non_exhaustive()
    }
}

/// The half of a supervised connection that is read: the future of its life.
pub struct Alive<T, K, Living> {
    living: Pin<Box<Living>>,
    ended: Option<Cause>,
    shared: Arc<LinkShared<T, K>>,
}

impl<T, K, Living> fmt::Debug for Alive<T, K, Living> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alive").finish_non_exhaustive()
    }
}

impl<T, K, Living: Future<Output = Result<(), Failure>>> Alive<T, K, Living> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<Received<T, K>>, Cause>> {
        self.shared.reader.register(cx.waker());
        if self.ended.is_none() {
            if let Poll::Ready(result) = self.living.as_mut().poll(cx) {
                self.ended = Some(result.map_or_else(Failure::cause, |()| Cause::NoCloseFrame));
            }
        }
        let mut inner = self.shared.lock();
        if !inner.events.is_empty() {
            let events = core::mem::take(&mut inner.events);
            return Poll::Ready(Ok(events.into_iter().map(Received::Event).collect()));
        }
        inner.lost.or(self.ended).map_or(Poll::Pending, |cause| Poll::Ready(Err(cause)))
    }
}

/// The half that is written: what waits for [`Link::command`].
pub struct Commands<T, K>(Arc<LinkShared<T, K>>);

impl<T, K> fmt::Debug for Commands<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

impl<T, K> Drop for Commands<T, K> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.over = true;
        let left = (core::mem::take(&mut inner.events), core::mem::take(&mut inner.commands));
        drop(inner);
        // Outside the lock: what is dropped may hold a link.
        drop(left);
        self.0.consumer.wake();
    }
}

impl<T, K, Connect, Connecting, Connection, Live, Living> Protocol for Supervised<T, K, Connect, Live>
where
    T: Clone + PartialEq,
    K: Clone,
    Connect: Fn(Dial<T>) -> Connecting,
    Connecting: Future<Output = Result<Connection, Failure>>,
    Live: Fn(Connection, Link<T, K>) -> Living,
    Living: Future<Output = Result<(), Failure>>,
{
    type Reader = Alive<T, K, Living>;
    type Writer = Commands<T, K>;
    type Token = T;
    type Key = K;
    type Message = Infallible;
    type Incoming = Infallible;
    type Received = Vec<Received<T, K>>;

    async fn dial(&self, dial: Dial<T>) -> Result<(Self::Reader, Self::Writer), DialError> {
        let epoch = dial.epoch;
        let connection = (self.connect)(dial).await.map_err(|failure| failure.0)?;
        let shared = Arc::new(LinkShared {
            inner: Mutex::new(Inner {
                events: Vec::new(),
                commands: VecDeque::new(),
                lost: None,
                over: false,
            }),
            reader: AtomicWaker::new(),
            consumer: AtomicWaker::new(),
        });
        let living = Box::pin((self.live)(connection, Link { shared: shared.clone(), epoch }));
        Ok((Alive { living, ended: None, shared: shared.clone() }, Commands(shared)))
    }

    async fn receive(&self, reader: &mut Self::Reader, _: Epoch) -> Result<Self::Received, Cause> {
        poll_fn(|cx| reader.poll(cx)).await
    }

    async fn send(&self, writer: &mut Self::Writer, command: Command<T, K>) -> Result<(), SendFailed> {
        let mut inner = writer.0.lock();
        if matches!(command, Command::Heartbeat { .. }) {
            inner.commands.retain(|other| !matches!(other, Command::Heartbeat { .. }));
        }
        inner.commands.push_back(command);
        drop(inner);
        writer.0.consumer.wake();
        Ok(())
    }
}
