//! The session: what is resumed, where, and what ends it.

use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use redial::policy::{ResumeConfig, WaitReason};
use redial::{Cause, Config, Event, Phase, SessionState};

use crate::harness::{
    Beginnings, GREETED, NO_FRAME, NUMBERED, PLAIN, REFUSED, RESET, Scenario, number, secs, ws,
};

/// Lost at 1 s, opened again by epoch 2 at 2 s.
fn lost(t: &mut Scenario) -> &mut Scenario {
    t.at(1_000).closed(1, ws(1006)).expect_anything();
    t.next_timer()
}

/// S42 (carbon #264): id and sequence lead to a resume with them, never to silence.
#[test]
fn a_loss_leads_to_a_resume() {
    let mut t = Scenario::of(GREETED);
    t.at(0).start().expect(&["open 1 fresh #1"]).at(5).opened(1).greeting(1, 0).expect(&["send_fresh 1"]);
    t.establish(1, Some(1));
    lost(&mut t).expect(&["open 2 resume #1"]).at(2_010).opened(2).expect(&[]);
    t.greeting(2, 0).expect(&["send_resume 2 s1 1"]).resumed(2).phase(Phase::Online);
}

/// S43, F59: 0 is a sequence like any other.
#[test]
fn sequence_0_is_resumed() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).connect(10, 1, Some(0));
    lost(&mut t).expect(&["open 2 resume #1"]).opened(2).expect(&["send_resume 2 s1 0"]);
}

/// S44, F58: where the protocol needs a sequence, without one the next start is fresh, at the base endpoint; otherwise it
/// resumes.
#[test]
fn without_a_sequence_it_starts_fresh() {
    let mut t = Scenario::of(NUMBERED);
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.ready_at(1, None, Some("wss://resume"))
        .at(1_000)
        .closed(1, ws(1006))
        .expect(&["drop_session incomplete"]);
    t.fires(2_000, &["open 2 fresh #1"]);

    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]).establish(1, None);
    t.at(1_000).closed(1, ws(1006)).expect(&[]).fires(2_000, &["open 2 resume #1"]);
}

/// S45, F60: what the new transport says before the resume is out doesn't touch the sequence.
#[test]
fn the_new_transport_cannot_touch_the_sequence_before_the_resume() {
    let mut t = Scenario::of(GREETED);
    t.at(0).start().expect(&["open 1 fresh #1"]).at(5).opened(1).greeting(1, 0).expect(&["send_fresh 1"]);
    t.establish(1, Some(1)).sequence(1, 5).applied();
    lost(&mut t).expect(&["open 2 resume #1"]).sequence(2, 7).inapplicable().opened(2);
    t.sequence(2, 1).inapplicable().sequence(2, 99).inapplicable();
    t.greeting(2, 0).expect(&["send_resume 2 s1 5"]);
    // From here on they are the session's: the events that were missed.
    t.sequence(2, 6).applied().resumed(2).sequence(2, 7).applied();
    assert_eq!(t.policy().session().sequence(), Some(7));
}

/// S46, F61: the sequence never moves back within a session.
#[test]
fn the_sequence_never_moves_back() {
    let mut t = Scenario::online(PLAIN);
    t.sequence(1, 7).applied().sequence(1, 6).inapplicable().sequence(1, 7).inapplicable();
    assert_eq!(t.policy().session().sequence(), Some(7));
}

/// S47, F42, F64: "session gone" forgets id, sequence and endpoint together; the next session has only its own.
#[test]
fn session_gone_forgets_everything() {
    let mut t = Scenario::of(
        PLAIN.to_builder().classifier(Classifier::new(&tables::DISCORD_GATEWAY).build_const()).build_const(),
    );
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.ready_at(1, Some(500), Some("wss://resume"));
    t.at(1_000).closed(1, ws(4009)).expect(&["drop_session gone"]);
    assert!(t.policy().session().is_empty());
    t.fires(2_000, &["open 2 fresh #1"]).opened(2).expect(&["send_fresh 2"]).establish(2, None);
    assert_eq!((t.policy().session().token(), t.policy().session().sequence()), (Some(&"s2"), None));
    t.sequence(2, 3).applied();
    assert_eq!(t.policy().session().sequence(), Some(3));
}

