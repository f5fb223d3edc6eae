//! A runtime whose type says nothing of which one it is, so that the tests are compiled once for all runtimes.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use redial::Instant;
use redial::driver::Runtime;

#[derive(Clone)]
pub(crate) struct Erased(Arc<dyn Clock>);

/// What a runtime supplies, behind a pointer.
trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl<Rt: Runtime<Sleep: Send + 'static> + Send + Sync> Clock for Rt {
    fn now(&self) -> Instant {
        Runtime::now(self)
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Runtime::sleep_until(self, at))
    }
}

impl Erased {
    pub(crate) fn new(runtime: impl Runtime<Sleep: Send + 'static> + Send + Sync + 'static) -> Self {
        Self(Arc::new(runtime))
    }
}

impl Runtime for Erased {
    type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, at: Instant) -> Self::Sleep {
        self.0.sleep_until(at)
    }
}
