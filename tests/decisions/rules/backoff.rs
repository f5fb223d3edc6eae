//! When the backoff resets, and where it ends.

use redial::backoff::AfterTable;
use redial::policy::WaitReason;
use redial::{BackoffConfig, Cause, Config, Disposition, Event, GiveUp, Phase};

use crate::harness::*;

const STABLE: Config = PLAIN.to_builder().reset_after_stable(secs(120)).build_const();

/// F30, lifecycle 16: an open socket is no success; only an established session ends a row of failures.
#[test]
fn f30_only_a_session_resets() {
    let mut rig = Harness::started(PLAIN);
    for wait in [1, 2, 4, 8] {
        rig.opened();
        rig.lose();
        assert_eq!(rig.redial(), secs(wait));
    }
    rig.establish();
    rig.lose();
    assert_eq!(rig.redial(), secs(1));
}

/// F31, F33, lifecycle 13: sessions that don't hold back off to the cap, one that was accepted and dropped like
/// one that was ready and dropped.
#[test]
fn f31_flapping_backs_off() {
    for ready in [false, true] {
        let mut rig = Harness::started(STABLE);
        for wait in [1, 2, 4, 8, 16, 30, 30, 30, 30, 30] {
            if ready {
                rig.establish();
                rig.advance(secs(119));
            } else {
                rig.opened();
            }
            rig.lose();
            assert_eq!(rig.redial(), secs(wait));
        }
    }
}

/// F32, lifecycle 14: after a session that held, the first wait again.
#[test]
fn f32_a_session_that_held_resets() {
    let mut rig = Harness::failed_times(STABLE, 7);
    rig.recover();
    rig.advance(secs(121));
    rig.lose();
    assert_eq!(rig.recover(), secs(1));
    rig.advance(secs(86_400));
    rig.lose();
    assert_eq!(rig.recover(), secs(1), "seven failures long ago count no more");
}

/// Lifecycle 15: a first short session costs the first wait; the second in a row costs more.
#[test]
fn l15_the_first_short_session_is_forgiven() {
    let mut rig = Harness::online(STABLE);
    rig.advance(secs(3));
    rig.lose();
    assert_eq!(rig.recover(), secs(1));
    rig.advance(secs(3));
    rig.lose();
    assert_eq!(rig.recover(), secs(2));
}

/// Lifecycle 18: what looks like another "ready" inside a session touches no counter and sends nothing twice.
#[test]
fn l18_ready_again_in_one_session() {
    let mut rig = Harness::failed_times(STABLE, 4);
    rig.recover();
    let before = (rig.told(), rig.policy.stats(), rig.due());
    for _ in 0..5 {
        rig.advance(secs(1));
        assert!(rig.ready().is_empty());
    }
    assert_eq!((rig.told(), rig.policy.stats()), (before.0, before.1));
    rig.lose();
    assert_eq!(rig.waits(), secs(16), "the fifth step: five seconds of repeats were no stable session");
}

/// Lifecycle 19: the age that counts is that of the session, not the time since it was last seen.
#[test]
fn l19_a_long_wait_is_no_stable_session() {
    let mut rig = Harness::failed_times(PLAIN.to_builder().reset_after_stable(secs(10)).build_const(), 5);
    rig.recover();
    rig.advance(secs(1));
    rig.lose();
    assert_eq!(rig.redial(), secs(30), "longer than the stability");
    rig.fail(REFUSED);
    assert_eq!(rig.redial(), secs(30), "and still the cap");
}

/// Lifecycle 20: an outage far longer than the stability resets nothing.
#[test]
fn l20_a_long_outage_resets_nothing() {
    let mut rig = Harness::failed_times(STABLE, 1);
    for _ in 0..200 {
        rig.redial();
        rig.fail(REFUSED);
    }
    assert_eq!((rig.waits(), rig.told().failures), (secs(30), 201));
}

/// F35, lifecycle 78: no attempt, n attempts or any number; n failing dials after the loss, then one end.
#[test]
fn f35_max_attempts() {
    for max in [0_u32, 1, 5] {
        let mut rig = Harness::online(PLAIN.to_builder().max_attempts(Some(max)).build_const());
        let mut actions = rig.close(RESET);
        for _ in 0..max {
            assert_eq!(gave_up(&actions), None);
            rig.redial();
            actions = rig.fail(REFUSED);
        }
        let cause = if max == 0 { RESET } else { REFUSED };
        assert_eq!(gave_up(&actions), Some((GiveUp::MaxAttempts, cause)));
        assert_eq!(rig.opens(), max + 1);
    }
    let rig = Harness::failed_times(PLAIN, 3_000);
    assert_eq!(rig.waits(), secs(30));
}

