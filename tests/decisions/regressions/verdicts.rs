//! What is final, what is not, and credentials.

use redial::breaker;
use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::policy::{CredentialConfig, RefreshOn, WaitReason};
use redial::{Cause, GiveUp, Ratio};
use redial::{Event, Mode, Phase};

use crate::harness::*;

/// fabric8#7933: an untrusted certificate was retried for nineteen seconds instead of failing at once.
#[test]
fn fabric8_7933() {
    let cause = Cause::Tls(TlsKind::UnknownIssuer);
    assert_eq!(gave_up(&Harness::started(PLAIN).fail(cause)), Some((GiveUp::Fatal, cause)));
}

/// firezone/firezone#9944: a certificate for another name was retried forever.
#[test]
fn firezone_9944() {
    let cause = Cause::Tls(TlsKind::NameMismatch);
    assert_eq!(gave_up(&Harness::started(PLAIN).fail(cause)), Some((GiveUp::Fatal, cause)));
}

/// bwmarrin/discordgo#1544: a rejected token was sent again forever.
#[test]
fn discordgo_1544() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    assert_eq!(gave_up(&rig.code(4004)), Some((GiveUp::Fatal, Cause::CloseFrame(4004))));
}

/// buape/carbon 0.8.0: 4010, an invalid shard, was missing from the fatal codes and retried.
#[test]
fn carbon_0_8_4010() {
    for code in [4004, 4010, 4011, 4012, 4013, 4014] {
        assert!(gave_up(&Harness::online(GATEWAY).code(code)).is_some(), "{code}");
    }
}

/// BasedHardware/omi#7632: a stale token closed with 1008 and was retried every 15 s: 5,760 attempts a day and user.
#[test]
fn omi_7632() {
    let mut rig = Harness::started(PLAIN);
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
    let config = PLAIN
        .to_builder()
        .classifier(Classifier::new(&tables::WEBSOCKET).rule(stop).build_const())
        .build_const();
    assert_eq!(gave_up(&Harness::online(config).code(4002)), Some((GiveUp::Fatal, Cause::CloseFrame(4002))));
}

/// BasedHardware/omi#5520: a fixed 15 s for everybody: each deployment was a thundering herd.
#[test]
fn omi_5520() {
    let mut waits: Vec<_> = (0..100)
        .map(|seed| {
            let mut rig = Harness::seeded(PLAIN, seed);
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
    let mut rig = Harness::started(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Never).build_const())
            .build_const(),
    );
    assert_eq!(gave_up(&rig.refuse(401, None)), Some((GiveUp::Auth, Cause::Http(401))));
}

/// nautilus_trader#4867: all refusals of an upgrade were one error, so none could be told from another.
#[test]
fn nautilus_4867() {
    let told: Vec<_> = [400, 429, 503]
        .into_iter()
        .map(|status| {
            let mut rig = Harness::started(PLAIN);
            rig.refuse(status, None);
            (rig.phase(), rig.told().waiting_for)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Phase::Failed, None),
            (Phase::Waiting, Some(WaitReason::Class)),
            (Phase::Waiting, Some(WaitReason::Backoff))
        ]
    );
}

/// rapidpro#6836: 4401 means "try again" to clients of Centrifugo, where 4500 means "do not".
#[test]
fn rapidpro_6836() {
    let config =
        PLAIN.to_builder().classifier(Classifier::new(&tables::CENTRIFUGE).build_const()).build_const();
    assert_eq!(gave_up(&Harness::online(config).code(4401)), None);
    assert!(gave_up(&Harness::online(config).code(4500)).is_some());
}

/// tinyhumansai/openhuman#2892: the same dead token was sent with every reconnect, 237 times.
#[test]
fn openhuman_2892() {
    let mut rig = Harness::online(PLAIN);
    for _ in 0..20 {
        let mut actions = rig.close(Cause::AuthRejected);
        if rig.phase() == Phase::Waiting {
            actions.extend(rig.advance(rig.waits()));
        }
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0), "no dial without a new one");
        rig.event(Event::CredentialOk { request: None, ttl: None });
        rig.opened();
    }
}

