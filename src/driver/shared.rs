//! What a driver and its handles share.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::policy::Event;

use super::Outcome;
use super::outbox::{Gate, OutQueue, Writing};
use super::queue::Queue;
use super::status::{Report, Run, Status};
use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

pub(super) struct Shared<T, K, M> {
    requests: Mutex<Queue<Event<T, K>>>,
    /// Whether there are any, so that the loop locks nothing where there are none.
    requested: AtomicBool,
    pub(super) out: OutQueue<M>,
    pub(super) status: Arc<Status>,
    gone: AtomicBool,
}

impl<T, K, M> Shared<T, K, M> {
    fn requests(&self) -> MutexGuard<'_, Queue<Event<T, K>>> {
        self.requests.lock()
    }

    /// What the user or the host says. False once the driver is dropped.
    pub(super) fn request(&self, request: Event<T, K>) -> bool {
        if self.gone.load(Ordering::Acquire) {
            return false;
        }
        self.requests().push_back(request);
        self.requested.store(true, Ordering::Release);
        // Outside the lock: a waker may run the driver right here.
        self.status.waker.wake();
        true
    }

    /// The oldest request.
    #[inline]
    pub(super) fn take_request(&self) -> Option<Event<T, K>> {
        if self.requested.load(Ordering::Acquire) { self.next_request() } else { None }
    }

    fn next_request(&self) -> Option<Event<T, K>> {
        let mut requests = self.requests();
        let request = requests.pop_front();
        requests.shrink();
        self.requested.store(!requests.is_empty(), Ordering::Release);
        request
    }

    /// Whether a message of the application waits.
    #[inline]
    pub(super) fn has_message(&self) -> bool {
        self.out.is_filled()
    }

    /// The next message of the application. What was asked for before it, a subscription, goes first.
    pub(super) fn message_to_write(&self) -> Option<(Writing<M>, M)> {
        self.out.take(|| self.requested.load(Ordering::Acquire))
    }

    /// A run begins.
    pub(super) fn begin(&self) {
        self.out.set_gate(Gate::Offline);
        self.status.set_run(Run::Running, None);
    }

    /// How far the session has come. `over`: the policy has stopped or given up, and what waits is given back with that reason, not
    /// as lost with its transport.
    pub(super) fn set_session(&self, live: bool, online: bool, over: bool) {
        self.out.set_gate(match (live, over) {
            (_, true) => Gate::Ended,
            (true, false) => Gate::Live,
            (false, false) => Gate::Offline,
        });
        self.status.change(|state| state.online = online);
    }

    /// A run has ended; `None`: it was dropped.
    pub(super) fn end(&self, outcome: Option<Outcome>, report: Option<Box<Report>>) {
        self.out.set_gate(Gate::Ended);
        self.status.set_run(Run::Ended(outcome), report);
    }
}

/// The driver's own end. Dropped, it tells the handles.
pub(super) struct Owner<T, K, M>(pub(super) Arc<Shared<T, K, M>>);

impl<T, K, M> Owner<T, K, M> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            requests: Mutex::new(Queue::new()),
            requested: AtomicBool::new(false),
            out: OutQueue::new(),
            status: Arc::new(Status::new()),
            gone: AtomicBool::new(false),
        }))
    }
}

impl<T, K, M> Drop for Owner<T, K, M> {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
        self.0.requests().take();
        self.0.out.set_gate(Gate::Ended);
        let ended = matches!(self.0.status.lock().run, Run::Ended(_));
        if !ended {
            self.0.status.set_run(Run::Ended(None), None);
        }
    }
}
