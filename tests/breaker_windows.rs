//! The breaker's sliding windows, modes and transitions: the sequences of resilience4j and Polly, one test for each, and
//! random calls against naive models.

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

/// Lifecycle 81, 82: resilience4j's defaults: no rate below 100 results, 50 % by equality, slow only when all took more
/// than 60 s.
#[test]
fn resilience4j_thresholds() {
    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[F; 99]), None);
    assert_eq!(rig.metrics().failure_rate, None);
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false));

    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[F; 49]), None);
    assert_eq!(rig.feed(&[S; 51]), None, "49 %");
    assert_eq!(rig.feed(&[F; 49]), None, "the window slides: 49 of 100");
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false), "50 of 100");

    let minute = Duration::from_secs(60);
    let slow = Outcome::Success(minute + Duration::from_micros(1));
    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[Outcome::Success(minute); 100]), None, "60 s is not slow");
    let mut rig = Rig::new(RESILIENCE4J);
    assert_eq!(rig.feed(&[S]), None);
    assert_eq!(rig.feed(&[slow; 99]), None, "99 %");
    assert_eq!(named(rig.feed(&[slow])).2, threshold(false, true), "all");
}

/// Lifecycle 83-85: open for 60 s, then exactly ten probes, of which all decide. The peer's wait for their results has
/// no end (its #935); here it is 60 s.
#[test]
fn resilience4j_half_open() {
    let half_open = || {
        let mut rig = Rig::new(RESILIENCE4J);
        rig.feed(&[F; 100]).expect("opened");
        rig.wait(59);
        assert!(rig.acquire().is_err());
        rig.wait(1);
        rig
    };
    for (failures, to) in [(4, breaker::Phase::Closed), (5, breaker::Phase::Open)] {
        let mut rig = half_open();
        let probes: Vec<_> = (0..1_000).filter_map(|_| rig.acquire().ok()).collect();
        assert_eq!(probes.len(), 10);
        let (last, others) = probes.split_last().expect("ten");
        for (n, probe) in others.iter().enumerate() {
            assert_eq!(rig.record(*probe, if n < failures { F } else { S }), None, "the last decides");
        }
        assert_eq!(named(rig.record(*last, S)).1, to);
    }
    let mut rig = half_open();
    rig.acquire().expect("a probe that never answers");
    rig.wait(60);
    let changes = rig.breaker.handle_timeout(&rig.config, rig.now, &mut rng());
    assert_eq!(changes.into_iter().flatten().last().map(|change| change.to), Some(breaker::Phase::Open));
}

/// Lifecycle 81: Polly's defaults: 100 results and `>=`, not `>`.
#[test]
fn polly_thresholds() {
    let mut rig = Rig::new(POLLY);
    assert_eq!(rig.feed(&[F; 99]), None, "99 failures are no rate");
    rig.feed(&[F]).expect("100 are");

    let mut rig = Rig::new(POLLY);
    assert_eq!(rig.feed(&[S; 91]), None);
    assert_eq!(rig.feed(&[F; 9]), None, "9 %");
    assert_eq!(rig.feed(&[S; 8]), None);
    assert_eq!(rig.feed(&[F]), None, "10 of 109");
    assert_eq!(named(rig.feed(&[F])).2, threshold(true, false), "11 of 110");
}

/// What happened more than 30 s ago no longer counts, and it opens for 5 s.
#[test]
fn polly_times() {
    let mut rig = Rig::new(POLLY);
    assert_eq!(rig.feed(&[F; 99]), None);
    rig.wait(33);
    assert_eq!(rig.feed(&[F]), None, "1 of 1");
    assert_eq!(rig.counted(), (1, 1, 0));
    rig.feed(&[F; 99]).expect("opened");
    rig.wait(4);
    assert!(rig.acquire().is_err());
    rig.wait(1);
    assert!(rig.acquire().is_ok());
}

/// Half-open admits one probe; a second caller is told when to come back; success closes, failure opens.
#[test]
fn polly_one_probe() {
    for (outcome, to) in [(S, breaker::Phase::Closed), (F, breaker::Phase::Open)] {
        let mut rig = Rig::new(POLLY);
        rig.feed(&[F; 100]).expect("opened");
        rig.wait(5);
        let probe = rig.acquire().expect("one probe");
        assert!(rig.acquire().is_err_and(|rejected| rejected.until.is_some()));
        assert_eq!(named(rig.record(probe, outcome)).1, to);
    }
}

