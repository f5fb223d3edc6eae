//! The composition: the only room with connection transitions.
//!
//! Two kinds of thing make it up. Between connections, everything that may delay or forbid a dial is a *gate*
//! (`gates.rs`); during a connection, what must happen in order is a *stage* (`stages.rs`). There is one way from any
//! stage back to the gates, `lose` (`loss.rs`); what the user and the host say comes in through `host.rs`.

mod action;
mod checkpoint;
pub(crate) mod codes;
mod config;
mod credential;
mod event;
mod explain;
mod gates;
mod host;
mod lend;
mod loss;
mod options;
mod parts;
mod planned;
mod restore;
mod snapshot;
mod stages;
mod state;
mod timers;
mod verdict;

use rand_core::Rng;

use crate::endpoints::{Endpoints, SingleEndpoint};
use crate::heartbeat::Heartbeat;
use crate::session::SessionState;
use crate::subscriptions::{NoSubscriptions, Subscriptions};
use crate::time::{Instant, Micros};

pub use action::{Action, Actions, ActionsIter, Disposition, DropReason, Endpoint, GiveUp, MAX_ACTIONS};
#[cfg(feature = "record")]
pub(crate) use checkpoint::generator_of;
pub use config::Config;
pub use event::{Epoch, Event, HoldReason};
pub use explain::{Explanation, Phase, Stats, Trigger, WaitReason};
pub use lend::{ConfigSource, Lean, OptionalPart};
pub use options::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
pub use snapshot::{SNAPSHOT_BYTES, Snapshot, SnapshotError};

use explain::count;
use state::{Flag, Named, Stage, State};
use timers::LEAP;

/// Decides when to dial, wait, resume, re-authenticate, restore and give up.
///
/// **The contract: execute every returned action in order before the next `handle_*` call, echo each epoch, never
/// sleep past [`poll_timeout()`](Self::poll_timeout).** Nothing else is required.
///
/// - [`handle_event`](Self::handle_event) takes a fact, [`handle_timeout`](Self::handle_timeout) the passing of time.
///   Both return [`Actions`]; both may change the answer of every getter.
/// - The getters are pure functions of the state: [`poll_timeout`](Self::poll_timeout), [`phase`](Self::phase),
///   [`explain`](Self::explain), [`stats`](Self::stats), [`session`](Self::session).
///
/// `R` is the generator of the jitter, `T` the caller's storage of session token and endpoint, `S` the set of
/// subscriptions, `C` whatever [lends](ConfigSource) a [`Config`] (`&'static Config`, or [`Lean`] for less), `E` what is known of several endpoints. A clone shares its future jitter with the original; that is what
/// model checking and replay need, and not what a second connection needs: give that one a seed of its own.
///
/// ```
/// use core::time::Duration;
/// use redial::{Action, BackoffConfig, Cause, Config, Event, Instant, IoKind, Policy, Ratio, SplitMix64, valid};
///
/// static CONFIG: Config = Config::new(valid(BackoffConfig::exponential(
///     Duration::from_secs(1),
///     Ratio::TWO,
///     Duration::from_secs(30),
/// )));
///
/// let mut policy: Policy<SplitMix64> = Policy::new(&CONFIG, SplitMix64::new(7));
/// let actions = policy.handle_event(Instant::ZERO, Event::Start);
/// let Some(Action::Open { epoch, attempt: 1, .. }) = actions.into_iter().next() else { unreachable!() };
///
/// let cause = Cause::Io(IoKind::ConnectionRefused);
/// let now = Instant::from_millis(20);
/// let actions = policy.handle_event(now, Event::OpenFailed { epoch, cause, retry_after: None });
/// assert!(actions.is_empty());
/// assert_eq!(policy.poll_timeout(), Some(Instant::from_millis(1_020)));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[repr(C)] // What a quiet fact touches lies side by side: the config's address, the sequence, the beginning of the state.
pub struct Policy<R, T = (), S = NoSubscriptions, C: ConfigSource<T> = &'static Config, E = SingleEndpoint> {
    config: C,
    session: C::Session,
    state: State<C::Breaker, C::Heartbeat, Named<T>>,
    rng: R,
    subscriptions: S,
    endpoints: E,
}

