//! Heartbeats, sleep and the network.

use redial::heartbeat::HeartbeatConfig;
use redial::policy::{OnNetworkDown, OnWake, WaitReason};
use redial::{Cause, Disposition, Event, Phase, presets};

use crate::harness::*;

/// buape/carbon#353: the unanswered heartbeat of the last connection made a zombie of every new one.
#[test]
fn carbon_353() {
    let mut rig = Harness::online(GATEWAY);
    for _ in 0..10 {
        assert_eq!(beats(&rig.advance(secs(45))), 1);
        rig.lose();
        rig.recover();
    }
    assert_eq!(rig.policy.stats().zombies, 0);
}

/// buape/carbon bc092ea: the first heartbeat came at once instead of somewhere in the first interval, and a requested
/// one was not sent.
#[test]
fn carbon_bc092ea() {
    let jittered = GATEWAY.to_builder().heartbeat(HeartbeatConfig::DEFAULT).build_const();
    let mut firsts: Vec<_> = (0..50)
        .map(|seed| {
            let mut rig = Harness::seeded(jittered, seed);
            rig.start();
            rig.establish();
            rig.due().expect("a beat").0
        })
        .collect();
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() > 45);
    let mut rig = Harness::online(GATEWAY);
    let epoch = rig.epoch();
    assert_eq!(beats(&rig.event(Event::HeartbeatRequested { epoch })), 1);
}

/// buape/carbon 0.16.0: a heartbeat that the server asked for, just before the regular one, made a false zombie.
#[test]
fn carbon_0_16_requested_heartbeat() {
    let mut rig = Harness::online(GATEWAY);
    rig.advance(ms(44_990));
    let epoch = rig.epoch();
    rig.event(Event::HeartbeatRequested { epoch });
    assert_eq!(beats(&rig.advance(ms(10))), 1);
    assert_eq!(rig.phase(), Phase::Online);
}

/// twilight-rs/twilight#1974: the heartbeat timer of the old connection fired on the new one.
#[test]
fn twilight_1974() {
    let mut rig = Harness::online(GATEWAY);
    rig.advance(secs(44));
    rig.lose();
    rig.recover();
    assert_eq!(beats(&rig.advance(secs(44))), 0);
    assert_eq!(beats(&rig.advance(secs(1))), 1);
}

/// discordjs/discord.js#9244: heartbeats went on after the connection was gone.
#[test]
fn discord_js_9244() {
    let mut rig = Harness::online(
        GATEWAY.to_builder().backoff(redial::BackoffConfig::constant(secs(600)).build_const()).build_const(),
    );
    rig.lose();
    assert_eq!(beats(&rig.advance(secs(599))), 0);
}

/// ZenHive/zen_websocket 0.4.2: missed heartbeats were counted and nothing acted on them.
#[test]
fn zen_websocket_missed_heartbeats() {
    let mut rig = Harness::online(GATEWAY);
    rig.advance(secs(90));
    assert_eq!((rig.phase(), rig.policy.stats().zombies), (Phase::Waiting, 1));
}

/// playcanvas/vscode-extension#322: after a sleep the socket still said "open".
#[test]
fn playcanvas_322() {
    let mut rig = Harness::online(PLAIN);
    assert!(keeps_session(&rig.event(Event::HostResumed { gap: secs(10), counted: true })));
}

/// superset-sh/superset#5135: a gap of the wall clock was the only sign of a sleep, and nobody looked at it.
#[test]
fn superset_5135() {
    let mut rig = Harness::online(GATEWAY);
    rig.acks = true;
    rig.acks = false;
    rig.now = rig.now.saturating_add(secs(3_600));
    // The clock may have jumped: the second look tells. Then the connection is asked, and judged by its answer.
    assert!(rig.tick().is_empty());
    assert_eq!(beats(&rig.tick()), 1);
    assert!(keeps_session(&rig.advance(secs(45))));
    assert_eq!(rig.told().last_cause, Some(Cause::HeartbeatMissed));
}

/// wireapp/wire-webapp#21477: an open state was trusted after the wake.
#[test]
fn wire_webapp_21477() {
    let mut rig = Harness::online(GATEWAY);
    rig.event(Event::HostResumed { gap: secs(3_600), counted: true });
    assert_eq!((rig.phase(), rig.waits()), (Phase::Waiting, secs(1)));
}

/// oxidezap/whatsapp-rust#1376: a jump of the wall clock killed a healthy socket.
#[test]
fn whatsapp_rust_1376() {
    let mut rig = Harness::online(GATEWAY);
    rig.now = redial::Instant::from_millis(7);
    assert!(rig.tick().is_empty());
    assert_eq!(rig.phase(), Phase::Online);
    assert_eq!(beats(&rig.advance(secs(45))), 1, "and the heartbeat goes on");
}

