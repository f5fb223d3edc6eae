//! The policy of one connection, with its events, actions and explanations.
//!
//! [`Policy`] composes the parts of this crate: a [`Backoff`](crate::Backoff), a [`CircuitBreaker`](crate::CircuitBreaker),
//! a [`Heartbeat`], a [`SessionState`], a set of [`Subscriptions`] and [`Endpoints`]. It is the
//! only module that knows what a connection does next.
// Between connections, everything that may delay or forbid a dial is a gate (`gates.rs`). During a connection, what must
// happen in order is a stage (`stages.rs`). The one way from a stage back to the gates is `lose` (`loss.rs`). Events of the
// user and the host are in `host.rs`.

mod action;
mod checkpoint;
pub(crate) mod codes;
mod config;
mod credential;
mod event;
mod explain;
mod gates;
mod host;
mod loss;
mod options;
mod planned;
mod restore;
mod retry_after;
mod side;
mod snapshot;
mod source;
mod stages;
mod state;
mod stats;
mod timers;
mod transport;
mod verdict;

use rand_core::Rng;

use crate::backoff::WindowPhase;
use crate::endpoints::{Endpoints, SingleEndpoint};
use crate::heartbeat::Heartbeat;
use crate::session::SessionState;
use crate::subscriptions::{NoSubscriptions, Subscriptions};
use crate::time::{Instant, Micros};

#[cfg(all(feature = "serde", feature = "std"))]
#[cfg_attr(redial_docsrs, doc(cfg(all(feature = "serde", feature = "std"))))]
pub use crate::data::ConfigOver;
pub use action::{
    Action, Actions, ActionsIter, Disposition, DropReason, Endpoint, GiveUp, MAX_ACTIONS, Role,
};
#[cfg(feature = "record")]
pub(crate) use checkpoint::generator_of;
pub(crate) use checkpoint::{ended, unsealed};
pub use config::Config;
pub use event::{Epoch, Event, HoldReason};
pub use explain::{Explanation, Phase, Trigger, WaitReason};
pub(crate) use host::CLOSE_NORMAL;
pub use options::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn, RestoreConfig,
    ResumeConfig,
};
pub use retry_after::RetryAfter;
pub(crate) use side::{Before, Side, SideOf};
pub use snapshot::{SNAPSHOT_BYTES, Snapshot, SnapshotError};
pub use source::{ConfigSource, OptionalPart, fixed};
pub use stats::Stats;

use state::{Flag, Named, State};
use stats::count;
use timers::LEAP;

/// Whether frequent events have a short way, which is a second one: not where code is to be small.
const SHORT: bool = cfg!(target_pointer_width = "64");

/// One call: its time, and the actions it returns.
struct Cx<'a> {
    now: Instant,
    actions: &'a mut Actions,
}

/// Decides when one connection is dialled, waited for, resumed, authenticated again, restored and given up.
///
/// **The contract: execute every returned action, in order, before the next `handle_*` call; return each epoch with the
/// events of its transport; never sleep past [`poll_timeout()`](Self::poll_timeout).** Nothing else is required.
///
/// - [`handle_event`](Self::handle_event) takes an [`Event`], and [`handle_timeout`](Self::handle_timeout) the time. Both
///   return [`Actions`], and both may change what every getter returns.
/// - The getters are pure functions of the state: [`poll_timeout`](Self::poll_timeout), [`phase`](Self::phase),
///   [`explain`](Self::explain), [`stats`](Self::stats), [`session`](Self::session).
///
/// # Type parameters
///
/// * `R`: the generator of the jitter.
/// * `T`: the caller's storage of a session's token and endpoint.
/// * `S`: the set of subscriptions.
/// * `C`: the [source](ConfigSource) of the [`Config`]: `&'static Config`, or a type that is one config, made by
///   [`fixed_config!`](crate::fixed_config), for a smaller policy.
/// * `E`: the endpoints and what is remembered of them.
///
/// A clone draws the same jitter as the original from then on, as model checking and replay need it. A second connection
/// needs a policy of its own, with another seed.
///
/// ```
/// use core::time::Duration;
/// use redial::{Action, BackoffConfig, Cause, Config, Event, Instant, IoKind, Policy, Ratio, SplitMix64};
///
/// static CONFIG: Config = Config::new(
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
/// )
/// .build_const();
///
/// let mut policy = Policy::new(&CONFIG, SplitMix64::new(7));
/// let actions = policy.handle_event(Instant::ZERO, Event::Start);
/// let Some(Action::Open { epoch, attempt: 1, .. }) = actions.into_iter().next() else { unreachable!() };
///
/// let cause = Cause::Io(IoKind::ConnectionRefused);
/// let now = Instant::from_millis(20);
/// let actions = policy.handle_event(now, Event::OpenFailed { epoch, cause, retry_after: None });
/// assert!(actions.is_empty());
/// assert_eq!(policy.poll_timeout(), Some(Instant::from_millis(1_020)));
/// ```
#[doc(alias = "reconnect")]
#[doc(alias = "retry")]
#[doc(alias = "connection")]
#[doc(alias = "state machine")]
#[derive(Clone, PartialEq, Eq, Hash)]
#[repr(C)] // The hot path reads adjacent fields: the config's address, the sequence, the beginning of the state.
pub struct Policy<R, T = (), S = NoSubscriptions, C: ConfigSource = &'static Config, E = SingleEndpoint> {
    source: C,
    session: C::Session<T>,
    state: State<C::Breaker, C::Heartbeat, Named<T>>,
    rng: R,
    subscriptions: S,
    endpoints: E,
}

