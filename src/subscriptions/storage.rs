//! The storage of a set of subscriptions: in place, on the heap, or none.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::convert::Infallible;
use core::fmt;

use crate::time::Instant;

use super::slot::Slot;
use super::{Full, Pace, Subscribed, Subscription, SubscriptionSet, Subscriptions};

/// The storage of a [`SubscriptionSet`]: a sequence of slots, which may grow, and an index of them by key. It does not read
/// what the slots hold.
pub trait SubscriptionStorage {
    /// The type of the keys.
    type Key: Clone + Ord + fmt::Debug;

    /// The slot with this number, from 0; `None` if there is none yet.
    #[must_use]
    fn slot(&self, at: usize) -> Option<&Slot<Self::Key>>;

    /// The same slot, mutably.
    #[must_use]
    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<Self::Key>>;

    /// Adds at least one [`Slot::EMPTY`] behind the others, which keep their numbers. False if the storage can't grow.
    fn grow(&mut self) -> bool;

    /// The number of the slot that is indexed by this key.
    #[must_use]
    fn position(&self, key: &Self::Key) -> Option<usize>;

    /// Adds a key to the index. The set stores it in this slot next.
    fn index(&mut self, key: &Self::Key, at: usize);

    /// Removes a key from the index. The set removes it from its slot next.
    fn unindex(&mut self, key: &Self::Key);

    /// The most slots there will ever be. Default `None`: there is no limit.
    #[must_use]
    fn capacity(&self) -> Option<usize> {
        None
    }

    /// Never more than so many slots from here on: a checkpoint is read of a set that had no more. By default nothing
    /// happens, which is right where the storage has a limit of its own.
    fn limit(&mut self, slots: usize) {
        let _ = slots;
    }
}

/// At most `N` subscriptions, in place and without a heap.
pub type FixedSubscriptions<K, const N: usize> = SubscriptionSet<InPlace<K, N>>;

/// As many slots as there will ever be.
#[derive(Clone, Debug)]
pub struct InPlace<K, const N: usize> {
    slots: [Slot<K>; N],
    /// The numbers of slots in the order of their keys; the first `len` are used.
    sorted: [u32; N],
    len: usize,
}

impl<K, const N: usize> InPlace<K, N> {
    const EMPTY: Self = Self { slots: [const { Slot::EMPTY }; N], sorted: [0; N], len: 0 };
}

impl<K, const N: usize> Default for InPlace<K, N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<K: Ord, const N: usize> InPlace<K, N> {
    /// The position of the key in `sorted`, or where it belongs.
    fn search(&self, key: &K) -> Result<usize, usize> {
        let sorted = self.sorted.get(..self.len).unwrap_or_default();
        sorted.binary_search_by(|at| self.key(*at).cmp(&Some(key)))
    }

    fn key(&self, at: u32) -> Option<&K> {
        self.slots.get(usize::try_from(at).ok()?)?.key.as_ref()
    }
}

impl<K: Clone + Ord + fmt::Debug, const N: usize> SubscriptionStorage for InPlace<K, N> {
    type Key = K;

    fn slot(&self, at: usize) -> Option<&Slot<K>> {
        self.slots.get(at)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<K>> {
        self.slots.get_mut(at)
    }

    fn grow(&mut self) -> bool {
        false
    }

    fn capacity(&self) -> Option<usize> {
        Some(N)
    }

    fn position(&self, key: &K) -> Option<usize> {
        usize::try_from(*self.sorted.get(self.search(key).ok()?)?).ok()
    }

    fn index(&mut self, key: &K, at: usize) {
        let (Err(place), Ok(at)) = (self.search(key), u32::try_from(at)) else { return };
        // Never empty, which tells the compiler that the rotation can't panic.
        if let Some(moved) = self.sorted.get_mut(place..=self.len).filter(|moved| !moved.is_empty()) {
            moved.rotate_right(1);
            self.len = self.len.saturating_add(1);
        }
        if let Some(free) = self.sorted.get_mut(place) {
            *free = at;
        }
    }

    fn unindex(&mut self, key: &K) {
        let Ok(place) = self.search(key) else { return };
        if let Some(moved) = self.sorted.get_mut(place..self.len).filter(|moved| !moved.is_empty()) {
            moved.rotate_left(1);
            self.len = self.len.saturating_sub(1);
        }
    }
}

impl<K: Clone + Ord + fmt::Debug, const N: usize> FixedSubscriptions<K, N> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_storage(InPlace::EMPTY)
    }
}

