//! The words of decisions: phases, reasons, ends.

use core::ffi::c_char;

use core_policy::policy::{Disposition, DropReason, Endpoint, GiveUp, Phase, Role, WaitReason};
use core_policy::{Mode, breaker};

use crate::names::mirrors;

/// What became of an event.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_disposition {
    /// It was applied.
    REDIAL_DISPOSITION_APPLIED = 1,
    /// It is of a transport that is not the current one any more, or answers an older request. Nothing changed.
    REDIAL_DISPOSITION_STALE = 2,
    /// It does not apply to the present state. Nothing changed.
    REDIAL_DISPOSITION_INAPPLICABLE = 3,
    /// There is no slot for another subscription. Nothing changed.
    REDIAL_DISPOSITION_FULL = 4,
}

/// A [`redial_disposition`] as a number.
pub type disposition_number = u32;

mirrors!(redial_disposition of Disposition {
    REDIAL_DISPOSITION_APPLIED = Disposition::Applied,
    REDIAL_DISPOSITION_STALE = Disposition::Stale,
    REDIAL_DISPOSITION_INAPPLICABLE = Disposition::Inapplicable,
    REDIAL_DISPOSITION_FULL = Disposition::Full,
});

/// The word of a disposition, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_disposition_name(number: disposition_number) -> *const c_char {
    redial_disposition::word(number)
}

/// The phase that a policy is in.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_phase {
    /// Not started yet.
    REDIAL_PHASE_IDLE = 1,
    /// A transport is being opened.
    REDIAL_PHASE_CONNECTING = 2,
    /// The transport is open; the policy waits for the greeting, the session or the authentication.
    REDIAL_PHASE_ESTABLISHING = 3,
    /// The session is established; subscriptions are being sent.
    REDIAL_PHASE_RESTORING = 4,
    /// The session is established, and every subscription is sent.
    REDIAL_PHASE_ONLINE = 5,
    /// The policy waits for a known time to dial.
    REDIAL_PHASE_WAITING = 6,
    /// The policy waits for a condition to dial: a hold, the network, the page, a credential.
    REDIAL_PHASE_PARKED = 7,
    /// The user stopped the connection.
    REDIAL_PHASE_STOPPED = 8,
    /// The policy gave up.
    REDIAL_PHASE_FAILED = 9,
}

/// A [`redial_phase`] as a number.
pub type phase_number = u32;

mirrors!(redial_phase of Phase {
    REDIAL_PHASE_IDLE = Phase::Idle,
    REDIAL_PHASE_CONNECTING = Phase::Connecting,
    REDIAL_PHASE_ESTABLISHING = Phase::Establishing,
    REDIAL_PHASE_RESTORING = Phase::Restoring,
    REDIAL_PHASE_ONLINE = Phase::Online,
    REDIAL_PHASE_WAITING = Phase::Waiting,
    REDIAL_PHASE_PARKED = Phase::Parked,
    REDIAL_PHASE_STOPPED = Phase::Stopped,
    REDIAL_PHASE_FAILED = Phase::Failed,
});

/// The word of a phase, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_phase_name(number: phase_number) -> *const c_char {
    redial_phase::word(number)
}

