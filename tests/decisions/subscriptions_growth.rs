//! What a call on a large set of subscriptions costs, counted in slots looked at and keys compared: no clock is asked.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use redial::policy::RestoreConfig;
use redial::subscriptions::{
    FixedSubscriptions, SubscriptionSet, SubscriptionSlot, SubscriptionStorage, Subscriptions,
};
use redial::{
    Action, Actions, BackoffConfig, Cause, Config, Epoch, Event, Instant, Phase, Policy, Ratio, SplitMix64,
};

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

fn step() {
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// A key that counts how often it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key(u32);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        step();
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A storage that counts how often a slot is asked for.
#[derive(Default)]
struct Counting {
    slots: Vec<SubscriptionSlot<Key>>,
    by_key: BTreeMap<Key, usize>,
}

impl SubscriptionStorage for Counting {
    type Key = Key;

    fn slot(&self, at: usize) -> Option<&SubscriptionSlot<Key>> {
        step();
        self.slots.get(at)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut SubscriptionSlot<Key>> {
        step();
        self.slots.get_mut(at)
    }

    fn grow(&mut self) -> bool {
        self.slots.push(SubscriptionSlot::EMPTY);
        true
    }

    fn position(&self, key: &Key) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    fn index(&mut self, key: &Key, at: usize) {
        self.by_key.insert(key.clone(), at);
    }

    fn unindex(&mut self, key: &Key) {
        self.by_key.remove(key);
    }
}

fn ignore(_: Actions) {}

const BATCH: u16 = 50;
const LADDER: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
const TIMEOUT: Duration = Duration::from_secs(20);
static CONFIG: Config = Config::new(LADDER)
    .restore(RestoreConfig::new().batches(BATCH, Duration::ZERO).confirm_timeout(Some(TIMEOUT)).build_const())
    .build_const();

/// A policy of which every call is counted.
struct Counted<S> {
    policy: Policy<SplitMix64, u32, S>,
    now: Instant,
    /// The steps of the dearest call of each name.
    dearest: BTreeMap<&'static str, usize>,
}

impl<S: Subscriptions<Key = Key>> Counted<S> {
    fn new(set: S) -> Self {
        let policy = Policy::new(&CONFIG, SplitMix64::new(1)).with_session_type().with_subscriptions(set);
        Self { policy, now: Instant::from_millis(100_000), dearest: BTreeMap::new() }
    }

    fn call<T>(&mut self, name: &'static str, call: impl FnOnce(&mut Policy<SplitMix64, u32, S>) -> T) -> T {
        STEPS.with(|steps| steps.set(0));
        let result = call(&mut self.policy);
        let steps = STEPS.with(Cell::get);
        let dearest = self.dearest.entry(name).or_default();
        *dearest = steps.max(*dearest);
        result
    }

    fn fact(&mut self, name: &'static str, event: Event<u32, Key>) -> Actions {
        let now = self.now;
        self.call(name, |policy| policy.handle_event(now, event))
    }

    fn each(&mut self, name: &'static str, keys: u32, fact: impl Fn(Key) -> Event<u32, Key>) {
        // In an order that is not that of the requests, with every key once: the factor is prime.
        for n in 0..keys {
            let key = Key((u64::from(n) * 7_919 % u64::from(keys)) as u32);
            ignore(self.fact(name, fact(key)));
        }
    }

    /// A new session, and everything that is due sent. Returns how many keys and how many batches that were.
    fn establish(&mut self, ready: &'static str) -> (Epoch, usize, usize) {
        if let Some(at) = self.policy.poll_timeout().filter(|_| self.policy.epoch().is_none()) {
            self.now = at;
            ignore(self.call("dial", |policy| policy.handle_timeout(at)));
        }
        let epoch = self.policy.epoch().expect("dialled");
        ignore(self.fact("opened", Event::Opened { epoch }));
        let event = if ready == "resumed" {
            Event::Resumed { epoch }
        } else {
            Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: None }
        };
        let actions = self.fact(ready, event);
        let (keys, batches) = self.send(actions);
        (epoch, keys, batches)
    }

    /// Sends what is due now, beginning with these actions.
    fn send(&mut self, mut actions: Actions) -> (usize, usize) {
        let (mut keys, mut batches) = (0, 0);
        loop {
            if actions.iter().any(|action| matches!(action, Action::Restore { .. })) {
                keys += self.call("batch", |policy| policy.subscriptions().batch().count());
                batches += 1;
            }
            if self.policy.poll_timeout().is_none_or(|at| at > self.now) {
                return (keys, batches);
            }
            let now = self.now;
            actions = self.call("timeout", |policy| policy.handle_timeout(now));
        }
    }
}

/// Five priorities in turns.
fn in_turns(n: u32, _: u32) -> i32 {
    (n % 5) as i32
}

/// From both ends to the middle: each key belongs between the two before it.
fn inwards(n: u32, keys: u32) -> i32 {
    (if n % 2 == 0 { n / 2 } else { keys - n / 2 }) as i32
}

/// Every phase in the life of a large set. Returns the steps of the dearest call of each name.
fn live<S>(set: S, keys: u32, priority: fn(u32, u32) -> i32) -> BTreeMap<&'static str, usize>
where
    S: Subscriptions<Key = Key>,
{
    let mut it = Counted::new(set);
    let count = keys as usize;
    let batches = count.div_ceil(usize::from(BATCH));
    for n in 0..keys {
        let key = Key((u64::from(n) * 104_729 % u64::from(keys)) as u32);
        ignore(it.fact("subscribe", Event::Subscribe { key, priority: priority(n, keys) }));
    }
    ignore(it.fact("start", Event::Start));
    let (epoch, sent, sends) = it.establish("ready");
    assert_eq!((sent, sends), (count, batches));
    it.each("confirm", keys, |key| Event::SubscriptionConfirmed { epoch, key, send: None });
    assert_eq!(it.call("unanswered", |policy| policy.subscriptions().oldest_unanswered()), None);

    // Lost and resumed with all of them confirmed: nothing is sent. Then lost, with a new session: everything.
    ignore(it.fact("lost", Event::Closed { epoch, cause: Cause::NoCloseFrame }));
    let (epoch, sent, _) = it.establish("resumed");
    assert_eq!(sent, 0);
    ignore(it.fact("lost", Event::Closed { epoch, cause: Cause::NoCloseFrame }));
    let (epoch, sent, sends) = it.establish("ready");
    assert_eq!((sent, sends), (count, batches));

    // Lost with none of them confirmed.
    ignore(it.fact("lost", Event::Closed { epoch, cause: Cause::NoCloseFrame }));
    let (epoch, sent, sends) = it.establish("resumed");
    assert_eq!((sent, sends), (count, batches));

    // None is answered, all at one time; the clock runs back; all are sent again at one time, and refused.
    let back = Instant::from_millis(it.now.as_millis() - 50_000);
    ignore(it.call("rewind", |policy| policy.handle_timeout(back)));
    it.now = back.saturating_add(TIMEOUT);
    let (now, none) = (it.now, Duration::ZERO);
    let actions = it.call("timeout", |policy| policy.handle_timeout(now));
    let (sent, _) = it.send(actions);
    assert_eq!(
        (sent, it.policy.poll_timeout().map(|at| at.saturating_duration_since(now) > none)),
        (0, Some(true))
    );
    ignore(it.call("rewind", |policy| policy.handle_timeout(back)));
    ignore(it.call("rewind", |policy| policy.handle_timeout(now)));
    it.now = it.now.saturating_add(Duration::from_secs(2));
    let now = it.now;
    let actions = it.call("timeout", |policy| policy.handle_timeout(now));
    let (sent, sends) = it.send(actions);
    assert_eq!((sent, sends, it.policy.phase()), (count, batches, Phase::Online));
    it.each("fail", keys, |key| Event::SubscriptionFailed { epoch, key, send: None, retryable: true });
    it.each("unsubscribe", keys, |key| Event::Unsubscribe { key });
    assert!(it.policy.subscriptions().is_empty());
    it.dearest
}

/// No call is linear in the number of keys: of 8 times as many, one key costs a few steps more, a batch what its keys cost,
/// and what happens to all keys at once the same; whatever the order in which they came.
#[test]
fn no_call_is_linear_in_the_number_of_keys() {
    for priority in [in_turns, inwards] {
        let counted = |keys| live(SubscriptionSet::with_storage(Counting::default()), keys, priority);
        let [small, large] = [2_000, 16_000].map(counted);
        for (name, steps) in large {
            let limit = match name {
                "lost" | "rewind" | "unanswered" => 10,
                "ready" | "resumed" | "batch" | "timeout" => 40 * usize::from(BATCH),
                _ => 600,
            };
            let few = small[name];
            assert!(
                steps <= limit.min(few + few / 2),
                "{name}: {few} steps with 2,000 keys, {steps} with 16,000"
            );
        }
    }
}

/// The same for a set without a heap, in comparisons of keys: at most two searches by halves in a call.
#[test]
fn a_fixed_set_searches_by_halves() {
    const KEYS: usize = 1_024;
    let dearest = live(FixedSubscriptions::<Key, KEYS>::new(), KEYS as u32, in_turns);
    for (name, comparisons) in dearest {
        let searches = if matches!(name, "subscribe" | "fail" | "unsubscribe" | "confirm") { 2 } else { 0 };
        assert!(comparisons <= searches * 12, "{name}: {comparisons} comparisons");
    }
}

#[test]
fn a_storage_that_names_no_limit_has_none() {
    assert_eq!(Counting::default().capacity(), None);
}
