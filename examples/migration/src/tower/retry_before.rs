//! Before.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Sleep;
use tower::retry::backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff};
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, Retry};
use tower::util::rng::HasherRng;
use tower::{BoxError, ServiceBuilder, ServiceExt};

use crate::net::ask;

#[derive(Clone)]
struct Retries {
    backoff: ExponentialBackoff,
    left: usize,
    budget: Arc<TpsBudget>,
}

impl Policy<String, String, io::Error> for Retries {
    type Future = Sleep;

    fn retry(&mut self, _: &mut String, result: &mut io::Result<String>) -> Option<Sleep> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &String) -> Option<String> {
        Some(request.clone())
    }
}

pub async fn first_line(address: &str) -> Result<String, BoxError> {
    let (shortest, longest) = (Duration::from_millis(50), Duration::from_secs(10));
    let backoff = ExponentialBackoffMaker::new(shortest, longest, 0.99, HasherRng::default())?.make_backoff();
    let budget = Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.2));
    let retries = Retries { backoff, left: 5, budget };
    let service = tower::service_fn(|address: String| async move { ask(&address).await });
    let service = ServiceBuilder::new().layer_fn(|inner| Retry::new(retries.clone(), inner)).service(service);
    Ok(service.oneshot(address.to_owned()).await?)
}
