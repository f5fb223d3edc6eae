//! What the end of a connection means for the next dial: the end, another endpoint, a step on the backoff, a floor.

use core::time::Duration;

use rand_core::Rng;

use crate::backoff::Backoff;
use crate::classify::{Cause, Class, IoKind, Scope, Verdict};
use crate::endpoints::Endpoints;
use crate::ratio::{below, uniform};
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros};

use super::action::{Endpoint, GiveUp};
use super::config::Config;
use super::explain::{Trigger, WaitReason};
use super::lend::{ConfigSource, OptionalPart};
use super::options::RefreshOn;
use super::state::{Credential, Flag, Gate, REPLACED_SECS, Stage, Streaks, secs_up};
use super::stats::count_small;
use super::{Cx, Policy};

/// One failure on its way to the gates.
pub(super) struct Step {
    pub(super) cause: Cause,
    pub(super) verdict: Verdict,
    /// How long the server asked to wait.
    pub(super) retry_after: Option<Duration>,
    /// Where the wait of the ladder counts from.
    pub(super) from: Instant,
    /// It takes no step on the ladder.
    pub(super) free: bool,
    /// How often in a row it came, where that matters; 0 where it does not.
    pub(super) nth: u16,
}

/// A fatal status that comes with a time to come back is waited for three times in a row.
const DEFERRALS: u8 = 3;

/// A verdict about a service that was there before is borne four times in a row: a deploy, a cold proxy, a renewed certificate.
const REFUSALS: u8 = 4;

/// Losses to another client until it is plain that the two throw each other out.
const REPLACED: u8 = 5;

/// What becomes of a fatal verdict.
enum Fatal {
    /// The end.
    Final,
    /// Retried like a transient failure.
    Tolerated,
    /// The next endpoint of the round is being dialled.
    NextEndpoint,
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// What the cause means for the future: the end, a new credential, the next endpoint, or a step on the ladder.
    /// `failed`: it was an attempt, and not an established connection.
    pub(super) fn apply_verdict(&mut self, cx: &mut Cx, step: &mut Step, failed: bool, held_well: bool) {
        let cause = step.cause;
        let mut next_endpoint = failed;
        if step.verdict.class == Class::Fatal {
            match self.tolerate(cx, step) {
                Fatal::Final => return self.fail(cx, GiveUp::Fatal, cause),
                Fatal::NextEndpoint => return,
                Fatal::Tolerated => {
                    step.verdict = Verdict::new(Class::Transient);
                    next_endpoint = false;
                }
            }
        } else {
            self.state.streaks = Streaks::NONE;
            self.state.set(Flag::OtherFailure, true);
        }
        let verdict = step.verdict;
        step.nth = self.count(cx.now, cause, &verdict);
        if verdict.limit > 0 && step.nth > u16::from(verdict.limit) {
            let reason = if verdict.class == Class::Auth { GiveUp::Auth } else { GiveUp::Repeated };
            return self.fail(cx, reason, cause);
        }
        let config: &Config = self.config.lend();
        let state = &mut self.state;
        let refresh_on = config.credential.refresh_on;
        if verdict.renew && refresh_on != RefreshOn::Never && state.credential == Credential::Fine {
            state.credential = Credential::Needed;
        }
        match verdict.class {
            Class::Fatal => self.fail(cx, GiveUp::Fatal, cause),
            Class::Auth => {
                let renewed = state.rejections;
                let refused =
                    renewed > 0 && config.credential.rejections_max.is_some_and(|max| renewed > max);
                if refresh_on == RefreshOn::Never || refused {
                    return self.fail(cx, GiveUp::Auth, cause);
                }
                state.rejections = renewed.saturating_add(1);
                if state.credential == Credential::Fine {
                    state.credential = Credential::Needed;
                }
                // One renewal is free: no step, no wait.
                step.free = renewed == 0;
                self.back_off(cx, step);
            }
            Class::Replaced if state.replaced > REPLACED => self.fail(cx, GiveUp::Repeated, cause),
            Class::Transient if next_endpoint && self.next_endpoint(cx, step) => {}
            Class::Transient | Class::Fresh | Class::RateLimited | Class::Replaced => {
                let at_once = cause == Cause::ReconnectRequested && held_well;
                self.back_off(cx, step);
                if at_once {
                    self.spread_reconnect(cx.now);
                }
            }
        }
    }

    /// How often in a row the cause came, where that matters.
    fn count(&mut self, now: Instant, cause: Cause, verdict: &Verdict) -> u16 {
        let state = &mut self.state;
        let counter = match verdict.class {
            Class::Auth => return u16::from(state.rejections).saturating_add(1),
            Class::Replaced => {
                if now >= Instant::from_millis(u64::from(state.replaced_secs).saturating_mul(1_000)) {
                    state.replaced = 0;
                }
                state.replaced_secs = secs_up(now).saturating_add(REPLACED_SECS);
                &mut state.replaced
            }
            _ if verdict.is_counted() => {
                // Each cause is counted for itself, whatever comes between; another one begins anew.
                if state.limited_by.is_some_and(|counted| counted != cause) {
                    state.limited = 0;
                }
                state.limited_by = Some(cause);
                &mut state.limited
            }
            Class::RateLimited => &mut state.rate_limited,
            _ => return 0,
        };
        // One more than the counter holds where that is full: a limit of 255 is a limit.
        let nth = u16::from(*counter).saturating_add(1);
        *counter = counter.saturating_add(1);
        nth
    }

