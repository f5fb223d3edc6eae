//! What the user brings: how to dial, read, write and close, and what the messages mean.

use core::convert::Infallible;
use core::error::Error;
use core::future::{Future, ready};
use core::time::Duration;
use std::vec::Vec;

use crate::classify::{Cause, IoKind};
use crate::mode::Mode;
use crate::policy::{Actions, Epoch, Event, Explanation};
use crate::session::SessionState;
use crate::time::Instant;

/// A connector and a protocol of the user's: everything a [`Driver`](super::Driver) can't know.
///
/// Write the methods as plain `async fn`; nothing is boxed. All take `&self`, because reading, writing and observing
/// overlap: what belongs to one connection goes into its [`Reader`](Self::Reader) and [`Writer`](Self::Writer), what
/// outlives it (a token, a channel to the application) is yours to share, in a `Mutex` where it changes. For a
/// runtime that moves tasks between threads the protocol must be `Sync`, the futures `Send`; for the others not.
///
/// No method needs to be cancel-safe in the sense of `select!`: a future that was begun is polled until it ends, or
/// dropped together with its transport.
pub trait Protocol {
    /// The half of a transport that is read.
    type Reader;
    /// The half that is written. The transport must be closed when both halves are dropped.
    type Writer;
    /// The storage of session token and endpoint: `String`, or `()` where there are no sessions.
    type Token: Clone + PartialEq;
    /// What names a subscription; [`Infallible`] where there are none.
    type Key: Clone;
    /// What one [`receive`](Self::receive) tells: `[Event<…>; 1]`, `Option<Event<…>>`, `Vec<Event<…>>`.
    type Facts: IntoIterator<Item = Event<Self::Token, Self::Key>>;

    /// Opens a transport and nothing more: everything from the first message on is reading and writing. Dropped
    /// when the attempt's time is over or nobody wants it any more; a connect must not live on then.
    ///
    /// # Errors
    /// What went wrong, and what the server asked to wait for.
    fn dial(
        &self,
        dial: Dial<Self::Token>,
    ) -> impl Future<Output = Result<(Self::Reader, Self::Writer), DialError>>;

    /// Waits for the next message and says what it means; every fact carries `epoch`, several are applied in order.
    /// A message that means nothing here gives no fact; the driver takes it as [`Event::Received`], a sign of life.
    ///
    /// Timers wait while this future is being polled. One that reads on without a message to return, because a peer
    /// sends nothing but fragments, must return [`Pending`](core::task::Poll::Pending) now and then, having woken its
    /// waker, or return no facts.
    ///
    /// An endpoint in a message is only the server's word, and the session's token is sent to it: put it through an
    /// [`EndpointGuard`](super::EndpointGuard), and leave it out of the event where that refuses it.
    ///
    /// # Errors
    /// The transport is at its end. An end of stream must be an error, here: it would be read for ever.
    fn receive(
        &self,
        reader: &mut Self::Reader,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Self::Facts, Cause>>;

    /// Sends one message and flushes it. It may take its time: reading, timers and the user's wishes go on meanwhile,
    /// and the messages behind it wait.
    ///
    /// # Errors
    /// The transport can't be written any more. The details are for your own log.
    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<Self::Token, Self::Key>,
    ) -> impl Future<Output = Result<(), SendFailed>>;

    /// Says goodbye with this close code. Best effort: it is polled at once and goes on beside everything else, until
    /// the next dial at the latest and never longer than [`CLOSE_TIMEOUT`](super::CLOSE_TIMEOUT). A send may have
    /// been cut off in the middle of a message. By default the transport is just dropped.
    fn close(&self, reader: Self::Reader, writer: Self::Writer, code: u16) -> impl Future<Output = ()> {
        let _ = code;
        drop((reader, writer));
        ready(())
    }

    /// Gets a fresh credential, and how long it will be good for where that is known. What takes longer than
    /// [`CredentialConfig::timeout`](crate::policy::CredentialConfig::timeout) allows has failed, and is asked for again. By
    /// default there is none.
    ///
    /// # Errors
    /// There is no credential, now or ever.
    fn refresh_credential(&self) -> impl Future<Output = Result<Option<Duration>, RefreshFailed>> {
        ready(Err(RefreshFailed { fatal: true }))
    }

    /// Sees every step: for logs, timelines and what the application wants to know. By default it does nothing.
    fn observe(&self, notice: &Notice<'_, Self::Token, Self::Key>) {
        let _ = notice;
    }
}

/// What to dial: [`Action::Open`](crate::Action::Open) with the session's endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
}

/// Why no transport was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "made by the user")]
pub enum DialError {
    /// The dial failed: [`Event::OpenFailed`].
    Failed {
        /// Why.
        cause: Cause,
        /// What the server asked to wait for (`Retry-After`, turned into a duration).
        retry_after: Option<Duration>,
    },
    /// The host could not dial just now, or a shared budget has no dial to give: [`Event::NotNow`].
    NotNow {
        /// When to ask again, if it is known.
        retry_after: Option<Duration>,
    },
}

impl DialError {
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

impl From<std::io::Error> for DialError {
    fn from(error: std::io::Error) -> Self {
        Cause::Io(IoKind::from(error.kind())).into()
    }
}

/// What to send: the commands among the [`Action`](crate::Action)s, with what they carry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a protocol that skips a command would hang")]
pub enum Command<T = (), K = Infallible> {
    /// Identify: ask for a new session.
    Identify,
    /// Resume this session.
    Resume(SessionState<T>),
    /// A heartbeat, with the newest sequence number.
    Heartbeat {
        /// `None`: none was received yet, or the protocol has none.
        sequence: Option<u64>,
    },
    /// Authenticate: on the new session, or anew on one that lives, with a credential that was renewed.
    Authenticate,
    /// Subscribe to these.
    Restore {
        /// What to, in the order in which it is to be sent.
        keys: Vec<K>,
        /// The number of this batch. A protocol whose server echoes it hands it back with the answers, so that one to an
        /// earlier send is told from one to this.
        send: u32,
    },
    /// The user gave up a subscription that the server may have. Sent only while the session is live: a server that
    /// resumes a session does not hear of what was given up in between.
    Unsubscribe(K),
}

/// A send failed. Made by `?` from any error; what it was is for your own log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the user")]
pub struct SendFailed;

impl<E: Error> From<E> for SendFailed {
    fn from(_: E) -> Self {
        Self
    }
}

/// A credential could not be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "made by the user")]
pub struct RefreshFailed {
    /// Whether its source will never give one.
    pub fatal: bool,
}

/// One step of the policy.
#[derive(Debug)]
#[non_exhaustive]
pub struct Notice<'a, T, K> {
    /// When.
    pub at: Instant,
    /// What happened; `None`: a timer fired.
    pub fact: Option<&'a Event<T, K>>,
    /// What was decided, and what became of the fact.
    pub actions: &'a Actions,
    /// Where the policy is now, until when, and why.
    pub explanation: Explanation,
}
