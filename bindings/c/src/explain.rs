//! What a policy is doing, until when and why.

use core::ffi::c_char;

use core_policy::policy::Trigger;
use core_policy::{Explanation, Instant};

use crate::cause::redial_cause;
use crate::memory::write;
use crate::policy::{Inner, redial_policy, seen};
use crate::status::redial_status;
use crate::text::print;
use crate::time::{REDIAL_NEVER, deadline, millis_up};
use crate::vocabulary::{
    breaker_phase_number, endpoint_number, give_up_number, mode_number, phase_number, redial_breaker_phase,
    redial_endpoint, redial_give_up, redial_mode, redial_phase, redial_wait_reason, wait_reason_number,
};

/// What brought a policy into its phase.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_trigger_kind {
    /// Nothing has happened yet.
    REDIAL_TRIGGER_NEW = 1,
    /// The user started the connection.
    REDIAL_TRIGGER_START = 2,
    /// The user asked for a reconnect now.
    REDIAL_TRIGGER_RETRY_NOW = 3,
    /// The user stopped the connection.
    REDIAL_TRIGGER_STOP = 4,
    /// A wait ended, or a condition changed: `wait_reason`.
    REDIAL_TRIGGER_GATE = 5,
    /// The attempt or connection was lost: `cause`.
    REDIAL_TRIGGER_LOST = 6,
    /// The host could not dial.
    REDIAL_TRIGGER_NOT_NOW = 7,
    /// The host resumed from a sleep.
    REDIAL_TRIGGER_HOST_RESUMED = 8,
    /// The default route changed.
    REDIAL_TRIGGER_NETWORK_CHANGED = 9,
    /// The program is in the foreground again.
    REDIAL_TRIGGER_VISIBLE = 10,
    /// The user asked for another connection.
    REDIAL_TRIGGER_REDIAL = 11,
    /// The connection reached its maximum age.
    REDIAL_TRIGGER_MAX_AGE = 12,
    /// The server had asked for a reconnect before a deadline.
    REDIAL_TRIGGER_REQUESTED = 13,
    /// The session's time to live passed.
    REDIAL_TRIGGER_SESSION_EXPIRED = 14,
    /// The transport opened.
    REDIAL_TRIGGER_OPENED = 15,
    /// A new session was established.
    REDIAL_TRIGGER_READY = 16,
    /// The old session was resumed.
    REDIAL_TRIGGER_RESUMED = 17,
    /// The authentication was accepted.
    REDIAL_TRIGGER_AUTHENTICATED = 18,
    /// The last batch of subscriptions was sent.
    REDIAL_TRIGGER_RESTORED = 19,
    /// The policy gave up: `give_up`.
    REDIAL_TRIGGER_GAVE_UP = 20,
}

/// A [`redial_trigger_kind`] as a number.
pub type trigger_kind_number = u32;

/// What a policy is doing, until when, and why. Times are milliseconds of the program's clock, rounded up; a number or an enum that is not
/// there is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_explanation {
    /// The phase.
    pub phase: phase_number,
    /// What brought the policy into it,
    pub trigger: trigger_kind_number,
    /// for `REDIAL_TRIGGER_GATE`,
    pub trigger_wait_reason: wait_reason_number,
    /// for `REDIAL_TRIGGER_GAVE_UP`,
    pub trigger_give_up: give_up_number,
    /// for `REDIAL_TRIGGER_LOST`.
    pub trigger_cause: redial_cause,
    /// When the phase began.
    pub since_ms: u64,
    /// The next deadline, or `REDIAL_NEVER`.
    pub until_ms: u64,
    /// While parked: there is no dial before this time, even if the condition ends earlier; otherwise `REDIAL_NEVER`.
    pub not_before_ms: u64,
    /// What the deadline is for, or the condition that the policy is parked on.
    pub waiting_for: wait_reason_number,
    /// The epoch of the transport that is open or being opened.
    pub epoch: u32,
    /// The epoch of the successor that is being dialled, with a handover.
    pub successor: u32,
    /// The number of dials in this outage.
    pub attempt: u32,
    /// The failures in a row that the backoff counts.
    pub failures: u32,
    /// What the dial in progress, or else the next one, sends.
    pub mode: mode_number,
    /// Its endpoint.
    pub endpoint: endpoint_number,
    /// The state of the breaker, where the config has one.
    pub breaker: breaker_phase_number,
    /// The cause of the last failure or loss.
    pub last_cause: redial_cause,
}