/// streamlabs/desktop#6203: reconnects went on with an expired token.
#[test]
fn streamlabs_6203() {
    let mut rig = Harness::online(PLAIN);
    assert_eq!(refreshes(&rig.code(3000)), 1);
    assert!(rig.advance(secs(29)).is_empty(), "not before the answer");
    let actions = rig.advance(secs(3_600));
    assert!(
        refreshes(&actions) > 1 && opens(&actions) == 0,
        "asked again, and never dialled with the old one"
    );
}

/// supabase/supabase-js#2613: the dial after a wake went round the refresh of the token.
#[test]
fn supabase_js_2613() {
    let mut rig = Harness::failed_times(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
        0,
    );
    rig.event(Event::CredentialOk { request: None, ttl: None });
    rig.establish();
    rig.lose();
    rig.advance(ms(500));
    let mut actions = rig.event(Event::HostResumed { gap: secs(3_600), counted: true });
    actions.extend(rig.advance(secs(1)));
    assert_eq!((refreshes(&actions), opens(&actions)), (1, 0));
}

/// enisdenjo/graphql-ws#558: 4401 was final where a new token would have helped.
#[test]
fn graphql_ws_558() {
    let renew = Rule::new(Match::Is(Cause::CloseFrame(4401)), Verdict::new(Class::Auth));
    let classifier = Classifier::new(&tables::GRAPHQL_WS).rule(renew).build_const();
    let mut rig = Harness::online(PLAIN.to_builder().classifier(classifier).build_const());
    assert_eq!(refreshes(&rig.code(4401)), 1);
    assert_eq!(
        open(&rig.event(Event::CredentialOk { request: None, ttl: None })).map(|open| open.0),
        Some(Mode::Resume)
    );
}

/// jetkvm#80: a refusal that the platform reported without a status was repeated every five seconds forever.
#[test]
fn jetkvm_80() {
    let refused = Cause::CloseFrame(1006);
    let guarded = breaker::Config::new(5, secs(60)).growth(Ratio::TWO, secs(3_600)).build_const();
    let mut rig = Harness::started(PLAIN.to_builder().breaker(Some(guarded)).build_const());
    let end = rig.now.saturating_add(secs(86_400));
    while rig.now < end {
        rig.fail(refused);
        rig.redial();
    }
    assert_eq!((rig.told().waiting_for, rig.opens()), (Some(WaitReason::ConnectTimeout), 34), "in a day");
    let mut rig = Harness::failed_times(PLAIN.to_builder().max_attempts(Some(20)).build_const(), 19);
    rig.redial();
    assert_eq!(gave_up(&rig.fail(refused)), Some((GiveUp::MaxAttempts, refused)));
}

/// BasedHardware/omi#7675: a rejected token (1008) was tried again every fifteen seconds; the backoff that was proposed
/// for it was never merged.
#[test]
fn omi_7675() {
    let mut rig = Harness::started(PLAIN);
    for step in [15, 30, 60, 120, 300, 300, 300, 300, 300] {
        rig.opened();
        rig.code(1008);
        let (wait, reason) = rig.due().expect("a wait");
        assert!(
            (secs(step)..=secs(step + 1)).contains(&wait) && reason == WaitReason::Class,
            "{step}: {wait:?}"
        );
        rig.redial();
    }
    rig.opened();
    assert_eq!(gave_up(&rig.code(1008)), Some((GiveUp::Repeated, Cause::CloseFrame(1008))), "the tenth");
    let mut rig = Harness::started(PLAIN);
    for _ in 0..3 {
        rig.opened();
        rig.code(1008);
        rig.redial();
    }
    rig.establish();
    rig.code(1006);
    assert_eq!(rig.waits(), secs(1), "others are not to suffer");
    rig.recover();
    rig.advance(secs(1));
    rig.code(1008);
    assert!((secs(15)..=secs(16)).contains(&rig.waits()), "after a session that held it begins anew");
}

/// dsrees/JavaPhoenixClient#82: the token that the first connection had been given was sent with every reconnect,
/// expired or not.
#[test]
fn java_phoenix_client_82() {
    let mut rig = Harness::online(PLAIN);
    rig.lose();
    rig.redial();
    let actions = rig.refuse(401, None);
    assert_eq!((refreshes(&actions), opens(&actions)), (1, 0));
    assert!(rig.advance(secs(29)).is_empty(), "no dial with the old one");
    assert_eq!(
        opens(&rig.event(Event::CredentialOk { request: None, ttl: None })),
        1,
        "and no wait with the new one"
    );
    assert_eq!(gave_up(&rig.refuse(401, None)), Some((GiveUp::Auth, Cause::Http(401))));
}