/// The size of a policy in bytes, without its config, generator, session token, subscriptions and endpoints. It is at most
/// 256, which is checked at compile time; [`Actions`] has at most 64.
pub const POLICY_STATE_BYTES: usize = size_of::<State>() + size_of::<SessionState<()>>();

const _: () = assert!(POLICY_STATE_BYTES <= 256, "the state of a policy must stay within 256 bytes");

impl<R: Rng, C: ConfigSource> Policy<R, (), NoSubscriptions, C> {
    /// A policy that does nothing until [`Event::Start`], for one endpoint, without subscriptions and with `()` for tokens.
    /// The generator is the only source of its randomness: equal seeds and equal events give equal decisions.
    ///
    /// The methods that follow change those: [`with_session_type`](Self::with_session_type),
    /// [`with_subscriptions`](Self::with_subscriptions), [`with_endpoints`](Self::with_endpoints).
    ///
    /// ```
    /// use redial::endpoints::FixedEndpoints;
    /// use redial::subscriptions::FixedSubscriptions;
    /// use redial::{Policy, SplitMix64, presets};
    ///
    /// let _plain = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    /// let _chat = Policy::new(&presets::WEBSOCKET, SplitMix64::new(8))
    ///     .with_session_type::<&str>()
    ///     .with_subscriptions(FixedSubscriptions::<&str, 8>::new())
    ///     .with_endpoints(FixedEndpoints::<3>::new(3)?);
    /// # Ok::<(), redial::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn new(config: C, rng: R) -> Self {
        Self::from_parts(config, rng, NoSubscriptions, SingleEndpoint)
    }
}

impl<R, T, S, C: ConfigSource, E> Policy<R, T, S, C, E> {
    /// The whole in one call, with `T` as the storage of token and endpoint: for a `static` and for generic code, as
    /// [`new`](Policy::new) and the methods that change a type are for everything else.
    #[must_use]
    pub const fn from_parts(config: C, rng: R, subscriptions: S, endpoints: E) -> Self {
        Self { source: config, session: C::Session::NEW, state: State::NEW, rng, subscriptions, endpoints }
    }

    /// The same with this set of subscriptions. What the policy had of its own is dropped.
    #[must_use]
    pub fn with_subscriptions<S2: Subscriptions>(self, subscriptions: S2) -> Policy<R, T, S2, C, E> {
        let Self { source, session, state, rng, subscriptions: _, endpoints } = self;
        Policy { source, session, state, rng, subscriptions, endpoints }
    }

    pub(crate) fn map_subscriptions<S2>(self, map: impl FnOnce(S) -> S2) -> Policy<R, T, S2, C, E> {
        let Self { source, session, state, rng, subscriptions, endpoints } = self;
        Policy { source, session, state, rng, subscriptions: map(subscriptions), endpoints }
    }

    /// The same with several endpoints.
    #[must_use]
    pub fn with_endpoints<E2: Endpoints>(self, endpoints: E2) -> Policy<R, T, S, C, E2> {
        let Self { source, session, state, rng, subscriptions, endpoints: _ } = self;
        Policy { source, session, state, rng, subscriptions, endpoints }
    }

    /// The same with this generator: for one that is seeded late, and for a copy that is to draw other waits than the policy
    /// that it is a copy of.
    #[must_use]
    pub fn with_rng<R2>(self, rng: R2) -> Policy<R2, T, S, C, E> {
        let Self { source, session, state, rng: _, subscriptions, endpoints } = self;
        Policy { source, session, state, rng, subscriptions, endpoints }
    }

    /// The same with this phase in the windows of every outage, where the config's backoff has
    /// [windows](crate::BackoffConfig::windows); with another curve it has no effect. Without it each outage draws its own.
    ///
    /// ```
    /// use redial::backoff::WindowPhase;
    /// use redial::{Policy, SplitMix64, presets};
    ///
    /// let policy = |client: u64| {
    ///     Policy::new(&presets::RECOMMENDED, SplitMix64::new(client))
    ///         .with_window_phase(WindowPhase::of_client(client))
    /// };
    /// # let _ = policy(7);
    /// ```
    #[must_use]
    pub fn with_window_phase(mut self, phase: WindowPhase) -> Self {
        if self.source.config().backoff.has_windows() {
            self.state.backoff = self.state.backoff.clone().with_window_phase(phase);
        }
        self
    }

