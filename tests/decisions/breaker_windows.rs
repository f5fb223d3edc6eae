//! The breaker's sliding windows, modes and transitions: the sequences of resilience4j and Polly, one test for each, and
//! random calls against naive models.

mod model;
mod peers;
mod rules;
mod sequences;

use core::time::Duration;
use std::collections::VecDeque;

use proptest::prelude::*;
use redial::breaker::{
    self, CountWindow, Metrics, Outcome, Permit, RateWindow, Rates, TimeWindow, Transition,
};
use redial::budget::Denied;
use redial::presets::breakers::{POLLY, RESILIENCE4J};
use redial::{CircuitBreaker, ConfigError, Instant, Ratio, SplitMix64};

const HALF: Ratio = Ratio::new_const(1, 2);
const OPEN: Duration = Duration::from_secs(5);
const SPAN: Duration = Duration::from_secs(20);
const FAST: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(5);

/// 50 %, at least 5, slow above 4 s at 50 %, wait 5 s, 4 probes, at most 1 s half-open. The window is 20 s.
const RATES: Rates = Rates::new(HALF, 5).slow(Duration::from_secs(4), HALF).build_const();
const BY_TIME: breaker::Config<TimeWindow<20>> =
    breaker::Config::by_time(RATES, SPAN, OPEN).probes(4).lease(Duration::from_secs(1)).build_const();
/// The same by count.
const BY_COUNT: breaker::Config<CountWindow<20>> =
    breaker::Config::by_count(RATES, OPEN).probes(4).lease(Duration::from_secs(1)).build_const();

const S: Outcome = Outcome::Success(FAST);
const F: Outcome = Outcome::Failure(FAST);
const SLOW_S: Outcome = Outcome::Success(LONG);
const SLOW_F: Outcome = Outcome::Failure(LONG);

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn ratio(num: u32, den: u32) -> Option<Ratio> {
    Ratio::new(num, den).ok()
}

fn rng() -> SplitMix64 {
    SplitMix64::new(1)
}

/// A breaker with its configuration and its time, in seconds.
#[derive(Clone, Debug)]
struct Rig<W: RateWindow> {
    config: breaker::Config<W>,
    breaker: CircuitBreaker<W>,
    now: Instant,
}

impl<W: RateWindow> Rig<W> {
    fn new(config: breaker::Config<W>) -> Self {
        Self { config, breaker: CircuitBreaker::new(), now: at(1_000) }
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(Duration::from_secs(seconds));
    }

    fn acquire(&mut self) -> Result<Permit, Denied> {
        self.breaker.try_acquire(&self.config, self.now, &mut rng())
    }

    fn record(&mut self, permit: Permit, outcome: Outcome) -> Option<Transition> {
        self.breaker.record(&self.config, self.now, permit, outcome, &mut rng())
    }

    /// A permit and its result; only the last may change the state.
    fn feed(&mut self, outcomes: &[Outcome]) -> Option<Transition> {
        let (last, others) = outcomes.split_last().expect("outcomes");
        for outcome in others {
            let permit = self.acquire().expect("a permit");
            assert_eq!(self.record(permit, *outcome), None);
        }
        let permit = self.acquire().expect("a permit");
        self.record(permit, *last)
    }

    /// Opened by 5 failures.
    fn opened(config: breaker::Config<W>) -> Self {
        let mut rig = Self::new(config);
        let transition = rig.feed(&[F; 5]).expect("a transition");
        assert_eq!(transition.to, breaker::Phase::Open);
        rig
    }

    /// Opened, and the open time is over.
    fn half_open(config: breaker::Config<W>) -> Self {
        let mut rig = Self::opened(config);
        rig.wait(5);
        let [none, Some(transition)] = rig.breaker.handle_timeout(&rig.config, rig.now, &mut rng()) else {
            panic!("nothing happened")
        };
        assert_eq!((none, transition.to), (None, breaker::Phase::HalfOpen));
        rig
    }