/// braverhealth/phoenix-socket-dart#97: its parameters were made once, with a token that lives for minutes, and there
/// was no place to make them again.
#[test]
fn phoenix_socket_dart_97() {
    let mut rig = Harness::new(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    assert_eq!(refreshes(&rig.start()), 1);
    for dial in 1..=10 {
        assert_eq!(rig.opens(), dial - 1);
        assert_eq!(opens(&rig.event(Event::CredentialOk { request: None, ttl: None })), 1);
        rig.establish();
        rig.advance(secs(600));
        rig.lose();
        let actions = rig.advance(secs(1));
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0), "a place before every dial");
    }
}

/// phoenixframework/phoenix#5155: a refused token and a server that was down were the same close without a reason, and
/// both were dialled forever.
#[test]
fn phoenix_5155() {
    for (cause, end) in [
        (Cause::Http(401), Some(GiveUp::Auth)),
        (Cause::Http(403), Some(GiveUp::Fatal)),
        (Cause::Http(503), None),
        (Cause::CloseFrame(1006), None),
        (REFUSED, None),
    ] {
        let mut rig = Harness::online(
            PLAIN
                .to_builder()
                .credential(CredentialConfig::new().refresh_on(RefreshOn::Never).build_const())
                .build_const(),
        );
        rig.lose();
        rig.redial();
        assert_eq!(gave_up(&rig.fail(cause)), end.map(|reason| (reason, cause)));
        assert_eq!(rig.told().last_cause, Some(cause), "for the user to read");
    }
}

/// userFRM/ThetaDataDx#540: one budget of three attempts for every kind of failure: a throttle of an hour used up what
/// was meant for the network.
#[test]
fn theta_data_dx_540() {
    let few = Rule::new(Match::AnyIo, Verdict::new(Class::Transient).with_limit(3));
    let many = Verdict::new(Class::RateLimited).with_limit(100).with_wait_const(secs(130), secs(130));
    let many = Rule::new(Match::Is(Cause::Http(429)), many);
    let classifier = Classifier::new(&tables::WEBSOCKET).rule(few).rule(many).build_const();
    let config = PLAIN.to_builder().classifier(classifier).reset_after_stable(secs(60)).build_const();
    let mut rig = Harness::started(config);
    for _ in 0..100 {
        rig.refuse(429, None);
        assert_eq!(rig.redial(), secs(130));
    }
    for wait in [1, 2, 4] {
        rig.fail(RESET);
        assert_eq!(rig.redial(), secs(wait), "a ladder and a count of their own");
    }
    assert_eq!(gave_up(&rig.fail(RESET)), Some((GiveUp::Repeated, RESET)));
    let mut rig = Harness::online(config);
    for held in [59, 59, 59, 60, 59, 59] {
        rig.advance(secs(held));
        assert_eq!(gave_up(&rig.close(RESET)), None, "a stable minute refills it");
        rig.recover();
    }
    rig.advance(secs(59));
    assert_eq!(gave_up(&rig.close(RESET)), Some((GiveUp::Repeated, RESET)));
}

/// userFRM/ThetaDataDx#1131: "too many requests" came as a message before the close, was forgotten when the close came,
/// and the fast backoff met the throttle again.
#[test]
fn theta_data_dx_1131() {
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    rig.close(Cause::Class(Class::RateLimited));
    let (wait, reason) = rig.due().expect("a wait");
    assert!((secs(30)..=secs(120)).contains(&wait) && reason == WaitReason::Class, "{wait:?}");
    assert!(rig.event(Event::Closed { epoch, cause: Cause::NoCloseFrame }).is_empty());
    assert_eq!(rig.due(), Some((wait, reason)), "the socket's own end says no more");
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    let actions =
        rig.event(Event::ReconnectRequested { epoch, retry_after: Some(secs(130).into()), deadline: None });
    assert!(keeps_session(&actions), "also where the server holds the socket open");
    assert_eq!(rig.due(), Some((secs(130), WaitReason::RetryAfter)));
}
