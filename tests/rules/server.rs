//! What a server says: codes, statuses, waits, credentials.

use redial::classify::{Class, Classifier, Match, Rule, TlsKind, Verdict, tables};
use redial::endpoints::FixedEndpoints;
use redial::policy::{
    CredentialConfig, DropReason, Establish, HoldReason, RefreshOn, RestoreConfig, WaitReason,
};
use redial::subscriptions::NoSubscriptions;
use redial::{Action, Cause, Config, Event, GiveUp, Instant, IoKind, Mode, Phase, Policy, Ratio, SplitMix64};

use crate::rig::*;

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

/// F47, S80, lifecycle 53: a rejected credential is renewed once, for nothing and at once; where the row says so, a second
/// rejection is the end, and never a loop.
#[test]
fn s80_a_rejected_credential() {
    let mut rig = Rig::online(PLAIN);
    assert_eq!(refreshes(&rig.code(3000)), 1);
    assert_eq!((rig.phase(), rig.told().waiting_for), (Phase::Parked, Some(WaitReason::Credential)));
    let actions = rig.fact(Event::CredentialOk { request: None, ttl: None });
    assert_eq!((open(&actions).map(|open| open.0), rig.told().failures), (Some(Mode::Resume), 0));
    assert_eq!(gave_up(&rig.code(3000)), Some((GiveUp::Auth, Cause::CloseFrame(3000))));
    // Later: by the backoff. Never: the end.
    let mut rig = Rig::online(PLAIN);
    rig.code(3000);
    rig.fact(Event::CredentialFailed { request: None, fatal: false });
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)));
    assert_eq!(refreshes(&rig.advance(secs(1))), 1);
    let actions = rig.fact(Event::CredentialFailed { request: None, fatal: true });
    assert_eq!(gave_up(&actions), Some((GiveUp::Auth, Cause::AuthRejected)));
}

/// Lifecycle 53: without a limit the second rejection in a row backs off.
#[test]
fn l53_the_second_renewal_waits() {
    let mut rig = Rig::online(PLAIN);
    assert_eq!(refreshes(&rig.close(Cause::AuthRejected)), 1);
    rig.fact(Event::CredentialOk { request: None, ttl: None });
    rig.opened();
    for wait in [1, 2, 4] {
        assert_eq!(refreshes(&rig.close(Cause::AuthRejected)), 0);
        assert_eq!(rig.waits(), secs(wait));
        assert_eq!(refreshes(&rig.advance(secs(wait))), 1);
        assert_eq!(opens(&rig.fact(Event::CredentialOk { request: None, ttl: None })), 1);
    }
}

/// S81: the same policy violation again and again has a backoff of its own and is the end at the tenth; a lost network
/// between them changes nothing, a session that held does.
#[test]
fn s81_policy_violations() {
    let mut rig = Rig::started(PLAIN);
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
    let mut rig = Rig::started(PLAIN);
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
            let mut rig = Rig::seeded(PLAIN, seed);
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
    let mut rig = Rig::online(with_rule(Cause::CloseFrame(4002), Verdict::new(Class::Fatal)));
    assert_eq!(gave_up(&rig.code(4002)), Some((GiveUp::Fatal, Cause::CloseFrame(4002))));
    assert!(rig.advance(secs(86_400)).is_empty());
    assert_eq!(rig.told().last_cause, Some(Cause::CloseFrame(4002)));
}

