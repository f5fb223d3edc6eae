//! A dial on a thread, and the end of what it opens.

use core::fmt;
use core::ops::Deref;
use core::time::Duration;
use std::boxed::Box;
use std::io::{Error, ErrorKind, Result};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use std::vec::Vec;

use crate::driver::Dial;

/// How long one look for an answer takes at first, as long as TCP waits before it asks again (RFC 6298, 2.1).
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// A dial under way on a thread: what to [dial](Dial), how much time is left for it, and whether anybody still wants it.
///
/// ```no_run
/// use std::net::TcpStream;
/// use redial::driver::{DialError, Dialling, Hangup};
///
/// /// A dial that asks for something before it connects: neither takes longer than the policy gives it.
/// fn dial(dial: &Dialling) -> Result<(TcpStream, Hangup), DialError> {
///     let socket = dial.connect("feed.example:4000")?;
///     socket.set_read_timeout(Some(dial.left()))?;
///     let mut greeting = [0; 16];
///     std::io::Read::read_exact(&mut &socket, &mut greeting)?;
///     socket.set_read_timeout(None)?;
///     Ok((socket.try_clone()?, socket.into()))
/// }
/// # let _ = dial;
/// ```
#[derive(Debug)]
pub struct Dialling<T = ()> {
    dial: Dial<T>,
    until: Option<Instant>,
    abandoned: Arc<AtomicBool>,
}

impl<T> Dialling<T> {
    #[expect(clippy::disallowed_methods, reason = "a driver's clock")]
    pub(super) fn new(dial: Dial<T>, abandoned: Arc<AtomicBool>) -> Self {
        let until = Instant::now().checked_add(dial.timeout);
        Self { dial, until, abandoned }
    }

    /// How much is left of [`Dial::timeout`].
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a driver's clock")]
    pub fn left(&self) -> Duration {
        self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The driver has given this dial up: it was stopped, or the time is over. Whatever comes of it is closed at once.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Connects to one of these addresses, in the time that is [left](Self::left), or until the dial is
    /// [abandoned](Self::is_abandoned).
    ///
    /// A connect of `std` can't be interrupted, so it is made in looks of 1, 2, 4 s and so on at each of the addresses in turn: when a
    /// look is over TCP would send its request again anyway (RFC 6298), and the next look does. So an address that does not answer
    /// does not take the time of the others, and a dial that was abandoned ends with its look. A name is looked up by the system,
    /// which takes the time that it takes.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] or [`ErrorKind::Interrupted`] when the time is over or the dial was abandoned; otherwise the error of the
    /// address that failed last, or of the lookup of the name.
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> Result<TcpStream> {
        let mut addresses: Vec<_> = addresses.to_socket_addrs()?.collect();
        let (mut look, mut failed) = (FIRST_LOOK, Error::from(ErrorKind::AddrNotAvailable));
        while !addresses.is_empty() {
            let mut silent = Vec::new();
            for address in addresses {
                match self.look_at(&address, look) {
                    Err(error) if error.kind() == ErrorKind::TimedOut && self.left() > Duration::ZERO => {
                        silent.push(address);
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                        return Err(error);
                    }
                    Err(error) => failed = error,
                    connected => return connected,
                }
            }
            addresses = silent;
            look = look.saturating_mul(2);
        }
        Err(failed)
    }

    fn look_at(&self, address: &SocketAddr, look: Duration) -> Result<TcpStream> {
        if self.is_abandoned() {
            return Err(ErrorKind::Interrupted.into());
        }
        let look = look.min(self.left());
        if look.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        TcpStream::connect_timeout(address, look)
    }
}

impl<T> Deref for Dialling<T> {
    type Target = Dial<T>;

    fn deref(&self) -> &Dial<T> {
        &self.dial
    }
}

/// Ends a connection while its halves block on other threads: a read or write that is under way must return. Made by `into` from a
/// clone of the stream, which it shuts down; for anything else by [`new`](Self::new).
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use redial::driver::Hangup;
///
/// // For a transport that is no `TcpStream`: what ends a read and a write that are under way.
/// let closed = Arc::new(AtomicBool::new(false));
/// let hangup = Hangup::new({
///     let closed = closed.clone();
///     move || closed.store(true, Ordering::Release)
/// });
/// drop(hangup);
/// # let _ = closed;
/// ```
pub struct Hangup(Box<dyn FnOnce() + Send>);

impl Hangup {
    /// By this function. It is called once, on the driver's thread or on the one that dials, and must not block.
    pub fn new(hang_up: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(hang_up))
    }

    pub(super) fn hang_up(self) {
        (self.0)();
    }
}

impl From<TcpStream> for Hangup {
    fn from(stream: TcpStream) -> Self {
        // One that the other side has ended needs no end.
        Self::new(move || stream.shutdown(Shutdown::Both).unwrap_or_default())
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::UnixStream> for Hangup {
    fn from(stream: std::os::unix::net::UnixStream) -> Self {
        Self::new(move || stream.shutdown(Shutdown::Both).unwrap_or_default())
    }
}

impl fmt::Debug for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hangup")
    }
}
