//! What a handover needs of a policy: two transports, of which one at a time is the policy's.

mod ended;

use rand_core::Rng;

use crate::classify::Cause;
use crate::classify::{Class, Verdict};
use crate::endpoints::Endpoints;
use crate::heartbeat::Heartbeat;
use crate::mode::Mode;
use crate::ratio::below;
use crate::session::SessionState;
use crate::subscriptions::{Pace, Subscriptions};
use crate::time::{Instant, Micros, OptInstant, SignedInstant};

use super::action::{Actions, Endpoint};
use super::config::Config;
use super::event::Epoch;
use super::explain::{Explanation, Phase, Trigger, WaitReason};
use super::options::Establish;
use super::planned::reason_of;
use super::retry_after::RetryAfter;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Gate, Reached, Stage};
use super::timers::LEAP;
use super::verdict::Step;
use super::{Cx, Policy};

pub(crate) use ended::Before;

/// What belongs to one transport and its session, apart from what belongs to the policy: the backoff, the floors, the breaker,
/// the conditions of the host and the counters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Side<H, X> {
    pub(super) epoch: Option<Epoch>,
    pub(super) mode: Mode,
    pub(super) reached: Reached,
    pub(super) resume_failures: u8,
    pub(super) flags: u16,
    pub(super) stage: Stage,
    pub(super) heartbeat: H,
    pub(super) established_or_backoff_at: Instant,
    pub(super) backoff_by: WaitReason,
    pub(super) since: Instant,
    pub(super) trigger: Trigger,
    pub(super) endpoint: Endpoint,
    pub(crate) session: X,
}

/// The side of a policy.
pub(crate) type SideOf<C, T> = Side<<C as ConfigSource>::Heartbeat, <C as ConfigSource>::Session<T>>;

/// The flags that belong to a transport or to its session.
pub(super) const OF_TRANSPORT: u16 = Flag::Established as u16
    | Flag::Reauthenticating as u16
    | Flag::Unclassified as u16
    | Flag::Redirected as u16
    | Flag::Unauthenticated as u16
    | Flag::Outage as u16;

impl<H: OptionalPart<Heartbeat>, X> Side<H, X> {
    pub(crate) const fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    const fn is(&self, flag: Flag) -> bool {
        self.flags & flag as u16 != 0
    }

    const fn set(&mut self, flag: Flag, on: bool) {
        self.flags = if on { self.flags | flag as u16 } else { self.flags & !(flag as u16) };
    }

    /// Whether the server named another endpoint on this connection.
    pub(crate) const fn is_redirected(&self) -> bool {
        self.is(Flag::Redirected)
    }

    /// Whether the outage before this connection is not over.
    pub(crate) const fn is_in_outage(&self) -> bool {
        self.is(Flag::Outage)
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.stage.phase()
    }

    /// Lets the explanation of the policy be that of this connection.
    pub(crate) const fn explain(&self, explanation: &mut Explanation) {
        explanation.phase = self.phase();
        explanation.trigger = self.trigger;
        explanation.since = self.since;
        explanation.not_before = None;
        explanation.successor = explanation.epoch;
        explanation.epoch = self.epoch;
    }

    /// When the connection becomes stable, if that ends an outage.
    const fn stable_at(&self, config: &Config) -> OptInstant {
        if self.is(Flag::Outage) {
            OptInstant::at(self.established_or_backoff_at.after(config.reset_after_stable))
        } else {
            OptInstant::NONE
        }
    }

    /// The host slept for `gap` while its clock stood still.
    pub(crate) fn age<T>(&mut self, now: Instant, gap: Micros)
    where
        X: OptionalPart<SessionState<T>>,
    {
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.age(now, gap);
        }
        if let Some(session) = self.session.get_mut() {
            session.age(now, gap);
        }
    }

    /// The clock ran back to `now`.
    fn rewind<T>(&mut self, now: Instant, answer_within: Micros)
    where
        X: OptionalPart<SessionState<T>>,
    {
        let back = self.since.since(now);
        self.since = self.since.min(now);
        if let Stage::Authenticating { deadline } = &mut self.stage {
            *deadline = deadline.before(back);
        }
        self.established_or_backoff_at = self.established_or_backoff_at.min(now);
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.rewind(now, answer_within);
        }
        if let Some(session) = self.session.get_mut() {
            session.rewind(now);
        }
    }
}

