//! Drives a [`Policy`]: one loop for all runtimes, over a connector and a protocol of yours.
//!
//! You write a [`Protocol`] (how to dial, read, write, and what the messages mean), pick a [`Runtime`] and call
//! [`Driver::run`]. It returns, with the reason as a value, when you stop it or the policy gives up; dropping its
//! future drops everything. A [`Handle`] stops and nudges it from anywhere. The runtimes are features and additive:
#![cfg_attr(feature = "tokio", doc = "[`Tokio`] (`tokio`),")]
#![cfg_attr(not(feature = "tokio"), doc = "`Tokio` (`tokio`),")]
#![cfg_attr(feature = "smol", doc = "[`Smol`] (`smol`),")]
#![cfg_attr(not(feature = "smol"), doc = "`Smol` (`smol`),")]
#![cfg_attr(feature = "async-std", doc = "[`AsyncStd`] (`async-std`),")]
#![cfg_attr(not(feature = "async-std"), doc = "`AsyncStd` (`async-std`),")]
//! and any other in two methods.
//!
#![cfg_attr(feature = "tokio", doc = "```no_run")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! use redial::driver::{Command, Dial, DialError, Driver, Outcome, Protocol, SendFailed, Tokio};
//! use redial::subscriptions::SubscriptionList;
//! use redial::{Cause, Epoch, Event, IoKind, Policy, SplitMix64, presets};
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
//! use tokio::net::TcpStream;
//! use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
//!
//! /// A protocol of lines: `LOGIN`, `OK <token>`, `SUB <topic>`, `PING`.
//! struct Feed;
//!
//! impl Protocol for Feed {
//!     type Reader = Lines<BufReader<OwnedReadHalf>>;
//!     type Writer = OwnedWriteHalf;
//!     type Token = String;
//!     type Key = String;
//!     type Facts = Option<Event<String, String>>;
//!
//!     async fn dial(&self, dial: Dial<String>) -> Result<(Self::Reader, Self::Writer), DialError> {
//!         let address = dial.endpoint.as_deref().unwrap_or("feed.example:4000");
//!         let (read, write) = TcpStream::connect(address).await?.into_split();
//!         Ok((BufReader::new(read).lines(), write))
//!     }
//!
//!     async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Facts, Cause> {
//!         let line = reader.next_line().await.map_err(|error| Cause::Io(IoKind::from(error.kind())))?;
//!         let line = line.ok_or(Cause::Io(IoKind::UnexpectedEof))?;
//!         Ok(match line.split_once(' ') {
//!             Some(("OK", token)) => Some(Event::Ready {
//!                 epoch,
//!                 token: Some(token.to_owned()),
//!                 endpoint: None,
//!                 sequence: None,
//!                 ttl: None,
//!             }),
//!             _ if line == "PONG" => Some(Event::HeartbeatAcked { epoch }),
//!             _ => None,
//!         })
//!     }
//!
//!     async fn send(
//!         &self,
//!         writer: &mut Self::Writer,
//!         command: Command<String, String>,
//!     ) -> Result<(), SendFailed> {
//!         let text = match command {
//!             Command::Identify | Command::Authenticate => "LOGIN\n".to_owned(),
//!             Command::Resume(session) => format!("LOGIN {}\n", session.token().map_or("", |token| token)),
//!             Command::Heartbeat { .. } => "PING\n".to_owned(),
//!             Command::Restore { keys, .. } => keys.iter().map(|topic| format!("SUB {topic}\n")).collect(),
//!             Command::Unsubscribe(topic) => format!("UNSUB {topic}\n"),
//!         };
//!         Ok(writer.write_all(text.as_bytes()).await?)
//!     }
//! }
//!
//! # async fn main_() {
//! let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
//!     .with_session_type::<String>()
//!     .with_subscriptions(SubscriptionList::new());
//! let mut driver = Driver::new(policy, Feed, Tokio::new());
//! let handle = driver.handle();
//! handle.subscribe("weather".to_owned(), 0);
//! let task = tokio::spawn(async move { driver.run().await });
//! // Any time later, from anywhere:
//! handle.stop();
//! assert_eq!(task.await.ok(), Some(Outcome::Stopped));
//! # }
//! ```
//!
//! Messages of the application don't pass through the driver: give [`Protocol::receive`] a channel to it, and let it
//! share the writer (a `Mutex`, or a channel whose other end is read where the transport is written).
//!
//! # Where a session token is sent
//!
//! A server may name the endpoint of the next resume, and the session's token is sent there. The driver dials what an event
//! says: put each endpoint that a server names through an [`EndpointGuard`] before it becomes part of an event. What the
//! guard refuses is left out and counted, and the session is resumed at the base. By default the guard trusts the
//! registrable domain of the base with the feature `public-suffix`, and the host of the base without it.
//!
//! # The duties of a driver
//!
//! For those who write their own; `tests/driver` holds the tests that this one passes on every runtime.
//!
//! 1. It MUST execute every action in order before the next `handle_*` call, and skip none.
//! 2. It MUST ask [`Policy::poll_timeout`] again after every `handle_*` call: a deadline can move *earlier* while a
//!    sleep is armed for the old one, and an armed sleep must not outlive that.
//! 3. It MUST NOT sleep past the deadline, and SHOULD look at the clock before it polls a sleep.
//! 4. It MUST feed facts that are ready before timers that are due (after a suspend the acknowledgement lies in the
//!    socket while the heartbeat is overdue), and MUST NOT let a flood of facts hold timers or wishes up for ever.
//! 5. It MUST echo the epoch of each transport in each fact about it. A late fact need not be filtered: it is stale.
//! 6. It MUST hold at most one transport: the old one, and a goodbye that is still under way, ends before the next
//!    dial begins.
//! 7. It MUST end a dial or transport when [`Action::Close`] says so, and MUST NOT wait for the other side's answer.
//! 8. It MUST answer every [`Action::Open`] and [`Action::RefreshCredential`] with one of the facts named there.
//! 9. It MUST NOT let a send that blocks hold up timers, reading or wishes: the peer that doesn't read is the very one
//!    that the heartbeat is to find.
//! 10. It MUST take wishes of the user at any moment, waits of the policy included.
//! 11. After a long suspend it MUST call [`Policy::handle_timeout`] with the time that it is now, and not make up for what
//!     was missed; a deadline that still lies in the past after the call is due at once, like any other.
//! 12. It MUST end, and say why, when the policy has failed; it MUST NOT dial by itself, ever.

