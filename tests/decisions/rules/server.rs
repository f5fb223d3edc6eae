//! What a server says: codes, statuses, waits.

use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::policy::{CredentialConfig, DropReason, HoldReason, RefreshOn, WaitReason};
use redial::{Cause, Config, Event, GiveUp, Instant, IoKind, Mode, Phase, Ratio};

use crate::harness::*;

const fn with_rule(cause: Cause, verdict: Verdict) -> Config {
    PLAIN
        .to_builder()
        .classifier(
            Classifier::new(&tables::WEBSOCKET).rule(Rule::new(Match::Is(cause), verdict)).build_const(),
        )
        .build_const()
}

const fn with_table(table: &'static redial::classify::Table) -> Config {
    PLAIN.to_builder().classifier(Classifier::new(table).build_const()).build_const()
}

/// S81: the same policy violation again and again has a backoff of its own and is the end at the tenth; a lost network
/// between them changes nothing, a session that held does.
#[test]
fn s81_policy_violations() {
    let mut rig = Harness::started(PLAIN);
    for (n, wait) in [15, 30, 60, 120, 300, 300, 300, 300, 300].into_iter().enumerate() {
        if n == 4 {
            rig.fail(REFUSED);
            rig.redial();
        }
        rig.opened();
        assert_eq!(gave_up(&rig.code(1008)), None);
        assert!((secs(wait)..=secs(wait + 1)).contains(&rig.waits()), "{n}: {:?}", rig.waits());
        rig.redial();
    }
    rig.opened();
    assert_eq!(gave_up(&rig.code(1008)), Some((GiveUp::Repeated, Cause::CloseFrame(1008))));
    rig.start();
    rig.opened();
    rig.code(1008);
    rig.recover();
    rig.code(1008);
    assert!(
        (secs(30)..=secs(31)).contains(&rig.waits()),
        "established and closed at once is no session that held"
    );
    rig.recover();
    rig.advance(secs(1));
    rig.code(1008);
    assert!(rig.waits() <= secs(16), "from its first step again");
}

/// F48, S81: each cause is counted for itself. Rate limits, or another cause that is limited, neither use up the tries of
/// a policy violation nor lengthen its backoff.
#[test]
fn f48_each_cause_has_its_own_count() {
    let mut rig = Harness::started(PLAIN);
    for _ in 0..9 {
        rig.refuse(429, None);
        rig.redial();
    }
    rig.opened();
    for wait in [15, 30] {
        assert_eq!(gave_up(&rig.code(1008)), None);
        assert!((secs(wait)..=secs(wait + 1)).contains(&rig.waits()), "{:?}", rig.waits());
        rig.redial();
        rig.opened();
    }
    // Five protocol errors are let pass, and then five of another kind; six of one kind are not.
    let handshake = Cause::Tls(TlsKind::HandshakeFailure);
    for cause in [Cause::CloseFrame(1002), handshake, Cause::CloseFrame(1002)] {
        for _ in 0..5 {
            assert_eq!(gave_up(&rig.fail(cause)), None, "{cause}");
            rig.redial();
        }
    }
    assert_eq!(
        gave_up(&rig.fail(Cause::CloseFrame(1002))),
        Some((GiveUp::Repeated, Cause::CloseFrame(1002)))
    );
}

/// S82: a restart keeps everybody away for 5 to 15 s, "later" for 30 to 120 s; both resume.
#[test]
fn s82_restart_and_later() {
    for (code, low, high) in [(1012, 5, 15), (1013, 30, 120)] {
        let mut waits = Vec::new();
        for seed in 0..100 {
            let mut rig = Harness::seeded(PLAIN, seed);
            rig.start();
            rig.establish();
            rig.code(code);
            assert_eq!(
                (rig.told().mode, rig.due().map(|due| due.1)),
                (Mode::Resume, Some(WaitReason::Class))
            );
            waits.push(rig.waits());
        }
        waits.sort();
        assert!(waits[0] >= secs(low) && waits[99] <= secs(high));
        assert!(waits[99] - waits[0] > secs(high - low) / 2, "spread");
    }
}

