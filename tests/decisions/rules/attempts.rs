//! One loss, one attempt; every attempt has a deadline and an identity.

use redial::policy::{HoldReason, OnNetworkDown, WaitReason};
use redial::{Action, Cause, Disposition, Event, Phase};

use crate::harness::*;

/// F01: a reconnect request and then the close of the same socket are one loss.
#[test]
fn f01_a_request_and_its_close_are_one_attempt() {
    let mut rig = Harness::online(PLAIN);
    let old = rig.epoch();
    assert!(keeps_session(&rig.reconnect_requested()));
    let due = rig.due();
    rig.event(Event::Closed { epoch: old, cause: Cause::CloseFrame(1000) });
    assert_eq!(rig.disposition(), Disposition::Stale);
    assert_eq!(rig.due(), due);
    rig.recover();
    rig.advance(secs(600));
    assert_eq!(rig.opens(), 2, "the first dial and one more");
}

/// F02, lifecycle 28: an error and then the close of the same socket are one failure.
#[test]
fn f02_an_error_and_its_close_are_one_failure() {
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    rig.close(RESET);
    rig.event(Event::Closed { epoch, cause: Cause::CloseFrame(1006) });
    assert_eq!(rig.disposition(), Disposition::Stale);
    assert_eq!((rig.told().failures, rig.policy.stats().losses), (1, 1));
    assert_eq!(rig.redial(), secs(1));
}

/// F03: whatever is said while it waits, there is one deadline and it leads to one dial.
#[test]
fn f03_one_pending_attempt() {
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    rig.lose();
    for fact in [
        Event::Closed { epoch, cause: RESET },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
        Event::SessionInvalid { epoch, resumable: true },
        Event::SendFailed { epoch },
        Event::Start,
    ] {
        rig.event(fact);
        assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)));
    }
    assert_eq!(opens(&rig.advance(secs(2))), 1);
}

/// F04, lifecycle 23: a stop during the wait; nothing opens afterwards, however long.
#[test]
fn f04_stop_cancels_the_pending_attempt() {
    let mut rig = Harness::failed_times(PLAIN, 3);
    assert_eq!(rig.phase(), Phase::Waiting);
    rig.stop(false);
    assert_eq!((rig.phase(), rig.policy.poll_timeout()), (Phase::Stopped, None));
    assert!(rig.advance(secs(86_400)).is_empty());
    assert!(rig.tick().is_empty());
}

/// F05, lifecycle 22, 24: a stop during a dial closes it; its late success opens nothing and sends nothing.
#[test]
fn f05_stop_during_a_dial() {
    let mut rig = Harness::started(PLAIN);
    let epoch = rig.epoch();
    assert!(closed(&rig.stop(false)).is_some());
    for fact in [
        Event::Opened { epoch },
        Event::Resumed { epoch },
        Event::OpenFailed { epoch, cause: RESET, retry_after: None },
    ] {
        assert!(rig.event(fact).is_empty());
        assert_eq!(rig.disposition(), Disposition::Stale);
    }
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.policy.stats().abandoned, 1);
}

/// F06, lifecycle 21: nothing that an old transport still says has an effect on its successor.
#[test]
fn f06_a_superseded_transport_is_not_heard() {
    let mut rig = Harness::online(GATEWAY);
    let old = rig.epoch();
    rig.lose();
    rig.recover();
    let (told, due, session) = (rig.told(), rig.due(), rig.policy.session().clone());
    for fact in [
        Event::Opened { epoch: old },
        Event::Greeting { epoch: old, heartbeat: Some(ms(1)) },
        Event::Ready { epoch: old, token: Some("other"), endpoint: Some("e"), sequence: Some(9), ttl: None },
        Event::Resumed { epoch: old },
        Event::Sequence { epoch: old, sequence: 99 },
        Event::HeartbeatAcked { epoch: old },
        Event::HeartbeatRequested { epoch: old },
        Event::Received { epoch: old },
        Event::SendFailed { epoch: old },
        Event::SessionInvalid { epoch: old, resumable: false },
        Event::ReconnectRequested { epoch: old, retry_after: None, deadline: None },
        Event::OpenFailed { epoch: old, cause: RESET, retry_after: Some(secs(9).into()) },
        Event::NotNow { epoch: old, retry_after: None },
        Event::AuthFailed { epoch: old, fatal: true },
        Event::Closed { epoch: old, cause: Cause::CloseFrame(4004) },
    ] {
        assert!(rig.event(fact).is_empty());
        assert_eq!(rig.disposition(), Disposition::Stale);
        assert_eq!((rig.told(), rig.due(), rig.policy.session()), (told, due, &session));
    }
    assert_eq!(rig.policy.stats().stale, 15);
}

