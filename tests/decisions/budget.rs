//! The budgets through their public API: one test for each rule and vector, and random calls against naive models.

mod retries;
mod starts;
mod throttles;

use core::convert::Infallible;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, Denied, Grant, RetryBudget, RetryBudgetConfig, StartBudget,
    StartBudgetConfig, Throttle, ThrottleConfig,
};
use redial::rand_core::TryRng;
use redial::{ConfigError, Instant, Ratio, SplitMix64};

const DAY: u64 = 86_400;

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

const fn millis(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ratio(num: u32, den: u32) -> Ratio {
    Ratio::new_const(num, den)
}
