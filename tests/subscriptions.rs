//! The set of desired subscriptions: what is sent, in which order, and how often.

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

/// Batches are numbered from 1, over all connections; an empty one is none. A key knows the newest that it was in.
#[test]
fn batches_are_numbered() {
    let mut set = set(&["a", "b", "c"]);
    assert_eq!((set.sends(), set.find(&"a").and_then(|entry| entry.send())), (0, None));
    for (max, sends) in [(2, 1), (0, 1), (2, 2), (2, 2)] {
        set.take_batch(max, NOW);
        assert_eq!(set.sends(), sends);
    }
    let sends = |set: &Set| set.iter().map(|entry| entry.send().expect("sent")).collect::<Vec<_>>();
    assert_eq!(sends(&set), [1, 1, 2]);
    set.transport_lost();
    set.session_started();
    take(&mut set, 2, LATER);
    assert_eq!((set.sends(), sends(&set)), (3, vec![3, 3, 2]));
}

/// Sets that differ in anything that will show are not equal: the number of the next batch, when a key was sent, how often
/// it failed, the order.
#[test]
fn sets_that_will_behave_otherwise_are_not_equal() {
    let once = |change: fn(&mut Set)| {
        let mut set = set(&["a", "b"]);
        change(&mut set);
        set
    };
    let again = |set: &mut Set| {
        take(set, ALL, NOW);
        set.transport_lost();
        set.session_started();
    };
    let sets = [
        once(|_| {}),
        once(|set| _ = take(set, ALL, NOW)),
        once(|set| _ = take(set, ALL, LATER)),
        once(again),
        once(|set| {
            take(set, ALL, NOW);
            set.fail(&"a", None);
            set.session_started();
        }),
        once(|set| _ = set.unsubscribe(&"b")),
        once(|set| {
            set.unsubscribe(&"a");
            set.subscribe("a", 0).unwrap();
        }),
        once(|set| {
            set.subscribe("c", 0).unwrap();
            take(set, ALL, NOW);
            set.unsubscribe(&"a");
            set.unsubscribe(&"b");
        }),
    ];
    for (at, one) in sets.iter().enumerate() {
        for (other_at, other) in sets.iter().enumerate() {
            assert_eq!(one == other, at == other_at, "{at} and {other_at}: {one:?}, {other:?}");
        }
    }
    // Only the number differs: the keys that had it are gone.
    let emptied = |sends| {
        let mut set = Set::new();
        for _ in 0..sends {
            set.subscribe("a", 0).unwrap();
            take(&mut set, ALL, NOW);
            set.unsubscribe(&"a");
        }
        set
    };
    assert_ne!(emptied(1), emptied(2));
    assert_eq!(emptied(2), emptied(2));
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

// --- against a naive model -------------------------------------------------------------------------------------------

/// Of the small sets; the large ones have trees of several levels.
const CAPACITY: usize = 5;
const LARGE: usize = 48;

#[derive(Clone, Debug)]
enum Op {
    Subscribe(u8, i32),
    Unsubscribe(u8),
    Take(usize),
    Confirm(u8),
    Fail(u8, Option<u64>),
    FailUnanswered(usize, u64),
    Pass(u64),
    Rewind(u64, u64),
    Lost,
    NewSession,
}

fn op(keys: u8, batch: usize) -> impl Strategy<Value = Op> {
    let key = 0..keys;
    prop_oneof![
        8 => (key.clone(), -1..2_i32).prop_map(|(key, priority)| Op::Subscribe(key, priority)),
        2 => key.clone().prop_map(Op::Unsubscribe),
        6 => (0..batch).prop_map(Op::Take),
        4 => key.clone().prop_map(Op::Confirm),
        4 => (key, proptest::option::of(0..5_u64)).prop_map(|(key, wait)| Op::Fail(key, wait)),
        2 => (0..batch, 0..3_u64).prop_map(|(max, age)| Op::FailUnanswered(max, age)),
        3 => (0..4_u64).prop_map(Op::Pass),
        1 => (0..4_u64, 0..6_u64).prop_map(|(back, cap)| Op::Rewind(back, cap)),
        1 => Just(Op::Lost),
        1 => Just(Op::NewSession),
    ]
}

/// One subscription, as a beginner would write it down.
#[derive(Clone, Debug)]
struct Wish {
    key: u8,
    priority: i32,
    order: usize,
    failures: u32,
    state: State,
    send: Option<u32>,
    /// When, while it is sent.
    sent_at: u64,
    in_batch: bool,
    /// May be sent once more: newly asked for, a new session, refused for now, or unanswered when the connection went.
    credit: bool,
}

impl Wish {
    fn enter(&mut self, state: State, credit: bool) {
        (self.state, self.credit, self.in_batch) = (state, credit, false);
    }

    fn fail(&mut self, retry_at: Option<u64>) {
        self.failures += 1;
        let until = retry_at.map(Instant::from_millis);
        self.enter(until.map_or(State::Rejected, |until| State::Waiting { until }), retry_at.is_some());
    }
}

/// Every operation as a scan of a plain list: slow, and plainly right.
#[derive(Clone, Debug, Default)]
struct Model {
    wishes: Vec<Wish>,
    sends: u32,
    millis: u64,
    made: usize,
}

impl Model {
    fn known(&mut self, key: u8) -> Option<&mut Wish> {
        self.wishes.iter_mut().find(|wish| wish.key == key)
    }

    fn sort(&mut self) {
        self.wishes.sort_by_key(|wish| (std::cmp::Reverse(wish.priority), wish.order));
    }

    fn subscribe(&mut self, key: u8, priority: i32, capacity: usize) -> Result<Subscribed, Full<u8>> {
        self.made += 1;
        let (order, full) = (self.made, self.wishes.len() == capacity);
        let Some(wish) = self.known(key) else {
            if full {
                return Err(Full(key));
            }
            let (state, send) = (State::Pending, None);
            self.wishes.push(Wish {
                key,
                priority,
                order,
                failures: 0,
                state,
                send,
                sent_at: 0,
                in_batch: false,
                credit: true,
            });
            return Ok(Subscribed::Added);
        };
        let mut outcome = Subscribed::Unchanged;
        if wish.state == State::Rejected {
            wish.failures = 0;
            wish.enter(State::Pending, true);
            outcome = Subscribed::Changed;
        }
        if wish.priority != priority {
            (wish.priority, wish.order) = (priority, order);
            outcome = Subscribed::Changed;
        }
        Ok(outcome)
    }

    fn take(&mut self, max: usize) -> Vec<u8> {
        self.sort();
        let (now, mut taken) = (Instant::from_millis(self.millis), Vec::new());
        let send = self.sends.checked_add(1).unwrap_or(1);
        for wish in &mut self.wishes {
            wish.in_batch = false;
            let due = match wish.state {
                State::Pending => true,
                State::Waiting { until } => until <= now,
                _ => false,
            };
            if due && taken.len() < max {
                assert!(wish.credit, "{} was sent twice", wish.key);
                wish.enter(State::Sent, false);
                (wish.send, wish.sent_at, wish.in_batch) = (Some(send), self.millis, true);
                taken.push(wish.key);
            }
        }
        if !taken.is_empty() {
            self.sends = send;
        }
        taken
    }

    fn fail_unanswered(&mut self, max: usize, sent_by: u64, retry_at: u64) -> usize {
        self.sort();
        let unanswered = |wish: &&mut Wish| wish.state == State::Sent && wish.sent_at <= sent_by;
        self.wishes.iter_mut().filter(unanswered).take(max).map(|wish| wish.fail(Some(retry_at))).count()
    }

    fn rewind(&mut self, now: u64, latest: u64) {
        for wish in &mut self.wishes {
            if let State::Waiting { until } = &mut wish.state {
                *until = Instant::from_millis(latest).min(*until);
            }
            wish.sent_at = wish.sent_at.min(now);
        }
    }

    fn lost(&mut self) {
        for wish in &mut self.wishes {
            if wish.state == State::Confirmed {
                wish.failures = 0;
            }
            if matches!(wish.state, State::Sent | State::Waiting { .. }) {
                wish.enter(State::Pending, true);
            }
        }
    }
}

fn check<S>(mut set: S, capacity: usize, ops: Vec<Op>)
where
    S: Subscriptions<Key = u8> + Clone + Debug,
{
    let mut model = Model::default();
    for op in ops {
        let now = Instant::from_millis(model.millis);
        match op {
            Op::Subscribe(key, priority) => {
                assert_eq!(set.subscribe(key, priority), model.subscribe(key, priority, capacity));
            }
            Op::Unsubscribe(key) => {
                let before = model.wishes.len();
                model.wishes.retain(|wish| wish.key != key);
                assert_eq!(set.unsubscribe(&key), model.wishes.len() < before);
            }
            Op::Take(max) => assert_eq!(take(&mut set, max, now), model.take(max)),
            Op::Confirm(key) => {
                let sent = model.known(key).filter(|wish| wish.state == State::Sent);
                let confirmed = sent.map(|wish| wish.enter(State::Confirmed, false)).is_some();
                assert_eq!(set.confirm(&key), confirmed);
            }
            Op::Fail(key, wait) => {
                let retry_at = wait.map(|wait| model.millis + wait);
                let fails = |wish: &&mut Wish| matches!(wish.state, State::Sent | State::Confirmed);
                let failed = model.known(key).filter(fails).map(|wish| wish.fail(retry_at)).is_some();
                assert_eq!(set.fail(&key, retry_at.map(Instant::from_millis)), failed);
            }
            Op::FailUnanswered(max, age) => {
                let (sent_by, retry_at) = (model.millis.saturating_sub(age), model.millis + 2);
                let until = Instant::from_millis(retry_at);
                let failed = set.fail_unanswered(max, Instant::from_millis(sent_by), |_| Some(until));
                assert_eq!(failed, model.fail_unanswered(max, sent_by, retry_at));
            }
            Op::Pass(wait) => model.millis += wait,
            Op::Rewind(back, cap) => {
                model.millis = model.millis.saturating_sub(back);
                let (now, latest) = (model.millis, model.millis + cap);
                model.rewind(now, latest);
                set.rewind(Instant::from_millis(now), Instant::from_millis(latest));
            }
            Op::Lost => {
                model.lost();
                set.transport_lost();
                assert_eq!(set.batch().count(), 0);
            }
            Op::NewSession => {
                model.wishes.iter_mut().for_each(|wish| wish.enter(State::Pending, true));
                set.session_started();
                assert_eq!(set.batch().count(), 0);
            }
        }
        compare(&set, &mut model);
    }
}

#[cfg(feature = "serde")]
fn hash<T: Hash>(it: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

fn compare<S: Subscriptions<Key = u8> + Clone>(set: &S, model: &mut Model) {
    let now = Instant::from_millis(model.millis);
    model.sort();
    let wishes = &model.wishes;
    let entries: Vec<_> =
        set.iter().map(|e| (*e.key(), e.priority(), e.failures(), e.state(), e.send())).collect();
    let expected: Vec<_> = wishes.iter().map(|w| (w.key, w.priority, w.failures, w.state, w.send)).collect();
    assert_eq!(entries, expected);
    for (entry, wish) in set.iter().zip(wishes) {
        assert_eq!(set.find(&wish.key), Some(entry));
        assert_eq!(set.failures(&wish.key), wish.failures);
    }
    assert_eq!((set.len(), set.is_empty()), (wishes.len(), wishes.is_empty()));
    let sent = || wishes.iter().filter(|wish| wish.state == State::Sent);
    assert_eq!(set.unconfirmed(), sent().count());
    assert_eq!(set.oldest_unanswered(), sent().map(|wish| Instant::from_millis(wish.sent_at)).min());
    assert_eq!(set.has_pending(now), set.clone().take_batch(1, now) == 1);
    let waits = wishes.iter().filter_map(|wish| match wish.state {
        State::Waiting { until } => Some(until),
        _ => None,
    });
    assert_eq!(set.next_retry(), waits.min());
    assert!(set.batch().eq(wishes.iter().filter(|wish| wish.in_batch).map(|wish| &wish.key)));
    assert_eq!(set.sends(), model.sends);
}

proptest! {
    /// F93-F96, S76-S78, lifecycle 61, 66-69, in any order of events: a desired key is sent at most once per session
    /// unless it was refused for now or unanswered at a loss; nothing unsubscribed is sent; order by priority and request.
    #[test]
    fn any_history_agrees_with_a_naive_model(ops in prop::collection::vec(op(7, 4), 0..80)) {
        check(FixedSubscriptions::<u8, CAPACITY>::new(), CAPACITY, ops.clone());
        #[cfg(feature = "alloc")]
        check(redial::subscriptions::SubscriptionList::new(), usize::MAX, ops);
    }

    /// The same with enough keys for trees of several levels.
    #[test]
    fn any_history_of_many_keys_agrees_with_a_naive_model(ops in prop::collection::vec(op(64, 20), 0..400)) {
        check(FixedSubscriptions::<u8, LARGE>::new(), LARGE, ops.clone());
        #[cfg(feature = "alloc")]
        check(redial::subscriptions::SubscriptionList::new(), usize::MAX, ops);
    }

    /// Equal sets behave alike, and sets that were made in another way are equal: here one that was written and read, and
    /// so has another tree, other slots and nothing that is still to be told.
    #[cfg(feature = "serde")]
    #[test]
    fn equal_sets_behave_alike(
        (before, after) in (0..200_usize).prop_flat_map(|len| {
            (prop::collection::vec(op(32, 10), len), prop::collection::vec(op(32, 10), 0..60))
        }),
    ) {
        let mut set = FixedSubscriptions::<u8, LARGE>::new();
        let mut millis = 0;
        for op in &before {
            apply(&mut set, op, &mut millis);
        }
        // One that has the newest number: only that of the keys is written.
        set.subscribe(99, 9).ok();
        set.session_started();
        set.take_batch(usize::MAX, Instant::from_millis(millis));
        let text = serde_json::to_string(&set).unwrap();
        let mut read: FixedSubscriptions<u8, LARGE> = serde_json::from_str(&text).unwrap();
        for op in &after {
            assert_eq!(read, set);
            assert_eq!(hash(&read), hash(&set));
            let mut again = millis;
            apply(&mut set, op, &mut millis);
            apply(&mut read, op, &mut again);
        }
        assert_eq!(read, set);
        assert!(read.batch().eq(set.batch()));
    }
}

#[cfg(feature = "serde")]
fn apply<S: Subscriptions<Key = u8>>(set: &mut S, op: &Op, millis: &mut u64) {
    let at = |millis: u64| Instant::from_millis(millis);
    let now = at(*millis);
    match *op {
        Op::Subscribe(key, priority) => _ = set.subscribe(key, priority).ok(),
        Op::Unsubscribe(key) => _ = set.unsubscribe(&key),
        Op::Take(max) => _ = set.take_batch(max, now),
        Op::Confirm(key) => _ = set.confirm(&key),
        Op::Fail(key, wait) => _ = set.fail(&key, wait.map(|wait| at(*millis + wait))),
        Op::FailUnanswered(max, age) => {
            set.fail_unanswered(max, at(millis.saturating_sub(age)), |_| Some(at(*millis + 2)));
        }
        Op::Pass(wait) => *millis += wait,
        Op::Rewind(back, cap) => {
            *millis = millis.saturating_sub(back);
            set.rewind(at(*millis), at(*millis + cap));
        }
        Op::Lost => set.transport_lost(),
        Op::NewSession => set.session_started(),
    }
}

/// F96, S78: a set brings nothing of the policy that it comes from: no batch before the connection is there, and no pause
/// that was another connection's.
#[test]
fn a_set_that_moves_to_another_policy_starts_over() {
    use redial::policy::RestoreConfig;
    use redial::{Action, BackoffConfig, Config, Event, Policy, Ratio, SessionState, SplitMix64};
    const LADDER: BackoffConfig =
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
    static CONFIG: Config = Config::new(LADDER)
        .restore(RestoreConfig::new().batches(1, Duration::from_secs(1)).build_const())
        .build_const();
    let ms = Instant::from_millis;
    let ignore = |_: redial::Actions| ();
    type Moved = Policy<SplitMix64, u8, FixedSubscriptions<u32, 4>>;
    let restored =
        |actions: redial::Actions| actions.into_iter().any(|a| matches!(a, Action::Restore { .. }));

    let mut first: Moved = Policy::new(&CONFIG, SplitMix64::new(1))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new());
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
        let mut next: Moved = Policy::new(&CONFIG, SplitMix64::new(2))
            .with_subscriptions(set.clone())
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
            let Some((at, WaitReason::Restore)) = next.deadline() else { break };
            assert!(at <= ms(now + 10_000), "no pause of another clock");
            actions = next.handle_timeout(at);
        }
        assert_eq!(keys, [0, 1, 2]);
        for key in keys {
            assert_eq!(next.handle_event(ms(now + 5_000), Event::Unsubscribe { key }).len(), 0);
        }
        // Emptied, it has no pause either: the first subscription on the next connection goes out at once.
        let set = next.subscriptions().clone();
        let mut last: Moved = Policy::new(&CONFIG, SplitMix64::new(3))
            .with_subscriptions(set)
            .with_session(SessionState::resumable(1, None, Some(1)));
        ignore(last.handle_event(ms(0), Event::Start));
        let epoch = last.epoch().unwrap();
        ignore(last.handle_event(ms(100), Event::Opened { epoch }));
        ignore(last.handle_event(ms(100), Event::Resumed { epoch }));
        assert!(restored(last.handle_event(ms(200), Event::Subscribe { key: 9, priority: 0 })));
    }
}