impl redial_explanation {
    fn of(policy: &Inner) -> Self {
        let explained: Explanation = policy.explain();
        let (trigger, wait_reason, give_up, cause) = trigger(explained.trigger);
        Self {
            phase: redial_phase::of(explained.phase),
            trigger: trigger as u32,
            trigger_wait_reason: wait_reason,
            trigger_give_up: give_up,
            trigger_cause: cause,
            since_ms: millis_up(explained.since),
            until_ms: deadline(explained.until),
            not_before_ms: explained.not_before.map_or(REDIAL_NEVER, |at: Instant| millis_up(at)),
            waiting_for: explained.waiting_for.map_or(0, redial_wait_reason::of),
            epoch: explained.epoch.map_or(0, |epoch| epoch.get()),
            successor: explained.successor.map_or(0, |epoch| epoch.get()),
            attempt: explained.attempt,
            failures: explained.failures,
            mode: redial_mode::of(explained.mode),
            endpoint: redial_endpoint::of(explained.endpoint),
            breaker: policy.breaker_phase().map_or(0, redial_breaker_phase::of),
            last_cause: explained.last_cause.map_or(redial_cause::NONE, redial_cause::of),
        }
    }
}

/// A trigger with the reason, the end or the cause that it carries.
fn trigger(trigger: Trigger) -> (redial_trigger_kind, u32, u32, redial_cause) {
    use redial_trigger_kind::*;
    let plain = |kind| (kind, 0, 0, redial_cause::NONE);
    match trigger {
        Trigger::Start => plain(REDIAL_TRIGGER_START),
        Trigger::RetryNow => plain(REDIAL_TRIGGER_RETRY_NOW),
        Trigger::Stop => plain(REDIAL_TRIGGER_STOP),
        Trigger::Gate(reason) => (REDIAL_TRIGGER_GATE, redial_wait_reason::of(reason), 0, redial_cause::NONE),
        Trigger::Lost(cause) => (REDIAL_TRIGGER_LOST, 0, 0, redial_cause::of(cause)),
        Trigger::NotNow => plain(REDIAL_TRIGGER_NOT_NOW),
        Trigger::HostResumed => plain(REDIAL_TRIGGER_HOST_RESUMED),
        Trigger::NetworkChanged => plain(REDIAL_TRIGGER_NETWORK_CHANGED),
        Trigger::Visible => plain(REDIAL_TRIGGER_VISIBLE),
        Trigger::Redial => plain(REDIAL_TRIGGER_REDIAL),
        Trigger::MaxAge => plain(REDIAL_TRIGGER_MAX_AGE),
        Trigger::Requested => plain(REDIAL_TRIGGER_REQUESTED),
        Trigger::SessionExpired => plain(REDIAL_TRIGGER_SESSION_EXPIRED),
        Trigger::Opened => plain(REDIAL_TRIGGER_OPENED),
        Trigger::Ready => plain(REDIAL_TRIGGER_READY),
        Trigger::Resumed => plain(REDIAL_TRIGGER_RESUMED),
        Trigger::Authenticated => plain(REDIAL_TRIGGER_AUTHENTICATED),
        Trigger::Restored => plain(REDIAL_TRIGGER_RESTORED),
        Trigger::GaveUp(reason) => {
            (REDIAL_TRIGGER_GAVE_UP, 0, redial_give_up::of(reason), redial_cause::NONE)
        }
        _ => plain(REDIAL_TRIGGER_NEW),
    }
}

/// Writes what the policy is doing, until when, and why.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call, `explanation` to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_explain(
    policy: *const redial_policy,
    explanation: *mut redial_explanation,
) -> redial_status {
    // SAFETY: the caller stands for it.
    let policy = match unsafe { seen(policy) } {
        Ok(policy) => policy,
        Err(status) => return status,
    };
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { write(explanation, redial_explanation::of(policy)) })
}

/// Writes the same as one line for people, as `snprintf` writes, and returns its length; 0 for a policy that is none.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call; `text` is null, or points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_explain_text(
    policy: *const redial_policy,
    text: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller stands for it.
    match unsafe { seen(policy) } {
        // SAFETY: the caller stands for it.
        Ok(policy) => unsafe { print(&policy.explain(), text, capacity) },
        // SAFETY: the caller stands for it.
        Err(_) => unsafe { print(&"", text, capacity) },
    }
}

/// Writes in one word what brought the policy into its phase, as `snprintf` writes: the reason, the cause or the end where it carries one.
///
/// # Safety
/// As of [`redial_explain_text`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_trigger_text(
    policy: *const redial_policy,
    text: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller stands for it.
    match unsafe { seen(policy) } {
        // SAFETY: the caller stands for it.
        Ok(policy) => unsafe { print(&policy.explain().trigger, text, capacity) },
        // SAFETY: the caller stands for it.
        Err(_) => unsafe { print(&"", text, capacity) },
    }
}
