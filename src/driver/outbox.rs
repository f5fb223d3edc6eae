//! Messages of the application on their way out: queued until the policy is online, and given back where they were not
//! written.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::queue::Queue;
use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

/// How many messages wait to be written, and whether they may wait while there is no connection.
///
/// By default a message is given back at once while there is no connection, and when the connection is lost before it
/// was written.
///
/// ```
/// use redial::driver::{Outbox, Overflow};
///
/// // Positions of a vehicle: keep the newest hundred while there is no connection.
/// const OUTBOX: Outbox = Outbox::new().with_capacity(100).with_offline_queue(Overflow::DropOldest);
/// # let _ = OUTBOX;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "hand it to Driver::with_outbox"]
pub struct Outbox {
    capacity: usize,
    offline: Option<Overflow>,
}

/// What gives way when the queue is full and there is no connection. Whatever it is, its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration, matched by nobody but the queue")]
pub enum Overflow {
    /// The new message: [`SendError::Full`].
    Refuse,
    /// The oldest that waits: [`SendError::Displaced`]. For what is worth less the older it is.
    DropOldest,
    /// The newest that waits: [`SendError::Displaced`]. The queue keeps what came first, and the last.
    DropNewest,
}

impl Outbox {
    /// 64 messages, none while there is no connection. The number is this project's choice: few enough not to hide that
    /// the peer does not keep up.
    pub const fn new() -> Self {
        Self { capacity: 64, offline: None }
    }

    /// How many messages may wait: for [`Handle::try_send`](super::Handle::try_send) at any time, for
    /// [`Handle::send`](super::Handle::send) while there is no connection. While there is one, each message of `send`
    /// waits in a future of the caller's, so that their number is the caller's own. With 0 nothing waits.
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Lets messages wait while there is no connection, and over the loss of one; `overflow` says what gives way when
    /// the queue is full. A message that was not written before the run ends is given back.
    pub const fn with_offline_queue(mut self, overflow: Overflow) -> Self {
        self.offline = Some(overflow);
        self
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a message was not sent, with the message where it was not touched.
///
/// A message is written at most once. All but [`InDoubt`](Self::InDoubt) say that nothing of it was written.
///
/// ```
/// use redial::driver::{Driver, SendError};
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let driver = Driver::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)), server, clock.clone());
/// match clock.run(driver.handle().send("order 7".to_owned())) {
///     Ok(()) => println!("written"),
///     Err(SendError::InDoubt) => println!("ask the server whether it has it"),
///     Err(error) => {
///         println!("{error}");
///         assert_eq!(error.into_message().as_deref(), Some("order 7")); // nothing of it was written
///     }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError<M> {
    /// There is no connection, and the driver has [no queue](Outbox::with_offline_queue) for that time.
    NotOnline(M),
    /// The connection was lost before the message was written.
    Lost(M),
    /// The queue is full.
    Full(M),
    /// The message waited in a full queue and gave way to a newer one, as [`Overflow`] says.
    Displaced(M),
    /// The run has ended, or the driver was dropped.
    Ended(M),
    /// The protocol can't send it, whatever connection there is: it is too large, for example
    /// ([`Protocol::can_send`](super::Protocol::can_send)).
    Refused(M),
    /// The connection was lost, or its write failed, while the message was being written: the other side may have it, a
    /// part of it, or nothing.
    InDoubt,
}

impl<M> SendError<M> {
    /// The message; `None` where it is in doubt.
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::NotOnline(message)
            | Self::Lost(message)
            | Self::Full(message)
            | Self::Displaced(message)
            | Self::Ended(message)
            | Self::Refused(message) => Some(message),
            Self::InDoubt => None,
        }
    }

    /// The reason in snake case.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotOnline(_) => "not_online",
            Self::Lost(_) => "lost",
            Self::Full(_) => "full",
            Self::Displaced(_) => "displaced",
            Self::Ended(_) => "ended",
            Self::Refused(_) => "refused",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// Without the message, which may be anything.
impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendError").field(&self.as_str()).finish()
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOnline(_) => "not sent: there is no connection",
            Self::Lost(_) => "not sent: the connection was lost before the message was written",
            Self::Full(_) => "not sent: the queue is full",
            Self::Displaced(_) => "not sent: the queue was full and a newer message took the place",
            Self::Ended(_) => "not sent: the driver has ended",
            Self::Refused(_) => "not sent: the protocol can't send this message",
            Self::InDoubt => "in doubt: the connection was lost while the message was being written",
        })
    }
}

