//! Subscriptions and a session over reconnects, and where a server may send them.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Mutex;

use futures_util::{SinkExt, StreamExt};
use redial::driver::{EndpointTrust, Outbox, Overflow};
use redial::websocket::{Connect, Connection, Decoded, Establish, Frame, Protocol, Ready, Report, connect};
use redial::{Config, Epoch, presets};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::dial::listener;
use crate::heard::fast;
use crate::server::{Server, soon};

/// The protocol of [`crate::server`], and a few words that only these tests say.
#[derive(Default)]
pub(crate) struct Chat {
    reports: Mutex<Vec<String>>,
}

impl Protocol for Chat {
    type Key = String;
    type Outgoing = String;
    type Incoming = String;

    const ESTABLISHED: Establish = Establish::OnReady;

    fn identify(&self, connection: &mut Connection<'_>) {
        connection.send("HELLO");
    }

    fn resume(&self, token: &str, sequence: Option<u64>, connection: &mut Connection<'_>) {
        connection.send(format!("HELLO {token} {}", sequence.unwrap_or_default()));
    }

    fn subscribe(&self, room: &String) -> Frame {
        format!("SUB {room}").into()
    }

    fn unsubscribe(&self, room: &String) -> Option<Frame> {
        Some(format!("UNSUB {room}").into())
    }

    fn encode(&self, text: &String) -> Frame {
        text.as_str().into()
    }

    fn decode(&self, frame: Frame) -> Decoded<String, String> {
        let text = frame.to_string();
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match word {
            "SESSION" => {
                let sequence = rest.trim_start_matches('t').parse().ok();
                Decoded::Ready(Ready { token: Some(rest.to_owned()), sequence, ..Ready::default() })
            }
            "AT" => Decoded::Ready(Ready {
                token: Some("t0".to_owned()),
                endpoint: Some(rest.to_owned()),
                sequence: Some(0),
                ..Ready::default()
            }),
            "GO" => Decoded::Many(vec![
                Decoded::Redirected { endpoint: rest.to_owned(), permanent: false },
                Decoded::ReconnectRequested { retry_after: None, deadline: None },
            ]),
            "BYE" => Decoded::ReconnectRequested {
                retry_after: None,
                deadline: rest.parse().ok().map(Duration::from_millis),
            },
            "RESUMED" => Decoded::Resumed { sequence: None },
            "OK" => Decoded::confirmed(rest.to_owned()),
            "MSG" => {
                let (number, text) = rest.split_once(' ').unwrap_or_default();
                Decoded::numbered(number, text.to_owned())
            }
            _ => Decoded::Ignored,
        }
    }

    fn report(&self, _: Epoch, report: Report<'_>) {
        self.reports.lock().unwrap().push(report.to_string());
    }
}

const CONFIG: Config = fast(presets::WEBSOCKET);

pub(crate) fn chat(url: &str) -> Connect<Chat> {
    connect(url).config(CONFIG).with_protocol(Chat::default())
}

/// A client through kills of its server: each message once, and no message before the subscriptions.
#[tokio::test]
async fn a_session_and_its_subscriptions_outlive_the_server() {
    let mut server = Server::start();
    let mut chat = chat(&server.url()).subscribe("lobby").spawn().unwrap();
    let mut expected = Vec::new();
    for round in 0..5 {
        // The client has found the loss when it says hello again.
        server.until(|log| log.heard.get(round).is_some_and(|heard| !heard.is_empty())).await;
        soon(chat.online()).await.unwrap();
        if round == 2 {
            chat.subscribe("attic");
        }
        for n in 0..20 {
            let text = format!("lobby {round}.{n}");
            soon(chat.send(format!("SAY {text}"))).await.unwrap();
            expected.push(text);
        }
        while expected.len() > 10 {
            assert_eq!(soon(chat.recv()).await, Some(expected.remove(0)));
        }
        server.kill().await;
        // While the client is away.
        for n in 0..5 {
            let text = format!("lobby away {round}.{n}");
            server.say("lobby", text.split_once(' ').unwrap().1);
            expected.push(text);
        }
        server.restart();
    }
    for text in expected {
        assert_eq!(soon(chat.recv()).await, Some(text));
    }
    let log = server.log();
    assert_eq!(log.most_open, 1);
    for (number, heard) in log.heard.iter().enumerate() {
        let first = heard.first().map_or("", String::as_str);
        assert_eq!(first == "HELLO", number == 0, "{heard:?}");
        let subscribed = heard.iter().position(|heard| heard.starts_with("SUB lobby"));
        let said = heard.iter().position(|heard| heard.starts_with("SAY"));
        assert!(number > 0 || subscribed < said && subscribed.is_some(), "{heard:?}");
    }
    assert!(log.heard.iter().flatten().any(|heard| heard == "SUB attic"));
}

