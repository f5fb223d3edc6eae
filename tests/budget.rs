//! The budgets through their public API: one test for each rule and vector, and random calls against naive models.

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

// ---- Starts ------------------------------------------------------------------------------------------------------

/// Discord: one identify in 5 s for each bucket, 1000 a day.
const DISCORD: StartBudgetConfig = discord(1, 1_000);

const fn discord(max_concurrency: u16, per_day: u32) -> StartBudgetConfig {
    StartBudgetConfig::new(max_concurrency, 1, secs(5)).daily(per_day, secs(DAY)).build_const()
}

fn starts<const S: usize>(config: StartBudgetConfig) -> StartBudget<S, 8> {
    StartBudget::new(config).expect("room enough")
}

/// S60: two cores that share a bucket, both fresh: the second waits 5 s, and is told when.
#[test]
fn s60_the_second_of_two_waits() {
    let mut budget = starts::<1>(DISCORD);
    assert_eq!(budget.request(at(0), 0), Grant::Now);
    assert_eq!(budget.request(at(1), 1), Grant::Later(at(5)));
    assert_eq!(budget.poll_timeout(), Some(at(5)));
    assert_eq!(budget.next_grant(millis(4_999)), None);
    assert_eq!(budget.next_grant(at(5)), Some(1));
    assert_eq!((budget.next_grant(at(5)), budget.poll_timeout()), (None, None));
    assert_eq!(budget.request(at(6), 0), Grant::Later(at(10)), "the granted one counts");
}

/// F76: the bucket is `ticket mod max_concurrency`; buckets don't wait for each other.
#[test]
fn f76_buckets_are_apart() {
    let mut budget = starts::<16>(discord(16, 1_000));
    for shard in 0..16 {
        assert_eq!(budget.request(at(0), shard), Grant::Now);
    }
    assert_eq!(budget.request(at(2), 16), Grant::Later(at(5)));
    assert_eq!(budget.request(at(2), 32), Grant::Later(at(10)), "second in line of bucket 0");
    assert_eq!(budget.request(at(2), 17), Grant::Later(at(5)), "first in line of bucket 1");
    let granted: Vec<_> = core::iter::from_fn(|| budget.next_grant(at(5))).collect();
    assert_eq!(granted, [16, 17]);
    assert_eq!(budget.waiting(), [32]);
    assert_eq!(budget.poll_timeout(), Some(at(10)));
}

/// F76: k in a window are k in any stretch of that length, not k at its end and k more at its beginning.
#[test]
fn f76_k_in_any_window() {
    let mut budget = starts::<3>(StartBudgetConfig::new(1, 3, secs(10)).build_const());
    for (second, ticket) in [(0, 0), (8, 1), (9, 2)] {
        assert_eq!(budget.request(at(second), ticket), Grant::Now);
    }
    assert_eq!(budget.request(at(9), 3), Grant::Later(at(10)));
    assert_eq!(budget.request(at(9), 4), Grant::Later(at(18)));
    assert_eq!(budget.request(at(9), 5), Grant::Later(at(19)));
    assert_eq!(budget.request(at(9), 6), Grant::Later(at(20)), "the start of the one at 10 s again");
    for (second, ticket) in [(10, 3), (18, 4), (19, 5), (20, 6)] {
        assert_eq!(budget.poll_timeout(), Some(at(second)));
        assert_eq!(budget.next_grant(millis(second * 1_000 - 1)), None);
        assert_eq!(budget.next_grant(at(second)), Some(ticket));
    }
}

/// F76, lifecycle 90: first come, first served. One who asks when a start is free but promised waits behind; asking
/// again keeps the place.
#[test]
fn f76_nobody_jumps_the_line() {
    let mut budget = starts::<1>(DISCORD);
    assert_eq!(budget.request(at(0), 9), Grant::Now);
    for ticket in [7, 3, 5] {
        assert!(matches!(budget.request(at(1), ticket), Grant::Later(_)));
    }
    assert_eq!(budget.request(at(2), 7), Grant::Later(at(5)));
    assert_eq!(budget.request(at(6), 1), Grant::Later(at(21)), "a start is free, and it is 7's");
    assert_eq!(budget.waiting(), [7, 3, 5, 1]);
    for (second, ticket) in [(6, 7), (11, 3), (16, 5), (21, 1)] {
        assert_eq!(budget.next_grant(at(second)), Some(ticket));
        assert_eq!(budget.next_grant(at(second)), None);
    }
}

