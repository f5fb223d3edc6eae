//! During a connection: what happens in order, from the open transport to the last restored subscription.

use core::time::Duration;

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::heartbeat::{Heartbeat, Tick};
use crate::mode::Mode;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros, OptInstant};

use super::action::{Action, Endpoint};
use super::config::Config;
use super::event::Epoch;
use super::explain::Trigger;
use super::options::Establish;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Flag, Reached, Stage, Streaks};
use super::stats::{count, count_small};
use super::{Cx, Policy};

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn on_opened(&mut self, cx: &mut Cx<'_>) -> bool {
        let now = cx.now;
        if !matches!(self.state.stage, Stage::Connecting { .. }) {
            return false;
        }
        self.state.set_reached(Reached::Opened, self.source.config());
        if let Some(session) = self.session.get_mut() {
            session.reached();
        }
        let config: &Config = self.source.config();
        let greeting =
            config.greeting.then(|| now.after(config.greeting_timeout.unwrap_or(config.connect_timeout)));
        if config.establish == Establish::OnOpen {
            self.establish(now);
        }
        match greeting {
            Some(deadline) => self.state.enter(Stage::Greeting { deadline }, now, Trigger::Opened),
            None => self.identify(cx),
        }
        true
    }

    pub(super) fn on_greeting(&mut self, cx: &mut Cx<'_>, interval: Option<Duration>) -> bool {
        let now = cx.now;
        let open = self.state.is_open();
        let Some(heartbeat) = self.state.heartbeat.get_mut() else { return false };
        let config: &Config = self.source.config();
        let awaited = matches!(self.state.stage, Stage::Greeting { .. });
        if !open || heartbeat.is_running() && !awaited {
            // Where no greeting is expected, the config's interval applies until one comes.
            return open
                && !config.greeting
                && interval.is_some_and(|interval| heartbeat.keep_alive(now, interval));
        }
        let interval = match interval {
            Some(interval) if !interval.is_zero() => Some(Micros::from_duration(interval)),
            _ => config.heartbeat.interval,
        };
        match interval {
            Some(interval) => heartbeat.start_micros(&config.heartbeat, now, interval, &mut self.rng),
            // The server may have set an interval before its greeting.
            None if heartbeat.is_running() => {}
            None if config.heartbeat.required => {
                self.close_and_lose(cx, Cause::BadGreeting, None);
                return true;
            }
            None => {}
        }
        match self.state.stage {
            Stage::Greeting { .. } => self.identify(cx),
            Stage::Establishing { .. } => self.await_ready(now),
            _ => {}
        }
        true
    }

    /// Sends identify or resume. Until here the sequence number of the old connection is unchanged.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn identify(&mut self, cx: &mut Cx<'_>) {
        let Some(epoch) = self.state.epoch else { return };
        self.state.set_reached(Reached::Identified, self.source.config());
        cx.actions.push(match self.state.mode() {
            Mode::Fresh => Action::Identify { epoch },
            Mode::Resume => Action::Resume { epoch },
        });
        if self.state.is(Flag::Established) {
            // The answer to a resume tells whether its subscriptions still exist.
            self.go_live(cx, self.state.mode() == Mode::Fresh, Trigger::Opened);
        } else {
            self.state.enter(Stage::Establishing { deadline: OptInstant::NONE }, cx.now, Trigger::Opened);
            self.await_ready(cx.now);
        }
    }

    /// Sets the deadline of the session's establishment. Without a configured one the heartbeat finds a dead connection;
    /// without a heartbeat the connect timeout applies.
    fn await_ready(&mut self, now: Instant) {
        let config: &Config = self.source.config();
        let beats =
            self.state.heartbeat.get().filter(|heartbeat| heartbeat.is_running()).map(Heartbeat::span);
        let span = match config.ready_timeout {
            Some(timeout) => Some(timeout),
            // A heartbeat that is slower than the longest wait a server may ask for finds nothing in time.
            None if beats.is_some_and(|interval| interval <= config.retry_after_max) => None,
            None => Some(config.connect_timeout),
        };
        let begun = self.state.since;
        if let Stage::Establishing { deadline } = &mut self.state.stage {
            *deadline = OptInstant::new(span.map(|span| begun.min(now).after(span)));
        }
    }

    pub(super) fn on_ready(
        &mut self,
        cx: &mut Cx<'_>,
        token: Option<T>,
        endpoint: Option<T>,
        sequence: Option<u64>,
        ttl: Option<Duration>,
    ) -> bool {
        let now = cx.now;
        if self.state.reached() < Reached::Identified {
            // No session has been asked for yet.
            return false;
        }
        let settled = self.state.reached() == Reached::Settled;
        if let Some(session) = self.session.get_mut() {
            if self.state.mode() == Mode::Resume && !settled {
                // The resume was answered with a new session, to which the old sequence does not belong.
                session.replaced();
            }
            match token {
                Some(token) if self.source.config().resume.enabled => {
                    if settled && session.token().is_some() {
                        session.update(token, endpoint, sequence, ttl);
                    } else {
                        session.establish(token, endpoint, sequence, ttl);
                    }
                    session.heard(now);
                }
                // A cursor that came before stays.
                None if session.token().is_some() => session.heard(now),
                _ => {
                    session.forget();
                }
            }
        }
        if settled {
            // An update of the session that is already established.
            return true;
        }
        self.state.set_reached(Reached::Settled, self.source.config());
        self.state.resume_failures = 0;
        count(&mut self.state.counts.fresh);
        let live = self.state.is(Flag::Established);
        if !live {
            self.establish(now);
        }
        // Where a connection is established on opening, a fresh one restores then, and a resume that got a new session now.
        if !live || self.state.mode() == Mode::Resume {
            self.go_live(cx, true, Trigger::Ready);
        }
        true
    }

    pub(super) fn on_resumed(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.state.mode() != Mode::Resume || self.state.reached() != Reached::Identified {
            return false;
        }
        if let Some(session) = self.session.get_mut() {
            session.resumed(cx.now);
        }
        self.state.set_reached(Reached::Settled, self.source.config());
        self.state.resume_failures = 0;
        count(&mut self.state.counts.resumed);
        if !self.state.is(Flag::Established) {
            self.establish(cx.now);
            self.go_live(cx, false, Trigger::Resumed);
        }
        true
    }

    /// The attempt has succeeded.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn establish(&mut self, now: Instant) {
        let config: &Config = self.source.config();
        let state = &mut self.state;
        state.set_established(now);
        state.set(Flag::Ever, true);
        if state.endpoint == Endpoint::Base {
            state.set(Flag::EverAtBase, true);
        }
        state.set(Flag::InRound, false);
        state.streaks = Streaks::NONE;
        count(&mut state.counts.established);
        if state.endpoint == Endpoint::Base {
            self.endpoints.succeeded(&config.endpoints, now);
        }
        let admitted = state.take(Flag::Admitted);
        if let (true, Some(limits), Some(breaker)) = (admitted, &config.breaker, state.breaker.get_mut()) {
            // As of the dial, which lies within the probe's lease because a dial has a deadline of its own.
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
                heartbeat.start_micros(&config.heartbeat, now, interval, &mut self.rng);
            }
        }
    }

    /// `new`: whether the session is new, so that the server has no subscriptions yet.
    fn go_live(&mut self, cx: &mut Cx<'_>, new: bool, trigger: Trigger) {
        let now = cx.now;
        if new {
            self.subscriptions.session_started();
        }
        let config: &Config = self.source.config();
        if new && config.restore.authenticate {
            self.state.set(Flag::Unauthenticated, true);
        }
        match self.state.epoch {
            Some(epoch) if self.state.is(Flag::Unauthenticated) => {
                let deadline = now.after(config.ready_timeout.unwrap_or(config.connect_timeout));
                cx.actions.push(Action::Authenticate { epoch });
                self.state.enter(Stage::Authenticating { deadline }, now, trigger);
                // A connection that was live before its resume was answered may have a batch planned.
                self.plan_restore(now);
            }
            _ => self.begin_restore(cx, trigger),
        }
    }

    pub(super) fn on_auth_ok(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.state.take(Flag::Reauthenticating) {
            return true;
        }
        if !matches!(self.state.stage, Stage::Authenticating { .. }) {
            return false;
        }
        self.state.set(Flag::Unauthenticated, false);
        self.begin_restore(cx, Trigger::Authenticated);
        true
    }

    /// Nothing is restored on a connection that is not authenticated.
    pub(super) fn on_auth_failed(&mut self, cx: &mut Cx<'_>, fatal: bool) -> bool {
        let again = self.state.take(Flag::Reauthenticating);
        if !again && !matches!(self.state.stage, Stage::Authenticating { .. }) {
            return false;
        }
        let cause = if fatal { Cause::AuthDenied } else { Cause::AuthRejected };
        self.close_and_lose(cx, cause, None);
        true
    }

    // Signs of life.

    #[inline]
    pub(super) fn on_sequence(&mut self, n: u64) -> bool {
        let counts = self.state.progress.counts();
        // Before the resume is sent, the new transport's numbers are not the session's.
        let sent = self.source.config().resume.enabled && self.state.reached() >= Reached::Identified;
        match self.session.get_mut() {
            Some(session) if counts => session.observe(n),
            Some(session) => sent && session.observe_unanswered(n),
            None => false,
        }
    }

    pub(super) fn on_heartbeat_requested(&mut self, cx: &mut Cx<'_>, epoch: Epoch) -> bool {
        if !self.state.is_open() {
            return false;
        }
        if let Some(heartbeat) = self.state.heartbeat.get_mut() {
            heartbeat.requested();
        }
        cx.actions.push(Action::Heartbeat { epoch });
        true
    }

    pub(super) fn heartbeat_if_due(&mut self, cx: &mut Cx<'_>) {
        let Some(heartbeat) = self.state.heartbeat.get_mut() else { return };
        let tick = heartbeat.handle_timeout(&self.source.config().heartbeat, cx.now);
        match (tick, self.state.epoch) {
            (Tick::NotYet, _) | (_, None) => {}
            (Tick::Heartbeat { missed }, Some(epoch)) => {
                if missed {
                    count_small(&mut self.state.counts.heartbeats_missed);
                }
                cx.actions.push(Action::Heartbeat { epoch });
            }
            (Tick::Dead, Some(_)) => {
                count_small(&mut self.state.counts.zombies);
                self.close_and_lose(cx, Cause::HeartbeatMissed, None);
            }
        }
    }
}
