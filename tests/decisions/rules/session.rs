//! Resuming: what is kept, what is sent, when a session ends.

use redial::policy::{DropReason, Endpoint, ResumeConfig, Trigger};
use redial::{Cause, Config, ConfigError, Disposition, Event, Mode, Phase, SessionState};

use crate::harness::*;

const fn with_resume(resume: ResumeConfig) -> Config {
    GATEWAY.to_builder().resume(resume).build_const()
}

/// Lost, dialled again, open and greeted; what was sent then.
fn greeted_again(rig: &mut Harness) -> Vec<redial::Action> {
    rig.redial();
    let mut actions = rig.opened();
    actions.extend(rig.greet(Some(secs(45))));
    actions
}

/// F58: where the protocol needs both, a token without a sequence can't be resumed and is dropped; then it is a fresh
/// start, never neither.
#[test]
fn f58_a_resume_needs_token_and_sequence() {
    let mut rig = Harness::started(with_resume(ResumeConfig::new().sequence_needed(true).build_const()));
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), None, None);
    assert_eq!(dropped(&rig.lose()), Some(DropReason::Incomplete));
    assert!(sent_fresh(&greeted_again(&mut rig)));
    // By default a session that never had a number resumes with the token alone.
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), None, None);
    assert_eq!(dropped(&rig.lose()), None);
    assert!(sent_resume(&greeted_again(&mut rig)));
}

/// F59: the sequence 0 is a sequence.
#[test]
fn f59_sequence_zero_resumes() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), None, Some(0));
    rig.lose();
    assert!(sent_resume(&greeted_again(&mut rig)));
    assert_eq!(rig.policy.session().sequence(), Some(0));
}

/// F60: what the new transport says before the resume went out can't move the sequence of the old one.
#[test]
fn f60_the_sequence_waits_for_the_resume() {
    let mut rig = Harness::online(GATEWAY);
    rig.sequence(5);
    rig.lose();
    rig.redial();
    rig.opened();
    rig.sequence(77);
    assert_eq!((rig.disposition(), rig.policy.session().sequence()), (Disposition::Inapplicable, Some(5)));
    assert!(sent_resume(&rig.greet(Some(secs(45)))));
    assert_eq!(rig.policy.session().sequence(), Some(5));
    rig.sequence(6);
    assert_eq!(rig.policy.session().sequence(), Some(6), "replayed events do");
}

/// F61: the sequence never moves back within a session, and only a number moves it.
#[test]
fn f61_the_sequence_never_moves_back() {
    let mut rig = Harness::online(GATEWAY);
    for (n, mark) in [(7, 7), (6, 7), (0, 7), (7, 7), (8, 8)] {
        rig.sequence(n);
        assert_eq!(rig.policy.session().sequence(), Some(mark));
    }
    let epoch = rig.epoch();
    rig.event(Event::Received { epoch });
    assert_eq!(rig.policy.session().sequence(), Some(8));
}

/// F62: a resume goes to the session's own endpoint, a fresh start to the base.
#[test]
fn f62_each_mode_has_its_endpoint() {
    let mut rig = Harness::new(GATEWAY);
    assert_eq!(open(&rig.start()), Some((Mode::Fresh, Endpoint::Base, 1)));
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://resume"), Some(1));
    rig.lose();
    assert_eq!(open(&rig.advance(secs(1))), Some((Mode::Resume, Endpoint::Session, 1)));
    assert_eq!(rig.policy.session().endpoint(), Some(&"wss://resume"));
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.invalid(false);
    assert_eq!(open(&rig.advance(secs(5))), Some((Mode::Fresh, Endpoint::Base, 2)));
}

/// F63: the session's endpoint can't be reached: to the base, with the session.
#[test]
fn f63_a_dead_endpoint_is_left_and_the_session_kept() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://resume"), Some(1));
    rig.lose();
    rig.redial();
    assert_eq!(dropped(&rig.fail(REFUSED)), None);
    assert_eq!(open(&rig.advance(secs(2))), Some((Mode::Resume, Endpoint::Base, 2)));
    rig.opened();
    assert!(sent_resume(&rig.greet(Some(secs(45)))));
}

/// F64: token, sequence and endpoint go together, and the count of failed resumes with them.
#[test]
fn f64_a_session_is_dropped_whole() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://resume"), Some(1));
    for _ in 0..2 {
        rig.lose();
        greeted_again(&mut rig);
    }
    // Two resumes have failed; then the session is refused.
    rig.invalid(false);
    let session = rig.policy.session();
    assert_eq!((session.token(), session.sequence(), session.endpoint()), (None, None, None));
    rig.recover();
    for _ in 0..3 {
        assert_eq!(dropped(&rig.lose()), None, "the new session has its own three");
        assert!(sent_resume(&greeted_again(&mut rig)));
    }
    assert_eq!(dropped(&rig.lose()), Some(DropReason::ResumeFailed));
}

