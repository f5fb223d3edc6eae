//! Drives a [`Policy`](crate::Policy): one loop for all runtimes, over a connector and a protocol of yours.
//!
//! You write a [`Protocol`] (how to dial, read, write, and what the messages mean), pick a [`Runtime`] and call
//! [`Driver::run`]. It returns, with the reason as a value, when you stop it or the policy gives up; dropping its
//! future drops everything. A [`Handle`] steers it, sends through it and asks it, from anywhere; [`Messages`] is what it
//! receives. The runtimes are features and additive:
#![cfg_attr(feature = "tokio", doc = "[`Tokio`] (`tokio`),")]
#![cfg_attr(not(feature = "tokio"), doc = "`Tokio` (`tokio`),")]
#![cfg_attr(feature = "smol", doc = "[`Smol`] (`smol`),")]
#![cfg_attr(not(feature = "smol"), doc = "`Smol` (`smol`),")]
#![cfg_attr(feature = "async-std", doc = "[`AsyncStd`] (`async-std`),")]
#![cfg_attr(not(feature = "async-std"), doc = "`AsyncStd` (`async-std`),")]
#![cfg_attr(
    feature = "blocking",
    doc = "[`Blocking`] (`blocking`: plain threads, with [`BlockingProtocol`] for sockets that block),"
)]
#![cfg_attr(not(feature = "blocking"), doc = "`Blocking` (`blocking`: plain threads),")]
//! and any other in two methods. Firmware takes the loop without a heap, [`heapless`], over
#![cfg_attr(feature = "embassy", doc = "[`Embassy`] (`embassy`)")]
#![cfg_attr(not(feature = "embassy"), doc = "`Embassy` (`embassy`)")]
//! or any other.
//!
#![cfg_attr(feature = "tokio", doc = "```no_run")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use redial::driver::{Command, Dial, DialError, Driver, Outcome, Protocol, Received, SendFailed, Tokio};
//! use redial::subscriptions::SubscriptionList;
//! use redial::{Cause, Epoch, Event, IoKind, Policy, SplitMix64, presets};
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//! use tokio::net::TcpStream;
//! use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
//!
//! /// A protocol of lines: `LOGIN`, `OK <token>`, `RESUME <token>`, `RESUMED`, `EXPIRED`, `SUB <topic>`,
//! /// `SUBBED <topic>`, `MSG <text>`.
//! struct Feed;
//!
//! impl Protocol for Feed {
//!     type Reader = BufReader<OwnedReadHalf>;
//!     type Writer = OwnedWriteHalf;
//!     type Token = String;
//!     type Key = String;
//!     type Message = String;
//!     type Incoming = String;
//!     type Received = Option<Received<String, String, String>>;
//!
//!     async fn dial(&self, _: Dial<String>) -> Result<(Self::Reader, Self::Writer), DialError> {
//!         let (read, write) = TcpStream::connect("feed.example:4000").await?.into_split();
//!         Ok((BufReader::new(read), write))
//!     }
//!
//!     async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
//!         let mut line = String::new();
//!         reader.read_line(&mut line).await.map_err(|error| Cause::from(&error))?;
//!         // A line that a cut connection left without its end is no message.
//!         let line = line.strip_suffix('\n').ok_or(Cause::Io(IoKind::UnexpectedEof))?;
//!         let event = match line.split_once(' ').unwrap_or((line, "")) {
//!             ("OK", token) => {
//!                 let token = Some(token.to_owned());
//!                 Event::Ready { epoch, token, endpoint: None, sequence: None, ttl: None }
//!             }
//!             ("RESUMED", _) => Event::Resumed { epoch },
//!             ("EXPIRED", _) => Event::SessionInvalid { epoch, resumable: false },
//!             ("PONG", _) => Event::HeartbeatAcked { epoch },
//!             ("SUBBED", topic) => Event::SubscriptionConfirmed { epoch, key: topic.to_owned(), send: None },
//!             ("MSG", text) => return Ok(Some(Received::Message(text.to_owned()))),
//!             _ => return Ok(None),
//!         };
//!         Ok(Some(event.into()))
//!     }
//!
//!     async fn send(
//!         &self,
//!         writer: &mut Self::Writer,
//!         command: Command<String, String, String>,
//!     ) -> Result<(), SendFailed> {
//!         let text = match command {
//!             Command::Identify | Command::Authenticate => "LOGIN\n".to_owned(),
//!             Command::Resume(session) => format!("RESUME {}\n", session.token().map_or("", |token| token)),
//!             Command::Heartbeat { .. } => "PING\n".to_owned(),
//!             Command::Restore { keys, .. } => keys.iter().map(|topic| format!("SUB {topic}\n")).collect(),
//!             Command::Unsubscribe(topic) => format!("UNSUB {topic}\n"),
//!             Command::Message(text) => format!("MSG {text}\n"),
//!         };
//!         Ok(writer.write_all(text.as_bytes()).await?)
//!     }
//! }
//!
//! # async fn main_() -> Result<(), Box<dyn core::error::Error>> {
//! let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
//!     .with_session_type()
//!     .with_subscriptions(SubscriptionList::new());
//! let mut driver = Driver::new(policy, Feed, Tokio::new());
//! let (handle, mut messages) = (driver.handle(), driver.messages());
//! handle.subscribe("weather".to_owned(), 0);
//! let task = tokio::spawn(async move { driver.run().await });
//! // From anywhere, and again after each reconnect without another line:
//! handle.online().await?;
//! handle.send("hello".to_owned()).await?;
//! let answer = messages.recv().await;
//! # let _ = answer;
//! handle.stop();
//! assert_eq!(task.await?, Outcome::Stopped);
//! # Ok(())
//! # }
//! ```
//!
//! `tokio::spawn` is one way to run it beside the rest; [`Driver::spawn`] does the same on every runtime for a
//! [`SendProtocol`]. A crate that owns its socket needs no protocol: [`supervise`].
//!
//! # What becomes of a message
//!
//! The driver's writer is the only one. [`Handle::send`] queues a message behind whatever the policy wants sent, and
//! nothing of the application is written before the policy is online: the session is there, and every batch of
//! subscriptions that is due is written. A message is written at most once, and its sender learns what became of it:
//!
//! | what happened | the sender gets |
//! | --- | --- |
//! | the transport took it | `Ok`; whether the peer has it, only the peer can say |
//! | there is no connection | [`SendError::NotOnline`] with the message, unless an [`Outbox`] keeps it |
//! | the connection was lost before the write began | [`SendError::Lost`] with the message, unless an [`Outbox`] keeps it |
//! | the connection was lost during the write | [`SendError::InDoubt`] |
//! | a successor replaced the connection before the write began | what becomes of it there: it is written on the successor |
//! | a successor replaced the connection during the write | `Ok` if the old transport takes it within [`CLOSE_TIMEOUT`], or while it drains; otherwise [`SendError::InDoubt`] |
//! | the protocol can't send it, because it is too large for example ([`Protocol::can_send`]) | [`SendError::Refused`] with the message |
//! | the queue was full | [`SendError::Full`] or [`SendError::Displaced`] with the message |
//! | the run ended | [`SendError::Ended`] with the message |
//!
//! Received ones wait in a bounded buffer for [`Messages::recv`]. When it is full the reader pauses, which is not held
//! against the peer: see [`Messages`].
//!
//! # With a handover
//!
//! A driver of a [`Handover`](crate::handover::Handover) dials a successor beside the connection. Until the successor is
//! promoted the connection is the only one that is written to. What the application receives:
//!
//! - **From the connection** everything, as ever.
//! - **From the successor** nothing before it is the connection. Its messages and the numbers that come with them
//!   ([`Event::Sequence`](crate::Event::Sequence), [`Event::Cursor`](crate::Event::Cursor)) are held, in order, and then go
//!   on as if they came at that moment; every other event goes to the policy at once. When twice the
//!   [message buffer](Driver::with_message_buffer) is held, the driver reads no more of the successor. One that replays more
//!   than that before it is ready is therefore not ready in
//!   [time](crate::handover::Config::timeout): choose the buffer accordingly. What a successor sent that fails is dropped with
//!   it.
//! - **Numbered messages come once.** A successor that resumed the session may bring what the old connection brought as well:
//!   a message whose number the policy does not take, because it is not above the newest, is left out until the first one that
//!   is new. Cursors have no order: a message that both bring with one is delivered twice.
//! - **From the connection that was replaced**, while it drains, whatever has no number. What has one is the successor's
//!   to bring if that resumed the session; if it began a new session, it is delivered, too.
//!
//! Subscriptions that were given up and not yet told to the server are given up on the successor, where it has the session.
//! Without a drain, the old transport is closed at the promotion, after the write that is under way on it; with one when
//! [`Handle::drained`] or the protocol says so, after its time or before the next dial. [`Handle::online`] and what waits for
//! it do not notice.
//!
//! # Where a session token is sent
//!
//! A server may name the endpoint of the next resume, and the session's token is sent there. The driver dials what an event
//! says: put each endpoint that a server names through an [`EndpointGuard`] before it becomes part of an event. What the
//! guard refuses is left out and counted, and the session is resumed at the base. By default the guard trusts the
//! registrable domain of the base with the feature `public-suffix`, and the host of the base without it.
//!
//! # Without the standard library
//!
//! The feature `driver-core` has a loop that needs neither `std` nor a heap, [`heapless`], and what a driver of your own can share with
//! both loops: [`Runtime`], [`Dial`], [`DialError`], [`Received`], [`Notice`], [`SendFailed`], [`RefreshFailed`] and [`Outcome`]. With `alloc` it
//! has [`Command`], [`Protocol`], [`SendProtocol`] and the [rules of trust](EndpointTrust). What the loop with handles takes beside that:
//!
//! | what | where | why | what stands in the way of leaving it out |
//! | --- | --- | --- | --- |
//! | `std::sync::Mutex` | requests, messages both ways, states that handles ask for, what passes between a transport and the loop | handles may be in other threads, and the run may move between them | nothing but another mutex (of `critical-section`, or a cell where all is one task): all of it is in `sync.rs` |
//! | `std::io::Error` | [`DialError`], [`Failure`] | `?` in a protocol | nothing: only the conversions are left out |
//! | `Arc` | a driver and its handles, [`Messages`], [`Changes`], [`Receipt`] | handles outlive the driver, and come and go | handles that borrow what they share from a static, or from the caller |
//! | `Arc` of a mailbox | a transport and the loop | the future of a transport stands beside it in the same struct | a mailbox in a place of the caller's that both borrow |
//! | `Pin<Box<…>>` | a transport, its dial, the refresh of a credential | their types have no name, and they come and go while the run is pinned | three pinned places in the run's own future (a connection, a successor, one that drains); a dial then keeps its memory as long as the connection |
//! | `VecDeque` | requests, items, commands, messages both ways, what a successor holds | their number is bounded by what the user sets or does, not by the type | capacities as parameters, and an answer for each that is full: requests are never refused today |
//! | `Vec` | [`Command::Restore`], those who wait for a change of the state, the transports beside the connection | a batch is handed over by value | keys that the protocol reads from the policy's own batch, one waker a handle, two places |
//! | `Box` | what few connections need: a report, who watches, the hold of a successor | to keep the rest small | nothing: in place it costs its size |
//! | `Waker` | those who wait for a driver | | nothing, it is of `core`; `atomic-waker` is without `std` as well |
//! | `String` | an endpoint that is refused, Punycode | the message of the error | fixed buffers; a device that trusts [no endpoint of a server's](EndpointTrust) needs none of it |
//!
//! # The duties of a driver
//!
//! For those who write their own; `testing::conformance` (feature `testing`) holds the tests that this one passes on every runtime.
//!
//! 1. It MUST execute every action in order before the next `handle_*` call, and skip none.
//! 2. It MUST ask [`Policy::poll_timeout`] again after every `handle_*` call: a deadline can move *earlier* while a
//!    sleep is armed for the old one, and an armed sleep must not outlive that.
//! 3. It MUST NOT sleep past the deadline, and SHOULD look at the clock before it polls a sleep.
//! 4. It MUST feed events that are ready before timers that are due (after a suspend the acknowledgement lies in the
//!    socket while the heartbeat is overdue), and MUST NOT let a flood of events hold up timers or requests without end.
//! 5. It MUST echo the epoch of each transport in each event about it. A late event need not be filtered: it is stale.
//! 6. It MUST hold at most one transport: the old one, and a close that is still under way, ends before the next
//!    dial begins. Only a dial of [`Role::Successor`](crate::policy::Role::Successor) leaves the connection alone, so that
//!    there are at most two: the connection with its successor, or with the one that it replaced.
//! 7. It MUST end the dial or transport of that epoch when [`Action::Close`] says so, and MUST NOT wait for the other side's
//!    answer.
//! 8. It MUST answer every [`Action::Open`] and [`Action::RefreshCredential`] with one of the events named there.
//! 9. It MUST NOT let a send that blocks hold up timers, reading or requests: the peer that doesn't read is the very one
//!    that the heartbeat is to find.
//! 10. It MUST take requests of the user at any moment, waits of the policy included.
//! 11. After a long suspend it MUST call [`Policy::handle_timeout`] with the time that it is now, and not make up for what
//!     was missed; a deadline that still lies in the past after the call is due at once, like any other.
//! 12. It MUST end, and say why, when the policy has failed; it MUST NOT dial by itself, ever.
//! 13. It MUST NOT write a message of the application before the policy is online, nor one message twice, and MUST say of
//!     each that it does not write what became of it.
//! 14. It MUST NOT let an application that takes no messages hold up heartbeats, nor count its own pause in reading
//!     against the peer.
//! 15. It MUST send what an action asks for on the transport of the action's epoch, and messages of the application on the
//!     connection, which is the promoted transport from [`Action::Promote`] on. A successor is the connection as well when
//!     [`Policy::epoch`] names it because the one before has ended.
//! 16. It MUST NOT deliver a message of a successor before that is the connection, nor let one transport's flood, pause or
//!     blocked write hold up the other.
//!
//! [`Action::Close`]: crate::Action::Close
//! [`Action::Open`]: crate::Action::Open
//! [`Action::Promote`]: crate::Action::Promote
//! [`Action::RefreshCredential`]: crate::Action::RefreshCredential
//! [`Policy::epoch`]: crate::Policy::epoch
//! [`Policy::handle_timeout`]: crate::Policy::handle_timeout
//! [`Policy::poll_timeout`]: crate::Policy::poll_timeout

