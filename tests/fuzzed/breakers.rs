//! Every byte string is a breaker's config, one for each kind of window, and what happens to it. What it admits, its state, its
//! deadline and its metrics agree, and nothing but the state, the generator and the calls decides.

#![allow(unreachable_pub, reason = "several crates include this file")]

use core::time::Duration;

use redial::breaker::{
    self, Consecutive, CountWindow, Outcome, Permit, RateWindow, Rates, State, TimeWindow, Window,
};
use redial::testing::Script;
use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    let plain = script.breaker();
    live::<Consecutive>(script.clone(), &plain, |_, _, _| {});
    let share = Ratio::new_const(1 + script.below(4), 4);
    let (minimum, longer) = (1 + script.below(6), script.duration().max(Duration::from_nanos(1)));
    let rates = if script.flag() {
        Rates::new(share, minimum).slow(longer, Ratio::ONE).build_const()
    } else {
        Rates::new(share, minimum).build_const()
    };
    let (open, lease) = (plain.open_for(), plain.lease());
    let by_count =
        breaker::Config::<CountWindow<6>>::by_count(rates, open).lease(lease).probes(plain.probes().min(6));
    if let Ok(config) = by_count.build() {
        live(script.clone(), &config, metrics);
    }
    let span = script.duration().max(Duration::from_micros(1));
    if let Ok(config) = breaker::Config::<TimeWindow<4>>::by_time(rates, span, open).lease(lease).build() {
        live(script, &config, metrics);
    }
}

fn metrics<W: RateWindow>(breaker: &CircuitBreaker<W>, config: &breaker::Config<W>, now: Instant) {
    let metrics = breaker.metrics(config, now);
    assert!(metrics.failures <= metrics.calls && metrics.slow <= metrics.calls, "{metrics:?}");
    for rate in [metrics.failure_rate, metrics.slow_rate].into_iter().flatten() {
        assert!(!rate.is_above_one(), "{metrics:?}");
    }
}

/// Whatever a caller may do, with permits that it keeps, gives back late or loses.
fn live<W: Window + PartialEq + core::fmt::Debug>(
    mut script: Script<'_>,
    config: &breaker::Config<W>,
    see: impl Fn(&CircuitBreaker<W>, &breaker::Config<W>, Instant),
) {
    let (mut breaker, mut rng) = (CircuitBreaker::<W>::new(), SplitMix64::new(script.seed()));
    let mut permits: Vec<Permit> = Vec::new();
    let mut now = Instant::ZERO;
    for _ in 0..400 {
        if script.is_done() {
            break;
        }
        let before = now;
        now = match script.below(8) {
            0..=2 => now,
            3..=5 => breaker.poll_timeout().unwrap_or(now).max(now),
            6 => now.saturating_add(script.duration()),
            _ => script.instant(),
        };
        let mut twin = (breaker.clone(), rng.clone());
        let leased = matches!(breaker.state(before), State::HalfOpen { .. });
        let open_before = matches!(breaker.state(now), State::Open { .. } | State::ForcedOpen);
        match script.below(16) {
            0..=5 => {
                let checked = breaker.check(config, now);
                let admitted = breaker.try_acquire(config, now, &mut rng);
                // After a lease that ended unseen a check takes the longest open time, and an attempt draws one.
                assert!(checked.is_err() || admitted.is_ok(), "what a check admits is admitted");
                assert!(
                    leased || checked.is_ok() == admitted.is_ok(),
                    "a check tells what would be admitted"
                );
                assert_eq!(twin.0.try_acquire(config, now, &mut twin.1), admitted);
                assert!(!(open_before && admitted.is_ok()), "an open breaker admits nothing");
                let probes = matches!(breaker.state(now), State::HalfOpen { .. });
                assert!(admitted.as_ref().ok().is_none_or(|permit| permit.is_probe() == probes));
                permits.extend(admitted.ok().filter(|_| permits.len() < 40));
            }
            6..=10 => {
                let took = script.duration();
                let outcome = if script.flag() { Outcome::Success(took) } else { Outcome::Failure(took) };
                if let Some(permit) =
                    (!permits.is_empty()).then(|| permits.remove(script.below(permits.len() as u32) as usize))
                {
                    let transition = breaker.record(config, now, permit, outcome, &mut rng);
                    assert_eq!(twin.0.record(config, now, permit, outcome, &mut twin.1), transition);
                }
            }
            11 => {
                if let Some(permit) = permits.pop() {
                    breaker.release(permit);
                    twin.0.release(permit);
                }
            }
            12 | 13 => {
                let transitions = breaker.handle_timeout(config, now, &mut rng);
                assert_eq!(twin.0.handle_timeout(config, now, &mut twin.1), transitions);
                assert!(breaker.poll_timeout().is_none_or(|at| at > now || at == Instant::MAX), "it spins");
            }
            14 => match script.below(5) {
                0 => breaker.open_until(script.instant()),
                1 => breaker.force_open(),
                2 => breaker.disable(),
                3 => breaker.metrics_only(),
                _ => breaker.reset(),
            },
            _ => permits.clear(),
        }
        if let State::HalfOpen { probes_out, probes_succeeded } = breaker.state(now) {
            assert!(probes_out + probes_succeeded <= config.probes(), "more probes than it may admit");
        }
        see(&breaker, config, now);
    }
}
