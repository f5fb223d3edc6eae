//! What a policy costs: a fact that changes nothing, a whole outage, and asking for the deadline.

use core::hint::black_box;
use core::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use redial::{
    Action, BackoffConfig, Cause, Config, Epoch, Event, Instant, Jitter, Policy, Ratio, SplitMix64, valid,
};

static CONFIG: Config = valid(
    Config::new(valid(
        valid(BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)))
            .with_jitter(Jitter::Full),
    ))
    .with_greeting(None),
)
.with_reset_after_stable(Duration::from_secs(30));

type Plain = Policy<SplitMix64>;

/// Takes every action to heart as a driver would, without doing any; the newest epoch.
fn obey(actions: redial::Actions, epoch: &mut Option<Epoch>) {
    for action in actions {
        if let Action::Open { epoch: new, .. } = action {
            *epoch = Some(new);
        }
    }
}

/// What a driver that is only timed does.
fn ignore(actions: redial::Actions) {
    black_box(&actions);
}

/// From the dial that is under way to a session that has held; `now` moves along.
fn settle(policy: &mut Plain, now: &mut Instant, epoch: Epoch) {
    let heartbeat = Some(Duration::from_secs(45));
    let (token, endpoint, sequence, ttl) = (Some(()), None, Some(1), None);
    *now = now.saturating_add(Duration::from_millis(30));
    ignore(policy.handle_event(*now, Event::Opened { epoch }));
    ignore(policy.handle_event(*now, Event::Greeting { epoch, heartbeat }));
    let ready = Event::Ready { epoch, token, endpoint, sequence, ttl };
    let answer = if policy.session().is_resumable(true) { Event::Resumed { epoch } } else { ready };
    ignore(policy.handle_event(*now, answer));
    *now = now.saturating_add(Duration::from_secs(30));
    ignore(policy.handle_timeout(*now));
    ignore(policy.handle_event(*now, Event::BeatAcked { epoch }));
}

fn online() -> (Plain, Instant, Epoch) {
    let mut policy = Plain::new(&CONFIG, SplitMix64::new(7));
    let mut now = Instant::ZERO;
    let mut epoch = None;
    obey(policy.handle_event(now, Event::Start), &mut epoch);
    let epoch = epoch.expect("a start dials");
    settle(&mut policy, &mut now, epoch);
    (policy, now, epoch)
}

fn policy(c: &mut Criterion) {
    let mut group = c.benchmark_group("policy");
    group.bench_function("a quiet fact", |b| {
        let (mut policy, mut now, epoch) = online();
        b.iter(|| {
            now = now.saturating_add(Duration::from_micros(1));
            policy.handle_event(black_box(now), black_box(Event::Received { epoch }))
        });
    });
    group.bench_function("a sequence number", |b| {
        let (mut policy, now, epoch) = online();
        let mut n = 1;
        b.iter(|| {
            n += 1;
            policy.handle_event(black_box(now), black_box(Event::Sequence { epoch, n }))
        });
    });
    // Lost, waited, opened, greeted, resumed, stable.
    group.bench_function("a whole outage", |b| {
        let (mut policy, mut now, first) = online();
        let mut epoch = Some(first);
        b.iter(|| {
            if let Some(lost) = epoch {
                let cause = Cause::NoCloseFrame;
                ignore(policy.handle_event(now, black_box(Event::Closed { epoch: lost, cause })));
            }
            now = policy.poll_timeout().unwrap_or(now);
            obey(policy.handle_timeout(now), &mut epoch);
            if let Some(epoch) = epoch {
                settle(&mut policy, &mut now, epoch);
            }
        });
        assert_eq!(policy.stats().losses, policy.stats().resumed, "every outage ended in a resume");
        assert_eq!(policy.stats().failed, 0);
    });
    group.bench_function("poll_timeout", |b| {
        let (policy, ..) = online();
        b.iter(|| black_box(&policy).poll_timeout());
    });
    group.finish();
}

criterion_group!(benches, policy);
criterion_main!(benches);
