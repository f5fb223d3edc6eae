//! A runtime whose type says nothing of which one it is, so that the tests are compiled once for all runtimes, on a host that can be
//! suspended.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::prelude::v1::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::Instant;
use crate::driver::Runtime;

use super::subject::{Subject, TestedPolicy, TestedTransport};

/// The clock and the sleeps of the runtime that is tested, on a host that the suite can suspend.
#[derive(Clone)]
pub struct Host(Arc<Inner<dyn Clock>>);

impl core::fmt::Debug for Host {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Host")
    }
}

/// Makes a driver of a user's own.
pub(super) type Make = Arc<dyn Fn(TestedPolicy, TestedTransport, Host) -> Box<dyn Subject> + Send + Sync>;

struct Inner<C: ?Sized> {
    /// How many sleeps there are.
    sleeping: Arc<AtomicUsize>,
    /// By how much the host's clock is ahead of the runtime's, in microseconds.
    skew: AtomicU64,
    own_driver: Option<Make>,
    clock: C,
}

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

impl Host {
    pub(super) fn new(
        clock: impl Runtime<Sleep: Send + 'static> + Send + Sync + 'static,
        own_driver: Option<Make>,
    ) -> Self {
        Self(Arc::new(Inner { sleeping: Arc::default(), skew: AtomicU64::new(0), own_driver, clock }))
    }

    /// What makes the driver that is tested; `None`: it is the crate's.
    pub(super) fn own_driver(&self) -> Option<&Make> {
        self.0.own_driver.as_ref()
    }

    /// Time passes on the host, and no timer of the runtime sees it.
    pub(super) fn suspend(&self, gap: Duration) {
        self.0.skew.fetch_add(gap.as_micros() as u64, Ordering::SeqCst);
    }

    /// How many sleeps there are, waited for or not.
    pub(super) fn sleeping(&self) -> usize {
        self.0.sleeping.load(Ordering::SeqCst)
    }

    pub(super) async fn sleep(&self, span: Duration) {
        let until = Runtime::now(self).saturating_add(span);
        Runtime::sleep_until(self, until).await;
    }
}

impl Runtime for Host {
    type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn now(&self) -> Instant {
        let skew = Duration::from_micros(self.0.skew.load(Ordering::SeqCst));
        self.0.clock.now().saturating_add(skew)
    }

    fn sleep_until(&self, at: Instant) -> Self::Sleep {
        let skew = self.0.skew.load(Ordering::SeqCst);
        let sleep = self.0.clock.sleep_until(Instant::from_micros(at.as_micros().saturating_sub(skew)));
        let counted = Counted::new(&self.0.sleeping);
        Box::pin(async move {
            let _counted = counted;
            sleep.await;
        })
    }
}

/// One of the sleeps.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(sleeping: &Arc<AtomicUsize>) -> Self {
        sleeping.fetch_add(1, Ordering::SeqCst);
        Self(sleeping.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
