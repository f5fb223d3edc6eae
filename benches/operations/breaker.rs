//! The circuit breaker that opens after five failures in a row, or after what a crate has that comes nearest.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use failsafe::failure_policy::{ConsecutiveFailures, SuccessRateOverTimeWindow};
use failsafe::failure_policy::{consecutive_failures, success_rate_over_time_window};
use failsafe::{StateMachine, backoff};
use recloser::Recloser;
use redial::breaker::{self, CountWindow, Outcome, RateWindow, Rates, TimeWindow};
use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};
use tower::Service as _;
use tower::util::ServiceFn;
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer, DefaultClassifier};

use super::{Kind, Operation, Steps, repeat};

const OPEN: Duration = Duration::from_secs(60);
const OPEN_MICROS: u64 = 60_000_000;
pub const FAILURES: u32 = 5;

/// A breaker of one crate. `now` is in microseconds; a crate that reads a clock does not look at it.
trait Breaker: 'static {
    /// Asks for a permit and, if there is one, reports how the call went. False if there was none.
    fn call(&mut self, now: u64, good: bool) -> bool;
}

pub struct Ours {
    pub breaker: CircuitBreaker,
    config: breaker::Config,
    rng: SplitMix64,
}

pub fn ours(failures: u32) -> Ours {
    let (breaker, rng) = (CircuitBreaker::new(), SplitMix64::new(1));
    Ours { breaker, config: breaker::Config::new(failures, OPEN).build().expect("five or more"), rng }
}

impl Breaker for Ours {
    #[inline(always)]
    fn call(&mut self, now: u64, good: bool) -> bool {
        let now = Instant::from_micros(now);
        let Ok(permit) = self.breaker.try_acquire(&self.config, now, &mut self.rng) else { return false };
        let transition = if good {
            self.breaker.success(&self.config, now, permit)
        } else {
            self.breaker.failure(&self.config, now, permit, &mut self.rng)
        };
        // As a caller does that logs or counts them; otherwise the compiler leaves them out.
        if let Some(transition) = &transition {
            black_box(transition);
        }
        true
    }
}

pub type Failsafe = StateMachine<ConsecutiveFailures<backoff::Constant>, ()>;

pub fn failsafe(failures: u32, open: Duration) -> Failsafe {
    ::failsafe::Config::new().failure_policy(consecutive_failures(failures, backoff::constant(open))).build()
}

impl Breaker for Failsafe {
    #[inline(always)]
    fn call(&mut self, _: u64, good: bool) -> bool {
        if !self.is_call_permitted() {
            return false;
        }
        if good {
            self.on_success()
        } else {
            self.on_error()
        }
        true
    }
}

/// It judges the rate of a full ring: the result after `ring` others is the first that may open it. One probe fills its
/// half-open ring, the next closes it.
pub fn recloser(ring: u32, rate: f32, open: Duration) -> Recloser {
    Recloser::custom().error_rate(rate).closed_len(ring as usize).half_open_len(1).open_wait(open).build()
}

impl Breaker for Recloser {
    #[inline(always)]
    fn call(&mut self, _: u64, good: bool) -> bool {
        let result = Self::call(self, || if good { Ok(()) } else { Err(()) });
        !matches!(result, Err(recloser::Error::Rejected))
    }
}

pub type Reliakit = reliakit_circuit::CircuitBreaker;

pub fn reliakit(failures: u32) -> Reliakit {
    Reliakit::new(failures, OPEN_MICROS)
}

impl Breaker for Reliakit {
    #[inline(always)]
    fn call(&mut self, now: u64, good: bool) -> bool {
        if !self.allow(now) {
            return false;
        }
        if good {
            self.on_success()
        } else {
            self.on_failure(now)
        }
        true
    }
}

type Called = fn(bool) -> Ready<Result<(), ()>>;
pub type Tower = tower_resilience_circuitbreaker::CircuitBreaker<ServiceFn<Called>, DefaultClassifier>;

pub fn tower(failures: u32, open: Duration) -> Tower {
    let call: Called = |good| ready(if good { Ok(()) } else { Err(()) });
    let config = CircuitBreakerLayer::builder()
        .consecutive_failures(failures as usize)
        .wait_duration_in_open(open)
        .permitted_calls_in_half_open(1);
    config.build().expect("five or more").layer_fn(tower::service_fn(call))
}

