//! Where a set of subscriptions lives: in place, on the heap, or nowhere.

use core::convert::Infallible;
use core::fmt;

use super::{Pace, Subscription, Subscriptions};

/// At most `N` subscriptions, in place: no heap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FixedSubscriptions<K, const N: usize> {
    /// The first `len` are taken, the rest are `None`.
    slots: [Option<Subscription<K>>; N],
    len: usize,
    pace: Pace,
}

impl<K, const N: usize> FixedSubscriptions<K, N> {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: [const { None }; N], len: 0, pace: Pace::NONE }
    }
}

impl<K, const N: usize> Default for FixedSubscriptions<K, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone + PartialEq + fmt::Debug, const N: usize> Subscriptions for FixedSubscriptions<K, N> {
    type Key = K;

    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, at: usize) -> Option<&Subscription<K>> {
        self.slots.get(at)?.as_ref()
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut Subscription<K>> {
        self.slots.get_mut(at)?.as_mut()
    }

    fn insert(&mut self, at: usize, entry: Subscription<K>) -> Result<(), Subscription<K>> {
        let Some(free) = self.slots.get_mut(self.len) else { return Err(entry) };
        *free = Some(entry);
        if let Some(moved) = self.slots.get_mut(at.min(self.len)..=self.len) {
            moved.rotate_right(1);
        }
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    fn remove(&mut self, at: usize) -> Option<Subscription<K>> {
        // Those behind it move up.
        let mut moved = None;
        for slot in self.slots.get_mut(at..self.len)?.iter_mut().rev() {
            core::mem::swap(slot, &mut moved);
        }
        self.len = self.len.saturating_sub(usize::from(moved.is_some()));
        moved
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }
}

/// Any number of subscriptions, on the heap (feature `alloc`).
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubscriptionList<K> {
    entries: alloc::vec::Vec<Subscription<K>>,
    pace: Pace,
}

#[cfg(feature = "alloc")]
impl<K> SubscriptionList<K> {
    /// An empty set. Allocates with the first key.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: alloc::vec::Vec::new(), pace: Pace::NONE }
    }
}

#[cfg(feature = "alloc")]
impl<K> Default for SubscriptionList<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
impl<K: Clone + PartialEq + fmt::Debug> Subscriptions for SubscriptionList<K> {
    type Key = K;

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, at: usize) -> Option<&Subscription<K>> {
        self.entries.get(at)
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut Subscription<K>> {
        self.entries.get_mut(at)
    }

    fn insert(&mut self, at: usize, entry: Subscription<K>) -> Result<(), Subscription<K>> {
        self.entries.insert(at.min(self.entries.len()), entry);
        Ok(())
    }

    fn remove(&mut self, at: usize) -> Option<Subscription<K>> {
        (at < self.entries.len()).then(|| self.entries.remove(at))
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }
}

/// No subscriptions at all: no bytes, no instructions. There is no key to subscribe with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoSubscriptions;

impl Subscriptions for NoSubscriptions {
    type Key = Infallible;

    fn len(&self) -> usize {
        0
    }

    fn get(&self, _: usize) -> Option<&Subscription<Infallible>> {
        None
    }

    fn get_mut(&mut self, _: usize) -> Option<&mut Subscription<Infallible>> {
        None
    }

    fn insert(&mut self, _: usize, entry: Subscription<Infallible>) -> Result<(), Subscription<Infallible>> {
        match entry.key {}
    }

    fn remove(&mut self, _: usize) -> Option<Subscription<Infallible>> {
        None
    }

    fn pace(&self) -> Pace {
        Pace::NONE
    }

    fn set_pace(&mut self, _: Pace) {}
}
