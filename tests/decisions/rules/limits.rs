//! What the config allows the first connect, the wait from a dial, a network's return, a rate limit and a long outage.

use redial::backoff::AfterTable;
use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use redial::policy::WaitReason;
use redial::{BackoffConfig, Cause, Config, Event, GiveUp, Jitter, Phase, Ratio};

use crate::harness::*;

/// A cause that is a rate limit and no more: others have a least wait of 30 s.
const LIMITED: Cause = Cause::CloseFrame(4321);
const LIMITING: Config = PLAIN
    .to_builder()
    .classifier(
        Classifier::new(&tables::WEBSOCKET)
            .rule(Rule::new(
                Match::Is(LIMITED),
                Verdict::new(Class::RateLimited).with_wait_const(secs(0), secs(0)),
            ))
            .build_const(),
    )
    .build_const();

/// F38, lifecycle 29: the first connect may have its own number of attempts; a reconnect has the usual one, also where
/// it fails in its handshake, and there each failure counts on.
#[test]
fn f38_the_first_connect_has_its_own_attempts() {
    let config = PLAIN.to_builder().initial_limits(Some(1), None).build_const();
    let mut rig = Harness::started(config);
    rig.opened();
    assert_eq!(gave_up(&rig.lose()), Some((GiveUp::MaxAttempts, Cause::NoCloseFrame)), "it never was ready");

    let mut rig = Harness::online(config);
    rig.lose();
    for (attempt, wait) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
        assert_eq!(rig.redial(), secs(wait));
        assert_eq!(rig.told().attempt, attempt);
        rig.opened();
        assert_eq!(gave_up(&rig.lose()), None, "attempt {attempt}");
    }

    // The other way round: patient at first, and one loss is final.
    let mut rig = Harness::started(
        PLAIN.to_builder().max_attempts(Some(0)).initial_limits(Some(3), None).build_const(),
    );
    for _ in 0..2 {
        assert_eq!(gave_up(&rig.fail(REFUSED)), None);
        rig.redial();
    }
    rig.establish();
    assert_eq!(gave_up(&rig.lose()), Some((GiveUp::MaxAttempts, Cause::NoCloseFrame)));
}

/// F38: and its own time; each start is a first connect again, and "reconnect now" after a loss is none.
#[test]
fn f38_the_first_connect_has_its_own_time() {
    let config =
        PLAIN.to_builder().max_elapsed(Some(secs(600))).initial_limits(None, Some(secs(5))).build_const();
    let first = |rig: &mut Harness| {
        for wait in [1, 2] {
            assert_eq!(gave_up(&rig.fail(REFUSED)), None);
            assert_eq!(rig.redial(), secs(wait));
        }
        // 3 s are over; the next wait is 4 s.
        assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::MaxElapsed, REFUSED)));
    };
    let mut rig = Harness::started(config);
    first(&mut rig);
    rig.start();
    first(&mut rig);
    rig.start();
    rig.establish();
    rig.lose();
    rig.event(Event::RetryNow);
    for wait in [1, 2, 4, 8, 16] {
        assert_eq!(gave_up(&rig.fail(REFUSED)), None);
        assert_eq!(rig.redial(), secs(wait));
    }
    rig.stop(false);
    rig.start();
    first(&mut rig);
}

/// Lifecycle 8: the wait runs from the failure, or from the dial that failed; a dial longer than its wait is followed
/// at once, and not in the same step. The wait after a loss runs from the loss either way.
#[test]
fn l08_a_wait_runs_from_the_dial_or_from_its_failure() {
    for (from_dial, waits) in [(false, [1_000, 2_000, 4_000, 8_000]), (true, [0, 0, 1_500, 5_500])] {
        let mut rig = Harness::started(PLAIN.to_builder().wait_from_dial(from_dial).build_const());
        for wait in waits {
            rig.advance(ms(2_500));
            assert_eq!(opens(&rig.fail(REFUSED)), 0);
            assert_eq!(rig.redial(), ms(wait), "from the dial: {from_dial}");
        }
    }
    let mut rig = Harness::online(PLAIN.to_builder().wait_from_dial(true).build_const());
    rig.advance(secs(3_600));
    rig.lose();
    assert_eq!(rig.waits(), secs(1));
}

