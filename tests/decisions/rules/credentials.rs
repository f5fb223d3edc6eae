//! Credentials: when they are renewed, how often, and what a rejection ends.

use redial::endpoints::FixedEndpoints;
use redial::policy::{CredentialConfig, Establish, HoldReason, RefreshOn, RestoreConfig, WaitReason};
use redial::subscriptions::NoSubscriptions;
use redial::{Action, Cause, Config, Event, GiveUp, Instant, Mode, Phase, Policy, SplitMix64};

use crate::harness::*;

/// F47, S80, lifecycle 53: a rejected credential is renewed once, for nothing and at once; where the row says so, a second
/// rejection is the end, and never a loop.
#[test]
fn s80_a_rejected_credential() {
    let mut rig = Harness::online(PLAIN);
    assert_eq!(refreshes(&rig.code(3000)), 1);
    assert_eq!((rig.phase(), rig.told().waiting_for), (Phase::Parked, Some(WaitReason::Credential)));
    let actions = rig.event(Event::CredentialOk { request: None, ttl: None });
    assert_eq!((open(&actions).map(|open| open.0), rig.told().failures), (Some(Mode::Resume), 0));
    assert_eq!(gave_up(&rig.code(3000)), Some((GiveUp::Auth, Cause::CloseFrame(3000))));
    // Later: by the backoff. Never: the end.
    let mut rig = Harness::online(PLAIN);
    rig.code(3000);
    rig.event(Event::CredentialFailed { request: None, fatal: false });
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)));
    assert_eq!(refreshes(&rig.advance(secs(1))), 1);
    let actions = rig.event(Event::CredentialFailed { request: None, fatal: true });
    assert_eq!(gave_up(&actions), Some((GiveUp::Auth, Cause::AuthRejected)));
}

/// Lifecycle 53: without a limit the second rejection in a row backs off.
#[test]
fn l53_the_second_renewal_waits() {
    let mut rig = Harness::online(PLAIN);
    assert_eq!(refreshes(&rig.close(Cause::AuthRejected)), 1);
    rig.event(Event::CredentialOk { request: None, ttl: None });
    rig.opened();
    for wait in [1, 2, 4] {
        assert_eq!(refreshes(&rig.close(Cause::AuthRejected)), 0);
        assert_eq!(rig.waits(), secs(wait));
        assert_eq!(refreshes(&rig.advance(secs(wait))), 1);
        assert_eq!(opens(&rig.event(Event::CredentialOk { request: None, ttl: None })), 1);
    }
}

/// Lifecycle 47: rejected again right after a renewal: the end, where that is wanted.
#[test]
fn l47_rejected_twice_is_the_end() {
    let mut rig = Harness::online(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().rejections_max(Some(0)).build_const())
            .build_const(),
    );
    assert_eq!(refreshes(&rig.close(Cause::AuthRejected)), 1);
    rig.event(Event::CredentialOk { request: None, ttl: None });
    rig.opened();
    assert_eq!(gave_up(&rig.close(Cause::AuthRejected)), Some((GiveUp::Auth, Cause::AuthRejected)));
}

/// Lifecycle 52: where each dial needs a new credential, it is fetched before the socket opens.
#[test]
fn l52_the_credential_comes_before_the_dial() {
    let mut rig = Harness::new(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    for _ in 0..3 {
        let actions = if rig.phase() == Phase::Idle { rig.start() } else { rig.advance(secs(1)) };
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0));
        assert_eq!(opens(&rig.event(Event::CredentialOk { request: None, ttl: None })), 1);
        rig.establish();
        rig.lose();
    }
}

