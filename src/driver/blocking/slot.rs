//! A place for one thing that passes between a thread and the driver.

use core::task::{Context, Poll, Waker};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One thing at a time. The thread waits by blocking, the driver by its waker.
pub(super) struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    item: Option<T>,
    closed: bool,
    waker: Option<Waker>,
}

impl<T> Slot<T> {
    pub(super) const fn new() -> Self {
        let state = State { item: None, closed: false, waker: None };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread puts something in as soon as it is empty. False: it is closed.
    pub(super) fn put(&self, item: T) -> bool {
        let full = |state: &mut State<T>| !state.closed && state.item.is_some();
        let mut state = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return false;
        }
        state.item = Some(item);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// The thread waits for something. `None`: it is closed.
    pub(super) fn take(&self) -> Option<T> {
        let empty = |state: &mut State<T>| !state.closed && state.item.is_none();
        let mut state = self.changed.wait_while(self.lock(), empty).unwrap_or_else(PoisonError::into_inner);
        if state.closed { None } else { state.item.take() }
    }

    /// The driver puts something in. It is empty: it does so only after the answer to what it put in before.
    pub(super) fn offer(&self, item: T) {
        self.lock().item = Some(item);
        self.changed.notify_all();
    }

    /// The driver waits for something; what is there when the slot is closed is still taken. `None`: it is closed, and empty.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        let item = state.item.take();
        if item.is_none() && !state.closed {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        self.changed.notify_all();
        Poll::Ready(item)
    }

    /// The driver takes what is there already.
    pub(super) fn try_take(&self) -> Option<T> {
        let item = self.lock().item.take();
        self.changed.notify_all();
        item
    }

    /// Nothing passes any more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