/// What a deadline is for, or the condition that a policy is parked on.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_wait_reason {
    /// The wait of the backoff.
    REDIAL_WAIT_BACKOFF = 1,
    /// The wait that the server asked for.
    REDIAL_WAIT_RETRY_AFTER = 2,
    /// The minimum wait after the server refused the session.
    REDIAL_WAIT_INVALID_SESSION = 3,
    /// The minimum wait of the cause's class.
    REDIAL_WAIT_CLASS = 4,
    /// The minimum interval between two dials.
    REDIAL_WAIT_MIN_INTERVAL = 5,
    /// The breaker is open.
    REDIAL_WAIT_BREAKER = 6,
    /// The server asked for a reconnect: the wait of a stable session, or the time at which a live connection is replaced.
    REDIAL_WAIT_REQUESTED = 7,
    /// The random wait after the network came back.
    REDIAL_WAIT_SPREAD = 8,
    /// The limit of a dial.
    REDIAL_WAIT_CONNECT_TIMEOUT = 9,
    /// The limit for the greeting.
    REDIAL_WAIT_GREETING_TIMEOUT = 10,
    /// The limit for the session's establishment.
    REDIAL_WAIT_READY_TIMEOUT = 11,
    /// The limit for the answer to an authentication.
    REDIAL_WAIT_AUTH_TIMEOUT = 12,
    /// The next heartbeat.
    REDIAL_WAIT_HEARTBEAT = 13,
    /// The time at which the connection counts as stable.
    REDIAL_WAIT_STABLE = 14,
    /// The next batch of subscriptions.
    REDIAL_WAIT_RESTORE = 15,
    /// The limit for the answer to the oldest unanswered subscription.
    REDIAL_WAIT_CONFIRM = 16,
    /// The gap before the next endpoint of a round.
    REDIAL_WAIT_ENDPOINT = 17,
    /// The time at which the host asked to be asked again.
    REDIAL_WAIT_NOT_NOW = 18,
    /// The limit for the answer to a heartbeat, after which the connection is dead.
    REDIAL_WAIT_ANSWER = 19,
    /// The age at which the connection is replaced.
    REDIAL_WAIT_MAX_AGE = 20,
    /// The limit for a successor, from its dial until it is ready.
    REDIAL_WAIT_HANDOVER = 21,
    /// The end of a connection that was replaced and still has requests to finish.
    REDIAL_WAIT_DRAIN = 22,
    /// The end of the session's time to live.
    REDIAL_WAIT_SESSION_EXPIRY = 23,
    /// The renewal of the credential, ahead of its end.
    REDIAL_WAIT_CREDENTIAL_LEAD = 24,
    /// The limit for the answer to a request for a credential.
    REDIAL_WAIT_CREDENTIAL_TIMEOUT = 25,
    /// Parked: a precondition of the host is missing.
    REDIAL_WAIT_HOLD = 26,
    /// Parked: the network is down.
    REDIAL_WAIT_NETWORK = 27,
    /// Parked: the page is hidden.
    REDIAL_WAIT_HIDDEN = 28,
    /// Parked: a credential is being refreshed.
    REDIAL_WAIT_CREDENTIAL = 29,
    /// The time that the server keeps for this client.
    REDIAL_WAIT_APPOINTMENT = 30,
    /// The span over which the server wants its clients spread.
    REDIAL_WAIT_WINDOW = 31,
}

/// A [`redial_wait_reason`] as a number.
pub type wait_reason_number = u32;

mirrors!(redial_wait_reason of WaitReason {
    REDIAL_WAIT_BACKOFF = WaitReason::Backoff,
    REDIAL_WAIT_RETRY_AFTER = WaitReason::RetryAfter,
    REDIAL_WAIT_INVALID_SESSION = WaitReason::InvalidSession,
    REDIAL_WAIT_CLASS = WaitReason::Class,
    REDIAL_WAIT_MIN_INTERVAL = WaitReason::MinInterval,
    REDIAL_WAIT_BREAKER = WaitReason::Breaker,
    REDIAL_WAIT_REQUESTED = WaitReason::Requested,
    REDIAL_WAIT_SPREAD = WaitReason::Spread,
    REDIAL_WAIT_CONNECT_TIMEOUT = WaitReason::ConnectTimeout,
    REDIAL_WAIT_GREETING_TIMEOUT = WaitReason::GreetingTimeout,
    REDIAL_WAIT_READY_TIMEOUT = WaitReason::ReadyTimeout,
    REDIAL_WAIT_AUTH_TIMEOUT = WaitReason::AuthTimeout,
    REDIAL_WAIT_HEARTBEAT = WaitReason::Heartbeat,
    REDIAL_WAIT_STABLE = WaitReason::Stable,
    REDIAL_WAIT_RESTORE = WaitReason::Restore,
    REDIAL_WAIT_CONFIRM = WaitReason::Confirm,
    REDIAL_WAIT_ENDPOINT = WaitReason::Endpoint,
    REDIAL_WAIT_NOT_NOW = WaitReason::NotNow,
    REDIAL_WAIT_ANSWER = WaitReason::Answer,
    REDIAL_WAIT_MAX_AGE = WaitReason::MaxAge,
    REDIAL_WAIT_HANDOVER = WaitReason::Handover,
    REDIAL_WAIT_DRAIN = WaitReason::Drain,
    REDIAL_WAIT_SESSION_EXPIRY = WaitReason::SessionExpiry,
    REDIAL_WAIT_CREDENTIAL_LEAD = WaitReason::CredentialLead,
    REDIAL_WAIT_CREDENTIAL_TIMEOUT = WaitReason::CredentialTimeout,
    REDIAL_WAIT_HOLD = WaitReason::Hold,
    REDIAL_WAIT_NETWORK = WaitReason::Network,
    REDIAL_WAIT_HIDDEN = WaitReason::Hidden,
    REDIAL_WAIT_CREDENTIAL = WaitReason::Credential,
    REDIAL_WAIT_APPOINTMENT = WaitReason::Appointment,
    REDIAL_WAIT_WINDOW = WaitReason::Window,
});

