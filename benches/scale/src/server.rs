//! The server: a process that takes so many connections a second, and no more.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use redial_benches::driver::MESSAGE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep};
use tokio_tungstenite::accept_async_with_config;

use crate::child::{self, Child};
use crate::ports;
use crate::sample::Served;
use crate::websockets;

/// How often it may accept again.
const TICK: Duration = Duration::from_millis(1);
/// What it may catch up with when a tick was late: as much as in so many of them.
const BURST: u64 = 10;

/// How a server is set up.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Serve {
    /// It speaks WebSocket; otherwise it sends one message of 16 bytes, and listens
    #[arg(long)]
    pub(crate) websocket: bool,
    /// How many connections it accepts in a second, over all addresses
    #[arg(long)]
    pub(crate) rate: u32,
    /// How many connections may wait to be accepted, at each address
    #[arg(long)]
    pub(crate) backlog: u32,
    /// At how many addresses of the loopback it listens
    #[arg(long)]
    pub(crate) addresses: u8,
    #[arg(long)]
    pub(crate) port: u16,
}

impl Serve {
    /// Starts it at a port that is free.
    ///
    /// # Errors
    /// There is none, or it does not start.
    pub(crate) async fn start_anywhere(mut self) -> io::Result<(Child<Served>, Self)> {
        let mut error = None;
        for port in ports::candidates()?.take(100) {
            self.port = port;
            // The processes share what is free with whatever else runs here.
            match self.listeners() {
                Ok(free) => {
                    drop(free);
                    return Ok((self.start().await?, self));
                }
                Err(taken) => error = Some(taken),
            }
        }
        Err(error.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// It does not.
    pub(crate) async fn start(&self) -> io::Result<Child<Served>> {
        Ok(Child::start(self.arguments()).await?.0)
    }

    fn arguments(&self) -> Vec<OsString> {
        let Self { websocket, rate, backlog, addresses, port } = self;
        let mut arguments = vec!["serve".to_owned()];
        for (name, value) in [
            ("--rate", rate.to_string()),
            ("--backlog", backlog.to_string()),
            ("--addresses", addresses.to_string()),
            ("--port", port.to_string()),
        ] {
            arguments.extend([name.to_owned(), value]);
        }
        if *websocket {
            arguments.push("--websocket".to_owned());
        }
        arguments.into_iter().map(OsString::from).collect()
    }

    fn listeners(&self) -> io::Result<Vec<TcpListener>> {
        let listen = |address: SocketAddr| {
            let socket = TcpSocket::new_v4()?;
            // The connections of the server before it may still be in TIME_WAIT.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(self.backlog)
        };
        ports::addresses(self.addresses, self.port).map(listen).collect()
    }

    /// Serves until standard input ends.
    ///
    /// # Errors
    /// It can't listen.
    pub(crate) async fn run(self) -> io::Result<()> {
        let listeners = self.listeners()?;
        let gate = Arc::new(Gate::default());
        let taken = Arc::new(Taken::default());
        tokio::spawn(open(Arc::clone(&gate), self.rate));
        for listener in listeners {
            tokio::spawn(accept(listener, Arc::clone(&gate), Arc::clone(&taken), self.websocket));
        }
        child::answer(|| Ok(taken.served())).await
    }
}

/// What bounds the pace: one permit for each connection.
struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

/// Lets so many a second through.
async fn open(gate: Arc<Gate>, rate: u32) {
    let mut ticks = interval(TICK);
    let (begin, mut given) = (Instant::now(), 0);
    loop {
        ticks.tick().await;
        let due = due(begin.elapsed(), rate);
        let burst = (u64::from(rate) * BURST * TICK.as_millis() as u64 / 1_000).max(1);
        let unused = gate.0.available_permits() as u64;
        gate.0.add_permits((due - given).min(burst.saturating_sub(unused)) as usize);
        given = due;
    }
}

/// How many have been due since the beginning.
fn due(elapsed: Duration, rate: u32) -> u64 {
    (elapsed.as_micros() * u128::from(rate) / 1_000_000) as u64
}

async fn accept(listener: TcpListener, gate: Arc<Gate>, taken: Arc<Taken>, websocket: bool) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // One that has gone meanwhile is no reason to end.
            sleep(TICK).await;
            continue;
        };
        let Ok(permit) = gate.0.acquire().await else { return };
        permit.forget();
        taken.accepted();
        let taken = Arc::clone(&taken);
        if websocket {
            tokio::spawn(websocket_until_its_end(stream, taken));
        } else {
            tokio::spawn(lines_until_their_end(stream, taken));
        }
    }
}

async fn websocket_until_its_end(stream: TcpStream, taken: Arc<Taken>) {
    if let Ok(mut socket) = accept_async_with_config(stream, Some(websockets::buffers())).await {
        let _open = taken.open();
        // Reading answers pings.
        while let Some(Ok(_)) = socket.next().await {}
    }
}

async fn lines_until_their_end(mut stream: TcpStream, taken: Arc<Taken>) {
    if stream.write_all(&[7; MESSAGE]).await.is_ok() {
        let _open = taken.open();
        let mut ignored = [0; MESSAGE];
        while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    }
}

/// What was taken, and what of it is there.
#[derive(Default)]
struct Taken {
    open: AtomicU64,
    accepts: Mutex<Accepts>,
}

/// One connection that counts as open.
struct Open<'a>(&'a AtomicU64);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Taken {
    fn accepted(&self) {
        self.accepts.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now());
    }

    fn open(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(&self.open)
    }

    fn served(&self) -> Served {
        let peak = self.accepts.lock().unwrap_or_else(PoisonError::into_inner).peak as u64;
        Served { open: self.open.load(Ordering::Relaxed), peak }
    }
}

/// Those of the last second, and the most that ever were in one.
#[derive(Default)]
struct Accepts {
    newest: VecDeque<Instant>,
    peak: usize,
}

impl Accepts {
    fn add(&mut self, now: Instant) {
        let old = |oldest: &Instant| now.duration_since(*oldest) >= Duration::from_secs(1);
        while self.newest.front().is_some_and(old) {
            self.newest.pop_front();
        }
        self.newest.push_back(now);
        self.peak = self.peak.max(self.newest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_most_in_any_second() {
        let (begin, mut accepts) = (Instant::now(), Accepts::default());
        for millis in [0, 10, 900, 1_000, 1_005, 1_899, 1_900, 5_000] {
            accepts.add(begin + Duration::from_millis(millis));
        }
        // 10, 900, 1,000 and 1,005; and 900 to 1,899.
        assert_eq!((accepts.peak, accepts.newest.len()), (4, 1));
    }

    #[test]
    fn a_rate_is_kept_over_any_time() {
        assert_eq!(due(Duration::from_micros(999), 1_000), 0);
        assert_eq!(due(Duration::from_millis(1), 1_000), 1);
        assert_eq!(due(Duration::from_secs(3), 333), 999);
    }
}
