//! What becomes of a socket before it is a WebSocket: upgraded, refused or ignored.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use crate::plan::{Answer, RETRY_AFTER};
use crate::protocol::QUERY;
use crate::report::server_event::{By, Offence, ServerEvent};
use crate::server::connection::IDLE;
use crate::server::state::{Probes, Seat};

/// The largest message taken from a client (Discord's limit), and the largest request.
const MAX_MESSAGE: usize = 4096;

/// Takes everything and answers nothing, until the peer goes.
pub(crate) async fn ignore(mut stream: TcpStream, probes: &mut Probes) {
    let mut buffer = [0; 1024];
    let limit = sleep(IDLE);
    tokio::pin!(limit);
    loop {
        // In this order: an answer to a probe says that there is nothing left to read.
        tokio::select! {
            biased;
            read = stream.read(&mut buffer) => if matches!(read, Ok(0) | Err(_)) { return },
            Some(probe) = probes.recv() => drop(probe),
            () = &mut limit => return,
        }
    }
}

/// Ends when `future` does, or after [`IDLE`]; probes are answered meanwhile.
async fn beside<T>(future: impl Future<Output = T>, probes: &mut Probes) -> Option<T> {
    let future = timeout(IDLE, future);
    tokio::pin!(future);
    loop {
        tokio::select! {
            biased;
            result = &mut future => return result.ok(),
            Some(probe) = probes.recv() => drop(probe),
        }
    }
}

/// The WebSocket handshake.
pub(crate) async fn upgrade(
    seat: &mut Seat,
    stream: TcpStream,
    probes: &mut Probes,
) -> Option<WebSocketStream<TcpStream>> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .max_write_buffer_size(1 << 20);
    let mut bare = false;
    #[expect(clippy::result_large_err, reason = "tungstenite's signature")]
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        bare = request.uri().path_and_query().is_none_or(|path| path.as_str() != QUERY);
        Ok(response)
    };
    let result = beside(accept_hdr_async_with_config(stream, check, Some(limits)), probes).await;
    note(seat, bare);
    let socket = result?.ok()?;
    seat.record(ServerEvent::Upgraded { conn: seat.conn });
    Some(socket)
}

/// Reads the request and answers with a status. By hand, because the library takes no answer that means success.
pub(crate) async fn refuse(seat: &mut Seat, mut stream: TcpStream, probes: &mut Probes, answer: Answer) {
    let Answer { status, wait } = answer;
    seat.ending = Some((By::Server, None));
    if wait {
        // Before the answer is written, so that the server never counts from later than the client does.
        seat.shared.told_to_wait();
    }
    let after = if wait { format!("Retry-After: {}\r\n", RETRY_AFTER.as_secs()) } else { String::new() };
    let text = format!("HTTP/1.1 {status} Refused\r\n{after}Content-Length: 0\r\nConnection: close\r\n\r\n");
    let mut request = Vec::new();
    let exchange = async {
        while !request.ends_with(b"\r\n\r\n") && request.len() < MAX_MESSAGE {
            if stream.read_buf(&mut request).await? == 0 {
                break;
            }
        }
        stream.write_all(text.as_bytes()).await
    };
    let done = beside(exchange, probes).await;
    let asked = String::from_utf8_lossy(&request);
    note(seat, !asked.starts_with(&format!("GET {QUERY} ")));
    if matches!(done, Some(Ok(()))) {
        seat.record(ServerEvent::Refused { conn: seat.conn, status });
    }
}

fn note(seat: &Seat, bare: bool) {
    if bare {
        seat.record(ServerEvent::Offence { conn: seat.conn, offence: Offence::BareUrl });
    }
}
