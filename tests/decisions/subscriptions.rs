//! The set of desired subscriptions: what is sent, in which order, and how often.

mod identity;
mod kept;
mod model;
mod none;

use std::fmt::Debug;
#[cfg(feature = "serde")]
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::size_of;
use std::time::Duration;

use proptest::prelude::*;
use redial::Instant;
use redial::policy::WaitReason;
use redial::subscriptions::{
    FixedSubscriptions, Full, NoSubscriptions, Subscribed, SubscriptionState as State, Subscriptions,
};

type Set = FixedSubscriptions<&'static str, 8>;

const NOW: Instant = Instant::from_millis(1_000);
const LATER: Instant = Instant::from_millis(2_000);
const ALL: usize = usize::MAX;

/// Keys asked for in this order, all with priority 0.
fn set(keys: &[&'static str]) -> Set {
    let mut set = Set::new();
    for key in keys {
        assert_eq!(set.subscribe(key, 0), Ok(Subscribed::Added));
    }
    set
}

/// Takes a batch and returns its keys.
#[track_caller]
fn take<S: Subscriptions>(set: &mut S, max: usize, now: Instant) -> Vec<S::Key> {
    let taken = set.take_batch(max, now);
    let batch: Vec<_> = set.batch().cloned().collect();
    assert_eq!(taken, batch.len());
    batch
}

#[track_caller]
fn state<S: Subscriptions>(set: &S, key: S::Key) -> State {
    set.find(&key).expect("desired").state()
}

/// F93, S76: refused for good or for now, a key stays desired; the next session sends it again.
#[test]
fn a_failed_restore_leaves_the_desired_set_unchanged() {
    let mut set = set(&["a", "b"]);
    take(&mut set, ALL, NOW);
    assert!(set.fail(&"a", None));
    assert!(set.fail(&"b", Some(LATER)));
    assert_eq!(set.len(), 2);

    set.transport_lost();
    set.session_started();
    assert_eq!(take(&mut set, ALL, NOW), ["a", "b"]);
}

/// F94: an answer for a key that was not asked for adds nothing, and one that was not sent yet isn't confirmed.
#[test]
fn answers_never_add_a_key() {
    let mut set = set(&["a"]);
    assert!(!set.confirm(&"stranger"));
    assert!(!set.fail(&"stranger", Some(NOW)));
    assert!(set.find(&"stranger").is_none());
    assert_eq!(set.failures(&"stranger"), 0);

    assert!(!set.confirm(&"a"));
    assert!(!set.fail(&"a", None));
    assert_eq!(state(&set, "a"), State::Pending);
}

/// F95, S77: gone is gone, before and after the loss, whatever the server still says about it.
#[test]
fn an_unsubscribed_key_is_never_restored() {
    let mut set = set(&["a", "b"]);
    take(&mut set, ALL, NOW);
    assert!(set.confirm(&"a"));
    assert!(set.unsubscribe(&"a"));
    assert!(!set.unsubscribe(&"a"));
    assert!(!set.confirm(&"a"));

    set.transport_lost();
    set.session_started();
    assert_eq!(take(&mut set, ALL, NOW), ["b"]);
}

/// F95: a key that is unsubscribed between taking and reading the batch isn't in it.
#[test]
fn an_unsubscribed_key_leaves_the_batch() {
    let mut set = set(&["a", "b", "c"]);
    take(&mut set, ALL, NOW);
    set.unsubscribe(&"b");
    assert!(set.batch().eq(&["a", "c"]));
}

/// F96, S78, lifecycle 67: lost in the middle of a restore and resumed, the rest is sent once, the confirmed not again.
#[test]
fn after_a_resume_only_the_unconfirmed_are_sent_once() {
    let mut set = set(&["a", "b", "c"]);
    take(&mut set, 2, NOW);
    assert!(set.confirm(&"a"));
    assert_eq!(set.unconfirmed(), 1);

    set.transport_lost();
    assert_eq!(set.unconfirmed(), 0);
    assert_eq!(set.batch().count(), 0);
    assert!(!set.confirm(&"b"), "nothing is in flight on a lost connection");

    assert_eq!(take(&mut set, ALL, NOW), ["b", "c"]);
    assert_eq!(take(&mut set, ALL, LATER), [""; 0]);
    assert_eq!(state(&set, "a"), State::Confirmed);
}

/// S78: unconfirmed at the loss, sent exactly once in the new session.
#[test]
fn after_a_new_session_the_unconfirmed_is_sent_once() {
    let mut set = set(&["a"]);
    take(&mut set, ALL, NOW);
    set.transport_lost();
    set.session_started();
    assert_eq!(take(&mut set, ALL, NOW), ["a"]);
    assert!(!set.has_pending(Instant::MAX));
    assert_eq!(take(&mut set, ALL, Instant::MAX), [""; 0]);
}

/// F99: nothing desired, nothing sent; and a batch of none takes none.
#[test]
fn an_empty_set_sends_nothing() {
    let mut empty = Set::new();
    empty.session_started();
    assert!(empty.is_empty() && !empty.has_pending(Instant::MAX));
    assert_eq!((empty.take_batch(ALL, Instant::MAX), empty.next_retry()), (0, None));

    let mut set = set(&["a"]);
    assert_eq!(set.take_batch(0, NOW), 0);
    assert!(set.has_pending(NOW));
}

/// S76, lifecycle 68: only the refused key backs off; its failures in a row are counted for the backoff.
#[test]
fn a_key_refused_for_now_backs_off_alone() {
    let mut set = set(&["a", "b"]);
    take(&mut set, ALL, NOW);
    assert!(set.fail(&"a", Some(LATER)));
    assert!(!set.fail(&"a", None), "one answer each");
    assert!(set.confirm(&"b"));
    assert_eq!((state(&set, "a"), state(&set, "b")), (State::Waiting { until: LATER }, State::Confirmed));
    assert_eq!((set.has_pending(NOW), set.next_retry()), (false, Some(LATER)));
    assert_eq!(take(&mut set, ALL, Instant::from_micros(1_999_999)), [""; 0]);

    assert!(set.has_pending(LATER));
    assert_eq!(take(&mut set, ALL, LATER), ["a"]);
    assert!(set.fail(&"a", Some(LATER)));
    assert_eq!(set.failures(&"a"), 2);
    take(&mut set, ALL, LATER);
    assert!(set.confirm(&"a"));
    assert_eq!((set.failures(&"a"), set.next_retry()), (2, None), "a server may confirm and end it in turns");
    set.transport_lost();
    assert_eq!(set.failures(&"a"), 0, "confirmed to the end");
}

/// S76: of several waits the earliest is the next.
#[test]
fn the_earliest_wait_is_the_next_retry() {
    let mut set = set(&["a", "b"]);
    take(&mut set, ALL, NOW);
    set.fail(&"a", Some(Instant::MAX));
    set.fail(&"b", Some(LATER));
    assert_eq!(set.next_retry(), Some(LATER));
}

/// Lifecycle 68: the timers die with the connection; the count of failures doesn't, so flapping resets no backoff.
#[test]
fn a_wait_ends_with_its_connection() {
    let mut set = set(&["a"]);
    take(&mut set, ALL, NOW);
    set.fail(&"a", Some(Instant::MAX));
    set.transport_lost();
    assert_eq!((state(&set, "a"), set.next_retry(), set.failures(&"a")), (State::Pending, None, 1));
}

/// F93: the server ends a subscription that it had confirmed; it is still desired.
#[test]
fn a_confirmed_key_that_the_server_ends_is_tried_again() {
    let mut set = set(&["a"]);
    take(&mut set, ALL, NOW);
    set.confirm(&"a");
    assert!(set.fail(&"a", Some(LATER)));
    assert_eq!(take(&mut set, ALL, LATER), ["a"]);
}

/// F93: refused for good means for this session, resumed or not, unless the user asks again.
#[test]
fn a_rejected_key_waits_for_a_new_session_or_a_new_request() {
    let mut set = set(&["a"]);
    take(&mut set, ALL, NOW);
    set.fail(&"a", None);
    set.transport_lost();
    assert_eq!(state(&set, "a"), State::Rejected);
    assert!(!set.has_pending(Instant::MAX));
    assert_eq!(take(&mut set, ALL, Instant::MAX), [""; 0]);

    let mut asked = set.clone();
    assert_eq!(asked.subscribe("a", 0), Ok(Subscribed::Changed));
    assert_eq!(asked.failures(&"a"), 0);
    assert_eq!(take(&mut asked, ALL, NOW), ["a"]);

    set.session_started();
    assert_eq!(take(&mut set, ALL, NOW), ["a"]);
}

/// Lifecycle 61: the resume was refused, so the whole set is restored.
#[test]
fn a_lost_session_restores_everything() {
    let mut set = set(&["a", "b", "c", "d"]);
    take(&mut set, 3, NOW);
    set.confirm(&"a");
    set.fail(&"b", Some(LATER));
    set.fail(&"c", None);
    set.session_started();
    assert!(set.iter().all(|entry| entry.state() == State::Pending));
    assert_eq!(take(&mut set, ALL, NOW), ["a", "b", "c", "d"]);
}

/// Lifecycle 66: N keys in batches of B make ceil(N/B), by priority and then in the order of the requests.
#[test]
fn batches_follow_priority_and_then_the_order_of_the_requests() {
    let mut set = Set::new();
    let wishes =
        [("low", i32::MIN), ("a", 0), ("high", i32::MAX), ("b", 0), ("c", 0), ("mid", 1), ("under", -1)];
    for (key, priority) in wishes {
        assert_eq!(set.subscribe(key, priority), Ok(Subscribed::Added));
    }
    let mut batches = Vec::new();
    while set.has_pending(NOW) {
        batches.push(take(&mut set, 3, NOW));
    }
    assert_eq!(batches, [vec!["high", "mid", "a"], vec!["b", "c", "under"], vec!["low"]]);
    assert_eq!(set.unconfirmed(), 7);
}

/// Lifecycle 66: a new priority is the newest request of that priority; the same request again moves nothing and sends
/// nothing.
#[test]
fn a_repeated_request_changes_at_most_the_priority() {
    let mut set = set(&["a", "b", "c"]);
    assert_eq!(set.subscribe("a", 0), Ok(Subscribed::Unchanged));
    assert_eq!(set.subscribe("c", 5), Ok(Subscribed::Changed));
    assert_eq!(set.subscribe("a", 5), Ok(Subscribed::Changed));
    assert!(set.iter().map(|entry| (*entry.key(), entry.priority())).eq([("c", 5), ("a", 5), ("b", 0)]));

    take(&mut set, ALL, NOW);
    set.confirm(&"a");
    assert_eq!(set.subscribe("a", -1), Ok(Subscribed::Changed));
    assert_eq!(set.subscribe("c", 5), Ok(Subscribed::Unchanged));
    assert!(!set.has_pending(Instant::MAX));
    assert_eq!(set.unconfirmed(), 2);
}

/// Lifecycle 69, 70: the desired set changes while there is no connection; the set says when no interest is left.
#[test]
fn the_desired_set_changes_during_an_outage() {
    let mut set = set(&["a", "b"]);
    take(&mut set, ALL, NOW);
    set.transport_lost();
    assert!(set.unsubscribe(&"a") && set.unsubscribe(&"b"));
    assert!(set.is_empty());

    assert_eq!(set.subscribe("c", 0), Ok(Subscribed::Added));
    assert!(!set.is_empty());
    set.session_started();
    assert_eq!(take(&mut set, ALL, NOW), ["c"]);
}

/// A full set hands the key back, stays as it was, and still lets a key move.
#[test]
fn a_full_set_hands_the_key_back() {
    let mut set = FixedSubscriptions::<String, 2>::new();
    set.subscribe("a".into(), 0).unwrap();
    set.subscribe("b".into(), 0).unwrap();
    let before = set.clone();
    assert_eq!(set.subscribe("c".into(), 9), Err(Full("c".into())));
    assert_eq!(set, before);

    assert_eq!(set.subscribe("b".into(), 9), Ok(Subscribed::Changed));
    assert!(set.unsubscribe(&"a".into()));
    assert_eq!(set.subscribe("c".into(), 10), Ok(Subscribed::Added));
    assert!(set.batch().next().is_none());
    assert_eq!(take(&mut set, ALL, NOW), ["c", "b"]);

    assert_eq!(FixedSubscriptions::<u8, 0>::new().subscribe(1, 0), Err(Full(1)));
}

/// The slot of an unsubscribed key is used again, and leaves nothing behind for the next one.
#[test]
fn the_slot_of_an_unsubscribed_key_is_used_again() {
    fn check<S: Subscriptions<Key = &'static str>>(mut set: S) {
        for round in 0..5 {
            for key in ["a", "b", "c"] {
                assert_eq!(set.subscribe(key, 0), Ok(Subscribed::Added));
            }
            assert_eq!(take(&mut set, ALL, NOW), ["a", "b", "c"]);
            assert!(set.confirm(&"a") && set.fail(&"b", None) && set.fail(&"c", Some(LATER)));
            let gone = [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]][round % 3];
            for key in gone {
                assert!(set.unsubscribe(&key));
            }
            assert!(set.is_empty() && !set.has_pending(Instant::MAX) && set.next_retry().is_none());
            assert_eq!(set.subscribe("b", 0), Ok(Subscribed::Added));
            let fresh = set.find(&"b").expect("desired");
            assert_eq!((fresh.state(), fresh.failures(), fresh.send()), (State::Pending, 0, None));
            assert!(set.unsubscribe(&"b"));
        }
    }
    check(FixedSubscriptions::<_, 3>::new());
    #[cfg(feature = "alloc")]
    check(redial::subscriptions::SubscriptionList::new());
}

