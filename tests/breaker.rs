//! The circuit breaker through its public API: one test for each rule, and random calls against a naive model.

use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;
use redial::breaker::{self, Permit};
use redial::budget::Denied;
use redial::rand_core::Rng;
use redial::{CircuitBreaker, ConfigError, Instant, Ratio, SplitMix64};

const OPEN: Duration = Duration::from_secs(60);
/// F101: 5 failures, 60 s.
const CONFIG: breaker::Config = breaker::Config::new(5, OPEN).build_const();
const FOUR_PROBES: breaker::Config = CONFIG.to_builder().probes(4).build_const();

const fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn rng() -> SplitMix64 {
    SplitMix64::new(1)
}

fn until(seconds: u64) -> Denied {
    Denied { until: Some(at(seconds)) }
}

const fn half_open(probes_out: u8, probes_succeeded: u8) -> Shape {
    Shape::HalfOpen(probes_out, probes_succeeded)
}

/// `breaker::State` in a form that tests can build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Closed(u32),
    Open(Instant),
    HalfOpen(u8, u8),
    ForcedOpen,
    Disabled,
}

fn shape(breaker: &CircuitBreaker, now: Instant) -> Shape {
    match breaker.state(now) {
        breaker::State::Closed { failures } => Shape::Closed(failures),
        breaker::State::Open { until } => Shape::Open(until),
        breaker::State::HalfOpen { probes_out, probes_succeeded, .. } => {
            Shape::HalfOpen(probes_out, probes_succeeded)
        }
        breaker::State::ForcedOpen => Shape::ForcedOpen,
        breaker::State::Disabled => Shape::Disabled,
        other => panic!("unknown state {other:?}"),
    }
}

fn acquire(breaker: &mut CircuitBreaker, config: &breaker::Config, now: Instant) -> Result<Permit, Denied> {
    breaker.try_acquire(config, now, &mut rng())
}

fn fail(breaker: &mut CircuitBreaker, config: &breaker::Config, now: Instant) {
    let permit = acquire(breaker, config, now).expect("a permit");
    breaker.failure(config, now, permit, &mut rng());
}

/// Opened by five failures at `seconds`.
fn opened(config: &breaker::Config, seconds: u64) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..5 {
        fail(&mut breaker, config, at(seconds));
    }
    breaker
}

/// S89, F101, F102, F103, P37: five failures, open for 60 s and saying so, exactly one probe; it fails: open again for
/// twice as long; it opens and then closes: a failure too; it becomes ready: closed and starting over.
#[test]
fn s89_the_whole_sequence() {
    let config = CONFIG.to_builder().growth(Ratio::TWO, Duration::from_secs(600)).build().expect("valid");
    let mut breaker = CircuitBreaker::new();
    for second in 0..5 {
        assert_eq!(shape(&breaker, at(second)), Shape::Closed(second as u32));
        fail(&mut breaker, &config, at(second));
    }
    assert_eq!(shape(&breaker, at(4)), Shape::Open(at(64)));
    for second in 4..64 {
        assert_eq!(acquire(&mut breaker, &config, at(second)), Err(until(64)));
    }

    let probe = acquire(&mut breaker, &config, at(64)).expect("one probe");
    assert!(probe.is_probe());
    assert_eq!(acquire(&mut breaker, &config, at(64)), Err(until(124)), "the end of the probe's lease");
    breaker.failure(&config, at(70), probe, &mut rng());
    assert_eq!(acquire(&mut breaker, &config, at(71)), Err(until(190)));

    // The socket opens and closes before the session is ready: the caller reports what it amounts to.
    fail(&mut breaker, &config, at(190));
    assert_eq!(acquire(&mut breaker, &config, at(191)), Err(until(430)));

    let probe = acquire(&mut breaker, &config, at(430)).expect("one probe");
    breaker.success(&config, at(431), probe);
    assert_eq!(shape(&breaker, at(431)), Shape::Closed(0));
    for _ in 0..5 {
        fail(&mut breaker, &config, at(440));
    }
    assert_eq!(acquire(&mut breaker, &config, at(441)), Err(until(500)), "the ladder started over");
}

/// F101: failures count in a row; a success between them starts the count again.
#[test]
fn f101_only_failures_in_a_row_open() {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..100 {
        for _ in 0..4 {
            fail(&mut breaker, &CONFIG, at(0));
        }
        let permit = acquire(&mut breaker, &CONFIG, at(0)).expect("closed");
        assert!(!permit.is_probe());
        breaker.success(&CONFIG, at(0), permit);
    }
    assert_eq!(shape(&breaker, at(0)), Shape::Closed(0));
}

/// F101: the open time runs from the last failure, not from the first or from the permit.
#[test]
fn f101_the_open_time_runs_from_the_last_failure() {
    let mut breaker = CircuitBreaker::new();
    let permits = [0, 1, 2, 3, 4].map(|s| acquire(&mut breaker, &CONFIG, at(s)).expect("closed"));
    for (permit, second) in permits.into_iter().zip([10, 20, 30, 40, 50]) {
        breaker.failure(&CONFIG, at(second), permit, &mut rng());
    }
    assert_eq!(shape(&breaker, at(50)), Shape::Open(at(110)));
}

