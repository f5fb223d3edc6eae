//! A driver as the suite sees it.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::prelude::v1::*;
use std::sync::Arc;

use crate::driver::{Driver, HandleFor, Outcome};
use crate::policy::HoldReason;
use crate::subscriptions::SubscriptionList;
use crate::testing::ScriptedTransport;
use crate::{Event, Policy, SplitMix64};

use super::host::Host;

/// The transport of the suite.
pub type TestedTransport = ScriptedTransport<String, String, u32, u32>;

/// The policy of the suite.
pub type TestedPolicy = Policy<SplitMix64, String, SubscriptionList<String>>;

/// A driver of your own for [`run_driver`](super::run_driver): a loop over a policy, a
/// [`Protocol`](crate::driver::Protocol), which the suite's transport is, and a [`Runtime`](crate::driver::Runtime), which [`Host`] is.
pub trait Subject {
    /// What the user and the host say to it.
    fn requests(&self) -> Requests;

    /// Drives the policy until it has stopped or given up: [`Driver::run`], with all that is said there. It may be dropped, and called
    /// again.
    fn run(&mut self) -> Pin<Box<dyn Future<Output = Outcome> + '_>>;

    /// Its policy, between two runs.
    fn policy(&self) -> &TestedPolicy;
}

/// Takes an event of the user's or the host's from any thread, whatever the driver is doing; it is kept while no run is under way. False once the driver is
/// dropped.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use redial::Event;
/// use redial::testing::conformance::Requests;
///
/// // A loop of yours that takes events from a queue.
/// let queue = Arc::new(Mutex::new(Vec::new()));
/// let requests = Requests::new({
///     let queue = queue.clone();
///     move |event| {
///         queue.lock().unwrap().push(event);
///         true
///     }
/// });
/// assert!(requests.request(Event::RetryNow));
/// assert_eq!(queue.lock().unwrap().len(), 1);
/// ```
#[derive(Clone)]
pub struct Requests(Arc<dyn Fn(Event<String, String>) -> bool + Send + Sync>);

impl Requests {
    /// By this function.
    pub fn new(request: impl Fn(Event<String, String>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(request))
    }

    /// Says it to the driver.
    #[expect(clippy::must_use_candidate, reason = "a request to a driver that is gone is no error")]
    pub fn request(&self, event: Event<String, String>) -> bool {
        (self.0)(event)
    }

    pub(super) fn of(handle: HandleFor<TestedTransport>) -> Self {
        Self::new(move |event| handle.request(event))
    }
}

impl core::fmt::Debug for Requests {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Requests")
    }
}

/// By the names of [`Handle`](crate::driver::Handle).
macro_rules! requests {
    ($($name:ident($($argument:ident: $type:ty)?) $event:expr;)*) => {
        impl Requests {
            $(pub(super) fn $name(&self $(, $argument: $type)?) -> bool {
                (self.0)($event)
            })*
        }
    };
}

requests! {
    stop() Event::Stop { keep: false };
    stop_keeping_session() Event::Stop { keep: true };
    retry_now() Event::RetryNow;
    hold(reason: HoldReason) Event::Hold(reason);
    release(reason: HoldReason) Event::Release(reason);
    network_down() Event::NetworkDown;
    network_up() Event::NetworkUp;
    visible() Event::Visible;
    host_resumed(gap: Duration) Event::HostResumed { gap, counted: false };
    unsubscribe(key: String) Event::Unsubscribe { key };
}

impl Requests {
    pub(super) fn subscribe(&self, key: String, priority: i32) -> bool {
        (self.0)(Event::Subscribe { key, priority })
    }
}

/// The crate's own.
impl Subject for Driver<TestedTransport, Host, TestedPolicy> {
    fn requests(&self) -> Requests {
        Requests::of(self.handle())
    }

    fn run(&mut self) -> Pin<Box<dyn Future<Output = Outcome> + '_>> {
        Box::pin(Self::run(self))
    }

    fn policy(&self) -> &TestedPolicy {
        Self::policy(self)
    }
}
