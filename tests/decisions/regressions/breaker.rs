//! Breakers.

use redial::breaker::{self, CountWindow, Outcome, Permit, Rates, TimeWindow};
use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};

use crate::harness::secs;

const CONFIG: breaker::Config = breaker::Config::new(3, secs(60)).build_const();

fn at(secs: u64) -> Instant {
    Instant::from_millis(secs * 1_000)
}

fn acquire(breaker: &mut CircuitBreaker, config: &breaker::Config, secs: u64) -> Option<Permit> {
    breaker.try_acquire(config, at(secs), &mut SplitMix64::new(1)).ok()
}

/// Open since 0 s, and so half-open from 60 s on.
fn tripped(config: &breaker::Config) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..3 {
        let permit = acquire(&mut breaker, config, 0).expect("closed");
        breaker.failure(config, at(0), permit, &mut SplitMix64::new(1));
    }
    breaker
}

fn is_closed(breaker: &CircuitBreaker, secs: u64) -> bool {
    matches!(breaker.state(at(secs)), breaker::State::Closed { .. })
}

/// joshrotenberg/tower-resilience#382: half-open let everybody through.
#[test]
fn tower_resilience_382() {
    let mut breaker = tripped(&CONFIG);
    assert_eq!((0..1_000).filter(|_| acquire(&mut breaker, &CONFIG, 60).is_some()).count(), 1);
}

/// dmexe/failsafe-rs 1.3.0: the same, a thousand of a thousand.
#[test]
fn failsafe_1_3_0() {
    let four = CONFIG.to_builder().probes(4).build_const();
    let mut breaker = tripped(&four);
    assert_eq!((0..1_000).filter(|_| acquire(&mut breaker, &four, 60).is_some()).count(), 4);
}

/// getnora-io/nora#585: a probe that never reported kept it half-open forever.
#[test]
fn nora_585() {
    let leased = CONFIG.to_builder().lease(secs(30)).build_const();
    let mut breaker = tripped(&leased);
    assert!(acquire(&mut breaker, &leased, 60).is_some());
    let again = (61..600).any(|secs| acquire(&mut breaker, &leased, secs).is_some());
    assert!(again, "the lost probe's lease has ended");
}

/// getnora-io/nora#667: a stale probe's success closed the breaker over a newer probe.
#[test]
fn nora_667() {
    let leased = CONFIG.to_builder().lease(secs(30)).build_const();
    let mut breaker = tripped(&leased);
    let stale = acquire(&mut breaker, &leased, 60).expect("a probe");
    let newer =
        (61..600).find(|secs| acquire(&mut breaker, &leased, *secs).is_some()).expect("a newer probe");
    breaker.success(&leased, at(newer), stale);
    assert!(!is_closed(&breaker, newer));
}

/// App-vNext/Polly#217: a result from before the trip decided the half-open breaker.
#[test]
fn polly_217() {
    let mut breaker = CircuitBreaker::new();
    let slow = acquire(&mut breaker, &CONFIG, 0).expect("closed");
    for _ in 0..3 {
        let permit = acquire(&mut breaker, &CONFIG, 0).expect("closed");
        breaker.failure(&CONFIG, at(0), permit, &mut SplitMix64::new(1));
    }
    assert!(acquire(&mut breaker, &CONFIG, 60).is_some());
    breaker.success(&CONFIG, at(61), slow);
    assert!(!is_closed(&breaker, 61));
}

/// resilience4j/resilience4j#935: permits that never came back wedged the half-open state.
#[test]
fn resilience4j_935() {
    let mut breaker = tripped(&CONFIG);
    let permit = acquire(&mut breaker, &CONFIG, 60).expect("a probe");
    breaker.release(permit);
    assert!(acquire(&mut breaker, &CONFIG, 60).is_some(), "a released permit is free at once");
}