/// F102, P28: a thousand that ask a half-open breaker at once: one gets a probe. (Two peers admit all thousand.)
#[test]
fn p28_half_open_admits_one_of_a_thousand() {
    let mut breaker = opened(&CONFIG, 0);
    let admitted = (0..1_000).filter(|_| acquire(&mut breaker, &CONFIG, at(60)).is_ok()).count();
    assert_eq!(admitted, 1);
}

/// F103: an endpoint that accepts and closes keeps failing its probes, however often the socket opened.
#[test]
fn f103_the_verdict_is_the_callers_and_comes_once() {
    let mut breaker = opened(&CONFIG, 0);
    let probe = acquire(&mut breaker, &CONFIG, at(60)).expect("probe");
    // Nothing is counted while the session is not ready.
    assert_eq!(shape(&breaker, at(61)), half_open(1, 0));
    breaker.failure(&CONFIG, at(62), probe, &mut rng());
    breaker.success(&CONFIG, at(62), probe);
    assert_eq!(shape(&breaker, at(62)), Shape::Open(at(122)));
}

/// P29: the result of an attempt from before the trip neither closes the half-open breaker nor opens it again.
#[test]
fn p29_late_results_do_not_count() {
    let mut breaker = CircuitBreaker::new();
    let early = acquire(&mut breaker, &CONFIG, at(0)).expect("closed");
    for _ in 0..5 {
        fail(&mut breaker, &CONFIG, at(1));
    }
    let probe = acquire(&mut breaker, &CONFIG, at(61)).expect("probe");
    let before = breaker.clone();
    breaker.success(&CONFIG, at(62), early);
    breaker.failure(&CONFIG, at(62), early, &mut rng());
    breaker.release(early);
    assert_eq!(breaker, before);

    // A probe of an earlier half-open cycle, while a newer one is out.
    breaker.failure(&CONFIG, at(62), probe, &mut rng());
    acquire(&mut breaker, &CONFIG, at(122)).expect("next probe");
    let before = breaker.clone();
    breaker.success(&CONFIG, at(123), probe);
    breaker.failure(&CONFIG, at(123), probe, &mut rng());
    breaker.release(probe);
    assert_eq!(breaker, before);
}

/// P30: a probe that never answers does not keep the breaker half-open; neither do many cycles of them.
#[test]
fn p30_no_permanent_half_open() {
    let mut breaker = opened(&FOUR_PROBES, 0);
    let mut now = at(0);
    let mut admitted = 0;
    for _ in 0..96 {
        match acquire(&mut breaker, &FOUR_PROBES, now) {
            Ok(_) => admitted += 1,
            Err(rejected) => now = rejected.until.expect("always a time to come back"),
        }
    }
    // Every cycle: refused for the open time, four probes, refused for their lease.
    assert_eq!(admitted, 96 / 6 * 4);
    // One that answers at last closes it, whatever went before.
    while acquire(&mut breaker, &CONFIG, now).is_err() {
        now = now.saturating_add(OPEN);
    }
    let mut spaced = 0;
    for _ in 0..50 {
        now = now.saturating_add(OPEN);
        if let Ok(permit) = acquire(&mut breaker, &CONFIG, now) {
            breaker.success(&CONFIG, now, permit);
            spaced += 1;
        }
    }
    assert!(spaced >= 48, "a healthy backend is reached: {spaced} of 50");
}

/// P31: ten thousand successes buy nothing: the next five failures open.
#[test]
fn p31_history_does_not_delay_the_trip() {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..10_000 {
        let permit = acquire(&mut breaker, &CONFIG, at(0)).expect("closed");
        breaker.success(&CONFIG, at(0), permit);
    }
    for _ in 0..5 {
        fail(&mut breaker, &CONFIG, at(1));
    }
    assert_eq!(shape(&breaker, at(1)), Shape::Open(at(61)));
}

/// P32: results without a probe out do not take from the number of probes; it can't wrap to "unlimited".
#[test]
fn p32_the_probe_count_never_wraps() {
    let mut breaker = opened(&FOUR_PROBES, 0);
    let probe = acquire(&mut breaker, &FOUR_PROBES, at(60)).expect("probe");
    for _ in 0..10 {
        breaker.release(probe);
        breaker.success(&FOUR_PROBES, at(61), probe);
        breaker.failure(&FOUR_PROBES, at(61), probe, &mut rng());
    }
    assert_eq!(shape(&breaker, at(61)), half_open(0, 0));
    let admitted = (0..100).filter(|_| acquire(&mut breaker, &FOUR_PROBES, at(61)).is_ok()).count();
    assert_eq!(admitted, 4);
}

