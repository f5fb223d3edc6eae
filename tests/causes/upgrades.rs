//! Upgrades that real servers refuse, over a socket.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::UNIX_EPOCH;

use http::Response;
use redial::classify::Class;
use redial::policy::RetryAfter;
use redial::{Cause, IoKind, causes};
use tungstenite::error::{CapacityError, ProtocolError, UrlError};
use tungstenite::handshake::HandshakeError;
use tungstenite::{Error, Message};

use crate::sockets::{Library, listener, nobody};

/// What a client is told that asks for an upgrade and gets this answer.
pub(crate) fn refused(answer: &str) -> Error {
    let (listener, address) = listener();
    let answer = answer.to_owned();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // Until the client has read it.
        drop(stream.read(&mut [0]));
    });
    let stream = TcpStream::connect(address).unwrap();
    let error = match tungstenite::client(format!("ws://{address}/"), stream).err().unwrap() {
        HandshakeError::Failure(error) => error,
        HandshakeError::Interrupted(_) => unreachable!("the socket blocks"),
    };
    server.join().unwrap();
    error
}

fn asked(error: &(dyn std::error::Error + 'static)) -> Option<RetryAfter> {
    causes::retry_after_of(error, UNIX_EPOCH)
}

#[test]
fn a_refusal_is_its_status_and_what_it_asks_to_wait() {
    let at_least = |millis| Some(RetryAfter::AtLeast(Duration::from_millis(millis)));
    for (status, header, wait) in [
        (503, "Retry-After: 7\r\n", at_least(7_000)),
        (503, "Retry-After: Thu, 01 Jan 1970 00:01:30 GMT\r\n", at_least(90_000)),
        (
            503,
            "Retry-After: 7\r\nRetry-After-Kind: window\r\n",
            Some(RetryAfter::Window(Duration::from_secs(7))),
        ),
        (429, "X-RateLimit-Reset-After: 0.25\r\n", at_least(250)),
        (401, "WWW-Authenticate: Bearer\r\n", None),
        (200, "", None),
    ] {
        let error = refused(&format!("HTTP/1.1 {status} No\r\n{header}Content-Length: 0\r\n\r\n"));
        assert_eq!((Cause::from(&error), asked(&error)), (Cause::Http(status), wait), "{status} {header}");
        // As the source of another error it says the same.
        let error = Library(Some(Box::new(error)));
        assert_eq!((causes::of(&error), asked(&error)), (Cause::Http(status), wait), "{status} {header}");
    }
}

#[test]
fn what_is_no_answer_is_not_taken_for_one() {
    let upgrade = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (answer, cause) in [
        ("", Cause::Io(IoKind::UnexpectedEof)),
        ("HTTP/1.1", Cause::Io(IoKind::UnexpectedEof)),
        ("SSH-2.0-x\r\n\r\n", Cause::Io(IoKind::InvalidData)),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", Cause::Io(IoKind::InvalidData)),
        ("HTTP/1.1 101 X\r\n\r\n", Cause::Http(101)),
        (&format!("{upgrade}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"), Cause::Http(101)),
    ] {
        let error = refused(answer);
        assert_eq!((Cause::from(&error), asked(&error)), (cause, None), "{answer}");
    }
}

/// A connection that is lost without a close frame, and one whose peer sends what is no frame.
#[test]
fn the_end_of_a_connection_is_told_from_a_broken_one() {
    for (sent, reports) in [
        (&b""[..], [Cause::NoCloseFrame, Cause::NoCloseFrame]),
        (b"\xF1\x00", [Cause::Io(IoKind::InvalidData), Cause::NoCloseFrame]),
        // A text that is not UTF-8: a resume would bring it again.
        (b"\x81\x01\xFF", [Cause::Class(Class::Fresh), Cause::NoCloseFrame]),
    ] {
        let (listener, address) = listener();
        let server = thread::spawn(move || {
            let mut server = tungstenite::accept(listener.accept().unwrap().0).unwrap();
            server.get_mut().write_all(sent).unwrap();
            server.get_mut().shutdown(Shutdown::Write).unwrap();
            drop(server.get_mut().read(&mut [0]));
        });
        let stream = TcpStream::connect(address).unwrap();
        let mut socket = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
        for cause in reports {
            let error = socket.read().unwrap_err();
            assert_eq!(Cause::from(&error), cause, "{sent:X?}: {error:?}");
        }
        drop(socket);
        server.join().unwrap();
    }
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let mut server = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        server.read().unwrap();
        server.get_ref().peek(&mut [0]).unwrap();
    });
    let stream = TcpStream::connect(address).unwrap();
    let mut socket = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
    socket.send(Message::text("read")).unwrap();
    socket.send(Message::text("unread")).unwrap();
    server.join().unwrap();
    assert_eq!(Cause::from(&socket.read().unwrap_err()), Cause::Io(IoKind::ConnectionReset));
}

/// tungstenite's own dial tries every address and keeps to itself why they failed: that is no wrong URL.
#[test]
fn a_url_that_nobody_answers_is_told_from_one_that_is_wrong() {
    let error = tungstenite::client::uri_mode(&"http://localhost".parse().unwrap()).unwrap_err();
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::InvalidInput));
    let error = Error::Io(TcpStream::connect(nobody()).unwrap_err());
    assert_eq!(Cause::from(&error), Cause::Io(IoKind::ConnectionRefused));
    let error = Error::Url(UrlError::UnableToConnect("ws://localhost:9".into()));
    assert_eq!(Cause::from(&error), Cause::Class(Class::Transient));
}

/// Only a message that a resume would bring again costs the session; the answer to an upgrade says nothing about it.
#[test]
fn only_a_message_that_cannot_be_taken_starts_a_new_session() {
    let too_long = Error::Capacity(CapacityError::MessageTooLong { size: 2, max_size: 1 });
    for error in [too_long, Error::Utf8(String::new())] {
        assert_eq!(Cause::from(&error), Cause::Class(Class::Fresh), "{error}");
    }
    let answer = |status: u16| Error::Http(Box::new(Response::builder().status(status).body(None).unwrap()));
    assert_eq!(Cause::from(&answer(503)), Cause::Http(503));
    for error in [
        answer(103),
        Error::Capacity(CapacityError::TooManyHeaders),
        Error::AttackAttempt,
        Error::Protocol(ProtocolError::NonZeroReservedBits),
    ] {
        assert_eq!(Cause::from(&error), Cause::Io(IoKind::InvalidData), "{error}");
    }
    let full = Error::WriteBufferFull(Box::new(Message::text("")));
    assert_eq!(Cause::from(&full), Cause::Unknown);
}
