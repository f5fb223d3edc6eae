//! Sets of subscriptions as data: a sequence of what is desired, in its order, the same from every storage.

use core::fmt::Debug;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

#[cfg(feature = "alloc")]
use super::SubscriptionList;
use super::{FixedSubscriptions, Subscription, SubscriptionState, Subscriptions};

/// A subscription as it is written, and as it is read before it was looked at.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Subscription")]
struct Plain<K> {
    key: K,
    priority: i32,
    failures: u32,
    state: SubscriptionState,
    in_batch: bool,
}

impl<K: Serialize> Serialize for Subscription<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { key, priority, failures, state, in_batch } = self;
        let (priority, failures, state, in_batch) = (*priority, *failures, *state, *in_batch);
        Plain { key, priority, failures, state, in_batch }.serialize(serializer)
    }
}

impl<'de, K: Deserialize<'de>> Deserialize<'de> for Subscription<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Plain { key, priority, failures, state, in_batch } = Plain::deserialize(deserializer)?;
        if in_batch && state != SubscriptionState::Sent {
            return Err(D::Error::custom("a subscription that was not sent is in the batch"));
        }
        Ok(Self { key, priority, failures, state, in_batch })
    }
}

fn read<'de, S, D>(mut set: S, room: usize, deserializer: D) -> Result<S, D::Error>
where
    S: Subscriptions<Key: Deserialize<'de>>,
    D: Deserializer<'de>,
{
    crate::array::each(deserializer, room, |entry: Subscription<S::Key>| {
        if set.find(&entry.key).is_some() {
            return Err("a subscription is there twice");
        }
        let end = set.len();
        if end
            .checked_sub(1)
            .and_then(|last| set.get(last))
            .is_some_and(|last| last.priority < entry.priority)
        {
            return Err("the subscriptions are not in the order of their priorities");
        }
        set.insert(end, entry).map_err(|_| "no room for a subscription")
    })?;
    Ok(set)
}

impl<K, const N: usize> Serialize for FixedSubscriptions<K, N>
where
    K: Clone + PartialEq + Debug + Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// At most `N` subscriptions, each key once, in the order of their priorities. What an earlier process sent on a connection
/// that ended with it is unanswered for ever: call [`Subscriptions::transport_lost`] first.
impl<'de, K, const N: usize> Deserialize<'de> for FixedSubscriptions<K, N>
where
    K: Clone + PartialEq + Debug + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Self::new(), N, deserializer)
    }
}

#[cfg(feature = "alloc")]
impl<K: Clone + PartialEq + Debug + Serialize> Serialize for SubscriptionList<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Each key once, in the order of their priorities; otherwise as for [`FixedSubscriptions`].
#[cfg(feature = "alloc")]
impl<'de, K: Clone + PartialEq + Debug + Deserialize<'de>> Deserialize<'de> for SubscriptionList<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Self::new(), usize::MAX, deserializer)
    }
}