/// P33: at one failure below the limit, no number of successes opens; equality with the limit always does.
#[test]
fn p33_a_success_never_opens() {
    let mut breaker = CircuitBreaker::new();
    let permits = [(); 4].map(|()| acquire(&mut breaker, &CONFIG, at(0)).expect("closed"));
    for permit in permits {
        breaker.failure(&CONFIG, at(0), permit, &mut rng());
    }
    assert_eq!(shape(&breaker, at(0)), Shape::Closed(4));
    for permit in permits {
        breaker.success(&CONFIG, at(0), permit);
        assert_eq!(shape(&breaker, at(0)), Shape::Closed(0));
    }
}

/// P34: extreme durations and instants neither panic nor give an open time of 0.
#[test]
fn p34_extremes_are_total() {
    let tiny = breaker::Config::new(1, Duration::from_nanos(1)).build().expect("valid");
    let mut breaker = CircuitBreaker::new();
    fail(&mut breaker, &tiny, at(0));
    assert_eq!(shape(&breaker, at(0)), Shape::Open(Instant::from_micros(1)));

    let huge = breaker::Config::new(u32::MAX, Duration::MAX)
        .growth(Ratio::new_const(u32::MAX, 1), Duration::MAX)
        .jitter(Ratio::ONE)
        .lease(Duration::MAX)
        .build()
        .expect("valid");
    let one = breaker::Config::new(1, Duration::MAX).build().expect("valid");
    let mut breaker = CircuitBreaker::new();
    for now in [Instant::ZERO, at(9), Instant::MAX, Instant::ZERO, Instant::MAX] {
        for config in [&huge, &one] {
            if let Ok(permit) = acquire(&mut breaker, config, now) {
                breaker.failure(config, now, permit, &mut rng());
            }
            breaker.handle_timeout(config, now, &mut rng());
        }
    }
    assert!(acquire(&mut breaker, &one, Instant::MAX).is_ok());

    // Sub-second and fractional times are exact.
    let fraction = breaker::Config::new(1, Duration::from_micros(1_900_001)).build().expect("valid");
    let mut breaker = CircuitBreaker::new();
    fail(&mut breaker, &fraction, at(0));
    assert_eq!(shape(&breaker, at(0)), Shape::Open(Instant::from_micros(1_900_001)));
}

/// P34: what could misbehave can't be built.
#[test]
fn p34_wrong_configurations_are_refused() {
    use ConfigError as E;
    let second = Duration::from_secs(1);
    assert_eq!(breaker::Config::new(0, second).build(), Err(E::BreakerFailuresZero));
    assert_eq!(breaker::Config::new(1, Duration::ZERO).build(), Err(E::BreakerOpenTime));
    assert_eq!(CONFIG.to_builder().growth(Ratio::TWO, second).build(), Err(E::BreakerOpenTime));
    assert_eq!(
        CONFIG.to_builder().growth(Ratio::new(1, 2).expect("ratio"), OPEN).build(),
        Err(E::FactorBelowOne)
    );
    assert_eq!(CONFIG.to_builder().jitter(Ratio::TWO).build(), Err(E::JitterAboveOne));
    assert_eq!(CONFIG.to_builder().probes(0).build(), Err(E::BreakerProbes));
    assert_eq!(CONFIG.to_builder().probes(breaker::Config::MAX_PROBES + 1).build(), Err(E::BreakerProbes));
    assert_eq!(CONFIG.to_builder().lease(Duration::ZERO).build(), Err(E::BreakerLeaseZero));
    assert!(CONFIG.to_builder().probes(breaker::Config::MAX_PROBES).build().is_ok());
}

/// P35: a health check reads; it starts no half-open cycle and takes no probe.
#[test]
fn p35_check_changes_nothing_and_agrees() {
    let breaker = opened(&CONFIG, 0);
    assert_eq!(breaker.check(&CONFIG, at(59)), Err(until(60)));
    for _ in 0..10 {
        assert_eq!(breaker.check(&CONFIG, at(60)), Ok(()));
    }
    assert_eq!(breaker, opened(&CONFIG, 0));

    let mut breaker = breaker;
    acquire(&mut breaker, &CONFIG, at(60)).expect("the probe is still there");
    assert_eq!(breaker.check(&CONFIG, at(61)), Err(until(120)), "until the lease ends");
    assert_eq!(breaker.check(&CONFIG, at(120)), Err(until(180)), "the lease ended: open again");
    assert_eq!(breaker.check(&CONFIG, at(180)), Ok(()));
}

/// P36: after a jump of the clock to the far future and back, the wait is one open time, not the jump.
#[test]
fn p36_a_clock_that_ran_backwards_costs_one_open_time() {
    let mut breaker = opened(&CONFIG, 1_000_000);
    assert_eq!(acquire(&mut breaker, &CONFIG, at(10)), Err(until(70)));
    assert_eq!(
        acquire(&mut breaker, &CONFIG, at(69)),
        Err(until(70)),
        "it does not move along with the clock"
    );
    acquire(&mut breaker, &CONFIG, at(70)).expect("half-open");

    // The same for the lease of a probe.
    let mut breaker = opened(&CONFIG, 1_000_000);
    acquire(&mut breaker, &CONFIG, at(1_000_060)).expect("probe");
    assert_eq!(acquire(&mut breaker, &CONFIG, at(10)), Err(until(70)));
    assert_eq!(acquire(&mut breaker, &CONFIG, at(70)), Err(until(130)));

    // A small step back shortens nothing.
    let mut breaker = opened(&CONFIG, 100);
    assert_eq!(acquire(&mut breaker, &CONFIG, at(100)), Err(until(160)));
    assert_eq!(acquire(&mut breaker, &CONFIG, at(100)), Err(until(160)));
}

