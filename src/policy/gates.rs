//! Between connections: the one way a connection ends, what must pass before the next dial, and the dial.

use core::borrow::Borrow;
use core::time::Duration;

use rand_core::Rng;

use crate::classify::{Cause, Class, Verdict};
use crate::mode::Mode;
use crate::ratio::uniform;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros};

use super::action::{Action, Actions, DropReason, Endpoint, GiveUp};
use super::config::{Config, OnNetworkDown, RefreshOn};
use super::event::{Epoch, HoldReason};
use super::explain::{Reason, Why, count};
use super::{Credential, Gate, Policy, Stage, State};

/// The close code of a connection that is not to be resumed (RFC 6455 §7.4.1).
const CLOSE_NORMAL: u16 = 1000;

impl<R: Rng, T, S: Subscriptions, C: Borrow<Config>> Policy<R, T, S, C> {
    // What the user and the host say.

    pub(super) fn on_start(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. }) {
            return false;
        }
        self.begin(now, Why::Start, out);
        true
    }

    pub(super) fn on_stop(&mut self, now: Instant, keep: bool, out: &mut Actions) -> bool {
        match self.state.stage {
            Stage::Failed { .. } => return false,
            Stage::Idle | Stage::Stopped if keep || self.session.is_empty() => return false,
            Stage::Idle
            | Stage::Stopped
            | Stage::Waiting { .. }
            | Stage::Parked { .. }
            | Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. } => {}
        }
        let code = if keep { self.config.borrow().close_code } else { CLOSE_NORMAL };
        self.abandon(now, Some(code), out);
        if !keep {
            self.drop_session(DropReason::Stop, out);
        }
        self.state.enter(Stage::Stopped, now, Why::Stop);
        true
    }

    pub(super) fn on_retry_now(&mut self, now: Instant, out: &mut Actions) -> bool {
        match self.state.stage {
            Stage::Waiting { .. } | Stage::Parked { .. } => {}
            Stage::Failed { reason } if reason.is_limit() => {}
            Stage::Idle
            | Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. }
            | Stage::Stopped
            | Stage::Failed { .. } => return false,
        }
        self.begin(now, Why::RetryNow, out);
        true
    }

    pub(super) fn on_hold(&mut self, now: Instant, reason: HoldReason, out: &mut Actions) -> bool {
        let new = self.state.holds & reason.bit() == 0;
        self.state.holds |= reason.bit();
        if new && self.state.stage.is_between() {
            self.proceed(now, Why::Gate(Reason::Hold), true, out);
        }
        new
    }

    pub(super) fn on_release(&mut self, now: Instant, reason: HoldReason, out: &mut Actions) -> bool {
        let held = self.state.holds & reason.bit() != 0;
        self.state.holds &= !reason.bit();
        if held && self.state.stage.is_between() {
            self.proceed(now, Why::Gate(Reason::Hold), true, out);
        }
        held
    }

    pub(super) fn on_network_down(&mut self, now: Instant, out: &mut Actions) -> bool {
        let on_down = self.config.borrow().on_network_down;
        if on_down == OnNetworkDown::Ignore || self.state.network_down {
            return false;
        }
        self.state.network_down = true;
        match self.state.stage {
            Stage::Connecting { .. } => {
                // Not the attempt's fault: it is not spent. The next one keeps its distance all the same, so that
                // flapping news can't make a client spin (S84).
                self.state.attempt = self.state.attempt.saturating_sub(1);
                self.abandon(now, None, out);
                let first = self.config.borrow().backoff.initial();
                if let Some(at) = self.state.dialled_at {
                    let gate = Gate { at: at.after(first), reason: Reason::Backoff };
                    self.state.ladder = self.state.ladder.later(gate);
                }
                self.proceed(now, Why::Gate(Reason::Network), false, out);
            }
            stage if stage.is_alive() && on_down == OnNetworkDown::Drop => {
                self.lose(now, Cause::NetworkDown, None, true, out);
            }
            stage if stage.is_between() => self.proceed(now, Why::Gate(Reason::Network), false, out),
            _ => {}
        }
        true
    }

    pub(super) fn on_network_up(&mut self, now: Instant, out: &mut Actions) -> bool {
        let was_down = self.state.network_down;
        let config: &Config = self.config.borrow();
        if config.on_network_down == OnNetworkDown::Ignore {
            return false;
        }
        let spread = config.network_spread;
        self.state.network_down = false;
        if self.state.stage.is_between() {
            self.cut_wait(now, spread);
            self.proceed(now, Why::Gate(Reason::Network), true, out);
            return true;
        }
        was_down
    }

    pub(super) fn on_hidden(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !self.config.borrow().defer_while_hidden || self.state.hidden {
            return false;
        }
        self.state.hidden = true;
        if self.state.stage.is_between() {
            self.proceed(now, Why::Gate(Reason::Hidden), false, out);
        }
        true
    }

    pub(super) fn on_visible(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !self.state.hidden {
            return false;
        }
        self.state.hidden = false;
        if self.state.stage.is_between() {
            self.cut_wait(now, Micros::ZERO);
            self.proceed(now, Why::Gate(Reason::Hidden), true, out);
        }
        true
    }

    /// A connection that slept longer than its liveness rule would have waited can't be trusted (lifecycle 39); a wait
    /// is cut like at the network's return.
    pub(super) fn on_woke(&mut self, now: Instant, gap: Micros, out: &mut Actions) -> bool {
        if self.state.stage.is_between() {
            self.cut_wait(now, Micros::ZERO);
            self.proceed(now, Why::Woke, true, out);
            return true;
        }
        let trusted = match self.state.heartbeat.interval() {
            Some(interval) => Micros::from_duration(interval),
            None => self.config.borrow().connect_timeout,
        };
        if !self.state.opened || gap < trusted {
            return false;
        }
        self.lose(now, Cause::Slept, None, true, out);
        true
    }

    /// `failed`: `None` for a fresh credential, otherwise whether there will never be one. Late answers of a refresh
    /// that nobody waits for any more are nothing (lifecycle 59).
    pub(super) fn on_credential(&mut self, now: Instant, failed: Option<bool>, out: &mut Actions) -> bool {
        if self.state.credential != Credential::Pending {
            return false;
        }
        let between = self.state.stage.is_between();
        match failed {
            None => {
                self.state.credential = Credential::Fine;
                if between {
                    self.proceed(now, Why::Gate(Reason::Credential), true, out);
                }
            }
            Some(fatal) => {
                self.state.credential = Credential::Needed;
                if between && fatal {
                    self.fail(now, GiveUp::Auth, Cause::AuthRejected, out);
                } else if between {
                    self.state.last_cause = Some(Cause::AuthRejected);
                    self.climb(now, Cause::AuthRejected, Verdict::new(Class::Transient), None, false, out);
                }
            }
        }
        true
    }

    // How a connection ends.

    /// The one loss transition. Whatever ends a connection against the user's will comes through here; the transport's
    /// epoch ends with it, so every further report of the same loss is stale. `close`: the transport may still be
    /// there.
    pub(super) fn lose(
        &mut self,
        now: Instant,
        cause: Cause,
        hint: Option<Duration>,
        close: bool,
        out: &mut Actions,
    ) {
        let config: &Config = self.config.borrow();
        let verdict = config.classifier.classify(cause);
        let state = &mut self.state;
        if let (true, Some(epoch)) = (close, state.epoch) {
            let code = if state.opened { Some(config.close_code) } else { None };
            out.push(Action::Close { epoch, code });
        }
        state.last_cause = Some(cause);
        if verdict.client_fault {
            count(&mut state.stats.client_faults);
        }
        let held = state.established_at.map(|at| now.since(at));
        match held {
            Some(_) => count(&mut state.stats.losses),
            None => count(&mut state.stats.failed),
        }
        if let (Some(breaker), Some(permit)) = (&config.breaker, state.permit.take()) {
            state.breaker.failure(breaker, now, permit, &mut self.rng);
        }
        if held.is_some_and(|held| held >= config.reset_after_stable) {
            state.end_outage();
        }
        if !state.outage {
            state.outage = true;
            state.outage_since = now;
            state.attempt = 0;
        }
        // The guard against a server that makes a client spin, whatever the config calls stable.
        let held_well =
            held.is_some_and(|held| held >= config.reset_after_stable.max(config.backoff.initial()));
        if held_well {
            state.rejections = 0;
        }
        // Only a resume that was sent can have been refused: a dial that reached nobody, or a server that never
        // greeted, says nothing about the session (F69).
        let resume_failed = state.mode == Mode::Resume && state.identified && !state.settled;
        let endpoint_failed = state.endpoint == Endpoint::Session && !state.opened;
        self.end_transport(now);
        if endpoint_failed {
            self.on_endpoint_failed(now);
        }
        if verdict.class == Class::Fresh {
            let reason = if cause == Cause::SessionInvalid { DropReason::Invalid } else { DropReason::Gone };
            self.drop_session(reason, out);
        } else if resume_failed {
            self.on_resume_failed(out);
        }
        if !self.session.is_empty() && self.next_mode() == Mode::Fresh {
            self.drop_session(DropReason::Incomplete, out);
        }
        self.judge(now, cause, verdict, hint, held_well, out);
    }

    /// What the cause means for the future: the end, a new credential, or a step on the ladder.
    fn judge(
        &mut self,
        now: Instant,
        cause: Cause,
        verdict: Verdict,
        hint: Option<Duration>,
        held_well: bool,
        out: &mut Actions,
    ) {
        let config: &Config = self.config.borrow();
        if verdict.limit > 0 {
            self.state.limited = self.state.limited.saturating_add(1);
            if self.state.limited > verdict.limit {
                let reason = if verdict.class == Class::Auth { GiveUp::Auth } else { GiveUp::Repeated };
                return self.fail(now, reason, cause, out);
            }
        }
        match verdict.class {
            Class::Fatal => self.fail(now, GiveUp::Fatal, cause, out),
            Class::Auth => {
                if config.refresh_on == RefreshOn::Never {
                    return self.fail(now, GiveUp::Auth, cause, out);
                }
                let renewed = self.state.rejections;
                if renewed > 0 && config.rejections_max.is_some_and(|max| renewed > max) {
                    return self.fail(now, GiveUp::Auth, cause, out);
                }
                self.state.rejections = renewed.saturating_add(1);
                if self.state.credential == Credential::Fine {
                    self.state.credential = Credential::Needed;
                }
                // One renewal is free: no step, no wait (lifecycle 53).
                self.climb(now, cause, verdict, hint, renewed == 0, out);
            }
            Class::Transient | Class::Fresh | Class::RateLimited => {
                let at_once = cause == Cause::ReconnectRequested && held_well;
                self.climb(now, cause, verdict, hint, false, out);
                if at_once {
                    self.spread_requested(now);
                }
            }
        }
    }

    /// One step on the ladder (none where the renewal of a credential is free), the floors that the cause brings, the
    /// limits; then on to the gates.
    fn climb(
        &mut self,
        now: Instant,
        cause: Cause,
        verdict: Verdict,
        hint: Option<Duration>,
        free: bool,
        out: &mut Actions,
    ) {
        let mode = self.next_mode();
        let config: &Config = self.config.borrow();
        let state = &mut self.state;
        state.ladder = Gate::OPEN;
        state.floor = Gate::OPEN;
        if !free {
            let lost = now.since(state.outage_since);
            let Some(wait) = state.backoff.next_wait(&config.backoff, mode, lost, &mut self.rng) else {
                return self.fail(now, GiveUp::TableSpent, cause, out);
            };
            state.ladder = Gate { at: now.after(wait), reason: Reason::Backoff };
        }
        if verdict.at_cap {
            let cap = config.backoff.cap(mode);
            state.floor = state.floor.later(Gate { at: now.after(cap), reason: Reason::Class });
        }
        if let Some(hint) = hint {
            let asked = Micros::from_duration(hint);
            if asked > config.hint_max {
                count(&mut state.stats.hints_cut);
            }
            let asked = asked.min(config.hint_max);
            let spread = config.hint_spread.of(asked);
            let late = if spread.is_zero() { spread } else { uniform(&mut self.rng, Micros::ZERO, spread) };
            let at = now.after(asked.saturating_add(late));
            state.floor = state.floor.later(Gate { at, reason: Reason::Hint });
        } else {
            let (low, high) = verdict.wait(u32::from(state.limited));
            if !high.is_zero() {
                let (low, high) = (Micros::from_duration(low), Micros::from_duration(high));
                let at = now.after(if low == high { low } else { uniform(&mut self.rng, low, high) });
                state.floor = state.floor.later(Gate { at, reason: Reason::Class });
            }
        }
        if cause == Cause::SessionInvalid {
            let (low, high) = config.resume.invalid_wait;
            let at = now.after(uniform(&mut self.rng, low, high));
            state.floor = state.floor.later(Gate { at, reason: Reason::InvalidSession });
        }
        if config.max_attempts.is_some_and(|max| state.attempt >= max) {
            return self.fail(now, GiveUp::MaxAttempts, cause, out);
        }
        let end = config.max_elapsed.map(|max| state.outage_since.after(max));
        if end.is_some_and(|end| self.gate(now).at > end) {
            return self.fail(now, GiveUp::MaxElapsed, cause, out);
        }
        self.proceed(now, Why::Lost(cause), false, out);
    }

    /// A stable session that was asked to reconnect need not climb (F22).
    fn spread_requested(&mut self, now: Instant) {
        let Some(spread) = self.config.borrow().requested_spread else { return };
        let Stage::Waiting { .. } = self.state.stage else { return };
        let wait = if spread.is_zero() { spread } else { uniform(&mut self.rng, Micros::ZERO, spread) };
        self.state.ladder = Gate { at: now.after(wait), reason: Reason::Requested };
        let gate = self.gate(now);
        self.state.stage = Stage::Waiting { until: gate.at, reason: gate.reason };
    }

    fn on_endpoint_failed(&mut self, now: Instant) {
        let resume = self.config.borrow().resume;
        let state = &mut self.state;
        if state.endpoint_failures == 0 {
            state.endpoint_failed_at = now;
        }
        state.endpoint_failures = state.endpoint_failures.saturating_add(1);
        if state.endpoint_failures >= resume.fallback_failures
            && now.since(state.endpoint_failed_at) >= resume.fallback_after
        {
            self.session.forget_endpoint();
        }
    }

    fn on_resume_failed(&mut self, out: &mut Actions) {
        self.state.resume_failures = self.state.resume_failures.saturating_add(1);
        if self.state.resume_failures >= self.config.borrow().resume.failures_max {
            self.drop_session(DropReason::ResumeFailed, out);
        }
    }

    fn drop_session(&mut self, reason: DropReason, out: &mut Actions) {
        self.state.resume_failures = 0;
        self.state.endpoint_failures = 0;
        if self.session.forget() {
            out.push(Action::DropSession { reason });
        }
    }

    /// Ends a transport whose outcome nobody will know: no failure, no success.
    fn abandon(&mut self, now: Instant, code: Option<u16>, out: &mut Actions) {
        if !self.state.stage.is_alive() {
            return;
        }
        if let Some(epoch) = self.state.epoch {
            out.push(Action::Close { epoch, code });
        }
        self.forgo(now);
    }

    /// The same without a close, for a dial that never was one.
    fn forgo(&mut self, now: Instant) {
        if self.state.established_at.is_none() {
            count(&mut self.state.stats.abandoned);
        }
        if let Some(permit) = self.state.permit.take() {
            self.state.breaker.release(permit);
        }
        self.end_transport(now);
    }

    /// Nothing of a transport outlives it.
    fn end_transport(&mut self, now: Instant) {
        self.session.lost(now);
        self.subscriptions.transport_lost();
        let state = &mut self.state;
        state.opened = false;
        state.identified = false;
        state.settled = false;
        state.established_at = None;
        state.heartbeat.stop();
        state.restore_at = None;
        state.batch_at = None;
    }

    fn fail(&mut self, now: Instant, reason: GiveUp, cause: Cause, out: &mut Actions) {
        if !reason.is_limit() {
            self.drop_session(DropReason::Fatal, out);
        }
        self.state.enter(Stage::Failed { reason }, now, Why::GaveUp(reason));
        out.push(Action::GaveUp { reason, cause });
    }

    /// The host could not dial: asked again after the first wait of the ladder, for ever, and not counted.
    pub(super) fn on_not_now(&mut self, now: Instant, out: &mut Actions) -> bool {
        if !matches!(self.state.stage, Stage::Connecting { .. }) {
            return false;
        }
        self.state.attempt = self.state.attempt.saturating_sub(1);
        self.forgo(now);
        let wait = self.config.borrow().backoff.initial();
        self.state.ladder = Gate { at: now.after(wait), reason: Reason::Backoff };
        self.proceed(now, Why::NotNow, false, out);
        true
    }

    // The gates.

    /// A new outage by the user's will: the ladder, the breaker and every count that leads to giving up begin anew.
    fn begin(&mut self, now: Instant, why: Why, out: &mut Actions) {
        let state = &mut self.state;
        let asleep = matches!(state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. });
        state.end_outage();
        state.outage = true;
        state.outage_since = now;
        state.attempt = 0;
        state.rejections = 0;
        state.resume_failures = 0;
        state.ladder = Gate::OPEN;
        state.floor = Gate::OPEN;
        state.breaker.reset();
        // An answer to a question of an earlier life is worth nothing.
        if asleep && state.credential == Credential::Pending {
            state.credential = Credential::Needed;
        }
        if asleep && self.config.borrow().refresh_on == RefreshOn::Dial {
            self.state.credential = Credential::Needed;
        }
        self.proceed(now, why, true, out);
    }

    /// Dials, waits or parks, as the gates say. `may_dial`: a loss never dials in the same step (lifecycle 3).
    pub(super) fn proceed(&mut self, now: Instant, why: Why, may_dial: bool, out: &mut Actions) {
        let parked = self.state.parked_on();
        if let Some(on) = parked {
            return self.state.enter(Stage::Parked { on }, now, Why::Gate(on));
        }
        let gate = self.gate(now);
        if self.state.credential != Credential::Pending && gate.at > now {
            return self.state.enter(Stage::Waiting { until: gate.at, reason: gate.reason }, now, why);
        }
        match self.state.credential {
            Credential::Fine => {}
            Credential::Needed => {
                self.state.credential = Credential::Pending;
                out.push(Action::RefreshCredential);
                return self.state.enter(Stage::Parked { on: Reason::Credential }, now, why);
            }
            Credential::Pending => {
                return self.state.enter(Stage::Parked { on: Reason::Credential }, now, why);
            }
        }
        if !may_dial {
            return self.state.enter(Stage::Waiting { until: now, reason: gate.reason }, now, why);
        }
        self.dial(now, why, out);
    }

    /// The latest of everything that may delay a dial, and the rule behind it.
    fn gate(&self, now: Instant) -> Gate {
        let config: &Config = self.config.borrow();
        let mut gate = self.state.ladder.later(self.state.floor);
        if let Some(at) = self.state.dialled_at {
            gate = gate.later(Gate { at: at.after(config.min_interval), reason: Reason::MinInterval });
        }
        let rejected =
            config.breaker.as_ref().and_then(|breaker| self.state.breaker.check(breaker, now).err());
        if let Some(rejected) = rejected {
            let at = rejected.until.unwrap_or_else(|| now.after(config.connect_timeout));
            gate = gate.later(Gate { at, reason: Reason::Breaker });
        }
        gate
    }

    /// Good news shortens the wait of the ladder, never below its first wait since the last dial, so that flapping
    /// news can't make a client spin (S84, lifecycle 36). Floors stay.
    fn cut_wait(&mut self, now: Instant, spread: Micros) {
        let first = self.config.borrow().backoff.initial();
        let earliest = self.state.dialled_at.map_or(Instant::ZERO, |at| at.after(first));
        if earliest < self.state.ladder.at {
            self.state.ladder.at = earliest;
        }
        if !spread.is_zero() {
            let at = now.after(uniform(&mut self.rng, Micros::ZERO, spread));
            self.state.ladder = self.state.ladder.later(Gate { at, reason: Reason::Spread });
        }
    }

    /// What the next dial would send.
    pub(super) fn next_mode(&self) -> Mode {
        let resume = &self.config.borrow().resume;
        if resume.enabled && self.session.is_resumable(resume.needs_sequence) {
            Mode::Resume
        } else {
            Mode::Fresh
        }
    }

    fn dial(&mut self, now: Instant, why: Why, out: &mut Actions) {
        if self.session.is_expired(now) {
            self.drop_session(DropReason::Expired, out);
        }
        let mode = self.next_mode();
        if mode == Mode::Fresh {
            self.drop_session(DropReason::Incomplete, out);
        }
        let endpoint = if self.session.endpoint().is_some() { Endpoint::Session } else { Endpoint::Base };
        let config: &Config = self.config.borrow();
        let state = &mut self.state;
        if let Some(breaker) = &config.breaker {
            state.permit = state.breaker.try_acquire(breaker, now, &mut self.rng).ok();
        }
        if config.refresh_on == RefreshOn::Dial {
            state.credential = Credential::Needed;
        }
        let epoch = state.epoch.map_or(Epoch::FIRST, Epoch::next);
        state.epoch = Some(epoch);
        state.mode = mode;
        state.endpoint = endpoint;
        state.attempt = state.attempt.saturating_add(1);
        state.dialled_at = Some(now);
        count(&mut state.stats.opens);
        state.enter(Stage::Connecting { deadline: now.after(config.connect_timeout) }, now, why);
        out.push(Action::Open { epoch, mode, endpoint, attempt: state.attempt });
    }
}

impl Stage {
    /// Wanted, but no transport: waiting or parked.
    const fn is_between(self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Parked { .. })
    }
}

impl State {
    /// The condition that forbids a dial, if one does.
    const fn parked_on(&self) -> Option<Reason> {
        if self.holds != 0 {
            Some(Reason::Hold)
        } else if self.network_down {
            Some(Reason::Network)
        } else if self.hidden {
            Some(Reason::Hidden)
        } else {
            None
        }
    }

    /// The connection has held: the next loss begins a new outage on the first step of the ladder.
    pub(super) fn end_outage(&mut self) {
        self.outage = false;
        self.limited = 0;
        self.backoff.reset();
    }
}