/// Lifecycle 34: the network's return dials again what is under way, where the config says so: it is closed and
/// dialled again as the same attempt, no failure, and however often the network returns never closer than the first
/// wait (S84).
#[test]
fn l34_network_up_restarts_a_dial() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    rig.redial();
    let due = rig.due();
    assert!(rig.event(Event::NetworkUp).is_empty(), "the default: the dial goes on");
    assert_eq!((rig.phase(), rig.due(), rig.told().failures), (Phase::Connecting, due, 0));

    let mut rig = Harness::failed_times(PLAIN.to_builder().restart_on_network_up(true).build_const(), 4);
    rig.redial();
    for _ in 0..20 {
        rig.advance(ms(300));
        let actions = rig.event(Event::NetworkUp);
        assert_eq!((closed(&actions), opens(&actions)), (Some(None), 0));
        for _ in 0..3 {
            assert_eq!(opens(&rig.event(Event::NetworkUp)), 0);
        }
        assert_eq!(rig.redial(), ms(700), "a second after the dial before, not the 16 s of the ladder");
        assert_eq!((rig.told().attempt, rig.policy.stats().failed), (5, 4), "nothing is spent");
        assert_eq!(rig.told().failures, 0, "the ladder begins anew with good news");
    }
    assert_eq!(rig.policy.stats().abandoned, 20);
    // What is open is not touched.
    rig.opened();
    assert!(rig.event(Event::NetworkUp).is_empty());
    assert_eq!(rig.phase(), Phase::Establishing);
}

/// Lifecycle 9: a silent dial ends at its deadline, which is the timeout, or where the config says so the wait that would
/// follow it if that is longer.
#[test]
fn l09_a_silent_dial_has_a_deadline() {
    for (grows, expected) in [(false, [10; 7]), (true, [10, 10, 10, 10, 16, 30, 30])] {
        let mut rig = Harness::started(PLAIN.to_builder().connect_timeout_growing(grows).build_const());
        for timeout in expected {
            assert_eq!(rig.due(), Some((secs(timeout), WaitReason::ConnectTimeout)), "{grows}");
            let actions = rig.advance(secs(timeout));
            assert_eq!((closed(&actions), opens(&actions)), (Some(None), 0));
            assert_eq!(rig.told().last_cause, Some(Cause::ConnectTimeout));
            rig.redial();
        }
        assert_eq!(rig.policy.stats().failed, 7);
    }
}

/// Lifecycle 46: a rate limit has a count of its own on the backoff, does not move the others' step, and waits no less
/// than they do.
#[test]
fn l46_a_rate_limit_has_its_own_count() {
    let mut rig = Harness::started(LIMITING);
    for wait in [1, 2, 4, 8, 16] {
        rig.fail(LIMITED);
        assert_eq!(rig.redial(), secs(wait));
    }
    rig.fail(REFUSED);
    assert_eq!(rig.redial(), secs(1), "the first failure of another kind");
    rig.fail(LIMITED);
    assert_eq!(rig.redial(), secs(30), "and the sixth of this kind");
    rig.fail(REFUSED);
    assert_eq!(rig.redial(), secs(2));

    let mut rig = Harness::failed_times(LIMITING, 5);
    rig.redial();
    rig.fail(LIMITED);
    assert_eq!(rig.redial(), secs(16), "a first one is not dialled sooner than the rest");

    // A session that held ends it.
    rig.establish();
    rig.advance(secs(1));
    rig.close(LIMITED);
    assert_eq!(rig.waits(), secs(1));
}

/// Lifecycle 46: but `max_attempts` counts every dial, as the contract says.
#[test]
fn l46_the_limit_of_attempts_counts_every_dial() {
    let mut rig = Harness::started(LIMITING.to_builder().max_attempts(Some(3)).build_const());
    for cause in [LIMITED, REFUSED] {
        assert_eq!(gave_up(&rig.fail(cause)), None);
        rig.redial();
    }
    assert_eq!(gave_up(&rig.fail(LIMITED)), Some((GiveUp::MaxAttempts, LIMITED)));
}

