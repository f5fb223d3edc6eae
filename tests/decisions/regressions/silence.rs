//! Chains that end without a word, and loops without a wait.

use redial::policy::{HoldReason, WaitReason};
use redial::{BackoffConfig, Cause, Event, GiveUp, IoKind, Phase, presets};

use crate::harness::*;

/// BasedHardware/omi#5715: not signed in, or no device: the one-shot timer was not set again, and the client stayed
/// offline while it recorded.
#[test]
fn omi_5715() {
    let mut rig = Harness::started(PLAIN);
    for _ in 0..100 {
        let epoch = rig.epoch();
        rig.event(Event::NotNow { epoch, retry_after: None });
        assert_eq!(rig.phase(), Phase::Waiting);
        rig.redial();
    }
    let hold = HoldReason::new(0).expect("a reason");
    rig.lose();
    rig.event(Event::Hold(hold));
    rig.advance(secs(86_400));
    assert_eq!(opens(&rig.event(Event::Release(hold))), 1);
}

/// yourWaifu/sleepy-discord#243: after ten attempts it stopped and said nothing.
#[test]
fn sleepy_discord_243() {
    assert_eq!(Harness::failed_times(PLAIN, 1_000).phase(), Phase::Waiting);
}

/// whatomate#494: five attempts were burned while the phone slept, and then it was over.
#[test]
fn whatomate_494() {
    let mut rig = Harness::failed_times(PLAIN.to_builder().max_attempts(Some(5)).build_const(), 1);
    rig.event(Event::NetworkDown);
    rig.advance(secs(8 * 3_600));
    rig.event(Event::NetworkUp);
    assert_eq!(rig.told().attempt, 2);
    rig.establish();
}

/// buape/carbon 0.16.0: a factory that threw inside the timer ended the chain.
#[test]
fn carbon_0_16_factory() {
    let mut rig = Harness::started(GATEWAY);
    for wait in [1, 2, 4] {
        rig.fail(Cause::Unknown);
        assert_eq!(rig.redial(), secs(wait));
    }
}

/// openclaw/openclaw#55367: "no attempts allowed" was an error event without a listener and killed the process.
#[test]
fn openclaw_55367() {
    let mut rig = Harness::online(GATEWAY.to_builder().max_attempts(Some(0)).build_const());
    assert_eq!(gave_up(&rig.lose()), Some((GiveUp::MaxAttempts, Cause::NoCloseFrame)));
    assert_eq!(rig.phase(), Phase::Failed);
}

/// SignalR/SignalR#4710: it was stuck after its first retry.
#[test]
fn signalr_4710() {
    let mut rig = Harness::online(PLAIN);
    rig.lose();
    for _ in 0..20 {
        rig.redial();
        rig.advance(secs(10));
        assert_eq!(rig.phase(), Phase::Waiting, "the silent dial is over");
    }
}

/// ably/ably-java#167: a connect by the user in the long wait was ignored.
#[test]
fn ably_java_167() {
    let mut rig = Harness::failed_times(PLAIN, 20);
    assert_eq!(opens(&rig.event(Event::RetryNow)), 1);
}

/// ably/ably-js#1844: one failed check of the network was remembered forever.
#[test]
fn ably_js_1844() {
    let mut rig = Harness::failed_times(PLAIN, 1);
    for _ in 0..3 {
        rig.event(Event::NetworkDown);
        rig.event(Event::NetworkDown);
        rig.event(Event::NetworkUp);
    }
    rig.advance(secs(1));
    assert_eq!(rig.phase(), Phase::Connecting);
}

/// pusher/pusher-websocket-java#197: after six attempts it gave up.
#[test]
fn pusher_java_197() {
    assert_eq!(Harness::failed_times(PLAIN, 7).recover(), secs(30));
}

/// ihrwein/backoff#39: fifteen minutes counted from its creation: a socket that failed after hours was never retried.
#[test]
fn backoff_39() {
    let mut rig = Harness::online(PLAIN.to_builder().max_elapsed(Some(secs(900))).build_const());
    rig.advance(secs(10 * 3_600));
    assert_eq!(gave_up(&rig.lose()), None);
    assert_eq!(rig.recover(), secs(1));
}

/// kube-rs/kube#1713: a default of three retries came with another library and ended a watch for good.
#[test]
fn kube_1713() {
    assert_eq!(Harness::failed_times(PLAIN, 4).phase(), Phase::Waiting, "no limit is the default");
}

/// 1c3t3a/rust-socketio a4e5287: after fifteen minutes "no more waits" was taken for "no wait": a hot loop.
#[test]
fn rust_socketio_hot_loop() {
    let mut rig = Harness::started(PLAIN.to_builder().max_elapsed(Some(secs(900))).build_const());
    while gave_up(&rig.fail(REFUSED)).is_none() {
        assert!(rig.redial() >= secs(1));
    }
    assert!(rig.advance(secs(3_600)).is_empty());
}

