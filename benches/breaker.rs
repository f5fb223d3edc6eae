//! The circuit breaker beside the `failsafe` crate: the same four situations, in one run; and its windows beside failsafe's
//! rate over time and recloser's ring.
//!
//! failsafe reads the clock and takes a lock in every call, recloser has a lock-free ring and calls a closure; that is
//! their design and part of what is compared.

use core::hint::black_box;
use core::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures, success_rate_over_time_window};
use failsafe::{StateMachine, backoff};
use recloser::Recloser;
use redial::{
    BreakerConfig, CircuitBreaker, CountWindow, Instant, Outcome, RateWindow, Rates, Ratio, SplitMix64,
    TimeWindow, valid,
};

const OPEN: Duration = Duration::from_secs(60);
const NEVER: BreakerConfig = valid(BreakerConfig::new(u32::MAX, OPEN));
const FIVE: BreakerConfig = valid(BreakerConfig::new(5, OPEN));

type Peer = StateMachine<ConsecutiveFailures<backoff::Constant>, ()>;

fn peer(failures: u32, open: Duration) -> Peer {
    failsafe::Config::new().failure_policy(consecutive_failures(failures, backoff::constant(open))).build()
}

fn opened(now: Instant, rng: &mut SplitMix64) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..5 {
        if let Ok(permit) = breaker.try_acquire(&FIVE, now, rng) {
            breaker.failure(&FIVE, now, permit, rng);
        }
    }
    breaker
}

fn closed_success(c: &mut Criterion) {
    let mut group = c.benchmark_group("permit and success while closed");
    group.bench_function("redial", |b| {
        let (mut breaker, mut rng, mut now) = (CircuitBreaker::new(), SplitMix64::new(1), 0_u64);
        b.iter(|| {
            now += 1;
            let now = Instant::from_micros(black_box(now));
            let permit = breaker.try_acquire(black_box(&NEVER), now, &mut rng);
            if let Ok(permit) = permit {
                breaker.success(black_box(&NEVER), now, permit);
            }
            black_box(&mut breaker);
        });
    });
    group.bench_function("failsafe", |b| {
        let breaker = peer(u32::MAX, OPEN);
        b.iter(|| {
            if black_box(&breaker).is_call_permitted() {
                breaker.on_success();
            }
        });
    });
    group.finish();
}

fn closed_failure(c: &mut Criterion) {
    let mut group = c.benchmark_group("permit and failure while closed");
    group.bench_function("redial", |b| {
        let (mut breaker, mut rng, mut now) = (CircuitBreaker::new(), SplitMix64::new(1), 0_u64);
        b.iter(|| {
            now += 1;
            let now = Instant::from_micros(black_box(now));
            let permit = breaker.try_acquire(black_box(&NEVER), now, &mut rng);
            if let Ok(permit) = permit {
                breaker.failure(black_box(&NEVER), now, permit, &mut rng);
            }
            black_box(&mut breaker);
        });
    });
    group.bench_function("failsafe", |b| {
        let breaker = peer(u32::MAX, OPEN);
        b.iter(|| {
            if black_box(&breaker).is_call_permitted() {
                breaker.on_error();
            }
        });
    });
    group.finish();
}

fn rejected(c: &mut Criterion) {
    let mut group = c.benchmark_group("rejected while open");
    group.bench_function("redial", |b| {
        let mut rng = SplitMix64::new(1);
        let now = Instant::from_millis(1_000);
        let mut breaker = opened(now, &mut rng);
        b.iter(|| breaker.try_acquire(black_box(&FIVE), black_box(now), &mut rng));
    });
    group.bench_function("failsafe", |b| {
        let breaker = peer(5, Duration::from_secs(1_000_000));
        (0..5).for_each(|_| breaker.on_error());
        b.iter(|| black_box(&breaker).is_call_permitted());
    });
    group.finish();
}

