//! The scripts decide as the budgets in memory do, over random sequences of asks at times of the test's.

use std::collections::BTreeSet;
use std::time::Duration;

use redial::breaker::{CircuitBreaker, Config, Denied};
use redial::budget::{Grant, RetryBudget, RetryBudgetConfig, StartBudget, StartBudgetConfig};
use redial::fleet::{Breaker, RETRIES, Starts};
use redial::rand_core::Rng;
use redial::{Instant, Ratio, SplitMix64};

use super::{Fake, RATIO, now, wait};

const HOUR: u64 = 3_600_000_000;
const STEPS: u32 = 150;

fn below(rng: &mut SplitMix64, end: u64) -> u64 {
    rng.next_u64() % end
}

fn shuffled(rng: &mut SplitMix64, tickets: &[u32]) -> Vec<u32> {
    let mut tickets = tickets.to_vec();
    for at in (1..tickets.len()).rev() {
        tickets.swap(at, below(rng, at as u64 + 1) as usize);
    }
    tickets
}

type Model = StartBudget<12, 6>;

/// One budget of `buckets` buckets; `daily` starts a day, or any number. The hours are those of the test alone, so that no key
/// expires while it runs.
fn same_starts(fake: &Fake, seed: u64, buckets: u16, each: u16, daily: Option<u32>) {
    let rng = &mut SplitMix64::new(seed);
    let hour = Duration::from_micros(HOUR);
    let mut config = StartBudgetConfig::new(buckets, each, hour);
    if let Some(daily) = daily {
        config = config.daily(daily, 20 * hour);
    }
    let config = config.build().unwrap();
    let mut model = Model::new(config).unwrap();
    let starts = Starts::new(&format!("starts-{seed}"), config)
        .with_lease(Duration::ZERO)
        .with_place_lease(1_000 * hour)
        .with_places(6);
    // A budget begins used up.
    assert!(wait(now(starts.ask(fake, 99))).is_some());
    now(starts.withdraw(fake, 99));
    fake.pass(HOUR);

    for _ in 0..STEPS {
        let at = fake.at();
        // In the order of the queue where the last starts of a day are for the first of several buckets; otherwise in any.
        let line = model.waiting().to_vec();
        let line = if daily.is_some() { line } else { shuffled(rng, &line) };
        let expected: BTreeSet<u32> = std::iter::from_fn(|| model.next_grant(at)).collect();
        let mut granted = BTreeSet::new();
        let mut told = Vec::new();
        for ticket in line {
            match wait(now(starts.ask(fake, ticket))) {
                None => drop(granted.insert(ticket)),
                Some(wait) => told.push((ticket, wait)),
            }
        }
        assert_eq!(granted, expected, "seed {seed} at {at:?}");
        if daily.is_none() && expected.is_empty() {
            for (ticket, wait) in told {
                let until = Instant::from_micros(at.as_micros() + wait);
                assert_eq!(model.request(at, ticket), Grant::Later(until), "seed {seed}, {ticket} at {at:?}");
            }
        }
        for _ in 0..below(rng, 4) {
            let ticket = below(rng, 16) as u32;
            match below(rng, 8) {
                0 => {
                    model.withdraw(ticket);
                    now(starts.withdraw(fake, ticket));
                }
                1 if daily.is_some() && below(rng, 8) == 0 => {
                    let (left, reset) = (below(rng, 9) as u32, Duration::from_micros(below(rng, 25 * HOUR)));
                    model.set_remaining(at, left, reset);
                    now(starts.set_remaining(fake, left, reset));
                }
                _ => {
                    let until = |wait| Instant::from_micros(at.as_micros() + wait);
                    let (grant, wait) = (model.request(at, ticket), wait(now(starts.ask(fake, ticket))));
                    let same = match grant {
                        Grant::Now => wait.is_none(),
                        // Of a day that is used up the queue may be told another time: no one is before its turn.
                        Grant::Later(_) if daily.is_some() => wait.is_some(),
                        Grant::Later(at) | Grant::Exhausted { until: at } | Grant::Full { until: at } => {
                            wait.map(until) == Some(at)
                        }
                    };
                    assert!(same, "seed {seed}, {ticket} at {at:?}: {grant:?}, {wait:?}");
                }
            }
        }
        fake.pass(below(rng, HOUR / 2));
    }
}

