//! How a connection ends: the one loss transition, what the cause means, and giving up.

use core::time::Duration;

use rand_core::Rng;

use crate::backoff::Backoff;
use crate::classify::{Cause, Class, IoKind, Verdict};
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::ratio::uniform;
use crate::session::SessionState;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, Moment};

use super::Policy;
use super::action::{Action, Actions, DropReason, Endpoint, GiveUp};
use super::config::Config;
use super::explain::{Reason, Why, count};
use super::lend::{Lend, Part};
use super::options::RefreshOn;
use super::state::{Credential, Flag, Gate, Reached, Stage};

/// One failure on its way to the gates.
pub(super) struct Step {
    pub(super) cause: Cause,
    pub(super) verdict: Verdict,
    /// How long the server asked to wait.
    pub(super) hint: Option<Duration>,
    /// Where the wait of the ladder counts from.
    pub(super) from: Instant,
    /// It takes no step on the ladder.
    pub(super) free: bool,
    /// How often in a row it came, where that matters; 0 where it does not.
    pub(super) nth: u8,
}

impl<R: Rng, T, S: Subscriptions, C: Lend<T>, E: Endpoints> Policy<R, T, S, C, E> {
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
        let config: &Config = self.config.lend();
        let verdict = config.classifier.classify(cause);
        let state = &mut self.state;
        if let (true, Some(epoch)) = (close, state.epoch) {
            let code = if state.is_open() { Some(config.close_code) } else { None };
            out.push(Action::Close { epoch, code });
        }
        state.last_cause = Some(cause);
        if verdict.client_fault {
            count(&mut state.stats.client_faults);
        }
        let held = state.established_at.get().map(|at| now.since(at));
        match held {
            Some(_) => count(&mut state.stats.losses),
            None => count(&mut state.stats.failed),
        }
        let admitted = state.take(Flag::Admitted);
        if let (true, Some(limits), Some(breaker)) = (admitted, &config.breaker, state.breaker.get_mut()) {
            breaker.failure(limits, now, breaker.held(), &mut self.rng);
        }
        if held.is_some_and(|held| held >= config.reset_after_stable) {
            state.end_outage();
        }
        state.enter_outage(now);
        // The guard against a server that makes a client spin, whatever the config calls stable.
        let held_well = held.is_some_and(|held| held >= config.reset_after_stable.max(config.first_wait()));
        if held_well {
            state.rejections = 0;
            state.limited = 0;
            state.rate_limited = 0;
        }
        // Only a resume that was sent can have been refused: a dial that reached nobody, or a server that never
        // greeted, says nothing about the session (F69).
        let resume_failed = state.mode == Mode::Resume && state.reached == Reached::Identified;
        let endpoint_failed = state.endpoint == Endpoint::Session && !state.is_open();
        let dialled_at = state.dialled_at;
        if let Some(held) = held {
            state.stats.last_uptime_ms = u32::try_from(held.0 / 1_000).unwrap_or(u32::MAX);
        }
        state.set(Flag::InRound, false);
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
        if self.has_session() && self.next_mode() == Mode::Fresh {
            self.drop_session(DropReason::Incomplete, out);
        }
        let from_dial = self.config.lend().wait_from_dial && held.is_none();
        let from = dialled_at.get().filter(|_| from_dial).unwrap_or(now);
        let mut step = Step { cause, verdict, hint, from, free: false, nth: 0 };
        self.judge(now, &mut step, held.is_none(), held_well, out);
    }

    /// What the cause means for the future: the end, a new credential, the next endpoint, or a step on the ladder.
    /// `failed`: it was an attempt, and not an established connection.
    fn judge(&mut self, now: Instant, step: &mut Step, failed: bool, held_well: bool, out: &mut Actions) {
        let config: &Config = self.config.lend();
        let (cause, verdict) = (step.cause, &step.verdict);
        let state = &mut self.state;
        step.nth = match verdict.class {
            Class::Auth => state.rejections.saturating_add(1),
            _ if verdict.is_counted() => {
                // Each cause is counted for itself, whatever comes between (S81); another one begins anew.
                if state.limited_by.is_some_and(|counted| counted != cause) {
                    state.limited = 0;
                }
                state.limited_by = Some(cause);
                count_small(&mut state.limited)
            }
            Class::RateLimited => count_small(&mut state.rate_limited),
            _ => 0,
        };
        if verdict.limit > 0 && step.nth > verdict.limit {
            let reason = if verdict.class == Class::Auth { GiveUp::Auth } else { GiveUp::Repeated };
            return self.fail(now, reason, cause, out);
        }
        let state = &mut self.state;
        if verdict.renew && config.refresh_on != RefreshOn::Never && state.credential == Credential::Fine {
            state.credential = Credential::Needed;
        }
        match verdict.class {
            Class::Fatal => self.fail(now, GiveUp::Fatal, cause, out),
            Class::Auth => {
                let renewed = self.state.rejections;
                let refused = renewed > 0 && config.rejections_max.is_some_and(|max| renewed > max);
                if config.refresh_on == RefreshOn::Never || refused {
                    return self.fail(now, GiveUp::Auth, cause, out);
                }
                self.state.rejections = renewed.saturating_add(1);
                if self.state.credential == Credential::Fine {
                    self.state.credential = Credential::Needed;
                }
                // One renewal is free: no step, no wait (lifecycle 53).
                step.free = renewed == 0;
                self.climb(now, step, out);
            }
            Class::Transient if failed && self.next_endpoint(now, step, out) => {}
            Class::Transient | Class::Fresh | Class::RateLimited | Class::Replaced => {
                let at_once = cause == Cause::ReconnectRequested && held_well;
                self.climb(now, step, out);
                if at_once {
                    self.spread_requested(now);
                }
            }
        }
    }

    /// An attempt that did not get through goes on with the round: the next endpoint after a short gap, as the same
    /// attempt, with no step on the ladder (lifecycle 71). An open socket is no success here either: an endpoint that
    /// accepts and drops would never be left. False when the round is over.
    fn next_endpoint(&mut self, now: Instant, step: &Step, out: &mut Actions) -> bool {
        if self.state.endpoint != Endpoint::Base {
            return false;
        }
        let config: &Config = self.config.lend();
        // Where there is no network another endpoint would fail like this one, and it is not to blame (lifecycle 73).
        let walk = !matches!(step.cause, Cause::Io(IoKind::NetworkUnreachable | IoKind::NetworkDown));
        let next = self.endpoints.failed(&config.endpoints, now, walk, &mut self.rng);
        if next.is_none() {
            return false;
        }
        let gap = Micros::from_duration(config.endpoints.gap(&mut self.rng));
        self.state.set(Flag::InRound, true);
        self.state.set_ladder(Gate { at: now.after(gap), reason: Reason::Endpoint });
        self.raise_floor(now, step);
        if self.is_too_late(now) {
            self.fail(now, GiveUp::MaxElapsed, step.cause, out);
        } else {
            self.proceed(now, Why::Lost(step.cause), false, out);
        }
        true
    }

    /// Whether the next dial would come after the time allowed for the outage.
    fn is_too_late(&self, now: Instant) -> bool {
        let config: &Config = self.config.lend();
        let elapsed = config.initial_elapsed.filter(|_| !self.state.ever).or(config.max_elapsed);
        elapsed.is_some_and(|max| self.state.outage_since.until(self.gate(now).at.max(now)) > max)
    }

    /// One step on the ladder (none where the renewal of a credential is free), the floors that the cause brings, the
    /// limits; then on to the gates.
    pub(super) fn climb(&mut self, now: Instant, step: &Step, out: &mut Actions) {
        let cause = step.cause;
        self.state.set_ladder(Gate::OPEN);
        if !step.free && !self.step_up(now, step) {
            return self.fail(now, GiveUp::TableSpent, cause, out);
        }
        self.raise_floor(now, step);
        let config: &Config = self.config.lend();
        let attempts = config.initial_attempts.filter(|_| !self.state.ever).or(config.max_attempts);
        if attempts.is_some_and(|max| self.state.attempt >= max) {
            return self.fail(now, GiveUp::MaxAttempts, cause, out);
        }
        if self.is_too_late(now) {
            return self.fail(now, GiveUp::MaxElapsed, cause, out);
        }
        self.proceed(now, Why::Lost(cause), false, out);
    }

    /// Sets the ladder's gate. False when its table is spent.
    fn step_up(&mut self, now: Instant, step: &Step) -> bool {
        let mode = self.next_mode();
        let config: &Config = self.config.lend();
        let state = &mut self.state;
        let lost = state.outage_since.until(now);
        let (wait, nth) = if step.verdict.class == Class::RateLimited {
            // Its own count on the same ladder: it neither climbs for the others nor falls below them (lifecycle 46).
            let nth = state.backoff.failures().max(u32::from(step.nth));
            (Backoff::wait_after(&config.backoff, state.backoff.base(), nth, mode, &mut self.rng), nth)
        } else {
            let wait = state.backoff.next_wait(&config.backoff, mode, lost, &mut self.rng);
            (wait, state.backoff.failures())
        };
        let wait = match &config.long_outage {
            Some((after, ladder)) if lost >= *after => {
                Backoff::wait_after(ladder, None, nth, mode, &mut self.rng)
            }
            _ => wait,
        };
        let Some(wait) = wait else { return false };
        // A retry at once is for the first failure after a connection. A second one keeps its distance from the dial
        // of the first, or a server that accepts and drops would make the client spin (S95, lifecycle 12).
        let at_once = wait.is_zero() && nth == 1;
        let again = state.dialled_at.get().filter(|_| at_once && state.is(Flag::AtOnce));
        let earliest = again.map_or(now, |at| at.after(config.first_wait()));
        state.set(Flag::AtOnce, at_once);
        state.set_ladder(Gate { at: step.from.after(wait).max(earliest), reason: Reason::Backoff });
        true
    }

    /// Sets the floor: what the server asked for, or the class of the cause, or the refusal of a session.
    fn raise_floor(&mut self, now: Instant, step: &Step) {
        let mode = self.next_mode();
        let config: &Config = self.config.lend();
        let Step { cause, verdict, hint, .. } = step;
        let state = &mut self.state;
        let mut floor = Gate::OPEN;
        if verdict.at_cap {
            let cap = config.backoff.cap(mode);
            // A ladder without a cap has no such speed: "for ever" is no wait.
            if cap < Micros::MAX {
                let wait =
                    Backoff::wait_after(&config.backoff, None, u32::MAX, mode, &mut self.rng).unwrap_or(cap);
                floor = Gate { at: now.after(wait), reason: Reason::Class };
            }
        }
        if let Some(hint) = hint {
            let asked = Micros::from_duration(*hint);
            if asked > config.hint_max {
                count(&mut state.stats.hints_cut);
            }
            let asked = asked.min(config.hint_max);
            let spread = config.hint_spread.of(asked);
            let late = if spread.is_zero() { spread } else { uniform(&mut self.rng, Micros::ZERO, spread) };
            let at = now.after(asked.saturating_add(late));
            floor = floor.later(Gate { at, reason: Reason::Hint });
        } else {
            let (low, high) = verdict.wait_ms(step.nth.into());
            if high != 0 {
                let (low, high) = (Micros::from_millis(low), Micros::from_millis(high));
                let at = now.after(if low == high { low } else { uniform(&mut self.rng, low, high) });
                floor = floor.later(Gate { at, reason: Reason::Class });
            }
        }
        if *cause == Cause::SessionInvalid {
            let (low, high) = config.resume.invalid_wait;
            let at = now.after(uniform(&mut self.rng, low, high));
            floor = floor.later(Gate { at, reason: Reason::InvalidSession });
        }
        state.set_floor(floor);
    }

    /// A stable session that was asked to reconnect need not climb (F22).
    fn spread_requested(&mut self, now: Instant) {
        let Some(spread) = self.config.lend().requested_spread else { return };
        let Stage::Waiting { .. } = self.state.stage else { return };
        let wait = if spread.is_zero() { spread } else { uniform(&mut self.rng, Micros::ZERO, spread) };
        self.state.set_ladder(Gate { at: now.after(wait), reason: Reason::Requested });
        let gate = self.gate(now);
        self.state.stage = Stage::Waiting { until: gate.at, reason: gate.reason };
    }

    fn on_endpoint_failed(&mut self, now: Instant) {
        let resume = &self.config.lend().resume;
        let Some(session) = self.session.get_mut() else { return };
        session.missed(now);
        let (dials, failing) = session.unreachable(now);
        if dials >= resume.fallback_failures && failing >= resume.fallback_after {
            session.forget_endpoint();
        }
    }

    fn on_resume_failed(&mut self, out: &mut Actions) {
        self.state.resume_failures = self.state.resume_failures.saturating_add(1);
        if self.state.resume_failures >= self.config.lend().resume.failures_max {
            self.drop_session(DropReason::ResumeFailed, out);
        }
    }

    /// Anything of a session is kept.
    pub(super) fn has_session(&self) -> bool {
        self.session.get().is_some_and(|session| !session.is_empty())
    }

    pub(super) fn drop_session(&mut self, reason: DropReason, out: &mut Actions) {
        self.state.resume_failures = 0;
        if self.session.get_mut().is_some_and(SessionState::forget) {
            out.push(Action::DropSession { reason });
        }
    }

    /// Ends a transport whose outcome nobody will know: no failure, no success.
    pub(super) fn abandon(&mut self, now: Instant, code: Option<u16>, out: &mut Actions) {
        if !self.state.stage.is_alive() {
            return;
        }
        if let Some(epoch) = self.state.epoch {
            out.push(Action::Close { epoch, code });
        }
        self.forgo(now);
    }

    /// The same without a close, for a dial that never was one.
    pub(super) fn forgo(&mut self, now: Instant) {
        if !self.state.established_at.is_some() {
            count(&mut self.state.stats.abandoned);
        }
        if self.state.take(Flag::Admitted) {
            if let Some(breaker) = self.state.breaker.get_mut() {
                breaker.release(breaker.held());
            }
        }
        self.end_transport(now);
    }

    /// Nothing of a transport outlives it.
    pub(super) fn end_transport(&mut self, now: Instant) {
        if let Some(session) = self.session.get_mut() {
            session.lost(now);
        }
        self.subscriptions.transport_lost();
        let state = &mut self.state;
        state.reached = Reached::Nothing;
        state.established_at = Moment::NONE;
        if let Some(heartbeat) = state.heartbeat.get_mut() {
            heartbeat.stop();
        }
        self.subscriptions.set_pace(Pace::NONE);
    }

    pub(super) fn fail(&mut self, now: Instant, reason: GiveUp, cause: Cause, out: &mut Actions) {
        if !reason.is_limit() {
            self.drop_session(DropReason::Fatal, out);
        }
        self.state.enter(Stage::Failed { reason }, now, Why::GaveUp(reason));
        out.push(Action::GaveUp { reason, cause });
    }
}

/// Counts one more, and returns the count.
const fn count_small(counter: &mut u8) -> u8 {
    *counter = counter.saturating_add(1);
    *counter
}
