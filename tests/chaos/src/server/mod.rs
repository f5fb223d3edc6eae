//! Real servers: how each is started, asked to end, and asked what it knows of its clients.

mod mosquitto;
mod nats;
mod nginx;
mod redis;
mod upstream;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use clap::ValueEnum;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::process::Process;
use crate::speech::{Mqtt, Nats, Redis, Speaker};
use crate::time::{PATIENCE, eventually, pause};

/// Where each listens in its namespace.
pub(crate) const PORT: u16 = 4_000;

/// How long a server that is up may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// So many lines of its log are shown where a fault fails.
const SHOWN: usize = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Redis,
    Nats,
    Mosquitto,
    /// As a reverse proxy of WebSockets
    Nginx,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Redis, Self::Nats, Self::Mosquitto, Self::Nginx];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Mosquitto => "mosquitto",
            Self::Nginx => "nginx",
        }
    }

    /// How clients speak to it. To nginx they do by a WebSocket client.
    pub(crate) fn speaker(self) -> Speaker {
        match self {
            Self::Redis | Self::Nginx => Redis::speaker(),
            Self::Nats => Nats::speaker(),
            Self::Mosquitto => Mqtt::speaker(),
        }
    }

    /// Whether a client may give subscriptions up: one that has a session keeps what it gives up while it is away.
    pub(crate) const fn may_unsubscribe(self) -> bool {
        matches!(self, Self::Redis | Self::Nats)
    }

    /// Whether it can ask its clients to reconnect, and go on.
    pub(crate) const fn announces(self) -> bool {
        matches!(self, Self::Nginx)
    }

    /// Whether it keeps what a client that is away misses.
    pub(crate) const fn keeps_sessions(self) -> bool {
        matches!(self, Self::Mosquitto | Self::Nginx)
    }

    /// Whether the program is there.
    pub(crate) fn is_installed(self) -> bool {
        let program = match self {
            Self::Redis => "redis-server",
            Self::Nats => "nats-server",
            Self::Mosquitto => "mosquitto",
            Self::Nginx => "nginx",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }
}

/// Where a server is.
pub(crate) struct Site {
    /// Where it listens: everywhere in a namespace of its own, otherwise on the loopback.
    bind: Ipv4Addr,
    pub(crate) port: u16,
    /// Beside it, for a monitor or an upstream.
    second_port: u16,
    folder: TempDir,
    is_root: bool,
}

impl Site {
    pub(crate) fn new(in_namespace: bool) -> io::Result<Self> {
        let bind = if in_namespace { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let [port, second_port] = if in_namespace { [PORT, PORT + 1] } else { [free_port()?, free_port()?] };
        let folder = tempfile::Builder::new().prefix("redial-chaos-").tempdir()?;
        Ok(Self { bind, port, second_port, folder, is_root: nix::unistd::Uid::effective().is_root() })
    }

    /// For those beside it.
    pub(crate) fn address(&self) -> SocketAddr {
        local(self.port)
    }

    fn second(&self) -> SocketAddr {
        local(self.second_port)
    }

    /// Writes a file of this name for the server.
    fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()
}

/// One that nobody has, below those that a system gives to clients.
pub(crate) fn free_port() -> io::Result<u16> {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 500) as u16 * 20;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        if TcpListener::bind(local(port)).is_ok() {
            return Ok(port);
        }
    }
}

/// What differs from server to server.
trait Service: Send {
    /// # Errors
    /// Its files can't be written.
    fn command(&self, site: &Site) -> io::Result<Command>;

    /// What hears each line of the log of a process that is about to be started.
    fn ear(&mut self) -> Arc<dyn Fn(&str) + Send + Sync> {
        Arc::new(|_| {})
    }

    /// The signals that ask it to end, with the milliseconds before each.
    fn end(&self) -> &'static [(u64, Signal)];

    /// Whether the one client has these subscriptions, each once, on one connection.
    ///
    /// # Errors
    /// What is otherwise.
    fn audit(&mut self, site: &Site, keys: &BTreeSet<String>) -> Result<(), String>;

    /// Whether no client is there.
    ///
    /// # Errors
    /// Who is.
    fn nobody(&mut self, site: &Site) -> Result<(), String>;

    /// Asks the client for another connection, where that is possible.
    fn announce(&mut self) {}

    /// Publishes a message; how many got it, where the server says so.
    ///
    /// # Errors
    /// It could not be published.
    fn publish(&mut self, site: &Site, key: &str, text: &str) -> Result<Option<usize>, String>;
}

/// A server that is started, killed and started again.
pub(crate) struct Server {
    site: Site,
    service: Box<dyn Service>,
    process: Option<Process>,
    is_frozen: bool,
    /// They fill the queue of its listening socket.
    fillers: Vec<TcpStream>,
}

impl Server {
    /// # Errors
    /// It can't be started.
    pub(crate) fn start(kind: Kind, in_namespace: bool) -> Result<Self, String> {
        let site = Site::new(in_namespace).map_err(|error| error.to_string())?;
        let service: Box<dyn Service> = match kind {
            Kind::Redis => Box::new(redis::Service),
            Kind::Nats => Box::new(nats::Service),
            Kind::Mosquitto => Box::<mosquitto::Service>::default(),
            Kind::Nginx => Box::new(nginx::Service::new(&site).map_err(|error| error.to_string())?),
        };
        let mut server = Self { site, service, process: None, is_frozen: false, fillers: Vec::new() };
        server.ensure_up()?;
        Ok(server)
    }

