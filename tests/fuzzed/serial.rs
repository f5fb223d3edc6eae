//! Every byte string is what was done to what stands beside a policy: sets of subscriptions, endpoints, breakers, budgets, a
//! health, and a policy's own session and snapshot. Each is written as JSON, read as it was, and written by a writer that has no
//! room for it; and read with something in it changed, which is refused in one line, or works.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::fmt::Debug;

use redial::breaker::{self, Consecutive, CountWindow, Outcome, Rates, TimeWindow, Window};
use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, RetryBudget, RetryBudgetConfig, StartBudget, StartBudgetConfig,
    Throttle, ThrottleConfig,
};
use redial::endpoints::{EndpointOrder, Endpoints, EndpointsConfig, FixedEndpoints, SingleEndpoint};
use redial::health::{Health, HealthConfig};
use redial::policy::{RetryAfter, Snapshot};
use redial::subscriptions::{FixedSubscriptions, SubscriptionList, Subscriptions};
use redial::testing::Script;
use redial::{CircuitBreaker, Instant, Ratio, SessionState, SplitMix64};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{alteration, story};

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    match script.below(8) {
        0 => subscriptions(&mut script, FixedSubscriptions::<String, 6>::new()),
        1 => subscriptions(&mut script, SubscriptionList::<String>::new()),
        2 => endpoints(&mut script),
        3 => breakers(&mut script),
        4 => starts(&mut script),
        5 => budgets(&mut script),
        6 => health(&mut script),
        _ => policy(&mut script),
    }
}

/// Written and read as it was; and what is read of a changed text, if anything is.
fn forms<T: Serialize + DeserializeOwned + PartialEq + Debug>(it: &T, script: &mut Script<'_>) -> Option<T> {
    let value = serde_json::to_value(it).expect("plain data");
    let text = serde_json::to_string(it).expect("plain data");
    assert_eq!(serde_json::from_str::<T>(&text).map_err(|error| format!("{text}: {error}")).as_ref(), Ok(it));
    alteration::too_long(it, script);
    match serde_json::from_str::<T>(&alteration::altered(&value, script)) {
        Ok(read) => {
            let text = serde_json::to_string(&read).expect("plain data");
            assert_eq!(serde_json::from_str::<T>(&text).expect("its own"), read, "{text}");
            Some(read)
        }
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            None
        }
    }
}

fn subscriptions<S>(script: &mut Script<'_>, mut set: S)
where
    S: Subscriptions<Key = String> + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let mut now = Instant::ZERO;
    let change = |set: &mut S, script: &mut Script<'_>, now: Instant| {
        let key = script.below(8).to_string();
        match script.below(8) {
            0..=3 => {
                let full = set.subscribe(key, script.below(3) as i32).is_err();
                assert!(!full || set.len() == 6, "there was room");
            }
            4 => assert!(set.take_batch(script.below(4) as usize, now) <= set.len()),
            5 => _ = set.confirm(&key),
            6 => _ = set.fail(&key, if script.flag() { Some(now) } else { None }),
            _ => set.transport_lost(),
        }
    };
    for _ in 0..script.below(24) {
        now = now.saturating_add(script.duration());
        change(&mut set, script, now);
    }
    if let Some(mut read) = forms(&set, script) {
        for _ in 0..8 {
            change(&mut read, script, now);
            assert_eq!(read.iter().count(), read.len());
        }
    }
}

fn endpoints(script: &mut Script<'_>) {
    let config = EndpointsConfig::new().order(EndpointOrder::LeastFailed).build_const();
    let (mut now, mut rng) = (Instant::ZERO, SplitMix64::new(7));
    let mut live = |endpoints: &mut FixedEndpoints<3>, script: &mut Script<'_>| {
        for _ in 0..script.below(12) {
            now = now.saturating_add(script.duration());
            match script.below(4) {
                0 => endpoints.succeeded(&config, now),
                1 => endpoints.end_round(),
                _ => _ = endpoints.failed(&config, now, &mut rng),
            }
            assert!(endpoints.current() < endpoints.count());
        }
    };
    let mut endpoints = FixedEndpoints::new_const(1 + script.below(3) as u8);
    live(&mut endpoints, script);
    if let Some(mut read) = forms(&endpoints, script) {
        live(&mut read, script);
    }
    let mut single = SingleEndpoint;
    single.end_round();
    assert_eq!(single.current(), 0);
    forms(&single, script);
}

fn breakers(script: &mut Script<'_>) {
    let (plain, rates) = (script.breaker(), Rates::new(Ratio::new_const(1, 2), 2).build_const());
    let (span, open) = (script.duration(), plain.open_for());
    match script.below(3) {
        0 => breaker::<Consecutive>(script, &plain),
        1 => {
            let config = breaker::Config::<CountWindow<6>>::by_count(rates, open).build();
            if let Ok(config) = config {
                breaker(script, &config);
            }
        }
        _ => {
            let config = breaker::Config::<TimeWindow<4>>::by_time(rates, span, open).build();
            if let Ok(config) = config {
                breaker(script, &config);
            }
        }
    }
}

