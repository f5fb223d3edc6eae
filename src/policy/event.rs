//! What happened: the events that a policy takes.

use core::convert::Infallible;
use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use super::retry_after::RetryAfter;
use crate::classify::Cause;
use crate::words::words;

/// The number of one transport. Every action about a transport carries it, and every event of a transport returns it.
///
/// A policy numbers its dials 1, 2, 3 and so on. An event with any epoch but the newest is stale and changes nothing. With a
/// [handover](crate::handover) two transports are alive at a time, and so are both their epochs.
/// Epochs are compared for equality only, so that the wrap to 1 after 2³² - 1 dials is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Epoch(NonZeroU32);

impl Epoch {
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);

    /// The epoch with this number, for logs and foreign functions; `None` for 0. Nothing else is checked: an event with a
    /// number that no live transport has is stale.
    #[must_use]
    pub const fn from_raw(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, from 1.
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

/// A precondition of the host that may be missing: not signed in, device not ready.
///
/// The caller gives a meaning to each of the numbers 0 to 31. The policy dials only while none of them is
/// [held](Event::Hold).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct HoldReason(u8);

impl HoldReason {
    /// The number of reasons.
    pub const COUNT: u8 = 32;

    #[cfg(feature = "testing")]
    pub(crate) const FIRST: Self = Self(0);

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

/// An event: something that happened outside the policy. The policy draws the conclusions.
///
/// `T` is the caller's storage of a session's token and endpoint, `K` that of a subscription's key.
///
/// An event of a transport carries that transport's [`Epoch`], as [`Action::Open`](crate::Action::Open) gave it. With any
/// other epoch than the newest one's, or after the transport has ended, it is
/// [stale](crate::Disposition::Stale) and changes nothing; a [`Handover`](crate::handover::Handover) also takes those of the
/// connection while its successor is dialled, and the end of the one that drains. An event that does not apply to the present state is
/// [inapplicable](crate::Disposition::Inapplicable). Both are harmless, so a caller reports what it sees and need not keep
/// track.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[repr(u8)] // A tag of its own, and the epoch at the same place in every variant: these are read first.
pub enum Event<T = (), K = Infallible> {
    /// The user starts the connection. A policy that has stopped or given up starts over.
    Start,
    /// The user stops the connection. What the server said about backoff and endpoint is forgotten.
    Stop {
        /// Whether the session is kept, so that the next [`Event::Start`] resumes it.
        keep: bool,
    },
    /// The user asks for a reconnect now. The policy dials at once and resets the backoff and the breaker. Only the
    /// [minimum interval](crate::Config::min_interval) still delays the dial, and a [hold](Event::Hold), a missing
    /// network or a hidden page still forbids it. After the policy gave up, this starts it again where that [may help](crate::GiveUp::is_limit).
    #[doc(alias = "reconnect")]
    #[doc(alias = "retry")]
    RetryNow,
    /// A precondition of the host is missing: no dial until it is [released](Event::Release).
    Hold(HoldReason),
    /// A precondition of the host is met again.
    Release(HoldReason),
    /// The host reports that the network is down. See [`OnNetworkDown`](crate::policy::OnNetworkDown).
    #[doc(alias = "offline")]
    NetworkDown,
    /// The host reports that the network is up. A wait is cut short, and the backoff starts over with the next failure.
    #[doc(alias = "online")]
    NetworkUp,
    /// The page, or the app, is hidden. See [`Config::defer_while_hidden`](crate::Config::defer_while_hidden).
    Hidden,
    /// The page, or the app, is visible again. See [`OnVisible`](crate::policy::OnVisible).
    Visible,
    /// The host resumes from a sleep of `gap`. See [`OnWake`](crate::policy::OnWake).
    #[doc(alias = "wake")]
    #[doc(alias = "sleep")]
    HostResumed {
        /// How long it slept, by a clock that runs during sleep.
        gap: Duration,
        /// Whether the clock that `now` comes from ran during the sleep. If it did not (`CLOCK_MONOTONIC` of Linux, which
        /// `std` and tokio use, or `mach_absolute_time` of macOS), the gap is added to whatever was running: the session's
        /// time to live, the waits that a server asked for, the breaker, a credential's time to live, the connection's age.
        counted: bool,
    },
    /// The default route has changed, from Wi-Fi to mobile for instance, without an outage in between. An open connection is
    /// bound to the old route: see [`OnNetworkChange`](crate::policy::OnNetworkChange). A dial in progress is dialled again
    /// and not counted; a wait is cut short as by [`Event::NetworkUp`].
    NetworkChanged,
    /// The user asks for another connection in place of this one. A live connection is closed, its session kept, and the
    /// policy dials at once. A dial in progress is dialled again, at once the first time and after the first wait of the
    /// backoff when this is repeated. A wait ends as by [`Event::RetryNow`].
    #[doc(alias = "reconnect")]
    Redial,
    /// The server sets the first wait of the backoff (`retry:` of server-sent events). It holds until the next such event or
    /// a stop, and is at most the cap. With zero the first retry is immediate, and the curve continues with the first wait
    /// of the config.
    BackoffHint {
        /// The first wait.
        base: Duration,
    },
    /// The transport is open.
    Opened {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// The dial failed. After [`Event::Opened`] it counts as the loss of the transport.
    OpenFailed {
        /// The transport's epoch.
        epoch: Epoch,
        /// Why the dial failed.
        cause: Cause,
        /// How long the server asks the client to wait (`Retry-After`, which the driver turns into a duration), and what it
        /// means by it.
        retry_after: Option<RetryAfter>,
    },
    /// The host can't dial at the moment and is to be asked again. The attempt is not counted and is no failure.
    ///
    /// A budget that several policies share says no in the same way: ask it when [`Action::Open`](crate::Action::Open)
    /// comes, and answer with the time that it gives.
    NotNow {
        /// The transport's epoch.
        epoch: Epoch,
        /// When to ask again, from 1 ms to a day; values outside are clamped. `None`: after the first wait of the backoff.
        retry_after: Option<Duration>,
    },
    /// The transport is closed, by the peer or by an error.
    #[doc(alias = "disconnect")]
    Closed {
        /// The transport's epoch.
        epoch: Epoch,
        /// Why it closed.
        cause: Cause,
    },
    /// A send failed. The transport is closed and counts as lost.
    SendFailed {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// What was under way on the connection that a successor replaced has ended, so that it may be closed: see
    /// [`handover::Config::drain`](crate::handover::Config::drain).
    #[doc(alias = "goaway")]
    Drained {
        /// The epoch of the connection that was replaced.
        epoch: Epoch,
    },
    /// The server's first message, where the protocol has one before anything is sent.
    #[doc(alias = "hello")]
    Greeting {
        /// The transport's epoch.
        epoch: Epoch,
        /// The heartbeat interval that the server asks for, rounded up to whole milliseconds and clamped to 10 ms to a day.
        /// `None` or zero: the server asks for none, and that of the config is used.
        heartbeat: Option<Duration>,
    },
    /// A new session is established.
    Ready {
        /// The transport's epoch.
        epoch: Epoch,
        /// What a resume sends. `None`: the session can't be resumed.
        token: Option<T>,
        /// Where to resume it. `None`: at the base endpoint.
        endpoint: Option<T>,
        /// The newest sequence number, where this message carries one.
        sequence: Option<u64>,
        /// How long the server keeps the session after its last sign of life, in whole milliseconds, rounded down. `None`, or more than 49
        /// days: no time is assumed, and the resume asks the server.
        ttl: Option<Duration>,
    },
    /// The server resumed the session. A server that begins one where it has none to resume (MQTT) may have done so unheard: what is
    /// present after a resume without an answer is a new session, and [`Ready`](Self::Ready) tells it.
    Resumed {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// A message with a sequence number was received.
    Sequence {
        /// The transport's epoch.
        epoch: Epoch,
        /// The sequence number. One that is not above the session's newest changes nothing.
        sequence: u64,
    },
    /// The server asks the client to reconnect.
    #[doc(alias = "reconnect")]
    #[doc(alias = "goaway")]
    ReconnectRequested {
        /// The transport's epoch.
        epoch: Epoch,
        /// How long the server asks the client to wait before it dials. It counts where the connection is closed now, or
        /// replaced at another endpoint; not beside a `deadline`, which says itself when the dial comes. For a planned restart
        /// of many clients take a [window](RetryAfter::Window): each is back once, and no wave comes.
        retry_after: Option<RetryAfter>,
        /// When the server will cut the connection. A live connection is then kept until a time drawn from the first half of
        /// this span, and the next dial is immediate.
        deadline: Option<Duration>,
    },
    /// The server names another endpoint (MQTT 5 "use another server", XMPP `see-other-host`, Twitch's reconnect URL). The
    /// next dial goes there, as [`Endpoint::Redirect`](crate::policy::Endpoint::Redirect).
    ///
    /// Report it before the loss or the request that it came with: that loss is then not classified, and waits as a
    /// transient one. At most [`Config::redirects`](crate::Config::redirects) of them are followed in one outage.
    /// After a failure there that names no other endpoint the configured endpoints are dialled again.
    Redirected {
        /// The transport's epoch.
        epoch: Epoch,
        /// The endpoint to dial.
        endpoint: T,
        /// Whether it holds for every dial until a stop. Otherwise it holds for the next dial.
        permanent: bool,
    },
    /// The server sends a new position to resume from: an event id, a cursor. The session's endpoint, time to live and
    /// sequence stay. Where there is no session, this starts one.
    Cursor {
        /// The transport's epoch.
        epoch: Epoch,
        /// The new [`SessionState::token`](crate::SessionState::token).
        token: T,
    },
    /// The server sets the heartbeat interval after the greeting (MQTT's Server Keep Alive). The next heartbeat is due one
    /// interval from now at the latest. The interval holds for this connection; zero changes nothing.
    #[doc(alias = "keepalive")]
    KeepAlive {
        /// The transport's epoch.
        epoch: Epoch,
        /// The interval, clamped as in [`Event::Greeting`].
        interval: Duration,
    },
    /// The server refuses the session. The connection is closed, and the next dial comes after the wait of the backoff. A server
    /// that grants a new session on the same connection instead is told by [`Event::Ready`].
    SessionInvalid {
        /// The transport's epoch.
        epoch: Epoch,
        /// Whether the session may still be resumed on another transport. Otherwise it is dropped.
        resumable: bool,
    },
    /// The server acknowledged a heartbeat.
    #[doc(alias = "pong")]
    HeartbeatAcked {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// The server asks for a heartbeat now.
    #[doc(alias = "ping")]
    HeartbeatRequested {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// Anything else was received. It counts as a sign of life where the heartbeat takes
    /// [any traffic](crate::heartbeat::Liveness::AnyTraffic), and renews the session's time to live.
    Received {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// A fresh credential is available: the answer to [`Action::RefreshCredential`](crate::Action::RefreshCredential).
    CredentialOk {
        /// The number of the request that this answers; the answer to an older request is stale. `None`: the newest, for a
        /// host that cancels each request before it makes the next.
        request: Option<u16>,
        /// How long the credential is valid. It is renewed ahead of its end, see
        /// [`CredentialConfig::lead`](crate::policy::CredentialConfig::lead). `None` or zero: not known.
        ttl: Option<Duration>,
    },
    /// The credential could not be refreshed: the other answer to
    /// [`Action::RefreshCredential`](crate::Action::RefreshCredential).
    CredentialFailed {
        /// The number of the request that this answers, as in [`Event::CredentialOk`].
        request: Option<u16>,
        /// Whether a later request would fail as well. Then the policy gives up, unless a connection is live.
        fatal: bool,
    },
    /// The user supplied another credential, without being asked. A dial in progress, up to its session, is dialled again and
    /// not counted; a wait is cut short. A live connection stays, and is authenticated again where the config says
    /// [in band](crate::policy::CredentialConfig::in_band).
    CredentialNew,
    /// The credential is gone and there is no other, after a logout for instance. The policy gives up, whatever its state.
    CredentialLost,
    /// The server accepted the authentication: the answer to [`Action::Authenticate`](crate::Action::Authenticate).
    AuthOk {
        /// The transport's epoch.
        epoch: Epoch,
    },
    /// The server refused the authentication: the other answer to [`Action::Authenticate`](crate::Action::Authenticate), and
    /// inapplicable while none was asked for. A login that is part of [`Action::Identify`](crate::Action::Identify) and is refused
    /// ends the connection: report [`Event::Closed`] with [`Cause::AuthRejected`], where another credential may do, or
    /// [`Cause::AuthDenied`], where none will.
    AuthFailed {
        /// The transport's epoch.
        epoch: Epoch,
        /// Whether every other credential would be refused as well. Then the policy gives up.
        fatal: bool,
    },
    /// The user subscribes to a key, on this connection and on every later one. Where the set is full the disposition is
    /// [`Full`](crate::Disposition::Full).
    Subscribe {
        /// The subscription's key.
        key: K,
        /// Its priority. Higher ones are restored first, equal ones in the order in which they were subscribed.
        priority: i32,
    },
    /// The user unsubscribes from a key. A server that resumes a session does not hear of what was unsubscribed while the
    /// connection was down: where that matters, unsubscribe on the connection after [`Event::Resumed`].
    Unsubscribe {
        /// The subscription's key.
        key: K,
    },
    /// The server confirmed a subscription.
    SubscriptionConfirmed {
        /// The transport's epoch.
        epoch: Epoch,
        /// The subscription's key.
        key: K,
        /// The number of the send that this answers, from [`Action::Restore`](crate::Action::Restore). The answer to any
        /// other send than the key's newest is stale. `None`: the protocol does not say, and the newest is meant.
        send: Option<u32>,
    },
    /// The server refused a subscription, or ended it with an error. Further failures of the key change nothing until it is
    /// sent again.
    SubscriptionFailed {
        /// The transport's epoch.
        epoch: Epoch,
        /// The subscription's key.
        key: K,
        /// The number of the send that this answers, as in [`Event::SubscriptionConfirmed`].
        send: Option<u32>,
        /// Whether to send it again in this session. Otherwise it is sent again in the next new session, or when the user
        /// subscribes again.
        retryable: bool,
    },
    /// The server ended a confirmed subscription without refusing it. It is sent again after the first wait of the backoff,
    /// and after longer waits if it is lost again and again.
    SubscriptionLost {
        /// The transport's epoch.
        epoch: Epoch,
        /// The subscription's key.
        key: K,
    },
}

words!([T, K] Event<T, K> {
    Start => "start",
    Stop => "stop",
    RetryNow => "retry_now",
    Hold => "hold",
    Release => "release",
    NetworkDown => "net_down",
    NetworkUp => "net_up",
    Hidden => "hidden",
    Visible => "visible",
    HostResumed => "woke",
    NetworkChanged => "network_changed",
    Redial => "redial",
    BackoffHint => "backoff_hint",
    Opened => "opened",
    OpenFailed => "open_failed",
    NotNow => "not_now",
    Closed => "closed",
    SendFailed => "send_failed",
    Greeting => "greeting",
    Ready => "ready",
    Resumed => "resumed",
    Sequence => "seq",
    ReconnectRequested => "please_reconnect",
    Drained => "drained",
    Redirected => "redirected",
    Cursor => "cursor",
    KeepAlive => "keep_alive",
    SessionInvalid => "session_invalid",
    HeartbeatAcked => "beat_ack",
    HeartbeatRequested => "beat_requested",
    Received => "rx",
    CredentialOk => "credential_ok",
    CredentialFailed => "credential_failed",
    CredentialNew => "credential_new",
    CredentialLost => "credential_lost",
    AuthOk => "auth_ok",
    AuthFailed => "auth_failed",
    Subscribe => "subscribe",
    Unsubscribe => "unsubscribe",
    SubscriptionConfirmed => "sub_confirmed",
    SubscriptionFailed => "sub_failed",
    SubscriptionLost => "sub_lost",
});

impl<T, K> Event<T, K> {
    /// Whether it is of a transport but not a sign of life: nothing was received from the peer.
    pub(super) const fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Opened { .. }
                | Self::OpenFailed { .. }
                | Self::NotNow { .. }
                | Self::Closed { .. }
                | Self::SendFailed { .. }
                | Self::Drained { .. }
        )
    }

    /// The epoch of the event's transport; `None` for events of the user and the host.
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
            | Self::Drained { epoch }
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
