//! redial's drivers as clients: each on a thread of its own, run again and again, with a checked policy and a journal.

pub(crate) mod config;
pub(crate) mod engines;
pub(crate) mod feed;
pub(crate) mod journal;
mod recorded;
pub(crate) mod shells;
mod spacing;

use std::any::Any;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use redial::driver::{Driver, Handle, Outcome, Protocol, Runtime};
use redial::handover::Decider;
use redial::record::Store;
use redial::subscriptions::Subscriptions;

use crate::speech::Speaker;
use journal::{Allowed, Journal};
use recorded::Recorded;

/// What drives a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Tokio,
    Smol,
    Threads,
    /// redial's own client, over tokio.
    Websocket,
    /// The same, whose connections are replaced before they end where the end is announced.
    Handover,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::Threads => "threads",
            Self::Websocket => "websocket",
            Self::Handover => "handover",
        }
    }
}

/// A client that was started, and does nothing until [`run`](Self::run).
pub(crate) struct Client {
    pub(crate) journal: Arc<Journal>,
    controls: Controls,
    orders: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// Wants a subscription, or wants it no longer.
type Want = Box<dyn Fn(&str, bool) + Send>;

/// What the handles of all drivers can do.
struct Controls {
    stop: Box<dyn Fn(bool) + Send>,
    want: Want,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.controls.stop(false);
        (self.orders, _) = channel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

impl Client {
    /// One that dials this address. The speech is left out for WebSockets, which have their own.
    pub(crate) fn start(
        engine: Engine,
        address: SocketAddr,
        speaker: Speaker,
        seed: u64,
    ) -> Result<Self, String> {
        let allowed = if engine == Engine::Handover { Allowed::ASuccessor } else { Allowed::Alone };
        Self::start_with(allowed, move |stage| match engine {
            Engine::Tokio => engines::tokio(address, &speaker, engines::policy(seed), stage),
            Engine::Smol => engines::smol(address, &speaker, engines::policy(seed), stage),
            Engine::Threads => engines::threads(address, speaker, engines::policy(seed), stage),
            Engine::Websocket => engines::websocket(address, engines::policy(seed), stage),
            Engine::Handover => engines::websocket(address, engines::handover(seed), stage),
        })
    }

    /// `serve` makes a driver, and has it [served](Stage::serve).
    pub(crate) fn start_with(
        allowed: Allowed,
        serve: impl FnOnce(Stage) + Send + 'static,
    ) -> Result<Self, String> {
        let journal = Journal::new(allowed);
        let (orders, taken) = channel();
        let (sender, controls) = channel();
        let stage = Stage { journal: Arc::clone(&journal), orders: taken, controls: sender };
        let thread = thread::Builder::new().name("client".into()).spawn(move || serve(stage));
        let thread = Some(thread.map_err(|error| error.to_string())?);
        let controls = controls.recv().map_err(|_| "the client can't be made".to_owned())?;
        Ok(Self { journal, controls, orders, thread })
    }

    /// Begins a run, after the one before has ended.
    pub(crate) fn run(&self) -> Result<(), String> {
        self.journal.read(|book| book.ended = None);
        self.orders.send(()).map_err(|_| "the client's thread has ended".to_owned())
    }

    /// Asks the run to end; `keep`: with its session.
    pub(crate) fn stop(&self, keep: bool) {
        (self.controls.stop)(keep);
    }

    pub(crate) fn subscribe(&self, key: &str) {
        (self.controls.want)(key, true);
    }

    pub(crate) fn unsubscribe(&self, key: &str) {
        (self.controls.want)(key, false);
    }

    pub(crate) fn subscribe_all(&self, keys: &BTreeSet<String>) {
        keys.iter().for_each(|key| self.subscribe(key));
    }
}

impl Controls {
    fn of<M: Send + 'static>(handle: Handle<String, String, M>) -> Self {
        let other = handle.clone();
        let stop = move |keep| _ = if keep { handle.stop_keeping_session() } else { handle.stop() };
        let want = move |key: &str, is_wanted| {
            _ = if is_wanted {
                other.subscribe(key.to_owned(), 0)
            } else {
                other.unsubscribe(key.to_owned())
            };
        };
        Self { stop: Box::new(stop), want: Box::new(want) }
    }

    fn stop(&self, keep: bool) {
        (self.stop)(keep);
    }
}

/// What a client's thread has of the client.
pub(crate) struct Stage {
    pub(crate) journal: Arc<Journal>,
    orders: Receiver<()>,
    controls: Sender<Controls>,
}

impl Stage {
    /// Runs the driver with each order, every step and transport of it in the journal. A panic, which a broken promise is, is the end of a
    /// run like any other, and of the client.
    pub(crate) fn serve<P, Rt, Q>(
        self,
        policy: Q,
        protocol: P,
        runtime: Rt,
        mut run: impl FnMut(&mut Driver<Recorded<P>, Rt, Q>) -> Outcome,
    ) where
        P: Protocol<Token = String, Key = String, Message: Send + 'static>,
        Rt: Runtime,
        Q: Decider<Token = String, Subscriptions: Subscriptions<Key = String>> + Store,
    {
        let journal = &self.journal;
        let mut driver = Driver::new(policy, Recorded::new(protocol, Arc::clone(journal)), runtime);
        if self.controls.send(Controls::of(driver.handle())).is_err() {
            return;
        }
        drop(self.controls);
        for () in self.orders {
            journal.begin(driver.policy());
            match catch_unwind(AssertUnwindSafe(|| run(&mut driver))) {
                Ok(outcome) => journal.end(Ok(outcome)),
                Err(panic) => return journal.end(Err(message(&*panic))),
            }
        }
    }
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