/// S47, F78: a resume that is answered with a new session ends the old one; nothing of it remains.
#[test]
fn a_new_session_in_answer_to_a_resume_replaces_the_old_one() {
    let mut t = Scenario::with_session(PLAIN, SessionState::resumable("old", Some("wss://old"), Some(500)));
    t.at(0).start().expect(&["open 1 resume@session #1"]).opened(1).expect(&["send_resume 1 old 500"]);
    t.establish(1, Some(1)).expect(&[]).phase(Phase::Online);
    let session = t.policy().session();
    assert_eq!((session.token(), session.sequence(), session.endpoint()), (Some(&"s1"), Some(1), None));
    assert_eq!((t.stats().fresh, t.stats().resumed), (1, 0));
}

/// S48, F53, F57: an unknown code resumes; an override makes it fresh or fatal.
#[test]
fn unknown_codes_resume_unless_overridden() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, ws(4242)).expect(&[]).fires(2_000, &["open 2 resume #1"]);

    let with = |class| {
        let rule = Rule::new(Match::Is(ws(4242)), Verdict::new(class));
        PLAIN
            .to_builder()
            .classifier(Classifier::new(&tables::WEBSOCKET).rule(rule).build_const())
            .build_const()
    };
    let mut t = Scenario::online(with(Class::Fresh));
    t.at(1_000).closed(1, ws(4242)).expect(&["drop_session gone"]).fires(2_000, &["open 2 fresh #1"]);
    let mut t = Scenario::online(with(Class::Fatal));
    t.at(1_000).closed(1, ws(4242)).expect(&["drop_session fatal", "gave_up fatal close_4242"]).no_wake();
}

/// S49, F41: a fatal code ends it, once; "reconnect now" is ignored until the user starts again.
#[test]
fn a_fatal_code_ends_it() {
    let mut t = Scenario::online(
        PLAIN.to_builder().classifier(Classifier::new(&tables::DISCORD_GATEWAY).build_const()).build_const(),
    );
    t.at(1_000).closed(1, ws(4004)).expect(&["drop_session fatal", "gave_up fatal close_4004"]).no_wake();
    t.retry_now().inapplicable().closed(1, ws(4004)).stale().timeout().expect(&[]).phase(Phase::Failed);
    t.start().expect(&["open 2 fresh #1"]);
}

/// S50, F63, S88: an endpoint of the session that can't be reached is left for the base; the session is kept.
#[test]
fn a_dead_session_endpoint_is_left() {
    let with_endpoint = || {
        let mut t = Scenario::of(PLAIN);
        t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
        t.ready_at(1, Some(5), Some("wss://resume")).at(1_000).closed(1, ws(1006)).expect(&[]);
        t.fires(2_000, &["open 2 resume@session #1"]);
        t
    };
    for cause in [REFUSED, Cause::Io(redial::IoKind::NameNotFound)] {
        let mut t = with_endpoint();
        t.open_failed(2, cause).expect(&[]).fires(4_000, &["open 3 resume #2"]);
        t.opened(3).expect(&["send_resume 3 s1 5"]);
    }
    // One that was reached and then closed is not dead.
    let mut t = with_endpoint();
    t.opened(2).expect(&["send_resume 2 s1 5"]).closed(2, RESET).expect(&[]);
    t.fires(4_000, &["open 3 resume@session #2"]);
}

/// S50, F69: the patient profile keeps the endpoint until three dials in a row have failed over 180 s.
#[test]
fn a_patient_endpoint_fallback_needs_count_and_time() {
    let patient = ResumeConfig::new().endpoint_fallback(3, secs(180)).build_const();
    let session = SessionState::resumable("s1", Some("wss://resume"), Some(5));
    let mut t = Scenario::with_session(PLAIN.to_builder().resume(patient).build_const(), session);
    t.at(0).start().expect(&["open 1 resume@session #1"]);
    // Failures at 0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181 s.
    for epoch in 1..=10 {
        t.open_failed(epoch, REFUSED).expect(&[]);
        t.next_timer().expect(&[&format!("open {} resume@session #{}", epoch + 1, epoch + 1)]);
    }
    assert_eq!(t.now(), 181_000);
    t.open_failed(11, REFUSED).expect(&[]).next_timer().expect(&["open 12 resume #12"]);
}