/// P37: every refusal but a forced one says when to come back, that is in the future, and coming back then is enough.
#[test]
fn p37_the_time_to_come_back_is_data() {
    let mut breaker = opened(&CONFIG, 0);
    let mut now = at(0);
    for _ in 0..20 {
        match acquire(&mut breaker, &CONFIG, now) {
            Ok(_) => {}
            Err(Denied { until }) => {
                let until = until.expect("a time");
                assert!(until > now);
                assert_eq!(breaker.poll_timeout(), Some(until), "one deadline");
                now = until;
            }
        }
    }
    assert_eq!(until(64).to_string(), "not admitted before 64000000 µs");
}

/// Lifecycle 83: refused up to the last microsecond; admitted exactly at `until`.
#[test]
fn lifecycle_83_equality_is_elapsed() {
    let config = breaker::Config::new(5, Duration::from_secs(5)).build().expect("valid");
    let mut breaker = opened(&config, 0);
    assert_eq!(acquire(&mut breaker, &config, at(3)), Err(until(5)));
    let last = Instant::from_micros(4_999_999);
    assert_eq!(acquire(&mut breaker, &config, last), Err(until(5)));
    assert_eq!(shape(&breaker, last), Shape::Open(at(5)));
    assert_eq!(shape(&breaker, at(5)), half_open(0, 0), "nobody has asked yet");
    acquire(&mut breaker, &config, at(5)).expect("the first permit");
    assert_eq!(shape(&breaker, at(5)), half_open(1, 0));
}

/// Lifecycle 84: four probes, not five; a released one is free again; all four must succeed.
#[test]
fn lifecycle_84_exactly_n_probes_and_all_decide() {
    let mut breaker = opened(&FOUR_PROBES, 0);
    let probes = [(); 4].map(|()| acquire(&mut breaker, &FOUR_PROBES, at(60)).expect("probe"));
    assert!(acquire(&mut breaker, &FOUR_PROBES, at(60)).is_err());
    assert!(acquire(&mut breaker, &FOUR_PROBES, at(60)).is_err());
    breaker.release(probes[1]);
    let again = acquire(&mut breaker, &FOUR_PROBES, at(60)).expect("the slot is free");
    assert!(acquire(&mut breaker, &FOUR_PROBES, at(60)).is_err());

    for (n, probe) in [probes[0], again, probes[2]].into_iter().enumerate() {
        breaker.success(&FOUR_PROBES, at(61), probe);
        // Used twice, it counts once.
        breaker.success(&FOUR_PROBES, at(61), probe);
        assert_eq!(shape(&breaker, at(61)), half_open(3 - n as u8, n as u8 + 1));
        assert!(acquire(&mut breaker, &FOUR_PROBES, at(61)).is_err(), "a success frees no slot");
    }
    let mut failing = breaker.clone();
    breaker.success(&FOUR_PROBES, at(62), probes[3]);
    assert_eq!(shape(&breaker, at(62)), Shape::Closed(0));
    failing.failure(&FOUR_PROBES, at(62), probes[3], &mut rng());
    assert_eq!(shape(&failing, at(62)), Shape::Open(at(122)), "three of four are not enough");
}

/// Lifecycle 84: a failure from a probe whose success was counted changes nothing.
#[test]
fn lifecycle_84_a_probe_has_one_verdict() {
    let mut breaker = opened(&FOUR_PROBES, 0);
    let probe = acquire(&mut breaker, &FOUR_PROBES, at(60)).expect("probe");
    breaker.success(&FOUR_PROBES, at(60), probe);
    let before = breaker.clone();
    breaker.failure(&FOUR_PROBES, at(60), probe, &mut rng());
    breaker.release(probe);
    assert_eq!(breaker, before);
}

