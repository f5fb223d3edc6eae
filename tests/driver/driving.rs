//! A run beside a script.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Wake;

use redial::driver::{Driver, Outcome, Protocol, Runtime};
use redial::handover::Decider;
use redial::subscriptions::Subscriptions;

/// The driver's own waker: a script that wakes the task must not hide that the driver was not woken.
struct Called {
    called: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.called.store(true, Ordering::SeqCst);
        if let Some(task) = self.task.lock().unwrap().take() {
            task.wake();
        }
    }
}

/// Drives for so long at most, beside a script that may nudge it; dropped then.
pub(crate) async fn drive_for<P, Rt, Q>(
    runtime: &impl Runtime,
    driver: &mut Driver<P, Rt, Q>,
    span: Duration,
    script: impl Future<Output = ()>,
) -> Option<Outcome>
where
    P: Protocol,
    Rt: Runtime,
    Q: Decider<Token = P::Token>,
    Q::Subscriptions: Subscriptions<Key = P::Key>,
{
    let (mut run, mut script) = (pin!(driver.run()), pin!(script));
    let mut watchdog = pin!(runtime.sleep_until(runtime.now().saturating_add(span)));
    let mut scripted = false;
    let called = Arc::new(Called { called: AtomicBool::new(true), task: Mutex::new(None) });
    poll_fn(|cx| {
        *called.task.lock().unwrap() = Some(cx.waker().clone());
        scripted = scripted || script.as_mut().poll(cx).is_ready();
        if called.called.swap(false, Ordering::SeqCst) {
            let waker = Waker::from(called.clone());
            if let Poll::Ready(outcome) = run.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Some(outcome));
            }
        }
        watchdog.as_mut().poll(cx).map(|()| None)
    })
    .await
}
