//! A transport in memory, with a server that follows a script.

mod connection;
mod log;
mod protocol;
mod script;

use core::convert::Infallible;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;
use std::vec::Vec;

use crate::driver::{Command, Dial, RefreshFailed, Runtime};
use crate::policy::{Epoch, Event};
use crate::time::Instant;

pub use connection::Connection;
pub use log::{Closed, Dialled, Log, Observed, Sent};
pub use protocol::{ScriptedReader, ScriptedWriter};
pub use script::{Answer, Say, Writes};

use connection::Alive;
use script::Script;

/// A protocol over a transport in memory, with a server that follows a script, for tests of what is built on a
/// [`Driver`](crate::driver::Driver): no socket is opened, everything that the driver does is logged, and what is open is counted.
///
/// A dial takes the next [`Answer`]; once there is none left, every dial is accepted. On an accepted connection the server
/// [answers](Self::set_answering) what a session needs and does beside that what the answer's script says. What no script can know, a test says by a
/// [`Connection`]. Clones are the same transport.
///
/// The types are those of the protocol that it takes the place of: session token, key of a subscription, message that is sent
/// and message that is received. The clock is any [`Runtime`]; with a [`VirtualClock`](super::VirtualClock) no time is lost.
///
#[cfg_attr(feature = "chacha", doc = "```")]
#[cfg_attr(not(feature = "chacha"), doc = "```ignore")]
/// use core::time::Duration;
/// use redial::driver::{Driver, Outcome};
/// use redial::testing::{Answer, Say, ScriptedTransport, VirtualClock};
/// use redial::{Cause, IoKind, Policy, SplitMix64, presets};
///
/// let clock = VirtualClock::new();
/// let server = ScriptedTransport::<String, String, String, String>::new(clock.clone());
/// server.answer(Answer::refuse(Cause::Io(IoKind::ConnectionRefused)));
/// server.answer(Answer::accept([Say::wait(Duration::from_secs(5)), Say::message("hello".to_owned())]));
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7))
///     .with_session_type()
///     .with_subscriptions(redial::subscriptions::SubscriptionList::new());
/// let mut driver = Driver::new(policy, server.clone(), clock.clone());
/// let (handle, mut messages) = (driver.handle(), driver.messages());
/// let run = clock.spawn(async move { driver.run().await });
///
/// // What is tested: here, a client that greets back.
/// clock.run(async {
///     let greeting = messages.recv().await.unwrap();
///     handle.send(greeting).await.unwrap();
///     handle.stop();
///     assert_eq!(run.await, Outcome::Stopped);
/// });
///
/// assert_eq!(server.log().dials.len(), 2);
/// assert!(server.log().messages().eq(["hello"]));
/// server.assert_all_closed(1);
/// ```
pub struct ScriptedTransport<T = (), K = Infallible, M = Infallible, I = Infallible>(Arc<Shared<T, K, M, I>>);

struct Shared<T, K, M, I> {
    clock: Box<dyn Clock>,
    state: Mutex<State<T, K, M, I>>,
    /// What the server does with a command; `None`: it answers.
    reaction: Mutex<Option<Reaction<T, K, M, I>>>,
    /// What a dial comes to that has no answer; `None`: it is accepted.
    further: Mutex<Option<Further<T, K, I>>>,
}

type Reaction<T, K, M, I> =
    Box<dyn FnMut(&ScriptedTransport<T, K, M, I>, &Connection<T, K, I>, &Command<T, K, M>) + Send>;
type Further<T, K, I> = Box<dyn FnMut(&Dial<T>) -> Answer<T, K, I> + Send>;

struct State<T, K, M, I> {
    answers: VecDeque<Answer<T, K, I>>,
    answering: bool,
    session: (Option<T>, Option<u64>),
    writes: Writes,
    closes_hang: bool,
    credential: Option<Result<Option<Duration>, RefreshFailed>>,
    connections: Vec<Connection<T, K, I>>,
    alive: usize,
    most_alive: usize,
    log: Log<T, K, M>,
    /// Who waits for the log to grow.
    waiting: Vec<Waker>,
}

