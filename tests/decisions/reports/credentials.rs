//! Credentials: their end, their source, and how a connection gets a new one.

use redial::classify::{Classifier, tables};
use redial::policy::{CredentialConfig, RefreshOn, RestoreConfig, WaitReason};
use redial::{Action, Cause, Config, Event, Phase};

use crate::harness::*;
use crate::reports::BASE;

fn renewed(rig: &mut Harness, ttl: u64) -> Vec<Action> {
    rig.event(Event::CredentialOk { request: None, ttl: Some(secs(ttl)) })
}

fn authentications(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Authenticate { .. })).count()
}

/// Report 31 (Azure/azure-iot-sdk-c#2274): the token's end arrived as a loss every 48 minutes. It is renewed ahead of time,
/// by a timer with a lead and a spread, and the connection is not touched.
#[test]
fn report_31_a_token_is_renewed_ahead_of_its_end() {
    let credential = CredentialConfig::new().lead(secs(300), secs(60)).build_const();
    let config = BASE
        .to_builder()
        .credential(credential)
        .classifier(Classifier::new(&tables::MQTT5).build_const())
        .build_const();
    let mut leads = Vec::new();
    for seed in 0..30 {
        let mut rig = Harness::seeded(config, seed);
        rig.start();
        assert_eq!(refreshes(&rig.code(135)), 1);
        assert_eq!(opens(&renewed(&mut rig, 2_900)), 1);
        rig.establish();
        rig.advance(secs(20));
        for _ in 0..3 {
            let (due, reason) = rig.due().expect("a timer");
            assert_eq!(reason, WaitReason::CredentialLead);
            leads.push(due);
            let actions = rig.advance(due);
            assert_eq!((refreshes(&actions), actions.len()), (1, 1), "{actions:?}");
            assert!(renewed(&mut rig, 2_880).is_empty());
        }
        assert_eq!((rig.phase(), rig.opens(), rig.policy.stats().losses), (Phase::Online, 2, 0));
        // The next dial has it already.
        rig.event(Event::Redial);
        let actions = rig.advance(secs(0));
        assert_eq!((opens(&actions), refreshes(&actions)), (1, 0));
    }
    assert!(leads.iter().all(|due| (secs(2_520)..=secs(2_580)).contains(due)), "{leads:?}");
    leads.sort_unstable();
    leads.dedup();
    assert!(leads.len() > 60, "drawn: {leads:?}");
}

/// Report 31: where each dial asks for a token, one that was renewed while online is the next dial's, and no other is
/// asked for before it; after that dial the next one asks again.
#[test]
fn report_31_a_renewed_token_is_the_next_dials() {
    let credential =
        CredentialConfig::new().refresh_on(RefreshOn::Dial).lead(secs(300), secs(0)).build_const();
    let mut rig = Harness::new(BASE.to_builder().credential(credential).build_const());
    assert_eq!(refreshes(&rig.start()), 1);
    assert_eq!(opens(&renewed(&mut rig, 2_880)), 1);
    rig.establish();
    assert_eq!(refreshes(&rig.advance(secs(2_580))), 1);
    assert!(renewed(&mut rig, 2_880).is_empty());
    rig.event(Event::Redial);
    let actions = rig.advance(secs(0));
    assert_eq!((opens(&actions), refreshes(&actions)), (1, 0));
    rig.establish();
    rig.advance(secs(60));
    rig.lose();
    let actions = rig.advance(secs(1));
    assert_eq!((opens(&actions), refreshes(&actions)), (0, 1));
}

/// Report 68 (drogue-iot/drogue-cloud#295, calagopus/panel#154): a token ends while the socket lives, the server wants a
/// new one on the same socket, and the client could only reconnect. It authenticates again in place.
#[test]
fn report_68_a_new_token_on_the_same_socket() {
    let config: Config = BASE
        .to_builder()
        .restore(RestoreConfig::new().authentication(true).build_const())
        .credential(CredentialConfig::new().in_band(true).build_const())
        .build_const();
    let online = || {
        let mut rig = Harness::new(config);
        rig.subscribe("k");
        rig.start();
        rig.establish();
        let epoch = rig.epoch();
        assert_eq!(restores(&rig.event(Event::AuthOk { epoch })), 1);
        rig.advance(secs(3_000));
        rig
    };
    let mut rig = online();
    let epoch = rig.epoch();
    assert_eq!(rig.event(Event::CredentialNew), [Action::Authenticate { epoch }]);
    assert!(rig.event(Event::AuthOk { epoch }).is_empty(), "nothing is restored again");
    assert_eq!((rig.phase(), rig.opens(), rig.advance(secs(3_600))), (Phase::Online, 1, vec![]));
    // Refused, it is a loss like any refusal.
    let mut rig = online();
    rig.event(Event::CredentialNew);
    assert!(keeps_session(&rig.event(Event::AuthFailed { epoch, fatal: false })));
    assert_eq!(rig.told().last_cause, Some(Cause::AuthRejected));
    // Without it the connection stays as it is.
    let mut rig = Harness::online(BASE);
    rig.advance(secs(3_000));
    let actions = rig.event(Event::CredentialNew);
    assert_eq!((authentications(&actions), closed(&actions), rig.phase()), (0, None, Phase::Online));
}

/// Report 86 (get-convex/convex-js#181, Azure/azure-iot-sdk-python#1202, piotr-agier/google-drive-mcp#169): the token
/// source never answered, the client was wedged, and "reconnect now" did nothing. A request has a time-out and is made
/// again; the user and a host event make it again at once, but not in a spin.
#[test]
fn report_86_a_token_source_that_never_answers() {
    let credential = CredentialConfig::new().refresh_on(RefreshOn::Dial).timeout(secs(20)).build_const();
    let mut rig = Harness::new(BASE.to_builder().credential(credential).build_const());
    assert_eq!(refreshes(&rig.start()), 1);
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(
            (rig.phase(), rig.due()),
            (Phase::Parked, Some((secs(20), WaitReason::CredentialTimeout)))
        );
        rig.advance(secs(20));
        assert_eq!((rig.phase(), rig.due()), (Phase::Waiting, Some((secs(wait), WaitReason::Backoff))));
        assert_eq!(refreshes(&rig.advance(secs(wait))), 1);
    }
    assert_eq!(refreshes(&rig.event(Event::RetryNow)), 1);
    rig.advance(secs(1));
    for good in [Event::NetworkUp, Event::NetworkChanged, Event::HostResumed { gap: secs(60), counted: true }]
    {
        assert_eq!(refreshes(&rig.event(good.clone())), 1, "{good:?}");
        for _ in 0..100 {
            assert_eq!(refreshes(&rig.event(good.clone())), 0, "not within the first wait");
        }
        rig.advance(secs(1));
    }
    // An answer, at last, to the newest; the others are stale.
    assert_eq!(opens(&rig.event(Event::CredentialOk { request: Some(1), ttl: None })), 0);
    assert_eq!(opens(&renewed(&mut rig, 0)), 1);
}