    /// The same with `T2` as the caller's storage of session token and endpoint, and no session yet: a `String`, a
    /// `heapless::String<64>`, an index. A session and a redirect that the policy has are dropped.
    #[must_use]
    pub fn with_session_type<T2>(self) -> Policy<R, T2, S, C, E> {
        let Self { source, session: _, state, rng, subscriptions, endpoints } = self;
        Policy { source, session: C::Session::NEW, state: state.renamed(), rng, subscriptions, endpoints }
    }

    /// The same with a session that an earlier process kept: the first dial resumes it, and its storage is the policy's
    /// from here on. A source without sessions drops it.
    ///
    /// [`Self::with_snapshot`] brings the backoff along as well, and counts its times on this clock; a session alone keeps
    /// those of the clock it comes from.
    #[must_use]
    pub fn with_session<T2>(self, session: SessionState<T2>) -> Policy<R, T2, S, C, E> {
        let mut policy = self.with_session_type();
        policy.session = OptionalPart::of(session);
        policy
    }

    /// The session, whose token and sequence number [`Action::Resume`] and [`Action::Heartbeat`] send. It is a
    /// [`SessionState<T>`], or `()` where the config is known not to use one.
    #[must_use]
    pub const fn session(&self) -> &C::Session<T> {
        &self.session
    }

    /// The set of subscriptions, with the batch that [`Action::Restore`] sends.
    #[must_use]
    pub const fn subscriptions(&self) -> &S {
        &self.subscriptions
    }

    /// The configured endpoints. [`Endpoint::Base`] means the [current](Endpoints::current) one.
    #[must_use]
    pub const fn endpoints(&self) -> &E {
        &self.endpoints
    }

    /// The endpoint that the server named, which [`Endpoint::Redirect`] means; also during the dial to it.
    #[must_use]
    pub const fn redirect(&self) -> Option<&T> {
        self.state.redirect.0.as_ref()
    }

