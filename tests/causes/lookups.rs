//! Names that have no address, looked up by what people look names up with.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};

use redial::{Cause, IoKind, causes};

/// RFC 2606 reserves the domain: no name under it will ever have an address.
const NAME: (&str, u16) = ("no-such-name.invalid", 443);

fn is_a_lookup(error: &io::Error) {
    assert_eq!(Cause::from(error), Cause::Io(IoKind::NameNotFound), "{error:?}");
    assert_eq!(IoKind::from(error), IoKind::NameNotFound, "{error:?}");
    assert_eq!(causes::lookup(error), Cause::Io(IoKind::NameNotFound), "{error:?}");
}

#[test]
fn a_name_without_an_address_is_told_from_a_port_that_refuses() {
    is_a_lookup(&NAME.to_socket_addrs().err().unwrap());
    is_a_lookup(&TcpStream::connect(NAME).unwrap_err());
    is_a_lookup(&TcpStream::connect(&[] as &[SocketAddr]).unwrap_err());
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn tokio_says_the_same() {
    is_a_lookup(&tokio::net::lookup_host(NAME).await.err().unwrap());
    is_a_lookup(&tokio::net::TcpStream::connect(NAME).await.unwrap_err());
    is_a_lookup(&tokio::net::TcpStream::connect(&[] as &[SocketAddr]).await.unwrap_err());
    // Time that is over is a timeout of the client's own.
    let elapsed =
        tokio::time::timeout(core::time::Duration::ZERO, core::future::pending::<()>()).await.unwrap_err();
    assert_eq!(causes::of(&elapsed), Cause::Timeout);
    assert_eq!(Cause::from(&io::Error::from(elapsed)), Cause::Io(IoKind::TimedOut));
}

#[cfg(feature = "smol")]
#[test]
fn smol_says_the_same() {
    smol::block_on(async {
        is_a_lookup(&smol::net::resolve(NAME).await.err().unwrap());
        is_a_lookup(&smol::net::TcpStream::connect(NAME).await.unwrap_err());
    });
}

/// It wraps the system's error in one with the kind of that and a text of its own.
#[cfg(feature = "async-std")]
#[test]
fn async_std_says_the_same() {
    async_std::task::block_on(async {
        let error = async_std::net::TcpStream::connect(NAME).await.unwrap_err();
        assert_eq!(Cause::from(&error), Cause::Io(IoKind::NameNotFound), "{error:?}");
        let pending = async_std::future::pending::<()>();
        let elapsed = async_std::future::timeout(core::time::Duration::ZERO, pending).await.unwrap_err();
        assert_eq!(causes::of(&elapsed), Cause::Timeout);
    });
}

/// Where it is known that a lookup failed, its error says it, whatever else it looks like.
#[test]
fn a_lookup_is_known_by_its_place() {
    let like_a_connect = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_eq!(causes::lookup(&like_a_connect), Cause::Io(IoKind::NameNotFound));
    let unspecific = io::Error::other("the resolver failed");
    assert_eq!(causes::lookup(&unspecific), Cause::Io(IoKind::NameNotFound));
    // A name that can be none, and an address without its port, are no matter of the network.
    for name in ["a\0b:443", "no-port.invalid"] {
        let error = name.to_socket_addrs().err().unwrap();
        assert_eq!(causes::lookup(&error), Cause::Io(IoKind::InvalidInput), "{error:?}");
    }
}
