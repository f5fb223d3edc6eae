//! Heartbeat and liveness.

use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::WaitReason;
use redial::{Action, Cause, Config, Disposition, Event, Phase};

use crate::harness::*;

const JITTERED: Config =
    GATEWAY.to_builder().heartbeat(HeartbeatConfig::new().required(true).build_const()).build_const();
const TRAFFIC: HeartbeatConfig =
    HeartbeatConfig::new().first_jitter(false).liveness(Liveness::AnyTraffic).build_const();

/// F79: the first heartbeat somewhere in the first interval, later ones one interval apart.
#[test]
fn f79_the_first_heartbeat_is_spread() {
    let mut firsts = Vec::new();
    for seed in 0..100 {
        let mut rig = Harness::seeded(JITTERED, seed);
        rig.acks = true;
        rig.start();
        rig.opened();
        rig.greet(Some(secs(45)));
        rig.ready();
        let (first, reason) = rig.due().expect("a beat");
        assert_eq!(reason, WaitReason::Heartbeat);
        firsts.push(first);
        assert_eq!(beats(&rig.advance(first)), 1);
        for _ in 0..3 {
            assert_eq!(rig.due(), Some((secs(45), WaitReason::Heartbeat)));
            assert_eq!(beats(&rig.advance(secs(45))), 1);
        }
    }
    assert!(firsts.iter().all(|first| *first < secs(45)));
    assert!(firsts.iter().any(|first| *first < secs(5)) && firsts.iter().any(|first| *first > secs(40)));
}

/// F80: a heartbeat without an acknowledgement: closed at the next tick, with a code that keeps the session, and resumed.
#[test]
fn f80_a_missed_acknowledgement_is_death() {
    let mut rig = Harness::online(GATEWAY);
    assert_eq!(beats(&rig.advance(secs(45))), 1);
    let actions = rig.advance(secs(45));
    assert!(keeps_session(&actions) && beats(&actions) == 0, "{actions:?}");
    assert_eq!((rig.told().last_cause, rig.policy.stats().zombies), (Some(Cause::HeartbeatMissed), 1));
    rig.redial();
    rig.opened();
    assert!(sent_resume(&rig.greet(Some(secs(45)))));
}

/// F81: acknowledgements only, or any traffic, or several misses.
#[test]
fn f81_what_counts_as_life() {
    for (heartbeat, alive) in [
        (HeartbeatConfig::new().first_jitter(false).build_const(), false),
        (TRAFFIC, true),
        (HeartbeatConfig::new().first_jitter(false).missed(5).build_const(), true),
    ] {
        let mut rig = Harness::online(GATEWAY.to_builder().heartbeat(heartbeat).build_const());
        for _ in 0..4 {
            rig.advance(secs(45));
            let Some(epoch) = rig.policy.epoch() else { break };
            rig.event(Event::Received { epoch });
        }
        assert_eq!(rig.phase() == Phase::Online, alive, "{heartbeat:?}");
    }
}

/// F82, F88: a heartbeat that was unanswered, and the schedule, die with their connection.
#[test]
fn f82_nothing_of_a_heartbeat_outlives_its_connection() {
    let mut rig = Harness::online(GATEWAY);
    for _ in 0..10 {
        assert_eq!(beats(&rig.advance(secs(45))), 1, "the first beat of a connection is never a zombie's");
        rig.lose();
        assert_ne!(rig.due().map(|due| due.1), Some(WaitReason::Heartbeat));
        let actions = rig.advance(rig.waits());
        assert_eq!(beats(&actions), 0);
        rig.advance(secs(9));
        rig.establish();
        assert_eq!(rig.due(), Some((secs(45), WaitReason::Heartbeat)));
    }
    assert_eq!(rig.policy.stats().zombies, 0);
    rig.advance(secs(45));
    rig.stop(false);
    assert!(rig.advance(secs(3_600)).is_empty());
}

/// F83: a heartbeat that the server asks for goes out at once, and the schedule stays.
#[test]
fn f83_a_requested_heartbeat_goes_at_once() {
    let mut rig = Harness::online(GATEWAY);
    rig.advance(secs(10));
    let epoch = rig.epoch();
    assert_eq!(rig.event(Event::HeartbeatRequested { epoch }), [Action::Heartbeat { epoch }]);
    assert_eq!(rig.due(), Some((secs(35), WaitReason::Heartbeat)));
}

/// F84: asked for just before the regular heartbeat, and not yet acknowledged: nothing is missed.
#[test]
fn f84_a_requested_heartbeat_is_not_missed() {
    let mut rig = Harness::online(GATEWAY);
    rig.advance(ms(44_990));
    let epoch = rig.epoch();
    rig.event(Event::HeartbeatRequested { epoch });
    assert_eq!(beats(&rig.advance(ms(10))), 1);
    assert_eq!((rig.phase(), rig.policy.stats().zombies), (Phase::Online, 0));
    rig.ack();
    assert_eq!(beats(&rig.advance(secs(45))), 1);
}

/// F85: a heartbeat that can't be sent is a loss, once.
#[test]
fn f85_a_heartbeat_that_fails_is_a_loss() {
    let mut rig = Harness::online(GATEWAY);
    rig.advance(secs(45));
    let epoch = rig.epoch();
    assert!(keeps_session(&rig.event(Event::SendFailed { epoch })));
    rig.event(Event::Closed { epoch, cause: RESET });
    assert_eq!((rig.disposition(), rig.policy.stats().losses), (Disposition::Stale, 1));
    assert_eq!(rig.told().last_cause, Some(Cause::SendFailed));
}

