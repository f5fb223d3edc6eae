//! The set of desired subscriptions, and which of them to send next.

mod beside;
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

pub(crate) use beside::Beside;
pub use set::SubscriptionSet;
pub use slot::Slot as SubscriptionSlot;
#[cfg(feature = "alloc")]
pub use storage::SubscriptionList;
pub use storage::{FixedSubscriptions, NoSubscriptions, SubscriptionStorage};

/// The state of a desired subscription in the present session.
///
/// ```
/// use redial::subscriptions::{FixedSubscriptions, SubscriptionState, Subscriptions};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::new(7))
///     .with_subscriptions(FixedSubscriptions::<&str, 4>::new());
/// let now = Instant::ZERO;
/// let state = |policy: &Policy<_, (), FixedSubscriptions<&'static str, 4>>| {
///     policy.subscriptions().find(&"news").map(|subscription| subscription.state())
/// };
///
/// let _wanted = policy.handle_event(now, Event::Subscribe { key: "news", priority: 0 });
/// assert_eq!(state(&policy), Some(SubscriptionState::Pending));
///
/// let _open = policy.handle_event(now, Event::Start);
/// let epoch = policy.epoch().expect("dialling");
/// let _restore = policy.handle_event(now, Event::Opened { epoch });
/// assert_eq!(state(&policy), Some(SubscriptionState::Sent));
///
/// let _nothing = policy.handle_event(now, Event::SubscriptionConfirmed { epoch, key: "news", send: None });
/// assert_eq!(state(&policy), Some(SubscriptionState::Confirmed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It is to be sent.
    Pending,
    /// It is sent, and the server has not answered yet.
    Sent,
    /// The server confirmed it.
    Confirmed,
    /// The server refused it for a while, or did not answer. It is sent again at `until`; other keys are not affected.
    Waiting {
        /// When it is sent again, at the earliest.
        until: Instant,
    },
    /// The server refused it for this session. It stays desired, and is sent again in the next new session or when the user
    /// subscribes again.
    Rejected,
}

words!(SubscriptionState {
    Pending => "pending",
    Sent => "sent",
    Confirmed => "confirmed",
    Waiting => "waiting",
    Rejected => "rejected",
});

/// One desired subscription.
///
/// ```
/// use redial::subscriptions::{FixedSubscriptions, Subscriptions};
///
/// let mut set = FixedSubscriptions::<&str, 4>::new();
/// set.subscribe("news", 0)?;
/// set.subscribe("orders", 9)?;
///
/// // What a status page shows.
/// for subscription in set.iter() {
///     println!("{}: {}, priority {}", subscription.key(), subscription.state(), subscription.priority());
/// }
/// assert_eq!(set.find(&"orders").map(|subscription| subscription.priority()), Some(9));
/// # Ok::<(), redial::subscriptions::Full<&str>>(())
/// ```
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
    /// The key by which the caller and the server name it.
    #[must_use]
    pub const fn key(&self) -> &'a K {
        self.key
    }

    /// The priority. Higher ones are sent first.
    #[must_use]
    pub const fn priority(&self) -> i32 {
        self.priority
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> SubscriptionState {
        self.state
    }

    /// The number of the newest batch that contained it (see [`Subscriptions::sends`]); `None` if none did.
    #[must_use]
    pub const fn send(&self) -> Option<u32> {
        if self.send == 0 { None } else { Some(self.send) }
    }

    /// How often in a row the server refused it, ended it, or did not answer in time.
    ///
    /// The count returns to 0 when a connection ends on which the subscription was confirmed to the end, and when the user
    /// subscribes again after a rejection. A confirmation or a new connection alone does not reset it, so that a subscription
    /// that is confirmed and ended in turns backs off.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// The result of [`Subscriptions::subscribe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subscribed {
    /// The key is new and will be sent.
    Added,
    /// The key was in the set. Its priority changed, or it is sent again after a rejection, or both.
    Changed,
    /// The key was in the set with this priority. Nothing changed.
    Unchanged,
}

words!(Subscribed {
    Added => "added",
    Changed => "changed",
    Unchanged => "unchanged",
});

