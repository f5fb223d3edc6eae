//! What drives a client: each of redial's drivers, and its WebSocket client.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::io::{AsyncRead, AsyncWrite};
use redial::driver::{Blocking, Dial, Failure, Link, Smol, Threaded, Tokio, block_on, supervise};
use redial::handover::{self, Decider, Handover};
use redial::record::Store;
use redial::subscriptions::{SubscriptionList, Subscriptions};
use redial::testing::{Checked, DriverRules};
use redial::{Config, Policy, SplitMix64};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::Stage;
use super::config::CONFIG;
use super::feed::Feed;
use super::journal::Journal;
use super::shells::{Blocked, live};
use crate::speech::Speaker;

/// What a driver may sleep longer than it was told, on a machine that is busy.
const RULES: DriverRules = DriverRules::new(Duration::from_secs(5));

type Session = Policy<SplitMix64, String, SubscriptionList<String>>;

fn session(config: &'static Config, seed: u64) -> Session {
    let policy = Policy::new(config, SplitMix64::new(seed));
    policy.with_session_type().with_subscriptions(SubscriptionList::new())
}

pub(crate) fn policy(seed: u64) -> Checked<Session> {
    policy_of(&CONFIG, seed)
}

/// The same with another config.
pub(crate) fn policy_of(config: &'static Config, seed: u64) -> Checked<Session> {
    Checked::new(session(config, seed)).with_driver_rules(RULES)
}

pub(crate) fn handover(seed: u64) -> Checked<Handover<SplitMix64, String, SubscriptionList<String>>> {
    const HANDOVER: handover::Config = handover::Config::new()
        .timeout(Duration::from_millis(1_500))
        .drain(Duration::from_millis(100))
        .build_const();
    Checked::new(session(&CONFIG, seed).with_handover(HANDOVER)).with_driver_rules(RULES)
}

pub(crate) fn tokio(address: SocketAddr, speaker: &Speaker, policy: Checked<Session>, stage: Stage) {
    let journal = Arc::clone(&stage.journal);
    let live = |stream, link| live(stream, link, speaker(), Arc::clone(&journal));
    supervised(policy, |_| connect(address), live, stage);
}

/// A socket of tokio's, as other runtimes have it.
pub(crate) async fn connect(address: SocketAddr) -> Result<Compat<tokio::net::TcpStream>, Failure> {
    Ok(tokio::net::TcpStream::connect(address).await?.compat())
}

/// On tokio, with these two halves of a client.
pub(crate) fn supervised<S, Connecting, Living>(
    policy: Checked<Session>,
    connect: impl Fn(Dial<String>) -> Connecting,
    live: impl Fn(S, Link<String, String>) -> Living,
    stage: Stage,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    Connecting: Future<Output = Result<S, Failure>>,
    Living: Future<Output = Result<(), Failure>>,
{
    let (runtime, journal) = (runtime(), Arc::clone(&stage.journal));
    let clock = within(&runtime);
    let (policy, protocol) = supervise(policy, clock, connect, live).into_parts();
    stage.serve(policy, protocol, clock, |driver| {
        let outcome = runtime.block_on(driver.run());
        check_tasks(&runtime, &journal);
        outcome
    });
}

pub(crate) fn smol(address: SocketAddr, speaker: &Speaker, policy: Checked<Session>, stage: Stage) {
    let connect = |_| async { Ok(smol::net::TcpStream::connect(address).await?) };
    let journal = Arc::clone(&stage.journal);
    let live = |stream, link| live(stream, link, speaker(), Arc::clone(&journal));
    let (policy, protocol) = supervise(policy, Smol::new(), connect, live).into_parts();
    stage.serve(policy, protocol, Smol::new(), |driver| smol::block_on(driver.run()));
}

pub(crate) fn threads(address: SocketAddr, speaker: Speaker, policy: Checked<Session>, stage: Stage) {
    let protocol = Threaded::new(Blocked { address, speaker, journal: Arc::clone(&stage.journal) });
    stage.serve(policy, protocol, Blocking::new(), |driver| {
        let outcome = block_on(driver.run());
        driver.protocol().inner.join();
        outcome
    });
}

pub(crate) fn websocket<Q>(address: SocketAddr, policy: Q, stage: Stage)
where
    Q: Decider<Token = String, Subscriptions: Subscriptions<Key = String>> + Store,
{
    let journal = Arc::clone(&stage.journal);
    let feed = Feed { journal: Arc::clone(&journal) };
    let client = redial::websocket::connect(&format!("ws://{address}/feed")).with_protocol(feed).client();
    let client = match client {
        Ok(client) => client,
        Err(error) => return journal.find(error.to_string()),
    };
    let runtime = runtime();
    let clock = within(&runtime);
    stage.serve(policy, client, clock, |driver| {
        let mut messages = driver.messages();
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
        check_tasks(&runtime, &journal);
        outcome
    });
}

fn runtime() -> tokio::runtime::Runtime {
    #[expect(clippy::expect_used, reason = "without a runtime there is nothing to test")]
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn within(runtime: &tokio::runtime::Runtime) -> Tokio {
    let _context = runtime.enter();
    Tokio::new()
}

/// A run has left no task.
fn check_tasks(runtime: &tokio::runtime::Runtime, journal: &Journal) {
    let alive = runtime.metrics().num_alive_tasks();
    if alive > 0 {
        journal.find(format!("{alive} tasks are left after the run"));
    }
}
