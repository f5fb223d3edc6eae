//! The state of one key in a set, and the changes that are pending for whole subtrees.

use core::cmp::Ordering;

use crate::time::{Instant, OptInstant};

use super::SubscriptionState;

/// No slot.
pub(super) const NIL: u32 = u32::MAX;

/// Space for one subscription, made with [`Slot::EMPTY`]. Only a set reads it.
#[derive(Clone, Debug)]
pub struct Slot<K> {
    /// `None` while the slot is free; then `left` is the next free one.
    pub(super) key: Option<K>,
    /// As of the last time that a path to the slot was walked.
    pub(super) entry: Entry,
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) height: u8,
    // A summary and a tag, without padding.
    below: (bool, bool),
    tagged: (bool, bool),
    below_at: (OptInstant, OptInstant),
    tagged_at: (OptInstant, OptInstant),
}

impl<K> Slot<K> {
    /// A slot without a subscription.
    pub const EMPTY: Self = Self {
        key: None,
        entry: Entry::NEW,
        left: NIL,
        right: NIL,
        height: 1,
        below: (true, false),
        tagged: (false, false),
        below_at: (OptInstant::NONE, OptInstant::NONE),
        tagged_at: (OptInstant::NONE, OptInstant::NONE),
    };

    pub(super) fn new(key: K, entry: Entry) -> Self {
        let mut slot = Self { key: Some(key), entry, ..Self::EMPTY };
        slot.set_summary(entry.summary());
        slot
    }

    /// The summary of the slot and the subtree below it.
    pub(super) const fn summary(&self) -> Summary {
        let ((wait, sent), (pending, in_batch)) = (self.below_at, self.below);
        Summary { wait, sent, pending, in_batch }
    }

    pub(super) const fn set_summary(&mut self, summary: Summary) {
        let Summary { wait, sent, pending, in_batch } = summary;
        (self.below_at, self.below) = ((wait, sent), (pending, in_batch));
    }

    /// The changes that the children have not received yet.
    pub(super) const fn tag(&self) -> Tag {
        let ((wait, sent), (lost, fresh)) = (self.tagged_at, self.tagged);
        Tag { wait, sent, lost, fresh }
    }

    pub(super) const fn set_tag(&mut self, tag: Tag) {
        let Tag { wait, sent, lost, fresh } = tag;
        (self.tagged_at, self.tagged) = ((wait, sent), (lost, fresh));
    }

    /// Applies a change to the slot and to every one below.
    pub(super) fn take(&mut self, tag: Tag) {
        tag.change(&mut self.entry);
        self.set_summary(tag.summary(self.summary()));
        if self.left != NIL || self.right != NIL {
            self.set_tag(self.tag().then(tag));
        }
    }
}

impl<K> Default for Slot<K> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The state of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) priority: i32,
    /// Of two keys with one priority, the one that was subscribed later has the higher number.
    pub(super) order: u64,
    pub(super) failures: u32,
    /// The number of the newest batch that contained it; 0: none did.
    pub(super) send: u32,
    pub(super) stage: Stage,
    /// When it was sent, or is to be sent again.
    pub(super) at: Instant,
    /// Whether it is part of the newest batch; only while it is sent and unanswered.
    pub(super) in_batch: bool,
}

/// A [`SubscriptionState`] without its instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Pending,
    Sent,
    Confirmed,
    Waiting,
    Rejected,
}

impl Entry {
    pub(super) const NEW: Self = Self {
        priority: 0,
        order: 0,
        failures: 0,
        send: 0,
        stage: Stage::Pending,
        at: Instant::ZERO,
        in_batch: false,
    };

    /// Every change of state goes through here: a key that leaves `Sent` leaves the batch.
    pub(super) const fn enter(&mut self, stage: Stage, at: Instant) {
        self.stage = stage;
        self.at = at;
        self.in_batch = false;
    }

    pub(super) const fn state(&self) -> SubscriptionState {
        match self.stage {
            Stage::Pending => SubscriptionState::Pending,
            Stage::Sent => SubscriptionState::Sent,
            Stage::Confirmed => SubscriptionState::Confirmed,
            Stage::Waiting => SubscriptionState::Waiting { until: self.at },
            Stage::Rejected => SubscriptionState::Rejected,
        }
    }

