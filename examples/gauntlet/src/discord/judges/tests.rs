use super::*;
use crate::judge::tests::{at_end, fails, passes};
use crate::verdict::Outcome;

/// A session with three events, lost, and the next connection at that door with that query.
fn next_with(begin: &str) -> String {
    format!(
        "0 1 dial; 1 1 identify; 1 1 sequence 1; 2 1 open; 3 1 sequence 2; 4 1 sequence 3; 700 1 fault; 700 1 cut; {begin}"
    )
}

#[test]
fn a_session_is_resumed_from_the_newest_event() {
    passes(begins(Begins::Resume), &next_with("900 2 dial; 901 2 resume session-1 3"), 9_000);
    fails(begins(Begins::Resume), &next_with("900 2 dial; 901 2 resume session-1 2"), 9_000);
    fails(begins(Begins::Resume), &next_with("900 2 dial; 901 2 resume session-1"), 9_000);
    fails(begins(Begins::Resume), &next_with("900 2 dial; 901 2 identify"), 9_000);
    passes(begins(Begins::Identify), &next_with("900 2 dial; 901 2 identify"), 9_000);
    fails(begins(Begins::Identify), &next_with("900 2 dial; 901 2 resume session-1 3"), 9_000);
    passes(begins(Begins::Either), &next_with("900 2 dial; 901 2 identify"), 9_000);
    passes(begins(Begins::Either), &next_with("900 2 dial; 901 2 resume session-1 3"), 9_000);
    assert_eq!(
        at_end(begins(Begins::Resume), &next_with(""), 9_000),
        None,
        "another judge says that it is away"
    );
}

#[test]
fn a_resume_goes_where_the_server_said() {
    let at = |door| {
        next_with(&format!("900 2 dial {door}; 900 2 request /?v=10&encoding=json; 901 2 resume session-1 3"))
    };
    passes(goes_to(1), &at(1), 9_000);
    fails(goes_to(1), &at(0), 9_000);
    fails(goes_to(0), &at(1), 9_000);
    passes(query, &at(1), 9_000);
    fails(query, &next_with("900 2 dial; 900 2 request /?v=10; 901 2 resume session-1 3"), 9_000);
    fails(query, &next_with("900 2 dial; 900 2 request /; 901 2 identify"), 9_000);
}

#[test]
fn a_session_is_not_closed_by_the_code() {
    let closed = |how: &str| format!("0 1 dial; 1 1 open; 700 1 fault; 701 1 {how}");
    passes(closes_resumably, &closed("close 4000"), 9_000);
    passes(closes_resumably, &closed("gone"), 9_000);
    fails(closes_resumably, &closed("close 1000"), 9_000);
    fails(closes_resumably, &closed("close 1001"), 9_000);
    assert_eq!(at_end(closes_resumably, "0 1 dial; 1 1 open; 700 1 fault", 9_000), None);
}

#[test]
fn heartbeats_keep_the_interval() {
    let every =
        |ms: u64| (1..20).map(|n| format!("{} 1 heartbeat;", n * ms)).filter(|_| true).collect::<String>();
    let until = |text: String, end: u64| {
        let kept = text.split(';').filter(|line| {
            line.split_whitespace().next().and_then(|at| at.parse::<u64>().ok()).is_some_and(|at| at < end)
        });
        format!("0 1 dial; 1 1 fault; {}", kept.collect::<Vec<_>>().join(";"))
    };
    passes(regular(1_500), &until(every(1_500), 10_000), 10_000);
    fails(regular(1_500), &until(every(700), 10_000), 10_000);
    fails(regular(1_500), &until(every(3_000), 10_000), 10_000);
    fails(regular(1_500), &until(every(1_500), 5_000), 10_000);
    fails(regular(1_500), "0 1 dial; 1 1 fault", 10_000);
}

#[test]
fn heartbeats_have_the_newest_number() {
    let text = |said: &str| {
        format!(
            "0 1 dial; 1 1 fault; 1 1 sequence 1; 1000 1 heartbeat 1; 2000 1 sequence 2; 3000 1 heartbeat {said}"
        )
    };
    passes(numbered, &text("2"), 8_000);
    fails(numbered, &text("1"), 8_000);
    fails(numbered, &text("null"), 8_000);
    fails(numbered, "0 1 dial; 1 1 fault; 1 1 sequence 1", 8_000);
}

#[test]
fn a_request_is_answered_at_once() {
    passes(answers_request, "0 1 dial; 500 1 fault; 510 1 heartbeat 1", 3_000);
    fails(answers_request, "0 1 dial; 500 1 fault; 2900 1 heartbeat 1", 3_000);
    fails(answers_request, "0 1 dial; 500 1 fault", 3_000);
}

#[test]
fn first_heartbeats_are_spread() {
    let clients = |gap: u64| {
        (1..=8).map(|n| format!("{n} {n} open; {} {n} heartbeat;", 100 + n * gap)).collect::<String>()
    };
    passes(first_heartbeats_spread(3_000), &format!("9 1 fault; {}", clients(300)), 4_000);
    fails(first_heartbeats_spread(3_000), &format!("9 1 fault; {}", clients(2)), 4_000);
    fails(first_heartbeats_spread(3_000), "9 1 fault; 10 1 open", 4_000);
}

#[test]
fn identifies_are_counted() {
    passes(identifies(2), "0 1 identify; 1 1 fault; 9000 2 identify", 40_000);
    fails(identifies(2), "0 1 identify; 1 1 fault; 9000 2 identify; 9100 3 identify", 40_000);
    assert_eq!(
        at_end(identifies(2), "0 1 identify; 1 1 fault", 40_000).map(|verdict| verdict.outcome),
        Some(Outcome::Pass)
    );
}
