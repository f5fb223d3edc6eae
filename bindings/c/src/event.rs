//! What happened: the events that a program reports.

use core::ffi::c_char;
use core::time::Duration;

use core_policy::policy::{HoldReason, RetryAfter};
use core_policy::{Cause, Epoch, Event};

use crate::cause::redial_cause;
use crate::names::{numbered, word};
use crate::status::redial_status;
use crate::time::span;

/// What happened. Each says which fields of `redial_event` it reads; "of a transport" means that `epoch` is one of them.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_event_kind {
    /// The user starts the connection.
    REDIAL_EVENT_START = 1,
    /// The user stops the connection. Reads `keep`.
    REDIAL_EVENT_STOP = 2,
    /// The user asks for a reconnect now.
    REDIAL_EVENT_RETRY_NOW = 3,
    /// A precondition of the host is missing: no dial until it is released. Reads `reason`.
    REDIAL_EVENT_HOLD = 4,
    /// A precondition of the host is met again. Reads `reason`.
    REDIAL_EVENT_RELEASE = 5,
    /// The network is down.
    REDIAL_EVENT_NETWORK_DOWN = 6,
    /// The network is up.
    REDIAL_EVENT_NETWORK_UP = 7,
    /// The program is in the background.
    REDIAL_EVENT_HIDDEN = 8,
    /// The program is in the foreground again.
    REDIAL_EVENT_VISIBLE = 9,
    /// The host resumes from a sleep. Reads `gap_ms` and `counted`.
    REDIAL_EVENT_HOST_RESUMED = 10,
    /// The default route changed.
    REDIAL_EVENT_NETWORK_CHANGED = 11,
    /// The user asks for another connection in place of this one.
    REDIAL_EVENT_REDIAL = 12,
    /// The server sets the first wait of the backoff. Reads `base_ms`.
    REDIAL_EVENT_BACKOFF_HINT = 13,
    /// Of a transport: it is open.
    REDIAL_EVENT_OPENED = 14,
    /// Of a transport: the dial failed. Reads `cause`, `retry_after` and `retry_after_ms`.
    REDIAL_EVENT_OPEN_FAILED = 15,
    /// Of a transport: the host can't dial at the moment. Reads `retry_after_ms`.
    REDIAL_EVENT_NOT_NOW = 16,
    /// Of a transport: it is closed, by the peer or by an error. Reads `cause`.
    REDIAL_EVENT_CLOSED = 17,
    /// Of a transport: a send failed.
    REDIAL_EVENT_SEND_FAILED = 18,
    /// Of a transport: the server's first message. Reads `interval_ms`, the heartbeat interval that it asks for.
    REDIAL_EVENT_GREETING = 19,
    /// Of a transport: a new session is established. Reads `token`, `endpoint`, `sequence`, `has_sequence` and `ttl_ms`.
    REDIAL_EVENT_READY = 20,
    /// Of a transport: the server resumed the session.
    REDIAL_EVENT_RESUMED = 21,
    /// Of a transport: a message with a number was received. Reads `sequence`.
    REDIAL_EVENT_SEQUENCE = 22,
    /// Of a transport: the server asks for a reconnect. Reads `retry_after`, `retry_after_ms` and `deadline_ms`.
    REDIAL_EVENT_RECONNECT_REQUESTED = 23,
    /// Of a transport: the server names another endpoint. Reads `endpoint` and `permanent`.
    REDIAL_EVENT_REDIRECTED = 24,
    /// Of a transport: the server sends a new position to resume from. Reads `token`.
    REDIAL_EVENT_CURSOR = 25,
    /// Of a transport: the server sets the heartbeat interval. Reads `interval_ms`.
    REDIAL_EVENT_KEEP_ALIVE = 26,
    /// Of a transport: the server refuses the session. Reads `resumable`.
    REDIAL_EVENT_SESSION_INVALID = 27,
    /// Of a transport: the server acknowledged a heartbeat.
    REDIAL_EVENT_HEARTBEAT_ACKED = 28,
    /// Of a transport: the server asks for a heartbeat now.
    REDIAL_EVENT_HEARTBEAT_REQUESTED = 29,
    /// Of a transport: anything else was received.
    REDIAL_EVENT_RECEIVED = 30,
    /// A fresh credential is available. Reads `request` and `ttl_ms`.
    REDIAL_EVENT_CREDENTIAL_OK = 31,
    /// The credential could not be refreshed. Reads `request` and `fatal`.
    REDIAL_EVENT_CREDENTIAL_FAILED = 32,
    /// The user supplied another credential.
    REDIAL_EVENT_CREDENTIAL_NEW = 33,
    /// The credential is gone and there is no other.
    REDIAL_EVENT_CREDENTIAL_LOST = 34,
    /// Of a transport: the server accepted the authentication.
    REDIAL_EVENT_AUTH_OK = 35,
    /// Of a transport: the server refused the authentication. Reads `fatal`.
    REDIAL_EVENT_AUTH_FAILED = 36,
    /// The user subscribes to a key. Reads `key` and `priority`.
    REDIAL_EVENT_SUBSCRIBE = 37,
    /// The user unsubscribes from a key. Reads `key`.
    REDIAL_EVENT_UNSUBSCRIBE = 38,
    /// Of a transport: the server confirmed a subscription. Reads `key` and `send`.
    REDIAL_EVENT_SUBSCRIPTION_CONFIRMED = 39,
    /// Of a transport: the server refused a subscription, or ended it with an error. Reads `key`, `send` and `retryable`.
    REDIAL_EVENT_SUBSCRIPTION_FAILED = 40,
    /// Of a transport: the server ended a confirmed subscription without refusing it. Reads `key`.
    REDIAL_EVENT_SUBSCRIPTION_LOST = 41,
    /// Of a connection that a successor replaced: what was under way on it has ended. Only with a handover.
    REDIAL_EVENT_DRAINED = 42,
}

