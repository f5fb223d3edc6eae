//! tokio: its clock (so that a paused one works) and its sleep.

use core::future::Future;

use ::tokio::time;

use crate::time::Instant;

use super::{Runtime, Spawn};

/// The clock and sleep of tokio 1, from the moment it was made. `run` must be called inside a runtime whose time
/// driver is enabled; a paused clock (`tokio::time::pause`) is obeyed.
///
/// ```
/// use redial::driver::{Runtime, Tokio};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let clock = Tokio::new();
///     let later = clock.now().saturating_add(core::time::Duration::from_millis(1));
///     clock.sleep_until(later).await;
///     assert!(clock.now() >= later);
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tokio {
    origin: time::Instant,
}

impl Tokio {
    /// [`Instant::ZERO`] is now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it reads a clock")]
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }
}

impl Runtime for Tokio {
    type Sleep = time::Sleep;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, at: Instant) -> time::Sleep {
        time::sleep(at.saturating_duration_since(self.now()))
    }
}

impl Spawn for Tokio {
    type Task<T: Send + 'static> = ::tokio::task::JoinHandle<T>;

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ::tokio::spawn(future)
    }
}