/// S86: refused upgrades.
#[test]
fn s86_refused_upgrades() {
    let mut rig = Rig::started(PLAIN);
    assert_eq!(refreshes(&rig.refuse(401, None)), 1);
    rig.fact(Event::CredentialOk { request: None, ttl: None });
    assert_eq!(gave_up(&rig.refuse(401, None)), Some((GiveUp::Auth, Cause::Http(401))));
    for status in [400, 403, 404] {
        let mut rig = Rig::started(PLAIN);
        assert_eq!(gave_up(&rig.refuse(status, None)), Some((GiveUp::Fatal, Cause::Http(status))));
    }
    let mut rig = Rig::started(PLAIN);
    rig.refuse(429, Some(secs(77)));
    assert_eq!(rig.due(), Some((secs(77), WaitReason::RetryAfter)));
    rig.redial();
    rig.refuse(429, None);
    assert!((secs(30)..=secs(120)).contains(&rig.waits()));
    for status in [500, 502, 503, 504] {
        let mut rig = Rig::started(PLAIN);
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
    assert_eq!(gave_up(&Rig::started(PLAIN).fail(expired)), Some((GiveUp::Fatal, expired)));
    let mut rig = Rig::started(with_rule(expired, Verdict::new(Class::Transient).with_at_cap()));
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
        let online = Rig::online(config).policy;
        let epoch = online.epoch().expect("a living transport");
        for cause in (0..=u16::MAX).map(Cause::CloseFrame).chain((0..1_000).map(Cause::Http)) {
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
        let mut rig = Rig::online(GATEWAY);
        let epoch = rig.epoch();
        rig.close(first);
        let told = rig.told();
        assert!(rig.fact(Event::Closed { epoch, cause: second }).is_empty());
        assert_eq!(rig.told(), told);
        assert_eq!((told.mode, told.last_cause, rig.policy.stats().losses), (mode, Some(first), 1));
    }
}

/// Lifecycle 41: a wait that the server asks for is obeyed to the microsecond, or spread upwards where a fleet wants
/// that. (The failure still counts on the backoff: a hint is a floor, S40.)
#[test]
fn l41_the_servers_wait() {
    let mut rig = Rig::online(PLAIN);
    let epoch = rig.epoch();
    rig.fact(Event::ReconnectRequested { epoch, retry_after: Some(secs(7)), deadline: None });
    assert_eq!(rig.redial(), secs(7));
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut rig = Rig::seeded(PLAIN.to_builder().retry_after_spread(Ratio::ONE).build_const(), seed);
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
    let mut rig = Rig::online(PLAIN);
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
        let mut rig = Rig::online(with_table(table));
        assert_eq!(gave_up(&rig.code(code)).is_none(), retried, "{code}");
        assert_eq!(rig.policy.poll_timeout().is_some(), retried);
    }
}

/// Lifecycle 44: "drop your state" drops it and then reconnects.
#[test]
fn l44_drop_state() {
    let mut rig = Rig::online(with_table(&tables::CENTRIFUGE));
    assert_eq!(dropped(&rig.code(3014)), Some(DropReason::Gone));
    // The token goes with it, and that is no rejection of it.
    for round in 0..3 {
        assert_eq!(refreshes(&rig.advance(rig.waits())), 1, "{round}");
        assert_eq!(
            open(&rig.fact(Event::CredentialOk { request: None, ttl: None })).map(|open| open.0),
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
    let mut rig = Rig::online(never);
    rig.code(3014);
    assert_eq!(open(&rig.advance(secs(1))).map(|open| open.0), Some(Mode::Fresh));
}

/// Lifecycle 45: a clean close by the peer: retried, final, or retried while somebody cares.
#[test]
fn l45_a_clean_close() {
    let mut rig = Rig::online(PLAIN);
    rig.code(1000);
    assert_eq!(rig.recover(), secs(1));
    let mut rig = Rig::online(with_rule(Cause::CloseFrame(1000), Verdict::new(Class::Fatal)));
    assert!(gave_up(&rig.code(1000)).is_some());
    let mut rig = Rig::online(PLAIN);
    rig.fact(Event::Hold(HoldReason::new(1).expect("a reason")));
    rig.code(1000);
    assert!(rig.advance(secs(86_400)).is_empty());
}

/// Lifecycle 47: rejected again right after a renewal: the end, where that is wanted.
#[test]
fn l47_rejected_twice_is_the_end() {
    let mut rig = Rig::online(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().rejections_max(Some(0)).build_const())
            .build_const(),
    );
    assert_eq!(refreshes(&rig.close(Cause::AuthRejected)), 1);
    rig.fact(Event::CredentialOk { request: None, ttl: None });
    rig.opened();
    assert_eq!(gave_up(&rig.close(Cause::AuthRejected)), Some((GiveUp::Auth, Cause::AuthRejected)));
}

/// Lifecycle 48, reports 62 and 75: "taken over" has a backoff that no held connection resets within an hour, and the sixth
/// is final: two clients with one identifier do not throw each other out forever.
#[test]
fn l48_taken_over_is_no_ping_pong() {
    let config = with_table(&tables::MQTT5).to_builder().reset_after_stable(secs(120)).build_const();
    for held in [1, 128, 1_800, 3_580] {
        let mut rig = Rig::online(config);
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
    let mut rig = Rig::online(config);
    for _ in 0..20 {
        rig.advance(secs(3_600));
        rig.code(0x8E);
        assert_eq!(rig.recover(), secs(1));
    }
}

/// Lifecycle 49: a fatal cause in the middle of an outage is the end, told once.
#[test]
fn l49_fatal_while_reconnecting() {
    let mut rig = Rig::online(GATEWAY);
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
        assert!(rig.fact(fact).is_empty());
    }
    assert!(rig.advance(secs(86_400)).is_empty());
}

/// Lifecycle 50: a start after the end begins from nothing.
#[test]
fn l50_start_after_the_end() {
    let mut rig = Rig::failed_times(GATEWAY, 6);
    rig.recover();
    rig.code(4004);
    assert_eq!(rig.phase(), Phase::Failed);
    assert!(rig.policy.session().is_empty());
    assert_eq!(open(&rig.start()), Some((Mode::Fresh, redial::policy::Endpoint::Base, 1)));
    assert_eq!(rig.told().failures, 0);
    rig.fail(REFUSED);
    assert_eq!(rig.waits(), secs(1));
}

/// Lifecycle 52: where each dial needs a new credential, it is fetched before the socket opens.
#[test]
fn l52_the_credential_comes_before_the_dial() {
    let mut rig = Rig::new(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    for _ in 0..3 {
        let actions = if rig.phase() == Phase::Idle { rig.start() } else { rig.advance(secs(1)) };
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0));
        assert_eq!(opens(&rig.fact(Event::CredentialOk { request: None, ttl: None })), 1);
        rig.establish();
        rig.lose();
    }
}

