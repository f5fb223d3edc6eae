//! Replacing a connection without a loss: for the user, by age, before a server's deadline, after a change of the network.

use core::time::Duration;

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::ratio::below;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros, OptInstant};

use super::action::{Action, DropReason, Endpoint, GiveUp};
use super::config::Config;
use super::explain::{Trigger, WaitReason};
use super::options::OnNetworkChange;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Flag, Gate, Reached, Stage};
use super::{Cx, Policy};

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    pub(super) fn on_redial(&mut self, cx: &mut Cx<'_>) -> bool {
        match self.state.stage {
            Stage::Live { .. } => self.replace(cx, Trigger::Redial),
            stage if stage.is_alive() => {
                self.give_up_dial(cx);
                self.dial_at_once(cx.now, WaitReason::Backoff);
                self.wait_within_limits(cx, Trigger::Redial);
            }
            _ => return self.on_user_retry(cx, Trigger::Redial),
        }
        true
    }

    /// Closes the connection, keeps its session, and dials again at once. That is no failure, and after a stable connection it
    /// is an outage of its own.
    pub(super) fn replace(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        let now = cx.now;
        if let Some(epoch) = self.state.epoch {
            cx.actions.push(Action::Close { epoch, code: self.close_code() });
        }
        self.note_uptime(now);
        let held = self.leave_planned(now, trigger);
        self.end_transport();
        self.expire_session(cx);
        self.dial_at_once(now, reason_of(trigger));
        if held {
            // Not a loss, so that a limit of attempts after a loss does not forbid it.
            self.wait_or_park(cx, trigger);
        } else {
            self.wait_within_limits(cx, trigger);
        }
    }

    /// The connection is to be replaced: its outage, its endpoint and its redirect are left. Returns whether it was stable.
    pub(super) fn leave_planned(&mut self, now: Instant, trigger: Trigger) -> bool {
        // A connection that reached its maximum age counts as stable.
        let held = trigger == Trigger::MaxAge || self.stable_at().is_none_or(|at| now >= at);
        if held {
            self.state.end_outage();
        }
        self.state.enter_outage(now);
        if trigger == Trigger::Requested && self.state.endpoint == Endpoint::Base {
            self.endpoints.leave(&self.source.config().endpoints, now);
        }
        self.leave_redirect(true);
        held
    }

    /// The server's deadline for a reconnect approaches. A stable connection, and the first of an outage, is replaced at once.
    /// Any other is lost, so that the policy backs off from a server that asks for a reconnect on every connection.
    pub(super) fn replace_as_requested(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        let held = self.stable_at().is_none_or(|at| now >= at);
        if held || self.state.attempt <= 1 {
            self.replace(cx, Trigger::Requested);
        } else {
            self.close_and_lose(cx, Cause::ReconnectRequested, None);
        }
    }

    /// Ends a dial after a change of the network, a sleep or a new credential. The attempt is not counted, but the next dial
    /// keeps the first wait's distance.
    pub(super) fn cut_dial(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        let now = cx.now;
        self.give_up_dial(cx);
        // None: the dial was before a long sleep during which the clock stood still.
        let at = self.state.dialled_at.get().map_or(now, |at| at.after(self.first_wait()));
        self.state.set_backoff_gate(Gate { at, reason: WaitReason::Backoff });
        self.wait_within_limits(cx, trigger);
    }

    /// A dial that ends before its outcome is known is not counted, unless it was established on opening.
    fn give_up_dial(&mut self, cx: &mut Cx<'_>) {
        if self.state.is(Flag::Established) {
            self.state.enter_outage(cx.now);
        } else {
            self.state.refund_attempt();
        }
        self.abandon(cx, self.close_code());
        self.expire_session(cx);
    }

    /// Waits for the gates, or gives up if the attempts or the time of the outage are used up.
    pub(super) fn wait_within_limits(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        match self.limit(cx.now) {
            Some(limit) => self.fail(cx, limit, self.last_cause()),
            None => self.wait_or_park(cx, trigger),
        }
    }

    /// The limit that the next dial would exceed, if any.
    pub(super) fn limit(&self, now: Instant) -> Option<GiveUp> {
        let config: &Config = self.source.config();
        let attempts = config.initial_attempts.filter(|_| !self.state.is(Flag::Ever)).or(config.max_attempts);
        let counts = !self.state.is(Flag::InRound) || self.state.attempt == 0;
        // With a limit of zero, the first dial is still allowed: it follows no loss.
        let follows = self.state.attempt > 0 || self.state.is(Flag::Ever);
        if counts && follows && attempts.is_some_and(|max| self.state.attempt >= max) {
            return Some(GiveUp::MaxAttempts);
        }
        Some(GiveUp::MaxElapsed).filter(|_| self.is_too_late(now))
    }

    /// Sets the gate of an immediate dial. The second in a row keeps the first wait's distance from the last dial, or it could
    /// make the client spin.
    pub(super) fn dial_at_once(&mut self, now: Instant, reason: WaitReason) {
        let at = self.earliest_at_once(now);
        self.state.set(Flag::AtOnce, true);
        self.state.set_backoff_gate(Gate { at, reason });
    }

    /// When an immediate dial is allowed.
    pub(super) fn earliest_at_once(&self, now: Instant) -> Instant {
        let last = self.state.dialled_at.get().filter(|_| self.state.is(Flag::AtOnce));
        last.map_or(now, |at| at.after(self.first_wait()))
    }

    /// The minimum distance between dials that no failure separates: the first wait of the backoff that is not zero.
    pub(super) fn first_wait(&self) -> Micros {
        let config: &Config = self.source.config();
        let base = self.state.backoff.base().filter(|base| !base.is_zero());
        base.map_or(config.first_wait(), |base| base.min(config.backoff.cap(Mode::Resume)))
    }

    /// The server asks for a reconnect before a deadline: a live connection stays until a time in the first half of it.
    pub(super) fn plan_replacement(&mut self, now: Instant, deadline: Duration) -> bool {
        let Stage::Live { replace_at, reason, .. } = &mut self.state.stage else { return false };
        let half = Micros(Micros::from_duration(deadline).0 / 2);
        let at = OptInstant::at(now.after(below(&mut self.rng, half)));
        // A planned replacement is never postponed.
        if at.or_never() < replace_at.or_never() {
            (*replace_at, *reason) = (at, WaitReason::Requested);
        }
        true
    }

    /// The stage of a live connection, with the time at which it reaches its maximum age.
    pub(super) fn live(&mut self, now: Instant) -> Stage {
        let config: &Config = self.source.config();
        let replace_at = match (self.state.stage, config.max_age) {
            // Live before its resume was answered: a planned replacement stays.
            (Stage::Live { .. }, _) => return self.state.stage.restored(true),
            (_, None) => OptInstant::NONE,
            (_, Some(age)) => {
                let early = below(&mut self.rng, config.max_age_spread);
                let since = self.state.established_at().get().unwrap_or(now);
                OptInstant::at(since.after(age.saturating_sub(early)))
            }
        };
        Stage::Live { restored: true, replace_at, reason: WaitReason::MaxAge }
    }

    /// The network changed, to which an open connection may be bound.
    pub(super) fn on_changed(&mut self, cx: &mut Cx<'_>) {
        let on_change = self.source.config().on_network_change;
        if on_change != OnNetworkChange::Ignore && !(on_change == OnNetworkChange::Probe && self.probe(cx)) {
            self.replace(cx, Trigger::NetworkChanged);
        }
    }

    /// Sends a heartbeat to probe the connection. False if no heartbeat is running.
    pub(super) fn probe(&mut self, cx: &mut Cx<'_>) -> bool {
        let now = cx.now;
        let config: &Config = self.source.config();
        let within = config.heartbeat.answer_within.unwrap_or(config.connect_timeout);
        let Some(epoch) = self.state.epoch else { return false };
        let open = self.state.is_open();
        let asked = self
            .state
            .heartbeat
            .get_mut()
            .is_some_and(|heartbeat| open && heartbeat.probe_micros(now, within));
        if asked {
            cx.actions.push(Action::Heartbeat { epoch });
        }
        asked
    }

    pub(super) fn on_keep_alive(&mut self, now: Instant, interval: Duration) -> bool {
        let open = self.state.is_open();
        self.state.heartbeat.get_mut().is_some_and(|heartbeat| open && heartbeat.keep_alive(now, interval))
    }

    /// The server names another endpoint, which is followed up to the configured number of times.
    pub(super) fn on_redirected(&mut self, endpoint: T, permanent: bool) -> bool {
        if self.state.hops >= self.source.config().max_hops {
            // A loop of redirects: the configured endpoints again.
            self.forget_redirect();
            return true;
        }
        self.state.hops = self.state.hops.saturating_add(1);
        self.state.redirect.0 = Some(endpoint);
        self.state.set(Flag::RedirectPermanent, permanent);
        self.state.set(Flag::Redirected, true);
        true
    }

    /// The transport has ended. If it was a redirect's and no other was named, the redirect is dropped; a permanent one stays
    /// if the connection `held`.
    pub(super) fn leave_redirect(&mut self, held: bool) {
        let named = self.state.take(Flag::Redirected);
        let stays = held && self.state.is(Flag::RedirectPermanent);
        if self.state.endpoint == Endpoint::Redirect && !named && !stays {
            self.forget_redirect();
        }
    }

    pub(super) fn forget_redirect(&mut self) {
        self.state.redirect.0 = None;
        self.state.set(Flag::RedirectPermanent, false);
    }

    pub(super) fn on_cursor(&mut self, now: Instant, token: T) -> bool {
        if self.state.reached() < Reached::Identified || !self.source.config().resume.enabled {
            return false;
        }
        let Some(session) = self.session.get_mut() else { return false };
        session.move_to(token);
        session.heard(now);
        // Events that continue from the cursor show that the resume succeeded, though no message confirms it.
        self.state.resume_failures = 0;
        true
    }

    /// The session's time to live has passed. A resume that is not sent yet becomes a fresh start, if it was not dialled at the
    /// session's own endpoint: a fresh start goes to the base. Otherwise the transport ends, and the policy dials again.
    pub(super) fn on_session_expired(&mut self, cx: &mut Cx<'_>) {
        self.drop_session(cx, DropReason::Expired);
        if !self.state.stage.is_alive() || self.state.mode() != Mode::Resume {
            return;
        }
        if self.state.reached() == Reached::Identified || self.state.endpoint == Endpoint::Session {
            self.cut_dial(cx, Trigger::SessionExpired);
        } else {
            self.state.set_mode(Mode::Fresh, self.source.config());
        }
    }
}

/// Why the dial that replaces a connection waits, if it does.
pub(super) const fn reason_of(trigger: Trigger) -> WaitReason {
    match trigger {
        Trigger::MaxAge => WaitReason::MaxAge,
        Trigger::Requested => WaitReason::Requested,
        _ => WaitReason::Backoff,
    }
}
