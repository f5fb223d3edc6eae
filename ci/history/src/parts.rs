//! What the parts decide alone.

use core::time::Duration;

use redial::breaker::{self, CountWindow, Outcome, Permit, Rates, TimeWindow, Window};
use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, RetryBudget, RetryBudgetConfig, StartBudget, StartBudgetConfig,
    Throttle, ThrottleConfig,
};
use redial::health::{Health, HealthConfig};
use redial::heartbeat::{Heartbeat, HeartbeatConfig};
use redial::testing::Script;
use redial::time::Widened;
use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};

use crate::log::Log;

const CALLS: u32 = 20_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A clock that mostly moves on by less than ten seconds, and sometimes stands still, jumps or runs back.
fn later(script: &mut Script<'_>, now: Instant) -> Instant {
    match script.below(16) {
        0..=3 => now,
        4 => script.instant(),
        5 => Instant::from_micros(now.as_micros().saturating_sub(u64::from(script.below(20_000_000)))),
        _ => Instant::from_micros(now.as_micros().saturating_add(u64::from(script.below(10_000_000)))),
    }
}

const RATES: Rates = Rates::new(Ratio::new_const(1, 2), 6).build_const();
static BY_COUNT: breaker::Config<CountWindow<16>> = breaker::Config::by_count(RATES, MINUTE).build_const();
static BY_TIME: breaker::Config<TimeWindow<10>> =
    breaker::Config::by_time(RATES, Duration::from_secs(30), MINUTE).build_const();

pub(crate) fn breaker_consecutive(log: &mut Log<'_>) {
    for seed in 3_000..3_020_u64 {
        let mut script = Script::seeded(seed);
        let config = script.breaker();
        breaker(log, &mut script, &config, CALLS / 20);
    }
}

pub(crate) fn breaker_by_count(log: &mut Log<'_>) {
    breaker(log, &mut Script::seeded(3_100), &BY_COUNT, CALLS);
}

pub(crate) fn breaker_by_time(log: &mut Log<'_>) {
    breaker(log, &mut Script::seeded(3_200), &BY_TIME, CALLS);
}

fn breaker<W: Window>(log: &mut Log<'_>, script: &mut Script<'_>, config: &breaker::Config<W>, calls: u32) {
    let (mut breaker, mut rng) = (CircuitBreaker::<W>::new(), SplitMix64::new(3));
    let mut permits: [Option<Permit>; 4] = [None, None, None, None];
    let mut now = Instant::ZERO;
    for _ in 0..calls {
        now = later(script, now);
        let call = script.below(16);
        let Some(held) = permits.get_mut(script.below(4) as usize) else { return };
        match (call, held.take()) {
            (0, _) => log.decide(&breaker.handle_timeout(config, now, &mut rng)),
            (1, Some(permit)) => breaker.release(permit),
            (2, _) => breaker.open_until(now.saturating_add(script.duration())),
            (_, Some(permit)) => {
                let took = Duration::from_millis(u64::from(script.below(2_000)));
                let outcome = if script.flag() { Outcome::Success(took) } else { Outcome::Failure(took) };
                log.decide(&breaker.record(config, now, permit, outcome, &mut rng));
            }
            (_, None) => {
                let answer = breaker.try_acquire(config, now, &mut rng);
                log.decide(&answer);
                *held = answer.ok();
            }
        }
        log.decide(&(now, breaker.state(now), breaker.poll_timeout()));
    }
}

const STARTS: StartBudgetConfig = StartBudgetConfig::new(4, 2, Duration::from_secs(5))
    .daily(1_000, Duration::from_secs(86_400))
    .build_const();

pub(crate) fn starts(log: &mut Log<'_>) {
    let (mut script, mut now) = (Script::seeded(4_000), Instant::ZERO);
    let Ok(mut budget) = StartBudget::<8, 12>::new(STARTS) else { return };
    for _ in 0..CALLS {
        now = later(&mut script, now);
        let ticket = script.below(20);
        match script.below(8) {
            0..=3 => log.decide(&budget.request(now, ticket)),
            4 => log.decide(&budget.withdraw(ticket)),
            5 if script.below(20) == 0 => budget.set_remaining(now, ticket, script.duration()),
            _ => log.decide(&budget.next_grant(now)),
        }
        log.decide(&(now, budget.poll_timeout(), budget.remaining(now), budget.waiting()));
    }
}

