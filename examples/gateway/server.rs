//! A gateway server on two loopback ports that misbehaves when it is told to.
//!
//! One task owns the listeners and the clock of the show; every socket has a task of its own (`connection`). What they
//! share is here: the one session, the fault that is on, and who is connected.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::connection;
use crate::fault::{Expect, Fault, Order, Ports, RETRY_AFTER, Welcome};
use crate::ledger::{By, Endpoint, Fact, How, Ledger, Offence};

/// Sockets served at once; more are dropped as they come.
const MAX_CONNECTIONS: usize = 64;
/// Events kept for a resume.
const MAX_REPLAY: usize = 4096;
/// Session ids remembered after their end.
const MAX_DEAD: usize = 64;

/// The pace of the show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// As told in the hello.
    pub(crate) heartbeat_interval: Duration,
    /// One event is generated this often.
    pub(crate) event_every: Duration,
    /// Healthy: connected for this long since READY or RESUMED …
    pub(crate) calm: Duration,
    /// … with this many events sent, and at least one heartbeat acknowledged.
    pub(crate) calm_events: u32,
    /// How long a client must stay away after the fatal fault.
    pub(crate) quiet: Duration,
    /// A client that is not healthy this long after a fault will never be.
    pub(crate) patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_millis(300),
            event_every: Duration::from_millis(20),
            calm: Duration::from_millis(600),
            calm_events: 5,
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
    gateway_url: String,
    shared: Arc<Shared>,
    faults: mpsc::Sender<(Fault, oneshot::Sender<()>)>,
    healthy: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Binds two ports of 127.0.0.1 and serves.
    pub(crate) async fn start(config: Config) -> io::Result<ServerHandle> {
        let base = bind_somewhere()?;
        let resume = bind_somewhere()?;
        let gateway_url = format!("ws://{}", base.local_addr()?);
        let resume_url = format!("ws://{}", resume.local_addr()?);
        let (ticks, _) = watch::channel(0);
        let (health, healthy) = watch::channel(false);
        let shared =
            Arc::new(Shared { config, ledger: Ledger::new(), resume_url, ticks, state: Mutex::default() });
        let (faults, orders) = mpsc::channel(1);
        let main = Main {
            shared: Arc::clone(&shared),
            base: Port::new(Endpoint::Base, base)?,
            resume: Port::new(Endpoint::Resume, resume)?,
            health,
            sockets: JoinSet::new(),
        };
        let task = tokio::spawn(main.run(orders));
        Ok(ServerHandle { gateway_url, shared, faults, healthy, task })
    }
}

impl ServerHandle {
    /// Where a client identifies. The query ([`crate::protocol::QUERY`]) is the client's to add.
    pub(crate) fn gateway_url(&self) -> &str {
        &self.gateway_url
    }

