//! The sleeps of a thread.

use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The sleeps of one `block_on`, in the order of their ends. What lies farther away than the clock of `std` reaches has no end.
#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    sleeps: BTreeMap<(Instant, u64), Waker>,
}

std::thread_local! {
    /// Those of the `block_on` that this thread is in.
    static TIMERS: RefCell<Option<Arc<Timers>>> = const { RefCell::new(None) };
}

impl Timers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those that are due; then when the next one is.
    pub(super) fn fire(&self, now: Instant) -> Option<Instant> {
        loop {
            let mut state = self.lock();
            let first = state.sleeps.first_entry()?;
            let at = first.key().0;
            if at > now {
                return Some(at);
            }
            let waker = first.remove();
            drop(state);
            waker.wake();
        }
    }
}

/// The sleep of [`Blocking`](super::Blocking): it is waited for in a [`block_on`](super::block_on), and may move to another one.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct BlockingSleep {
    /// `None`: never.
    at: Option<Instant>,
    armed: Option<(Arc<Timers>, u64)>,
}

impl BlockingSleep {
    pub(super) const fn new(at: Option<Instant>) -> Self {
        Self { at, armed: None }
    }

    fn disarm(&mut self) {
        if let (Some((timers, number)), Some(at)) = (self.armed.take(), self.at) {
            timers.lock().sleeps.remove(&(at, number));
        }
    }
}

impl Future for BlockingSleep {
    type Output = ();

    /// # Panics
    /// Outside of a [`block_on`](super::block_on), where nothing would end it.
    #[expect(clippy::panic, reason = "as other runtimes do")]
    #[expect(clippy::disallowed_methods, reason = "a driver's clock")]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        if at <= Instant::now() {
            return Poll::Ready(());
        }
        let Some(timers) = TIMERS.with_borrow(Clone::clone) else {
            panic!("a sleep of driver::Blocking outside of driver::block_on")
        };
        if self.armed.as_ref().is_some_and(|(armed, _)| !Arc::ptr_eq(armed, &timers)) {
            self.disarm();
        }
        let mut state = timers.lock();
        let number = match &self.armed {
            Some((_, number)) => *number,
            None => {
                state.next = state.next.wrapping_add(1);
                state.next
            }
        };
        state.sleeps.insert((at, number), cx.waker().clone());
        drop(state);
        self.armed = Some((timers, number));
        Poll::Pending
    }
}

impl Drop for BlockingSleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

/// Puts back the timers of the `block_on` around this one.
pub(super) struct Scope(Option<Arc<Timers>>);

impl Scope {
    pub(super) fn enter(timers: &Arc<Timers>) -> Self {
        Self(TIMERS.replace(Some(timers.clone())))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        TIMERS.set(self.0.take());
    }
}