/// PocketShell-io/pocketshell#1522: each flap of the network dialled at once.
#[test]
fn pocketshell_1522() {
    let mut rig = Harness::online(GATEWAY.to_builder().network(OnNetworkDown::Drop, secs(0)).build_const());
    for _ in 0..20 {
        rig.event(Event::NetworkDown);
        rig.event(Event::NetworkUp);
        rig.advance(ms(100));
    }
    assert!(rig.opens() <= 3, "{} dials in 2 s", rig.opens());
}

/// centrifugal/centrifuge-js#227: offline during a dial left the attempt running.
#[test]
fn centrifuge_js_227() {
    let mut rig = Harness::started(PLAIN);
    assert_eq!(closed(&rig.event(Event::NetworkDown)), Some(None));
    assert_eq!(rig.phase(), Phase::Parked);
}

/// superset-sh/superset#5130: after a sleep the transport was half open: it said "open", no close came, and nobody
/// asked whether it was alive.
#[test]
fn superset_5130() {
    let probing = GATEWAY.to_builder().on_wake(OnWake::Probe).build_const();
    let mut rig = Harness::online(probing);
    assert_eq!(beats(&rig.event(Event::HostResumed { gap: secs(60), counted: true })), 1, "asked at once");
    assert!(rig.advance(ms(9_999)).is_empty());
    assert!(keeps_session(&rig.advance(ms(1))));
    assert_eq!((rig.policy.stats().zombies, rig.waits()), (1, secs(1)));
    let mut rig = Harness::online(probing);
    rig.event(Event::HostResumed { gap: secs(60), counted: true });
    rig.ack();
    rig.acks = true;
    assert_eq!((closed(&rig.advance(secs(3_600))), rig.opens()), (None, 1), "what answers is kept");
}

/// omnigent-ai/omnigent#5054: the monotonic clock stands still in a sleep, so that a dead tunnel was found two minutes
/// after the wake; and a busy loop must not be taken for a sleep.
#[test]
fn omnigent_5054() {
    let mut rig = Harness::online(GATEWAY);
    assert!(
        rig.event(Event::HostResumed { gap: secs(2), counted: true }).is_empty(),
        "a stall of both clocks"
    );
    assert_eq!((rig.disposition(), rig.phase()), (Disposition::Inapplicable, Phase::Online));
    let asleep = rig.now;
    assert!(keeps_session(&rig.event(Event::HostResumed { gap: secs(8 * 3_600), counted: true })));
    rig.recover();
    assert_eq!(rig.now.saturating_duration_since(asleep), secs(1));
}

/// robtaussig/react-use-websocket#269: the heartbeat's timer outlived the socket, and closed the one that was opened
/// after the phone had been locked.
#[test]
fn react_use_websocket_269() {
    let mut rig = Harness::online(GATEWAY);
    assert_eq!(beats(&rig.advance(secs(80))), 1, "unanswered: death is due in ten seconds");
    rig.event(Event::NetworkDown);
    rig.lose();
    rig.advance(secs(8 * 3_600));
    assert_eq!(opens(&rig.event(Event::NetworkUp)), 1);
    rig.establish();
    assert!(rig.advance(ms(44_999)).is_empty());
    let first = rig.advance(ms(1));
    assert_eq!((first.len(), beats(&first), rig.policy.stats().zombies), (1, 1, 0));
}

/// BasedHardware/omi#14589: the keep-alive asked whether the transport was connected, not whether the session was
/// ready, and cancelled itself: the recorder went on, and no transcript came.
#[test]
fn omi_14589() {
    let mut rig = Harness::online(PLAIN);
    rig.lose();
    rig.redial();
    rig.opened();
    for _ in 0..9 {
        assert!(rig.advance(secs(1)).is_empty());
        let epoch = rig.epoch();
        rig.event(Event::Received { epoch });
        assert_eq!(rig.phase(), Phase::Establishing, "traffic is no session");
    }
    assert_eq!(closed(&rig.advance(secs(1))), Some(Some(4000)));
    assert_eq!(rig.recover(), secs(2));
    assert!(keeps_session(&rig.invalid(true)), "nor is a transport that outlives its session");
    assert_eq!(rig.phase(), Phase::Waiting);
}

/// centrifugal/centrifuge-js#203: a lost network was found only by the missing pings.
#[test]
fn centrifuge_js_203() {
    let mut rig = Harness::online(presets::CENTRIFUGE);
    assert_eq!(closed(&rig.event(Event::NetworkDown)), Some(Some(4000)), "at once");
    assert_eq!((rig.phase(), rig.told().waiting_for), (Phase::Parked, Some(WaitReason::Network)));
    assert!(rig.advance(secs(3_600)).is_empty(), "and no attempt is wasted");
}

/// centrifugal/centrifuge-js#204: and its return was not heard either: the backoff of the outage was sat out.
#[test]
fn centrifuge_js_204() {
    let mut rig = Harness::failed_times(presets::CENTRIFUGE, 12);
    rig.event(Event::NetworkDown);
    rig.advance(secs(5));
    assert_eq!(opens(&rig.event(Event::NetworkUp)), 1);
}