    /// What READY tells as the place to resume at: another port. Without the query, too.
    pub(crate) fn resume_url(&self) -> &str {
        &self.shared.resume_url
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Begins a fault now; returns when it is on. To be called when the client is healthy.
    pub(crate) async fn next_fault(&self, fault: Fault) {
        let (done, on) = oneshot::channel();
        if self.faults.send((fault, done)).await.is_ok() {
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
    pub(crate) async fn play(&self, script: &[Fault]) -> Result<(), Stuck> {
        let mut last = None;
        for &fault in script {
            if !self.healthy().await {
                return Err(Stuck(last));
            }
            self.next_fault(fault).await;
            last = Some(fault);
        }
        if last.is_some_and(|fault| fault.expect() == Expect::Stop) {
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

    fn close(&mut self, ledger: &Ledger, up_at: Option<Instant>) {
        self.listener = None;
        self.up_at = up_at;
        ledger.record(Fact::PortDown(self.endpoint));
    }

    /// Opens a closed port whose time has come. If the system does not give it back yet, the next tick tries again.
    fn reopen(&mut self, ledger: &Ledger, now: Instant) {
        if self.listener.is_none() && self.up_at.is_some_and(|at| at <= now) {
            if let Ok(listener) = bind(self.address) {
                self.listener = Some(listener);
                ledger.record(Fact::PortUp(self.endpoint));
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
    let start = std::process::id().wrapping_mul(7_919);
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for step in 0..1_000_u32 {
        let port = 11_000 + (start.wrapping_add(step.wrapping_mul(13)) % 20_000) as u16;
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
    health: watch::Sender<bool>,
    sockets: JoinSet<()>,
}

impl Main {
    async fn run(mut self, mut orders: mpsc::Receiver<(Fault, oneshot::Sender<()>)>) {
        let mut clock = interval(self.shared.config.event_every);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let (accepted, endpoint) = tokio::select! {
                Some((fault, done)) = orders.recv() => {
                    self.begin(fault);
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

    fn begin(&mut self, fault: Fault) {
        let ledger = &self.shared.ledger;
        let plan = fault.plan();
        ledger.record(Fact::Fault(fault));
        self.health.send_replace(false);
        match plan.ports {
            Ports::Up => {}
            Ports::AllDown(duration) => {
                let up_at = Some(Instant::now() + duration);
                self.base.close(ledger, up_at);
                self.resume.close(ledger, up_at);
            }
            Ports::ResumeDown => self.resume.close(ledger, None),
        }
        let mut state = self.shared.state();
        state.online = None;
        state.order = Some(plan.order);
        (state.welcome, state.spoilt) = (plan.welcome, plan.times);
        drop(state);
        self.shared.wake_all();
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.shared.generate();
        self.shared.wake_all();
        if !*self.health.borrow() {
            if let Some((at, how)) = self.shared.recovered() {
                // The resume endpoint of a dead-endpoint fault comes back with this tick.
                self.resume.up_at.get_or_insert(now);
                self.shared.ledger.healthy(at, how);
                self.health.send_replace(true);
            }
        } else if self.shared.state().online.is_none() {
            self.health.send_replace(false);
        }
        for port in [&mut self.base, &mut self.resume] {
            port.reopen(&self.shared.ledger, now);
        }
    }
}

/// What all tasks of one server share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) ledger: Ledger,
    pub(crate) resume_url: String,
    /// Counts up whenever a connection may have something to do.
    pub(crate) ticks: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    sessions_made: u64,
    dead: VecDeque<String>,
    /// Not carried out yet: what the fault does to the connection that is up.
    order: Option<Order>,
    welcome: Welcome,
    /// How many more connections get that welcome.
    spoilt: u32,
    /// No dial may come before this: the last `Retry-After`.
    not_before: Option<Instant>,
    online: Option<Online>,
    conns: u64,
    open: BTreeMap<u64, mpsc::UnboundedSender<oneshot::Sender<()>>>,
}

/// The one session. A client that identifies again ends the one before.
struct Session {
    id: String,
    /// The connection that it is delivered to.
    attached: Option<u64>,
    /// The newest sequence number.
    s: u64,
    /// `(s, n)` of the newest events. A READY or RESUMED has a number, too, and is never replayed.
    replay: VecDeque<(u64, u64)>,
}

/// The connection whose health is watched.
struct Online {
    conn: u64,
    since: Duration,
    how: How,
    sent: u32,
    beats: u32,
}

/// The answer to a resume.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// Go on after the client's sequence number.
    Granted,
    /// op 9 with `false`.
    Unknown,
    /// More than was ever sent: 4007.
    SequenceAhead,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        self.ticks.send_modify(|tick| *tick = tick.wrapping_add(1));
    }

    fn generate(&self) {
        let mut state = self.state();
        let Some(session) = &mut state.session else { return };
        if session.replay.len() >= MAX_REPLAY {
            if session.attached.is_none() {
                // Away for longer than the server remembers.
                state.end_session(&self.ledger);
                return;
            }
            session.replay.pop_front();
        }
        session.s += 1;
        session.replay.push_back((session.s, self.ledger.generated()));
    }

    /// The client is calm since its return, and the fault has done all that it is to do.
    fn recovered(&self) -> Option<(Duration, How)> {
        let state = self.state();
        let online = state.online.as_ref().filter(|_| state.spoilt == 0 && state.order.is_none())?;
        let calm = self.ledger.now().saturating_sub(online.since) >= self.config.calm
            && online.sent >= self.config.calm_events
            && online.beats > 0;
        calm.then_some((online.since, online.how))
    }

    /// Waits until the earlier connections have read what their peers had sent by now, which includes their going
    /// away: only what is open after that is open at the same time as `conn`. Answers how many are, `conn` included.
    pub(crate) async fn settle(&self, conn: u64) -> usize {
        let answers: Vec<_> = {
            let state = self.state();
            let earlier = state.open.range(..conn);
            earlier
                .filter_map(|(_, probe)| {
                    let (ask, answer) = oneshot::channel();
                    probe.send(ask).is_ok().then_some(answer)
                })
                .collect()
        };
        for answer in answers {
            // An answer, a socket that is gone (an error) and one that is stuck in a write (late) are all fine.
            drop(timeout(Duration::from_millis(250), answer).await);
        }
        self.state().open.range(..conn).count() + 1
    }

    /// Takes the order that waits, if there is one for the connection that has the session.
    pub(crate) fn take_order(&self, conn: u64) -> Option<Order> {
        let mut state = self.state();
        if state.attached() == Some(conn) { state.order.take() } else { None }
    }

    /// The events after `cursor`. `None`: the session is no longer this connection's.
    pub(crate) fn events_after(&self, conn: u64, cursor: u64) -> Option<Vec<(u64, u64)>> {
        let state = self.state();
        let session = state.session.as_ref().filter(|session| session.attached == Some(conn))?;
        let from = session.replay.partition_point(|(s, _)| *s <= cursor);
        Some(session.replay.range(from..).copied().collect())
    }

    /// A new session, delivered to `conn`; the one before ends. Answers its id; READY has sequence number 1.
    pub(crate) fn identify(&self, conn: u64) -> String {
        let mut state = self.state();
        state.end_session(&self.ledger);
        state.sessions_made += 1;
        let id = format!("session-{}", state.sessions_made);
        state.session = Some(Session { id: id.clone(), attached: Some(conn), s: 1, replay: VecDeque::new() });
        self.ledger.session_begins();
        id
    }

    /// The session goes to `conn`, if it may.
    pub(crate) fn resume(&self, conn: u64, id: &str, seq: u64) -> Resumption {
        let mut state = self.state();
        if state.dead.iter().any(|dead| dead == id) {
            drop(state);
            self.ledger.record(Fact::Offence { conn, offence: Offence::DeadSession });
            return Resumption::Unknown;
        }
        let Some(session) = state.session.as_mut().filter(|session| session.id == id) else {
            return Resumption::Unknown;
        };
        if seq > session.s {
            let offence = Offence::SequenceAhead { seq, sent: session.s };
            drop(state);
            self.ledger.record(Fact::Offence { conn, offence });
            return Resumption::SequenceAhead;
        }
        session.attached = Some(conn);
        Resumption::Granted
    }

    /// The sequence number for a RESUMED, when everything up to now has been replayed.
    pub(crate) fn number_resumed(&self, conn: u64, cursor: u64) -> Option<u64> {
        let mut state = self.state();
        let session = state.session.as_mut().filter(|session| session.attached == Some(conn))?;
        if session.replay.back().is_some_and(|(s, _)| *s > cursor) {
            return None;
        }
        session.s += 1;
        Some(session.s)
    }

    /// READY or RESUMED is out.
    pub(crate) fn online(&self, conn: u64, how: How) {
        let since = self.ledger.now();
        self.state().online = Some(Online { conn, since, how, sent: 0, beats: 0 });
    }

    pub(crate) fn note_sent(&self, conn: u64) {
        if let Some(online) = self.state().online.as_mut().filter(|online| online.conn == conn) {
            online.sent = online.sent.saturating_add(1);
        }
    }

    pub(crate) fn note_beat(&self, conn: u64) {
        if let Some(online) = self.state().online.as_mut().filter(|online| online.conn == conn) {
            online.beats = online.beats.saturating_add(1);
        }
    }

    /// The session is no longer delivered to `conn`, and is kept.
    pub(crate) fn detach(&self, conn: u64) {
        self.state().detach(conn);
    }

    pub(crate) fn end_session(&self) {
        self.state().end_session(&self.ledger);
    }

    /// Rule 8: a client that closes with 1000 or 1001 ends the session that it has on this connection.
    pub(crate) fn client_closed(&self, conn: u64, code: Option<u16>) {
        let mut state = self.state();
        if matches!(code, Some(1000 | 1001)) && state.attached() == Some(conn) {
            state.end_session(&self.ledger);
        }
    }

    pub(crate) fn told_to_wait(&self) {
        self.state().not_before = Some(Instant::now() + RETRY_AFTER);
    }
}

impl State {
    fn attached(&self) -> Option<u64> {
        self.session.as_ref().and_then(|session| session.attached)
    }

    fn detach(&mut self, conn: u64) {
        if let Some(session) = self.session.as_mut().filter(|session| session.attached == Some(conn)) {
            session.attached = None;
        }
        self.online.take_if(|online| online.conn == conn);
    }

    fn end_session(&mut self, ledger: &Ledger) {
        if let Some(session) = self.session.take() {
            if self.dead.len() >= MAX_DEAD {
                self.dead.pop_front();
            }
            self.dead.push_back(session.id);
            self.online = None;
            ledger.record(Fact::SessionEnded);
        }
    }
}

/// Asks a connection to read all that its peer has sent, and then to answer.
pub(crate) type Probes = mpsc::UnboundedReceiver<oneshot::Sender<()>>;

/// A place among the open sockets. Dropped, the socket counts as closed.
pub(crate) struct Seat {
    pub(crate) shared: Arc<Shared>,
    pub(crate) conn: u64,
    pub(crate) endpoint: Endpoint,
    /// Who closed, and how; the first to say it is right.
    pub(crate) ending: Option<(By, Option<u16>)>,
}

impl Seat {
    fn take(shared: &Arc<Shared>, endpoint: Endpoint) -> (Self, Probes, Welcome) {
        let (probe, probes) = mpsc::unbounded_channel();
        let mut state = shared.state();
        state.conns += 1;
        let conn = state.conns;
        state.open.insert(conn, probe);
        let welcome = if state.spoilt > 0 { state.welcome } else { Welcome::Normal };
        state.spoilt = state.spoilt.saturating_sub(1);
        let early = state.not_before.take().map(|at| at.saturating_duration_since(Instant::now()));
        drop(state);
        if let Some(by) = early.filter(|by| !by.is_zero()) {
            shared.ledger.record(Fact::Offence { conn, offence: Offence::TooEarly { by } });
        }
        (Self { shared: Arc::clone(shared), conn, endpoint, ending: None }, probes, welcome)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let (by, code) = self.ending.unwrap_or((By::Client, None));
        let mut state = self.shared.state();
        state.detach(self.conn);
        state.open.remove(&self.conn);
        self.shared.ledger.record(Fact::Closed { conn: self.conn, by, code });
    }
}
