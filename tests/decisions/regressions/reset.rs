//! Backoffs that reset too early, or never.

use redial::policy::{Establish, WaitReason};
use redial::{BackoffConfig, Cause, Config, GiveUp, Ratio};

use crate::harness::*;

const STABLE: Config = PLAIN.to_builder().reset_after_stable(secs(120)).build_const();

/// Ten rounds of a server that lets everybody in and closes after `held`: the waits in whole seconds.
fn flaps(config: Config, ready: bool, held: u64, cause: Cause) -> Vec<u64> {
    let mut rig = Harness::started(config);
    (0..10)
        .map(|_| {
            rig.acks = true;
            if ready {
                rig.establish();
            } else {
                rig.opened();
            }
            rig.advance(secs(held));
            rig.close(cause);
            rig.redial().as_secs()
        })
        .collect()
}

const GROWING: [u64; 10] = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30];

/// buape/carbon#344: the counter went to zero when the socket opened: open, close 1000, one second, a thousand
/// connections and more, until the token was revoked.
#[test]
fn carbon_344() {
    assert_eq!(flaps(PLAIN, false, 0, Cause::CloseFrame(1000)), GROWING);
}

/// thingsboard/thingsboard#15219: a session limit closed with 1008 right after the open: 560 connections in 33
/// minutes.
#[test]
fn thingsboard_15219() {
    let mut rig = Harness::started(PLAIN);
    let end = rig.now.saturating_add(secs(33 * 60));
    rig.opened();
    while rig.now < end && gave_up(&rig.code(1008)).is_none() {
        rig.redial();
        rig.opened();
    }
    assert!(rig.opens() <= 10, "{}", rig.opens());
}

/// openclaw/openclaw#102285: "ready" was too early as well: a server that is ready and closes was dialled without
/// an end.
#[test]
fn openclaw_102285() {
    assert_eq!(flaps(STABLE, true, 1, Cause::NoCloseFrame), GROWING);
}

/// AgentWorkforce/relay#1610: a reset on every connect turned a flapping relay into a tight loop.
#[test]
fn relay_1610() {
    assert_eq!(flaps(STABLE, true, 30, RESET), GROWING);
}

/// moq-dev/moq#1806: accepted and dropped at once: a loop at full speed, and the time of giving up restarted at
/// each drop.
#[test]
fn moq_1806() {
    let mut rig = Harness::online(STABLE.to_builder().max_elapsed(Some(secs(300))).build_const());
    let begun = rig.now;
    while gave_up(&rig.lose()).is_none() {
        rig.recover();
        assert!(rig.now.saturating_duration_since(begun) <= secs(300));
    }
    assert!(rig.opens() < 20, "{}", rig.opens());
}

/// ghostdogpr/sage#140: a broker that dropped every new connection was met with the first wait forever.
#[test]
fn sage_140() {
    assert_eq!(flaps(STABLE, true, 0, RESET), GROWING);
}

/// FreeTAKTeam/LXMF-rs#494: one short session should be forgiven and the second escalate; each was forgiven.
#[test]
fn lxmf_494() {
    assert_eq!(flaps(STABLE, true, 5, RESET)[..2], [1, 2]);
}

/// vitorpamplona/amethyst#3219: one relay that flapped made a tenth of all errors.
#[test]
fn amethyst_3219() {
    let mut rig = Harness::online(STABLE);
    let end = rig.now.saturating_add(secs(3_600));
    while rig.now < end {
        rig.lose();
        rig.recover();
    }
    assert!(rig.opens() < 130, "{} dials in an hour", rig.opens());
}

/// espressif/esp-rainmaker-neo-firmware#1: two devices with one identifier threw each other out at full speed.
#[test]
fn esp_rainmaker_1() {
    let mqtt = redial::classify::Classifier::new(&redial::classify::tables::MQTT5).build_const();
    let mut rig = Harness::online(STABLE.to_builder().classifier(mqtt).build_const());
    for wait in [1, 2, 4, 8, 16] {
        rig.advance(secs(600));
        rig.code(0x8E);
        assert_eq!(rig.recover(), secs(wait), "also where each holds for ten minutes");
    }
    rig.advance(secs(600));
    assert_eq!(gave_up(&rig.code(0x8E)), Some((GiveUp::Repeated, Cause::CloseFrame(0x8E))));
}

/// nuts-foundation/nuts-node#1267: the backoff was reset by a handshake that the peer then refused.
#[test]
fn nuts_node_1267() {
    assert_eq!(flaps(GATEWAY, false, 3, RESET), GROWING);
}

/// erikwb/blueferry#107: every observation of "connected" reset the backoff, not the change to it.
#[test]
fn blueferry_107() {
    let mut rig = Harness::failed_times(STABLE, 4);
    rig.recover();
    for _ in 0..50 {
        rig.advance(secs(1));
        rig.ready();
    }
    rig.lose();
    assert_eq!(rig.waits(), secs(16));
}

/// gluwa/creditcoin3#1251: the age of the last success was used although the dial in between had failed.
#[test]
fn creditcoin_1251() {
    let mut rig = Harness::online(PLAIN.to_builder().reset_after_stable(secs(5)).build_const());
    rig.advance(secs(1));
    rig.lose();
    for wait in [1, 2, 4, 8, 16] {
        assert_eq!(rig.redial(), secs(wait));
        rig.fail(REFUSED);
    }
}