/// S50: "in a row": a dial that reached the endpoint restarts the count.
#[test]
fn reaching_the_endpoint_clears_its_failures() {
    let twice = ResumeConfig::new().endpoint_fallback(2, secs(0)).build_const();
    let session = SessionState::resumable("s1", Some("wss://resume"), Some(5));
    let mut t = Scenario::with_session(PLAIN.to_builder().resume(twice).build_const(), session);
    t.at(0).start().expect(&["open 1 resume@session #1"]).open_failed(1, REFUSED).expect(&[]);
    t.next_timer().expect(&["open 2 resume@session #2"]).opened(2).expect(&["send_resume 2 s1 5"]);
    t.closed(2, RESET).expect(&[]).next_timer().expect(&["open 3 resume@session #3"]);
    t.open_failed(3, REFUSED).expect(&[]).next_timer().expect(&["open 4 resume@session #4"]);
    t.open_failed(4, REFUSED).expect(&[]).next_timer().expect(&["open 5 resume #5"]);
}

/// S51, F68: three resumes in a row that reached the server and were not granted end the session.
#[test]
fn three_failed_resumes_end_the_session() {
    let mut t = Scenario::online(PLAIN);
    lost(&mut t).expect(&["open 2 resume #1"]).opened(2).expect(&["send_resume 2 s1 5"]);
    t.closed(2, RESET).expect(&[]).next_timer().expect(&["open 3 resume #2"]).opened(3);
    t.expect(&["send_resume 3 s1 5"]).session_invalid(3, true).expect(&["close 3 4000"]);
    t.next_timer().expect(&["open 4 resume #3"]).opened(4).expect(&["send_resume 4 s1 5"]);
    t.closed(4, RESET).expect(&["drop_session resume_failed"]).next_timer().expect(&["open 5 fresh #4"]);
}

/// S51, F69: a dial that reached nobody is no failed resume.
#[test]
fn unreachable_servers_end_no_session() {
    let mut t = Scenario::online(PLAIN);
    lost(&mut t).expect(&["open 2 resume #1"]);
    for epoch in 2..50 {
        t.open_failed(epoch, REFUSED)
            .expect(&[])
            .next_timer()
            .expect(&[&format!("open {} resume #{epoch}", epoch + 1)]);
    }
}

/// S51: only a session, resumed or new, clears the count; the user's "reconnect now" does not.
#[test]
fn only_a_session_clears_the_failed_resumes() {
    let mut t = Scenario::online(PLAIN);
    lost(&mut t).expect(&["open 2 resume #1"]).opened(2).expect_anything().closed(2, RESET).expect(&[]);
    t.next_timer().expect(&["open 3 resume #2"]).opened(3).expect_anything().closed(3, RESET).expect(&[]);
    t.next_timer()
        .expect(&["open 4 resume #3"])
        .opened(4)
        .expect_anything()
        .resumed(4)
        .at(50_000)
        .closed(4, RESET)
        .expect(&[]);
    t.next_timer().expect(&["open 5 resume #1"]).opened(5).expect_anything().closed(5, RESET).expect(&[]);
    t.retry_now().expect(&["open 6 resume #1"]).opened(6).expect_anything().closed(6, RESET).expect(&[]);
    t.retry_now().expect(&["open 7 resume #1"]).opened(7).expect_anything();
    t.closed(7, RESET).expect(&["drop_session resume_failed"]);
}

/// S52, F65, F66: resumable: resume; not: 1 to 5 s, then fresh; after a stop: nothing.
#[test]
fn a_refused_session_may_be_resumable() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).session_invalid(1, true).expect(&["close 1 4000"]).wake(2_000, "backoff");
    t.fires(2_000, &["open 2 resume #1"]);

    for seed in 0..100 {
        let mut t = Scenario::seeded(PLAIN, seed);
        t.at(0).start().expect(&["open 1 fresh #1"]).connect(10, 1, Some(5));
        t.at(1_000).session_invalid(1, false).expect(&["close 1 4000", "drop_session invalid"]);
        t.wake_within(1_000..=5_000, "invalid_session").next_timer().expect(&["open 2 fresh #1"]);
    }
    for resumable in [false, true] {
        let mut t = Scenario::online(PLAIN);
        t.at(1_000).stop_keeping_session().expect(&["close 1 4000"]);
        t.session_invalid(1, resumable).stale().no_wake();
        assert!(!t.policy().session().is_empty());
    }
}

