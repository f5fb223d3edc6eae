//! Subscriptions after a reconnect.

use redial::policy::{RestoreConfig, ResumeConfig, WaitReason};
use redial::{Action, Config, Event, Phase};

use crate::harness::*;

const FRESH: Config = PLAIN.to_builder().resume(ResumeConfig::DISABLED).build_const();

/// block/buzz#3053: eighty subscriptions in one burst met a limit of fifty in 5 s, and half were closed.
#[test]
fn buzz_3053() {
    let restore = RestoreConfig::new().batches(5, secs(5)).build_const();
    let mut rig = Harness::started(FRESH.to_builder().restore(restore).build_const());
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
    let restore = RestoreConfig::new().batches(1, secs(2)).build_const();
    let mut rig = Harness::started(FRESH.to_builder().restore(restore).build_const());
    for key in ["a", "b", "c"] {
        rig.subscribe(key);
    }
    assert_eq!(restores(&rig.establish()), 1);
    assert_eq!(restores(&rig.advance(secs(10))), 2);
}

/// ZenHive/zen_websocket 0.4.2: one data frame put an unsubscribed channel back into the set.
#[test]
fn zen_websocket_resubscribed() {
    let mut rig = Harness::started(FRESH);
    rig.subscribe("a");
    rig.subscribe("b");
    rig.establish();
    rig.event(Event::Unsubscribe { key: "a" });
    let epoch = rig.epoch();
    rig.event(Event::Received { epoch });
    rig.event(Event::SubscriptionConfirmed { epoch, key: "a", send: None });
    rig.lose();
    rig.recover();
    assert_eq!(rig.batch(), ["b"]);
}

/// ZenHive/zen_websocket 0.7.1: subscriptions were restored although the authentication had failed.
#[test]
fn zen_websocket_unauthenticated() {
    let mut rig = Harness::started(
        FRESH.to_builder().restore(RestoreConfig::new().authentication(true).build_const()).build_const(),
    );
    rig.subscribe("a");
    rig.opened();
    rig.ready();
    let epoch = rig.epoch();
    assert_eq!(restores(&rig.event(Event::AuthFailed { epoch, fatal: false })), 0);
}

/// bytebeamio/rumqtt#250: after a reconnect nothing was subscribed any more.
#[test]
fn rumqtt_250() {
    let mut rig = Harness::started(FRESH);
    rig.subscribe("a");
    rig.establish();
    for _ in 0..3 {
        rig.lose();
        rig.recover();
        assert_eq!(rig.batch(), ["a"]);
    }
}

/// matrix-org/matrix-appservice-irc#995: all channels were joined at once, and the server killed the connection for its
/// excess of messages.
#[test]
fn matrix_appservice_irc_995() {
    let restore = RestoreConfig::new().batches(1, secs(2)).build_const();
    let mut rig = Harness::started(FRESH.to_builder().restore(restore).build_const());
    for key in ["a", "b", "c", "d", "e"] {
        rig.subscribe(key);
    }
    rig.establish();
    assert_eq!(rig.batch(), ["a"]);
    rig.advance(secs(2));
    assert_eq!(rig.batch(), ["b"]);
    rig.lose();
    rig.recover();
    let begun = rig.now;
    rig.advance(secs(60));
    let joins =
        rig.log().iter().filter(|(at, action)| matches!(action, Action::Restore { .. }) && *at >= begun);
    let joins: Vec<_> = joins.map(|(at, _)| at.saturating_duration_since(begun)).collect();
    assert_eq!(joins, [secs(0), secs(2), secs(4), secs(6), secs(8)], "one by one, from the first again");
    assert_eq!(rig.phase(), Phase::Online);
}

/// magicblock-labs/magicblock-validator#871: the wait between two tries of a subscription stayed the same, however
/// often the provider's limit refused it.
#[test]
fn magicblock_871() {
    let mut rig = Harness::started(FRESH);
    rig.subscribe("a");
    rig.establish();
    let refused = |rig: &mut Harness, wait| {
        let epoch = rig.epoch();
        rig.event(Event::SubscriptionFailed { epoch, key: "a", send: None, retryable: true });
        assert_eq!(rig.due(), Some((secs(wait), WaitReason::Restore)));
    };
    for wait in [1, 2, 4] {
        refused(&mut rig, wait);
        assert_eq!(restores(&rig.advance(secs(wait))), 1);
    }
    rig.lose();
    rig.recover();
    refused(&mut rig, 8);
    rig.advance(secs(8));
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionConfirmed { epoch, key: "a", send: None });
    rig.lose();
    rig.recover();
    refused(&mut rig, 1);
}

/// magicblock-labs/magicblock-validator#909: one subscription that failed in the restoration failed all of them, and
/// the connection counted as lost.
#[test]
fn magicblock_909() {
    let mut rig = Harness::started(FRESH);
    for key in ["a", "b", "c"] {
        rig.subscribe(key);
    }
    rig.establish();
    let epoch = rig.epoch();
    for key in ["a", "c"] {
        rig.event(Event::SubscriptionConfirmed { epoch, key, send: None });
    }
    assert!(rig.event(Event::SubscriptionFailed { epoch, key: "b", send: None, retryable: true }).is_empty());
    assert_eq!((rig.phase(), rig.policy.stats().losses), (Phase::Online, 0));
    rig.advance(secs(1));
    assert_eq!(rig.batch(), ["b"], "only what failed");
    assert!(
        rig.event(Event::SubscriptionFailed { epoch, key: "b", send: None, retryable: false }).is_empty()
    );
    assert!(rig.advance(secs(3_600)).is_empty());
    assert_eq!(rig.phase(), Phase::Online);
}