impl Breaker for Tower {
    #[inline(always)]
    fn call(&mut self, _: u64, good: bool) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        assert!(self.poll_ready(&mut context).is_ready(), "the service is ready");
        let Poll::Ready(result) = pin!(tower::Service::call(self, good)).poll(&mut context) else {
            panic!("the service answers at once");
        };
        !matches!(result, Err(CircuitBreakerError::OpenCircuit))
    }
}

/// The least that opens after failures in a row, refuses, and closes after one good probe.
pub struct Bare {
    failures: u32,
    threshold: u32,
    open_until: u64,
}

pub fn bare(threshold: u32) -> Bare {
    Bare { failures: 0, threshold, open_until: 0 }
}

impl Breaker for Bare {
    #[inline(always)]
    fn call(&mut self, now: u64, good: bool) -> bool {
        if now < self.open_until {
            return false;
        }
        if good {
            self.failures = 0;
        } else {
            self.failures = self.failures.wrapping_add(1);
            if self.failures >= self.threshold {
                self.open_until = now.wrapping_add(OPEN_MICROS);
            }
        }
        true
    }
}

fn while_closed<B: Breaker>(mut breaker: B, good: bool) -> Steps {
    // Two loops, for the result is part of the operation and not something to be found out at every step.
    if good {
        repeat(move |now| {
            black_box(black_box(&mut breaker).call(now, true));
        })
    } else {
        repeat(move |now| {
            black_box(black_box(&mut breaker).call(now, false));
        })
    }
}

fn while_open<B: Breaker>(mut breaker: B) -> Steps {
    for _ in 0..FAILURES {
        assert!(breaker.call(1_000, false), "closed");
    }
    assert!(!breaker.call(1_000, true), "open");
    repeat(move |n| {
        black_box(black_box(&mut breaker).call(1_000 + (n & 1_023), true));
    })
}

/// Five failures, one refusal, the open time, one probe that succeeds: one operation, in which the compiler may keep the
/// state in registers. A crate that can't be told the time is open for a nanosecond: what should be refused is its probe,
/// and the probe is a success while closed.
fn cycle<B: Breaker>(mut breaker: B, refuses: bool) -> Steps {
    let mut step = move |n| {
        let now = n * OPEN_MICROS;
        let breaker = black_box(&mut breaker);
        for _ in 0..FAILURES {
            breaker.call(now, false);
        }
        let refused = !breaker.call(now, true);
        breaker.call(now + OPEN_MICROS, true);
        refused
    };
    assert_eq!(step(0), refuses, "refused while open");
    assert_eq!(step(1), refuses, "closed and opened again");
    repeat(move |n| {
        black_box(step(n + 2));
    })
}

const RATES: Rates = Rates::new(Ratio::new_const(9, 10), 100)
    .slow(Duration::from_secs(4), Ratio::new_const(9, 10))
    .build_const();
const BY_COUNT: breaker::Config<CountWindow<100>> = breaker::Config::by_count(RATES, OPEN).build_const();
const BY_TIME: breaker::Config<TimeWindow<10>> =
    breaker::Config::by_time(RATES, Duration::from_secs(30), OPEN).build_const();

/// Every fifth result is a failure. The time advances by 100 µs a call, so a bucket ends every 30,000 calls.
fn our_window<W: RateWindow + 'static>(config: &'static breaker::Config<W>) -> Steps {
    let (mut breaker, mut rng) = (CircuitBreaker::<W>::new(), SplitMix64::new(1));
    let took = Duration::from_millis(20);
    repeat(move |n| {
        let now = Instant::from_micros(n * 100);
        let breaker = black_box(&mut breaker);
        if let Ok(permit) = breaker.try_acquire(black_box(config), now, &mut rng) {
            let outcome = if n % 5 == 0 { Outcome::Failure(took) } else { Outcome::Success(took) };
            black_box(breaker.record(black_box(config), now, permit, black_box(outcome), &mut rng));
        }
    })
}

pub type FailsafeWindow = StateMachine<SuccessRateOverTimeWindow<backoff::Constant>, ()>;

pub fn failsafe_window() -> FailsafeWindow {
    let policy = success_rate_over_time_window(0.1, 100, Duration::from_secs(30), backoff::constant(OPEN));
    ::failsafe::Config::new().failure_policy(policy).build()
}

impl Breaker for FailsafeWindow {
    #[inline(always)]
    fn call(&mut self, _: u64, good: bool) -> bool {
        if !self.is_call_permitted() {
            return false;
        }
        if good {
            self.on_success()
        } else {
            self.on_error()
        }
        true
    }
}

fn window<B: Breaker>(mut breaker: B) -> Steps {
    repeat(move |n| {
        black_box(black_box(&mut breaker).call(n * 100, n % 5 != 0));
    })
}