/// S53: resumable, but there is no session: fresh.
#[test]
fn resumable_without_a_session_is_fresh() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.session_invalid(1, true).expect(&["close 1 4000"]).next_timer().expect(&["open 2 fresh #2"]);
}

/// S54, F70: the code of a close that is followed by a resume can be chosen, but not 1000 or 1001.
#[test]
fn the_close_code_keeps_the_session() {
    let mut t = Scenario::online(PLAIN.to_builder().close_code(3999).build_const());
    t.at(1_000).reconnect_requested(1).expect(&["close 1 3999"]).fires(2_000, &["open 2 resume #1"]);
    for code in (0..=u16::MAX).filter(|code| PLAIN.to_builder().close_code(*code).build().is_ok()) {
        assert!(code != 1000 && code != 1001 && (1002..=4999).contains(&code), "{code}");
    }
    assert!(
        (3000..=4999).all(|code| PLAIN.to_builder().close_code(code).build().is_ok()),
        "what browsers allow"
    );
}

/// S55, F71: a stop closes with 1000 and the next start is fresh; one that keeps closes with another code, and the
/// next start resumes.
#[test]
fn a_stop_forgets_unless_told_to_keep() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).stop().expect(&["close 1 1000", "drop_session stop"]).phase(Phase::Stopped).no_wake();
    t.at(2_000).start().expect(&["open 2 fresh #1"]);

    let mut t = Scenario::online(PLAIN);
    t.at(1_000).stop_keeping_session().expect(&["close 1 4000"]).phase(Phase::Stopped).no_wake();
    t.stop_keeping_session().inapplicable();
    t.at(2_000).start().expect(&["open 2 resume #1"]).opened(2).expect(&["send_resume 2 s1 5"]);

    // A later stop that does not keep forgets what the first one kept.
    let mut t = Scenario::online(PLAIN);
    t.at(1_000)
        .stop_keeping_session()
        .expect(&["close 1 4000"])
        .stop()
        .expect(&["drop_session stop"])
        .stop()
        .inapplicable();
    t.start().expect(&["open 2 fresh #1"]);
}

/// S55: a stop while waiting keeps or forgets in the same way.
#[test]
fn a_stop_while_waiting_keeps_or_forgets() {
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, RESET).expect(&[]);
    t.stop_keeping_session().expect(&[]).start().expect(&["open 2 resume #1"]);
    let mut t = Scenario::online(PLAIN);
    t.at(1_000).closed(1, RESET).expect(&[]).stop().expect(&["drop_session stop"]);
    t.start().expect(&["open 2 fresh #1"]);
}

/// S56, F72: what a stop kept is exported and imported by another instance, whose first dial resumes at the session's
/// endpoint.
#[test]
fn a_kept_session_moves_to_another_instance() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.ready_at(1, Some(5), Some("wss://resume"))
        .sequence(1, 9)
        .stop_keeping_session()
        .expect(&["close 1 4000"]);
    let mut t = Scenario::with_session(PLAIN, t.policy().session().clone());
    t.at(0).start().expect(&["open 1 resume@session #1"]).opened(1).expect(&["send_resume 1 s1 9"]);
}

/// S56: an import that can't be resumed is dropped, and the start is fresh, at the base.
#[test]
fn an_unusable_import_starts_fresh() {
    let mut t = Scenario::with_session(NUMBERED, SessionState::resumable("s1", Some("wss://resume"), None));
    t.at(0).start().expect(&["drop_session incomplete", "open 1 fresh #1"]);
    let disabled = PLAIN.to_builder().resume(ResumeConfig::DISABLED).build_const();
    let mut t = Scenario::with_session(disabled, SessionState::resumable("s1", None, Some(5)));
    t.at(0)
        .start()
        .expect(&["drop_session incomplete", "open 1 fresh #1"])
        .opened(1)
        .expect(&["send_fresh 1"]);
    t.establish(1, Some(5)).sequence(1, 6).inapplicable();
    assert!(t.policy().session().is_empty());
}

