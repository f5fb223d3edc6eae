//! Two reconnects for one loss, and successors killed by their predecessors.

use redial::policy::WaitReason;
use redial::{Action, Cause, Disposition, Event, Phase};

use crate::harness::*;

/// Two more reports of the same loss change nothing, and one dial follows.
fn one_dial(mut rig: Harness, lose: fn(&mut Harness), reports: &[Cause]) {
    let (epoch, before) = (rig.epoch(), rig.opens());
    lose(&mut rig);
    let due = rig.due();
    for &cause in reports {
        assert!(rig.event(Event::Closed { epoch, cause }).is_empty());
        assert_eq!((rig.disposition(), rig.due()), (Disposition::Stale, due));
    }
    rig.recover();
    rig.acks = true;
    rig.advance(secs(600));
    assert_eq!(rig.opens(), before + 1);
}

/// buape/carbon#264: a reconnect request and the close that it caused each scheduled an attempt: three sockets for
/// one request.
#[test]
fn carbon_264() {
    one_dial(Harness::online(GATEWAY), |rig| drop(rig.reconnect_requested()), &[Cause::CloseFrame(1000)]);
}

/// buape/carbon 859b6ef: the timer after a refused session and the close of its socket both reconnected.
#[test]
fn carbon_859b6ef() {
    one_dial(Harness::online(GATEWAY), |rig| drop(rig.invalid(false)), &[Cause::CloseFrame(1000), RESET]);
}

/// buape/carbon#349: a late callback threw where it met a connection that was already closed, and the process died.
#[test]
fn carbon_349() {
    let mut rig = Harness::online(GATEWAY);
    let epoch = rig.epoch();
    rig.lose();
    for _ in 0..3 {
        assert!(rig.event(Event::ReconnectRequested { epoch, retry_after: None, deadline: None }).is_empty());
        assert!(rig.event(Event::SessionInvalid { epoch, resumable: true }).is_empty());
    }
    assert_eq!(rig.policy.stats().losses, 1);
}

/// discordjs/discord.js#7113: one loss led to two identifies, and up to sixty.
#[test]
fn discord_js_7113() {
    one_dial(Harness::online(GATEWAY), |rig| drop(rig.close(RESET)), &[Cause::CloseFrame(4000), RESET]);
}

/// ZenHive/zen_websocket 0.4.2: one close gave two attempts in the same millisecond, and the first one's timer
/// killed the second.
#[test]
fn zen_websocket_0_4_2() {
    let mut rig = Harness::online(PLAIN);
    rig.lose();
    rig.redial();
    rig.advance(secs(9));
    rig.fail(RESET);
    rig.redial();
    rig.advance(secs(9));
    assert_eq!((rig.phase(), rig.opens()), (Phase::Connecting, 3), "its own ten seconds");
}

/// Atmosphere/wasync#178: error and close callbacks each opened a new socket.
#[test]
fn wasync_178() {
    one_dial(Harness::online(PLAIN), |rig| drop(rig.close(RESET)), &[Cause::CloseFrame(1006)]);
}

/// dsrees/JavaPhoenixClient#34: failure and close of one socket raised two timers.
#[test]
fn java_phoenix_client_34() {
    one_dial(Harness::online(PLAIN), |rig| drop(rig.lose()), &[RESET, RESET]);
}

/// tutao/tutanota#1294: several triggers reconnected side by side.
#[test]
fn tutanota_1294() {
    let mut rig = Harness::online(PLAIN);
    rig.lose();
    rig.advance(secs(1));
    for fact in [
        Event::NetworkUp,
        Event::Visible,
        Event::HostResumed { gap: secs(1), counted: true },
        Event::RetryNow,
        Event::Start,
    ] {
        assert_eq!(opens(&rig.event(fact)), 0, "there is a dial already");
    }
    assert_eq!(rig.opens(), 2);
}

/// mvanhorn/paperclip-plugin-discord#71: the old socket's close cleared the timers of the new one: 276,379
/// connections in a day.
#[test]
fn paperclip_71() {
    let mut rig = Harness::online(GATEWAY);
    let old = rig.epoch();
    rig.reconnect_requested();
    rig.recover();
    let due = rig.due();
    rig.event(Event::Closed { epoch: old, cause: Cause::CloseFrame(4000) });
    assert_eq!((rig.phase(), rig.due()), (Phase::Online, due));
    assert_eq!(due, Some((secs(45), WaitReason::Heartbeat)));
}

