//! Errors of sockets and of the name lookup.

use std::io;
use std::string::ToString;

use crate::classify::{Cause, IoKind};

impl From<io::ErrorKind> for IoKind {
    /// The kind of the same name. One that concerns no connection, or that is newer than Rust 1.85, becomes [`IoKind::Other`]. What
    /// `std` has no kind for can only be told from the error itself: convert that, where you have it.
    fn from(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Std;
        match kind {
            Std::ConnectionRefused => Self::ConnectionRefused,
            Std::ConnectionReset => Self::ConnectionReset,
            Std::ConnectionAborted => Self::ConnectionAborted,
            Std::UnexpectedEof => Self::UnexpectedEof,
            Std::BrokenPipe => Self::BrokenPipe,
            Std::TimedOut => Self::TimedOut,
            Std::HostUnreachable => Self::HostUnreachable,
            Std::NetworkUnreachable => Self::NetworkUnreachable,
            Std::NetworkDown => Self::NetworkDown,
            Std::NotConnected => Self::NotConnected,
            Std::WriteZero => Self::WriteZero,
            Std::Interrupted => Self::Interrupted,
            Std::WouldBlock => Self::WouldBlock,
            Std::ResourceBusy => Self::ResourceBusy,
            Std::NotFound => Self::NotFound,
            Std::AddrInUse => Self::AddrInUse,
            Std::AddrNotAvailable => Self::AddrNotAvailable,
            Std::OutOfMemory => Self::OutOfMemory,
            Std::PermissionDenied => Self::PermissionDenied,
            Std::Unsupported => Self::Unsupported,
            Std::InvalidData => Self::InvalidData,
            Std::InvalidInput => Self::InvalidInput,
            _ => Self::Other,
        }
    }
}

#[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
impl From<&io::Error> for IoKind {
    /// By the number of the operating system, where `std` has no kind for it, otherwise by the kind. The error's own, whatever it
    /// wraps; [`Cause`]`::from` reads that too.
    ///
    /// | number | kind | known on |
    /// | --- | --- | --- |
    /// | `EMFILE`, `ENFILE` | [`TooManyOpenFiles`](Self::TooManyOpenFiles) | Unix, Windows |
    /// | `ENOBUFS` | [`NoBufferSpace`](Self::NoBufferSpace) | Linux, Android, Apple, BSD, Windows |
    /// | `EHOSTDOWN` | [`HostDown`](Self::HostDown) | the same |
    /// | `ENETRESET` | [`NetworkReset`](Self::NetworkReset) | the same |
    /// | `EAFNOSUPPORT`, `EPFNOSUPPORT`, `EPROTONOSUPPORT` | [`Unsupported`](Self::Unsupported) | the same |
    /// | `ESHUTDOWN` | [`BrokenPipe`](Self::BrokenPipe) | the same |
    /// | `ENONET` | [`NetworkDown`](Self::NetworkDown) | Linux, Android |
    /// | `WSAHOST_NOT_FOUND`, `WSATRY_AGAIN`, `WSANO_RECOVERY`, `WSANO_DATA` | [`NameNotFound`](Self::NameNotFound) | Windows |
    ///
    /// An error of the name lookup without a number, and one of a connect that was given no address, is known by the text that
    /// `std` and the runtimes give it, and is [`NameNotFound`](Self::NameNotFound) too: `std` has no kind for it.
    fn from(error: &io::Error) -> Self {
        if let Some(number) = error.raw_os_error() {
            return by_number(number).unwrap_or_else(|| Self::from(error.kind()));
        }
        match Self::from(error.kind()) {
            Self::Other | Self::InvalidInput if is_lookup(error) => Self::NameNotFound,
            kind => kind,
        }
    }
}

#[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
impl From<&io::Error> for Cause {
    /// What the error says, and what it wraps: as [`causes::of`](fn@super::of).
    fn from(error: &io::Error) -> Self {
        super::of(error)
    }
}

/// What a failed name lookup says: [`IoKind::NameNotFound`], unless the machine had no file, buffer or memory left for it, or the
/// name is none.
///
/// Know a lookup by its place: `std` reports it with a kind of its own and a text, or, if the resolver itself had an error of the
/// system, with that error, which then looks like one of the connect. So look the name up in a step of its own:
///
/// ```no_run
/// use std::net::{TcpStream, ToSocketAddrs};
/// use redial::{Cause, causes};
///
/// # fn main_() -> Result<TcpStream, Cause> {
/// let found = "feed.example:4000".to_socket_addrs().map_err(|error| causes::lookup(&error))?;
/// let stream = TcpStream::connect(&found.collect::<Vec<_>>()[..]).map_err(|error| Cause::from(&error))?;
/// # Ok(stream)
/// # }
/// ```
///
/// A connect that looks the name up by itself gives the same in the usual case, "no such name" or "try again": its error is known by
/// its text.
#[must_use]
pub fn lookup(error: &io::Error) -> Cause {
    match Cause::from(error) {
        cause @ Cause::Io(
            IoKind::TooManyOpenFiles | IoKind::NoBufferSpace | IoKind::OutOfMemory | IoKind::InvalidInput,
        ) => cause,
        _ => Cause::Io(IoKind::NameNotFound),
    }
}

/// The texts are those of `std` for what `getaddrinfo` reports, and of `std`, tokio, async-std and smol for a list of
/// addresses that is empty. No kind says the same.
fn is_lookup(error: &io::Error) -> bool {
    let text = error.to_string();
    ["failed to lookup address information", "could not resolve to any address"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// What `std` 1.85 has no kind for. The numbers are those of each system's `errno.h`, and of `winsock2.h`.
const fn by_number(number: i32) -> Option<IoKind> {
    #[cfg(all(
        any(target_os = "linux", target_os = "android"),
        not(any(
            target_arch = "mips",
            target_arch = "mips32r6",
            target_arch = "mips64",
            target_arch = "mips64r6",
            target_arch = "sparc",
            target_arch = "sparc64"
        ))
    ))]
    match number {
        64 => return Some(IoKind::NetworkDown),
        93 | 96 | 97 => return Some(IoKind::Unsupported),
        102 => return Some(IoKind::NetworkReset),
        105 => return Some(IoKind::NoBufferSpace),
        108 => return Some(IoKind::BrokenPipe),
        112 => return Some(IoKind::HostDown),
        _ => {}
    }
    #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    match number {
        43 | 46 | 47 => return Some(IoKind::Unsupported),
        52 => return Some(IoKind::NetworkReset),
        55 => return Some(IoKind::NoBufferSpace),
        58 => return Some(IoKind::BrokenPipe),
        64 => return Some(IoKind::HostDown),
        _ => {}
    }
    match number {
        23 | 24 if cfg!(unix) => Some(IoKind::TooManyOpenFiles),
        10024 if cfg!(windows) => Some(IoKind::TooManyOpenFiles),
        10043 | 10046 | 10047 if cfg!(windows) => Some(IoKind::Unsupported),
        10052 if cfg!(windows) => Some(IoKind::NetworkReset),
        10055 if cfg!(windows) => Some(IoKind::NoBufferSpace),
        10058 if cfg!(windows) => Some(IoKind::BrokenPipe),
        10064 if cfg!(windows) => Some(IoKind::HostDown),
        11001..=11004 if cfg!(windows) => Some(IoKind::NameNotFound),
        _ => None,
    }
}
