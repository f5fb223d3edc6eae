//! The whole core at once: a policy with session tokens, subscriptions, endpoints, snapshots and every table; the
//! breaker's windows, the budgets, health.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::breaker::{self, CountWindow, Outcome, RateWindow, Rates, TimeWindow};
use redial::budget::{
    AdaptiveThrottle, AdaptiveThrottleConfig, RetryBudget, RetryBudgetConfig, StartBudget, StartBudgetConfig,
    Throttle, ThrottleConfig,
};
use redial::classify::tables;
use redial::endpoints::FixedEndpoints;
use redial::health::{Health, HealthConfig};
use redial::policy::Snapshot;
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::{Backoff, BackoffConfig, CircuitBreaker, Config, Event, Instant, Mode, Policy, Ratio};
use sizes::Counter;

type Token = [u8; 32];
type Fleet = Policy<Counter, Token, FixedSubscriptions<u32, 16>, &'static Config, FixedEndpoints<4>>;

const LADDER: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
static CONFIG: Config = Config::new(LADDER).build_const();
const RATES: Rates = Rates::new(Ratio::new_const(1, 2), 20).build_const();
const OPEN: Duration = Duration::from_secs(60);
static BY_COUNT: breaker::Config<CountWindow<64>> = breaker::Config::by_count(RATES, OPEN).build_const();
static BY_TIME: breaker::Config<TimeWindow<10>> =
    breaker::Config::by_time(RATES, Duration::from_secs(30), OPEN).build_const();

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let config: &'static Config = black_box(&CONFIG);
    let (Ok(endpoints), Ok(starts)) = (FixedEndpoints::new(4), StartBudget::new(STARTS)) else {
        sizes::halt();
    };
    let mut policy: Fleet =
        Policy::from_parts(config, Counter::new(), FixedSubscriptions::default(), endpoints);
    let mut bytes = [0_u8; 256];
    let kept = Snapshot::decode(black_box(&bytes), black_box(0));
    let moved = kept.and_then(|kept| {
        kept.try_map(|text| text.try_into().map_err(|_| black_box(redial::policy::SnapshotError::Full)))
    });
    if let Ok(moved) = moved {
        policy = policy.with_snapshot(now(), moved);
    }
    let mut parts = Parts::new(starts);
    loop {
        let fact: Option<Event<Token, u32>> = black_box(None);
        let actions = match fact {
            Some(fact) => policy.handle_event(now(), fact),
            None => policy.handle_timeout(now()),
        };
        for action in actions {
            black_box(action);
        }
        for key in policy.subscriptions().batch() {
            black_box(key);
        }
        black_box((policy.poll_timeout(), policy.explain(), policy.session().sequence()));
        if let Some(snapshot) = policy.snapshot(now()) {
            let _ = black_box(snapshot.encode(black_box(0), black_box(&mut bytes)));
        }
        parts.step();
    }
}

fn now() -> Instant {
    Instant::from_micros(black_box(0))
}

/// What stands beside a policy.
struct Parts {
    rng: Counter,
    backoff: Backoff,
    row: CircuitBreaker,
    by_count: CircuitBreaker<CountWindow<64>>,
    by_time: CircuitBreaker<TimeWindow<10>>,
    starts: StartBudget<16, 16>,
    retries: RetryBudget,
    throttle: Throttle,
    adaptive: AdaptiveThrottle,
    health: Health,
}

impl Parts {
    fn new(starts: StartBudget<16, 16>) -> Self {
        Self {
            rng: Counter::new(),
            backoff: Backoff::new(),
            row: CircuitBreaker::new(),
            by_count: CircuitBreaker::new(),
            by_time: CircuitBreaker::new(),
            starts,
            retries: RetryBudget::new(),
            throttle: Throttle::new(&THROTTLE),
            adaptive: AdaptiveThrottle::new(),
            health: Health::new(),
        }
    }

    fn step(&mut self) {
        let Self { rng, backoff, row, by_count, by_time, starts, retries, throttle, adaptive, health } = self;
        black_box(backoff.next_delay(black_box(&LADDER), Mode::Resume, Duration::ZERO, rng));
        let config: &breaker::Config = black_box(&ROW);
        if let Ok(permit) = row.try_acquire(config, now(), rng) {
            black_box(row.record(config, now(), permit, Outcome::Failure(Duration::ZERO), rng));
        }
        window(by_count, black_box(&BY_COUNT), rng);
        window(by_time, black_box(&BY_TIME), rng);
        black_box(starts.request(now(), black_box(0)));
        black_box((starts.next_grant(now()), starts.poll_timeout(), starts.withdraw(black_box(0))));
        starts.set_remaining(now(), black_box(0), Duration::ZERO);
        let budget = black_box(&RETRIES);
        retries.deposit(budget, now());
        let _ = black_box(retries.withdraw(budget, now()));
        let config = black_box(&THROTTLE);
        black_box(throttle.permits(config));
        throttle.success(config);
        throttle.failure();
        let config = black_box(&ADAPTIVE);
        black_box(adaptive.admit(config, now(), rng));
        adaptive.accepted(config, now());
        let config = black_box(&HEALTH);
        health.attempt_succeeded(config, now());
        health.attempt_failed(config, now());
        health.lost(now());
        black_box(health.report(config, now()));
        black_box(tables::by_name(black_box("mqtt5")));
    }
}

const STARTS: StartBudgetConfig = StartBudgetConfig::new(1, 1, Duration::from_secs(5)).build_const();
const ROW: breaker::Config = breaker::Config::new(5, OPEN).build_const();
static RETRIES: RetryBudgetConfig = RetryBudgetConfig::DEFAULT;
static THROTTLE: ThrottleConfig = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
static ADAPTIVE: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;
static HEALTH: HealthConfig = HealthConfig::DEFAULT;

fn window<W: RateWindow>(breaker: &mut CircuitBreaker<W>, config: &breaker::Config<W>, rng: &mut Counter) {
    if let Ok(permit) = breaker.try_acquire(config, now(), rng) {
        let outcome = black_box(Outcome::Success(Duration::ZERO));
        black_box(breaker.record(config, now(), permit, outcome, rng));
    }
    black_box((breaker.metrics(config, now()), breaker.state(now()), breaker.poll_timeout()));
}
