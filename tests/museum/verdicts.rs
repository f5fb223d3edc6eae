//! What is final, what is not, and credentials.

use redial::{
    Cause, Class, Classifier, GiveUp, Match, Reason, RefreshOn, Rule, TlsKind, Verdict, tables, valid,
};
use redial::{Event, Mode, Phase};

use super::rig::*;

/// fabric8#7933: an untrusted certificate was retried for nineteen seconds instead of failing at once.
#[test]
fn fabric8_7933() {
    let cause = Cause::Tls(TlsKind::UnknownIssuer);
    assert_eq!(gave_up(&Rig::started(PLAIN).fail(cause)), Some((GiveUp::Fatal, cause)));
}

/// firezone/firezone#9944: a certificate for another name was retried for ever.
#[test]
fn firezone_9944() {
    let cause = Cause::Tls(TlsKind::NameMismatch);
    assert_eq!(gave_up(&Rig::started(PLAIN).fail(cause)), Some((GiveUp::Fatal, cause)));
}

/// bwmarrin/discordgo#1544: a rejected token was sent again for ever.
#[test]
fn discordgo_1544() {
    let mut rig = Rig::started(GATEWAY);
    rig.opened();
    assert_eq!(gave_up(&rig.code(4004)), Some((GiveUp::Fatal, Cause::CloseFrame(4004))));
}

/// buape/carbon 0.8.0: 4010, an invalid shard, was missing from the fatal codes and retried.
#[test]
fn carbon_0_8_4010() {
    for code in [4004, 4010, 4011, 4012, 4013, 4014] {
        assert!(gave_up(&Rig::online(GATEWAY).code(code)).is_some(), "{code}");
    }
}

/// BasedHardware/omi#7632: a stale token closed with 1008 and was retried every 15 s: 5,760 attempts a day and user.
#[test]
fn omi_7632() {
    let mut rig = Rig::started(PLAIN);
    let mut attempts = 0;
    loop {
        attempts += 1;
        rig.opened();
        if gave_up(&rig.code(1008)).is_some() {
            break;
        }
        rig.redial();
    }
    assert_eq!(attempts, 10);
}

/// BasedHardware/omi#5695: "out of credits" stopped the reconnect and nobody told the recorder.
#[test]
fn omi_5695() {
    let stop = Rule::new(Match::Is(Cause::CloseFrame(4002)), Verdict::new(Class::Fatal));
    let config = PLAIN.with_classifier(valid(Classifier::new(&tables::WEBSOCKET).with_override(stop)));
    assert_eq!(gave_up(&Rig::online(config).code(4002)), Some((GiveUp::Fatal, Cause::CloseFrame(4002))));
}

/// BasedHardware/omi#5520: a fixed 15 s for everybody: each deployment was a thundering herd.
#[test]
fn omi_5520() {
    let mut waits: Vec<_> = (0..100)
        .map(|seed| {
            let mut rig = Rig::seeded(PLAIN, seed);
            rig.start();
            rig.establish();
            rig.code(1012);
            rig.waits()
        })
        .collect();
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 90 && waits[0] >= secs(5));
}

/// socketio/socket.io-client#1263: an upgrade that was refused for good was retried.
#[test]
fn socket_io_client_1263() {
    let mut rig = Rig::started(PLAIN.with_credential(RefreshOn::Never));
    assert_eq!(gave_up(&rig.refuse(401, None)), Some((GiveUp::Auth, Cause::Http(401))));
}

/// nautilus_trader#4867: all refusals of an upgrade were one error, so none could be told from another.
#[test]
fn nautilus_4867() {
    let told: Vec<_> = [400, 429, 503]
        .into_iter()
        .map(|status| {
            let mut rig = Rig::started(PLAIN);
            rig.refuse(status, None);
            (rig.phase(), rig.told().waiting_for)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Phase::Failed, None),
            (Phase::Waiting, Some(Reason::Class)),
            (Phase::Waiting, Some(Reason::Backoff))
        ]
    );
}

/// rapidpro#6836: 4401 means "try again" to clients of Centrifugo, where 4500 means "do not".
#[test]
fn rapidpro_6836() {
    let config = PLAIN.with_classifier(Classifier::new(&tables::CENTRIFUGE));
    assert_eq!(gave_up(&Rig::online(config).code(4401)), None);
    assert!(gave_up(&Rig::online(config).code(4500)).is_some());
}

/// tinyhumansai/openhuman#2892: the same dead token was sent with every reconnect, 237 times.
#[test]
fn openhuman_2892() {
    let mut rig = Rig::online(PLAIN);
    for _ in 0..20 {
        let mut actions = rig.close(Cause::AuthRejected);
        if rig.phase() == Phase::Waiting {
            actions.extend(rig.advance(rig.waits()));
        }
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0), "no dial without a new one");
        rig.fact(Event::CredentialOk);
        rig.opened();
    }
}

/// streamlabs/desktop#6203: reconnects went on with an expired token.
#[test]
fn streamlabs_6203() {
    let mut rig = Rig::online(PLAIN);
    assert_eq!(refreshes(&rig.code(3000)), 1);
    assert!(rig.advance(secs(3_600)).is_empty(), "not before the answer");
}

/// supabase/supabase-js#2613: the dial after a wake went round the refresh of the token.
#[test]
fn supabase_js_2613() {
    let mut rig = Rig::failed_times(PLAIN.with_credential(RefreshOn::Dial), 0);
    rig.fact(Event::CredentialOk);
    rig.establish();
    rig.lose();
    rig.advance(ms(500));
    let mut actions = rig.fact(Event::Woke { gap: secs(3_600) });
    actions.extend(rig.advance(secs(1)));
    assert_eq!((refreshes(&actions), opens(&actions)), (1, 0));
}

/// enisdenjo/graphql-ws#558: 4401 was final where a new token would have helped.
#[test]
fn graphql_ws_558() {
    let renew = Rule::new(Match::Is(Cause::CloseFrame(4401)), Verdict::new(Class::Auth));
    let classifier = valid(Classifier::new(&tables::GRAPHQL_WS).with_override(renew));
    let mut rig = Rig::online(PLAIN.with_classifier(classifier));
    assert_eq!(refreshes(&rig.code(4401)), 1);
    assert_eq!(open(&rig.fact(Event::CredentialOk)).map(|open| open.0), Some(Mode::Resume));
}
