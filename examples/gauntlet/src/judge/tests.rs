//! Each judge, on timelines in which it must find for the client and against it.

use super::*;

/// A timeline in the words of this file: `milliseconds connection what`, separated by semicolons.
pub(crate) fn timeline(text: &str) -> Vec<Entry> {
    text.split(';').map(|line| line.trim()).filter(|line| !line.is_empty()).map(entry).collect()
}

fn entry(line: &str) -> Entry {
    let words: Vec<_> = line.split_whitespace().collect();
    let [at, conn, what, rest @ ..] = words.as_slice() else { panic!("too short: {line}") };
    let number = |index: usize| rest.get(index).and_then(|word| word.parse::<u64>().ok());
    let word = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
    let what = match *what {
        "dial" => What::Dial { door: u8::try_from(number(0).unwrap_or(0)).unwrap() },
        "request" => What::Request { target: word(0), upgrade: true },
        "open" => What::Open,
        "fault" => What::Fault,
        "text" => What::Text { text: rest.join(" ") },
        "pong" => What::Pong { text: rest.join(" ") },
        "close" => What::Close { code: number(0).map(|code| u16::try_from(code).unwrap()) },
        "gone" => What::Gone { reset: false },
        "cut" => What::Cut,
        "identify" => What::Identify,
        "resume" => What::Resume { session: word(0), seq: number(1) },
        "heartbeat" => What::Heartbeat { seq: number(0) },
        "sequence" => What::Sequence { seq: number(0).unwrap() },
        "connect" => What::Connect {
            version: u8::try_from(number(0).unwrap()).unwrap(),
            clean: number(1) == Some(1),
            keep_alive: u16::try_from(number(2).unwrap()).unwrap(),
        },
        "subscribe" => What::Subscribe { topics: rest.iter().map(|topic| (*topic).to_owned()).collect() },
        "pingreq" => What::PingReq,
        "puback" => What::PubAck { packet: 9 },
        "disconnect" => What::Disconnect { reason: 0 },
        "signal" => What::Signal,
        "exit" => What::Exit { status: number(0).map(|status| i32::try_from(status).unwrap()) },
        other => panic!("no such thing: {other}"),
    };
    Entry { at: at.parse().unwrap(), conn: conn.parse().unwrap(), what }
}

