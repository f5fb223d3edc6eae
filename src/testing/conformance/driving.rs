//! A run beside a script.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::prelude::v1::*;

use crate::driver::{Outcome, Runtime};
use crate::testing::virtual_clock::Called;

/// Drives for so long at most, beside a script that may nudge it; dropped then.
pub(super) async fn drive_for(
    runtime: &impl Runtime,
    run: impl Future<Output = Outcome>,
    span: Duration,
    script: impl Future<Output = ()>,
) -> Option<Outcome> {
    let (mut run, mut script) = (pin!(run), pin!(script));
    let mut watchdog = pin!(runtime.sleep_until(runtime.now().saturating_add(span)));
    let mut scripted = false;
    // The driver's own waker: a script that wakes the task must not hide that the driver was not woken.
    let called = Called::new();
    poll_fn(|cx| {
        called.set_task(cx.waker());
        scripted = scripted || script.as_mut().poll(cx).is_ready();
        if called.take() {
            let waker = called.waker();
            if let Poll::Ready(outcome) = run.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Some(outcome));
            }
        }
        watchdog.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// Both, at the same time.
pub(super) async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|cx| {
        if of_a.is_none() {
            of_a = ready(a.as_mut().poll(cx));
        }
        if of_b.is_none() {
            of_b = ready(b.as_mut().poll(cx));
        }
        if of_a.is_some() && of_b.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (of_a.unwrap(), of_b.unwrap())
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// All three, at the same time.
pub(super) async fn join3<A: Future, B: Future, C: Future>(
    a: A,
    b: B,
    c: C,
) -> (A::Output, B::Output, C::Output) {
    let (a, (b, c)) = join(a, join(b, c)).await;
    (a, b, c)
}

/// All of them, at the same time.
pub(super) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|cx| {
        for (future, output) in &mut futures {
            if output.is_none() {
                *output = ready(future.as_mut().poll(cx));
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    futures.into_iter().map(|(_, output)| output.unwrap()).collect()
}

/// What the first gives, if it is ready before the second.
pub(super) async fn first<F: Future>(future: F, limit: impl Future<Output = ()>) -> Option<F::Output> {
    let (mut future, mut limit) = (pin!(future), pin!(limit));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await
}