/// Lifecycle 85: the end of the lease is a failure, by timeout, by the next permit or by the late verdict alike.
#[test]
fn lifecycle_85_an_unanswered_probe_fails_at_the_end_of_its_lease() {
    let config = CONFIG.to_builder().lease(Duration::from_secs(10)).build().expect("valid");
    let mut breaker = opened(&config, 0);
    let probe = acquire(&mut breaker, &config, at(60)).expect("probe");
    assert_eq!(breaker.poll_timeout(), Some(at(70)));
    breaker.handle_timeout(&config, Instant::from_micros(69_999_999), &mut rng());
    assert_eq!(shape(&breaker, at(69)), half_open(1, 0), "early calls do nothing");

    // The open time counts from the end of the lease, however and whenever that is noticed.
    let mut by_timeout = breaker.clone();
    by_timeout.handle_timeout(&config, at(75), &mut rng());
    assert_eq!(shape(&by_timeout, at(75)), Shape::Open(at(130)));
    let again = by_timeout.clone();
    by_timeout.handle_timeout(&config, at(75), &mut rng());
    assert_eq!(by_timeout, again, "repeated calls do nothing");

    let mut by_permit = breaker.clone();
    assert_eq!(acquire(&mut by_permit, &config, at(75)), Err(until(130)));
    assert_eq!(by_permit, by_timeout);

    let mut by_failure = breaker.clone();
    by_failure.failure(&config, at(75), probe, &mut rng());
    assert_eq!(by_failure, by_timeout);

    // A success at the end of the lease comes too late.
    let mut by_success = breaker.clone();
    by_success.success(&config, at(70), probe);
    by_success.handle_timeout(&config, at(75), &mut rng());
    assert_eq!(by_success, by_timeout);

    // After a long sleep the open time is over as well.
    acquire(&mut breaker, &config, at(3_600)).expect("the next probe");
    assert_eq!(shape(&breaker, at(3_600)), half_open(1, 0));
}

/// Lifecycle 86: a result from before the trip, while open: no change, no extension.
#[test]
fn lifecycle_86_open_ignores_late_results() {
    let mut breaker = CircuitBreaker::new();
    let late = acquire(&mut breaker, &CONFIG, at(0)).expect("closed");
    for _ in 0..5 {
        fail(&mut breaker, &CONFIG, at(0));
    }
    let before = breaker.clone();
    breaker.failure(&CONFIG, at(50), late, &mut rng());
    breaker.success(&CONFIG, at(50), late);
    assert_eq!(breaker, before);
}

/// Lifecycle 87: the open time grows with each failed probe, 0 1 2 3 4, and after a close 0 1 2.
#[test]
fn lifecycle_87_the_open_time_grows_and_resets() {
    let factor = Ratio::new(3, 2).expect("ratio");
    let config = breaker::Config::new(1, Duration::from_millis(5_000))
        .growth(factor, Duration::from_millis(20_000))
        .build()
        .expect("valid");
    let mut breaker = CircuitBreaker::new();
    let mut now = at(0);
    let mut open_times = |breaker: &mut CircuitBreaker, count: usize| -> Vec<u128> {
        let times = (0..count).map(|_| {
            fail(breaker, &config, now);
            let Shape::Open(until) = shape(breaker, now) else { panic!("not open") };
            let open = until.saturating_duration_since(now);
            now = until;
            open.as_micros()
        });
        let times = times.collect();
        let probe = acquire(breaker, &config, now).expect("probe");
        breaker.success(&config, now, probe);
        times
    };
    assert_eq!(open_times(&mut breaker, 5), [5_000_000, 7_500_000, 11_250_000, 16_875_000, 20_000_000]);
    assert_eq!(open_times(&mut breaker, 3), [5_000_000, 7_500_000, 11_250_000]);
}

/// Lifecycle 87: growth without a bound saturates, and the count of failed probes does not wrap back to 0.
#[test]
fn lifecycle_87_growth_saturates() {
    let open_after = |probes: u32, max: Duration| {
        let second = Duration::from_secs(1);
        let config = breaker::Config::new(1, second).growth(Ratio::TWO, max).build().expect("valid");
        let mut breaker = CircuitBreaker::new();
        let mut now = at(0);
        for _ in 0..probes {
            fail(&mut breaker, &config, now);
            now = breaker.poll_timeout().expect("open");
        }
        fail(&mut breaker, &config, now);
        breaker.poll_timeout().expect("open").saturating_duration_since(now)
    };
    let hour = Duration::from_secs(3_600);
    assert_eq!(open_after(11, hour), Duration::from_secs(2_048));
    for probes in [12, 255, 256, 300] {
        assert_eq!(open_after(probes, hour), hour);
    }
    // The end of time: nothing overflows on the way there.
    assert_eq!(open_after(300, Duration::MAX), Duration::ZERO);
}

/// Lifecycle 88: with jitter, breakers that opened together probe apart, never early and inside the window; without,
/// nothing is drawn.
#[test]
fn lifecycle_88_open_times_are_jittered() {
    let config = CONFIG.to_builder().jitter("0.5".parse().expect("ratio")).build().expect("valid");
    let mut buckets = [0_u32; 3];
    for seed in 0..3_000 {
        let mut rng = SplitMix64::new(seed);
        let mut breaker = CircuitBreaker::new();
        for _ in 0..5 {
            let permit = breaker.try_acquire(&config, at(0), &mut rng).expect("closed");
            breaker.failure(&config, at(0), permit, &mut rng);
        }
        let Shape::Open(until) = shape(&breaker, at(0)) else { panic!("not open") };
        assert!(at(60) <= until && until < at(90), "{until:?}");
        buckets[((until.as_micros() - 60_000_000) / 10_000_000) as usize] += 1;
    }
    assert!(buckets.iter().all(|&n| (900..1_100).contains(&n)), "{buckets:?}");

    let mut untouched = rng();
    let mut breaker = CircuitBreaker::new();
    for _ in 0..5 {
        let permit = breaker.try_acquire(&CONFIG, at(0), &mut untouched).expect("closed");
        breaker.failure(&CONFIG, at(0), permit, &mut untouched);
    }
    assert_eq!(untouched.next_u64(), rng().next_u64());
}

