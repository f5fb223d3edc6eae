//! What will happen, in the order of its time.

use alloc::collections::{BTreeMap, BinaryHeap};
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};
use core::mem;
use core::time::Duration;

use crate::policy::{Epoch, RetryAfter};
use crate::time::Micros;

/// Buckets, each a millisecond, and so milliseconds of one turn.
const BUCKETS: u64 = 1 << 16;
const BUCKET: u64 = 1_000;
/// A bucket that held more gives its memory back when it is empty.
const KEPT: usize = 256;

/// Something that will happen to one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// In microseconds.
    pub(super) at: u64,
    pub(super) client: u32,
    /// The transport that it is about, if it is about one.
    pub(super) epoch: Option<Epoch>,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A deadline of the policy may have passed.
    Deadline,
    /// A dial reaches its server.
    Arrival { region: u8, resume: bool },
    /// The answer reaches the client: it is connected.
    Accepted,
    /// The answer reaches the client: not now.
    Refused { hint: Hint },
    /// The client's own stack gives up waiting for an answer.
    TimedOut,
    /// The server ends the connection, where it is this transport's; any, without an epoch.
    Cut,
    /// The server says that it will. The number is the loss that it announces.
    Warning { loss: u16 },
}

/// What a server says about when to come again, in whole milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hint {
    Nothing,
    AtLeast(u32),
    Appointment(u32),
    Window(u32),
}

impl Hint {
    pub(super) fn new(retry_after: RetryAfter) -> Self {
        let millis = |wait| u32::try_from(Micros::from_duration(wait).millis_up()).unwrap_or(u32::MAX);
        match retry_after {
            RetryAfter::AtLeast(wait) => Self::AtLeast(millis(wait)),
            RetryAfter::Appointment(wait) => Self::Appointment(millis(wait)),
            RetryAfter::Window(width) => Self::Window(millis(width)),
        }
    }

    pub(super) fn get(self) -> Option<RetryAfter> {
        let span = |millis: u32| Duration::from_millis(millis.into());
        match self {
            Self::Nothing => None,
            Self::AtLeast(wait) => Some(RetryAfter::AtLeast(span(wait))),
            Self::Appointment(wait) => Some(RetryAfter::Appointment(span(wait))),
            Self::Window(width) => Some(RetryAfter::Window(span(width))),
        }
    }
}

/// A queue of items by time, and among equal times by insertion: every run takes them in one order.
///
/// One turn of buckets lies ahead; what is further away waits in a list for its turn. A bucket is sorted when its
/// millisecond comes, and what is inserted into that millisecond from then on goes through a heap.
pub(super) struct Calendar {
    buckets: Vec<Vec<Item>>,
    later: BTreeMap<u64, Vec<Item>>,
    /// The bucket that is being taken, counted from time 0.
    current: u64,
    /// Its items, last first.
    sorted: Vec<Item>,
    /// What came into it since.
    late: BinaryHeap<Reverse<Late>>,
    inserted: u64,
    /// Items in `buckets`.
    ahead: usize,
}

struct Late {
    number: u64,
    item: Item,
}