impl<R, T, S, C: ConfigSource, E> Policy<R, T, S, C, E> {
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.state.stage, Stage::Live { .. })
    }

    pub(crate) const fn is_alive(&self) -> bool {
        self.state.stage.is_alive()
    }

    pub(crate) const fn is_between(&self) -> bool {
        self.state.stage.is_between()
    }

    pub(crate) const fn is_asleep(&self) -> bool {
        self.state.stage.is_asleep()
    }

    /// Whether identify or resume was sent on the present transport.
    pub(crate) fn has_identified(&self) -> bool {
        self.state.reached() >= Reached::Identified
    }

    /// Whether the server named another endpoint on the present connection.
    pub(crate) const fn is_redirected(&self) -> bool {
        self.state.is(Flag::Redirected)
    }

    /// Whether the present transport begins a new session.
    pub(crate) const fn begins_session(&self) -> bool {
        matches!(self.state.mode(), Mode::Fresh)
    }

    /// The epoch of the newest dial.
    pub(crate) const fn newest(&self) -> Option<Epoch> {
        self.state.epoch
    }

    /// Counts the dials on from another's. For a policy without a transport.
    pub(crate) const fn set_newest(&mut self, epoch: Option<Epoch>) {
        self.state.epoch = epoch;
    }

    pub(crate) const fn subscriptions_mut(&mut self) -> &mut S {
        &mut self.subscriptions
    }

    pub(crate) const fn session_mut(&mut self) -> &mut C::Session<T> {
        &mut self.session
    }

    /// What the host reported of network and page.
    pub(crate) const fn conditions(&self) -> u16 {
        self.state.flags_of(Flag::NetworkDown as u16 | Flag::Hidden as u16)
    }

    pub(crate) const fn set_conditions(&mut self, conditions: u16) {
        self.state.exchange_flags(Flag::NetworkDown as u16 | Flag::Hidden as u16, conditions);
    }

    pub(crate) const fn outage_since(&self) -> SignedInstant {
        self.state.outage_since
    }

    pub(crate) const fn set_outage_since(&mut self, since: SignedInstant) {
        self.state.outage_since = since;
    }

    /// Exchanges the transport and its session. Everything else is the same for both.
    pub(crate) fn exchange(&mut self, side: &mut SideOf<C, T>) {
        use core::mem::swap;

        let state = &mut self.state;
        swap(&mut state.epoch, &mut side.epoch);
        (side.mode, side.reached) = state.set_progress(side.mode, side.reached, self.source.config());
        swap(&mut state.resume_failures, &mut side.resume_failures);
        side.flags = state.exchange_flags(OF_TRANSPORT, side.flags);
        swap(&mut state.stage, &mut side.stage);
        swap(&mut state.heartbeat, &mut side.heartbeat);
        let gate = state.exchange_gate(side.established_or_backoff_at, side.backoff_by);
        (side.established_or_backoff_at, side.backoff_by) = (gate.at, gate.reason);
        swap(&mut state.since, &mut side.since);
        swap(&mut state.trigger, &mut side.trigger);
        swap(&mut state.endpoint, &mut side.endpoint);
        swap(&mut self.session, &mut side.session);
    }
}

