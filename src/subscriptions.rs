//! The subscriptions the user wants, and which of them to send next.

#[cfg(feature = "serde")]
mod serial;
mod storage;

use core::fmt;

use crate::time::{Instant, Micros, Moment};

#[cfg(feature = "alloc")]
pub use storage::SubscriptionList;
pub use storage::{FixedSubscriptions, NoSubscriptions};

/// How far one desired subscription has come in the session at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SubscriptionState {
    /// To be sent.
    Pending,
    /// Sent, and the server has not answered yet.
    Sent,
    /// The server has it.
    Confirmed,
    /// The server refused it for now; it is sent again at `until`. The other keys go on.
    Waiting {
        /// When it may be sent again.
        until: Instant,
    },
    /// The server refused it for good. It stays desired and is tried again in the next new session, or as soon as
    /// the user subscribes again.
    Rejected,
}

/// One desired subscription. Made by [`Subscriptions::subscribe`]; a storage only keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subscription<K> {
    key: K,
    priority: i32,
    failures: u32,
    state: SubscriptionState,
    /// Part of the newest batch; only while `Sent`.
    in_batch: bool,
}

impl<K> Subscription<K> {
    /// What the server calls it.
    #[must_use]
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// Higher is sent earlier.
    #[must_use]
    pub const fn priority(&self) -> i32 {
        self.priority
    }

    /// How far it has come.
    #[must_use]
    pub const fn state(&self) -> SubscriptionState {
        self.state
    }

    /// How often in a row the server refused or ended it. Back to 0 when a connection ends on which it was confirmed to
    /// the end, and when the user subscribes again after a rejection; neither a confirmation nor a new connection alone
    /// does that, so that flapping doesn't reset a key's ladder.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Every change of state goes through here: who leaves `Sent` leaves the batch.
    fn enter(&mut self, state: SubscriptionState) {
        self.state = state;
        self.in_batch = false;
    }

    fn is_due(&self, now: Instant) -> bool {
        match self.state {
            SubscriptionState::Pending => true,
            SubscriptionState::Waiting { until } => until <= now,
            SubscriptionState::Sent | SubscriptionState::Confirmed | SubscriptionState::Rejected => false,
        }
    }
}

/// What [`Subscriptions::subscribe`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subscribed {
    /// The key is new, and to be sent.
    Added,
    /// The key was there: it has a new priority, or is to be tried again after a rejection, or both.
    Changed,
    /// The key was there with this priority; nothing changed.
    Unchanged,
}

/// The set has no room for another key; here it is back. Nothing in the set changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Full<K>(pub K);

impl<K> fmt::Display for Full<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the set of subscriptions is full; unsubscribe one or use a larger capacity")
    }
}

impl<K: fmt::Debug> core::error::Error for Full<K> {}

/// When the last batch went out on this connection and when the next one is due. A policy's own note, opaque to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    pub(crate) last: Moment,
    pub(crate) next: Moment,
}

impl Pace {
    /// No batch went out and none is due.
    pub const NONE: Self = Self { last: Moment::NONE, next: Moment::NONE };

    pub(crate) fn is_due(self, now: Instant) -> bool {
        self.next.get().is_some_and(|at| now >= at)
    }

    /// The clock ran back to `now`, and a batch follows another after `interval`.
    pub(crate) fn cut(self, now: Instant, interval: Micros) -> Self {
        Self { last: self.last.map(|at| at.min(now)), next: self.next.map(|at| at.min(now.after(interval))) }
    }
}

/// The set of desired subscriptions.
///
/// A key is desired from [`subscribe`](Self::subscribe) until [`unsubscribe`](Self::unsubscribe), whatever the server
/// answers and however often the connection is lost; nothing else adds or removes one (rules F93 to F95). In one
/// session a key is sent once, unless the server refused it for now (S76) or the connection was lost before the
/// answer (F96, S78).
///
/// This part says *what* to send; *when* is up to the caller:
///
/// * transport lost: [`transport_lost`](Self::transport_lost). If the session is then resumed there is no more to do:
///   what was confirmed stays, what was unanswered is pending;
/// * new session: [`session_started`](Self::session_started), all are pending;
/// * time for a batch: [`take_batch`](Self::take_batch), then send what [`batch`](Self::batch) lists;
/// * the server's answers: [`confirm`](Self::confirm) and [`fail`](Self::fail).
///
/// The order is fixed: higher priority first, then the order of the wishes. Every operation is a scan of the set, at
/// worst linear in its length.
///
/// A storage supplies the first seven methods, [`len`](Self::len) to [`set_pace`](Self::set_pace), and nothing else: it is
/// a plain sequence that never reorders. There are three here: [`FixedSubscriptions`] (no heap),
#[cfg_attr(feature = "alloc", doc = "[`SubscriptionList`] (grows; feature `alloc`)")]
#[cfg_attr(not(feature = "alloc"), doc = "`SubscriptionList` (grows; feature `alloc`)")]
/// and [`NoSubscriptions`].
///
/// ```
/// use redial::{FixedSubscriptions, Instant, SubscriptionState, Subscriptions};
///
/// let mut set = FixedSubscriptions::<&str, 8>::new();
/// set.subscribe("trades", 0)?;
/// set.subscribe("orders", 9)?;
///
/// assert_eq!(set.take_batch(50, Instant::ZERO), 2);
/// assert!(set.batch().eq(&["orders", "trades"]));
/// assert!(set.confirm(&"orders"));
///
/// // Lost before "trades" was answered. Resumed: only that one is sent again.
/// set.transport_lost();
/// assert_eq!(set.take_batch(50, Instant::from_millis(900)), 1);
/// assert!(set.batch().eq(&["trades"]));
/// # Ok::<(), redial::Full<&str>>(())
/// ```
pub trait Subscriptions {
    /// What names a subscription: a channel, a topic, a number.
    type Key: Clone + PartialEq + fmt::Debug;

