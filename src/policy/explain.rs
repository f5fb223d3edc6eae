//! What a policy is doing and why, for people, logs and dashboards. Nothing here decides anything.

use core::fmt;

use rand_core::Rng;

use crate::breaker::{self, CircuitBreaker};
use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;
use crate::words::words;

use super::Policy;
use super::action::{Endpoint, GiveUp};
use super::event::Epoch;
use super::source::{ConfigSource, OptionalPart};
use super::state::Stage;

/// The phase that a policy is in.
///
/// In every phase but `Idle`, `Stopped` and `Failed` there is a deadline, a named condition or a live connection, so that a
/// policy is never stuck.
///
/// ```text
///    idle ──start──▶ connecting ──opened──▶ establishing ──ready──▶ restoring ──sent──▶ online
///                     ▲      │                   │                      │                 │
///                     │      └─ failed, timeout ─┴─ closed, op 7, ──────┴─ no heartbeat ──┘
///                     │                          ▼
///                     │      one loss transition: close, classify, session, backoff, limits
///      every gate     │          │                    │                       │
///        is open      │          ▼                    ▼                       ▼
///                     └─────  waiting   ◀──────▶   parked                  failed
///                           until a time        on a condition           a value, final
///
///    stopped: by the user, from anywhere but idle and failed
/// ```
///
/// These are all ways from one phase to another:
///
/// | from | to | when |
/// | --- | --- | --- |
/// | idle, stopped | connecting | the user starts it |
/// | connecting | establishing | the transport is open |
/// | establishing | restoring | the session is there, and subscriptions need more than one batch |
/// | establishing | online | the session is there |
/// | restoring | online | the last batch is sent |
/// | connecting, establishing, restoring, online | waiting | it is lost, or to be replaced, and the next dial has a time |
/// | connecting, establishing, restoring, online | parked | the same, and the next dial has a condition |
/// | connecting, establishing, restoring, online | failed | the cause is final, a limit is reached, or the credential is gone |
/// | waiting | connecting | the time has come, or the user asks for it now |
/// | waiting | parked | a condition is no longer met |
/// | parked | waiting | the condition is met; the next call dials, unless there is a wait left |
/// | waiting, parked | failed | the credential is gone, or its source has none |
/// | failed | connecting | the user starts it, or asks for another try where that may help |
/// | failed | waiting | the network returned or changed, where the service was what refused |
/// | connecting, establishing, restoring, online, waiting, parked | stopped | the user stops it |
///
/// A start, or another try, while a condition is unmet leads to parked in place of connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Phase {
    /// Not started yet.
    Idle,
    /// A transport is being opened.
    Connecting,
    /// The transport is open; the policy waits for the greeting, the session or the authentication.
    Establishing,
    /// The session is established; subscriptions are being sent.
    Restoring,
    /// The session is established, and every subscription is sent.
    Online,
    /// The policy waits for a known time to dial.
    Waiting,
    /// The policy waits for a condition to dial: a hold, the network, the page, a credential.
    Parked,
    /// The user stopped the connection.
    Stopped,
    /// The policy gave up.
    Failed,
}

words!(Phase {
    Idle => "idle",
    Connecting => "connecting",
    Establishing => "establishing",
    Restoring => "restoring",
    Online => "online",
    Waiting => "waiting",
    Parked => "parked",
    Stopped => "stopped",
    Failed => "failed",
});

/// What a deadline is for, or the condition that a policy is parked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WaitReason {
    /// The wait of the backoff.
    Backoff,
    /// The wait that the server asked for (`Retry-After`).
    RetryAfter,
    /// The minimum wait after the server refused the session.
    InvalidSession,
    /// The minimum wait of the cause's class.
    Class,
    /// The minimum interval between two dials.
    MinInterval,
    /// The breaker is open.
    Breaker,
    /// The server asked for a reconnect: the wait of a stable session, or the time at which a live connection is replaced.
    Requested,
    /// The random wait after the network came back.
    Spread,
    /// The limit of a dial.
    ConnectTimeout,
    /// The limit for the greeting.
    GreetingTimeout,
    /// The limit for the session's establishment.
    ReadyTimeout,
    /// The limit for the answer to an authentication.
    AuthTimeout,
    /// The next heartbeat.
    Heartbeat,
    /// The time at which the connection counts as stable.
    Stable,
    /// The next batch of subscriptions.
    Restore,
    /// The limit for the answer to the oldest unanswered subscription.
    Confirm,
    /// The gap before the next endpoint of a round.
    Endpoint,
    /// The time at which the host asked to be asked again.
    NotNow,
    /// The limit for the answer to a heartbeat, after which the connection is dead.
    Answer,
    /// The age at which the connection is replaced.
    MaxAge,
    /// The limit for a successor, from its dial until it is ready.
    Handover,
    /// The end of a connection that was replaced and still has requests to finish.
    Drain,
    /// The end of the session's time to live.
    SessionExpiry,
    /// The renewal of the credential, ahead of its end.
    CredentialLead,
    /// The limit for the answer to a request for a credential.
    CredentialTimeout,
    /// Parked: a precondition of the host is missing ([`Event::Hold`](crate::Event::Hold)).
    Hold,
    /// Parked: the network is down.
    Network,
    /// Parked: the page is hidden.
    Hidden,
    /// Parked: a credential is being refreshed.
    Credential,
    /// The time that the server keeps for this client: see [`RetryAfter::Appointment`](super::RetryAfter::Appointment).
    Appointment,
    /// The span over which the server wants its clients spread: see [`RetryAfter::Window`](super::RetryAfter::Window).
    Window,
}

