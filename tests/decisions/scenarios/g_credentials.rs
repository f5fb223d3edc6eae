//! Credentials: rejected, renewed, refused, late.

use redial::classify::Class;
use redial::policy::{CredentialConfig, RefreshOn, RestoreConfig, WaitReason};
use redial::{Cause, Event, GiveUp, Phase};

use crate::harness::{Beginnings, PLAIN, REFUSED, RESET, STABLE, Scenario, TestEvent, secs, ws};

const OK: TestEvent = Event::CredentialOk { request: None, ttl: None };
const REJECTED: Cause = Cause::AuthRejected;

fn rejected(config: redial::Config) -> Scenario {
    let mut t = Scenario::of(config);
    t.at(0)
        .start()
        .expect(&["open 1 fresh #1"])
        .at(10)
        .open_failed(1, REJECTED)
        .expect(&["refresh_credential"]);
    t.parked(WaitReason::Credential).wake(30_010, "credential_timeout");
    t
}

/// S80, F47, lifecycle 53: a rejection renews at once, for free; the fresh credential dials at once.
#[test]
fn one_renewal_is_free() {
    let mut t = rejected(PLAIN);
    t.failures(0).at(500).event(OK).expect(&["open 2 fresh #2"]).event(OK).inapplicable();
}

/// S80: "later": the backoff, and another try at the credential before the dial.
#[test]
fn a_credential_that_comes_later_backs_off() {
    let mut t = rejected(PLAIN);
    t.at(500).credential_failed(false).expect(&[]).failures(1).wake(1_500, "backoff");
    t.fires(1_500, &["refresh_credential"]).parked(WaitReason::Credential);
    t.at(1_600)
        .credential_failed(false)
        .expect(&[])
        .wake(3_600, "backoff")
        .fires(3_600, &["refresh_credential"]);
    t.at(3_700).event(OK).expect(&["open 2 fresh #2"]);
}

/// S80, lifecycle 56: "dead" is final.
#[test]
fn a_dead_credential_is_final() {
    let mut t = rejected(PLAIN);
    t.at(500).credential_failed(true).expect(&["gave_up auth auth_rejected"]).gave_up(GiveUp::Auth);
    t.retry_now()
        .inapplicable()
        .event(OK)
        .inapplicable()
        .start()
        .expect(&["refresh_credential"])
        .at(600)
        .event(OK)
        .expect(&["open 2 fresh #1"]);
}

/// S80, S86: a second rejection right after the renewal is final where the row says so: close 3000, HTTP 401.
#[test]
fn a_second_rejection_is_final_where_limited() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.at(1).closed(1, ws(3000)).expect(&["refresh_credential"]).event(OK).expect(&["open 2 fresh #2"]);
    t.opened(2).expect(&["send_fresh 2"]).closed(2, ws(3000)).expect(&["gave_up auth close_3000"]);
    t.retry_now().inapplicable();

    // Rejected as soon as the session is there: no loop either.
    let mut t = Scenario::online(PLAIN);
    t.closed(1, ws(3000)).expect(&["refresh_credential"]).event(OK).expect(&["open 2 resume #1"]);
    t.opened(2).expect(&["send_resume 2 s1 5"]).resumed(2);
    t.closed(2, ws(3000)).expect(&["drop_session fatal", "gave_up auth close_3000"]);
}

/// S80: a session that held makes the next rejection a first one.
#[test]
fn a_held_session_earns_a_free_renewal() {
    let mut t = Scenario::online(STABLE);
    t.closed(1, ws(3000)).expect(&["refresh_credential"]).event(OK).expect(&["open 2 resume #2"]);
    t.opened(2).expect(&["send_resume 2 s1 5"]).resumed(2);
    t.at(200_000)
        .closed(2, ws(3000))
        .expect(&["refresh_credential"])
        .failures(0)
        .event(OK)
        .expect(&["open 3 resume #1"]);
}

