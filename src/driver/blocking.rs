//! Plain threads: the clock of `std`, a sleep that needs no executor, and protocols over blocking sockets.

mod crew;
mod dialling;
mod life;
mod park;
mod protocol;
mod sleep;
mod slot;
mod threaded;
mod wait;
mod wire;

use core::future::Future;
use core::time::Duration;
use std::thread::JoinHandle;
use std::{thread, time};

use crate::handover::Decider;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::{Driver, Outcome, Runtime, Spawn};

pub use dialling::{Dialling, Hangup};
pub use park::{block_on, block_on_for};
pub use protocol::BlockingProtocol;
pub use sleep::BlockingSleep;
pub use threaded::{Threaded, ThreadedReader, ThreadedWriter};
pub use wait::WaitError;

/// The clock of `std`, from the moment it was made, and sleeps of a thread that is in [`block_on`]. Nothing else is needed: no
/// executor, no thread for timers, no crate.
///
/// It drives any [`Protocol`](super::Protocol). For one of blocking sockets, without an `async fn`, see [`BlockingProtocol`] and
/// [`Driver::blocking`].
///
/// ```
/// use redial::driver::{Blocking, Runtime, block_on};
///
/// let clock = Blocking::new();
/// let later = clock.now().saturating_add(core::time::Duration::from_millis(1));
/// block_on(clock.sleep_until(later));
/// assert!(clock.now() >= later);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Blocking {
    origin: time::Instant,
}

impl Blocking {
    /// [`Instant::ZERO`] is now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it reads a clock")]
    #[expect(clippy::disallowed_methods, reason = "a driver's clock")]
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }
}

impl Runtime for Blocking {
    type Sleep = BlockingSleep;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, at: Instant) -> BlockingSleep {
        BlockingSleep::new(self.origin.checked_add(Duration::from_micros(at.as_micros())))
    }
}

impl Spawn for Blocking {
    type Task<T: Send + 'static> = JoinHandle<T>;

    /// On a thread of its own.
    ///
    /// # Panics
    /// Where the system gives no thread, as [`thread::spawn`].
    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        thread::spawn(move || block_on(future))
    }
}

impl<P: BlockingProtocol, Q> Driver<Threaded<P>, Blocking, Q> {
    /// A driver on threads, of a protocol over blocking sockets. See [`BlockingProtocol`] for an example.
    #[must_use]
    pub fn blocking(policy: Q, protocol: P) -> Self {
        Self::new(policy, Threaded::new(protocol), Blocking::new())
    }
}

impl<P, Q> Driver<Threaded<P>, Blocking, Q>
where
    P: BlockingProtocol,
    Q: Decider<Token = P::Token>,
    Q::Subscriptions: Subscriptions<Key = P::Key>,
{
    /// [`run`](Self::run) on this thread, until it is stopped or gives up. When this returns, no thread that it began is left, and
    /// no socket.
    ///
    /// A stop during a [`BlockingProtocol::dial`] waits for that to return: at most for the rest of [`Dial::timeout`](super::Dial).
    /// Who does not want to wait calls `block_on(driver.run())`: the thread then ends by itself, and closes what it still gets.
    ///
    /// To go on beside it, move the driver to a thread: `std::thread::spawn(move || driver.run_blocking())`.
    pub fn run_blocking(&mut self) -> Outcome {
        let outcome = block_on(self.run());
        self.protocol().join();
        outcome
    }
}
