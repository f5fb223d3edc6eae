//! The deadlines: which one is next, and what happens at it.

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, OptInstant};

use super::action::Actions;
use super::config::Config;
use super::explain::{Trigger, WaitReason};
use super::source::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Stage};
use super::{Cx, Policy};

/// A deadline that is missed by more than this, with no call in between, may be a clock that jumped ahead for one call. It is
/// believed at the second call. Five minutes, because no host that is awake is so late: the timers of a hidden page run once
/// a minute.
pub(super) const LEAP: Micros = Micros::from_millis(300_000);

/// The earliest of some deadlines: [`Due`] with its reason, [`OptInstant`] the time alone, which costs less.
trait Earliest: Copy {
    /// The earlier of the two; of equals, what was there.
    fn or(self, at: OptInstant, reason: WaitReason) -> Self;
}

impl Earliest for OptInstant {
    #[inline]
    fn or(self, at: OptInstant, _: WaitReason) -> Self {
        self.min(at)
    }
}

/// A deadline and the reason for it.
#[derive(Clone, Copy)]
struct Due {
    at: OptInstant,
    reason: WaitReason,
}

impl Due {
    const NONE: Self = Self { at: OptInstant::NONE, reason: WaitReason::SessionExpiry };
}

impl Earliest for Due {
    fn or(self, at: OptInstant, reason: WaitReason) -> Self {
        if at < self.at { Self { at, reason } } else { self }
    }
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// Takes the time and returns what to do.
    ///
    /// Each deadline that has passed takes effect once, in this order: the session's time to live, the deadline of the phase,
    /// stability, heartbeat, credential, age, restoration. Early, late and repeated calls are harmless; a call without a
    /// deadline that has passed does nothing.
    ///
    /// A call that comes more than five minutes after the deadline, and after the previous call, only records the time, so
    /// that a clock that jumps ahead for one call can't cause a dial. The deadline then lies in the past: call again at once,
    /// as after any call. While the policy is parked there is no such deadline, and the end of its condition is believed at
    /// any time unless the clock has run backwards before.
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        let actions = self.elapse::<false>(now, &mut None);
        self.check_progress();
        actions
    }

    /// The same; with `HANDOVER` a connection that is to be replaced stays, and `planned` becomes the reason.
    #[inline(always)]
    pub(super) fn elapse<const HANDOVER: bool>(
        &mut self,
        now: Instant,
        planned: &mut Option<Trigger>,
    ) -> Actions {
        let now = self.notice(now);
        let mut actions = Actions::new();
        let mut cx = Cx { now, actions: &mut actions };
        if self.state.take(Flag::Leapt) {
            return actions;
        }
        if self.expiry().is_some_and(|at| now >= at) {
            let dialling = self.state.stage.is_alive();
            self.on_session_expired(&mut cx);
            if dialling && !self.state.stage.is_alive() {
                // The next dial is a call of its own.
                return actions;
            }
        }
        if self.state.stage.is_asleep() {
            return actions;
        }
        match self.state.stage {
            Stage::Waiting { until, reason } if now >= until => {
                self.dial_or_wait(&mut cx, Trigger::Gate(reason));
            }
            Stage::Connecting { deadline } if now >= deadline => {
                self.close_and_lose(&mut cx, Cause::ConnectTimeout, None);
            }
            Stage::Greeting { deadline } if now >= deadline => {
                self.close_and_lose(&mut cx, Cause::GreetingTimeout, None);
            }
            Stage::Establishing { deadline } if deadline.get().is_some_and(|deadline| now >= deadline) => {
                self.close_and_lose(&mut cx, Cause::ReadyTimeout, None);
            }
            Stage::Authenticating { deadline } if now >= deadline => {
                self.close_and_lose(&mut cx, Cause::AuthTimeout, None);
            }
            Stage::Idle
            | Stage::Waiting { .. }
            | Stage::Connecting { .. }
            | Stage::Greeting { .. }
            | Stage::Establishing { .. }
            | Stage::Authenticating { .. }
            | Stage::Live { .. }
            | Stage::Parked { .. }
            | Stage::Stopped
            | Stage::Failed { .. } => {}
        }
        if self.stable_at().is_some_and(|at| now >= at) {
            self.state.end_outage();
        }
        self.heartbeat_if_due(&mut cx);
        let is_live = match self.state.stage {
            // A connection that ends in this call needs no credential: the next dial asks.
            Stage::Live { replace_at, .. } => HANDOVER || replace_at.get().is_none_or(|at| now < at),
            _ => false,
        };
        if self.credential_deadline(is_live).0.get().is_some_and(|at| now >= at) {
            self.on_credential_deadline(&mut cx);
        }
        if let Stage::Live { replace_at, reason, restored } = self.state.stage {
            if now >= replace_at.or_never() && replace_at.is_some() {
                let by_age = reason == WaitReason::MaxAge;
                if HANDOVER {
                    // Whatever else is due comes first, so that no call returns too much; this is due at the next call.
                    if cx.actions.is_empty() {
                        self.state.stage = Stage::Live { replace_at: OptInstant::NONE, reason, restored };
                        *planned = Some(if by_age { Trigger::MaxAge } else { Trigger::Requested });
                    }
                } else if by_age {
                    self.replace(&mut cx, Trigger::MaxAge);
                } else {
                    self.replace_as_requested(&mut cx);
                }
            }
        }
        self.restore_if_due(&mut cx);
        actions
    }

    /// When [`Self::handle_timeout`] must be called at the latest; `None` while only an event can change anything.
    ///
    /// Ask again after every `handle_*` call: the time may have moved in either direction. If it lies in the past, call at once.
    /// [`Instant::MAX`] is never reached.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        // A live connection whose outage is over carries its session, and has no deadline before the heartbeat's.
        if let (Stage::Live { replace_at, reason, .. }, false) =
            (self.state.stage, self.state.is(Flag::Outage))
        {
            let first = self.earliest_of_connection(OptInstant::NONE, Some((replace_at, reason))).or_never();
            // One comparison for the usual case: a deadline that the clock reaches.
            if first <= Instant::END {
                return Some(first);
            }
        }
        self.rare_deadline()
    }

    #[inline(never)] // Keep the hot path small.
    fn rare_deadline(&self) -> Option<Instant> {
        self.deadline().map(|(at, _)| at)
    }

    /// The next deadline and its reason. Of equal deadlines, the one that takes effect first.
    #[must_use]
    pub fn deadline(&self) -> Option<(Instant, WaitReason)> {
        let first = self.earliest_of_stage();
        let live = match self.state.stage {
            Stage::Live { replace_at, reason, .. } => Some((replace_at, reason)),
            _ => None,
        };
        let asleep = self.state.stage.is_asleep();
        let Due { at, reason } = if asleep { first } else { self.earliest_of_connection(first, live) };
        let at = at.get()?;
        Some((if at > Instant::END { Instant::MAX } else { at }, reason))
    }

    /// The earliest of `first` and the deadlines of heartbeat, credential, age and subscriptions. `live`: when a live
    /// connection is replaced, and why.
    #[inline(always)]
    fn earliest_of_connection<D: Earliest>(&self, first: D, live: Option<(OptInstant, WaitReason)>) -> D {
        let mut first = first;
        if let Some(heartbeat) = self.state.heartbeat.get() {
            first = first
                .or(heartbeat.answer_deadline(), WaitReason::Answer)
                .or(heartbeat.beat_deadline(), WaitReason::Heartbeat);
        }
        let (credential_at, reason) = self.credential_deadline(live.is_some());
        first = first.or(credential_at, reason);
        if let Some((replace_at, reason)) = live {
            first = first.or(replace_at, reason);
        }
        let Pace { next, confirm, .. } = self.subscriptions.pace();
        first.or(next, WaitReason::Restore).or(confirm, WaitReason::Confirm)
    }

    /// The session's time to live, the stage's own deadline, and the end of an outage.
    fn earliest_of_stage(&self) -> Due {
        let first = Due::NONE.or(OptInstant::new(self.expiry()), WaitReason::SessionExpiry);
        let first = match self.state.stage {
            Stage::Waiting { until, reason } => first.or(OptInstant::at(until), reason),
            Stage::Connecting { deadline } => first.or(OptInstant::at(deadline), WaitReason::ConnectTimeout),
            Stage::Greeting { deadline } => first.or(OptInstant::at(deadline), WaitReason::GreetingTimeout),
            Stage::Establishing { deadline } => first.or(deadline, WaitReason::ReadyTimeout),
            Stage::Authenticating { deadline } => first.or(OptInstant::at(deadline), WaitReason::AuthTimeout),
            Stage::Live { .. }
            | Stage::Parked { .. }
            | Stage::Idle
            | Stage::Stopped
            | Stage::Failed { .. } => first,
        };
        first.or(OptInstant::new(self.stable_at()), WaitReason::Stable)
    }

    /// The end of the session's time to live; none while a transport carries it.
    fn expiry(&self) -> Option<Instant> {
        if self.state.carries_session() { None } else { self.session.get()?.ends().get() }
    }

    /// When the request for a credential has failed, or a live connection's credential is to be renewed.
    #[inline]
    const fn credential_deadline(&self, is_live: bool) -> (OptInstant, WaitReason) {
        match self.state.credential {
            Credential::Pending => (self.state.credential_at, WaitReason::CredentialTimeout),
            Credential::Fine | Credential::Needed if is_live => {
                (self.state.credential_at, WaitReason::CredentialLead)
            }
            // Between connections the next dial asks.
            Credential::Fine | Credential::Needed => (OptInstant::NONE, WaitReason::CredentialLead),
        }
    }

    /// When the connection becomes stable, which ends its outage.
    pub(super) fn stable_at(&self) -> Option<Instant> {
        if self.state.is(Flag::Outage) && self.state.is(Flag::Established) {
            Some(self.held_at())
        } else {
            None
        }
    }

    /// When the connection becomes stable, with or without an outage; the end of time without a connection.
    #[inline]
    pub(super) fn held_at(&self) -> Instant {
        self.state.established_at().or_never().after(self.source.config().reset_after_stable)
    }

    /// Records the time, which stops at the end of the policy's clock.
    pub(super) fn notice(&mut self, now: Instant) -> Instant {
        let now = now.min(Instant::END);
        if now < self.state.latest {
            self.rewind(now);
        }
        let before = self.state.latest;
        let leapt = now.since(before) > LEAP && self.has_leapt(before, now);
        self.state.set(Flag::Leapt, leapt);
        self.state.latest = now;
        now
    }

    /// Whether the clock may have jumped after a long time without a call: a deadline is missed by more than [`LEAP`]. A parked
    /// policy has no deadline, but gates that open as time passes; hours without a call are normal there, so that the clock is
    /// doubted only if it ran backwards before.
    #[cold]
    fn has_leapt(&self, before: Instant, now: Instant) -> bool {
        let shut = matches!(self.state.stage, Stage::Parked { .. })
            && self.state.counts.clock_rewinds > 0
            && (self.gate(before).at > before || self.state.dialled_at.get() == Some(before));
        shut || self.poll_timeout().is_some_and(|at| now.since(at) > LEAP)
    }

    /// The clock ran back to `now`.
    #[cold]
    fn rewind(&mut self, now: Instant) {
        let config: &Config = self.source.config();
        let within = config.heartbeat.answer_within.unwrap_or(config.connect_timeout);
        self.state.rewind(now, within.max(config.connect_timeout));
        if let Some(session) = self.session.get_mut() {
            session.rewind(now);
        }
        if let (Some(limits), Some(breaker)) = (&config.breaker, self.state.breaker.get_mut()) {
            let changes = breaker.handle_timeout(limits, now, &mut self.rng);
            // A change of state invalidates the permit.
            if changes.iter().any(Option::is_some) {
                self.state.set(Flag::Admitted, false);
            }
        }
        self.rewind_restore(now);
    }
}