/// Lifecycle 53: without a limit the second rejection in a row backs off, and each dial renews first.
#[test]
fn further_rejections_back_off() {
    let mut t = rejected(PLAIN);
    t.at(20).event(OK).expect(&["open 2 fresh #2"]);
    t.at(30).open_failed(2, REJECTED).expect(&[]).wake(1_030, "backoff").failures(1);
    t.fires(1_030, &["refresh_credential"]).event(OK).expect(&["open 3 fresh #3"]);
    t.open_failed(3, Cause::Class(Class::Auth))
        .expect(&[])
        .wake(3_030, "backoff")
        .fires(3_030, &["refresh_credential"]);
    // A failure of another kind between them gives no second free renewal.
    t.event(OK).expect(&["open 4 fresh #4"]).open_failed(4, REFUSED).expect(&[]).wake(7_030, "backoff");
    t.fires(7_030, &["open 5 fresh #5"]).open_failed(5, REJECTED).expect(&[]).wake(15_030, "backoff");
}

/// How many rejections of a renewed credential are taken can be limited.
#[test]
fn rejections_can_be_limited() {
    let mut t = rejected(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().rejections_max(Some(0)).build_const())
            .build_const(),
    );
    t.event(OK).expect(&["open 2 fresh #2"]).open_failed(2, REJECTED).expect(&["gave_up auth auth_rejected"]);

    let mut t = rejected(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().rejections_max(Some(1)).build_const())
            .build_const(),
    );
    t.event(OK).expect(&["open 2 fresh #2"]).open_failed(2, REJECTED).expect(&[]);
    t.next_timer().expect(&["refresh_credential"]).event(OK).expect(&["open 3 fresh #3"]);
    t.open_failed(3, REJECTED).expect(&["gave_up auth auth_rejected"]);
}

/// With "never" a rejection is final.
#[test]
fn never_refresh() {
    let mut t = Scenario::online(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Never).build_const())
            .build_const(),
    );
    t.closed(1, ws(3000))
        .expect(&["drop_session fatal", "gave_up auth close_3000"])
        .retry_now()
        .inapplicable();
}

/// Lifecycle 52, 58: with "dial" no transport is opened without a fresh credential, whatever asks for it.
#[test]
fn refresh_before_every_dial() {
    let mut t = Scenario::of(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    t.at(0)
        .start()
        .expect(&["refresh_credential"])
        .parked(WaitReason::Credential)
        .at(5)
        .event(OK)
        .expect(&["open 1 fresh #1"]);
    t.at(10).open_failed(1, REFUSED).expect(&[]).wake(1_010, "backoff").fires(1_010, &["refresh_credential"]);
    t.at(1_050).event(OK).expect(&["open 2 fresh #2"]).at(1_060).open_failed(2, REFUSED).expect(&[]);
    t.retry_now().expect(&["refresh_credential"]).event(OK).expect(&["open 3 fresh #1"]);
    t.at(1_070).open_failed(3, REFUSED).expect(&[]).at(2_065).host_resumed(1).expect(&["refresh_credential"]);
    t.event(OK).expect(&["open 4 fresh #2"]);
}

/// A condition while the credential is being renewed: no second question, and no dial without the answer. The user's
/// request asks again at once, and a host event does after the first wait: the first question may never be answered
/// (report 86).
#[test]
fn the_question_is_asked_once() {
    let mut t = rejected(PLAIN);
    t.host_resumed(1).expect(&[]).parked(WaitReason::Credential).wake(30_010, "credential_timeout");
    t.at(2_000).host_resumed(1).expect(&["refresh_credential"]).wake(32_000, "credential_timeout");
    t.at(3_000).retry_now().expect(&["refresh_credential"]).wake(33_000, "credential_timeout");
    // Not answered in time is a failure: asked again after a wait.
    t.fires(33_000, &[]).phase(Phase::Waiting).fires(34_000, &["refresh_credential"]);
    t.hold(0).parked(WaitReason::Hold).release(0).expect(&[]).parked(WaitReason::Credential);
    t.hold(0).event(OK).expect(&[]).parked(WaitReason::Hold).release(0).expect(&["open 2 fresh #1"]);
}

/// Lifecycle 59: answers that nobody waits for change nothing; after a stop they dial nothing, and the next start asks
/// again for what was unanswered.
#[test]
fn late_answers() {
    let mut t = Scenario::online(PLAIN);
    t.event(OK).inapplicable().credential_failed(true).inapplicable().phase(Phase::Online);

    let mut t = rejected(PLAIN);
    t.stop().expect(&[]).phase(Phase::Stopped).start().expect(&["refresh_credential"]).event(OK);
    t.expect(&["open 2 fresh #1"]);

    let mut t = rejected(PLAIN);
    t.stop().expect(&[]).event(OK).expect(&[]).phase(Phase::Stopped).start().expect(&["open 2 fresh #1"]);

    let mut t = rejected(PLAIN);
    t.stop().expect(&[]).credential_failed(true).expect(&[]).phase(Phase::Stopped);
    t.start().expect(&["refresh_credential"]);
}

/// F47, F29: what the server asked for holds before the renewal, so that the credential is fresh at the dial.
#[test]
fn a_hint_comes_before_the_renewal() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).refused(1, 401, Some(secs(20))).expect(&[]);
    t.wake(20_000, "hint").fires(20_000, &["refresh_credential"]).event(OK).expect(&["open 2 fresh #2"]);
}

