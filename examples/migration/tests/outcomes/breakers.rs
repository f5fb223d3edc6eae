//! Breakers around one service that fails and recovers.

#![expect(clippy::disallowed_methods, reason = "failsafe and recloser read the system's clock")]

use std::thread::sleep;
use std::time::Duration;

use failsafe::CircuitBreaker as _;
use redial::breaker::State;
use redial_migration::breakers::{Guard, price};
use redial_migration::{failsafe as by_failures, recloser as by_rate};

const OPEN: Duration = Duration::from_millis(100);

/// What callers hear while the service fails, is left alone, and is back.
macro_rules! story {
    ($breaker:expr, $price:path, $failures:expr) => {{
        let breaker = $breaker;
        let mut heard = Vec::new();
        for _ in 0..$failures {
            heard.push($price(&breaker, || Err("down")));
        }
        heard.push($price(&breaker, || panic!("an open breaker makes no call")));
        sleep(2 * OPEN);
        for price in [7, 8, 9] {
            heard.push($price(&breaker, || Ok(price)));
        }
        heard
    }};
}

fn expected(failures: usize) -> Vec<Result<u32, String>> {
    let down = std::iter::repeat_n(Err("down".to_owned()), failures);
    down.chain([Err("not asked".to_owned()), Ok(7), Ok(8), Ok(9)]).collect()
}

#[test]
fn failures_in_a_row_are_told_alike() {
    assert_eq!(story!(by_failures::before::breaker(OPEN), by_failures::before::price, 3), expected(3));
    assert_eq!(story!(by_failures::after::breaker(OPEN), price, 3), expected(3));
}

#[test]
fn rates_are_told_alike_but_for_one_call() {
    // recloser looks at its window only when one result more than that has come.
    assert_eq!(story!(by_rate::before::breaker(OPEN), by_rate::before::price, 11), expected(11));
    assert_eq!(story!(by_rate::after::breaker(OPEN), price, 10), expected(10));
}

/// A call within a call, as long as the breaker admits one: how many at once are let through to a service that may be down.
fn at_once(call: &dyn Fn(&mut dyn FnMut())) -> usize {
    fn deeper(call: &dyn Fn(&mut dyn FnMut()), admitted: &mut usize) {
        if *admitted < 100 {
            let mut within = || {
                *admitted += 1;
                deeper(call, admitted);
            };
            call(&mut within);
        }
    }
    let mut admitted = 0;
    deeper(call, &mut admitted);
    admitted
}

fn succeed(within: &mut dyn FnMut()) -> Result<(), ()> {
    within();
    Ok(())
}

fn opened(mut fail: impl FnMut()) {
    (0..11).for_each(|_| fail());
    sleep(2 * OPEN);
}

#[test]
fn failsafe_admits_everybody_half_open_and_redial_its_probe() {
    let theirs = by_failures::before::breaker(OPEN);
    opened(|| drop(by_failures::before::price(&theirs, || Err("down"))));
    let admitted = at_once(&|within| {
        drop(theirs.call(|| {
            within();
            Err::<(), _>(())
        }));
    });
    assert_eq!(admitted, 100);

    let ours = by_failures::after::breaker(OPEN);
    opened(|| drop(price(&ours, || Err("down"))));
    assert_eq!(at_once(&|within| drop(ours.call(|| succeed(within)))), 1);
}

#[test]
fn recloser_admits_everybody_half_open_and_redial_its_probes() {
    let theirs = by_rate::before::breaker(OPEN);
    opened(|| drop(by_rate::before::price(&theirs, || Err("down"))));
    assert_eq!(at_once(&|within| drop(theirs.call(|| succeed(within)))), 100);

    let ours = by_rate::after::breaker(OPEN);
    opened(|| drop(price(&ours, || Err("down"))));
    assert_eq!(at_once(&|within| drop(ours.call(|| succeed(within)))), 2);
}

/// A call that was made before the breaker opened, and comes back while it probes.
#[test]
fn failsafe_is_closed_by_a_result_from_before_and_redial_is_not() {
    let theirs = by_failures::before::breaker(OPEN);
    drop(theirs.call(|| {
        opened(|| drop(theirs.call(|| Err::<(), _>(()))));
        // A probe is under way.
        assert!(theirs.is_call_permitted());
        Ok::<_, ()>(())
    }));
    assert!(format!("{theirs:?}").contains("closed"), "{theirs:?}");

    let ours = Guard::new(redial::breaker::Config::new(3, OPEN).build().unwrap());
    drop(ours.call(|| {
        opened(|| drop(ours.call(|| Err::<(), _>(()))));
        Ok::<_, ()>(())
    }));
    assert!(matches!(ours.state(), State::HalfOpen { .. }), "{:?}", ours.state());
}

#[test]
fn failsafe_first_open_time_of_a_second_is_none() {
    let mut waits = failsafe::backoff::equal_jittered(Duration::from_secs(1), Duration::from_secs(300));
    assert_eq!(waits.next(), Some(Duration::ZERO));
}

#[test]
fn recloser_is_opened_by_a_success() {
    let breaker = recloser::Recloser::custom().error_rate(0.5).closed_len(2).build();
    for result in [Err(()), Err(()), Ok(())] {
        drop(breaker.call(|| result));
    }
    assert!(matches!(breaker.call(|| Ok::<_, ()>(())), Err(recloser::Error::Rejected)));
}
