//! Sockets that fail, and the errors that are wrapped around theirs.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use redial::{Cause, IoKind, causes};

use crate::{again, is_child};

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port at which nobody listens any more.
pub(crate) fn nobody() -> SocketAddr {
    listener().1
}

fn refused() -> io::Error {
    TcpStream::connect(nobody()).unwrap_err()
}

#[test]
fn a_socket_says_why_it_failed() {
    assert_eq!(Cause::from(&refused()), Cause::Io(IoKind::ConnectionRefused));

    let (listener, address) = listener();
    let error = TcpListener::bind(address).unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::AddrInUse));

    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let (server, _) = listener.accept().unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    let late = [Cause::Io(IoKind::WouldBlock), Cause::Io(IoKind::TimedOut)];
    assert!(late.contains(&Cause::from(&error)), "{error:?}");

    // A peer that closes with something unread resets the connection, and whoever writes to that then has no pipe.
    client.set_read_timeout(None).unwrap();
    client.write_all(b"unread").unwrap();
    server.peek(&mut [0]).unwrap();
    drop(server);
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::ConnectionReset));
    let error = client.write(b"more").unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::BrokenPipe));

    let mut client = TcpStream::connect(address).unwrap();
    drop(listener.accept().unwrap());
    let error = client.read_exact(&mut [0]).unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::UnexpectedEof));
}

#[cfg(unix)]
#[test]
fn a_local_socket_that_is_not_there_is_not_found() {
    let error = std::os::unix::net::UnixStream::connect("/nowhere/redial.sock").unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::NotFound));
}

/// Without a kind of `std`: the number alone tells it. A lookup that has no file for its socket is no unknown name.
#[cfg(unix)]
#[test]
fn a_process_that_has_no_files_left_is_told_from_a_service_that_is_down() {
    if !is_child() {
        let limited = ["sh", "-c", "ulimit -n 32; exec \"$@\"", "sh"];
        return again(
            &limited,
            "sockets::a_process_that_has_no_files_left_is_told_from_a_service_that_is_down",
        );
    }
    let (_listener, address) = listener();
    let files: Result<Vec<_>, _> = (0..100).map(|_| File::open("/dev/null")).collect();
    files.unwrap_err();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::TooManyOpenFiles), "{error:?}");
    assert_eq!(causes::lookup(&error), Cause::Io(IoKind::TooManyOpenFiles), "{error:?}");
}

/// In a namespace that has no network at all.
#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::print_stderr, reason = "a test that could not run says so")]
fn a_host_without_a_network_is_told_from_a_service_that_is_down() {
    let alone = ["unshare", "--net", "--map-root-user"];
    if is_child() {
        let error = TcpStream::connect(("192.0.2.1", 9)).unwrap_err();
        assert_eq!(Cause::from(&error), Cause::Io(IoKind::NetworkUnreachable), "{error:?}");
        // The resolver may come back to such a name.
        let error = TcpStream::connect(("feed.example", 9)).unwrap_err();
        assert_eq!(Cause::from(&error), Cause::Io(IoKind::NameNotFound), "{error:?}");
        return;
    }
    let probe = Command::new(alone[0]).args(&alone[1..]).arg("true").stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no namespace can be made here");
        return;
    }
    again(&alone, "sockets::a_host_without_a_network_is_told_from_a_service_that_is_down");
}

