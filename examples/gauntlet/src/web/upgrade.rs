//! The HTTP part of a WebSocket connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use tungstenite::handshake::derive_accept_key;

use super::{Upgrade, frames};
use crate::server::Conn;
use crate::timeline::What;

/// What a client asked for.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) target: String,
    pub(super) key: Option<String>,
    protocol: Option<String>,
}

const MAX_HEAD: usize = 64 << 10;

/// Reads a request; none if the client ended the connection or sent something else.
pub(super) async fn read(conn: &mut Conn) -> Option<Request> {
    let mut head = Vec::new();
    loop {
        match conn.stream.read_buf(&mut head).await {
            Ok(0) => {
                conn.note(What::Gone { reset: false });
                return None;
            }
            Ok(_) => {}
            Err(_) => {
                conn.note(What::Gone { reset: true });
                return None;
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {
                let header = |name: &str| {
                    let found =
                        request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
                    Some(String::from_utf8_lossy(found.value).into_owned())
                };
                let target = request.path.unwrap_or("/").to_owned();
                let protocol = header("sec-websocket-protocol")
                    .and_then(|offered| Some(offered.split(',').next()?.trim().to_owned()));
                let request = Request { key: header("sec-websocket-key"), protocol, target };
                let (target, upgrade) = (request.target.clone(), request.key.is_some());
                conn.note(What::Request { target, upgrade });
                return Some(request);
            }
            Ok(httparse::Status::Partial) if head.len() < MAX_HEAD => {}
            _ => {
                conn.note(What::Garbled { text: "no HTTP request".to_owned() });
                return None;
            }
        }
    }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        426 => "Upgrade Required",
        504 => "Gateway Timeout",
        _ => "Other",
    }
}

/// Answers with this status, and ends the connection.
pub(super) async fn refuse(conn: &mut Conn, status: u16, headers: &[(&'static str, String)]) {
    let body = if status == 200 { "no WebSocket here\n" } else { "" };
    let second = format!("ws://127.0.0.1:{}/", conn.hub.ports[1]);
    let mut text = format!(
        "HTTP/1.1 {status} {}\r\nConnection: close\r\nContent-Length: {}\r\n",
        phrase(status),
        body.len()
    );
    for (name, value) in headers {
        text += &format!("{name}: {}\r\n", value.replace("{second}", &second));
    }
    text += "\r\n";
    text += body;
    conn.note(What::Sent { text: format!("HTTP {status}") });
    answer_with(conn, &text).await;
}

/// Sends this, and ends the connection.
pub(super) async fn answer_with(conn: &mut Conn, text: &str) {
    conn.stream.write_all(text.as_bytes()).await.unwrap_or_default();
    conn.stream.shutdown().await.unwrap_or_default();
    conn.note(What::Cut);
    drain_briefly(conn).await;
}

/// So that what was sent is not lost to a reset.
pub(super) async fn drain_briefly(conn: &mut Conn) {
    let mut buffer = [0; 4 << 10];
    let reading = async { while let Ok(1..) = conn.stream.read(&mut buffer).await {} };
    tokio::select! {
        () = reading => {}
        () = sleep(Duration::from_secs(5)) => {}
    }
}

/// The whole upgrade; false where there is no WebSocket afterwards.
pub(super) async fn accept(conn: &mut Conn, how: Upgrade) -> bool {
    let Some(request) = read(conn).await else { return false };
    let Some(key) = &request.key else {
        refuse(conn, 426, &[]).await;
        return false;
    };
    let key = if how == Upgrade::WrongKey { "bm90IHRoZSBrZXkgYXNrZWQ=" } else { key };
    let accept = derive_accept_key(key.as_bytes());
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
    );
    if let Some(protocol) = &request.protocol {
        answer += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    answer += "\r\n";
    if how != Upgrade::Proper {
        conn.fault();
    }
    let mut bytes = answer.into_bytes();
    match how {
        Upgrade::Late(ms) => sleep(Duration::from_millis(ms)).await,
        Upgrade::Glued => bytes.extend(frames::text("hello")),
        Upgrade::Trickle => {
            for few in bytes.chunks(4) {
                sleep(Duration::from_millis(20)).await;
                conn.stream.write_all(few).await.unwrap_or_default();
            }
            bytes.clear();
        }
        Upgrade::Proper | Upgrade::WrongKey => {}
    }
    if conn.stream.write_all(&bytes).await.is_err() {
        conn.note(What::Gone { reset: true });
        return false;
    }
    if how == Upgrade::WrongKey {
        conn.note(What::Sent { text: "101 for another key".to_owned() });
    } else if conn.hub.opens_by_itself() {
        conn.hub.open(conn.id);
    }
    true
}
