//! A gateway server on three loopback ports that misbehaves when it is told to.
//!
//! One task owns the listeners and the clock of the show; every socket has a task of its own (`connection`). What they
//! share is in `state`.

mod connection;
mod state;
#[cfg(test)]
mod tests;
mod upgrade;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::fault::{Expect, Fault};
use crate::plan::{Plan, Ports};
use crate::report::recorder::Recorder;
use crate::report::server_event::{Endpoint, ServerEvent};
use state::{Seat, Shared, Urls};

/// Sockets served at once; more are dropped as they come.
const MAX_CONNECTIONS: usize = 64;

/// The pace of the show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// As told in the hello.
    pub(crate) heartbeat_interval: Duration,
    /// One event is generated this often.
    pub(crate) event_every: Duration,
    /// Healthy: connected for this long since READY or RESUMED …
    pub(crate) calm: Duration,
    /// … with this many events sent …
    pub(crate) calm_events: u32,
    /// … and this many heartbeats acknowledged.
    pub(crate) calm_beats: u32,
    /// A request is answered after this.
    pub(crate) answer_after: Duration,
    /// From the resume to its RESUMED.
    pub(crate) resume_takes: Duration,
    /// What becomes of the connection that has the session meanwhile, and after it.
    pub(crate) moving: Moving,
    /// How long a connection stays open after its session has moved to another one. The client is to close it.
    pub(crate) grace: Duration,
    /// How long a client must stay away after the fatal fault.
    pub(crate) quiet: Duration,
    /// A client that is not healthy this long after a fault will never be.
    pub(crate) patience: Duration,
}

/// Whether a connection gets events while its session moves to another one, and after that. It stays open in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    /// It gets none from the resume on.
    AtResume,
    /// It gets them until the RESUMED.
    AtResumed,
    /// It gets them as long as it is open.
    Never,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_millis(300),
            event_every: Duration::from_millis(20),
            calm: Duration::from_millis(600),
            calm_events: 5,
            calm_beats: 1,
            answer_after: Duration::from_millis(200),
            resume_takes: Duration::ZERO,
            moving: Moving::AtResumed,
            grace: Duration::from_secs(5),
            quiet: Duration::from_millis(1_500),
            patience: Duration::from_secs(15),
        }
    }
}

/// The client did not come back from this fault (`None`: never came) within [`Config::patience`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stuck(pub(crate) Option<Fault>);

/// Starts servers.
pub(crate) struct Server;

/// Tells the server what to do. The server ends when this is dropped.
pub(crate) struct ServerHandle {
    shared: Arc<Shared>,
    faults: mpsc::Sender<(Fault, Plan, oneshot::Sender<()>)>,
    healthy: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Binds three ports of 127.0.0.1 and serves.
    pub(crate) async fn start(config: Config) -> io::Result<ServerHandle> {
        let base = bind_somewhere()?;
        let resume = bind_somewhere()?;
        let moved = bind_somewhere()?;
        let url = |port: &TcpListener| Ok::<_, io::Error>(format!("ws://{}", port.local_addr()?));
        let urls = Urls { base: url(&base)?, resume: url(&resume)?, moved: url(&moved)? };
        let (health, healthy) = watch::channel(false);
        let shared = Arc::new(Shared::new(config, urls));
        let (faults, orders) = mpsc::channel(1);
        let main = Main {
            shared: Arc::clone(&shared),
            base: Port::new(Endpoint::Base, base)?,
            resume: Port::new(Endpoint::Resume, resume)?,
            moved: Port::new(Endpoint::Moved, moved)?,
            health,
            sockets: JoinSet::new(),
        };
        let task = tokio::spawn(main.run(orders));
        Ok(ServerHandle { shared, faults, healthy, task })
    }
}

impl ServerHandle {
    /// Where a client identifies. The query ([`crate::protocol::QUERY`]) is the client's to add.
    pub(crate) fn gateway_url(&self) -> &str {
        &self.shared.urls.base
    }

    /// What READY tells as the place to resume at: another port. Without the query, too.
    pub(crate) fn resume_url(&self) -> &str {
        &self.shared.urls.resume
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.shared.recorder
    }

    /// Begins a fault now; returns when it is on. To be called when the client is healthy.
    pub(crate) async fn next_fault(&self, fault: Fault) {
        self.begin(fault, fault.plan()).await;
    }

    /// Generates no more events.
    pub(crate) fn fall_silent(&self) {
        self.shared.fall_silent();
    }

    /// The same with a plan of its own.
    pub(crate) async fn begin(&self, fault: Fault, plan: Plan) {
        let (done, on) = oneshot::channel();
        if self.faults.send((fault, plan, done)).await.is_ok() {
            // An error means that the server is gone, and then nothing is to be waited for.
            on.await.unwrap_or_default();
        }
    }

    /// Waits until the client is healthy (again). `false`: it is not, after [`Config::patience`].
    pub(crate) async fn healthy(&self) -> bool {
        let mut healthy = self.healthy.clone();
        let calm = healthy.wait_for(|healthy| *healthy);
        matches!(timeout(self.shared.config.patience, calm).await, Ok(Ok(_)))
    }

