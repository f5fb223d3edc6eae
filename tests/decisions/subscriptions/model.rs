//! Random histories against a model that keeps a sorted list.

use super::*;

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
    #![proptest_config(ProptestConfig::with_cases(crate::harness::cases(512)))]

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
