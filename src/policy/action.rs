//! What to do: the actions that a policy returns.

use crate::classify::Cause;
use crate::mode::Mode;
use crate::words::words;

use super::event::Epoch;

/// The endpoint of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle all of them")]
pub enum Endpoint {
    /// The configured endpoint. Of several, the one with the number
    /// [`Policy::endpoints`](crate::Policy::endpoints)`().current()`.
    Base,
    /// The session's endpoint: [`SessionState::endpoint`](crate::SessionState::endpoint).
    Session,
    /// The endpoint that the server named: [`Policy::redirect`](crate::Policy::redirect).
    Redirect,
}

words!(Endpoint {
    Base => "base",
    Session => "session",
    Redirect => "redirect",
});

/// What a dial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both")]
pub enum Role {
    /// There is no connection, and the transport becomes it. A [`Policy`](crate::Policy) by itself dials nothing else.
    Connection,
    /// The transport is to replace a connection that is still up, which stays until [`Action::Promote`]: see
    /// [`handover`](crate::handover).
    Successor,
}

words!(Role {
    Connection => "connection",
    Successor => "successor",
});

/// Why a session is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DropReason {
    /// The connection was lost for a cause that ends the session.
    Gone,
    /// The server refused it.
    Invalid,
    /// As many resumes in a row failed as the config allows.
    ResumeFailed,
    /// The server never sent the token, or a sequence number where the protocol needs one.
    Incomplete,
    /// Its time to live has passed.
    Expired,
    /// The user stopped.
    Stop,
    /// The policy gave up for another reason than a limit.
    Fatal,
}

words!(DropReason {
    Gone => "gone",
    Invalid => "invalid",
    ResumeFailed => "resume_failed",
    Incomplete => "incomplete",
    Expired => "expired",
    Stop => "stop",
    Fatal => "fatal",
});

/// Why the policy gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum GiveUp {
    /// The cause is fatal: another dial would fail in the same way.
    Fatal,
    /// The same cause came more often in a row than its verdict allows.
    Repeated,
    /// The credential is refused, or its source has none.
    Auth,
    /// The attempts of this outage are used up.
    MaxAttempts,
    /// The next dial would come after the time allowed for an outage.
    MaxElapsed,
    /// The table of the backoff is used up.
    TableSpent,
}

words!(GiveUp {
    Fatal => "fatal",
    Repeated => "repeated",
    Auth => "auth",
    MaxAttempts => "max_attempts",
    MaxElapsed => "max_elapsed",
    TableSpent => "table_spent",
});

impl GiveUp {
    /// Whether a limit was reached. Then [`Event::RetryNow`](crate::Event::RetryNow) starts over, as it does where the service refused
    /// ([`Scope::Service`](crate::classify::Scope::Service)) or another client took the session over. After any other end the cause must be
    /// removed first, and only [`Event::Start`](crate::Event::Start) starts over.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::MaxAttempts | Self::MaxElapsed | Self::TableSpent)
    }
}

