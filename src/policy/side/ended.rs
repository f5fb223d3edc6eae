//! The connection of two transports ends before its successor is ready.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, SignedInstant};

use super::super::Policy;
use super::super::config::Config;
use super::super::source::{ConfigSource, OptionalPart};
use super::super::state::{Flag, Named, Reached, Stage, State};
use super::SideOf;

/// What the end of a connection must not change while its successor is being dialled.
pub(crate) struct Before<C: ConfigSource, T, E> {
    state: State<C::Breaker, C::Heartbeat, Named<T>>,
    session: C::Session<T>,
    endpoints: E,
}

impl<C: ConfigSource, T, E> Before<C, T, E> {
    /// Whether the successor was being dialled.
    pub(crate) const fn is_alive(&self) -> bool {
        self.state.stage.is_alive()
    }
}

impl<R: Rng, T: PartialEq + Clone, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E>
where
    C::Session<T>: Clone,
{
    pub(crate) fn before(&self) -> Before<C, T, E>
    where
        E: Clone,
    {
        Before { state: self.state.clone(), session: self.session.clone(), endpoints: self.endpoints.clone() }
    }

    /// The connection has ended, which was `connection` before, while its successor was being dialled: that dial is the attempt of
    /// the outage. `gone`: its end was that of the session. True if the successor begins a new one for that reason.
    pub(crate) fn take_over(
        &mut self,
        before: Before<C, T, E>,
        connection: &SideOf<C, T>,
        now: Instant,
        gone: bool,
    ) -> bool {
        let config: &Config = self.source.config();
        let held = now >= connection.established_or_backoff_at.after(config.reset_after_stable);
        let Before { state, session, endpoints } = before;
        let lost = core::mem::replace(&mut self.state, state);
        (self.session, self.endpoints) = (session, endpoints);
        let state = &mut self.state;
        state.counts = lost.counts;
        state.last_cause = lost.last_cause;
        state.trigger = lost.trigger;
        if held {
            state.set(Flag::Outage, true);
            state.outage_since = SignedInstant::at(now);
        }
        // A resume that was sent is answered by the server, whatever it said of the session on the connection.
        let unsent = state.mode() == Mode::Resume && state.reached() < Reached::Identified;
        if gone && unsent {
            state.set_mode(Mode::Fresh, config);
            if let Some(session) = self.session.get_mut() {
                session.forget();
            }
        }
        gone && unsent
    }

    /// The connection has ended while its successor waited for its dial: the waits that the successor's failures left hold on.
    pub(crate) fn keep_waits(&mut self, before: &Before<C, T, E>, now: Instant) {
        let state = &mut self.state;
        state.epoch = before.state.epoch;
        if state.stage.is_asleep() {
            return;
        }
        if before.state.backoff.failures() > state.backoff.failures() {
            state.backoff = before.state.backoff.clone();
        }
        state.set_backoff_gate(state.backoff_gate().later(before.state.backoff_gate()));
        state.set_floor(state.floor().later(before.state.floor()));
        state.resume_failures = state.resume_failures.max(before.state.resume_failures);
        if let Stage::Waiting { until, .. } = state.stage {
            let gate = self.gate(now);
            if gate.at > until {
                self.state.stage = Stage::Waiting { until: gate.at, reason: gate.reason };
                // A clock that runs back before that wait began is not to lengthen it.
                self.state.since = self.state.since.max(before.state.since.min(now));
            }
        }
    }
}
