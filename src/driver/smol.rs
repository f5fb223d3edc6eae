//! smol: the clock of `std` and the timer of async-io.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::time;

use ::smol::Timer;

use crate::time::Instant;

use super::{Runtime, Spawn};

/// The clock of `std` and the timers of smol 2, from the moment it was made. smol brings its own thread for the timers,
/// so this runs on its executors and on any other; [`Driver::spawn`](super::Driver::spawn) uses its global one.
///
/// ```
/// use redial::driver::{Runtime, Smol};
///
/// let clock = Smol::new();
/// let later = clock.now().saturating_add(core::time::Duration::from_millis(1));
/// smol::block_on(clock.sleep_until(later));
/// assert!(clock.now() >= later);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Smol {
    origin: time::Instant,
}

impl Smol {
    /// [`Instant::ZERO`] is now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it reads a clock")]
    #[expect(clippy::disallowed_methods, reason = "a driver's clock")]
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }
}

impl Runtime for Smol {
    type Sleep = SmolSleep;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, at: Instant) -> SmolSleep {
        SmolSleep(Timer::after(at.saturating_duration_since(self.now())))
    }
}

/// The future of [`Smol::sleep_until`](Runtime::sleep_until).
#[derive(Debug)]
pub struct SmolSleep(Timer);

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|_| ())
    }
}

impl Spawn for Smol {
    type Task<T: Send + 'static> = ::smol::Task<T>;

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ::smol::spawn(future)
    }
}
