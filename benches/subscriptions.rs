//! A policy with many subscriptions: what it takes to subscribe, confirm and restore all of them, and how that grows.
//!
//! ```text
//! cargo bench -p redial-benches --bench subscriptions
//! ```

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use redial::policy::RestoreConfig;
use redial::subscriptions::{SubscriptionList, Subscriptions as _};
use redial::{
    Action, Actions, BackoffConfig, Cause, Config, Event, Instant, Phase, Policy, Ratio, SplitMix64,
};

type Subject = Policy<SplitMix64, (), SubscriptionList<String>>;

const LADDER: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
static CONFIG: Config = Config::new(LADDER)
    .restore(
        RestoreConfig::new()
            .batches(50, Duration::ZERO)
            .confirm_timeout(Some(Duration::from_secs(10)))
            .build_const(),
    )
    .build_const();
const NOW: Instant = Instant::from_millis(1_000);

/// In an order that is not that of the keys. The factor is prime.
fn keys(count: u64) -> Vec<String> {
    (0..count).map(|n| format!("market.{:06}.book", n * 7_919 % count)).collect()
}

fn subscribe(policy: &mut Subject, keys: Vec<String>) {
    for (n, key) in keys.into_iter().enumerate() {
        let priority = i32::from(n % 3 == 0);
        assert!(policy.handle_event(NOW, Event::Subscribe { key, priority }).is_empty());
    }
}

/// A connection with a new session: all batches.
fn restore(policy: &mut Subject) -> usize {
    let ignore = |_: Actions| {};
    if policy.epoch().is_none() {
        ignore(policy.handle_timeout(policy.poll_timeout().expect("a wait")));
    }
    let epoch = policy.epoch().expect("dialled");
    let now = policy.explain().since;
    ignore(policy.handle_event(now, Event::Opened { epoch }));
    let ready = Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
    let mut actions = policy.handle_event(now, ready);
    let mut sent = 0;
    loop {
        if actions.iter().any(|action| matches!(action, Action::Restore { .. })) {
            sent += policy.subscriptions().batch().map(black_box).count();
        }
        if policy.phase() == Phase::Online {
            return sent;
        }
        actions = policy.handle_timeout(now);
    }
}

fn confirm(policy: &mut Subject, keys: Vec<String>) {
    let (now, epoch) = (policy.explain().since, policy.epoch().expect("online"));
    for key in keys {
        let send = None;
        assert!(policy.handle_event(now, Event::SubscriptionConfirmed { epoch, key, send }).is_empty());
    }
}

fn begun() -> Subject {
    let mut policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_subscriptions(SubscriptionList::new());
    assert_eq!(policy.handle_event(NOW, Event::Start).len(), 1);
    policy
}

fn growth(c: &mut Criterion) {
    let mut group = c.benchmark_group("subscriptions");
    group.sample_size(10);
    for count in [100, 1_000, 10_000, 100_000_u64] {
        group.throughput(Throughput::Elements(count));
        let keys = keys(count);
        group.bench_function(BenchmarkId::new("subscribe", count), |b| {
            let prepare = || (begun(), keys.clone());
            let run = |(mut policy, keys)| {
                subscribe(&mut policy, keys);
                policy
            };
            b.iter_batched(prepare, run, BatchSize::PerIteration);
        });
        let mut sent = begun();
        subscribe(&mut sent, keys.clone());
        assert_eq!(restore(&mut sent) as u64, count);
        let mut confirmed = sent.clone();
        confirm(&mut confirmed, keys.clone());
        group.bench_function(BenchmarkId::new("confirm", count), |b| {
            // Answers come in any order.
            let answers = || keys.iter().step_by(2).chain(keys.iter().skip(1).step_by(2)).cloned().collect();
            let run = |(mut policy, keys)| {
                confirm(&mut policy, keys);
                policy
            };
            b.iter_batched(|| (sent.clone(), answers()), run, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::new("restore", count), |b| {
            let lose = || {
                let mut policy = confirmed.clone();
                let (now, epoch) = (policy.explain().since, policy.epoch().expect("online"));
                let cause = Cause::NoCloseFrame;
                assert!(policy.handle_event(now, Event::Closed { epoch, cause }).is_empty());
                policy
            };
            let run = |mut policy| {
                assert_eq!(restore(&mut policy) as u64, count);
                policy
            };
            b.iter_batched(lose, run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, growth);
criterion_main!(benches);