words!(WaitReason {
    Backoff => "backoff",
    RetryAfter => "hint",
    Appointment => "appointment",
    Window => "window",
    InvalidSession => "invalid_session",
    Class => "class",
    MinInterval => "min_interval",
    Breaker => "breaker",
    Requested => "requested",
    Spread => "spread",
    ConnectTimeout => "connect_timeout",
    GreetingTimeout => "greeting_timeout",
    ReadyTimeout => "ready_timeout",
    AuthTimeout => "auth_timeout",
    Heartbeat => "beat",
    Stable => "stable",
    Restore => "restore",
    Confirm => "confirm",
    Endpoint => "endpoint",
    NotNow => "not_now",
    Answer => "answer",
    MaxAge => "max_age",
    Handover => "handover",
    Drain => "drain",
    SessionExpiry => "session_expiry",
    CredentialLead => "credential_lead",
    CredentialTimeout => "credential_timeout",
    Hold => "hold",
    Network => "network",
    Hidden => "hidden",
    Credential => "credential",
});

/// What brought a policy into its phase: the last thing that changed it.
///
/// ```
/// use redial::policy::Trigger;
/// use redial::{Cause, Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// assert_eq!(policy.explain().trigger, Trigger::Start);
///
/// let epoch = policy.epoch().expect("dialling");
/// let _wait =
///     policy.handle_event(Instant::ZERO, Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: None });
/// assert_eq!(policy.explain().trigger, Trigger::Lost(Cause::Http(503)));
/// assert_eq!(policy.explain().trigger.to_string(), "http_503");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Trigger {
    /// Nothing has happened yet.
    New,
    /// The user started the connection.
    Start,
    /// The user asked for a reconnect now.
    RetryNow,
    /// The user stopped the connection.
    Stop,
    /// A wait for this reason ended, or a condition changed.
    Gate(WaitReason),
    /// The attempt or connection was lost.
    Lost(Cause),
    /// The host could not dial.
    NotNow,
    /// The host resumed from a sleep.
    HostResumed,
    /// The default route changed.
    NetworkChanged,
    /// The page is visible again.
    Visible,
    /// The user asked for another connection.
    Redial,
    /// The connection reached its maximum age.
    MaxAge,
    /// The server had asked for a reconnect before a deadline.
    Requested,
    /// The session's time to live passed.
    SessionExpired,
    /// The transport opened.
    Opened,
    /// A new session was established.
    Ready,
    /// The old session was resumed.
    Resumed,
    /// The authentication was accepted.
    Authenticated,
    /// The last batch of subscriptions was sent.
    Restored,
    /// The policy gave up.
    GaveUp(GiveUp),
}

words!(as_str Trigger {
    New => "new",
    Start => "start",
    RetryNow => "retry_now",
    Stop => "stop",
    Gate => "gate",
    Lost => "lost",
    NotNow => "not_now",
    HostResumed => "woke",
    NetworkChanged => "network_changed",
    Visible => "visible",
    Redial => "redial",
    MaxAge => "max_age",
    Requested => "requested",
    SessionExpired => "session_expired",
    Opened => "opened",
    Ready => "ready",
    Resumed => "resumed",
    Authenticated => "auth_ok",
    Restored => "restored",
    GaveUp => "gave_up",
});

impl fmt::Display for Trigger {
    /// Writes the word; for a variant that carries a reason or a cause, that reason or cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate(reason) => reason.fmt(f),
            Self::Lost(cause) => cause.fmt(f),
            Self::GaveUp(reason) => reason.fmt(f),
            other => f.write_str(other.as_str()),
        }
    }
}

/// Whole milliseconds, rounded up, so that at the time shown the deadline has passed.
const fn millis_up(at: Instant) -> u64 {
    at.as_micros().div_ceil(1_000)
}

