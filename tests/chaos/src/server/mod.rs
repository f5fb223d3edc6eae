//! Real servers: how each is started, asked to end, and asked what it knows of its clients.

mod asker;
mod kind;
mod mosquitto;
mod nats;
mod nginx;
mod redis;
mod site;
mod upstream;

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::process::Process;
use crate::time::{PATIENCE, eventually, pause};

use asker::{Asker, compare};
pub(crate) use kind::Kind;
use site::Site;
pub(crate) use site::free_port;

/// Where each listens in its namespace.
pub(crate) const PORT: u16 = 4_000;

/// How long a server that is up may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// So many lines of its log are shown where a fault fails.
const SHOWN: usize = 15;

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
