//! Connections that look open and are dead, and healthy ones that are taken for dead.

use core::time::Duration;

use redial::heartbeat::HeartbeatConfig;
use redial::policy::{OnNetworkDown, OnVisible, OnWake, WaitReason};
use redial::{Action, Cause, Config, Event, Mode, Phase, presets};

use super::{BASE, replaced};
use crate::harness::*;

/// A heartbeat of so many seconds, the first without jitter.
const fn every(interval: u64) -> HeartbeatConfig {
    HeartbeatConfig::new().first_jitter(false).interval(secs(interval)).build_const()
}

const fn answered(interval: u64, within: u64) -> HeartbeatConfig {
    every(interval).to_builder().answer_within(Some(secs(within))).build_const()
}

/// Report 59 (lysine-dev/okhttp#4763, floatpane/matcha#920): a ping may go out every 29 minutes only, and its answer was
/// given as long. The answer has a time of its own.
#[test]
fn report_59_a_long_interval_and_a_short_answer_time() {
    let mut rig = Harness::online(BASE.to_builder().heartbeat(answered(1_740, 10)).build_const());
    assert_eq!(beats(&rig.advance(secs(1_740))), 1);
    assert_eq!(rig.due(), Some((secs(10), WaitReason::Answer)));
    assert!(rig.advance(ms(9_999)).is_empty());
    rig.ack();
    assert_eq!(
        rig.due(),
        Some((secs(1_740) - ms(9_999), WaitReason::Heartbeat)),
        "the interval is what it was"
    );
    assert_eq!(beats(&rig.advance(secs(1_740) - ms(9_999))), 1);
    assert!(rig.advance(ms(9_999)).is_empty());
    assert!(keeps_session(&rig.advance(ms(1))));
    assert_eq!((rig.told().last_cause, rig.waits()), (Some(Cause::HeartbeatMissed), secs(1)));
}

/// Report 65 (block/buzz#4470, daltoniam/Starscream#865): back in the foreground the socket looks open and is dead, and it
/// took the next heartbeats to find out. It is asked when the page is visible again.
#[test]
fn report_65_a_page_that_comes_back_asks() {
    let config = BASE.to_builder().on_visible(OnVisible::Probe).build_const();
    let back = |rig: &mut Harness| {
        assert!(rig.event(Event::Hidden).is_empty());
        rig.event(Event::Visible)
    };
    let mut rig = Harness::online(config.to_builder().heartbeat(answered(30, 5)).build_const());
    rig.advance(secs(20));
    assert_eq!(beats(&back(&mut rig)), 1);
    assert_eq!(rig.due(), Some((secs(5), WaitReason::Answer)));
    // A page that flickers does not put the deadline off.
    rig.advance(secs(2));
    assert!(closed(&back(&mut rig)).is_none());
    assert_eq!(rig.due(), Some((secs(3), WaitReason::Answer)));
    let mut alive = rig.clone();
    alive.now = rig.now;
    assert!(keeps_session(&rig.advance(secs(3))));
    assert_eq!(rig.told().mode, Mode::Resume);
    alive.ack();
    assert_eq!((alive.phase(), alive.due()), (Phase::Online, Some((secs(8), WaitReason::Heartbeat))));

    // What can't be asked is replaced, and by default nothing is done.
    let mut mute = Harness::online(config);
    mute.advance(secs(20));
    let actions = back(&mut mute);
    assert_eq!(replaced(&mut mute, &actions), Mode::Resume);
    let mut default = Harness::online(BASE);
    default.advance(secs(20));
    assert_eq!((back(&mut default), default.phase()), (vec![], Phase::Online));
}

/// Report 84 (mqttjs/MQTT.js#682, #683): each event put the liveness check off, so that under a network that comes and goes
/// a dead connection was never found. A running check keeps its deadline, whatever asks again.
#[test]
fn report_84_a_running_check_keeps_its_deadline() {
    let config = BASE
        .to_builder()
        .network(OnNetworkDown::Probe, secs(0))
        .on_wake(OnWake::Probe)
        .on_visible(OnVisible::Probe)
        .heartbeat(every(30))
        .build_const();
    let news: [fn(&mut Harness) -> Vec<Action>; 4] = [
        |rig| [rig.event(Event::NetworkDown), rig.event(Event::NetworkUp)].concat(),
        |rig| rig.event(Event::NetworkChanged),
        |rig| [rig.event(Event::Hidden), rig.event(Event::Visible)].concat(),
        |rig| rig.event(Event::HostResumed { gap: secs(40), counted: true }),
    ];
    for (kind, flap) in news.into_iter().enumerate() {
        for pause in [1, 3, 5, 9] {
            let mut rig = Harness::online(config);
            rig.advance(secs(12));
            let asked_at = rig.now;
            loop {
                let actions = flap(&mut rig);
                assert!(beats(&actions) <= 2, "{actions:?}");
                let actions = rig.advance(secs(pause));
                if closed(&actions).is_some() {
                    break;
                }
                assert!(rig.now < asked_at.saturating_add(secs(10)), "news {kind} every {pause} s");
            }
            let (at, _) =
                rig.log().iter().rfind(|(_, action)| matches!(action, Action::Close { .. })).unwrap();
            assert_eq!(*at, asked_at.saturating_add(secs(10)), "news {kind} every {pause} s");
            assert_eq!(rig.told().last_cause, Some(Cause::HeartbeatMissed));
        }
    }
}