#[cfg(feature = "async-std")]
mod async_std;
mod handle;
mod link;
mod protocol;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;
mod trust;
mod turn;
mod words;

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::policy::{Action, ConfigSource, Endpoint, Event, GiveUp, OptionalPart, Phase, Policy};
use crate::session::SessionState;
use crate::subscriptions::{SubscriptionState, Subscriptions};
use crate::time::Instant;

#[cfg(feature = "async-std")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "async-std")))]
pub use async_std::AsyncStd;
pub use handle::Handle;
pub use protocol::{Command, Dial, DialError, Notice, Protocol, RefreshFailed, SendFailed};
#[cfg(feature = "smol")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "smol")))]
pub use smol::Smol;
#[cfg(feature = "tokio")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "tokio")))]
pub use tokio::Tokio;
pub use trust::{Distrust, EndpointGuard, EndpointTrust, TrustedHost, Untrusted};

use handle::CommandQueue;
use link::Mailbox;
use turn::{EventLoop, Step};

/// How long a goodbye may take ([`Protocol::close`]): 1 s, this project's choice. It delays nothing but the return of
/// [`Driver::run`]; the next dial cuts it off.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a runtime supplies: a clock and a sleep by that clock.
pub trait Runtime {
    /// Whether [`now`](Self::now) goes on while the host sleeps. Default: only on Windows, as `std::time::Instant` does;
    /// those of Linux, macOS and iOS stand still.
    const COUNTS_SLEEP: bool = cfg!(windows);

    /// The time since an origin that this value keeps. Monotonic.
    fn now(&self) -> Instant;

    /// Ends when `now()` is at or after `at`. Ending early is harmless, ending late delays everything.
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()>;
}

/// How a [`Driver::run`] ended.
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

/// The loop over a policy, a protocol and a runtime. See the [module](self) for an example. `Q` is the whole type of the
/// [`Policy`]; its `T` is the protocol's [`Token`](Protocol::Token) and its subscriptions have the protocol's
/// [`Key`](Protocol::Key).
///
/// It holds at most one transport, counted from the beginning of its dial to the end of its goodbye.
pub struct Driver<P: Protocol, Rt, Q> {
    policy: Q,
    protocol: P,
    runtime: Rt,
    wishes: CommandQueue<P::Token, P::Key>,
}

impl<P: Protocol, Rt, Q> Driver<P, Rt, Q> {
    /// A driver that does nothing until [`run`](Self::run).
    #[must_use]
    pub fn new(policy: Q, protocol: P, runtime: Rt) -> Self {
        Self { policy, protocol, runtime, wishes: CommandQueue::new() }
    }

    /// The way to stop and nudge it while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle<P::Token, P::Key> {
        self.wishes.handle()
    }

    /// The policy, between two runs: its session to keep, its counters.
    #[must_use]
    pub const fn policy(&self) -> &Q {
        &self.policy
    }

    /// The protocol.
    #[must_use]
    pub const fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Both back.
    #[must_use]
    pub fn into_parts(self) -> (Q, P) {
        (self.policy, self.protocol)
    }
}

