//! The rules of a breaker by rate, over both windows.

use super::*;

both_windows! {
    /// Lifecycle 89: disabled admits everything and records nothing.
    fn lifecycle_89_disabled_records_nothing(config) {
        let mut rig = Rig::new(config);
        rig.breaker.disable();
        assert_eq!(rig.feed(&[F; 200]), None);
        assert_eq!(rig.counted(), (0, 0, 0));
        assert_eq!(rig.state(), breaker::State::Disabled);
    }

    /// Lifecycle 85, P30: "max wait in half-open": a probe that does not answer opens it again, by timeout, by the next
    /// permit or by its own late failure, always from the end of the lease.
    fn lifecycle_85_the_lease_ends_half_open(config) {
        let mut rig = Rig::half_open(config);
        assert_eq!(rig.feed(&[S, S, S]), None);
        let probe = rig.acquire().expect("the last one");
        assert_eq!(rig.breaker.poll_timeout(), Some(at(1_006)));
        rig.wait(2);
        let mut by_failure = rig.clone();
        assert_eq!(named(by_failure.record(probe, F)).2, breaker::Cause::LeaseOver);
        let mut by_permit = rig.clone();
        assert_eq!(by_permit.record(probe, S), None, "too late");
        assert_eq!(by_permit.acquire(), Err(Denied { until: Some(at(1_011)) }));
        let [Some(over), None] = rig.breaker.handle_timeout(&rig.config, rig.now, &mut rng()) else {
            panic!("one transition")
        };
        assert_eq!((over.at, over.to, over.why), (at(1_006), breaker::Phase::Open, breaker::Cause::LeaseOver));
        assert_eq!((by_failure.state(), by_permit.state()), (rig.state(), rig.state()));
    }

    /// Lifecycle 85: after a long sleep both transitions are reported, in order, each at its own time.
    fn transitions_after_a_long_sleep(config) {
        let mut rig = Rig::half_open(config);
        rig.acquire().expect("a probe");
        rig.wait(3_600);
        let [Some(over), Some(half)] = rig.breaker.handle_timeout(&rig.config, rig.now, &mut rng()) else {
            panic!("two transitions")
        };
        assert_eq!((over.at, over.from, over.to), (at(1_006), breaker::Phase::HalfOpen, breaker::Phase::Open));
        assert_eq!((half.at, half.from, half.to), (at(1_011), breaker::Phase::Open, breaker::Phase::HalfOpen));
        assert_eq!(half.why, breaker::Cause::OpenTimeOver);
        // Who calls it first misses nothing: asking for a permit changes no state now.
        assert_eq!(rig.breaker.handle_timeout(&rig.config, rig.now, &mut rng()), [None, None]);
        assert!(rig.acquire().is_ok());
    }

    /// P30: slow probes, fifty calls further apart than the window is long: a healthy backend is reached by all but
    /// those during the open time.
    fn p30_results_of_probes_do_not_expire(config) {
        let mut rig = Rig::half_open(config.to_builder().lease(Duration::from_secs(60)).build().expect("valid"));
        for n in 0..50 {
            let permit = rig.acquire().expect("reached");
            let closed = rig.record(permit, S);
            assert_eq!(closed.is_some(), n == 3, "call {n}");
            rig.wait(30);
        }
        assert!(rig.is_closed());
    }

    /// Lifecycle 84, P30: the verdict of half-open counts each probe, whatever the time between their results.
    fn p30_spaced_probes_open_again(config) {
        let mut rig = Rig::half_open(config.to_builder().lease(Duration::from_secs(600)).build().expect("valid"));
        for outcome in [F, S, F] {
            assert_eq!(rig.feed(&[outcome]), None);
            rig.wait(100);
        }
        assert_eq!(named(rig.feed(&[S])).2, threshold(true, false));
        assert_eq!(rig.counted(), (4, 2, 0));
    }

    /// P29, lifecycle 86: results from before the trip, while open, while half-open and after closing: nothing.
    fn p29_late_results_do_not_count(config) {
        let mut rig = Rig::new(config);
        let late = rig.acquire().expect("closed");
        rig.feed(&[F; 5]).expect("opened");
        let unmoved = |rig: &mut Rig<_>| {
            let before = rig.breaker.clone();
            assert_eq!((rig.record(late, F), rig.record(late, S)), (None, None));
            rig.breaker.release(late);
            assert_eq!(rig.breaker, before);
        };
        unmoved(&mut rig);
        rig.wait(5);
        rig.acquire().expect("a probe");
        unmoved(&mut rig);
        rig.feed(&[S, S, S]);
        unmoved(&mut rig);
        rig.breaker.reset();
        unmoved(&mut rig);
    }

    /// P29, P32: a probe counts once; used again or after its release, its permit changes nothing.
    fn p32_a_probe_counts_once(config) {
        let mut rig = Rig::half_open(config);
        let released = rig.acquire().expect("a probe");
        rig.breaker.release(released);
        for _ in 0..10 {
            assert_eq!((rig.record(released, F), rig.record(released, S)), (None, None));
        }
        assert_eq!(rig.counted(), (0, 0, 0));
        let probe = rig.acquire().expect("a probe");
        for _ in 0..10 {
            assert_eq!(rig.record(probe, S), None);
        }
        assert_eq!(rig.counted(), (1, 0, 0));
        assert_eq!((0..100).filter(|_| rig.acquire().is_ok()).count(), 3);
    }

    /// P31: it is a window: after ten thousand successes it takes as many failures as the window asks for, no more.
    fn p31_history_does_not_delay_the_trip(config) {
        let mut rig = Rig::new(config);
        assert_eq!(rig.feed(&[S; 10_000]), None);
        // By time the successes are gone, by count the failures push them out.
        rig.wait(20);
        let mut failures = 0;
        while !rig.is_open() {
            rig.feed(&[F]);
            failures += 1;
        }
        assert!(failures <= 10, "{failures}");
    }

    /// P33: once there is a rate, a fast success never opens; the order of results does not change the verdict.
    fn p33_only_a_bad_result_or_the_minimum_opens(config) {
        let mut rig = Rig::new(config);
        assert_eq!(rig.feed(&[S, S, S, F, F]), None);
        assert_eq!(rig.feed(&[S, S, S, S, S]), None);
        assert!(rig.is_closed());
        for outcomes in [[F, F, F, S, S], [S, S, F, F, F], [F, S, F, S, F]] {
            assert_eq!(named(Rig::new(config).feed(&outcomes)).2, threshold(true, false));
        }
    }

    /// P35: `check` answers the same and changes nothing.
    fn p35_check_changes_nothing(config) {
        let rig = Rig::opened(config);
        let before = rig.breaker.clone();
        for (second, answer) in [(1_004, Err(Denied { until: Some(at(1_005)) })), (1_005, Ok(()))] {
            assert_eq!(rig.breaker.check(&config, at(second)), answer);
        }
        assert_eq!(rig.breaker, before);
    }

    /// P36: a clock that ran backwards costs one open time at most; an end that was given by hand stays.
    fn p36_a_backward_clock_and_the_open_time(config) {
        let mut rig = Rig::opened(config);
        rig.now = at(10);
        assert_eq!(rig.acquire(), Err(Denied { until: Some(at(15)) }));
        rig.breaker.open_until(at(500));
        rig.now = at(3);
        assert_eq!(rig.acquire(), Err(Denied { until: Some(at(500)) }));
    }

    /// P37: every refusal but a forced one names a later time, and coming back then is enough.
    fn p37_the_time_to_come_back_is_data(config) {
        let mut rig = Rig::opened(config);
        for _ in 0..20 {
            if let Err(Denied { until }) = rig.acquire() {
                let until = until.expect("a time");
                assert!(until > rig.now);
                rig.now = until;
            }
        }
    }

    /// Lifecycle 88: open times are jittered with a window too, and only where they are drawn.
    fn lifecycle_88_jitter(config) {
        let config = config.to_builder().jitter(Ratio::ONE).build().expect("valid");
        let mut ends = Vec::new();
        for seed in 0..50 {
            let (mut rng, mut breaker) = (SplitMix64::new(seed), CircuitBreaker::new());
            for _ in 0..5 {
                let permit = breaker.try_acquire(&config, at(0), &mut rng).expect("closed");
                breaker.record(&config, at(0), permit, F, &mut rng);
            }
            let end = breaker.poll_timeout().expect("open");
            assert!(at(5) <= end && end < at(10));
            ends.push(end);
        }
        ends.sort();
        ends.dedup();
        assert_eq!(ends.len(), 50);
    }

    /// A changed configuration that asks for fewer probes is settled by the answers that are there.
    fn a_changed_configuration_does_not_wedge(config) {
        let fewer = config.to_builder().probes(2).build().expect("valid");
        for (outcomes, why) in [([S, S, S], breaker::Cause::ProbesPassed), ([F, F, S], threshold(true, false))] {
            let mut rig = Rig::half_open(config);
            assert_eq!(rig.feed(&outcomes), None);
            let [change, _] = rig.breaker.handle_timeout(&fewer, rig.now, &mut rng());
            assert_eq!(named(change).2, why);
        }
    }
}
