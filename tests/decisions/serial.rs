//! Feature `serde`: what holds arrays comes back as it was, and nothing else comes in.

#![cfg(feature = "serde")]

use std::fmt::Debug;
use std::time::Duration;

use redial::breaker::{self, CountWindow, Outcome, Permit, Rates, TimeWindow, Window};
use redial::budget::{
    Grant, RetryBudget, RetryBudgetConfig, StartBudget, StartBudgetConfig, Throttle, ThrottleConfig,
};
use redial::endpoints::{Endpoints, EndpointsConfig, FixedEndpoints};
use redial::policy::{Endpoint, ResumeConfig};
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::{
    BackoffConfig, Cause, CircuitBreaker, Config, Event, Instant, Policy, Ratio, SessionState, SplitMix64,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// It comes back equal, whatever the format does with keys; here it is as a value, to be spoilt.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(it: &T) -> Value {
    let text = serde_json::to_string(it).expect("plain data");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("the same"), it, "{text}");
    let value = serde_json::to_value(it).expect("plain data");
    assert_eq!(&serde_json::from_value::<T>(value.clone()).expect("the same"), it, "{text}");
    value
}

/// With `change` made it is refused, with this reason.
fn refused<T: DeserializeOwned + Debug>(good: &Value, change: impl FnOnce(&mut Value), reason: &str) {
    let mut bad = good.clone();
    change(&mut bad);
    assert_ne!(&bad, good, "{reason}");
    let error = serde_json::from_value::<T>(bad.clone()).expect_err(&bad.to_string()).to_string();
    assert!(error.contains(reason), "{bad}: {error}");
}

/// Any leaf changed to any of a few values, and any list made longer or shorter, is an error or harmless: never a panic,
/// also not in `use_it`.
fn spoil<T: DeserializeOwned>(good: &Value, use_it: impl Fn(T)) {
    let values = [json!(0), json!(1), json!(3), json!(255), json!(u32::MAX), json!(u64::MAX), json!(true)];
    let mut leaves = Vec::new();
    paths(good, String::new(), &mut leaves);
    let mut accepted = 0;
    for path in &leaves {
        let spoilt =
            values.iter().cloned().map(|value| (value, 0)).chain([(Value::Null, 1), (Value::Null, 2)]);
        for (value, how) in spoilt {
            let mut bad = good.clone();
            let Some(leaf) = bad.pointer_mut(path) else { unreachable!("{path}") };
            match (how, leaf) {
                (1, Value::Array(list)) => drop(list.pop()),
                (2, Value::Array(list)) => list.extend(list.last().cloned()),
                (_, leaf) => *leaf = value,
            }
            if let Ok(it) = serde_json::from_value::<T>(bad) {
                accepted += 1;
                use_it(it);
            }
        }
    }
    assert!(accepted > 0);
}

fn paths(value: &Value, here: String, into: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, item)| paths(item, format!("{here}/{at}"), into));
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| paths(item, format!("{here}/{key}"), into)),
        _ => {}
    }
    into.push(here);
}

/// What was sent, confirmed, refused for now and for good, and not sent yet, in three priorities.
fn subscribed<S: Subscriptions<Key = String>>(mut set: S) -> S {
    for (key, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", -1), ("e", 5)] {
        set.subscribe(key.to_owned(), priority).expect("room");
    }
    assert_eq!(set.take_batch(3, at(1)), 3);
    assert!(set.confirm(&"b".to_owned()));
    assert!(set.fail(&"e".to_owned(), Some(at(9))));
    assert_eq!(set.take_batch(1, at(2)), 1);
    assert!(set.fail(&"c".to_owned(), None));
    assert_eq!(set.take_batch(1, at(3)), 1);
    set
}

