//! The faults of the show, as data: what the server does to the client, and what a good client makes of it.

use std::time::Duration;

use crate::plan::{Order, Plan, Ports, Welcome};

/// One way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fault {
    Drop,
    CloseWithoutCode,
    ReconnectThenClose,
    ReconnectInsteadOfHello,
    SilenceInsteadOfHello,
    HelloThenSilence,
    AcksStop,
    AcceptThenClose,
    InvalidSessionTrue,
    InvalidSessionFalse,
    SessionTimedOut,
    InvalidSequence,
    PortRefused,
    NeverAnswers,
    Http503,
    Http429,
    Http404,
    Http200,
    Http302,
    Http403,
    Http418,
    ResumeEndpointDead,
    PingFlood,
    EndlessFragments,
    WildSequence,
    SecondReady,
    PlannedRotation,
    Deploy,
    DeployTooSlow,
    WarnedThenDropped,
    Moved,
    Drained,
    /// Not in the script: a client that knows the age replaces its connection before.
    #[value(skip)]
    Aged,
    Fatal,
}

/// What a good client does about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Goes on with the old session on a new connection while the old one serves: no event may be lost or come twice, and
    /// at no time is there no connection.
    Handover,
    /// Goes on with the old session: no event may be lost or come twice.
    Resume,
    /// Identifies again: the old session is gone, and with it what was not delivered yet.
    Fresh,
    /// Never dials again.
    Stop,
}

impl Fault {
    /// All of them, in the order of the show. The fatal one is last. The dead resume endpoint comes before those that
    /// make the client leave that endpoint for good, which only a new session gives back; the planned ends come after one.
    pub(crate) const SCRIPT: [Self; 33] = [
        Self::Drop,
        Self::CloseWithoutCode,
        Self::ReconnectThenClose,
        Self::ReconnectInsteadOfHello,
        Self::SilenceInsteadOfHello,
        Self::HelloThenSilence,
        Self::AcksStop,
        Self::AcceptThenClose,
        Self::PingFlood,
        Self::EndlessFragments,
        Self::WildSequence,
        Self::SecondReady,
        Self::InvalidSessionTrue,
        Self::ResumeEndpointDead,
        Self::InvalidSessionFalse,
        Self::SessionTimedOut,
        Self::InvalidSequence,
        Self::PlannedRotation,
        Self::Deploy,
        Self::DeployTooSlow,
        Self::WarnedThenDropped,
        Self::Moved,
        Self::Drained,
        Self::PortRefused,
        Self::NeverAnswers,
        Self::Http503,
        Self::Http429,
        Self::Http404,
        Self::Http200,
        Self::Http302,
        Self::Http403,
        Self::Http418,
        Self::Fatal,
    ];

    /// The script with these faults only; all of it where there are none. The fatal one stays the last.
    pub(crate) fn script(only: &[Self]) -> Vec<Self> {
        let played = |fault: &Self| only.is_empty() || *fault == Self::Fatal || only.contains(fault);
        Self::SCRIPT.into_iter().filter(played).collect()
    }

