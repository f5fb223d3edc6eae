//! A breaker around calls: [`Guard`] is what failsafe's and recloser's `call` becomes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redial::breaker::{Config, Denied, Outcome, State, Window};
use redial::driver::{Runtime, Tokio};
use redial::{CircuitBreaker, Instant, SplitMix64};

/// A breaker that threads and tasks share.
#[derive(Debug)]
pub struct Guard<W: Window> {
    config: Config<W>,
    clock: Tokio,
    inner: Mutex<(CircuitBreaker<W>, SplitMix64)>,
}

/// Why a call has no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused<E> {
    /// The breaker is open, and says until when.
    Denied(Denied),
    /// The call was made and failed.
    Failed(E),
}

impl<W: Window> Guard<W> {
    /// A closed breaker.
    #[must_use]
    pub fn new(config: Config<W>) -> Self {
        Self {
            config,
            clock: Tokio::new(),
            inner: Mutex::new((CircuitBreaker::new(), SplitMix64::from_os())),
        }
    }

    fn inner(&self) -> (Instant, MutexGuard<'_, (CircuitBreaker<W>, SplitMix64)>) {
        (self.clock.now(), self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the call unless the breaker is open, and records how it went. The lock is not held meanwhile.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn call<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, Refused<E>> {
        let (began, mut inner) = self.inner();
        let (breaker, rng) = &mut *inner;
        let permit = breaker.try_acquire(&self.config, began, rng).map_err(Refused::Denied)?;
        drop(inner);

        let result = work();

        let (now, mut inner) = self.inner();
        let (breaker, rng) = &mut *inner;
        let took = now.saturating_duration_since(began);
        let outcome = if result.is_ok() { Outcome::Success(took) } else { Outcome::Failure(took) };
        // What changed the state is returned, for a log or a metric.
        let _transition = breaker.record(&self.config, now, permit, outcome, rng);
        result.map_err(Refused::Failed)
    }

    /// Closed, open or half-open. Asking changes nothing.
    pub fn state(&self) -> State {
        let (now, inner) = self.inner();
        inner.0.state(now)
    }
}

/// A price, or why there is none.
///
/// # Errors
/// What the service said, or that it was not asked.
pub fn price<W: Window>(
    breaker: &Guard<W>,
    ask: impl FnOnce() -> Result<u32, &'static str>,
) -> Result<u32, String> {
    match breaker.call(ask) {
        Ok(price) => Ok(price),
        Err(Refused::Failed(error)) => Err(error.to_owned()),
        Err(Refused::Denied(_)) => Err("not asked".to_owned()),
    }
}
