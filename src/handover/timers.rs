//! The deadlines of both transports.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::policy::{Action, Actions, ConfigSource, WaitReason};
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::Handover;
use super::events::joined;

impl<R, T, S, C, E> Handover<R, T, S, C, E>
where
    R: Rng,
    T: PartialEq + Clone,
    S: Subscriptions,
    C: ConfigSource,
    C::Session<T>: Clone,
    E: Endpoints + Clone,
{
    /// Takes the time and returns what to do: see [`Policy::handle_timeout`](crate::Policy::handle_timeout).
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        if self.old.is_none() && self.draining.is_none() {
            return self.elapse_alone(now);
        }
        let now = now.min(Instant::END);
        if self.arrive(now) {
            return Actions::new();
        }
        if let Some(draining) = self.draining.take_if(|draining| now >= draining.until) {
            let mut actions = Actions::new();
            actions.push(Action::Close { epoch: draining.epoch, code: Some(self.policy.keeping_code()) });
            return actions;
        }
        if self.old.is_none() {
            return self.elapse_alone(now);
        }
        // One transport at a time: what is due on the other is due at the next call. A request for a credential that was not
        // answered is the successor's where that waits for it.
        let successor_first = self.policy.is_between();
        let mut actions = self.elapse_either(now, successor_first);
        if actions.is_empty() {
            actions = self.elapse_either(now, !successor_first);
        }
        self.settled(now, actions)
    }

    fn elapse_either(&mut self, now: Instant, successor: bool) -> Actions {
        if successor { self.elapse_successor(now) } else { self.elapse_connection(now) }
    }

    fn elapse_alone(&mut self, now: Instant) -> Actions {
        if self.config.is_none() {
            return self.policy.handle_timeout(now);
        }
        let (actions, planned) = self.policy.handle_timeout_of_connection(now);
        match planned.filter(|_| self.policy.is_live()) {
            Some(trigger) => joined(actions, self.begin(now, trigger, None, None)),
            None => self.settled(now, actions),
        }
    }

    fn elapse_connection(&mut self, now: Instant) -> Actions {
        if self.deadline_of_connection().is_some_and(|(at, _)| now >= at) {
            self.with_connection(now, |policy| policy.handle_timeout(now)).0
        } else {
            Actions::new()
        }
    }

    fn elapse_successor(&mut self, now: Instant) -> Actions {
        if self.old.is_none() {
            return Actions::new();
        }
        self.follow();
        let actions = self.policy.handle_timeout(now);
        let actions = self.after_successor(now, actions);
        let late = self.old.as_ref().and_then(|old| old.until.get()).is_some_and(|until| now >= until);
        if !late {
            return actions;
        }
        let timed_out = self.policy.time_out(now);
        joined(actions, self.after_successor(now, timed_out))
    }

    /// When [`Self::handle_timeout`] must be called at the latest: see
    /// [`Policy::poll_timeout`](crate::Policy::poll_timeout).
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.old.is_none() && self.draining.is_none() {
            return self.policy.poll_timeout();
        }
        self.deadline().map(|(at, _)| at)
    }

    /// The next deadline and its reason. Of equal deadlines, the successor's limit, then what the policy would name.
    #[must_use]
    pub fn deadline(&self) -> Option<(Instant, WaitReason)> {
        let successor = self.old.as_ref().and_then(|old| old.until.get());
        [
            successor.map(|at| (at, WaitReason::Handover)),
            self.policy.deadline(),
            self.deadline_of_connection(),
            self.draining.as_ref().map(|draining| (draining.until, WaitReason::Drain)),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(at, _)| *at)
        .map(|(at, reason)| (if at > Instant::END { Instant::MAX } else { at }, reason))
    }

    fn deadline_of_connection(&self) -> Option<(Instant, WaitReason)> {
        let old = self.old.as_ref()?;
        self.policy.deadline_of(&old.side, self.policy.subscriptions().set().pace())
    }

    /// Takes the time of a call. True if the clock may have jumped ahead for it.
    pub(super) fn arrive(&mut self, now: Instant) -> bool {
        let first = self.poll_timeout();
        let back = self.policy.is_before(now);
        let leapt = self.policy.arrive_with(self.old.as_mut().map(|old| &mut old.side), now, first);
        if back {
            if let Some(old) = &mut self.old {
                if let Some(config) = &self.config {
                    old.until = old.until.map(|at| at.min(now.after(config.timeout)));
                }
                self.policy.subscriptions_mut().withhold(false);
                self.policy.exchange(&mut old.side);
                self.policy.rewind_subscriptions(now);
                self.policy.exchange(&mut old.side);
                self.policy.subscriptions_mut().withhold(true);
            }
            if let (Some(draining), Some(config)) = (&mut self.draining, &self.config) {
                draining.until = draining.until.min(now.after(config.drain));
            }
            self.counts.gap_since = self.counts.gap_since.map(|since| since.min(now));
        }
        leapt
    }
}