    /// Walks through a script, one fault after the other, each when the client has got over the one before.
    /// `announce` hears of each right before it begins.
    pub(crate) async fn play(&self, script: &[Fault], announce: impl Fn(Fault)) -> Result<(), Stuck> {
        let mut last = None;
        for &fault in script {
            if !self.healthy().await {
                return Err(Stuck(last));
            }
            announce(fault);
            self.next_fault(fault).await;
            last = Some(fault);
        }
        if last.is_some_and(|fault| fault.expect() == Expect::Stop) {
            let mut ticks = self.shared.ticks.subscribe();
            let gone = ticks.wait_for(|_| self.shared.is_deserted());
            if !matches!(timeout(self.shared.config.patience, gone).await, Ok(Ok(_))) {
                return Err(Stuck(last));
            }
            sleep(self.shared.config.quiet).await;
            return Ok(());
        }
        if self.healthy().await { Ok(()) } else { Err(Stuck(last)) }
    }
}

/// A listener that can be closed for a while and come back at the same address.
struct Port {
    endpoint: Endpoint,
    address: SocketAddr,
    listener: Option<TcpListener>,
    /// While closed: when to open again. `None`: not by itself.
    up_at: Option<Instant>,
}

impl Port {
    fn new(endpoint: Endpoint, listener: TcpListener) -> io::Result<Self> {
        Ok(Self { endpoint, address: listener.local_addr()?, listener: Some(listener), up_at: None })
    }

    fn close(&mut self, recorder: &Recorder, up_at: Option<Instant>) {
        self.listener = None;
        self.up_at = up_at;
        recorder.record(ServerEvent::PortDown(self.endpoint));
    }

    /// Opens a closed port whose time has come. If the system does not give it back yet, the next tick tries again.
    fn reopen(&mut self, recorder: &Recorder, now: Instant) {
        if self.listener.is_none() && self.up_at.is_some_and(|at| at <= now) {
            if let Ok(listener) = bind(self.address) {
                self.listener = Some(listener);
                recorder.record(ServerEvent::PortUp(self.endpoint));
            }
        }
    }

    /// The next socket; never, while the port is closed.
    async fn accept(&self) -> (io::Result<TcpStream>, Endpoint) {
        match &self.listener {
            Some(listener) => (listener.accept().await.map(|(stream, _)| stream), self.endpoint),
            None => std::future::pending().await,
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(128)
}

/// A port below those that systems give to outgoing connections. A closed listener's port from that range could go to
/// the very client that dials it, which TCP then connects to itself.
fn bind_somewhere() -> io::Result<TcpListener> {
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..1_000 {
        // At random, so that hardly anybody who looks for a port like this finds one of ours while it is closed.
        let port = 11_000 + (RandomState::new().hash_one(()) % 20_000) as u16;
        // Without SO_REUSEADDR, so that a port which somebody else has just closed is left to him.
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        match std::net::TcpListener::bind(address) {
            Ok(probe) => {
                drop(probe);
                result = bind(address.into());
                if result.is_ok() {
                    break;
                }
            }
            Err(error) => result = Err(error),
        }
    }
    result
}

struct Main {
    shared: Arc<Shared>,
    base: Port,
    resume: Port,
    moved: Port,
    health: watch::Sender<bool>,
    sockets: JoinSet<()>,
}

impl Main {
    async fn run(mut self, mut orders: mpsc::Receiver<(Fault, Plan, oneshot::Sender<()>)>) {
        let mut clock = interval(self.shared.config.event_every);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let (accepted, endpoint) = tokio::select! {
                Some((fault, plan, done)) = orders.recv() => {
                    self.begin(fault, &plan);
                    // The one who asked may have gone.
                    done.send(()).unwrap_or_default();
                    continue;
                }
                _ = clock.tick() => {
                    self.tick();
                    continue;
                }
                // The sockets are served by their tasks; this only clears away those that have ended.
                Some(_) = self.sockets.join_next() => continue,
                accepted = self.base.accept() => accepted,
                accepted = self.resume.accept() => accepted,
                accepted = self.moved.accept() => accepted,
            };
            match accepted {
                Ok(stream) if self.sockets.len() < MAX_CONNECTIONS => {
                    let (seat, probes, welcome) = Seat::take(&self.shared, endpoint);
                    self.sockets.spawn(connection::serve(seat, probes, stream, welcome));
                }
                Ok(_) => {}
                // Out of descriptors, or the peer was gone before it was accepted: neither ends the show.
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }

    fn begin(&mut self, fault: Fault, plan: &Plan) {
        let recorder = &self.shared.recorder;
        recorder.record(ServerEvent::Fault(fault));
        self.health.send_replace(false);
        match plan.ports {
            Ports::Up => {}
            Ports::AllDown(duration) => {
                let up_at = Some(Instant::now() + duration);
                self.base.close(recorder, up_at);
                self.resume.close(recorder, up_at);
            }
            Ports::ResumeDown => self.resume.close(recorder, None),
        }
        self.shared.begin(plan);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.shared.generate();
        self.shared.wake_all();
        if !*self.health.borrow() {
            if let Some((at, how)) = self.shared.recovered() {
                // The resume endpoint of a dead-endpoint fault comes back with this tick.
                self.resume.up_at.get_or_insert(now);
                self.shared.recorder.healthy(at, how);
                self.health.send_replace(true);
            }
        } else if !self.shared.is_online() {
            self.health.send_replace(false);
        }
        for port in [&mut self.base, &mut self.resume] {
            port.reopen(&self.shared.recorder, now);
        }
    }
}
