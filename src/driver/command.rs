//! What passes between a driver and its protocol.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::time::Duration;

#[cfg(feature = "driver")]
use crate::causes;
use crate::classify::Cause;
use crate::handover::Decider;
use crate::mode::Mode;
use crate::policy::{Actions, Endpoint, Epoch, Event, Explanation, RetryAfter, WaitReason};
#[cfg(feature = "alloc")]
use crate::session::SessionState;
use crate::time::Instant;

/// What to dial: [`Action::Open`](crate::Action::Open) with the session's endpoint. [`Debug`] does not show that: it may have a
/// secret in it.
///
/// ```
/// use redial::Mode;
/// use redial::driver::Dial;
///
/// const HOSTS: [&str; 2] = ["eu.example:4000", "us.example:4000"];
///
/// /// What a protocol's `dial` makes of it.
/// fn address(dial: &Dial<String>) -> &str {
///     match &dial.endpoint {
///         Some(named) if dial.mode == Mode::Resume => named, // by the server, for the session
///         _ => HOSTS[usize::from(dial.endpoint_index)],
///     }
/// }
/// # let _ = address;
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Dial<T = ()> {
    /// The number of the new transport.
    pub epoch: Epoch,
    /// What will be sent on it, for endpoints that want to know.
    pub mode: Mode,
    /// The session's own endpoint; `None`: yours, the one with the number `endpoint_index`.
    pub endpoint: Option<T>,
    /// Which of your endpoints, where the policy has several; otherwise 0.
    pub endpoint_index: u8,
    /// The number of this dial within its outage, counted from 1.
    pub attempt: u32,
    /// When so much time has passed, the policy gives the dial up, and the driver drops it: for dials that nothing can interrupt.
    pub timeout: Duration,
}

impl<T: Clone> Dial<T> {
    /// What the policy said at this moment: [`Action::Open`](crate::Action::Open).
    pub(super) fn of(
        policy: &impl Decider<Token = T>,
        at: Instant,
        (epoch, mode, endpoint, attempt): (Epoch, Mode, Endpoint, u32),
    ) -> Self {
        let endpoint = match endpoint {
            Endpoint::Base => None,
            Endpoint::Session => policy.session().and_then(|session| session.endpoint().cloned()),
            Endpoint::Redirect => policy.redirect().cloned(),
        };
        let timeout = match policy.deadline() {
            Some((until, WaitReason::ConnectTimeout)) => until.saturating_duration_since(at),
            // With a handover, the connection's deadline may be earlier.
            _ => policy.config().connect_timeout(),
        };
        Self { epoch, mode, endpoint, endpoint_index: policy.endpoint_index(), attempt, timeout }
    }
}

impl<T> fmt::Debug for Dial<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, mode, endpoint, endpoint_index, attempt, timeout } = self;
        f.debug_struct("Dial")
            .field("epoch", epoch)
            .field("mode", mode)
            .field("endpoint", &if endpoint.is_some() { "[redacted]" } else { "none" })
            .field("endpoint_index", endpoint_index)
            .field("attempt", attempt)
            .field("timeout", timeout)
            .finish()
    }
}

/// Why no transport was opened.
///
/// ```
/// use core::time::Duration;
/// use redial::driver::DialError;
/// use redial::{Cause, IoKind};
///
/// /// With `?`: an error of a socket, a cause, and a wait that the server asks for.
/// fn dial(status: u16, seconds: Option<u64>) -> Result<(), DialError> {
///     match status {
///         101 => Ok(()),
///         // Another process has the only slot: not a failure, and not counted.
///         0 => Err(DialError::NotNow { retry_after: Some(Duration::from_secs(1)) }),
///         _ => Err(DialError::Failed {
///             cause: Cause::Http(status),
///             retry_after: seconds.map(|seconds| Duration::from_secs(seconds).into()),
///         }),
///     }
/// }
/// assert!(matches!(dial(503, Some(30)), Err(DialError::Failed { cause: Cause::Http(503), .. })));
/// assert_eq!(DialError::from(Cause::Timeout), DialError::Failed { cause: Cause::Timeout, retry_after: None });
/// # let _ = IoKind::Other;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "made by the user")]
pub enum DialError {
    /// The dial failed: [`Event::OpenFailed`].
    Failed {
        /// Why.
        cause: Cause,
        /// What the server asked to wait for (`Retry-After`, turned into a duration), and what it means by it.
        retry_after: Option<RetryAfter>,
    },
    /// The host could not dial just now, or a shared budget has no dial to give: [`Event::NotNow`].
    NotNow {
        /// When to ask again, if it is known.
        retry_after: Option<Duration>,
    },
}