/// A [`redial_event_kind`] as a number.
pub type event_kind_number = u32;

/// What a server means by the wait that it asks for.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_retry_after_kind {
    /// Not before this time, the same for every client, like a `Retry-After`.
    REDIAL_RETRY_AFTER_AT_LEAST = 1,
    /// At this time, which the server keeps for this client.
    REDIAL_RETRY_AFTER_APPOINTMENT = 2,
    /// At a random time until then.
    REDIAL_RETRY_AFTER_WINDOW = 3,
}

/// A [`redial_retry_after_kind`] as a number.
pub type retry_after_kind_number = u32;

numbered!(redial_retry_after_kind {
    REDIAL_RETRY_AFTER_AT_LEAST,
    REDIAL_RETRY_AFTER_APPOINTMENT,
    REDIAL_RETRY_AFTER_WINDOW,
});

/// An event: something that happened. Set it to zero, then the kind and the fields that this kind reads. What stays zero is not there:
/// `redial_event event = {.kind = REDIAL_EVENT_OPENED, .epoch = epoch};`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct redial_event {
    /// What happened.
    pub kind: event_kind_number,
    /// The transport that it is about: the epoch of the `REDIAL_ACTION_OPEN` that asked for it. An event of a transport that is gone
    /// is stale and changes nothing.
    pub epoch: u32,
    /// Why the dial failed or the transport closed.
    pub cause: redial_cause,
    /// What the server means by `retry_after_ms`; 0 for nothing.
    pub retry_after: retry_after_kind_number,
    /// The number of the send that this answers, from `REDIAL_ACTION_RESTORE`; 0 for the key's newest.
    pub send: u32,
    /// The wait that the server asks for; of `REDIAL_EVENT_NOT_NOW` when to ask again, with 0 after the first wait of the backoff.
    pub retry_after_ms: u64,
    /// How long the host slept.
    pub gap_ms: u64,
    /// The first wait of the backoff.
    pub base_ms: u64,
    /// A heartbeat interval; 0 for none.
    pub interval_ms: u64,
    /// How long the server keeps the session after a loss, or how long the credential is valid; 0 for not known.
    pub ttl_ms: u64,
    /// When the server will cut the connection; 0 for not known.
    pub deadline_ms: u64,
    /// What a resume sends: a number by which the program knows the token, such as an index or an address; 0 for none. Equal numbers
    /// mean equal tokens. The policy keeps the number until it returns another or drops the session.
    pub token: u64,
    /// Where to resume or to dial: a number by which the program knows the endpoint, as for `token`; 0 for none.
    pub endpoint: u64,
    /// The number of a message, or the newest one of a session.
    pub sequence: u64,
    /// The index of a subscription, below the number of slots.
    pub key: u32,
    /// Its priority. Higher ones are restored first.
    pub priority: i32,
    /// The number of the request that this answers; 0 for the newest.
    pub request: u16,
    /// The number of a precondition, 0 to 31.
    pub reason: u8,
    /// Whether `sequence` is there, for `REDIAL_EVENT_READY`.
    pub has_sequence: u8,
    /// Whether the session is kept, so that the next start resumes it.
    pub keep: u8,
    /// Whether the clock of `now_ms` ran during the sleep. `CLOCK_MONOTONIC` of Linux does not, `CLOCK_BOOTTIME` does.
    pub counted: u8,
    /// Whether the session may still be resumed on another transport.
    pub resumable: u8,
    /// Whether every other credential would fail as well.
    pub fatal: u8,
    /// Whether the endpoint holds for every dial until a stop.
    pub permanent: u8,
    /// Whether to send the subscription again in this session.
    pub retryable: u8,
}