/// Lifecycle 87: the growth that the open times see: 0 1 2 3 4, and after closing 0 1 2; the end saturates.
#[test]
fn polly_break_times() {
    let config = POLLY.to_builder().growth(Ratio::TWO, Duration::MAX).build().expect("valid");
    let mut rig = Rig::new(config);
    let open_time = |rig: &mut Rig<_>, outcomes: &[Outcome]| {
        rig.feed(outcomes).expect("opened");
        let end = rig.breaker.poll_timeout().expect("open");
        let open = end.saturating_duration_since(rig.now).as_secs();
        rig.now = end;
        open
    };
    let first = open_time(&mut rig, &[F; 100]);
    assert_eq!(first, 5);
    assert_eq!([(); 4].map(|()| open_time(&mut rig, &[F])), [10, 20, 40, 80]);
    rig.feed(&[S]).expect("closed");
    assert_eq!(open_time(&mut rig, &[F; 100]), 5);
    assert_eq!([(); 2].map(|()| open_time(&mut rig, &[F])), [10, 20]);

    rig.now = Instant::MAX;
    rig.feed(&[F]).expect("opened");
    assert_eq!(rig.breaker.poll_timeout(), Some(Instant::MAX));
}

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

// The models keep every result with its time in a list, and count the list each time.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    time: u64,
    failed: bool,
    slow: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Span {
    Count(usize),
    /// Microseconds of a bucket, and how many.
    Time(u64, u64),
}

#[derive(Clone, Debug)]
struct Model {
    span: Span,
    failure: (u64, u64),
    slow: (u64, u64),
    minimum: usize,
    open: u64,
    probes: usize,
    lease: u64,
    rows: VecDeque<Row>,
    phase: ModelPhase,
    /// A permit is good in the cycle that gave it.
    cycle: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ModelPhase {
    Closed,
    Open { until: u64 },
    HalfOpen { out: Vec<usize>, lease_end: u64 },
    MetricsOnly { failures: bool, slow: bool },
}

impl Model {
    /// The results that the window holds; those of probes never leave.
    fn held(&self, now: u64) -> Vec<Row> {
        let rows = self.rows.iter().copied();
        match self.span {
            _ if matches!(self.phase, ModelPhase::HalfOpen { .. }) => rows.collect(),
            Span::Count(size) => rows.rev().take(size).collect(),
            Span::Time(width, buckets) => {
                rows.filter(|row| row.time / width + buckets > now / width).collect()
            }
        }
    }

    fn reached(&self, now: u64) -> (bool, bool) {
        let held = self.held(now);
        let share = |bad: usize, (num, den): (u64, u64)| bad as u64 * den >= num * held.len() as u64;
        (
            share(held.iter().filter(|row| row.failed).count(), self.failure),
            share(held.iter().filter(|row| row.slow).count(), self.slow),
        )
    }

    fn enter(&mut self, phase: ModelPhase) {
        if !matches!(phase, ModelPhase::Open { .. }) {
            self.rows.clear();
        }
        self.phase = phase;
        self.cycle += 1;
    }

    fn advance(&mut self, now: u64) {
        match self.phase {
            ModelPhase::HalfOpen { ref out, lease_end } if !out.is_empty() && now >= lease_end => {
                self.enter(ModelPhase::Open { until: lease_end + self.open });
                self.advance(now);
            }
            ModelPhase::Open { until } if now >= until => {
                self.enter(ModelPhase::HalfOpen { out: Vec::new(), lease_end: 0 });
            }
            _ => {}
        }
    }

    fn acquire(&mut self, now: u64, id: usize) -> Result<usize, u64> {
        self.advance(now);
        let answered = self.rows.len();
        match &mut self.phase {
            ModelPhase::Open { until } => return Err(*until),
            ModelPhase::HalfOpen { out, lease_end } => {
                if out.len() + answered >= self.probes {
                    return Err(*lease_end);
                }
                out.push(id);
                *lease_end = now + self.lease;
            }
            _ => {}
        }
        Ok(self.cycle)
    }