/// S75, F92: ready, authenticate, restore, in this order.
#[test]
fn authentication_comes_before_restoring() {
    let mut t = Scenario::of(
        PLAIN.to_builder().restore(RestoreConfig::new().authentication(true).build_const()).build_const(),
    );
    t.at(0).start().expect(&["open 1 fresh #1"]).subscribe("a", 0).opened(1).expect(&["send_fresh 1"]);
    t.auth_ok(1)
        .inapplicable()
        .at(10)
        .establish(1, Some(1))
        .expect(&["authenticate 1"])
        .phase(Phase::Establishing);
    t.wake(10_010, "auth_timeout").subscribe("b", 0).expect(&[]);
    t.at(20).auth_ok(1).expect(&["restore 1 a,b"]).phase(Phase::Online).auth_ok(1).inapplicable();
}

/// S75: a rejected credential restores nothing and is renewed; a final one ends it; silence is a loss.
#[test]
fn a_failed_authentication_restores_nothing() {
    let authenticating = || {
        let mut t = Scenario::of(
            PLAIN.to_builder().restore(RestoreConfig::new().authentication(true).build_const()).build_const(),
        );
        t.at(0).start().expect(&["open 1 fresh #1"]).subscribe("a", 0).opened(1).expect(&["send_fresh 1"]);
        t.at(10).establish(1, Some(1)).expect(&["authenticate 1"]);
        t
    };
    let mut t = authenticating();
    t.auth_failed(1, false).expect(&["close 1 4000", "refresh_credential"]).auth_failed(1, false).stale();
    // The session is kept, and still has to be authenticated: nothing is restored before.
    t.event(OK).expect(&["open 2 resume #1"]).opened(2).expect(&["send_resume 2 s1 1"]);
    t.resumed(2).expect(&["authenticate 2"]).auth_ok(2).expect(&["restore 2 a"]);
    // Once it is, a resume needs no more.
    t.subscription_confirmed(2, "a")
        .at(5_000)
        .closed(2, RESET)
        .expect(&[])
        .next_timer()
        .expect(&["open 3 resume #1"]);
    t.opened(3).expect(&["send_resume 3 s1 1"]).resumed(3).expect(&[]).phase(Phase::Online);

    let mut t = authenticating();
    t.auth_failed(1, true).expect(&["close 1 4000", "drop_session fatal", "gave_up fatal auth_denied"]);

    let mut t = authenticating();
    t.fires(10_010, &["close 1 4000"]).wake(11_010, "backoff");
    let mut t = authenticating();
    t.at(50).closed(1, RESET).expect(&[]).wake(1_050, "backoff");
}

/// S84, lifecycle 58: a source that has no credential is not asked again at every host event.
#[test]
fn a_source_that_fails_is_not_asked_in_a_spin() {
    let mut t = Scenario::of(
        PLAIN
            .to_builder()
            .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
            .build_const(),
    );
    t.at(0).start().expect(&["refresh_credential"]);
    t.at(10)
        .event(Event::CredentialFailed { request: None, fatal: false })
        .expect(&[])
        .wake(1_010, "backoff");
    for _ in 0..20 {
        t.event(Event::Hidden).expect(&[]).event(Event::Visible).expect(&[]).host_resumed(100).expect(&[]);
    }
    t.wake(1_010, "backoff").fires(1_010, &["refresh_credential"]);
}
