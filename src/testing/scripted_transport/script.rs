//! What a scripted server does: with a dial, on a connection, and with what is written to it.

use core::convert::Infallible;
use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use crate::classify::Cause;
use crate::driver::{DialError, Received};
use crate::policy::{Epoch, Event};

/// What one dial of a [`ScriptedTransport`](super::ScriptedTransport) comes to.
///
/// ```
/// use core::time::Duration;
/// use redial::Cause;
/// use redial::testing::{Answer, Say, Writes};
///
/// let bad_day: [Answer; 4] = [
///     Answer::refuse(Cause::Http(503)),
///     Answer::hang(),                                                // nobody answers
///     Answer::accept([Say::end(Cause::CloseFrame(1013))]).after(Duration::from_secs(2)),
///     Answer::accept([]).with_writes(Writes::block_at(0)),           // connected, and it reads nothing
/// ];
/// # let _ = bad_day;
/// ```
#[must_use = "hand it to ScriptedTransport::answer"]
pub struct Answer<T = (), K = Infallible, I = Infallible> {
    pub(super) after: Duration,
    pub(super) writes: Option<Writes>,
    pub(super) end: End<T, K, I>,
}

pub(super) enum End<T, K, I> {
    Refused(DialError),
    Hangs,
    Accepted(Script<T, K, I>),
}

pub(super) type Script<T, K, I> = Box<dyn Iterator<Item = Say<T, K, I>> + Send>;

impl<T, K, I> Answer<T, K, I> {
    const fn new(end: End<T, K, I>) -> Self {
        Self { after: Duration::ZERO, writes: None, end }
    }

    /// It fails, with a [`Cause`] or a [`DialError`].
    pub fn refuse(error: impl Into<DialError>) -> Self {
        Self::new(End::Refused(error.into()))
    }

    /// It never ends by itself.
    pub const fn hang() -> Self {
        Self::new(End::Hangs)
    }

    /// It succeeds, and the server does what the script says, one thing after the other, beside
    /// [answering](super::ScriptedTransport::set_answering). The script is read as it is needed, so it may be an endless iterator.
    pub fn accept<S>(script: S) -> Self
    where
        S: IntoIterator<Item = Say<T, K, I>, IntoIter: Send + 'static>,
    {
        Self::new(End::Accepted(Box::new(script.into_iter())))
    }

    /// The same after so much time.
    pub const fn after(mut self, span: Duration) -> Self {
        self.after = span;
        self
    }

    /// What becomes of writes to this connection: [`Connection::set_writes`](super::Connection::set_writes).
    pub const fn with_writes(mut self, writes: Writes) -> Self {
        self.writes = Some(writes);
        self
    }
}

impl<T, K, I> fmt::Debug for Answer<T, K, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match &self.end {
            End::Refused(error) => return f.debug_tuple("Answer::refuse").field(error).finish(),
            End::Hangs => "Answer::hang",
            End::Accepted(_) => "Answer::accept",
        };
        f.write_str(end)
    }
}

/// One thing that a scripted server does on a connection.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::Say;
/// use redial::{Cause, Event};
///
/// let script: [Say<String, String, String>; 4] = [
///     Say::numbered(1, "hello".to_owned()),
///     Say::wait(Duration::from_secs(30)),
///     Say::event(|epoch| Event::ReconnectRequested { epoch, retry_after: None, deadline: None }),
///     Say::end(Cause::CloseFrame(1012)),
/// ];
/// # let _ = script;
/// ```
#[must_use = "hand it to Answer::accept"]
pub struct Say<T = (), K = Infallible, I = Infallible>(pub(super) What<T, K, I>);

/// What one receive returns, made for the connection's epoch.
type Made<T, K, I> = Box<dyn FnOnce(Epoch) -> Vec<Received<T, K, I>> + Send>;

pub(super) enum What<T, K, I> {
    Wait(Duration),
    Receive(Made<T, K, I>),
    Call(Box<dyn FnOnce() + Send>),
    End(Cause),
}

impl<T, K, I> Say<T, K, I> {
    /// Nothing for so much time.
    pub const fn wait(span: Duration) -> Self {
        Self(What::Wait(span))
    }

    /// An event for the policy, made for the connection's epoch.
    pub fn event(event: impl FnOnce(Epoch) -> Event<T, K> + Send + 'static) -> Self {
        Self::receive(move |epoch| vec![event(epoch).into()])
    }

    /// Several events that one [`Protocol::receive`](crate::driver::Protocol::receive) returns; with none, something that means
    /// nothing to the client.
    pub fn events(events: Vec<fn(Epoch) -> Event<T, K>>) -> Self
    where
        T: 'static,
        K: 'static,
    {
        Self::receive(move |epoch| events.into_iter().map(|event| event(epoch).into()).collect())
    }

    /// A message for the application.
    pub fn message(message: I) -> Self
    where
        I: Send + 'static,
    {
        Self::receive(move |_| vec![Received::Message(message)])
    }

    /// A message for the application, behind its sequence number.
    pub fn numbered(sequence: u64, message: I) -> Self
    where
        I: Send + 'static,
    {
        let sequenced = move |epoch| Event::Sequence { epoch, sequence };
        Self::receive(move |epoch| vec![sequenced(epoch).into(), Received::Message(message)])
    }

    /// Whatever one [`Protocol::receive`](crate::driver::Protocol::receive) returns, made when it comes to that.
    pub fn receive(items: impl FnOnce(Epoch) -> Vec<Received<T, K, I>> + Send + 'static) -> Self {
        Self(What::Receive(Box::new(items)))
    }

    /// Calls a function, for instance one that stops the driver or moves the clock, and goes on.
    pub fn call(function: impl FnOnce() + Send + 'static) -> Self {
        Self(What::Call(Box::new(function)))
    }

    /// The server ends the connection.
    pub const fn end(cause: Cause) -> Self {
        Self(What::End(cause))
    }
}

impl<T, K, I> fmt::Debug for Say<T, K, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            What::Wait(span) => f.debug_tuple("Say::wait").field(span).finish(),
            What::Receive(_) => f.write_str("Say::receive"),
            What::Call(_) => f.write_str("Say::call"),
            What::End(cause) => f.debug_tuple("Say::end").field(cause).finish(),
        }
    }
}

/// What becomes of what is written to a connection.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::{ScriptedTransport, VirtualClock, Writes};
///
/// let server = ScriptedTransport::<(), core::convert::Infallible, String, String>::new(VirtualClock::new());
/// server.set_writes(Writes::slow(Duration::from_secs(1))); // a thin line
/// server.set_writes(Writes::fail_at(3)); // the fourth command of a connection fails
/// server.set_writes(Writes::FINE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "hand it to ScriptedTransport::set_writes"]
pub struct Writes(pub(super) How);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum How {
    Fine,
    FailAt(usize),
    BlockAt(usize),
    Slow(Duration),
}

impl Writes {
    /// The connection takes everything at once. The default.
    pub const FINE: Self = Self(How::Fine);

    /// The write of the connection's command of this number fails, counted from 0, and each one after it.
    pub const fn fail_at(number: usize) -> Self {
        Self(How::FailAt(number))
    }

    /// The peer takes nothing from the connection's command of this number on, counted from 0, until the writes are set
    /// otherwise.
    pub const fn block_at(number: usize) -> Self {
        Self(How::BlockAt(number))
    }

    /// Each command takes so much time.
    pub const fn slow(span: Duration) -> Self {
        Self(How::Slow(span))
    }
}

impl Default for Writes {
    fn default() -> Self {
        Self::FINE
    }
}
