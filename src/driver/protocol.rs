//! What the user brings: how to dial, read, write and close, and what the messages mean.

use core::future::{Future, ready};
use core::time::Duration;

use crate::classify::Cause;
use crate::policy::Epoch;

use super::command::{Command, Dial, DialError, Notice, Received, RefreshFailed, SendFailed};

/// A connector and a protocol of the user's: everything a [`Driver`](super::Driver) can't know.
///
/// Write the methods as plain `async fn`; only a dial and the refresh of a credential are boxed. All take `&self`, because reading, writing and observing
/// overlap: what belongs to one connection goes into its [`Reader`](Self::Reader) and [`Writer`](Self::Writer), what
/// outlives it is yours to share, in a `Mutex` where it changes. With a handover there are two transports at a time, and
/// [`Dial::epoch`] tells them apart. For a runtime that moves tasks between threads the
/// protocol must be `Sync` and the futures `Send`. Generic code that spawns a driver can ask for that with
/// [`SendProtocol`](super::SendProtocol), whose implementors implement this trait too.
///
/// No method needs to be cancel-safe in the sense of `select!`: a future that was begun is polled until it ends, or
/// dropped together with its transport.
///
/// ```
/// use core::convert::Infallible;
/// use redial::driver::{Command, Dial, DialError, Protocol, Received, SendFailed};
/// use redial::{Cause, Epoch, Event, IoKind};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
/// use tokio::net::TcpStream;
///
/// /// Single bytes: 0 is a ping, and its answer; all others are messages.
/// struct Bytes;
///
/// impl Protocol for Bytes {
///     type Reader = ReadHalf<TcpStream>;
///     type Writer = WriteHalf<TcpStream>;
///     type Token = ();
///     type Key = Infallible;
///     type Message = u8;
///     type Incoming = u8;
///     type Received = Option<Received<(), Infallible, u8>>;
///
///     async fn dial(&self, _: Dial) -> Result<(Self::Reader, Self::Writer), DialError> {
///         Ok(tokio::io::split(TcpStream::connect("feed.example:4000").await?))
///     }
///
///     async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
///         match reader.read_u8().await {
///             Ok(0) => Ok(Some(Event::HeartbeatAcked { epoch }.into())),
///             Ok(byte) => Ok(Some(Received::Message(byte))),
///             Err(error) => Err(Cause::Io(IoKind::from(&error))),
///         }
///     }
///
///     async fn send(&self, writer: &mut Self::Writer, command: Command<(), Infallible, u8>) -> Result<(), SendFailed> {
///         match command {
///             Command::Heartbeat { .. } => Ok(writer.write_u8(0).await?),
///             Command::Message(byte) => Ok(writer.write_u8(byte).await?),
///             _ => Ok(()), // no login, no session, no subscriptions
///         }
///     }
/// }
/// # let _ = Bytes;
/// ```
pub trait Protocol {
    /// The half of a transport that is read.
    type Reader;
    /// The half that is written. The transport must be closed when both halves are dropped.
    type Writer;
    /// The storage of session token and endpoint: `String`, or `()` where there are no sessions.
    type Token: Clone + PartialEq;
    /// What names a subscription; [`Infallible`](core::convert::Infallible) where there are none.
    type Key: Clone;
    /// What the application sends with [`Handle::send`](super::Handle::send), and [`send`](Self::send) gets as
    /// [`Command::Message`]; [`Infallible`](core::convert::Infallible) where it sends nothing.
    type Message;
    /// What the application takes from [`Messages`](super::Messages); [`Infallible`](core::convert::Infallible) where
    /// it receives nothing.
    type Incoming;
    /// What one [`receive`](Self::receive) tells: `Option<Received<…>>`, `[Received<…>; 2]`, `Vec<Received<…>>`.
    type Received: IntoIterator<Item = Received<Self::Token, Self::Key, Self::Incoming>>;

    /// Opens a transport and nothing more: everything from the first message on is reading and writing. Dropped
    /// when the attempt's time is over or nobody wants it any more; a connect must not live on then.
    ///
    /// # Errors
    /// What went wrong, and what the server asked to wait for.
    fn dial(
        &self,
        dial: Dial<Self::Token>,
    ) -> impl Future<Output = Result<(Self::Reader, Self::Writer), DialError>>;

    /// Waits for the next message of the transport and says what it means: events for the policy, each of which carries
    /// `epoch`, and messages for the application, in order. A message that means nothing here gives neither; the driver
    /// then takes it as [`Event::Received`](crate::Event::Received), a sign of life, as it does when there are messages
    /// and no events.
    ///
    /// Everything that one call returns is applied, observed and handed over before the next call is begun. While the
    /// application does not take its messages, no further call is begun: see [`Messages`](super::Messages).
    ///
    /// Put [`Event::Sequence`](crate::Event::Sequence) or [`Event::Cursor`](crate::Event::Cursor) before the message that
    /// carries it. If the transport was closed in between, that event is stale, the message behind it is not delivered,
    /// and a resume brings it again; a message without one is delivered in any case. With a handover the number also tells
    /// what both transports bring: see [the module](super#with-a-handover).
    ///
    /// Timers wait while this future is being polled. One that reads on without a message to return, because a peer
    /// sends nothing but fragments, must return [`Pending`](core::task::Poll::Pending) now and then, having woken its
    /// waker, or return nothing.
    ///
    /// A login that is part of [`Command::Identify`] or [`Command::Resume`] and is refused is an error here:
    /// [`Cause::AuthRejected`], where [`refresh_credential`](Self::refresh_credential) may give another credential, or
    /// [`Cause::AuthDenied`], where none will do. [`Event::AuthFailed`](crate::Event::AuthFailed) answers
    /// [`Command::Authenticate`] alone.
    ///
    /// An endpoint in a message is only the server's word, and the session's token is sent to it: put it through an
    /// [`EndpointGuard`](super::EndpointGuard), and leave it out of the event where that refuses it.
    ///
    /// # Errors
    /// The transport is at its end. An end of stream must be an error here; otherwise it would be read without end.
    fn receive(
        &self,
        reader: &mut Self::Reader,
        epoch: Epoch,
    ) -> impl Future<Output = Result<Self::Received, Cause>>;

    /// Whether this message of the application's can be sent at all. One that can't, because it is too large or because the
    /// protocol has no way to say it, is given back to its sender ([`SendError::Refused`](super::SendError::Refused)) when its
    /// turn to be written comes, and the connection goes on. By default all can.
    fn can_send(&self, message: &Self::Message) -> bool {
        let _ = message;
        true
    }

    /// Sends one command and flushes it. It may take its time: reading, timers and the user's requests go on meanwhile,
    /// and the commands behind it wait. One that takes longer than [`Driver::with_send_timeout`](super::Driver) allows
    /// has failed.
    ///
    /// # Errors
    /// The transport can't be written any more. The details are for your own log.
    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<Self::Token, Self::Key, Self::Message>,
    ) -> impl Future<Output = Result<(), SendFailed>>;

    /// Closes the transport with this close code. Best effort: it is polled at once and goes on beside everything else,
    /// until the next dial at the latest and never longer than [`CLOSE_TIMEOUT`](super::CLOSE_TIMEOUT). A send may have
    /// been cut off in the middle of a message, but not on a connection that a successor replaced. By default the transport is
    /// just dropped.
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

    /// Sees every step of the policy, after its actions were executed: for logs, timelines and what the application
    /// wants to know. By default it does nothing.
    fn observe(&self, notice: &Notice<'_, Self::Token, Self::Key>) {
        let _ = notice;
    }
}