    /// A fatal verdict is final, but for what may pass: a status that says when to come back, an endpoint that is one of
    /// several, a service that was there before.
    fn tolerate(&mut self, cx: &mut Cx, step: &Step) -> Fatal {
        let tolerated = |on: bool| if on { Fatal::Tolerated } else { Fatal::Final };
        if step.retry_after.is_some() && matches!(step.cause, Cause::Http(_)) {
            return tolerated(self.state.streaks.deferred() <= DEFERRALS);
        }
        let scope = step.verdict.scope;
        match (scope, self.state.endpoint) {
            (Scope::Client, _) => return Fatal::Final,
            (_, Endpoint::Session) => {
                if let Some(session) = self.session.get_mut() {
                    session.forget_endpoint();
                }
                return Fatal::Tolerated;
            }
            (_, Endpoint::Redirect) => return Fatal::Tolerated,
            (_, Endpoint::Base) => {}
        }
        if self.endpoints.several() {
            if self.next_endpoint(cx, step) {
                return Fatal::NextEndpoint;
            }
            // A whole round that was refused is judged like one endpoint.
            if self.state.is(Flag::OtherFailure) {
                self.state.streaks = Streaks::NONE;
                return Fatal::Tolerated;
            }
        }
        let row = self.state.streaks.refused();
        tolerated(scope == Scope::Service && self.state.is(Flag::EverAtBase) && row <= REFUSALS)
    }

    /// Whether a policy that failed may be started again by news: what is not there today may be there tomorrow.
    pub(super) fn failed_for_the_service(&self) -> bool {
        let Stage::Failed { reason: GiveUp::Fatal | GiveUp::Repeated } = self.state.stage else {
            return false;
        };
        let cause = self.state.last_cause;
        cause.is_some_and(|cause| self.config.lend().classifier.classify(cause).scope == Scope::Service)
    }

    /// The user may take a session back that another client holds.
    pub(super) fn failed_by_takeovers(&self) -> bool {
        let Stage::Failed { reason: GiveUp::Repeated } = self.state.stage else { return false };
        let cause = self.state.last_cause;
        cause.is_some_and(|cause| self.config.lend().classifier.classify(cause).class == Class::Replaced)
    }

    /// An attempt that did not get through goes on with the round: the next endpoint after a short gap, as the same
    /// attempt, with no step on the ladder. An open socket is no success here either: an endpoint that
    /// accepts and drops would never be left. False when the round is over.
    fn next_endpoint(&mut self, cx: &mut Cx, step: &Step) -> bool {
        let now = cx.now;
        if self.state.endpoint != Endpoint::Base {
            return false;
        }
        let config: &Config = self.config.lend();
        // Where there is no network another endpoint would fail like this one, and it is not to blame.
        if matches!(step.cause, Cause::Io(IoKind::NetworkUnreachable | IoKind::NetworkDown)) {
            self.endpoints.end_round();
            return false;
        }
        if self.endpoints.failed(&config.endpoints, now, &mut self.rng).is_none() {
            return false;
        }
        // Never in the same instant, however short the gap is.
        let gap = Micros::from_duration(config.endpoints.gap(&mut self.rng)).max(Micros::from_millis(1));
        self.state.set(Flag::InRound, true);
        self.state.set_backoff_gate(Gate { at: now.after(gap), reason: WaitReason::Endpoint });
        self.raise_floor(now, step);
        match self.limit(now) {
            Some(limit) => self.fail(cx, limit, step.cause),
            None => self.wait_or_park(cx, Trigger::Lost(step.cause)),
        }
        true
    }

    /// Whether the next dial would come after the time allowed for the outage. One that is due at once never does.
    pub(super) fn is_too_late(&self, now: Instant) -> bool {
        let config: &Config = self.config.lend();
        let elapsed = config.initial_elapsed.filter(|_| !self.state.is(Flag::Ever)).or(config.max_elapsed);
        let at = self.gate(now).at;
        elapsed.is_some_and(|max| at > now && self.lasted(now, at) > max)
    }

    /// How long the outage will have lasted at `at`, without the time in which nothing could be tried until `now`.
    pub(super) const fn lasted(&self, now: Instant, at: Instant) -> Micros {
        let parked = match self.state.stage {
            Stage::Parked { .. } => now.since(self.state.since),
            _ => Micros::ZERO,
        };
        self.state.outage_since.until(at).saturating_sub(parked)
    }