/// S57, F75: ready and resumed are told apart; only after ready the set is sent again.
#[test]
fn fresh_and_resumed_are_told_apart() {
    let mut t = Scenario::online(PLAIN);
    t.at(30).subscribe("a", 0).expect(&["restore 1 a"]).subscription_confirmed(1, "a");
    lost(&mut t).expect(&["open 2 resume #1"]).opened(2).expect(&["send_resume 2 s1 5"]);
    t.resumed(2).expect(&[]).phase(Phase::Online);
    assert_eq!((t.stats().fresh, t.stats().resumed), (1, 1));
    t.at(5_000).closed(2, RESET).expect(&[]).fires(6_000, &["open 3 resume #1"]);
    t.opened(3).expect(&["send_resume 3 s1 5"]).establish(3, Some(1)).expect(&["restore 3 a"]);
    assert_eq!((t.stats().fresh, t.stats().resumed), (2, 1));
}

/// S58 (discord.js #9548): the first dial of a process with an imported session finishes on "resumed".
#[test]
fn an_imported_session_finishes_on_resumed() {
    let mut t = Scenario::with_session(PLAIN, SessionState::resumable("s1", None, Some(5)));
    t.at(0).start().expect(&["open 1 resume #1"]).at(5).opened(1).expect(&["send_resume 1 s1 5"]);
    t.at(9).resumed(1).applied().phase(Phase::Online).no_wake();
    assert_eq!((t.stats().established, t.stats().resumed), (1, 1));
}

/// F58: "resumed" when nobody asked for it, or twice, is nothing.
#[test]
fn resumed_out_of_place_is_nothing() {
    let mut t = Scenario::of(PLAIN);
    t.at(0).start().expect(&["open 1 fresh #1"]).resumed(1).inapplicable();
    t.opened(1).expect(&["send_fresh 1"]);
    t.resumed(1).inapplicable().phase(Phase::Establishing).establish(1, Some(1)).resumed(1).inapplicable();
    t.at(1_000).closed(1, RESET).expect(&[]).next_timer().expect(&["open 2 resume #1"]);
    t.opened(2).expect_anything().resumed(2).applied().resumed(2).inapplicable();
    assert_eq!(t.stats().resumed, 1);
}

/// Ready before the transport is open, or before the greeting, is nothing.
#[test]
fn ready_out_of_place_is_nothing() {
    let mut t = Scenario::of(GREETED);
    t.at(0)
        .start()
        .expect(&["open 1 fresh #1"])
        .establish(1, Some(1))
        .inapplicable()
        .opened(1)
        .establish(1, Some(1))
        .inapplicable();
    t.phase(Phase::Establishing).wake(30_000, "greeting_timeout");
}

/// Lifecycle 18: a second ready in one session is about the session and touches no counter.
#[test]
fn a_second_ready_touches_no_counter() {
    let mut t = Scenario::online(PLAIN);
    t.ready_at(1, Some(8), Some("wss://moved")).applied().expect(&[]).phase(Phase::Online);
    assert_eq!((t.stats().fresh, t.stats().established), (1, 1));
    assert_eq!(
        (t.policy().session().sequence(), t.policy().session().endpoint()),
        (Some(8), Some(&"wss://moved"))
    );
}

/// Lifecycle 63: a session whose time to live is over when the dial comes is dropped, and the start is fresh.
#[test]
fn an_expired_session_is_not_resumed() {
    let ready = |t: &mut Scenario| {
        let (token, ttl) = (Some("s1"), Some(secs(60)));
        t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
        t.event(Event::Ready { epoch: number(1), token, endpoint: None, sequence: Some(1), ttl });
        // However long it lives: the time to live begins with the last sign of life.
        t.at(999_000).sequence(1, 2).at(1_000_000).closed(1, RESET).expect(&[]).wake(1_001_000, "backoff");
    };
    let mut t = Scenario::of(PLAIN);
    ready(&mut t);
    t.fires(1_001_000, &["open 2 resume #1"]);

    let mut t = Scenario::of(PLAIN);
    ready(&mut t);
    t.hold(0).wake(1_059_000, "session_expiry").at(1_058_999).release(0).expect(&["open 2 resume #1"]);
    // A dial that is not open yet becomes a fresh start.
    t.wake(1_059_000, "session_expiry").fires(1_059_000, &["drop_session expired"]);
    t.at(1_059_010).opened(2).expect(&["send_fresh 2"]);

    // Told at its time, not at the next dial.
    let mut t = Scenario::of(PLAIN);
    ready(&mut t);
    t.hold(0).fires(1_059_000, &["drop_session expired"]).parked(WaitReason::Hold).no_wake();
    t.at(1_060_000).release(0).expect(&["open 2 fresh #1"]);

    // What is over at the loss is dropped with it.
    let mut t = Scenario::of(PLAIN);
    ready(&mut t);
    t.fires(1_001_000, &["open 2 resume #1"])
        .at(1_001_010)
        .opened(2)
        .expect(&["send_resume 2 s1 2"])
        .resumed(2);
    t.expect(&[])
        .at(1_061_010)
        .closed(2, RESET)
        .expect(&["drop_session expired"])
        .fires(1_062_010, &["open 3 fresh #1"]);
}

