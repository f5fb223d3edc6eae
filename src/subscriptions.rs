//! The subscriptions the user wants, and which of them to send next.

#[cfg(feature = "serde")]
mod serial;
mod set;
mod slot;
mod storage;
mod stored;
mod tree;

use core::fmt;

use crate::time::{Instant, OptInstant};
use crate::words::words;

pub use set::SubscriptionSet;
pub use slot::Slot as SubscriptionSlot;
#[cfg(feature = "alloc")]
pub use storage::SubscriptionList;
pub use storage::{FixedSubscriptions, NoSubscriptions, SubscriptionStorage};

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

words!(SubscriptionState {
    Pending => "pending",
    Sent => "sent",
    Confirmed => "confirmed",
    Waiting => "waiting",
    Rejected => "rejected",
});

/// One desired subscription, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscription<'a, K> {
    key: &'a K,
    priority: i32,
    failures: u32,
    send: u32,
    state: SubscriptionState,
    sent_at: OptInstant,
    in_batch: bool,
}

impl<'a, K> Subscription<'a, K> {
    /// What the server calls it.
    #[must_use]
    pub const fn key(&self) -> &'a K {
        self.key
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

    /// The number of the newest batch that it was a part of (see [`Subscriptions::sends`]); `None` before the first.
    #[must_use]
    pub const fn send(&self) -> Option<u32> {
        if self.send == 0 { None } else { Some(self.send) }
    }

    /// How often in a row the server refused or ended it, or did not answer in time. Back to 0 when a connection ends on
    /// which it was confirmed to the end, and when the user subscribes again after a rejection; neither a confirmation nor
    /// a new connection alone does that, so that flapping does not reset a key's backoff.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
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

words!(Subscribed {
    Added => "added",
    Changed => "changed",
    Unchanged => "unchanged",
});

/// The set has no room for another key; here it is back. Nothing in the set changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the key that was not taken, to be moved out")]
pub struct Full<K>(pub K);

impl<K> fmt::Display for Full<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the set of subscriptions is full; unsubscribe one or use a larger capacity")
    }
}

impl<K: fmt::Debug> core::error::Error for Full<K> {}

/// When the last batch went out on this connection, when the next one is due, and when the oldest unanswered send is. A
/// policy's own note, opaque to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    pub(crate) last: OptInstant,
    pub(crate) next: OptInstant,
    pub(crate) confirm: OptInstant,
}

impl Pace {
    /// No batch went out and nothing is due.
    pub const NONE: Self = Self { last: OptInstant::NONE, next: OptInstant::NONE, confirm: OptInstant::NONE };

    /// When the first of both is due.
    pub(crate) const fn first(self) -> OptInstant {
        self.next.min(self.confirm)
    }
}

/// The set of desired subscriptions: a [`SubscriptionSet`], or [`NoSubscriptions`].
///
/// A key is desired from [`subscribe`](Self::subscribe) until [`unsubscribe`](Self::unsubscribe), whatever the server
/// answers and however often the connection is lost; nothing else adds or removes one. In one session a key is sent once,
/// unless the server refused it for now, ended it or did not answer in time, or the connection was lost before the answer.
///
/// This part says *what* to send; *when* is up to the caller:
///
/// * transport lost: [`transport_lost`](Self::transport_lost). If the session is then resumed there is no more to do:
///   what was confirmed stays, what was unanswered is pending;
/// * new session: [`session_started`](Self::session_started), all are pending;
/// * time for a batch: [`take_batch`](Self::take_batch), then send what [`batch`](Self::batch) lists;
/// * the server's answers: [`confirm`](Self::confirm) and [`fail`](Self::fail).
///
/// The order is fixed: higher priority first, then the order of the wishes. With n keys an operation on one key takes
/// O(log n) steps, a batch of k keys O(k + log n), and what happens to all keys at once O(1); only
/// [`unconfirmed`](Self::unconfirmed) and the iterators visit every key.
///
/// Two sets are equal if they behave alike: the same keys in the same order and states, and the same numbers and times.
///
/// This trait is sealed.
///
/// ```
/// use redial::subscriptions::{FixedSubscriptions, SubscriptionState, Subscriptions};
/// use redial::Instant;
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
/// # Ok::<(), redial::subscriptions::Full<&str>>(())
/// ```
pub trait Subscriptions: sealed::Sealed {
    /// What names a subscription: a channel, a topic, a number.
    type Key: Clone + Ord + fmt::Debug;

    /// How many keys are desired.
    #[must_use]
    fn len(&self) -> usize;

    /// Whether no key is desired.
    #[must_use]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All desired subscriptions in the order in which they are sent.
    #[must_use]
    fn iter(&self) -> impl Iterator<Item = Subscription<'_, Self::Key>>;