#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "driver")]
mod changes;
mod command;
#[cfg(feature = "embassy")]
mod embassy;
#[cfg(feature = "driver")]
mod handle;
pub mod heapless;
#[cfg(feature = "driver")]
mod hold;
#[cfg(feature = "driver")]
mod link;
#[cfg(feature = "driver")]
mod links;
#[cfg(feature = "driver")]
mod mailbox;
#[cfg(feature = "driver")]
mod messages;
#[cfg(feature = "driver")]
mod outbox;
#[cfg(feature = "alloc")]
mod protocol;
#[cfg(feature = "driver")]
mod queue;
#[cfg(feature = "driver")]
mod run;
#[cfg(feature = "alloc")]
mod send_protocol;
#[cfg(feature = "driver")]
mod settings;
#[cfg(feature = "driver")]
mod shared;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "driver")]
mod spawn;
#[cfg(feature = "driver")]
mod status;
#[cfg(feature = "driver")]
mod supervise;
#[cfg(feature = "driver")]
mod sync;
#[cfg(feature = "tokio")]
mod tokio;
#[cfg(feature = "alloc")]
mod trust;
#[cfg(feature = "driver")]
mod turn;
#[cfg(feature = "driver")]
mod view;
mod words;

use core::future::Future;
use core::time::Duration;