/// Lifecycle 54: a credential that can't be renewed.
#[test]
fn l54_no_renewal_is_the_end() {
    let mut rig = Rig::online(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Never).build_const())
            .build_const(),
    );
    assert_eq!(gave_up(&rig.close(Cause::AuthRejected)), Some((GiveUp::Auth, Cause::AuthRejected)));
}

/// Lifecycle 56: denied for good is the end wherever a credential is asked for.
#[test]
fn l56_denied_is_the_end() {
    let mut rig = Rig::new(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    rig.start();
    assert!(gave_up(&rig.fact(Event::CredentialFailed { request: None, fatal: true })).is_some());
    let mut rig = Rig::online(PLAIN);
    rig.close(Cause::AuthRejected);
    assert!(gave_up(&rig.fact(Event::CredentialFailed { request: None, fatal: true })).is_some());
    for mut rig in [Rig::started(PLAIN), Rig::online(PLAIN)] {
        assert_eq!(gave_up(&rig.close(Cause::AuthDenied)), Some((GiveUp::Fatal, Cause::AuthDenied)));
    }
}

/// Lifecycle 56: nor does it take a question: a host that has no credential any more says so in any phase.
#[test]
fn l56_the_end_in_any_phase() {
    let parked = || {
        let mut rig = Rig::online(PLAIN);
        rig.close(Cause::AuthRejected);
        rig
    };
    let waiting = Rig::failed_times(PLAIN, 2);
    for (mut rig, closes) in [
        (Rig::started(PLAIN), Some(None)),
        (Rig::online(PLAIN), Some(Some(4000))),
        (waiting, None),
        (parked(), None),
    ] {
        let actions = rig.fact(Event::CredentialLost);
        assert_eq!(gave_up(&actions), Some((GiveUp::Auth, Cause::AuthRejected)));
        assert_eq!(closed(&actions), closes);
        assert!(rig.fact(Event::CredentialLost).is_empty() && rig.fact(Event::RetryNow).is_empty());
        // A new start asks first.
        assert_eq!((refreshes(&rig.start()), rig.opens()), (1, rig.opens()));
    }
    assert!(Rig::new(PLAIN).fact(Event::CredentialLost).is_empty());
}

/// Lifecycle 57: other credentials during a dial: the dial with the old ones is given up and not counted, and the next
/// keeps its distance from it.
#[test]
fn l57_other_credentials_while_dialling() {
    let mut rig = Rig::online(PLAIN);
    rig.lose();
    rig.redial();
    for opened in [false, true] {
        let attempt = rig.told().attempt;
        rig.advance(ms(300));
        if opened {
            rig.opened();
        }
        assert_eq!(closed(&rig.fact(Event::CredentialNew)), Some(opened.then_some(4000)));
        let dialled = rig.advance(ms(700));
        assert_eq!(open(&dialled).map(|open| (open.0, open.2)), Some((Mode::Resume, attempt)));
    }
    assert_eq!((rig.policy.stats().failed, rig.policy.stats().abandoned), (0, 2));

    // A question that is open is answered with it, a wait is cut; what is connected stays.
    rig.close(Cause::AuthRejected);
    assert_eq!(rig.phase(), Phase::Parked);
    rig.advance(secs(1));
    assert_eq!(opens(&rig.fact(Event::CredentialNew)), 1);
    assert!(rig.fact(Event::CredentialOk { request: None, ttl: None }).is_empty(), "late");
    rig.establish();
    let told = rig.told();
    assert!(rig.fact(Event::CredentialNew).is_empty());
    assert_eq!(rig.told(), told);
}

/// Lifecycle 57, S97: where an open transport counts as established, what new credentials end was a connection: the next
/// dial is the first attempt of a new outage, and so is the second endpoint of its round.
#[test]
fn l57_other_credentials_on_an_open_connection() {
    let config = PLAIN
        .to_builder()
        .establish(Establish::OnOpen)
        .restore(RestoreConfig::new().authentication(true).build_const())
        .build_const();
    let endpoints = FixedEndpoints::<2>::new(2).expect("two");
    let mut policy: Policy<SplitMix64, (), NoSubscriptions, Config, FixedEndpoints<2>> =
        Policy::from_parts(config, SplitMix64::new(7), NoSubscriptions, endpoints);
    let mut now = Instant::ZERO;
    let mut dial = |policy: &mut Policy<_, _, _, _, FixedEndpoints<2>>, expected| {
        now = policy.poll_timeout().unwrap_or(now).max(now);
        let actions: Vec<_> = policy.handle_timeout(now).into_iter().collect();
        assert_eq!(open(&actions).map(|open| open.2), Some(expected));
        (now, policy.epoch().expect("dialling"))
    };
    let _dial = policy.handle_event(Instant::ZERO, Event::Start);
    let epoch = policy.epoch().expect("dialling");
    let _authenticate = policy.handle_event(Instant::ZERO, Event::Opened { epoch });
    let closed = policy.handle_event(Instant::ZERO, Event::CredentialNew);
    assert_eq!(closed.into_iter().collect::<Vec<_>>(), [Action::Close { epoch, code: Some(4000) }]);
    for attempt in [1, 1, 2, 2, 3] {
        let (now, epoch) = dial(&mut policy, attempt);
        let _wait = policy.handle_event(now, Event::OpenFailed { epoch, cause: REFUSED, retry_after: None });
    }
    let stats = policy.stats();
    assert_eq!((stats.opens, stats.established, stats.failed), (6, 1, 5));
}

/// Lifecycle 58: no dial goes round the credential, whatever asks for it.
#[test]
fn l58_every_dial_passes_the_credential() {
    let hold = HoldReason::new(0).expect("a reason");
    let good_news: [fn(HoldReason) -> Fact; 5] = [
        |_| Event::RetryNow,
        |_| Event::NetworkUp,
        |_| Event::Visible,
        |_| Event::HostResumed { gap: secs(3_600), counted: true },
        Event::Release,
    ];
    for news in good_news {
        let mut rig = Rig::new(
            PLAIN
                .to_builder()
                .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
                .build_const(),
        );
        rig.start();
        rig.fact(Event::CredentialOk { request: None, ttl: None });
        rig.fail(REFUSED);
        rig.advance(ms(999));
        rig.fact(match news(hold) {
            Event::NetworkUp => Event::NetworkDown,
            Event::Visible => Event::Hidden,
            Event::Release(hold) => Event::Hold(hold),
            _ => Event::CredentialOk { request: None, ttl: None },
        });
        rig.now = rig.now.saturating_add(ms(1));
        let actions = rig.fact(news(hold));
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0), "{:?}", news(hold));
        assert_eq!(opens(&rig.fact(Event::CredentialOk { request: None, ttl: None })), 1);
    }
}