/// The set is full. It did not change, and this returns the key.
///
/// ```
/// use redial::subscriptions::{FixedSubscriptions, Full, Subscriptions};
///
/// let mut set = FixedSubscriptions::<u16, 1>::new();
/// set.subscribe(7, 0)?;
/// assert_eq!(set.subscribe(8, 0), Err(Full(8)));
///
/// // There is a place again.
/// assert!(set.unsubscribe(&7));
/// set.subscribe(8, 0)?;
/// # Ok::<(), Full<u16>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the key that was not taken, to be moved out")]
pub struct Full<K>(pub K);

impl<K> fmt::Display for Full<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the set of subscriptions is full; unsubscribe one or use a larger capacity")
    }
}

impl<K: fmt::Debug> core::error::Error for Full<K> {}

/// When the last batch was sent on this connection, when the next one is due, and the limit for the oldest answer. A policy
/// keeps it in the set, which does not read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    pub(crate) last: OptInstant,
    pub(crate) next: OptInstant,
    pub(crate) confirm: OptInstant,
}

impl Pace {
    /// No batch was sent and nothing is due.
    pub const NONE: Self = Self { last: OptInstant::NONE, next: OptInstant::NONE, confirm: OptInstant::NONE };

    /// The earlier of the two deadlines.
    pub(crate) const fn first(self) -> OptInstant {
        self.next.min(self.confirm)
    }
}

/// The set of desired subscriptions: a [`SubscriptionSet`], or [`NoSubscriptions`].
///
/// A key is desired from [`subscribe`](Self::subscribe) until [`unsubscribe`](Self::unsubscribe), whatever the server
/// answers and however often the connection is lost. In one session a key is sent once, and again only if the server refused
/// it for a while, ended it or did not answer in time, or if the connection was lost before the answer.
///
/// A [`Policy`](crate::Policy) calls these methods by itself. Without one, the caller does:
///
/// * The transport is lost: [`transport_lost`](Self::transport_lost). If the session is resumed afterwards, confirmed keys stay
///   confirmed and unanswered ones are pending.
/// * A new session is established: [`session_started`](Self::session_started). All keys are pending.
/// * A batch may be sent: [`take_batch`](Self::take_batch), then send the keys of [`batch`](Self::batch).
/// * The server answers: [`confirm`](Self::confirm) or [`fail`](Self::fail).
///
/// Keys are sent in the order of their priority, higher first, and equal ones in the order in which they were subscribed.
///
/// With n keys, an operation on one key takes O(log n) steps, a batch of k keys O(k + log n), and a loss or a new session O(1).
/// Only [`unconfirmed`](Self::unconfirmed) and the iterators visit every key.
///
/// Two sets are equal if they behave alike: they have the same keys in the same order and states, with the same numbers and
/// times.
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
#[doc(alias = "resubscribe")]
#[doc(alias = "channel")]
#[doc(alias = "topic")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of subscriptions",
    note = "`SubscriptionList` (feature `alloc`) grows, `FixedSubscriptions` does not, and `NoSubscriptions` is what a policy has without `with_subscriptions`"
)]
pub trait Subscriptions: sealed::Sealed {
    /// The type of the keys: a channel, a topic, a number.
    type Key: Clone + Ord + fmt::Debug;

    /// The number of desired keys.
    #[must_use]
    fn len(&self) -> usize;

    /// Whether no key is desired.
    #[must_use]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All desired subscriptions, in the order in which they are sent.
    #[must_use]
    fn iter(&self) -> impl Iterator<Item = Subscription<'_, Self::Key>>;

    /// The subscription with this key, if it is desired.
    #[must_use]
    fn find(&self, key: &Self::Key) -> Option<Subscription<'_, Self::Key>>;

    /// How often in a row this key failed (see [`Subscription::failures`]); 0 for a key that is not in the set.
    #[must_use]
    fn failures(&self, key: &Self::Key) -> u32 {
        self.find(key).map_or(0, |entry| entry.failures)
    }

