//! Waiting on a thread for a future.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Instant;

use super::sleep::{Scope, Timers};

/// Wakes a thread.
struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Waits for a future on this thread, which sleeps meanwhile. With [`Blocking`](super::Blocking) it is all that a
/// [`Driver::run`](crate::driver::Driver::run) needs.
///
/// ```
/// use redial::driver::block_on;
///
/// assert_eq!(block_on(async { 42 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        // Without a limit it does not end otherwise.
        if let Some(output) = wait(future.as_mut(), None) {
            return output;
        }
    }
}

/// The same for so long at most; `None`: it is not ready by then, and is dropped.
///
/// ```
/// use core::time::Duration;
/// use redial::driver::block_on_for;
///
/// assert_eq!(block_on_for(async { 42 }, Duration::from_secs(60)), Some(42));
/// assert_eq!(block_on_for(core::future::pending::<()>(), Duration::from_millis(1)), None);
/// ```
#[expect(clippy::disallowed_methods, reason = "a driver's clock")]
pub fn block_on_for<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    wait(pin!(future), Instant::now().checked_add(timeout))
}

#[expect(clippy::disallowed_methods, reason = "a driver's clock")]
fn wait<F: Future>(mut future: Pin<&mut F>, until: Option<Instant>) -> Option<F::Output> {
    let timers = Arc::new(Timers::default());
    let _scope = Scope::enter(&timers);
    let parked = Arc::new(Parked { thread: thread::current(), woken: AtomicBool::new(true) });
    let waker = Waker::from(parked.clone());
    loop {
        if parked.woken.swap(false, Ordering::Acquire) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
        }
        let now = Instant::now();
        let next = timers.fire(now);
        if until.is_some_and(|until| until <= now) {
            return None;
        }
        if parked.woken.load(Ordering::Acquire) {
            continue;
        }
        match [next, until].into_iter().flatten().min() {
            Some(at) => thread::park_timeout(at.saturating_duration_since(now)),
            None => thread::park(),
        }
    }
}
