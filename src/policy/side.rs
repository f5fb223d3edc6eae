//! What a handover needs of a policy: two transports, of which one at a time is the policy's.

use core::time::Duration;

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
use super::source::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Gate, Named, Reached, Stage, State};
use super::timers::LEAP;
use super::verdict::Step;
use super::{Cx, Policy};

/// What belongs to one transport and its session, apart from what belongs to the policy: the backoff, the floors, the breaker,
/// the conditions of the host and the counters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Side<H, X> {
    pub(super) epoch: Option<Epoch>,
    pub(super) mode: Mode,
    pub(super) reached: Reached,
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

/// What the end of a connection must not change while its successor is being dialled.
pub(crate) struct Before<C: ConfigSource, T, E> {
    state: State<C::Breaker, C::Heartbeat, Named<T>>,
    session: C::Session<T>,
    endpoints: E,
}

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
        self.since = self.since.min(now);
        self.established_or_backoff_at = self.established_or_backoff_at.min(now);
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.rewind(now, answer_within);
        }
        if let Some(session) = self.session.get_mut() {
            session.rewind(now);
        }
    }
}

impl<C: ConfigSource, T, E> Before<C, T, E> {
    /// Whether the successor was being dialled.
    pub(crate) const fn is_alive(&self) -> bool {
        self.state.stage.is_alive()
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

    /// Whether the server named another endpoint on the present connection.
    pub(crate) const fn is_redirected(&self) -> bool {
        self.state.is(Flag::Redirected)
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
    pub(crate) const fn exchange(&mut self, side: &mut SideOf<C, T>) {
        use core::mem::swap;

        let state = &mut self.state;
        swap(&mut state.epoch, &mut side.epoch);
        swap(&mut state.mode, &mut side.mode);
        swap(&mut state.reached, &mut side.reached);
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
        let late = first.is_some_and(|at| now.since(at) > LEAP);
        self.arrive(now);
        if let Some(side) = side.filter(|_| now < before) {
            let config: &Config = self.source.config();
            let within = config.heartbeat.answer_within.unwrap_or(config.connect_timeout);
            side.rewind(now, within.max(config.connect_timeout));
        }
        late && now.since(before) > LEAP
    }

    /// The clock ran back to `now`, and the subscriptions are those of the present connection.
    pub(crate) fn rewind_subscriptions(&mut self, now: Instant) {
        self.rewind_restore(now);
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
        retry_after: Option<Duration>,
        spread: Option<Micros>,
    ) -> Option<(SideOf<C, T>, Actions)> {
        let mut cx = Cx { now, actions: Actions::new() };
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
            mode: state.mode,
            reached: Reached::Nothing,
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
        if let Some(spread) = spread {
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
        Some((side, cx.actions))
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

    /// Before a dial of the successor: it resumes the session from where the connection is now.
    pub(crate) fn follow(&mut self, connection: &C::Session<T>) {
        if let (Some(session), Some(connection)) = (self.session.get_mut(), connection.get()) {
            session.follow(connection);
        }
    }

    /// The successor has taken the session over, or the connection has ended: its session is that of the `connection`.
    pub(crate) fn join(&mut self, connection: &C::Session<T>, now: Instant) {
        let settled = self.state.reached == Reached::Settled;
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
        let mut cx = Cx { now, actions: Actions::new() };
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
        cx.actions
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
        let mut cx = Cx { now, actions: Actions::new() };
        let cause = match self.state.stage {
            Stage::Greeting { .. } => Cause::GreetingTimeout,
            Stage::Establishing { .. } => Cause::ReadyTimeout,
            Stage::Authenticating { .. } => Cause::AuthTimeout,
            _ => Cause::ConnectTimeout,
        };
        self.close_and_lose(&mut cx, cause, None);
        cx.actions
    }

    /// Authenticates the live connection with a credential that was renewed while its successor is being dialled.
    pub(crate) fn authenticate_connection(&mut self, now: Instant) -> Actions {
        let mut cx = Cx { now, actions: Actions::new() };
        self.authenticate_in_band(&mut cx);
        cx.actions
    }

    /// The earliest deadline of a live connection that is not the policy's at present, whose subscriptions have this pace.
    pub(crate) fn deadline_of(&self, side: &SideOf<C, T>, pace: Pace) -> Option<(Instant, WaitReason)> {
        let heartbeat = side.heartbeat.get();
        let beat = |of: fn(&Heartbeat) -> OptInstant| heartbeat.map_or(OptInstant::NONE, of);
        let credential = match self.state.credential {
            Credential::Pending => OptInstant::NONE,
            Credential::Fine | Credential::Needed => self.state.credential_at,
        };
        [
            (side.stable_at(self.source.config()), WaitReason::Stable),
            (beat(Heartbeat::answer_deadline), WaitReason::Answer),
            (beat(Heartbeat::beat_deadline), WaitReason::Heartbeat),
            (credential, WaitReason::CredentialLead),
            (pace.next, WaitReason::Restore),
            (pace.confirm, WaitReason::Confirm),
        ]
        .into_iter()
        .filter_map(|(at, reason)| at.get().map(|at| (at, reason)))
        .min_by_key(|(at, _)| *at)
    }

    pub(crate) fn before(&self) -> Before<C, T, E>
    where
        E: Clone,
    {
        Before { state: self.state.clone(), session: self.session.clone(), endpoints: self.endpoints.clone() }
    }

    /// The connection has ended, which was `connection` before, while its successor was being dialled: that dial is the attempt of
    /// the outage. True if the session ends with the connection and the successor begins a new one.
    pub(crate) fn take_over(
        &mut self,
        before: Before<C, T, E>,
        connection: &SideOf<C, T>,
        now: Instant,
    ) -> bool {
        let config: &Config = self.source.config();
        let held = now >= connection.established_or_backoff_at.after(config.reset_after_stable);
        let gone = self.session.get().is_some_and(|session| session.token().is_none())
            && connection.session.get().is_some_and(|session| session.token().is_some());
        let Before { state, session, endpoints } = before;
        let lost = core::mem::replace(&mut self.state, state);
        (self.session, self.endpoints) = (session, endpoints);
        let state = &mut self.state;
        state.counts = lost.counts;
        state.last_cause = lost.last_cause;
        state.trigger = lost.trigger;
        if held {
            state.set(Flag::Outage, true);
            state.outage_since = SignedInstant::at(now);
        }
        // A resume that was sent is answered by the server, whatever it said of the session on the connection.
        let unsent = state.mode == Mode::Resume && state.reached < Reached::Identified;
        if gone && unsent {
            state.mode = Mode::Fresh;
            if let Some(session) = self.session.get_mut() {
                session.forget();
            }
        }
        gone && unsent
    }

    /// The connection has ended while its successor waited for its dial: the waits that the successor's failures left hold on.
    pub(crate) fn keep_waits(&mut self, before: &Before<C, T, E>, now: Instant) {
        let state = &mut self.state;
        state.epoch = before.state.epoch;
        if state.stage.is_asleep() {
            return;
        }
        if before.state.backoff.failures() > state.backoff.failures() {
            state.backoff = before.state.backoff.clone();
        }
        state.set_backoff_gate(state.backoff_gate().later(before.state.backoff_gate()));
        state.set_floor(state.floor().later(before.state.floor()));
        if let Stage::Waiting { .. } = state.stage {
            let gate = self.gate(now);
            self.state.stage = Stage::Waiting { until: gate.at.max(now), reason: gate.reason };
        }
    }
}