/// F36, lifecycle 80: the end is a value that comes once; asking on yields nothing, and no wait of zero.
#[test]
fn f36_the_end_comes_once() {
    static TABLE: [core::time::Duration; 2] = [secs(0), secs(2)];
    let table = BackoffConfig::table(&TABLE, AfterTable::GiveUp).build_const();
    for (config, reason) in [
        (PLAIN.to_builder().max_attempts(Some(2)).build_const(), GiveUp::MaxAttempts),
        (PLAIN.to_builder().max_elapsed(Some(secs(1))).build_const(), GiveUp::MaxElapsed),
        (PLAIN.to_builder().backoff(table).build_const(), GiveUp::TableSpent),
    ] {
        let mut rig = Harness::started(config);
        let mut actions = rig.fail(REFUSED);
        while gave_up(&actions).is_none() {
            rig.redial();
            actions = rig.fail(REFUSED);
        }
        assert_eq!(gave_up(&actions).map(|end| end.0), Some(reason));
        assert_eq!((rig.phase(), rig.policy.poll_timeout()), (Phase::Failed, None));
        for _ in 0..10 {
            assert!(rig.tick().is_empty());
            assert!(rig.event(Event::NetworkUp).is_empty());
            assert!(rig.event(Event::HostResumed { gap: secs(9), counted: true }).is_empty());
            assert!(rig.advance(secs(3_600)).is_empty());
        }
        // A limit is no verdict: the user may try again.
        assert_eq!(opens(&rig.event(Event::RetryNow)), 1);
    }
}

/// F37, lifecycle 79: a wait that would end after the time allowed is not begun.
#[test]
fn f37_max_elapsed() {
    let mut rig = Harness::started(PLAIN.to_builder().max_elapsed(Some(secs(60))).build_const());
    for wait in [1, 2, 4, 8, 16] {
        assert_eq!(gave_up(&rig.fail(REFUSED)), None);
        assert_eq!(rig.redial(), secs(wait));
    }
    // 31 s are over; the next wait is 30 s.
    assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::MaxElapsed, REFUSED)));
}

/// F37: a server's wait is bound by the limit too (and P19: it can't prolong an outage forever).
#[test]
fn f37_a_hint_is_bound_by_the_limit() {
    let mut rig = Harness::started(PLAIN.to_builder().max_elapsed(Some(secs(60))).build_const());
    assert_eq!(gave_up(&rig.refuse(503, Some(secs(61)))), Some((GiveUp::MaxElapsed, Cause::Http(503))));
}

/// Lifecycle 17: a session too short to count does not restart the clock of giving up.
#[test]
fn l17_a_short_session_does_not_restart_the_limit() {
    let mut rig = Harness::online(STABLE.to_builder().max_elapsed(Some(secs(60))).build_const());
    let begun = rig.now;
    loop {
        rig.advance(secs(1));
        if gave_up(&rig.lose()).is_some() {
            break;
        }
        rig.recover();
        assert!(rig.now.saturating_duration_since(begun) <= secs(60), "it goes on for ever");
    }
}

/// F39: while it waits it says until when, for what, and which attempt comes next.
#[test]
fn f39_a_wait_is_explained() {
    let mut rig = Harness::failed_times(PLAIN, 4);
    rig.advance(secs(3));
    let told = rig.told();
    assert_eq!(told.until, Some(rig.now.saturating_add(secs(5))));
    assert_eq!((told.waiting_for, told.attempt, told.failures), (Some(WaitReason::Backoff), 4, 4));
    assert_eq!(told.last_cause, Some(REFUSED));
    assert_eq!(rig.disposition(), Disposition::Applied);
    let line = told.to_string();
    assert!(line.starts_with("waiting (connection_refused), backoff at "), "{line}");
}

/// F37: a limit of no attempts leaves the limit in time as it is, also for the dial that it still allows.
#[test]
fn f37_a_limit_of_no_attempts_leaves_the_limit_in_time() {
    for attempts in [None, Some(0)] {
        let limited = PLAIN.to_builder().max_attempts(attempts).max_elapsed(Some(secs(2))).build_const();
        let mut rig = Harness::started(limited);
        let epoch = rig.epoch();
        let actions = rig.event(Event::NotNow { epoch, retry_after: Some(secs(30)) });
        assert_eq!(gave_up(&actions).map(|end| end.0), Some(GiveUp::MaxElapsed), "{attempts:?}");
    }
}

/// F18, F37: the network's return shortens a wait, and so never ends the outage, not even one whose first dial is kept
/// apart from the last for longer than the outage may take.
#[test]
fn f37_the_networks_return_ends_no_outage() {
    let apart = PLAIN.to_builder().min_interval(secs(5)).max_elapsed(Some(secs(2))).build_const();
    let mut rig = Harness::started(apart);
    assert_eq!(gave_up(&rig.fail(REFUSED)), Some((GiveUp::MaxElapsed, REFUSED)));
    rig.start();
    assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::MinInterval));
    assert_eq!(gave_up(&rig.event(Event::NetworkUp)), None);
    assert_eq!(opens(&rig.advance(secs(5))), 1);
}
