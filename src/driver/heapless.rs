//! The loop without a heap, for firmware: one future in which everything lies in place, over a protocol and a host of yours and any
//! [`Runtime`]; [`Embassy`](super::Embassy) (feature `embassy`) is one.
//!
//! A [`Driver`] of a [`Policy`](crate::Policy) drives one transport. Reading, writing, timers and requests go on beside each other, so
//! that a peer that does not read holds up nothing. It does what the [duties](super#the-duties-of-a-driver) say; what it
//! does not have are handles, a buffer of messages and handovers:
//!
//! - The user and the device speak through a [`Host`], which the driver polls: over a channel of `embassy-sync` it is three lines.
//! - Messages of the application are taken from the host one at a time, when the policy is online and the transport can write, so
//!   that none is lost in a queue, and the host is told of each whether it was written. What comes in is the protocol's to hand over, as it
//!   reads it.
//! - Commands that wait for the transport have a place each, `COMMANDS` of them. What does not fit is a failed send: the peer has
//!   not read for long. Two for each key, one that was given up meanwhile as well, and four beside them are always enough, however often
//!   the user thinks better of it; with fewer than a batch of subscriptions no connection lasts.
//!
//! ```
//! use core::task::{Context, Poll};
//! use redial::driver::heapless::{Command, Driver, Host, Protocol, Reader, Request, Writer};
//! use redial::driver::{Dial, DialError, Outcome, Runtime, SendFailed};
//! use redial::subscriptions::FixedSubscriptions;
//! use redial::{Cause, Epoch, Event, Policy, SplitMix64, presets};
//! # struct Socket;
//! # impl Socket {
//! #     async fn connect(&mut self) -> Result<(), Cause> { Ok(()) }
//! #     fn split(&mut self) -> (Rx<'_>, Tx<'_>) { (Rx(self), Tx(core::marker::PhantomData)) }
//! #     fn abort(&mut self) {}
//! # }
//! # struct Rx<'a>(&'a mut Socket);
//! # impl Rx<'_> { async fn byte(&mut self) -> Result<u8, Cause> { Err(Cause::NoCloseFrame) } }
//! # struct Tx<'a>(core::marker::PhantomData<&'a ()>);
//! # impl Tx<'_> { async fn write(&mut self, _: &[u8]) -> Result<(), SendFailed> { Ok(()) } }
//!
//! /// A protocol of bytes: `L` logs in, `R` is ready, `P` asks and `Q` answers.
//! struct Bytes(Socket);
//!
//! impl Protocol for Bytes {
//!     type Token = ();
//!     type Key = u8;
//!     type Message = [u8; 4];
//!     type Received = Option<Event<(), u8>>;
//!     type Reader<'a> = Rx<'a>;
//!     type Writer<'a> = Tx<'a>;
//!
//!     async fn dial(&mut self, _: Dial) -> Result<(), DialError> {
//!         Ok(self.0.connect().await?)
//!     }
//!
//!     fn split(&mut self) -> (Rx<'_>, Tx<'_>) {
//!         self.0.split()
//!     }
//!
//!     fn abort(&mut self) {
//!         self.0.abort();
//!     }
//! }
//!
//! impl Reader for Rx<'_> {
//!     type Received = Option<Event<(), u8>>;
//!
//!     async fn receive(&mut self, epoch: Epoch) -> Result<Self::Received, Cause> {
//!         Ok(match self.byte().await? {
//!             b'R' => Some(Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None }),
//!             b'Q' => Some(Event::HeartbeatAcked { epoch }),
//!             _ => None,
//!         })
//!     }
//! }
//!
//! impl Writer<Command<(), u8, [u8; 4]>> for Tx<'_> {
//!     async fn send(&mut self, command: Command<(), u8, [u8; 4]>) -> Result<(), SendFailed> {
//!         match command {
//!             Command::Identify | Command::Resume(_) | Command::Authenticate => self.write(b"L").await,
//!             Command::Heartbeat { .. } => self.write(b"P").await,
//!             Command::Subscribe { key, .. } => self.write(&[b'+', key]).await,
//!             Command::Unsubscribe(key) => self.write(&[b'-', key]).await,
//!             Command::Message(bytes) => self.write(&bytes).await,
//!         }
//!     }
//! }
//!
//! /// A device that asks for nothing: the driver starts by itself.
//! struct Device;
//!
//! impl Host<(), u8, [u8; 4]> for Device {
//!     fn poll_next(&mut self, _: &mut Context<'_>, _: bool) -> Poll<Request<(), u8, [u8; 4]>> {
//!         Poll::Pending
//!     }
//! }
//!
//! /// The task that holds the link, with a seed that no two devices share. It returns when the policy has given up.
//! async fn link(socket: Socket, clock: impl Runtime, seed: u64) -> Outcome {
//!     let policy =
//!         Policy::new(&presets::RECOMMENDED, SplitMix64::new(seed)).with_subscriptions(FixedSubscriptions::<u8, 4>::new());
//!     // The type is written down for its last parameter, `COMMANDS`, which nothing else determines: left out, it is 16.
//!     let mut driver: Driver<_, _, _, _> = Driver::new(policy, Bytes(socket), clock, Device);
//!     driver.run().await
//! }
//! # struct Still;
//! # impl Runtime for Still {
//! #     type Sleep = core::future::Pending<()>;
//! #     fn now(&self) -> redial::Instant { redial::Instant::ZERO }
//! #     fn sleep_until(&self, _: redial::Instant) -> Self::Sleep { core::future::pending() }
//! # }
//! # let mut run = core::pin::pin!(link(Socket, Still, 7));
//! # assert!(run.as_mut().poll(&mut Context::from_waker(core::task::Waker::noop())).is_pending(), "it waits after a loss");
//! ```

