//! Times, jitter, growth, modes.

use super::*;

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

/// P29: a permit that was given back is spent: no late success of it closes a breaker whose only probe is free again.
#[test]
fn a_permit_that_was_given_back_closes_nothing() {
    let config = breaker::Config::new(1, OPEN).build_const();
    let mut breaker = CircuitBreaker::new();
    let permit = acquire(&mut breaker, &config, at(0)).expect("closed");
    assert!(breaker.failure(&config, at(0), permit, &mut rng()).is_some());
    let probe = acquire(&mut breaker, &config, at(60)).expect("open no longer");
    breaker.release(probe);
    assert_eq!(breaker.success(&config, at(61), probe), None);
    assert_eq!(shape(&breaker, at(61)), half_open(0, 0));
    let probe = acquire(&mut breaker, &config, at(62)).expect("free");
    assert!(breaker.success(&config, at(62), probe).is_some());
    assert_eq!(shape(&breaker, at(62)), Shape::Closed(0));
}
