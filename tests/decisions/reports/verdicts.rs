//! Answers that look final and are not, and one that looks harmless and is.

use redial::breaker;
use redial::classify::{Classifier, TlsKind, tables};
use redial::policy::{CredentialConfig, WaitReason};
use redial::{Cause, Config, Event, GiveUp, Phase, presets};

use super::{BASE, dial};
use crate::harness::*;

/// Waiting after a connection that worked for ten minutes.
fn after_a_good_connection(config: Config) -> Harness {
    let mut rig = Harness::online(config);
    rig.advance(secs(600));
    rig.lose();
    rig
}

/// Each dial is answered so; whether and how it gave up.
fn answered(rig: &mut Harness, statuses: &[u16]) -> Vec<Option<(GiveUp, Cause)>> {
    let answer = |status: &u16| {
        rig.redial();
        gave_up(&rig.refuse(*status, None))
    };
    statuses.iter().map(answer).collect()
}

/// Report 46 (gitpod-io/gitpod#5762, #5766): while the server restarts, the proxy answers the upgrade with 200 or a 4xx,
/// and the client stopped for good. After a connection that worked such an answer is retried four times in a row.
#[test]
fn report_46_a_proxy_answers_for_a_server_that_restarts() {
    let mut rig = after_a_good_connection(BASE);
    assert_eq!(answered(&mut rig, &[404, 200, 404, 410]), [None; 4]);
    assert_eq!(rig.waits(), secs(16), "along the backoff");
    rig.recover();
    // Five in a row are the service's own word; another failure in between restarts the count.
    rig.advance(secs(600));
    rig.lose();
    assert_eq!(answered(&mut rig, &[404, 404, 404, 404, 503, 404, 404, 404, 404]), [None; 9]);
    assert_eq!(answered(&mut rig, &[404]), [Some((GiveUp::Fatal, Cause::Http(404)))]);
    // An address that never worked is wrong.
    let mut wrong = Harness::started(BASE);
    assert_eq!(gave_up(&wrong.refuse(404, None)), Some((GiveUp::Fatal, Cause::Http(404))));
}

/// Report 47 (mesop-dev/mesop#1389): a 302 to a login page ended it, and nothing started it after the login. The network's
/// return, another network and the user do.
#[test]
fn report_47_a_login_page_in_between() {
    for news in [Event::NetworkUp, Event::NetworkChanged, Event::RetryNow] {
        let mut rig = after_a_good_connection(BASE);
        let ends = answered(&mut rig, &[302; 5]);
        assert_eq!(ends, [None, None, None, None, Some((GiveUp::Fatal, Cause::Http(302)))]);
        assert!(rig.advance(secs(3_600)).is_empty());
        assert_eq!(dial(&mut rig, news).2, 1, "from the beginning");
        rig.establish();
    }
    // What the client itself is refused for is not changed by host events.
    let mut rig = after_a_good_connection(BASE);
    assert!(answered(&mut rig, &[403])[0].is_some());
    rig.advance(secs(3_600));
    for news in [Event::NetworkUp, Event::NetworkChanged, Event::RetryNow] {
        assert_eq!((rig.event(news), rig.phase()), (vec![], Phase::Failed));
    }
}

/// Report 48 (matrix-org/matrix-rust-sdk#2050, espressif/esp-at#432, autonomous-ai/autonomous-os#150): at boot the clock is
/// wrong and every certificate "not yet valid", and clients spun or ended. It is tried again at the longest wait, with a
/// limit; the user and the network start it again after that.
#[test]
fn report_48_a_clock_that_is_not_set_yet() {
    const EARLY: Cause = Cause::Tls(TlsKind::CertificateNotYetValid);
    let tries = usize::from(tables::TRIES);
    let mut rig = Harness::started(BASE);
    for _ in 0..tries {
        assert_eq!(gave_up(&rig.fail(EARLY)), None);
        assert_eq!(rig.due(), Some((secs(30), WaitReason::Class)));
        rig.redial();
    }
    let mut set = rig.clone();
    set.now = rig.now;
    set.establish();
    assert_eq!(set.phase(), Phase::Online, "the clock was set in time");
    assert_eq!(gave_up(&rig.fail(EARLY)), Some((GiveUp::Repeated, EARLY)));
    rig.advance(secs(60));
    for news in [Event::NetworkUp, Event::NetworkChanged, Event::RetryNow] {
        let mut rig = rig.clone();
        rig.now = rig.now.saturating_add(secs(3_600));
        dial(&mut rig, news);
    }
}