/// F77, S60: one whose transport died leaves the line, those behind it move up, and its successor is last.
#[test]
fn f77_a_dead_one_is_withdrawn() {
    let mut budget = starts::<1>(DISCORD);
    for (ticket, grant) in
        [(0, Grant::Now), (1, Grant::Later(at(5))), (2, Grant::Later(at(10))), (3, Grant::Later(at(15)))]
    {
        assert_eq!(budget.request(at(0), ticket), grant);
    }
    assert!(budget.withdraw(1));
    assert!(!budget.withdraw(1), "it is not in line");
    assert_eq!(budget.request(at(1), 2), Grant::Later(at(5)));
    assert_eq!(budget.request(at(1), 1), Grant::Later(at(15)));
    assert_eq!(budget.waiting(), [2, 3, 1]);
    assert_eq!(budget.next_grant(at(5)), Some(2));

    for ticket in [1, 3] {
        assert!(budget.withdraw(ticket));
    }
    assert_eq!(budget.poll_timeout(), None);
    assert_eq!(budget.request(at(100), 4), Grant::Now, "nothing was spent on those who left");
}

/// S60: the day is used up: said with the time of the reset, and from that very instant on there is a new one.
#[test]
fn s60_an_exhausted_day_names_its_end() {
    let mut budget = starts::<1>(discord(1, 3));
    for ticket in 0..3 {
        assert_eq!(budget.request(at(100 + 5 * u64::from(ticket)), ticket), Grant::Now);
    }
    let until = at(100 + DAY);
    for second in [116, 1_000, 99 + DAY] {
        assert_eq!(budget.request(at(second), 3), Grant::Exhausted { until });
        assert_eq!(budget.remaining(at(second)), 0);
    }
    assert_eq!(budget.poll_timeout(), None, "it is not in line");
    assert_eq!(budget.remaining(until), 3);
    assert_eq!(budget.request(until, 3), Grant::Now);
    assert_eq!(budget.remaining(until), 2);
}

/// F76: what the day has left is promised to those in line first.
#[test]
fn f76_the_line_comes_before_later_requests() {
    let mut budget = starts::<1>(discord(1, 3));
    assert_eq!(budget.request(at(0), 0), Grant::Now);
    assert_eq!(budget.request(at(0), 1), Grant::Later(at(5)));
    assert_eq!(budget.request(at(0), 2), Grant::Later(at(10)));
    assert_eq!(budget.request(at(0), 3), Grant::Exhausted { until: at(DAY) });
    assert_eq!((budget.next_grant(at(5)), budget.next_grant(at(10))), (Some(1), Some(2)));

    // Even when nobody was told for more than a day: `until` is never over already.
    let mut budget = starts::<1>(discord(1, 1));
    assert_eq!(budget.request(at(0), 0), Grant::Now);
    budget.set_remaining(at(0), 1, secs(60));
    assert_eq!(budget.request(at(0), 1), Grant::Later(at(5)));
    assert_eq!(budget.request(at(70), 2), Grant::Exhausted { until: at(70 + DAY) });
    assert_eq!(budget.next_grant(at(70)), Some(1));
}

/// F76: the server's own count replaces ours; those in line wait for the reset and are not lost.
#[test]
fn f76_the_servers_count_is_obeyed() {
    let mut budget = starts::<1>(DISCORD);
    assert_eq!(budget.request(at(0), 0), Grant::Now);
    assert_eq!(budget.request(at(0), 1), Grant::Later(at(5)));
    budget.set_remaining(at(1), 0, secs(600));
    assert_eq!(budget.request(at(1), 1), Grant::Later(at(601)));
    assert_eq!(budget.request(at(1), 2), Grant::Exhausted { until: at(601) });
    assert_eq!(budget.poll_timeout(), Some(at(601)));
    assert_eq!(budget.next_grant(at(600)), None);
    assert_eq!(budget.next_grant(at(601)), Some(1));
    assert_eq!(budget.remaining(at(601)), 999);

    budget.set_remaining(at(700), 0, Duration::MAX);
    assert_eq!(budget.request(at(800), 2), Grant::Exhausted { until: at(700 + DAY) }, "at most a day");
}

/// A line that is full says so and when to ask again; it forgets nobody.
#[test]
fn a_full_line_refuses_visibly() {
    let mut budget = StartBudget::<1, 2>::new(DISCORD).expect("room enough");
    for ticket in 0..3 {
        assert!(!matches!(budget.request(at(0), ticket), Grant::Full { .. }));
    }
    assert_eq!(budget.request(at(1), 3), Grant::Full { until: at(6) });
    assert_eq!(budget.waiting(), [1, 2]);
    assert_eq!(budget.next_grant(at(6)), Some(1));
    assert_eq!(budget.request(at(6), 3), Grant::Later(at(16)));
}

/// Lifecycle 92: two budgets share nothing.
#[test]
fn lifecycle_92_two_budgets_share_nothing() {
    let (mut a, b) = (starts::<1>(DISCORD), starts::<1>(DISCORD));
    assert_eq!(a.request(at(0), 0), Grant::Now);
    assert_eq!(b, starts::<1>(DISCORD));
}