/// Report 85 (aws/aws-iot-device-sdk-embedded-C#853): the next ping was counted from the wrong moment, so the broker heard
/// nothing for over 1.5 intervals and cut the connection. No gap between two heartbeats is longer than the interval.
#[test]
fn report_85_the_interval_holds() {
    for pause in [1_300, 2_000, 7_000, 9_999, 11_000, 23_456] {
        let config = BASE.to_builder().connect_timeout(secs(30)).on_wake(OnWake::Probe).build_const();
        let mut rig = Harness::online(config.to_builder().heartbeat(every(10)).build_const());
        rig.acks = true;
        rig.advance(secs(10));
        for _ in 0..50 {
            rig.advance(ms(pause));
            rig.event(Event::HostResumed { gap: secs(20), counted: true });
        }
        let times: Vec<_> = rig
            .log()
            .iter()
            .filter(|(_, action)| matches!(action, Action::Heartbeat { .. }))
            .map(|(at, _)| *at)
            .collect();
        assert!(times.len() > 50 && rig.opens() == 1, "{}", rig.told());
        let longest = times.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0])).max();
        assert!(longest.is_some_and(|gap| gap <= secs(10)), "woken every {pause} ms: {longest:?}");
    }
}

/// A tab in the background: its timers are exact for five minutes and come once a minute after that, as Chrome's intensive
/// throttling makes them. The connection is healthy, and each heartbeat is answered after 30 ms; or nothing is `heard`
/// from it. How many heartbeats went out, and how long after the throttling began it was closed.
fn throttled(config: Config, heard: bool) -> (usize, Option<Duration>) {
    const MINUTES: u64 = 20;
    let mut rig = Harness::online(config);
    let begun = rig.now;
    rig.advance(secs(1));
    rig.event(Event::Hidden);
    let mut sent = 0;
    while let Some(due) = rig.policy.poll_timeout() {
        let mut at = due.max(rig.now).saturating_duration_since(begun);
        if at > secs(300) {
            at = secs(at.as_millis().div_ceil(60_000) as u64 * 60);
        }
        if at > secs(300 + MINUTES * 60) {
            break;
        }
        rig.now = begun.saturating_add(at);
        let actions = rig.tick();
        if closed(&actions).is_some() {
            return (sent, Some(at.saturating_sub(secs(300))));
        }
        sent += beats(&actions);
        if beats(&actions) > 0 && (heard || at < secs(300)) {
            rig.now = rig.now.saturating_add(ms(30));
            rig.ack();
        }
    }
    (sent, None)
}

/// Report 89 (vert-x3/vertx-eventbus-bridge-clients#51, robtaussig/react-use-websocket#273, nextcloud/text#8005,
/// GetStream/stream-chat-js#698): a hidden tab's timers come once a minute, the late ping was taken for a dead connection,
/// and a healthy socket was closed. A late heartbeat asks, and the answer is what it is judged by.
#[test]
fn report_89_a_late_heartbeat_closes_no_healthy_connection() {
    for interval in [5, 10, 15, 20, 25, 30, 45] {
        for defer in [false, true] {
            let config = BASE
                .to_builder()
                .heartbeat(every(interval))
                .on_wake(OnWake::Probe)
                .defer_while_hidden(defer)
                .build_const();
            let (sent, close) = throttled(config, true);
            assert_eq!(close, None, "interval {interval} s, deferring {defer}");
            assert!(sent as u64 >= 300 / interval + 19, "interval {interval} s: {sent} beats");
            // The check still finds what is dead, within the two timers after the one that asked.
            let (_, close) = throttled(config, false);
            assert!(close.is_some_and(|after| after <= secs(180)), "interval {interval} s: {close:?}");
        }
    }
    for preset in [presets::SIGNALR, presets::WEBSOCKET] {
        let (_, close) = throttled(preset, true);
        assert_eq!(close, None);
    }
}