#[test]
fn subscriptions() {
    type Set = FixedSubscriptions<String, 6>;
    let set = subscribed(Set::new());
    let good = round_trip(&set);
    round_trip(&Set::new());
    let keys: Vec<_> = good.as_array().expect("a sequence").iter().map(|entry| &entry["key"]).collect();
    assert_eq!(keys, ["b", "e", "a", "c", "d"], "in the order in which they are sent");

    let seven = |value: &mut Value| {
        let list = value.as_array_mut().expect("a sequence");
        let last = list.last().expect("not empty").clone();
        for key in ["f", "g"] {
            let mut entry = last.clone();
            entry["key"] = json!(key);
            list.push(entry);
        }
    };
    refused::<Set>(&good, seven, "expected at most 6 elements");
    refused::<Set>(&good, |it| it[4]["key"] = json!("a"), "there twice");
    refused::<Set>(&good, |it| it[4]["priority"] = json!(1), "order of their priorities");
    refused::<Set>(&good, |it| it[0]["in_batch"] = json!(true), "not sent is in the batch");
    refused::<Set>(&good, |it| it[0]["sent_at"] = json!(1_000), "sent at a time, and at none if it is not");
    refused::<Set>(&good, |it| it[2]["sent_at"] = json!(null), "sent at a time, and at none if it is not");
    refused::<Set>(&good, |it| it[0] = json!({"key": "b"}), "missing field");
    refused::<Set>(&good, |it| *it = json!({}), "expected at most 6 elements");
    spoil::<Set>(&good, |mut set| {
        set.transport_lost();
        assert!(set.take_batch(9, at(10)) <= 5);
        set.session_started();
        assert_eq!(set.take_batch(9, at(10)), set.len());
    });
}

/// F96: what was unanswered when the process ended is sent again, and nothing else.
#[test]
fn a_next_process_goes_on_with_the_set() {
    let set = subscribed(FixedSubscriptions::<String, 6>::new());
    let text = serde_json::to_string(&set).expect("plain data");
    let mut set: FixedSubscriptions<String, 9> = serde_json::from_str(&text).expect("room for more");
    set.transport_lost();
    assert_eq!(set.take_batch(9, at(10)), 3);
    assert!(set.batch().eq(["e", "a", "d"]));
}

/// One form for all storages.
#[cfg(feature = "alloc")]
#[test]
fn a_list_of_subscriptions() {
    type List = redial::subscriptions::SubscriptionList<String>;
    let list = subscribed(List::new());
    let good = round_trip(&list);
    let fixed: FixedSubscriptions<String, 6> = serde_json::from_value(good.clone()).expect("the same form");
    assert_eq!(round_trip(&fixed), good);
    refused::<List>(&good, |it| it[4]["key"] = json!("a"), "there twice");
    refused::<List>(&good, |it| it[4]["priority"] = json!(1), "order of their priorities");
    refused::<List>(&good, |it| *it = json!(7), "invalid type");
}

#[test]
fn endpoints() {
    type Three = FixedEndpoints<3>;
    const CONFIG: EndpointsConfig = EndpointsConfig::DEFAULT;
    let mut rng = SplitMix64::new(7);
    let mut endpoints = Three::new(3).expect("room");
    round_trip(&endpoints);
    endpoints.begin_round(&CONFIG, at(5), &mut rng);
    assert!(endpoints.failed(&CONFIG, at(6), &mut rng).is_some());
    endpoints.succeeded(&CONFIG, at(7));
    assert!(endpoints.failed(&CONFIG, at(8), &mut rng).is_some());
    let good = round_trip(&endpoints);

    refused::<Three>(&good, |it| it["count"] = json!(0), "no endpoint");
    refused::<Three>(&good, |it| it["count"] = json!(4), "more than there is room for");
    refused::<Three>(&good, |it| it["current"] = json!(3), "an endpoint that there is not");
    refused::<Three>(&good, |it| it["sticky"] = json!(3), "an endpoint that there is not");
    refused::<Three>(&good, |it| it["failures"] = json!([1, 2]), "expected exactly 3 elements");
    refused::<Three>(
        &good,
        |it| it["tried"] = json!([true, true, true, true]),
        "expected at most 3 elements",
    );
    refused::<FixedEndpoints<4>>(
        &good,
        |it| it["count"] = json!(2),
        "invalid length 3, expected exactly 4 elements",
    );
    spoil::<Three>(&good, |mut endpoints| {
        let (mut rng, mut dials) = (SplitMix64::new(1), 1);
        assert!(endpoints.begin_round(&CONFIG, at(9), &mut rng) < endpoints.count());
        while let Some(next) = endpoints.failed(&CONFIG, at(9), &mut rng) {
            assert!(next < endpoints.count());
            dials += 1;
        }
        assert_eq!(dials, endpoints.count());
    });
    round_trip(&redial::endpoints::SingleEndpoint);
}