impl DialError {
    /// A dial that failed with this error: its cause as by [`causes::of`](crate::causes::of), and what the server asked to wait for
    /// as by [`causes::retry_after_of`](crate::causes::retry_after_of), with the feature `http`.
    #[cfg(feature = "driver")]
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self::Failed { cause: causes::of(error), retry_after: causes::asked_now(error) }
    }

    pub(super) const fn into_event<T, K>(self, epoch: Epoch) -> Event<T, K> {
        match self {
            Self::Failed { cause, retry_after } => Event::OpenFailed { epoch, cause, retry_after },
            Self::NotNow { retry_after } => Event::NotNow { epoch, retry_after },
        }
    }
}

impl From<Cause> for DialError {
    fn from(cause: Cause) -> Self {
        Self::Failed { cause, retry_after: None }
    }
}

#[cfg(feature = "std")]
impl From<std::io::Error> for DialError {
    fn from(error: std::io::Error) -> Self {
        Cause::from(&error).into()
    }
}

/// What to send: the commands among the [`Action`](crate::Action)s, with what they carry.
///
/// ```
/// use redial::driver::Command;
///
/// /// What a protocol's `send` writes.
/// fn line(command: Command<String, String, String>) -> String {
///     match command {
///         Command::Identify | Command::Authenticate => "LOGIN\n".to_owned(),
///         Command::Resume(session) => {
///             let token = session.token().map_or("", |token| token);
///             format!("RESUME {token} {}\n", session.sequence().unwrap_or(0))
///         }
///         Command::Heartbeat { sequence } => format!("PING {}\n", sequence.unwrap_or(0)),
///         Command::Restore { keys, .. } => keys.iter().map(|key| format!("SUB {key}\n")).collect(),
///         Command::Unsubscribe(key) => format!("UNSUB {key}\n"),
///         Command::Message(text) => format!("MSG {text}\n"),
///     }
/// }
/// let restore = Command::Restore { keys: vec!["news".to_owned(), "orders".to_owned()], send: 1 };
/// assert_eq!(line(restore), "SUB news\nSUB orders\n");
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a protocol that skips a command would hang")]
pub enum Command<T = (), K = Infallible, M = Infallible> {
    /// Identify: ask for a new session.
    Identify,
    /// Resume this session.
    Resume(SessionState<T>),
    /// A heartbeat, with the newest sequence number.
    Heartbeat {
        /// `None`: none was received yet, or the protocol has none.
        sequence: Option<u64>,
    },
    /// Authenticate: on the new session, or again on one that lives, with a credential that was renewed.
    Authenticate,
    /// Subscribe to these.
    Restore {
        /// What to, in the order in which it is to be sent.
        keys: Vec<K>,
        /// The number of this batch. A protocol whose server echoes it hands it back with the answers, so that one to an
        /// earlier send is told from one to this.
        send: u32,
    },
    /// A message of the application's, from [`Handle::send`](super::Handle::send): only while the policy is online, and
    /// after everything else that is to be sent.
    Message(M),
    /// The user gave up a subscription that the server may have. Sent only while the session is live: a server that
    /// resumes a session does not hear of what was given up in between.
    Unsubscribe(K),
}

/// A send failed. Made by `?` from any error; what it was is for your own log.
///
/// ```
/// use std::io::Write;
/// use redial::driver::SendFailed;
///
/// fn send(mut socket: impl Write, line: &str) -> Result<(), SendFailed> {
///     socket.write_all(line.as_bytes())?; // what it was is for a log of your own
///     Ok(socket.flush()?)
/// }
/// let mut short = [0; 3];
/// assert_eq!(send(&mut short[..], "PING"), Err(SendFailed));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the user")]
pub struct SendFailed;

impl<E: Error> From<E> for SendFailed {
    fn from(_: E) -> Self {
        Self
    }
}

