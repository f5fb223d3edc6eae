use super::*;
use crate::judge::tests::{at_end, fails, passes};
use crate::verdict::Outcome;

const CLEAN: &str = "0 1 dial; 1 1 connect 5 1 5; 2 1 open; 3 1 subscribe a b;";
const OLD: &str = "0 1 dial; 1 1 connect 4 0 5; 2 1 open; 3 1 subscribe a b;";

fn then(text: &str) -> String {
    format!("{CLEAN} 900 1 fault; 900 1 cut; {text}")
}

#[test]
fn topics_are_subscribed_to_again_once() {
    passes(resubscribed, &then("1900 2 dial; 1901 2 open; 1902 2 subscribe a b"), 9_000);
    passes(resubscribed, &then("1900 2 dial; 1901 2 open; 1902 2 subscribe a; 1903 2 subscribe b"), 9_000);
    fails(resubscribed, &then("1900 2 dial; 1901 2 open"), 9_000);
    fails(resubscribed, &then("1900 2 dial; 1901 2 open; 1902 2 subscribe a"), 9_000);
    fails(resubscribed, &then("1900 2 dial; 1901 2 open; 1902 2 subscribe a b; 1903 2 subscribe a"), 9_000);
    passes(subscribed_or_kept, &format!("{OLD} 900 1 fault; 1900 2 dial; 1901 2 open"), 9_000);
    fails(subscribed_or_kept, &then("1900 2 dial; 1901 2 open"), 9_000);
}

#[test]
fn the_older_version_is_not_asked_for_what_it_has_not() {
    let outcome = |text: &str| at_end(version_5(refuses_session), text, 9_000).map(|verdict| verdict.outcome);
    assert_eq!(outcome(OLD), Some(Outcome::NotApplicable));
    assert_eq!(outcome(CLEAN), Some(Outcome::Fail));
}

#[test]
fn a_keep_alive_is_kept() {
    let pinged = "10 1 fault; 5000 1 pingreq; 10000 1 pingreq; 15000 1 pingreq";
    passes(keeps_alive(None), &format!("{CLEAN} {pinged}"), 20_000);
    fails(keeps_alive(None), &format!("{CLEAN} 10 1 fault; 5000 1 pingreq"), 20_000);
    fails(keeps_alive(Some(3)), &format!("{CLEAN} {pinged}"), 20_000);
    fails(keeps_alive(None), &format!("{CLEAN} {pinged}; 16000 1 gone"), 20_000);
    let none = at_end(keeps_alive(None), "0 1 dial; 1 1 connect 5 1 0; 2 1 open; 3 1 fault", 20_000);
    assert_eq!(none.map(|verdict| verdict.outcome), Some(Outcome::NotApplicable));
}

#[test]
fn silence_is_found_out() {
    passes(finds_out, &format!("{CLEAN} 900 1 fault; 5000 1 pingreq; 10000 1 gone"), 30_000);
    fails(finds_out, &format!("{CLEAN} 900 1 fault; 5000 1 pingreq; 29000 1 gone"), 30_000);
    fails(finds_out, &format!("{CLEAN} 900 1 fault"), 30_000);
}

#[test]
fn a_message_is_acknowledged() {
    passes(acknowledges, &format!("{CLEAN} 700 1 fault; 701 1 puback"), 5_000);
    fails(acknowledges, &format!("{CLEAN} 700 1 fault"), 5_000);
}

#[test]
fn a_session_that_nobody_has_is_refused() {
    passes(refuses_session, &format!("{CLEAN} 2 1 fault; 12 1 gone"), 9_000);
    fails(refuses_session, &format!("{CLEAN} 2 1 fault"), 9_000);
    let kept = at_end(refuses_session, &format!("{OLD} 2 1 fault"), 9_000);
    assert_eq!(kept.map(|verdict| verdict.outcome), Some(Outcome::NotApplicable));
}