#[test]
fn start_budget() {
    type Budget = StartBudget<4, 3>;
    let config = StartBudgetConfig::new(2, 2, ms(5_000)).daily(100, ms(60_000)).build();
    let config = config.expect("valid");
    let mut budget = Budget::new(config).expect("room");
    round_trip(&budget);
    for ticket in 0..7 {
        assert_eq!(budget.request(at(10), ticket) == Grant::Now, ticket < 4);
    }
    assert_eq!(budget.waiting(), [4, 5, 6]);
    let good = round_trip(&budget);
    assert_eq!(good["line"], json!([4, 5, 6]));

    refused::<Budget>(&good, |it| it["line"] = json!([4, 5, 4]), "in line twice");
    refused::<Budget>(&good, |it| it["line"] = json!([1, 2, 3, 4]), "expected at most 3 elements");
    refused::<Budget>(&good, |it| it["free_at"] = json!([0, 0, 0]), "expected exactly 4 elements");
    refused::<Budget>(&good, |it| it["free_at"] = json!([1, 0, 5, 6]), "of a bucket are out of order");
    for key in ["buckets", "per_window", "window_us", "per_day", "day_us"] {
        refused::<Budget>(&good, |it| it[key] = json!(0), "no such budget");
    }
    refused::<Budget>(&good, |it| it["buckets"] = json!(3), "no such budget");
    spoil::<Budget>(&good, |mut budget| {
        let late = at(1_000_000_000);
        let granted = std::iter::from_fn(|| budget.next_grant(late)).count();
        assert!(granted <= 3);
        for ticket in 0..9 {
            match budget.request(late, ticket) {
                Grant::Now => {}
                Grant::Later(until) | Grant::Exhausted { until } | Grant::Full { until } => {
                    assert!(until > late);
                }
            }
        }
    });
}

/// S60, F72: a next process gets no second budget.
#[test]
fn a_next_process_goes_on_with_the_budget() {
    let config = StartBudgetConfig::new(1, 1, ms(5_000)).build().expect("valid");
    let mut budget = StartBudget::<1, 2>::new(config).expect("room");
    assert_eq!(budget.request(at(0), 1), Grant::Now);
    let text = serde_json::to_string(&budget).expect("plain data");
    let mut budget: StartBudget<1, 2> = serde_json::from_str(&text).expect("the same");
    assert_eq!(budget.request(at(1), 1), Grant::Later(at(5_000)));
}

#[test]
fn retry_budget_and_throttle() {
    const BUDGET: RetryBudgetConfig = RetryBudgetConfig::DEFAULT;
    let mut budget = RetryBudget::new();
    for _ in 0..9 {
        budget.deposit(&BUDGET, at(1_000));
    }
    assert!(budget.withdraw(&BUDGET, at(3_000)).is_ok());
    let good = round_trip(&budget);
    refused::<RetryBudget>(
        &good,
        |it| drop(it["moves"]["slots"].as_array_mut().expect("slots").pop()),
        "length",
    );
    spoil::<RetryBudget>(&good, |mut budget| {
        let left = budget.balance(&BUDGET, at(9_000));
        assert_eq!(budget.withdraw(&BUDGET, at(9_000)).is_ok(), left > 0);
    });

    const THROTTLE: ThrottleConfig = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
    let mut throttle = Throttle::new(&THROTTLE);
    throttle.failure();
    assert_eq!(round_trip(&throttle), json!(9_000));
    assert!(serde_json::from_value::<Throttle>(json!(-1)).is_err());
    let mut throttle: Throttle = serde_json::from_value(json!(u32::MAX)).expect("a number");
    throttle.success(&THROTTLE);
    assert_eq!(throttle.millitokens(), 10_000, "more than there can be is cut");
}

const RATES: Rates = Rates::new(Ratio::new_const(1, 2), 4).slow(ms(10), Ratio::new_const(3, 4)).build_const();