/// The word of a reason to wait, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_wait_reason_name(number: wait_reason_number) -> *const c_char {
    redial_wait_reason::word(number)
}

/// How a connection starts.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_mode {
    /// With a new session.
    REDIAL_MODE_FRESH = 1,
    /// With the session that it had.
    REDIAL_MODE_RESUME = 2,
}

/// A [`redial_mode`] as a number.
pub type mode_number = u32;

mirrors!(redial_mode of Mode {
    REDIAL_MODE_FRESH = Mode::Fresh,
    REDIAL_MODE_RESUME = Mode::Resume,
});

/// The word of a mode, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_mode_name(number: mode_number) -> *const c_char {
    redial_mode::word(number)
}

/// The endpoint of a dial.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_endpoint {
    /// The configured endpoint; of several the one whose index the action has.
    REDIAL_ENDPOINT_BASE = 1,
    /// The session's own endpoint, which the action names.
    REDIAL_ENDPOINT_SESSION = 2,
    /// The endpoint that the server named, which the action names.
    REDIAL_ENDPOINT_REDIRECT = 3,
}

/// A [`redial_endpoint`] as a number.
pub type endpoint_number = u32;

mirrors!(redial_endpoint of Endpoint {
    REDIAL_ENDPOINT_BASE = Endpoint::Base,
    REDIAL_ENDPOINT_SESSION = Endpoint::Session,
    REDIAL_ENDPOINT_REDIRECT = Endpoint::Redirect,
});

/// The word of an endpoint, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_endpoint_name(number: endpoint_number) -> *const c_char {
    redial_endpoint::word(number)
}

/// What a dial is for.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_role {
    /// There is no connection, and the transport becomes it.
    REDIAL_ROLE_CONNECTION = 1,
    /// The transport is to replace a connection that is still up: only with a handover.
    REDIAL_ROLE_SUCCESSOR = 2,
}

/// A [`redial_role`] as a number.
pub type role_number = u32;

mirrors!(redial_role of Role {
    REDIAL_ROLE_CONNECTION = Role::Connection,
    REDIAL_ROLE_SUCCESSOR = Role::Successor,
});

/// The word of a role, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_role_name(number: role_number) -> *const c_char {
    redial_role::word(number)
}

/// Why a session is dropped.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_drop_reason {
    /// The connection was lost for a cause that ends the session.
    REDIAL_DROP_GONE = 1,
    /// The server refused it.
    REDIAL_DROP_INVALID = 2,
    /// As many resumes in a row failed as the config allows.
    REDIAL_DROP_RESUME_FAILED = 3,
    /// The server never sent the token, or a sequence number where the protocol needs one.
    REDIAL_DROP_INCOMPLETE = 4,
    /// Its time to live has passed.
    REDIAL_DROP_EXPIRED = 5,
    /// The user stopped.
    REDIAL_DROP_STOP = 6,
    /// The policy gave up for another reason than a limit.
    REDIAL_DROP_FATAL = 7,
}