/// S98: after the clock ran backwards nothing is granted early, and no wait is longer than one window, or one day.
#[test]
fn s98_a_rewound_clock_waits_one_window_at_most() {
    let mut budget = starts::<1>(discord(1, 2));
    assert_eq!(budget.request(at(1_000_000), 0), Grant::Now);
    assert_eq!(budget.request(at(10), 1), Grant::Later(at(15)));
    assert_eq!(budget.next_grant(at(14)), None);
    assert_eq!(budget.next_grant(at(15)), Some(1));
    assert_eq!(budget.request(at(20), 2), Grant::Exhausted { until: at(10 + DAY) });
}

#[test]
fn a_start_budget_that_could_misbehave_cannot_be_built() {
    assert_eq!(StartBudgetConfig::new(0, 1, secs(5)).build(), Err(ConfigError::BudgetZero));
    assert_eq!(StartBudgetConfig::new(1, 0, secs(5)).build(), Err(ConfigError::BudgetZero));
    assert_eq!(StartBudgetConfig::new(1, 1, Duration::ZERO).build(), Err(ConfigError::WindowZero));
    assert_eq!(DISCORD.to_builder().daily(0, secs(1)).build(), Err(ConfigError::BudgetZero));
    assert_eq!(DISCORD.to_builder().daily(1, Duration::ZERO).build(), Err(ConfigError::WindowZero));
    let large = StartBudgetConfig::new(4, 2, secs(5)).build_const();
    assert_eq!(StartBudget::<7, 1>::new(large).err(), Some(ConfigError::BudgetRoom));
    assert!(StartBudget::<8, 0>::new(large).is_ok());
}

proptest! {
    /// Any requests, withdrawals and grants with a clock that moves on: never more than k in any window of a bucket or n
    /// in a day, nobody lost, nobody overtaken in a bucket, and every deadline keeps its word.
    #[test]
    fn starts_obey_both_limits(
        calls in prop::collection::vec((0_u8..5, 0_u32..12, 0_u64..4_000), 0..200),
        buckets in 1_u16..=3,
        each in 1_u16..=3,
        per_day in 1_u32..20,
    ) {
        let (window, day) = (5_000, 100_000);
        let config = StartBudgetConfig::new(buckets, each, Duration::from_millis(window))
            .daily(per_day, Duration::from_millis(day)).build_const();
        let mut budget = StartBudget::<9, 4>::new(config).expect("room enough");
        let (mut now, mut line) = (0, Vec::new());
        let mut starts: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let (mut day_began, mut today) = (None, 0);
        let bucket = |ticket: u32| ticket % u32::from(buckets);
        for (call, ticket, step) in calls {
            now += step;
            let mut granted = Vec::new();
            match call {
                0..=2 => match budget.request(millis(now), ticket) {
                    Grant::Now => {
                        prop_assert!(line.iter().all(|other| bucket(*other) != bucket(ticket)));
                        granted.push(ticket);
                    }
                    Grant::Later(_) => if !line.contains(&ticket) { line.push(ticket) },
                    Grant::Exhausted { until } | Grant::Full { until } => prop_assert!(until > millis(now)),
                },
                3 => prop_assert_eq!(budget.withdraw(ticket), {
                    let before = line.len();
                    line.retain(|other| *other != ticket);
                    line.len() < before
                }),
                _ => {
                    let due = budget.poll_timeout();
                    granted.extend(budget.next_grant(millis(now)));
                    prop_assert_eq!(due.is_some_and(|due| due <= millis(now)), !granted.is_empty());
                    for ticket in &granted {
                        let first = line.iter().position(|other| bucket(*other) == bucket(*ticket));
                        prop_assert_eq!(first.map(|first| line.remove(first)), Some(*ticket));
                    }
                }
            }
            prop_assert_eq!(budget.waiting(), &line);
            for ticket in granted {
                let times = starts.entry(bucket(ticket)).or_default();
                times.push(now);
                let recent = times.iter().filter(|time| **time + window > now).count();
                prop_assert!(recent <= usize::from(each), "{recent} in one window");
                if day_began.is_none_or(|began| now >= began + day) { (day_began, today) = (Some(now), 0); }
                today += 1;
                prop_assert!(today <= per_day);
            }
        }
        // Everybody in line gets a start in the end.
        for _ in 0..line.len() {
            now = now.max(budget.poll_timeout().expect("somebody waits").as_millis());
            prop_assert!(budget.next_grant(millis(now)).is_some());
        }
        prop_assert_eq!(budget.poll_timeout(), None);
    }

    /// A promise without a day in its way, and without anybody leaving, is kept to the microsecond.
    #[test]
    fn promises_are_exact(arrivals in prop::collection::vec((0_u64..3_000, 0_u32..40), 1..40), each in 1_u16..=3) {
        let config = StartBudgetConfig::new(3, each, secs(5)).build_const();
        let mut budget = StartBudget::<9, 40>::new(config).expect("room enough");
        let (mut now, mut promised) = (0, BTreeMap::new());
        let deliver = |budget: &mut StartBudget<9, 40>, promised: &mut BTreeMap<u32, Instant>, until: Instant| {
            while let Some(due) = budget.poll_timeout().filter(|due| *due <= until) {
                let ticket = budget.next_grant(due).expect("due");
                assert_eq!(promised.remove(&ticket), Some(due));
            }
        };
        for (step, ticket) in arrivals {
            now += step;
            deliver(&mut budget, &mut promised, millis(now));
            if let Grant::Later(turn) = budget.request(millis(now), ticket) {
                prop_assert_eq!(*promised.entry(ticket).or_insert(turn), turn);
            }
        }
        deliver(&mut budget, &mut promised, Instant::MAX);
        prop_assert!(promised.is_empty());
    }

    /// Any instants: nothing panics, and the line is served.
    #[test]
    fn starts_take_any_instants(
        calls in prop::collection::vec((0_u8..4, any::<u32>(), any::<u64>()), 0..100),
        window in 1_u64.., day in 1_u64.., per_day in 1_u32..,
    ) {
        let config = StartBudgetConfig::new(3, 2, Duration::from_micros(window))
            .daily(per_day, Duration::from_micros(day)).build_const();
        let mut budget = StartBudget::<6, 4>::new(config).expect("room enough");
        for (call, ticket, micros) in calls {
            let now = Instant::from_micros(micros);
            match call {
                0 => _ = budget.request(now, ticket),
                1 => _ = budget.next_grant(now),
                2 => _ = budget.withdraw(ticket),
                _ => budget.set_remaining(now, ticket, Duration::from_micros(micros)),
            }
            prop_assert_eq!(budget.poll_timeout().is_some(), !budget.waiting().is_empty());
            prop_assert_eq!(budget.waiting().iter().collect::<BTreeSet<_>>().len(), budget.waiting().len());
        }
    }
}