/// Every kind with its word.
macro_rules! kinds {
    ($($name:ident $word:literal,)+) => {
        numbered!(redial_event_kind { $($name,)+ });

        impl redial_event_kind {
            fn word(self) -> *const c_char {
                match self {
                    $(Self::$name => word!($word),)+
                }
            }
        }
    };
}

kinds! {
    REDIAL_EVENT_START "start",
    REDIAL_EVENT_STOP "stop",
    REDIAL_EVENT_RETRY_NOW "retry_now",
    REDIAL_EVENT_HOLD "hold",
    REDIAL_EVENT_RELEASE "release",
    REDIAL_EVENT_NETWORK_DOWN "net_down",
    REDIAL_EVENT_NETWORK_UP "net_up",
    REDIAL_EVENT_HIDDEN "hidden",
    REDIAL_EVENT_VISIBLE "visible",
    REDIAL_EVENT_HOST_RESUMED "woke",
    REDIAL_EVENT_NETWORK_CHANGED "network_changed",
    REDIAL_EVENT_REDIAL "redial",
    REDIAL_EVENT_BACKOFF_HINT "backoff_hint",
    REDIAL_EVENT_OPENED "opened",
    REDIAL_EVENT_OPEN_FAILED "open_failed",
    REDIAL_EVENT_NOT_NOW "not_now",
    REDIAL_EVENT_CLOSED "closed",
    REDIAL_EVENT_SEND_FAILED "send_failed",
    REDIAL_EVENT_GREETING "greeting",
    REDIAL_EVENT_READY "ready",
    REDIAL_EVENT_RESUMED "resumed",
    REDIAL_EVENT_SEQUENCE "seq",
    REDIAL_EVENT_RECONNECT_REQUESTED "please_reconnect",
    REDIAL_EVENT_REDIRECTED "redirected",
    REDIAL_EVENT_CURSOR "cursor",
    REDIAL_EVENT_KEEP_ALIVE "keep_alive",
    REDIAL_EVENT_SESSION_INVALID "session_invalid",
    REDIAL_EVENT_HEARTBEAT_ACKED "beat_ack",
    REDIAL_EVENT_HEARTBEAT_REQUESTED "beat_requested",
    REDIAL_EVENT_RECEIVED "rx",
    REDIAL_EVENT_CREDENTIAL_OK "credential_ok",
    REDIAL_EVENT_CREDENTIAL_FAILED "credential_failed",
    REDIAL_EVENT_CREDENTIAL_NEW "credential_new",
    REDIAL_EVENT_CREDENTIAL_LOST "credential_lost",
    REDIAL_EVENT_AUTH_OK "auth_ok",
    REDIAL_EVENT_AUTH_FAILED "auth_failed",
    REDIAL_EVENT_SUBSCRIBE "subscribe",
    REDIAL_EVENT_UNSUBSCRIBE "unsubscribe",
    REDIAL_EVENT_SUBSCRIPTION_CONFIRMED "sub_confirmed",
    REDIAL_EVENT_SUBSCRIPTION_FAILED "sub_failed",
    REDIAL_EVENT_SUBSCRIPTION_LOST "sub_lost",
    REDIAL_EVENT_DRAINED "drained",
}

