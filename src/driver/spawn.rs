//! A driver as a task of its runtime.

use core::future::Future;

use crate::handover::Decider;
use crate::subscriptions::Subscriptions;

use super::protocol::Protocol;
use super::send_protocol::SendProtocol;
use super::{Driver, Outcome, Runtime};

/// A [`Runtime`] that can run a future as a task of its own.
///
/// ```
/// use redial::driver::Spawn;
/// use redial::testing::VirtualClock;
///
/// /// A library that works on every runtime.
/// fn in_the_background<Rt: Spawn>() -> Rt::Task<u32> {
///     Rt::spawn(async { 42 })
/// }
///
/// let clock = VirtualClock::new();
/// assert_eq!(clock.run(async { in_the_background::<VirtualClock>().await }), 42);
/// ```
pub trait Spawn: Runtime {
    /// What is left to the caller: the runtime's own handle of a task. What dropping it does is the runtime's choice.
    type Task<T: Send + 'static>;

    /// Runs the future beside the caller.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;
}

impl<P, Rt, Q> Driver<P, Rt, Q>
where
    P: SendProtocol + 'static,
    Rt: Spawn<Sleep: Send> + Send + Sync + 'static,
    Q: Decider<Token = <P as Protocol>::Token> + Send + 'static,
    Q::Subscriptions: Subscriptions<Key = <P as Protocol>::Key>,
{
    /// [`run`](Self::run) as a task of the runtime, for a [`SendProtocol`]; get the [`Handle`](super::Handle) and the
    /// [`Messages`](super::Messages) before. The task gives the driver back, with the session that the next run resumes.
    ///
    /// It returns the runtime's own handle. Of tokio and async-std, dropping that detaches the task; of smol it cancels
    /// the task, and the connection with it. A protocol that implements [`Protocol`] alone is spawned by the runtime's own
    /// function: `tokio::spawn(async move { driver.run().await })`.
    pub fn spawn(mut self) -> Rt::Task<(Outcome, Self)> {
        Rt::spawn(async move { (self.run().await, self) })
    }
}
