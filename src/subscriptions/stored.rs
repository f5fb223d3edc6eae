//! A set of subscriptions in a checkpoint: its numbers and times, and its keys in the order in which they are sent.

use super::set::entry_of;
use super::{
    NoSubscriptions, Pace, Subscription, SubscriptionSet, SubscriptionState, SubscriptionStorage,
    Subscriptions,
};
use crate::codec::{CheckpointError, FromName, Load, Named, Reader, Store, Writer, impossible};
use crate::time::Instant;

const PENDING: u8 = 0;
const SENT: u8 = 1;
const SENT_IN_BATCH: u8 = 2;
const CONFIRMED: u8 = 3;
const WAITING: u8 = 4;
const REJECTED: u8 = 5;

impl Store for NoSubscriptions {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        store_head(to, 0, 0, Pace::NONE)?;
        to.number(1_u64)
    }
}

impl Load for NoSubscriptions {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        match (load_head(from)?, from.number::<u64>()?) {
            ((0, 0, Pace::NONE), _) => Ok(Self),
            _ => Err(CheckpointError::Unfit("it has subscriptions")),
        }
    }
}

impl<A: SubscriptionStorage<Key: Named>> Store for SubscriptionSet<A> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        store_head(to, self.len() as u64, self.sends(), self.pace())?;
        // None is 0.
        to.number(self.capacity().map_or(0, |slots| (slots as u64).saturating_add(1)))?;
        self.iter().try_for_each(|entry| store_entry(to, entry))
    }
}

impl<A: SubscriptionStorage<Key: FromName> + Default> Load for SubscriptionSet<A> {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let (len, sends, pace) = load_head(from)?;
        let mut storage = A::default();
        if let Some(slots) = from.number::<u64>()?.checked_sub(1) {
            storage.limit(usize::try_from(slots).unwrap_or(usize::MAX));
        }
        let mut set = Self::with_storage(storage);
        let mut lowest = i32::MAX;
        for _ in 0..len {
            lowest = load_entry(from, &mut set, lowest)?;
        }
        set.set_sends(sends);
        set.set_pace(pace);
        Ok(set)
    }
}

fn store_head(to: &mut Writer<'_>, len: u64, sends: u32, pace: Pace) -> Result<(), CheckpointError> {
    let Pace { last, next, confirm } = pace;
    to.number(len)?;
    to.counter(sends)?;
    to.opt_instant(last)?;
    to.opt_instant(next)?;
    to.opt_instant(confirm)
}

fn load_head(from: &mut Reader<'_>) -> Result<(u64, u32, Pace), CheckpointError> {
    let (len, sends) = (from.number()?, from.number()?);
    let pace = Pace { last: from.opt_instant()?, next: from.opt_instant()?, confirm: from.opt_instant()? };
    Ok((len, sends, pace))
}

fn store_entry<K: Named>(to: &mut Writer<'_>, entry: Subscription<'_, K>) -> Result<(), CheckpointError> {
    let Subscription { key, priority, failures, send, state, sent_at, in_batch } = entry;
    to.name(Some(key))?;
    to.signed(priority.into())?;
    to.number(failures)?;
    to.counter(send)?;
    let (code, at) = match state {
        SubscriptionState::Pending => (PENDING, None),
        SubscriptionState::Sent if in_batch => (SENT_IN_BATCH, sent_at.get()),
        SubscriptionState::Sent => (SENT, sent_at.get()),
        SubscriptionState::Confirmed => (CONFIRMED, None),
        SubscriptionState::Waiting { until } => (WAITING, Some(until)),
        SubscriptionState::Rejected => (REJECTED, None),
    };
    to.bytes(&[code])?;
    at.map_or(Ok(()), |at| to.instant(at))
}

/// Adds the next entry, and returns its priority.
fn load_entry<A: SubscriptionStorage<Key: FromName>>(
    from: &mut Reader<'_>,
    set: &mut SubscriptionSet<A>,
    lowest: i32,
) -> Result<i32, CheckpointError> {
    let key: A::Key = from.some_name()?;
    let priority = i32::try_from(from.signed()?).map_err(|_| impossible("a priority that is too large"))?;
    let (failures, send) = (from.number()?, from.number()?);
    let code = from.byte()?;
    let at = if matches!(code, SENT | SENT_IN_BATCH | WAITING) { from.instant()? } else { Instant::ZERO };
    let state = match code {
        PENDING => SubscriptionState::Pending,
        SENT | SENT_IN_BATCH => SubscriptionState::Sent,
        CONFIRMED => SubscriptionState::Confirmed,
        WAITING => SubscriptionState::Waiting { until: at },
        REJECTED => SubscriptionState::Rejected,
        _ => return Err(impossible("a subscription in no state")),
    };
    if set.find(&key).is_some() {
        return Err(impossible("a subscription is there twice"));
    }
    if lowest < priority {
        return Err(impossible("the subscriptions are not in the order of their priorities"));
    }
    set.add(key, entry_of(priority, failures, send, state, at, code == SENT_IN_BATCH))
        .map_err(|_| CheckpointError::Unfit("it has more subscriptions than fit"))?;
    Ok(priority)
}
