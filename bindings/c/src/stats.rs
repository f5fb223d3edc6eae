//! Counters, and what a policy keeps.

use core_policy::subscriptions::{SubscriptionState, Subscriptions};

use crate::memory::write;
use crate::policy::{Inner, redial_policy, seen};
use crate::status::redial_status;
use crate::time::{REDIAL_NEVER, millis_up};

/// The counters of a policy. They are never reset, and they saturate.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_stats {
    /// Dials.
    pub opens: u32,
    /// Attempts that led to an established connection.
    pub established: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Attempts that the user or the host ended before their outcome was known.
    pub abandoned: u32,
    /// Established connections that were lost.
    pub losses: u32,
    /// Sessions resumed.
    pub resumed: u32,
    /// New sessions.
    pub fresh: u32,
    /// Connections that the heartbeat found dead.
    pub zombies: u32,
    /// Heartbeats that were unanswered when the next one was due.
    pub heartbeats_missed: u32,
    /// Losses whose verdict blames the client.
    pub client_faults: u32,
    /// Waits that a server asked for and that were cut to the maximum.
    pub retry_after_cut: u32,
    /// Stale events.
    pub stale: u32,
    /// How often the clock ran backwards.
    pub clock_rewinds: u32,
    /// How long the last established connection held, in milliseconds.
    pub last_uptime_ms: u32,
    /// Connections that were replaced before they ended.
    pub handovers: u32,
    /// Those that were not, though their end was announced.
    pub handovers_failed: u32,
    /// The time without a connection at announced ends, in milliseconds.
    pub gap_ms: u32,
}

impl redial_stats {
    fn of(policy: &Inner) -> Self {
        let (stats, handover) = (policy.stats(), policy.handover_stats());
        Self {
            opens: stats.opens,
            established: stats.established,
            failed: stats.failed,
            abandoned: stats.abandoned,
            losses: stats.losses,
            resumed: stats.resumed,
            fresh: stats.fresh,
            zombies: stats.zombies,
            heartbeats_missed: stats.heartbeats_missed,
            client_faults: stats.client_faults,
            retry_after_cut: stats.retry_after_cut,
            stale: stats.stale,
            clock_rewinds: stats.clock_rewinds,
            last_uptime_ms: stats.last_uptime_ms,
            handovers: handover.handovers,
            handovers_failed: handover.handovers_failed,
            gap_ms: handover.gap_ms,
        }
    }
}

/// Writes the counters.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call, `stats` to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_stats_of(
    policy: *const redial_policy,
    stats: *mut redial_stats,
) -> redial_status {
    // SAFETY: the caller stands for it.
    let policy = match unsafe { seen(policy) } {
        Ok(policy) => policy,
        Err(status) => return status,
    };
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { write(stats, redial_stats::of(policy)) })
}

/// The session that the policy keeps, which the next connection resumes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_session {
    /// The number that the program gave to its token; 0: there is no session.
    pub token: u64,
    /// The number that the program gave to its endpoint; 0: the base endpoint.
    pub endpoint: u64,
    /// The newest sequence number, where `has_sequence` is 1.
    pub sequence: u64,
    /// Whether there is one.
    pub has_sequence: u8,
}

/// Writes the session.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call, `session` to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_session_of(
    policy: *const redial_policy,
    session: *mut redial_session,
) -> redial_status {
    // SAFETY: the caller stands for it.
    let policy = match unsafe { seen(policy) } {
        Ok(policy) => policy,
        Err(status) => return status,
    };
    let kept = policy.session();
    let shown = redial_session {
        token: kept.token().copied().unwrap_or_default(),
        endpoint: kept.endpoint().copied().unwrap_or_default(),
        sequence: kept.sequence().unwrap_or_default(),
        has_sequence: kept.sequence().is_some().into(),
    };
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { write(session, shown) })
}

/// The state of a subscription in the present session.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_subscription_state {
    /// It is to be sent.
    REDIAL_SUBSCRIPTION_PENDING = 1,
    /// It is sent, and the server has not answered yet.
    REDIAL_SUBSCRIPTION_SENT = 2,
    /// The server confirmed it.
    REDIAL_SUBSCRIPTION_CONFIRMED = 3,
    /// The server refused it for a while, or did not answer. It is sent again at `until_ms`.
    REDIAL_SUBSCRIPTION_WAITING = 4,
    /// The server refused it for this session.
    REDIAL_SUBSCRIPTION_REJECTED = 5,
}

/// A [`redial_subscription_state`] as a number.
pub type subscription_state_number = u32;

/// One subscription.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_subscription {
    /// Its state; 0: nobody has subscribed to this key.
    pub state: subscription_state_number,
    /// Its priority.
    pub priority: i32,
    /// How often in a row the server refused it, ended it, or did not answer in time.
    pub failures: u32,
    /// The number of the newest batch that contained it; 0: none did.
    pub send: u32,
    /// When it is sent again, at the earliest, of `REDIAL_SUBSCRIPTION_WAITING`; otherwise `REDIAL_NEVER`.
    pub until_ms: u64,
}

/// Writes the state of the subscription with this key.
///
/// # Safety
/// `policy` is null or points to a policy that nobody else writes during the call, `subscription` to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_subscription_of(
    policy: *const redial_policy,
    key: u32,
    subscription: *mut redial_subscription,
) -> redial_status {
    use redial_subscription_state::*;
    // SAFETY: the caller stands for it.
    let policy = match unsafe { seen(policy) } {
        Ok(policy) => policy,
        Err(status) => return status,
    };
    let mut shown =
        redial_subscription { state: 0, priority: 0, failures: 0, send: 0, until_ms: REDIAL_NEVER };
    if let Some(found) = policy.subscriptions().find(&key) {
        shown.state = match found.state() {
            SubscriptionState::Pending => REDIAL_SUBSCRIPTION_PENDING,
            SubscriptionState::Sent => REDIAL_SUBSCRIPTION_SENT,
            SubscriptionState::Confirmed => REDIAL_SUBSCRIPTION_CONFIRMED,
            SubscriptionState::Waiting { until } => {
                shown.until_ms = millis_up(until);
                REDIAL_SUBSCRIPTION_WAITING
            }
            _ => REDIAL_SUBSCRIPTION_REJECTED,
        } as u32;
        shown.priority = found.priority();
        shown.failures = found.failures();
        shown.send = found.send().unwrap_or_default();
    }
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { write(subscription, shown) })
}
