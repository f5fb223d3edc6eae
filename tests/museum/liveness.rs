//! Heartbeats, sleep and the network.

use redial::{Cause, Event, HeartbeatConfig, OnNetworkDown, Phase};

use super::rig::*;

/// buape/carbon#353: the unanswered beat of the last connection made a zombie of every new one.
#[test]
fn carbon_353() {
    let mut rig = Rig::online(GATEWAY);
    for _ in 0..10 {
        assert_eq!(beats(&rig.advance(secs(45))), 1);
        rig.lose();
        rig.recover();
    }
    assert_eq!(rig.policy.stats().zombies, 0);
}

/// buape/carbon bc092ea: the first beat came at once instead of somewhere in the first interval, and a requested
/// one was not sent.
#[test]
fn carbon_bc092ea() {
    let jittered = GATEWAY.with_heartbeat(HeartbeatConfig::new());
    let mut firsts: Vec<_> = (0..50)
        .map(|seed| {
            let mut rig = Rig::seeded(jittered, seed);
            rig.start();
            rig.establish();
            rig.due().expect("a beat").0
        })
        .collect();
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() > 45);
    let mut rig = Rig::online(GATEWAY);
    let epoch = rig.epoch();
    assert_eq!(beats(&rig.fact(Event::BeatRequested { epoch })), 1);
}

/// buape/carbon 0.16.0: a beat that the server asked for, just before the regular one, made a false zombie.
#[test]
fn carbon_0_16_requested_beat() {
    let mut rig = Rig::online(GATEWAY);
    rig.advance(ms(44_990));
    let epoch = rig.epoch();
    rig.fact(Event::BeatRequested { epoch });
    assert_eq!(beats(&rig.advance(ms(10))), 1);
    assert_eq!(rig.phase(), Phase::Online);
}

/// twilight-rs/twilight#1974: the heartbeat timer of the old connection beat on the new one.
#[test]
fn twilight_1974() {
    let mut rig = Rig::online(GATEWAY);
    rig.advance(secs(44));
    rig.lose();
    rig.recover();
    assert_eq!(beats(&rig.advance(secs(44))), 0);
    assert_eq!(beats(&rig.advance(secs(1))), 1);
}

/// discordjs/discord.js#9244: beats went on after the connection was gone.
#[test]
fn discord_js_9244() {
    let mut rig =
        Rig::online(GATEWAY.with_backoff(redial::valid(redial::BackoffConfig::constant(secs(600)))));
    rig.lose();
    assert_eq!(beats(&rig.advance(secs(599))), 0);
}

/// ZenHive/zen_websocket 0.4.2: missed beats were counted and nothing acted on them.
#[test]
fn zen_websocket_missed_beats() {
    let mut rig = Rig::online(GATEWAY);
    rig.advance(secs(90));
    assert_eq!((rig.phase(), rig.policy.stats().zombies), (Phase::Waiting, 1));
}

/// playcanvas/vscode-extension#322: after a sleep the socket still said "open".
#[test]
fn playcanvas_322() {
    let mut rig = Rig::online(PLAIN);
    assert!(keeps_session(&rig.fact(Event::Woke { gap: secs(10) })));
}

/// superset-sh/superset#5135: a gap of the wall clock was the only sign of a sleep, and nobody looked at it.
#[test]
fn superset_5135() {
    let mut rig = Rig::online(GATEWAY);
    rig.acks = true;
    rig.now = rig.now.saturating_add(secs(3_600));
    assert_eq!(beats(&rig.tick()), 0);
    assert_eq!(rig.told().last_cause, Some(Cause::LateBeat));
}

/// wireapp/wire-webapp#21477: an open state was trusted after the wake.
#[test]
fn wire_webapp_21477() {
    let mut rig = Rig::online(GATEWAY);
    rig.fact(Event::Woke { gap: secs(3_600) });
    assert_eq!((rig.phase(), rig.waits()), (Phase::Waiting, secs(1)));
}

/// oxidezap/whatsapp-rust#1376: a jump of the wall clock killed a healthy socket.
#[test]
fn whatsapp_rust_1376() {
    let mut rig = Rig::online(GATEWAY);
    rig.now = redial::Instant::from_millis(7);
    assert!(rig.tick().is_empty());
    assert_eq!(rig.phase(), Phase::Online);
    assert_eq!(beats(&rig.advance(secs(45))), 1, "and the heartbeat goes on");
}

/// PocketShell-io/pocketshell#1522: each flap of the network dialled at once.
#[test]
fn pocketshell_1522() {
    let mut rig = Rig::online(GATEWAY.with_network(OnNetworkDown::Drop, secs(0)));
    for _ in 0..20 {
        rig.fact(Event::NetworkDown);
        rig.fact(Event::NetworkUp);
        rig.advance(ms(100));
    }
    assert!(rig.opens() <= 3, "{} dials in 2 s", rig.opens());
}

/// centrifugal/centrifuge-js#227: offline during a dial left the attempt running.
#[test]
fn centrifuge_js_227() {
    let mut rig = Rig::started(PLAIN);
    assert_eq!(closed(&rig.fact(Event::NetworkDown)), Some(None));
    assert_eq!(rig.phase(), Phase::Parked);
}
