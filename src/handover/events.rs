//! Which of the transports an event is of, and what follows for the other.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::policy::{Action, Actions, CLOSE_NORMAL, ConfigSource, Disposition, Epoch, Event, Trigger};
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros};

use super::Handover;
use super::steps::Left;

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
        if let (Some(draining), &Event::HostResumed { gap, counted: false }) = (&mut self.draining, &event) {
            draining.until = draining.until.before(Micros::from_duration(gap)).max(now.min(draining.until));
        }
        let actions = match event.epoch() {
            Some(epoch) if Some(epoch) == self.draining() => self.on_draining(now, epoch, event),
            _ if self.old.is_none() => self.decide_alone(now, event),
            Some(epoch) if Some(epoch) == self.epoch() => self.on_connection(now, event),
            Some(_) => self.on_successor(now, event),
            None => self.on_user(now, event),
        };
        self.policy.doubt(false);
        self.settled(now, actions)
    }

    /// There is one transport at most.
    fn handle_alone(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        let actions = self.decide_alone(now, event);
        self.settled(now, actions)
    }

    /// There is no successor.
    fn decide_alone(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        if let (Some(_), true) = (&self.config, self.policy.is_live()) {
            match event {
                Event::Redial => return self.begin(now, Trigger::Redial, None, None),
                Event::ReconnectRequested { epoch, retry_after, deadline: None }
                    if Some(epoch) == self.epoch() && self.policy.is_redirected() =>
                {
                    let now = self.policy.arrive(now);
                    self.policy.hear_request(now);
                    let spread = self.policy.requested_spread();
                    return self.begin(now, Trigger::Requested, retry_after, spread);
                }
                _ => {}
            }
        }
        self.policy.handle_event(now, event)
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
        if let Event::ReconnectRequested { deadline, .. } = &event {
            if self.old.as_ref().is_some_and(|old| old.side.is_redirected()) {
                // The next dial goes to the endpoint that was named before.
                return Actions::new();
            }
            if deadline.is_some() {
                // That is what is under way.
                return Actions::ignored(Disposition::Inapplicable);
            }
        }
        if let (Event::Sequence { .. } | Event::Received { .. } | Event::HeartbeatAcked { .. }, Some(old)) =
            (&event, &mut self.old)
        {
            // Frequent, and no end of the connection.
            self.policy.exchange(&mut old.side);
            let actions = self.policy.handle_event(now, event);
            self.policy.exchange(&mut old.side);
            self.follow();
            return actions;
        }
        let names = matches!(event, Event::Redirected { .. });
        let (actions, left) = self.with_connection(now, |policy| policy.handle_event(now, event));
        if let (true, Left::Both) = (names && self.policy.is_alive(), left) {
            self.policy.keep_redirect();
        }
        actions
    }

    /// An event of the successor's transport, or of one that is gone.
    fn on_successor(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
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
                if let (false, false, Some(old)) = (counted, gap.is_zero(), &mut self.old) {
                    old.side.age(now, Micros::from_duration(gap));
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
                let renews = matches!(event, Event::CredentialOk { .. }) && self.policy.has_identified();
                let (actions, _) = self.with_connection(now, |policy| policy.handle_event(now, event));
                if let Some(old) = &mut self.old {
                    old.renewed |= renews && actions.disposition() == Disposition::Applied;
                }
                actions
            }
            event => self.on_successor(now, event),
        }
    }

    /// An event that concerns both transports.
    fn on_both(&mut self, now: Instant, of_connection: Event<T, S::Key>, event: Event<T, S::Key>) -> Actions {
        let conditions = self.policy.conditions();
        if self.policy.is_between() {
            // What cuts the successor's wait short does so too where it ends the connection.
            let first = self.on_successor(now, event);
            let told = self.policy.conditions();
            self.policy.set_conditions(conditions);
            let (second, _) = self.on_connection_too(now, of_connection);
            self.policy.set_conditions(told);
            if self.old.is_none() && !self.policy.is_alive() {
                // Also where the successor was given up by this event.
                self.counts.gap_begins(now);
            }
            return joined(first, second);
        }
        let (first, left) = self.on_connection_too(now, of_connection);
        self.policy.set_conditions(conditions);
        let second = match left {
            Left::Both => self.on_successor(now, event),
            Left::Successor | Left::Nothing => self.policy.handle_event(now, event),
        };
        joined(first, second)
    }

    /// The same event for the connection. A sleep is no time of an outage, and counts once.
    fn on_connection_too(&mut self, now: Instant, event: Event<T, S::Key>) -> (Actions, Left) {
        let outage = self.policy.outage_since();
        let outlives = self.old.as_ref().is_some_and(|old| old.side.is_in_outage());
        let (actions, left) = self.with_connection(now, |policy| policy.handle_event(now, event));
        if matches!(left, Left::Both) || outlives {
            self.policy.set_outage_since(outage);
        }
        (actions, left)
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