    fn metrics(&self) -> Metrics {
        self.breaker.metrics(&self.config, self.now)
    }

    fn counted(&self) -> (u32, u32, u32) {
        let metrics = self.metrics();
        (metrics.calls, metrics.failures, metrics.slow)
    }

    fn state(&self) -> breaker::State {
        self.breaker.state(self.now)
    }

    fn is_closed(&self) -> bool {
        matches!(self.state(), breaker::State::Closed { .. })
    }

    fn is_open(&self) -> bool {
        matches!(self.state(), breaker::State::Open { .. })
    }
}

const fn threshold(failures: bool, slow: bool) -> breaker::Cause {
    breaker::Cause::Threshold { failures, slow }
}

/// What a transition says beside its time.
fn named(transition: Option<Transition>) -> (breaker::Phase, breaker::Phase, breaker::Cause) {
    let transition = transition.expect("a transition");
    (transition.from, transition.to, transition.why)
}

/// The sequences run over both windows; by count and by time they must not differ.
macro_rules! both_windows {
    ($($(#[$doc:meta])* fn $name:ident($config:ident) $body:block)*) => {
        mod by_count { use super::*; $($(#[$doc])* #[test] fn $name() { let $config = BY_COUNT; $body })* }
        mod by_time { use super::*; $($(#[$doc])* #[test] fn $name() { let $config = BY_TIME; $body })* }
    };
}

use both_windows;

/// P31: the window by count forgets the oldest, one for one.
#[test]
fn p31_the_count_window_slides() {
    const CONFIG: breaker::Config<CountWindow<4>> =
        breaker::Config::by_count(Rates::new(Ratio::new_const(3, 4), 4).build_const(), OPEN).build_const();
    let mut rig = Rig::new(CONFIG);
    assert_eq!(rig.feed(&[F, F, S, S, F]), None, "F S S F");
    assert_eq!(rig.counted(), (4, 2, 0));
    assert_eq!(rig.feed(&[F]), None, "S S F F");
    rig.feed(&[F]).expect("S F F F");
    let mut rig = Rig::new(CONFIG);
    assert_eq!(rig.feed(&[F, F, S, S, F, F, S, S, F, F]), None, "never three of four");
}

/// P31: the window by time forgets by the bucket: 20 s in 20 buckets, the 20th second later it is gone.
#[test]
fn p31_the_time_window_slides() {
    let mut rig = Rig::new(BY_TIME);
    assert_eq!(rig.feed(&[F, F, SLOW_S]), None);
    rig.wait(1);
    assert_eq!(rig.feed(&[F]), None);
    rig.wait(18);
    assert_eq!(rig.counted(), (4, 3, 1));
    let mut later = rig.clone();
    rig.wait(1);
    assert_eq!(rig.counted(), (1, 1, 0), "reading slides");
    assert_eq!(rig.feed(&[S]), None, "writing slides");
    assert_eq!(rig.counted(), (2, 1, 0));
    later.wait(1_000_000);
    assert_eq!(later.counted(), (0, 0, 0));
    assert_eq!(later.feed(&[F; 4]), None);
    assert_eq!(later.counted(), (4, 4, 0));
}

/// P33: in a window by time the rate also rises when successes leave; a success does not open it then, the next failure
/// does.
#[test]
fn p33_successes_that_expire() {
    let mut rig = Rig::new(BY_TIME);
    assert_eq!(rig.feed(&[S; 10]), None);
    rig.wait(10);
    assert_eq!(rig.feed(&[F; 6]), None);
    rig.wait(10);
    assert_eq!(rig.metrics().failure_rate, ratio(1, 1));
    assert_eq!(rig.feed(&[S]), None);
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false));
}

/// P33: dropping below the minimum and reaching it again is completing it.
#[test]
fn p33_the_minimum_is_completed_again() {
    let mut rig = Rig::new(BY_TIME);
    assert_eq!(rig.feed(&[S; 10]), None);
    rig.wait(10);
    assert_eq!(rig.feed(&[F; 4]), None);
    rig.wait(10);
    assert_eq!(rig.metrics().failure_rate, None);
    assert_eq!(named(rig.feed(&[S])).2, threshold(true, false), "4 of 5");
}

/// P36: a small step back costs nothing; after a big one the results grow old from there.
#[test]
fn p36_a_backward_clock_and_the_time_window() {
    let mut rig = Rig::new(BY_TIME);
    assert_eq!(rig.feed(&[F, F]), None);
    rig.now = at(990);
    assert_eq!(rig.feed(&[F]), None);
    assert_eq!(rig.counted(), (3, 3, 0));
    // In the newest bucket, which leaves when its time comes.
    rig.now = at(1_019);
    assert_eq!(rig.counted(), (3, 3, 0));
    rig.now = at(1_020);
    assert_eq!(rig.counted(), (0, 0, 0));

    let mut rig = Rig::new(BY_TIME);
    assert_eq!(rig.feed(&[F, F]), None);
    rig.now = at(10);
    assert_eq!(rig.feed(&[F]), None);
    rig.now = at(29);
    assert_eq!(rig.counted(), (3, 3, 0));
    rig.now = at(30);
    assert_eq!(rig.counted(), (0, 0, 0), "not immortal");
}

/// P34, P36: what could misbehave can't be built.
#[test]
fn p34_wrong_configurations_are_refused() {
    use ConfigError as E;
    let rates = |minimum| Rates::new(HALF, minimum).build();
    assert_eq!(Rates::new(Ratio::ZERO, 1).build(), Err(E::BreakerRate));
    assert_eq!(Rates::new(Ratio::TWO, 1).build(), Err(E::BreakerRate));
    assert!(Rates::new(Ratio::ONE, 1).build().is_ok());
    assert_eq!(rates(0), Err(E::BreakerMinimum));
    let valid_rates = rates(5).expect("valid");
    assert_eq!(valid_rates.to_builder().slow(Duration::ZERO, HALF).build(), Err(E::BreakerSlowZero));
    assert_eq!(valid_rates.to_builder().slow(LONG, Ratio::ZERO).build(), Err(E::BreakerRate));
    assert_eq!(valid_rates.to_builder().slow(LONG, Ratio::TWO).build(), Err(E::BreakerRate));

    // A window that can't hold the minimum would never trip.
    assert_eq!(
        breaker::Config::<CountWindow<4>>::by_count(valid_rates, OPEN).build(),
        Err(E::BreakerMinimum)
    );
    assert!(breaker::Config::<CountWindow<5>>::by_count(valid_rates, OPEN).build().is_ok());
    assert_eq!(breaker::Config::<CountWindow<0>>::by_count(valid_rates, OPEN).build(), Err(E::BreakerWindow));
    assert_eq!(
        breaker::Config::<TimeWindow<0>>::by_time(valid_rates, SPAN, OPEN).build(),
        Err(E::BreakerWindow)
    );
    let no_span = breaker::Config::<TimeWindow<5>>::by_time(valid_rates, Duration::ZERO, OPEN).build();
    assert_eq!(no_span, Err(E::BreakerWindow));
    assert_eq!(BY_COUNT.to_builder().probes(17).build(), Err(E::BreakerProbes));
    let five = breaker::Config::<CountWindow<5>>::by_count(valid_rates, OPEN).build().expect("valid");
    assert_eq!(five.to_builder().probes(6).build(), Err(E::BreakerProbes), "their results would not fit");
    assert!(five.to_builder().probes(5).build().is_ok());
    let closed_at_once = breaker::Config::<CountWindow<5>>::by_count(valid_rates, Duration::ZERO).build();
    assert_eq!(closed_at_once, Err(E::BreakerOpenTime));
}

/// P34: windows of 1 µs and of all time, results of 0 and of all time, and every instant: no panic, and a span that
/// is no multiple of the buckets is not cut short.
#[test]
fn p34_extremes_are_total() {
    for span in [Duration::from_nanos(1), Duration::from_micros(7), Duration::MAX] {
        let config = breaker::Config::<TimeWindow<3>>::by_time(RATES, span, OPEN).build().expect("valid");
        let mut breaker = CircuitBreaker::new();
        for now in [Instant::ZERO, at(9), Instant::MAX, Instant::ZERO, at(3), Instant::MAX] {
            for outcome in [Outcome::Failure(Duration::MAX), Outcome::Success(Duration::ZERO)] {
                if let Ok(permit) = breaker.try_acquire(&config, now, &mut rng()) {
                    breaker.record(&config, now, permit, outcome, &mut rng());
                }
                breaker.handle_timeout(&config, now, &mut rng());
                assert!(breaker.metrics(&config, now).calls <= 12);
            }
        }
    }
    // 7 µs in 3 buckets of 3 µs.
    let config = breaker::Config::<TimeWindow<3>>::by_time(RATES, Duration::from_micros(7), OPEN)
        .build()
        .expect("valid");
    let mut rig = Rig::new(config);
    rig.now = Instant::from_micros(2);
    assert_eq!(rig.feed(&[F]), None);
    rig.now = Instant::from_micros(8);
    assert_eq!(rig.counted(), (1, 1, 0));
    rig.now = Instant::from_micros(9);
    assert_eq!(rig.counted(), (0, 0, 0));
}

/// The default breaker returns its transitions too, and its modes are the same.
#[test]
fn consecutive_transitions_are_data() {
    let config = breaker::Config::new(2, OPEN).build().expect("valid");
    let (mut breaker, mut rng) = (CircuitBreaker::new(), rng());
    let permit = breaker.try_acquire(&config, at(0), &mut rng).expect("closed");
    assert_eq!(breaker.failure(&config, at(0), permit, &mut rng), None);
    let opened = breaker.failure(&config, at(0), permit, &mut rng);
    assert_eq!(named(opened), (breaker::Phase::Closed, breaker::Phase::Open, threshold(true, false)));
    let [None, Some(half)] = breaker.handle_timeout(&config, at(7), &mut rng) else { panic!("half-open") };
    assert_eq!((half.at, half.why), (at(5), breaker::Cause::OpenTimeOver));
    let probe = breaker.try_acquire(&config, at(7), &mut rng).expect("a probe");
    let reopened = breaker.clone().failure(&config, at(8), probe, &mut rng);
    assert_eq!(
        named(reopened),
        (breaker::Phase::HalfOpen, breaker::Phase::Open, breaker::Cause::ProbeFailed)
    );
    let closed = breaker.success(&config, at(8), probe);
    assert_eq!(
        named(closed),
        (breaker::Phase::HalfOpen, breaker::Phase::Closed, breaker::Cause::ProbesPassed)
    );

    breaker.metrics_only();
    let permit = breaker.try_acquire(&config, at(9), &mut rng).expect("admitted");
    let events = [(); 5].map(|()| breaker.failure(&config, at(9), permit, &mut rng).is_some());
    assert_eq!(events, [false, true, false, false, false]);
    breaker.open_until(at(100));
    assert_eq!(breaker.check(&config, at(99)), Err(Denied { until: Some(at(100)) }));
}

/// The sizes that the types' documentation states.
#[test]
fn sizes() {
    assert_eq!(size_of::<CountWindow<100>>(), 100 + 16);
    assert_eq!(size_of::<TimeWindow<10>>(), 10 * 12 + 24);
    assert_eq!(size_of::<CircuitBreaker<CountWindow<100>>>(), 20 + 100 + 16);
    assert_eq!(size_of::<CircuitBreaker<TimeWindow<10>>>(), 24 + 10 * 12 + 24);
    assert_eq!(size_of::<Option<Transition>>(), 16);
}