// ---- Retries -----------------------------------------------------------------------------------------------------

const RETRIES: RetryBudgetConfig = RetryBudgetConfig::DEFAULT;

fn retries(ttl: u64, per_second: u32, share: Ratio) -> RetryBudgetConfig {
    RETRIES
        .to_builder()
        .ttl(secs(ttl))
        .share(share)
        .build()
        .expect("valid")
        .to_builder()
        .reserve(per_second)
        .build_const()
}

fn withdraw(budget: &mut RetryBudget, config: &RetryBudgetConfig, now: Instant) -> bool {
    budget.withdraw(config, now).is_ok()
}

/// Finagle: the default begins with a balance of 100; five deposits are one more.
#[test]
fn finagle_default_balance() {
    let mut budget = RetryBudget::new();
    assert_eq!(budget.balance(&RETRIES, at(0)), 100);
    for deposits in 1..=10 {
        budget.deposit(&RETRIES, at(0));
        assert_eq!(budget.balance(&RETRIES, at(0)), 100 + deposits / 5);
    }
}

/// P23, Finagle: 10,000 calls that all want a retry get 10,000 × share + ttl × reserve. Exact shares need no ±1.
#[test]
fn finagle_expected_retries() {
    for (num, den) in [(0, 1), (1, 100), (1, 10), (1, 5), (1, 3), (1, 2), (7, 10), (1, 1)] {
        for (ttl, per_second) in [(1, 0), (10, 0), (1, 10), (10, 10), (60, 3)] {
            let config = retries(ttl, per_second, ratio(num, den));
            let mut budget = RetryBudget::new();
            let made = (0..10_000)
                .filter(|_| {
                    budget.deposit(&config, at(0));
                    withdraw(&mut budget, &config, at(0))
                })
                .count() as u64;
            let earned = 10_000 * u64::from(num) / u64::from(den) + ttl * u64::from(per_second);
            assert_eq!(made, earned.min(10_000), "{num}/{den}, {ttl} s, {per_second}");
        }
    }
}

/// Finagle: no share and no reserve is no retry; a share of 2 doubles; 1000 is the limit.
#[test]
fn finagle_extreme_shares() {
    let mut budget = RetryBudget::new();
    let empty = retries(10, 0, Ratio::ZERO);
    for _ in 0..100 {
        budget.deposit(&empty, at(0));
        assert_eq!(budget.withdraw(&empty, at(0)), Err(Denied { until: None }));
    }
    let double = retries(10, 0, Ratio::TWO);
    let mut budget = RetryBudget::new();
    for _ in 0..10_000 {
        budget.deposit(&double, at(0));
    }
    assert_eq!(budget.balance(&double, at(0)), 20_000);
    assert!(RETRIES.to_builder().share(ratio(1_000, 1)).build().is_ok());
    assert_eq!(RETRIES.to_builder().share(ratio(1_001, 1)).build(), Err(ConfigError::ShareRange));
    assert_eq!(RETRIES.to_builder().share(ratio(2_000_001, 2_000)).build(), Err(ConfigError::ShareRange));
}

