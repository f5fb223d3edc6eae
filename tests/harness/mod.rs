//! A policy under test, with its driver, its host and its clock. After every call `redial::testing::Checked` checks that the
//! policy keeps its promises: one live transport (S92), a deadline or a named condition in every phase (S93), one end (S94),
//! nothing but state, seed and event decides (S96), counters that add up (S97), a clock that may run back (S98).
//!
//! A test speaks to it in one of three ways:
//!
//! - As a driver: [`Harness::opened`], [`Harness::fail`], [`Harness::lose`] … tell what happened to the living transport and
//!   return the actions; [`Harness::advance`] lets time pass. `driver.rs` has these, `actions.rs` asks what is in a list of
//!   actions.
//! - As a script: [`Scenario`] is a `redial::testing::Timeline`, where every decision must be expected as a line of text.
//! - As a fuzzer or an exploration: `exploration.rs` has a small policy for it.

#![allow(
    unreachable_pub,
    dead_code,
    unused_imports,
    reason = "several crates include this module, and not all use all of it"
)]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

mod actions;
#[path = "../common/breadth.rs"]
mod breadth;
mod configs;
mod driver;
mod exploration;
mod scenario;

use core::borrow::Borrow;
use core::fmt::Debug;
use core::hash::Hash;

use redial::endpoints::{Endpoints, SingleEndpoint};
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Checked, Limits};
use redial::{Action, Config, Disposition, Event, Instant, Policy, SplitMix64};

pub use actions::*;
pub use breadth::*;
pub use configs::*;
pub use exploration::*;
pub use scenario::*;

/// The policy under test, with something in every type parameter.
pub type Subject<E = SingleEndpoint, K = &'static str, C = Config, const N: usize = 16> =
    Policy<SplitMix64, K, FixedSubscriptions<K, N>, C, E>;

/// An event for it.
pub type TestEvent<K = &'static str> = Event<K, K>;

/// The endpoints that are known beforehand.
pub trait Bases: Endpoints + Clone + PartialEq + Hash + Debug {}
impl<E: Endpoints + Clone + PartialEq + Hash + Debug> Bases for E {}

/// A policy, and what its driver and its host know.
#[derive(Clone, Debug)]
pub struct Harness<E = SingleEndpoint>
where
    E: Bases,
{
    pub policy: Checked<Subject<E>>,
    /// The time of the next call. A test may set it, also back: no timer is served on the way.
    pub now: Instant,
    /// Whether every heartbeat is acknowledged at once.
    pub acks: bool,
    /// Every action so far, with its time.
    pub log: Vec<(Instant, Action)>,
    /// What became of the newest event.
    pub disposition: Disposition,
}

impl Harness {
    /// Not started, at 1000 s of the clock.
    pub fn new(config: Config) -> Self {
        Self::seeded(config, 1)
    }

    pub fn seeded(config: Config, seed: u64) -> Self {
        Self::of(Policy::from_parts(config, SplitMix64::new(seed), FixedSubscriptions::new(), SingleEndpoint))
    }
}

impl<E: Bases> Harness<E> {
    /// Around a policy that was not started yet.
    pub fn of(policy: Subject<E>) -> Self {
        Self {
            policy: checked(policy),
            now: Instant::from_millis(1_000_000),
            acks: false,
            log: Vec::new(),
            disposition: Disposition::Applied,
        }
    }

    /// The clock begins here, and nothing was missed before.
    pub fn start_clock_at(&mut self, now: Instant) {
        self.now = now;
    }

    /// Every action so far, with its time.
    pub fn log(&self) -> &[(Instant, Action)] {
        &self.log
    }

    /// What became of the newest event.
    pub fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// Takes an event at a time of the caller's choice.
    pub fn handle_event(&mut self, now: Instant, event: TestEvent) -> redial::Actions {
        self.now = now;
        self.call(Some(event))
    }

    /// Serves the timers at a time of the caller's choice.
    pub fn handle_timeout(&mut self, now: Instant) -> redial::Actions {
        self.now = now;
        self.call(None)
    }

    #[track_caller]
    fn call(&mut self, event: Option<TestEvent>) -> redial::Actions {
        let actions = self.policy.call(self.now, event);
        self.disposition = actions.disposition();
        self.log.extend(actions.iter().map(|action| (self.now, action)));
        actions
    }
}
