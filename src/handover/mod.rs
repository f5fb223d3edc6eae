//! Replacing a connection without a gap: its successor is dialled while it serves.
//!
//! Some ends are announced: a feed that cuts every connection after 24 hours, a server that is about to restart, GOAWAY, a
//! cluster that moves its clients. [`Handover`] is a [`Policy`] that dials the next connection before the last one ends.
//! Everything else it does as the policy does.
//!
//! # When
//!
//! While the connection is live, a successor is dialled when
//!
//! - the server asks for a reconnect with a deadline ([`Event::ReconnectRequested`]): at a time drawn from the first half
//!   of it;
//! - the server asks for a reconnect and names another endpoint ([`Event::Redirected`]): at once, or within
//!   [`requested_spread`](crate::Config::requested_spread);
//! - the connection reaches [`max_age`](policy::Config::max_age);
//! - the user says [`Event::Redial`].
//!
//! Every other end is a loss, as it is for the policy alone.
//!
//! # What happens
//!
//! 1. [`Action::Open`] with [`Role::Successor`](crate::policy::Role::Successor). The old transport stays the connection: its
//!    events count, its heartbeat runs, the phase is online.
//! 2. The successor passes the stages of any connection. What it says of the session counts from its promotion on: until
//!    then the sequence number is that of the connection.
//! 3. When it is ready, one call returns [`Action::Promote`], the first [`Action::Restore`] if there are subscriptions to
//!    send, and [`Action::Close`] of the old transport, with a code that keeps the session. With a
//!    [drain](Config::drain) the close comes at [`Event::Drained`], after that time or before the next dial,
//!    whichever is first.
//!
//! A successor that fails is a failed attempt like any other: the backoff climbs, the breaker and the budgets are asked,
//! floors hold. If it can't be dialled any more (a limit, a fatal cause), the connection stays and the end, when it comes, is
//! a loss.
//!
//! If the connection ends first, that is its loss. A successor that is being dialled at that time becomes the attempt of the
//! outage; nothing else is dialled. It is not promoted then.
//!
//! # What it can't do alone
//!
//! No moment is without a connection. Whether a message is lost or comes twice is the protocol's to say:
//!
//! | session | without a drain | with a drain |
//! | --- | --- | --- |
//! | resumed, messages are numbered | nothing is lost; what both connections bring is told apart by its number | the same |
//! | resumed, with a cursor | nothing is lost; what both bring comes twice | the same |
//! | a new one, or none | what comes between the close and the answer to the first [`Action::Restore`] is lost, and so are answers to requests under way | nothing is lost if the drain lasts as long; what both bring comes twice |
//!
//! A [driver](crate::driver#with-a-handover) does the telling apart. A message that the client sends after the promotion may
//! overtake one that it sent before.
//!
//! The dials of a connection that is younger than [`Config::reset_after_stable`](crate::Config::reset_after_stable) count
//! on: with [`max_attempts`](crate::Config::max_attempts), connections that are replaced sooner than that use the attempts
//! up, and the next one is not replaced. [`HandoverStats::handovers_failed`] counts it.
//!
//! # A loop of your own
//!
//! Give `with_handover` a policy that has its subscriptions, endpoints and session type already, and in the loop
//!
//! - keep a transport for each epoch: `Open` adds one, `Close` and its own end remove it, and every action goes to the
//!   transport of its epoch;
//! - send the application's messages to [`Handover::epoch`]: `Promote` moves it, and so does the end of the connection while
//!   its successor is dialled;
//! - hold what a successor brings until it is that epoch, then hand it over in order, and leave out a numbered message whose
//!   [`Event::Sequence`](crate::Event::Sequence) is inapplicable until the first one that is not;
//! - hand over what a draining connection brings, though its events are stale.
//!
//! A handover takes 200 bytes more than its policy, and those of another session token.
//!
//! At any time there is at most one connection, at most one successor, and at most one connection that drains. The last is
//! closed before anything is dialled.
//!
//! ```
//! use core::time::Duration;
//! use redial::policy::Role;
//! use redial::{Action, Event, Instant, Policy, SplitMix64, handover, presets};
//!
//! let at = |seconds: u64| Instant::from_millis(1_000 * seconds);
//! let mut policy =
//!     Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_handover(handover::Config::DEFAULT);
//! let ready = |epoch| Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
//!
//! let _open = policy.handle_event(at(0), Event::Start);
//! let first = policy.epoch().expect("dialling");
//! let _identify = policy.handle_event(at(0), Event::Opened { epoch: first });
//! let _online = policy.handle_event(at(0), ready(first));
//!
//! let actions = policy.handle_event(at(60), Event::Redial);
//! let Some(Action::Open { epoch: second, role: Role::Successor, .. }) = actions.iter().next() else { unreachable!() };
//! assert_eq!((policy.epoch(), policy.successor()), (Some(first), Some(second)));
//!
//! let _identify = policy.handle_event(at(61), Event::Opened { epoch: second });
//! let actions = policy.handle_event(at(61), ready(second));
//! assert!(actions.iter().eq([
//!     Action::Promote { epoch: second },
//!     Action::Close { epoch: first, code: Some(4000) },
//! ]));
//! ```
//!
//! [`Action::Close`]: crate::Action::Close
//! [`Action::Open`]: crate::Action::Open
//! [`Action::Promote`]: crate::Action::Promote
//! [`Action::Restore`]: crate::Action::Restore
//! [`Event::Drained`]: crate::Event::Drained
//! [`Event::ReconnectRequested`]: crate::Event::ReconnectRequested
//! [`Event::Redial`]: crate::Event::Redial
//! [`Event::Redirected`]: crate::Event::Redirected
// The policy has one transport. While a successor is under way that is the successor, so that its dial, its failures and its
// waits are the policy's own; the connection stands beside it as a `Side`, and the two are exchanged for the length of a call
// that is the connection's.

