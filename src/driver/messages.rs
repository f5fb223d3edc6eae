//! Messages for the application: a bounded buffer between the reader and one consumer.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use super::queue::Queue;
#[cfg(feature = "blocking")]
use super::status::Run;
use super::status::Status;
use super::sync::{AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering};

/// How many messages wait for the application before the reader pauses, unless
/// [`Driver::with_message_buffer`](super::Driver::with_message_buffer) says otherwise. This project's choice.
pub(super) const CAPACITY: usize = 64;

struct Buffer<I> {
    messages: Queue<I>,
    waker: Option<Waker>,
    discarded: u64,
    /// The number of the consumer, from 1.
    consumer: u64,
}

/// Shared by a driver and its consumer.
pub(super) struct Inbox<I> {
    buffer: Mutex<Buffer<I>>,
    /// How many messages wait, so that the reader locks nothing to know.
    waiting: AtomicUsize,
    capacity: AtomicUsize,
    /// There is a consumer.
    taken: AtomicBool,
    ended: AtomicBool,
    status: Arc<Status>,
}

/// The driver's own end. Dropped, it tells the consumer.
pub(super) struct Receiving<I>(pub(super) Arc<Inbox<I>>);

impl<I> Receiving<I> {
    pub(super) fn new(status: Arc<Status>) -> Self {
        Self(Arc::new(Inbox {
            buffer: Mutex::new(Buffer { messages: Queue::new(), waker: None, discarded: 0, consumer: 0 }),
            waiting: AtomicUsize::new(0),
            capacity: AtomicUsize::new(CAPACITY),
            taken: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            status,
        }))
    }
}

impl<I> Drop for Receiving<I> {
    fn drop(&mut self) {
        self.0.set_ended(true);
    }
}

