//! One connection of a scripted transport, as the server and the test see it.

use core::convert::Infallible;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::vec;
use std::vec::Vec;

use crate::classify::Cause;
use crate::driver::{Received, SendFailed};
use crate::policy::{Epoch, Event};

use super::script::{How, Writes};

/// A connection of a [`ScriptedTransport`](super::ScriptedTransport), for what no script can know beforehand. Clones are the same
/// connection, and keep nothing open.
///
/// ```
/// use redial::driver::Driver;
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Cause, Policy, SplitMix64, presets};
///
/// let clock = VirtualClock::new();
/// let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let mut driver = Driver::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)), server.clone(), clock.clone());
/// let (handle, mut messages) = (driver.handle(), driver.messages());
/// let _run = clock.spawn(async move { driver.run().await });
/// clock.run(async {
///     handle.online().await.expect("online");
///     let connection = server.connections().pop().expect("it is open");
///     connection.push_message("hello".to_owned());
///     assert_eq!(messages.recv().await.as_deref(), Some("hello"));
///     connection.end(Cause::NoCloseFrame);
/// });
/// ```
pub struct Connection<T = (), K = Infallible, I = Infallible>(Arc<Wire<T, K, I>>);

struct Wire<T, K, I> {
    epoch: Epoch,
    alive: Weak<Alive>,
    state: Mutex<State<T, K, I>>,
}

struct State<T, K, I> {
    /// What the client has not received yet.
    arrived: VecDeque<Vec<Received<T, K, I>>>,
    end: Option<Cause>,
    reader: Option<Waker>,
    /// In place of the transport's.
    writes: Option<Writes>,
    /// How many commands were written.
    written: usize,
    writer: Option<Waker>,
}

/// What one receive gives.
pub(super) type Arrived<T, K, I> = Result<Vec<Received<T, K, I>>, Cause>;

/// Counts one transport from the beginning of its dial until both halves are gone.
pub(super) struct Alive(Box<dyn Fn() + Send + Sync>);

impl Alive {
    pub(super) fn new(gone: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self(Box::new(gone)))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<T, K, I> Clone for Connection<T, K, I> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, K, I> Connection<T, K, I> {
    pub(super) fn new(epoch: Epoch, alive: &Arc<Alive>) -> Self {
        let state = State {
            arrived: VecDeque::new(),
            end: None,
            reader: None,
            writes: None,
            written: 0,
            writer: None,
        };
        Self(Arc::new(Wire { epoch, alive: Arc::downgrade(alive), state: Mutex::new(state) }))
    }

    fn lock(&self) -> MutexGuard<'_, State<T, K, I>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transport's number.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// Whether the driver still has a half of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.alive.strong_count() > 0
    }

    /// How many commands were written to it.
    #[must_use]
    pub fn written(&self) -> usize {
        self.lock().written
    }

    /// How much of what the server said was not received yet, without what its script still says.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.lock().arrived.len()
    }

    /// The server says this; one [`Protocol::receive`](crate::driver::Protocol::receive) returns it.
    pub fn push(&self, items: impl IntoIterator<Item = Received<T, K, I>>) {
        let items = items.into_iter().collect();
        self.change_reading(|state| state.arrived.push_back(items));
    }

    /// An event for the policy, made for this connection's epoch.
    pub fn push_event(&self, event: impl FnOnce(Epoch) -> Event<T, K>) {
        self.push([event(self.epoch()).into()]);
    }

    /// A message for the application.
    pub fn push_message(&self, message: I) {
        self.push([Received::Message(message)]);
    }

    /// A message for the application, behind its sequence number.
    pub fn push_numbered(&self, sequence: u64, message: I) {
        let sequence = Event::Sequence { epoch: self.epoch(), sequence };
        self.push(vec![sequence.into(), Received::Message(message)]);
    }

    /// The server ends it: the client finds this behind everything that arrived before.
    pub fn end(&self, cause: Cause) {
        self.change_reading(|state| {
            state.end.get_or_insert(cause);
        });
    }

    fn change_reading(&self, change: impl FnOnce(&mut State<T, K, I>)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.reader.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What becomes of writes to this connection, in place of what is set for all; `None`: what is set for all.
    pub fn set_writes(&self, writes: Option<Writes>) {
        self.lock().writes = writes;
        self.wake_writer();
    }

    pub(super) fn wake_writer(&self) {
        let waker = self.lock().writer.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What has arrived, or the end behind it.
    pub(super) fn poll_arrived(&self, cx: &Context<'_>) -> Poll<Arrived<T, K, I>> {
        let mut state = self.lock();
        match (state.arrived.pop_front(), state.end) {
            (Some(items), _) => Poll::Ready(Ok(items)),
            (None, Some(cause)) => Poll::Ready(Err(cause)),
            (None, None) => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits until the peer takes the next command; then how long that takes. `common`: what is set for all.
    pub(super) async fn take_write(&self, common: impl Fn() -> Writes) -> Result<Duration, SendFailed> {
        poll_fn(|cx| {
            let mut state = self.lock();
            let written = state.written;
            // Under the lock: a change of it wakes the writer afterwards.
            let writes = state.writes.unwrap_or_else(&common);
            Poll::Ready(match writes.0 {
                How::FailAt(number) if written >= number => Err(SendFailed),
                How::BlockAt(number) if written >= number => {
                    state.writer = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                How::Slow(span) => Ok(span),
                How::Fine | How::FailAt(_) | How::BlockAt(_) => Ok(Duration::ZERO),
            })
        })
        .await
    }

    pub(super) fn count_write(&self) {
        let mut state = self.lock();
        state.written = state.written.saturating_add(1);
    }
}

impl<T, K, I> fmt::Debug for Connection<T, K, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("epoch", &self.0.epoch)
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}