/// The word of an event, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_event_kind_name(number: event_kind_number) -> *const c_char {
    redial_event_kind::read(number).map_or(word!("unknown"), redial_event_kind::word)
}

impl redial_event {
    /// The event that the caller means. `slots`: how many subscriptions there may be.
    pub(crate) fn read(&self, slots: u32) -> Result<Event<u64, u32>, redial_status> {
        use redial_event_kind::*;
        let kind = redial_event_kind::read(self.kind).ok_or(redial_status::REDIAL_ERROR_EVENT)?;
        let epoch = || Epoch::from_raw(self.epoch).ok_or(redial_status::REDIAL_ERROR_EPOCH);
        let key = || Some(self.key).filter(|key| *key < slots).ok_or(redial_status::REDIAL_ERROR_KEY);
        Ok(match kind {
            REDIAL_EVENT_START => Event::Start,
            REDIAL_EVENT_STOP => Event::Stop { keep: self.keep != 0 },
            REDIAL_EVENT_RETRY_NOW => Event::RetryNow,
            REDIAL_EVENT_HOLD => Event::Hold(self.reason()?),
            REDIAL_EVENT_RELEASE => Event::Release(self.reason()?),
            REDIAL_EVENT_NETWORK_DOWN => Event::NetworkDown,
            REDIAL_EVENT_NETWORK_UP => Event::NetworkUp,
            REDIAL_EVENT_HIDDEN => Event::Hidden,
            REDIAL_EVENT_VISIBLE => Event::Visible,
            REDIAL_EVENT_HOST_RESUMED => {
                Event::HostResumed { gap: Duration::from_millis(self.gap_ms), counted: self.counted != 0 }
            }
            REDIAL_EVENT_NETWORK_CHANGED => Event::NetworkChanged,
            REDIAL_EVENT_REDIAL => Event::Redial,
            REDIAL_EVENT_BACKOFF_HINT => Event::BackoffHint { base: Duration::from_millis(self.base_ms) },
            REDIAL_EVENT_OPENED => Event::Opened { epoch: epoch()? },
            REDIAL_EVENT_OPEN_FAILED => {
                Event::OpenFailed { epoch: epoch()?, cause: self.cause()?, retry_after: self.retry_after()? }
            }
            REDIAL_EVENT_NOT_NOW => Event::NotNow { epoch: epoch()?, retry_after: span(self.retry_after_ms) },
            REDIAL_EVENT_CLOSED => Event::Closed { epoch: epoch()?, cause: self.cause()? },
            REDIAL_EVENT_SEND_FAILED => Event::SendFailed { epoch: epoch()? },
            REDIAL_EVENT_GREETING => Event::Greeting { epoch: epoch()?, heartbeat: span(self.interval_ms) },
            REDIAL_EVENT_READY => Event::Ready {
                epoch: epoch()?,
                token: named(self.token),
                endpoint: named(self.endpoint),
                sequence: Some(self.sequence).filter(|_| self.has_sequence != 0),
                ttl: span(self.ttl_ms),
            },
            REDIAL_EVENT_RESUMED => Event::Resumed { epoch: epoch()? },
            REDIAL_EVENT_SEQUENCE => Event::Sequence { epoch: epoch()?, sequence: self.sequence },
            REDIAL_EVENT_RECONNECT_REQUESTED => Event::ReconnectRequested {
                epoch: epoch()?,
                retry_after: self.retry_after()?,
                deadline: span(self.deadline_ms),
            },
            REDIAL_EVENT_REDIRECTED => Event::Redirected {
                epoch: epoch()?,
                endpoint: named(self.endpoint).ok_or(redial_status::REDIAL_ERROR_TOKEN)?,
                permanent: self.permanent != 0,
            },
            REDIAL_EVENT_CURSOR => Event::Cursor {
                epoch: epoch()?,
                token: named(self.token).ok_or(redial_status::REDIAL_ERROR_TOKEN)?,
            },
            REDIAL_EVENT_KEEP_ALIVE => {
                Event::KeepAlive { epoch: epoch()?, interval: Duration::from_millis(self.interval_ms) }
            }
            REDIAL_EVENT_SESSION_INVALID => {
                Event::SessionInvalid { epoch: epoch()?, resumable: self.resumable != 0 }
            }
            REDIAL_EVENT_HEARTBEAT_ACKED => Event::HeartbeatAcked { epoch: epoch()? },
            REDIAL_EVENT_HEARTBEAT_REQUESTED => Event::HeartbeatRequested { epoch: epoch()? },
            REDIAL_EVENT_RECEIVED => Event::Received { epoch: epoch()? },
            REDIAL_EVENT_CREDENTIAL_OK => {
                Event::CredentialOk { request: self.request(), ttl: span(self.ttl_ms) }
            }
            REDIAL_EVENT_CREDENTIAL_FAILED => {
                Event::CredentialFailed { request: self.request(), fatal: self.fatal != 0 }
            }
            REDIAL_EVENT_CREDENTIAL_NEW => Event::CredentialNew,
            REDIAL_EVENT_CREDENTIAL_LOST => Event::CredentialLost,
            REDIAL_EVENT_AUTH_OK => Event::AuthOk { epoch: epoch()? },
            REDIAL_EVENT_AUTH_FAILED => Event::AuthFailed { epoch: epoch()?, fatal: self.fatal != 0 },
            REDIAL_EVENT_SUBSCRIBE => Event::Subscribe { key: key()?, priority: self.priority },
            REDIAL_EVENT_UNSUBSCRIBE => Event::Unsubscribe { key: key()? },
            REDIAL_EVENT_SUBSCRIPTION_CONFIRMED => {
                Event::SubscriptionConfirmed { epoch: epoch()?, key: key()?, send: self.send() }
            }
            REDIAL_EVENT_SUBSCRIPTION_FAILED => Event::SubscriptionFailed {
                epoch: epoch()?,
                key: key()?,
                send: self.send(),
                retryable: self.retryable != 0,
            },
            REDIAL_EVENT_SUBSCRIPTION_LOST => Event::SubscriptionLost { epoch: epoch()?, key: key()? },
            REDIAL_EVENT_DRAINED => Event::Drained { epoch: epoch()? },
        })
    }

