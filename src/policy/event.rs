//! What happened: the facts that a policy takes.

use core::convert::Infallible;
use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::classify::Cause;

/// The number of one transport: every action about a transport carries it, every fact about one echoes it.
///
/// A policy hands them out, 1, 2, 3 …; a fact with any but the newest is stale and changes nothing. They are compared
/// for equality only, so the wrap after 2³² - 1 dials is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Epoch(NonZeroU32);

impl Epoch {
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);

    /// For logs and foreign-function borders: the epoch with this number. `None` for 0. Unchecked beyond that, and
    /// harmless: a number that no live transport has is merely stale.
    #[must_use]
    pub const fn from_raw(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    pub(crate) const fn next(self) -> Self {
        match self.0.checked_add(1) {
            Some(next) => Self(next),
            None => Self::FIRST,
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A precondition of the host that may be missing: not signed in, device not ready. The numbers 0 to 31 are the
/// caller's to name; a dial happens only when none is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct HoldReason(u8);

impl HoldReason {
    /// How many there are.
    pub const COUNT: u8 = 32;

    /// The reason with this number; `None` from 32 on.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    pub(crate) const fn bit(self) -> u32 {
        1_u32.wrapping_shl(self.0 as u32)
    }
}

/// A fact: something that happened outside. Past tense; the policy draws the conclusions.
///
/// `T` is the caller's storage of session token and endpoint, `K` that of a subscription's key. Facts about a
/// transport carry its [`Epoch`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[repr(u8)] // A tag of its own, and every epoch at the same place: what is looked at first.
pub enum Event<T = (), K = Infallible> {
    /// The user wants the connection. From a terminal state it starts over.
    Start,
    /// The user does not want it. `keep`: the session is to be resumable later (F72).
    Stop {
        /// Whether the session is kept for the next [`Event::Start`].
        keep: bool,
    },
    /// The user presses "reconnect now": dial at once and begin the ladder again (F17). Overrides every wait but the
    /// minimum interval; a missing precondition still holds it.
    RetryNow,
    /// A precondition of the host is missing.
    Hold(HoldReason),
    /// It is met again.
    Release(HoldReason),
    /// The host says that the network went.
    NetworkDown,
    /// The host says that the network came.
    NetworkUp,
    /// The page is hidden.
    Hidden,
    /// The page is visible again.
    Visible,
    /// The host slept for `gap`.
    Woke {
        /// How long, by a clock that goes on during sleep.
        gap: Duration,
    },
    /// The transport is open.
    Opened {
        /// Which.
        epoch: Epoch,
    },
    /// The dial failed.
    OpenFailed {
        /// Which.
        epoch: Epoch,
        /// Why.
        cause: Cause,
        /// What the server asked to wait for (`Retry-After`, turned into a duration by the driver).
        retry_after: Option<Duration>,
    },
    /// The host could not dial just now and asks to be asked again (F15, S20): not a failure, not counted. This is also
    /// how a budget that several policies share says no: ask it when [`Action::Open`](crate::Action::Open) comes, and
    /// answer with the time that it gives (S60, lifecycle 90).
    NotNow {
        /// Which.
        epoch: Epoch,
        /// When to ask again, 1 ms to a day; `None`: after the first wait of the ladder.
        retry_after: Option<Duration>,
    },
    /// The transport is gone.
    Closed {
        /// Which.
        epoch: Epoch,
        /// Why.
        cause: Cause,
    },
    /// A send on it failed.
    SendFailed {
        /// Which.
        epoch: Epoch,
    },
    /// The protocol's hello.
    Greeting {
        /// On which transport.
        epoch: Epoch,
        /// The heartbeat interval it asks for, rounded up to whole milliseconds, 10 ms to 49 days; none or zero: it asks
        /// for none.
        heartbeat: Option<Duration>,
    },
    /// A new session is established.
    Ready {
        /// On which transport.
        epoch: Epoch,
        /// What is needed to resume it, if it can be.
        token: Option<T>,
        /// Where to resume it, if not at the base endpoint.
        endpoint: Option<T>,
        /// The newest sequence number, where this message carries one.
        sequence: Option<u64>,
        /// How long the server keeps it after a loss, where it says so; in whole milliseconds, rounded down. Of more than
        /// 49 days nothing is made: the server is asked.
        ttl: Option<Duration>,
    },
    /// The old session lives on.
    Resumed {
        /// On which transport.
        epoch: Epoch,
    },
    /// A sequence number was received.
    Sequence {
        /// On which transport.
        epoch: Epoch,
        /// The number.
        n: u64,
    },
    /// The server asks for a reconnect.
    PleaseReconnect {
        /// On which transport.
        epoch: Epoch,
        /// After how long, where it says so.
        after: Option<Duration>,
    },
    /// The server refuses the session.
    SessionInvalid {
        /// On which transport.
        epoch: Epoch,
        /// Whether it may be resumed on another transport.
        resumable: bool,
    },
    /// A heartbeat was acknowledged.
    BeatAcked {
        /// On which transport.
        epoch: Epoch,
    },
    /// The server asks for a heartbeat now.
    BeatRequested {
        /// On which transport.
        epoch: Epoch,
    },
    /// Any other traffic was received.
    Received {
        /// On which transport.
        epoch: Epoch,
    },
    /// The credential is fresh: the answer to [`Action::RefreshCredential`](crate::Action::RefreshCredential).
    CredentialOk {
        /// To which of them; an answer to an older one is stale (lifecycle 59). `None`: to the newest, from a host that
        /// gives up each before it begins the next.
        request: Option<u16>,
    },
    /// The credential could not be refreshed.
    CredentialFailed {
        /// To which request this is the answer.
        request: Option<u16>,
        /// Whether its source will never give one.
        fatal: bool,
    },
    /// The user supplied another credential, unasked (lifecycle 57). A dial that is under way with the old one, up to its
    /// session, is given up and not counted; waits are cut as by good news; a connection stays.
    CredentialNew,
    /// There is no credential any more and won't be, unasked (lifecycle 56): the user was logged out, say. Final, in any
    /// phase but the final ones.
    CredentialLost,
    /// The answer to [`Action::Authenticate`](crate::Action::Authenticate).
    AuthOk {
        /// On which transport.
        epoch: Epoch,
    },
    /// The other answer.
    AuthFailed {
        /// On which transport.
        epoch: Epoch,
        /// Whether no other credential would do.
        fatal: bool,
    },
    /// The user wants this subscription, now and after every reconnect.
    Subscribe {
        /// Which.
        key: K,
        /// Higher is restored first; equals in the order of the wishes.
        priority: i32,
    },
    /// The user no longer wants it.
    Unsubscribe {
        /// Which.
        key: K,
    },
    /// The server confirmed a subscription.
    SubscriptionConfirmed {
        /// On which transport.
        epoch: Epoch,
        /// Which.
        key: K,
        /// Which send it answers, by the number in [`Action::Restore`](crate::Action::Restore). With another number than
        /// that of the newest send of this key it is stale. `None`: the protocol does not say; then it answers the newest.
        send: Option<u32>,
    },
    /// The server refused a subscription, or ended it with an error. Until the key is sent again, further failures of it
    /// change nothing.
    SubscriptionFailed {
        /// On which transport.
        epoch: Epoch,
        /// Which.
        key: K,
        /// Which send it answers, as for [`Event::SubscriptionConfirmed`].
        send: Option<u32>,
        /// Whether to try again in this session.
        retryable: bool,
    },
    /// The server ended a subscription that it had confirmed, without refusing it: it is sent again after the first wait,
    /// and after longer ones if it is lost again and again.
    SubscriptionLost {
        /// On which transport.
        epoch: Epoch,
        /// Which.
        key: K,
    },
}

impl<T, K> Event<T, K> {
    /// The transport it speaks of; `None` for facts of the user and the host.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Start
            | Self::Stop { .. }
            | Self::RetryNow
            | Self::Hold(_)
            | Self::Release(_)
            | Self::NetworkDown
            | Self::NetworkUp
            | Self::Hidden
            | Self::Visible
            | Self::Woke { .. }
            | Self::CredentialOk { .. }
            | Self::CredentialNew
            | Self::CredentialLost
            | Self::CredentialFailed { .. }
            | Self::Subscribe { .. }
            | Self::Unsubscribe { .. } => None,
            Self::Opened { epoch }
            | Self::OpenFailed { epoch, .. }
            | Self::NotNow { epoch, .. }
            | Self::Closed { epoch, .. }
            | Self::SendFailed { epoch }
            | Self::Greeting { epoch, .. }
            | Self::Ready { epoch, .. }
            | Self::Resumed { epoch }
            | Self::Sequence { epoch, .. }
            | Self::PleaseReconnect { epoch, .. }
            | Self::SessionInvalid { epoch, .. }
            | Self::BeatAcked { epoch }
            | Self::BeatRequested { epoch }
            | Self::Received { epoch }
            | Self::AuthOk { epoch }
            | Self::AuthFailed { epoch, .. }
            | Self::SubscriptionConfirmed { epoch, .. }
            | Self::SubscriptionFailed { epoch, .. }
            | Self::SubscriptionLost { epoch, .. } => Some(*epoch),
        }
    }
}