    /// Whether something is reported.
    fn record(&mut self, now: u64, id: usize, cycle: usize, failed: bool, slow: bool) -> bool {
        if cycle != self.cycle {
            return false;
        }
        let row = Row { time: now, failed, slow };
        match &mut self.phase {
            ModelPhase::Open { .. } => unreachable!("no permits"),
            ModelPhase::HalfOpen { out, lease_end } => {
                let Some(position) = out.iter().position(|probe| *probe == id) else { return false };
                if now >= *lease_end {
                    if failed {
                        let until = *lease_end + self.open;
                        self.enter(ModelPhase::Open { until });
                    }
                    return failed;
                }
                out.remove(position);
                self.rows.push_back(row);
                if self.rows.len() < self.probes {
                    return false;
                }
                let bad = self.reached(now);
                let open = ModelPhase::Open { until: now + self.open };
                self.enter(if bad == (false, false) { ModelPhase::Closed } else { open });
                true
            }
            ModelPhase::Closed | ModelPhase::MetricsOnly { .. } => {
                let before = self.held(now).len();
                self.rows.push_back(row);
                let after = self.held(now).len();
                if after < self.minimum || !(failed || slow) && before >= self.minimum {
                    return false;
                }
                let reached = self.reached(now);
                match &mut self.phase {
                    ModelPhase::MetricsOnly { failures, slow } => {
                        let news = reached.0 && !*failures || reached.1 && !*slow;
                        *failures |= reached.0;
                        *slow |= reached.1;
                        news
                    }
                    _ if reached == (false, false) => false,
                    _ => {
                        self.enter(ModelPhase::Open { until: now + self.open });
                        true
                    }
                }
            }
        }
    }

    fn release(&mut self, id: usize) {
        if let ModelPhase::HalfOpen { out, .. } = &mut self.phase {
            out.retain(|probe| *probe != id);
        }
    }