/// The time to live is 1 to 60 s.
#[test]
fn finagle_ttl_range() {
    for (ttl, valid) in [(999, false), (1_000, true), (60_000, true), (60_001, false)] {
        assert_eq!(RETRIES.to_builder().ttl(Duration::from_millis(ttl)).build().is_ok(), valid, "{ttl} ms");
    }
    assert_eq!(RETRIES.to_builder().ttl(Duration::MAX).build(), Err(ConfigError::BudgetTtl));
}

/// Tower: `tps_empty`, `tps_leaky`, `tps_reserve`.
#[test]
fn tower_empty_leaky_reserve() {
    let config = retries(1, 0, Ratio::ONE);
    let mut budget = RetryBudget::new();
    assert!(!withdraw(&mut budget, &config, at(0)));
    budget.deposit(&config, at(0));
    assert!(!withdraw(&mut budget, &config, at(3)));

    let config = retries(1, 5, Ratio::ONE);
    let mut budget = RetryBudget::new();
    let answers: Vec<_> = (0..6).map(|_| withdraw(&mut budget, &config, at(0))).collect();
    assert_eq!(answers, [true, true, true, true, true, false]);
}

/// Report 93, for a retry budget: where only a deposit would help, a connection gets a retry once in each cap, beside the
/// budget. Where the reserve brings one, it waits for that.
#[test]
fn report_93_a_lone_connection_is_never_silenced_by_a_retry_budget() {
    let (earned, cap) = (retries(10, 0, ratio(1, 2)), secs(30));
    let mut budget = RetryBudget::new();
    assert_eq!(budget.withdraw(&earned, at(0)), Err(Denied { until: None }));
    for second in 0..30 {
        let answer = budget.withdraw_after(&earned, at(100 + second), secs(second), cap);
        assert_eq!(answer, Err(Denied { until: Some(at(130)) }), "{second}");
    }
    let untouched = budget.clone();
    assert_eq!(budget.withdraw_after(&earned, at(130), cap, cap), Ok(()));
    assert_eq!(budget.withdraw_after(&earned, at(130), Duration::MAX, Duration::ZERO), Ok(()));
    budget.deposit(&earned, at(130));
    budget.deposit(&earned, at(130));
    assert_eq!(budget.balance(&earned, at(130)), 1, "it cost nothing");
    assert_eq!(budget.withdraw_after(&earned, at(130), cap, cap), Ok(()));
    assert_eq!(budget.balance(&earned, at(130)), 0, "a retry that is there is taken");
    assert_eq!(untouched.balance(&earned, at(130)), 0);

    let reserve = retries(10, 1, Ratio::ZERO);
    let mut budget = RetryBudget::new();
    for _ in 0..10 {
        assert_eq!(budget.withdraw_after(&reserve, at(0), Duration::ZERO, cap), Ok(()));
    }
    let refused = budget.withdraw(&reserve, at(1));
    assert!(matches!(refused, Err(Denied { until: Some(_) })));
    assert_eq!(budget.withdraw_after(&reserve, at(1), Duration::MAX, cap), refused, "however long it waited");
}

/// Lifecycle 91, tower `tps_slots`: of a time to live of 1 s, a deposit is there at 901 ms and gone at 2001 ms, wherever in
/// a slot it was made.
#[test]
fn lifecycle_91_a_token_expires_after_its_ttl() {
    let config = retries(1, 0, ratio(1, 2));
    for begin in [0, 1, 50, 99, 100, 10_007] {
        let mut budget = RetryBudget::new();
        budget.deposit(&config, millis(begin));
        budget.deposit(&config, millis(begin));
        for (after, balance) in [(901, 1), (1_000, 1), (1_100, 0), (2_001, 0)] {
            assert_eq!(budget.balance(&config, millis(begin + after)), balance, "{begin} + {after}");
        }
        assert!(withdraw(&mut budget, &config, millis(begin + 901)));

        // The blank slate; the first of three has expired, the second and the third pay.
        let begin = begin + 901 + 2_001;
        for after in [0, 301, 301 + 801] {
            budget.deposit(&config, millis(begin + after));
        }
        assert!(withdraw(&mut budget, &config, millis(begin + 301 + 801)));
        assert!(!withdraw(&mut budget, &config, millis(begin + 301 + 801)));
    }
}

