//! What happens to a handover: it begins, its successor is promoted or given up, the connection ends first.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::policy::{
    Action, Actions, Before, ConfigSource, DropReason, Event, Policy, RetryAfter, Role, SideOf, Trigger,
};
use crate::subscriptions::{Beside, Subscriptions};
use crate::time::{Instant, Micros, OptInstant};

use super::events::joined;
use super::{Draining, Handover, Old};

/// What is left after a call that was the connection's.
pub(super) enum Left {
    /// The connection, and the successor beside it.
    Both,
    /// The successor's dial, which is the attempt of the outage now.
    Successor,
    /// Neither: the policy waits for its next dial, or for nothing.
    Nothing,
}

impl<R, T, S, C, E> Handover<R, T, S, C, E>
where
    R: Rng,
    T: PartialEq + Clone,
    S: Subscriptions,
    C: ConfigSource,
    C::Session<T>: Clone,
    E: Endpoints + Clone,
{
    /// The live connection is to be replaced.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        trigger: Trigger,
        retry_after: Option<RetryAfter>,
        spread: Option<Micros>,
    ) -> Actions {
        let now = self.policy.arrive(now);
        let newest = self.newest.take().or(self.policy.newest());
        self.policy.subscriptions_mut().withhold(true);
        let detached = self.policy.detach(now, trigger, newest, retry_after, spread);
        let Some((side, actions)) = detached else {
            self.policy.subscriptions_mut().keep();
            self.newest = newest;
            self.counts.failed();
            return Actions::new();
        };
        self.old = Some(Old { side, until: OptInstant::NONE, refused: None, renewed: false });
        self.after_successor(now, actions)
    }

    /// A successor that is not being dialled has a session like the connection's, or none where that was refused.
    pub(super) fn follow(&mut self) {
        if !self.policy.is_between() {
            return;
        }
        match &self.old {
            Some(Old { side, refused: None, .. }) => self.policy.follow(&side.session),
            Some(_) => _ = self.policy.forget_session(),
            None => {}
        }
    }

    /// After a call that was the successor's.
    pub(super) fn after_successor(&mut self, now: Instant, actions: Actions) -> Actions {
        let (Some(old), Some(config)) = (&mut self.old, &self.config) else { return actions };
        let mut shown = Actions::ignored(actions.disposition());
        let mut given_up = false;
        for action in actions {
            match action {
                Action::Open { epoch, mode, endpoint, attempt, role: _ } => {
                    old.until = OptInstant::at(now.after(config.timeout));
                    shown.push(Action::Open { epoch, mode, endpoint, attempt, role: Role::Successor });
                }
                // The connection still has it, unless the successor replaces that as soon as it is open.
                Action::DropSession { reason } => {
                    old.refused = Some(reason);
                    if self.policy.is_alive() && self.policy.establishes_on_open() {
                        self.policy.forget_session_of(&mut old.side);
                        shown.push(action);
                    }
                }
                Action::GaveUp { .. } => given_up = true,
                action => shown.push(action),
            }
        }
        if !self.policy.is_alive() {
            (old.until, old.renewed) = (OptInstant::NONE, false);
        }
        if given_up {
            self.give_up();
        } else if self.policy.is_live() {
            shown = joined(shown, self.promote(now));
        }
        self.follow();
        shown
    }

    /// The successor is not dialled any more; the connection stays.
    fn give_up(&mut self) {
        let Some(mut old) = self.old.take() else { return };
        self.policy.exchange(&mut old.side);
        self.policy.subscriptions_mut().keep();
        self.newest = old.side.epoch();
        self.counts.failed();
    }

    /// The successor is ready.
    fn promote(&mut self, now: Instant) -> Actions {
        let mut actions = Actions::new();
        let (Some(Old { side, renewed, .. }), Some(config)) = (self.old.take(), &self.config) else {
            return actions;
        };
        let (Some(epoch), Some(old)) = (self.policy.epoch(), side.epoch()) else { return actions };
        if !self.policy.subscriptions_mut().hand_over() {
            self.policy.join(&side.session, now);
        }
        self.policy.note_uptime_of(&side, now);
        actions.push(Action::Promote { epoch });
        actions = joined(actions, self.policy.restore_promoted(now));
        if config.drain.is_zero() {
            actions.push(Action::Close { epoch: old, code: Some(self.policy.keeping_code()) });
        } else {
            self.draining = Some(Draining { epoch: old, until: now.after(config.drain) });
        }
        self.counts.promoted();
        if renewed { joined(actions, self.policy.authenticate_connection(now)) } else { actions }
    }

    /// A call that is the connection's.
    pub(super) fn with_connection(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Policy<R, T, Beside<S>, C, E>) -> Actions,
    ) -> (Actions, Left) {
        let Some(mut old) = self.old.take() else { return (call(&mut self.policy), Left::Nothing) };
        let (before, connection) = (self.policy.before(), old.side.clone());
        self.policy.subscriptions_mut().withhold(false);
        self.policy.exchange(&mut old.side);
        let actions = call(&mut self.policy);
        if self.policy.is_alive() {
            self.policy.exchange(&mut old.side);
            self.policy.subscriptions_mut().withhold(true);
            self.old = Some(old);
            self.follow();
            return (actions, Left::Both);
        }
        self.counts.failed();
        self.counts.gap_begins(now);
        if before.is_alive() {
            (self.succeed(now, &connection, &old, before, actions), Left::Successor)
        } else {
            self.policy.keep_waits(&before, now);
            self.policy.subscriptions_mut().keep();
            let dropped = old.refused.filter(|_| self.policy.forget_session());
            let mut ended = Actions::ignored(actions.disposition());
            for action in actions {
                if let (Action::GaveUp { .. }, Some(reason)) = (action, dropped) {
                    ended.push(Action::DropSession { reason });
                }
                ended.push(action);
            }
            if let (Some(reason), false) = (dropped, self.policy.is_asleep()) {
                ended.push(Action::DropSession { reason });
            }
            (ended, Left::Nothing)
        }
    }

    /// The connection has ended while its successor was being dialled.
    fn succeed(
        &mut self,
        now: Instant,
        connection: &SideOf<C, T>,
        old: &Old<C::Heartbeat, C::Session<T>>,
        before: Before<C, T, E>,
        actions: Actions,
    ) -> Actions {
        let ended = self.policy.session().clone();
        // A fatal cause ends the session with the attempts, and those go on.
        let ends = |action| matches!(action, Action::DropSession { reason } if reason != DropReason::Fatal);
        let gone = actions.iter().any(ends);
        let gone = self.policy.take_over(before, connection, now, gone);
        let started = self.policy.subscriptions_mut().hand_over();
        let mut shown = Actions::ignored(actions.disposition());
        for action in actions {
            // What the policy made of the loss alone does not count: the next dial is under way.
            if matches!(action, Action::Close { .. }) || gone && matches!(action, Action::DropSession { .. })
            {
                shown.push(action);
            }
        }
        if started || gone {
            return shown;
        }
        if !self.policy.begins_session() {
            // What the end said of the session does not count, but it was the newest sign of life.
            let kept = self.policy.had_token(&ended);
            self.policy.join(if kept { &ended } else { &connection.session }, now);
        } else if self.policy.had_token(&connection.session) {
            let reason = old.refused.unwrap_or(DropReason::Incomplete);
            shown.push(Action::DropSession { reason });
        }
        shown
    }

    /// The connection and its successor both end, with this code for the connection; `None`: one that keeps the session.
    pub(super) fn end(&mut self, now: Instant, event: Event<T, S::Key>, code: Option<u16>) -> Actions {
        let Some(Old { side, refused, .. }) = self.old.take() else {
            return self.policy.handle_event(now, event);
        };
        let mut actions = Actions::new();
        if let Some(epoch) = side.epoch() {
            let code = code.unwrap_or_else(|| self.policy.keeping_code());
            actions.push(Action::Close { epoch, code: Some(code) });
        }
        self.policy.subscriptions_mut().hand_over();
        *self.policy.session_mut() = side.session;
        let kept = matches!(event, Event::Stop { keep: true });
        actions = joined(actions, self.policy.handle_event(now, event));
        if let (true, Some(reason)) = (kept, refused) {
            if self.policy.forget_session() {
                actions.push(Action::DropSession { reason });
            }
        }
        actions
    }

    /// After every call: what drains is closed before a dial and with the end, and a gap is measured.
    #[inline]
    pub(super) fn settled(&mut self, now: Instant, actions: Actions) -> Actions {
        if self.draining.is_none() && self.newest.is_none() && !self.counts.gap_since.is_some() {
            return actions;
        }
        self.settle(now, actions)
    }

    #[inline(never)]
    fn settle(&mut self, now: Instant, actions: Actions) -> Actions {
        if self.old.is_none() && !self.policy.is_alive() {
            if let Some(newest) = self.newest.take() {
                self.policy.set_newest(Some(newest));
            }
        }
        let over = self.old.is_none() && self.policy.is_asleep();
        if over || self.old.is_none() && self.policy.is_live() {
            self.counts.gap_ends(now);
        }
        let opens = actions.iter().any(|action| matches!(action, Action::Open { .. }));
        let Some(draining) = self.draining.take_if(|_| opens || over) else { return actions };
        let mut all = Actions::ignored(actions.disposition());
        all.push(Action::Close { epoch: draining.epoch, code: Some(self.policy.keeping_code()) });
        for action in actions {
            // A policy that is over needs no credential, and there is no place for more than the end.
            if !(over && matches!(action, Action::RefreshCredential { .. })) {
                all.push(action);
            }
        }
        all
    }
}
