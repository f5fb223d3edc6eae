//! Every byte string is what is done to two sets of subscriptions, one in place and one on the heap. They show the same after
//! each call, which agrees with a look at every key.

#![allow(unreachable_pub, reason = "several crates include this file")]

use redial::Instant;
use redial::subscriptions::{
    FixedSubscriptions, Full, NoSubscriptions, Pace, SubscriptionList, SubscriptionState, Subscriptions,
};
use redial::testing::Script;

/// More than a piece of the heap's has.
const MOST: usize = 80;

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    nothing();
    let mut now = Instant::ZERO;
    if script.flag() {
        both(&mut script, FixedSubscriptions::<u8, 4>::default(), 6, &mut now);
    } else {
        both(&mut script, FixedSubscriptions::<u8, MOST>::default(), 100, &mut now);
    }
}

fn both<const N: usize>(
    script: &mut Script<'_>,
    mut fixed: FixedSubscriptions<u8, N>,
    keys: u32,
    now: &mut Instant,
) {
    let mut list = SubscriptionList::<u8>::default();
    for _ in 0..400 {
        if script.is_done() {
            return;
        }
        let (key, max) = (script.below(keys) as u8, script.below(keys) as usize);
        match script.below(16) {
            0..=2 => {
                // Several at a time, so that the larger ones fill.
                for key in key..=key.saturating_add(script.below(12) as u8) {
                    subscribe(&mut fixed, &mut list, key, script.below(3) as i32 - 1);
                }
            }
            3 | 4 => assert_eq!(fixed.unsubscribe(&key), list.unsubscribe(&key)),
            5..=7 => assert_eq!(fixed.take_batch(max, *now), list.take_batch(max, *now)),
            8 | 9 => assert_eq!(fixed.confirm(&key), list.confirm(&key)),
            10 => {
                let retry_at = if script.flag() { Some(instant(script)) } else { None };
                assert_eq!(fixed.fail(&key, retry_at), list.fail(&key, retry_at));
            }
            11 => {
                let (sent_by, retry_at) = (instant(script), instant(script));
                let again = |failures: u32| (failures < 3).then_some(retry_at);
                let failed = fixed.fail_unanswered(max, sent_by, again);
                assert_eq!(failed, list.fail_unanswered(max, sent_by, again));
            }
            12 => *now = instant(script),
            13 => {
                let latest = instant(script);
                fixed.rewind(*now, latest);
                list.rewind(*now, latest);
            }
            14 => {
                fixed.transport_lost();
                list.transport_lost();
            }
            _ => {
                fixed.session_started();
                list.session_started();
            }
        }
        alike(&fixed, &list, *now);
    }
}

/// Any but the last one, which a set takes for the one before.
fn instant(script: &mut Script<'_>) -> Instant {
    script.instant().min(Instant::from_micros(u64::MAX - 1))
}

fn subscribe<const N: usize>(
    fixed: &mut FixedSubscriptions<u8, N>,
    list: &mut SubscriptionList<u8>,
    key: u8,
    priority: i32,
) {
    match fixed.subscribe(key, priority) {
        Ok(done) => assert_eq!(list.subscribe(key, priority), Ok(done)),
        Err(Full(refused)) => {
            assert_eq!((refused, fixed.len()), (key, N), "it is full");
            assert!(Full(refused).to_string().contains("full"));
        }
    }
}

fn alike<const N: usize>(fixed: &FixedSubscriptions<u8, N>, list: &SubscriptionList<u8>, now: Instant) {
    assert!(fixed.iter().eq(list.iter()) && fixed.batch().eq(list.batch()));
    assert_eq!((fixed.len(), fixed.is_empty(), fixed.sends()), (list.len(), list.is_empty(), list.sends()));
    assert_eq!(fixed.iter().count(), fixed.len());
    assert!(fixed.iter().is_sorted_by_key(|entry| core::cmp::Reverse(entry.priority())));
    let state = |wanted: fn(SubscriptionState) -> Option<Instant>| {
        fixed.iter().filter_map(|entry| wanted(entry.state())).min()
    };
    let waits = state(|state| match state {
        SubscriptionState::Waiting { until } => Some(until),
        _ => None,
    });
    assert_eq!((fixed.next_retry(), list.next_retry()), (waits, waits));
    let sent = fixed.iter().filter(|entry| entry.state() == SubscriptionState::Sent).count();
    assert_eq!((fixed.unconfirmed(), list.unconfirmed()), (sent, sent));
    assert_eq!(
        (fixed.oldest_unanswered().is_some(), list.oldest_unanswered().is_some()),
        (sent > 0, sent > 0)
    );
    let pending = fixed.iter().any(|entry| entry.state() == SubscriptionState::Pending);
    let due = pending || waits.is_some_and(|until| until <= now);
    assert_eq!((fixed.has_pending(now), list.has_pending(now)), (due, due));
    for entry in fixed.iter() {
        assert_eq!(fixed.find(entry.key()), Some(entry));
        assert_eq!(list.failures(entry.key()), entry.failures());
    }
}

/// A set of none has nothing to show.
fn nothing() {
    let mut none = NoSubscriptions;
    none.session_started();
    none.transport_lost();
    none.rewind(Instant::ZERO, Instant::MAX);
    none.set_pace(Pace::NONE);
    assert_eq!((none.take_batch(7, Instant::ZERO), none.fail_unanswered(7, Instant::MAX, |_| None)), (0, 0));
    assert_eq!((none.len(), none.iter().count(), none.batch().count(), none.sends()), (0, 0, 0, 0));
    assert_eq!((none.next_retry(), none.oldest_unanswered(), none.pace()), (None, None, Pace::NONE));
    assert!(none.is_empty() && !none.has_pending(Instant::MAX));
}