/// Bytes of a policy's state beside its config, generator, session token, subscriptions and endpoints: at most 256, held
/// at compile time. [`Actions`] has at most 64.
pub const POLICY_STATE_BYTES: usize = size_of::<State>() + size_of::<SessionState<()>>();

const _: () = assert!(POLICY_STATE_BYTES <= 256, "the state of a policy must stay within 256 bytes");

impl<R, T, S: Default, C: ConfigSource<T>> Policy<R, T, S, C> {
    /// A policy that does nothing until [`Event::Start`]. The generator is the only source of its randomness: equal
    /// seeds and equal facts give equal decisions.
    #[must_use]
    pub fn new(config: C, rng: R) -> Self {
        Self::with_subscriptions(config, rng, S::default())
    }
}

impl<R, T, S, C: ConfigSource<T>> Policy<R, T, S, C> {
    /// The same with a set of subscriptions (and its storage) of the caller's.
    #[must_use]
    pub const fn with_subscriptions(config: C, rng: R, subscriptions: S) -> Self {
        Self::with_parts(config, rng, subscriptions, SingleEndpoint)
    }
}

impl<R, T, S, C: ConfigSource<T>, E> Policy<R, T, S, C, E> {
    /// The same with several endpoints.
    #[must_use]
    pub const fn with_parts(config: C, rng: R, subscriptions: S, endpoints: E) -> Self {
        Self { config, rng, endpoints, session: C::Session::NEW, subscriptions, state: State::NEW }
    }

    /// The same with a session that an earlier process kept: the first dial resumes it (S56, F72).
    /// [`Self::with_snapshot`] brings the ladder along as well, and counts its times on this clock; a session alone keeps
    /// those of the clock it comes from.
    #[must_use]
    pub fn with_session(mut self, session: C::Session) -> Self {
        self.session = session;
        self
    }

    /// The session: what [`Action::Resume`] and [`Action::Heartbeat`] are to carry. A [`SessionState<T>`], or `()` where a
    /// [`Lean`] leaves it out.
    #[must_use]
    pub const fn session(&self) -> &C::Session {
        &self.session
    }

    /// The subscriptions, with the batch that [`Action::Restore`] is to send.
    #[must_use]
    pub const fn subscriptions(&self) -> &S {
        &self.subscriptions
    }

    /// The endpoints: [`Endpoints::current`] is the one that [`Endpoint::Base`] means.
    #[must_use]
    pub const fn endpoints(&self) -> &E {
        &self.endpoints
    }

    /// The endpoint that a server named: what [`Endpoint::Redirect`] means, also for the dial under way.
    #[must_use]
    pub const fn redirect(&self) -> Option<&T> {
        self.state.redirect.0.as_ref()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.state.counts.stats(self.state.stage.is_alive() && !self.state.is(Flag::Established))
    }