    /// How many keys are desired.
    #[must_use]
    fn len(&self) -> usize;

    /// The subscription at position `at`; `None` from [`len`](Self::len) on. Position 0 is sent first.
    #[must_use]
    fn get(&self, at: usize) -> Option<&Subscription<Self::Key>>;

    /// The same for the provided methods, which change it.
    #[must_use]
    fn get_mut(&mut self, at: usize) -> Option<&mut Subscription<Self::Key>>;

    /// Puts a subscription at position `at` (beyond the end: at the end) and moves the later ones back. For the
    /// provided methods; users call [`subscribe`](Self::subscribe).
    ///
    /// # Errors
    /// The subscription itself when there is no room. Right after a [`remove`](Self::remove) there is.
    fn insert(&mut self, at: usize, entry: Subscription<Self::Key>) -> Result<(), Subscription<Self::Key>>;

    /// Takes the subscription at position `at` out and closes the gap; `None` if there is none. For the provided
    /// methods; users call [`unsubscribe`](Self::unsubscribe).
    fn remove(&mut self, at: usize) -> Option<Subscription<Self::Key>>;

    /// What [`set_pace`](Self::set_pace) was given last, [`Pace::NONE`] at first: two words that a policy keeps here, so that
    /// one without subscriptions need not carry them. It begins anew with every dial; where sets are compared it counts.
    #[must_use]
    fn pace(&self) -> Pace;

    /// Keeps this. A set that ever has a key must: batches after the first would not go out.
    fn set_pace(&mut self, pace: Pace);

    /// Whether no key is desired.
    #[must_use]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All desired subscriptions in the order in which they are sent.
    #[must_use]
    fn iter(&self) -> impl Iterator<Item = &Subscription<Self::Key>> {
        (0..self.len()).map_while(|at| self.get(at))
    }

    /// The subscription with this key, if it is desired.
    #[must_use]
    fn find(&self, key: &Self::Key) -> Option<&Subscription<Self::Key>> {
        self.iter().find(|entry| entry.key == *key)
    }

    /// How often in a row the server refused this key (see [`Subscription::failures`]); 0 for an unknown one.
    #[must_use]
    fn failures(&self, key: &Self::Key) -> u32 {
        self.find(key).map_or(0, Subscription::failures)
    }

    /// The user wants this key; of several that wait to be sent, the higher `priority` goes first (0 is as good a
    /// default as any).
    ///
    /// A key that is there already keeps its state and its place, except that a rejected one becomes pending again
    /// and one with a new priority counts as the newest wish of that priority.
    ///
    /// # Errors
    /// [`Full`] with the key when it is new and there is no room for it.
    fn subscribe(&mut self, key: Self::Key, priority: i32) -> Result<Subscribed, Full<Self::Key>> {
        let known = position(self, &key);
        let mut entry = match known {
            None => Subscription {
                key,
                priority,
                failures: 0,
                state: SubscriptionState::Pending,
                in_batch: false,
            },
            Some(at) => {
                let Some(entry) = self.get_mut(at) else { return Err(Full(key)) };
                let rejected = entry.state == SubscriptionState::Rejected;
                if rejected {
                    entry.failures = 0;
                    entry.enter(SubscriptionState::Pending);
                }
                if entry.priority == priority {
                    return Ok(if rejected { Subscribed::Changed } else { Subscribed::Unchanged });
                }
                let Some(entry) = self.remove(at) else { return Err(Full(key)) };
                entry
            }
        };
        entry.priority = priority;
        let at = self.iter().position(|other| other.priority < priority).unwrap_or(self.len());
        match self.insert(at, entry) {
            Ok(()) if known.is_some() => Ok(Subscribed::Changed),
            Ok(()) => Ok(Subscribed::Added),
            Err(entry) => Err(Full(entry.key)),
        }
    }