    fn name(&self) -> breaker::Phase {
        match self.phase {
            ModelPhase::Closed => breaker::Phase::Closed,
            ModelPhase::Open { .. } => breaker::Phase::Open,
            ModelPhase::HalfOpen { .. } => breaker::Phase::HalfOpen,
            ModelPhase::MetricsOnly { .. } => breaker::Phase::MetricsOnly,
        }
    }
}

/// `usize` picks one of the permits so far; many are late, some are used twice.
#[derive(Clone, Debug)]
enum Call {
    Wait(u64),
    Acquire,
    Record(usize, bool, bool),
    Release(usize),
    Timeout,
    MetricsOnly,
    Reset,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let pick = || prop_oneof![4 => 0..4_usize, 1 => 0..64_usize];
    let call = prop_oneof![
        60 => (0..30_u64).prop_map(Call::Wait),
        160 => Just(Call::Acquire),
        240 => (pick(), any::<bool>(), prop::bool::weighted(0.3)).prop_map(|(n, f, s)| Call::Record(n, f, s)),
        20 => pick().prop_map(Call::Release),
        20 => Just(Call::Timeout),
        1 => Just(Call::MetricsOnly),
        3 => Just(Call::Reset),
    ];
    prop::collection::vec(call, 0..400)
}

/// Only these exist.
const LEGAL: [(breaker::Phase, breaker::Phase); 5] = [
    (breaker::Phase::Closed, breaker::Phase::Open),
    (breaker::Phase::Open, breaker::Phase::HalfOpen),
    (breaker::Phase::HalfOpen, breaker::Phase::Open),
    (breaker::Phase::HalfOpen, breaker::Phase::Closed),
    (breaker::Phase::MetricsOnly, breaker::Phase::MetricsOnly),
];

/// Runs both; every answer, transition and count must agree.
fn agree<W: RateWindow>(
    config: breaker::Config<W>,
    mut model: Model,
    calls: Vec<Call>,
) -> Result<(), TestCaseError> {
    let (mut breaker, mut rng, mut clock) = (CircuitBreaker::<W>::new(), rng(), 0_u64);
    let mut permits: Vec<(Permit, usize)> = Vec::new();
    // A released permit is spent by contract: its slot may belong to another probe.
    let mut released = Vec::new();
    for call in calls {
        let now = Instant::from_micros(clock);
        let chosen = |pick: usize| permits.len().checked_sub(pick + 1).filter(|id| !released.contains(id));
        match call {
            Call::Wait(span) => clock += span,
            Call::Acquire => {
                let checked = breaker.check(&config, now);
                // Nothing is left for `try_acquire` to do after a timeout was handled.
                let mut handled = breaker.clone();
                handled.handle_timeout(&config, now, &mut rng);
                prop_assert_eq!(handled.handle_timeout(&config, now, &mut rng), [None, None]);
                let asked = breaker.try_acquire(&config, now, &mut rng);
                prop_assert_eq!(handled.try_acquire(&config, now, &mut rng), asked);
                prop_assert_eq!(&handled, &breaker);
                prop_assert_eq!(checked, asked.map(|_| ()));
                match (asked, model.acquire(clock, permits.len())) {
                    (Ok(permit), Ok(cycle)) => permits.push((permit, cycle)),
                    (Err(Denied { until }), Err(expected)) => {
                        prop_assert_eq!(until, Some(Instant::from_micros(expected)));
                    }
                    (asked, expected) => prop_assert!(false, "{:?} against {:?}", asked, expected),
                }
            }
            Call::Record(pick, failed, slow) => {
                if let Some(id) = chosen(pick) {
                    let (permit, cycle) = permits[id];
                    let took = if slow { LONG } else { FAST };
                    let outcome = if failed { Outcome::Failure(took) } else { Outcome::Success(took) };
                    let from = model.name();
                    let change = breaker.record(&config, now, permit, outcome, &mut rng);
                    let expected = model.record(clock, id, cycle, failed, slow);
                    prop_assert_eq!(change.map(|t| (t.from, t.to)), expected.then(|| (from, model.name())));
                    prop_assert!(change.is_none_or(|t| LEGAL.contains(&(t.from, t.to)) && t.at <= now));
                }
            }
            Call::Release(pick) => {
                if let Some(id) = chosen(pick) {
                    breaker.release(permits[id].0);
                    model.release(id);
                    released.push(id);
                }
            }
            Call::Timeout => {
                let from = model.name();
                let changes = breaker.handle_timeout(&config, now, &mut rng);
                model.advance(clock);
                let mut name = from;
                for change in changes.into_iter().flatten() {
                    prop_assert_eq!(change.from, name);
                    prop_assert!(LEGAL.contains(&(change.from, change.to)) && change.at <= now);
                    name = change.to;
                }
                prop_assert_eq!(name, model.name());
            }
            Call::MetricsOnly => {
                breaker.metrics_only();
                model.enter(ModelPhase::MetricsOnly { failures: false, slow: false });
            }
            Call::Reset => {
                breaker.reset();
                model.enter(ModelPhase::Closed);
            }
        }
        // In the open state the count is for show, and after a lease the model has no time for it.
        if !matches!(model.phase, ModelPhase::Open { .. } | ModelPhase::HalfOpen { .. }) {
            let held = model.held(clock);
            let metrics = breaker.metrics(&config, Instant::from_micros(clock));
            prop_assert_eq!(metrics.calls as usize, held.len());
            prop_assert_eq!(metrics.failures as usize, held.iter().filter(|row| row.failed).count());
            prop_assert_eq!(metrics.slow as usize, held.iter().filter(|row| row.slow).count());
            prop_assert_eq!(metrics.failure_rate.is_some(), held.len() >= model.minimum);
        }
    }
    Ok(())
}

/// Asks, answers, releases and waits at any times, then lets the clock behave: no panic, never more probes than
/// configured, and one lease and one longest open time later somebody is admitted.
fn survives_any_clock<W: RateWindow>(
    config: breaker::Config<W>,
    probes: u8,
    longest: Duration,
    steps: &[(u64, u8, usize)],
    seed: u64,
    restart: u64,
) -> Result<(), TestCaseError> {
    let mut rng = SplitMix64::new(seed);
    let mut breaker = CircuitBreaker::<W>::new();
    let mut permits: Vec<Permit> = Vec::new();
    for (micros, what, pick) in steps {
        let now = Instant::from_micros(*micros);
        let chosen = permits.len().checked_sub(pick + 1).map(|id| permits[id]);
        match (what, chosen) {
            (0, Some(permit)) => drop(breaker.record(&config, now, permit, S, &mut rng)),
            (1, Some(permit)) => drop(breaker.record(&config, now, permit, F, &mut rng)),
            (2, Some(permit)) => breaker.release(permit),
            (3, _) => drop(breaker.handle_timeout(&config, now, &mut rng)),
            (4, Some(permit)) => drop(breaker.record(&config, now, permit, Outcome::Success(LONG), &mut rng)),
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
        let metrics = breaker.metrics(&config, now);
        prop_assert!(metrics.failures <= metrics.calls && metrics.slow <= metrics.calls);
    }
    let mut now = Instant::from_micros(restart);
    let limit = now.saturating_add(longest);
    while let Err(rejected) = breaker.try_acquire(&config, now, &mut rng) {
        let until = rejected.until.expect("not forced");
        prop_assert!(now < until && until <= limit, "wedged: {:?} {:?}", until, limit);
        now = until;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// P36, lifecycle 89: both kinds by rate, with growth, jitter, a lease and a clock that jumps anywhere.
    #[test]
    fn breakers_by_rate_survive_any_clock(
        // Far leaps, and times between which a window fills and an open time passes.
        steps in prop::collection::vec(
            (prop_oneof![any::<u64>(), 0..200_u64, 0..20_000_u64], 0..9_u8, 0..8_usize),
            0..150,
        ),
        minimum in 1..5_u32,
        probes in 1..8_u8,
        seed in any::<u64>(),
        restart in 0..u64::MAX / 2,
    ) {
        let micros = Duration::from_micros;
        let half = Ratio::new(1, 2).expect("ratio");
        let rates = Rates::new(half, minimum).slow(micros(900_000), half).build().expect("valid");
        // An open time of 60 µs to 300, drawn up to twice that, after a lease of 100.
        let longest = micros(100 + 600);
        let by_count = breaker::Config::<CountWindow<7>>::by_count(rates, micros(60))
            .growth(Ratio::TWO, micros(300)).jitter(Ratio::ONE)
            .probes(probes.min(7)).lease(micros(100)).build()
            .expect("valid");
        survives_any_clock(by_count, probes.min(7), longest, &steps, seed, restart)?;
        let by_time = breaker::Config::<TimeWindow<4>>::by_time(rates, micros(80), micros(60))
            .growth(Ratio::TWO, micros(300)).jitter(Ratio::ONE)
            .probes(probes).lease(micros(100)).build()
            .expect("valid");
        survives_any_clock(by_time, probes, longest, &steps, seed, restart)?;
    }

    /// P28-P33, P35, lifecycle 81-87, 89: both windows do what the naive models do, answer by answer.
    #[test]
    fn windows_agree_with_naive_models(
        calls in calls(),
        failure in (1..5_u32, 5..8_u32),
        slow in (1..5_u32, 5..8_u32),
        minimum in 1..9_u32,
        open in 1..50_u64,
        probes in 1..6_u8,
        lease in 1..80_u64,
        span in 1..100_u64,
    ) {
        let micros = Duration::from_micros;
        let share = |(num, den)| Ratio::new(num, den).expect("ratio");
        let rates = Rates::new(share(failure), minimum)
            .slow(Duration::from_secs(1), share(slow)).build()
            .expect("valid");
        let wide = |(num, den): (u32, u32)| (u64::from(num), u64::from(den));
        let model = |span| Model {
            span,
            failure: wide(failure),
            slow: wide(slow),
            minimum: minimum as usize,
            open,
            probes: probes.into(),
            lease,
            rows: VecDeque::new(),
            phase: ModelPhase::Closed,
            cycle: 0,
        };
        let by_count = breaker::Config::<CountWindow<9>>::by_count(rates, micros(open))
            .probes(probes).lease(micros(lease)).build()
            .expect("valid");
        agree(by_count, model(Span::Count(9)), calls.clone())?;
        let by_time = breaker::Config::<TimeWindow<5>>::by_time(rates, micros(span), micros(open))
            .probes(probes).lease(micros(lease)).build()
            .expect("valid");
        agree(by_time, model(Span::Time(span.div_ceil(5), 5)), calls)?;
    }

    /// P36: a clock that jumps anywhere: nothing panics, the counts stay true, and two spans after it behaves again
    /// nothing of before is left.
    #[test]
    fn the_time_window_survives_any_clock(
        times in prop::collection::vec(prop_oneof![any::<u64>(), 0..100_u64], 0..60),
        restart in 0..u64::MAX / 2,
    ) {
        let config = breaker::Config::<TimeWindow<4>>::by_time(RATES, Duration::from_micros(40), OPEN).build().expect("valid");
        let (mut breaker, mut rng) = (CircuitBreaker::new(), rng());
        breaker.metrics_only();
        let permit = breaker.try_acquire(&config, Instant::ZERO, &mut rng).expect("admitted");
        for (n, micros) in times.iter().enumerate() {
            let now = Instant::from_micros(*micros);
            breaker.record(&config, now, permit, F, &mut rng);
            let metrics = breaker.metrics(&config, now);
            prop_assert!(metrics.calls >= 1 && metrics.calls as usize <= n + 1);
            prop_assert_eq!(metrics.failures, metrics.calls);
        }
        breaker.record(&config, Instant::from_micros(restart), permit, S, &mut rng);
        let later = Instant::from_micros(restart + 80);
        prop_assert_eq!(breaker.metrics(&config, later).calls, 0);
    }
}
