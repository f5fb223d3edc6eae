//! Which of the transports an event is of, and what follows for the other.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::policy::{Action, Actions, ConfigSource, Disposition, Epoch, Event, Trigger};
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros};

use super::Handover;
use super::steps::Left;

/// The close code of a connection that is not resumed (RFC 6455, section 7.4.1).
const CLOSE_NORMAL: u16 = 1000;

impl<R, T, S, C, E> Handover<R, T, S, C, E>
where
    R: Rng,
    T: PartialEq + Clone,
    S: Subscriptions,
    C: ConfigSource,
    C::Session<T>: Clone,
    E: Endpoints + Clone,
{
    /// Takes an event that happened at `now` and returns what to do: see [`Policy::handle_event`](crate::Policy::handle_event).
    #[inline]
    pub fn handle_event(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        if self.old.is_none() && self.draining.is_none() {
            return self.handle_alone(now, event);
        }
        let now = now.min(Instant::END);
        let leapt = self.arrive(now);
        self.policy.doubt(leapt);
        let actions = match event.epoch() {
            Some(epoch) if Some(epoch) == self.draining() => self.on_draining(now, epoch, event),
            _ if self.old.is_none() => self.policy.handle_event(now, event),
            Some(epoch) if Some(epoch) == self.epoch() => self.on_connection(now, event),
            Some(_) => self.on_successor(now, event),
            None => self.on_user(now, event),
        };
        self.policy.doubt(false);
        self.settled(now, actions)
    }

    /// There is one transport at most.
    fn handle_alone(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        if let (Some(_), true) = (&self.config, self.policy.is_live()) {
            match event {
                Event::Redial => return self.begin(now, Trigger::Redial, None, None),
                Event::ReconnectRequested { epoch, retry_after, deadline: None }
                    if Some(epoch) == self.epoch() && self.policy.is_redirected() =>
                {
                    let spread = self.policy.requested_spread();
                    return self.begin(now, Trigger::Requested, retry_after, spread);
                }
                _ => {}
            }
        }
        let actions = self.policy.handle_event(now, event);
        self.settled(now, actions)
    }

    /// An event of the connection that was replaced: only its end matters.
    fn on_draining(&mut self, now: Instant, epoch: Epoch, event: Event<T, S::Key>) -> Actions {
        let mut actions = Actions::new();
        match event {
            Event::Drained { .. } => {
                self.draining = None;
                actions.push(Action::Close { epoch, code: Some(self.policy.keeping_code()) });
            }
            Event::Closed { .. } | Event::OpenFailed { .. } | Event::SendFailed { .. } => {
                self.draining = None;
                if let Event::SendFailed { .. } = event {
                    actions.push(Action::Close { epoch, code: Some(self.policy.keeping_code()) });
                }
            }
            // The peer may end a connection that does not answer.
            Event::HeartbeatRequested { .. } => actions.push(Action::Heartbeat { epoch }),
            event => return self.policy.handle_event(now, event),
        }
        actions
    }

    /// An event of the connection while its successor is under way.
    fn on_connection(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        let moves = match &event {
            Event::ReconnectRequested { deadline, .. } => {
                deadline.is_some() || self.old.as_ref().is_some_and(|old| old.side.is_redirected())
            }
            _ => false,
        };
        if moves {
            // That is what is under way.
            return Actions::ignored(Disposition::Inapplicable);
        }
        if let (Event::Sequence { .. } | Event::Received { .. } | Event::HeartbeatAcked { .. }, Some(old)) =
            (&event, &mut self.old)
        {
            // Frequent, and no end of the connection.
            self.policy.exchange(&mut old.side);
            let actions = self.policy.handle_event(now, event);
            self.policy.exchange(&mut old.side);
            return actions;
        }
        self.with_connection(now, |policy| policy.handle_event(now, event)).0
    }

    /// An event of the successor's transport, or of one that is gone.
    fn on_successor(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        self.follow();
        let actions = self.policy.handle_event(now, event);
        self.after_successor(now, actions)
    }

    /// An event of the user or the host while a successor is under way.
    fn on_user(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        match event {
            Event::Redial => Actions::ignored(Disposition::Inapplicable),
            Event::Stop { keep } => self.end(now, event, if keep { None } else { Some(CLOSE_NORMAL) }),
            Event::CredentialLost => self.end(now, event, None),
            Event::Start | Event::Subscribe { .. } | Event::Unsubscribe { .. } => {
                self.with_connection(now, |policy| policy.handle_event(now, event)).0
            }
            Event::NetworkDown
            | Event::NetworkUp
            | Event::NetworkChanged
            | Event::Hidden
            | Event::Visible
            | Event::CredentialNew => self.on_both(now, event.clone(), event),
            Event::HostResumed { gap, counted } => {
                let micros = Micros::from_duration(gap);
                if !counted {
                    if let Some(old) = &mut self.old {
                        old.side.age(now, micros);
                    }
                    if let Some(draining) = &mut self.draining {
                        draining.until = draining.until.before(micros).max(now);
                    }
                }
                // What both share is aged once, with the successor.
                self.on_both(now, Event::HostResumed { gap, counted: true }, event)
            }
            Event::CredentialOk { .. } if self.policy.is_between() => {
                let actions = self.on_successor(now, event);
                if actions.disposition() == Disposition::Applied && self.old.is_some() {
                    let (asked, _) = self.with_connection(now, |policy| policy.authenticate_connection(now));
                    return joined(actions, asked);
                }
                actions
            }
            Event::CredentialOk { .. } | Event::CredentialFailed { .. } if !self.policy.is_between() => {
                self.with_connection(now, |policy| policy.handle_event(now, event)).0
            }
            event => self.on_successor(now, event),
        }
    }

    /// An event that concerns both transports.
    fn on_both(&mut self, now: Instant, of_connection: Event<T, S::Key>, event: Event<T, S::Key>) -> Actions {
        let (conditions, outage_since) = (self.policy.conditions(), self.policy.outage_since());
        let (first, left) = self.with_connection(now, |policy| policy.handle_event(now, of_connection));
        let second = match left {
            Left::Nothing => return first,
            Left::Both => {
                self.policy.set_outage_since(outage_since);
                self.policy.set_conditions(conditions);
                self.on_successor(now, event)
            }
            Left::Successor => {
                self.policy.set_conditions(conditions);
                self.policy.handle_event(now, event)
            }
        };
        joined(first, second)
    }
}

/// The actions of both; applied if either was.
pub(super) fn joined(first: Actions, second: Actions) -> Actions {
    let mut actions = first;
    if first.disposition() != Disposition::Applied {
        actions.set_disposition(second.disposition());
    }
    for action in second {
        actions.push(action);
    }
    actions
}