/// F46, S83: an application's own "stop": the end, with the code that the producer is told to stop by.
#[test]
fn s83_an_application_stop_is_told() {
    let mut rig = Harness::online(with_rule(Cause::CloseFrame(4002), Verdict::new(Class::Fatal)));
    assert_eq!(gave_up(&rig.code(4002)), Some((GiveUp::Fatal, Cause::CloseFrame(4002))));
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.told().last_cause, Some(Cause::CloseFrame(4002)));
}

/// S86: refused upgrades.
#[test]
fn s86_refused_upgrades() {
    let mut rig = Harness::started(PLAIN);
    assert_eq!(refreshes(&rig.refuse(401, None)), 1);
    rig.event(Event::CredentialOk { request: None, ttl: None });
    assert_eq!(gave_up(&rig.refuse(401, None)), Some((GiveUp::Auth, Cause::Http(401))));
    for status in [400, 403, 404] {
        let mut rig = Harness::started(PLAIN);
        assert_eq!(gave_up(&rig.refuse(status, None)), Some((GiveUp::Fatal, Cause::Http(status))));
    }
    let mut rig = Harness::started(PLAIN);
    rig.refuse(429, Some(secs(77)));
    assert_eq!(rig.due(), Some((secs(77), WaitReason::RetryAfter)));
    rig.redial();
    rig.refuse(429, None);
    assert!((secs(30)..=secs(120)).contains(&rig.waits()));
    for status in [500, 502, 503, 504] {
        let mut rig = Harness::started(PLAIN);
        for wait in [1, 2, 4] {
            rig.refuse(status, None);
            assert_eq!(rig.redial(), secs(wait));
        }
    }
}

/// S87: an expired certificate is final, or retried at the speed of the cap where that is wanted.
#[test]
fn s87_an_expired_certificate() {
    let expired = Cause::Tls(TlsKind::CertificateExpired);
    assert_eq!(gave_up(&Harness::started(PLAIN).fail(expired)), Some((GiveUp::Fatal, expired)));
    let mut rig = Harness::started(with_rule(expired, Verdict::new(Class::Transient).with_at_cap()));
    for _ in 0..3 {
        rig.fail(expired);
        assert_eq!(rig.due(), Some((secs(30), WaitReason::Class)));
        rig.redial();
    }
}

/// S99, lifecycle 51: whatever number a server invents, the outcome is one of the known ones and nothing breaks.
#[test]
fn s99_any_number_has_one_outcome() {
    for table in tables::ALL {
        let config = with_table(table);
        let online = Harness::online(config).policy.into_inner();
        let epoch = online.epoch().expect("a living transport");
        for cause in numbers().map(Cause::CloseFrame).chain((0..1_000).map(Cause::Http)) {
            let mut policy = online.clone();
            let now = Instant::from_millis(2_000_000);
            assert!(
                policy.handle_event(now, Event::Closed { epoch, cause }).len() <= redial::policy::MAX_ACTIONS
            );
            let known = match policy.phase() {
                Phase::Waiting => policy.poll_timeout().is_some(),
                Phase::Parked => policy.explain().waiting_for == Some(WaitReason::Credential),
                phase => phase == Phase::Failed,
            };
            assert!(known && policy.explain().last_cause == Some(cause), "{cause}: {}", policy.explain());
        }
    }
}

/// S100: a library reports one loss twice; the first report decides.
#[test]
fn s100_two_reports_of_one_loss() {
    for (first, second, mode) in [
        (Cause::CloseFrame(4007), Cause::Io(IoKind::NotConnected), Mode::Fresh),
        (Cause::NoCloseFrame, Cause::CloseFrame(4004), Mode::Resume),
        (Cause::CloseFrame(1007), Cause::NoCloseFrame, Mode::Fresh),
    ] {
        let mut rig = Harness::online(GATEWAY);
        let epoch = rig.epoch();
        rig.close(first);
        let told = rig.told();
        assert!(rig.event(Event::Closed { epoch, cause: second }).is_empty());
        assert_eq!(rig.told(), told);
        assert_eq!((told.mode, told.last_cause, rig.policy.stats().losses), (mode, Some(first), 1));
    }
}

