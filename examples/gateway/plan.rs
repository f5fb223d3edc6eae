//! A fault taken apart: what is done to the connection that is up, and how the next ones are received.

use std::time::Duration;

/// What is done to the connection that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// TCP ends without a close frame.
    Drop,
    /// A close frame, with a code or without.
    Close(Option<u16>),
    /// op 7, and a close frame without code 100 ms later.
    ReconnectThenClose,
    /// Heartbeats are no longer acknowledged; everything else goes on.
    StopAcks,
    /// op 9 with `true`.
    InvalidSession,
    /// Pings without end, and nothing is read any more.
    Pings,
    /// A message in empty pieces without end, and nothing is read any more.
    Fragments,
    /// An event with a sequence number that can't be right, and 200 ms later a drop.
    WildSequence,
    /// Another READY, of another session, that nobody asked for.
    Ready,
    /// A hello, which comes late.
    Greet,
    /// op 7 that says in how long the connection will be cut, and a drop at that time.
    Warn(Duration),
    /// A drop in so long, without a word before.
    Expire(Duration),
    /// op 7 that names another URL. The connection is served until its session has moved there.
    Move,
}

/// What an upgrade is refused with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// With `Retry-After: 1`.
    pub(crate) wait: bool,
}

/// How the next connections are received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Welcome {
    #[default]
    Normal,
    /// TCP only: the upgrade is never answered.
    NeverAnswer,
    /// An HTTP status instead of the upgrade.
    Http(Answer),
    /// Upgraded, then a close frame without code.
    CloseAtOnce,
    /// Upgraded, then op 7 where the hello should be.
    ReconnectInsteadOfHello,
    /// Upgraded, then nothing.
    Silence,
    /// Upgraded, and greeted so long after the connection before it was cut.
    Late(Duration),
    /// Hello, then nothing: no acks, no READY, no RESUMED.
    HelloOnly,
    /// Hello, and a resume is answered by op 9 with `false`.
    RefuseResume,
    /// Hello, and a resume is answered by closing with this code.
    CloseOnResume(u16),
}

/// What becomes of the listeners while the fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    Up,
    /// Both are closed for this long.
    AllDown(Duration),
    /// The resume endpoint is closed until the client is healthy again.
    ResumeDown,
}

/// A fault taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) order: Order,
    pub(crate) welcome: Welcome,
    /// How many connections in a row get this welcome.
    pub(crate) times: u32,
    pub(crate) ports: Ports,
    /// The connection that is up is dropped as soon as the next one is accepted.
    pub(crate) strikes_on_dial: bool,
    /// It is not over before this.
    pub(crate) lasts: Duration,
}

/// Seconds in every `Retry-After` of the server.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Close codes after which the session is gone on the server's side.
pub(crate) const fn ends_session(code: u16) -> bool {
    matches!(code, 4004 | 4007 | 4009)
}

impl Welcome {
    /// An HTTP status instead of the upgrade, without a time to wait.
    pub(crate) const fn http(status: u16) -> Self {
        Self::Http(Answer { status, wait: false })
    }
}

impl Plan {
    pub(crate) const fn now(order: Order) -> Self {
        Self {
            order,
            welcome: Welcome::Normal,
            times: 0,
            ports: Ports::Up,
            strikes_on_dial: false,
            lasts: Duration::ZERO,
        }
    }

    /// The connection is cut at the deadline of a warning, and the fault lasts that long.
    pub(crate) const fn warned(deadline: Duration) -> Self {
        Self { lasts: deadline, ..Self::now(Order::Warn(deadline)) }
    }

    /// The next connections are received like this.
    pub(crate) const fn welcome(self, welcome: Welcome, times: u32) -> Self {
        Self { welcome, times, ..self }
    }

    pub(crate) const fn refused(status: u16, wait: bool) -> Self {
        Self::next(Welcome::Http(Answer { status, wait }), 1)
    }

    pub(crate) const fn next(welcome: Welcome, times: u32) -> Self {
        Self::now(Order::Drop).welcome(welcome, times)
    }
}
