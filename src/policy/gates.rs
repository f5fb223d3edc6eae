//! What may delay or forbid the next dial, and the dial.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::ratio::below;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, OptInstant};

use super::action::{Action, DropReason, Endpoint, GiveUp, Role};
use super::config::Config;
use super::event::Epoch;
use super::explain::{Trigger, WaitReason};
use super::options::RefreshOn;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Gate, Stage, Streaks};
use super::stats::count;
use super::{Cx, Policy};

/// Whether this step may dial.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialling {
    Allowed,
    Deferred,
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// Starts a new outage, for the user or for an event that may have removed the cause of a failure: the backoff, the breaker
    /// and every count that leads to giving up are reset.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        let now = cx.now;
        let state = &mut self.state;
        let asleep = state.stage.is_asleep();
        state.account_parked(now);
        state.end_outage();
        state.begin_outage(now);
        state.set(Flag::AtOnce, false);
        state.set(Flag::Leapt, false);
        state.rejections = 0;
        state.limited = 0;
        state.rate_limited = 0;
        if state.stage != Stage::Idle {
            // Before the first start the count comes from a snapshot.
            state.replaced = 0;
        }
        state.streaks = Streaks::NONE;
        state.set_backoff_gate(Gate::OPEN);
        state.set_floor(Gate::OPEN);
        if !is_by_user(trigger) {
            // Events of the host may come as fast as dials fail.
            let at = self.state.dialled_at.get().map_or(now, |at| at.after(self.first_wait()));
            self.state.set_backoff_gate(Gate { at, reason: WaitReason::Backoff });
        }
        let state = &mut self.state;
        if let Some(breaker) = state.breaker.get_mut() {
            breaker.reset();
        }
        state.set(Flag::InRound, false);
        // An answer that has not come yet may never come, and the answer to an earlier request is stale.
        if state.credential == Credential::Pending {
            state.credential = Credential::Needed;
        }
        if asleep {
            state.set(Flag::Ever, false);
            state.set(Flag::EverAtBase, false);
            if self.source.config().credential.refresh_on == RefreshOn::Dial {
                self.state.credential = Credential::Needed;
            }
        }
        self.dial_or_wait(cx, trigger);
    }

    /// Starts a policy that continues the outage of a snapshot.
    pub(super) fn go_on(&mut self, cx: &mut Cx<'_>) {
        if self.source.config().credential.refresh_on == RefreshOn::Dial {
            self.state.credential = Credential::Needed;
        }
        self.dial_or_wait(cx, Trigger::Start);
    }

    /// Forgets what holds until a stop: the server's first wait and its redirect. True if there was any.
    pub(super) fn forget_the_server(&mut self) -> bool {
        let said = self.state.backoff.base().is_some() || self.state.redirect.0.is_some();
        self.state.backoff.set_base(None);
        self.forget_redirect();
        said
    }

    /// Dials, waits or parks, according to the gates.
    pub(super) fn dial_or_wait(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        self.pass_gates(cx, trigger, Dialling::Allowed);
    }

    /// The same without a dial, which is left to the next timeout: a loss never dials in the same step.
    pub(super) fn wait_or_park(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        self.pass_gates(cx, trigger, Dialling::Deferred);
    }

    fn pass_gates(&mut self, cx: &mut Cx<'_>, trigger: Trigger, dialling: Dialling) {
        let now = cx.now;
        let parked = self.state.parked_on();
        if let Some(on) = parked {
            return self.state.enter(Stage::Parked { on }, now, Trigger::Gate(on));
        }
        let over = self.state.credential_at.get().is_some_and(|at| now >= at);
        if over && self.state.credential == Credential::Fine {
            // It has expired, or would expire during the dial.
            self.state.credential = Credential::Needed;
        }
        let gate = self.gate(now);
        if self.state.credential != Credential::Pending && gate.at > now {
            return self.state.enter(Stage::Waiting { until: gate.at, reason: gate.reason }, now, trigger);
        }
        if self.state.is(Flag::Leapt) {
            // The next call tells whether the wait is over.
            match self.state.stage {
                Stage::Waiting { .. } => return,
                Stage::Parked { .. } if self.state.credential == Credential::Pending => {}
                _ if gate.at < now => return self.state.wait_unsure(now, gate, trigger),
                _ => {}
            }
        }
        match self.state.credential {
            Credential::Fine => {}
            Credential::Needed => {
                self.ask_credential(cx);
                return self.state.enter(Stage::Parked { on: WaitReason::Credential }, now, trigger);
            }
            Credential::Pending => {
                return self.state.enter(Stage::Parked { on: WaitReason::Credential }, now, trigger);
            }
        }
        if dialling == Dialling::Deferred {
            return self.state.enter(Stage::Waiting { until: now, reason: gate.reason }, now, trigger);
        }
        if self.state.dialled_at.get() == Some(now) && !is_by_user(trigger) {
            // Never twice in one instant, or a dial that fails at once would make the client spin.
            let until = now.after(Micros::from_millis(1));
            return self.state.enter(Stage::Waiting { until, reason: gate.reason }, now, trigger);
        }
        self.dial(cx, trigger);
    }

    /// The latest of everything that delays the next dial, and its reason.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn gate(&self, now: Instant) -> Gate {
        let config: &Config = self.source.config();
        let mut gate = self.state.backoff_gate().later(self.state.floor());
        if let Some(at) = self.state.dialled_at.get() {
            gate = gate.later(Gate { at: at.after(config.min_interval), reason: WaitReason::MinInterval });
        }
        gate.later(self.breaker_gate(now))
    }

    /// When the breaker admits the next dial.
    pub(super) fn breaker_gate(&self, now: Instant) -> Gate {
        let config: &Config = self.source.config();
        if let (Some(limits), Some(breaker)) = (&config.breaker, self.state.breaker.get()) {
            if let Err(rejected) = breaker.check(limits, now) {
                let at = rejected.until.unwrap_or_else(|| now.after(config.connect_timeout));
                return Gate { at, reason: WaitReason::Breaker };
            }
        }
        Gate::OPEN
    }

    /// An event that makes success likely ends a wait early. A credential request that may never be answered is repeated.
    pub(super) fn shorten_wait(&mut self, cx: &mut Cx<'_>, spread: Micros, trigger: Trigger) {
        if self.state.is(Flag::Leapt) && matches!(self.state.stage, Stage::Waiting { .. }) {
            // The wait is over, or the clock jumped: there is nothing to cut.
            return;
        }
        self.cut_wait(cx.now, spread);
        // Nothing but the spread can make the wait longer than it was.
        if self.gate(cx.now).reason == WaitReason::Spread && self.is_too_late(cx.now) {
            self.fail(cx, GiveUp::MaxElapsed, self.last_cause());
        } else {
            self.ask_credential_again(cx);
            self.dial_or_wait(cx, trigger);
        }
    }

    /// Shortens the wait of the backoff, but never below the first wait since the last dial, so that repeated events can't make
    /// the client spin. The floor stays.
    pub(super) fn cut_wait(&mut self, now: Instant, spread: Micros) {
        let mut gate = self.state.backoff_gate();
        if gate.reason == WaitReason::Spread && gate.at > now {
            return; // draw once only, or repeated events could postpone the dial without end
        }
        let first = self.first_wait();
        let earliest = self.state.dialled_at.get().map_or(Instant::ZERO, |at| at.after(first));
        gate.at = gate.at.min(earliest);
        let wait = below(&mut self.rng, spread);
        if !wait.is_zero() {
            // A gate at `now` would close again if the clock ran back.
            gate = gate.later(Gate { at: now.after(wait), reason: WaitReason::Spread });
        }
        self.state.set_backoff_gate(gate);
    }

    /// What the next dial sends.
    pub(super) fn next_mode(&self) -> Mode {
        let resume = &self.source.config().resume;
        match self.session.get() {
            Some(session) if resume.enabled && session.is_resumable(resume.needs_sequence) => Mode::Resume,
            _ => Mode::Fresh,
        }
    }

    /// What the next dial sends, and its endpoint: the redirect first, then the session's endpoint for a resume.
    pub(super) fn next_dial(&self) -> (Mode, Endpoint) {
        let mode = self.next_mode();
        if self.state.redirect.0.is_some() {
            return (mode, Endpoint::Redirect);
        }
        let own =
            mode == Mode::Resume && self.session.get().is_some_and(|session| session.endpoint().is_some());
        (mode, if own { Endpoint::Session } else { Endpoint::Base })
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn dial(&mut self, cx: &mut Cx<'_>, trigger: Trigger) {
        let now = cx.now;
        self.expire_session(cx);
        let (mode, endpoint) = self.next_dial();
        if mode == Mode::Fresh {
            self.drop_session(cx, DropReason::Incomplete);
        }
        let config: &Config = self.source.config();
        let state = &mut self.state;
        if let (Some(limits), Some(breaker)) = (&config.breaker, state.breaker.get_mut()) {
            let admitted = breaker.try_acquire(limits, now, &mut self.rng).is_ok();
            state.set(Flag::Admitted, admitted);
        }
        if config.credential.refresh_on == RefreshOn::Dial {
            state.credential = Credential::Needed;
        }
        let epoch = state.epoch.map_or(Epoch::FIRST, Epoch::next);
        state.epoch = Some(epoch);
        state.set_mode(mode, config);
        state.endpoint = endpoint;
        state.set(Flag::Redirected, false);
        if !state.is(Flag::InRound) || state.attempt == 0 {
            state.attempt = state.attempt.saturating_add(1);
        }
        if !state.is(Flag::InRound) {
            state.set(Flag::OtherFailure, false);
            if endpoint == Endpoint::Base {
                self.endpoints.begin_round(&config.endpoints, now, &mut self.rng);
            }
        } else if state.attempt == 0 {
            // The first dial of an outage that began in the middle of a round.
            state.attempt = 1;
        }
        state.dialled_at = OptInstant::at(now);
        // The set may hold the times of another policy or of the last connection.
        self.subscriptions.set_pace(Pace::NONE);
        count(&mut state.counts.opens);
        let mut timeout = config.connect_timeout;
        if config.connect_timeout_grows {
            timeout = timeout.max(state.backoff.ahead(&config.backoff, mode).unwrap_or(timeout));
        }
        state.enter(Stage::Connecting { deadline: now.after(timeout) }, now, trigger);
        let (attempt, role) = (state.attempt, Role::Connection);
        cx.actions.push(Action::Open { epoch, mode, endpoint, attempt, role });
    }
}

/// Whether the user asked for it. Such a dial is delayed by the minimum interval only.
const fn is_by_user(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Start | Trigger::RetryNow | Trigger::Redial)
}