/// What a judge says when it has seen this, at this time, with nothing more to come.
pub(crate) fn at_end(judge: impl Fn(&Seen<'_>) -> Option<Verdict>, text: &str, now: u64) -> Option<Verdict> {
    let entries = timeline(text);
    judge(&Seen { entries: &entries, now, over: true, slow: 1.0 })
}

/// And what it says while more may come.
pub(crate) fn so_far(judge: impl Fn(&Seen<'_>) -> Option<Verdict>, text: &str, now: u64) -> Option<Verdict> {
    let entries = timeline(text);
    judge(&Seen { entries: &entries, now, over: false, slow: 1.0 })
}

#[track_caller]
pub(crate) fn passes(judge: impl Fn(&Seen<'_>) -> Option<Verdict>, text: &str, now: u64) {
    let verdict = at_end(judge, text, now).expect("a verdict");
    assert_eq!(verdict.outcome, Outcome::Pass, "{}", verdict.reason);
}

#[track_caller]
pub(crate) fn fails(judge: impl Fn(&Seen<'_>) -> Option<Verdict>, text: &str, now: u64) {
    let verdict = at_end(judge, text, now).expect("a verdict");
    assert_eq!(verdict.outcome, Outcome::Fail, "{}", verdict.reason);
}

/// A connection that is lost after 700 ms.
pub(crate) const LOST: &str = "0 1 dial; 2 1 open; 700 1 fault; 700 1 cut;";

fn lost(then: &str) -> String {
    format!("{LOST} {then}")
}

#[test]
fn who_comes_back_is_back() {
    passes(back(10_000), &lost("1700 2 dial; 1702 2 open"), 3_000);
    fails(back(10_000), &lost("1700 2 dial; 1702 2 cut"), 11_000);
    fails(back(10_000), &lost(""), 11_000);
    fails(back(10_000), &lost("900 0 exit 0"), 11_000);
    assert_eq!(
        so_far(back(10_000), &lost("1700 2 dial; 1702 2 open"), 1_800),
        None,
        "a second dial may follow"
    );
    assert_eq!(so_far(back(10_000), LOST, 9_000), None);
    let early = so_far(back(10_000), LOST, 11_000).expect("the time is over");
    assert_eq!(early.outcome, Outcome::Fail);
}

#[test]
fn who_goes_on_need_not_dial() {
    passes(goes_on(10_000), "0 1 dial; 2 1 open; 700 1 fault; 750 1 open", 3_000);
    passes(goes_on(10_000), &lost("1700 2 dial; 1702 2 open"), 3_000);
    fails(goes_on(10_000), LOST, 11_000);
    fails(back(10_000), "0 1 dial; 2 1 open; 700 1 fault; 750 1 open", 11_000);
}

#[test]
fn a_limit_is_stretched() {
    let entries = timeline(LOST);
    let slow = Seen { entries: &entries, now: 11_000, over: false, slow: 2.0 };
    assert_eq!(back(10_000)(&slow), None);
}

#[test]
fn who_was_asked_to_wait_waits() {
    passes(returns(5_000, 30_000), &lost("5700 2 dial; 5702 2 open"), 8_000);
    fails(returns(5_000, 30_000), &lost("5000 2 dial; 5002 2 open"), 8_000);
    fails(returns(5_000, 30_000), &lost(""), 31_000);
}

#[test]
fn what_is_final_ends_it() {
    passes(stops(), &lost(""), 12_000);
    passes(stops(), &lost("900 0 exit 1"), 12_000);
    fails(stops(), &lost("9000 2 dial"), 12_000);
}

#[test]
fn dials_are_counted() {
    passes(sparing(2), &lost("1000 2 dial; 2000 3 dial"), 12_000);
    passes(sparing(0), &lost("1000 0 exit 1"), 12_000);
    fails(sparing(1), &lost("1000 2 dial; 2000 3 dial"), 12_000);
}

#[test]
fn waits_grow_or_are_long() {
    let growing = "1 1 fault; 1000 2 dial; 3000 3 dial; 7000 4 dial; 15000 5 dial; 31000 6 dial";
    passes(slows(), growing, 40_000);
    let long = (1..8).map(|n| format!("{} {n} dial;", n * 5_000)).collect::<String>();
    passes(slows(), &format!("1 1 fault; {long}"), 40_000);
    let fixed = (1..40).map(|n| format!("{} {n} dial;", n * 1_000)).collect::<String>();
    fails(slows(), &format!("1 1 fault; {fixed}"), 40_000);
    fails(slows(), "1 1 fault", 40_000);
    passes(slows(), "1 1 fault; 1000 2 dial; 2000 0 exit 1", 40_000);
}

#[test]
fn a_broken_connection_is_ended() {
    passes(ends(5_000), "0 1 dial; 2 1 open; 700 1 fault; 701 1 close 1002; 702 1 cut", 9_000);
    passes(ends(5_000), "0 1 dial; 2 1 open; 700 1 fault; 701 1 gone", 9_000);
    fails(ends(5_000), "0 1 dial; 2 1 open; 700 1 fault", 9_000);
    let told = at_end(ends(5_000), "0 1 dial; 700 1 fault; 701 1 close 1002", 9_000).unwrap();
    assert!(told.reason.contains("1002"), "{}", told.reason);
}

#[test]
fn a_sound_connection_is_kept() {
    passes(stays(), "0 1 dial; 2 1 open; 700 1 fault", 5_000);
    fails(stays(), "0 1 dial; 2 1 open; 700 1 fault; 900 1 gone", 5_000);
    fails(stays(), "0 1 dial; 2 1 open; 700 1 fault; 900 2 dial", 5_000);
    fails(stays(), "0 1 dial; 2 1 open; 700 1 fault; 900 0 exit 1", 5_000);
}

#[test]
fn a_request_to_end_is_obeyed() {
    passes(obeys(3_000), "1 1 fault; 3000 0 signal; 3100 0 exit", 4_000);
    fails(obeys(3_000), "1 1 fault; 3000 0 signal", 7_000);
    fails(obeys(3_000), "1 1 fault; 2000 0 exit 0; 3000 0 signal", 7_000);
}

#[test]
fn a_herd_is_spread() {
    let connected = (1..=20).map(|n| format!("0 {n} dial; 1 {n} open;")).collect::<String>();
    let after =
        |gap: u64| (0..20).map(|n| format!("{} {} dial;", 1_000 + n * gap, 21 + n)).collect::<String>();
    passes(spreads(), &format!("{connected} 900 1 fault; {}", after(50)), 20_000);
    fails(spreads(), &format!("{connected} 900 1 fault; {}", after(1)), 20_000);
    fails(spreads(), &format!("{connected} 900 1 fault"), 20_000);
}

#[test]
fn nobody_may_hammer_or_have_two() {
    let hammering = (1..12).map(|n| format!("{} {n} dial;", n * 50)).collect::<String>();
    fails(always, &hammering, 2_000);
    fails(always, "0 1 dial; 1 1 open; 50 2 dial; 51 2 open", 10_000);
    assert_eq!(at_end(always, "0 1 dial; 1 1 open; 50 2 dial; 51 2 open; 400 1 gone", 10_000), None);
    assert_eq!(at_end(always, &lost("1700 2 dial; 1702 2 open"), 10_000), None);
}

#[test]
fn leaving_is_not_giving_up_silently() {
    let outcome = |verdict: Option<Verdict>| verdict.expect("a verdict").outcome;
    assert_eq!(outcome(at_end(back_or_leaves(9_000), &lost("900 0 exit 1"), 11_000)), Outcome::NotApplicable);
    fails(back_or_leaves(9_000), LOST, 11_000);
    passes(back_or_ended(9_000), "0 1 dial; 1 1 fault; 2 0 exit 1", 11_000);
    fails(back_or_ended(9_000), "0 1 dial; 1 1 fault", 11_000);
    fails(back_or_ended(9_000), &lost("900 0 exit 1"), 11_000);
}

#[test]
fn of_two_judges_the_first_to_find_against_the_client_counts() {
    let then = "1700 2 dial; 1702 2 open";
    passes(
        both(back(9_000), ends(9_000)),
        &format!("0 1 dial; 2 1 open; 700 1 fault; 701 1 gone; {then}"),
        11_000,
    );
    fails(both(back(9_000), ends(9_000)), &lost(then), 11_000);
    fails(both(ends(9_000), back(9_000)), "0 1 dial; 2 1 open; 700 1 fault; 701 1 gone", 11_000);
}