mod config;
mod decider;
mod events;
mod stats;
mod steps;
mod stored;
mod timers;

use rand_core::Rng;

use crate::backoff::WindowPhase;
use crate::breaker;
use crate::endpoints::{Endpoints, SingleEndpoint};
use crate::policy::{
    self, ConfigSource, DropReason, Epoch, Explanation, Phase, Policy, Side, Snapshot, Stats,
};
use crate::subscriptions::{Beside, NoSubscriptions, Subscriptions};
use crate::time::{Instant, OptInstant};

pub use config::Config;
#[cfg(any(feature = "telemetry", feature = "testing"))]
pub(crate) use decider::sealed::Sealed;
pub use decider::{Decider, EventOf};
pub use stats::HandoverStats;

use stats::Counts;

/// A [`Policy`] that replaces a connection by a successor before it ends. See the [module](self).
///
/// It is made by [`Policy::with_handover`] and has the policy's methods and contract. A driver for it holds two transports at
/// a time, each under its own epoch.
///
/// ```
/// use core::time::Duration;
/// use redial::{Policy, SplitMix64, handover, presets};
///
/// const HANDOVER: handover::Config = handover::Config::new().drain(Duration::from_secs(5)).build_const();
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_handover(HANDOVER);
/// assert_eq!((policy.successor(), policy.draining()), (None, None));
/// assert_eq!(policy.handover_stats(), handover::HandoverStats::default());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Handover<
    R,
    T = (),
    S = NoSubscriptions,
    C: ConfigSource = &'static policy::Config,
    E = SingleEndpoint,
> {
    policy: Policy<R, T, Beside<S>, C, E>,
    config: Option<Config>,
    /// The connection, while its successor is the policy's transport.
    old: Option<Old<C::Heartbeat, C::Session<T>>>,
    draining: Option<Draining>,
    /// The epoch of the newest dial, where the policy has an older connection again.
    newest: Option<Epoch>,
    counts: Counts,
}

/// The connection beside its successor.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Old<H, X> {
    side: Side<H, X>,
    /// The limit for the successor that is being dialled.
    until: OptInstant,
    /// The session was refused on a successor. The connection still has it; the next successor begins a new one.
    refused: Option<DropReason>,
    /// The credential was renewed after the successor had identified with the last one.
    renewed: bool,
}

/// A connection that was replaced and is not closed yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Draining {
    epoch: Epoch,
    until: Instant,
}

impl<R, T, S: Subscriptions, C: ConfigSource, E> Policy<R, T, S, C, E> {
    /// The same policy, which replaces a connection by a successor before it ends: see [`handover`](self). With `None`, for
    /// programs that read their config, it decides as the policy alone does.
    #[must_use]
    pub fn with_handover(self, config: impl Into<Option<Config>>) -> Handover<R, T, S, C, E> {
        Handover {
            policy: self.map_subscriptions(Beside::new),
            config: config.into(),
            old: None,
            draining: None,
            newest: None,
            counts: Counts::NEW,
        }
    }
}

impl<R, T, S: Subscriptions, C: ConfigSource, E> Handover<R, T, S, C, E> {
    /// The same with this generator: see [`Policy::with_rng`].
    #[must_use]
    pub fn with_rng<R2>(self, rng: R2) -> Handover<R2, T, S, C, E> {
        let Self { policy, config, old, draining, newest, counts } = self;
        Handover { policy: policy.with_rng(rng), config, old, draining, newest, counts }
    }