    fn cause(&self) -> Result<Cause, redial_status> {
        self.cause.read().ok_or(redial_status::REDIAL_ERROR_CAUSE)
    }

    fn retry_after(&self) -> Result<Option<RetryAfter>, redial_status> {
        use redial_retry_after_kind::*;
        if self.retry_after == 0 {
            return Ok(None);
        }
        let wait = Duration::from_millis(self.retry_after_ms);
        let kind = redial_retry_after_kind::read(self.retry_after);
        Ok(Some(match kind.ok_or(redial_status::REDIAL_ERROR_RETRY_AFTER)? {
            REDIAL_RETRY_AFTER_AT_LEAST => RetryAfter::AtLeast(wait),
            REDIAL_RETRY_AFTER_APPOINTMENT => RetryAfter::Appointment(wait),
            REDIAL_RETRY_AFTER_WINDOW => RetryAfter::Window(wait),
        }))
    }

    fn reason(&self) -> Result<HoldReason, redial_status> {
        HoldReason::new(self.reason).ok_or(redial_status::REDIAL_ERROR_REASON)
    }

    fn send(&self) -> Option<u32> {
        Some(self.send).filter(|send| *send > 0)
    }

    fn request(&self) -> Option<u16> {
        Some(self.request).filter(|request| *request > 0)
    }
}

fn named(number: u64) -> Option<u64> {
    Some(number).filter(|number| *number > 0)
}
