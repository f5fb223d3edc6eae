//! The budget of retries.

use super::*;

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
