//! What must pass before the next dial, and the dial.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::ratio::below;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, OptInstant};

use super::action::{Action, DropReason, Endpoint, GiveUp};
use super::config::Config;
use super::event::Epoch;
use super::explain::{Trigger, WaitReason};
use super::lend::{ConfigSource, OptionalPart};
use super::options::RefreshOn;
use super::state::{Credential, Flag, Gate, Stage, Streaks};
use super::stats::count;
use super::{Cx, Policy};

/// What an open gate lets through in this step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialling {
    Allowed,
    Deferred,
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// A new outage by the user's will, or by news that may have mended what was final: the ladder, the breaker and every count
    /// that leads to giving up begin anew.
    pub(super) fn begin(&mut self, cx: &mut Cx, trigger: Trigger) {
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
            // Before the first start there is only what a snapshot brought.
            state.replaced = 0;
        }
        state.streaks = Streaks::NONE;
        state.set_backoff_gate(Gate::OPEN);
        state.set_floor(Gate::OPEN);
        if !is_by_user(trigger) {
            // News of the host may come as fast as dials fail.
            let at = self.state.dialled_at.get().map_or(now, |at| at.after(self.first_wait()));
            self.state.set_backoff_gate(Gate { at, reason: WaitReason::Backoff });
        }
        let state = &mut self.state;
        if let Some(breaker) = state.breaker.get_mut() {
            breaker.reset();
        }
        state.set(Flag::InRound, false);
        // An answer that has not come by now may never come, and one to a question of an earlier life is worth nothing.
        if state.credential == Credential::Pending {
            state.credential = Credential::Needed;
        }
        if asleep {
            state.set(Flag::Ever, false);
            state.set(Flag::EverAtBase, false);
            if self.config.lend().credential.refresh_on == RefreshOn::Dial {
                self.state.credential = Credential::Needed;
            }
        }
        self.dial_or_wait(cx, trigger);
    }

    /// The start of a policy that has an outage already: an imported one.
    pub(super) fn go_on(&mut self, cx: &mut Cx) {
        if self.config.lend().credential.refresh_on == RefreshOn::Dial {
            self.state.credential = Credential::Needed;
        }
        self.dial_or_wait(cx, Trigger::Start);
    }

    /// What a server said holds until a stop. Whether it had said anything.
    pub(super) fn forget_the_server(&mut self) -> bool {
        let said = self.state.backoff.base().is_some() || self.state.redirect.0.is_some();
        self.state.backoff.set_base(None);
        self.forget_redirect();
        said
    }

    /// Dials, waits or parks, as the gates say.
    pub(super) fn dial_or_wait(&mut self, cx: &mut Cx, trigger: Trigger) {
        self.pass_gates(cx, trigger, Dialling::Allowed);
    }

    /// The same without a dial, which comes with the next timeout: a loss never dials in the same step.
    pub(super) fn wait_or_park(&mut self, cx: &mut Cx, trigger: Trigger) {
        self.pass_gates(cx, trigger, Dialling::Deferred);
    }

    fn pass_gates(&mut self, cx: &mut Cx, trigger: Trigger, dialling: Dialling) {
        let now = cx.now;
        let parked = self.state.parked_on();
        if let Some(on) = parked {
            return self.state.enter(Stage::Parked { on }, now, Trigger::Gate(on));
        }
        let over = self.state.credential_at.get().is_some_and(|at| now >= at);
        if over && self.state.credential == Credential::Fine {
            // Its time is over, or so near its end that it would end with the dial.
            self.state.credential = Credential::Needed;
        }
        let gate = self.gate(now);
        if self.state.credential != Credential::Pending && gate.at > now {
            return self.state.enter(Stage::Waiting { until: gate.at, reason: gate.reason }, now, trigger);
        }
        if self.state.is(Flag::Leapt) {
            // Whether the wait is over, the next call will tell.
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
            // Never twice in one instant: what fails in no time must not be tried in no time.
            let until = now.after(Micros::from_millis(1));
            return self.state.enter(Stage::Waiting { until, reason: gate.reason }, now, trigger);
        }
        self.dial(cx, trigger);
    }

    /// The latest of everything that may delay a dial, and the rule behind it.
    pub(super) fn gate(&self, now: Instant) -> Gate {
        let config: &Config = self.config.lend();
        let mut gate = self.state.backoff_gate().later(self.state.floor());
        if let Some(at) = self.state.dialled_at.get() {
            gate = gate.later(Gate { at: at.after(config.min_interval), reason: WaitReason::MinInterval });
        }
        gate.later(self.breaker_gate(now))
    }

    /// When the breaker admits the next dial.
    pub(super) fn breaker_gate(&self, now: Instant) -> Gate {
        let config: &Config = self.config.lend();
        if let (Some(limits), Some(breaker)) = (&config.breaker, self.state.breaker.get()) {
            if let Err(rejected) = breaker.check(limits, now) {
                let at = rejected.until.unwrap_or_else(|| now.after(config.connect_timeout));
                return Gate { at, reason: WaitReason::Breaker };
            }
        }
        Gate::OPEN
    }

    /// Good news in a wait: it is cut, and a credential that may never come is asked for again.
    pub(super) fn shorten_wait(&mut self, cx: &mut Cx, spread: Micros, trigger: Trigger) {
        if self.state.is(Flag::Leapt) && matches!(self.state.stage, Stage::Waiting { .. }) {
            // The wait is over, or the clock jumped: either way there is nothing to cut.
            return;
        }
        self.cut_wait(cx.now, spread);
        self.ask_credential_again(cx);
        if self.is_too_late(cx.now) {
            self.fail(cx, GiveUp::MaxElapsed, self.last_cause());
        } else {
            self.dial_or_wait(cx, trigger);
        }
    }

    /// Shortens the wait of the ladder, never below its first wait since the last dial, so that flapping
    /// news can't make a client spin. Floors stay.
    pub(super) fn cut_wait(&mut self, now: Instant, spread: Micros) {
        let mut gate = self.state.backoff_gate();
        if gate.reason == WaitReason::Spread && gate.at > now {
            return; // what was drawn stays drawn, or repeated news could put the dial off for ever
        }
        let first = self.first_wait();
        let earliest = self.state.dialled_at.get().map_or(Instant::ZERO, |at| at.after(first));
        gate.at = gate.at.min(earliest);
        let wait = below(&mut self.rng, spread);
        if !wait.is_zero() {
            // Of no wait nothing is kept: a gate of now would stay shut if the clock ran back.
            gate = gate.later(Gate { at: now.after(wait), reason: WaitReason::Spread });
        }
        self.state.set_backoff_gate(gate);
    }

    /// What the next dial would send.
    pub(super) fn next_mode(&self) -> Mode {
        let resume = &self.config.lend().resume;
        match self.session.get() {
            Some(session) if resume.enabled && session.is_resumable(resume.needs_sequence) => Mode::Resume,
            _ => Mode::Fresh,
        }
    }

    /// What the next dial would send, and where: what a server named comes first, and the session's own endpoint is for its
    /// resume.
    pub(super) fn next_dial(&self) -> (Mode, Endpoint) {
        let mode = self.next_mode();
        if self.state.redirect.0.is_some() {
            return (mode, Endpoint::Redirect);
        }
        let own =
            mode == Mode::Resume && self.session.get().is_some_and(|session| session.endpoint().is_some());
        (mode, if own { Endpoint::Session } else { Endpoint::Base })
    }

    fn dial(&mut self, cx: &mut Cx, trigger: Trigger) {
        let now = cx.now;
        if self.session.get().is_some_and(|session| session.is_expired(now)) {
            self.drop_session(cx, DropReason::Expired);
        }
        let (mode, endpoint) = self.next_dial();
        if mode == Mode::Fresh {
            self.drop_session(cx, DropReason::Incomplete);
        }
        let config: &Config = self.config.lend();
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
        state.mode = mode;
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
            // The round goes on from an endpoint whose connection was established: the outage's first dial.
            state.attempt = 1;
        }
        state.dialled_at = OptInstant::at(now);
        // The set may come from another policy, or from the last connection.
        self.subscriptions.set_pace(Pace::NONE);
        count(&mut state.counts.opens);
        let mut timeout = config.connect_timeout;
        if config.connect_timeout_grows {
            timeout = timeout.max(state.backoff.ahead(&config.backoff, mode).unwrap_or(timeout));
        }
        state.enter(Stage::Connecting { deadline: now.after(timeout) }, now, trigger);
        cx.actions.push(Action::Open { epoch, mode, endpoint, attempt: state.attempt });
    }
}

/// Whether this is the user's own word, which no distance but the least interval delays.
const fn is_by_user(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Start | Trigger::RetryNow | Trigger::Redial)
}