impl<P, Rt, R, S, C, E> Driver<P, Rt, Policy<R, P::Token, S, C, E>>
where
    P: Protocol,
    Rt: Runtime,
    R: Rng,
    S: Subscriptions<Key = P::Key>,
    C: ConfigSource,
    E: Endpoints,
{
    /// Starts the policy and drives it until the user stops it ([`Handle::stop`]) or it gives up.
    ///
    /// It may be called again then, and starts over. Wishes that came before it are taken before the start: a missing
    /// precondition or network is known then, and after a stop it dials nothing and returns.
    ///
    /// Dropping the future drops the transport and whatever else is under way, without a goodbye; the next call takes
    /// that for a stop that keeps the session.
    pub async fn run(&mut self) -> Outcome {
        let Self { policy, protocol, runtime, wishes } = self;
        let (protocol, runtime) = (&*protocol, &*runtime);
        let mail = Mailbox::new();
        let (mut link, mut refresh, mut sleep) = (pin!(None), pin!(None), pin!(None));
        let sleep_until = |at| runtime.sleep_until(at);
        let mut turn = EventLoop::new(
            runtime,
            sleep_until,
            &*wishes,
            &mail,
            link.as_mut(),
            refresh.as_mut(),
            sleep.as_mut(),
        );
        let mut gave_up = Outcome::Stopped;

        // An earlier run that was dropped took its transport with it.
        let dropped = !matches!(policy.phase(), Phase::Idle | Phase::Stopped | Phase::Failed);
        let mut first = dropped.then_some(Event::Stop { keep: true });
        let (mut started, mut stopped) = (false, false);
        loop {
            let step = if let Some(fact) = first.take() {
                Step::Fact(fact)
            } else if started {
                let ended = matches!(policy.phase(), Phase::Idle | Phase::Stopped | Phase::Failed);
                let deadline = policy.poll_timeout();
                poll_fn(|cx| turn.poll(cx, deadline, ended)).await
            } else if let Some(wish) = wishes.take() {
                stopped |= matches!(wish, Event::Stop { .. });
                Step::Fact(wish)
            } else if stopped {
                Step::End
            } else {
                started = true;
                Step::Fact(Event::Start)
            };
            let now = runtime.now();
            let (fact, actions) = match step {
                Step::Timeout => (None, policy.handle_timeout(now)),
                Step::Fact(mut event) => {
                    if let Event::HostResumed { counted, .. } = &mut event {
                        *counted = Rt::COUNTS_SLEEP;
                    }
                    let fact = event.clone();
                    if let Event::Unsubscribe { key } = &event {
                        let known = policy.subscriptions().find(key).map(|entry| entry.state());
                        let sent =
                            matches!(known, Some(SubscriptionState::Sent | SubscriptionState::Confirmed));
                        if sent && matches!(policy.phase(), Phase::Restoring | Phase::Online) {
                            mail.command(Command::Unsubscribe(key.clone()));
                        }
                    }
                    (Some(fact), policy.handle_event(now, event))
                }
                Step::End if policy.phase() == Phase::Failed => return gave_up,
                Step::End => return Outcome::Stopped,
            };
            let explanation = policy.explain();
            protocol.observe(&Notice { at: now, fact: fact.as_ref(), actions: &actions, explanation });
            for action in actions {
                match action {
                    Action::Open { epoch, mode, endpoint, attempt } => {
                        let endpoint = match endpoint {
                            Endpoint::Base => None,
                            Endpoint::Session => {
                                policy.session().get().and_then(|session| session.endpoint().cloned())
                            }
                            Endpoint::Redirect => policy.redirect().cloned(),
                        };
                        let endpoint_index = policy.endpoints().current();
                        let dial = Dial { epoch, mode, endpoint, endpoint_index, attempt };
                        turn.open(link::transport(protocol, dial, &mail));
                    }
                    Action::Close { code: None, .. } => turn.drop_link(),
                    Action::Close { code: Some(code), .. } => {
                        turn.close(code);
                        // Once at once, whatever comes next.
                        poll_fn(|cx| {
                            turn.poll_link(cx);
                            Poll::Ready(())
                        })
                        .await;
                    }
                    Action::Identify { .. } => mail.command(Command::Identify),
                    Action::Resume { .. } => {
                        let session = policy.session().get().cloned().unwrap_or_default();
                        mail.command(Command::Resume(session));
                    }
                    Action::Heartbeat { .. } => {
                        let sequence = policy.session().get().and_then(SessionState::sequence);
                        mail.command(Command::Heartbeat { sequence });
                    }
                    Action::Authenticate { .. } => mail.command(Command::Authenticate),
                    Action::Restore { send, .. } => {
                        let keys = policy.subscriptions().batch().cloned().collect();
                        mail.command(Command::Restore { keys, send });
                    }
                    Action::RefreshCredential { request } => {
                        turn.refresh(request, async { protocol.refresh_credential().await });
                    }
                    Action::DropSession { .. } => {}
                    Action::GaveUp { reason, cause } => gave_up = Outcome::GaveUp { reason, cause },
                }
            }
        }
    }
}

impl<P: Protocol, Rt, Q: fmt::Debug> fmt::Debug for Driver<P, Rt, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("policy", &self.policy).finish_non_exhaustive()
    }
}