    /// For those beside it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.site.address()
    }

    /// Ends whatever was done to it: it runs, and listens, when this returns.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn ensure_up(&mut self) -> Result<(), String> {
        self.fillers.clear();
        if let (true, Some(process)) = (self.is_frozen, &self.process) {
            process.signal(Signal::SIGCONT).map_err(|error| format!("SIGCONT: {error}"))?;
        }
        self.is_frozen = false;
        if self.process.is_none() {
            let ear = self.service.ear();
            let mut command = self.service.command(&self.site).map_err(|error| error.to_string())?;
            let process = Process::start(&mut command, move |line| ear(line));
            let program = command.get_program().to_string_lossy().into_owned();
            self.process = Some(process.map_err(|error| format!("{program}: {error}"))?);
        }
        self.listens()
    }

    fn listens(&mut self) -> Result<(), String> {
        let (address, process) = (self.site.address(), self.process.as_mut());
        let Some(process) = process else { return Err("it was not started".to_owned()) };
        eventually(PATIENCE, || {
            // Its end is no reason to wait, and for the caller to tell.
            if process.has_ended() {
                return Ok(false);
            }
            TcpStream::connect_timeout(&address, ANSWER).map_err(|error| format!("{address}: {error}"))?;
            Ok(true)
        })
        .and_then(|listens| match listens {
            true => Ok(()),
            false => Err(format!("the server has ended: {}", process.last_lines(SHOWN).join(" | "))),
        })
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process = None;
        self.is_frozen = false;
    }

    /// SIGSTOP.
    ///
    /// # Errors
    /// There is no process.
    pub(crate) fn freeze(&mut self) -> Result<(), String> {
        let process = self.process.as_ref().ok_or("there is no process to stop")?;
        process.signal(Signal::SIGSTOP).map_err(|error| format!("SIGSTOP: {error}"))?;
        self.is_frozen = true;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn ask_to_end(&mut self) -> Result<(), String> {
        let mut process = self.process.take().ok_or("there is no process to end")?;
        for (before, signal) in self.service.end() {
            pause(Duration::from_millis(*before));
            process.signal(*signal).map_err(|error| format!("{signal}: {error}"))?;
        }
        eventually(PATIENCE, || match process.has_ended() {
            true => Ok(()),
            false => Err("the server does not end".to_owned()),
        })
    }

    /// Connects until nobody is accepted any more. It must be stopped.
    ///
    /// # Errors
    /// There is no end of it.
    pub(crate) fn fill_queue(&mut self) -> Result<(), String> {
        const MOST: usize = 64;
        for _ in 0..MOST {
            match TcpStream::connect_timeout(&self.site.address(), Duration::from_millis(40)) {
                Ok(filler) => self.fillers.push(filler),
                Err(_) => return Ok(()),
            }
        }
        Err(format!("{MOST} connections wait to be accepted, and there is space for more"))
    }

    /// Whether it runs and answers.
    pub(crate) const fn is_up(&self) -> bool {
        self.process.is_some() && !self.is_frozen
    }

    pub(crate) fn audit(&mut self, keys: &BTreeSet<String>) -> Result<(), String> {
        self.service.audit(&self.site, keys)
    }

    pub(crate) fn nobody(&mut self) -> Result<(), String> {
        self.service.nobody(&self.site)
    }

    pub(crate) fn announce(&mut self) {
        self.service.announce();
    }

    pub(crate) fn publish(&mut self, key: &str, text: &str) -> Result<Option<usize>, String> {
        self.service.publish(&self.site, key, text)
    }

    /// What it wrote last.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.process.as_ref().map(|process| process.last_lines(SHOWN)).unwrap_or_default()
    }
}

/// A connection of somebody beside the server, who waits for each answer.
struct Asker {
    stream: TcpStream,
    input: BytesMut,
}

impl Asker {
    fn connect(address: SocketAddr) -> Result<Self, String> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&address, ANSWER)?;
            stream.set_read_timeout(Some(ANSWER))?;
            stream.set_write_timeout(Some(ANSWER))?;
            Ok(stream)
        };
        let stream = connect().map_err(|error: io::Error| format!("{address}: {error}"))?;
        Ok(Self { stream, input: BytesMut::new() })
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| format!("write: {error}"))
    }

    /// Reads until `take` finds a whole answer.
    fn hear<T>(
        &mut self,
        mut take: impl FnMut(&mut BytesMut) -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        let mut chunk = [0; 4_096];
        loop {
            if let Some(answer) = take(&mut self.input)? {
                return Ok(answer);
            }
            match self.stream.read(&mut chunk).map_err(|error| format!("read: {error}"))? {
                0 => return Err("the server has closed the connection".to_owned()),
                count => self.input.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Reads until the server closes.
    fn rest(mut self) -> Result<String, String> {
        let mut bytes = self.input.to_vec();
        self.stream.read_to_end(&mut bytes).map_err(|error| format!("read: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Whether these are the same, each once; otherwise what is missing and what is too much.
fn compare(keys: &BTreeSet<String>, found: &[String]) -> Result<(), String> {
    let missing: Vec<_> = keys.iter().filter(|key| !found.contains(key)).map(String::as_str).collect();
    let mut left: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let surplus: Vec<_> = found.iter().map(String::as_str).filter(|key| !left.remove(key)).collect();
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    Err(format!("subscriptions that are missing: {missing:?}, twice or not wanted: {surplus:?}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::compare;

    #[test]
    fn each_subscription_must_be_there_once() {
        let keys: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let found = |found: &[&str]| {
            let found: Vec<String> = found.iter().map(|key| (*key).to_owned()).collect();
            compare(&keys, &found).is_ok()
        };
        assert!(found(&["b", "a"]));
        assert!(!found(&["a"]));
        assert!(!found(&["a", "b", "b"]));
        assert!(!found(&["a", "b", "c"]));
    }
}