/// The state of a policy as a person asks for it, from [`Policy::explain`](crate::Policy::explain). Nothing is computed
/// before. `Display` writes one line; its times are milliseconds of the caller's clock, rounded up.
///
/// ```
/// use redial::policy::WaitReason;
/// use redial::{Cause, Event, Instant, IoKind, Phase, Policy, SplitMix64, presets};
///
/// let mut policy = Policy::new(&presets::PHOENIX, SplitMix64::new(7));
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// let epoch = policy.epoch().expect("dialling");
/// let cause = Cause::Io(IoKind::ConnectionRefused);
/// let _wait = policy.handle_event(Instant::from_millis(20), Event::OpenFailed { epoch, cause, retry_after: None });
///
/// let explanation = policy.explain();
/// assert_eq!((explanation.phase, explanation.waiting_for), (Phase::Waiting, Some(WaitReason::Backoff)));
/// assert_eq!(explanation.until, Some(Instant::from_millis(30)));
/// assert_eq!(
///     explanation.to_string(),
///     "waiting (connection_refused), backoff at 30 ms, then a fresh start, attempt 1, 1 failures in a row, \
///      last cause connection_refused"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Explanation {
    /// The phase.
    pub phase: Phase,
    /// What brought the policy into it.
    pub trigger: Trigger,
    /// When the phase began.
    pub since: Instant,
    /// The next deadline, if there is one. While parked, that of a request for a credential or the end of the session's time
    /// to live.
    pub until: Option<Instant>,
    /// What the deadline is for, or the condition that the policy is parked on.
    pub waiting_for: Option<WaitReason>,
    /// While parked: the end of the waits that continue meanwhile. There is no dial before it, even if the condition ends
    /// earlier. It may have passed. `None`: no wait was left when the policy was parked, or it is not parked.
    pub not_before: Option<Instant>,
    /// The epoch of the transport that is open or being opened.
    pub epoch: Option<Epoch>,
    /// The epoch of the successor that is being dialled to replace the connection, if there is one:
    /// see [`handover`](crate::handover).
    pub successor: Option<Epoch>,
    /// The number of dials in this outage; 0 before the first.
    pub attempt: u32,
    /// The failures in a row that the backoff counts.
    pub failures: u32,
    /// What the dial in progress, or else the next one, sends.
    pub mode: Mode,
    /// The endpoint of the dial in progress, or else of the next one.
    pub endpoint: Endpoint,
    /// The cause of the last failure or loss, if there was one.
    pub last_cause: Option<Cause>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.phase, self.trigger)?;
        match (self.waiting_for, self.until) {
            (Some(reason), _) if self.phase == Phase::Parked => write!(f, ", until {reason} ends")?,
            (Some(reason), Some(until)) => write!(f, ", {reason} at {} ms", millis_up(until))?,
            (Some(reason), None) => write!(f, ", until {reason} ends")?,
            (None, _) => {}
        }
        if let Some(at) = self.not_before {
            write!(f, ", not before {} ms", millis_up(at))?;
        }
        if matches!(self.phase, Phase::Waiting | Phase::Parked) {
            f.write_str(match (self.mode, self.endpoint) {
                (Mode::Fresh, Endpoint::Redirect) => {
                    ", then a fresh start at the endpoint that the server named"
                }
                (Mode::Fresh, _) => ", then a fresh start",
                (Mode::Resume, Endpoint::Base) => ", then a resume",
                (Mode::Resume, Endpoint::Session) => ", then a resume at the session's endpoint",
                (Mode::Resume, Endpoint::Redirect) => ", then a resume at the endpoint that the server named",
            })?;
        }
        if let Some(successor) = self.successor {
            write!(f, ", successor {successor} on its way")?;
        }
        write!(f, ", attempt {}, {} failures in a row", self.attempt, self.failures)?;
        if let Some(cause) = self.last_cause {
            write!(f, ", last cause {cause}")?;
        }
        Ok(())
    }
}

impl<R, T, S, C: ConfigSource, E> Policy<R, T, S, C, E> {
    /// The phase that the policy is in.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.state.stage.phase()
    }

    /// The state that the breaker was left in by the last call; `None` where the config has no breaker. That an open time has
    /// passed shows with the next dial.
    #[must_use]
    pub fn breaker_phase(&self) -> Option<breaker::Phase> {
        self.source.config().breaker.and(self.state.breaker.get()).map(CircuitBreaker::phase)
    }
}

impl Stage {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Idle => Phase::Idle,
            Self::Connecting { .. } => Phase::Connecting,
            Self::Greeting { .. } | Self::Establishing { .. } | Self::Authenticating { .. } => {
                Phase::Establishing
            }
            Self::Live { restored: false, .. } => Phase::Restoring,
            Self::Live { restored: true, .. } => Phase::Online,
            Self::Waiting { .. } => Phase::Waiting,
            Self::Parked { .. } => Phase::Parked,
            Self::Stopped => Phase::Stopped,
            Self::Failed { .. } => Phase::Failed,
        }
    }
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// What the policy is doing, until when, and why.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let deadline = self.deadline();
        let (mode, endpoint) = if self.state.stage.is_alive() {
            (self.state.mode(), self.state.endpoint)
        } else {
            self.next_dial()
        };
        let parked = match self.state.stage {
            Stage::Parked { on } => Some(on),
            _ => None,
        };
        Explanation {
            phase: self.phase(),
            trigger: self.state.trigger,
            since: self.state.since,
            until: deadline.map(|(at, _)| at),
            waiting_for: parked.or(deadline.map(|(_, reason)| reason)),
            not_before: parked.and_then(|_| {
                let since = self.state.since;
                Some(self.gate(since).at).filter(|at| *at > since)
            }),
            epoch: self.epoch(),
            successor: None,
            attempt: self.state.attempt,
            failures: self.state.backoff.failures(),
            mode,
            endpoint,
            last_cause: self.state.last_cause,
        }
    }
}