/// Lifecycle 90, envoy#30205: M connections share one budget, and a retry that waits holds its token, so that no more of
/// them wait or dial than the reserve and the share allow.
#[test]
fn lifecycle_90_waiting_retries_hold_their_tokens() {
    let config = retries(10, 1, ratio(1, 5));
    let mut budget = RetryBudget::new();
    let waiting = (0..100)
        .filter(|_| {
            budget.deposit(&config, at(0));
            withdraw(&mut budget, &config, at(0))
        })
        .count();
    assert_eq!(waiting, 10 + 20);
    // Their backoffs end one by one; nobody else gets a retry meanwhile.
    for second in 1..10 {
        assert!(!withdraw(&mut budget, &config, at(second)));
    }
}

/// Lifecycle 90: a refused retry is told when the reserve has one again, and it has then.
#[test]
fn lifecycle_90_a_refused_retry_comes_back_in_time() {
    let config = retries(10, 1, Ratio::ZERO);
    let mut budget = RetryBudget::new();
    for _ in 0..9 {
        assert!(withdraw(&mut budget, &config, at(3)));
    }
    assert!(withdraw(&mut budget, &config, at(7)));
    assert_eq!(budget.withdraw(&config, at(8)), Err(Denied { until: Some(at(14)) }));
    assert_eq!(budget.withdraw(&config, millis(13_999)), Err(Denied { until: Some(at(14)) }));
    for _ in 0..9 {
        assert!(withdraw(&mut budget, &config, at(14)));
    }
    assert_eq!(budget.withdraw(&config, at(14)), Err(Denied { until: Some(at(18)) }));
    assert_eq!(format!("{}", Denied { until: Some(at(18)) }), "not admitted before 18000000 µs");
}

/// Lifecycle 92: two budgets share nothing.
#[test]
fn lifecycle_92_two_retry_budgets_share_nothing() {
    let (mut a, b) = (RetryBudget::new(), RetryBudget::new());
    assert!(withdraw(&mut a, &RETRIES, at(0)));
    assert_eq!(b.balance(&RETRIES, at(0)), 100);
}

/// S98: after the clock ran backwards a withdrawal still counts, for one time to live from then on and no longer.
#[test]
fn s98_a_rewound_clock_refills_nothing_early() {
    let config = retries(10, 1, Ratio::ZERO);
    let mut budget = RetryBudget::new();
    for _ in 0..10 {
        assert!(withdraw(&mut budget, &config, at(1_000_000)));
    }
    assert!(!withdraw(&mut budget, &config, at(0)));
    assert!(!withdraw(&mut budget, &config, at(10)));
    assert!(withdraw(&mut budget, &config, at(11)));
}

proptest! {
    /// Any calls in order: in no time to live are there more retries than the reserve and a share of the calls since a
    /// time to live before it (and a tenth, for the slots), and a refusal keeps its word.
    #[test]
    fn retries_obey_the_budget(
        calls in prop::collection::vec((any::<bool>(), 0_u64..400), 0..400),
        per_second in 0_u32..4,
        num in 0_u32..4,
        den in 1_u32..6,
    ) {
        let config = retries(1, per_second, ratio(num, den));
        let (mut budget, mut now) = (RetryBudget::new(), 0);
        let (mut made, mut seen) = (Vec::<u64>::new(), Vec::<u64>::new());
        for (call, step) in calls {
            now += step;
            if call {
                budget.deposit(&config, millis(now));
                seen.push(now);
                continue;
            }
            match budget.withdraw(&config, millis(now)) {
                Ok(()) => made.push(now),
                Err(Denied { until: Some(until) }) => {
                    prop_assert!(until > millis(now));
                    prop_assert!(budget.clone().withdraw(&config, until).is_ok());
                }
                Err(Denied { until: None }) => prop_assert_eq!(per_second, 0),
            }
            let recent = |times: &[u64], span: u64| times.iter().filter(|time| **time + span > now).count() as u64;
            let earned = recent(&seen, 2_200) * u64::from(num) / u64::from(den);
            prop_assert!(recent(&made, 1_000) <= earned + u64::from(per_second));
        }
    }

    /// Any instants and any valid configuration: nothing panics or overflows.
    #[test]
    fn retries_take_any_instants(
        calls in prop::collection::vec((any::<bool>(), any::<u64>()), 0..100),
        per_second in any::<u32>(),
        den in 1_u32..,
    ) {
        let config = retries(60, per_second, ratio(1, den));
        let mut budget = RetryBudget::new();
        for (call, micros) in calls {
            let now = Instant::from_micros(micros);
            if call { budget.deposit(&config, now) } else { _ = budget.withdraw(&config, now) }
            _ = budget.balance(&config, now);
        }
    }
}

// ---- Throttles ---------------------------------------------------------------------------------------------------

