//! redial's drivers as clients: each on a thread of its own, run again and again, with a checked policy and a journal.

pub(crate) mod config;
pub(crate) mod feed;
pub(crate) mod journal;
mod recorded;
mod shells;
mod spacing;

use std::any::Any;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use redial::driver::{
    Blocking, Driver, Failure, Handle, Outcome, Protocol, Runtime, Smol, Threaded, Tokio, block_on, supervise,
};
use redial::subscriptions::SubscriptionList;
use redial::testing::{Checked, DriverRules};
use redial::{Policy, SplitMix64, websocket};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::speech::Speaker;
use config::CONFIG;
use feed::Feed;
use journal::Journal;
use recorded::Recorded;
use shells::{Blocked, live};

/// What a driver may sleep longer than it was told, on a machine that is busy.
const OVERSLEPT: Duration = Duration::from_secs(5);

/// What drives a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Tokio,
    Smol,
    Threads,
    /// redial's own client, over tokio.
    Websocket,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::Threads => "threads",
            Self::Websocket => "websocket",
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

/// What the handles of all drivers can do.
pub(crate) struct Controls {
    stop: Box<dyn Fn(bool) + Send>,
    want: Box<dyn Fn(&str, bool) + Send>,
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
        Self::start_with(move |journal, orders, controls| match engine {
            Engine::Tokio => tokio_client(address, speaker, seed, journal, orders, controls),
            Engine::Smol => smol_client(address, speaker, seed, journal, orders, controls),
            Engine::Threads => threads_client(address, speaker, seed, journal, orders, controls),
            Engine::Websocket => websocket_client(address, seed, journal, orders, controls),
        })
    }

    /// `serve` makes a driver, hands its controls over and runs it with each order.
    pub(crate) fn start_with(
        serve: impl FnOnce(&Arc<Journal>, Receiver<()>, Sender<Controls>) + Send + 'static,
    ) -> Result<Self, String> {
        let journal = Journal::new();
        let (orders, taken) = channel();
        let (sender, controls) = channel();
        let own = Arc::clone(&journal);
        let thread = thread::Builder::new().name("client".into()).spawn(move || serve(&own, taken, sender));
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

type Session = Checked<Policy<SplitMix64, String, SubscriptionList<String>>>;

pub(crate) fn policy(seed: u64) -> Session {
    let policy = Policy::new(&CONFIG, SplitMix64::new(seed));
    let policy = policy.with_session_type().with_subscriptions(SubscriptionList::new());
    Checked::new(policy).with_driver_rules(DriverRules::new(OVERSLEPT))
}

/// Runs the driver with each order. A panic, which a broken promise is, is the end of a run like any other, and of the client.
pub(crate) fn serve<P, Rt>(
    mut driver: Driver<P, Rt, Session>,
    journal: &Journal,
    orders: Receiver<()>,
    controls: &Sender<Controls>,
    mut run: impl FnMut(&mut Driver<P, Rt, Session>) -> Outcome,
) where
    P: Protocol<Token = String, Key = String, Message: Send + 'static>,
    Rt: Runtime,
{
    if controls.send(Controls::of(driver.handle())).is_err() {
        return;
    }
    for () in orders {
        journal.begin(driver.policy());
        match catch_unwind(AssertUnwindSafe(|| run(&mut driver))) {
            Ok(outcome) => journal.end(Ok(outcome)),
            Err(panic) => return journal.end(Err(message(&*panic))),
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

fn tokio_client(
    address: SocketAddr,
    speaker: Speaker,
    seed: u64,
    journal: &Arc<Journal>,
    orders: Receiver<()>,
    controls: Sender<Controls>,
) {
    let connect =
        move |_| async move { Ok::<_, Failure>(tokio::net::TcpStream::connect(address).await?.compat()) };
    let runtime = runtime();
    let driver = {
        let _context = runtime.enter();
        let (policy, protocol) = supervise(policy(seed), Tokio::new(), connect, |stream, link| {
            live(stream, link, speaker(), Arc::clone(journal))
        })
        .into_parts();
        Driver::new(policy, Recorded::new(protocol, Arc::clone(journal)), Tokio::new())
    };
    serve(driver, journal, orders, &controls, |driver| {
        let outcome = runtime.block_on(driver.run());
        check_tasks(&runtime, journal);
        outcome
    });
}

fn runtime() -> tokio::runtime::Runtime {
    #[expect(clippy::expect_used, reason = "without a runtime there is nothing to test")]
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A run has left no task.
fn check_tasks(runtime: &tokio::runtime::Runtime, journal: &Journal) {
    let alive = runtime.metrics().num_alive_tasks();
    if alive > 0 {
        journal.find(format!("{alive} tasks are left after the run"));
    }
}

fn smol_client(
    address: SocketAddr,
    speaker: Speaker,
    seed: u64,
    journal: &Arc<Journal>,
    orders: Receiver<()>,
    controls: Sender<Controls>,
) {
    let connect = move |_| async move { Ok::<_, Failure>(smol::net::TcpStream::connect(address).await?) };
    let (policy, protocol) = supervise(policy(seed), Smol::new(), connect, |stream, link| {
        live(stream, link, speaker(), Arc::clone(journal))
    })
    .into_parts();
    let driver = Driver::new(policy, Recorded::new(protocol, Arc::clone(journal)), Smol::new());
    serve(driver, journal, orders, &controls, |driver| smol::block_on(driver.run()));
}

fn threads_client(
    address: SocketAddr,
    speaker: Speaker,
    seed: u64,
    journal: &Arc<Journal>,
    orders: Receiver<()>,
    controls: Sender<Controls>,
) {
    let protocol = Threaded::new(Blocked { address, speaker, journal: Arc::clone(journal) });
    let protocol = Recorded::new(protocol, Arc::clone(journal));
    let driver = Driver::new(policy(seed), protocol, Blocking::new());
    serve(driver, journal, orders, &controls, |driver| {
        let outcome = block_on(driver.run());
        driver.protocol().inner.join();
        outcome
    });
}

fn websocket_client(
    address: SocketAddr,
    seed: u64,
    journal: &Arc<Journal>,
    orders: Receiver<()>,
    controls: Sender<Controls>,
) {
    let feed = Feed { journal: Arc::clone(journal) };
    let client = websocket::connect(&format!("ws://{address}/feed")).with_protocol(feed).client();
    let client = match client {
        Ok(client) => client,
        Err(error) => return journal.find(error.to_string()),
    };
    let runtime = runtime();
    let driver = {
        let _context = runtime.enter();
        Driver::new(policy(seed), Recorded::new(client, Arc::clone(journal)), Tokio::new())
    };
    let mut messages = driver.messages();
    serve(driver, journal, orders, &controls, |driver| {
        let deliver = async {
            while let Some(text) = messages.recv().await {
                journal.delivered(text, false);
            }
            std::future::pending().await
        };
        let outcome = runtime.block_on(async {
            tokio::select! {
                // The run begins first: without one there are no messages to wait for.
                biased;
                outcome = driver.run() => outcome,
                never = deliver => never,
            }
        });
        check_tasks(&runtime, journal);
        outcome
    });
}
