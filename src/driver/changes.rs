//! The transitions of a policy as a stream.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use crate::policy::Explanation;

use super::status::{Run, Status};
use super::sync::{Mutex, MutexGuard};

/// How many transitions wait for one subscriber at most.
const CAPACITY: usize = 64;

#[derive(Debug)]
struct Buffer {
    explanations: VecDeque<Explanation>,
    missed: u64,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(super) struct Subscriber(Mutex<Buffer>);

impl Subscriber {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Buffer { explanations: VecDeque::new(), missed: 0, waker: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock()
    }

    pub(super) fn push(&self, explanation: Explanation) {
        let mut buffer = self.lock();
        if buffer.explanations.len() >= CAPACITY {
            buffer.explanations.pop_front();
            buffer.missed = buffer.missed.saturating_add(1);
        }
        buffer.explanations.push_back(explanation);
        drop(buffer);
        self.wake();
    }

    pub(super) fn wake(&self) {
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The transitions of a driver's policy, from [`Handle::changes`](super::Handle::changes).
///
/// A transition is a step after which the policy is in another phase, on another transport, or there for another
/// reason; heartbeats and messages are none. Up to 64 transitions wait for a subscriber; after that the oldest are left
/// out, and [`missed`](Self::missed) counts them. With a feature that brings `futures-core` (`smol`, `async-std`) this
/// is a `Stream`.
///
/// ```
/// use core::time::Duration;
/// use redial::driver::Driver;
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Phase, Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let mut driver = Driver::new(policy, server, clock.clone());
/// let (handle, mut changes) = (driver.handle(), driver.handle().changes());
/// let _run = clock.spawn(async move { driver.run().await });
/// clock.run(async {
///     // A status line, for instance.
///     while let Some(change) = changes.recv().await {
///         println!("{change}");
///         if change.phase == Phase::Online {
///             handle.stop();
///         }
///     }
/// });
/// # assert!(clock.now() < redial::Instant::ZERO.saturating_add(Duration::from_secs(1)));
/// ```
#[derive(Debug)]
#[must_use = "it buffers transitions until they are taken"]
pub struct Changes {
    subscriber: Arc<Subscriber>,
    status: Arc<Status>,
}

impl Changes {
    pub(super) fn new(status: &Arc<Status>) -> Self {
        let subscriber = Subscriber::new();
        status.subscribe(&subscriber);
        Self { subscriber, status: status.clone() }
    }

    /// The next transition; `None` once the run has ended and all of it was taken. A later run goes on here.
    pub async fn recv(&mut self) -> Option<Explanation> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The same as a function to poll.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Explanation>> {
        let mut buffer = self.subscriber.lock();
        if let Some(explanation) = buffer.explanations.pop_front() {
            return Poll::Ready(Some(explanation));
        }
        buffer.waker = Some(cx.waker().clone());
        drop(buffer);
        // After the waker is there, so that an end in between is not overlooked.
        if !matches!(self.status.lock().run, Run::Ended(_)) {
            return Poll::Pending;
        }
        // What came between the two looks.
        Poll::Ready(self.subscriber.lock().explanations.pop_front())
    }

    /// How many transitions were left out so far because they were not taken in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.subscriber.lock().missed
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Changes {
    type Item = Explanation;

    fn poll_next(self: core::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Explanation>> {
        self.get_mut().poll_recv(cx)
    }
}