/// A [`redial_drop_reason`] as a number.
pub type drop_reason_number = u32;

mirrors!(redial_drop_reason of DropReason {
    REDIAL_DROP_GONE = DropReason::Gone,
    REDIAL_DROP_INVALID = DropReason::Invalid,
    REDIAL_DROP_RESUME_FAILED = DropReason::ResumeFailed,
    REDIAL_DROP_INCOMPLETE = DropReason::Incomplete,
    REDIAL_DROP_EXPIRED = DropReason::Expired,
    REDIAL_DROP_STOP = DropReason::Stop,
    REDIAL_DROP_FATAL = DropReason::Fatal,
});

/// The word of a reason to drop a session, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_drop_reason_name(number: drop_reason_number) -> *const c_char {
    redial_drop_reason::word(number)
}

/// Why the policy gave up.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_give_up {
    /// The cause is fatal: another dial would fail in the same way.
    REDIAL_GIVE_UP_FATAL = 1,
    /// The same cause came more often in a row than its verdict allows.
    REDIAL_GIVE_UP_REPEATED = 2,
    /// The credential is refused, or its source has none.
    REDIAL_GIVE_UP_AUTH = 3,
    /// The attempts of this outage are used up.
    REDIAL_GIVE_UP_MAX_ATTEMPTS = 4,
    /// The next dial would come after the time allowed for an outage.
    REDIAL_GIVE_UP_MAX_ELAPSED = 5,
    /// The table of the backoff is used up.
    REDIAL_GIVE_UP_TABLE_SPENT = 6,
}

/// A [`redial_give_up`] as a number.
pub type give_up_number = u32;

mirrors!(redial_give_up of GiveUp {
    REDIAL_GIVE_UP_FATAL = GiveUp::Fatal,
    REDIAL_GIVE_UP_REPEATED = GiveUp::Repeated,
    REDIAL_GIVE_UP_AUTH = GiveUp::Auth,
    REDIAL_GIVE_UP_MAX_ATTEMPTS = GiveUp::MaxAttempts,
    REDIAL_GIVE_UP_MAX_ELAPSED = GiveUp::MaxElapsed,
    REDIAL_GIVE_UP_TABLE_SPENT = GiveUp::TableSpent,
});

/// The word of a reason to give up, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_give_up_name(number: give_up_number) -> *const c_char {
    redial_give_up::word(number)
}

/// The state of a breaker.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_breaker_phase {
    /// Dials pass.
    REDIAL_BREAKER_CLOSED = 1,
    /// No dial passes until its time is over.
    REDIAL_BREAKER_OPEN = 2,
    /// A few dials pass, as probes.
    REDIAL_BREAKER_HALF_OPEN = 3,
    /// No dial passes.
    REDIAL_BREAKER_FORCED_OPEN = 4,
    /// Every dial passes.
    REDIAL_BREAKER_DISABLED = 5,
    /// Every dial passes, and results are counted.
    REDIAL_BREAKER_METRICS_ONLY = 6,
}

/// A [`redial_breaker_phase`] as a number.
pub type breaker_phase_number = u32;

mirrors!(redial_breaker_phase of breaker::Phase {
    REDIAL_BREAKER_CLOSED = breaker::Phase::Closed,
    REDIAL_BREAKER_OPEN = breaker::Phase::Open,
    REDIAL_BREAKER_HALF_OPEN = breaker::Phase::HalfOpen,
    REDIAL_BREAKER_FORCED_OPEN = breaker::Phase::ForcedOpen,
    REDIAL_BREAKER_DISABLED = breaker::Phase::Disabled,
    REDIAL_BREAKER_METRICS_ONLY = breaker::Phase::MetricsOnly,
});

/// The word of a breaker's state, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_breaker_phase_name(number: breaker_phase_number) -> *const c_char {
    redial_breaker_phase::word(number)
}
