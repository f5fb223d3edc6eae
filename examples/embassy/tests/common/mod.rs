//! The mock clock of embassy-time as a runtime: time moves when nothing else can.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use embassy_time::{Duration, Instant, MockDriver};

/// How far the clock moves at a time: below the millisecond that a test allows a sleep to be late.
const STEP: Duration = Duration::from_micros(250);

/// The clock is one for the whole program: a test at a time has it.
pub(crate) fn clock() -> Clock {
    static CLOCK: Mutex<()> = Mutex::new(());
    let guard = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    MockDriver::get().reset();
    Clock(guard)
}

pub(crate) struct Clock(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Clock {
    /// Runs a future to its end, for so long at most.
    pub(crate) fn run<F: Future>(&self, future: F, most: Duration) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        let end = Instant::now() + most;
        loop {
            while woken.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return output;
                }
            }
            MockDriver::get().advance(STEP);
            assert!(Instant::now() < end, "it hangs");
        }
    }
}
