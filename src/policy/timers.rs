//! The deadlines: which one is next, and what fires when it comes.

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::heartbeat::Heartbeat;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros, OptInstant};

use super::Policy;
use super::action::Actions;
use super::config::Config;
use super::explain::{Trigger, WaitReason};
use super::lend::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Stage};

/// A deadline missed by more than this, at the first call for as long, may be a clock that jumped ahead for one call: it is
/// believed at the second. Five minutes: no host that is awake is so late, and a timer of a hidden page comes once a minute.
pub(super) const LEAP: Micros = Micros::from_millis(300_000);

/// The first of the deadlines so far and its rule.
struct Due {
    at: OptInstant,
    reason: WaitReason,
}

impl Due {
    /// The earlier of the two; of equals, what was there.
    fn or(self, at: OptInstant, reason: WaitReason) -> Self {
        if at < self.at { Self { at, reason } } else { self }
    }

    fn get(self) -> Option<(Instant, WaitReason)> {
        self.at.get().map(|at| (at, self.reason))
    }
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// Lets time pass until `now`. Every timer that is due fires once, in this order: the session's time to live, the stage's
    /// deadline, stability, heartbeat, credential, age, restoration. Early, late and repeated calls are harmless; one that
    /// finds nothing due does nothing.
    ///
    /// A call that comes over five minutes after the deadline, and after the call before it, only notes the time: a clock that
    /// jumps ahead for one call must not make it dial. The deadline then lies in the past: call again at once, as always. While
    /// a condition is unmet there is no deadline, and the end of that condition is believed at any time, until the clock has
    /// run back once.
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        let now = self.notice(now);
        let mut out = Actions::new();
        if self.state.take(Flag::Leapt) {
            return out;
        }
        if self.expiry().is_some_and(|at| now >= at) {
            self.on_session_expired(now, &mut out);
        }
        if self.state.stage.is_asleep() {
            return out;
        }
        match self.state.stage {
            Stage::Waiting { until, reason } if now >= until => {
                self.dial_or_wait(now, Trigger::Gate(reason), &mut out);
            }
            Stage::Connecting { deadline } if now >= deadline => {
                self.close_and_lose(now, Cause::ConnectTimeout, None, &mut out);
            }
            Stage::Greeting { deadline } if now >= deadline => {
                self.close_and_lose(now, Cause::GreetingTimeout, None, &mut out);
            }
            Stage::Establishing { deadline } if deadline.get().is_some_and(|deadline| now >= deadline) => {
                self.close_and_lose(now, Cause::ReadyTimeout, None, &mut out);
            }
            Stage::Authenticating { deadline } if now >= deadline => {
                self.close_and_lose(now, Cause::AuthTimeout, None, &mut out);
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
        self.heartbeat_if_due(now, &mut out);
        if self.credential_deadline().is_some_and(|(at, _)| now >= at) {
            self.on_credential_deadline(now, &mut out);
        }
        if let Stage::Live { replace_at, why, .. } = self.state.stage {
            if now >= replace_at.or_never() && replace_at.is_some() {
                match why {
                    WaitReason::MaxAge => self.replace(now, Trigger::MaxAge, &mut out),
                    _ => self.replace_as_requested(now, &mut out),
                }
            }
        }
        self.restore_if_due(now, &mut out);
        out
    }

    /// When [`Self::handle_timeout`] must be called at the latest; `None` while nothing but an event can change
    /// anything. Derived from the state: ask again after every `handle_*` call, for it may have moved either way. It
    /// may lie in the past: call at once then. [`Instant::MAX`] never comes.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        // A live connection is established, so it carries the session, and its credential is to be renewed in time.
        if let (Stage::Live { replace_at, .. }, false) = (self.state.stage, self.state.is(Flag::Outage)) {
            let beat = self.state.heartbeat.get().map_or(OptInstant::NONE, Heartbeat::next);
            let restore = self.subscriptions.pace().first();
            let first = replace_at.min(beat).min(self.state.credential_at).min(restore).or_never();
            // Whether the end of time is a deadline or none is rarely worth knowing.
            if first <= Instant::END {
                return Some(first);
            }
        }
        self.any_deadline()
    }

    #[inline(never)] // What is quiet is to stay small.
    fn any_deadline(&self) -> Option<Instant> {
        self.deadline().map(|(at, _)| at)
    }