/// What a runtime supplies, behind a pointer.
trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn sleep_until(&self, at: Instant) -> Sleep;
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<Rt: Runtime<Sleep: Send + 'static> + Send + Sync> Clock for Rt {
    fn now(&self) -> Instant {
        Runtime::now(self)
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Box::pin(Runtime::sleep_until(self, at))
    }
}

impl<T, K, M, I> Clone for ScriptedTransport<T, K, M, I> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, K, M, I> ScriptedTransport<T, K, M, I> {
    /// A server that accepts every dial, answers and says nothing else, by this clock.
    pub fn new(clock: impl Runtime<Sleep: Send + 'static> + Send + Sync + 'static) -> Self {
        let state = State {
            answers: VecDeque::new(),
            answering: true,
            session: (None, None),
            writes: Writes::FINE,
            closes_hang: false,
            credential: Some(Ok(None)),
            connections: Vec::new(),
            alive: 0,
            most_alive: 0,
            log: Log::new(),
            waiting: Vec::new(),
        };
        Self(Arc::new(Shared {
            clock: Box::new(clock),
            state: Mutex::new(state),
            reaction: Mutex::new(None),
            further: Mutex::new(None),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State<T, K, M, I>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.0.clock.now()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.0.clock.sleep_until(self.now().saturating_add(span))
    }

    /// What the next dial without an answer comes to.
    pub fn answer(&self, answer: Answer<T, K, I>) {
        self.lock().answers.push_back(answer);
    }

    /// What every dial comes to for which there is no [`answer`](Self::answer) left.
    pub fn answer_further(&self, answer: impl FnMut(&Dial<T>) -> Answer<T, K, I> + Send + 'static) {
        *self.0.further.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(answer));
    }

    /// Whether the server answers at once what a session needs: a login, a resume, heartbeats, an authentication and
    /// subscriptions, each with success. By default it does; a script or a [`Connection`] can answer instead.
    pub fn set_answering(&self, answering: bool) {
        self.lock().answering = answering;
    }

    /// The session that the server gives when it answers a login: a token, and the newest sequence number. By default it gives none
    /// of both, so that nothing is resumed.
    pub fn set_session(&self, token: impl Into<Option<T>>, sequence: Option<u64>) {
        self.lock().session = (token.into(), sequence);
    }

    /// Sees every command that was written, with this transport and the connection, in place of [answering](Self::set_answering). It may
    /// push what the server says to that, and [`reply`](Self::reply) to what it does not care about.
    pub fn on_command(
        &self,
        reaction: impl FnMut(&Self, &Connection<T, K, I>, &Command<T, K, M>) + Send + 'static,
    ) {
        *self.0.reaction.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(reaction));
    }

    /// What becomes of what is written, on every connection that has no [setting of its own](Connection::set_writes).
    pub fn set_writes(&self, writes: Writes) {
        self.lock().writes = writes;
        self.connections().iter().for_each(Connection::wake_writer);
    }

    /// Whether a close never ends by itself. By default it ends at once.
    pub fn set_closes_hang(&self, hang: bool) {
        self.lock().closes_hang = hang;
    }

    /// What a refresh of the credential gives; `None`: it never ends. By default a credential without an end.
    pub fn set_credential(&self, result: Option<Result<Option<Duration>, RefreshFailed>>) {
        self.lock().credential = result;
    }

    /// The connections that are open, oldest first.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection<T, K, I>> {
        let mut state = self.lock();
        state.connections.retain(Connection::is_open);
        state.connections.clone()
    }