/// F07: the old transport is closed before the new one is opened, also when nobody reports its end.
#[test]
fn f07_close_comes_before_open() {
    let mut rig = Harness::online(PLAIN);
    let old = rig.epoch();
    let mut actions = rig.reconnect_requested();
    actions.extend(rig.advance(secs(1)));
    let close =
        actions.iter().position(|action| matches!(action, Action::Close { epoch, .. } if *epoch == old));
    let open =
        actions.iter().position(|action| matches!(action, Action::Open { epoch, .. } if *epoch != old));
    assert!(close.is_some() && close < open, "{actions:?}");
}

/// F08: a dead peer never answers a close; the next attempt does not wait for it.
#[test]
fn f08_a_dead_transport_is_not_waited_for() {
    let mut rig = Harness::online(GATEWAY);
    let actions = rig.advance(secs(90));
    assert!(keeps_session(&actions), "{actions:?}");
    assert_eq!(rig.redial(), secs(1));
}

/// F09, lifecycle 1: a second start neither dials again nor disturbs the first.
#[test]
fn f09_start_while_started_is_nothing() {
    let mut rig = Harness::new(PLAIN);
    assert_eq!(opens(&rig.start()), 1);
    let check = |rig: &mut Harness| {
        let told = rig.told();
        assert!(rig.start().is_empty());
        assert_eq!((rig.disposition(), rig.told()), (Disposition::Inapplicable, told));
    };
    check(&mut rig);
    rig.opened();
    check(&mut rig);
    rig.ready();
    check(&mut rig);
    rig.lose();
    check(&mut rig);
    assert_eq!(rig.opens(), 1);
}

/// F10: the deadline of a first attempt can't end the second.
#[test]
fn f10_a_deadline_belongs_to_its_attempt() {
    let mut rig = Harness::started(PLAIN);
    rig.advance(secs(3));
    rig.fail(REFUSED);
    rig.redial();
    let begun = rig.now;
    rig.advance(secs(6));
    assert_eq!(rig.phase(), Phase::Connecting, "the first attempt's 10 s have passed");
    assert_eq!(rig.policy.poll_timeout(), Some(begun.saturating_add(secs(10))));
    rig.advance(secs(4));
    assert_eq!(rig.phase(), Phase::Waiting);
}

/// F11, lifecycle 9: a dial that stays silent is given up at its deadline and is a failure.
#[test]
fn f11_a_dial_has_a_deadline() {
    let mut rig = Harness::started(PLAIN.to_builder().connect_timeout(secs(4)).build().expect("valid"));
    assert_eq!(rig.due(), Some((secs(4), WaitReason::ConnectTimeout)));
    rig.advance(ms(3_999));
    assert_eq!(rig.phase(), Phase::Connecting);
    assert_eq!(closed(&rig.advance(ms(1))), Some(None));
    assert_eq!((rig.told().last_cause, rig.policy.stats().failed), (Some(Cause::ConnectTimeout), 1));
    assert_eq!(rig.redial(), secs(1));
}

/// F12: open, but no greeting.
#[test]
fn f12_the_greeting_has_a_deadline() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    assert_eq!(rig.due(), Some((secs(30), WaitReason::GreetingTimeout)));
    assert!(keeps_session(&rig.advance(secs(30))));
    assert_eq!(rig.told().last_cause, Some(Cause::GreetingTimeout));
    assert_eq!(rig.redial(), secs(1));
}

/// F13: the session's establishment has a deadline, a resume like an identify.
#[test]
fn f13_the_session_has_a_deadline() {
    let mut rig =
        Harness::started(GATEWAY.to_builder().ready_timeout(Some(secs(15))).build().expect("valid"));
    for round in 0..2 {
        rig.acks = true;
        rig.opened();
        assert_eq!(sent_resume(&rig.greet(Some(secs(45)))), round == 1);
        assert!(keeps_session(&rig.advance(secs(15))));
        assert_eq!((rig.told().last_cause, rig.phase()), (Some(Cause::ReadyTimeout), Phase::Waiting));
        rig.redial();
        if round == 0 {
            rig.establish();
            rig.lose();
            rig.redial();
        }
    }
}

