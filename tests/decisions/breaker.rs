//! The circuit breaker through its public API: one test for each rule, and random calls against a naive model.

mod lifecycle;
mod model;
mod rules;

use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;
use redial::breaker::{self, Permit};
use redial::budget::Denied;
use redial::rand_core::Rng;
use redial::{CircuitBreaker, ConfigError, Instant, Ratio, SplitMix64};

const OPEN: Duration = Duration::from_secs(60);
/// F101: 5 failures, 60 s.
const CONFIG: breaker::Config = breaker::Config::new(5, OPEN).build_const();
const FOUR_PROBES: breaker::Config = CONFIG.to_builder().probes(4).build_const();

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn rng() -> SplitMix64 {
    SplitMix64::new(1)
}

fn until(seconds: u64) -> Denied {
    Denied { until: Some(at(seconds)) }
}

const fn half_open(probes_out: u8, probes_succeeded: u8) -> Shape {
    Shape::HalfOpen(probes_out, probes_succeeded)
}

/// `breaker::State` in a form that tests can build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Closed(u32),
    Open(Instant),
    HalfOpen(u8, u8),
    ForcedOpen,
    Disabled,
}

fn shape(breaker: &CircuitBreaker, now: Instant) -> Shape {
    match breaker.state(now) {
        breaker::State::Closed { failures } => Shape::Closed(failures),
        breaker::State::Open { until } => Shape::Open(until),
        breaker::State::HalfOpen { probes_out, probes_succeeded, .. } => {
            Shape::HalfOpen(probes_out, probes_succeeded)
        }
        breaker::State::ForcedOpen => Shape::ForcedOpen,
        breaker::State::Disabled => Shape::Disabled,
        other => panic!("unknown state {other:?}"),
    }
}

fn acquire(breaker: &mut CircuitBreaker, config: &breaker::Config, now: Instant) -> Result<Permit, Denied> {
    breaker.try_acquire(config, now, &mut rng())
}

fn fail(breaker: &mut CircuitBreaker, config: &breaker::Config, now: Instant) {
    let permit = acquire(breaker, config, now).expect("a permit");
    breaker.failure(config, now, permit, &mut rng());
}

/// Opened by five failures at `seconds`.
fn opened(config: &breaker::Config, seconds: u64) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..5 {
        fail(&mut breaker, config, at(seconds));
    }
    breaker
}
