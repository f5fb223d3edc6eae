//! A network in memory. [`TcpStream`] has the face of tokio's, so that the code reads as that of a user, and time is virtual where
//! the runtime's is paused.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf, duplex, split,
};
use tokio::time::{Instant, sleep};

/// What a server does with one dial. The last answer of a server repeats.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// Nothing listens.
    Refuse,
    /// The client is not wanted, now or later.
    Forbid,
    /// These lines at once, and the end after this time.
    Serve(&'static [&'static str], Duration),
    /// This text at once, and the end after this time.
    Say(&'static str, Duration),
    /// So many lines are answered with themselves; after that the connection ends.
    Echo(usize),
}

type Shared = Arc<Mutex<State>>;

#[derive(Debug)]
struct State {
    answers: VecDeque<Answer>,
    began: Instant,
    dials: Vec<Duration>,
}

static SERVERS: Mutex<BTreeMap<String, Shared>> = Mutex::new(BTreeMap::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server at an address that no other test has, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: String,
    state: Shared,
}

impl Server {
    /// A server that gives these answers, at least one.
    #[must_use]
    pub fn listen(address: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let state =
            State { answers: answers.into_iter().collect(), began: Instant::now(), dials: Vec::new() };
        assert!(!state.answers.is_empty(), "a server has an answer");
        let state = Arc::new(Mutex::new(state));
        let before = lock(&SERVERS).insert(address.to_owned(), state.clone());
        assert!(before.is_none(), "{address} is in use");
        Self { address: address.to_owned(), state }
    }

    /// When it was dialled, from its beginning.
    #[must_use]
    pub fn dials(&self) -> Vec<Duration> {
        lock(&self.state).dials.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&SERVERS).remove(&self.address);
    }
}

/// A connection to a [`Server`].
#[derive(Debug)]
pub struct TcpStream(DuplexStream);

impl TcpStream {
    /// Dials.
    ///
    /// # Errors
    /// The server is not there, or refuses.
    pub async fn connect(address: impl AsRef<str>) -> io::Result<Self> {
        let state = lock(&SERVERS).get(address.as_ref()).cloned().ok_or(ErrorKind::ConnectionRefused)?;
        let answer = {
            let mut state = lock(&state);
            let at = state.began.elapsed();
            state.dials.push(at);
            let first = state.answers.front().copied().unwrap_or(Answer::Refuse);
            if state.answers.len() > 1 {
                state.answers.pop_front();
            }
            first
        };
        let (client, server) = duplex(4096);
        match answer {
            Answer::Refuse => return Err(ErrorKind::ConnectionRefused.into()),
            Answer::Forbid => return Err(ErrorKind::PermissionDenied.into()),
            Answer::Serve(lines, lasting) => {
                tokio::spawn(say(server, lines.iter().map(|line| format!("{line}\n")).collect(), lasting))
            }
            Answer::Say(text, lasting) => tokio::spawn(say(server, text.to_owned(), lasting)),
            Answer::Echo(count) => tokio::spawn(echo(server, count)),
        };
        Ok(Self(client))
    }
}

async fn say(mut stream: DuplexStream, text: String, lasting: Duration) {
    if stream.write_all(text.as_bytes()).await.is_ok() {
        sleep(lasting).await;
    }
}

async fn echo(stream: DuplexStream, count: usize) {
    let (read, mut write) = split(stream);
    let mut lines = BufReader::new(read).lines();
    for _ in 0..count {
        let Ok(Some(line)) = lines.next_line().await else { return };
        if write.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// An operation that ends: connects, and reads one line.
///
/// # Errors
/// The server is not there, refuses, or says nothing.
pub async fn ask(address: &str) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    BufReader::new(stream).lines().next_line().await?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
}