/// F65: refused for good: dropped, and a fresh start after 1 to 5 s, not always the same.
#[test]
fn f65_invalid_waits_and_starts_fresh() {
    let mut waits = Vec::new();
    for seed in 0..50 {
        let mut rig = Harness::seeded(GATEWAY, seed);
        rig.start();
        rig.establish();
        assert_eq!(dropped(&rig.invalid(false)), Some(DropReason::Invalid));
        waits.push(rig.waits());
        assert!(sent_fresh(&greeted_again(&mut rig)));
    }
    assert!(waits.iter().all(|wait| (secs(1)..secs(5)).contains(wait)), "{waits:?}");
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 40, "{waits:?}");
}

/// F66: refused for now: resumed.
#[test]
fn f66_invalid_but_resumable_resumes() {
    let mut rig = Harness::online(GATEWAY);
    let actions = rig.invalid(true);
    assert!(keeps_session(&actions));
    assert_eq!(dropped(&actions), None);
    assert!(sent_resume(&greeted_again(&mut rig)));
}

/// F67: the refusal and the close of its socket are one loss.
#[test]
fn f67_invalid_and_its_close_are_one_attempt() {
    let mut rig = Harness::online(GATEWAY);
    let epoch = rig.epoch();
    rig.invalid(false);
    let due = rig.due();
    rig.event(Event::Closed { epoch, cause: Cause::CloseFrame(1000) });
    assert_eq!((rig.disposition(), rig.due()), (Disposition::Stale, due));
    assert_eq!(rig.told().mode, Mode::Fresh, "the close does not bring the session back");
    rig.redial();
    assert_eq!(rig.opens(), 2);
}

/// F68: three resumes that were sent and not granted, in a row, end the session.
#[test]
fn f68_failed_resumes_end_the_session() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    for failure in 1..=3 {
        assert!(sent_resume(&greeted_again(&mut rig)));
        assert_eq!(dropped(&rig.lose()), (failure == 3).then_some(DropReason::ResumeFailed));
    }
    assert!(sent_fresh(&greeted_again(&mut rig)));
    // One that is granted starts the count again.
    rig.ready();
    rig.lose();
    for _ in 0..2 {
        greeted_again(&mut rig);
        rig.lose();
    }
    greeted_again(&mut rig);
    rig.resumed();
    assert_eq!(dropped(&rig.lose()), None);
}

/// F69: unreachability alone costs a session nothing, and its endpoint only when count and duration agree.
#[test]
fn f69_unreachable_needs_count_and_duration() {
    let config = with_resume(ResumeConfig::new().endpoint_fallback(3, secs(180)).build_const());
    let mut rig = Harness::started(config);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://resume"), Some(1));
    rig.lose();
    let begun = rig.now;
    let mut dials = 0;
    loop {
        let open = open(&rig.advance(rig.waits())).expect("a dial");
        assert_eq!(open.0, Mode::Resume, "the session outlives any number of failed dials");
        if open.1 == Endpoint::Base {
            break;
        }
        dials += 1;
        rig.fail(REFUSED);
    }
    assert!(dials > 3 && rig.now.saturating_duration_since(begun) >= secs(180), "{dials}");
    for _ in 0..50 {
        rig.fail(REFUSED);
        rig.redial();
    }
    assert_eq!(rig.policy.session().token(), Some(&"token"));
}

/// F69: only dials in a row count: one that gets through in between starts the count again.
#[test]
fn f69_a_success_starts_the_count_again() {
    let mut rig =
        Harness::started(with_resume(ResumeConfig::new().endpoint_fallback(3, secs(0)).build_const()));
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://resume"), Some(1));
    for _ in 0..4 {
        rig.lose();
        for _ in 0..2 {
            rig.redial();
            rig.fail(REFUSED);
        }
        rig.recover();
    }
    assert_eq!(rig.policy.session().endpoint(), Some(&"wss://resume"));
}

/// F70: no close before a resume has a code that ends the session, and no config can ask for one.
#[test]
fn f70_a_close_before_a_resume_keeps_the_session() {
    for code in [0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 2999, 5000, u16::MAX] {
        assert_eq!(PLAIN.to_builder().close_code(code).build(), Err(ConfigError::CloseCode), "{code}");
    }
    let config = GATEWAY.to_builder().close_code(4900).build_const();
    let close = |lose: fn(&mut Harness) -> Vec<redial::Action>| closed(&lose(&mut Harness::online(config)));
    assert_eq!(close(Harness::reconnect_requested), Some(Some(4900)));
    assert_eq!(close(|rig| rig.invalid(true)), Some(Some(4900)));
    assert_eq!(close(|rig| rig.advance(secs(90))), Some(Some(4900)));
    assert_eq!(close(|rig| rig.stop(true)), Some(Some(4900)));
    assert_eq!(
        close(|rig| {
            let epoch = rig.epoch();
            rig.event(Event::SendFailed { epoch })
        }),
        Some(Some(4900))
    );
    assert_eq!(
        close(|rig| rig.event(Event::HostResumed { gap: secs(3_600), counted: true })),
        Some(Some(4900))
    );
}

