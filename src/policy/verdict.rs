//! What the end of a connection means for the next dial: giving up, another endpoint, a step of the backoff, a floor.

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
use super::options::RefreshOn;
use super::retry_after::RetryAfter;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Gate, REPLACED_SECS, Stage, Streaks, secs_up};
use super::stats::count_small;
use super::{Cx, Policy};

/// One failure, and how it is spaced from the next dial.
pub(super) struct Step {
    pub(super) cause: Cause,
    pub(super) verdict: Verdict,
    /// How long the server asked to wait.
    pub(super) retry_after: Option<RetryAfter>,
    /// Where the wait of the backoff counts from.
    pub(super) from: Instant,
    /// Whether it takes no step of the backoff.
    pub(super) free: bool,
    /// How often the cause came in a row, where that matters; otherwise 0.
    pub(super) nth: u16,
}

impl Step {
    /// Whether the server's wait replaces that of the backoff.
    fn replaces(&self) -> bool {
        self.retry_after.is_some_and(RetryAfter::replaces)
    }
}

/// How often in a row a fatal status that comes with `Retry-After` is retried.
const DEFERRALS: u8 = 3;

/// How often in a row a fatal verdict about a service that has worked before is retried: a deploy, a cold proxy, a renewed
/// certificate.
const REFUSALS: u8 = 4;

/// The distance of two dials at times that the server gave, where the first wait of the backoff is not shorter. A slot is kept
/// also where that is long.
const APART: Micros = Micros::from_millis(1_000);

/// After this many losses to another client in a row, two clients are replacing each other without end.
const REPLACED: u8 = 5;