/// failsafe-lib/failsafe#70: breakers that opened together probed together.
#[test]
fn failsafe_70() {
    let spread = CONFIG.to_builder().jitter(Ratio::ONE).build_const();
    let mut times: Vec<_> = (0..50)
        .map(|seed| {
            let (mut breaker, mut rng) = (CircuitBreaker::new(), SplitMix64::new(seed));
            for _ in 0..3 {
                let permit = breaker.try_acquire(&spread, at(0), &mut rng).expect("closed");
                breaker.failure(&spread, at(0), permit, &mut rng);
            }
            breaker.poll_timeout().expect("an end")
        })
        .collect();
    times.sort();
    times.dedup();
    assert!(times.len() > 45 && times[0] >= at(60));
}

/// reliakit-circuit 1.1.0: to ask whether a call was allowed started the probe.
#[test]
fn reliakit_1_1_0() {
    let breaker = tripped(&CONFIG);
    let before = breaker.clone();
    assert!((0..100).all(|_| breaker.check(&CONFIG, at(60)).is_ok()));
    assert_eq!(breaker, before);
}

/// lerouxrgd/recloser 1.4.0: a success could open it.
#[test]
fn recloser_1_4_0() {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..2 {
        let permit = acquire(&mut breaker, &CONFIG, 0).expect("closed");
        breaker.failure(&CONFIG, at(0), permit, &mut SplitMix64::new(1));
    }
    for _ in 0..1_000 {
        let permit = acquire(&mut breaker, &CONFIG, 0).expect("closed");
        breaker.success(&CONFIG, at(0), permit);
        assert!(is_closed(&breaker, 0));
    }
}

/// denoland/std#7306: a request of an earlier half-open period counted as a success of the present one and freed a place
/// in it.
#[test]
fn deno_std_7306() {
    let two = CONFIG.to_builder().probes(2).build_const();
    let mut breaker = tripped(&two);
    let failed = acquire(&mut breaker, &two, 60).expect("a probe");
    let (late, later) = (acquire(&mut breaker, &two, 60).expect("a probe"), failed);
    breaker.failure(&two, at(61), failed, &mut SplitMix64::new(1));
    assert!((0..2).all(|_| acquire(&mut breaker, &two, 121).is_some()), "the next period");
    let before = breaker.clone();
    for stale in [late, later] {
        assert_eq!(breaker.success(&two, at(122), stale), None);
        breaker.release(stale);
        assert_eq!(acquire(&mut breaker, &two, 122), None, "no third probe");
    }
    assert_eq!(breaker, before);
    assert_eq!(breaker.state(at(122)), breaker::State::HalfOpen { probes_out: 2, probes_succeeded: 0 });
}

/// A quarter of the results of a second, at least ten of them; open for a second, ten probes.
const SECOND: breaker::Config<TimeWindow<10>> =
    breaker::Config::by_time(Rates::new(Ratio::new_const(1, 4), 10).build_const(), secs(1), secs(1))
        .probes(10)
        .build_const();

/// The state after ten probes, half a second apart, of which the first `failures` fail.
fn slow_probes(failures: u64) -> breaker::State {
    let (mut breaker, mut rng) = (CircuitBreaker::<TimeWindow<10>>::new(), SplitMix64::new(1));
    let mut call = |millis: u64, outcome| {
        let now = Instant::from_millis(millis);
        let permit = breaker.try_acquire(&SECOND, now, &mut rng).expect("admitted");
        breaker.record(&SECOND, now, permit, outcome, &mut rng);
        breaker.state(now)
    };
    let (good, bad) = (Outcome::Success(secs(0)), Outcome::Failure(secs(0)));
    for _ in 0..10 {
        call(0, bad);
    }
    let states = (0..10).map(|n| call(2_000 + n * 500, if n < failures { bad } else { good }));
    states.last().expect("ten of them")
}

/// resilience4j/resilience4j#903: with a window of one second the results of the probes were forgotten before there
/// were enough of them, and it stayed half-open.
#[test]
fn resilience4j_903() {
    assert_eq!(slow_probes(0), breaker::State::Closed { failures: 0 });
}

/// resilience4j/resilience4j#597: the half-open state used the window of time, so that the failures of its first probes
/// had aged away when the last one was judged.
#[test]
fn resilience4j_597() {
    assert_eq!(slow_probes(2), breaker::State::Closed { failures: 0 }, "two of ten are below a quarter");
    assert!(matches!(slow_probes(3), breaker::State::Open { .. }), "three are not");
}