/// Lifecycles 3 and 63: a resume that is not answered until its session is over ends with it, and the next dial is a call of its own.
#[test]
fn a_resume_ends_with_its_session_and_is_not_dialled_again_in_the_same_call() {
    let mut t = Scenario::of(PLAIN.to_builder().ready_timeout(Some(secs(300))).build_const());
    let (token, ttl) = (Some("s1"), Some(secs(60)));
    t.at(0).start().expect(&["open 1 fresh #1"]).opened(1).expect(&["send_fresh 1"]);
    t.event(Event::Ready { epoch: number(1), token, endpoint: None, sequence: Some(1), ttl }).expect(&[]);
    t.at(10_000).closed(1, RESET).expect(&[]).fires(11_000, &["open 2 resume #1"]);
    t.at(11_010).opened(2).expect(&["send_resume 2 s1 1"]).wake(60_000, "session_expiry");
    // Two calls at one instant, which every scenario checks.
    t.fires(60_000, &["drop_session expired", "close 2 4000", "open 3 fresh #1"]);
}

/// F30, F91: a connection that counts as established when it is open resets the backoff there and needs no session.
#[test]
fn on_open_is_established_at_once() {
    let on_open = PLAIN.to_builder().establish(redial::policy::Establish::OnOpen).build_const();
    let mut t = Scenario::of(on_open);
    t.at(0).start().expect(&["open 1 fresh #1"]).open_failed(1, REFUSED).expect(&[]).failures(1);
    t.fires(1_000, &["open 2 fresh #2"]).at(1_010).opened(2).expect(&["send_fresh 2"]).failures(0);
    t.phase(Phase::Online).no_wake();
    assert_eq!(t.stats().established, 1);
    t.at(5_000).closed(2, RESET).expect(&[]).wake(6_000, "backoff").fires(6_000, &["open 3 fresh #1"]);
    assert_eq!((t.stats().losses, t.stats().failed), (1, 1));
}

/// F31 with an open socket as success: accept-then-close must still back off when a stability time is set.
#[test]
fn on_open_with_stability_backs_off() {
    let config: Config = PLAIN
        .to_builder()
        .establish(redial::policy::Establish::OnOpen)
        .reset_after_stable(secs(30))
        .build_const();
    let mut t = Scenario::of(config);
    t.at(0).start().expect(&["open 1 fresh #1"]);
    for (epoch, wait) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000)] {
        t.opened(epoch).expect(&[&format!("send_fresh {epoch}")]).closed(epoch, NO_FRAME).expect(&[]);
        assert_eq!(t.wait(), wait);
        t.next_timer().expect(&[&format!("open {} fresh #{}", epoch + 1, epoch + 1)]);
    }
}

/// On open with a greeting: nothing is sent before it, and its deadline holds.
#[test]
fn on_open_still_waits_for_the_greeting() {
    let mut t = Scenario::of(GREETED.to_builder().establish(redial::policy::Establish::OnOpen).build_const());
    t.at(0).start().expect(&["open 1 fresh #1"]).subscribe("a", 0);
    t.at(10).opened(1).expect(&[]).phase(Phase::Establishing).wake(30_010, "greeting_timeout");
    t.at(20).greeting(1, 10_000).expect(&["send_fresh 1", "restore 1 a"]).phase(Phase::Online);
}
