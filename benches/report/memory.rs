//! Bytes that a live value takes, with what it holds on the heap, and what an operation allocates.

use std::mem::size_of;
use std::time::Duration;

use allocation_counter::measure;
use redial::backoff::Delays;
use redial::breaker::{CountWindow, TimeWindow};
use redial::policy::{POLICY_STATE_BYTES, ResumeConfig};
use redial::subscriptions::NoSubscriptions;
use redial::{
    Actions, Backoff, BackoffConfig, CircuitBreaker, Config, Policy, SessionState, SplitMix64, fixed_config,
    presets,
};

use redial_benches::{Operation, backoff, breaker, policy};

/// What needs neither a breaker nor a heartbeat nor sessions.
const PLAIN: Config =
    presets::AWS_FULL.to_builder().breaker(None).resume(ResumeConfig::DISABLED).build_const();
fixed_config!(struct Least = PLAIN);

type Leanest = Policy<SplitMix64, (), NoSubscriptions, Least>;
type Owning = Policy<SplitMix64, u32, NoSubscriptions, Config>;

/// One line of the table of bytes.
pub(crate) struct Bytes {
    pub(crate) what: &'static str,
    pub(crate) who: &'static str,
    pub(crate) value: usize,
    pub(crate) heap: u64,
    pub(crate) goal: Option<usize>,
}

/// A value that holds nothing on the heap.
const fn flat<T>(what: &'static str, who: &'static str, goal: Option<usize>) -> Bytes {
    Bytes { what, who, value: size_of::<T>(), heap: 0, goal }
}

/// A value of which a new one is made to be measured.
fn made<T>(what: &'static str, who: &'static str, make: impl Fn() -> T) -> Bytes {
    drop(make()); // What a thread sets up once is not this value's.
    let mut kept = None;
    let held = measure(|| kept = Some(make()));
    drop(kept);
    let heap = u64::try_from(held.bytes_current).unwrap_or(0);
    Bytes { what, who, value: size_of::<T>(), heap, goal: None }
}

pub(crate) fn live_values() -> Vec<Bytes> {
    const OPEN: Duration = Duration::from_secs(60);
    let (ladder, gate, whole) = ("backoff", "breaker", "policy");
    vec![
        flat::<Backoff>(ladder, "redial: `Backoff`, the config and the generator elsewhere", Some(24)),
        flat::<BackoffConfig>(ladder, "redial: `BackoffConfig`, one for all", None),
        made(ladder, "redial: `Delays<SplitMix64>`, all in one", || -> Delays<SplitMix64> {
            backoff::LADDER.delays(SplitMix64::new(7))
        }),
        made(ladder, "backon", backoff::backon),
        made(ladder, "backoff", backoff::ihrwein),
        made(ladder, "exponential-backoff", backoff::exponential_backoff),
        made(ladder, "tokio-retry", backoff::tokio_retry),
        made(ladder, "tokio-retry2", backoff::tokio_retry2),
        made(ladder, "tower", backoff::tower),
        made(ladder, "reliakit-backoff, with a count and a SplitMix64", backoff::reliakit),
        made(ladder, "failsafe", backoff::failsafe),
        flat::<CircuitBreaker>(gate, "redial: `CircuitBreaker`, the config elsewhere", Some(24)),
        flat::<redial::breaker::Config>(gate, "redial: `breaker::Config`, one for all", None),
        flat::<CircuitBreaker<CountWindow<100>>>(gate, "redial: the last 100 results", None),
        flat::<CircuitBreaker<TimeWindow<10>>>(gate, "redial: the last 30 s in 10 buckets", None),
        made(gate, "failsafe: failures in a row", || breaker::failsafe(breaker::FAILURES, OPEN)),
        made(gate, "failsafe: a moving average", breaker::failsafe_window),
        made(gate, "recloser: 5 results", || breaker::recloser(breaker::FAILURES, 0.9, OPEN)),
        made(gate, "recloser: 100 results", || breaker::recloser(100, 0.9, OPEN)),
        made(gate, "tower-resilience-circuitbreaker", || breaker::tower(breaker::FAILURES, OPEN)),
        made(gate, "reliakit-circuit", || breaker::reliakit(breaker::FAILURES)),
        Bytes {
            what: whole,
            who: "redial: `Policy` without config, generator and session token",
            value: POLICY_STATE_BYTES,
            heap: 0,
            goal: Some(256),
        },
        Bytes {
            what: whole,
            who: "redial: the same on a config known to the compiler, without breaker, heartbeat and session",
            value: size_of::<Leanest>() - size_of::<SplitMix64>(),
            heap: 0,
            goal: None,
        },
        made(whole, "redial: `Policy<SplitMix64, u32>` on a live connection", || policy::online().0),
        flat::<Owning>(whole, "redial: the same with a copy of the config in each", None),
        flat::<SessionState<u32>>(whole, "redial: `SessionState<u32>`, part of it", None),
        flat::<Actions>(whole, "redial: `Actions`, what a call returns", None),
        flat::<Config>(whole, "redial: `Config`, one for all", None),
    ]
}

/// Heap allocations of a thousand steps, after the first hundred.
pub(crate) fn allocations(operation: &Operation) -> u64 {
    let mut steps = (operation.prepare)();
    steps(100);
    measure(|| steps(1_000)).count_total
}

#[cfg(test)]
mod tests {
    use super::*;
    use redial_benches::{Kind, operations};

    /// No operation of the list needs a heap.
    #[test]
    fn nothing_of_ours_allocates() {
        for operation in operations().iter().filter(|operation| operation.kind == Kind::Ours) {
            assert_eq!(allocations(operation), 0, "{}", operation.name);
        }
        assert!(
            live_values().iter().filter(|bytes| bytes.who.starts_with("redial")).all(|bytes| bytes.heap == 0)
        );
    }

    /// The counter counts: a peer that allocates is seen to.
    #[test]
    fn what_allocates_is_seen() {
        let held = made("a", "box", || Box::new([0_u8; 100]));
        assert_eq!((held.value, held.heap), (size_of::<usize>(), 100));
    }
}
