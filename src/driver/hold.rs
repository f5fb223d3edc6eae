//! What a successor received before it is the connection.

use alloc::collections::VecDeque;

use crate::policy::Event;

use super::command::Received;
use super::mailbox::{Item, is_numbered};
use super::protocol::Protocol;

/// Messages and their numbers, which wait until the successor is the connection. Everything else is for the policy at once.
pub(super) struct Hold<P: Protocol> {
    /// One queue for each receive, since a number goes for the messages of its receive alone.
    receives: VecDeque<VecDeque<Item<P>>>,
    messages: usize,
    numbers: usize,
    released: bool,
}

impl<P: Protocol> Hold<P> {
    pub(super) const fn new() -> Self {
        Self { receives: VecDeque::new(), messages: 0, numbers: 0, released: false }
    }

    /// Whether it holds so many messages, or so many numbers.
    pub(super) const fn is_full(&self, limit: usize) -> bool {
        !self.released && (self.messages >= limit || self.numbers >= limit)
    }

    /// What comes now is of another receive.
    pub(super) fn begin_receive(&mut self) {
        if !self.released && self.receives.back().is_none_or(|last| !last.is_empty()) {
            self.receives.push_back(VecDeque::new());
        }
    }

    /// Holds the item, or returns what of it is for now. `taken`: there is an application that takes messages.
    pub(super) fn take(&mut self, item: Item<P>, taken: bool) -> Option<Item<P>> {
        let life = match &item {
            _ if self.released => return Some(item),
            // It is discarded, and counted, as it would be later.
            Received::Message(_) if !taken => return Some(item),
            Received::Message(_) => None,
            Received::Event(event) if is_numbered(event) => {
                // The policy learns the number later, and now that there is life.
                event.epoch().map(|epoch| Received::Event(Event::Received { epoch }))
            }
            Received::Event(_) => return Some(item),
        };
        self.push(item);
        life
    }

    /// A number without messages gives way to a greater one, so that numbers alone do not fill the hold.
    fn push(&mut self, item: Item<P>) {
        if let Received::Event(Event::Sequence { sequence: new, .. }) = &item {
            let last = self.receives.iter_mut().rev().find(|receive| !receive.is_empty());
            let alone = last.filter(|receive| {
                matches!(receive.back(), Some(Received::Event(Event::Sequence { sequence, .. })) if sequence < new)
            });
            if let Some(receive) = alone {
                receive.pop_back();
                self.numbers = self.numbers.saturating_sub(1);
            }
        }
        let count = if let Received::Message(_) = item { &mut self.messages } else { &mut self.numbers };
        *count = count.saturating_add(1);
        match self.receives.back_mut() {
            Some(receive) => receive.push_back(item),
            None => self.receives.push_back(VecDeque::from([item])),
        }
    }

    /// From now on it is handed out; `rest` is what came last, with the last receive or behind it.
    pub(super) fn release(&mut self, rest: VecDeque<Item<P>>) {
        self.released = true;
        match self.receives.back_mut() {
            Some(receive) => receive.extend(rest),
            None => self.receives.push_back(rest),
        }
        self.receives.retain(|receive| !receive.is_empty());
    }

    pub(super) fn has_released(&self) -> bool {
        self.released && !self.receives.is_empty()
    }

    /// What one receive brought, once it is released.
    pub(super) fn next_receive(&mut self) -> Option<VecDeque<Item<P>>> {
        if self.released { self.receives.pop_front() } else { None }
    }
}
