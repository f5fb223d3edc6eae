//! async-std: the clock of `std` and its sleep.

use core::future::Future;
use core::pin::Pin;
use std::boxed::Box;
use std::time;

use crate::time::Instant;

use super::{Runtime, Spawn};

/// The clock and sleep of async-std 1, from the moment it was made.
///
/// **async-std is discontinued** (RUSTSEC-2025-0052, August 2025): this works and is tested for those who still have
/// it, and nobody should begin with it. Its authors point to smol: that is the feature `smol` here.
///
/// ```
/// use redial::driver::{AsyncStd, Runtime};
///
/// let clock = AsyncStd::new();
/// let later = clock.now().saturating_add(core::time::Duration::from_millis(1));
/// async_std::task::block_on(clock.sleep_until(later));
/// assert!(clock.now() >= later);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AsyncStd {
    origin: time::Instant,
}

impl AsyncStd {
    /// [`Instant::ZERO`] is now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it reads a clock")]
    #[expect(clippy::disallowed_methods, reason = "a driver's clock")]
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }
}

impl Runtime for AsyncStd {
    type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, at: Instant) -> Self::Sleep {
        Box::pin(::async_std::task::sleep(at.saturating_duration_since(self.now())))
    }
}

impl Spawn for AsyncStd {
    type Task<T: Send + 'static> = ::async_std::task::JoinHandle<T>;

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ::async_std::task::spawn(future)
    }
}