impl<I> Inbox<I> {
    fn lock(&self) -> MutexGuard<'_, Buffer<I>> {
        self.buffer.lock()
    }

    pub(super) fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity.max(1), Ordering::Release);
    }

    /// The one consumer; of several, the newest.
    pub(super) fn consumer(self: &Arc<Self>) -> Messages<I> {
        let mut buffer = self.lock();
        buffer.consumer = buffer.consumer.wrapping_add(1);
        self.taken.store(true, Ordering::Release);
        let messages = Messages { inbox: self.clone(), number: buffer.consumer };
        let waker = buffer.waker.take();
        drop(buffer);
        // The one before has nothing to wait for any more.
        if let Some(waker) = waker {
            waker.wake();
        }
        messages
    }

    /// Whether so many times the capacity is taken up by messages that somebody will take.
    pub(super) fn is_full(&self, times: usize) -> bool {
        self.waiting.load(Ordering::Acquire) >= self.limit(times) && self.is_taken()
    }

    /// So many times the capacity.
    pub(super) fn limit(&self, times: usize) -> usize {
        self.capacity.load(Ordering::Acquire).saturating_mul(times)
    }

    /// Whether there is a consumer.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    pub(super) fn push(&self, message: I) {
        let mut buffer = self.lock();
        if !self.taken.load(Ordering::Acquire) {
            buffer.discarded = buffer.discarded.saturating_add(1);
            return;
        }
        buffer.messages.push_back(message);
        self.waiting.store(buffer.messages.len(), Ordering::Release);
        let waker = buffer.waker.take();
        drop(buffer);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn discarded(&self) -> u64 {
        self.lock().discarded
    }

    pub(super) fn set_ended(&self, ended: bool) {
        self.ended.store(ended, Ordering::Release);
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The messages that a [`Protocol::receive`](super::Protocol::receive) found for the application, in order, from
/// [`Driver::messages`](super::Driver::messages).
///
/// They wait in a buffer of [bounded size](super::Driver::with_message_buffer). When it is full, the driver stops reading
/// until one is taken: nothing is lost, the transport fills up, and the other side has to wait. That the reader pauses
/// says nothing about the peer, so it is not held against it: a heartbeat counts as acknowledged while
/// the reader is paused for the application's sake, also one that waits behind a write, for a peer that answers what it is
/// sent is blocked by the pause too. A peer that dies in that time is found by a write that fails or takes
/// [too long](super::SEND_TIMEOUT), or by the first heartbeat after the pause. Confirmations of subscriptions are not read either meanwhile.
///
/// Before the session is established the reader goes on until twice the size is taken up, because the server's
/// answer to a resume comes behind the messages that it replays. A successor of the connection is read as far; what it sent
/// comes here when it is the connection, so that up to three times the size waits then.
///
/// While nobody takes messages at all (this was never asked for, or was dropped) they are discarded, and
/// [`Driver::discarded`](super::Driver::discarded) counts them.
///
/// There is one consumer: when [`Driver::messages`](super::Driver::messages) is called again, what waits goes to the new
/// one, and the one before has come to its end.
///
/// With a feature that brings `futures-core` (`smol`, `async-std`) this is a `Stream`.
///
/// ```
/// use redial::driver::Driver;
/// use redial::testing::{Answer, Say, ScriptedTransport, VirtualClock};
/// use redial::{Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// server.answer(Answer::accept(["one", "two"].map(|text| Say::message(text.to_owned()))));
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let mut driver = Driver::new(policy, server, clock.clone()).with_message_buffer(16);
/// let (handle, mut messages) = (driver.handle(), driver.messages());
/// let _run = clock.spawn(async move { driver.run().await });
/// clock.run(async {
///     assert_eq!(messages.recv().await.as_deref(), Some("one"));
///     assert_eq!(messages.recv().await.as_deref(), Some("two"));
///     handle.stop();
///     assert_eq!(messages.recv().await, None);
/// });
/// ```
#[must_use = "the reader pauses when messages are not taken"]
pub struct Messages<I> {
    inbox: Arc<Inbox<I>>,
    number: u64,
}

impl<I> Messages<I> {
    /// The next message; `None` once the run has ended and every message was taken. A later run goes on here.
    ///
    /// Dropping the future loses no message.
    pub async fn recv(&mut self) -> Option<I> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The same as a function to poll.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<I>> {
        let mut buffer = self.inbox.lock();
        if buffer.consumer != self.number {
            return Poll::Ready(None);
        }
        let Some(message) = buffer.messages.pop_front() else {
            buffer.waker = Some(cx.waker().clone());
            // Looked at after the waker is there, so that an end in between is not overlooked.
            let ended = self.inbox.ended.load(Ordering::Acquire);
            return if ended { Poll::Ready(None) } else { Poll::Pending };
        };
        let full = self.inbox.is_full(1);
        self.inbox.waiting.store(buffer.messages.len(), Ordering::Release);
        drop(buffer);
        if full {
            self.inbox.status.waker.wake();
        }
        Poll::Ready(Some(message))
    }

    /// How the run ended, if it did.
    #[cfg(feature = "blocking")]
    pub(super) fn outcome(&self) -> Option<super::Outcome> {
        match self.inbox.status.lock().run {
            Run::Ended(outcome) => outcome,
            Run::New | Run::Running => None,
        }
    }

    /// How many messages wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        if self.inbox.lock().consumer == self.number { self.inbox.waiting.load(Ordering::Acquire) } else { 0 }
    }

    /// A message that is there already.
    pub fn try_recv(&mut self) -> Option<I> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.poll_recv(&mut cx) {
            Poll::Ready(message) => message,
            Poll::Pending => None,
        }
    }
}

impl<I> Drop for Messages<I> {
    fn drop(&mut self) {
        let mut buffer = self.inbox.lock();
        if buffer.consumer != self.number {
            return;
        }
        self.inbox.taken.store(false, Ordering::Release);
        let unread = buffer.messages.take();
        buffer.discarded = buffer.discarded.saturating_add(unread.len() as u64);
        buffer.waker = None;
        self.inbox.waiting.store(0, Ordering::Release);
        drop(buffer);
        self.inbox.status.waker.wake();
    }
}

impl<I> core::fmt::Debug for Messages<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Messages").field("waiting", &self.inbox.waiting).finish_non_exhaustive()
    }
}

#[cfg(feature = "stream")]
impl<I> futures_core::Stream for Messages<I> {
    type Item = I;

    fn poll_next(self: core::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I>> {
        self.get_mut().poll_recv(cx)
    }
}