use crate::classify::Cause;
use crate::policy::{GiveUp, Phase};
use crate::time::Instant;

#[cfg(feature = "async-std")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "async-std")))]
pub use async_std::AsyncStd;
#[cfg(feature = "blocking")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "blocking")))]
pub use blocking::{
    Blocking, BlockingProtocol, BlockingSleep, Dialling, Hangup, Threaded, ThreadedReader, ThreadedWriter,
    WaitError, block_on, block_on_for,
};
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use changes::Changes;
#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
pub use command::Command;
pub use command::{Dial, DialError, Notice, Received, RefreshFailed, SendFailed};
#[cfg(feature = "embassy")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "embassy")))]
pub use embassy::Embassy;
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use handle::{Ended, Handle, HandleFor};
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use messages::Messages;
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use outbox::{Outbox, Overflow, Receipt, SendError};
#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
pub use protocol::Protocol;
#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
pub use send_protocol::SendProtocol;
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use settings::Driver;
#[cfg(feature = "smol")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "smol")))]
pub use smol::{Smol, SmolSleep};
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use spawn::Spawn;
#[cfg(feature = "driver")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "driver")))]
pub use supervise::{Failure, Link, Supervised, supervise};
#[cfg(feature = "tokio")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "tokio")))]
pub use tokio::Tokio;
#[cfg(feature = "alloc")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "alloc")))]
pub use trust::{Distrust, EndpointGuard, EndpointTrust, TrustedHost, Untrusted};

