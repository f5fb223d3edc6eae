//! A policy under test, with its driver, its host and its clock. After every call it is checked that the policy keeps its
//! promises: one live transport (S92), a deadline or a named condition in every phase (S93), one end (S94), nothing but
//! state, seed and event decides (S96), counters that add up (S97), a clock that may run back (S98).
//!
//! [`Harness`] is what drives and checks. A test speaks to it in one of three ways:
//!
//! - As a driver: [`Harness::opened`], [`Harness::fail`], [`Harness::lose`] … tell what happened to the living transport and
//!   return the actions; [`Harness::advance`] lets time pass. `driver.rs` has these, `actions.rs` asks what is in a list of
//!   actions.
//! - As a script: [`Scenario`] takes events at explicit times, and every decision must be expected as a line of text.
//! - As a fuzzer or an exploration: [`Harness::handle_event`] and [`Harness::handle_timeout`] at any time, in any order;
//!   `exploration.rs` has a small policy for it, and equal harnesses behave alike.
//!
//! It knows nothing of where the events come from, and no check depends on the way in.

#![allow(
    unreachable_pub,
    dead_code,
    unused_imports,
    reason = "several crates include this module, and not all use all of it"
)]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

mod actions;
mod checks;
mod configs;
mod driver;
mod exploration;
mod model;
mod scenario;

use core::borrow::Borrow;
use core::fmt::Debug;
use core::hash::{Hash, Hasher};
use core::time::Duration;

use redial::endpoints::{Endpoints, SingleEndpoint};
use redial::subscriptions::FixedSubscriptions;
use redial::{Action, Config, Disposition, Event, Instant, Policy, SplitMix64};

pub use actions::*;
pub use configs::*;
pub use exploration::*;
use model::Model;
pub use scenario::{Scenario, number};

/// What tokens, endpoints and subscriptions are named by.
pub trait Key: Copy + Ord + Hash + Debug {}
impl<K: Copy + Ord + Hash + Debug> Key for K {}

/// Where the config is.
pub trait Source: Borrow<Config> + Clone + Eq + Hash + Debug {}
impl<C: Borrow<Config> + Clone + Eq + Hash + Debug> Source for C {}

/// The endpoints that are known beforehand.
pub trait Bases: Endpoints + Clone + Eq + Hash + Debug {}
impl<E: Endpoints + Clone + Eq + Hash + Debug> Bases for E {}

/// The policy under test, with something in every type parameter.
pub type Subject<E = SingleEndpoint, K = &'static str, C = Config, const N: usize = 16> =
    Policy<SplitMix64, K, FixedSubscriptions<K, N>, C, E>;

/// An event for it.
pub type TestEvent<K = &'static str> = Event<K, K>;

/// A policy, and what its driver and its host know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Harness<E = SingleEndpoint, K = &'static str, C = Config, const N: usize = 16>
where
    E: Bases,
    K: Key,
    C: Source,
{
    /// For questions. A call of `handle_event` on it bypasses the checks, and the harness is of no use after it.
    pub policy: Subject<E, K, C, N>,
    /// What no call may exceed.
    pub limits: Limits,
    /// The time of the next call. A test may set it, also back: no timer is served on the way.
    pub now: Instant,
    /// Whether every heartbeat is acknowledged at once.
    pub acks: bool,
    model: Model,
    seen: Seen,
}

/// What the checks need to know of a config. [`Limits::of`] reads it from the config; a test that builds the config may know
/// tighter limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// No wait of this config can be longer.
    pub longest_wait: Duration,
    /// No dial can be longer than this.
    pub connect_timeout: Duration,
    /// No two dials are closer than this.
    pub min_interval: Duration,
    /// Heartbeats start with the establishment, so that an established connection always has a deadline.
    pub beats: bool,
    /// Only a session with a sequence number is resumed.
    pub needs_sequence: bool,
    /// Subscriptions are restored.
    pub restores: bool,
}

impl Limits {
    /// What follows from the settings of a config; its waits may be of any length.
    pub fn of(config: &Config) -> Self {
        let growing = config.connect_timeout_growing();
        Self {
            longest_wait: Duration::MAX,
            connect_timeout: if growing { Duration::MAX } else { config.connect_timeout() },
            min_interval: config.min_interval(),
            beats: config.heartbeat().interval().is_some() && !config.greeting(),
            needs_sequence: config.resume().sequence_needed(),
            restores: config.restore().enabled(),
        }
    }
}

/// What was seen on the way. It tells no two harnesses apart: they are equal when they go on alike.
#[derive(Clone, Debug)]
struct Seen {
    /// Whether the log is kept.
    records: bool,
    log: Vec<(Instant, Action)>,
    disposition: Disposition,
}

impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seen {}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, _: &mut H) {}
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
        let limits = Limits::of(policy.config());
        let mut harness = Self::exploring(policy, limits, Instant::from_millis(1_000_000));
        harness.seen.records = true;
        harness
    }
}

impl<E: Bases, K: Key, C: Source, const N: usize> Harness<E, K, C, N> {
    /// Around a policy that was not started yet, from `now` on, without a log and with limits that the caller knows.
    pub fn exploring(policy: Subject<E, K, C, N>, limits: Limits, now: Instant) -> Self {
        assert_eq!(policy.epoch(), None, "a policy that was started has a past that is not known here");
        Self {
            model: Model::new(now, policy.stats().opens),
            policy,
            limits,
            now,
            acks: false,
            seen: Seen { records: false, log: Vec::new(), disposition: Disposition::Applied },
        }
    }

    /// The clock begins here, and nothing was missed before.
    pub fn start_clock_at(&mut self, now: Instant) {
        self.now = now;
        self.model.called_at = now;
    }

    /// Every action so far, with its time.
    pub fn log(&self) -> &[(Instant, Action)] {
        &self.seen.log
    }

    /// What became of the newest event.
    pub fn disposition(&self) -> Disposition {
        self.seen.disposition
    }
}
