//! What opens a breaker, what closes it, and what a probe is.

use super::*;

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
