//! Messages both ways, their limits, and the heartbeat.

use core::time::Duration;

use futures_util::{SinkExt, StreamExt};
use redial::classify::Class;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::websocket::{Frame, Limits, SendError};
use redial::{Cause, driver};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Piece;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::dial::listener;
use crate::heard::{FAST, Heard, client};
use crate::server::{Server, soon};

async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let stream = soon(listener.accept()).await.unwrap().0;
    soon(accept_async(stream)).await.unwrap()
}

#[tokio::test]
async fn text_and_bytes_go_both_ways_and_fragments_are_put_together() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let mut socket = connect.spawn().unwrap();
    let mut server = accept(&listener).await;
    server.send(Message::text("ü")).await.unwrap();
    server.send(Message::binary(vec![0, 255])).await.unwrap();
    server.send(Message::text("")).await.unwrap();
    for (text, code, last) in
        [("one ", Data::Text, false), ("two ", Data::Continue, false), ("three", Data::Continue, true)]
    {
        server.send(Message::Frame(Piece::message(text, OpCode::Data(code), last))).await.unwrap();
    }
    for expected in
        [Frame::from("ü"), Frame::from(vec![0, 255]), Frame::from(""), Frame::from("one two three")]
    {
        assert_eq!(soon(socket.recv()).await, Some(expected));
    }
    socket.send("ü").await.unwrap();
    socket.sender().send(vec![0, 255]).await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap().unwrap(), Message::text("ü"));
    assert_eq!(soon(server.next()).await.unwrap().unwrap(), Message::binary(vec![0, 255]));
}

/// A resume would bring the same message again, so it ends the session as well.
#[tokio::test]
async fn a_message_above_the_limit_ends_the_connection_before_it_is_kept() {
    let bad_text = || Message::Frame(Piece::message(vec![0xff], OpCode::Data(Data::Text), true));
    for bad in [Message::text("x".repeat(1_001)), bad_text()] {
        let (listener, url) = listener().await;
        let (connect, mut reports) = client(&url);
        let mut socket = connect.limits(Limits::new().message(1_000).build_const()).spawn().unwrap();
        let mut server = accept(&listener).await;
        server.send(Message::text("x".repeat(1_000))).await.unwrap();
        server.send(bad).await.unwrap();
        assert_eq!(soon(socket.recv()).await.unwrap().len(), 1_000);
        assert!(matches!(soon(reports.recv()).await, Some(Heard::Upgraded(_))));
        match soon(reports.recv()).await {
            Some(Heard::Lost(failure)) => assert_eq!(failure.cause, Cause::Class(Class::Fresh), "{failure}"),
            other => panic!("{other:?}"),
        }
        accept(&listener).await;
    }
}

/// The connection stays: the message is the sender's matter.
#[tokio::test]
async fn a_message_that_is_too_large_is_given_back() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let socket = connect.limits(Limits::new().outgoing(1_000).build_const()).spawn().unwrap();
    let mut server = accept(&listener).await;
    soon(socket.online()).await.unwrap();
    let error = socket.send("x".repeat(1_001)).await.unwrap_err();
    assert!(error.to_string().contains("1001 bytes, and the limit is 1000"), "{error}");
    assert!(matches!(&error, SendError::TooLarge { bytes: 1_001, limit: 1_000, .. }));
    assert_eq!(error.into_message().unwrap().len(), 1_001);
    socket.send("x".repeat(1_000)).await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap().unwrap().len(), 1_000);
}

/// The same by the driver's own handle, which does not know the limit: nothing of it was written, so the connection stays.
#[tokio::test]
async fn a_message_that_is_too_large_for_the_driver_is_given_back() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let socket = connect.limits(Limits::new().outgoing(1_000).build_const()).spawn().unwrap();
    let mut server = accept(&listener).await;
    soon(socket.online()).await.unwrap();
    let large = Frame::from("x".repeat(1_001));
    let sent = soon(socket.handle().send(large.clone())).await;
    assert_eq!(sent, Err(driver::SendError::Refused(large)));
    soon(socket.handle().send(Frame::from("x".repeat(1_000)))).await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap().unwrap().len(), 1_000);
    assert_eq!(soon(socket.handle().stats()).await.unwrap().opens, 1);
}

#[tokio::test]
async fn without_a_connection_a_message_is_given_back() {
    let (listener, url) = listener().await;
    drop(listener);
    let (connect, _reports) = client(&url);
    let socket = connect.spawn().unwrap();
    let error = soon(socket.send("hello")).await.unwrap_err();
    assert!(matches!(&error, SendError::NotSent(driver::SendError::NotOnline(_))), "{error}");
    assert_eq!(error.into_message(), Some(Frame::from("hello")));
}

#[tokio::test]
async fn what_is_sent_on_connect_comes_first_every_time() {
    let mut server = Server::start();
    let (connect, _reports) = client(&server.url());
    let socket = connect
        .on_connect(|connection| connection.send("SUB lobby"))
        .on_connect(|connection| connection.send(format!("ECHO {}", connection.epoch())))
        .spawn()
        .unwrap();
    for round in 1..=3 {
        soon(socket.online()).await.unwrap();
        socket.send("last").await.unwrap();
        server.until_heard(round, "last").await;
        let heard = server.log().heard[round - 1].clone();
        assert_eq!(heard[0], "SUB lobby");
        assert!(heard[1].starts_with("ECHO ") && heard[2] == "last", "{heard:?}");
        server.kill().await;
        server.restart();
        server.until(|log| log.heard.len() == round + 1 && log.heard[round].len() == 2).await;
    }
    assert_eq!(server.log().most_open, 1);
}

#[tokio::test]
async fn pings_of_the_server_are_answered() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let _socket = connect.spawn().unwrap();
    let mut server = accept(&listener).await;
    server.send(Message::Ping(vec![1, 2, 3].into())).await.unwrap();
    assert_eq!(soon(server.next()).await.unwrap().unwrap(), Message::Pong(vec![1, 2, 3].into()));
}

const HEARTBEAT: HeartbeatConfig =
    HeartbeatConfig::new().interval(Duration::from_millis(50)).liveness(Liveness::Ack).build_const();

/// The matching pong acknowledges; another one, or none, does not, and a dead connection is replaced.
#[tokio::test]
async fn the_heartbeat_is_a_ping_that_its_own_pong_acknowledges() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let socket = connect.config(FAST.to_builder().heartbeat(HEARTBEAT).build_const()).spawn().unwrap();
    // The library answers pings by itself.
    let mut server = accept(&listener).await;
    let mut payloads = Vec::new();
    while payloads.len() < 5 {
        match soon(server.next()).await.unwrap().unwrap() {
            Message::Ping(payload) => payloads.push(payload.to_vec()),
            other => panic!("{other:?}"),
        }
    }
    payloads.sort();
    payloads.dedup();
    assert_eq!(payloads.len(), 5, "each has a number of its own");
    assert_eq!(soon(socket.handle().stats()).await.unwrap().opens, 1);
    // From here nothing is read, and the wrong pongs are sent.
    let wrong = async {
        while server.send(Message::Pong(vec![0; 8].into())).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        () = wrong => {}
        accepted = soon(listener.accept()) => drop(accepted.unwrap()),
    }
}