/// discordeno/discordeno#4017: the late close of the old socket wiped the new socket's object, which resumed in a
/// loop.
#[test]
fn discordeno_4017() {
    let mut rig = Harness::online(GATEWAY);
    let old = rig.epoch();
    rig.reconnect_requested();
    rig.redial();
    rig.opened();
    rig.event(Event::Closed { epoch: old, cause: Cause::CloseFrame(3024) });
    assert!(sent_resume(&rig.greet(Some(secs(45)))));
    rig.resumed();
    assert_eq!(rig.phase(), Phase::Online);
}

/// couchbase/couchbase-rs#395: stale events each began a connection loop of their own, a snowball.
#[test]
fn couchbase_rs_395() {
    let mut rig = Harness::online(PLAIN);
    let mut epochs = Vec::new();
    for _ in 0..5 {
        epochs.push(rig.epoch());
        rig.lose();
        for &epoch in &epochs {
            assert!(rig.event(Event::Closed { epoch, cause: RESET }).is_empty());
        }
        rig.recover();
    }
    assert_eq!(rig.opens(), 6);
}

/// meawoppl/agent-portal#538: a second loop was begun by the message of a connection that was already replaced.
#[test]
fn agent_portal_538() {
    let mut rig = Harness::online(PLAIN);
    let old = rig.epoch();
    rig.lose();
    rig.redial();
    assert!(
        rig.event(Event::ReconnectRequested {
            epoch: old,
            retry_after: Some(secs(0).into()),
            deadline: None
        })
        .is_empty()
    );
    assert_eq!(rig.phase(), Phase::Connecting);
}

/// meawoppl/agent-portal#1256: the end of an old connection unregistered its successor.
#[test]
fn agent_portal_1256() {
    let mut rig = Harness::online(PLAIN);
    let old = rig.epoch();
    rig.lose();
    rig.recover();
    rig.event(Event::SendFailed { epoch: old });
    assert_eq!((rig.phase(), rig.policy.stats().losses), (Phase::Online, 1));
}

/// centrifugal/centrifuge-csharp#21: the close of a transport that was no longer the current one disconnected the
/// client.
#[test]
fn centrifuge_csharp_21() {
    let mut rig = Harness::online(PLAIN);
    let old = rig.epoch();
    rig.lose();
    rig.recover();
    rig.event(Event::Closed { epoch: old, cause: Cause::CloseFrame(3500) });
    assert_eq!(rig.phase(), Phase::Online);
}

/// centrifugal/centrifuge-js#408: a disconnect in the middle of the connect looped without a wait: 189 attempts in
/// half a second.
#[test]
fn centrifuge_js_408() {
    let mut rig = Harness::started(PLAIN);
    let end = rig.now.saturating_add(ms(500));
    while rig.now <= end {
        rig.opened();
        rig.code(3012);
        rig.redial();
    }
    assert_eq!(rig.opens(), 2);
}

/// centrifugal/centrifuge-js#281: a socket that closed before it was open never led to a reconnect.
#[test]
fn centrifuge_js_281() {
    let mut rig = Harness::started(PLAIN);
    rig.lose();
    assert_eq!(rig.recover(), secs(1));
}

/// twilight-rs/twilight#2428: one abnormal end was reported several times.
#[test]
fn twilight_2428() {
    let mut rig = Harness::online(GATEWAY);
    let epoch = rig.epoch();
    for _ in 0..3 {
        rig.event(Event::Closed { epoch, cause: Cause::NoCloseFrame });
    }
    assert_eq!((rig.policy.stats().losses, rig.policy.stats().stale), (1, 2));
}

/// openclaw/openclaw#59019: library and application both reconnected and threw each other out.
#[test]
fn openclaw_59019() {
    let mut inner = Harness::online(PLAIN.to_builder().max_attempts(Some(0)).build_const());
    assert!(gave_up(&inner.lose()).is_some());
    assert_eq!(inner.policy.poll_timeout(), None);
}

/// centrifugal/centrifuge-js#225: a transport that was closed while it was being opened came up nevertheless, and
/// nobody closed it any more.
#[test]
fn centrifuge_js_225() {
    let mut rig = Harness::new(PLAIN);
    let mut closed = 0;
    for round in 0..30 {
        assert_eq!(opens(&rig.start()), 1);
        let epoch = rig.epoch();
        if round % 3 == 1 {
            rig.opened();
        } else if round % 3 == 2 {
            rig.establish();
        }
        let actions = rig.stop(false);
        closed += actions.iter().filter(|action| matches!(action, Action::Close { .. })).count();
        rig.start();
        assert!(rig.event(Event::Opened { epoch }).is_empty(), "it was told to close");
        assert_eq!((rig.disposition(), rig.phase()), (Disposition::Stale, Phase::Connecting));
        closed += usize::from(self::closed(&rig.stop(false)).is_some());
    }
    assert_eq!((closed, rig.opens(), rig.policy.epoch()), (60, 60, None), "each that was opened was closed");
}