/// How long a close may take ([`Protocol::close`]), with the write that a replaced connection still has under way: 1 s, this
/// project's choice. It delays nothing but the return of [`Driver::run`]; the next dial cuts it off.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long one [`Protocol::send`] may take unless [`Driver::with_send_timeout`] says otherwise: 60 s, as long as nginx
/// lets a peer take nothing (`send_timeout`).
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// What a runtime supplies: a clock and a sleep by that clock.
///
/// ```
/// use core::future::Ready;
/// use std::time::{Duration, SystemTime};
/// use redial::Instant;
/// use redial::driver::Runtime;
///
/// /// A loop that is polled every few milliseconds whatever happens needs no timer: a sleep may end early.
/// struct Polled(SystemTime);
///
/// impl Runtime for Polled {
///     type Sleep = Ready<()>;
///
///     fn now(&self) -> Instant {
///         Instant::ZERO.saturating_add(self.0.elapsed().unwrap_or(Duration::ZERO))
///     }
///
///     fn sleep_until(&self, _: Instant) -> Ready<()> {
///         core::future::ready(())
///     }
/// }
/// assert!(Polled(SystemTime::now()).now() < Instant::from_millis(60_000));
/// ```
pub trait Runtime {
    /// The future of [`sleep_until`](Self::sleep_until).
    type Sleep: Future<Output = ()>;

