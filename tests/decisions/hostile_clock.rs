//! S98 for what stands beside a policy: clocks that stand still, jump by years and run backwards. Whatever the clock has done,
//! once it behaves each part works again within one bound of its own. (The policy itself: `tests/invariants.rs`,
//! `tests/scenarios/j_clock.rs`; the breaker: `tests/breaker/model.rs`, `tests/breaker_windows`; a backoff knows no time.)

use core::time::Duration;

use proptest::prelude::*;
use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, Grant, RetryBudget, RetryBudgetConfig, StartBudget,
    StartBudgetConfig,
};
use redial::heartbeat::{Heartbeat, HeartbeatConfig, Tick};
use redial::{Instant, Ratio, SplitMix64};

const SECOND: u64 = 1_000_000;
const YEAR: u64 = 365 * 86_400 * SECOND;

/// What a clock does before a call.
#[derive(Clone, Copy, Debug)]
enum Move {
    Still,
    On(u64),
    Back(u64),
    To(u64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        2 => Just(Move::Still),
        4 => (0..20 * SECOND).prop_map(Move::On),
        1 => (0..1_000_u64).prop_map(|years| Move::On(years * YEAR)),
        2 => (0..20 * SECOND).prop_map(Move::Back),
        1 => (0..1_000_u64).prop_map(|years| Move::Back(years * YEAR)),
        1 => any::<u64>().prop_map(Move::To),
        1 => Just(Move::To(u64::MAX)),
    ]
}

/// A clock at so many microseconds.
struct Clock(u64);

impl Clock {
    fn moved(&mut self, by: Move) -> Instant {
        self.0 = match by {
            Move::Still => self.0,
            Move::On(span) => self.0.saturating_add(span),
            Move::Back(span) => self.0.saturating_sub(span),
            Move::To(at) => at,
        };
        Instant::from_micros(self.0)
    }

    /// From here on it behaves, with all the time that a test needs ahead of it.
    fn behaves(&mut self) {
        self.0 = self.0.min(u64::MAX / 2);
    }

    fn on(&mut self, span: u64) -> Instant {
        self.moved(Move::On(span))
    }
}

fn calls<C: core::fmt::Debug>(call: impl Strategy<Value = C>) -> impl Strategy<Value = Vec<(Move, C)>> {
    prop::collection::vec((moves(), call), 0..120)
}

const STARTS: StartBudgetConfig =
    StartBudgetConfig::new(2, 2, Duration::from_secs(5)).daily(50, Duration::from_secs(600)).build_const();
const RETRIES: RetryBudgetConfig = RetryBudgetConfig::new()
    .ttl(Duration::from_secs(10))
    .reserve(2)
    .share(Ratio::new_const(1, 2))
    .build_const();
const THROTTLE: AdaptiveThrottleConfig =
    AdaptiveThrottleConfig::new().window(Duration::from_secs(120)).build_const();
const HEARTBEAT: HeartbeatConfig =
    HeartbeatConfig::new().first_jitter(false).answer_within(Some(Duration::from_secs(5))).build_const();

