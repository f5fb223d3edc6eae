//! The part of the state that two transports exchange.

use super::super::explain::WaitReason;
use super::{Gate, State};
use crate::time::Instant;

impl<B, H, N> State<B, H, N> {
    /// Which of these flags are set.
    pub(in super::super) const fn flags_of(&self, mask: u16) -> u16 {
        self.flags & mask
    }

    /// Sets these flags as in `flags` and returns how they were.
    pub(in super::super) const fn exchange_flags(&mut self, mask: u16, flags: u16) -> u16 {
        let before = self.flags & mask;
        self.flags = self.flags & !mask | flags & mask;
        before
    }

    /// Exchanges the time since which the connection is established, or the gate of the backoff.
    pub(in super::super) const fn exchange_gate(&mut self, at: Instant, reason: WaitReason) -> Gate {
        let before = Gate { at: self.established_or_backoff_at, reason: self.backoff_by };
        (self.established_or_backoff_at, self.backoff_by) = (at, reason);
        before
    }
}