    /// Whether [`now`](Self::now) goes on while the host sleeps. Default: only on Windows, as `std::time::Instant` does;
    /// those of Linux, macOS and iOS stand still.
    const COUNTS_SLEEP: bool = cfg!(windows);

    /// The time since an origin that this value keeps. Monotonic.
    fn now(&self) -> Instant;

    /// Ends when `now()` is at or after `at`. Ending early is harmless, ending late delays everything.
    fn sleep_until(&self, at: Instant) -> Self::Sleep;
}

/// How a [`Driver::run`] ended.
///
/// ```
/// use redial::driver::Outcome;
/// use redial::{Cause, GiveUp};
///
/// /// What a program says at its end, and its exit status.
/// fn end(outcome: Outcome) -> (String, i32) {
///     match outcome {
///         Outcome::Stopped => ("stopped".to_owned(), 0),
///         Outcome::GaveUp { reason: GiveUp::Auth, cause } => (format!("sign in again ({cause})"), 2),
///         Outcome::GaveUp { cause: Cause::AuthDenied, .. } => ("this account may not".to_owned(), 2),
///         Outcome::GaveUp { reason, cause } => (format!("gave up: {reason}, {cause}"), 1),
///     }
/// }
/// assert_eq!(end(Outcome::Stopped).1, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "the connection is gone, and this says why"]
#[expect(clippy::exhaustive_enums, reason = "the two ends of a policy")]
pub enum Outcome {
    /// The user stopped it.
    Stopped,
    /// The policy gave up: nothing more is tried until somebody runs it again.
    GaveUp {
        /// Which limit or verdict.
        reason: GiveUp,
        /// What happened last.
        cause: Cause,
    },
}

/// Whether the policy wants no connection.
const fn is_over(phase: Phase) -> bool {
    matches!(phase, Phase::Idle | Phase::Stopped | Phase::Failed)
}

/// Whether the session is established.
const fn is_live(phase: Phase) -> bool {
    matches!(phase, Phase::Restoring | Phase::Online)
}
