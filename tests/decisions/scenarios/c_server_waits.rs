//! The backoff in a policy: waits that a server asks for, and classes with waits of their own.

use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use redial::policy::ResumeConfig;
use redial::{BackoffConfig, Cause, Config, GiveUp};

use crate::harness::{Beginnings, PLAIN, REFUSED, STABLE, Scenario, ms, secs, ws};
use crate::scenarios::b_timers::fail_times;
use crate::scenarios::c_backoff::{GROWING, waits};

/// S40, F29, F50: the server's wait is a floor, never a short cut, cut to the longest allowed and then reported.
#[test]
fn retry_after_is_a_floor() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.refused(1, 503, Some(secs(45))).expect(&[]).wake(45_000, "hint");

    let mut t = Scenario::of(PLAIN);
    fail_times(&mut t, 5);
    t.next_timer().expect(&["open 6 fresh #6"]).refused(6, 503, Some(secs(1))).expect(&[]);
    t.wake(31_000 + 30_000, "backoff");

    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.refused(1, 503, Some(secs(0))).expect(&[]).wake(1_000, "backoff");
    assert_eq!(t.stats().retry_after_cut, 0);

    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.refused(1, 503, Some(secs(10 * 365 * 86_400))).expect(&[]).wake_within(225_000..=300_000, "hint");
    assert_eq!(t.stats().retry_after_cut, 1);
}

/// S41, F65: the wait after a refused session is a floor too.
#[test]
fn the_wait_after_a_refused_session_is_a_floor() {
    let wait_3 = ResumeConfig::new().invalid_wait(secs(3), secs(3)).build_const();
    let mut t = Scenario::online(PLAIN.to_builder().resume(wait_3).build_const());
    t.at(1_000).session_invalid(1, false).expect(&["close 1 4000", "drop_session invalid"]);
    t.wake(4_000, "invalid_session");

    let mut t = Scenario::of(STABLE.to_builder().resume(wait_3).build_const());
    fail_times(&mut t, 3);
    t.next_timer().expect(&["open 4 fresh #4"]);
    t.opened(4).expect(&["send_fresh 4"]).session_invalid(4, false).expect(&["close 4 4000"]);
    t.wake(7_000 + 8_000, "backoff");
}

/// S81, F48 (omi): policy violations have a backoff of their own and end at the tenth; a network loss between them doesn't
/// start it again.
#[test]
fn policy_violations_have_a_backoff_of_their_own() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    let violate = |t: &mut Scenario, least: u64| {
        let epoch = t.newest();
        t.open_failed(epoch, ws(1008))
            .expect(&[])
            .wake_within(least * 1_000..=least * 1_000 + 1_000, "class");
        t.next_timer().expect_anything();
    };
    for least in [15, 30, 60] {
        violate(&mut t, least);
    }
    t.open_failed(t.newest(), REFUSED).expect(&[]);
    t.next_timer().expect_anything();
    for least in [120, 300, 300, 300, 300, 300] {
        violate(&mut t, least);
    }
    t.open_failed(t.newest(), ws(1008)).expect(&["gave_up repeated close_1008"]).no_wake();
    t.retry_now().inapplicable();
}

/// S81: a session that held resets the backoff of policy violations.
#[test]
fn a_held_session_resets_the_backoff_of_violations() {
    let mut t = Scenario::online(STABLE);
    t.at(1_000)
        .closed(1, ws(1008))
        .expect(&[])
        .wake_within(15_000..=16_000, "class")
        .next_timer()
        .expect_anything();
    t.open_failed(2, ws(1008))
        .expect(&[])
        .wake_within(30_000..=31_000, "class")
        .next_timer()
        .expect_anything();
    let ready = t.now() + 10;
    t.at(t.now()).opened(3).expect(&["send_resume 3 s1 5"]).at(ready).resumed(3);
    t.at(ready + 120_000).closed(3, ws(1008)).expect(&[]).wake_within(15_000..=16_000, "class");
}

