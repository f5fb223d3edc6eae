//! Every byte string is a budget's config and what is asked of it. No window has more starts than allowed, nothing that was
//! refused waits without a time to ask again, and the balances agree with the answers.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::time::Duration;
use std::collections::VecDeque;

use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, Grant, RetryBudget, RetryBudgetConfig, StartBudget,
    StartBudgetConfig, Throttle, ThrottleConfig,
};
use redial::testing::Script;
use redial::{Instant, Ratio, SplitMix64};

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    match script.below(4) {
        0 => starts(&mut script),
        1 => retries(&mut script),
        2 => throttle(&mut script),
        _ => adaptive(&mut script),
    }
}

/// A clock that may run back where `hostile`.
fn time(script: &mut Script<'_>, now: Instant, due: Option<Instant>, hostile: bool) -> Instant {
    match script.below(8) {
        0..=3 => now,
        4 | 5 => due.unwrap_or(now).max(now),
        6 if hostile => script.instant(),
        _ => now.saturating_add(script.duration()),
    }
}

fn starts(script: &mut Script<'_>) {
    let (buckets, each) = (1 + script.below(2) as u16, 1 + script.below(3) as u16);
    let window = script.duration().max(Duration::from_millis(1));
    let mut builder = StartBudgetConfig::new(buckets, each, window);
    let (daily, per_day) = (script.flag(), 1 + script.below(8));
    if daily {
        builder = builder.daily(per_day, script.duration().max(Duration::from_millis(1)));
    }
    let config = builder.build_const();
    let mut budget = StartBudget::<6, 3>::new_const(config);
    let hostile = script.flag();
    let (mut now, mut waiting) = (Instant::ZERO, VecDeque::new());
    let mut started: Vec<Vec<Instant>> = vec![Vec::new(); buckets.into()];
    for _ in 0..300 {
        if script.is_done() {
            break;
        }
        now = time(script, now, budget.poll_timeout(), hostile);
        let mut granted = None;
        match script.below(8) {
            0..=3 => {
                let ticket = script.below(6);
                let twice = waiting.contains(&ticket);
                match budget.request(now, ticket) {
                    Grant::Now => granted = Some(ticket),
                    Grant::Later(_) if !twice => waiting.push_back(ticket),
                    Grant::Later(_) => {}
                    Grant::Exhausted { until } | Grant::Full { until } => {
                        assert!(until > now || until == Instant::MAX, "asked again in the same instant");
                    }
                }
            }
            4 | 5 => {
                granted = budget.next_grant(now);
                assert!(granted.is_none_or(|ticket| waiting.contains(&ticket)), "nobody asked");
            }
            6 => {
                let ticket = script.below(6);
                assert_eq!(budget.withdraw(ticket), waiting.contains(&ticket));
                waiting.retain(|other| *other != ticket);
            }
            _ => {
                let left = script.below(4);
                budget.set_remaining(now, left, script.duration());
            }
        }
        if let Some(ticket) = granted {
            waiting.retain(|other| *other != ticket);
            started[(ticket % u32::from(buckets)) as usize].push(now);
        }
        let mut queue: Vec<_> = budget.waiting().to_vec();
        let mut asked: Vec<_> = waiting.iter().copied().collect();
        queue.sort_unstable();
        asked.sort_unstable();
        assert_eq!(queue, asked, "who waits");
        assert!(queue.is_empty() || budget.poll_timeout().is_some(), "somebody waits without end");
    }
    if !hostile && now < Instant::from_micros(u64::MAX / 2) {
        for bucket in started {
            for span in bucket.windows(usize::from(each) + 1) {
                let apart = span[usize::from(each)].saturating_duration_since(span[0]);
                assert!(apart >= window, "{} starts in {apart:?} of {window:?}", each + 1);
            }
        }
    }
}

fn retries(script: &mut Script<'_>) {
    let share = Ratio::new_const(script.below(12), 1 + script.below(10));
    let builder = RetryBudgetConfig::new().ttl(Duration::from_secs(1 + u64::from(script.below(60))));
    let Ok(config) = builder.reserve(script.below(12)).share(share).build() else { return };
    let (mut budget, mut now) = (RetryBudget::new(), Instant::ZERO);
    for _ in 0..300 {
        if script.is_done() {
            break;
        }
        now = time(script, now, None, true);
        let before = budget.balance(&config, now);
        match script.below(4) {
            0 | 1 => {
                budget.deposit(&config, now);
                assert!(budget.balance(&config, now) >= before, "a deposit takes nothing");
            }
            2 => {
                let answer = budget.withdraw(&config, now);
                assert_eq!(answer.is_ok(), before > 0, "the balance tells what is granted");
                if let Err(denied) = answer {
                    assert!(denied.until.is_none_or(|at| at > now || at == Instant::MAX));
                } else {
                    assert!(budget.balance(&config, now) < before);
                }
            }
            _ => {
                let (waited, longest) = (script.duration(), script.duration());
                let answer = budget.withdraw_after(&config, now, waited, longest);
                assert!(
                    answer.is_ok() || answer.is_err_and(|denied| denied.until.is_some()),
                    "it would wait without end"
                );
            }
        }
    }
}

fn throttle(script: &mut Script<'_>) {
    let ratio = Ratio::new_const(script.below(2_000), 1 + script.below(1_000));
    let Ok(config) = ThrottleConfig::new(1 + script.below(1_000) as u16, ratio).build() else { return };
    let mut throttle = Throttle::new(&config);
    while !script.is_done() {
        let before = throttle.millitokens();
        if script.flag() {
            throttle.success(&config);
            assert!(throttle.millitokens() >= before && throttle.millitokens() <= config.max_millitokens());
        } else {
            throttle.failure();
            assert!(throttle.millitokens() == before.saturating_sub(1_000));
        }
        assert_eq!(throttle.permits(&config), throttle.millitokens() > config.max_millitokens() / 2);
        let (waited, longest) = (script.duration(), script.duration());
        let after = throttle.permits_after(&config, waited, longest);
        assert!(after == (throttle.permits(&config) || waited >= longest));
    }
}

fn adaptive(script: &mut Script<'_>) {
    let multiplier = Ratio::new_const(1 + script.below(8), 1 + script.below(4));
    let window = script.duration().max(Duration::from_millis(1));
    let Ok(config) = AdaptiveThrottleConfig::new().window(window).multiplier(multiplier).build() else {
        return;
    };
    let (mut throttle, mut rng) = (AdaptiveThrottle::new(), SplitMix64::new(script.seed()));
    let mut now = Instant::ZERO;
    while !script.is_done() {
        now = time(script, now, None, true);
        let mut twin = (throttle.clone(), rng.clone());
        let admitted = throttle.admit(&config, now, &mut rng);
        assert_eq!(twin.0.admit(&config, now, &mut twin.1), admitted);
        if admitted && script.flag() {
            throttle.accepted(&config, now);
        }
    }
}