/// F71: a stop closes with 1000 and forgets the session.
#[test]
fn f71_stop_ends_the_session() {
    let mut rig = Harness::online(GATEWAY);
    let actions = rig.stop(false);
    assert_eq!((closed(&actions), dropped(&actions)), (Some(Some(1000)), Some(DropReason::Stop)));
    assert!(rig.policy.session().is_empty());
    assert_eq!(open(&rig.start()).map(|open| open.0), Some(Mode::Fresh));
}

/// F72: a stop that keeps the session; another process resumes it.
#[test]
fn f72_a_session_moves_to_another_process() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://resume"), Some(41));
    assert!(keeps_session(&rig.stop(true)));
    let mut next = Harness::importing(GATEWAY, rig.policy.session().clone());
    assert_eq!(open(&next.start()), Some((Mode::Resume, Endpoint::Session, 1)));
    next.opened();
    assert!(sent_resume(&next.greet(Some(secs(45)))));
    next.resumed();
    assert_eq!((next.phase(), next.policy.session().sequence()), (Phase::Online, Some(41)));
    // And so does the same one.
    assert_eq!(open(&rig.start()).map(|open| open.0), Some(Mode::Resume));
}

/// F73: nothing is sent before the greeting.
#[test]
fn f73_a_resume_waits_for_the_greeting() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    rig.redial();
    assert!(rig.opened().is_empty());
    assert!(rig.advance(secs(29)).is_empty());
    assert!(sent_resume(&rig.greet(Some(secs(45)))));
}

/// F74: a reconnect request before the greeting, or in place of it, is honoured.
#[test]
fn f74_a_request_before_the_greeting() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    rig.redial();
    rig.opened();
    assert!(keeps_session(&rig.reconnect_requested()));
    assert!(sent_resume(&greeted_again(&mut rig)));
}

/// F75, lifecycle 60: a resumed session says so and restores nothing; a fresh one says so and restores all.
#[test]
fn f75_fresh_and_resumed_are_told_apart() {
    let mut rig = Harness::started(GATEWAY);
    rig.subscribe("a");
    rig.opened();
    rig.greet(Some(secs(45)));
    assert_eq!(restores(&rig.ready()), 1);
    assert_eq!((rig.told().trigger, rig.policy.stats().fresh), (Trigger::Ready, 1));
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionConfirmed { epoch, key: "a", send: None });
    rig.lose();
    greeted_again(&mut rig);
    assert_eq!(restores(&rig.resumed()), 0);
    assert_eq!(
        (rig.told().trigger, rig.policy.stats().resumed, rig.policy.stats().fresh),
        (Trigger::Resumed, 1, 1)
    );
    assert_eq!(rig.phase(), Phase::Online);
}

/// S59: who holds messages while the connection is down, and lets go when it is online, does so after "ready" like after
/// "resumed"; before that nothing says online.
#[test]
fn s59_held_messages_are_released_either_way() {
    let mut rig = Harness::started(GATEWAY);
    for resumed in [false, true, true] {
        let mut held = vec!["message"];
        let mut release = |rig: &Harness| {
            if rig.phase() == Phase::Online {
                held.clear()
            }
        };
        release(&rig);
        rig.opened();
        release(&rig);
        assert_eq!(sent_resume(&rig.greet(Some(secs(45)))), resumed);
        release(&rig);
        let before = rig.phase();
        if resumed {
            rig.resumed()
        } else {
            rig.ready()
        };
        assert_eq!((before, rig.phase()), (Phase::Establishing, Phase::Online));
        release(&rig);
        assert!(held.is_empty());
        rig.lose();
        rig.redial();
    }
}

/// F78, lifecycle 61, 62: a refused resume is followed by a fresh start with everything restored; nothing of the old
/// session is sent again.
#[test]
fn f78_a_refused_resume_leads_to_fresh() {
    // Refused by a new session on the same transport.
    let mut rig = Harness::started(GATEWAY);
    rig.subscribe("a");
    rig.establish();
    rig.sequence(500);
    let epoch = rig.epoch();
    rig.event(Event::SubscriptionConfirmed { epoch, key: "a", send: None });
    rig.lose();
    assert!(sent_resume(&greeted_again(&mut rig)));
    assert_eq!(restores(&rig.ready_as(Some("new"), None, Some(1))), 1);
    assert_eq!(rig.policy.session(), &SessionState::resumable("new", None, Some(1)));
    assert_eq!((rig.phase(), rig.batch()), (Phase::Online, vec!["a"]));
    // Refused outright.
    rig.lose();
    assert!(sent_resume(&greeted_again(&mut rig)));
    rig.invalid(false);
    let actions = greeted_again(&mut rig);
    assert!(sent_fresh(&actions) && !sent_resume(&actions));
    assert_eq!(restores(&rig.ready_as(Some("newer"), None, Some(1))), 1);
}
