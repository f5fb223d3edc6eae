//! How does a server take part? It accepts WebSockets as fast as it can, gives each client that it refuses an appointment, and
//! gives all of them a window before it restarts.
//!
//! ```sh
//! cargo run -p redial-beside --bin appointments -- 127.0.0.1:9001 1 10000   # accepts 1 client a second, of 10,000
//! curl -i http://127.0.0.1:9001    # twice, and the second time it says when to come back
//! kill -TERM PID                   # each client is told RECONNECT and the seconds over which to spread
//! ```
//!
//! A successor may listen at the same address before this one is told to end (`SO_REUSEPORT`). With `silent` as the fourth argument
//! refusals have no hint, for comparison.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::{Request, Response, StatusCode, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use redial::advise::{APPOINTMENT, Book, Config, KIND_HEADER};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

const SECOND: Duration = Duration::from_secs(1);

struct Server {
    started: Instant,
    /// How many clients are connected when all is well.
    clients: u32,
    silent: bool,
    door: Mutex<Door>,
    /// The window of the restart.
    restart: watch::Sender<Duration>,
}

/// A token bucket that holds one second's worth, and the book for those that find it empty.
struct Door {
    book: Book,
    full_at: Duration,
    connected: u32,
}

impl Server {
    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one client in, or says when it is to come back.
    fn admit(&self) -> Result<(), Duration> {
        let (now, mut door) = (self.started.elapsed(), self.door());
        let (accepts, per) = door.book.config().capacity();
        let full_at = door.full_at.max(now) + per / accepts;
        if full_at > now + SECOND {
            let missing = self.clients.saturating_sub(door.connected);
            return Err(door.book.appointment(redial::Instant::ZERO.saturating_add(now), missing));
        }
        (door.full_at, door.connected) = (full_at, door.connected + 1);
        Ok(())
    }

    /// Answers a request: 503 with an appointment, 101, or 426 where it does not ask for a WebSocket.
    fn answer(self: &Arc<Self>, mut request: Request<Incoming>) -> Response<String> {
        if let Err(wait) = self.admit() {
            let mut response = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
            if !self.silent {
                response = response.header(RETRY_AFTER, wait.as_secs()).header(KIND_HEADER, APPOINTMENT);
            }
            return response.body("busy\n".to_owned()).expect("valid headers");
        }
        tokio::spawn(self.clone().serve(hyper::upgrade::on(&mut request)));
        create_response_with_body(&request, String::new).unwrap_or_else(|_| {
            let mut response = Response::new("a WebSocket, please\n".to_owned());
            *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
            response
        })
    }

    /// Keeps one connection until the client leaves.
    async fn serve(self: Arc<Self>, upgrade: OnUpgrade) {
        if let Ok(upgraded) = upgrade.await {
            let mut restart = self.restart.subscribe();
            let mut socket =
                WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            while tokio::select! {
                message = socket.next() => matches!(message, Some(Ok(_))),
                Ok(()) = restart.changed() => {
                    let window = restart.borrow_and_update().as_secs();
                    socket.send(Message::text(format!("RECONNECT {window}"))).await.is_ok()
                }
            } {}
        }
        self.door().connected -= 1;
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    socket.listen(4_096)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, capacity, clients, options @ ..] = &arguments[..] else {
        return Err("usage: appointments ADDRESS CAPACITY CLIENTS [silent]".into());
    };
    let book = Book::new(Config::new(capacity.parse()?, SECOND).build()?);
    let server = Arc::new(Server {
        started: Instant::now(),
        clients: clients.parse()?,
        silent: options == ["silent"],
        door: Mutex::new(Door { book, full_at: Duration::ZERO, connected: 0 }),
        restart: watch::Sender::new(Duration::ZERO),
    });
    let listener = listen(address.parse()?)?;
    println!("listening");
    let mut end = signal(SignalKind::terminate())?;
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = end.recv() => break,
        };
        let server = server.clone();
        let service =
            service_fn(move |request| std::future::ready(Ok::<_, Infallible>(server.answer(request))));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades());
    }
    drop(listener);
    let connected = server.door().connected;
    let window = server.door().book.window(connected);
    server.restart.send_replace(window);
    tokio::time::sleep(2 * window).await;
    Ok(())
}