impl<M> Error for SendError<M> {}

/// What the queue may do with a message just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// There is no session.
    Offline,
    /// There is one: what is queued will be written once its subscriptions are.
    Live,
    Ended,
}

/// One message, shared by its sender and the queue.
struct Slot<M>(Mutex<Delivery<M>>);

struct Delivery<M> {
    stage: Stage<M>,
    waker: Option<Waker>,
}

enum Stage<M> {
    Queued(M),
    Writing,
    Done(Result<(), SendError<M>>),
    /// The sender has its answer, or wants none.
    Over,
}

impl<M> Slot<M> {
    fn lock(&self) -> MutexGuard<'_, Delivery<M>> {
        self.0.lock()
    }

    fn finish(&self, result: Result<(), SendError<M>>) {
        let mut delivery = self.lock();
        delivery.stage = Stage::Done(result);
        let waker = delivery.waker.take();
        drop(delivery);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Gives it back, if it was not begun.
    fn give_back(&self, reason: fn(M) -> SendError<M>) {
        if let Some(message) = self.begin() {
            self.finish(Err(reason(message)));
        }
    }

    /// The message, to be written or given back.
    fn begin(&self) -> Option<M> {
        let mut delivery = self.lock();
        match core::mem::replace(&mut delivery.stage, Stage::Writing) {
            Stage::Queued(message) => Some(message),
            other => {
                delivery.stage = other;
                None
            }
        }
    }
}

struct Inner<M> {
    queue: Queue<Arc<Slot<M>>>,
    gate: Gate,
    limits: Outbox,
}

/// The queue of one driver.
pub(super) struct OutQueue<M> {
    inner: Mutex<Inner<M>>,
    /// Whether something is queued, so that the writer locks nothing where it is not.
    filled: AtomicBool,
}

impl<M> OutQueue<M> {
    pub(super) fn new() -> Self {
        let inner = Inner { queue: Queue::new(), gate: Gate::Offline, limits: Outbox::new() };
        Self { inner: Mutex::new(inner), filled: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<M>> {
        self.inner.lock()
    }

    pub(super) fn set_limits(&self, limits: Outbox) {
        self.lock().limits = limits;
    }

    /// Queues a message, or gives it back at once. `waits`: the sender has a future that holds it.
    pub(super) fn push(&self, message: M, waits: bool) -> Result<Receipt<M>, SendError<M>> {
        let mut inner = self.lock();
        let Inner { queue, gate, limits } = &mut *inner;
        let full = queue.len() >= limits.capacity;
        let displaced = match (*gate, limits.offline) {
            (Gate::Ended, _) => return Err(SendError::Ended(message)),
            (Gate::Live, _) if full && !waits => return Err(SendError::Full(message)),
            (Gate::Live, _) => None,
            (Gate::Offline, None) => return Err(SendError::NotOnline(message)),
            (Gate::Offline, Some(_)) if !full => None,
            (Gate::Offline, Some(Overflow::Refuse)) => return Err(SendError::Full(message)),
            (Gate::Offline, Some(overflow)) => match displace(queue, overflow) {
                Some(slot) => Some(slot),
                // A queue without places.
                None => return Err(SendError::Full(message)),
            },
        };
        let slot = Arc::new(Slot(Mutex::new(Delivery { stage: Stage::Queued(message), waker: None })));
        queue.push_back(slot.clone());
        self.filled.store(true, Ordering::Release);
        drop(inner);
        if let Some(displaced) = displaced {
            displaced.give_back(SendError::Displaced);
        }
        Ok(Receipt(slot))
    }

    /// There is a session, or none, or nothing more. What can't be kept is given back.
    pub(super) fn set_gate(&self, gate: Gate) {
        let mut inner = self.lock();
        let lost = inner.gate == Gate::Live;
        inner.gate = gate;
        let Inner { queue, limits, .. } = &mut *inner;
        let (given_back, reason): (VecDeque<_>, fn(M) -> SendError<M>) = match (gate, limits.offline) {
            (Gate::Live, _) => (VecDeque::new(), SendError::Lost),
            (Gate::Ended, _) => (queue.take(), SendError::Ended),
            (Gate::Offline, None) if lost => (queue.take(), SendError::Lost),
            (Gate::Offline, None) => (queue.take(), SendError::NotOnline),
            (Gate::Offline, Some(overflow)) => {
                let excess = queue.len().saturating_sub(limits.capacity);
                ((0..excess).filter_map(|_| displace(queue, overflow)).collect(), SendError::Displaced)
            }
        };
        self.filled.store(!queue.is_empty(), Ordering::Release);
        drop(inner);
        for slot in given_back {
            slot.give_back(reason);
        }
    }

    /// Whether something is queued.
    #[inline]
    pub(super) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    /// The oldest message, unless `hold_back` says that something else goes first.
    pub(super) fn take(&self, hold_back: impl FnOnce() -> bool) -> Option<(Writing<M>, M)> {
        let mut inner = self.lock();
        // Under the lock: a sender that asked for something before it queued a message has done so.
        if hold_back() {
            return None;
        }
        let taken = loop {
            let Some(slot) = inner.queue.pop_front() else { break None };
            if let Some(message) = slot.begin() {
                break Some((Writing { slot: Some(slot) }, message));
            }
        };
        self.filled.store(!inner.queue.is_empty(), Ordering::Release);
        taken
    }

    /// The sender wants it no longer: out of the queue, if it is still there.
    pub(super) fn withdraw(&self, receipt: &Receipt<M>) {
        // Most were written. To look for one among those that still wait would cost each sender as much as there are.
        if !matches!(receipt.0.lock().stage, Stage::Queued(_)) {
            return;
        }
        let mut inner = self.lock();
        inner.queue.all().retain(|slot| !Arc::ptr_eq(slot, &receipt.0));
        self.filled.store(!inner.queue.is_empty(), Ordering::Release);
    }
}

/// Takes out what gives way.
fn displace<M>(queue: &mut Queue<Arc<Slot<M>>>, overflow: Overflow) -> Option<Arc<Slot<M>>> {
    match overflow {
        Overflow::DropOldest => queue.pop_front(),
        Overflow::Refuse | Overflow::DropNewest => queue.pop_back(),
    }
}

/// A message that is being written. Dropped before it is known how that went, it is in doubt.
pub(super) struct Writing<M> {
    slot: Option<Arc<Slot<M>>>,
}

impl<M> Writing<M> {
    pub(super) fn written(self) {
        self.finish(Ok(()));
    }

    /// Nothing of it was written.
    pub(super) fn refused(self, message: M) {
        self.finish(Err(SendError::Refused(message)));
    }

    fn finish(mut self, result: Result<(), SendError<M>>) {
        if let Some(slot) = self.slot.take() {
            slot.finish(result);
        }
    }
}

impl<M> Drop for Writing<M> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.finish(Err(SendError::InDoubt));
        }
    }
}