/// oscmcompany/fund#1020: the counter was never reset, so a drop after days waited the longest.
#[test]
fn fund_1020() {
    let mut rig = Harness::failed_times(STABLE, 9);
    rig.recover();
    rig.advance(secs(3 * 86_400));
    rig.lose();
    assert_eq!(rig.waits(), secs(1));
}

/// Clawdi#1322: after a reconnect request on a healthy session it waited a minute, and the session expired.
#[test]
fn clawdi_1322() {
    let mut rig = Harness::failed_times(STABLE.to_builder().requested_spread(Some(secs(0))).build_const(), 9);
    rig.recover();
    rig.advance(secs(3_600));
    rig.reconnect_requested();
    assert_eq!(rig.due(), Some((secs(0), WaitReason::Requested)));
}

/// EmbarkStudios/quilkin#734: a backoff that was never reset kept a healthy proxy out for five minutes.
#[test]
fn quilkin_734() {
    let mut rig = Harness::failed_times(STABLE, 30);
    rig.recover();
    rig.advance(secs(600));
    rig.lose();
    assert_eq!(rig.recover(), secs(1));
}

/// kubernetes/client-go: a reset every two minutes also reset in the middle of an outage.
#[test]
fn client_go_reset() {
    let mut rig = Harness::failed_times(STABLE, 1);
    for _ in 0..60 {
        rig.redial();
        rig.fail(REFUSED);
    }
    assert_eq!(rig.waits(), secs(30), "half an hour into it");
}

/// kube-rs/kube 4.2.0: slow dials were taken for idle time and reset the backoff while they still failed.
#[test]
fn kube_4_2_0_slow_dials() {
    let slow =
        PLAIN.to_builder().connect_timeout(secs(300)).reset_after_stable(secs(120)).build().expect("valid");
    let mut rig = Harness::started(slow);
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        rig.advance(secs(300));
        assert_eq!(rig.redial(), secs(wait));
    }
}

/// bitdriftlabs/pulse#52: the first event of every watch counted as health and reset the backoff.
#[test]
fn pulse_52() {
    let mut rig = Harness::failed_times(STABLE, 3);
    rig.redial();
    rig.opened();
    let epoch = rig.epoch();
    rig.event(redial::Event::Received { epoch });
    rig.lose();
    assert_eq!(rig.waits(), secs(8));
}

/// P25, joshrotenberg/tower-resilience 0.13.0: each connect restarted the count, so a flapping peer was dialled every
/// 200 ms forever.
#[test]
fn tower_resilience_0_13_0_flapping() {
    assert!(flaps(STABLE, true, 0, RESET).iter().sum::<u64>() > 150);
}

/// ZenHive/zen_websocket 0.7.1: an upgrade reset the count and a drop was redialled at once: "101, close" looped
/// without any wait.
#[test]
fn zen_websocket_0_7_1() {
    let mut rig = Harness::online(PLAIN);
    for wait in [1, 2, 4] {
        rig.lose();
        assert_eq!(rig.redial(), secs(wait));
        rig.opened();
    }
}

/// jupyterhub/kubespawner#920: a watch that the server closed after some seconds was opened again at once, dozens of
/// times a minute.
#[test]
fn kubespawner_920() {
    let mut rig = Harness::online(PLAIN.to_builder().reset_after_stable(secs(30)).build_const());
    for wait in [1, 2, 4, 8, 16, 30] {
        rig.advance(secs(4));
        rig.lose();
        assert_eq!(rig.recover(), secs(wait));
    }
    rig.advance(ms(29_999));
    rig.lose();
    assert_eq!(rig.recover(), secs(30));
    rig.advance(secs(30));
    rig.lose();
    assert_eq!(rig.recover(), secs(1), "that one ended in its own time");
}

/// PocketShell-io/pocketshell#1633: each dial that got through was a first attempt again: the wait stayed zero, and
/// giving up was out of reach.
#[test]
fn pocketshell_1633() {
    let config = PLAIN
        .to_builder()
        .establish(Establish::OnOpen)
        .reset_after_stable(secs(30))
        .max_attempts(Some(8))
        .build_const();
    let mut rig = Harness::started(config);
    let mut attempts = Vec::new();
    loop {
        attempts.push(rig.told().attempt);
        assert!(attempts.len() <= 8, "it never gives up: {attempts:?}");
        rig.opened();
        rig.advance(ms(5_650));
        if let Some(end) = gave_up(&rig.lose()) {
            assert_eq!(end, (GiveUp::MaxAttempts, Cause::NoCloseFrame));
            break;
        }
        assert!(rig.redial() >= secs(1));
    }
    assert_eq!(attempts, [1, 2, 3, 4, 5, 6, 7, 8]);
}

/// memcached/memcached#1058: a backend that connected, answered and broke under load was never held to be bad, for
/// each connect cleared its failures.
#[test]
fn memcached_1058() {
    let ramp = BackoffConfig::exponential(secs(8), Ratio::new_const(3, 2), secs(3_600)).build_const();
    let mut rig =
        Harness::online(PLAIN.to_builder().backoff(ramp).reset_after_stable(secs(10)).build_const());
    for wait in [8, 12, 18, 27] {
        rig.advance(secs(9));
        rig.lose();
        assert_eq!(rig.recover(), secs(wait), "a flap is a failure");
    }
    rig.advance(secs(10));
    assert_eq!(rig.told().failures, 0);
    rig.lose();
    assert_eq!(rig.waits(), secs(8));
}