/// F86: a greeting without a usable interval is a failed attempt where the heartbeat is required; no interval spins.
#[test]
fn f86_a_greeting_without_an_interval() {
    for interval in [None, Some(secs(0))] {
        let mut rig = Harness::started(GATEWAY);
        rig.opened();
        assert!(keeps_session(&rig.greet(interval)));
        assert_eq!((rig.told().last_cause, rig.policy.stats().failed), (Some(Cause::BadGreeting), 1));
        assert_eq!(rig.waits(), secs(1));
        let mut rig =
            Harness::started(GATEWAY.to_builder().heartbeat(HeartbeatConfig::DEFAULT).build_const());
        rig.opened();
        assert!(sent_fresh(&rig.greet(interval)), "not required, so no beats");
        rig.ready();
        assert!(rig.advance(secs(3_600)).is_empty());
    }
    for interval in [core::time::Duration::from_nanos(1), core::time::Duration::MAX] {
        let mut rig = Harness::started(GATEWAY);
        rig.opened();
        rig.greet(Some(interval));
        let _ = rig.ready();
        rig.advance(ms(1));
    }
}

/// F87: an acknowledgement that nobody waits for is nothing, and buys no later heartbeat.
#[test]
fn f87_an_unasked_acknowledgement_is_nothing() {
    let mut rig = Harness::online(GATEWAY);
    let due = rig.due();
    for _ in 0..3 {
        assert!(rig.ack().is_empty());
        assert_eq!((rig.disposition(), rig.due()), (Disposition::Inapplicable, due));
    }
    rig.advance(secs(45));
    rig.advance(secs(45));
    assert_eq!(rig.policy.stats().zombies, 1);
}

/// F89, S70, report 89: a heartbeat that is due late, on a connection that was not asked meanwhile, asks; the answer
/// judges.
#[test]
fn f89_a_late_tick_asks_before_it_judges() {
    for late in [44, 90, 250, 299] {
        let mut rig = Harness::online(GATEWAY);
        rig.now = rig.now.saturating_add(secs(45 + late));
        let actions = rig.tick();
        assert_eq!((beats(&actions), actions.len()), (1, 1), "{actions:?}");
        let mut answered = rig.clone();
        answered.now = rig.now;
        assert!(answered.ack().is_empty());
        assert_eq!(beats(&answered.advance(secs(45))), 1, "alive");
        assert!(keeps_session(&rig.advance(secs(45))), "no answer");
        assert_eq!(rig.told().last_cause, Some(Cause::HeartbeatMissed));
    }
    // What was asked before the silence, and never answered, is dead.
    let mut rig = Harness::online(GATEWAY);
    assert_eq!(beats(&rig.advance(secs(45))), 1);
    rig.now = rig.now.saturating_add(secs(200));
    assert!(keeps_session(&rig.tick()));
}

/// F90: no session for half an hour, but every heartbeat is answered: the service is out and the connection is fine. A
/// deadline can bound it.
#[test]
fn f90_an_outage_of_the_service_is_sat_out() {
    let mut rig = Harness::started(GATEWAY);
    rig.acks = true;
    rig.opened();
    rig.greet(Some(secs(45)));
    assert_eq!(beats(&rig.advance(secs(1_800))), 40);
    assert_eq!(rig.phase(), Phase::Establishing);
    rig.ready();
    assert_eq!((rig.phase(), rig.opens()), (Phase::Online, 1));
    let mut rig = Harness::started(GATEWAY.to_builder().ready_timeout(Some(secs(600))).build_const());
    rig.acks = true;
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.advance(secs(600));
    assert_eq!(rig.told().last_cause, Some(Cause::ReadyTimeout));
}

/// F91: open is not connected; ready is.
#[test]
fn f91_connected_means_ready() {
    let mut rig = Harness::started(GATEWAY);
    assert_eq!(rig.phase(), Phase::Connecting);
    rig.opened();
    assert_eq!((rig.phase(), rig.policy.stats().established), (Phase::Establishing, 0));
    rig.greet(Some(secs(45)));
    assert_eq!((rig.phase(), rig.policy.stats().established), (Phase::Establishing, 0));
    rig.ready();
    assert_eq!((rig.phase(), rig.policy.stats().established), (Phase::Online, 1));
}

/// Lifecycle 40: silence for longer than is allowed is a loss and resumed, at once where the backoff says so; anything
/// received counts, what is sent does not.
#[test]
fn l40_silence_is_a_loss() {
    let config = GATEWAY
        .to_builder()
        .heartbeat(TRAFFIC)
        .backoff(DOUBLING.to_builder().first_delay(secs(0)).build_const())
        .build_const();
    let mut rig = Harness::online(config);
    for _ in 0..20 {
        assert!(rig.advance(secs(44)).len() <= 1);
        let epoch = rig.epoch();
        rig.event(Event::Received { epoch });
    }
    assert_eq!(rig.phase(), Phase::Online);
    // From here on only our own heartbeats are on the wire.
    let silent = rig.now;
    while rig.phase() == Phase::Online {
        assert!(rig.now.saturating_duration_since(silent) <= secs(90));
        rig.advance(secs(1));
    }
    assert!(rig.log().iter().any(|(_, action)| matches!(action, Action::Close { .. })));
    assert_eq!(rig.phase(), Phase::Connecting, "dialled in the same instant");
    assert_eq!(rig.told().mode, redial::Mode::Resume);
}
