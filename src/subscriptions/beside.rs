//! A set of subscriptions that belongs to one of two transports at a time.

use core::fmt;

use crate::codec::{CheckpointError, Load, Reader, Store, Writer};

use super::{Full, Pace, Subscribed, Subscription, Subscriptions, sealed};
use crate::time::Instant;

/// The set of a policy with two transports. While it is [withheld](Self::withhold), it looks empty and nothing changes it: the
/// transport that the policy has at present is a successor, and the subscriptions are the connection's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Beside<S> {
    set: S,
    withheld: bool,
    /// A new session was established on the successor's transport meanwhile.
    started: bool,
}

impl<S: Subscriptions> Beside<S> {
    pub(crate) const fn new(set: S) -> Self {
        Self { set, withheld: false, started: false }
    }

    pub(crate) const fn set(&self) -> &S {
        &self.set
    }

    /// The policy has the successor now, or the connection again.
    pub(crate) const fn withhold(&mut self, withheld: bool) {
        self.withheld = withheld;
    }

    /// The successor is the connection from now on. Returns whether its session is a new one.
    pub(crate) fn hand_over(&mut self) -> bool {
        self.withheld = false;
        self.set.transport_lost();
        self.set.set_pace(Pace::NONE);
        let started = core::mem::take(&mut self.started);
        if started {
            self.set.session_started();
        }
        started
    }

    /// Whether a new session was established on the successor's transport.
    pub(crate) const fn is_started(&self) -> bool {
        self.started
    }

    /// There is no successor any more.
    pub(crate) const fn keep(&mut self) {
        (self.withheld, self.started) = (false, false);
    }
}

/// Whether it is withheld follows from whether there is a successor.
impl<S: Store> Store for Beside<S> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { set, withheld: _, started } = self;
        set.store(to)?;
        to.flag(*started)
    }
}

impl<S: Load> Load for Beside<S> {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        Ok(Self { set: S::load(from)?, withheld: false, started: from.flag()? })
    }
}

impl<S: fmt::Debug> fmt::Debug for Beside<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.set.fmt(f)
    }
}

impl<S> sealed::Sealed for Beside<S> {}

impl<S: Subscriptions> Subscriptions for Beside<S> {
    type Key = S::Key;

    fn len(&self) -> usize {
        self.set.len()
    }

    fn iter(&self) -> impl Iterator<Item = Subscription<'_, S::Key>> {
        self.set.iter()
    }

    fn find(&self, key: &S::Key) -> Option<Subscription<'_, S::Key>> {
        if self.withheld { None } else { self.set.find(key) }
    }

    fn subscribe(&mut self, key: S::Key, priority: i32) -> Result<Subscribed, Full<S::Key>> {
        self.set.subscribe(key, priority)
    }

    fn unsubscribe(&mut self, key: &S::Key) -> bool {
        self.set.unsubscribe(key)
    }

    fn session_started(&mut self) {
        if self.withheld {
            self.started = true;
        } else {
            self.set.session_started();
        }
    }

    fn transport_lost(&mut self) {
        if self.withheld {
            self.started = false;
        } else {
            self.set.transport_lost();
        }
    }

    fn take_batch(&mut self, max: usize, now: Instant) -> usize {
        if self.withheld { 0 } else { self.set.take_batch(max, now) }
    }

    fn batch(&self) -> impl Iterator<Item = &S::Key> {
        self.set.batch()
    }

    fn sends(&self) -> u32 {
        self.set.sends()
    }

    fn confirm(&mut self, key: &S::Key) -> bool {
        !self.withheld && self.set.confirm(key)
    }

    fn fail(&mut self, key: &S::Key, retry_at: Option<Instant>) -> bool {
        !self.withheld && self.set.fail(key, retry_at)
    }

    fn fail_unanswered(
        &mut self,
        max: usize,
        sent_by: Instant,
        retry_at: impl FnMut(u32) -> Option<Instant>,
    ) -> usize {
        if self.withheld { 0 } else { self.set.fail_unanswered(max, sent_by, retry_at) }
    }

    fn has_pending(&self, now: Instant) -> bool {
        !self.withheld && self.set.has_pending(now)
    }

    fn next_retry(&self) -> Option<Instant> {
        if self.withheld { None } else { self.set.next_retry() }
    }

    fn oldest_unanswered(&self) -> Option<Instant> {
        if self.withheld { None } else { self.set.oldest_unanswered() }
    }

    fn rewind(&mut self, now: Instant, latest: Instant) {
        if !self.withheld {
            self.set.rewind(now, latest);
        }
    }

    fn pace(&self) -> Pace {
        if self.withheld { Pace::NONE } else { self.set.pace() }
    }

    fn set_pace(&mut self, pace: Pace) {
        if !self.withheld {
            self.set.set_pace(pace);
        }
    }
}