/// Lifecycle 88: `check` never promises more than `try_acquire` keeps, even where a draw is still due.
#[test]
fn lifecycle_88_check_answers_with_the_longest_draw() {
    let config = CONFIG.to_builder().jitter(Ratio::ONE).build().expect("valid");
    let mut breaker = opened(&config, 0);
    let Some(open_until) = breaker.poll_timeout() else { panic!("open") };
    acquire(&mut breaker, &config, open_until).expect("probe");
    let lease_end = open_until.saturating_add(Duration::from_secs(60));
    let longest = lease_end.saturating_add(Duration::from_secs(120));
    assert_eq!(breaker.check(&config, lease_end), Err(Denied { until: Some(longest) }));
    acquire(&mut breaker, &config, longest).expect("kept");
}

/// Lifecycle 89: forced open ignores time and results; disabled admits everything and records nothing.
#[test]
fn lifecycle_89_forced_open_and_disabled() {
    let mut breaker = CircuitBreaker::new();
    let permit = acquire(&mut breaker, &CONFIG, at(0)).expect("closed");
    breaker.force_open();
    breaker.success(&CONFIG, at(0), permit);
    assert_eq!(shape(&breaker, at(0)), Shape::ForcedOpen);
    assert_eq!(breaker.poll_timeout(), None);
    for now in [at(0), at(6), Instant::MAX] {
        breaker.handle_timeout(&CONFIG, now, &mut rng());
        assert_eq!(acquire(&mut breaker, &CONFIG, now), Err(Denied { until: None }));
    }

    breaker.disable();
    for _ in 0..100 {
        fail(&mut breaker, &CONFIG, at(0));
    }
    assert_eq!(shape(&breaker, at(0)), Shape::Disabled);

    breaker.reset();
    assert_eq!(shape(&breaker, at(0)), Shape::Closed(0));
    breaker.failure(&CONFIG, at(0), permit, &mut rng());
    assert_eq!(shape(&breaker, at(0)), Shape::Closed(0), "permits from before are void");
}

/// Lifecycle 87: a reset forgets the failures and the growth.
#[test]
fn reset_starts_over() {
    let config = CONFIG.to_builder().growth(Ratio::TWO, Duration::from_secs(600)).build().expect("valid");
    let mut breaker = opened(&config, 0);
    fail(&mut breaker, &config, at(60));
    breaker.reset();
    for _ in 0..5 {
        fail(&mut breaker, &config, at(100));
    }
    assert_eq!(shape(&breaker, at(100)), Shape::Open(at(160)));
}

/// A standalone driver that obeys `poll_timeout` does not spin: every deadline that is handled goes away.
#[test]
fn handled_deadlines_do_not_come_back() {
    let mut breaker = opened(&CONFIG, 0);
    assert_eq!(breaker.poll_timeout(), Some(at(60)));
    breaker.handle_timeout(&CONFIG, at(60), &mut rng());
    assert_eq!(breaker.poll_timeout(), None);
    acquire(&mut breaker, &CONFIG, at(60)).expect("probe");
    breaker.handle_timeout(&CONFIG, at(120), &mut rng());
    assert_eq!(breaker.poll_timeout(), Some(at(180)));
}

/// A configuration that asks for fewer probes in the middle of a cycle does not wedge it.
#[test]
fn a_changed_configuration_does_not_wedge() {
    let mut breaker = opened(&FOUR_PROBES, 0);
    let probe = acquire(&mut breaker, &FOUR_PROBES, at(60)).expect("probe");
    breaker.success(&FOUR_PROBES, at(60), probe);
    assert!(!acquire(&mut breaker, &CONFIG, at(61)).expect("one success is enough now").is_probe());
    assert_eq!(shape(&breaker, at(61)), Shape::Closed(0));
}

/// The sizes the type's documentation states.
#[test]
fn sizes() {
    assert_eq!(size_of::<CircuitBreaker>(), 24);
    assert_eq!(size_of::<Option<Permit>>(), 8);
}

// A model that is naive on purpose: every permit has a number and a row in a table, time is a plain integer and nothing is
// packed. It covers a clock that never runs backwards and no jitter.
#[derive(Clone, Debug)]
struct Model {
    failures: u32,
    open: u64,
    growth: u64,
    max: u64,
    probes: usize,
    lease: u64,
    phase: ModelPhase,
    reopenings: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ModelPhase {
    Closed { row: u32, members: Vec<usize> },
    Open { until: u64 },
    HalfOpen { out: BTreeSet<usize>, lease_end: u64, succeeded: usize },
    ForcedOpen,
    Disabled,
}

impl Model {
    fn advance(&mut self, now: u64) {
        match self.phase {
            ModelPhase::HalfOpen { ref out, lease_end, .. } if !out.is_empty() && now >= lease_end => {
                self.reopen(lease_end);
                self.advance(now);
            }
            ModelPhase::Open { until } if now >= until => {
                self.phase = ModelPhase::HalfOpen { out: BTreeSet::new(), lease_end: 0, succeeded: 0 };
            }
            _ => {}
        }
    }

