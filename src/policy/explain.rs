//! What a policy is doing and why: for people, logs and dashboards. Nothing here decides anything.

use core::fmt;

use crate::classify::Cause;
use crate::mode::Mode;
use crate::time::Instant;

use super::action::{Endpoint, GiveUp};
use super::event::Epoch;

/// Where a policy is. Exactly one holds at any time, and each but `Idle`, `Stopped` and `Failed` has a deadline, a
/// named condition, or a live connection (S93).
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

impl Phase {
    /// The phase in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Establishing => "establishing",
            Self::Restoring => "restoring",
            Self::Online => "online",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

impl WaitReason {
    /// The reason in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::RetryAfter => "hint",
            Self::InvalidSession => "invalid_session",
            Self::Class => "class",
            Self::MinInterval => "min_interval",
            Self::Breaker => "breaker",
            Self::Requested => "requested",
            Self::Spread => "spread",
            Self::ConnectTimeout => "connect_timeout",
            Self::GreetingTimeout => "greeting_timeout",
            Self::ReadyTimeout => "ready_timeout",
            Self::AuthTimeout => "auth_timeout",
            Self::Heartbeat => "beat",
            Self::Stable => "stable",
            Self::Restore => "restore",
            Self::Confirm => "confirm",
            Self::Endpoint => "endpoint",
            Self::NotNow => "not_now",
            Self::Answer => "answer",
            Self::MaxAge => "max_age",
            Self::SessionExpiry => "session_expiry",
            Self::CredentialLead => "credential_lead",
            Self::CredentialTimeout => "credential_timeout",
            Self::Hold => "hold",
            Self::Network => "network",
            Self::Hidden => "hidden",
            Self::Credential => "credential",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Start => "start",
            Self::RetryNow => "retry_now",
            Self::Stop => "stop",
            Self::Gate(reason) => reason.as_str(),
            Self::Lost(cause) => return cause.fmt(f),
            Self::NotNow => "not_now",
            Self::HostResumed => "woke",
            Self::NetworkChanged => "network_changed",
            Self::Visible => "visible",
            Self::Redial => "redial",
            Self::MaxAge => "max_age",
            Self::Requested => "requested",
            Self::SessionExpired => "session_expired",
            Self::Opened => "opened",
            Self::Ready => "ready",
            Self::Resumed => "resumed",
            Self::Authenticated => "auth_ok",
            Self::Restored => "restored",
            Self::GaveUp(reason) => reason.as_str(),
        })
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

/// Plain counters of one policy. They survive every reconnect and saturate: `zombies`, `heartbeats_missed`, `client_faults`,
/// `retry_after_cut` and `clock_rewinds` at 65,535, the others at [`u32::MAX`].
///
/// `opens = established + failed + abandoned + the one in flight`, always (S97).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Dials.
    pub opens: u32,
    /// Attempts that led to an established connection.
    pub established: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Attempts ended by the user or the host before their outcome was known.
    pub abandoned: u32,
    /// Established connections lost unintentionally, once each (F106). A stop is none.
    pub losses: u32,
    /// Sessions resumed.
    pub resumed: u32,
    /// Sessions started fresh: the caller must resync (F75).
    pub fresh: u32,
    /// Connections found dead by the heartbeat.
    pub zombies: u32,
    /// Beats that were still unanswered at the next one.
    pub heartbeats_missed: u32,
    /// Losses that were our own fault (F54).
    pub client_faults: u32,
    /// Waits asked for by a server and cut to the longest allowed (S40).
    pub retry_after_cut: u32,
    /// Facts of a transport that was not the current one, and answers to older sends of a subscription.
    pub stale: u32,
    /// Times at which the clock ran backwards (S98).
    pub clock_rewinds: u32,
    /// How long the newest established connection held, in milliseconds, at most 49 days; 0 while none was lost.
    pub last_uptime_ms: u32,
}

/// What a policy counts: [`Stats`] in fewer bytes. What can't happen a million times has 16 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Counts {
    pub(super) opens: u32,
    pub(super) established: u32,
    pub(super) failed: u32,
    pub(super) losses: u32,
    pub(super) resumed: u32,
    pub(super) fresh: u32,
    pub(super) stale: u32,
    pub(super) last_uptime_ms: u32,
    pub(super) zombies: u16,
    pub(super) heartbeats_missed: u16,
    pub(super) client_faults: u16,
    pub(super) retry_after_cut: u16,
    pub(super) clock_rewinds: u16,
    /// The newest request for a credential; it is here for its size.
    pub(super) request: u16,
}

impl Counts {
    pub(super) const NEW: Self = Self {
        opens: 0,
        established: 0,
        failed: 0,
        losses: 0,
        resumed: 0,
        fresh: 0,
        stale: 0,
        last_uptime_ms: 0,
        zombies: 0,
        heartbeats_missed: 0,
        client_faults: 0,
        retry_after_cut: 0,
        clock_rewinds: 0,
        request: 0,
    };

    /// `in_flight`: a dial is under way whose outcome nobody knows yet.
    pub(super) fn stats(&self, in_flight: bool) -> Stats {
        let known = self.established.saturating_add(self.failed).saturating_add(u32::from(in_flight));
        Stats {
            opens: self.opens,
            established: self.established,
            failed: self.failed,
            abandoned: self.opens.saturating_sub(known),
            losses: self.losses,
            resumed: self.resumed,
            fresh: self.fresh,
            zombies: self.zombies.into(),
            heartbeats_missed: self.heartbeats_missed.into(),
            client_faults: self.client_faults.into(),
            retry_after_cut: self.retry_after_cut.into(),
            stale: self.stale,
            clock_rewinds: self.clock_rewinds.into(),
            last_uptime_ms: self.last_uptime_ms,
        }
    }
}

/// Counts without ever wrapping.
pub(super) const fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// The same for what is seldom.
pub(super) const fn count_small(counter: &mut u16) {
    *counter = counter.saturating_add(1);
}