/// What becomes of a fatal verdict.
enum Fatal {
    /// The policy gives up.
    Final,
    /// It is retried like a transient failure.
    Tolerated,
    /// The next endpoint of the round is being dialled.
    NextEndpoint,
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// Applies the verdict: the policy gives up, renews the credential, dials the next endpoint, or takes a step of the backoff.
    /// `failed`: whether it was an attempt and not an established connection.
    pub(super) fn apply_verdict(&mut self, cx: &mut Cx<'_>, step: &mut Step, failed: bool, held_well: bool) {
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
        let config: &Config = self.source.config();
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
                // The first renewal takes neither a step nor a wait.
                step.free = renewed == 0;
                self.back_off(cx, step);
            }
            Class::Replaced if state.replaced > REPLACED => self.fail(cx, GiveUp::Repeated, cause),
            Class::Transient if next_endpoint && self.next_endpoint(cx, step) => {}
            Class::Transient | Class::Fresh | Class::RateLimited | Class::Replaced => {
                let at_once = cause == Cause::ReconnectRequested && held_well;
                self.back_off(cx, step);
                if at_once && !step.replaces() {
                    self.spread_reconnect(cx.now);
                }
            }
        }
    }

    /// How often the cause came in a row, where that matters; otherwise 0.
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
                // Uncounted causes in between don't matter; another counted cause starts from zero.
                if state.limited_by.is_some_and(|counted| counted != cause) {
                    state.limited = 0;
                }
                state.limited_by = Some(cause);
                &mut state.limited
            }
            Class::RateLimited => &mut state.rate_limited,
            _ => return 0,
        };
        // One more than the counter can hold, so that a limit of 255 can be exceeded.
        let nth = u16::from(*counter).saturating_add(1);
        *counter = counter.saturating_add(1);
        nth
    }

    /// A fatal verdict is final unless its cause may pass: a status with `Retry-After`, one of several endpoints, a service
    /// that has worked before.
    fn tolerate(&mut self, cx: &mut Cx<'_>, step: &Step) -> Fatal {
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
            // A whole round of refusals counts like one endpoint's.
            if self.state.is(Flag::OtherFailure) {
                self.state.streaks = Streaks::NONE;
                return Fatal::Tolerated;
            }
        }
        let row = self.state.streaks.refused();
        tolerated(scope == Scope::Service && self.state.is(Flag::EverAtBase) && row <= REFUSALS)
    }

    /// Whether the policy gave up for a cause of the service's, which may pass, so that a change of the network starts it again.
    pub(super) fn failed_for_the_service(&self) -> bool {
        let Stage::Failed { reason: GiveUp::Fatal | GiveUp::Repeated } = self.state.stage else {
            return false;
        };
        let cause = self.state.last_cause;
        cause.is_some_and(|cause| self.source.config().classifier.classify(cause).scope == Scope::Service)
    }

    /// Whether the policy gave up because another client took the session over. The user may take it back.
    pub(super) fn failed_by_takeovers(&self) -> bool {
        let Stage::Failed { reason: GiveUp::Repeated } = self.state.stage else { return false };
        let cause = self.state.last_cause;
        cause.is_some_and(|cause| self.source.config().classifier.classify(cause).class == Class::Replaced)
    }

    /// A failed attempt continues the round: the next endpoint is dialled after a short gap, as the same attempt and without a
    /// step of the backoff. An open socket is not a success, or an endpoint that accepts and drops would be kept. False when
    /// the round is over.
    fn next_endpoint(&mut self, cx: &mut Cx<'_>, step: &Step) -> bool {
        let now = cx.now;
        if self.state.endpoint != Endpoint::Base {
            return false;
        }
        let config: &Config = self.source.config();
        // Without a network every endpoint fails, and none is to blame.
        if matches!(step.cause, Cause::Io(IoKind::NetworkUnreachable | IoKind::NetworkDown)) {
            self.endpoints.end_round();
            return false;
        }
        if self.endpoints.failed(&config.endpoints, now, &mut self.rng).is_none() {
            return false;
        }
        // Never in the same instant, however short the gap is.
        let gap = Micros::from_duration(config.endpoints.draw_gap(&mut self.rng)).max(Micros::from_millis(1));
        self.state.set(Flag::InRound, true);
        self.state.set_backoff_gate(Gate { at: now.after(gap), reason: WaitReason::Endpoint });
        self.raise_floor(now, step);
        match self.limit(now) {
            Some(limit) => self.fail(cx, limit, step.cause),
            None => self.wait_or_park(cx, Trigger::Lost(step.cause)),
        }
        true
    }

    /// Whether the next dial would come after the time allowed for the outage. An immediate one never does.
    pub(super) fn is_too_late(&self, now: Instant) -> bool {
        let config: &Config = self.source.config();
        let elapsed = config.initial_elapsed.filter(|_| !self.state.is(Flag::Ever)).or(config.max_elapsed);
        let Some(max) = elapsed else { return false };
        let at = self.gate(now).at;
        at > now && self.lasted(now, at) > max
    }

    /// How long the outage will have lasted at `at`, without the time that the policy has been parked until `now`.
    pub(super) const fn lasted(&self, now: Instant, at: Instant) -> Micros {
        let parked = match self.state.stage {
            Stage::Parked { .. } => now.since(self.state.since),
            _ => Micros::ZERO,
        };
        self.state.outage_since.until(at).saturating_sub(parked)
    }

    /// Takes a step of the backoff (unless it is free), sets the floor, checks the limits, and waits for the gates.
    pub(super) fn back_off(&mut self, cx: &mut Cx<'_>, step: &Step) {
        let now = cx.now;
        let cause = step.cause;
        let at_once = self.state.is(Flag::AtOnce);
        self.state.set_backoff_gate(Gate::OPEN);
        if step.free {
            self.dial_at_once(now, WaitReason::Backoff);
        } else if !self.advance_backoff(now, step) {
            return self.fail(cx, GiveUp::TableSpent, cause);
        }
        if step.replaces() {
            self.state.set(Flag::AtOnce, at_once);
            self.state.set_backoff_gate(Gate::OPEN);
        }
        self.raise_floor(now, step);
        match self.limit(now) {
            Some(limit) => self.fail(cx, limit, cause),
            None => self.wait_or_park(cx, Trigger::Lost(cause)),
        }
    }

    /// Sets the gate of the backoff. False when its table is used up.
    fn advance_backoff(&mut self, now: Instant, step: &Step) -> bool {
        let mode = self.next_mode();
        let lost = self.lasted(now, now);
        let config: &Config = self.source.config();
        // A wait of windows is the way to a point in time, and counts from where the wait does.
        let elapsed = if config.backoff.has_windows() { self.lasted(now, step.from) } else { lost };
        let state = &mut self.state;
        let (wait, nth) = match step.verdict.class {
            // A count of its own in the same backoff: it neither adds to the other failures nor waits less than they do.
            Class::RateLimited | Class::Replaced => {
                let nth = state.backoff.failures().max(u32::from(step.nth));
                let base = state.backoff.base();
                (Backoff::wait_after(&config.backoff, base, nth, mode, elapsed, &mut self.rng), nth)
            }
            _ => {
                let wait = state.backoff.next_delay_micros(&config.backoff, mode, elapsed, &mut self.rng);
                (wait, state.backoff.failures())
            }
        };
        let wait = match &config.long_outage {
            Some((after, backoff)) if lost >= *after => {
                Backoff::wait_after(backoff, None, nth, mode, lost, &mut self.rng)
            }
            _ => wait,
        };
        let Some(wait) = wait else { return false };
        // Only one failure is retried at once. The next one keeps the first wait's distance from that dial, or a server that
        // accepts and drops would make the client spin.
        let at_once = wait.is_zero();
        let earliest = if at_once { self.earliest_at_once(now) } else { now };
        self.state.set(Flag::AtOnce, at_once);
        self.state
            .set_backoff_gate(Gate { at: step.from.after(wait).max(earliest), reason: WaitReason::Backoff });
        true
    }

    /// Sets the floor: the server's wait, that of the cause's class, or that of a refused session.
    pub(super) fn raise_floor(&mut self, now: Instant, step: &Step) {
        let mode = self.next_mode();
        let config: &Config = self.source.config();
        let Step { cause, verdict, retry_after, .. } = step;
        let state = &mut self.state;
        let mut floor = Gate::OPEN;
        if verdict.at_cap && !step.replaces() {
            let cap = config.backoff.cap(mode);
            // A backoff without a cap has no longest wait.
            if cap < Micros::MAX {
                let (backoff, rng) = (&config.backoff, &mut self.rng);
                let wait = Backoff::wait_after(backoff, None, u32::MAX, mode, Micros::ZERO, rng);
                let wait = wait.unwrap_or(cap);
                floor = Gate { at: now.after(wait), reason: WaitReason::Class };
            }
        }
        if let Some(retry_after) = retry_after {
            let asked = Micros::from_duration(retry_after.duration());
            let longest = config.retry_after_max;
            let cut = asked > longest;
            if cut {
                count_small(&mut state.counts.retry_after_cut);
            }
            let (reason, wait) = match retry_after {
                RetryAfter::Window(_) => (WaitReason::Window, below(&mut self.rng, asked.min(longest))),
                RetryAfter::AtLeast(_) | RetryAfter::Appointment(_) if cut => {
                    // Cut waits would be equal for all clients, so they are spread over the last quarter.
                    (
                        retry_after.reason(),
                        longest.saturating_sub(below(&mut self.rng, Micros(longest.0 / 4))),
                    )
                }
                RetryAfter::AtLeast(_) => {
                    let spread = config.retry_after_spread.of(asked);
                    (WaitReason::RetryAfter, asked.saturating_add(below(&mut self.rng, spread)))
                }
                RetryAfter::Appointment(_) => {
                    (WaitReason::Appointment, asked.saturating_add(below(&mut self.rng, Micros(asked.0 / 4))))
                }
            };
            let mut at = now.after(wait);
            if retry_after.replaces() {
                // As for an immediate dial: the second in a row keeps its distance from the last, or a server could make the client
                // spin.
                let last = self.state.dialled_at.get().filter(|_| self.state.is(Flag::AtOnce));
                let apart = self.first_wait().min(APART);
                at = last.map_or(at, |last| at.max(last.after(apart)));
                self.state.set(Flag::AtOnce, true);
            }
            floor = floor.later(Gate { at, reason });
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
        self.state.set_floor(floor);
    }

    /// A stable session that is asked to reconnect waits within the configured spread instead of the backoff.
    fn spread_reconnect(&mut self, now: Instant) {
        let Some(spread) = self.source.config().requested_spread else { return };
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