fn breaker<W>(script: &mut Script<'_>, config: &breaker::Config<W>)
where
    W: Window + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let (mut now, mut rng) = (Instant::ZERO, SplitMix64::new(7));
    let mut live = |breaker: &mut CircuitBreaker<W>, script: &mut Script<'_>| {
        for _ in 0..script.below(24) {
            now = breaker.poll_timeout().filter(|_| script.flag()).unwrap_or(now).max(now);
            let outcome = script.below(3);
            match breaker.try_acquire(config, now, &mut rng) {
                Ok(permit) if outcome > 0 => {
                    let took = script.duration();
                    let outcome = if outcome == 1 { Outcome::Failure(took) } else { Outcome::Success(took) };
                    breaker.record(config, now, permit, outcome, &mut rng);
                }
                Ok(permit) => breaker.release(permit),
                Err(denied) => assert!(!denied.to_string().is_empty()),
            }
            match script.below(24) {
                1 => breaker.force_open(),
                2 => breaker.disable(),
                3 => breaker.metrics_only(),
                4 => breaker.reset(),
                _ => {}
            }
        }
    };
    let mut breaker = CircuitBreaker::<W>::default();
    live(&mut breaker, script);
    if let Some(mut read) = forms(&breaker, script) {
        live(&mut read, script);
    }
}

fn starts(script: &mut Script<'_>) {
    let config =
        StartBudgetConfig::new(1 + script.below(2) as u16, 1 + script.below(2) as u16, script.duration());
    let config = if script.flag() { config.daily(4, script.duration()) } else { config };
    let Ok(mut budget) = config.build().and_then(StartBudget::<4, 3>::new) else { return };
    let mut now = Instant::ZERO;
    let mut live = |budget: &mut StartBudget<4, 3>, script: &mut Script<'_>| {
        for _ in 0..script.below(16) {
            now = budget.poll_timeout().filter(|_| script.flag()).unwrap_or(now).max(now);
            match script.below(4) {
                0 => _ = budget.next_grant(now),
                1 => _ = budget.withdraw(script.below(5)),
                _ => _ = budget.request(now, script.below(5)),
            }
            assert!(budget.waiting().len() <= 3);
        }
    };
    live(&mut budget, script);
    if let Some(mut read) = forms(&budget, script) {
        live(&mut read, script);
    }
}

fn budgets(script: &mut Script<'_>) {
    let now = Instant::ZERO.saturating_add(script.duration());
    match script.below(3) {
        0 => {
            let config = RetryBudgetConfig::default();
            let mut budget = RetryBudget::default();
            for _ in 0..script.below(20) {
                budget.deposit(&config, now);
            }
            let mut budget = forms(&budget, script).unwrap_or(budget);
            let before = budget.balance(&config, now);
            assert_eq!(budget.withdraw(&config, now).is_ok(), before > 0);
        }
        1 => {
            let config = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
            let mut throttle = Throttle::new(&config);
            for _ in 0..script.below(12) {
                throttle.failure();
            }
            let mut throttle = forms(&throttle, script).unwrap_or(throttle);
            throttle.success(&config);
            assert!(throttle.millitokens() <= config.max_millitokens());
        }
        _ => {
            let (config, mut rng) = (AdaptiveThrottleConfig::default(), SplitMix64::new(7));
            let mut throttle = AdaptiveThrottle::default();
            for _ in 0..script.below(20) {
                let _admitted = throttle.admit(&config, now, &mut rng);
            }
            let mut throttle = forms(&throttle, script).unwrap_or(throttle);
            throttle.accepted(&config, now);
            let _admitted = throttle.admit(&config, now, &mut rng);
        }
    }
}

fn health(script: &mut Script<'_>) {
    let (config, mut health, mut now) = (HealthConfig::default(), Health::new(), Instant::ZERO);
    for _ in 0..script.below(16) {
        now = now.saturating_add(script.duration());
        match script.below(4) {
            0 => health.attempt_failed(&config, now),
            1 => health.attempt_succeeded(&config, now),
            2 => health.paused(now),
            _ => health.lost(now),
        }
    }
    forms(&health.report(&config, now), script);
    let mut health = forms(&health, script).unwrap_or(health);
    health.attempt_succeeded(&config, now);
    assert!(health.report(&config, now).uptime.is_some());
}

fn policy(script: &mut Script<'_>) {
    words(script);
    let config = script.config();
    let mut policy = story::policy(script, &config);
    let (steps, mut now) = (script.below(40), Instant::ZERO);
    for _ in 0..steps {
        let Some(step) = script.next_step(&policy, now) else { break };
        now = step.at;
        for action in step.apply(&mut policy) {
            if script.below(16) == 1 {
                forms(&action, script);
            }
        }
    }
    forms(&policy.explain(), script);
    forms(&policy.stats(), script);
    if let Some(snapshot) = policy.snapshot(now) {
        let read = forms::<Snapshot<u8>>(&snapshot, script).unwrap_or(snapshot);
        let _again = story::policy(script, &config).with_snapshot(now, read);
    }
}

/// What is said of events and of waits.
fn words(script: &mut Script<'_>) {
    let event = script.any_event::<u8, u8>();
    assert_eq!(event.to_string(), event.as_str());
    let wait = script.duration();
    let millis = wait.as_millis().to_string();
    for wait in [RetryAfter::from(wait), RetryAfter::Appointment(wait), RetryAfter::Window(wait)] {
        assert!(wait.to_string().contains(&millis), "{wait}");
        forms(&wait, script);
    }
    assert!(SessionState::<u8>::default().token().is_none());
}