static RETRIES: RetryBudgetConfig = RetryBudgetConfig::new()
    .ttl(Duration::from_secs(10))
    .reserve(2)
    .share(Ratio::new_const(1, 5))
    .build_const();

pub(crate) fn retries(log: &mut Log<'_>) {
    let (mut script, mut now, mut budget) = (Script::seeded(5_000), Instant::ZERO, RetryBudget::new());
    for _ in 0..CALLS {
        now = later(&mut script, now);
        match script.below(4) {
            0 => budget.deposit(&RETRIES, now),
            1 => log.decide(&budget.withdraw_after(&RETRIES, now, script.duration(), MINUTE)),
            _ => log.decide(&budget.withdraw(&RETRIES, now)),
        }
        log.decide(&(now, budget.balance(&RETRIES, now)));
    }
}

static THROTTLE: ThrottleConfig = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
static ADAPTIVE: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;

pub(crate) fn throttles(log: &mut Log<'_>) {
    let (mut script, mut now, mut rng) = (Script::seeded(6_000), Instant::ZERO, SplitMix64::new(6));
    let (mut throttle, mut adaptive) = (Throttle::new(&THROTTLE), AdaptiveThrottle::new());
    for _ in 0..CALLS {
        now = later(&mut script, now);
        match script.below(4) {
            0 => throttle.success(&THROTTLE),
            1 => throttle.failure(),
            2 => adaptive.accepted(&ADAPTIVE, now),
            _ => log.decide(&adaptive.admit(&ADAPTIVE, now, &mut rng)),
        }
        log.decide(&(throttle.permits(&THROTTLE), throttle.millitokens()));
    }
}

pub(crate) fn backoffs(log: &mut Log<'_>) {
    for seed in 0..1_000_u64 {
        let mut script = Script::seeded(7_000_u64.wrapping_add(seed));
        let config = script.backoff();
        log.decide(&config);
        for delay in config.delays(SplitMix64::new(seed)).take(60) {
            log.decide(&delay);
        }
    }
}

pub(crate) fn heartbeats(log: &mut Log<'_>) {
    let (mut script, mut now, mut rng) = (Script::seeded(8_000), Instant::ZERO, SplitMix64::new(8));
    let config = HeartbeatConfig::DEFAULT;
    let mut heartbeat = Heartbeat::new();
    for _ in 0..CALLS {
        now = later(&mut script, now);
        match script.below(10) {
            0 => heartbeat.start(&config, now, script.duration(), &mut rng),
            1 => heartbeat.requested(),
            2 => log.decide(&heartbeat.probe(now, script.duration())),
            3 => log.decide(&heartbeat.keep_alive(now, script.duration())),
            4 | 5 => log.decide(&heartbeat.acknowledged()),
            6 => heartbeat.received(&config),
            _ => log.decide(&heartbeat.handle_timeout(&config, now)),
        }
        log.decide(&(now, heartbeat.poll_timeout(), heartbeat.answer_by()));
    }
}

pub(crate) fn health(log: &mut Log<'_>) {
    let (mut script, mut now, mut health) = (Script::seeded(9_000), Instant::ZERO, Health::new());
    let config = HealthConfig::DEFAULT;
    for _ in 0..CALLS {
        now = later(&mut script, now);
        match script.below(8) {
            0 | 1 => health.attempt_succeeded(&config, now),
            2 | 3 => health.attempt_failed(&config, now),
            4 => health.lost(now),
            5 => health.paused(now),
            6 => health.unpaused(now),
            _ => health.slept(now, script.duration()),
        }
        log.decide(&health.report(&config, now));
    }
}

pub(crate) fn ticks(log: &mut Log<'_>) {
    let (mut script, mut clock) = (Script::seeded(10_000), Widened::new());
    let crystal = Ratio::new_const(15_625, 512);
    for _ in 0..CALLS {
        let tick = script.below(u32::MAX);
        log.decide(&(tick, clock.instant_from_ticks(tick, crystal), clock.newest()));
    }
}
