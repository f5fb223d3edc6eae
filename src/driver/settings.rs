//! The driver between two runs: what it is made of, and its settings.

use core::fmt;
use core::time::Duration;

use super::SEND_TIMEOUT;
use super::handle::{Handle, HandleFor};
use super::messages::{Messages, Receiving};
use super::outbox::Outbox;
use super::protocol::Protocol;
use super::shared::Owner;

/// The loop over a policy, a protocol and a runtime. See the [module](super) for an example. `Q` is the whole type of the
/// policy, a [`Policy`](crate::Policy) or a [`Handover`](crate::handover::Handover): its `T` is the protocol's
/// [`Token`](Protocol::Token) and its subscriptions have the protocol's [`Key`](Protocol::Key).
///
/// It holds at most one transport, counted from the beginning of its dial to the end of its close; with a handover at most
/// two, and only while one replaces the other.
///
/// ```
/// use core::time::Duration;
/// use redial::driver::{Driver, Outbox, Outcome, Overflow};
/// use redial::testing::{ScriptedTransport, VirtualClock};
/// use redial::{Policy, SplitMix64, presets};
///
/// # let clock = VirtualClock::new();
/// # let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(clock.clone());
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7));
/// let mut driver = Driver::new(policy, server, clock.clone())
///     .with_outbox(Outbox::new().with_offline_queue(Overflow::Refuse))
///     .with_message_buffer(256)
///     .with_send_timeout(Some(Duration::from_secs(10)));
///
/// driver.handle().stop();
/// assert_eq!(clock.run(driver.run()), Outcome::Stopped);
/// assert_eq!(driver.policy().stats().opens, 0); // it was stopped before it began
/// ```
pub struct Driver<P: Protocol, Rt, Q> {
    pub(super) policy: Q,
    pub(super) protocol: P,
    pub(super) runtime: Rt,
    pub(super) owner: Owner<P::Token, P::Key, P::Message>,
    pub(super) inbox: Receiving<P::Incoming>,
    pub(super) send_timeout: Option<Duration>,
}

impl<P: Protocol, Rt, Q> Driver<P, Rt, Q> {
    /// A driver that does nothing until [`run`](Self::run).
    #[must_use]
    pub fn new(policy: Q, protocol: P, runtime: Rt) -> Self {
        let owner = Owner::new();
        let inbox = Receiving::new(owner.0.status.clone());
        Self { policy, protocol, runtime, owner, inbox, send_timeout: Some(SEND_TIMEOUT) }
    }

    /// How many messages of the application wait to be written, and whether they may wait while there is no connection.
    /// Default: [`Outbox::new`].
    #[must_use]
    pub fn with_outbox(self, outbox: Outbox) -> Self {
        self.owner.0.out.set_limits(outbox);
        self
    }

    /// How many received messages wait for the application before the driver stops reading, at least 1: see
    /// [`Messages`]. Those of one [`Protocol::receive`] are not divided, so it may be that many more. Default 64, this
    /// project's choice.
    #[must_use]
    pub fn with_message_buffer(self, capacity: usize) -> Self {
        self.inbox.0.set_capacity(capacity);
        self
    }

    /// How long one [`Protocol::send`] may take before the connection counts as lost; `None`: as long as the heartbeat
    /// finds the peer alive, which one that sends and does not read may seem without end. Default [`SEND_TIMEOUT`].
    #[must_use]
    pub const fn with_send_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.send_timeout = timeout;
        self
    }

    /// The way to steer it, to send through it and to ask it while it runs.
    #[must_use]
    pub fn handle(&self) -> HandleFor<P> {
        Handle(self.owner.0.clone())
    }

    /// The messages that it receives.
    pub fn messages(&self) -> Messages<P::Incoming> {
        self.inbox.0.consumer()
    }

    /// How many received messages were discarded because nobody took messages.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        self.inbox.0.discarded()
    }

    /// The policy, between two runs: its session to keep, its counters.
    #[must_use]
    pub const fn policy(&self) -> &Q {
        &self.policy
    }

    /// The protocol.
    #[must_use]
    pub const fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Both back.
    #[must_use]
    pub fn into_parts(self) -> (Q, P) {
        (self.policy, self.protocol)
    }
}

impl<P: Protocol, Rt, Q: fmt::Debug> fmt::Debug for Driver<P, Rt, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("policy", &self.policy).finish_non_exhaustive()
    }
}