mod queue;
mod run;
mod transport;
mod turn;

use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::task::{Context, Poll};

use crate::classify::Cause;
use crate::handover::Decider;
use crate::policy::{Epoch, Event};
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::words::words;

use super::Runtime;
use super::command::{Dial, DialError, Notice, SendFailed};

/// A connector and a protocol of the user's: everything about a transport that a [`Driver`] can't know. It holds at most one.
///
/// Write the methods as plain `async fn`. None needs to be cancel-safe: a future that was begun is polled until it ends, or dropped
/// together with its transport.
pub trait Protocol {
    /// The storage of session token and endpoint; `()` where there are no sessions.
    type Token: Clone + PartialEq;
    /// What names a subscription; [`Infallible`] where there are none.
    type Key: Clone + PartialEq;
    /// What the application sends; [`Infallible`] where it sends nothing.
    type Message;
    /// The events of one message: `Option<Event<…>>`, `[Event<…>; 2]`.
    type Received: IntoIterator<Item = Event<Self::Token, Self::Key>>;
    /// The half of an open transport that is read.
    type Reader<'a>: Reader<Received = Self::Received>
    where
        Self: 'a;
    /// The half that is written.
    type Writer<'a>: Writer<Command<Self::Token, Self::Key, Self::Message>>
    where
        Self: 'a;

    /// Opens a transport and nothing more. Dropped when the attempt's time is over or nobody wants it any more; then
    /// [`abort`](Self::abort) is called.
    ///
    /// # Errors
    /// What went wrong, and what the server asked to wait for.
    fn dial(&mut self, dial: Dial<Self::Token>) -> impl Future<Output = Result<(), DialError>>;

    /// The halves of the transport that was opened.
    fn split(&mut self) -> (Self::Reader<'_>, Self::Writer<'_>);

    /// Ends the transport or the dial at once and without a word. Nothing may be left of it. Called more often than there are transports.
    fn abort(&mut self);

    /// Closes the transport with this close code. Best effort: it is polled at once and goes on until the next dial at the latest, and never
    /// longer than [`CLOSE_TIMEOUT`](super::CLOSE_TIMEOUT); [`abort`](Self::abort) follows. By default that is all.
    fn close(&mut self, code: u16) -> impl Future<Output = ()> {
        let _ = code;
        core::future::ready(())
    }
}

/// The half of a transport that is read.
pub trait Reader {
    /// That of the [`Protocol`].
    type Received;

    /// Waits for the next message and says what it means: events for the policy, each with `epoch`. Without an event the
    /// driver takes it as [`Event::Received`], a sign of life. An end of stream must be an error.
    ///
    /// # Errors
    /// The transport is at its end.
    fn receive(&mut self, epoch: Epoch) -> impl Future<Output = Result<Self::Received, Cause>>;
}

/// The half that is written, with commands of this type.
pub trait Writer<C> {
    /// Sends one command and flushes it. One that takes longer than [`SEND_TIMEOUT`](super::SEND_TIMEOUT) has failed.
    ///
    /// # Errors
    /// The transport can't be written any more.
    fn send(&mut self, command: C) -> impl Future<Output = Result<(), SendFailed>>;
}