/// Lifecycle 41: a wait that the server asks for is obeyed to the microsecond, or spread upwards where a fleet wants
/// that. (The failure still counts on the backoff: a hint is a floor, S40.)
#[test]
fn l41_the_servers_wait() {
    let mut rig = Harness::online(PLAIN);
    let epoch = rig.epoch();
    rig.event(Event::ReconnectRequested { epoch, retry_after: Some(secs(7).into()), deadline: None });
    assert_eq!(rig.redial(), secs(7));
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut rig = Harness::seeded(PLAIN.to_builder().retry_after_spread(Ratio::ONE).build_const(), seed);
        rig.start();
        rig.refuse(503, Some(secs(7)));
        waits.push(rig.waits());
    }
    assert!(waits.iter().all(|wait| (secs(7)..secs(14)).contains(wait)));
    assert!(waits.iter().max() > waits.iter().min());
}

/// Lifecycle 42: "never" is an end, whatever it was wrapped in.
#[test]
fn l42_never_is_the_end() {
    let never = Cause::Class(Class::Fatal);
    let mut rig = Harness::online(PLAIN);
    assert_eq!(gave_up(&rig.close(never)), Some((GiveUp::Fatal, never)));
    assert!(rig.advance(secs(86_400)).is_empty());
}

/// Lifecycle 43: ranges of codes decide between a retry and the end.
#[test]
fn l43_ranges_of_codes() {
    for (table, code, retried) in [
        (&tables::CENTRIFUGE, 3500, false),
        (&tables::CENTRIFUGE, 4500, false),
        (&tables::CENTRIFUGE, 3012, true),
        (&tables::CENTRIFUGE, 4001, true),
        (&tables::PUSHER, 4001, false),
        (&tables::PUSHER, 4200, true),
    ] {
        let mut rig = Harness::online(with_table(table));
        assert_eq!(gave_up(&rig.code(code)).is_none(), retried, "{code}");
        assert_eq!(rig.policy.poll_timeout().is_some(), retried);
    }
}

/// Lifecycle 44: "drop your state" drops it and then reconnects.
#[test]
fn l44_drop_state() {
    let mut rig = Harness::online(with_table(&tables::CENTRIFUGE));
    assert_eq!(dropped(&rig.code(3014)), Some(DropReason::Gone));
    // The token goes with it, and that is no rejection of it.
    for round in 0..3 {
        assert_eq!(refreshes(&rig.advance(rig.waits())), 1, "{round}");
        assert_eq!(
            open(&rig.event(Event::CredentialOk { request: None, ttl: None })).map(|open| open.0),
            Some(Mode::Fresh)
        );
        rig.opened();
        rig.code(3014);
        assert!(rig.waits() >= secs(1), "on the ladder, each of them");
    }
    let never = with_table(&tables::CENTRIFUGE)
        .to_builder()
        .credential(CredentialConfig::new().refresh_on(RefreshOn::Never).build_const())
        .build_const();
    let mut rig = Harness::online(never);
    rig.code(3014);
    assert_eq!(open(&rig.advance(secs(1))).map(|open| open.0), Some(Mode::Fresh));
}

/// Lifecycle 45: a clean close by the peer: retried, final, or retried while somebody cares.
#[test]
fn l45_a_clean_close() {
    let mut rig = Harness::online(PLAIN);
    rig.code(1000);
    assert_eq!(rig.recover(), secs(1));
    let mut rig = Harness::online(with_rule(Cause::CloseFrame(1000), Verdict::new(Class::Fatal)));
    assert!(gave_up(&rig.code(1000)).is_some());
    let mut rig = Harness::online(PLAIN);
    rig.event(Event::Hold(HoldReason::new(1).expect("a reason")));
    rig.code(1000);
    assert!(rig.advance(secs(86_400)).is_empty());
}

