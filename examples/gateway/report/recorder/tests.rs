//! What the judge lets pass, and what not.

use super::*;
use crate::report::server_event::By;

fn with_session() -> Recorder {
    let recorder = Recorder::new();
    recorder.session_begins();
    recorder.healthy(recorder.now(), How::Fresh);
    recorder
}

/// A hole is a loss even while the session lives; what is still on its way is not.
#[test]
fn a_hole_is_lost_and_the_tail_is_not_yet() {
    let recorder = with_session();
    for n in 1..=4 {
        assert_eq!(recorder.generated(), n);
    }
    recorder.delivered(1);
    assert!(recorder.complaints().is_empty());
    recorder.delivered(3);
    assert_eq!(recorder.complaints(), ["1 events lost where the server could resume"]);
    assert_eq!(recorder.rows()[0].lost, 1);
}

/// The tail of a session that the server ended is excused and charged to the fault that ended it.
#[test]
fn a_tail_is_excused_only_where_the_server_ended_the_session() {
    for (fault, excused) in [(Fault::SessionTimedOut, true), (Fault::Drop, false)] {
        let recorder = with_session();
        assert_eq!(recorder.generated(), 1);
        recorder.record(ServerEvent::Fault(fault));
        recorder.record(ServerEvent::SessionEnded);
        recorder.healthy(recorder.now(), How::Fresh);
        assert_eq!(recorder.rows()[1].lost, 1);
        assert_eq!(recorder.complaints().is_empty(), excused, "{fault:?}");
    }
}

#[test]
fn what_comes_twice_out_of_order_or_from_nowhere_is_a_complaint() {
    let recorder = with_session();
    for n in 1..=2 {
        assert_eq!(recorder.generated(), n);
    }
    for n in [2, 2, 1, 0, 3] {
        recorder.delivered(n);
    }
    assert_eq!(
        recorder.complaints(),
        [
            "event 2 delivered twice",
            "event 1 delivered after 2",
            "event 0 was delivered but never sent",
            "event 3 was delivered but never sent",
        ]
    );
    assert_eq!(recorder.rows()[0].twice, 1);
}

#[tokio::test(start_paused = true)]
async fn early_dials_and_two_sockets_are_complaints() {
    let recorder = with_session();
    let first = recorder.dial(Some(Instant::now()));
    drop(first);
    let second = recorder.dial(None);
    assert!(recorder.complaints().is_empty());
    let third = recorder.dial(Some(Instant::now() + Duration::from_millis(3)));
    assert_eq!(
        recorder.complaints(),
        ["dialled 3ms before the policy allows", "first connection: 2 sockets open at once"]
    );
    drop((second, third));
}

#[test]
fn a_request_has_one_answer_where_the_end_was_announced() {
    let recorder = with_session();
    for fault in [Fault::Drop, Fault::Drained] {
        recorder.record(ServerEvent::Fault(fault));
        recorder.healthy(recorder.now(), How::Resumed);
        recorder.requested();
    }
    assert_eq!(recorder.complaints(), ["1 requests unanswered where the end was announced"]);
    recorder.answered(2);
    assert!(recorder.complaints().is_empty());
    recorder.answered(2);
    recorder.answered(3);
    assert_eq!(recorder.complaints(), ["request 2 answered twice", "request 3 answered but never made"]);
    let totals = recorder.totals();
    assert_eq!((totals.requests, totals.answered), (2, 1));
}

/// A second socket is right where the end of the first is announced, a third one nowhere; a socket that is left over is the
/// next fault's.
#[test]
fn two_sockets_are_right_during_a_handover_and_only_then() {
    let recorder = with_session();
    let first = recorder.dial(None);
    recorder.record(ServerEvent::Fault(Fault::PlannedRotation));
    let second = recorder.dial(None);
    recorder.healthy(recorder.now(), How::Resumed);
    assert!(recorder.complaints().is_empty(), "{:?}", recorder.complaints());
    assert_eq!(recorder.rows()[1].sockets, 2);
    recorder.record(ServerEvent::Fault(Fault::Drop));
    recorder.healthy(recorder.now(), How::Resumed);
    assert_eq!(recorder.complaints(), ["plain drop: 2 sockets open at once"]);
    drop(first);
    recorder.record(ServerEvent::Fault(Fault::Moved));
    let (third, fourth) = (recorder.dial(None), recorder.dial(None));
    recorder.healthy(recorder.now(), How::Resumed);
    assert_eq!(recorder.complaints()[1..], ["moved to another URL: 3 sockets open at once"]);
    drop((second, third, fourth));
}

/// Either side's word is enough: a planned end that leaves a gap is a complaint, and any other may.
#[tokio::test(start_paused = true)]
async fn a_gap_is_a_complaint_where_the_end_was_announced_in_time() {
    for (fault, right) in [(Fault::Deploy, false), (Fault::DeployTooSlow, true), (Fault::Drop, true)] {
        for side in [Recorder::live, Recorder::served] {
            let recorder = with_session();
            side(&recorder, true);
            recorder.record(ServerEvent::Fault(fault));
            side(&recorder, false);
            tokio::time::advance(Duration::from_millis(7)).await;
            side(&recorder, true);
            recorder.healthy(recorder.now(), How::Resumed);
            assert_eq!(recorder.rows()[1].gap, Duration::from_millis(7));
            let gap = format!("{}: 7ms without a connection", fault.name());
            assert_eq!(recorder.complaints(), if right { vec![] } else { vec![gap] });
        }
    }
}

#[test]
fn a_fatal_end_is_survived_only_by_staying_away() {
    let recorder = with_session();
    recorder.record(ServerEvent::Fault(Fault::Fatal));
    assert!(!recorder.rows()[1].recovered, "nothing was closed yet");
    recorder.record(ServerEvent::Closed { conn: 1, by: By::Server, code: Some(4004) });
    assert!(recorder.rows()[1].recovered);
    drop(recorder.dial(None));
    assert!(!recorder.rows()[1].recovered);
}