proptest! {
    /// Starts: nothing panics, a promised time is never further away than the queue is long, and within one day and one
    /// window the whole queue has started.
    #[test]
    fn starts_survive_any_clock(calls in calls((0_u8..4, 0_u32..10))) {
        let mut budget = StartBudget::<4, 6>::new(STARTS).expect("enough starts");
        let mut clock = Clock(0);
        for (by, (call, ticket)) in calls {
            let now = clock.moved(by);
            match call {
                0 | 1 => {
                    if let Grant::Later(at) = budget.request(now, ticket) {
                        let wait = at.saturating_duration_since(now);
                        prop_assert!(wait <= Duration::from_secs(600 + 6 * 5), "{:?}", wait);
                    }
                }
                2 => _ = budget.next_grant(now),
                _ => _ = budget.withdraw(ticket),
            }
        }
        clock.behaves();
        let line = budget.waiting().len();
        let mut granted = usize::from(budget.next_grant(clock.on(0)).is_some());
        clock.on(600 * SECOND);
        while granted < line {
            let now = clock.on(5 * SECOND);
            let before = granted;
            while budget.next_grant(now).is_some() { granted += 1; }
            prop_assert!(granted > before, "{} of {line}", granted);
        }
        prop_assert!(budget.waiting().is_empty());
    }

    /// Retries: once nothing was withdrawn for two times to live and three slots, the reserve is whole again; and no call gave more
    /// retries than the reserve and the share of all calls, wherever the clock was, as long as it did not move on.
    #[test]
    fn retries_survive_any_clock(calls in calls(any::<bool>())) {
        let (mut budget, mut clock) = (RetryBudget::new(), Clock(0));
        // Since the clock last went ahead: what was there then and was deposited since, in halves of a retry.
        let mut halves = 0_u64;
        for (by, retry) in calls {
            let before = clock.0;
            let now = clock.moved(by);
            if clock.0 > before {
                halves = budget.balance(&RETRIES, now) * 2 + 1;
            }
            if !retry {
                budget.deposit(&RETRIES, now);
                halves += 1;
            } else if budget.withdraw(&RETRIES, now).is_ok() {
                prop_assert!(halves >= 2 || clock.0 == 0, "a retry out of nothing");
                halves = halves.saturating_sub(2);
            }
        }
        clock.behaves();
        _ = budget.withdraw(&RETRIES, clock.on(0));
        prop_assert_eq!(budget.balance(&RETRIES, clock.on(23 * SECOND)), 20, "the reserve, and nothing else");
    }

    /// Adaptive throttle: nothing is refused once two windows and three slots have passed without a request.
    #[test]
    fn throttles_survive_any_clock(calls in calls(any::<bool>()), seed in any::<u64>()) {
        let (mut throttle, mut rng) = (AdaptiveThrottle::new(), SplitMix64::new(seed));
        let mut clock = Clock(0);
        for (by, accepted) in calls {
            let now = clock.moved(by);
            if throttle.admit(&THROTTLE, now, &mut rng) && accepted {
                throttle.accepted(&THROTTLE, now);
            }
        }
        clock.behaves();
        _ = throttle.admit(&THROTTLE, clock.on(0), &mut rng);
        let before = rng.clone();
        prop_assert!(throttle.admit(&THROTTLE, clock.on(23 * 12 * SECOND), &mut rng));
        prop_assert_eq!(before, rng, "no draw: it is as new");
    }

    /// Heartbeat: after any clock, a server that says its interval again brings the next heartbeat within it, and a silent
    /// connection is found dead within an interval and the limit for an answer.
    #[test]
    fn a_heartbeat_survives_any_clock(calls in calls(0_u8..5), seed in any::<u64>()) {
        let (mut heartbeat, mut clock) = (Heartbeat::new(), Clock(0));
        let interval = Duration::from_secs(30);
        heartbeat.start(&HEARTBEAT, Instant::ZERO, interval, &mut SplitMix64::new(seed));
        for (by, call) in calls {
            let now = clock.moved(by);
            match call {
                0 => _ = heartbeat.handle_timeout(&HEARTBEAT, now),
                1 => _ = heartbeat.acknowledged(),
                2 => heartbeat.received(&HEARTBEAT),
                3 => heartbeat.requested(),
                _ => _ = heartbeat.keep_alive(now, interval),
            }
            prop_assert!(heartbeat.poll_timeout().is_some(), "it goes on");
        }
        clock.behaves();
        _ = heartbeat.acknowledged();
        prop_assert!(heartbeat.keep_alive(clock.on(0), interval));
        let due = heartbeat.poll_timeout().expect("it runs");
        prop_assert!(due <= Instant::from_micros(clock.0).saturating_add(interval));
        prop_assert_eq!(heartbeat.handle_timeout(&HEARTBEAT, clock.on(30 * SECOND)), Tick::Heartbeat { missed: false });
        prop_assert_eq!(heartbeat.handle_timeout(&HEARTBEAT, clock.on(5 * SECOND - 1)), Tick::NotYet);
        prop_assert_eq!(heartbeat.handle_timeout(&HEARTBEAT, clock.on(1)), Tick::Dead);
    }
}

/// A clock that stands still: nothing becomes due, nothing is granted twice, nothing is forgotten.
#[test]
fn a_clock_that_stands_still_gives_nothing() {
    let now = Instant::from_millis(1_000);
    let mut starts = StartBudget::<4, 6>::new(STARTS).expect("enough starts");
    let granted = (0..1_000).filter(|call| starts.request(now, call % 10) == Grant::Now).count();
    assert_eq!(granted, 4, "two buckets of two");
    assert!((0..1_000).all(|_| starts.next_grant(now).is_none()));

    let mut retries = RetryBudget::new();
    assert_eq!((0..1_000).filter(|_| retries.withdraw(&RETRIES, now).is_ok()).count(), 20, "the reserve");

    let mut heartbeat = Heartbeat::new();
    heartbeat.start(&HEARTBEAT, now, Duration::from_secs(30), &mut SplitMix64::new(1));
    assert!((0..1_000).all(|_| heartbeat.handle_timeout(&HEARTBEAT, now) == Tick::NotYet));
}

/// A clock that jumped ten years ahead, for one call: what was granted then is not granted again when it is back.
#[test]
fn a_jump_of_years_and_back_is_used_once() {
    let (now, ahead) = (Instant::from_millis(1_000), Instant::from_micros(10 * YEAR));
    let mut starts = StartBudget::<4, 6>::new(STARTS).expect("enough starts");
    assert_eq!(starts.request(now, 0), Grant::Now);
    assert_eq!(starts.request(now, 2), Grant::Now);
    assert_eq!(starts.request(ahead, 4), Grant::Now);
    let Grant::Later(at) = starts.request(now, 6) else { panic!("nothing is free") };
    assert_eq!(at, now.saturating_add(Duration::from_secs(5)), "one window, not ten years");

    let mut heartbeat = Heartbeat::new();
    heartbeat.start(&HEARTBEAT, now, Duration::from_secs(30), &mut SplitMix64::new(1));
    assert_eq!(heartbeat.handle_timeout(&HEARTBEAT, ahead), Tick::Heartbeat { missed: false });
    assert!(heartbeat.acknowledged());
    assert_eq!(heartbeat.handle_timeout(&HEARTBEAT, now), Tick::NotYet);
    assert!(heartbeat.keep_alive(now, Duration::from_secs(30)));
    assert_eq!(heartbeat.poll_timeout(), Some(now.saturating_add(Duration::from_secs(30))));
}
