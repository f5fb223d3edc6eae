//! The scripts with the crate `redis`.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use redis::aio::ConnectionLike;
use redis::{RedisResult, Script};

use super::{BREAKER, Call, RETRIES, Run, STARTS};
use crate::driver::Runtime;
use crate::time::Instant;

/// Runs the scripts with a connection of the crate `redis`, on any runtime. One value serves all budgets of a process.
///
/// It connects at the first call, keeps the connection, and makes a new one at the next call after a failure. Calls run beside each
/// other, on clones of the connection. `connect` must not retry by itself, so that a call fails in time; hence
/// `get_multiplexed_async_connection` or a cluster's `get_async_connection`, and no `ConnectionManager`.
pub struct Redis<F, C, Rt> {
    connect: F,
    runtime: Rt,
    timeout: Duration,
    connection: Mutex<Option<C>>,
    scripts: [(&'static str, Script); 3],
}

impl<F, C, Rt> fmt::Debug for Redis<F, C, Rt> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<F, Fut, C, Rt> Redis<F, C, Rt>
where
    F: Fn() -> Fut,
    Fut: Future<Output = RedisResult<C>>,
    C: ConnectionLike + Clone,
    Rt: Runtime,
{
    /// With connections that `connect` makes, and the clock of this runtime. A call is given up after 500 ms, as long as the crate
    /// `redis` waits for a response by default.
    #[must_use]
    pub fn new(connect: F, runtime: Rt) -> Self {
        let scripts = [STARTS, RETRIES, BREAKER].map(|text| (text, Script::new(text)));
        Self {
            connect,
            runtime,
            timeout: Duration::from_millis(500),
            connection: Mutex::new(None),
            scripts,
        }
    }

    /// How long one call may take, with a new connection where it needs one. Then the caller decides locally.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Option<C>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn invoke(&self, call: &Call) -> RedisResult<Vec<i64>> {
        let connection = self.lock().clone();
        let mut connection = match connection {
            Some(connection) => connection,
            None => {
                let connection = (self.connect)().await?;
                self.lock().insert(connection).clone()
            }
        };
        let known = self.scripts.iter().find(|(text, _)| *text == call.script);
        let made;
        let script = match known {
            Some((_, script)) => script,
            None => {
                made = Script::new(call.script);
                &made
            }
        };
        let mut invocation = script.prepare_invoke();
        invocation.key(&call.keys).arg(&call.args);
        invocation.invoke_async(&mut connection).await
    }
}

impl<F, Fut, C, Rt> Run for Redis<F, C, Rt>
where
    F: Fn() -> Fut,
    Fut: Future<Output = RedisResult<C>>,
    C: ConnectionLike + Clone,
    Rt: Runtime,
{
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    async fn run(&self, call: &Call) -> Option<Vec<i64>> {
        let deadline = self.runtime.sleep_until(self.runtime.now().saturating_add(self.timeout));
        let (mut work, mut deadline) = (pin!(self.invoke(call)), pin!(deadline));
        let reply = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(reply) => Poll::Ready(reply.ok()),
            Poll::Pending => deadline.as_mut().poll(cx).map(|()| None),
        })
        .await;
        if reply.is_none() {
            *self.lock() = None;
        }
        reply
    }
}
