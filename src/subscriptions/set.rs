//! The set: an index to find a key, a tree to find the next key to send, and a list of free slots.

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::time::{Instant, OptInstant};

use super::slot::{Entry, NIL, Slot, Stage, Summary, Tag};
use super::tree;
use super::{Full, Pace, Subscribed, Subscription, SubscriptionState, SubscriptionStorage, Subscriptions};

/// A set of desired subscriptions in the storage `A`: [`FixedSubscriptions`](super::FixedSubscriptions) (no heap) and
#[cfg_attr(feature = "alloc", doc = "[`SubscriptionList`](super::SubscriptionList) (grows; feature `alloc`)")]
#[cfg_attr(not(feature = "alloc"), doc = "`SubscriptionList` (grows; feature `alloc`)")]
/// are names of it. Its methods are those of [`Subscriptions`].
///
/// ```
/// use redial::Instant;
/// use redial::subscriptions::{FixedSubscriptions, Subscriptions};
///
/// let mut set = FixedSubscriptions::<&str, 8>::new();
/// set.subscribe("news", 0)?;
/// set.subscribe("orders", 9)?;
/// set.subscribe("weather", 0)?;
///
/// // A session begins: at most two at a time, the highest priority first.
/// set.session_started();
/// assert_eq!(set.take_batch(2, Instant::ZERO), 2);
/// assert!(set.batch().eq(&["orders", "news"]));
/// # Ok::<(), redial::subscriptions::Full<&str>>(())
/// ```
#[derive(Clone)]
pub struct SubscriptionSet<A> {
    slots: A,
    pace: Pace,
    /// The number of the newest subscription.
    order: u64,
    /// The top of the tree.
    root: u32,
    /// The first slot that was used and is free.
    free: u32,
    /// The number of slots that were ever used.
    used: u32,
    len: u32,
    sends: u32,
}

impl<A> SubscriptionSet<A> {
    /// An empty set in a storage of the caller. Slots that the storage has from the start must be
    /// [`SubscriptionSlot::EMPTY`](Slot::EMPTY).
    #[must_use]
    pub const fn with_storage(storage: A) -> Self {
        Self { slots: storage, pace: Pace::NONE, order: 0, root: NIL, free: NIL, used: 0, len: 0, sends: 0 }
    }
}

impl<A: SubscriptionStorage> SubscriptionSet<A> {
    /// The most keys that the storage can hold, where it has a limit.
    pub(super) fn capacity(&self) -> Option<usize> {
        self.slots.capacity()
    }

    fn position(&self, key: &A::Key) -> Option<u32> {
        self.slots.position(key).and_then(|at| u32::try_from(at).ok())
    }

    /// Changes the entry of the key in this slot.
    fn change(&mut self, at: u32, mut with: impl FnMut(&mut Entry)) {
        tree::change(&mut self.slots, self.root, at, &mut with);
    }

    /// Changes the first `max` keys that are `wanted`, and returns their number.
    fn change_each(
        &mut self,
        max: usize,
        wanted: impl Fn(&Summary) -> bool,
        mut with: impl FnMut(&mut Entry),
    ) -> usize {
        let mut left = max;
        tree::change_each(&mut self.slots, self.root, &mut left, &wanted, &mut with);
        max.saturating_sub(left)
    }

    /// The keys that are `wanted`, in the order of sending.
    fn each<'a>(
        &'a self,
        wanted: impl Fn(&Summary) -> bool + 'a,
    ) -> impl Iterator<Item = Subscription<'a, A::Key>> {
        let mut last = None;
        core::iter::from_fn(move || {
            let slots = &self.slots;
            let (at, entry) = tree::next(slots, self.root, Tag::NOTHING, last.as_ref(), &wanted)?;
            last = Some(entry);
            shown(slots, at, &entry)
        })
    }

    fn all(&self) -> Summary {
        tree::summary(&self.slots, self.root)
    }

    fn tell(&mut self, tag: Tag) {
        tree::tell(&mut self.slots, self.root, tag);
    }

    /// A slot for a new key.
    fn make_room(&mut self) -> Option<u32> {
        if let Some(slot) = tree::get(&self.slots, self.free) {
            let at = self.free;
            self.free = slot.left;
            return Some(at);
        }
        let at = self.used;
        if at == NIL || tree::get(&self.slots, at).is_none() && !self.slots.grow() {
            return None;
        }
        self.used = at.saturating_add(1);
        Some(at)
    }

    /// Adds a key that is not in the set, behind the others of its priority.
    pub(super) fn add(&mut self, key: A::Key, entry: Entry) -> Result<(), Full<A::Key>> {
        let Some(at) = self.make_room() else { return Err(Full(key)) };
        self.order = self.order.saturating_add(1);
        self.slots.index(&key, usize::try_from(at).unwrap_or(usize::MAX));
        if let Some(slot) = tree::get_mut(&mut self.slots, at) {
            *slot = Slot::new(key, Entry { order: self.order, ..entry });
        }
        self.root = tree::insert(&mut self.slots, self.root, at);
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// Sets the number of batches, for a set that is read.
    pub(super) const fn set_sends(&mut self, sends: u32) {
        self.sends = sends;
    }
}