pub fn operations() -> Vec<Operation> {
    const GROUP: &str = "breaker";
    const SUCCESS: &str = "permit and success while closed";
    const FAILURE: &str = "permit and failure while closed";
    const REFUSED: &str = "rejected while open";
    const CYCLE: &str = "five failures, refusal, probe, close";
    const WINDOW: &str = "permit and result in a window";
    const NEVER: u32 = u32::MAX;
    const NO_RATE: f32 = 2.0;
    const MOMENT: Duration = Duration::from_nanos(1);
    const NO_TIME: &str = "can't be told the time: open for 1 ns, not refused";
    const LONG: Duration = Duration::from_secs(1_000_000);

    let mut all = Vec::new();
    let redial = "redial";
    all.push(Operation::ours(GROUP, SUCCESS, redial, Some(20), || while_closed(ours(NEVER), true)));
    all.push(Operation::ours(GROUP, FAILURE, redial, Some(25), || while_closed(ours(NEVER), false)));
    all.push(Operation::ours(GROUP, REFUSED, redial, Some(20), || while_open(ours(FAILURES))));
    all.push(Operation::ours(GROUP, CYCLE, redial, Some(150), || cycle(ours(FAILURES), true)));
    all.push(Operation::ours(GROUP, WINDOW, "redial, 100 results", None, || our_window(&BY_COUNT)));
    all.push(Operation::ours(GROUP, WINDOW, "redial, 30 s", None, || our_window(&BY_TIME)));

    type Row = (&'static str, Kind, &'static str, [fn() -> Steps; 4]);
    let others: [Row; 5] = [
        (
            "failsafe",
            Kind::Peer,
            "takes a lock, reads the clock while open",
            [
                || while_closed(failsafe(NEVER, OPEN), true),
                || while_closed(failsafe(NEVER, OPEN), false),
                || while_open(failsafe(FAILURES, LONG)),
                || cycle(failsafe(FAILURES, MOMENT), false),
            ],
        ),
        (
            "recloser",
            Kind::Peer,
            "a ring and an epoch for many threads, reads the clock while open",
            [
                || while_closed(recloser(100, 0.9, OPEN), true),
                || while_closed(recloser(100, NO_RATE, OPEN), false),
                || while_open(recloser(FAILURES - 1, 0.9, LONG)),
                || cycle(recloser(FAILURES - 1, 0.9, MOMENT), false),
            ],
        ),
        (
            "tower-resilience-circuitbreaker",
            Kind::Peer,
            "a whole call of a service: a future in a box, two locks, reads the clock",
            [
                || while_closed(tower(NEVER, OPEN), true),
                || while_closed(tower(NEVER, OPEN), false),
                || while_open(tower(FAILURES, LONG)),
                || cycle(tower(FAILURES, MOMENT), false),
            ],
        ),
        (
            "reliakit-circuit",
            Kind::Peer,
            "no limit on probes, no late results told apart",
            [
                || while_closed(reliakit(NEVER), true),
                || while_closed(reliakit(NEVER), false),
                || while_open(reliakit(FAILURES)),
                || cycle(reliakit(FAILURES), true),
            ],
        ),
        (
            "bare",
            Kind::Bare,
            "two numbers",
            [
                || while_closed(bare(NEVER), true),
                || while_closed(bare(NEVER), false),
                || while_open(bare(FAILURES)),
                || cycle(bare(FAILURES), true),
            ],
        ),
    ];
    for (who, kind, note, prepare) in others {
        for (name, prepare) in [SUCCESS, FAILURE, REFUSED, CYCLE].into_iter().zip(prepare) {
            let note = if name == CYCLE
                && ["failsafe", "recloser", "tower-resilience-circuitbreaker"].contains(&who)
            {
                NO_TIME
            } else {
                note
            };
            all.push(Operation::other(GROUP, name, who, kind, note, prepare));
        }
    }
    let note = "30 s by a moving average, takes a lock, reads the clock";
    all.push(Operation::other(GROUP, WINDOW, "failsafe", Kind::Peer, note, || window(failsafe_window())));
    let note = "100 results, for many threads";
    all.push(Operation::other(GROUP, WINDOW, "recloser", Kind::Peer, note, || {
        window(recloser(100, 0.9, OPEN))
    }));

    // Those of one name together, in the order of their first.
    let order = [SUCCESS, FAILURE, REFUSED, CYCLE, WINDOW];
    all.sort_by_key(|operation| order.iter().position(|&name| name == operation.name));
    all
}
