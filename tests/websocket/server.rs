//! A small chat server on a loopback port of its own, which is killed and comes back, and which logs what it is told.
//!
//! A client says `HELLO`, `HELLO <token> <sequence>`, `SUB <room>`, `UNSUB <room>`, `SAY <room> <text>`. The server says
//! `SESSION <token>`, `RESUMED`, `OK <room>`, `MSG <sequence> <room> <text>` and `BYE <milliseconds>`.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::port::{self, free_port};

/// Longer than anything here takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Fails a test that hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it hangs")
}

pub(crate) fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}

pub(crate) fn listen(address: SocketAddr) -> TcpListener {
    let listener = port::listen(address.port());
    listener.set_nonblocking(true).unwrap();
    TcpListener::from_std(listener).unwrap()
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

struct Shared {
    log: Mutex<Log>,
    /// Counts the changes of the log.
    changed: watch::Sender<usize>,
    /// Ends all connections of the run.
    kill: watch::Sender<u64>,
    said: broadcast::Sender<()>,
    /// Says to all connections that they will be cut in so long.
    warn: watch::Sender<Duration>,
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    /// What each connection said, in order.
    pub(crate) heard: Vec<Vec<String>>,
    pub(crate) open: usize,
    pub(crate) most_open: usize,
    /// The codes of the clients' close frames.
    pub(crate) closed: Vec<u16>,
    /// How many connections were cut after their warning.
    pub(crate) cut: usize,
    /// Everything that was said in a room so far; the sequence is the index, from 1.
    said: Vec<String>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let (changed, _) = watch::channel(0);
        let (kill, _) = watch::channel(0);
        let (said, _) = broadcast::channel(1024);
        let (warn, _) = watch::channel(Duration::ZERO);
        let shared = Arc::new(Shared { log: Mutex::default(), changed, kill, said, warn });
        let mut server = Self { address: free_address(), shared, task: None };
        server.restart();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Listens again at the same port, if it does not.
    pub(crate) fn restart(&mut self) {
        if self.task.is_none() {
            let listener = listen(self.address);
            self.task = Some(tokio::spawn(accept(listener, Arc::clone(&self.shared))));
        }
    }

    /// Drops every connection, without a word, and the listener.
    pub(crate) async fn kill(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            drop(task.await);
        }
        self.shared.kill.send_modify(|kills| *kills += 1);
        self.until(|log| log.open == 0).await;
    }

    pub(crate) fn log(&self) -> Log {
        self.shared.log().clone()
    }

    /// Until the log is like this.
    pub(crate) async fn until(&self, mut is_so: impl FnMut(&Log) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        let so = async {
            while !is_so(&self.shared.log()) {
                changed.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(LIMIT, so).await.is_err() {
            panic!("it never happened: {:?}", self.log().heard);
        }
    }

    /// Until so many connections have said something.
    pub(crate) async fn until_heard(&self, connections: usize, last: &str) {
        self.until(|log| {
            log.heard.len() == connections
                && log.heard.last().is_some_and(|heard| heard.iter().any(|h| h == last))
        })
        .await;
    }

    /// Says to every connection that it will be cut in so long, and cuts it then.
    pub(crate) fn warn(&self, deadline: Duration) {
        self.shared.warn.send_replace(deadline);
    }

    /// Says something in a room, as another client.
    pub(crate) fn say(&self, room: &str, text: &str) {
        self.shared.say(room, text);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.shared.kill.send_modify(|kills| *kills += 1);
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let result = change(&mut self.log());
        self.changed.send_modify(|count| *count += 1);
        result
    }

    fn say(&self, room: &str, text: &str) {
        self.change(|log| log.said.push(format!("{room} {text}")));
        // Nobody may be there.
        drop(self.said.send(()));
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let number = shared.change(|log| {
            log.heard.push(Vec::new());
            log.open += 1;
            log.most_open = log.most_open.max(log.open);
            log.heard.len() - 1
        });
        tokio::spawn(async move {
            let mut kill = shared.kill.subscribe();
            tokio::select! {
                () = serve(stream, number, &shared) => {}
                _ = kill.changed() => {}
            }
            shared.change(|log| log.open -= 1);
        });
    }
}

async fn serve(stream: TcpStream, number: usize, shared: &Shared) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let (mut said, mut warn) = (shared.said.subscribe(), shared.warn.subscribe());
    let (mut rooms, mut sequence) = (BTreeSet::new(), None);
    let mut cut = std::pin::pin!(tokio::time::sleep(Duration::MAX));
    loop {
        tokio::select! {
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                if let Message::Close(frame) = &message {
                    shared.change(|log| log.closed.extend(frame.as_ref().map(|frame| u16::from(frame.code))));
                }
                let Message::Text(text) = message else { continue };
                shared.change(|log| log.heard[number].push(text.to_string()));
                if answer(&mut socket, &text, shared, &mut rooms, &mut sequence).await.is_none() {
                    return;
                }
            }
            _ = said.recv() => {}
            _ = warn.changed() => {
                let deadline = *warn.borrow_and_update();
                cut.as_mut().reset(tokio::time::Instant::now() + deadline);
                if socket.send(Message::text(format!("BYE {}", deadline.as_millis()))).await.is_err() {
                    return;
                }
            }
            () = &mut cut => {
                shared.change(|log| log.cut += 1);
                return;
            }
        }
        let next = sequence.unwrap_or(usize::MAX);
        let missed: Vec<_> = (1..).zip(shared.log().said.clone()).skip(next).collect();
        for (number, text) in missed {
            sequence = Some(number);
            let in_room = rooms.iter().any(|room: &String| text.starts_with(&format!("{room} ")));
            if in_room && socket.send(Message::text(format!("MSG {number} {text}"))).await.is_err() {
                return;
            }
        }
    }
}

async fn answer(
    socket: &mut WebSocketStream<TcpStream>,
    text: &str,
    shared: &Shared,
    rooms: &mut BTreeSet<String>,
    sequence: &mut Option<usize>,
) -> Option<()> {
    let newest = shared.log().said.len();
    let mut words = text.splitn(3, ' ');
    let answer = match (words.next()?, words.next(), words.next()) {
        ("HELLO", None, None) => {
            *sequence = Some(newest);
            format!("SESSION t{newest}")
        }
        ("HELLO", Some(_), Some(seen)) => {
            *sequence = seen.parse().ok();
            // A session keeps its rooms.
            rooms.insert("lobby".to_owned());
            "RESUMED".to_owned()
        }
        ("SUB", Some(room), None) => {
            sequence.get_or_insert(newest);
            rooms.insert(room.to_owned());
            format!("OK {room}")
        }
        ("UNSUB", Some(room), None) => {
            rooms.remove(room);
            return Some(());
        }
        ("SAY", Some(room), Some(text)) => {
            shared.say(room, text);
            return Some(());
        }
        _ => format!("ECHO {text}"),
    };
    socket.send(Message::text(answer)).await.ok()
}
