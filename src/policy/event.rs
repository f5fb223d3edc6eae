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

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
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
    HostResumed {
        /// How long, by a clock that goes on during sleep.
        gap: Duration,
        /// Whether the clock that `now` comes from went on during the sleep. If not (Linux's `CLOCK_MONOTONIC`, which
        /// `std` and tokio use; macOS's `mach_absolute_time`), the gap is added to whatever was running: the session's
        /// time to live, floors, the breaker, a credential's end, the age of the connection.
        counted: bool,
    },
    /// The default route moved (Wi-Fi to mobile), and nothing went down in between. What is open was bound to the old one:
    /// see [`OnNetworkChange`](crate::policy::OnNetworkChange). A dial under way is begun anew, uncounted; waits are cut as by the
    /// network's return.
    NetworkChanged,
    /// The user wants this connection replaced now. Online it is closed, with its session kept, and dialled at once; a dial
    /// is given up and begun anew, the second in a row with the first wait's distance; a wait is ended as by
    /// [`Event::RetryNow`].
    Redial,
    /// The server sets the first wait of the backoff (`retry:` of server-sent events), until another one or a stop; at most
    /// the cap. Of 0: the first retry is at once, and the curve goes on from the config's first wait.
    BackoffHint {
        /// The first wait.
        base: Duration,
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
        /// The heartbeat interval it asks for, rounded up to whole milliseconds, 10 ms to a day; none or zero: it asks
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
        sequence: u64,
    },
    /// The server asks for a reconnect.
    ReconnectRequested {
        /// On which transport.
        epoch: Epoch,
        /// After how long, where it says so.
        retry_after: Option<Duration>,
        /// In how long it will cut the connection, where it says so. Online, the connection is then kept until a time drawn
        /// in the first half of that, and dialled anew at once.
        deadline: Option<Duration>,
    },
    /// The server names another endpoint (MQTT 5 "use another server", XMPP see-other-host, Twitch's reconnect URL): the next
    /// dial goes there, as [`Endpoint::Redirect`](crate::policy::Endpoint::Redirect). Say it before the loss or the request that it
    /// came with: that loss is not judged then, and waits like any other. At most
    /// [`Config::with_redirects`](crate::Config::with_redirects) in one outage; after a failure there that names no other,
    /// the configured endpoints again.
    Redirected {
        /// On which transport.
        epoch: Epoch,
        /// Where to.
        endpoint: T,
        /// Whether it goes for every dial until a stop; otherwise for the next one.
        permanent: bool,
    },
    /// The place to resume from is now this: an event id, a cursor. Endpoint, time to live and sequence of the session stay;
    /// where there was no session, this is one.
    Cursor {
        /// On which transport.
        epoch: Epoch,
        /// What [`SessionState::token`](crate::SessionState::token) is from now on.
        token: T,
    },
    /// The server sets the interval of the heartbeat, after the greeting (MQTT's Server Keep Alive): the next beat is due so
    /// long after this at the latest. It ends with the connection; 0 says nothing.
    KeepAlive {
        /// On which transport.
        epoch: Epoch,
        /// The interval, bounded as in [`Event::Greeting`].
        interval: Duration,
    },
    /// The server refuses the session.
    SessionInvalid {
        /// On which transport.
        epoch: Epoch,
        /// Whether it may be resumed on another transport.
        resumable: bool,
    },
    /// A heartbeat was acknowledged.
    HeartbeatAcked {
        /// On which transport.
        epoch: Epoch,
    },
    /// The server asks for a heartbeat now.
    HeartbeatRequested {
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
        /// How long it will be good for, where that is known: it is renewed ahead of its end, see
        /// [`CredentialConfig::with_lead`](crate::policy::CredentialConfig::with_lead). Zero says nothing.
        ttl: Option<Duration>,
    },
    /// The credential could not be refreshed.
    CredentialFailed {
        /// To which request this is the answer.
        request: Option<u16>,
        /// Whether its source will never give one.
        fatal: bool,
    },
    /// The user supplied another credential, unasked (lifecycle 57). A dial that is under way with the old one, up to its
    /// session, is given up and not counted; waits are cut as by good news; a connection stays, and is authenticated anew
    /// where the config says [in band](crate::policy::CredentialConfig::with_in_band).
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
    /// It speaks of a transport, but nothing of the other side's came in with it.
    pub(super) const fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Opened { .. }
                | Self::OpenFailed { .. }
                | Self::NotNow { .. }
                | Self::Closed { .. }
                | Self::SendFailed { .. }
        )
    }

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
            | Self::HostResumed { .. }
            | Self::NetworkChanged
            | Self::Redial
            | Self::BackoffHint { .. }
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
            | Self::ReconnectRequested { epoch, .. }
            | Self::Redirected { epoch, .. }
            | Self::Cursor { epoch, .. }
            | Self::KeepAlive { epoch, .. }
            | Self::SessionInvalid { epoch, .. }
            | Self::HeartbeatAcked { epoch }
            | Self::HeartbeatRequested { epoch }
            | Self::Received { epoch }
            | Self::AuthOk { epoch }
            | Self::AuthFailed { epoch, .. }
            | Self::SubscriptionConfirmed { epoch, .. }
            | Self::SubscriptionFailed { epoch, .. }
            | Self::SubscriptionLost { epoch, .. } => Some(*epoch),
        }
    }
}
