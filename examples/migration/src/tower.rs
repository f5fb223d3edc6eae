//! tower: a connection behind `Reconnect`, and the `Retry` layer.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::Mutex;
use tower::Service;

use crate::net::TcpStream;

pub mod reconnect_after;
pub mod reconnect_before;
pub mod retry_after;
pub mod retry_before;

type Pending<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// One connection as a service: each line is answered with one. It fails when the connection has.
#[derive(Clone, Debug)]
pub struct Lines {
    stream: Arc<Mutex<BufReader<TcpStream>>>,
    broken: Arc<AtomicBool>,
}

impl Service<String> for Lines {
    type Response = String;
    type Error = io::Error;
    type Future = Pending<String>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let broken = self.broken.load(Ordering::Relaxed);
        Poll::Ready(if broken { Err(ErrorKind::NotConnected.into()) } else { Ok(()) })
    }

    fn call(&mut self, request: String) -> Pending<String> {
        let Self { stream, broken } = self.clone();
        Box::pin(async move {
            let answer = exchange(&mut *stream.lock().await, &request).await;
            broken.store(answer.is_err(), Ordering::Relaxed);
            answer
        })
    }
}

/// Sends a line and reads one.
async fn exchange(stream: &mut BufReader<TcpStream>, request: &str) -> io::Result<String> {
    stream.write_all(format!("{request}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    answer.strip_suffix('\n').map(str::to_owned).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

/// Makes such services.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connector;

impl Service<String> for Connector {
    type Response = Lines;
    type Error = io::Error;
    type Future = Pending<Lines>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: String) -> Pending<Lines> {
        Box::pin(async {
            let stream = TcpStream::connect(address).await?;
            Ok(Lines { stream: Arc::new(Mutex::new(BufReader::new(stream))), broken: Arc::default() })
        })
    }
}