    pub(super) const fn summary(&self) -> Summary {
        let mut summary = Summary { in_batch: self.in_batch, ..Summary::NOTHING };
        match self.stage {
            Stage::Pending => summary.pending = true,
            Stage::Sent => summary.sent = OptInstant::at(self.at),
            Stage::Waiting => summary.wait = OptInstant::at(self.at),
            Stage::Confirmed | Stage::Rejected => {}
        }
        summary
    }

    /// The order of sending: the higher priority first, then the older subscription.
    pub(super) fn rank(&self, other: &Self) -> Ordering {
        other.priority.cmp(&self.priority).then(self.order.cmp(&other.order))
    }
}

/// The summary of a subtree, or of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// The earliest end of a wait.
    pub(super) wait: OptInstant,
    /// The oldest unanswered send.
    pub(super) sent: OptInstant,
    pub(super) pending: bool,
    pub(super) in_batch: bool,
}

impl Summary {
    pub(super) const NOTHING: Self =
        Self { wait: OptInstant::NONE, sent: OptInstant::NONE, pending: false, in_batch: false };

    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            wait: self.wait.min(other.wait),
            sent: self.sent.min(other.sent),
            pending: self.pending | other.pending,
            in_batch: self.in_batch | other.in_batch,
        }
    }

    /// Whether a key is to be sent now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.pending || self.wait.or_never() <= now && self.wait.is_some()
    }

    /// Whether a key was sent at or before that time and is unanswered.
    pub(super) fn is_unanswered(&self, sent_by: Instant) -> bool {
        self.sent.get().is_some_and(|sent| sent <= sent_by)
    }
}

/// A change of every key in a subtree. In this order: the clock ran back, the connection was lost, a new session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// No wait lasts longer than this.
    wait: OptInstant,
    /// No key counts as sent later than this.
    sent: OptInstant,
    lost: bool,
    fresh: bool,
}

impl Tag {
    pub(super) const NOTHING: Self =
        Self { wait: OptInstant::NONE, sent: OptInstant::NONE, lost: false, fresh: false };
    pub(super) const LOST: Self = Self { lost: true, ..Self::NOTHING };
    pub(super) const FRESH: Self = Self { fresh: true, ..Self::NOTHING };

    pub(super) const fn rewound(now: Instant, latest: Instant) -> Self {
        Self { wait: OptInstant::at(latest), sent: OptInstant::at(now), ..Self::NOTHING }
    }

    /// Both changes, one after the other. After a loss or in a new session no key waits and none is unanswered.
    pub(super) const fn then(self, later: Self) -> Self {
        let over = self.lost || self.fresh;
        Self {
            wait: if over { self.wait } else { self.wait.min(later.wait) },
            sent: if over { self.sent } else { self.sent.min(later.sent) },
            lost: self.lost || later.lost && !self.fresh,
            fresh: self.fresh || later.fresh,
        }
    }

    pub(super) fn change(self, entry: &mut Entry) {
        match entry.stage {
            Stage::Waiting => entry.at = entry.at.min(self.wait.or_never()),
            Stage::Sent => entry.at = entry.at.min(self.sent.or_never()),
            Stage::Pending | Stage::Confirmed | Stage::Rejected => {}
        }
        if self.lost {
            match entry.stage {
                Stage::Confirmed => entry.failures = 0,
                Stage::Sent | Stage::Waiting => entry.enter(Stage::Pending, Instant::ZERO),
                Stage::Pending | Stage::Rejected => {}
            }
        }
        if self.fresh {
            entry.enter(Stage::Pending, Instant::ZERO);
        }
    }

    /// The summary after this change, of a subtree with at least one key.
    pub(super) fn summary(self, before: Summary) -> Summary {
        if self.fresh {
            return Summary { pending: true, ..Summary::NOTHING };
        }
        if self.lost {
            let pending = before.pending || before.wait.is_some() || before.sent.is_some();
            return Summary { pending, ..Summary::NOTHING };
        }
        let cut = |at: OptInstant, latest: OptInstant| if at.is_some() { at.min(latest) } else { at };
        Summary { wait: cut(before.wait, self.wait), sent: cut(before.sent, self.sent), ..before }
    }
}