    /// Subscribes to a key. Higher priorities are sent first; use 0 where the order does not matter.
    ///
    /// A key that is in the set keeps its state and its place, except that a rejected one becomes pending, and one with a new
    /// priority goes behind the others of that priority.
    ///
    /// # Errors
    ///
    /// [`Full`] with the key, if the key is new and the set has no space for it.
    fn subscribe(&mut self, key: Self::Key, priority: i32) -> Result<Subscribed, Full<Self::Key>>;

    /// Unsubscribes from a key. It is not sent again, and late answers for it change nothing. False if it was not in the set.
    ///
    /// The caller tells the server.
    fn unsubscribe(&mut self, key: &Self::Key) -> bool;

    /// A new session is established. The server has no subscriptions, so that all keys are pending, rejected ones too.
    fn session_started(&mut self);

    /// The transport is lost. Keys that were unanswered or waiting are pending. Confirmed and rejected keys stay so, for a
    /// session that is resumed; the failures of confirmed keys return to 0.
    fn transport_lost(&mut self);

    /// Makes the next batch, which replaces the one before: the first `max` keys, in order, that are pending or whose wait is
    /// over. They count as sent at `now`. Returns their number.
    fn take_batch(&mut self, max: usize, now: Instant) -> usize;

    /// The keys of the newest batch, in the order in which to send them. A key leaves the batch when it is answered or
    /// unsubscribed, and all leave it when the transport is lost.
    #[must_use]
    fn batch(&self) -> impl Iterator<Item = &Self::Key>;

    /// The number of the newest batch: how many batches with at least one key were taken, over all connections. After 2³² - 1
    /// comes 1, which is harmless because the numbers are compared for equality only.
    #[must_use]
    fn sends(&self) -> u32;

    /// The server confirmed a key. False, and without effect, unless the key was sent and is unanswered.
    fn confirm(&mut self, key: &Self::Key) -> bool;

    /// The server refused a key, or ended it after confirming it. The key stays desired: it is sent again at `retry_at`, or
    /// with `None` in the next new session.
    ///
    /// False, and without effect, if the key was neither sent nor confirmed; so a key that failed does not fail again before it
    /// is sent again. To compute `retry_at` from a backoff, take [`failures`](Self::failures) + 1 before this call.
    fn fail(&mut self, key: &Self::Key, retry_at: Option<Instant>) -> bool;

    /// The first `max` keys, in order, that were sent at or before `sent_by` and are unanswered have failed. `retry_at` is
    /// called with the number of failures in a row, this one included, and returns when the key is sent again, as in
    /// [`fail`](Self::fail). Returns the number of keys that failed.
    fn fail_unanswered(
        &mut self,
        max: usize,
        sent_by: Instant,
        retry_at: impl FnMut(u32) -> Option<Instant>,
    ) -> usize;

    /// Whether a batch that is taken now contains a key.
    #[must_use]
    fn has_pending(&self, now: Instant) -> bool;

    /// The earliest end of a wait; `None` if no key waits. Pending keys don't wait: see [`has_pending`](Self::has_pending).
    #[must_use]
    fn next_retry(&self) -> Option<Instant>;

    /// When the oldest unanswered key was sent; `None` if every key that was sent is answered.
    #[must_use]
    fn oldest_unanswered(&self) -> Option<Instant>;

    /// The clock ran back to `now`. No key counts as sent later than that, and none waits longer than until `latest`.
    fn rewind(&mut self, now: Instant, latest: Instant);

    /// The number of keys that are sent and unanswered.
    #[must_use]
    fn unconfirmed(&self) -> usize {
        self.iter().filter(|entry| entry.state == SubscriptionState::Sent).count()
    }

    /// The value of the last [`set_pace`](Self::set_pace), at first [`Pace::NONE`]. A policy keeps it here so that a policy
    /// without subscriptions does not need the space. It is reset with every dial, and is part of a comparison of sets.
    #[must_use]
    fn pace(&self) -> Pace;

    /// Stores the pace.
    fn set_pace(&mut self, pace: Pace);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::NoSubscriptions {}
    impl<A: super::SubscriptionStorage> Sealed for super::SubscriptionSet<A> {}
}
