//! Where the policy is, as transports and handles see it.

use alloc::boxed::Box;
use core::future::Future;

use crate::policy::{Epoch, Explanation, Phase, Trigger};
use crate::time::Instant;

use super::links::Links;
use super::messages::Inbox;
use super::protocol::Protocol;
use super::shared::Shared;
use super::status::Report;
use super::{Outcome, is_live, is_over};

/// The newest of it.
pub(super) struct View {
    phase: Phase,
    trigger: Trigger,
    since: Instant,
    epoch: Option<Epoch>,
}

impl View {
    pub(super) const fn new(explanation: Explanation) -> Self {
        let Explanation { phase, trigger, since, epoch, .. } = explanation;
        Self { phase, trigger, since, epoch }
    }

    /// Tells both about a transition. `moved`: there is another connection.
    pub(super) fn update<P: Protocol, L: Future<Output = ()>>(
        &mut self,
        explanation: Explanation,
        moved: bool,
        links: &Links<P, L>,
        shared: &Shared<P::Token, P::Key, P::Message>,
    ) {
        let before = core::mem::replace(self, Self::new(explanation));
        let (live, online) = (is_live(self.phase), self.phase == Phase::Online);
        if before.phase != self.phase || moved {
            links.set_session(live, online);
            // It starts again, or is revived: what was over before is so no longer.
            let begins = is_over(before.phase) && !is_over(self.phase);
            if begins || (is_live(before.phase), before.phase == Phase::Online) != (live, online) {
                shared.set_session(live, online, is_over(self.phase));
            }
        }
        let moved = before.phase != self.phase
            || before.trigger != self.trigger
            || before.since != self.since
            || before.epoch != self.epoch;
        if moved && shared.status.is_watched() {
            shared.status.publish(explanation);
        }
    }
}

/// A run under way: when it is over, or its future is dropped, the handles learn it.
pub(super) struct Running<'a, T, K, M, I> {
    pub(super) shared: &'a Shared<T, K, M>,
    pub(super) inbox: &'a Inbox<I>,
    pub(super) outcome: Option<Outcome>,
    pub(super) report: Option<Box<Report>>,
}

impl<T, K, M, I> Running<'_, T, K, M, I> {
    pub(super) fn begin(&self) {
        self.inbox.set_ended(false);
        self.shared.begin();
    }
}

impl<T, K, M, I> Drop for Running<'_, T, K, M, I> {
    fn drop(&mut self) {
        self.shared.end(self.outcome, self.report.take());
        self.inbox.set_ended(true);
    }
}
