//! A handover under test, with its driver, its host and its clock. After every call it is checked that it keeps the promises
//! of a policy, as they are restated for two transports: at most one connection, one successor and one connection that
//! drains (S92), a deadline or a named condition at any time (S93), one end (S94), nothing but state, seed and event decides
//! (S96), counters that add up (S97).
//!
//! It stands beside `tests/harness`, which has one transport, and takes events at any time, in any order.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "several crates include this module, and not all use all of it"
)]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

mod checks;
mod model;
mod recovery;
mod script;

use redial::endpoints::FixedEndpoints;
use redial::handover::{self, Handover};
use redial::subscriptions::FixedSubscriptions;
use redial::{Actions, Config, Disposition, Event, Instant, Phase, SplitMix64};

use super::harness::{KEYS, Lent, Limits, SmallPolicy, TestEvent, small_policy};
use model::Model;
pub use script::run;

/// The handover under test.
pub type Subject<'c> = Handover<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'c>, FixedEndpoints<3>>;

/// An event for it.
pub type PairEvent = TestEvent<u8>;

/// A handover, and what its driver and its host know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pair<'c> {
    /// For questions.
    pub policy: Subject<'c>,
    pub limits: Limits,
    /// The time of the newest call.
    pub now: Instant,
    model: Model,
}

/// A handover with this seed and 1 to 3 endpoints.
pub fn pair<'c>(
    config: &'c Config,
    limits: Limits,
    seed: u64,
    endpoints: u8,
    handover: Option<handover::Config>,
) -> Pair<'c> {
    Pair::of(small_policy(config, seed, endpoints), limits, handover)
}

impl<'c> Pair<'c> {
    /// Over a policy that was not started yet, from the beginning of time.
    pub fn of(policy: SmallPolicy<'c>, limits: Limits, handover: Option<handover::Config>) -> Self {
        let now = Instant::ZERO;
        Self { model: Model::new(now), policy: policy.with_handover(handover), limits, now }
    }

    /// Takes an event.
    pub fn handle_event(&mut self, now: Instant, event: PairEvent) -> Actions {
        self.call(now, Some(event))
    }

    /// Serves the timers.
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        self.call(now, None)
    }

    pub fn call(&mut self, now: Instant, event: Option<PairEvent>) -> Actions {
        let before = self.policy.clone();
        self.now = now;
        let actions = step(&mut self.policy, now, event.clone());
        self.check(&before, event.as_ref(), &actions);
        actions
    }
}

pub fn step(policy: &mut Subject<'_>, now: Instant, event: Option<PairEvent>) -> Actions {
    match event {
        Some(event) => policy.handle_event(now, event),
        None => policy.handle_timeout(now),
    }
}

/// Whether the connection is live.
pub fn is_live(policy: &Subject<'_>) -> bool {
    matches!(policy.phase(), Phase::Online | Phase::Restoring)
}

/// Whether a handover was begun and has not ended: its successor is dialled, waits or is parked. Then another redial is
/// inapplicable.
pub fn is_under_way(policy: &Subject<'_>, now: Instant) -> bool {
    let asked = || policy.clone().handle_event(now, Event::Redial).disposition();
    policy.successor().is_some()
        || policy.handover_config().is_some()
            && policy.epoch().is_some()
            && asked() == Disposition::Inapplicable
}