    /// The next deadline and the rule behind it. Of equal deadlines the one that fires first.
    #[must_use]
    pub fn deadline(&self) -> Option<(Instant, WaitReason)> {
        let (at, reason) = self.timer()?;
        Some((if at > Instant::END { Instant::MAX } else { at }, reason))
    }

    fn timer(&self) -> Option<(Instant, WaitReason)> {
        let state = &self.state;
        let expiry = Due { at: OptInstant::new(self.expiry()), reason: WaitReason::SessionExpiry };
        let stage = match state.stage {
            Stage::Idle | Stage::Stopped | Stage::Failed { .. } => return expiry.get(),
            Stage::Waiting { until, reason } => expiry.or(OptInstant::at(until), reason),
            Stage::Connecting { deadline } => expiry.or(OptInstant::at(deadline), WaitReason::ConnectTimeout),
            Stage::Greeting { deadline } => expiry.or(OptInstant::at(deadline), WaitReason::GreetingTimeout),
            Stage::Establishing { deadline } => expiry.or(deadline, WaitReason::ReadyTimeout),
            Stage::Authenticating { deadline } => {
                expiry.or(OptInstant::at(deadline), WaitReason::AuthTimeout)
            }
            Stage::Live { .. } | Stage::Parked { .. } => expiry,
        };
        let stable = stage.or(OptInstant::new(self.stable_at()), WaitReason::Stable);
        let beat = match state.heartbeat.get() {
            Some(heartbeat) => stable
                .or(OptInstant::new(heartbeat.answer_by()), WaitReason::Answer)
                .or(heartbeat.next(), WaitReason::Heartbeat),
            None => stable,
        };
        let credential = match self.credential_deadline() {
            Some((at, reason)) => beat.or(OptInstant::at(at), reason),
            None => beat,
        };
        let replace = match state.stage {
            Stage::Live { replace_at, why, .. } => credential.or(replace_at, why),
            _ => credential,
        };
        match self.restore_timer() {
            Some((at, reason)) => replace.or(OptInstant::at(at), reason).get(),
            None => replace.get(),
        }
    }

    /// When the session's time to live is over; none while a connection carries it.
    fn expiry(&self) -> Option<Instant> {
        if self.state.carries_session() { None } else { self.session.get()?.ends().get() }
    }

    /// When the request for a credential has failed, or the credential is to be renewed.
    fn credential_deadline(&self) -> Option<(Instant, WaitReason)> {
        let at = self.state.credential_at.get()?;
        match self.state.credential {
            Credential::Pending => Some((at, WaitReason::CredentialTimeout)),
            // Between connections the next dial asks.
            Credential::Fine | Credential::Needed => {
                matches!(self.state.stage, Stage::Live { .. }).then_some((at, WaitReason::CredentialLead))
            }
        }
    }

    /// When the connection will have held long enough for its outage to be over.
    pub(super) fn stable_at(&self) -> Option<Instant> {
        if self.state.is(Flag::Outage) && self.state.is(Flag::Established) {
            Some(self.held_at())
        } else {
            None
        }
    }

    /// When the connection will have held, whether or not there was an outage; the end of time without a connection.
    #[inline]
    pub(super) fn held_at(&self) -> Instant {
        self.state.established_at().or_never().after(self.config.lend().reset_after_stable)
    }

    /// Notes the time, which stands still at the end of the policy's clock.
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

    /// Whether the clock may have jumped, where there was no call for so long: a deadline is missed by more than that. What is
    /// parked has no deadline, but gates that open as time goes on. Hours without a call are nothing new there, so only a clock
    /// that ran back before is doubted.
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
        let config: &Config = self.config.lend();
        let within = config.heartbeat.answer_within.unwrap_or(config.connect_timeout);
        self.state.rewind(now, within.max(config.connect_timeout));
        if let Some(session) = self.session.get_mut() {
            session.rewind(now);
        }
        if let (Some(limits), Some(breaker)) = (&config.breaker, self.state.breaker.get_mut()) {
            let changes = breaker.handle_timeout(limits, now, &mut self.rng);
            // A change makes what it admitted void.
            if changes.iter().any(Option::is_some) {
                self.state.set(Flag::Admitted, false);
            }
        }
        self.rewind_restore(now);
    }
}