impl<R: Rng, T: PartialEq + Clone, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E>
where
    C::Session<T>: Clone,
{
    /// Takes the time of a call that nothing else is told.
    pub(crate) fn arrive(&mut self, now: Instant) -> Instant {
        if now.is_odd_after(self.state.latest, LEAP) {
            let now = self.notice(now);
            self.state.set(Flag::Leapt, false);
            return now;
        }
        self.state.latest = now;
        now
    }

    /// Takes the time of a call for two transports, of which `side` is the other one. `first` is the earliest deadline of both. True
    /// if it has passed by so much that the clock may have jumped ahead for one call.
    pub(crate) fn arrive_with(
        &mut self,
        side: Option<&mut SideOf<C, T>>,
        now: Instant,
        first: Option<Instant>,
    ) -> bool {
        let before = self.state.latest;
        let late = first.is_some_and(|at| now.since(at) > LEAP) && now.since(before) > LEAP;
        let leapt = if now.is_odd_after(before, LEAP) {
            self.notice(now);
            self.state.take(Flag::Leapt)
        } else {
            self.state.latest = now;
            false
        };
        if let Some(side) = side.filter(|_| now < before) {
            let config: &Config = self.source.config();
            let within = config.heartbeat.answer_within.unwrap_or(config.connect_timeout);
            side.rewind(now, within.max(config.connect_timeout));
        }
        late || leapt
    }

    /// The clock ran back to `now`, and the subscriptions are those of the present connection.
    pub(crate) fn rewind_subscriptions(&mut self, now: Instant) {
        self.rewind_restore(now);
    }

    /// The server asked for a reconnect, which is a sign of life.
    pub(crate) fn hear_request(&mut self, now: Instant) {
        self.hear(now);
    }

    /// The endpoint that the server named is not the one that the present transport dials.
    pub(crate) const fn keep_redirect(&mut self) {
        if self.state.redirect.0.is_some() {
            self.state.set(Flag::Redirected, true);
        }
    }

    /// Doubts the clock for one call.
    pub(crate) const fn doubt(&mut self, leapt: bool) {
        self.state.set(Flag::Leapt, leapt);
    }

    /// [`Self::handle_timeout`], but a connection that is to be replaced stays, and the second value says why it is to be.
    pub(crate) fn handle_timeout_of_connection(&mut self, now: Instant) -> (Actions, Option<Trigger>) {
        let mut planned = None;
        (self.elapse::<true>(now, &mut planned), planned)
    }

    /// The live connection is to be replaced: it is detached, and the policy goes on as if it had been closed, with a session
    /// like the connection's. `None` if a limit forbids the dial; the connection is then the policy's as before.
    pub(crate) fn detach(
        &mut self,
        now: Instant,
        trigger: Trigger,
        newest: Option<Epoch>,
        retry_after: Option<RetryAfter>,
        spread: Option<Micros>,
    ) -> Option<(SideOf<C, T>, Actions)> {
        let mut actions = Actions::new();
        let mut cx = Cx { now, actions: &mut actions };
        self.state.set(Flag::Unclassified, false);
        let held = self.leave_planned(now, trigger);
        if let Stage::Live { replace_at, .. } = &mut self.state.stage {
            *replace_at = OptInstant::NONE;
        }
        let state = &mut self.state;
        let mut session = self.session.clone();
        if let Some(session) = session.get_mut() {
            session.outlive();
        }
        let outage = state.flags_of(Flag::Outage as u16 | Flag::Unauthenticated as u16);
        let mut side = Side {
            epoch: newest,
            mode: state.mode(),
            reached: Reached::Nothing,
            resume_failures: 0,
            flags: outage,
            stage: state.stage,
            heartbeat: OptionalPart::NEW,
            established_or_backoff_at: Gate::OPEN.at,
            backoff_by: Gate::OPEN.reason,
            since: now,
            trigger,
            endpoint: state.endpoint,
            session,
        };
        self.exchange(&mut side);
        // The outage that its successor's failures begin is not the connection's.
        side.set(Flag::Outage, !held);
        self.dial_at_once(now, reason_of(trigger));
        if let Some(spread) = spread.filter(|_| !retry_after.is_some_and(RetryAfter::replaces)) {
            let gate = Gate { at: now.after(below(&mut self.rng, spread)), reason: WaitReason::Requested };
            self.state.set_backoff_gate(self.state.backoff_gate().later(gate));
        }
        if retry_after.is_some() {
            let (cause, verdict) = (Cause::ReconnectRequested, Verdict::new(Class::Transient));
            let (from, free, nth) = (now, true, 0);
            self.raise_floor(now, &Step { cause, verdict, retry_after, from, free, nth });
        }
        if !held && self.limit(now).is_some() {
            self.exchange(&mut side);
            return None;
        }
        self.dial_or_wait(&mut cx, trigger);
        Some((side, actions))
    }

    /// Forgets the session. True if there was one.
    pub(crate) fn forget_session(&mut self) -> bool {
        self.session.get_mut().is_some_and(SessionState::forget)
    }

    /// The same of the connection's session.
    pub(crate) fn forget_session_of(&self, side: &mut SideOf<C, T>) {
        if let Some(session) = side.session.get_mut() {
            session.forget();
        }
    }

    pub(crate) fn had_token(&self, session: &C::Session<T>) -> bool {
        session.get().is_some_and(|session| session.token().is_some())
    }

    /// Whether the newest call was later than `now`.
    pub(crate) fn is_before(&self, now: Instant) -> bool {
        now < self.state.latest
    }

    /// How long a stable session that is asked to reconnect may wait, at random.
    pub(crate) fn requested_spread(&self) -> Option<Micros> {
        self.source.config().requested_spread
    }

    /// The successor is to resume the session from where the connection is now.
    pub(crate) fn follow(&mut self, connection: &C::Session<T>) {
        if let (Some(session), Some(connection)) = (self.session.get_mut(), connection.get()) {
            session.follow(connection);
        }
    }

    /// The successor has taken the session over, or the connection has ended: its session is that of the `connection`.
    pub(crate) fn join(&mut self, connection: &C::Session<T>, now: Instant) {
        let settled = self.state.reached() == Reached::Settled;
        if let (Some(session), Some(connection)) = (self.session.get_mut(), connection.get()) {
            session.join(connection);
            if settled {
                session.heard(now);
            }
        }
    }

    /// Whether a dial that begins a new session is established when it opens, so that the session of the connection ends with
    /// the dial.
    pub(crate) fn establishes_on_open(&self) -> bool {
        self.source.config().establish == Establish::OnOpen
    }

    /// The promoted successor restores the subscriptions.
    pub(crate) fn restore_promoted(&mut self, now: Instant) -> Actions {
        let mut actions = Actions::new();
        let mut cx = Cx { now, actions: &mut actions };
        let trigger = self.state.trigger;
        if self.is_live() {
            let live = self.state.stage;
            if self.source.config().restore.enabled && self.subscriptions.has_pending(now) {
                self.state.stage = live.restored(false);
                self.restore(&mut cx);
            } else {
                self.plan_restore(now);
            }
            self.state.trigger = trigger;
        }
        actions
    }

    /// The connection was replaced: how long it held.
    pub(crate) fn note_uptime_of(&mut self, side: &SideOf<C, T>, now: Instant) {
        self.note_held(now.since(side.established_or_backoff_at));
    }

    /// The code with which the replaced connection is closed, so that its session goes on.
    pub(crate) fn keeping_code(&self) -> u16 {
        self.source.config().close_code
    }

    /// The successor was not ready in time.
    pub(crate) fn time_out(&mut self, now: Instant) -> Actions {
        let mut actions = Actions::new();
        let mut cx = Cx { now, actions: &mut actions };
        let cause = match self.state.stage {
            Stage::Greeting { .. } => Cause::GreetingTimeout,
            Stage::Establishing { .. } => Cause::ReadyTimeout,
            Stage::Authenticating { .. } => Cause::AuthTimeout,
            _ => Cause::ConnectTimeout,
        };
        self.close_and_lose(&mut cx, cause, None);
        actions
    }

    /// Authenticates the live connection with a credential that was renewed while its successor is being dialled.
    pub(crate) fn authenticate_connection(&mut self, now: Instant) -> Actions {
        let mut actions = Actions::new();
        let mut cx = Cx { now, actions: &mut actions };
        self.authenticate_in_band(&mut cx);
        actions
    }

    /// The earliest deadline of a connection that is not the policy's at present, whose subscriptions have this pace.
    pub(crate) fn deadline_of(&self, side: &SideOf<C, T>, pace: Pace) -> Option<(Instant, WaitReason)> {
        let heartbeat = side.heartbeat.get();
        let beat = |of: fn(&Heartbeat) -> OptInstant| heartbeat.map_or(OptInstant::NONE, of);
        let (credential, credential_reason) = match self.state.credential {
            // A successor that waits for its dial waits for the answer.
            Credential::Pending if self.state.stage.is_between() => {
                (OptInstant::NONE, WaitReason::CredentialTimeout)
            }
            Credential::Pending => (self.state.credential_at, WaitReason::CredentialTimeout),
            Credential::Fine | Credential::Needed => (self.state.credential_at, WaitReason::CredentialLead),
        };
        let authenticated = match side.stage {
            Stage::Authenticating { deadline } => OptInstant::at(deadline),
            _ => OptInstant::NONE,
        };
        [
            (authenticated, WaitReason::AuthTimeout),
            (side.stable_at(self.source.config()), WaitReason::Stable),
            (beat(Heartbeat::answer_deadline), WaitReason::Answer),
            (beat(Heartbeat::beat_deadline), WaitReason::Heartbeat),
            (credential, credential_reason),
            (pace.next, WaitReason::Restore),
            (pace.confirm, WaitReason::Confirm),
        ]
        .into_iter()
        .filter_map(|(at, reason)| at.get().map(|at| (at, reason)))
        .min_by_key(|(at, _)| *at)
    }
}