/// Lifecycle 59: the answer to a refresh that nobody waits for any more dials nothing.
#[test]
fn l59_a_late_credential_is_nothing() {
    let mut rig = Rig::online(PLAIN);
    rig.close(Cause::AuthRejected);
    rig.stop(false);
    assert!(rig.fact(Event::CredentialOk { request: None, ttl: None }).is_empty());
    assert!(rig.fact(Event::CredentialFailed { request: None, fatal: true }).is_empty());
    assert_eq!(rig.phase(), Phase::Stopped);
    rig.start();
    assert!(rig.fact(Event::CredentialFailed { request: None, fatal: true }).is_empty());
    assert_eq!(rig.phase(), Phase::Connecting);
}

/// Lifecycle 59: nor does the answer to an earlier question answer a later one, for good or ill.
#[test]
fn l59_an_answer_belongs_to_its_question() {
    let mut rig = Rig::online(PLAIN);
    assert_eq!(rig.close(Cause::AuthRejected), [Action::RefreshCredential { request: 1 }]);
    rig.stop(true);
    assert_eq!(rig.start(), [Action::RefreshCredential { request: 2 }]);
    let told = rig.told();
    for fact in [
        Event::CredentialFailed { request: Some(1), fatal: true },
        Event::CredentialFailed { request: Some(1), fatal: false },
        Event::CredentialOk { request: Some(1), ttl: None },
        Event::CredentialOk { request: Some(3), ttl: None },
    ] {
        assert!(rig.fact(fact).is_empty());
        assert_eq!(rig.told(), told);
    }
    assert_eq!(rig.policy.stats().stale, 4);
    assert_eq!(opens(&rig.fact(Event::CredentialOk { request: Some(2), ttl: None })), 1);
}