    fn reopen(&mut self, at: u64) {
        self.reopenings += 1;
        let open = self.open * self.growth.pow(self.reopenings.min(20));
        self.phase = ModelPhase::Open { until: at + open.min(self.max) };
    }

    fn acquire(&mut self, now: u64, id: usize) -> Result<(), Option<u64>> {
        self.advance(now);
        match &mut self.phase {
            ModelPhase::Closed { members, .. } => members.push(id),
            ModelPhase::Open { until } => return Err(Some(*until)),
            ModelPhase::HalfOpen { out, lease_end, succeeded } => {
                if out.len() + *succeeded >= self.probes {
                    return Err(Some(*lease_end));
                }
                out.insert(id);
                *lease_end = now + self.lease;
            }
            ModelPhase::ForcedOpen => return Err(None),
            ModelPhase::Disabled => {}
        }
        Ok(())
    }

    fn success(&mut self, now: u64, id: usize) {
        match &mut self.phase {
            ModelPhase::Closed { row, members } if members.contains(&id) => *row = 0,
            ModelPhase::HalfOpen { out, lease_end, succeeded } if now < *lease_end => {
                *succeeded += usize::from(out.remove(&id));
                if *succeeded == self.probes {
                    self.reset();
                }
            }
            _ => {}
        }
    }

    fn failure(&mut self, now: u64, id: usize) {
        match &mut self.phase {
            ModelPhase::Closed { row, members } if members.contains(&id) => {
                *row += 1;
                if *row == self.failures {
                    self.phase = ModelPhase::Open { until: now + self.open };
                }
            }
            ModelPhase::HalfOpen { out, lease_end, .. } if out.contains(&id) => {
                let end = *lease_end;
                self.reopen(now.min(end));
            }
            _ => {}
        }
    }

    fn release(&mut self, id: usize) {
        if let ModelPhase::HalfOpen { out, .. } = &mut self.phase {
            out.remove(&id);
        }
    }

    fn reset(&mut self) {
        self.reopenings = 0;
        self.phase = ModelPhase::Closed { row: 0, members: Vec::new() };
    }