    /// How many transports there are, counted from the beginning of the dial until both halves are gone.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.lock().alive
    }

    /// How many there were at most at a time.
    #[must_use]
    pub fn most_alive(&self) -> usize {
        self.lock().most_alive
    }

    /// For the end of a test.
    ///
    /// # Panics
    /// If a transport is still there, or there were ever more than so many at a time: a driver has one, and two with a
    /// handover.
    #[track_caller]
    pub fn assert_all_closed(&self, most: usize) {
        let (alive, most_alive) = {
            let state = self.lock();
            (state.alive, state.most_alive)
        };
        assert!(alive == 0, "{alive} transports are still open");
        assert!(most_alive <= most, "{most_alive} transports at a time, and not {most}");
    }

    /// Looks at the log without a copy. No other method of this transport may be called inside.
    pub fn read_log<R>(&self, read: impl FnOnce(&Log<T, K, M>) -> R) -> R {
        read(&self.lock().log)
    }

    /// Waits until the log is as it should be.
    pub async fn until(&self, mut ready: impl FnMut(&Log<T, K, M>) -> bool) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if ready(&state.log) {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Logs something, and wakes those who wait for it.
    fn note(&self, note: impl FnOnce(&mut Log<T, K, M>)) {
        let mut state = self.lock();
        note(&mut state.log);
        let waiting = core::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<T, K, M, I> ScriptedTransport<T, K, M, I>
where
    T: Send + 'static,
    K: Send + 'static,
    M: Send + 'static,
    I: Send + 'static,
{
    /// One more transport, until what this returns is dropped.
    fn count(&self) -> Arc<Alive> {
        let mut state = self.lock();
        state.alive = state.alive.saturating_add(1);
        state.most_alive = state.most_alive.max(state.alive);
        drop(state);
        let transport = self.clone();
        Alive::new(move || {
            let mut state = transport.lock();
            state.alive = state.alive.saturating_sub(1);
        })
    }

    fn take_answer(&self, dial: &Dial<T>) -> Answer<T, K, I> {
        let answer = self.lock().answers.pop_front();
        answer.unwrap_or_else(|| match &mut *self.0.further.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(further) => further(dial),
            None => Answer::accept([]),
        })
    }
}

impl<T: Clone, K: Clone, M: Clone, I> ScriptedTransport<T, K, M, I> {
    /// A copy of what was done so far.
    #[must_use]
    pub fn log(&self) -> Log<T, K, M> {
        self.lock().log.clone()
    }

    /// Answers one command with success on this connection, as [answering](Self::set_answering) does.
    pub fn reply(&self, connection: &Connection<T, K, I>, command: &Command<T, K, M>) {
        let epoch = connection.epoch();
        let events = match command {
            Command::Identify => vec![self.ready(epoch)],
            Command::Resume(_) => vec![Event::Resumed { epoch }],
            Command::Heartbeat { .. } => vec![Event::HeartbeatAcked { epoch }],
            Command::Authenticate => vec![Event::AuthOk { epoch }],
            Command::Restore { keys, send } => {
                let confirmed =
                    |key: &K| Event::SubscriptionConfirmed { epoch, key: key.clone(), send: Some(*send) };
                keys.iter().map(confirmed).collect()
            }
            Command::Message(_) | Command::Unsubscribe(_) => return,
        };
        connection.push(events.into_iter().map(Into::into));
    }

    /// The answer to a login.
    fn ready(&self, epoch: Epoch) -> Event<T, K> {
        let (token, sequence) = self.lock().session.clone();
        Event::Ready { epoch, token, endpoint: None, sequence, ttl: None }
    }

    /// The server has a command.
    fn react(&self, connection: &Connection<T, K, I>, command: &Command<T, K, M>) {
        if let Some(reaction) = &mut *self.0.reaction.lock().unwrap_or_else(PoisonError::into_inner) {
            return reaction(self, connection, command);
        }
        if self.lock().answering {
            self.reply(connection, command);
        }
    }
}

impl<T, K, M, I> fmt::Debug for ScriptedTransport<T, K, M, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("ScriptedTransport")
            .field("answers", &state.answers)
            .field("alive", &state.alive)
            .field("most_alive", &state.most_alive)
            .field("dials", &state.log.dials.len())
            .field("sent", &state.log.sent.len())
            .finish_non_exhaustive()
    }
}