/// F14: a dial that fails in the same instant is a failed attempt, and the chain goes on.
#[test]
fn f14_a_dial_that_fails_at_once() {
    let mut rig = Harness::started(PLAIN);
    for failure in 1..=50 {
        assert!(rig.fail(Cause::Unknown).is_empty());
        assert_eq!((rig.told().failures, rig.policy.stats().failed), (failure, failure));
        rig.redial();
    }
}

/// F15: "not now" is asked again forever and is nobody's failure.
#[test]
fn f15_not_now_is_rescheduled_and_not_counted() {
    let mut rig = Harness::started(PLAIN.to_builder().max_attempts(Some(3)).build_const());
    for _ in 0..1_000 {
        let epoch = rig.epoch();
        rig.event(Event::NotNow { epoch, retry_after: None });
        assert_eq!(rig.waits(), secs(1));
        rig.redial();
    }
    assert_eq!((rig.told().attempt, rig.policy.stats().failed), (1, 0));
    rig.establish();
}

/// F16, S74: told not to reconnect, a layer reports the loss and leaves the rest to its owner.
#[test]
fn f16_an_inner_layer_can_be_told_not_to() {
    let mut rig = Harness::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    assert!(gave_up(&rig.close(RESET)).is_some_and(|(_, cause)| cause == RESET));
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.opens(), 1);
}

/// F17, lifecycle 37: "reconnect now" during a wait dials at once and resets the backoff; while all is well it is
/// nothing.
#[test]
fn f17_reconnect_now() {
    let mut rig = Harness::failed_times(PLAIN, 5);
    assert_eq!(rig.waits(), secs(16));
    assert_eq!(opens(&rig.event(Event::RetryNow)), 1);
    rig.fail(REFUSED);
    assert_eq!(rig.recover(), secs(1));
    assert!(rig.event(Event::RetryNow).is_empty());
    assert_eq!((rig.disposition(), rig.phase()), (Disposition::Inapplicable, Phase::Online));
}

/// F18, lifecycle 27: the network is back: the pending attempt goes at once, and a deadline that was due in the same
/// instant adds no second one.
#[test]
fn f18_the_network_is_back() {
    let mut rig = Harness::failed_times(PLAIN, 6);
    assert_eq!(rig.waits(), secs(30));
    rig.advance(secs(5));
    assert_eq!(opens(&rig.event(Event::NetworkUp)), 1);
    rig.fail(REFUSED);
    rig.now = rig.policy.poll_timeout().expect("a wait has an end");
    let mut actions = rig.event(Event::NetworkUp);
    actions.extend(rig.tick());
    assert_eq!(opens(&actions), 1);
}

/// F19, lifecycle 32: while the network is down nothing is dialled and no attempt is spent.
#[test]
fn f19_no_attempt_without_a_network() {
    let mut rig = Harness::failed_times(PLAIN, 2);
    let before = rig.told();
    rig.event(Event::NetworkDown);
    assert_eq!((rig.phase(), rig.told().waiting_for), (Phase::Parked, Some(WaitReason::Network)));
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!((rig.told().attempt, rig.told().failures), (before.attempt, before.failures));
    assert_eq!(open(&rig.event(Event::NetworkUp)).map(|open| open.2), Some(before.attempt + 1));
}

/// F20: a policy names no address and holds no credential, so both may change in the middle of an outage; the backoff
/// goes on where it was.
#[test]
fn f20_a_new_credential_or_address_keeps_the_backoff() {
    let mut rig = Harness::failed_times(PLAIN, 3);
    let hold = HoldReason::new(0).expect("a reason");
    rig.event(Event::Hold(hold));
    rig.advance(secs(60));
    let open = open(&rig.event(Event::Release(hold))).expect("a dial");
    assert_eq!((open.1, open.2), (redial::policy::Endpoint::Base, 4));
    assert_eq!(refreshes(&rig.fail(Cause::AuthRejected)), 1);
    assert_eq!(opens(&rig.event(Event::CredentialOk { request: None, ttl: None })), 1);
    rig.fail(REFUSED);
    assert_eq!(rig.waits(), secs(8), "the fourth step");
}

/// F19: a host whose network hints are worth nothing can have them ignored.
#[test]
fn f19_network_hints_can_be_ignored() {
    let mut rig =
        Harness::failed_times(PLAIN.to_builder().network(OnNetworkDown::Ignore, secs(0)).build_const(), 2);
    rig.event(Event::NetworkDown);
    assert_eq!(rig.disposition(), Disposition::Inapplicable);
    assert_eq!(rig.redial(), secs(2));
}
