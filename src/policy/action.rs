//! What to do: the decisions that a policy gives.

use crate::classify::Cause;
use crate::mode::Mode;
use crate::words::words;

use super::event::Epoch;

/// Where to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle all of them")]
pub enum Endpoint {
    /// The caller's own endpoint; with several, number [`Policy::endpoints`](crate::Policy::endpoints)`().current()`.
    Base,
    /// The session's endpoint: [`SessionState::endpoint`](crate::SessionState::endpoint).
    Session,
    /// The endpoint that a server named: [`Policy::redirect`](crate::Policy::redirect).
    Redirect,
}

words!(Endpoint {
    Base => "base",
    Session => "session",
    Redirect => "redirect",
});

/// Why a session was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DropReason {
    /// The cause of the loss says that it is gone.
    Gone,
    /// The server refused it.
    Invalid,
    /// Too many resumes failed in a row.
    ResumeFailed,
    /// A part needed to resume it never came.
    Incomplete,
    /// Its time to live is over.
    Expired,
    /// The user stopped.
    Stop,
    /// The policy failed for good.
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
    /// The cause can't be mended by dialling again.
    Fatal,
    /// The same limited cause came too often in a row.
    Repeated,
    /// The credential is refused, or its source has none.
    Auth,
    /// The attempts of this outage are used up.
    MaxAttempts,
    /// The next wait would end after the time allowed for an outage.
    MaxElapsed,
    /// The table of waits is used up.
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
    /// Whether a limit was reached, so that "reconnect now" may start again; otherwise the cause must be mended and
    /// only a new start does.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::MaxAttempts | Self::MaxElapsed | Self::TableSpent)
    }
}

/// What the driver must do. Exhaustive on purpose: a new command is a breaking change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a driver that skips a command would hang")]
pub enum Action {
    /// Open a transport now. Report [`Event::Opened`](crate::Event::Opened) or
    /// [`Event::OpenFailed`](crate::Event::OpenFailed) with this epoch.
    Open {
        /// The new transport's number.
        epoch: Epoch,
        /// What will be sent on it.
        mode: Mode,
        /// Where to.
        endpoint: Endpoint,
        /// The number of this dial within its outage, counted from 1.
        attempt: u32,
    },
    /// Close the transport, or give up the dial: whatever still comes of it is to be dropped. Never wait for the
    /// other side's answer.
    Close {
        /// Which.
        epoch: Epoch,
        /// The close code to send, if the transport is open by now; `None`: none is, just drop the dial.
        code: Option<u16>,
    },
    /// Identify: ask for a new session.
    Identify {
        /// On which transport.
        epoch: Epoch,
    },
    /// Resume [`Policy::session`](crate::Policy::session): its token and its sequence.
    Resume {
        /// On which transport.
        epoch: Epoch,
    },
    /// Send a heartbeat (with [`SessionState::sequence`](crate::SessionState::sequence), where the protocol has it).
    Heartbeat {
        /// On which transport.
        epoch: Epoch,
    },
    /// Get a fresh credential. Answer with [`Event::CredentialOk`](crate::Event::CredentialOk) or
    /// [`Event::CredentialFailed`](crate::Event::CredentialFailed).
    RefreshCredential {
        /// The number of this request, from 1; after 65,535 comes 1.
        request: u16,
    },
    /// Authenticate on the new session. Answer with [`Event::AuthOk`](crate::Event::AuthOk) or
    /// [`Event::AuthFailed`](crate::Event::AuthFailed).
    Authenticate {
        /// On which transport.
        epoch: Epoch,
    },
    /// Send the subscriptions in [`Policy::subscriptions`](crate::Policy::subscriptions)`().batch()`.
    Restore {
        /// On which transport.
        epoch: Epoch,
        /// The number of this batch, from 1, counted over all connections of this policy; after 2³² - 1 comes 1. Where the
        /// protocol can carry it, send it along and give it back with the answers.
        send: u32,
    },
    /// Token, sequence and endpoint are forgotten.
    DropSession {
        /// Why.
        reason: DropReason,
    },
    /// Terminal, once: nothing more will be tried.
    GaveUp {
        /// Which limit or verdict.
        reason: GiveUp,
        /// What happened last.
        cause: Cause,
    },
}

words!(Action {
    Open => "open",
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

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a fact is used, late or out of place")]
pub enum Disposition {
    /// It was used.
    Applied,
    /// It spoke of a transport that is no longer (or never was) the current one, or answered an older send of a
    /// subscription; nothing changed.
    Stale,
    /// It does not apply in this state; nothing changed.
    Inapplicable,
    /// The set of subscriptions has no room for this one; nothing changed.
    Full,
}

words!(Disposition {
    Applied => "applied",
    Stale => "stale",
    Inapplicable => "inapplicable",
    Full => "full",
});

/// How many actions one call can return.
pub const MAX_ACTIONS: usize = 4;

/// The decisions of one call: execute every one, in order, before the next `handle_*` call.
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

    /// Nothing to do; `applied`: the fact was used.
    #[inline]
    pub(crate) const fn quiet(applied: bool) -> Self {
        Self::ignored(if applied { Disposition::Applied } else { Disposition::Inapplicable })
    }

    #[inline]
    pub(crate) const fn ignored(disposition: Disposition) -> Self {
        Self { items: [None; MAX_ACTIONS], disposition }
    }

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

    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.items, [None, ..])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// The actions in order.
    pub fn iter(&self) -> impl Iterator<Item = Action> + '_ {
        self.items.iter().map_while(|action| *action)
    }

    /// What became of the fact.
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