    /// For the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Drop => "plain drop",
            Self::CloseWithoutCode => "close without code",
            Self::ReconnectThenClose => "op 7, then close",
            Self::ReconnectInsteadOfHello => "op 7 instead of hello",
            Self::SilenceInsteadOfHello => "silence instead of hello",
            Self::HelloThenSilence => "hello, then silence",
            Self::AcksStop => "acks stop",
            Self::AcceptThenClose => "accept, then close, x8",
            Self::InvalidSessionTrue => "invalid session, true",
            Self::InvalidSessionFalse => "invalid session, false",
            Self::SessionTimedOut => "close 4009",
            Self::InvalidSequence => "close 4007",
            Self::PortRefused => "port refused",
            Self::NeverAnswers => "upgrade never answered",
            Self::Http503 => "HTTP 503, Retry-After",
            Self::Http429 => "HTTP 429, Retry-After",
            Self::Http404 => "HTTP 404, x4",
            Self::Http200 => "HTTP 200",
            Self::Http302 => "HTTP 302",
            Self::Http403 => "HTTP 403, Retry-After",
            Self::Http418 => "HTTP 418, Retry-After",
            Self::ResumeEndpointDead => "resume endpoint dead",
            Self::PingFlood => "pings, pongs unread",
            Self::EndlessFragments => "endless empty fragments",
            Self::WildSequence => "sequence number 2^64 - 1",
            Self::SecondReady => "a second READY",
            Self::PlannedRotation => "planned rotation",
            Self::Deploy => "deploy with a deadline",
            Self::DeployTooSlow => "deploy past its deadline",
            Self::WarnedThenDropped => "warned, then dropped",
            Self::Moved => "moved to another URL",
            Self::Drained => "warned amid requests",
            Self::Aged => "cut at an age",
            Self::Fatal => "close 4004, fatal",
        }
    }

    /// One line for the timeline.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Drop => "the TCP connection ends without a close frame",
            Self::CloseWithoutCode => "a close frame that carries no code",
            Self::ReconnectThenClose => "the server asks for a reconnect, and closes 100 ms later",
            Self::ReconnectInsteadOfHello => {
                "dropped; the next connection is asked to reconnect before any hello"
            }
            Self::SilenceInsteadOfHello => "dropped; the next connection opens and never gets a hello",
            Self::HelloThenSilence => "dropped; the next connection gets a hello and nothing after it",
            Self::AcksStop => "heartbeats are no longer acknowledged while events go on",
            Self::AcceptThenClose => "dropped; the next eight connections are upgraded and closed at once",
            Self::InvalidSessionTrue => "op 9 while connected: the session may be resumed",
            Self::InvalidSessionFalse => "dropped; the resume is answered by op 9: the session is gone",
            Self::SessionTimedOut => "closed with 4009: the session has timed out",
            Self::InvalidSequence => "dropped; the resume is answered by closing with 4007: identify again",
            Self::PortRefused => "dropped; both ports refuse connections for 700 ms",
            Self::NeverAnswers => {
                "dropped; the next connection is accepted but its upgrade is never answered"
            }
            Self::Http503 => "dropped; the next upgrade is answered with 503 and Retry-After: 1",
            Self::Http429 => "dropped; the next upgrade is answered with 429 and Retry-After: 1",
            Self::Http404 => "dropped; the route is gone for the next four upgrades, as in a deploy",
            Self::Http200 => "dropped; a page is the answer to the next upgrade",
            Self::Http302 => "dropped; the next upgrade is redirected, to a login page, say",
            Self::Http403 => "dropped; the next upgrade is answered with 403 and Retry-After: 1",
            Self::Http418 => "dropped; the next upgrade is answered with 418 and Retry-After: 1",
            Self::ResumeEndpointDead => "dropped; the resume URL refuses connections, the base URL lives",
            Self::PingFlood => "pings without end while nothing is read, neither pongs nor heartbeats",
            Self::EndlessFragments => "a message that goes on in empty fragments, and nothing is read",
            Self::WildSequence => "an event with a sequence number above all others; dropped after 200 ms",
            Self::SecondReady => "READY of another session while connected, whose numbers begin at 1",
            Self::PlannedRotation => "the server warns that it will cut the connection in 1 s, and does",
            Self::Deploy => "warned of a cut in 1.2 s; the next two upgrades are answered with 503",
            Self::DeployTooSlow => "warned of a cut in 200 ms; the next hello comes 100 ms after it",
            Self::WarnedThenDropped => {
                "warned of a cut in 400 ms, but dropped as soon as the next one is dialled"
            }
            Self::Drained => {
                "warned of a cut in 1 s; each request is answered 200 ms later, where it was made"
            }
            Self::Aged => "the server cuts a connection without a word when it is 1 s old",
            Self::Moved => "the server names another URL to reconnect to, and serves until that is done",
            Self::Fatal => "closed with 4004: authentication failed, never come again",
        }
    }

    pub(crate) const fn expect(self) -> Expect {
        match self {
            Self::InvalidSessionFalse | Self::SessionTimedOut | Self::InvalidSequence | Self::SecondReady => {
                Expect::Fresh
            }
            Self::PlannedRotation | Self::Deploy | Self::Moved | Self::Drained | Self::Aged => {
                Expect::Handover
            }
            Self::Fatal => Expect::Stop,
            _ => Expect::Resume,
        }
    }

    /// Whether the server keeps the session, so that no event may be lost or come twice.
    pub(crate) const fn could_resume(self) -> bool {
        matches!(self.expect(), Expect::Resume | Expect::Handover)
    }

    /// How many sockets the client may have at once: a second one only where the server announces the end of the first.
    pub(crate) const fn sockets(self) -> usize {
        match self {
            Self::PlannedRotation
            | Self::Deploy
            | Self::DeployTooSlow
            | Self::WarnedThenDropped
            | Self::Moved
            | Self::Drained
            | Self::Aged => 2,
            _ => 1,
        }
    }

    pub(crate) const fn plan(self) -> Plan {
        match self {
            Self::Drop => Plan::now(Order::Drop),
            Self::CloseWithoutCode => Plan::now(Order::Close(None)),
            Self::ReconnectThenClose => Plan::now(Order::ReconnectThenClose),
            Self::AcksStop => Plan::now(Order::StopAcks),
            Self::InvalidSessionTrue => Plan::now(Order::InvalidSession),
            Self::SessionTimedOut => Plan::now(Order::Close(Some(4009))),
            Self::PingFlood => Plan::now(Order::Pings),
            Self::EndlessFragments => Plan::now(Order::Fragments),
            Self::WildSequence => Plan::now(Order::WildSequence),
            Self::SecondReady => Plan::now(Order::Ready),
            Self::Fatal => Plan::now(Order::Close(Some(4004))),
            Self::PlannedRotation | Self::Drained => Plan::warned(Duration::from_secs(1)),
            Self::Deploy => Plan::warned(Duration::from_millis(1_200)).welcome(Welcome::http(503), 2),
            Self::DeployTooSlow => {
                Plan::warned(Duration::from_millis(200)).welcome(Welcome::Late(Duration::from_millis(100)), 1)
            }
            Self::WarnedThenDropped => Plan {
                strikes_on_dial: true,
                ..Plan::warned(Duration::from_millis(400))
                    .welcome(Welcome::Late(Duration::from_millis(100)), 1)
            },
            Self::Moved => Plan::now(Order::Move),
            Self::Aged => Plan::now(Order::Expire(Duration::from_secs(1))),
            Self::ReconnectInsteadOfHello => Plan::next(Welcome::ReconnectInsteadOfHello, 1),
            Self::SilenceInsteadOfHello => Plan::next(Welcome::Silence, 1),
            Self::HelloThenSilence => Plan::next(Welcome::HelloOnly, 1),
            Self::AcceptThenClose => Plan::next(Welcome::CloseAtOnce, 8),
            Self::InvalidSessionFalse => Plan::next(Welcome::RefuseResume, 1),
            Self::InvalidSequence => Plan::next(Welcome::CloseOnResume(4007), 1),
            Self::NeverAnswers => Plan::next(Welcome::NeverAnswer, 1),
            Self::Http503 => Plan::refused(503, true),
            Self::Http429 => Plan::refused(429, true),
            Self::Http404 => Plan { times: 4, ..Plan::refused(404, false) },
            Self::Http200 => Plan::refused(200, false),
            Self::Http302 => Plan::refused(302, false),
            Self::Http403 => Plan::refused(403, true),
            Self::Http418 => Plan::refused(418, true),
            Self::PortRefused => {
                Plan { ports: Ports::AllDown(Duration::from_millis(700)), ..Plan::now(Order::Drop) }
            }
            Self::ResumeEndpointDead => Plan { ports: Ports::ResumeDown, ..Plan::now(Order::Drop) },
        }
    }
}