type Told = (WebSocketStream<TcpStream>, String);

/// One connection and the path that it asked for.
async fn accept(listener: &TcpListener) -> Told {
    let stream = soon(listener.accept()).await.unwrap().0;
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "tungstenite's signature")]
    let see = |request: &Request, response: Response| {
        path = request.uri().to_string();
        Ok(response)
    };
    let socket = soon(accept_hdr_async(stream, see)).await.unwrap();
    (socket, path)
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> String {
    soon(socket.next()).await.unwrap().unwrap().to_string()
}

fn url(host: &str, listener: &TcpListener) -> String {
    format!("ws://{host}:{}", listener.local_addr().unwrap().port())
}

/// Neither a subscription nor a message is sent before the session is there, and the message comes last.
#[tokio::test]
async fn nothing_is_sent_before_the_session() {
    let (base, base_url) = listener().await;
    let outbox = Outbox::new().with_offline_queue(Overflow::Refuse);
    let chat = chat(&base_url).outbox(outbox).subscribe("lobby").spawn().unwrap();
    let (mut socket, _) = accept(&base).await;
    assert_eq!(hear(&mut socket).await, "HELLO");
    let session = async {
        let early = tokio::time::timeout(Duration::from_millis(100), socket.next()).await;
        assert!(early.is_err(), "{early:?}");
        socket.send(Message::text("SESSION t0")).await.unwrap();
        assert_eq!(hear(&mut socket).await, "SUB lobby");
        assert_eq!(hear(&mut socket).await, "SAY lobby hello");
    };
    let (sent, ()) = soon(async { tokio::join!(chat.send("SAY lobby hello"), session) }).await;
    sent.unwrap();
}

/// The token goes to another port of the base's host, with the base's query, and to no other host.
#[tokio::test]
async fn a_token_is_not_sent_wherever_a_message_says() {
    let (base, base_url) = listener().await;
    let (resume, _) = listener().await;
    let (stranger, _) = listener().await;
    let chat = chat(&format!("{base_url}/?v=10")).spawn().unwrap();
    let mut listening = &base;
    for (endpoint, next, asked) in [
        (url("localhost", &stranger), &base, "/?v=10"),
        (url("127.0.0.1", &resume), &resume, "/?v=10"),
        (url("127.0.0.1@localhost", &stranger), &base, "/?v=10"),
        (url("127.0.0.1", &resume) + "/x?v=9", &resume, "/x?v=9"),
        ("http://127.0.0.1:9".to_owned(), &base, "/?v=10"),
    ] {
        let (mut socket, _) = accept(listening).await;
        assert!(hear(&mut socket).await.starts_with("HELLO"));
        socket.send(Message::text(format!("AT {endpoint}"))).await.unwrap();
        soon(chat.online()).await.unwrap();
        drop(socket);
        listening = next;
        let (socket, path) = accept(listening).await;
        assert_eq!(path, asked, "{endpoint}");
        drop(socket);
    }
    let (mut socket, _) = accept(listening).await;
    assert_eq!(hear(&mut socket).await, "HELLO t0 0");
    assert!(tokio::time::timeout(Duration::ZERO, stranger.accept()).await.is_err(), "nobody came");
    let reports = chat.protocol().reports.lock().unwrap().clone();
    for (count, why) in (1..).zip(["its host is ", "user name", "its scheme is not"]) {
        let told =
            |told: &String| told.contains(why) && told.ends_with(&format!("(refused so far: {count})"));
        assert!(reports.iter().any(told), "{why}: {reports:?}");
    }
}