/// Report 38: what was sent until a time and is unanswered has failed, in order, a few at a time.
#[test]
fn the_unanswered_fail_in_order() {
    let mut set = set(&["a", "b", "c", "d"]);
    take(&mut set, 3, NOW);
    take(&mut set, ALL, LATER);
    assert!(set.confirm(&"b"));
    assert_eq!(set.oldest_unanswered(), Some(NOW));
    let mut counts = Vec::new();
    let mut fail = |set: &mut Set, max, sent_by| {
        set.fail_unanswered(max, sent_by, |failures| {
            counts.push(failures);
            Some(LATER)
        })
    };
    assert_eq!(fail(&mut set, ALL, Instant::from_micros(999_999)), 0);
    assert_eq!(fail(&mut set, 1, NOW), 1);
    assert_eq!((state(&set, "a"), state(&set, "c")), (State::Waiting { until: LATER }, State::Sent));
    assert_eq!(fail(&mut set, ALL, NOW), 1);
    assert_eq!((state(&set, "c"), state(&set, "d")), (State::Waiting { until: LATER }, State::Sent));
    assert_eq!((set.oldest_unanswered(), set.failures(&"a"), set.failures(&"b")), (Some(LATER), 1, 0));
    assert_eq!(take(&mut set, ALL, LATER), ["a", "c"]);
    assert_eq!(fail(&mut set, ALL, LATER), 3);
    assert_eq!(counts, [1, 1, 2, 2, 1]);
    set.transport_lost();
    assert_eq!(set.oldest_unanswered(), None);
}