/// Five failures, one refusal, the open time, one probe that succeeds. The peer's open time is 1 ns, because it can't be
/// told the time; its refusal is asked for but may not be one.
fn cycle(c: &mut Criterion) {
    let mut group = c.benchmark_group("trip, refuse, probe, close");
    group.bench_function("redial", |b| {
        let (mut breaker, mut rng, mut now) = (CircuitBreaker::new(), SplitMix64::new(1), Instant::ZERO);
        b.iter(|| {
            for _ in 0..5 {
                if let Ok(permit) = breaker.try_acquire(black_box(&FIVE), now, &mut rng) {
                    breaker.failure(black_box(&FIVE), now, permit, &mut rng);
                }
            }
            let refused = breaker.try_acquire(black_box(&FIVE), now, &mut rng);
            now = now.saturating_add(OPEN);
            if let Ok(probe) = breaker.try_acquire(black_box(&FIVE), now, &mut rng) {
                breaker.success(black_box(&FIVE), now, probe);
            }
            refused
        });
    });
    group.bench_function("failsafe", |b| {
        let breaker = peer(5, Duration::from_nanos(1));
        b.iter(|| {
            for _ in 0..5 {
                if black_box(&breaker).is_call_permitted() {
                    breaker.on_error();
                }
            }
            let refused = breaker.is_call_permitted();
            if breaker.is_call_permitted() {
                breaker.on_success();
            }
            refused
        });
    });
    group.finish();
}

/// A permit and a result, every fifth a failure, in a window of 100 results or 30 s that opens at 9 of 10. The clock of
/// redial advances by 100 µs a call, so a bucket ends every 30,000 calls.
fn windows(c: &mut Criterion) {
    const RATES: Rates = valid(
        valid(Rates::new(valid(Ratio::new(9, 10)), 100))
            .with_slow(Duration::from_secs(4), valid(Ratio::new(9, 10))),
    );
    const BY_COUNT: BreakerConfig<CountWindow<100>> = valid(BreakerConfig::by_count(RATES, OPEN));
    const BY_TIME: BreakerConfig<TimeWindow<10>> =
        valid(BreakerConfig::by_time(RATES, Duration::from_secs(30), OPEN));

    fn redial<W: RateWindow>(b: &mut criterion::Bencher<'_>, config: &BreakerConfig<W>) {
        let (mut breaker, mut rng, mut n) = (CircuitBreaker::<W>::new(), SplitMix64::new(1), 0_u64);
        let took = Duration::from_millis(20);
        b.iter(|| {
            n += 1;
            let now = Instant::from_micros(black_box(n * 100));
            if let Ok(permit) = breaker.try_acquire(black_box(config), now, &mut rng) {
                let outcome = if n % 5 == 0 { Outcome::Failure(took) } else { Outcome::Success(took) };
                breaker.record(black_box(config), now, permit, black_box(outcome), &mut rng);
            }
            black_box(&mut breaker);
        });
    }

    let mut group = c.benchmark_group("permit and result in a window while closed");
    group.bench_function("redial by count", |b| redial(b, &BY_COUNT));
    group.bench_function("redial by time", |b| redial(b, &BY_TIME));
    group.bench_function("failsafe by time", |b| {
        let policy =
            success_rate_over_time_window(0.1, 100, Duration::from_secs(30), backoff::constant(OPEN));
        let breaker: StateMachine<_, ()> = failsafe::Config::new().failure_policy(policy).build();
        let mut n = 0_u64;
        b.iter(|| {
            n += 1;
            if black_box(&breaker).is_call_permitted() {
                if n % 5 == 0 { breaker.on_error() } else { breaker.on_success() }
            }
        });
    });
    group.bench_function("recloser by count", |b| {
        let breaker = Recloser::custom().error_rate(0.9).closed_len(100).open_wait(OPEN).build();
        let mut n = 0_u64;
        b.iter(|| {
            n += 1;
            black_box(&breaker).call(|| if black_box(n) % 5 == 0 { Err(()) } else { Ok(()) }).is_ok()
        });
    });
    group.finish();
}

criterion_group!(benches, closed_success, closed_failure, rejected, cycle, windows);
criterion_main!(benches);