const A6: ThrottleConfig = ThrottleConfig::new(10, ratio(1, 10)).build_const();

/// gRPC A6: of 10 tokens, five failures stop the retries; one success brings them back.
#[test]
fn a6_half_of_the_tokens() {
    let mut throttle = Throttle::new(&A6);
    for tokens in [9, 8, 7, 6] {
        throttle.failure();
        assert_eq!(throttle.millitokens(), tokens * 1_000);
        assert!(throttle.permits(&A6));
    }
    throttle.failure();
    assert!(!throttle.permits(&A6), "exactly half is not more than half");
    throttle.success(&A6);
    assert_eq!(throttle.millitokens(), 5_100);
    assert!(throttle.permits(&A6));
}

/// gRPC A6: never below 0, never above the maximum.
#[test]
fn a6_floor_and_cap() {
    let mut throttle = Throttle::new(&A6);
    throttle.success(&A6);
    assert_eq!(throttle.millitokens(), 10_000);
    for _ in 0..100 {
        throttle.failure();
    }
    assert_eq!(throttle.millitokens(), 0);
    let successes = (1..).find(|_| {
        throttle.success(&A6);
        throttle.permits(&A6)
    });
    assert_eq!(successes, Some(51));
}

/// gRPC A6: the ratio has three decimals: 0.5466 is 0.546. Odd maxima have a half, too.
#[test]
fn a6_three_decimals() {
    let config = ThrottleConfig::new(3, valid_ratio("0.5466")).build_const();
    let mut throttle = Throttle::new(&config);
    throttle.failure();
    assert!(throttle.permits(&config), "2 of 3");
    throttle.failure();
    assert!(!throttle.permits(&config), "1 of 3");
    throttle.success(&config);
    assert_eq!(throttle.millitokens(), 1_546);
    assert!(throttle.permits(&config), "more than 1.5");
}

/// Report 93: a connection that shares its throttle with nobody, under a server that is down for a day, is dialled at least
/// once in each cap of its backoff, and no sooner than that while the tokens are used up.
#[test]
fn report_93_a_lone_connection_is_never_silenced_by_a_throttle() {
    let (mut throttle, cap) = (Throttle::new(&A6), secs(30));
    let (mut dialled, mut gaps) = (0, Vec::new());
    for second in 1..DAY {
        let waited = secs(second - dialled);
        if throttle.permits_after(&A6, waited, cap) {
            throttle.failure();
            gaps.push(second - dialled);
            dialled = second;
        }
        assert_eq!(throttle.permits_after(&A6, Duration::ZERO, cap), throttle.permits(&A6), "{second}");
    }
    assert_eq!(gaps[..5], [1; 5], "until the tokens are used up");
    assert!(gaps[5..].iter().all(|gap| *gap == 30) && gaps.len() as u64 == 5 + (DAY - 6) / 30, "{gaps:?}");
    assert!(!throttle.permits(&A6), "a call would not be retried");
    assert!(throttle.permits_after(&A6, Duration::ZERO, Duration::ZERO));
    assert!(throttle.permits_after(&A6, Duration::MAX, Duration::MAX));
    assert!(!throttle.permits_after(&A6, Duration::MAX - Duration::from_nanos(1), Duration::MAX));
}

/// Report 93, for the adaptive throttle: chance alone lets a lone connection through, many times a day.
#[test]
fn report_93_a_lone_connection_is_never_silenced_by_an_adaptive_throttle() {
    for seed in 0..20 {
        let (mut throttle, mut rng) = (AdaptiveThrottle::new(), SplitMix64::new(seed));
        let (mut dials, mut last) = (0, 0);
        for second in 0..DAY {
            if throttle.admit(&SRE, at(second), &mut rng) {
                (dials, last) = (dials + 1, second);
            }
            assert!(second - last < 3_600, "seed {seed}: silent from {last} on");
        }
        // One in 121 to 133: the window holds two minutes and up to a tenth more.
        assert!((500..900).contains(&dials), "seed {seed}: {dials}");
    }
}

fn valid_ratio(text: &str) -> Ratio {
    text.parse().expect("a ratio")
}

#[test]
fn a_throttle_that_could_misbehave_cannot_be_built() {
    assert_eq!(ThrottleConfig::new(0, Ratio::ONE).build(), Err(ConfigError::ThrottleTokens));
    assert_eq!(ThrottleConfig::new(1_001, Ratio::ONE).build(), Err(ConfigError::ThrottleTokens));
    assert!(ThrottleConfig::new(1_000, Ratio::ONE).build().is_ok());
    for ratio in [Ratio::ZERO, valid_ratio("0.0009"), ratio(11, 1), ratio(u32::MAX, 1)] {
        assert_eq!(ThrottleConfig::new(10, ratio).build(), Err(ConfigError::ShareRange), "{ratio}");
    }
    const ADAPTIVE: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;
    assert_eq!(ADAPTIVE.to_builder().window(Duration::ZERO).build(), Err(ConfigError::WindowZero));
    assert_eq!(ADAPTIVE.to_builder().multiplier(ratio(1, 2)).build(), Err(ConfigError::FactorBelowOne));
}

