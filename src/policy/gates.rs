//! What must pass before the next dial, and the dial.

use rand_core::Rng;

use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::ratio::uniform;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, Moment, Past};

use super::Policy;
use super::action::{Action, Actions, DropReason, Endpoint};
use super::config::Config;
use super::event::Epoch;
use super::explain::{Reason, Why, count};
use super::lend::{Lend, Part};
use super::options::RefreshOn;
use super::state::{Credential, Flag, Gate, Stage};

impl<R: Rng, T, S: Subscriptions, C: Lend<T>, E: Endpoints> Policy<R, T, S, C, E> {
    /// A new outage by the user's will: the ladder, the breaker and every count that leads to giving up begin anew.
    pub(super) fn begin(&mut self, now: Instant, why: Why, out: &mut Actions) {
        let state = &mut self.state;
        let asleep = matches!(state.stage, Stage::Idle | Stage::Stopped | Stage::Failed { .. });
        state.end_outage();
        state.outage = true;
        state.outage_since = Past::at(now);
        state.attempt = 0;
        state.set(Flag::AtOnce, false);
        state.rejections = 0;
        state.limited = 0;
        state.rate_limited = 0;
        state.set_ladder(Gate::OPEN);
        state.set_floor(Gate::OPEN);
        if let Some(breaker) = state.breaker.get_mut() {
            breaker.reset();
        }
        state.ever &= !asleep;
        state.set(Flag::InRound, false);
        // An answer to a question of an earlier life is worth nothing.
        if asleep && state.credential == Credential::Pending {
            state.credential = Credential::Needed;
        }
        if asleep && self.config.lend().refresh_on == RefreshOn::Dial {
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
                let request = self.state.request.wrapping_add(1).max(1);
                self.state.request = request;
                out.push(Action::RefreshCredential { request });
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
    pub(super) fn gate(&self, now: Instant) -> Gate {
        let config: &Config = self.config.lend();
        let mut gate = self.state.ladder().later(self.state.floor());
        if let Some(at) = self.state.dialled_at.get() {
            gate = gate.later(Gate { at: at.after(config.min_interval), reason: Reason::MinInterval });
        }
        gate.later(self.breaker_gate(now))
    }

    /// When the breaker admits the next dial.
    pub(super) fn breaker_gate(&self, now: Instant) -> Gate {
        let config: &Config = self.config.lend();
        if let (Some(limits), Some(breaker)) = (&config.breaker, self.state.breaker.get()) {
            if let Err(rejected) = breaker.check(limits, now) {
                let at = rejected.until.unwrap_or_else(|| now.after(config.connect_timeout));
                return Gate { at, reason: Reason::Breaker };
            }
        }
        Gate::OPEN
    }

    /// Good news shortens the wait of the ladder, never below its first wait since the last dial, so that flapping
    /// news can't make a client spin (S84, lifecycle 36). Floors stay.
    pub(super) fn cut_wait(&mut self, now: Instant, spread: Micros) {
        let mut ladder = self.state.ladder();
        if ladder.reason == Reason::Spread && ladder.at > now {
            return; // what was drawn stays drawn, or repeated news could put the dial off for ever
        }
        let first = self.config.lend().first_wait();
        let earliest = self.state.dialled_at.get().map_or(Instant::ZERO, |at| at.after(first));
        ladder.at = ladder.at.min(earliest);
        if !spread.is_zero() {
            let at = now.after(uniform(&mut self.rng, Micros::ZERO, spread));
            ladder = ladder.later(Gate { at, reason: Reason::Spread });
        }
        self.state.set_ladder(ladder);
    }

    /// What the next dial would send.
    pub(super) fn next_mode(&self) -> Mode {
        let resume = &self.config.lend().resume;
        match self.session.get() {
            Some(session) if resume.enabled && session.is_resumable(resume.needs_sequence) => Mode::Resume,
            _ => Mode::Fresh,
        }
    }

    /// What the next dial would send, and where: the session's own endpoint is for its resume.
    pub(super) fn next_dial(&self) -> (Mode, Endpoint) {
        let mode = self.next_mode();
        let own =
            mode == Mode::Resume && self.session.get().is_some_and(|session| session.endpoint().is_some());
        (mode, if own { Endpoint::Session } else { Endpoint::Base })
    }

    fn dial(&mut self, now: Instant, why: Why, out: &mut Actions) {
        if self.session.get().is_some_and(|session| session.is_expired(now)) {
            self.drop_session(DropReason::Expired, out);
        }
        let (mode, endpoint) = self.next_dial();
        if mode == Mode::Fresh {
            self.drop_session(DropReason::Incomplete, out);
        }
        let config: &Config = self.config.lend();
        let state = &mut self.state;
        if let (Some(limits), Some(breaker)) = (&config.breaker, state.breaker.get_mut()) {
            let admitted = breaker.try_acquire(limits, now, &mut self.rng).is_ok();
            state.set(Flag::Admitted, admitted);
        }
        if config.refresh_on == RefreshOn::Dial {
            state.credential = Credential::Needed;
        }
        let epoch = state.epoch.map_or(Epoch::FIRST, Epoch::next);
        state.epoch = Some(epoch);
        state.mode = mode;
        state.endpoint = endpoint;
        if !state.is(Flag::InRound) {
            state.attempt = state.attempt.saturating_add(1);
            if endpoint == Endpoint::Base {
                self.endpoints.begin_round(&config.endpoints, now, &mut self.rng);
            }
        }
        state.dialled_at = Moment::at(now);
        // The set may come from another policy, or from the last connection.
        self.subscriptions.set_pace(Pace::NONE);
        count(&mut state.stats.opens);
        let mut timeout = config.connect_timeout;
        if config.connect_timeout_grows {
            timeout = timeout.max(state.backoff.ahead(&config.backoff, mode).unwrap_or(timeout));
        }
        state.enter(Stage::Connecting { deadline: now.after(timeout) }, now, why);
        out.push(Action::Open { epoch, mode, endpoint, attempt: state.attempt });
    }
}
