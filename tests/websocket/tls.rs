//! TLS by a server with a certificate of this test's: verdicts, ALPN, and the deadline.

use core::time::Duration;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use redial::classify::TlsKind;
use redial::websocket::rustls::crypto::ring;
use redial::websocket::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use redial::websocket::rustls::{ClientConfig, RootCertStore, ServerConfig};
use redial::{Cause, IoKind};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use crate::heard::{client, failure, fast_within};
use crate::server::soon;

struct Secure {
    listener: TcpListener,
    port: u16,
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

/// Of a server for `localhost`, signed by itself and good for a century. Nobody but these tests knows or trusts it.
///
/// ```sh
/// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
///     -not_before 20000101000000Z -not_after 21000101000000Z -addext subjectAltName=DNS:localhost \
///     -addext basicConstraints=critical,CA:FALSE -keyout key.pem -outform DER -out localhost.crt
/// openssl pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out localhost.key
/// ```
const CERTIFICATE: &[u8] = include_bytes!("localhost.crt");
const KEY: &[u8] = include_bytes!("localhost.key");

/// A server for `localhost` that would rather speak HTTP/2.
async fn secure(alpn: &[&str]) -> Secure {
    let certificate = CertificateDer::from(CERTIFICATE);
    let key = PrivatePkcs8KeyDer::from(KEY);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Secure { listener, port, acceptor: TlsAcceptor::from(Arc::new(config)), certificate }
}

/// Trusts this certificate, and would offer anything.
fn trusting(certificate: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// `http/1.1` is all that is offered, whatever the configuration says: a server that prefers HTTP/2 can't choose it.
#[tokio::test]
async fn a_server_that_prefers_http_2_is_spoken_to_in_http_1() {
    for alpn in [&["h2", "http/1.1"][..], &["http/1.1"], &[]] {
        let server = secure(alpn).await;
        let (connect, _reports) = client(&format!("wss://localhost:{}/", server.port));
        let mut socket = connect.tls(trusting(&server.certificate)).spawn().unwrap();
        let stream = soon(server.listener.accept()).await.unwrap().0;
        let stream = soon(server.acceptor.accept(stream)).await.unwrap();
        let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(chosen, (!alpn.is_empty()).then(|| b"http/1.1".to_vec()));
        let mut server = soon(accept_async(stream)).await.unwrap();
        server.send(Message::text("hello")).await.unwrap();
        assert_eq!(soon(socket.recv()).await.unwrap().to_string(), "hello");
        socket.send("and back").await.unwrap();
        assert_eq!(soon(server.next()).await.unwrap().unwrap(), Message::text("and back"));
    }
}

/// More than any buffer on the way holds, in both directions at once.
#[tokio::test]
async fn large_messages_pass_both_ways() {
    const SIZE: usize = 3 << 20;
    let server = secure(&[]).await;
    let (connect, _reports) = client(&format!("wss://localhost:{}", server.port));
    let mut socket = connect.tls(trusting(&server.certificate)).spawn().unwrap();
    let stream = soon(server.listener.accept()).await.unwrap().0;
    let stream = soon(server.acceptor.accept(stream)).await.unwrap();
    let (mut sink, mut stream) = soon(accept_async(stream)).await.unwrap().split();
    soon(socket.online()).await.unwrap();
    let sender = socket.sender();
    let (sent, said, heard, received) = soon(async {
        tokio::join!(
            sender.send("x".repeat(SIZE)),
            sink.send(Message::binary(vec![7; SIZE])),
            stream.next(),
            socket.recv()
        )
    })
    .await;
    sent.unwrap();
    said.unwrap();
    assert_eq!((heard.unwrap().unwrap().len(), received.unwrap().len()), (SIZE, SIZE));
}

#[tokio::test]
async fn the_verdict_on_a_certificate_is_the_cause() {
    for (host, trusts, alpn, cause) in [
        ("localhost", false, "http/1.1", Cause::Tls(TlsKind::UnknownIssuer)),
        ("127.0.0.1", true, "http/1.1", Cause::Tls(TlsKind::NameMismatch)),
        ("localhost", true, "h2", Cause::Tls(TlsKind::HandshakeFailure)),
    ] {
        let server = secure(&[alpn]).await;
        let (mut connect, reports) = client(&format!("wss://{host}:{}", server.port));
        if trusts {
            connect = connect.tls(trusting(&server.certificate));
        }
        let accept = async {
            let stream = server.listener.accept().await.unwrap().0;
            server.acceptor.accept(stream).await.is_ok()
        };
        let (failure, accepted) = soon(async { tokio::join!(failure(connect, reports), accept) }).await;
        assert_eq!(failure.cause, cause, "{failure}");
        assert!(!accepted || trusts);
    }
}

/// A server that hangs up in the handshake, one that speaks no TLS, and one that says nothing.
#[tokio::test]
async fn a_handshake_that_fails_or_hangs_is_a_failed_dial() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}", listener.local_addr().unwrap().port());
    for (answer, cause) in [
        (&b""[..], Cause::Tls(TlsKind::Eof)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Cause::Tls(TlsKind::Other)),
    ] {
        let (connect, reports) = client(&url);
        let server = async {
            let mut stream = listener.accept().await.unwrap().0;
            let mut hello = [0; 64];
            stream.read_exact(&mut hello).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
            tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
            // Until the client has seen it.
            while matches!(stream.read(&mut hello).await, Ok(1..)) {}
        };
        let (failure, ()) = soon(async { tokio::join!(failure(connect, reports), server) }).await;
        let reset = Cause::Io(IoKind::ConnectionReset);
        assert!(failure.cause == cause || failure.cause == reset, "{failure}");
    }
    let (connect, _reports) = client(&url);
    let _socket = connect.config(fast_within(Duration::from_millis(200))).spawn().unwrap();
    let mut stream = soon(listener.accept()).await.unwrap().0;
    // The hello of TLS, and then the end of the socket: the deadline has passed.
    let mut hello = Vec::new();
    soon(stream.read_to_end(&mut hello)).await.unwrap();
    assert_eq!(hello[0], 22, "a handshake record");
}

/// A server that leaves without TLS's own farewell has just left.
#[tokio::test]
async fn a_connection_that_is_cut_is_no_close_frame() {
    let server = secure(&[]).await;
    let (connect, mut reports) = client(&format!("wss://localhost:{}", server.port));
    let _socket = connect.tls(trusting(&server.certificate)).spawn().unwrap();
    let stream = soon(server.listener.accept()).await.unwrap().0;
    let stream = soon(server.acceptor.accept(stream)).await.unwrap();
    drop(soon(accept_async(stream)).await.unwrap());
    soon(reports.recv()).await.unwrap();
    match soon(reports.recv()).await.unwrap() {
        crate::heard::Heard::Lost(failure) => assert_eq!(failure.cause, Cause::NoCloseFrame, "{failure}"),
        other => panic!("{other:?}"),
    }
}