/// A key as the user sees it.
fn shown<'a, A: SubscriptionStorage>(
    slots: &'a A,
    at: u32,
    entry: &Entry,
) -> Option<Subscription<'a, A::Key>> {
    let Entry { priority, failures, send, stage, at: sent_at, in_batch, .. } = *entry;
    let sent_at = if stage == Stage::Sent { OptInstant::at(sent_at) } else { OptInstant::NONE };
    let key = tree::get(slots, at)?.key.as_ref()?;
    Some(Subscription { key, priority, failures, send, state: entry.state(), sent_at, in_batch })
}

impl<A: SubscriptionStorage> Subscriptions for SubscriptionSet<A> {
    type Key = A::Key;

    fn len(&self) -> usize {
        // There are at most as many slots.
        usize::try_from(self.len).unwrap_or(usize::MAX)
    }

    fn iter(&self) -> impl Iterator<Item = Subscription<'_, A::Key>> {
        self.each(|_| true)
    }

    fn find(&self, key: &A::Key) -> Option<Subscription<'_, A::Key>> {
        let at = self.position(key)?;
        shown(&self.slots, at, &tree::entry(&self.slots, self.root, at)?)
    }

    fn subscribe(&mut self, key: A::Key, priority: i32) -> Result<Subscribed, Full<A::Key>> {
        let Some(at) = self.position(&key) else {
            let entry = Entry { priority, ..Entry::NEW };
            return self.add(key, entry).map(|()| Subscribed::Added);
        };
        let (mut rejected, mut moved) = (false, false);
        self.change(at, |entry| {
            moved = entry.priority != priority;
            rejected = entry.stage == Stage::Rejected;
            if rejected {
                entry.failures = 0;
                entry.enter(Stage::Pending, Instant::ZERO);
            }
        });
        if moved {
            let slots = &mut self.slots;
            let rest = tree::remove(slots, self.root, at);
            self.order = self.order.saturating_add(1);
            if let Some(slot) = tree::get_mut(slots, at) {
                slot.entry.priority = priority;
                slot.entry.order = self.order;
            }
            self.root = tree::insert(slots, rest, at);
        }
        Ok(if rejected || moved { Subscribed::Changed } else { Subscribed::Unchanged })
    }

    fn unsubscribe(&mut self, key: &A::Key) -> bool {
        let Some(at) = self.position(key) else { return false };
        self.slots.unindex(key);
        self.root = tree::remove(&mut self.slots, self.root, at);
        if let Some(slot) = tree::get_mut(&mut self.slots, at) {
            *slot = Slot::EMPTY;
            slot.left = self.free;
            self.free = at;
        }
        self.len = self.len.saturating_sub(1);
        true
    }

    fn session_started(&mut self) {
        self.tell(Tag::FRESH);
    }

    fn transport_lost(&mut self) {
        self.tell(Tag::LOST);
    }

    fn take_batch(&mut self, max: usize, now: Instant) -> usize {
        self.change_each(usize::MAX, |there| there.in_batch, |entry| entry.in_batch = false);
        if max == 0 || !self.has_pending(now) {
            return 0;
        }
        let send = self.sends.wrapping_add(1).max(1);
        self.sends = send;
        self.change_each(
            max,
            |there| there.is_due(now),
            |entry| {
                entry.enter(Stage::Sent, now);
                entry.send = send;
                entry.in_batch = true;
            },
        )
    }

    fn batch(&self) -> impl Iterator<Item = &A::Key> {
        self.each(|there| there.in_batch).map(|entry| entry.key)
    }

    fn sends(&self) -> u32 {
        self.sends
    }

    fn confirm(&mut self, key: &A::Key) -> bool {
        let Some(at) = self.position(key) else { return false };
        let mut confirmed = false;
        self.change(at, |entry| {
            confirmed = entry.stage == Stage::Sent;
            if confirmed {
                entry.enter(Stage::Confirmed, Instant::ZERO);
            }
        });
        confirmed
    }

    fn fail(&mut self, key: &A::Key, retry_at: Option<Instant>) -> bool {
        let Some(at) = self.position(key) else { return false };
        let mut failed = false;
        self.change(at, |entry| {
            failed = matches!(entry.stage, Stage::Sent | Stage::Confirmed);
            if failed {
                fail(entry, |_| retry_at);
            }
        });
        failed
    }

    fn fail_unanswered(
        &mut self,
        max: usize,
        sent_by: Instant,
        mut retry_at: impl FnMut(u32) -> Option<Instant>,
    ) -> usize {
        self.change_each(max, |there| there.is_unanswered(sent_by), |entry| fail(entry, &mut retry_at))
    }

    fn has_pending(&self, now: Instant) -> bool {
        self.all().is_due(now)
    }

    fn next_retry(&self) -> Option<Instant> {
        self.all().wait.get()
    }

    fn oldest_unanswered(&self) -> Option<Instant> {
        self.all().sent.get()
    }

    fn rewind(&mut self, now: Instant, latest: Instant) {
        self.tell(Tag::rewound(now, latest));
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }
}

