//! After.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redial::budget::{RetryBudget, RetryBudgetConfig};
use redial::driver::{Runtime, Tokio};
use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio, SplitMix64};
use tokio::time::{Sleep, sleep};
use tower::retry::{Policy, Retry};
use tower::{BoxError, ServiceBuilder, ServiceExt};

use crate::net::ask;

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_millis(50), Ratio::TWO, Duration::from_secs(10))
        .jitter(Jitter::Plus(Ratio::new_const(99, 100)))
        .build_const();
/// 10 a second in any case, and a fifth of the calls.
const BUDGET: RetryBudgetConfig = RetryBudgetConfig::DEFAULT;

/// What every call draws from: one generator, so that no two calls wait in step.
struct Shared {
    clock: Tokio,
    budget: RetryBudget,
    rng: SplitMix64,
}

#[derive(Clone)]
struct Retries {
    backoff: Backoff,
    left: usize,
    shared: Arc<Mutex<Shared>>,
}

impl Policy<String, String, io::Error> for Retries {
    type Future = Sleep;

    fn retry(&mut self, _: &mut String, result: &mut io::Result<String>) -> Option<Sleep> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let Shared { clock, budget, rng } = &mut *shared;
        let now = clock.now();
        if result.is_ok() {
            budget.deposit(&BUDGET, now);
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        budget.withdraw(&BUDGET, now).ok()?;
        self.backoff.next_delay(&BACKOFF, Mode::Fresh, Duration::ZERO, rng).map(sleep)
    }

    fn clone_request(&mut self, request: &String) -> Option<String> {
        Some(request.clone())
    }
}

pub async fn first_line(address: &str) -> Result<String, BoxError> {
    let shared = Shared { clock: Tokio::new(), budget: RetryBudget::new(), rng: SplitMix64::from_os() };
    let retries = Retries { backoff: Backoff::new(), left: 5, shared: Arc::new(Mutex::new(shared)) };
    let service = tower::service_fn(|address: String| async move { ask(&address).await });
    let service = ServiceBuilder::new().layer_fn(|inner| Retry::new(retries.clone(), inner)).service(service);
    Ok(service.oneshot(address.to_owned()).await?)
}
