//! What the user brings where sockets block.

use core::time::Duration;

use crate::classify::Cause;
use crate::driver::{Command, DialError, Notice, Received, RefreshFailed, SendFailed};
use crate::policy::Epoch;

use super::dialling::{Dialling, Hangup};

/// A [`Protocol`](crate::driver::Protocol) over sockets that block, for [`Driver::blocking`](crate::driver::Driver::blocking): plain
/// functions, which may take as long as they like. They run on threads of their own (one that dials and then reads, one that writes),
/// so that timers, heartbeats and a stop never wait for them; the driver ends a read or a write that is under way by the connection's
/// [`Hangup`].
///
/// ```no_run
/// use std::io::{BufRead, BufReader, Write};
/// use std::net::TcpStream;
/// use redial::driver::{BlockingProtocol, Command, DialError, Dialling, Driver, Hangup, Received, SendFailed};
/// use redial::{Cause, Epoch, Event, IoKind, Policy, SplitMix64, presets};
///
/// /// Lines of text both ways; `PING` is answered by anything.
/// struct Lines;
///
/// impl BlockingProtocol for Lines {
///     type Reader = BufReader<TcpStream>;
///     type Writer = TcpStream;
///     type Token = ();
///     type Key = core::convert::Infallible;
///     type Message = String;
///     type Incoming = String;
///     type Received = [Received<(), Self::Key, String>; 1];
///
///     fn dial(&self, dial: &Dialling) -> Result<(Self::Reader, Self::Writer, Hangup), DialError> {
///         let socket = dial.connect("feed.example:4000")?;
///         Ok((BufReader::new(socket.try_clone()?), socket.try_clone()?, socket.into()))
///     }
///
///     fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
///         let mut line = String::new();
///         reader.read_line(&mut line).map_err(|error| Cause::from(&error))?;
///         match line.strip_suffix('\n') {
///             Some("PONG") => Ok([Event::HeartbeatAcked { epoch }.into()]),
///             Some(line) => Ok([Received::Message(line.to_owned())]),
///             None => Err(Cause::Io(IoKind::UnexpectedEof)),
///         }
///     }
///
///     fn send(&self, writer: &mut Self::Writer, command: Command<(), Self::Key, String>) -> Result<(), SendFailed> {
///         match command {
///             Command::Heartbeat { .. } => Ok(writer.write_all(b"PING\n")?),
///             Command::Message(line) => Ok(writer.write_all(format!("{line}\n").as_bytes())?),
///             _ => Ok(()), // No session, no credential and no subscriptions.
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let policy = Policy::new(&presets::WEBSOCKET, SplitMix64::from_os());
/// let mut driver = Driver::blocking(policy, Lines);
/// let (handle, mut messages) = (driver.handle(), driver.messages());
/// let run = std::thread::spawn(move || driver.run_blocking());
/// handle.online_blocking()?;
/// handle.send_blocking("hello".to_owned())?;
/// while let Some(line) = messages.recv_blocking() {
///     println!("{line}");
///     handle.stop();
/// }
/// println!("{}", run.join().expect("no panic"));
/// # Ok(())
/// # }
/// ```
///
/// A panic in one of these functions is a panic of the run.
pub trait BlockingProtocol: Send + Sync + 'static {
    /// The half of a connection that is read.
    type Reader: Send + 'static;
    /// The half that is written. The connection must be closed when both halves and the [`Hangup`] are gone.
    type Writer: Send + 'static;
    /// [`Protocol::Token`](crate::driver::Protocol::Token).
    type Token: Clone + PartialEq + Send + Sync + 'static;
    /// [`Protocol::Key`](crate::driver::Protocol::Key).
    type Key: Clone + Send + Sync + 'static;
    /// [`Protocol::Message`](crate::driver::Protocol::Message).
    type Message: Send + 'static;
    /// [`Protocol::Incoming`](crate::driver::Protocol::Incoming).
    type Incoming: Send + 'static;
    /// [`Protocol::Received`](crate::driver::Protocol::Received).
    type Received: IntoIterator<Item = Received<Self::Token, Self::Key, Self::Incoming>> + Send + 'static;

    /// Opens a connection: its two halves, and what ends it while they block. [`Dialling::connect`] connects a `TcpStream`;
    /// whatever else blocks here must end by itself in the time that is [left](Dialling::left), since nothing can interrupt it. The
    /// driver does not wait for a dial that it has given up, but it begins no other before this has returned.
    ///
    /// # Errors
    /// What went wrong, and what the server asked to wait for.
    fn dial(&self, dial: &Dialling<Self::Token>) -> Result<(Self::Reader, Self::Writer, Hangup), DialError>;

    /// Waits for the next message and says what it means: see [`Protocol::receive`](crate::driver::Protocol::receive). The thread is
    /// at most one message ahead of what the driver has taken.
    ///
    /// # Errors
    /// The connection is at its end. An end of stream must be an error here; otherwise it would be read without end.
    fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause>;

    /// Sends one command and flushes it: see [`Protocol::send`](crate::driver::Protocol::send).
    ///
    /// # Errors
    /// The connection can't be written any more. The details are for your own log.
    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<Self::Token, Self::Key, Self::Message>,
    ) -> Result<(), SendFailed>;

    /// Begins a close handshake with this code, before the connection is hung up. It has [`CLOSE_TIMEOUT`](crate::driver::CLOSE_TIMEOUT), and
    /// is left out while a send is under way. By default nothing is said.
    fn close(&self, writer: &mut Self::Writer, code: u16) {
        let _ = (writer, code);
    }

    /// Gets a fresh credential: see [`Protocol::refresh_credential`](crate::driver::Protocol::refresh_credential). One that nobody wants
    /// any more goes on until it returns. By default there is none.
    ///
    /// # Errors
    /// There is no credential, now or ever.
    fn refresh_credential(&self) -> Result<Option<Duration>, RefreshFailed> {
        Err(RefreshFailed { fatal: true })
    }

    /// Sees every step of the policy, on the driver's thread, which must not be held up here.
    fn observe(&self, notice: &Notice<'_, Self::Token, Self::Key>) {
        let _ = notice;
    }
}