/// So many results, of which every third is a failure and every fourth is slow.
fn used<W: Window>(config: &breaker::Config<W>, results: u64) -> (CircuitBreaker<W>, Option<Permit>) {
    let (mut breaker, mut rng, mut held) = (CircuitBreaker::new(), SplitMix64::new(7), None);
    for result in 0..results {
        let now = at(result * 7);
        held = breaker.try_acquire(config, now, &mut rng).ok();
        if let Some(permit) = held {
            let took = ms(if result % 4 == 0 { 11 } else { 10 });
            let outcome = if result % 3 == 0 { Outcome::Failure(took) } else { Outcome::Success(took) };
            breaker.record(config, now, permit, outcome, &mut rng);
        }
    }
    (breaker, held)
}

/// Hundreds of results after whatever it was: no panic, and a state that the next call agrees with.
fn use_on<W: Window>(config: &breaker::Config<W>, mut breaker: CircuitBreaker<W>) {
    let mut rng = SplitMix64::new(3);
    for result in 0..40 {
        let now = at(1_000 + result * 60);
        if let Ok(permit) = breaker.try_acquire(config, now, &mut rng) {
            breaker.record(config, now, permit, Outcome::Failure(ms(result)), &mut rng);
        }
        assert_eq!(breaker.check(config, now).is_ok(), breaker.try_acquire(config, now, &mut rng).is_ok());
    }
}

#[test]
fn breaker_by_count() {
    type Breaker = CircuitBreaker<CountWindow<5>>;
    const CONFIG: breaker::Config<CountWindow<5>> = breaker::Config::by_count(RATES, ms(20)).build_const();
    for results in 0..30 {
        round_trip(&used(&CONFIG, results).0);
    }
    let good = round_trip(&used(&CONFIG, 3).0);
    assert_eq!(
        good["window"],
        json!({"ring": [3, 0, 0, 0, 0], "next": 3, "sum": {"calls": 3, "failures": 1, "slow": 1}})
    );
    refused::<Breaker>(&good, |it| it["window"]["ring"] = json!([3, 0, 0, 0]), "expected exactly 5 elements");
    refused::<Breaker>(&good, |it| it["window"]["ring"][0] = json!(7), "not what it counted");
    refused::<Breaker>(&good, |it| it["window"]["ring"][1] = json!(1), "not what it counted");
    refused::<Breaker>(&good, |it| it["window"]["ring"] = json!([0, 0, 0, 0, 3]), "not what it counted");
    refused::<Breaker>(&good, |it| it["window"]["sum"]["slow"] = json!(0), "not what it counted");
    refused::<Breaker>(&good, |it| it["window"]["sum"]["calls"] = json!(6), "than it has room for");
    refused::<Breaker>(&good, |it| it["window"]["next"] = json!(4), "than it has room for");
    for results in [3, 7, 9] {
        spoil::<Breaker>(&round_trip(&used(&CONFIG, results).0), |breaker| use_on(&CONFIG, breaker));
    }
}

#[test]
fn breaker_by_time() {
    type Breaker = CircuitBreaker<TimeWindow<3>>;
    const CONFIG: breaker::Config<TimeWindow<3>> =
        breaker::Config::by_time(RATES, ms(60), ms(20)).build_const();
    for results in 0..30 {
        round_trip(&used(&CONFIG, results).0);
    }
    let good = round_trip(&used(&CONFIG, 3).0);
    refused::<Breaker>(
        &good,
        |it| drop(it["window"]["buckets"].as_array_mut().expect("parts").pop()),
        "exactly 3",
    );
    refused::<Breaker>(&good, |it| it["window"]["head"] = json!(3), "whose newest part it has not");
    refused::<Breaker>(&good, |it| it["window"]["sum"]["calls"] = json!(4), "not what it counted");
    refused::<Breaker>(&good, |it| it["window"]["buckets"][0]["failures"] = json!(4), "not what it counted");
    for results in [3, 7, 9] {
        spoil::<Breaker>(&round_trip(&used(&CONFIG, results).0), |breaker| use_on(&CONFIG, breaker));
    }
}

