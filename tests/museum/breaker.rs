//! Breakers.

use redial::{BreakerConfig, BreakerState, CircuitBreaker, Instant, Permit, Ratio, SplitMix64, valid};

use super::rig::secs;

const CONFIG: BreakerConfig = valid(BreakerConfig::new(3, secs(60)));

fn at(secs: u64) -> Instant {
    Instant::from_millis(secs * 1_000)
}

fn acquire(breaker: &mut CircuitBreaker, config: &BreakerConfig, secs: u64) -> Option<Permit> {
    breaker.try_acquire(config, at(secs), &mut SplitMix64::new(1)).ok()
}

/// Open since 0 s, and so half-open from 60 s on.
fn tripped(config: &BreakerConfig) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::new();
    for _ in 0..3 {
        let permit = acquire(&mut breaker, config, 0).expect("closed");
        breaker.failure(config, at(0), permit, &mut SplitMix64::new(1));
    }
    breaker
}

fn is_closed(breaker: &CircuitBreaker, secs: u64) -> bool {
    matches!(breaker.state(at(secs)), BreakerState::Closed { .. })
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
    let four = valid(CONFIG.with_probes(4));
    let mut breaker = tripped(&four);
    assert_eq!((0..1_000).filter(|_| acquire(&mut breaker, &four, 60).is_some()).count(), 4);
}

/// getnora-io/nora#585: a probe that never reported kept it half-open for ever.
#[test]
fn nora_585() {
    let leased = valid(CONFIG.with_lease(secs(30)));
    let mut breaker = tripped(&leased);
    assert!(acquire(&mut breaker, &leased, 60).is_some());
    let again = (61..600).any(|secs| acquire(&mut breaker, &leased, secs).is_some());
    assert!(again, "the lost probe's lease has ended");
}

/// getnora-io/nora#667: a stale probe's success closed the breaker over a newer probe.
#[test]
fn nora_667() {
    let leased = valid(CONFIG.with_lease(secs(30)));
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
    let spread = valid(CONFIG.with_jitter(Ratio::ONE));
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
