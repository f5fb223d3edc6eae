//! What a policy tells about itself.

use redial::policy::{HoldReason, Trigger, WaitReason};
use redial::{Cause, Event, GiveUp, Phase, SessionState};

use crate::harness::*;

/// F104: no disconnect, stop or give-up clears a counter.
#[test]
fn f104_counters_survive() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    rig.recover();
    let before = rig.policy.stats();
    rig.stop(false);
    rig.start();
    let after = rig.policy.stats();
    assert_eq!((after.opens, after.losses, after.resumed), (before.opens + 1, before.losses, before.resumed));
    rig.fail(Cause::Http(404));
    assert_eq!(rig.phase(), Phase::Failed);
    let stats = rig.policy.stats();
    assert_eq!((stats.losses, stats.resumed, stats.fresh, stats.failed), (1, 1, 1, 1));
}

/// F105: how long a connection is up is counted from its own beginning.
#[test]
fn f105_uptime_is_the_connections_own() {
    let mut rig = Harness::online(PLAIN);
    let first = rig.told().since;
    rig.advance(secs(1_000));
    assert_eq!(rig.told().since, first);
    rig.lose();
    rig.recover();
    assert_eq!(rig.told().since, rig.now);
}

/// F106: a loss counts once, and an intended close never.
#[test]
fn f106_losses_are_counted_once() {
    let mut rig = Harness::online(GATEWAY);
    let epoch = rig.epoch();
    rig.reconnect_requested();
    rig.event(Event::Closed { epoch, cause: RESET });
    rig.recover();
    rig.stop(true);
    rig.start();
    rig.establish();
    rig.stop(false);
    assert_eq!(rig.policy.stats().losses, 1);
}

/// F107: how long the newest connection was up is kept; a dial that failed has no such time.
#[test]
fn f107_the_last_uptime_is_kept() {
    let mut rig = Harness::online(PLAIN);
    assert_eq!(rig.policy.stats().last_uptime_ms, 0);
    rig.advance(ms(1_234));
    rig.lose();
    assert_eq!(rig.policy.stats().last_uptime_ms, 1_234);
    rig.redial();
    rig.advance(ms(700));
    rig.fail(REFUSED);
    assert_eq!(rig.policy.stats().last_uptime_ms, 1_234);
    rig.recover();
    rig.advance(secs(u64::from(u32::MAX)));
    rig.lose();
    assert_eq!(rig.policy.stats().last_uptime_ms, u32::MAX, "49 days and more");
}

/// S97: after every step of every kind, each dial is established, failed, abandoned or under way, and each loss was of
/// an established connection.
#[test]
fn s97_the_counters_add_up() {
    type Step = fn(&mut Harness);
    let steps: [(Step, [u32; 5]); 12] = [
        (
            |rig| {
                rig.fail(REFUSED);
            },
            [1, 0, 1, 0, 0],
        ),
        (
            |rig| {
                rig.redial();
            },
            [2, 0, 1, 0, 0],
        ),
        (
            |rig| {
                rig.opened();
            },
            [2, 0, 1, 0, 0],
        ),
        (
            |rig| {
                rig.lose();
            },
            [2, 0, 2, 0, 0],
        ),
        (
            |rig| {
                rig.recover();
            },
            [3, 1, 2, 0, 0],
        ),
        (
            |rig| {
                rig.lose();
            },
            [3, 1, 2, 0, 1],
        ),
        (
            |rig| {
                rig.redial();
            },
            [4, 1, 2, 0, 1],
        ),
        (
            |rig| {
                rig.advance(secs(10));
            },
            [4, 1, 3, 0, 1],
        ),
        (
            |rig| {
                rig.redial();
            },
            [5, 1, 3, 0, 1],
        ),
        (
            |rig| {
                let epoch = rig.epoch();
                rig.event(Event::NotNow { epoch, retry_after: None });
            },
            [5, 1, 3, 1, 1],
        ),
        (
            |rig| {
                rig.recover();
            },
            [6, 2, 3, 1, 1],
        ),
        (
            |rig| {
                rig.stop(true);
            },
            [6, 2, 3, 1, 1],
        ),
    ];
    let mut rig = Harness::started(PLAIN);
    for (number, (step, counts)) in steps.into_iter().enumerate() {
        step(&mut rig);
        let stats = rig.policy.stats();
        let found = [stats.opens, stats.established, stats.failed, stats.abandoned, stats.losses];
        assert_eq!(found, counts, "step {number}");
        let pending = matches!(rig.phase(), Phase::Connecting | Phase::Establishing);
        let over = stats.established + stats.failed + stats.abandoned;
        assert_eq!(stats.opens, over + u32::from(pending), "step {number}");
        assert!(stats.losses <= stats.established);
    }
}