    /// The newest epoch, if its transport is alive: being opened, or open.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        if self.state.stage.is_alive() { self.state.epoch } else { None }
    }

    /// Where the policy is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self.state.stage {
            Stage::Idle => Phase::Idle,
            Stage::Connecting { .. } => Phase::Connecting,
            Stage::Greeting { .. } | Stage::Establishing { .. } | Stage::Authenticating { .. } => {
                Phase::Establishing
            }
            Stage::Live { restored: false, .. } => Phase::Restoring,
            Stage::Live { restored: true, .. } => Phase::Online,
            Stage::Waiting { .. } => Phase::Waiting,
            Stage::Parked { .. } => Phase::Parked,
            Stage::Stopped => Phase::Stopped,
            Stage::Failed { .. } => Phase::Failed,
        }
    }
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource<T>, E: Endpoints> Policy<R, T, S, C, E> {
    /// The config.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.config.lend()
    }

    /// Takes a fact that happened at `now`. Timers that are due are left to [`Self::handle_timeout`]: feed ready
    /// facts first, so that an acknowledgement that waited behind a sleep still counts.
    #[inline]
    pub fn handle_event(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        if now.is_odd_after(self.state.latest, LEAP) {
            return self.handle_odd_time(now, event);
        }
        self.state.latest = now;
        // The quiet facts, of which a live connection brings a thousand for each of the others.
        let applied = match event {
            Event::Sequence { epoch, sequence } if self.is_open(epoch) => {
                self.hear(now);
                self.on_sequence(sequence)
            }
            Event::Received { epoch } if self.is_open(epoch) => {
                self.hear(now);
                true
            }
            Event::HeartbeatAcked { epoch } if self.is_open(epoch) => {
                self.session_heard(now);
                self.state.heartbeat.get_mut().is_some_and(Heartbeat::acknowledged)
            }
            event => return self.handle_rare(now, event),
        };
        Actions::quiet(applied)
    }

    #[cold]
    #[inline(never)]
    fn handle_odd_time(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        let now = self.notice(now);
        let actions = self.handle_event(now, event);
        self.state.set(Flag::Leapt, false);
        actions
    }

    #[inline(never)] // What is quiet is to stay small.
    fn handle_rare(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        let mut out = Actions::new();
        if let Some(epoch) = event.epoch() {
            if !self.is_current(epoch) {
                count(&mut self.state.counts.stale);
                out.set_disposition(Disposition::Stale);
                return out;
            }
            if !event.is_local() {
                self.hear(now);
            }
        }
        let names = matches!(event, Event::Redirected { .. });
        let applied = match event {
            // Of a transport that is not open yet: nothing of its can have come in.
            Event::Sequence { .. } | Event::Received { .. } | Event::HeartbeatAcked { .. } => false,
            Event::HeartbeatRequested { epoch } => self.on_heartbeat_requested(epoch, &mut out),
            Event::Start => self.on_start(now, &mut out),
            Event::Stop { keep } => self.on_stop(now, keep, &mut out),
            Event::RetryNow => self.on_user_retry(now, Trigger::RetryNow, &mut out),
            Event::Redial => self.on_redial(now, &mut out),
            Event::Hold(reason) => self.on_hold(now, reason, &mut out),
            Event::Release(reason) => self.on_release(now, reason, &mut out),
            Event::NetworkDown => self.on_network_down(now, &mut out),
            Event::NetworkUp => self.on_network_up(now, &mut out),
            Event::NetworkChanged => self.on_network_changed(now, &mut out),
            Event::Hidden => self.on_hidden(now, &mut out),
            Event::Visible => self.on_visible(now, &mut out),
            Event::HostResumed { gap, counted } => {
                self.on_host_resumed(now, Micros::from_duration(gap), counted, &mut out)
            }
            Event::BackoffHint { base } => self.on_backoff_hint(base),
            Event::CredentialOk { request, .. } | Event::CredentialFailed { request, .. }
                if request.is_some_and(|request| request != self.state.counts.request) =>
            {
                count(&mut self.state.counts.stale);
                out.set_disposition(Disposition::Stale);
                return out;
            }
            Event::CredentialOk { ttl, .. } => self.on_credential_ok(now, ttl, &mut out),
            Event::CredentialFailed { fatal, .. } => self.on_credential_failed(now, fatal, &mut out),
            Event::CredentialNew => self.on_credential_new(now, &mut out),
            Event::CredentialLost => self.on_credential_lost(now, &mut out),
            Event::Opened { .. } => self.on_opened(now, &mut out),
            Event::OpenFailed { cause, retry_after, .. } => {
                self.on_open_failed(now, cause, retry_after, &mut out)
            }
            Event::NotNow { retry_after, .. } => self.on_not_now(now, retry_after, &mut out),
            Event::Closed { cause, .. } => self.on_closed(now, cause, &mut out),
            Event::SendFailed { .. } => self.on_send_failed(now, &mut out),
            Event::Greeting { heartbeat, .. } => self.on_greeting(now, heartbeat, &mut out),
            Event::Ready { token, endpoint, sequence, ttl, .. } => {
                self.on_ready(now, token, endpoint, sequence, ttl, &mut out)
            }
            Event::Resumed { .. } => self.on_resumed(now, &mut out),
            Event::ReconnectRequested { retry_after, deadline, .. } => {
                self.on_reconnect_requested(now, retry_after, deadline, &mut out)
            }
            Event::Redirected { endpoint, permanent, .. } => self.on_redirected(endpoint, permanent),
            Event::Cursor { token, .. } => self.on_cursor(now, token),
            Event::KeepAlive { interval, .. } => self.on_keep_alive(now, interval),
            Event::SessionInvalid { resumable, .. } => self.on_session_invalid(now, resumable, &mut out),
            Event::AuthOk { .. } => self.on_auth_ok(now, &mut out),
            Event::AuthFailed { fatal, .. } => self.on_auth_failed(now, fatal, &mut out),
            Event::Subscribe { key, priority } => self.on_subscribe(now, key, priority, &mut out),
            Event::Unsubscribe { key } => self.on_unsubscribe(now, &key),
            Event::SubscriptionConfirmed { key, send, .. } => {
                self.on_subscription_confirmed(&key, send, &mut out)
            }
            Event::SubscriptionFailed { key, send, retryable, .. } => {
                self.on_subscription_failed(now, &key, send, retryable, &mut out)
            }
            Event::SubscriptionLost { key, .. } => self.on_subscription_lost(now, &key),
        };
        // What came with another endpoint is the next event, or nothing.
        if applied {
            self.state.set(Flag::Unjudged, names);
        } else {
            out.set_disposition(Disposition::Inapplicable);
        }
        out
    }

    /// What the policy is doing, until when, and why.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let deadline = self.deadline();
        let (mode, endpoint) = if self.state.stage.is_alive() {
            (self.state.mode, self.state.endpoint)
        } else {
            self.next_dial()
        };
        let parked = match self.state.stage {
            Stage::Parked { on } => Some(on),
            _ => None,
        };
        Explanation {
            phase: self.phase(),
            trigger: self.state.why,
            since: self.state.since,
            until: deadline.map(|(at, _)| at),
            waiting_for: parked.or(deadline.map(|(_, reason)| reason)),
            not_before: parked.and_then(|_| {
                let since = self.state.since;
                Some(self.gate(since).at).filter(|at| *at > since)
            }),
            epoch: self.epoch(),
            attempt: self.state.attempt,
            failures: self.state.backoff.failures(),
            mode,
            endpoint,
            last_cause: self.state.last_cause,
        }
    }

    /// The transport with this number is alive.
    #[inline]
    fn is_current(&self, epoch: Epoch) -> bool {
        self.state.epoch.map_or(0, Epoch::get) == epoch.get() && self.state.stage.is_alive()
    }

    /// The transport with this number is open, and so alive.
    #[inline]
    fn is_open(&self, epoch: Epoch) -> bool {
        self.state.epoch.map_or(0, Epoch::get) == epoch.get() && self.state.is_open()
    }

    /// Something came in on the transport.
    #[inline]
    fn hear(&mut self, now: Instant) {
        if let Some(heartbeat) = self.state.heartbeat.get_mut() {
            heartbeat.received(&self.config.lend().heartbeat);
        }
        self.session_heard(now);
    }

    /// A sign of life on the connection that carries the session.
    #[inline]
    fn session_heard(&mut self, now: Instant) {
        if let Some(session) = self.session.get_mut() {
            // Most servers give none.
            if session.has_ttl() && self.state.carries_session() {
                session.heard(now);
            }
        }
    }
}

impl<R, T, S: core::fmt::Debug, C: ConfigSource<T>, E: core::fmt::Debug> core::fmt::Debug
    for Policy<R, T, S, C, E>
{
    /// Without the config (it is shared), the generator (it would tell the future) and the token (F110).
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { config: _, rng: _, endpoints, session, subscriptions, state } = self;
        f.debug_struct("Policy")
            .field("endpoints", endpoints)
            .field("session", session)
            .field("subscriptions", subscriptions)
            .field("state", state)
            .finish_non_exhaustive()
    }
}