/// F29: a least wait of the server or of the protocol lengthens a short wait of the backoff and never shortens a long one.
#[test]
fn f29_a_least_wait_is_a_floor() {
    let mut rig = Rig::started(PLAIN);
    rig.refuse(503, Some(secs(45)));
    assert_eq!(rig.due(), Some((secs(45), WaitReason::RetryAfter)));
    let mut rig = Rig::failed_times(PLAIN, 5);
    rig.redial();
    rig.refuse(503, Some(secs(1)));
    assert_eq!(rig.due(), Some((secs(30), WaitReason::Backoff)));
    let mut rig = Rig::failed_times(PLAIN, 5);
    rig.redial();
    rig.opened();
    rig.invalid(false);
    assert_eq!(rig.due(), Some((secs(30), WaitReason::Backoff)));
}

/// F56: a message that can't be understood is no loss: it is traffic, and everything goes on.
#[test]
fn f56_a_bad_message_is_no_loss() {
    let mut rig = Rig::online(GATEWAY);
    let (told, due) = (rig.told(), rig.due());
    let epoch = rig.epoch();
    for _ in 0..1_000 {
        assert!(rig.fact(Event::Received { epoch }).is_empty());
    }
    assert_eq!((rig.told(), rig.due()), (told, due));
}

/// Lifecycle 55: a renewal that fails for now backs off while there is no connection, and a connection that lives is
/// left alone.
#[test]
fn l55_a_failed_renewal() {
    let mut rig = Rig::failed_times(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
        0,
    );
    for wait in [1, 2, 4, 8] {
        rig.fact(Event::CredentialFailed { request: None, fatal: false });
        assert_eq!(rig.waits(), secs(wait));
        assert_eq!(refreshes(&rig.advance(secs(wait))), 1);
    }
    rig.fact(Event::CredentialOk { request: None, ttl: None });
    rig.establish();
    let told = rig.told();
    for fatal in [false, true] {
        assert!(rig.fact(Event::CredentialFailed { request: None, fatal }).is_empty());
        assert_eq!(rig.told(), told);
    }
}
