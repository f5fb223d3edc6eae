//! What to do: the actions of a call, and the decision that they are part of.

use core::ffi::c_char;

use core_policy::endpoints::Endpoints;
use core_policy::policy::MAX_ACTIONS;
use core_policy::subscriptions::Subscriptions;
use core_policy::{Action, Actions, policy::Endpoint};

use crate::cause::redial_cause;
use crate::names::word;
use crate::policy::Inner;
use crate::time::deadline;
use crate::vocabulary::{
    disposition_number, drop_reason_number, endpoint_number, give_up_number, mode_number, phase_number,
    redial_disposition, redial_drop_reason, redial_endpoint, redial_give_up, redial_mode, redial_phase,
    redial_role, redial_wait_reason, role_number, wait_reason_number,
};

/// The most actions that one call returns.
pub const REDIAL_MAX_ACTIONS: usize = 4;

const _: () = assert!(REDIAL_MAX_ACTIONS == MAX_ACTIONS, "as many as the core returns");

/// What to do. Each says which fields of `redial_action` it has.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_action_kind {
    /// Open a transport now, and report `REDIAL_EVENT_OPENED`, `REDIAL_EVENT_OPEN_FAILED` or `REDIAL_EVENT_NOT_NOW` with its epoch.
    /// Has `epoch`, `mode`, `endpoint` with `endpoint_index` or `endpoint_token`, `attempt` and `role`.
    REDIAL_ACTION_OPEN = 1,
    /// The successor is the connection from now on. Has `epoch`. Only with a handover.
    REDIAL_ACTION_PROMOTE = 2,
    /// Close the transport, or cancel the dial, without waiting for the peer. Has `epoch` and `code`.
    REDIAL_ACTION_CLOSE = 3,
    /// Identify: ask the server for a new session. Has `epoch`.
    REDIAL_ACTION_IDENTIFY = 4,
    /// Resume the session. Has `epoch`, `token`, `sequence` and `has_sequence`.
    REDIAL_ACTION_RESUME = 5,
    /// Send a heartbeat. Has `epoch`, `sequence` and `has_sequence`.
    REDIAL_ACTION_HEARTBEAT = 6,
    /// Refresh the credential, and report `REDIAL_EVENT_CREDENTIAL_OK` or `REDIAL_EVENT_CREDENTIAL_FAILED`. Has `request`.
    REDIAL_ACTION_REFRESH_CREDENTIAL = 7,
    /// Authenticate on the transport, and report `REDIAL_EVENT_AUTH_OK` or `REDIAL_EVENT_AUTH_FAILED`. Has `epoch`.
    REDIAL_ACTION_AUTHENTICATE = 8,
    /// Send the subscriptions of `redial_batch`, in its order. Has `epoch`, `send` and `count`.
    REDIAL_ACTION_RESTORE = 9,
    /// The session is dropped: its token may be forgotten. Has `drop_reason`.
    REDIAL_ACTION_DROP_SESSION = 10,
    /// The policy gives up and dials no more, until an event starts it again. Has `give_up` and `cause`.
    REDIAL_ACTION_GAVE_UP = 11,
}

/// A [`redial_action_kind`] as a number.
pub type action_kind_number = u32;

/// The word of an action, as in a log of `replay`; "unknown" for another number.
#[unsafe(no_mangle)]
pub extern "C" fn redial_action_kind_name(number: action_kind_number) -> *const c_char {
    macro_rules! words {
        ($($name:ident $word:literal,)+) => {
            $(if number == redial_action_kind::$name as u32 {
                return word!($word);
            })+
        };
    }
    words! {
        REDIAL_ACTION_OPEN "open",
        REDIAL_ACTION_PROMOTE "promote",
        REDIAL_ACTION_CLOSE "close",
        REDIAL_ACTION_IDENTIFY "send_fresh",
        REDIAL_ACTION_RESUME "send_resume",
        REDIAL_ACTION_HEARTBEAT "beat",
        REDIAL_ACTION_REFRESH_CREDENTIAL "refresh_credential",
        REDIAL_ACTION_AUTHENTICATE "authenticate",
        REDIAL_ACTION_RESTORE "restore",
        REDIAL_ACTION_DROP_SESSION "drop_session",
        REDIAL_ACTION_GAVE_UP "gave_up",
    }
    word!("unknown")
}

/// One thing to do now. The fields that its kind does not have are 0.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct redial_action {
    /// What to do.
    pub kind: action_kind_number,
    /// The transport that it is about, from 1. Events of that transport have to name it.
    pub epoch: u32,
    /// Whether a new session is started or the old one resumed.
    pub mode: mode_number,
    /// The endpoint to dial.
    pub endpoint: endpoint_number,
    /// The index of the configured endpoint, of `REDIAL_ENDPOINT_BASE`.
    pub endpoint_index: u32,
    /// Whether the transport replaces a connection that is still up.
    pub role: role_number,
    /// The number that the program gave to the endpoint, of the other ones.
    pub endpoint_token: u64,
    /// The number that the program gave to the session's token.
    pub token: u64,
    /// The newest sequence number of the session, where `has_sequence` is 1.
    pub sequence: u64,
    /// The number of this dial in its outage, from 1.
    pub attempt: u32,
    /// The number of this batch of subscriptions.
    pub send: u32,
    /// How many subscriptions it has.
    pub count: u32,
    /// The close code to send; 0: the transport is not open yet, and the dial is cancelled.
    pub code: u16,
    /// The number of this request for a credential.
    pub request: u16,
    /// Why the session is dropped.
    pub drop_reason: drop_reason_number,
    /// Why the policy gives up.
    pub give_up: give_up_number,
    /// The cause of the last failure or loss.
    pub cause: redial_cause,
    /// Whether there is a sequence number.
    pub has_sequence: u8,
}

