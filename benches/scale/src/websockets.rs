//! The clients over WebSockets: two loops, and redial.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures_util::StreamExt;
use redial::driver::Dial;
use redial::policy::{Config, Epoch};
use redial::presets;
use redial::websocket::{self, Decoded, Frame, Headers, Protocol, Report, SetupError};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::clients::Tally;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The buffers that redial sets, for the loops and the server as well: their sizes are no merit of a loop.
pub(crate) fn buffers() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(8 << 10).write_buffer_size(0)
}

/// A loop as it is written first: connect, read to the end, sleep for a second.
pub(crate) async fn fixed(url: String, buffers: WebSocketConfig, tally: Arc<Tally>) {
    loop {
        if let Ok(socket) = open(&url, buffers, &tally).await {
            read(socket).await;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The same with backon's exponential backoff, with jitter and without an end: otherwise it is its default.
pub(crate) async fn backon(url: String, tally: Arc<Tally>) {
    const WAITS: ExponentialBuilder = ExponentialBuilder::new().with_jitter().without_max_times();
    loop {
        let connect = || open(&url, buffers(), &tally);
        if let Ok(socket) = connect.retry(WAITS).await {
            read(socket).await;
        }
    }
}

async fn open(url: &str, buffers: WebSocketConfig, tally: &Tally) -> tungstenite::Result<Socket> {
    tally.dialled();
    // Without Nagle's algorithm, as redial does.
    let (socket, _) = connect_async_with_config(url, Some(buffers), true).await?;
    tally.connected();
    Ok(socket)
}

async fn read(mut socket: Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

/// redial with these waits, and an application that reads.
///
/// # Errors
/// The URL is none.
pub(crate) fn redial(url: &str, waits: &Config, tally: Arc<Tally>) -> io::Result<()> {
    let config = presets::WEBSOCKET.to_builder().backoff(waits.backoff()).build();
    let config = config.map_err(io::Error::other)?;
    let socket = websocket::connect(url).with_protocol(Counted(tally)).config(config).spawn();
    let mut socket = socket.map_err(io::Error::other)?;
    tokio::spawn(async move { while socket.recv().await.is_some() {} });
    Ok(())
}

/// Frames as they are, and a count of the dials.
struct Counted(Arc<Tally>);

impl Protocol for Counted {
    type Key = Infallible;
    type Outgoing = Frame;
    type Incoming = Frame;

    fn subscribe(&self, key: &Infallible) -> Frame {
        match *key {}
    }

    fn encode(&self, message: &Frame) -> Frame {
        message.clone()
    }

    fn decode(&self, frame: Frame) -> Decoded<Infallible, Frame> {
        Decoded::Message(frame)
    }

    fn request(&self, _: &Dial<String>, _: &mut Headers) -> Result<(), SetupError> {
        self.0.dialled();
        Ok(())
    }

    fn report(&self, _: Epoch, report: Report<'_>) {
        if let Report::Upgraded(_) = report {
            self.0.connected();
        }
    }
}
