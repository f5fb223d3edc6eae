//! From a URL to an open WebSocket: lookup, TCP, TLS, upgrade.
//!
//! There is no deadline here. All of it is one future, and the policy's connect timeout
//! ([`Config::connect_timeout`](crate::Config::connect_timeout)) bounds it as a whole: when it has passed, the
//! driver drops the future, and with it whatever was open.

use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::boxed::Box;
use std::format;
use std::io;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::causes;
use crate::classify::{Cause, IoKind};

use super::failure::Failure;
use super::head::Head;
use super::limits::Limits;
use super::request::{Headers, Upgraded};
use super::url::Url;
use super::wire::Wire;

/// How long one address has before the next is tried beside it (RFC 8305, section 8).
const STAGGER: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// What may wait to be written beside one message: answers to pings, mostly.
const SLACK: usize = 16 << 10;

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<Head<Stream>>;

/// Opens a WebSocket. Dropping the future closes what it has opened; a name lookup that the system has begun ends by itself.
pub(super) async fn open(
    url: &Url,
    headers: &Headers,
    tls: &Arc<ClientConfig>,
    limits: &Limits,
) -> Result<(Socket, Upgraded), Failure> {
    let request = headers.request(url)?;
    let tcp = connect(url).await?;
    // Small frames at a steady pace: Nagle would hold them back. A socket that refuses this is used all the same.
    tcp.set_nodelay(true).unwrap_or_default();
    let wire = Wire::new(tcp, limits.stall());
    let stream =
        if url.is_secure() { secure(url, wire, Arc::clone(tls)).await? } else { Stream::Plain(wire) };
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits.message()))
        .max_frame_size(Some(limits.message()))
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(limits.outgoing().saturating_add(SLACK));
    let upgrade = client_async_with_config(request, Head::new(stream, limits.headers()), Some(config));
    match upgrade.await {
        Ok((socket, response)) => Ok((socket, Upgraded::new(response.into_parts().0.headers))),
        Err(error) => Err(Failure::from_websocket(&error)),
    }
}

/// Connects to whichever address of the host answers first. The next address is tried when one has failed, or has not
/// answered for [`STAGGER`]; so an address family that leads nowhere costs that long and not the whole attempt.
async fn connect(url: &Url) -> Result<TcpStream, Failure> {
    let mut addresses = lookup(url).await?.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failed = Failure::new(Cause::Io(IoKind::NameNotFound), "the name has no address");
    loop {
        attempts.extend(addresses.next().map(|address| async move {
            TcpStream::connect(address).await.map_err(|error| (address, error))
        }));
        match timeout(STAGGER, attempts.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err((address, error)))) => {
                failed = Failure::new(Cause::from(&error), format!("{address}: {error}"));
            }
            Ok(None) => return Err(failed),
            Err(_) => {}
        }
    }
}

/// The host's addresses, those of the two families in turn.
async fn lookup(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = url.host().parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, url.port())]);
    }
    // By itself, so that a name that is not found is known as such: the system's error kinds don't tell.
    let found = lookup_host((url.host(), url.port()))
        .await
        .map_err(|error| Failure::new(causes::lookup(&error), format!("{}: {error}", url.host())))?;
    Ok(in_turn(found.take(MAX_ADDRESSES).collect()))
}

fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    let mut sorted = Vec::new();
    loop {
        let (one, other) = (preferred.next(), others.next());
        if one.is_none() && other.is_none() {
            return sorted;
        }
        sorted.extend(one.into_iter().chain(other));
    }
}

async fn secure(url: &Url, wire: Wire, config: Arc<ClientConfig>) -> Result<Stream, Failure> {
    let name = ServerName::try_from(url.host())
        .map_err(|error| Failure::new(Cause::Io(IoKind::InvalidInput), error))?
        .to_owned();
    let handshake = TlsConnector::from(config).connect(name, wire);
    let stream = handshake.await.map_err(|error| Failure::from_tls(&error))?;
    Ok(Stream::Secure(Box::new(stream)))
}

/// With or without TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Wire),
    Secure(Box<TlsStream<Wire>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_read(cx, buf),
            Self::Secure(stream) => match Pin::new(stream).poll_read(cx, buf) {
                // A server that leaves without TLS's own farewell: the end of the stream, as it is without TLS. Nothing is
                // lost by it, for frames say how long they are.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                read => read,
            },
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_write(cx, buf),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(wire) => Pin::new(wire).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let six = ["[::1]:1", "[::2]:1", "[::3]:1"].map(address);
        let four = ["1.0.0.1:1", "1.0.0.2:1"].map(address);
        let sorted = in_turn([&six[..], &four[..]].concat());
        assert_eq!(sorted, [six[0], four[0], six[1], four[1], six[2]]);
        assert_eq!(in_turn(four.to_vec()), four);
        assert_eq!(in_turn(vec![]), []);
    }
}