/// Report 58 (rotki/rotki#1860, oliver-zehentleitner/unicorn-binance-websocket-api#330): the server bans with 418 or 403
/// and says for how long, and the client stopped for good. It is waited out; the fourth such answer in a row is final.
#[test]
fn report_58_a_ban_that_says_how_long() {
    for status in [418, 403] {
        let mut rig = Harness::started(BASE);
        for _ in 0..3 {
            assert_eq!(gave_up(&rig.refuse(status, Some(secs(120)))), None);
            assert_eq!(rig.due(), Some((secs(120), WaitReason::RetryAfter)));
            rig.redial();
        }
        let mut waited = rig.clone();
        waited.now = rig.now;
        waited.establish();
        waited.advance(secs(20));
        waited.lose();
        waited.redial();
        assert_eq!(gave_up(&waited.refuse(status, Some(secs(120)))), None, "a connection begins anew");
        let end = gave_up(&rig.refuse(status, Some(secs(120))));
        assert_eq!(end, Some((GiveUp::Fatal, Cause::Http(status))));
        let mut plain = Harness::started(BASE);
        assert!(gave_up(&plain.refuse(status, None)).is_some(), "without a time it is final");
    }
}

/// Held so long and taken over, again and again: the waits, and how it ended.
fn taken_over(config: Config, held: u64) -> (Vec<u64>, (GiveUp, Cause)) {
    let mut rig = Harness::online(config);
    let mut waits = Vec::new();
    loop {
        rig.advance(secs(held));
        if let Some(end) = gave_up(&rig.code(142)) {
            return (waits, end);
        }
        waits.push(rig.recover().as_secs());
        assert!(waits.len() < 100, "for ever");
    }
}

const TAKEN: (GiveUp, Cause) = (GiveUp::Repeated, Cause::CloseFrame(142));

/// Report 62, two clients with one identity: each threw the other out forever, because every connection held long enough to
/// reset the backoff. A takeover backs off, whatever held, and the sixth within an hour of the last is final.
#[test]
fn report_62_two_clients_with_one_identity() {
    let mqtt = BASE.to_builder().classifier(Classifier::new(&tables::MQTT5).build_const()).build_const();
    for held in [60, 600, 3_500] {
        assert_eq!(taken_over(mqtt, held), (vec![1, 2, 4, 8, 16], TAKEN), "held {held} s");
    }
    // After an hour without one it is forgotten.
    let mut rig = Harness::online(mqtt);
    for _ in 0..20 {
        rig.advance(secs(3_700));
        assert_eq!(gave_up(&rig.code(142)), None);
        assert_eq!(rig.recover(), secs(1));
    }
    // The user may take it back.
    let mut rig = Harness::online(mqtt);
    for _ in 0..5 {
        rig.code(142);
        rig.recover();
    }
    assert_eq!(gave_up(&rig.code(142)), Some(TAKEN));
    rig.advance(secs(60));
    assert_eq!(opens(&rig.event(Event::RetryNow)), 1);
}

/// Report 75, as 62 with the preset of Paho: each holds for as long as the other waits, 128 s, which is longer than what
/// counts as stable there.
#[test]
fn report_75_each_holds_while_the_other_waits() {
    assert_eq!(taken_over(presets::PAHO_JAVA, 128), (vec![1, 2, 4, 8, 16], TAKEN));
}

/// Report 87 (decocms/studio#5322, diegosouzapw/OmniRoute#13836): a 401 opened the breaker, and a probe that ended without
/// an outcome blocked it. A refused credential is neutral, and its slot is given back.
#[test]
fn report_87_a_refused_credential_is_no_ill_health() {
    let breaker = breaker::Config::new(1, secs(600)).build_const();
    let config = BASE.to_builder().breaker(Some(breaker)).credential(CredentialConfig::DEFAULT).build_const();
    let renew = |rig: &mut Harness| {
        assert_eq!(refreshes(&rig.refuse(401, None)), 1);
        rig.advance(secs(5));
        rig.event(Event::CredentialOk { request: None, ttl: None })
    };
    // A closed breaker stays closed.
    let mut rig = Harness::started(config);
    assert_eq!(opens(&renew(&mut rig)), 1);
    // In a probe: the next dial is the probe.
    let mut rig = Harness::failed_times(config, 1);
    assert_eq!(rig.due(), Some((secs(600), WaitReason::Breaker)));
    rig.redial();
    assert_eq!(opens(&renew(&mut rig)), 1);
    let mut well = rig.clone();
    well.now = rig.now;
    well.establish();
    well.advance(secs(20));
    well.lose();
    assert_eq!(well.waits(), secs(1), "the breaker is closed");
    rig.refuse(503, None);
    assert_eq!(
        rig.due().map(|due| due.1),
        Some(WaitReason::Breaker),
        "and a failure of the probe opens it again"
    );
}