fn fail(entry: &mut Entry, retry_at: impl FnOnce(u32) -> Option<Instant>) {
    entry.failures = entry.failures.saturating_add(1);
    match retry_at(entry.failures) {
        Some(until) => entry.enter(Stage::Waiting, until),
        None => entry.enter(Stage::Rejected, Instant::ZERO),
    }
}

impl<A: SubscriptionStorage> PartialEq for SubscriptionSet<A> {
    fn eq(&self, other: &Self) -> bool {
        (self.len, self.sends, self.pace) == (other.len, other.sends, other.pace)
            && self.iter().eq(other.iter())
    }
}

impl<A: SubscriptionStorage> Eq for SubscriptionSet<A> {}

impl<A: SubscriptionStorage<Key: Hash>> Hash for SubscriptionSet<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.len, self.sends, self.pace).hash(state);
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl<A: SubscriptionStorage> fmt::Debug for SubscriptionSet<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Keys<'a, A>(&'a SubscriptionSet<A>);
        impl<A: SubscriptionStorage> fmt::Debug for Keys<'_, A> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.0.iter()).finish()
            }
        }
        f.debug_struct("SubscriptionSet")
            .field("keys", &Keys(self))
            .field("sends", &self.sends)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// The inverse of what [`Subscription`] shows.
pub(super) const fn entry_of(
    priority: i32,
    failures: u32,
    send: u32,
    state: SubscriptionState,
    sent_at: Instant,
    in_batch: bool,
) -> Entry {
    let (stage, at) = match state {
        SubscriptionState::Pending => (Stage::Pending, Instant::ZERO),
        SubscriptionState::Sent => (Stage::Sent, sent_at),
        SubscriptionState::Confirmed => (Stage::Confirmed, Instant::ZERO),
        SubscriptionState::Waiting { until } => (Stage::Waiting, until),
        SubscriptionState::Rejected => (Stage::Rejected, Instant::ZERO),
    };
    Entry { priority, order: 0, failures, send, stage, at, in_batch }
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::SplitMix64;
    use crate::subscriptions::FixedSubscriptions;

    /// The subtree's height and summary, as its slots have them: balanced, in order, and summed up.
    fn checked(set: &FixedSubscriptions<u8, 256>, at: u32, last: &mut Option<Entry>) -> (u8, Summary) {
        let Some(slot) = tree::get(&set.slots, at) else { return (0, Summary::NOTHING) };
        let left = checked(set, slot.left, last);
        if let Some(last) = last {
            assert_eq!(last.rank(&slot.entry), core::cmp::Ordering::Less);
        }
        *last = Some(slot.entry);
        let right = checked(set, slot.right, last);
        assert!(left.0.abs_diff(right.0) <= 1, "heights of {} and {}", left.0, right.0);
        assert_eq!(slot.height, left.0.max(right.0) + 1);
        if slot.tag() == Tag::NOTHING {
            assert_eq!(slot.summary(), slot.entry.summary().and(left.1).and(right.1));
        }
        // What the children have not been told is a change of what they have.
        (slot.height, slot.summary())
    }

    #[test]
    fn the_tree_stays_balanced_and_in_order() {
        let mut rng = SplitMix64::seed_from_u64(7);
        let mut set = FixedSubscriptions::<u8, 256>::new();
        for round in 0..20_000_u32 {
            let key = rng.next_u32() as u8;
            let growing = round % 4_000 < 2_000;
            match rng.next_u32() % 8 {
                0..=3 if growing => _ = set.subscribe(key, (rng.next_u32() % 40) as i32),
                4 | 5 if !growing => _ = set.unsubscribe(&key),
                0 => _ = set.subscribe(key, (rng.next_u32() % 40) as i32),
                1 => _ = set.take_batch((key % 16).into(), Instant::from_millis(round.into())),
                2 => _ = set.fail(&key, Some(Instant::from_millis(u64::from(round) + 100))),
                3 if key < 10 => set.transport_lost(),
                3 if key < 15 => set.session_started(),
                3 if key < 20 => set.rewind(Instant::from_millis(u64::from(key)), Instant::from_millis(99)),
                _ => _ = set.confirm(&key),
            }
            checked(&set, set.root, &mut None);
            assert_eq!(set.iter().count(), set.len());
        }
    }
}