/// What a call decided. Execute the actions in their order before the next call, and never sleep past the deadline.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_decision {
    /// What became of the event; `REDIAL_DISPOSITION_APPLIED` after the time alone.
    pub disposition: disposition_number,
    /// The phase from here on.
    pub phase: phase_number,
    /// When to call again at the latest, in whole milliseconds, rounded up; `REDIAL_NEVER` if only an event changes anything. It may
    /// lie in the past: then call again at once.
    pub deadline_ms: u64,
    /// What the deadline is for, or the condition that the policy is parked on; 0 for neither.
    pub waiting_for: wait_reason_number,
    /// How many actions there are.
    pub count: u32,
    /// The actions. Those behind `count` are 0.
    pub actions: [redial_action; REDIAL_MAX_ACTIONS],
}

impl redial_decision {
    /// What this policy has decided with these actions.
    pub(crate) fn of(policy: &Inner, actions: Actions) -> Self {
        let explained = policy.explain();
        let awaited = policy.deadline().map(|(_, reason)| reason).or(explained.waiting_for);
        let mut decision = Self {
            disposition: redial_disposition::of(actions.disposition()),
            phase: redial_phase::of(explained.phase),
            deadline_ms: deadline(policy.poll_timeout()),
            waiting_for: awaited.map_or(0, redial_wait_reason::of),
            count: 0,
            actions: [redial_action::default(); REDIAL_MAX_ACTIONS],
        };
        for (slot, action) in decision.actions.iter_mut().zip(actions) {
            *slot = redial_action::of(policy, action);
            decision.count = decision.count.saturating_add(1);
        }
        decision
    }
}

impl redial_action {
    fn of(policy: &Inner, action: Action) -> Self {
        use redial_action_kind::*;
        let of = |kind: redial_action_kind| Self { kind: kind as u32, ..Self::default() };
        let on =
            |kind: redial_action_kind, epoch: core_policy::Epoch| Self { epoch: epoch.get(), ..of(kind) };
        let session = policy.session();
        let sequence = session.sequence();
        let numbered = |action: Self| Self {
            sequence: sequence.unwrap_or_default(),
            has_sequence: sequence.is_some().into(),
            ..action
        };
        match action {
            Action::Open { epoch, mode, endpoint, attempt, role } => Self {
                mode: redial_mode::of(mode),
                endpoint: redial_endpoint::of(endpoint),
                endpoint_index: match endpoint {
                    Endpoint::Base => policy.endpoints().current().into(),
                    Endpoint::Session | Endpoint::Redirect => 0,
                },
                endpoint_token: match endpoint {
                    Endpoint::Base => 0,
                    Endpoint::Session => session.endpoint().copied().unwrap_or_default(),
                    Endpoint::Redirect => policy.redirect().copied().unwrap_or_default(),
                },
                attempt,
                role: redial_role::of(role),
                ..on(REDIAL_ACTION_OPEN, epoch)
            },
            Action::Promote { epoch } => on(REDIAL_ACTION_PROMOTE, epoch),
            Action::Close { epoch, code } => {
                Self { code: code.unwrap_or_default(), ..on(REDIAL_ACTION_CLOSE, epoch) }
            }
            Action::Identify { epoch } => on(REDIAL_ACTION_IDENTIFY, epoch),
            Action::Resume { epoch } => numbered(Self {
                token: session.token().copied().unwrap_or_default(),
                ..on(REDIAL_ACTION_RESUME, epoch)
            }),
            Action::Heartbeat { epoch } => numbered(on(REDIAL_ACTION_HEARTBEAT, epoch)),
            Action::RefreshCredential { request } => Self { request, ..of(REDIAL_ACTION_REFRESH_CREDENTIAL) },
            Action::Authenticate { epoch } => on(REDIAL_ACTION_AUTHENTICATE, epoch),
            Action::Restore { epoch, send } => Self {
                send,
                count: u32::try_from(policy.subscriptions().batch().count()).unwrap_or(u32::MAX),
                ..on(REDIAL_ACTION_RESTORE, epoch)
            },
            Action::DropSession { reason } => {
                Self { drop_reason: redial_drop_reason::of(reason), ..of(REDIAL_ACTION_DROP_SESSION) }
            }
            Action::GaveUp { reason, cause } => Self {
                give_up: redial_give_up::of(reason),
                cause: redial_cause::of(cause),
                ..of(REDIAL_ACTION_GAVE_UP)
            },
        }
    }
}