impl Ord for Late {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.item.at, self.number).cmp(&(other.item.at, other.number))
    }
}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Late {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Late {}

const fn bucket(at: u64) -> u64 {
    at.wrapping_div(BUCKET)
}

const fn turn(bucket: u64) -> u64 {
    bucket.wrapping_div(BUCKETS)
}

impl Calendar {
    pub(super) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| Vec::new()).collect(),
            later: BTreeMap::new(),
            current: 0,
            sorted: Vec::new(),
            late: BinaryHeap::new(),
            inserted: 0,
            ahead: 0,
        }
    }

    /// Inserts an item. One of the past comes next.
    pub(super) fn insert(&mut self, item: Item) {
        let bucket = bucket(item.at);
        if bucket <= self.current {
            self.inserted = self.inserted.saturating_add(1);
            self.late.push(Reverse(Late { number: self.inserted, item }));
        } else if turn(bucket) == turn(self.current) {
            self.place(bucket, item);
        } else {
            self.later.entry(turn(bucket)).or_default().push(item);
        }
    }

    fn place(&mut self, bucket: u64, item: Item) {
        if let Some(place) = self.buckets.get_mut(bucket.wrapping_rem(BUCKETS) as usize) {
            place.push(item);
            self.ahead = self.ahead.saturating_add(1);
        }
    }

    /// The next item; `None` if there is none.
    pub(super) fn take(&mut self) -> Option<Item> {
        loop {
            let late = self.late.peek().map(|Reverse(late)| late.item.at);
            match (self.sorted.last().map(|next| next.at), late) {
                // What was there when the bucket began was inserted earlier.
                (Some(next), Some(late)) if late < next => {
                    return self.late.pop().map(|Reverse(late)| late.item);
                }
                (Some(_), _) => return self.sorted.pop(),
                (None, Some(_)) => return self.late.pop().map(|Reverse(late)| late.item),
                (None, None) if !self.advance() => return None,
                (None, None) => {}
            }
        }
    }

    /// The clients of the next items, for whoever reads ahead; the nearest first.
    pub(super) fn next_clients(&self, skip: usize) -> impl Iterator<Item = u32> {
        self.sorted.iter().rev().skip(skip).map(|item| item.client)
    }

    /// Goes to the next bucket with something in it.
    fn advance(&mut self) -> bool {
        if self.ahead == 0 {
            let Some((turn, items)) = self.later.pop_first() else { return false };
            // Just before the turn, so that its first bucket is ahead.
            self.current = turn.saturating_mul(BUCKETS);
            for item in items {
                self.place(bucket(item.at), item);
            }
        } else {
            self.current = self.current.saturating_add(1);
        }
        let in_turn = self.current.wrapping_rem(BUCKETS) as usize;
        let full =
            self.buckets.get(in_turn..).and_then(|ahead| ahead.iter().position(|bucket| !bucket.is_empty()));
        let Some(steps) = full else { return false };
        self.current = self.current.saturating_add(steps as u64);
        if let Some(bucket) = self.buckets.get_mut(in_turn.saturating_add(steps)) {
            mem::swap(bucket, &mut self.sorted);
            if bucket.capacity() > KEPT {
                *bucket = Vec::new();
            }
        }
        self.ahead = self.ahead.saturating_sub(self.sorted.len());
        self.sorted.sort_by_key(|item| item.at);
        self.sorted.reverse();
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::SplitMix64;
    use rand_core::Rng;

    fn item(at: u64, client: u32) -> Item {
        Item { at, client, epoch: None, what: What::Deadline }
    }

    /// Against the plainest queue: a sorted list.
    #[test]
    fn items_come_by_time_and_then_by_insertion() {
        let mut rng = SplitMix64::new(3);
        for _ in 0..20 {
            let (mut calendar, mut plain) = (Calendar::new(), Vec::new());
            let (mut now, mut number) = (0, 0);
            for _ in 0..3_000 {
                if plain.is_empty() || rng.next_u64() % 3 > 0 {
                    let span = [0, 3, 1_500, 90_000, 70_000_000, 4_000_000_000][rng.next_u64() as usize % 6];
                    let at = now + if span == 0 { 0 } else { rng.next_u64() % span };
                    calendar.insert(item(at, number));
                    plain.push((at, number));
                    number += 1;
                } else {
                    plain.sort_unstable();
                    let (at, client) = plain.remove(0);
                    let taken = calendar.take().unwrap();
                    assert_eq!((taken.at, taken.client), (at, client));
                    now = at;
                }
            }
            plain.sort_unstable();
            for (at, client) in plain {
                let taken = calendar.take().unwrap();
                assert_eq!((taken.at, taken.client), (at, client));
            }
            assert!(calendar.take().is_none());
        }
    }
}
