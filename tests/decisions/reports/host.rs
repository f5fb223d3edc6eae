//! What the host says: the network's return, another route, a sleep, the user's own word.

use redial::heartbeat::HeartbeatConfig;
use redial::policy::{OnNetworkChange, WaitReason};
use redial::{Cause, Disposition, Event, Instant, Mode, Phase, Policy, SplitMix64, presets};

use super::{BASE, NO_NAME, NO_NETWORK, dial, replaced, wake};
use crate::harness::*;

/// At the longest wait, for want of a network.
fn far_up() -> Harness {
    let mut rig = Harness::started(BASE);
    for _ in 0..6 {
        rig.fail(NO_NETWORK);
        rig.redial();
    }
    rig.fail(NO_NETWORK);
    assert_eq!(rig.waits(), secs(30));
    rig.advance(secs(20));
    rig
}

/// The dials fail for want of a name, and the waits grow from the first one.
fn climbs_from_the_first_wait(rig: &mut Harness) {
    for wait in [1, 2, 4] {
        rig.advance(ms(10));
        rig.fail(NO_NAME);
        assert_eq!(rig.due(), Some((secs(wait), WaitReason::Backoff)));
        rig.redial();
    }
}

/// Report 08 (grpc/grpc-java#4028): the wait was reset by the network's return, but DNS needed another second: the one
/// hasty try failed, and the next came after a minute. The backoff resets with the failure that follows.
#[test]
fn report_08_the_network_is_back_before_dns() {
    let mut rig = far_up();
    dial(&mut rig, Event::NetworkUp);
    climbs_from_the_first_wait(&mut rig);
}

/// Report 15 (SignalR/SignalR#2411, nerves-hub/nerves_hub_link#177): the same after a sleep.
#[test]
fn report_15_the_host_wakes_before_dns() {
    for counted in [true, false] {
        let mut rig = far_up();
        let mut actions = wake(&mut rig, secs(1_800), counted);
        actions.extend(rig.advance(secs(0)));
        assert_eq!(opens(&actions), 1);
        climbs_from_the_first_wait(&mut rig);
    }
}

/// Report 12 (mqttjs/MQTT.js#702, tailscale/tailscale#276, curl/curl#17225): the default route moved, nothing went "down"
/// in between, and the socket stayed bound to the old one until the keep-alive. The connection is asked or replaced at
/// once.
#[test]
fn report_12_the_default_route_moves() {
    let heartbeat = HeartbeatConfig::new().first_jitter(false).interval(secs(60)).build_const();
    let config = BASE.to_builder().heartbeat(heartbeat).build_const();
    let mut rig = Harness::online(config);
    rig.advance(secs(30));
    assert_eq!(beats(&rig.event(Event::NetworkChanged)), 1);
    assert_eq!(rig.due(), Some((secs(10), WaitReason::Answer)));
    rig.ack();
    assert_eq!(
        rig.due(),
        Some((secs(30), WaitReason::Heartbeat)),
        "it lives, and the beat keeps its schedule"
    );
    rig.event(Event::NetworkChanged);
    assert!(keeps_session(&rig.advance(secs(10))), "it does not");
    assert_eq!((rig.told().last_cause, rig.told().mode), (Some(Cause::HeartbeatMissed), Mode::Resume));

    for config in [BASE, config.to_builder().on_network_change(OnNetworkChange::Drop).build_const()] {
        let mut rig = Harness::online(config);
        rig.advance(secs(30));
        let actions = rig.event(Event::NetworkChanged);
        assert_eq!(replaced(&mut rig, &actions), Mode::Resume);
    }
    let mut rig =
        Harness::online(config.to_builder().on_network_change(OnNetworkChange::Ignore).build_const());
    rig.advance(secs(30));
    assert!(rig.event(Event::NetworkChanged).is_empty());
}