/// Lifecycle 54: a credential that can't be renewed.
#[test]
fn l54_no_renewal_is_the_end() {
    let mut rig = Harness::online(
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
    let mut rig = Harness::new(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    rig.start();
    assert!(gave_up(&rig.event(Event::CredentialFailed { request: None, fatal: true })).is_some());
    let mut rig = Harness::online(PLAIN);
    rig.close(Cause::AuthRejected);
    assert!(gave_up(&rig.event(Event::CredentialFailed { request: None, fatal: true })).is_some());
    for mut rig in [Harness::started(PLAIN), Harness::online(PLAIN)] {
        assert_eq!(gave_up(&rig.close(Cause::AuthDenied)), Some((GiveUp::Fatal, Cause::AuthDenied)));
    }
}

/// Lifecycle 56: nor does it take a question: a host that has no credential any more says so in any phase.
#[test]
fn l56_the_end_in_any_phase() {
    let parked = || {
        let mut rig = Harness::online(PLAIN);
        rig.close(Cause::AuthRejected);
        rig
    };
    let waiting = Harness::failed_times(PLAIN, 2);
    for (mut rig, closes) in [
        (Harness::started(PLAIN), Some(None)),
        (Harness::online(PLAIN), Some(Some(4000))),
        (waiting, None),
        (parked(), None),
    ] {
        let actions = rig.event(Event::CredentialLost);
        assert_eq!(gave_up(&actions), Some((GiveUp::Auth, Cause::AuthRejected)));
        assert_eq!(closed(&actions), closes);
        assert!(rig.event(Event::CredentialLost).is_empty() && rig.event(Event::RetryNow).is_empty());
        // A new start asks first.
        assert_eq!((refreshes(&rig.start()), rig.opens()), (1, rig.opens()));
    }
    assert!(Harness::new(PLAIN).event(Event::CredentialLost).is_empty());
}

/// Lifecycle 57: other credentials during a dial: the dial with the old ones is given up and not counted, and the next
/// keeps its distance from it.
#[test]
fn l57_other_credentials_while_dialling() {
    let mut rig = Harness::online(PLAIN);
    rig.lose();
    rig.redial();
    for opened in [false, true] {
        let attempt = rig.told().attempt;
        rig.advance(ms(300));
        if opened {
            rig.opened();
        }
        assert_eq!(closed(&rig.event(Event::CredentialNew)), Some(opened.then_some(4000)));
        let dialled = rig.advance(ms(700));
        assert_eq!(open(&dialled).map(|open| (open.0, open.2)), Some((Mode::Resume, attempt)));
    }
    assert_eq!((rig.policy.stats().failed, rig.policy.stats().abandoned), (0, 2));

    // A question that is open is answered with it, a wait is cut; what is connected stays.
    rig.close(Cause::AuthRejected);
    assert_eq!(rig.phase(), Phase::Parked);
    rig.advance(secs(1));
    assert_eq!(opens(&rig.event(Event::CredentialNew)), 1);
    assert!(rig.event(Event::CredentialOk { request: None, ttl: None }).is_empty(), "late");
    rig.establish();
    let told = rig.told();
    assert!(rig.event(Event::CredentialNew).is_empty());
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
    let good_news: [fn(HoldReason) -> TestEvent; 5] = [
        |_| Event::RetryNow,
        |_| Event::NetworkUp,
        |_| Event::Visible,
        |_| Event::HostResumed { gap: secs(3_600), counted: true },
        Event::Release,
    ];
    for news in good_news {
        let mut rig = Harness::new(
            PLAIN
                .to_builder()
                .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
                .build_const(),
        );
        rig.start();
        rig.event(Event::CredentialOk { request: None, ttl: None });
        rig.fail(REFUSED);
        rig.advance(ms(999));
        rig.event(match news(hold) {
            Event::NetworkUp => Event::NetworkDown,
            Event::Visible => Event::Hidden,
            Event::Release(hold) => Event::Hold(hold),
            _ => Event::CredentialOk { request: None, ttl: None },
        });
        rig.now = rig.now.saturating_add(ms(1));
        let actions = rig.event(news(hold));
        assert_eq!((refreshes(&actions), opens(&actions)), (1, 0), "{:?}", news(hold));
        assert_eq!(opens(&rig.event(Event::CredentialOk { request: None, ttl: None })), 1);
    }
}

/// Lifecycle 59: the answer to a refresh that nobody waits for any more dials nothing.
#[test]
fn l59_a_late_credential_is_nothing() {
    let mut rig = Harness::online(PLAIN);
    rig.close(Cause::AuthRejected);
    rig.stop(false);
    assert!(rig.event(Event::CredentialOk { request: None, ttl: None }).is_empty());
    assert!(rig.event(Event::CredentialFailed { request: None, fatal: true }).is_empty());
    assert_eq!(rig.phase(), Phase::Stopped);
    rig.start();
    assert!(rig.event(Event::CredentialFailed { request: None, fatal: true }).is_empty());
    assert_eq!(rig.phase(), Phase::Connecting);
}

/// Lifecycle 59: nor does the answer to an earlier question answer a later one, for good or ill.
#[test]
fn l59_an_answer_belongs_to_its_question() {
    let mut rig = Harness::online(PLAIN);
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
        assert!(rig.event(fact).is_empty());
        assert_eq!(rig.told(), told);
    }
    assert_eq!(rig.policy.stats().stale, 4);
    assert_eq!(opens(&rig.event(Event::CredentialOk { request: Some(2), ttl: None })), 1);
}

/// Lifecycle 55: a renewal that fails for now backs off while there is no connection, and a connection that lives is
/// left alone.
#[test]
fn l55_a_failed_renewal() {
    let mut rig = Harness::failed_times(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
        0,
    );
    for wait in [1, 2, 4, 8] {
        rig.event(Event::CredentialFailed { request: None, fatal: false });
        assert_eq!(rig.waits(), secs(wait));
        assert_eq!(refreshes(&rig.advance(secs(wait))), 1);
    }
    rig.event(Event::CredentialOk { request: None, ttl: None });
    rig.establish();
    let told = rig.told();
    for fatal in [false, true] {
        assert!(rig.event(Event::CredentialFailed { request: None, fatal }).is_empty());
        assert_eq!(rig.told(), told);
    }
}

/// S94, by the fuzzer: a connection that is to be left in the very call in which its credential's lead begins leaves the asking to
/// the next dial, which may never come.
#[test]
fn a_connection_that_ends_asks_for_no_credential() {
    let credential =
        CredentialConfig::new().refresh_on(RefreshOn::Dial).lead(secs(10), secs(0)).build_const();
    let mut rig = Harness::failed_times(PLAIN.to_builder().credential(credential).build_const(), 0);
    rig.event(Event::CredentialOk { request: None, ttl: Some(secs(60)) });
    rig.establish();
    let epoch = rig.epoch();
    rig.event(Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(secs(55)) });
    // One late call, after both.
    let actions: Vec<_> = rig.handle_timeout(rig.now.saturating_add(secs(58))).into_iter().collect();
    assert!(matches!(actions[..], [Action::Close { .. }, ..]), "{actions:?}");
}

/// R31: a credential that ends within its lead, or exactly after it, is renewed at half of its life and in no spin.
#[test]
fn r31_a_credential_that_ends_within_its_lead() {
    let credential =
        CredentialConfig::new().refresh_on(RefreshOn::Dial).lead(secs(10), secs(0)).build_const();
    for (ttl, renewed) in [(30, 20), (10, 5), (8, 4)] {
        let mut rig = Harness::failed_times(PLAIN.to_builder().credential(credential).build_const(), 0);
        rig.event(Event::CredentialOk { request: None, ttl: Some(secs(ttl)) });
        rig.establish();
        assert_eq!(refreshes(&rig.advance(secs(renewed - 1))), 0, "{ttl}");
        assert_eq!(refreshes(&rig.advance(secs(1))), 1, "{ttl}");
    }
}