/// The numbers of Linux, and that no other one is taken for one of them: what `std` has a kind for keeps it.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn numbers_without_a_kind_of_their_own_are_known() {
    let known = [
        (23, IoKind::TooManyOpenFiles),
        (24, IoKind::TooManyOpenFiles),
        (64, IoKind::NetworkDown),
        (93, IoKind::Unsupported),
        (96, IoKind::Unsupported),
        (97, IoKind::Unsupported),
        (102, IoKind::NetworkReset),
        (105, IoKind::NoBufferSpace),
        (108, IoKind::BrokenPipe),
        (112, IoKind::HostDown),
    ];
    for number in 1..=133 {
        let error = io::Error::from_raw_os_error(number);
        let kind = known.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind);
        assert_eq!(IoKind::from(&error), kind.unwrap_or_else(|| error.kind().into()), "{error}");
    }
    for (number, kind) in [
        (1, IoKind::PermissionDenied),
        (12, IoKind::OutOfMemory),
        (13, IoKind::PermissionDenied),
        (16, IoKind::ResourceBusy),
        (98, IoKind::AddrInUse),
        (99, IoKind::AddrNotAvailable),
        (100, IoKind::NetworkDown),
        (101, IoKind::NetworkUnreachable),
        (103, IoKind::ConnectionAborted),
        (107, IoKind::NotConnected),
        (110, IoKind::TimedOut),
        (113, IoKind::HostUnreachable),
        (28, IoKind::Other),
    ] {
        assert_eq!(Cause::from(&io::Error::from_raw_os_error(number)), Cause::Io(kind));
    }
}

/// A library's error, with a source or without.
#[derive(Debug)]
pub(crate) struct Library(pub(crate) Option<Box<dyn Error + Send + Sync>>);

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the library failed")
    }
}

impl Error for Library {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = self.0.as_deref()?;
        Some(source)
    }
}

fn library(inner: impl Error + Send + Sync + 'static) -> Library {
    Library(Some(Box::new(inner)))
}

/// However deep it lies: among the sources, wrapped in another error of the system, or both.
#[test]
fn an_error_of_the_system_is_found_under_what_is_wrapped_around_it() {
    let is_refused = |error: &(dyn Error + 'static)| {
        assert_eq!(causes::of(error), Cause::Io(IoKind::ConnectionRefused), "{error:?}");
    };
    is_refused(&refused());
    is_refused(&library(refused()));
    is_refused(&library(library(refused())));
    is_refused(&io::Error::other(refused()));
    is_refused(&io::Error::other(library(refused())));
    is_refused(&library(Arc::new(refused())));
    is_refused(&library(Arc::<dyn Error + Send + Sync>::from(
        Box::new(refused()) as Box<dyn Error + Send + Sync>
    )));
    is_refused(&library(io::Error::other(library(io::Error::other(refused())))));
    // What is wrapped is the reason, and the kind around it what became of that.
    is_refused(&io::Error::new(ErrorKind::TimedOut, library(refused())));
}

/// What is wrapped and says nothing leaves the kind that is around it.
#[test]
fn what_says_nothing_hides_nothing() {
    let nothing = io::Error::from_raw_os_error(28);
    for inner in [Library(None), library(nothing)] {
        let error = io::Error::new(ErrorKind::UnexpectedEof, inner);
        assert_eq!(Cause::from(&error), Cause::Io(IoKind::UnexpectedEof));
        assert_eq!(causes::of(&library(error)), Cause::Io(IoKind::UnexpectedEof));
    }
    assert_eq!(causes::of(&Library(None)), Cause::Unknown);
    assert_eq!(causes::of(&library(fmt::Error)), Cause::Unknown);
    assert_eq!(Cause::from(&io::Error::other("a text")), Cause::Io(IoKind::Other));
    assert_eq!(Cause::from(&io::Error::from_raw_os_error(28)), Cause::Io(IoKind::Other));
    // The error of another library may hold any of these texts.
    let quotes = io::Error::other("what is \"failed to lookup address information\"?");
    assert_eq!(Cause::from(&quotes), Cause::Io(IoKind::Other));
}

/// An error that is its own source.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("endless")
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

#[test]
fn a_chain_of_errors_is_read_to_a_depth_of_32() {
    assert_eq!(causes::of(&Endless), Cause::Unknown);
    let deep = |depth| (1..depth).fold(library(refused()), |inner, _| library(inner));
    assert_eq!(causes::of(&deep(31)), Cause::Io(IoKind::ConnectionRefused));
    assert_eq!(causes::of(&deep(32)), Cause::Unknown);
}
