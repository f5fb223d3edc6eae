//! resilience4j's sequences of results, over both windows.

use super::*;

both_windows! {
    /// Lifecycle 81, 82: no rate below the minimum, however bad; the result that completes it is judged, whatever
    /// it is; then nobody gets through.
    fn r4j_a_minimum_throughput(config) {
        let mut rig = Rig::new(config);
        assert_eq!(rig.feed(&[F, F, F, S]), None);
        assert_eq!((rig.metrics().failure_rate, rig.metrics().slow_rate), (None, None));
        assert!(rig.is_closed());
        let transition = rig.feed(&[S]);
        assert_eq!(named(transition), (breaker::Phase::Closed, breaker::Phase::Open, threshold(true, false)));
        assert_eq!(transition.map(|t| t.at), Some(rig.now));
        assert_eq!(rig.metrics().failure_rate, ratio(60, 100));
        assert_eq!(rig.counted(), (5, 3, 0));
        assert_eq!(rig.acquire(), Err(Denied { until: Some(at(1_005)) }));
    }

    /// Lifecycle 81: 40 % stays closed; 50 % is reached by equality.
    fn r4j_b_equality_opens(config) {
        let mut rig = Rig::new(config);
        for outcome in [S, S, S, F, F] {
            assert_eq!(rig.feed(&[outcome]), None);
            rig.wait(1);
        }
        assert!(rig.is_closed());
        assert_eq!(rig.metrics().failure_rate, ratio(2, 5));
        rig.feed(&[F]).expect("opened");
        assert!(rig.is_open());
        assert_eq!(rig.metrics().failure_rate, ratio(1, 2));
    }

    /// Slow results open it, good and bad alike; exactly the threshold's duration is not slow.
    fn r4j_c_slow_results_open(config) {
        let mut rig = Rig::new(config);
        let transition = rig.feed(&[SLOW_F, SLOW_S, F, S, SLOW_S]);
        assert_eq!(named(transition).2, threshold(false, true));
        assert!(rig.is_open());
        assert_eq!(rig.metrics().slow_rate, ratio(60, 100));
        assert_eq!(rig.counted(), (5, 2, 3));

        let mut rig = Rig::new(config);
        assert_eq!(rig.feed(&[Outcome::Success(Duration::from_secs(4)); 20]), None);
        assert_eq!(rig.metrics().slow_rate, ratio(0, 1));
    }

    /// Lifecycle 83: refused until the open time is over, admitted at it; half-open starts with empty metrics.
    fn r4j_d_open_then_half_open(config) {
        let mut rig = Rig::opened(config);
        rig.wait(3);
        assert_eq!(rig.acquire(), Err(Denied { until: Some(at(1_005)) }));
        rig.wait(3);
        assert!(rig.acquire().expect("a probe").is_probe());
        assert!(matches!(rig.state(), breaker::State::HalfOpen { probes_out: 1, probes_succeeded: 0, .. }));
        assert_eq!(rig.counted(), (0, 0, 0));
    }

    /// Equality is elapsed.
    fn r4j_d_at_exactly_the_open_time(config) {
        let mut rig = Rig::opened(config);
        rig.now = Instant::from_micros(1_004_999_999);
        assert!(rig.acquire().is_err());
        rig.now = at(1_005);
        assert!(rig.acquire().is_ok());
    }

    /// `openFor(2 h)`, from closed and from open; the configured open time neither shortens nor replaces it.
    fn r4j_e_open_for_and_until(config) {
        for mut rig in [Rig::new(config), Rig::opened(config), Rig::half_open(config)] {
            let two_hours = rig.now.saturating_add(Duration::from_secs(7_200));
            rig.breaker.open_until(two_hours);
            rig.wait(3_600);
            assert_eq!(rig.acquire(), Err(Denied { until: Some(two_hours) }));
            assert_eq!(rig.breaker.poll_timeout(), Some(two_hours));
            rig.wait(3_599);
            assert!(rig.acquire().is_err());
            rig.wait(1);
            assert!(rig.acquire().expect("a probe").is_probe());
        }
    }

    /// Lifecycle 87: 5 s × 1.5: the second open time is 7.5 s.
    fn r4j_f_exponential_wait(config) {
        let config = config.to_builder().growth(Ratio::new_const(3, 2), Duration::from_secs(600)).build().expect("valid");
        let mut rig = Rig::half_open(config);
        rig.feed(&[F, F, F, F]).expect("opened again");
        rig.wait(6);
        assert!(rig.acquire().is_err());
        rig.wait(5);
        assert!(rig.acquire().is_ok());
    }

    /// Lifecycle 84: all four results decide; the minimum of the closed state is no hindrance.
    fn r4j_g_half_open_fails_by_rate(config) {
        let mut rig = Rig::half_open(config);
        assert_eq!(rig.feed(&[F, F, S]), None, "75 % is certain to come, but not there");
        assert_eq!(rig.metrics().failure_rate, None);
        assert!(matches!(rig.state(), breaker::State::HalfOpen { probes_out: 0, probes_succeeded: 1, .. }));
        let transition = rig.feed(&[F]);
        assert_eq!(named(transition), (breaker::Phase::HalfOpen, breaker::Phase::Open, threshold(true, false)));
        assert!(rig.is_open());
        assert_eq!(rig.metrics().failure_rate, ratio(75, 100));
    }

    /// Slow probes open it again without a failure.
    fn r4j_h_half_open_fails_by_slowness(config) {
        let mut rig = Rig::half_open(config);
        let transition = rig.feed(&[SLOW_S, SLOW_S, SLOW_S, S]);
        assert_eq!(named(transition).2, threshold(false, true));
        assert!(rig.is_open());
        assert_eq!(rig.metrics().slow_rate, ratio(75, 100));
        assert_eq!(rig.metrics().failure_rate, ratio(0, 1));
    }

    /// Below the threshold it closes, with empty metrics.
    fn r4j_i_half_open_passes(config) {
        let mut rig = Rig::half_open(config);
        let transition = rig.feed(&[F, S, S, S]);
        assert_eq!(named(transition), (breaker::Phase::HalfOpen, breaker::Phase::Closed, breaker::Cause::ProbesPassed));
        assert!(rig.is_closed());
        assert_eq!(rig.counted(), (0, 0, 0));
        assert_eq!(rig.feed(&[S]), None);
        assert_eq!(rig.counted(), (1, 0, 0));
    }

    /// Lifecycle 84, P28: four permits and no fifth; a released one is free again. Of a thousand four get one.
    fn r4j_j_four_permits(config) {
        let mut rig = Rig::half_open(config);
        let permits: Vec<_> = (0..1_000).filter_map(|_| rig.acquire().ok()).collect();
        assert_eq!(permits.len(), 4);
        assert_eq!(rig.acquire(), Err(Denied { until: Some(at(1_006)) }), "the end of the lease");
        rig.breaker.release(permits[2]);
        assert!(rig.acquire().is_ok());
        assert!(rig.acquire().is_err());
    }

    /// Lifecycle 84: an ignored result is no result; the fourth that counts decides (25 %).
    fn r4j_k_an_ignored_result_is_none(config) {
        let mut rig = Rig::half_open(config);
        assert_eq!(rig.feed(&[S, S, S]), None);
        let ignored = rig.acquire().expect("a permit");
        rig.breaker.release(ignored);
        assert_eq!(rig.counted(), (3, 0, 0));
        assert!(matches!(rig.state(), breaker::State::HalfOpen { probes_out: 0, probes_succeeded: 3, .. }));
        rig.feed(&[F]).expect("closed");
        assert!(rig.is_closed());
    }

    /// Nothing leads from closed to half-open.
    fn r4j_l_closed_is_never_half_opened(config) {
        let mut rig = Rig::new(config);
        let before = rig.breaker.clone();
        for now in [at(0), at(1_000_000), Instant::MAX] {
            assert_eq!(rig.breaker.handle_timeout(&rig.config, now, &mut rng()), [None, None]);
            assert!(!rig.breaker.try_acquire(&rig.config, now, &mut rng()).expect("closed").is_probe());
        }
        assert_eq!(rig.breaker, before);
        rig.now = Instant::MAX;
        assert!(rig.is_closed());
    }

    /// Lifecycle 89: forced open ignores time and results.
    fn r4j_m_forced_open(config) {
        let mut rig = Rig::new(config);
        let permit = rig.acquire().expect("closed");
        rig.breaker.force_open();
        assert_eq!((rig.record(permit, S), rig.record(permit, F)), (None, None));
        assert_eq!(rig.acquire(), Err(Denied { until: None }));
        rig.wait(6);
        assert_eq!(rig.acquire(), Err(Denied { until: None }));
        assert_eq!(rig.breaker.poll_timeout(), None);
        assert_eq!(rig.counted(), (0, 0, 0));
        rig.breaker.reset();
        assert!(rig.is_closed());
    }

    /// Lifecycle 89: metrics-only stays as it is and reports each threshold once.
    fn r4j_n_metrics_only(config) {
        let mut rig = Rig::new(config);
        rig.breaker.metrics_only();
        let event = rig.feed(&[F, F, F, S, S]);
        let stay = breaker::Phase::MetricsOnly;
        assert_eq!(named(event), (stay, stay, threshold(true, false)));
        assert_eq!(rig.metrics().failure_rate, ratio(60, 100));
        assert_eq!(rig.feed(&[F]), None, "still one event");
        assert_eq!(rig.metrics().failure_rate, ratio(4, 6));
        // The other threshold has its own.
        let event = rig.feed(&[SLOW_S, SLOW_S, SLOW_F, SLOW_S, SLOW_S, SLOW_S]);
        assert_eq!(named(event), (stay, stay, threshold(false, true)));
        assert_eq!(rig.feed(&[SLOW_F; 20]), None);
        assert_eq!(rig.state(), breaker::State::MetricsOnly);
        assert_eq!(rig.breaker.poll_timeout(), None);

        // Both at once are one event that names both; entering the mode again starts over.
        rig.breaker.metrics_only();
        assert_eq!(rig.counted(), (0, 0, 0));
        assert_eq!(named(rig.feed(&[SLOW_F; 5])).2, threshold(true, true));
    }
}
