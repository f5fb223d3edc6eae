//! The way in from outside: the wishes of the user and the news of the host.

use core::task::{Context, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::policy::{Event, HoldReason};

/// Stops and nudges a [`Driver`](super::Driver) from any thread or task, whatever it is doing: dialling, waiting,
/// stuck in a send, saying goodbye. Cheap to clone; get one from [`Driver::handle`](super::Driver::handle).
///
/// Nothing here blocks or waits. Wishes are queued without a limit (they are your own, and a running driver takes
/// them at once) and kept while no `run` is under way. Every method returns false, and does nothing, once the driver
/// is dropped. A driver whose handles are all dropped just goes on.
#[derive(Debug)]
pub struct Handle<T, K>(Weak<Mutex<Queue<T, K>>>);

impl<T, K> Clone for Handle<T, K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[expect(clippy::must_use_candidate, reason = "a wish to a driver that is gone is no error")]
impl<T, K> Handle<T, K> {
    /// [`Event::Stop`]: `run` closes what is open and returns; the session is forgotten. A stop that comes before `run` ends
    /// that at its start.
    pub fn stop(&self) -> bool {
        self.put(Event::Stop { keep: false })
    }

    /// The same, and the session is kept: the next [`run`](super::Driver::run) resumes it.
    pub fn stop_keeping_session(&self) -> bool {
        self.put(Event::Stop { keep: true })
    }

    /// [`Event::RetryNow`]: dial at once, whatever is being waited for.
    pub fn retry_now(&self) -> bool {
        self.put(Event::RetryNow)
    }

    /// [`Event::Hold`]: a precondition of the host is missing.
    pub fn hold(&self, reason: HoldReason) -> bool {
        self.put(Event::Hold(reason))
    }

    /// [`Event::Release`]: it is met again.
    pub fn release(&self, reason: HoldReason) -> bool {
        self.put(Event::Release(reason))
    }

    /// [`Event::CredentialNew`]: the next dial has another credential to use, and one under way is given up.
    pub fn credential_new(&self) -> bool {
        self.put(Event::CredentialNew)
    }

    /// [`Event::CredentialLost`]: there won't be one any more, so `run` returns.
    pub fn credential_lost(&self) -> bool {
        self.put(Event::CredentialLost)
    }

    /// [`Event::NetworkDown`].
    pub fn network_down(&self) -> bool {
        self.put(Event::NetworkDown)
    }

    /// [`Event::NetworkUp`].
    pub fn network_up(&self) -> bool {
        self.put(Event::NetworkUp)
    }

    /// [`Event::Hidden`].
    pub fn hidden(&self) -> bool {
        self.put(Event::Hidden)
    }

    /// [`Event::Visible`].
    pub fn visible(&self) -> bool {
        self.put(Event::Visible)
    }

    /// [`Event::HostResumed`]: the host slept for `gap`. The monotonic clocks of Linux and macOS stand still meanwhile, so
    /// no driver can find out by itself; whether its own went on it knows ([`Runtime::COUNTS_SLEEP`](super::Runtime)).
    pub fn woke(&self, gap: Duration) -> bool {
        self.put(Event::HostResumed { gap, counted: false })
    }

    /// [`Event::NetworkChanged`]: the default route moved, and nothing went down in between.
    pub fn network_changed(&self) -> bool {
        self.put(Event::NetworkChanged)
    }

    /// [`Event::Redial`]: this connection is to be replaced now.
    pub fn redial(&self) -> bool {
        self.put(Event::Redial)
    }

    /// [`Event::Subscribe`]: wanted now and after every reconnect; higher priorities are restored first.
    pub fn subscribe(&self, key: K, priority: i32) -> bool {
        self.put(Event::Subscribe { key, priority })
    }

    /// [`Event::Unsubscribe`]: no longer wanted.
    pub fn unsubscribe(&self, key: K) -> bool {
        self.put(Event::Unsubscribe { key })
    }

    fn put(&self, wish: Event<T, K>) -> bool {
        let Some(queue) = self.0.upgrade() else { return false };
        let waker = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.wishes.push_back(wish);
            queue.waker.take()
        };
        // Outside the lock: a waker may run the driver right here.
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

#[derive(Debug)]
struct Queue<T, K> {
    wishes: VecDeque<Event<T, K>>,
    waker: Option<Waker>,
}

/// The driver's end of the queue.
#[derive(Debug)]
pub(super) struct CommandQueue<T, K>(Arc<Mutex<Queue<T, K>>>);

impl<T, K> CommandQueue<T, K> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Queue { wishes: VecDeque::new(), waker: None })))
    }

    pub(super) fn handle(&self) -> Handle<T, K> {
        Handle(Arc::downgrade(&self.0))
    }

    /// The oldest wish.
    pub(super) fn take(&self) -> Option<Event<T, K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wishes.pop_front()
    }

    /// The same; without one, the task is woken by the next.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Option<Event<T, K>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wish = queue.wishes.pop_front();
        if wish.is_none() {
            queue.waker = Some(cx.waker().clone());
        }
        wish
    }
}