/// serenity-rs/serenity#1433: 2,572 attempts in a second.
#[test]
fn serenity_1433() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.lose();
    assert_eq!(rig.waits(), secs(1));
}

/// discordjs/discord.js#9510: no wait at all between two attempts.
#[test]
fn discord_js_9510() {
    let mut rig = Harness::online(GATEWAY);
    rig.invalid(true);
    assert!(rig.waits() >= secs(1));
}

/// twilight-rs/twilight#446: failed connects were repeated at once.
#[test]
fn twilight_446() {
    let mut rig = Harness::started(GATEWAY);
    rig.fail(REFUSED);
    assert_eq!(rig.waits(), secs(1));
}

/// vectordotdev/vector#72: a hundred thousand attempts in less than half a minute.
#[test]
fn vector_72() {
    let mut rig = Harness::started(PLAIN);
    let end = rig.now.saturating_add(secs(30));
    while rig.now < end {
        rig.fail(REFUSED);
        rig.redial();
    }
    assert!(rig.opens() < 8);
}

/// P24, tower-rs/tower#60: its reconnect has no delay: a service that is never ready spins inside one poll.
#[test]
fn tower_60() {
    let mut rig = Harness::started(PLAIN);
    for failures in 1..=100 {
        assert_eq!(opens(&rig.fail(REFUSED)), 0, "never in the same step");
        assert_eq!(rig.told().failures, failures);
        rig.redial();
    }
}

/// rumqtt#918: the event loop reconnected at every poll.
#[test]
fn rumqtt_918() {
    let mut rig = Harness::failed_times(PLAIN, 3);
    for _ in 0..1_000 {
        assert!(rig.tick().is_empty());
    }
    assert_eq!(rig.due(), Some((secs(4), WaitReason::Backoff)));
}

/// freenet/freenet-core#2968: after a sleep it sat out the long wait of the outage before.
#[test]
fn freenet_core_2968() {
    let mut rig = Harness::failed_times(PLAIN, 12);
    assert_eq!(
        opens(&rig.event(Event::HostResumed { gap: secs(7_200), counted: true }))
            + opens(&rig.advance(secs(1))),
        1
    );
}

/// ably/ably-cocoa#913: in the long outage the first failure went back to the short waits of the beginning.
#[test]
fn ably_cocoa_913() {
    let (disconnected, suspended) =
        (BackoffConfig::constant(secs(15)).build_const(), BackoffConfig::constant(secs(30)).build_const());
    let mut rig = Harness::online(
        PLAIN.to_builder().backoff(disconnected).long_outage(secs(120), suspended).build_const(),
    );
    rig.lose();
    let mut waits = Vec::new();
    for _ in 0..30 {
        waits.push(rig.redial().as_secs());
        rig.fail(REFUSED);
    }
    assert_eq!(waits, [[15; 8].as_slice(), &[30; 22]].concat());
}

/// ably/ably-js#1449: suspended in the background, it stayed so in the foreground, whatever the user pressed.
#[test]
fn ably_js_1449() {
    let background = || {
        let mut rig = Harness::online(presets::ABLY.to_builder().defer_while_hidden(true).build_const());
        rig.event(Event::Hidden);
        rig.lose();
        assert!(rig.advance(secs(1_800)).is_empty());
        assert_eq!(rig.phase(), Phase::Parked);
        rig
    };
    let mut rig = background();
    assert_eq!(opens(&rig.event(Event::Visible)), 1);
    rig.establish();
    let mut rig = Harness::failed_times(presets::ABLY, 12);
    rig.advance(secs(1));
    assert_eq!(opens(&rig.event(Event::RetryNow)), 1);
    rig.establish();
    let mut rig = background();
    assert_eq!(opens(&rig.event(Event::RetryNow)), 0, "a page that nobody sees");
    assert_eq!(opens(&rig.event(Event::Visible)), 1, "but it is not forgotten");
}

/// tower-rs/tower#244: the error of a maker that was dead for good was returned, and the next poll tried it again.
#[test]
fn tower_244() {
    let dead = Cause::Io(IoKind::InvalidInput);
    let mut rig = Harness::failed_times(PLAIN, 3);
    rig.redial();
    assert_eq!(gave_up(&rig.fail(dead)), Some((GiveUp::Fatal, dead)));
    for _ in 0..100 {
        assert!(rig.advance(secs(60)).is_empty());
        assert!(rig.event(Event::RetryNow).is_empty());
        assert_eq!((rig.phase(), rig.told().last_cause), (Phase::Failed, Some(dead)));
    }
    assert_eq!(opens(&rig.start()), 1, "somebody has mended it");
}
