//! Lookup, TCP and upgrade: one deadline for all of it, and what every refusal becomes.

use core::time::Duration;

use redial::policy::RetryAfter;
use redial::websocket::Limits;
use redial::{Cause, IoKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::heard::{Heard, client, failure, fast_within};
use crate::server::{free_address, soon};

pub(crate) async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// The head of the request.
pub(crate) async fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut head).await.unwrap() > 0, "it hung up");
    }
    String::from_utf8(head).unwrap()
}

/// Answers one upgrade with this text, and gives back what it was asked.
async fn answer(listener: &TcpListener, text: &str) -> String {
    let mut stream = listener.accept().await.unwrap().0;
    let asked = request(&mut stream).await;
    // It may be longer than the client reads.
    drop(stream.write_all(text.as_bytes()).await);
    drop(stream.shutdown().await);
    asked
}

#[tokio::test]
async fn a_refused_port_and_an_unknown_name_are_told_apart() {
    let (connect, reports) = client(&format!("ws://{}", free_address()));
    assert_eq!(failure(connect, reports).await.cause, Cause::Io(IoKind::ConnectionRefused));
    let (connect, reports) = client("ws://no-such-name.invalid");
    let failure = failure(connect, reports).await;
    assert_eq!(failure.cause, Cause::Io(IoKind::NameNotFound), "{failure}");
}

/// The statuses with their `Retry-After`, also from servers that still speak HTTP/1.0.
#[tokio::test]
async fn a_refusal_is_its_status_and_what_it_asks_to_wait() {
    let secs = |secs| Some(Duration::from_secs(secs));
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (status, header, wait) in [
        (503, "Retry-After: 7\r\n", secs(7)),
        (429, "retry-after: 120\r\nRetry-After: 7\r\n", secs(120)),
        (425, "Retry-After: 1\r\n", secs(1)),
        (503, &format!("Retry-After: {past}\r\n"), Some(Duration::ZERO)),
        (503, "Retry-After: soon\r\n", None),
        (503, "", None),
        (200, "", None),
        (302, "Location: ws://127.0.0.1:9\r\n", None),
        (403, "", None),
    ] {
        for version in ["1.0", "1.1"] {
            let (listener, url) = listener().await;
            let (connect, reports) = client(&url);
            let text = format!("HTTP/{version} {status} No\r\n{header}Content-Length: 0\r\n\r\n");
            let (failure, _) =
                soon(async { tokio::join!(failure(connect, reports), answer(&listener, &text)) }).await;
            assert_eq!(
                (failure.cause, failure.retry_after),
                (Cause::Http(status), wait.map(RetryAfter::from)),
                "{text}"
            );
        }
    }
}

/// A date lies in the future of whoever reads it.
#[tokio::test]
async fn a_date_is_turned_into_a_wait() {
    #[expect(clippy::disallowed_methods, reason = "a date is a matter of the calendar")]
    let date = std::time::SystemTime::now() + Duration::from_secs(3_600);
    let (listener, url) = listener().await;
    let (connect, reports) = client(&url);
    let text = format!("HTTP/1.1 503 No\r\nRetry-After: {}\r\n\r\n", httpdate::fmt_http_date(date));
    let (failure, _) =
        soon(async { tokio::join!(failure(connect, reports), answer(&listener, &text)) }).await;
    let wait = failure.retry_after.unwrap().duration();
    assert!(wait > Duration::from_secs(3_000) && wait <= Duration::from_secs(3_600), "{wait:?}");
}

#[tokio::test]
async fn what_is_no_answer_is_not_taken_for_one() {
    let upgrade = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (text, cause) in [
        (String::new(), Cause::Io(IoKind::UnexpectedEof)),
        ("HTTP/1.1".to_owned(), Cause::Io(IoKind::UnexpectedEof)),
        ("SSH-2.0-x\r\n\r\n".to_owned(), Cause::Io(IoKind::InvalidData)),
        ("HTTP/1.1 101 X\r\n\r\n".to_owned(), Cause::Http(101)),
        (format!("{upgrade}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"), Cause::Http(101)),
        (format!("{upgrade}A: {}\r\n\r\n", "x".repeat(1_000)), Cause::Io(IoKind::InvalidData)),
    ] {
        let (listener, url) = listener().await;
        let (connect, reports) = client(&url);
        let connect = connect.limits(Limits::new().headers(1_000).build_const());
        let (failure, _) =
            soon(async { tokio::join!(failure(connect, reports), answer(&listener, &text)) }).await;
        assert_eq!(failure.cause, cause, "{text:.40}: {failure}");
    }
}