const SRE: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;

/// A generator that always draws the same.
#[derive(Clone)]
struct Always(u32);

impl TryRng for Always {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.0) << 32)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("not used")
    }
}

fn seen(config: &AdaptiveThrottleConfig, requests: u32, accepts: u32) -> AdaptiveThrottle {
    let mut throttle = AdaptiveThrottle::new();
    for _ in 0..requests {
        _ = throttle.admit(config, at(0), &mut Always(0));
    }
    for _ in 0..accepts {
        throttle.accepted(config, at(0));
    }
    throttle
}

/// SRE book: the probability for each vector, exact to one draw of 2^32. It refuses every draw below
/// p × 2^32 and admits every other.
#[test]
fn sre_probabilities() {
    for (requests, accepts, excess) in
        [(0, 0, 0_u64), (100, 50, 0), (100, 49, 2), (100, 25, 50), (100, 10, 80), (100, 0, 100), (100, 60, 0)]
    {
        let mut throttle = seen(&SRE, requests, accepts);
        let threshold = (excess << 32).div_ceil(101) as u32;
        let admits = |draw: u32| throttle.clone().admit(&SRE, at(0), &mut Always(draw));
        assert!(admits(threshold), "{requests}, {accepts}");
        assert!(threshold == 0 || !admits(threshold - 1), "{requests}, {accepts}");
        if excess == 0 {
            let mut rng = SplitMix64::new(1);
            assert!(throttle.admit(&SRE, at(0), &mut rng));
            assert_eq!(rng, SplitMix64::new(1), "no draw while everything passes");
        }
    }
}

/// Lifecycle 93, SRE, go-zero#5011: a request counts when it asks, before anything is sent, and when it is refused.
#[test]
fn lifecycle_93_requests_count_before_they_are_sent() {
    let mut throttle = AdaptiveThrottle::new();
    assert!(throttle.admit(&SRE, at(0), &mut Always(0)), "nothing is known");
    // The first has no answer yet: 1 request, 0 accepts, p = 1/2.
    assert!(!throttle.clone().admit(&SRE, at(0), &mut Always((1 << 31) - 1)));
    assert!(throttle.clone().admit(&SRE, at(0), &mut Always(1 << 31)));
    // Refused, it counts all the same: 2 requests, p = 2/3.
    assert!(!throttle.admit(&SRE, at(0), &mut Always(0)));
    assert!(!throttle.clone().admit(&SRE, at(0), &mut Always((2_u64 << 32).div_ceil(3) as u32 - 1)));
    assert!(throttle.clone().admit(&SRE, at(0), &mut Always((2_u64 << 32).div_ceil(3) as u32)));
}

/// SRE book: counted over two minutes; a server that is down is still asked sometimes, and one that is back is found.
#[test]
fn sre_window_and_recovery() {
    let throttle = seen(&SRE, 100, 0);
    assert!(!throttle.clone().admit(&SRE, at(120), &mut Always(0)));
    assert!(throttle.clone().admit(&SRE, at(132), &mut Always(0)));

    let (mut throttle, mut rng) = (AdaptiveThrottle::new(), SplitMix64::new(3));
    let (mut sent, mut last) = (0, 0);
    for second in 0..1_200 {
        for _ in 0..10 {
            if throttle.admit(&SRE, at(second), &mut rng) {
                (sent, last) = (sent + 1, second);
            }
        }
    }
    assert!((5..200).contains(&sent), "{sent} of 12,000 while it is down");
    assert!(last > 600, "and it goes on asking");
    // The server is back. The more it takes the more is sent: slow at first, then everything.
    let mut passed = |seconds: core::ops::Range<u64>| {
        let asked = seconds.flat_map(|second| [second; 10]);
        asked
            .filter(|second| {
                let admitted = throttle.admit(&SRE, at(*second), &mut rng);
                if admitted {
                    throttle.accepted(&SRE, at(*second));
                }
                admitted
            })
            .count()
    };
    assert!(passed(1_200..1_320) < 600);
    passed(1_320..3_600);
    assert_eq!(passed(3_600..3_720), 1_200);
}

/// The multiplier: a lower one throttles sooner, to the request.
#[test]
fn sre_multiplier() {
    let config = SRE.to_builder().multiplier(ratio(11, 10)).build_const();
    assert!(seen(&config, 11, 10).admit(&config, at(0), &mut Always(0)));
    assert!(!seen(&config, 12, 10).admit(&config, at(0), &mut Always(0)));
}