    /// The same with this phase in the windows of every outage: see [`Policy::with_window_phase`].
    #[must_use]
    pub fn with_window_phase(mut self, phase: WindowPhase) -> Self {
        self.policy = self.policy.with_window_phase(phase);
        self
    }

    /// The session of the connection, or of the dial while there is none: see [`Policy::session`].
    #[must_use]
    pub const fn session(&self) -> &C::Session<T> {
        match &self.old {
            Some(old) => &old.side.session,
            None => self.policy.session(),
        }
    }

    /// The set of subscriptions, with the batch that [`Action::Restore`](crate::Action::Restore) sends.
    #[must_use]
    pub const fn subscriptions(&self) -> &S {
        self.policy.subscriptions().set()
    }

    /// The configured endpoints: see [`Policy::endpoints`].
    #[must_use]
    pub const fn endpoints(&self) -> &E {
        self.policy.endpoints()
    }

    /// The endpoint that the server named: see [`Policy::redirect`].
    #[must_use]
    pub const fn redirect(&self) -> Option<&T> {
        self.policy.redirect()
    }

    /// The epoch of the connection, or of the dial while there is none.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        match &self.old {
            Some(old) => old.side.epoch(),
            None => self.policy.epoch(),
        }
    }

    /// The epoch of the successor that is being dialled while the connection is up.
    #[must_use]
    pub const fn successor(&self) -> Option<Epoch> {
        match &self.old {
            Some(_) => self.policy.epoch(),
            None => None,
        }
    }

    /// Whether the connection is being replaced: its successor is dialled, or waits for its next dial.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.old.is_some()
    }

    /// The epoch of the connection that was replaced and still has requests to finish.
    #[must_use]
    pub const fn draining(&self) -> Option<Epoch> {
        match &self.draining {
            Some(draining) => Some(draining.epoch),
            None => None,
        }
    }

    /// The phase of the connection; while there is none, that of the policy.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match &self.old {
            Some(old) => old.side.phase(),
            None => self.policy.phase(),
        }
    }

    /// The counters of the policy. A connection that was replaced is not a loss.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.policy.stats()
    }

    /// The state of the policy's breaker: see [`Policy::breaker_phase`].
    #[must_use]
    pub fn breaker_phase(&self) -> Option<breaker::Phase> {
        self.policy.breaker_phase()
    }

    /// The counters of the handovers.
    #[must_use]
    pub const fn handover_stats(&self) -> HandoverStats {
        self.counts.stats()
    }

    /// How it hands over; `None`: not at all.
    #[must_use]
    pub const fn handover_config(&self) -> Option<&Config> {
        self.config.as_ref()
    }
}

impl<R, T, S, C, E> Handover<R, T, S, C, E>
where
    R: Rng,
    T: PartialEq + Clone,
    S: Subscriptions,
    C: ConfigSource,
    C::Session<T>: Clone,
    E: Endpoints + Clone,
{
    /// The config of the policy.
    #[must_use]
    pub fn config(&self) -> &policy::Config {
        self.policy.config()
    }

    /// What the connection is doing, until when, and why; while a successor is under way, also which. `mode` and `endpoint` are
    /// those of the dial in progress, or else of the next one.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let mut explanation = self.policy.explain();
        if let Some(old) = &self.old {
            old.side.explain(&mut explanation);
        }
        if let Some((until, reason)) = self.deadline() {
            // A policy without a connection is parked on its condition, whatever the deadline is for.
            if explanation.phase != Phase::Parked {
                explanation.waiting_for = Some(reason);
            }
            explanation.until = Some(until);
        }
        explanation
    }

    /// What a later process needs to continue: see [`Policy::snapshot`]. The session is that of the connection.
    #[must_use]
    pub fn snapshot(&mut self, now: Instant) -> Option<Snapshot<T>> {
        let Some(old) = &mut self.old else { return self.policy.snapshot(now) };
        self.policy.exchange(&mut old.side);
        let snapshot = self.policy.snapshot(now);
        self.policy.exchange(&mut old.side);
        snapshot
    }

    /// The same with the snapshot of an earlier process: see [`Policy::with_snapshot`].
    #[must_use]
    pub fn with_snapshot(mut self, now: Instant, snapshot: Snapshot<T>) -> Self {
        self.policy = self.policy.with_snapshot(now, snapshot);
        self
    }
}

impl<R, T, S: core::fmt::Debug, C: ConfigSource, E: core::fmt::Debug> core::fmt::Debug
    for Handover<R, T, S, C, E>
{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { policy, config, old, draining, newest: _, counts } = self;
        f.debug_struct("Handover")
            .field("policy", policy)
            .field("config", config)
            .field("connection", &old.as_ref().and_then(|old| old.side.epoch()))
            .field("draining", draining)
            .field("counts", counts)
            .finish_non_exhaustive()
    }
}