#[test]
fn starts_are_granted_as_in_memory() {
    let Some(fake) = Fake::start() else { return };
    for seed in 0..8 {
        let (buckets, each) = (1 + seed as u16 % 4, 1 + seed as u16 % 3);
        same_starts(&fake, seed, buckets, each, (seed % 2 == 1).then_some(5 + seed as u32));
    }
}

#[test]
fn retries_are_withdrawn_as_from_memory() {
    let Some(fake) = Fake::start() else { return };
    for seed in 0..6_u64 {
        let rng = &mut SplitMix64::new(seed);
        let ttl = 10_000_000;
        let share = if seed % 2 == 0 { RATIO } else { Ratio::new(3, 2).unwrap() };
        let reserve = (seed % 3) as u32;
        let config = RetryBudgetConfig::new().share(share).reserve(reserve).build().unwrap();
        let mut model = RetryBudget::new();
        let reserved = u64::from(reserve) * 10 * u64::from(share.denominator());
        let mut at = 50_000_000;
        for step in 0..400 {
            // Now and then the clock runs backwards, a little or by far.
            at = match below(rng, 40) {
                0 => at - below(rng, ttl / 4),
                1 => at - below(rng, at / 2),
                _ => at + below(rng, ttl / 16),
            };
            let (now, deposits) = (Instant::from_micros(at), below(rng, 3));
            (0..deposits).for_each(|_| model.deposit(&config, now));
            let numbers =
                [at, 1, deposits, ttl / 10, share.numerator().into(), share.denominator().into(), reserved];
            let args: Vec<_> = numbers.iter().map(u64::to_string).collect();
            let reply = fake.script(RETRIES, &format!("retries-{seed}"), &args);
            let expected = match model.withdraw(&config, now) {
                Ok(()) => [1, 0],
                Err(Denied { until: Some(until) }) => [2, until.as_micros() as i64],
                Err(Denied { until: None }) => [3, 0],
            };
            assert_eq!(reply[1..], expected, "seed {seed}, step {step}");
        }
    }
}

#[test]
fn a_breaker_admits_as_in_memory() {
    let Some(fake) = Fake::start() else { return };
    for seed in 0..6 {
        let rng = &mut SplitMix64::new(seed);
        let config = Config::new(2 + seed as u32 % 2, Duration::from_millis(500))
            .growth(Ratio::new(3, 2).unwrap(), Duration::from_millis(1_500))
            .probes(1 + seed as u8 % 3)
            .lease(Duration::from_millis(700))
            .build()
            .unwrap();
        let (mut model, unused) = (CircuitBreaker::new(), &mut SplitMix64::new(0));
        let breaker = Breaker::new(&format!("breaker-{seed}"), config, seed);
        let mut permits = Vec::new();
        for step in 0..400 {
            let at = fake.at();
            if below(rng, 2) == 0 {
                let (ours, theirs) = (now(breaker.ask(&fake)), model.try_acquire(&config, at, unused));
                match (ours, theirs) {
                    (Ok(ours), Ok(theirs)) => {
                        assert_eq!(ours.is_probe(), theirs.is_probe());
                        permits.push((ours, theirs));
                    }
                    (ours, Err(Denied { until: Some(until) })) => {
                        let half_open = matches!(model.state(at), redial::breaker::State::HalfOpen { .. });
                        let left = until.as_micros() - at.as_micros();
                        let expected = if half_open { left.min(1_000_000) } else { left };
                        assert_eq!(wait(ours), Some(expected), "seed {seed}, step {step}");
                    }
                    differ => panic!("seed {seed}, step {step}: {differ:?}"),
                }
            } else if !permits.is_empty() {
                let (ours, theirs) = permits.swap_remove(below(rng, permits.len() as u64) as usize);
                match below(rng, 8) {
                    0 => {
                        now(ours.release(&fake));
                        model.release(theirs);
                    }
                    1..=3 => {
                        now(ours.success(&fake));
                        model.success(&config, at, theirs);
                    }
                    _ => {
                        now(ours.failure(&fake));
                        model.failure(&config, at, theirs, unused);
                    }
                }
            }
            fake.pass(below(rng, 300_000));
        }
    }
}
