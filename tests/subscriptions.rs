//! The set of desired subscriptions: what is sent, in which order, and how often.

use std::fmt::Debug;
use std::mem::size_of;
use std::time::Duration;

use proptest::prelude::*;
use redial::{
    FixedSubscriptions, Full, Instant, NoSubscriptions, Reason, Subscribed, SubscriptionState as State,
    Subscriptions,
};

type Set = FixedSubscriptions<&'static str, 8>;

const NOW: Instant = Instant::from_millis(1_000);
const LATER: Instant = Instant::from_millis(2_000);
const ALL: usize = usize::MAX;

/// Keys wished for in this order, all with priority 0.
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

/// S76, lifecycle 68: only the refused key backs off; its failures in a row are counted for the ladder.
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

/// Lifecycle 68: the timers die with the connection; the count of failures doesn't, so flapping resets no ladder.
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
fn a_rejected_key_waits_for_a_new_session_or_a_new_wish() {
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

/// Lifecycle 66: N keys in batches of B make ceil(N/B), by priority and then in the order of the wishes.
#[test]
fn batches_follow_priority_and_then_the_order_of_the_wishes() {
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

/// Lifecycle 66: a new priority is the newest wish of that priority; the same wish again moves nothing and sends nothing.
#[test]
fn a_repeated_wish_changes_at_most_the_priority() {
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

/// Lifecycle 69, 70: wishes change while there is no connection; the set says when no interest is left.
#[test]
fn wishes_change_during_an_outage() {
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

/// The storages refuse positions that they don't have.
#[test]
fn positions_beyond_the_end_are_harmless() {
    fn check<S: Subscriptions<Key = &'static str>>(mut set: S) {
        set.subscribe("a", 0).unwrap();
        set.subscribe("b", 0).unwrap();
        assert!(set.get(2).is_none() && set.get_mut(ALL).is_none());
        assert!(set.remove(2).is_none() && set.remove(ALL).is_none());
        for beyond in [ALL, 2] {
            let first = set.remove(0).unwrap();
            set.insert(beyond, first).unwrap();
        }
        assert!(set.iter().map(|entry| *entry.key()).eq(["a", "b"]));
    }
    check(Set::new());
    #[cfg(feature = "alloc")]
    check(redial::SubscriptionList::new());
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

// --- against a naive model -------------------------------------------------------------------------------------------

const CAPACITY: usize = 5;

#[derive(Clone, Debug)]
enum Op {
    Subscribe(u8, i32),
    Unsubscribe(u8),
    Take(usize),
    Confirm(u8),
    Fail(u8, Option<u64>),
    Pass(u64),
    Lost,
    NewSession,
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..7_u8;
    prop_oneof![
        4 => (key.clone(), -1..2_i32).prop_map(|(key, priority)| Op::Subscribe(key, priority)),
        1 => key.clone().prop_map(Op::Unsubscribe),
        3 => (0..4_usize).prop_map(Op::Take),
        2 => key.clone().prop_map(Op::Confirm),
        2 => (key, proptest::option::of(0..5_u64)).prop_map(|(key, wait)| Op::Fail(key, wait)),
        1 => (0..4_u64).prop_map(Op::Pass),
        1 => Just(Op::Lost),
        1 => Just(Op::NewSession),
    ]
}

/// One wish, as a beginner would write it down.
#[derive(Clone, Debug)]
struct Wish {
    key: u8,
    priority: i32,
    order: usize,
    failures: u32,
    state: State,
    /// May be sent once more: newly wished for, a new session, refused for now, or unanswered when the connection went.
    credit: bool,
}

fn check<S: Subscriptions<Key = u8> + Clone + Debug + PartialEq>(mut set: S, capacity: usize, ops: Vec<Op>) {
    let mut model: Vec<Wish> = Vec::new();
    let mut millis = 0;
    for (order, op) in ops.into_iter().enumerate() {
        let now = Instant::from_millis(millis);
        let known = |model: &[Wish], key| model.iter().position(|wish| wish.key == key);
        match op {
            Op::Subscribe(key, priority) => {
                let expected = match known(&model, key) {
                    None if model.len() == capacity => Err(Full(key)),
                    None => {
                        model.push(Wish {
                            key,
                            priority,
                            order,
                            failures: 0,
                            state: State::Pending,
                            credit: true,
                        });
                        Ok(Subscribed::Added)
                    }
                    Some(at) => {
                        let wish = &mut model[at];
                        let mut outcome = Subscribed::Unchanged;
                        if wish.state == State::Rejected {
                            (wish.state, wish.failures, wish.credit) = (State::Pending, 0, true);
                            outcome = Subscribed::Changed;
                        }
                        if wish.priority != priority {
                            (wish.priority, wish.order) = (priority, order);
                            outcome = Subscribed::Changed;
                        }
                        Ok(outcome)
                    }
                };
                assert_eq!(set.subscribe(key, priority), expected);
            }
            Op::Unsubscribe(key) => {
                let before = model.len();
                model.retain(|wish| wish.key != key);
                assert_eq!(set.unsubscribe(&key), model.len() < before);
            }
            Op::Take(max) => {
                model.sort_by_key(|wish| (std::cmp::Reverse(wish.priority), wish.order));
                let mut expected = Vec::new();
                for wish in &mut model {
                    let due = match wish.state {
                        State::Pending => true,
                        State::Waiting { until } => until <= now,
                        _ => false,
                    };
                    if due && expected.len() < max {
                        wish.state = State::Sent;
                        expected.push(wish.key);
                    }
                }
                assert_eq!(take(&mut set, max, now), expected);
                for key in set.batch() {
                    let at = known(&model, *key).expect("only desired keys are sent");
                    let wish = &mut model[at];
                    assert!(wish.credit, "{key} was sent twice");
                    wish.credit = false;
                }
            }
            Op::Confirm(key) => {
                let sent = known(&model, key).filter(|at| model[*at].state == State::Sent);
                if let Some(at) = sent {
                    model[at].state = State::Confirmed;
                }
                assert_eq!(set.confirm(&key), sent.is_some());
            }
            Op::Fail(key, wait) => {
                let retry_at = wait.map(|wait| Instant::from_millis(millis + wait));
                let sent = known(&model, key)
                    .filter(|at| matches!(model[*at].state, State::Sent | State::Confirmed));
                if let Some(at) = sent {
                    model[at].failures += 1;
                    model[at].credit = retry_at.is_some();
                    model[at].state = retry_at.map_or(State::Rejected, |until| State::Waiting { until });
                }
                assert_eq!(set.fail(&key, retry_at), sent.is_some());
            }
            Op::Pass(wait) => millis += wait,
            Op::Lost => {
                for wish in &mut model {
                    if wish.state == State::Confirmed {
                        wish.failures = 0;
                    }
                    if matches!(wish.state, State::Sent | State::Waiting { .. }) {
                        (wish.state, wish.credit) = (State::Pending, true);
                    }
                }
                set.transport_lost();
                assert_eq!(set.batch().count(), 0);
            }
            Op::NewSession => {
                for wish in &mut model {
                    (wish.state, wish.credit) = (State::Pending, true);
                }
                set.session_started();
                assert_eq!(set.batch().count(), 0);
            }
        }

        let now = Instant::from_millis(millis);
        model.sort_by_key(|wish| (std::cmp::Reverse(wish.priority), wish.order));
        let entries: Vec<_> = set.iter().map(|e| (*e.key(), e.priority(), e.failures(), e.state())).collect();
        let wishes: Vec<_> = model.iter().map(|w| (w.key, w.priority, w.failures, w.state)).collect();
        assert_eq!(entries, wishes);
        assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
        assert_eq!(set.unconfirmed(), model.iter().filter(|wish| wish.state == State::Sent).count());
        assert_eq!(set.has_pending(now), set.clone().take_batch(1, now) == 1);
        let waits = model.iter().filter_map(|wish| match wish.state {
            State::Waiting { until } => Some(until),
            _ => None,
        });
        assert_eq!(set.next_retry(), waits.min());
        for key in set.batch() {
            assert_eq!(state(&set, *key), State::Sent, "whoever is in the batch is unanswered");
        }
    }
}

proptest! {
    /// F93-F96, S76-S78, lifecycle 61, 66-69, in any order of events: a desired key is sent at most once per session
    /// unless it was refused for now or unanswered at a loss; nothing unsubscribed is sent; order by priority and wish.
    #[test]
    fn any_history_agrees_with_a_naive_model(ops in prop::collection::vec(op(), 0..80)) {
        check(FixedSubscriptions::<u8, CAPACITY>::new(), CAPACITY, ops.clone());
        #[cfg(feature = "alloc")]
        check(redial::SubscriptionList::new(), usize::MAX, ops);
    }
}

/// F96, S78: a set brings nothing of the policy that it comes from: no batch before the connection is there, and no pause
/// that was another connection's.
#[test]
fn a_set_that_moves_to_another_policy_begins_anew() {
    use redial::{
        Action, BackoffConfig, Config, Event, Policy, Ratio, RestoreConfig, SessionState, SplitMix64, valid,
    };
    const LADDER: BackoffConfig =
        valid(BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)));
    static CONFIG: Config =
        Config::new(LADDER).with_restore(valid(RestoreConfig::new().with_batches(1, Duration::from_secs(1))));
    let ms = Instant::from_millis;
    let ignore = |_: redial::Actions| ();
    type Moved = Policy<SplitMix64, u8, FixedSubscriptions<u32, 4>>;
    let restored =
        |actions: redial::Actions| actions.into_iter().any(|a| matches!(a, Action::Restore { .. }));

    let mut first: Moved = Policy::new(&CONFIG, SplitMix64::new(1));
    for key in 0..3 {
        ignore(first.handle_event(ms(0), Event::Subscribe { key, priority: 0 }));
    }
    ignore(first.handle_event(ms(1_000_000), Event::Start));
    let epoch = first.epoch().unwrap();
    ignore(first.handle_event(ms(1_000_000), Event::Opened { epoch }));
    let ready = Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None };
    assert!(restored(first.handle_event(ms(1_000_000), ready)));
    let mut set = first.subscriptions().clone();
    set.transport_lost();

    for now in [0, 1_005_000] {
        let mut next: Moved = Policy::with_subscriptions(&CONFIG, SplitMix64::new(2), set.clone())
            .with_session(SessionState::resumable(1, None, Some(1)));
        assert!(!restored(next.handle_timeout(ms(now))), "nothing goes out before the start");
        ignore(next.handle_event(ms(now), Event::Start));
        assert!(!restored(next.handle_timeout(ms(now + 2_000))), "nor while dialling");
        let epoch = next.epoch().unwrap();
        ignore(next.handle_event(ms(now + 2_000), Event::Opened { epoch }));
        let mut keys = Vec::new();
        let mut actions = next.handle_event(ms(now + 2_000), Event::Resumed { epoch });
        while restored(actions) {
            keys.extend(next.subscriptions().batch().copied());
            let Some((at, Reason::Restore)) = next.deadline() else { break };
            assert!(at <= ms(now + 10_000), "no pause of another clock");
            actions = next.handle_timeout(at);
        }
        assert_eq!(keys, [0, 1, 2]);
        for key in keys {
            assert_eq!(next.handle_event(ms(now + 5_000), Event::Unsubscribe { key }).len(), 0);
        }
        // Emptied, it has no pause either: the first wish on the next connection goes out at once.
        let set = next.subscriptions().clone();
        let mut last: Moved = Policy::with_subscriptions(&CONFIG, SplitMix64::new(3), set)
            .with_session(SessionState::resumable(1, None, Some(1)));
        ignore(last.handle_event(ms(0), Event::Start));
        let epoch = last.epoch().unwrap();
        ignore(last.handle_event(ms(100), Event::Opened { epoch }));
        ignore(last.handle_event(ms(100), Event::Resumed { epoch }));
        assert!(restored(last.handle_event(ms(200), Event::Subscribe { key: 9, priority: 0 })));
    }
}