/// The user and the device: what they have to say, and what they are told.
///
/// ```
/// use core::task::{Context, Poll};
/// use redial::Event;
/// use redial::driver::heapless::{Host, Request};
///
/// /// A button that reconnects, and one reading at a time to send.
/// struct Device {
///     pressed: bool,
///     reading: Option<[u8; 4]>,
/// }
///
/// impl Host<(), u8, [u8; 4]> for Device {
///     fn poll_next(&mut self, _: &mut Context<'_>, may_send: bool) -> Poll<Request<(), u8, [u8; 4]>> {
///         if core::mem::take(&mut self.pressed) {
///             return Poll::Ready(Request::Event(Event::RetryNow));
///         }
///         match self.reading.take_if(|_| may_send) {
///             Some(reading) => Poll::Ready(Request::Message(reading)),
///             None => Poll::Pending, // having kept the waker for the interrupt that changes it
///         }
///     }
/// }
/// # let mut device = Device { pressed: true, reading: Some([0; 4]) };
/// # let mut cx = Context::from_waker(core::task::Waker::noop());
/// # assert_eq!(device.poll_next(&mut cx, false), Poll::Ready(Request::Event(Event::RetryNow)));
/// # assert_eq!(device.poll_next(&mut cx, false), Poll::Pending);
/// # assert_eq!(device.poll_next(&mut cx, true), Poll::Ready(Request::Message([0; 4])));
/// ```
pub trait Host<T, K, M> {
    /// The next thing that the user or the device has to say, in their order. `writable`: whether a message of the application is taken;
    /// without it, [`Request::Message`] must not be returned. Events of the user and of the host may come at any time, also before a run.
    fn poll_next(&mut self, cx: &mut Context<'_>, writable: bool) -> Poll<Request<T, K, M>>;

    /// What became of the message that was returned last, before the next one is asked for: the transport took it (whether the peer has
    /// it, only the peer can say), or it is in doubt, because the connection was lost during the write, or the run was dropped.
    fn sent(&mut self, written: bool) {
        let _ = written;
    }

    /// The policy wants a fresh credential. Answer by [`poll_next`](Self::poll_next), with
    /// [`Event::CredentialOk`] or [`Event::CredentialFailed`] and this number. By default there is no answer, and the request fails after
    /// its time.
    fn refresh_credential(&mut self, request: u16) {
        let _ = request;
    }

    /// Sees every step of the policy, after its actions were taken.
    fn observe(&mut self, notice: &Notice<'_, T, K>) {
        let _ = notice;
    }
}

/// What a [`Host`] has to say.
///
/// ```
/// use redial::Event;
/// use redial::driver::heapless::Request;
///
/// // What a channel between a task and the driver carries: the user's events, and what is to be sent.
/// let queue: [Request<(), u8, [u8; 4]>; 3] =
///     [Request::Event(Event::Subscribe { key: 7, priority: 0 }), Request::Message(*b"21.5"), Request::Event(Event::Redial)];
/// assert_eq!(queue[1].as_str(), "message");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "made by the user")]
pub enum Request<T = (), K = Infallible, M = Infallible> {
    /// For the policy.
    Event(Event<T, K>),
    /// For the peer.
    Message(M),
}

words!([T, K, M] Request<T, K, M> {
    Event => "event",
    Message => "message",
});

/// What to send: the commands among the [`Action`](crate::Action)s, one key at a time.
///
/// ```
/// use redial::driver::heapless::Command;
///
/// /// The first byte of what a protocol's `send` writes.
/// const fn tag(command: &Command<(), u8, [u8; 4]>) -> u8 {
///     match command {
///         Command::Identify | Command::Resume(_) | Command::Authenticate => b'L',
///         Command::Heartbeat { .. } => b'P',
///         Command::Subscribe { .. } => b'+',
///         Command::Unsubscribe(_) => b'-',
///         Command::Message(_) => b'M',
///     }
/// }
/// assert_eq!(tag(&Command::Message(*b"21.5")), b'M');
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a protocol that skips a command would hang")]
pub enum Command<T = (), K = Infallible, M = Infallible> {
    /// Identify: ask for a new session.
    Identify,
    /// Resume this session.
    Resume(SessionState<T>),
    /// A heartbeat, with the newest sequence number.
    Heartbeat {
        /// `None`: none was received yet, or the protocol has none.
        sequence: Option<u64>,
    },
    /// Authenticate on the transport.
    Authenticate,
    /// Subscribe to this key.
    Subscribe {
        /// What to.
        key: K,
        /// The number of the batch that it is part of.
        send: u32,
    },
    /// The user gave up a subscription that the server may have.
    Unsubscribe(K),
    /// A message of the application's.
    Message(M),
}

words!([T, K, M] Command<T, K, M> {
    Identify => "send_fresh",
    Resume => "send_resume",
    Heartbeat => "beat",
    Authenticate => "authenticate",
    Subscribe => "subscribe",
    Unsubscribe => "unsubscribe",
    Message => "message",
});

/// Drives a policy, with at most `COMMANDS` commands waiting for the transport.
///
/// Nothing that is passed to [`new`](Self::new) determines `COMMANDS`, so write it down, as `Driver::<_, _, _, _, 12>::new(…)`, or write
/// down the type, as `let driver: Driver<_, _, _, _> = …`, for 16.
///
/// While it runs, it has the policy and the host for itself. What the host is to say meanwhile, and what it was told, goes through
/// something that it shares with the rest of the device: a channel, or a cell.
pub struct Driver<D, P, Rt, H, const COMMANDS: usize = 16> {
    policy: D,
    protocol: P,
    runtime: Rt,
    host: H,
}

impl<D, P, Rt, H, const COMMANDS: usize> Driver<D, P, Rt, H, COMMANDS>
where
    D: Decider<Token = P::Token>,
    D::Subscriptions: Subscriptions<Key = P::Key>,
    P: Protocol,
    Rt: Runtime,
    H: Host<P::Token, P::Key, P::Message>,
{
    /// A driver that has not begun.
    pub const fn new(policy: D, protocol: P, runtime: Rt, host: H) -> Self {
        Self { policy, protocol, runtime, host }
    }

    /// The policy, between two runs.
    ///
    /// A [snapshot](crate::Policy::snapshot) for the time after a reset is taken here: before a planned reset, drop the future of
    /// [`run`](Self::run), which aborts the transport, and take one. There is none of a run under way. For a reset that nobody planned, by
    /// a watchdog, let [`Host::observe`] keep the token of [`Event::Ready`] and the
    /// [sequence number](Notice::session_sequence), and give them to the next policy as a
    /// [resumable session](SessionState::resumable), by [`with_session`](crate::Policy::with_session). The waits of an outage start over
    /// then.
    pub const fn policy(&self) -> &D {
        &self.policy
    }

    /// The host, between two runs.
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// The host, to change it between two runs.
    ///
    /// ```
    /// # use core::convert::Infallible;
    /// # use core::future::{Future, Pending, pending};
    /// # use core::pin::pin;
    /// # use core::task::{Context, Poll, Waker};
    /// # use redial::driver::heapless::{Command, Driver, Host, Protocol, Reader, Request, Writer};
    /// # use redial::driver::{Dial, DialError, Outcome, Runtime, SendFailed};
    /// # use redial::{Cause, Epoch, Event, Instant, Policy, SplitMix64, presets};
    /// # struct Radio;
    /// # struct Half;
    /// # impl Protocol for Radio {
    /// #     type Token = ();
    /// #     type Key = Infallible;
    /// #     type Message = Infallible;
    /// #     type Received = Option<Event<(), Infallible>>;
    /// #     type Reader<'a> = Half;
    /// #     type Writer<'a> = Half;
    /// #     fn dial(&mut self, _: Dial) -> impl Future<Output = Result<(), DialError>> { pending() }
    /// #     fn split(&mut self) -> (Half, Half) { (Half, Half) }
    /// #     fn abort(&mut self) {}
    /// # }
    /// # impl Reader for Half {
    /// #     type Received = Option<Event<(), Infallible>>;
    /// #     fn receive(&mut self, _: Epoch) -> impl Future<Output = Result<Self::Received, Cause>> { pending() }
    /// # }
    /// # impl Writer<Command> for Half {
    /// #     fn send(&mut self, _: Command) -> impl Future<Output = Result<(), SendFailed>> { pending() }
    /// # }
    /// # struct Still;
    /// # impl Runtime for Still {
    /// #     type Sleep = Pending<()>;
    /// #     fn now(&self) -> Instant { Instant::ZERO }
    /// #     fn sleep_until(&self, _: Instant) -> Pending<()> { pending() }
    /// # }
    /// /// A switch, which stops the link while it is off.
    /// struct Switch {
    ///     off: bool,
    /// }
    ///
    /// impl Host<(), Infallible, Infallible> for Switch {
    ///     fn poll_next(&mut self, _: &mut Context<'_>, _: bool) -> Poll<Request> {
    ///         match core::mem::take(&mut self.off) {
    ///             true => Poll::Ready(Request::Event(Event::Stop { keep: true })),
    ///             false => Poll::Pending,
    ///         }
    ///     }
    /// }
    ///
    /// # let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    /// let mut driver: Driver<_, _, _, _> = Driver::new(policy, Radio, Still, Switch { off: false });
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// # assert!(pin!(driver.run()).poll(&mut cx).is_pending());
    /// // A run was dropped here, and the next one is to stop at once.
    /// driver.host_mut().off = true;
    /// # assert_eq!(pin!(driver.run()).poll(&mut cx), Poll::Ready(Outcome::Stopped));
    /// # assert!(!driver.host().off);
    /// ```
    pub const fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }
}

impl<D, P, Rt, H, const COMMANDS: usize> fmt::Debug for Driver<D, P, Rt, H, COMMANDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