    /// The user does not want this key any more: it is never sent again, and late answers for it change nothing
    /// (F95, S77). False if it was not desired.
    ///
    /// Telling the server is the caller's business.
    fn unsubscribe(&mut self, key: &Self::Key) -> bool {
        position(self, key).and_then(|at| self.remove(at)).is_some()
    }

    /// A new session is established: the server knows nothing, so all keys are pending, rejected ones too.
    fn session_started(&mut self) {
        for at in 0..self.len() {
            if let Some(entry) = self.get_mut(at) {
                entry.enter(SubscriptionState::Pending);
            }
        }
    }

    /// The connection is gone: what was unanswered or waiting for another try is pending (F96, S78; the retry timers
    /// die with the connection). Confirmed and rejected keys stay what they are, for a session that is resumed; a key that
    /// was confirmed to the end has no failures any more.
    fn transport_lost(&mut self) {
        for at in 0..self.len() {
            if let Some(entry) = self.get_mut(at) {
                if entry.state == SubscriptionState::Confirmed {
                    entry.failures = 0;
                }
                if matches!(entry.state, SubscriptionState::Sent | SubscriptionState::Waiting { .. }) {
                    entry.enter(SubscriptionState::Pending);
                }
            }
        }
    }

    /// Makes the next batch: the first `max` keys, in order, that are pending or whose wait is over are now sent.
    /// They replace the batch before. Returns how many they are.
    fn take_batch(&mut self, max: usize, now: Instant) -> usize {
        let mut left = max;
        for at in 0..self.len() {
            let Some(entry) = self.get_mut(at) else { break };
            entry.in_batch = false;
            if left > 0 && entry.is_due(now) {
                entry.enter(SubscriptionState::Sent);
                entry.in_batch = true;
                left = left.saturating_sub(1);
            }
        }
        max.saturating_sub(left)
    }

    /// The keys of the newest batch in the order in which they are to be sent. A key leaves it when it is answered
    /// or unsubscribed, and all do when the connection is lost.
    #[must_use]
    fn batch(&self) -> impl Iterator<Item = &Self::Key> {
        self.iter().filter(|entry| entry.in_batch).map(Subscription::key)
    }

    /// The server has accepted this key. False, and without effect, unless it was sent and unanswered: an answer or
    /// data for any other key never adds it (F94).
    fn confirm(&mut self, key: &Self::Key) -> bool {
        match find_mut(self, key) {
            Some(entry) if entry.state == SubscriptionState::Sent => {
                entry.enter(SubscriptionState::Confirmed);
                true
            }
            _ => false,
        }
    }

    /// The server has refused this key, or ended it after it was confirmed. It stays desired (F93): with `retry_at`
    /// it is due again then (S76), with `None` not before the next new session. False, and without effect, if it
    /// was neither sent nor confirmed.
    ///
    /// For a ladder: the n-th failure in a row is [`failures`](Self::failures) + 1 before this call.
    fn fail(&mut self, key: &Self::Key, retry_at: Option<Instant>) -> bool {
        match find_mut(self, key) {
            Some(entry) if matches!(entry.state, SubscriptionState::Sent | SubscriptionState::Confirmed) => {
                entry.failures = entry.failures.saturating_add(1);
                entry.enter(match retry_at {
                    Some(until) => SubscriptionState::Waiting { until },
                    None => SubscriptionState::Rejected,
                });
                true
            }
            _ => false,
        }
    }

    /// Whether a batch taken now would have a key in it.
    #[must_use]
    fn has_pending(&self, now: Instant) -> bool {
        self.iter().any(|entry| entry.is_due(now))
    }

    /// The earliest end of a wait; `None` when no key waits. Pending keys have no wait: ask
    /// [`has_pending`](Self::has_pending) first.
    #[must_use]
    fn next_retry(&self) -> Option<Instant> {
        self.iter()
            .filter_map(|entry| match entry.state {
                SubscriptionState::Waiting { until } => Some(until),
                _ => None,
            })
            .min()
    }

    /// No key waits longer than until `latest`: the clock ran back.
    fn cut_waits(&mut self, latest: Instant) {
        for at in 0..self.len() {
            if let Some(Subscription { state: SubscriptionState::Waiting { until }, .. }) = self.get_mut(at) {
                *until = latest.min(*until);
            }
        }
    }

    /// How many keys are sent and unanswered.
    #[must_use]
    fn unconfirmed(&self) -> usize {
        self.iter().filter(|entry| entry.state == SubscriptionState::Sent).count()
    }
}

fn position<S: Subscriptions + ?Sized>(set: &S, key: &S::Key) -> Option<usize> {
    set.iter().position(|entry| entry.key == *key)
}

fn find_mut<'a, S: Subscriptions + ?Sized>(
    set: &'a mut S,
    key: &S::Key,
) -> Option<&'a mut Subscription<S::Key>> {
    position(set, key).and_then(|at| set.get_mut(at))
}