/// Lifecycle 46, 12, S95: a server that accepts and drops with a rate limit makes no client spin, whose first wait is 0
/// and to whom any session is stable.
#[test]
fn l46_a_rate_limit_at_once_keeps_its_distance() {
    static TABLE: [core::time::Duration; 3] = [secs(0), secs(1), secs(2)];
    let table = BackoffConfig::table(&TABLE, AfterTable::RepeatLast).build_const();
    for config in [
        LIMITING.to_builder().backoff(DOUBLING.to_builder().first_delay(secs(0)).build_const()).build_const(),
        LIMITING.to_builder().backoff(table).build_const(),
    ] {
        let mut rig = Harness::started(config);
        let begun = rig.now;
        for _ in 0..20 {
            rig.establish();
            rig.close(LIMITED);
            rig.redial();
        }
        assert!(rig.now.saturating_duration_since(begun) >= secs(19), "20 dials in {:?}", rig.now);
    }
}

/// Lifecycle 94: the second tier begins with the first failure after its time, and ends with the outage.
#[test]
fn l94_a_long_outage_has_its_own_backoff() {
    let slow = BackoffConfig::constant(secs(300)).build_const();
    let mut rig = Harness::started(PLAIN.to_builder().long_outage(secs(120), slow).build_const());
    // 1 + 2 + 4 + 8 + 16 + 30 + 30 = 91 s; the failure at 121 s is the first after 120 s.
    for wait in [1, 2, 4, 8, 16, 30, 30, 30, 300, 300, 300] {
        rig.fail(REFUSED);
        assert_eq!(rig.redial(), secs(wait));
    }
    rig.establish();
    rig.advance(secs(1));
    rig.lose();
    assert_eq!(rig.redial(), secs(1));
}

/// Lifecycle 94: a fleet that enters it together is spread by its jitter, and stays so.
#[test]
fn l94_a_fleet_in_a_long_outage_is_spread() {
    const FLEET: usize = 1_000;
    let slow = BackoffConfig::exponential(secs(60), Ratio::ONE, secs(60)).build_const();
    let slow = slow.to_builder().jitter(Jitter::Equal).build_const();
    let config: Config = PLAIN.to_builder().long_outage(secs(100), slow).build_const();
    let mut dials = vec![Vec::new(); 4];
    for seed in 0..FLEET as u64 {
        let mut rig = Harness::seeded(config, seed);
        rig.start();
        let begun = rig.now;
        for wait in [1, 2, 4, 8, 16, 30, 30, 30] {
            rig.fail(REFUSED);
            assert_eq!(rig.redial(), secs(wait), "in step until then: the first ladder has no jitter");
        }
        for dials in &mut dials {
            rig.fail(REFUSED);
            assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::Backoff));
            let wait = rig.redial();
            assert!(secs(30) <= wait && wait < secs(60), "{wait:?}");
            dials.push(rig.now.saturating_duration_since(begun).as_secs());
        }
    }
    for (round, dials) in dials.iter().enumerate() {
        let busiest = dials.iter().map(|at| dials.iter().filter(|other| *other == at).count()).max();
        // 30 s for 1000: 33 a second on average.
        assert!(busiest <= Some(66), "{busiest:?} of {FLEET} in one second of round {round}");
    }
}

/// A least interval that nobody lives to see ends a connection in silence: refused above a day.
#[test]
fn a_least_interval_above_a_day_is_refused() {
    let day = secs(86_400);
    assert!(PLAIN.to_builder().min_interval(day).build().is_ok());
    for longer in [day + core::time::Duration::from_nanos(1), core::time::Duration::MAX] {
        assert_eq!(
            PLAIN.to_builder().min_interval(longer).build(),
            Err(redial::ConfigError::MinIntervalTooLong)
        );
    }
}