    fn shape(&self, now: u64) -> Shape {
        match &self.phase {
            ModelPhase::Closed { row, .. } => Shape::Closed(*row),
            ModelPhase::Open { until } if now < *until => Shape::Open(Instant::from_micros(*until)),
            ModelPhase::Open { .. } => Shape::HalfOpen(0, 0),
            ModelPhase::HalfOpen { out, succeeded, .. } => Shape::HalfOpen(out.len() as u8, *succeeded as u8),
            ModelPhase::ForcedOpen => Shape::ForcedOpen,
            ModelPhase::Disabled => Shape::Disabled,
        }
    }
}

/// `usize` picks one of the permits so far; many are late, some are used twice.
#[derive(Clone, Debug)]
enum Call {
    Wait(u64),
    Acquire,
    Success(usize),
    Failure(usize),
    Release(usize),
    Timeout,
    ForceOpen,
    Disable,
    Reset,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    // The picks come from the newest few, so that probes are answered too, and now and then from all.
    let pick = || prop_oneof![4 => 0..4_usize, 1 => 0..64_usize];
    let call = prop_oneof![
        6 => (0..60_u64).prop_map(Call::Wait),
        12 => Just(Call::Acquire),
        6 => pick().prop_map(Call::Success),
        12 => pick().prop_map(Call::Failure),
        2 => pick().prop_map(Call::Release),
        2 => Just(Call::Timeout),
    ];
    let operator =
        prop_oneof![Just(Call::ForceOpen), Just(Call::Disable), Just(Call::Reset), Just(Call::Reset)];
    prop::collection::vec(prop_oneof![60 => call, 1 => operator], 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// F101-F103, P28-P30, P33, P35, P37, lifecycle 83-87, 89: the breaker does what the naive model does, answer by
    /// answer; never more than N probes a cycle; a success never opens; stale permits change nothing; never wedged.
    #[test]
    fn agrees_with_a_naive_model(
        calls in calls(),
        failures in 1..5_u32,
        open in 1..50_u64,
        growth in 1..3_u64,
        max_factor in 1..10_u64,
        probes in 1..5_u8,
        lease in 1..80_u64,
    ) {
        let micros = Duration::from_micros;
        let max = open * max_factor;
        let config = breaker::Config::new(failures, micros(open))
            .growth(Ratio::new(growth as u32, 1).expect("a ratio"), micros(max))
            .probes(probes)
            .lease(micros(lease))
            .build()
            .expect("valid");
        let mut model = Model {
            failures, open, growth, max, lease,
            probes: usize::from(probes),
            phase: ModelPhase::Closed { row: 0, members: Vec::new() },
            reopenings: 0,
        };
        let mut breaker = CircuitBreaker::new();
        let mut rng = rng();
        let mut clock = 0;
        let mut permits: Vec<Permit> = Vec::new();
        // A released permit is spent by contract: its slot may belong to another probe.
        let mut released = Vec::new();

        for call in calls {
            let now = Instant::from_micros(clock);
            let before = breaker.clone();
            let chosen = |pick: usize| permits.len().checked_sub(pick + 1).filter(|id| !released.contains(id));
            match call {
                Call::Wait(span) => clock += span,
                Call::Acquire => {
                    let checked = breaker.check(&config, now);
                    let asked = breaker.try_acquire(&config, now, &mut rng);
                    let expected = model.acquire(clock, permits.len());
                    prop_assert_eq!(checked, asked.map(|_| ()));
                    prop_assert_eq!(
                        checked,
                        expected.map_err(|until| Denied { until: until.map(Instant::from_micros) })
                    );
                    if let Err(Denied { until: Some(until) }) = checked {
                        prop_assert!(until > now);
                    }
                    permits.extend(asked);
                }
                Call::Success(pick) => if let Some(id) = chosen(pick) {
                    breaker.success(&config, now, permits[id]);
                    model.success(clock, id);
                    let was_open = matches!(before.state(now), breaker::State::Open { .. });
                    let is_open = matches!(breaker.state(now), breaker::State::Open { .. });
                    prop_assert!(was_open || !is_open, "a success opened it");
                },
                Call::Failure(pick) => if let Some(id) = chosen(pick) {
                    breaker.failure(&config, now, permits[id], &mut rng);
                    model.failure(clock, id);
                },
                Call::Release(pick) => if let Some(id) = chosen(pick) {
                    breaker.release(permits[id]);
                    model.release(id);
                    released.push(id);
                },
                Call::Timeout => {
                    breaker.handle_timeout(&config, now, &mut rng);
                    model.advance(clock);
                    prop_assert!(breaker.poll_timeout().is_none_or(|deadline| deadline > now));
                }
                Call::ForceOpen => { breaker.force_open(); model.phase = ModelPhase::ForcedOpen; }
                Call::Disable => { breaker.disable(); model.phase = ModelPhase::Disabled; }
                Call::Reset => { breaker.reset(); model.reset(); }
            }
            let now = Instant::from_micros(clock);
            let state = shape(&breaker, now);
            prop_assert_eq!(state, model.shape(clock));
            if let Shape::HalfOpen(out, succeeded) = state {
                prop_assert!(out + succeeded <= probes);
            }
        }

        let later = Instant::from_micros(clock + lease + max);
        let forced = shape(&breaker, later) == Shape::ForcedOpen;
        prop_assert_eq!(breaker.try_acquire(&config, later, &mut rng).is_ok(), !forced, "wedged");
    }

    /// P36: with jitter and a clock that jumps anywhere, nothing panics, no more than N probes are out, and once the
    /// clock behaves the breaker admits within one lease and one longest open time of the first question.
    #[test]
    fn survives_any_clock(
        steps in prop::collection::vec((any::<u64>(), 0..5_u8, 0..8_usize), 0..100),
        probes in 1..17_u8,
        seed in any::<u64>(),
        restart in 0..u64::MAX / 2,
    ) {
        let config = breaker::Config::new(2, Duration::from_secs(60))
            .growth(Ratio::TWO, Duration::from_secs(600)).jitter(Ratio::ONE)
            .probes(probes).build()
            .expect("valid");
        let mut rng = SplitMix64::new(seed);
        let mut breaker = CircuitBreaker::new();
        let mut permits: Vec<Permit> = Vec::new();
        for (micros, what, pick) in steps {
            let now = Instant::from_micros(micros);
            let chosen = permits.len().checked_sub(pick + 1).map(|id| permits[id]);
            match (what, chosen) {
                (0, Some(permit)) => drop(breaker.success(&config, now, permit)),
                (1, Some(permit)) => drop(breaker.failure(&config, now, permit, &mut rng)),
                (2, Some(permit)) => breaker.release(permit),
                (3, _) => drop(breaker.handle_timeout(&config, now, &mut rng)),
                _ => {
                    let checked = breaker.check(&config, now).is_ok();
                    let asked = breaker.try_acquire(&config, now, &mut rng);
                    prop_assert!(asked.is_ok() || !checked, "check promised what try_acquire refused");
                    permits.extend(asked);
                }
            }
            if let breaker::State::HalfOpen { probes_out, probes_succeeded, .. } = breaker.state(now) {
                prop_assert!(probes_out + probes_succeeded <= probes);
            }
        }

        let mut now = Instant::from_micros(restart);
        let limit = now.saturating_add(Duration::from_secs(60 + 1_200));
        while let Err(rejected) = breaker.try_acquire(&config, now, &mut rng) {
            let until = rejected.until.expect("not forced");
            prop_assert!(now < until && until <= limit, "wedged: {:?} {:?}", until, limit);
            now = until;
        }
    }
}
