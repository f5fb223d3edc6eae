//! The budget of session starts.

use super::*;

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

/// S60: exhausted at the first instant of a day, because more wait than it allows: until its end, and not until now.
#[test]
fn a_day_that_begins_exhausted_ends_a_day_later() {
    let mut budget = starts::<1>(discord(1, 1));
    budget.set_remaining(at(0), 3, secs(10));
    assert_eq!(budget.request(at(0), 0), Grant::Now);
    assert_eq!(
        [1, 2].map(|ticket| budget.request(at(0), ticket)),
        [5, 10].map(|time| Grant::Later(at(time)))
    );
    assert_eq!(budget.request(at(10), 3), Grant::Exhausted { until: at(10 + DAY) });
}