/// Report 94 (simplex-chat/simplex-chat#7384): as 12, with the recommended preset: the network went and came back, and
/// without a heartbeat nothing ever found out that the connection was dead. What can't be asked is replaced.
#[test]
fn report_94_the_network_was_gone_and_nothing_can_ask() {
    let mut rig = Harness::online(presets::RECOMMENDED);
    rig.advance(secs(100));
    assert!(rig.event(Event::NetworkDown).is_empty(), "it may be back in a second");
    rig.advance(secs(1));
    let actions = rig.event(Event::NetworkUp);
    assert_eq!(replaced(&mut rig, &actions), Mode::Resume);
    // Nothing that was not down is touched.
    rig.establish();
    rig.advance(secs(100));
    assert!(rig.event(Event::NetworkUp).is_empty());
}

/// Report 13 (adafruit/Adafruit_CircuitPython_MiniMQTT#243, nats-io/nats.py#869, phoenixframework/phoenix#3458): a user
/// or a supervisor wants this connection replaced now, and there was no way to say so. Closed, with its session kept, and
/// dialled.
#[test]
fn report_13_replace_this_connection_now() {
    let mut rig = Harness::online(BASE);
    rig.advance(secs(30));
    assert!(rig.event(Event::RetryNow).is_empty(), "nothing to retry");
    let actions = rig.event(Event::Redial);
    assert_eq!(replaced(&mut rig, &actions), Mode::Resume);
    assert_eq!((rig.told().attempt, rig.told().failures, rig.policy.stats().losses), (1, 0, 0));
    // A dial under way is dialled again as the same attempt; the second at once in a row keeps the first wait from the
    // last one.
    rig.advance(ms(100));
    let actions = rig.event(Event::Redial);
    assert_eq!((closed(&actions), rig.waits()), (Some(None), ms(900)));
    rig.redial();
    assert_eq!(rig.told().attempt, 1);
    rig.establish();
    rig.advance(secs(30));
    rig.lose();
    assert_eq!(opens(&rig.event(Event::Redial)), 1, "a wait ends");
    // The least interval holds.
    let mut rig = Harness::online(BASE.to_builder().min_interval(secs(5)).build_const());
    rig.advance(secs(1));
    rig.event(Event::Redial);
    assert_eq!(rig.due(), Some((secs(4), WaitReason::MinInterval)));
    let mut idle = Harness::new(BASE);
    idle.event(Event::Redial);
    assert_eq!((idle.disposition(), idle.phase()), (Disposition::Inapplicable, Phase::Idle));
}

/// Report 71 (signalapp/Signal-Desktop#3545, quadratichq/quadratic#1887): a dial that was begun before the sleep hung on a
/// socket of yesterday, and nothing hurried. It is dialled again, and is no failure.
#[test]
fn report_71_a_dial_of_before_the_sleep_is_dialled_again() {
    for counted in [true, false] {
        let mut rig = Harness::started(BASE);
        rig.advance(secs(3));
        let actions = wake(&mut rig, secs(3_600), counted);
        assert_eq!(closed(&actions), Some(None));
        let (_, _, attempt) = open(&rig.advance(secs(0))).expect("a dial at once");
        let stats = rig.policy.stats();
        assert_eq!((attempt, stats.opens, stats.failed, stats.abandoned), (1, 2, 0, 1));
        rig.fail(NO_NAME);
        assert_eq!(rig.waits(), secs(1), "as the first failure");
    }
}

/// Report 11: a sleep of no length says nothing, before a start and in the very instant of a dial; one that took time is counted.
#[test]
fn report_11_a_sleep_of_no_length() {
    let now = Instant::from_millis(1_000);
    for (seconds, told) in [(0, Disposition::Inapplicable), (5, Disposition::Applied)] {
        let mut policy: Policy<SplitMix64> = Policy::new(&presets::FEW, SplitMix64::new(7));
        let slept = || Event::HostResumed { gap: secs(seconds), counted: false };
        assert_eq!(policy.handle_event(now, slept()).disposition(), told);
        let _open = policy.handle_event(now, Event::Start);
        assert_eq!(policy.handle_event(now, slept()).disposition(), told, "dialling");
    }
}
