//! The scripts with a client of Redis.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::{Call, Run};
use crate::driver::Runtime;
use crate::time::Instant;

/// Runs the scripts with a client of Redis, on any runtime. One value serves all budgets of a process.
///
/// It connects at the first call, keeps the connection, and makes a new one at the next call after a failure. Calls run beside each
/// other, on clones of the connection.
///
/// ```no_run
/// use core::time::Duration;
/// use redial::driver::Smol;
/// use redial::fleet::{Call, Redis};
///
/// # #[derive(Clone)] struct Connection;
/// // `connect` and `run_script` are your client's; neither may retry by itself.
/// async fn connect() -> Result<Connection, std::io::Error> {
///     # todo!()
/// }
/// async fn run_script(connection: Connection, call: Call) -> Result<Vec<i64>, std::io::Error> {
///     # todo!()
/// }
/// let redis = Redis::new(connect, run_script, Smol::new()).with_timeout(Duration::from_millis(200));
/// # let _ = redis;
/// ```
pub struct Redis<Connect, Connection, Invoke, Rt> {
    connect: Connect,
    invoke: Invoke,
    runtime: Rt,
    timeout: Duration,
    connection: Mutex<Option<Connection>>,
}

impl<F, C, G, Rt> fmt::Debug for Redis<F, C, G, Rt> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<F, C, G, Rt> Redis<F, C, G, Rt> {
    /// With connections that `connect` makes, scripts that `invoke` runs on one (`EVALSHA`, and `EVAL` where the server does not know
    /// the script), and the clock of this runtime. Neither may retry by itself, so that a call fails in time. A call is given
    /// up after 500 ms, as long as the crate `redis` waits for a response by default.
    #[must_use]
    pub const fn new<Connecting, Invoking, E>(connect: F, invoke: G, runtime: Rt) -> Self
    where
        F: Fn() -> Connecting,
        Connecting: Future<Output = Result<C, E>>,
        G: Fn(C, Call) -> Invoking,
        Invoking: Future<Output = Result<Vec<i64>, E>>,
    {
        Self { connect, invoke, runtime, timeout: Duration::from_millis(500), connection: Mutex::new(None) }
    }

    /// How long one call may take, with a new connection where it needs one. Then the caller decides locally.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Option<C>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F, Connecting, C, G, Invoking, E, Rt> Run for Redis<F, C, G, Rt>
where
    F: Fn() -> Connecting,
    Connecting: Future<Output = Result<C, E>>,
    C: Clone,
    G: Fn(C, Call) -> Invoking,
    Invoking: Future<Output = Result<Vec<i64>, E>>,
    Rt: Runtime,
{
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    async fn run(&self, call: &Call) -> Option<Vec<i64>> {
        let until = self.runtime.now().saturating_add(self.timeout);
        let deadline = self.runtime.sleep_until(until);
        let work = async {
            let kept = self.lock().clone();
            let connection = match kept {
                Some(connection) => connection,
                None => {
                    let connection = (self.connect)().await?;
                    self.lock().insert(connection).clone()
                }
            };
            (self.invoke)(connection, call.clone()).await
        };
        let (mut work, mut deadline) = (pin!(work), pin!(deadline));
        let reply = poll_fn(|cx| {
            if let Poll::Ready(reply) = work.as_mut().poll(cx) {
                return Poll::Ready(reply.ok());
            }
            if deadline.as_mut().poll(cx).is_ready() {
                if self.runtime.now() >= until {
                    return Poll::Ready(None);
                }
                // A sleep may end early. Everybody else has a turn before the next one is looked at.
                deadline.set(self.runtime.sleep_until(until));
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
        if reply.is_none() {
            *self.lock() = None;
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::RETRIES;
    use core::convert::Infallible;
    use core::future::{Ready, ready};
    use core::sync::atomic::{AtomicU64, Ordering};
    use core::task::{Context, Waker};
    use std::vec;

    /// A clock that goes on by a millisecond with each look at it, and whose sleeps all end at once.
    struct Polled(AtomicU64);

    impl Runtime for Polled {
        type Sleep = Ready<()>;

        fn now(&self) -> Instant {
            Instant::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
        }

        fn sleep_until(&self, _: Instant) -> Ready<()> {
            ready(())
        }
    }

    /// Runs a call that Redis answers at this poll, or never, and counts the polls that it took.
    fn run(answered_at: Option<u32>) -> (Option<Vec<i64>>, u32) {
        let invoke = move |(), _: Call| {
            let mut polls = 0;
            poll_fn(move |_| {
                polls += 1;
                if Some(polls) == answered_at { Poll::Ready(Ok(vec![7])) } else { Poll::Pending }
            })
        };
        let redis = Redis::new(|| ready(Ok::<_, Infallible>(())), invoke, Polled(AtomicU64::new(0)));
        let call = Call { script: RETRIES, keys: Vec::new(), args: Vec::new() };
        let mut running = pin!(redis.run(&call));
        let mut polls = 0;
        loop {
            polls += 1;
            if let Poll::Ready(reply) = running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return (reply, polls);
            }
        }
    }

    /// [`Runtime::sleep_until`] may end early, and a call has its whole time nevertheless, and no more.
    #[test]
    fn a_sleep_that_ends_early_is_not_the_timeout() {
        assert_eq!(run(Some(10)), (Some(vec![7]), 10));
        let (reply, polls) = run(None);
        assert!(reply.is_none() && (490..=510).contains(&polls), "{polls} polls");
    }
}