/// S50, F63: a session knows how long its endpoint has been out of reach, in a snapshot of the process and by itself.
#[test]
fn a_session_whose_endpoint_fails() {
    static CONFIG: Config = Config::new(BackoffConfig::constant(ms(1_000)).build_const())
        .resume(ResumeConfig::new().endpoint_fallback(3, Duration::ZERO).build_const())
        .build_const();
    let session = SessionState::resumable("token".to_owned(), Some("own".to_owned()), Some(1));
    let mut policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session(session);
    round_trip(policy.session());
    let _dial = policy.handle_event(at(0), Event::Start);
    for second in 0..2 {
        let epoch = policy.epoch().expect("dialling");
        let _wait = policy.handle_event(
            at(second * 1_000),
            Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None },
        );
        let _dial = policy.handle_timeout(at(second * 1_000 + 1_000));
    }
    assert_eq!(policy.explain().endpoint, Endpoint::Session);
    let good = round_trip(policy.session());
    assert_eq!(good["unreachable"], json!([2, 0]));
    round_trip(&policy.snapshot(at(2_500)));
    spoil::<SessionState<String>>(&good, |session| {
        let mut policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session(session);
        let _dial = policy.handle_event(at(0), Event::Start);
        let _snapshot = policy.snapshot(at(5));
    });

    // A third failure, in the next process: the endpoint is left.
    let snapshot =
        serde_json::from_value(serde_json::to_value(policy.snapshot(at(2_500))).expect("plain data"));
    let mut policy: Policy<SplitMix64, String> = Policy::new(&CONFIG, SplitMix64::new(7))
        .with_session_type()
        .with_snapshot(at(0), snapshot.expect("the same"));
    let _wait = policy.handle_event(at(0), Event::Start);
    let _dial = policy.handle_timeout(at(5_000));
    let epoch = policy.epoch().expect("dialling");
    let _wait =
        policy.handle_event(at(5_000), Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None });
    assert_eq!((policy.explain().endpoint, policy.session().endpoint()), (Endpoint::Base, None));
}

#[test]
fn every_field_of_endpoints_comes_back() {
    let full = json!({
        "halved_at": 3, "sticky_until": 9, "failures": [16, 0, 8], "tried": [true, false, true],
        "count": 3, "current": 2, "sticky": 1, "left": true,
    });
    let read: FixedEndpoints<3> = serde_json::from_value(full.clone()).expect("endpoints");
    assert_eq!(serde_json::to_value(&read).expect("plain data"), full);
}

/// S50: no dial that failed is none, whatever time stands beside it.
#[test]
fn a_session_that_was_reached_has_no_time_beside_it() {
    let session = SessionState::resumable("token".to_owned(), None, Some(1));
    let good = round_trip(&session);
    assert_eq!(good["unreachable"], Value::Null);
    let mut timed = good;
    timed["unreachable"] = json!([0, 77]);
    assert_eq!(serde_json::from_value::<SessionState<String>>(timed).expect("a session"), session);
}

/// A window that is full, or just not, and one whose place is not where its results end.
#[test]
fn a_window_by_count_is_read_at_every_filling() {
    for calls in 0..7_u64 {
        for next in 0..7 {
            let sum = json!({"calls": calls, "failures": 0, "slow": 0});
            let window = json!({"ring": [0, 0, 0, 0, 0], "next": next, "sum": sum});
            let fits = if calls < 5 { next == calls } else { calls == 5 && next < 5 };
            let read = serde_json::from_value::<CountWindow<5>>(window);
            assert_eq!(read.is_ok(), fits, "{calls} results, at {next}");
        }
    }
}

/// Each part of a window by time has at most as many failures, and as many slow results, as it has results.
#[test]
fn a_part_of_a_window_by_time_has_no_more_failures_than_results() {
    let window = |part: Value| {
        let empty = json!({"calls": 0, "failures": 0, "slow": 0});
        let window = json!({"buckets": [part.clone(), empty], "head": 0, "newest": 0, "sum": part});
        serde_json::from_value::<TimeWindow<2>>(window).is_ok()
    };
    assert!(window(json!({"calls": 2, "failures": 2, "slow": 2})));
    assert!(!window(json!({"calls": 2, "failures": 3, "slow": 0})));
    assert!(!window(json!({"calls": 2, "failures": 0, "slow": 3})));
    assert!(!window(json!({"calls": 2, "failures": 3, "slow": 3})));
}