/// resilience4j/resilience4j#2028: behind a cache one call in half an hour came, and nothing said whether half-open
/// would ever end.
#[test]
fn resilience4j_2028() {
    let three = CONFIG.to_builder().probes(3).build_const();
    let mut breaker = tripped(&three);
    for (secs, closed) in [(1_800, false), (3_600, false), (5_400, true)] {
        let probe = acquire(&mut breaker, &three, secs).expect("never refused");
        breaker.success(&three, at(secs), probe);
        assert_eq!(is_closed(&breaker, secs), closed, "{secs}");
    }
}

/// resilience4j/resilience4j#2289: where the permitted calls were not reached there was no way out of half-open by
/// time alone.
#[test]
fn resilience4j_2289() {
    let leased = CONFIG.to_builder().probes(2).lease(secs(30)).build_const();
    let mut breaker = tripped(&leased);
    let probe = acquire(&mut breaker, &leased, 60).expect("a probe");
    acquire(&mut breaker, &leased, 60).expect("a probe whose answer never comes");
    breaker.success(&leased, at(61), probe);
    assert_eq!(breaker.poll_timeout(), Some(at(90)));
    let changes = breaker.handle_timeout(&leased, at(90), &mut SplitMix64::new(1)).into_iter().flatten();
    assert_eq!(changes.map(|change| change.why).collect::<Vec<_>>(), [breaker::Cause::LeaseOver]);
    assert_eq!(breaker.state(at(90)), breaker::State::Open { until: at(150) });
    assert!(acquire(&mut breaker, &leased, 150).is_some());
}

/// resilience4j/resilience4j#2093: it stayed open for hours, its open time of two minutes notwithstanding.
#[test]
fn resilience4j_2093() {
    const RATES: Rates = Rates::new(Ratio::new_const(4, 5), 50).build_const();
    const BY_RATE: breaker::Config<CountWindow<100>> =
        breaker::Config::by_count(RATES, secs(120)).probes(5).build_const();
    let (mut breaker, mut rng) = (CircuitBreaker::<CountWindow<100>>::new(), SplitMix64::new(1));
    let mut now = 0;
    for round in 0..20 {
        for _ in 0..if round == 0 { 50 } else { 5 } {
            let permit = breaker.try_acquire(&BY_RATE, at(now), &mut rng).expect("admitted");
            breaker.record(&BY_RATE, at(now), permit, Outcome::Failure(secs(1)), &mut rng);
        }
        assert_eq!(breaker.state(at(now)), breaker::State::Open { until: at(now + 120) });
        assert!(breaker.try_acquire(&BY_RATE, at(now + 119), &mut rng).is_err());
        now += 120;
    }
    let mut asked_by_nobody = breaker.clone();
    assert!(asked_by_nobody.try_acquire(&BY_RATE, at(now + 86_400), &mut rng).is_ok());
    let changes = breaker.handle_timeout(&BY_RATE, at(now), &mut rng).into_iter().flatten();
    assert_eq!(
        changes.map(|change| change.why).collect::<Vec<_>>(),
        [breaker::Cause::OpenTimeOver],
        "by itself"
    );
}

/// joshrotenberg/mcp-proxy#220: it could not open before a hundred calls, whatever minimum was configured.
#[test]
fn mcp_proxy_220() {
    const BY_RATE: breaker::Config<CountWindow<100>> =
        breaker::Config::by_count(Rates::new(Ratio::new_const(1, 2), 5).build_const(), secs(60))
            .build_const();
    let (mut breaker, mut rng) = (CircuitBreaker::<CountWindow<100>>::new(), SplitMix64::new(1));
    let opened = (1..=100).find(|_| {
        let permit = breaker.try_acquire(&BY_RATE, at(0), &mut rng).expect("closed");
        breaker.record(&BY_RATE, at(0), permit, Outcome::Failure(secs(0)), &mut rng).is_some()
    });
    assert_eq!(opened, Some(5));
}