    /// The epoch of the transport that is open or being opened, if there is one.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        if self.state.stage.is_alive() { self.state.epoch } else { None }
    }
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// The config.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.source.config()
    }

    /// Takes an event that happened at `now` and returns what to do.
    ///
    /// Deadlines that have passed are left to [`Self::handle_timeout`]. Pass on the events that are ready before calling it,
    /// so that an acknowledgement that arrived during a long sleep still counts.
    #[inline]
    pub fn handle_event(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        if now.is_odd_after(self.state.latest, LEAP) {
            return self.handle_odd_time(now, event);
        }
        self.state.latest = now;
        // The hot path: a live connection brings a thousand of these for each of the others.
        let applied = match event {
            Event::Sequence { epoch, sequence }
                if SHORT && self.is_newest(epoch) && self.state.progress.counts() && !self.has_ttl() =>
            {
                self.heartbeat_heard();
                self.session.get_mut().is_some_and(|session| session.observe(sequence))
            }
            Event::Received { epoch } if SHORT && self.is_open(epoch) && !self.has_ttl() => {
                self.heartbeat_heard();
                true
            }
            Event::HeartbeatAcked { epoch } if SHORT && self.is_open(epoch) && !self.has_ttl() => {
                self.state.heartbeat.get_mut().is_some_and(Heartbeat::acknowledged)
            }
            Event::Sequence { .. } | Event::Received { .. } | Event::HeartbeatAcked { .. } => {
                return self.handle_frequent(now, event);
            }
            event => return self.handle_rare(now, event),
        };
        Actions::none(applied)
    }

    /// A frequent event where the session has a time to live or is not answered yet, or of a transport that is not open.
    #[cfg_attr(target_pointer_width = "64", inline(never))] // Keep the hot path small.
    fn handle_frequent(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
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
        Actions::none(applied)
    }

    #[cold]
    #[inline(never)]
    fn handle_odd_time(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        let now = self.notice(now);
        let actions = self.handle_event(now, event);
        self.state.set(Flag::Leapt, false);
        actions
    }

    /// An event of another transport, or the answer to an older request.
    #[cold]
    const fn stale(&mut self) -> Actions {
        count(&mut self.state.counts.stale);
        Actions::ignored(Disposition::Stale)
    }

    #[inline(never)] // Keep the hot path small.
    fn handle_rare(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
        let mut actions = Actions::new();
        let mut cx = Cx { now, actions: &mut actions };
        if let Some(epoch) = event.epoch() {
            if !self.is_current(epoch) {
                return self.stale();
            }
            if !event.is_local() {
                self.hear(now);
            }
        }
        let redirects = matches!(event, Event::Redirected { .. });
        let applied = match event {
            // Of a transport that is not open yet: it cannot have delivered anything. Nor has a policy by itself a connection
            // that was replaced.
            Event::Sequence { .. }
            | Event::Received { .. }
            | Event::HeartbeatAcked { .. }
            | Event::Drained { .. } => false,
            Event::HeartbeatRequested { epoch } => self.on_heartbeat_requested(&mut cx, epoch),
            Event::Start => self.on_start(&mut cx),
            Event::Stop { keep } => self.on_stop(&mut cx, keep),
            Event::RetryNow => self.on_user_retry(&mut cx, Trigger::RetryNow),
            Event::Redial => self.on_redial(&mut cx),
            Event::Hold(reason) => self.on_hold(&mut cx, reason),
            Event::Release(reason) => self.on_release(&mut cx, reason),
            Event::NetworkDown => self.on_network_down(&mut cx),
            Event::NetworkUp => self.on_network_up(&mut cx),
            Event::NetworkChanged => self.on_network_changed(&mut cx),
            Event::Hidden => self.on_hidden(&mut cx),
            Event::Visible => self.on_visible(&mut cx),
            Event::HostResumed { gap, counted } => {
                self.on_host_resumed(&mut cx, Micros::from_duration(gap), counted)
            }
            Event::BackoffHint { base } => self.on_backoff_hint(base),
            Event::CredentialOk { request, .. } | Event::CredentialFailed { request, .. }
                if request.is_some_and(|request| request != self.state.counts.request) =>
            {
                return self.stale();
            }
            Event::CredentialOk { ttl, .. } => self.on_credential_ok(&mut cx, ttl),
            Event::CredentialFailed { fatal, .. } => self.on_credential_failed(&mut cx, fatal),
            Event::CredentialNew => self.on_credential_new(&mut cx),
            Event::CredentialLost => self.on_credential_lost(&mut cx),
            Event::Opened { .. } => self.on_opened(&mut cx),
            Event::OpenFailed { cause, retry_after, .. } => self.on_open_failed(&mut cx, cause, retry_after),
            Event::NotNow { retry_after, .. } => self.on_not_now(&mut cx, retry_after),
            Event::Closed { cause, .. } => self.on_closed(&mut cx, cause),
            Event::SendFailed { .. } => self.on_send_failed(&mut cx),
            Event::Greeting { heartbeat, .. } => self.on_greeting(&mut cx, heartbeat),
            Event::Ready { token, endpoint, sequence, ttl, .. } => {
                self.on_ready(&mut cx, token, endpoint, sequence, ttl)
            }
            Event::Resumed { .. } => self.on_resumed(&mut cx),
            Event::ReconnectRequested { retry_after, deadline, .. } => {
                self.on_reconnect_requested(&mut cx, retry_after, deadline)
            }
            Event::Redirected { endpoint, permanent, .. } => self.on_redirected(endpoint, permanent),
            Event::Cursor { token, .. } => self.on_cursor(now, token),
            Event::KeepAlive { interval, .. } => self.on_keep_alive(now, interval),
            Event::SessionInvalid { resumable, .. } => self.on_session_invalid(&mut cx, resumable),
            Event::AuthOk { .. } => self.on_auth_ok(&mut cx),
            Event::AuthFailed { fatal, .. } => self.on_auth_failed(&mut cx, fatal),
            Event::Subscribe { key, priority } => self.on_subscribe(&mut cx, key, priority),
            Event::Unsubscribe { key } => self.on_unsubscribe(now, &key),
            Event::SubscriptionConfirmed { key, send, .. } => {
                self.on_subscription_confirmed(&mut cx, &key, send)
            }
            Event::SubscriptionFailed { key, send, retryable, .. } => {
                self.on_subscription_failed(&mut cx, &key, send, retryable)
            }
            Event::SubscriptionLost { key, .. } => self.on_subscription_lost(now, &key),
        };
        self.check_progress();
        // The loss that a redirect came with is the next event.
        if applied {
            self.state.set(Flag::Unclassified, redirects);
        } else {
            cx.actions.set_disposition(Disposition::Inapplicable);
        }
        actions
    }
}

impl<R, T, S: core::fmt::Debug, C: ConfigSource, E: core::fmt::Debug> core::fmt::Debug
    for Policy<R, T, S, C, E>
{
    /// Shows neither the config, which is shared, nor the generator, which would reveal the jitter to come, nor the token.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { source: _, rng: _, endpoints, session, subscriptions, state } = self;
        f.debug_struct("Policy")
            .field("endpoints", endpoints)
            .field("session", session)
            .field("subscriptions", subscriptions)
            .field("state", state)
            .finish_non_exhaustive()
    }
}
