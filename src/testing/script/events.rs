//! What may happen to a policy: anything.

use crate::handover::{Decider, EventOf};
use crate::policy::{Epoch, Event, Phase};

use super::super::sample::Sample;
use super::kinds::KINDS;
use super::{KeyOf, Script};

impl Script<'_> {
    /// Often what brings the policy further, sometimes nothing, else an event of any kind and of any transport.
    pub(super) fn hostile_event<D>(&mut self, policy: &D) -> Option<EventOf<D>>
    where
        D: Decider,
        D::Token: Sample,
        KeyOf<D>: Sample,
    {
        let live = matches!(policy.phase(), Phase::Online | Phase::Restoring);
        let newest = newest(policy);
        let (low, high) = (newest.get().saturating_sub(1), newest.get().saturating_add(1));
        let epoch = if policy.handover_config().is_some() {
            match self.choices.below(32) {
                0..=9 => newest,
                10..=17 => policy.epoch().unwrap_or(newest),
                18..=23 => policy.successor().unwrap_or(newest),
                24..=26 => policy.draining().unwrap_or(newest),
                27 => numbered(high),
                28 => numbered(low),
                29 => return Some(Event::Drained { epoch: policy.draining().unwrap_or(newest) }),
                // A reason to move, while there is something to move from.
                _ if live => return Some(Event::Redial),
                _ => newest,
            }
        } else {
            match self.choices.below(16) {
                0..=12 => newest,
                13 => numbered(low),
                14 => numbered(high),
                _ => numbered(self.choices.u32()),
            }
        };
        match self.choices.below(KINDS.saturating_add(18)) {
            0..=9 => self.progress(policy, Some(epoch)),
            10..=17 => None,
            kind => self.kind(kind.saturating_sub(18), epoch),
        }
    }
}

/// The epoch of the newest transport, or the first where there was none.
fn newest<D: Decider>(policy: &D) -> Epoch {
    let opens = Epoch::from_raw(policy.stats().opens).unwrap_or(Epoch::FIRST);
    policy.successor().or(policy.epoch()).unwrap_or(opens)
}

fn numbered(number: u32) -> Epoch {
    Epoch::from_raw(number).unwrap_or(Epoch::FIRST)
}