/// S82, F45: 1012 waits 5 to 15 s, 1013 30 to 120 s, and both keep the session.
#[test]
fn restart_and_try_later_wait_their_class() {
    for (code, least, most) in [(1012, 5_000, 15_000), (1013, 30_000, 120_000)] {
        let mut seen = Vec::new();
        for seed in 0..50 {
            let mut t = Scenario::seeded(PLAIN, seed);
            t.at(0).start().expect(&["open 1 fresh #1"]).connect(10, 1, Some(5));
            t.at(1_000).closed(1, ws(code)).expect(&[]).wake_within(least..=most, "class");
            seen.push(t.wait());
            t.next_timer().expect(&["open 2 resume #1"]);
        }
        let (low, high) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
        assert!(high - low > (most - least) / 2, "spread, not in step: {seen:?}");
    }
}

/// S82, S40: where the server gave a wait, the class's own is not used.
#[test]
fn a_hint_replaces_the_wait_of_the_class() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.refused(1, 429, Some(secs(7))).expect(&[]).wake(7_000, "hint");
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.refused(1, 429, None).expect(&[]).wake_within(30_000..=120_000, "class");
}

/// S86: 401 renews once and is then final; 400, 403, 404 are final; 429 waits; 5xx back off.
#[test]
fn upgrade_statuses() {
    let start = || {
        let mut t = Scenario::of(PLAIN);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        t
    };
    let mut t = start();
    t.at(1)
        .refused(1, 401, None)
        .expect(&["refresh_credential"])
        .event(redial::Event::CredentialOk { request: None, ttl: None });
    t.expect(&["open 2 fresh #2"]).refused(2, 401, None).expect(&["gave_up auth http_401"]).no_wake();
    for status in [400, 403, 404] {
        start().refused(1, status, None).expect(&[&format!("gave_up fatal http_{status}")]).no_wake();
    }
    for status in [500, 502, 503, 504] {
        start().refused(1, status, None).expect(&[]).wake(1_000, "backoff");
    }
}

/// S86: failures of another kind before the first 401 don't take its one renewal away.
#[test]
fn other_limited_failures_leave_the_renewal() {
    let denied = Cause::Io(redial::IoKind::PermissionDenied);
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.open_failed(1, denied).expect(&[]).next_timer().expect_anything();
    t.open_failed(2, denied).expect(&[]).next_timer().expect_anything();
    t.at(t.now() + 1)
        .refused(3, 401, None)
        .expect(&["refresh_credential"])
        .event(redial::Event::CredentialOk { request: None, ttl: None });
    t.expect(&["open 4 fresh #4"]).refused(4, 401, None).expect(&["gave_up auth http_401"]);
}

/// S87, F51: an expired certificate is final; by an override it is retried at the speed of the cap.
#[test]
fn certificates() {
    let expired = Cause::Tls(redial::classify::TlsKind::CertificateExpired);
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.open_failed(1, expired).expect(&["gave_up fatal certificate_expired"]);

    let retry = Rule::new(Match::AnyTls, Verdict::new(Class::Transient).with_at_cap());
    let classifier = Classifier::new(&tables::WEBSOCKET).rule(retry).build_const();
    let mut t = Scenario::of(PLAIN.to_builder().classifier(classifier).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]);
    t.open_failed(1, expired).expect(&[]).wake(30_000, "class");
}

/// S88, F52: a name that is not found is retried, forever.
#[test]
fn unknown_names_are_retried() {
    let unknown = Cause::Io(redial::IoKind::NameNotFound);
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    assert_eq!(waits(&mut t, 8, |t, e| _ = t.open_failed(e, unknown)), GROWING);
}

/// F36: a table that gives up is an end with its own name, delivered once; "reconnect now" starts again.
#[test]
fn a_spent_table_is_the_end() {
    static WAITS: [core::time::Duration; 2] = [ms(0), secs(2)];
    let table = BackoffConfig::table(&WAITS, redial::backoff::AfterTable::GiveUp).build_const();
    let mut t = Scenario::of(Config::new(table).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).at(1).open_failed(1, REFUSED).expect(&[]).wake(1, "backoff");
    t.timeout().expect(&["open 2 fresh #2"]).open_failed(2, REFUSED).expect(&[]).wake(2_001, "backoff");
    t.fires(2_001, &["open 3 fresh #3"]).open_failed(3, REFUSED);
    t.expect(&["gave_up table_spent connection_refused"]).gave_up(GiveUp::TableSpent);
    t.retry_now().expect(&["open 4 fresh #1"]);
}
