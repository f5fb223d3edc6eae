//! Sets of subscriptions as data: a sequence of subscriptions in their order, the same for every storage.

use core::fmt::Debug;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::time::Instant;

#[cfg(feature = "alloc")]
use super::SubscriptionList;
use super::set::entry_of;
use super::{
    FixedSubscriptions, Subscription, SubscriptionSet, SubscriptionState, SubscriptionStorage, Subscriptions,
};

/// A subscription as it is written, and as it is read before it is checked.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Subscription")]
struct Plain<K> {
    key: K,
    priority: i32,
    failures: u32,
    state: SubscriptionState,
    /// The number of the newest batch that contained it; 0: none did.
    send: u32,
    /// When it was sent, while it is unanswered.
    sent_at: Option<Instant>,
    in_batch: bool,
}

impl<K: Serialize> Serialize for Subscription<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { key, priority, failures, send, state, sent_at, in_batch } = *self;
        Plain { key, priority, failures, state, send, sent_at: sent_at.get(), in_batch }.serialize(serializer)
    }
}

fn read<'de, A, D>(
    mut set: SubscriptionSet<A>,
    room: usize,
    deserializer: D,
) -> Result<SubscriptionSet<A>, D::Error>
where
    A: SubscriptionStorage<Key: Deserialize<'de>>,
    D: Deserializer<'de>,
{
    let (mut lowest, mut newest) = (i32::MAX, 0);
    crate::array::each(deserializer, room, |plain: Plain<A::Key>| {
        let Plain { key, priority, failures, state, send, sent_at, in_batch } = plain;
        if in_batch && state != SubscriptionState::Sent {
            return Err("a subscription that was not sent is in the batch");
        }
        if (state == SubscriptionState::Sent) != sent_at.is_some() {
            return Err("a subscription is sent at a time, and at none if it is not");
        }
        if set.find(&key).is_some() {
            return Err("a subscription is there twice");
        }
        if lowest < priority {
            return Err("the subscriptions are not in the order of their priorities");
        }
        (lowest, newest) = (priority, newest.max(send));
        let entry = entry_of(priority, failures, send, state, sent_at.unwrap_or(Instant::ZERO), in_batch);
        set.add(key, entry).map_err(|_| "no room for a subscription")
    })?;
    set.set_sends(newest);
    Ok(set)
}

impl<A: SubscriptionStorage<Key: Serialize>> Serialize for SubscriptionSet<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Reads at most `N` subscriptions, each key once, in the order of their priorities. The batches continue after the highest
/// number that a key has. Keys that an earlier process sent are not answered any more: call
/// [`Subscriptions::transport_lost`] first.
impl<'de, K, const N: usize> Deserialize<'de> for FixedSubscriptions<K, N>
where
    K: Clone + Ord + Debug + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Self::new(), N, deserializer)
    }
}

/// Reads any number of subscriptions; otherwise as for [`FixedSubscriptions`].
#[cfg(feature = "alloc")]
impl<'de, K: Clone + Ord + Debug + Deserialize<'de>> Deserialize<'de> for SubscriptionList<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Self::new(), usize::MAX, deserializer)
    }
}