/// What became of a message of [`Handle::try_send`](super::Handle::try_send): a future of the answer. Dropping it changes
/// nothing, but nobody is told then.
///
/// ```
/// use redial::driver::Driver;
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let mut driver = Driver::new(Policy::new(&presets::WEBSOCKET, SplitMix64::new(7)), server, clock.clone());
/// let handle = driver.handle();
/// let _run = clock.spawn(async move { driver.run().await });
/// clock.run(async {
///     handle.online().await.expect("online");
///     let receipt = handle.try_send("hello".to_owned()).expect("there is a place in the queue");
///     // Other work, and then:
///     assert_eq!(receipt.await, Ok(()));
/// });
/// ```
#[must_use = "await it to learn what became of the message"]
pub struct Receipt<M>(Arc<Slot<M>>);

impl<M> fmt::Debug for Receipt<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

impl<M> Future for Receipt<M> {
    type Output = Result<(), SendError<M>>;

    /// Ready once; polled after that, it is pending and wakes nobody.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut delivery = self.0.lock();
        match core::mem::replace(&mut delivery.stage, Stage::Over) {
            Stage::Done(result) => Poll::Ready(result),
            other => {
                delivery.stage = other;
                delivery.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The futures of all senders end so: none of them may look through what the others still have in the queue.
    #[test]
    fn what_was_written_is_not_looked_for() {
        let queue = OutQueue::new();
        queue.set_gate(Gate::Live);
        let written = queue.push(1, true).unwrap();
        let (writing, _) = queue.take(|| false).unwrap();
        writing.written();
        let waits = queue.push(2, true).unwrap();
        // Whoever looks through the queue corrects this.
        queue.filled.store(false, Ordering::Release);
        queue.withdraw(&written);
        assert!(!queue.is_filled(), "the queue was looked through");
        queue.filled.store(true, Ordering::Release);
        queue.withdraw(&waits);
        assert!(!queue.is_filled() && queue.take(|| false).is_none());
    }
}