/// Lifecycle 48, reports 62 and 75: "taken over" has a backoff that no held connection resets within an hour, and the sixth
/// is final: two clients with one identifier do not throw each other out forever.
#[test]
fn l48_taken_over_is_no_ping_pong() {
    let config = with_table(&tables::MQTT5).to_builder().reset_after_stable(secs(120)).build_const();
    for held in [1, 128, 1_800, 3_580] {
        let mut rig = Harness::online(config);
        for wait in [1, 2, 4, 8, 16] {
            rig.advance(secs(held));
            assert!(gave_up(&rig.code(0x8E)).is_none());
            assert_eq!(rig.recover(), secs(wait), "{held}");
            if held == 128 {
                // Other losses between them change nothing.
                rig.advance(secs(130));
                rig.lose();
                assert_eq!(rig.recover(), secs(1));
            }
        }
        rig.advance(secs(held));
        assert_eq!(gave_up(&rig.code(0x8E)), Some((GiveUp::Repeated, Cause::CloseFrame(0x8E))), "{held}");
    }
    // One an hour is no war.
    let mut rig = Harness::online(config);
    for _ in 0..20 {
        rig.advance(secs(3_600));
        rig.code(0x8E);
        assert_eq!(rig.recover(), secs(1));
    }
}

/// Lifecycle 49: a fatal cause in the middle of an outage is the end, told once.
#[test]
fn l49_fatal_while_reconnecting() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    rig.redial();
    rig.opened();
    let epoch = rig.epoch();
    assert!(gave_up(&rig.code(4004)).is_some());
    for fact in [
        Event::Closed { epoch, cause: RESET },
        Event::RetryNow,
        Event::NetworkUp,
        Event::CredentialOk { request: None, ttl: None },
    ] {
        assert!(rig.event(fact).is_empty());
    }
    assert!(rig.advance(secs(86_400)).is_empty());
}

/// Lifecycle 50: a start after the end begins from nothing.
#[test]
fn l50_start_after_the_end() {
    let mut rig = Harness::failed_times(GATEWAY, 6);
    rig.recover();
    rig.code(4004);
    assert_eq!(rig.phase(), Phase::Failed);
    assert!(rig.policy.session().is_empty());
    assert_eq!(open(&rig.start()), Some((Mode::Fresh, redial::policy::Endpoint::Base, 1)));
    assert_eq!(rig.told().failures, 0);
    rig.fail(REFUSED);
    assert_eq!(rig.waits(), secs(1));
}

/// F29: a least wait of the server or of the protocol lengthens a short wait of the backoff and never shortens a long one.
#[test]
fn f29_a_least_wait_is_a_floor() {
    let mut rig = Harness::started(PLAIN);
    rig.refuse(503, Some(secs(45)));
    assert_eq!(rig.due(), Some((secs(45), WaitReason::RetryAfter)));
    let mut rig = Harness::failed_times(PLAIN, 5);
    rig.redial();
    rig.refuse(503, Some(secs(1)));
    assert_eq!(rig.due(), Some((secs(30), WaitReason::Backoff)));
    let mut rig = Harness::failed_times(PLAIN, 5);
    rig.redial();
    rig.opened();
    rig.invalid(false);
    assert_eq!(rig.due(), Some((secs(30), WaitReason::Backoff)));
}

/// F56: a message that can't be understood is no loss: it is traffic, and everything goes on.
#[test]
fn f56_a_bad_message_is_no_loss() {
    let mut rig = Harness::online(GATEWAY);
    let (told, due) = (rig.told(), rig.due());
    let epoch = rig.epoch();
    for _ in 0..1_000 {
        assert!(rig.event(Event::Received { epoch }).is_empty());
    }
    assert_eq!((rig.told(), rig.due()), (told, due));
}
