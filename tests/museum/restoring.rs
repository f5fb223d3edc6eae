//! Subscriptions after a reconnect.

use redial::{Config, Event, Phase, RestoreConfig, ResumeConfig, valid};

use super::rig::*;

const FRESH: Config = PLAIN.with_resume(ResumeConfig::disabled());

/// block/buzz#3053: eighty subscriptions in one burst met a limit of fifty in 5 s, and half were closed.
#[test]
fn buzz_3053() {
    let restore = valid(RestoreConfig::new().with_batches(5, secs(5)));
    let mut rig = Rig::started(FRESH.with_restore(restore));
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"] {
        rig.subscribe(key);
    }
    rig.establish();
    let mut batches = vec![rig.batch().len()];
    while rig.phase() == Phase::Restoring {
        assert!(rig.advance(ms(4_999)).is_empty());
        rig.advance(ms(1));
        batches.push(rig.batch().len());
    }
    assert_eq!(batches, [5, 5, 2]);
}

/// trevarj/motd#76: all channels were joined at once after a reconnect, and the server disconnected the flood.
#[test]
fn motd_76() {
    let restore = valid(RestoreConfig::new().with_batches(1, secs(2)));
    let mut rig = Rig::started(FRESH.with_restore(restore));
    for key in ["a", "b", "c"] {
        rig.subscribe(key);
    }
    assert_eq!(restores(&rig.establish()), 1);
    assert_eq!(restores(&rig.advance(secs(10))), 2);
}

/// ZenHive/zen_websocket 0.4.2: one data frame put an unsubscribed channel back into the set.
#[test]
fn zen_websocket_resubscribed() {
    let mut rig = Rig::started(FRESH);
    rig.subscribe("a");
    rig.subscribe("b");
    rig.establish();
    rig.fact(Event::Unsubscribe { key: "a" });
    let epoch = rig.epoch();
    rig.fact(Event::Received { epoch });
    rig.fact(Event::SubscriptionConfirmed { epoch, key: "a" });
    rig.lose();
    rig.recover();
    assert_eq!(rig.batch(), ["b"]);
}

/// ZenHive/zen_websocket 0.7.1: subscriptions were restored although the authentication had failed.
#[test]
fn zen_websocket_unauthenticated() {
    let mut rig = Rig::started(FRESH.with_restore(RestoreConfig::new().with_authentication(true)));
    rig.subscribe("a");
    rig.opened();
    rig.ready();
    let epoch = rig.epoch();
    assert_eq!(restores(&rig.fact(Event::AuthFailed { epoch, fatal: false })), 0);
}

/// bytebeamio/rumqtt#250: after a reconnect nothing was subscribed any more.
#[test]
fn rumqtt_250() {
    let mut rig = Rig::started(FRESH);
    rig.subscribe("a");
    rig.establish();
    for _ in 0..3 {
        rig.lose();
        rig.recover();
        assert_eq!(rig.batch(), ["a"]);
    }
}
