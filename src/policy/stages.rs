//! During a connection: what happens in order, from the open transport to the last restored subscription.

use core::time::Duration;

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::heartbeat::{Heartbeat, Tick};
use crate::mode::Mode;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros, Moment};

use super::Policy;
use super::action::{Action, Actions, Endpoint};
use super::config::Config;
use super::event::Epoch;
use super::explain::{Why, count};
use super::lend::{Lend, Part};
use super::options::Establish;
use super::state::{Flag, Reached, Stage};

impl<R: Rng, T, S: Subscriptions, C: Lend<T>, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn on_opened(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Connecting { .. }) {
            return false;
        }
        self.state.reached = Reached::Opened;
        if let Some(session) = self.session.get_mut() {
            session.reached();
        }
        let config: &Config = self.config.lend();
        let greeting =
            config.greeting.then(|| now.after(config.greeting_timeout.unwrap_or(config.connect_timeout)));
        if config.establish == Establish::OnOpen {
            self.establish(now);
        }
        match greeting {
            Some(deadline) => self.state.enter(Stage::Greeting { deadline }, now, Why::Opened),
            None => self.identify(now, out),
        }
        true
    }

    pub(super) fn on_open_failed(
        &mut self,
        now: Instant,
        cause: Cause,
        retry_after: Option<Duration>,
        out: &mut Actions,
    ) -> bool {
        self.lose(now, cause, retry_after, false, out);
        true
    }

    pub(super) fn on_closed(&mut self, now: Instant, cause: Cause, out: &mut Actions) -> bool {
        self.lose(now, cause, None, false, out);
        true
    }

    pub(super) fn on_send_failed(&mut self, now: Instant, out: &mut Actions) -> bool {
        self.lose(now, Cause::SendFailed, None, true, out);
        true
    }

    /// Honoured at any moment, before and instead of the greeting included (F74).
    pub(super) fn on_please_reconnect(
        &mut self,
        now: Instant,
        after: Option<Duration>,
        out: &mut Actions,
    ) -> bool {
        self.lose(now, Cause::ReconnectRequested, after, true, out);
        true
    }

    pub(super) fn on_session_invalid(&mut self, now: Instant, resumable: bool, out: &mut Actions) -> bool {
        let cause = if resumable { Cause::SessionInvalidResumable } else { Cause::SessionInvalid };
        self.lose(now, cause, None, true, out);
        true
    }

    pub(super) fn on_greeting(
        &mut self,
        now: Instant,
        interval: Option<Duration>,
        out: &mut Actions,
    ) -> bool {
        let open = self.state.is_open();
        let Some(heartbeat) = self.state.heartbeat.get_mut() else { return false };
        if !open || heartbeat.is_running() {
            return false;
        }
        let config: &Config = self.config.lend();
        let interval = match interval {
            Some(interval) if !interval.is_zero() => Some(Micros::from_duration(interval)),
            _ => config.heartbeat.interval,
        };
        match interval {
            Some(interval) => heartbeat.begin(&config.heartbeat, now, interval, &mut self.rng),
            None if config.heartbeat.required => {
                self.lose(now, Cause::BadGreeting, None, true, out);
                return true;
            }
            None => {}
        }
        match self.state.stage {
            Stage::Greeting { .. } => self.identify(now, out),
            Stage::Establishing { .. } => self.await_ready(now),
            _ => {}
        }
        true
    }

    /// Only now does the resume go out, with the mark of the old connection untouched until here (F60, F73).
    fn identify(&mut self, now: Instant, out: &mut Actions) {
        let Some(epoch) = self.state.epoch else { return };
        self.state.reached = Reached::Identified;
        out.push(match self.state.mode {
            Mode::Fresh => Action::SendFresh { epoch },
            Mode::Resume => Action::SendResume { epoch },
        });
        if self.state.established_at.is_some() {
            // A resume may find its subscriptions still there: the answer to it will tell.
            self.go_live(now, self.state.mode == Mode::Fresh, Why::Opened, out);
        } else {
            self.state.enter(Stage::Establishing { deadline: Moment::NONE }, now, Why::Opened);
            self.await_ready(now);
        }
    }

    /// Sets the deadline of the session's establishment. Without one of its own the heartbeat is liveness enough (F90);
    /// without a heartbeat there must be a deadline all the same (S93).
    fn await_ready(&mut self, now: Instant) {
        let config: &Config = self.config.lend();
        let beats =
            self.state.heartbeat.get().filter(|heartbeat| heartbeat.is_running()).map(Heartbeat::span);
        let span = match config.ready_timeout {
            Some(timeout) => Some(timeout),
            // A heartbeat that is slower than the longest wait a server may ask for watches nothing (S69).
            None if beats.is_some_and(|interval| interval <= config.hint_max) => None,
            None => Some(config.connect_timeout),
        };
        let begun = self.state.since;
        if let Stage::Establishing { deadline } = &mut self.state.stage {
            *deadline = Moment::new(span.map(|span| begun.min(now).after(span)));
        }
    }

    pub(super) fn on_ready(
        &mut self,
        now: Instant,
        token: Option<T>,
        endpoint: Option<T>,
        sequence: Option<u64>,
        ttl: Option<Duration>,
        out: &mut Actions,
    ) -> bool {
        if self.state.reached < Reached::Identified {
            // Nobody asked for a session yet.
            return false;
        }
        let settled = self.state.reached == Reached::Settled;
        if let Some(session) = self.session.get_mut() {
            if self.state.mode == Mode::Resume && !settled {
                // The resume was answered with a new session: the old mark does not belong to it (S47, F78).
                session.forget();
            }
            match token {
                Some(token) if self.config.lend().resume.enabled => {
                    session.establish(token, endpoint, sequence, ttl);
                }
                _ => {
                    session.forget();
                }
            }
        }
        if settled {
            // News about the session that is already there (lifecycle 18).
            return true;
        }
        self.state.reached = Reached::Settled;
        self.state.resume_failures = 0;
        count(&mut self.state.stats.fresh);
        let live = self.state.established_at.is_some();
        if !live {
            self.establish(now);
        }
        // Established on opening, a fresh connection restores from there; a resume that got a new session only now.
        if !live || self.state.mode == Mode::Resume {
            self.go_live(now, true, Why::Ready, out);
        }
        true
    }

    pub(super) fn on_resumed(&mut self, now: Instant, out: &mut Actions) -> bool {
        if self.state.mode != Mode::Resume || self.state.reached != Reached::Identified {
            return false;
        }
        if let Some(session) = self.session.get_mut() {
            session.resumed();
        }
        self.state.reached = Reached::Settled;
        self.state.resume_failures = 0;
        count(&mut self.state.stats.resumed);
        if !self.state.established_at.is_some() {
            self.establish(now);
            self.go_live(now, false, Why::Resumed, out);
        }
        true
    }

    /// The attempt has succeeded.
    fn establish(&mut self, now: Instant) {
        let config: &Config = self.config.lend();
        let state = &mut self.state;
        state.established_at = Moment::at(now);
        state.ever = true;
        state.set(Flag::InRound, false);
        count(&mut state.stats.established);
        if state.endpoint == Endpoint::Base {
            self.endpoints.succeeded(&config.endpoints, now);
        }
        let admitted = state.take(Flag::Admitted);
        if let (true, Some(limits), Some(breaker)) = (admitted, &config.breaker, state.breaker.get_mut()) {
            // As of the dial, which lies within the probe's lease: our dials have deadlines of their own.
            let dialled_at = state.dialled_at.get().unwrap_or(now);
            breaker.success(limits, dialled_at, breaker.held());
        }
        if config.reset_after_stable.is_zero() {
            state.end_outage();
        }
        if let (false, Some(interval), Some(heartbeat)) =
            (config.greeting, config.heartbeat.interval, state.heartbeat.get_mut())
        {
            if !heartbeat.is_running() {
                heartbeat.begin(&config.heartbeat, now, interval, &mut self.rng);
            }
        }
    }

    /// When the connection will have held long enough for its outage to be over.
    pub(super) fn stable_at(&self) -> Option<Instant> {
        if self.state.outage && self.state.established_at.is_some() { Some(self.held_at()) } else { None }
    }

    /// When the connection will have held, whether or not there was an outage; the end of time without a connection.
    #[inline]
    pub(super) fn held_at(&self) -> Instant {
        self.state.established_at.or_never().after(self.config.lend().reset_after_stable)
    }

    /// `new`: the server knows nothing of the subscriptions yet.
    fn go_live(&mut self, now: Instant, new: bool, why: Why, out: &mut Actions) {
        if new {
            self.subscriptions.session_started();
        }
        let config: &Config = self.config.lend();
        if new && config.restore.authenticate {
            self.state.set(Flag::Unauthenticated, true);
        }
        match self.state.epoch {
            Some(epoch) if self.state.is(Flag::Unauthenticated) => {
                let deadline = now.after(config.ready_timeout.unwrap_or(config.connect_timeout));
                out.push(Action::Authenticate { epoch });
                self.state.enter(Stage::Authenticating { deadline }, now, why);
                // A connection that was live before its resume was answered may have planned a batch.
                self.plan_restore(now);
            }
            _ => self.begin_restore(now, why, out),
        }
    }

    pub(super) fn on_auth_ok(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Authenticating { .. }) {
            return false;
        }
        self.state.set(Flag::Unauthenticated, false);
        self.begin_restore(now, Why::Authenticated, out);
        true
    }

    /// A failed step stops the next (F92): nothing is restored on a connection that is not authenticated.
    pub(super) fn on_auth_failed(&mut self, now: Instant, fatal: bool, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Authenticating { .. }) {
            return false;
        }
        let cause = if fatal { Cause::AuthDenied } else { Cause::AuthRejected };
        self.lose(now, cause, None, true, out);
        true
    }

    // Life signs.

    #[inline]
    pub(super) fn on_sequence(&mut self, n: u64) -> bool {
        // Before the resume is out, the new transport's numbers are not the session's (S45).
        let ours = self.state.mode == Mode::Fresh || self.state.reached >= Reached::Identified;
        let Some(session) = self.session.get_mut() else { return false };
        ours && self.config.lend().resume.enabled && session.observe(n)
    }

    pub(super) fn on_beat_requested(&mut self, epoch: Epoch, out: &mut Actions) -> bool {
        if !self.state.is_open() {
            return false;
        }
        if let Some(heartbeat) = self.state.heartbeat.get_mut() {
            heartbeat.requested();
        }
        out.push(Action::Beat { epoch });
        true
    }

    pub(super) fn beat_if_due(&mut self, now: Instant, out: &mut Actions) {
        let Some(heartbeat) = self.state.heartbeat.get_mut() else { return };
        let tick = heartbeat.handle_timeout(&self.config.lend().heartbeat, now);
        match (tick, self.state.epoch) {
            (Tick::NotYet, _) | (_, None) => {}
            (Tick::Beat { missed }, Some(epoch)) => {
                if missed {
                    count(&mut self.state.stats.beats_missed);
                }
                out.push(Action::Beat { epoch });
            }
            (Tick::Dead, Some(_)) => {
                count(&mut self.state.stats.zombies);
                self.lose(now, Cause::MissedBeat, None, true, out);
            }
            (Tick::Late, Some(_)) => self.lose(now, Cause::LateBeat, None, true, out),
        }
    }
}