    /// The subscription with this key, if it is desired.
    #[must_use]
    fn find(&self, key: &Self::Key) -> Option<Subscription<'_, Self::Key>>;

    /// How often in a row this key failed (see [`Subscription::failures`]); 0 for an unknown one.
    #[must_use]
    fn failures(&self, key: &Self::Key) -> u32 {
        self.find(key).map_or(0, |entry| entry.failures)
    }

    /// The user wants this key; of several that wait to be sent, the higher `priority` goes first (0 is as good a
    /// default as any).
    ///
    /// A key that is there already keeps its state and its place, except that a rejected one becomes pending again
    /// and one with a new priority counts as the newest wish of that priority.
    ///
    /// # Errors
    /// [`Full`] with the key when it is new and there is no room for it.
    fn subscribe(&mut self, key: Self::Key, priority: i32) -> Result<Subscribed, Full<Self::Key>>;

    /// The user does not want this key any more: it is never sent again, and late answers for it change nothing. False if
    /// it was not desired.
    ///
    /// Telling the server is the caller's business.
    fn unsubscribe(&mut self, key: &Self::Key) -> bool;

    /// A new session is established: the server knows nothing, so all keys are pending, rejected ones too.
    fn session_started(&mut self);

    /// The connection is gone: what was unanswered or waiting for another try is pending (the retry timers die with the
    /// connection). Confirmed and rejected keys stay what they are, for a session that is resumed; a key that was confirmed
    /// to the end has no failures any more.
    fn transport_lost(&mut self);

    /// Makes the next batch: the first `max` keys, in order, that are pending or whose wait is over are now sent.
    /// They replace the batch before. Returns how many they are.
    fn take_batch(&mut self, max: usize, now: Instant) -> usize;

    /// The keys of the newest batch in the order in which they are to be sent. A key leaves it when it is answered
    /// or unsubscribed, and all do when the connection is lost.
    #[must_use]
    fn batch(&self) -> impl Iterator<Item = &Self::Key>;

    /// How many batches with at least one key were taken, which is the number of the newest one. They are counted over all
    /// connections; after 2³² - 1 comes 1, which is harmless because the numbers are compared for equality only.
    #[must_use]
    fn sends(&self) -> u32;

    /// The server has accepted this key. False, and without effect, unless it was sent and unanswered: an answer or
    /// data for any other key never adds it.
    fn confirm(&mut self, key: &Self::Key) -> bool;

    /// The server has refused this key, or ended it after it was confirmed. It stays desired: with `retry_at` it is due
    /// again then, with `None` not before the next new session. False, and without effect, if it was neither sent nor
    /// confirmed: until it is sent again, a key that failed does not fail once more.
    ///
    /// For a backoff: the n-th failure in a row is [`failures`](Self::failures) + 1 before this call.
    fn fail(&mut self, key: &Self::Key, retry_at: Option<Instant>) -> bool;

    /// The first `max` keys, in order, that were sent until `sent_by` and are still unanswered have failed. `retry_at` is
    /// given the number of failures in a row, this one included, and says when the key is due again, as in
    /// [`fail`](Self::fail). Returns how many they are.
    fn fail_unanswered(
        &mut self,
        max: usize,
        sent_by: Instant,
        retry_at: impl FnMut(u32) -> Option<Instant>,
    ) -> usize;

    /// Whether a batch taken now would have a key in it.
    #[must_use]
    fn has_pending(&self, now: Instant) -> bool;

    /// The earliest end of a wait; `None` when no key waits. Pending keys have no wait: ask
    /// [`has_pending`](Self::has_pending) first.
    #[must_use]
    fn next_retry(&self) -> Option<Instant>;

    /// When the oldest send without an answer was; `None` when every key that was sent is answered.
    #[must_use]
    fn oldest_unanswered(&self) -> Option<Instant>;

    /// The clock ran back to `now`: no key was sent later than that, and none waits longer than until `latest`.
    fn rewind(&mut self, now: Instant, latest: Instant);

    /// How many keys are sent and unanswered.
    #[must_use]
    fn unconfirmed(&self) -> usize {
        self.iter().filter(|entry| entry.state == SubscriptionState::Sent).count()
    }

    /// What [`set_pace`](Self::set_pace) was given last, [`Pace::NONE`] at first: three words that a policy keeps here, so
    /// that one without subscriptions need not carry them. It is reset with every dial; where sets are compared it counts.
    #[must_use]
    fn pace(&self) -> Pace;

    /// Keeps this.
    fn set_pace(&mut self, pace: Pace);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::NoSubscriptions {}
    impl<A: super::SubscriptionStorage> Sealed for super::SubscriptionSet<A> {}
}