/// What the driver must do now. A decision of the policy; it is not retried and not taken back.
///
/// The enum is exhaustive on purpose: a driver that ignores an action would hang, so that a new one is a breaking change.
///
/// ```
/// use redial::{Action, Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// for action in policy.handle_event(Instant::ZERO, Event::Start) {
///     match action {
///         Action::Open { epoch, mode, attempt, .. } => println!("dial {epoch}, to {mode}, attempt {attempt}"),
///         Action::Close { epoch, code } => println!("close {epoch} with {code:?}"),
///         Action::Identify { epoch } => println!("log in on {epoch}"),
///         Action::Resume { epoch } => println!("resume on {epoch}, by policy.session()"),
///         Action::Heartbeat { epoch } => println!("ping on {epoch}"),
///         Action::Restore { epoch, .. } => println!("subscribe on {epoch} to policy.subscriptions().batch()"),
///         Action::RefreshCredential { request } => println!("fetch a token, and answer {request}"),
///         Action::Authenticate { epoch } => println!("send the token on {epoch}"),
///         Action::Promote { epoch } => println!("messages go out on {epoch} from now on"),
///         Action::DropSession { reason } => println!("delete the stored session: {reason}"),
///         Action::GaveUp { reason, cause } => println!("over: {reason}, {cause}"),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a driver that skips a command would hang")]
pub enum Action {
    /// Open a transport now. Report [`Event::Opened`](crate::Event::Opened),
    /// [`Event::OpenFailed`](crate::Event::OpenFailed) or [`Event::NotNow`](crate::Event::NotNow) with this epoch.
    #[doc(alias = "connect")]
    #[doc(alias = "dial")]
    Open {
        /// The new transport's epoch.
        epoch: Epoch,
        /// Whether a new session is started on it or the old one resumed.
        mode: Mode,
        /// The endpoint to dial.
        endpoint: Endpoint,
        /// The number of this dial in its outage, from 1.
        attempt: u32,
        /// Whether the transport replaces a connection that is still up.
        role: Role,
    },
    /// The successor is the connection from now on: the application's messages go out on it. The connection that it
    /// replaces is closed by an [`Action::Close`], which follows in the same call unless that connection drains. Only a
    /// [`Handover`](crate::handover::Handover) returns it.
    Promote {
        /// The successor's epoch.
        epoch: Epoch,
    },
    /// Close the transport, or cancel the dial. Don't wait for the peer's answer; whatever the transport still delivers is
    /// stale. A dial or a transport that has ended by itself is not closed: [`Event::OpenFailed`](crate::Event::OpenFailed),
    /// [`Event::NotNow`](crate::Event::NotNow) and [`Event::Closed`](crate::Event::Closed) end it without this, also before it is open;
    /// after [`Event::SendFailed`](crate::Event::SendFailed) it follows.
    Close {
        /// The transport's epoch.
        epoch: Epoch,
        /// The close code to send, if the transport is open. `None`: it is not open yet, and the dial is cancelled.
        code: Option<u16>,
    },
    /// Identify: ask the server for a new session. A refused login is [`Event::Closed`](crate::Event::Closed) with
    /// [`Cause::AuthRejected`] or [`Cause::AuthDenied`].
    Identify {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// Resume the session in [`Policy::session`](crate::Policy::session), with its token and its sequence number.
    Resume {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// Send a heartbeat, with [`SessionState::sequence`](crate::SessionState::sequence) where the protocol has one.
    #[doc(alias = "ping")]
    #[doc(alias = "keepalive")]
    Heartbeat {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// Refresh the credential. Answer with [`Event::CredentialOk`](crate::Event::CredentialOk) or
    /// [`Event::CredentialFailed`](crate::Event::CredentialFailed).
    RefreshCredential {
        /// The number of this request, from 1; after 65,535 comes 1.
        request: u16,
    },
    /// Authenticate on the transport. Answer with [`Event::AuthOk`](crate::Event::AuthOk) or
    /// [`Event::AuthFailed`](crate::Event::AuthFailed).
    Authenticate {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// Send the subscriptions in [`Policy::subscriptions`](crate::Policy::subscriptions)`().batch()`, in their order.
    #[doc(alias = "resubscribe")]
    Restore {
        /// The transport's epoch.
        epoch: Epoch,
        /// The number of this batch, from 1, counted over all connections of this policy; after 2³² - 1 comes 1. Where the
        /// protocol has a field for it, send it along and return it with the answers, so that late ones are recognized.
        send: u32,
    },
    /// The session is dropped: its token, sequence number and endpoint are forgotten. The caller may delete its copy.
    DropSession {
        /// Why it is dropped.
        reason: DropReason,
    },
    /// The policy gives up and dials no more, until an event starts it again.
    GaveUp {
        /// Why it gives up.
        reason: GiveUp,
        /// The cause of the last failure or loss.
        cause: Cause,
    },
}

words!(Action {
    Open => "open",
    Promote => "promote",
    Close => "close",
    Identify => "send_fresh",
    Resume => "send_resume",
    Heartbeat => "beat",
    RefreshCredential => "refresh_credential",
    Authenticate => "authenticate",
    Restore => "restore",
    DropSession => "drop_session",
    GaveUp => "gave_up",
});

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(
    clippy::exhaustive_enums,
    reason = "an event is used, late, out of place, or refused for lack of space"
)]
pub enum Disposition {
    /// It was applied.
    Applied,
    /// It is of a transport that is not, or no longer, the current one, or it answers an older send of a subscription or an
    /// older request for a credential. Nothing changed.
    Stale,
    /// It does not apply to the present state. Nothing changed.
    Inapplicable,
    /// The set of subscriptions is full. Nothing changed.
    Full,
}

words!(Disposition {
    Applied => "applied",
    Stale => "stale",
    Inapplicable => "inapplicable",
    Full => "full",
});

/// The most actions that one call returns.
pub const MAX_ACTIONS: usize = 4;

/// The actions of one call, at most [`MAX_ACTIONS`]. Execute every one, in order, before the next `handle_*` call.
///
/// ```
/// use redial::{Disposition, Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let actions = policy.handle_event(Instant::ZERO, Event::Start);
/// assert_eq!((actions.len(), actions.disposition()), (1, Disposition::Applied));
/// let open = actions.iter().next().expect("a dial");
/// assert_eq!(open.as_str(), "open");
///
/// // A second start finds it started.
/// let actions = policy.handle_event(Instant::ZERO, Event::Start);
/// assert_eq!((actions.is_empty(), actions.disposition()), (true, Disposition::Inapplicable));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "execute every action, in order, then wait for poll_timeout()"]
pub struct Actions {
    items: [Option<Action>; MAX_ACTIONS],
    disposition: Disposition,
}

const _: () = assert!(size_of::<Actions>() <= 64, "Actions must stay within 64 bytes");

impl Actions {
    pub(crate) const fn new() -> Self {
        Self { items: [None; MAX_ACTIONS], disposition: Disposition::Applied }
    }

    /// No actions; `applied`: the event was applied.
    #[inline]
    pub(crate) const fn none(applied: bool) -> Self {
        Self::ignored(if applied { Disposition::Applied } else { Disposition::Inapplicable })
    }

    #[inline]
    pub(crate) const fn ignored(disposition: Disposition) -> Self {
        Self { items: [None; MAX_ACTIONS], disposition }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn push(&mut self, action: Action) {
        let slot = self.items.iter_mut().find(|slot| slot.is_none());
        debug_assert!(slot.is_some(), "more than MAX_ACTIONS actions");
        if let Some(slot) = slot {
            *slot = Some(action);
        }
    }

    pub(crate) const fn set_disposition(&mut self, disposition: Disposition) {
        self.disposition = disposition;
    }

    /// Whether there are no actions.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.items, [None, ..])
    }

    /// The number of actions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// The actions, in order.
    pub fn iter(&self) -> impl Iterator<Item = Action> + '_ {
        self.items.iter().map_while(|action| *action)
    }

    /// What became of the event that this call took; [`Disposition::Applied`] after
    /// [`handle_timeout`](crate::Policy::handle_timeout).
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = ActionsIter;

    #[inline]
    fn into_iter(self) -> ActionsIter {
        ActionsIter { items: self.items, next: 0 }
    }
}

/// The same from a reference, such as the `actions` of a driver's notice.
///
/// ```
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy: Policy<SplitMix64> = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let actions = policy.handle_event(Instant::ZERO, Event::Start);
/// let mut seen = Vec::new();
/// for action in &actions {
///     seen.push(action);
/// }
/// assert!(actions.iter().eq(seen));
/// ```
impl IntoIterator for &Actions {
    type Item = Action;
    type IntoIter = ActionsIter;

    #[inline]
    fn into_iter(self) -> ActionsIter {
        (*self).into_iter()
    }
}

/// The actions of one call, in order.
#[derive(Clone, Debug)]
pub struct ActionsIter {
    items: [Option<Action>; MAX_ACTIONS],
    next: usize,
}

impl Iterator for ActionsIter {
    type Item = Action;

    #[inline]
    fn next(&mut self) -> Option<Action> {
        let action = (*self.items.get(self.next)?)?;
        self.next = self.next.saturating_add(1);
        Some(action)
    }
}

impl core::iter::FusedIterator for ActionsIter {}