/// S98: a clock that ran back leaves no wait longer than it may be, and nothing that was sent in the future.
#[test]
fn a_clock_that_ran_back_cuts_the_waits() {
    let ms = Instant::from_millis;
    let mut set = set(&["a", "b", "c"]);
    take(&mut set, 2, ms(9_000));
    assert!(set.fail(&"a", Some(ms(10_000))));
    set.rewind(ms(5_000), ms(6_000));
    assert_eq!((set.next_retry(), set.oldest_unanswered()), (Some(ms(6_000)), Some(ms(5_000))));
    // What comes later is not cut by it.
    take(&mut set, ALL, ms(5_500));
    assert!(set.fail(&"c", Some(ms(8_000))));
    assert_eq!(state(&set, "c"), State::Waiting { until: ms(8_000) });
    set.rewind(ms(5_200), ms(7_000));
    assert_eq!(state(&set, "c"), State::Waiting { until: ms(7_000) });
    assert_eq!(
        (state(&set, "a"), set.oldest_unanswered()),
        (State::Waiting { until: ms(6_000) }, Some(ms(5_000)))
    );
}

/// F99: without subscriptions there is nothing to store and nothing to do.
#[test]
fn no_subscriptions_cost_nothing() {
    let mut none = NoSubscriptions;
    none.session_started();
    none.transport_lost();
    assert_eq!(size_of::<NoSubscriptions>(), 0);
    assert!(none.is_empty() && !none.has_pending(Instant::MAX));
    assert_eq!((none.take_batch(ALL, Instant::MAX), none.batch().count(), none.next_retry()), (0, 0, None));
}
