//! What a policy is doing and why: for people, logs and dashboards. Nothing here decides anything.

use core::fmt;

use rand_core::Rng;

use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;
use crate::words::words;

use super::Policy;
use super::action::{Endpoint, GiveUp};
use super::event::Epoch;
use super::lend::ConfigSource;
use super::state::Stage;

/// Where a policy is. Exactly one holds at any time, and each but `Idle`, `Stopped` and `Failed` has a deadline, a
/// named condition, or a live connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Phase {
    /// Never started.
    Idle,
    /// A transport is being opened.
    Connecting,
    /// The transport is open; greeting, session or authentication are awaited.
    Establishing,
    /// The session is there; subscriptions are going out.
    Restoring,
    /// Everything is there.
    Online,
    /// A dial is due at a known time.
    Waiting,
    /// A dial is due when a condition is met.
    Parked,
    /// The user does not want a connection.
    Stopped,
    /// Given up.
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

/// The rule behind a deadline, or the condition that a policy is parked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WaitReason {
    /// The ladder of waits.
    Backoff,
    /// The server said when to come back.
    RetryAfter,
    /// The least wait after the server refused the session.
    InvalidSession,
    /// The least wait that the class of the cause asks for.
    Class,
    /// The least time between two dials.
    MinInterval,
    /// The breaker is open.
    Breaker,
    /// The server asked for a reconnect: the wait of a session that was stable, or the time until which it is kept.
    Requested,
    /// The spread after the network came back.
    Spread,
    /// The dial must succeed by then.
    ConnectTimeout,
    /// The greeting must have come by then.
    GreetingTimeout,
    /// The session must be established by then.
    ReadyTimeout,
    /// The authentication must be answered by then.
    AuthTimeout,
    /// The next heartbeat.
    Heartbeat,
    /// The connection counts as stable then.
    Stable,
    /// The next batch of subscriptions.
    Restore,
    /// The oldest unanswered subscription must be answered by then.
    Confirm,
    /// The next endpoint of a round.
    Endpoint,
    /// The host asked to be asked again.
    NotNow,
    /// What was asked must be answered by then, or the connection is dead.
    Answer,
    /// The connection is so old then that it is replaced.
    MaxAge,
    /// The session's time to live is over then.
    SessionExpiry,
    /// The credential is renewed then, ahead of its end.
    CredentialLead,
    /// The request for a credential must be answered by then.
    CredentialTimeout,
    /// Parked: a precondition of the host is missing.
    Hold,
    /// Parked: the network is down.
    Network,
    /// Parked: the page is hidden.
    Hidden,
    /// Parked: a credential is being refreshed.
    Credential,
}

words!(WaitReason {
    Backoff => "backoff",
    RetryAfter => "hint",
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
    SessionExpiry => "session_expiry",
    CredentialLead => "credential_lead",
    CredentialTimeout => "credential_timeout",
    Hold => "hold",
    Network => "network",
    Hidden => "hidden",
    Credential => "credential",
});

/// Why the policy is in the phase it is in: what happened last that mattered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Trigger {
    /// Nothing happened yet.
    New,
    /// The user started.
    Start,
    /// The user pressed "reconnect now".
    RetryNow,
    /// The user stopped.
    Stop,
    /// A wait or a parking for this reason ended, or a parking on it began.
    Gate(WaitReason),
    /// The attempt or connection was lost.
    Lost(Cause),
    /// The host could not dial.
    NotNow,
    /// The host woke.
    HostResumed,
    /// The default route moved.
    NetworkChanged,
    /// The page is visible again.
    Visible,
    /// The user wanted another connection.
    Redial,
    /// The connection was as old as it may be.
    MaxAge,
    /// The server had asked for a reconnect by a deadline.
    Requested,
    /// The session's time to live was over.
    SessionExpired,
    /// The transport opened.
    Opened,
    /// A new session was established.
    Ready,
    /// The old session was resumed.
    Resumed,
    /// The authentication was accepted.
    Authenticated,
    /// The last batch of subscriptions went out.
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
    /// The word; of what carries a reason or a cause, the word of that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate(reason) => reason.fmt(f),
            Self::Lost(cause) => cause.fmt(f),
            Self::GaveUp(reason) => reason.fmt(f),
            other => f.write_str(other.as_str()),
        }
    }
}

/// Whole milliseconds, rounded up as every wait is: at the time that is shown, the deadline has come.
const fn millis_up(at: Instant) -> u64 {
    at.as_micros().div_ceil(1_000)
}

/// Everything a person may ask of a policy. Get it from [`Policy::explain`](crate::Policy::explain); it costs nothing
/// until asked for. `Display` puts it in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Explanation {
    /// Where the policy is.
    pub phase: Phase,
    /// What brought it there.
    pub trigger: Trigger,
    /// When it was there first.
    pub since: Instant,
    /// The next deadline, if there is one. While parked that of a request for a credential, or of the session's time to live.
    pub until: Option<Instant>,
    /// The rule behind the deadline, or the condition it is parked on.
    pub waiting_for: Option<WaitReason>,
    /// While parked: no dial before this, even if the condition ends earlier, for the ladder and the floors go on. It may be
    /// over by now. `None`: nothing was left when the parking began, or it is not parked.
    pub not_before: Option<Instant>,
    /// The live transport.
    pub epoch: Option<Epoch>,
    /// The dials of this outage so far, counted from 1; 0 while there was none.
    pub attempt: u32,
    /// The failures in a row that the ladder counts.
    pub failures: u32,
    /// What the next dial, or the one under way, will send.
    pub mode: Mode,
    /// Where the next dial, or the one under way, goes.
    pub endpoint: Endpoint,
    /// The newest cause of a loss, if there was one.
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
                    ", then a fresh start at the endpoint that a server named"
                }
                (Mode::Fresh, _) => ", then a fresh start",
                (Mode::Resume, Endpoint::Base) => ", then a resume",
                (Mode::Resume, Endpoint::Session) => ", then a resume at the session's endpoint",
                (Mode::Resume, Endpoint::Redirect) => ", then a resume at the endpoint that a server named",
            })?;
        }
        write!(f, ", attempt {}, {} failures in a row", self.attempt, self.failures)?;
        if let Some(cause) = self.last_cause {
            write!(f, ", last cause {cause}")?;
        }
        Ok(())
    }
}

impl<R, T, S, C: ConfigSource, E> Policy<R, T, S, C, E> {
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

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
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
            trigger: self.state.trigger,
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
}
