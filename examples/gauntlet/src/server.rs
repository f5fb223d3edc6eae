//! The ports of one fault, and what their connections share.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use redial::SplitMix64;
use redial::rand_core::Rng;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::fault::{Away, Script, Stage};
use crate::timeline::{Recorder, What};
use crate::{mqtt, web};

/// What all connections of a fault share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) recorder: Recorder,
    pub(crate) ports: [u16; 2],
    seed: u64,
    stage: Stage,
    connections: AtomicU32,
    opens: AtomicUsize,
    all_there: OnceLock<Instant>,
    fault: Notify,
    /// The newest session and its newest sequence number.
    session: Mutex<(u32, u64)>,
    /// An upgrade alone makes a connection of use.
    plain: bool,
}

impl Hub {
    /// The fault begins on this connection.
    pub(crate) fn fault(&self, conn: u32) {
        self.recorder.note(conn, What::Fault);
        self.fault.notify_one();
    }

    /// A wait of so many milliseconds, or up to half as long again, as the seed has it: so that a fault falls on another moment
    /// of a client's heartbeats and timers with another seed.
    pub(crate) fn wait(&self, conn: u32, ms: u64) -> Duration {
        let mut rng = SplitMix64::new(self.seed ^ u64::from(conn));
        Duration::from_millis(ms + rng.next_u64() % (ms / 2 + 1))
    }

    /// A connection is of use.
    pub(crate) fn open(&self, conn: u32) {
        self.recorder.note(conn, What::Open);
        self.opens.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) const fn opens_by_itself(&self) -> bool {
        self.plain
    }

    /// Half a second after every client is there, and the same moment for all; none before.
    pub(crate) fn all_there(&self) -> Option<Instant> {
        let all = self.opens.load(Ordering::Relaxed) >= self.stage.clients.max(1);
        all.then(|| *self.all_there.get_or_init(|| Instant::now() + Duration::from_millis(500)))
    }

    /// A new session, with its first sequence number.
    pub(crate) fn new_session(&self) -> (String, u64) {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        *session = (session.0 + 1, 1);
        (format!("session-{}", session.0), session.1)
    }

    /// The next sequence number of the newest session.
    pub(crate) fn next_sequence(&self) -> u64 {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.1 += 1;
        session.1
    }
}

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) hub: Arc<Hub>,
    pub(crate) id: u32,
    pub(crate) stream: TcpStream,
}

impl Conn {
    pub(crate) fn note(&self, what: What) {
        self.hub.recorder.note(self.id, what);
    }

    pub(crate) fn fault(&self) {
        self.hub.fault(self.id);
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(self) {
        self.note(What::Cut);
        self.stream.set_zero_linger().unwrap_or_default();
    }
}

/// Servers on two ports. They end with this value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) hub: Arc<Hub>,
    _tasks: JoinSet<()>,
    /// Keeps the first port for the time that it is closed.
    _held: Option<UdpSocket>,
}

impl Server {
    pub(crate) async fn start(script: Script, stage: Stage, seed: u64) -> io::Result<Self> {
        let (first, held) = if stage.away.is_some() {
            let (listener, held) = listen_apart(seed).await?;
            (listener, Some(held))
        } else {
            (listen(0).await?, None)
        };
        let second = listen(0).await?;
        let hub = Arc::new(Hub {
            recorder: Recorder::default(),
            ports: [first.local_addr()?.port(), second.local_addr()?.port()],
            seed,
            stage,
            connections: AtomicU32::new(0),
            opens: AtomicUsize::new(0),
            all_there: OnceLock::new(),
            fault: Notify::new(),
            session: Mutex::default(),
            plain: matches!(&script, Script::Web(script) if !script.has_sessions()),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(second, 1, Arc::clone(&hub), script.clone()));
        tasks.spawn(door(first, Arc::clone(&hub), script));
        Ok(Self { hub, _tasks: tasks, _held: held })
    }
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}

/// A port that no outgoing connection gets by itself (Linux takes those from 32768 on), so that it is free again after it was
/// closed for a while. The UDP port of the same number keeps another gauntlet from it.
async fn listen_apart(seed: u64) -> io::Result<(TcpListener, UdpSocket)> {
    let mut rng = SplitMix64::new(seed);
    let mut last = io::ErrorKind::AddrInUse.into();
    for _ in 0..100 {
        let port = u16::try_from(20_000 + rng.next_u64() % 12_000).unwrap_or(20_000);
        let held = match UdpSocket::bind(("127.0.0.1", port)).await {
            Ok(held) => held,
            Err(error) => {
                last = error;
                continue;
            }
        };
        match listen(port).await {
            Ok(listener) => return Ok((listener, held)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The first port, which may be closed for a while.
async fn door(listener: TcpListener, hub: Arc<Hub>, script: Script) {
    let mut listener = Some(listener);
    let closed = match hub.stage.away {
        None => None,
        Some(Away::AtStart(ms)) => {
            listener = None;
            hub.fault(0);
            Some(ms)
        }
        Some(Away::AfterFault(ms)) => {
            if let Some(open) = listener.take() {
                tokio::select! {
                    () = accept(open, 0, Arc::clone(&hub), script.clone()) => {}
                    () = hub.fault.notified() => {}
                }
            }
            Some(ms)
        }
    };
    if let Some(ms) = closed {
        sleep(Duration::from_millis(ms)).await;
    }
    loop {
        let open = match listener.take() {
            Some(open) => Ok(open),
            None => listen(hub.ports[0]).await,
        };
        match open {
            Ok(open) => accept(open, 0, Arc::clone(&hub), script.clone()).await,
            // Somebody may have the port for a moment.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn accept(listener: TcpListener, door: u8, hub: Arc<Hub>, script: Script) {
    // Connections outlive a closed port.
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        stream.set_nodelay(true).unwrap_or_default();
        let id = hub.connections.fetch_add(1, Ordering::Relaxed) + 1;
        hub.recorder.note(id, What::Dial { door });
        let conn = Conn { hub: Arc::clone(&hub), id, stream };
        match &script {
            Script::Web(script) => drop(tokio::spawn(web::play(conn, script.of(id, door).clone()))),
            Script::Mqtt(script) => drop(tokio::spawn(mqtt::play(conn, script.of(id).clone()))),
        }
    }
}