/// A redirect is judged like a session's endpoint.
#[tokio::test]
async fn a_redirect_goes_only_where_it_is_trusted() {
    for trust in [EndpointTrust::SameHost, EndpointTrust::Any] {
        let (base, base_url) = listener().await;
        let (stranger, _) = listener().await;
        let chat = chat(&base_url).trust(trust).spawn().unwrap();
        let (mut socket, _) = accept(&base).await;
        assert_eq!(hear(&mut socket).await, "HELLO");
        socket.send(Message::text("SESSION t0")).await.unwrap();
        soon(chat.online()).await.unwrap();
        socket.send(Message::text(format!("GO {}", url("localhost", &stranger)))).await.unwrap();
        let next = if trust == EndpointTrust::Any { &stranger } else { &base };
        let (mut next, _) = accept(next).await;
        assert_eq!(hear(&mut next).await, "HELLO t0 0");
    }
}

/// What a resume replays is what the application has not got, whatever the server thinks.
#[tokio::test]
async fn a_message_that_comes_again_is_left_out() {
    let (base, base_url) = listener().await;
    let mut chat = chat(&base_url).spawn().unwrap();
    let (mut socket, _) = accept(&base).await;
    hear(&mut socket).await;
    for text in ["SESSION t0", "MSG 1 a", "MSG 2 b", "MSG 2 b", "MSG 1 a", "MSG 3 c", "MSG x y"] {
        socket.send(Message::text(text)).await.unwrap();
    }
    for expected in ["a", "b", "c"] {
        assert_eq!(soon(chat.recv()).await.unwrap(), expected);
    }
    let bad = r#"bad message: "x" is no sequence number"#;
    while !chat.protocol().reports.lock().unwrap().iter().any(|report| report == bad) {
        tokio::task::yield_now().await;
    }
    drop(socket);
    let (mut socket, _) = accept(&base).await;
    assert_eq!(hear(&mut socket).await, "HELLO t0 3");
    for text in ["MSG 2 b", "MSG 3 c", "MSG 4 d", "RESUMED", "MSG 5 e"] {
        socket.send(Message::text(text)).await.unwrap();
    }
    for expected in ["d", "e"] {
        assert_eq!(soon(chat.recv()).await.unwrap(), expected);
    }
}

/// Numbered messages without a session.
struct Feed;

impl Protocol for Feed {
    type Key = Infallible;
    type Outgoing = Frame;
    type Incoming = String;

    fn subscribe(&self, key: &Infallible) -> Frame {
        match *key {}
    }

    fn encode(&self, message: &Frame) -> Frame {
        message.clone()
    }

    fn decode(&self, frame: Frame) -> Decoded<Infallible, String> {
        let text = frame.to_string();
        let (number, text) = text.split_once(' ').unwrap_or_default();
        Decoded::numbered(number, text.to_owned())
    }
}

/// Without a session the numbers begin again with each connection, and nothing is a duplicate of an earlier one.
#[tokio::test]
async fn without_a_session_the_numbers_begin_again() {
    let (base, base_url) = listener().await;
    let mut feed = connect(&base_url).config(CONFIG).with_protocol(Feed).spawn().unwrap();
    for round in 0..3 {
        let (mut socket, _) = accept(&base).await;
        for text in ["1 a", "2 b"] {
            socket.send(Message::text(text)).await.unwrap();
        }
        for expected in ["a", "b"] {
            assert_eq!(soon(feed.recv()).await.unwrap(), expected, "round {round}");
        }
    }
}