/// A credential could not be refreshed.
///
/// ```
/// use core::time::Duration;
/// use redial::driver::RefreshFailed;
///
/// /// What a protocol's `refresh_credential` makes of the answer of a token service.
/// fn granted(status: u16, seconds: u64) -> Result<Option<Duration>, RefreshFailed> {
///     match status {
///         200 => Ok(Some(Duration::from_secs(seconds))),
///         400 | 401 => Err(RefreshFailed { fatal: true }), // signed out: no later request will do
///         _ => Err(RefreshFailed { fatal: false }),        // down: ask again, with the waits of the backoff
///     }
/// }
/// assert_eq!(granted(503, 0), Err(RefreshFailed { fatal: false }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the user")]
pub struct RefreshFailed {
    /// Whether its source will never give one.
    pub fatal: bool,
}

/// What the other side said: one item of what [`Protocol::receive`](super::Protocol::receive) returns.
///
/// ```
/// use redial::driver::Received;
/// use redial::{Epoch, Event};
///
/// /// What a protocol's `receive` makes of `MSG <number> <text>`: the number before the message that carries it.
/// fn message(epoch: Epoch, line: &str) -> Option<[Received<(), core::convert::Infallible, String>; 2]> {
///     let (number, text) = line.strip_prefix("MSG ")?.split_once(' ')?;
///     let sequence = number.parse().ok()?;
///     Some([Event::Sequence { epoch, sequence }.into(), Received::Message(text.to_owned())])
/// }
/// let epoch = Epoch::from_raw(1).expect("not 0");
/// assert!(message(epoch, "MSG 7 hello").is_some_and(|[_, text]| text == Received::Message("hello".to_owned())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "made by the user")]
pub enum Received<T = (), K = Infallible, I = Infallible> {
    /// For the policy. `Event::into` makes it.
    Event(Event<T, K>),
    /// For the application, which takes it from [`Messages`](super::Messages).
    Message(I),
}

impl<T, K, I> From<Event<T, K>> for Received<T, K, I> {
    fn from(event: Event<T, K>) -> Self {
        Self::Event(event)
    }
}

/// One step of the policy.
///
/// ```
/// use redial::driver::Notice;
/// use redial::{Action, Event};
///
/// /// From a protocol's `observe`: a line for each attempt that failed, with what follows.
/// fn observe(notice: &Notice<'_, String, String>) {
///     if let Some(Event::OpenFailed { cause, .. }) = notice.event {
///         eprintln!("{} ms: {cause}; {}", notice.at.as_millis(), notice.explanation());
///     }
///     for action in notice.actions.iter().filter(|action| matches!(action, Action::GaveUp { .. })) {
///         eprintln!("{action}");
///     }
/// }
/// # let _ = observe;
/// ```
#[non_exhaustive]
pub struct Notice<'a, T, K> {
    /// When. The signs of life, sequence numbers and acknowledged heartbeats that are ready together share one reading of
    /// the clock.
    pub at: Instant,
    /// What happened; `None`: a timer fired.
    pub event: Option<&'a Event<T, K>>,
    /// What was decided and executed, and what became of the event.
    pub actions: &'a Actions,
    /// Explains the policy when asked, since few steps are worth the work.
    pub(super) explain: &'a dyn Fn() -> Explanation,
    /// The same for the session's sequence number.
    pub(super) sequence: &'a dyn Fn() -> Option<u64>,
}

impl<T, K> Notice<'_, T, K> {
    /// Where the policy is now, until when, and why.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        (self.explain)()
    }

    /// The newest sequence number of the session: what a resume and a heartbeat of this step carry.
    #[must_use]
    pub fn session_sequence(&self) -> Option<u64> {
        (self.sequence)()
    }
}

impl<T: fmt::Debug, K: fmt::Debug> fmt::Debug for Notice<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("at", &self.at)
            .field("event", &self.event)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use std::format;

    /// An endpoint that the server named may have a secret in it.
    #[test]
    fn debug_output_has_no_endpoint() {
        let dial = |endpoint| Dial {
            epoch: Epoch::FIRST,
            mode: Mode::Resume,
            endpoint,
            endpoint_index: 3,
            attempt: 1,
            timeout: Duration::from_secs(7),
        };
        let shown = format!("{:?} {:?}", dial(Some("wss://h/?s3cret")), dial(None));
        assert!(
            !shown.contains("s3cret") && shown.contains("[redacted]") && shown.contains("none"),
            "{shown}"
        );
    }
}