/// F108: timers and events that come too late, or twice, or in the wrong state, are nothing.
#[test]
fn f108_late_calls_do_nothing() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    rig.advance(ms(500));
    for _ in 0..3 {
        assert!(rig.tick().is_empty());
    }
    rig.redial();
    let told = rig.told();
    assert!(rig.tick().is_empty());
    for fact in [
        Event::CredentialOk { request: None, ttl: None },
        Event::CredentialFailed { request: None, fatal: true },
        Event::Visible,
        Event::RetryNow,
    ] {
        assert!(rig.event(fact).is_empty());
        assert_eq!(rig.disposition(), redial::Disposition::Inapplicable);
    }
    assert_eq!(rig.told(), told);
}

/// F109: whatever it does or waits for has a name.
#[test]
fn f109_everything_has_its_reason() {
    type Lose = fn(&mut Harness) -> Vec<redial::Action>;
    let losses: [(Lose, Cause); 8] = [
        (|rig| rig.code(4000), Cause::CloseFrame(4000)),
        (|rig| rig.lose(), Cause::NoCloseFrame),
        (|rig| rig.close(RESET), RESET),
        (|rig| rig.reconnect_requested(), Cause::ReconnectRequested),
        (|rig| rig.invalid(false), Cause::SessionInvalid),
        (|rig| rig.invalid(true), Cause::SessionInvalidResumable),
        (|rig| rig.advance(secs(90)), Cause::HeartbeatMissed),
        (|rig| rig.event(Event::HostResumed { gap: secs(3_600), counted: true }), Cause::HostSuspended),
    ];
    for (lose, cause) in losses {
        let mut rig = Harness::online(GATEWAY);
        lose(&mut rig);
        let told = rig.told();
        assert_eq!((told.trigger, told.last_cause), (Trigger::Lost(cause), Some(cause)));
        assert!(told.waiting_for.is_some());
    }
    let mut rig = Harness::started(GATEWAY);
    assert_eq!(rig.told().trigger, Trigger::Start);
    rig.refuse(503, Some(secs(40)));
    assert_eq!(rig.told().waiting_for, Some(WaitReason::RetryAfter));
    rig.event(Event::Hold(HoldReason::new(3).expect("a reason")));
    assert_eq!(rig.told().waiting_for, Some(WaitReason::Hold));
    rig.event(Event::Release(HoldReason::new(3).expect("a reason")));
    rig.redial();
    rig.refuse(404, None);
    assert_eq!(rig.told().trigger, Trigger::GaveUp(GiveUp::Fatal));
    rig.start();
    rig.stop(false);
    assert_eq!(rig.told().trigger, Trigger::Stop);
}

/// F110: neither token nor endpoint is in any debug output.
#[test]
fn f110_no_secret_is_printed() {
    let session = SessionState::resumable("s3cret-token", Some("wss://s3cret"), Some(7));
    let mut rig = Harness::importing(GATEWAY, session);
    rig.start();
    let actions = rig.opened();
    let text = format!("{:?} {:?} {:?} {:?}", rig.policy, rig.told(), actions, rig.policy.stats());
    assert!(!text.contains("s3cret"), "{text}");
}