impl<K: Clone + Ord + fmt::Debug, const N: usize> Default for FixedSubscriptions<K, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Any number of subscriptions, on the heap (feature `alloc`). Each key is stored twice.
#[cfg(feature = "alloc")]
pub type SubscriptionList<K> = SubscriptionSet<OnHeap<K>>;

/// Slots in chunks that never move, so that no call copies all of them.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct OnHeap<K> {
    pieces: Vec<Box<[Slot<K>; PIECE]>>,
    by_key: BTreeMap<K, usize>,
}

#[cfg(feature = "alloc")]
impl<K> OnHeap<K> {
    const EMPTY: Self = Self { pieces: Vec::new(), by_key: BTreeMap::new() };
}

#[cfg(feature = "alloc")]
impl<K> Default for OnHeap<K> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The number of slots in a chunk.
#[cfg(feature = "alloc")]
const PIECE: usize = 64;

#[cfg(feature = "alloc")]
impl<K: Clone + Ord + fmt::Debug> SubscriptionStorage for OnHeap<K> {
    type Key = K;

    fn slot(&self, at: usize) -> Option<&Slot<K>> {
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<K>> {
        self.pieces.get_mut(at / PIECE)?.get_mut(at % PIECE)
    }

    fn grow(&mut self) -> bool {
        self.pieces.push(Box::new([const { Slot::EMPTY }; PIECE]));
        true
    }

    fn position(&self, key: &K) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    fn index(&mut self, key: &K, at: usize) {
        self.by_key.insert(key.clone(), at);
    }

    fn unindex(&mut self, key: &K) {
        self.by_key.remove(key);
    }
}

#[cfg(feature = "alloc")]
impl<K: Clone + Ord + fmt::Debug> SubscriptionList<K> {
    /// An empty set. It allocates with the first key, and reuses the space of a key that is unsubscribed.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_storage(OnHeap::EMPTY)
    }
}

#[cfg(feature = "alloc")]
impl<K: Clone + Ord + fmt::Debug> Default for SubscriptionList<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// No subscriptions, in no bytes and no instructions. There is no key to subscribe with.
///
/// ```
/// use redial::subscriptions::{NoSubscriptions, Subscriptions};
/// use redial::{Policy, SplitMix64, presets};
///
/// // What a policy has unless it is given a set.
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let none: &NoSubscriptions = policy.subscriptions();
/// assert_eq!((none.len(), size_of_val(none)), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the caller; it holds nothing")]
pub struct NoSubscriptions;

impl Subscriptions for NoSubscriptions {
    type Key = Infallible;

    fn len(&self) -> usize {
        0
    }

    fn iter(&self) -> impl Iterator<Item = Subscription<'_, Infallible>> {
        core::iter::empty()
    }

    fn find(&self, key: &Infallible) -> Option<Subscription<'_, Infallible>> {
        match *key {}
    }

    fn subscribe(&mut self, key: Infallible, _: i32) -> Result<Subscribed, Full<Infallible>> {
        match key {}
    }

    fn unsubscribe(&mut self, key: &Infallible) -> bool {
        match *key {}
    }

    fn session_started(&mut self) {}

    fn transport_lost(&mut self) {}

    fn take_batch(&mut self, _: usize, _: Instant) -> usize {
        0
    }

    fn batch(&self) -> impl Iterator<Item = &Infallible> {
        core::iter::empty()
    }

    fn sends(&self) -> u32 {
        0
    }

    fn confirm(&mut self, key: &Infallible) -> bool {
        match *key {}
    }

    fn fail(&mut self, key: &Infallible, _: Option<Instant>) -> bool {
        match *key {}
    }

    fn fail_unanswered(&mut self, _: usize, _: Instant, _: impl FnMut(u32) -> Option<Instant>) -> usize {
        0
    }

    fn has_pending(&self, _: Instant) -> bool {
        false
    }

    fn next_retry(&self) -> Option<Instant> {
        None
    }

    fn oldest_unanswered(&self) -> Option<Instant> {
        None
    }

    fn rewind(&mut self, _: Instant, _: Instant) {}

    fn pace(&self) -> Pace {
        Pace::NONE
    }

    fn set_pace(&mut self, _: Pace) {}
}
