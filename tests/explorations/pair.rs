//! A handover under test, with its driver, its host and its clock: `redial::testing::Checked` around it, which takes events at
//! any time, in any order. After every call it is checked that it keeps the promises of a policy, as they are restated for two
//! transports: at most one connection, one successor and one connection that drains (S92), a deadline or a named condition at
//! any time (S93), one end (S94), nothing but state, seed and event decides (S96), counters that add up (S97), a clock that may
//! run back (S98).

#![allow(
    unreachable_pub,
    dead_code,
    reason = "several crates include this module, and not all use all of it"
)]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

use redial::endpoints::FixedEndpoints;
use redial::handover::{self, Handover};
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Checked, Limits};
use redial::{Config, Phase, SplitMix64};

use super::harness::{KEYS, Lent, SmallPolicy, TestEvent, checked, small_policy};

/// The handover under test.
pub type Subject<'c> = Handover<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'c>, FixedEndpoints<3>>;

/// An event for it.
pub type PairEvent = TestEvent<u8>;

/// A handover, and what its driver and its host know.
pub type Pair<'c> = Checked<Subject<'c>>;

/// A handover with this seed and 1 to 3 endpoints.
pub fn pair<'c>(
    config: &'c Config,
    limits: Limits,
    seed: u64,
    endpoints: u8,
    handover: Option<handover::Config>,
) -> Pair<'c> {
    over(small_policy(config, seed, endpoints), limits, handover)
}

/// Over a policy that was not started yet.
pub fn over(policy: SmallPolicy<'_>, limits: Limits, handover: Option<handover::Config>) -> Pair<'_> {
    checked(policy.with_handover(handover)).with_limits(limits)
}

/// Whether the connection is live.
pub fn is_live(policy: &Subject<'_>) -> bool {
    matches!(policy.phase(), Phase::Online | Phase::Restoring)
}
