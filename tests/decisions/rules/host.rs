//! Network, page, sleep, preconditions, breaker.

use redial::breaker;
use redial::policy::{Endpoint, HoldReason, OnNetworkDown, WaitReason};
use redial::{Cause, Config, Disposition, Event, IoKind, Phase, Ratio};

use crate::harness::*;

const DROP: Config = GATEWAY.to_builder().network(OnNetworkDown::Drop, secs(0)).build_const();
const BREAKER: breaker::Config =
    breaker::Config::new(5, secs(60)).growth(Ratio::TWO, secs(600)).build_const();
const GUARDED: Config = PLAIN.to_builder().breaker(Some(BREAKER)).build_const();

fn hold() -> HoldReason {
    HoldReason::new(0).expect("a reason")
}

/// S84, lifecycle 33: the network went: nothing is dialled; it came: dialled soon, spread over a window where one is
/// configured, so that a fleet behind one router does not come back as one.
#[test]
fn s84_network_up_is_spread() {
    let config = PLAIN.to_builder().network(OnNetworkDown::Park, secs(3)).build_const();
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut rig = Harness::seeded(config, seed);
        rig.start();
        rig.fail(REFUSED);
        rig.event(Event::NetworkDown);
        assert!(rig.advance(secs(600)).is_empty());
        rig.event(Event::NetworkUp);
        assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::Spread));
        waits.push(rig.redial());
    }
    assert!(waits.iter().all(|wait| *wait < secs(3)));
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 90, "{}", waits.len());
}

/// S84, lifecycle 36: host events that flap twenty times in some seconds can't make it dial more often than the first wait.
#[test]
fn s84_flapping_host_events_can_not_spin() {
    for base in [PLAIN, DROP] {
        let mut rig = Harness::online(base);
        let before = rig.opens();
        rig.lose();
        for _ in 0..20 {
            rig.event(Event::NetworkDown);
            rig.advance(ms(50));
            rig.event(Event::NetworkUp);
            rig.advance(ms(450));
        }
        assert!((1..=10).contains(&(rig.opens() - before)), "{} dials in 10 s", rig.opens() - before);
    }
}

/// S85: the network came while all is well.
#[test]
fn s85_network_up_while_connected_is_nothing() {
    let mut rig = Harness::online(GATEWAY);
    let told = rig.told();
    assert!(rig.event(Event::NetworkUp).is_empty());
    assert_eq!((rig.disposition(), rig.told()), (Disposition::Inapplicable, told));
}

/// Lifecycle 30: the network goes during a connection: closed at once, or left to the heartbeat, as configured.
#[test]
fn l30_network_down_while_connected() {
    let mut rig = Harness::online(DROP);
    assert!(keeps_session(&rig.event(Event::NetworkDown)));
    assert_eq!(
        (rig.told().last_cause, rig.told().waiting_for),
        (Some(Cause::NetworkDown), Some(WaitReason::Network))
    );
    let mut rig = Harness::online(GATEWAY);
    assert!(rig.event(Event::NetworkDown).is_empty());
    assert_eq!(rig.phase(), Phase::Online);
    assert!(keeps_session(&rig.advance(secs(90))));
    assert_eq!(
        (rig.told().last_cause, rig.told().waiting_for),
        (Some(Cause::HeartbeatMissed), Some(WaitReason::Network))
    );
}

/// Lifecycle 31: the network goes during a dial: given up, not counted.
#[test]
fn l31_network_down_while_dialling() {
    let mut rig = Harness::failed_times(PLAIN, 2);
    rig.redial();
    assert_eq!(rig.told().attempt, 3);
    assert_eq!(closed(&rig.event(Event::NetworkDown)), Some(None));
    assert_eq!((rig.phase(), rig.told().attempt, rig.told().failures), (Phase::Parked, 2, 2));
}

/// Lifecycle 35: a policy that is stopped stays stopped, whatever the host reports.
#[test]
fn l35_a_host_event_does_not_undo_a_stop() {
    let mut rig = Harness::online(GATEWAY);
    rig.stop(true);
    for fact in [
        Event::NetworkDown,
        Event::NetworkUp,
        Event::Hidden,
        Event::Visible,
        Event::HostResumed { gap: secs(3_600), counted: true },
        Event::Hold(hold()),
        Event::Release(hold()),
        Event::RetryNow,
        Event::CredentialOk { request: None, ttl: None },
    ] {
        assert!(rig.event(fact).is_empty());
        assert_eq!((rig.phase(), rig.policy.poll_timeout()), (Phase::Stopped, None));
    }
}