/// A server that takes the socket and says nothing, or the head of an answer bit by bit: in either case the whole dial
/// has one deadline, and the socket is gone when it has passed.
#[tokio::test]
async fn one_deadline_covers_all_of_a_dial() {
    for drip in [false, true] {
        let (listener, url) = listener().await;
        let (connect, _reports) = client(&url);
        let socket = connect.config(fast_within(Duration::from_millis(200))).spawn().unwrap();
        let mut changes = socket.handle().changes();
        let mut stream = soon(listener.accept()).await.unwrap().0;
        soon(async {
            request(&mut stream).await;
            if drip {
                stream.write_all(b"HTTP/1.1 101 X\r\nA: ").await.unwrap();
            }
            let mut rest = [0; 16];
            loop {
                if drip && stream.write_all(b"A").await.is_err() {
                    return;
                }
                let read = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut rest)).await;
                if matches!(read, Ok(Ok(0) | Err(_))) {
                    return;
                }
            }
        })
        .await;
        let cause = soon(async {
            loop {
                if let Some(cause) = changes.recv().await.unwrap().last_cause {
                    return cause;
                }
            }
        })
        .await;
        assert_eq!(cause, Cause::ConnectTimeout, "drip: {drip}");
    }
}

#[tokio::test]
async fn the_upgrade_asks_for_what_was_set() {
    let (listener, url) = listener().await;
    let (connect, mut reports) = client(&format!("{url}/path?v=10"));
    let mut socket = connect
        .header("Authorization", "Bearer secret")
        .origin("https://app.example")
        .subprotocol("a")
        .subprotocol("b")
        .on_connect(|connection| {
            let (chosen, cookie) = (connection.subprotocol(), connection.upgraded().header("Set-Cookie"));
            assert_eq!((chosen, cookie), (Some("b"), Some("x=1")));
        })
        .spawn()
        .unwrap();
    let mut stream = soon(listener.accept()).await.unwrap().0;
    let asked = soon(request(&mut stream)).await;
    assert!(asked.starts_with("GET /path?v=10 HTTP/1.1\r\n"), "{asked}");
    for line in [
        "Authorization: Bearer secret",
        "Origin: https://app.example",
        "Sec-WebSocket-Protocol: a, b",
        "Upgrade: websocket",
    ] {
        let found = asked.lines().any(|asked| asked.eq_ignore_ascii_case(line));
        assert!(found, "{line} is not in {asked}");
    }
    let key = asked.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let text = format!(
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\
         Sec-WebSocket-Protocol: b\r\nSet-Cookie: x=1\r\n\r\n\u{81}\u{2}hi"
    );
    // One text frame right behind the head.
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    stream.write_all(&bytes).await.unwrap();
    assert!(
        matches!(soon(reports.recv()).await, Some(Heard::Upgraded(upgraded)) if upgraded.subprotocol() == Some("b"))
    );
    assert_eq!(soon(socket.recv()).await.unwrap().as_text(), Some("hi"));
}

/// A subprotocol that was asked for and not granted is a refused upgrade.
#[tokio::test]
async fn a_subprotocol_that_is_not_chosen_is_a_refusal() {
    let (listener, url) = listener().await;
    let (connect, reports) = client(&url);
    let server = async {
        let stream = listener.accept().await.unwrap().0;
        tokio_tungstenite::accept_async(stream).await
    };
    let (failure, _) = soon(async { tokio::join!(failure(connect.subprotocol("a"), reports), server) }).await;
    assert_eq!(failure.cause, Cause::Http(101), "{failure}");
}

/// An address that is refused costs nothing where the name has another.
#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // `localhost` is ::1 and 127.0.0.1 where there is IPv6, and only the second listens.
    let (listener, url) = listener().await;
    let (connect, mut reports) = client(&url.replace("127.0.0.1", "localhost"));
    let _socket = connect.spawn().unwrap();
    let stream = soon(listener.accept()).await.unwrap().0;
    let _server = tokio_tungstenite::accept_async(stream).await.unwrap();
    assert!(matches!(soon(reports.recv()).await, Some(Heard::Upgraded(_))));
}

/// The next URL is dialled where the first fails.
#[tokio::test]
async fn another_url_takes_over() {
    let (listener, url) = listener().await;
    let (connect, mut reports) = client(&format!("ws://{}", free_address()));
    let _socket = connect.or(&url).spawn().unwrap();
    let stream = soon(listener.accept()).await.unwrap().0;
    let _server = tokio_tungstenite::accept_async(stream).await.unwrap();
    assert!(matches!(soon(reports.recv()).await, Some(Heard::DialFailed(_))));
    assert!(matches!(soon(reports.recv()).await, Some(Heard::Upgraded(_))));
}
