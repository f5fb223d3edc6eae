//! The WebSocket server behind nginx: sessions that outlive their connections, with numbered messages that are sent again from where
//! a client left off. It is never broken itself, so that it knows what a client should have.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::compare;
use crate::client::feed::UNKNOWN_SESSION;

/// So many messages of a session are kept for a resume.
const KEPT: usize = 512;

/// On a thread of its own. Dropped, it closes everything.
pub(super) struct Upstream {
    hub: Arc<Mutex<Hub>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Hub {
    sessions: HashMap<String, Session>,
    newest: u64,
    connections: u64,
}

#[derive(Default)]
struct Session {
    channels: BTreeSet<String>,
    /// The last messages with their numbers, of which the newest is this.
    messages: Vec<(u64, String)>,
    newest: u64,
    /// The connection that has it, by its number, and what is sent there.
    attached: Option<(u64, UnboundedSender<Message>)>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

impl Upstream {
    pub(super) fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let hub = Arc::<Mutex<Hub>>::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let accepting = accept(Arc::clone(&hub), listener);
        let serve = async move {
            tokio::select! {
                result = accepting => result.unwrap_or_default(),
                _ = stopped => {}
            }
        };
        let thread = thread::Builder::new().name("upstream".into()).spawn(move || runtime.block_on(serve))?;
        Ok(Self { hub, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn audit(&self, keys: &BTreeSet<String>) -> Result<(), String> {
        let hub = locked(&self.hub);
        let attached: Vec<_> = hub.sessions.values().filter(|session| session.attached.is_some()).collect();
        match attached[..] {
            [session] => compare(keys, &session.channels.iter().cloned().collect::<Vec<_>>()),
            _ => Err(format!("{} sessions have a connection", attached.len())),
        }
    }

    pub(super) fn nobody(&self) -> Result<(), String> {
        let attached =
            locked(&self.hub).sessions.values().filter(|session| session.attached.is_some()).count();
        if attached == 0 { Ok(()) } else { Err(format!("{attached} sessions have a connection")) }
    }

    /// Asks everybody for another connection.
    pub(super) fn announce(&self) {
        locked(&self.hub).sessions.values().for_each(|session| session.say("RECONNECT".to_owned()));
    }

    /// In how many sessions somebody has subscribed to it, connected or not.
    pub(super) fn publish(&self, channel: &str, text: &str) -> usize {
        let mut hub = locked(&self.hub);
        let sessions = hub.sessions.values_mut().filter(|session| session.channels.contains(channel));
        sessions.map(|session| session.push(text)).count()
    }
}

fn locked(hub: &Mutex<Hub>) -> MutexGuard<'_, Hub> {
    hub.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(hub: Arc<Mutex<Hub>>, listener: StdListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let hub = Arc::clone(&hub);
        tokio::spawn(async move {
            let number = {
                let mut hub = locked(&hub);
                hub.connections += 1;
                hub.connections
            };
            serve(&hub, number, stream).await;
        });
    }
}

/// A connection, until it ends or another one takes its session over.
async fn serve(hub: &Mutex<Hub>, number: u64, stream: TcpStream) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let (sender, mut messages): (_, UnboundedReceiver<Message>) = unbounded_channel();
    let mut token = None;
    let mut sender = Some(sender);
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let mut hub = locked(hub);
                    match text.strip_prefix("HELLO") {
                        Some(greeting) => token = sender.take().and_then(|sender| hub.greet(greeting, number, sender)),
                        None => hub.command(token.as_deref(), &text),
                    }
                }
                // The client needs its session no more.
                Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1_000 => {
                    locked(hub).sessions.remove(token.as_deref().unwrap_or_default());
                    break;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
            message = messages.recv() => match message {
                Some(message) => {
                    let is_close = message.is_close();
                    if socket.send(message).await.is_err() || is_close {
                        break;
                    }
                }
                // The session is somebody else's now.
                None => break,
            },
        }
    }
    if let Some(session) = locked(hub).sessions.get_mut(token.as_deref().unwrap_or_default()) {
        if session.attached.as_ref().is_some_and(|(attached, _)| *attached == number) {
            session.attached = None;
        }
    }
}

impl Hub {
    /// Begins a session, or resumes one. The token of it.
    fn greet(&mut self, greeting: &str, number: u64, sender: UnboundedSender<Message>) -> Option<String> {
        let mut words = greeting.split_whitespace();
        let Some(token) = words.next() else {
            // It has one client, who wants none of the others.
            self.sessions.clear();
            self.newest += 1;
            let token = format!("session-{}", self.newest);
            let session = self.sessions.entry(token.clone()).or_default();
            send(&sender, format!("SESSION {token}"));
            session.attached = Some((number, sender));
            return Some(token);
        };
        let sequence = words.next().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
        let Some(session) = self.sessions.get_mut(token) else {
            let frame = CloseFrame { code: UNKNOWN_SESSION.into(), reason: "unknown session".into() };
            // It has ended already.
            sender.send(Message::Close(Some(frame))).unwrap_or_default();
            return None;
        };
        send(&sender, "RESUMED".to_owned());
        for (number, text) in session.messages.iter().filter(|(number, _)| *number > sequence) {
            send(&sender, format!("MSG {number} {text}"));
        }
        session.attached = Some((number, sender));
        Some(token.to_owned())
    }

    fn command(&mut self, token: Option<&str>, text: &str) {
        let Some(session) = token.and_then(|token| self.sessions.get_mut(token)) else { return };
        match text.split_once(' ') {
            Some(("SUB", channel)) => {
                session.channels.insert(channel.to_owned());
                session.say(format!("OK {channel}"));
            }
            Some(("UNSUB", channel)) => _ = session.channels.remove(channel),
            _ => {}
        }
    }
}

impl Session {
    fn push(&mut self, text: &str) {
        self.newest += 1;
        if self.messages.len() >= KEPT {
            self.messages.remove(0);
        }
        self.messages.push((self.newest, text.to_owned()));
        self.say(format!("MSG {} {text}", self.newest));
    }

    fn say(&self, text: String) {
        if let Some((_, sender)) = &self.attached {
            send(sender, text);
        }
    }
}

/// To a connection that may have ended.
fn send(sender: &UnboundedSender<Message>, text: String) {
    sender.send(Message::text(text)).unwrap_or_default();
}