/// Lifecycle 38: a wait that ends on a hidden page dials when it is visible; after a stop it does not.
#[test]
fn l38_a_hidden_page_does_not_dial() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    rig.event(Event::Hidden);
    assert!(rig.advance(secs(60)).is_empty());
    assert_eq!(rig.told().waiting_for, Some(WaitReason::Hidden));
    assert_eq!(opens(&rig.event(Event::Visible)), 1);
    rig.fail(REFUSED);
    rig.event(Event::Hidden);
    rig.stop(false);
    assert!(rig.event(Event::Visible).is_empty());
}

/// Lifecycle 39: after a sleep longer than its liveness would have waited, an open connection is not believed; the
/// session is kept.
#[test]
fn l39_a_connection_that_slept_is_not_trusted() {
    let mut rig = Harness::online(GATEWAY);
    assert!(rig.event(Event::HostResumed { gap: secs(44), counted: true }).is_empty());
    assert_eq!(rig.phase(), Phase::Online);
    assert!(keeps_session(&rig.event(Event::HostResumed { gap: secs(45), counted: true })));
    rig.redial();
    rig.opened();
    assert!(sent_resume(&rig.greet(Some(secs(45)))));
}

/// Lifecycle 70: nobody needs the connection: no retry; somebody does again: dialled. A hold says so.
#[test]
fn l70_no_interest_no_dial() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    rig.event(Event::Hold(hold()));
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.told().waiting_for, Some(WaitReason::Hold));
    assert_eq!(opens(&rig.event(Event::Release(hold()))), 1);
}

/// S88: a name that is not found is retried; on the session's own endpoint it counts against that endpoint.
#[test]
fn s88_a_name_that_is_not_found() {
    let mut rig = Harness::started(PLAIN);
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(gave_up(&rig.fail(Cause::Io(IoKind::NameNotFound))), None);
        assert_eq!(rig.redial(), secs(wait));
    }
    rig.opened();
    rig.ready_as(Some("token"), Some("wss://resume"), Some(1));
    rig.lose();
    rig.redial();
    rig.fail(Cause::Io(IoKind::NameNotFound));
    assert_eq!(open(&rig.advance(secs(2))).map(|open| open.1), Some(Endpoint::Base));
}

/// S89: five failures open it for a minute, and it says so; one probe; a probe that fails, be it after it opened, opens
/// it again for longer; one that becomes ready closes it and the backoff resets.
#[test]
fn s89_a_breaker_over_a_policy() {
    let mut rig = Harness::failed_times(GUARDED, 5);
    assert_eq!(rig.due(), Some((secs(60), WaitReason::Breaker)));
    assert_eq!(rig.redial(), secs(60));
    rig.fail(REFUSED);
    assert_eq!(rig.due(), Some((secs(120), WaitReason::Breaker)));
    rig.redial();
    rig.opened();
    rig.lose();
    assert_eq!(rig.due(), Some((secs(240), WaitReason::Breaker)));
    rig.recover();
    rig.lose();
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)));
}

/// S90: "reconnect now" while the breaker is open is an order: it dials. It is never lost.
#[test]
fn s90_reconnect_now_overrides_the_breaker() {
    let mut rig = Harness::failed_times(GUARDED, 5);
    assert_eq!(rig.due().map(|due| due.1), Some(WaitReason::Breaker));
    assert_eq!(opens(&rig.event(Event::RetryNow)), 1);
}

/// S91: of breaker and backoff the later one decides, and there is one deadline.
#[test]
fn s91_the_later_gate_wins() {
    let brief = breaker::Config::new(5, secs(20)).build_const();
    let mut rig = Harness::failed_times(PLAIN.to_builder().breaker(Some(brief)).build_const(), 5);
    assert_eq!(rig.due(), Some((secs(20), WaitReason::Breaker)), "16 s of the ladder");
    rig.redial();
    rig.fail(REFUSED);
    assert_eq!(rig.due(), Some((secs(30), WaitReason::Backoff)), "20 s of the breaker");
    assert_eq!(opens(&rig.advance(secs(30))), 1);
}