    /// One step on the ladder (none where the renewal of a credential is free), the floors that the cause brings, the
    /// limits; then on to the gates.
    pub(super) fn back_off(&mut self, cx: &mut Cx, step: &Step) {
        let now = cx.now;
        let cause = step.cause;
        self.state.set_backoff_gate(Gate::OPEN);
        if step.free {
            self.dial_at_once(now, WaitReason::Backoff);
        } else if !self.advance_backoff(now, step) {
            return self.fail(cx, GiveUp::TableSpent, cause);
        }
        self.raise_floor(now, step);
        match self.limit(now) {
            Some(limit) => self.fail(cx, limit, cause),
            None => self.wait_or_park(cx, Trigger::Lost(cause)),
        }
    }

    /// Sets the ladder's gate. False when its table is spent.
    fn advance_backoff(&mut self, now: Instant, step: &Step) -> bool {
        let mode = self.next_mode();
        let lost = self.lasted(now, now);
        let config: &Config = self.config.lend();
        let state = &mut self.state;
        let (wait, nth) = match step.verdict.class {
            // A count of its own on the same ladder: it neither climbs for the others nor falls below them.
            Class::RateLimited | Class::Replaced => {
                let nth = state.backoff.failures().max(u32::from(step.nth));
                (Backoff::wait_after(&config.backoff, state.backoff.base(), nth, mode, &mut self.rng), nth)
            }
            _ => {
                let wait = state.backoff.next_delay_micros(&config.backoff, mode, lost, &mut self.rng);
                (wait, state.backoff.failures())
            }
        };
        let wait = match &config.long_outage {
            Some((after, backoff)) if lost >= *after => {
                Backoff::wait_after(backoff, None, nth, mode, &mut self.rng)
            }
            _ => wait,
        };
        let Some(wait) = wait else { return false };
        // A retry at once is for one failure. A second in a row keeps its distance from the dial of the first, or a server
        // that accepts and drops would make the client spin.
        let at_once = wait.is_zero();
        let earliest = if at_once { self.earliest_at_once(now) } else { now };
        self.state.set(Flag::AtOnce, at_once);
        self.state
            .set_backoff_gate(Gate { at: step.from.after(wait).max(earliest), reason: WaitReason::Backoff });
        true
    }

    /// Sets the floor: what the server asked for, or the class of the cause, or the refusal of a session.
    fn raise_floor(&mut self, now: Instant, step: &Step) {
        let mode = self.next_mode();
        let config: &Config = self.config.lend();
        let Step { cause, verdict, retry_after, .. } = step;
        let state = &mut self.state;
        let mut floor = Gate::OPEN;
        if verdict.at_cap {
            let cap = config.backoff.cap(mode);
            // A ladder without a cap has no such speed: "for ever" is no wait.
            if cap < Micros::MAX {
                let wait =
                    Backoff::wait_after(&config.backoff, None, u32::MAX, mode, &mut self.rng).unwrap_or(cap);
                floor = Gate { at: now.after(wait), reason: WaitReason::Class };
            }
        }
        if let Some(retry_after) = retry_after {
            let asked = Micros::from_duration(*retry_after);
            let longest = config.retry_after_max;
            let wait = if asked > longest {
                count_small(&mut state.counts.retry_after_cut);
                // What is cut would be equal for a whole fleet, so it is spread over the last quarter.
                longest.saturating_sub(below(&mut self.rng, Micros(longest.0 / 4)))
            } else {
                asked.saturating_add(below(&mut self.rng, config.retry_after_spread.of(asked)))
            };
            floor = floor.later(Gate { at: now.after(wait), reason: WaitReason::RetryAfter });
        } else {
            let (low, high) = verdict.wait_ms(step.nth.into());
            if high != 0 {
                let (low, high) = (Micros::from_millis(low), Micros::from_millis(high));
                let at = now.after(if low == high { low } else { uniform(&mut self.rng, low, high) });
                floor = floor.later(Gate { at, reason: WaitReason::Class });
            }
        }
        if *cause == Cause::SessionInvalid {
            let (low, high) = config.resume.invalid_wait;
            let at = now.after(uniform(&mut self.rng, low, high));
            floor = floor.later(Gate { at, reason: WaitReason::InvalidSession });
        }
        state.set_floor(floor);
    }

    /// A stable session that was asked to reconnect need not climb.
    fn spread_reconnect(&mut self, now: Instant) {
        let Some(spread) = self.config.lend().requested_spread else { return };
        let Stage::Waiting { .. } = self.state.stage else { return };
        let wait = below(&mut self.rng, spread);
        let earliest = if wait.is_zero() { self.earliest_at_once(now) } else { now };
        self.state.set(Flag::AtOnce, wait.is_zero());
        self.state
            .set_backoff_gate(Gate { at: now.after(wait).max(earliest), reason: WaitReason::Requested });
        let gate = self.gate(now);
        self.state.stage = Stage::Waiting { until: gate.at, reason: gate.reason };
    }
}
