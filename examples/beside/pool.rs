//! How do several connections share limits? A pool of up to N connections to one server of lines, which answers each line with one. Some
//! are dialled ahead; the others are held back until every live one is busy. Each has a policy of its own, and all of them ask one
//! start budget and one breaker before they dial. A request goes to whichever connection is live and free.
//!
//! A request whose connection is lost gets no answer, and is not repeated: only its sender knows whether it may be done twice.
//!
//! ```sh
//! socat TCP-LISTEN:4000,fork,reuseaddr EXEC:cat &
//! cargo run -p redial-beside --bin pool -- 127.0.0.1:4000 6 2    # six connections, two of them ahead; then type requests
//! ```

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redial::breaker::{self, Permit};
use redial::budget::{Grant, StartBudget, StartBudgetConfig};
use redial::driver::{DialError, Failure, Link, Runtime, Tokio, supervise};
use redial::policy::HoldReason;
use redial::{Cause, CircuitBreaker, Instant, Policy, SplitMix64, presets};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// At most so many dials in any window, successful or not.
const DIALS: u16 = 2;
const WINDOW: Duration = Duration::from_millis(250);
const STARTS: StartBudgetConfig = StartBudgetConfig::new(1, DIALS, WINDOW).build_const();
/// After three failures in a row nobody dials for a second, and then one does.
const BREAKER: breaker::Config = breaker::Config::new(3, Duration::from_secs(1)).build_const();
const PATIENCE: Duration = Duration::from_secs(5);
const NOT_NEEDED: HoldReason = HoldReason::new(0).unwrap();

type Job = (String, oneshot::Sender<String>);

struct Limits {
    starts: StartBudget<{ DIALS as usize }, 64>,
    breaker: CircuitBreaker,
    rng: SplitMix64,
}

struct Pool {
    address: String,
    clock: Tokio,
    limits: Mutex<Limits>,
    /// Those that wait for a connection.
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
}

impl Pool {
    fn limits(&self) -> (Instant, MutexGuard<'_, Limits>) {
        (self.clock.now(), self.limits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a connection may dial now; otherwise when it is to ask again. First come, first served.
    fn admit(&self, ticket: u32) -> Result<Permit, DialError> {
        let (now, mut limits) = self.limits();
        let Limits { starts, breaker, rng } = &mut *limits;
        // After one window at the latest: the probe of a half-open breaker may be over soon.
        let not_now = |until: Option<Instant>| {
            let wait = until.map_or(WINDOW, |until| until.saturating_duration_since(now));
            DialError::NotNow { retry_after: Some(wait.min(WINDOW)) }
        };
        let permit = breaker.try_acquire(&BREAKER, now, rng).map_err(|denied| not_now(denied.until))?;
        let is_first = starts.waiting().first() == Some(&ticket);
        let until = match starts.request(now, ticket) {
            Grant::Now => return Ok(permit),
            _ if is_first && starts.next_grant(now) == Some(ticket) => return Ok(permit),
            Grant::Later(until) | Grant::Exhausted { until } | Grant::Full { until } => until,
        };
        breaker.release(permit);
        Err(not_now(Some(until)))
    }

    async fn connect(self: Arc<Self>, ticket: u32) -> Result<TcpStream, Failure> {
        let permit = self.admit(ticket)?;
        // In less time than the policy gives a dial, so that the breaker hears of it.
        let stream = timeout(PATIENCE, TcpStream::connect(&self.address)).await;
        let stream = stream.unwrap_or_else(|late| Err(late.into()));
        let (now, mut limits) = self.limits();
        let Limits { breaker, rng, .. } = &mut *limits;
        match &stream {
            Ok(_) => breaker.success(&BREAKER, now, permit),
            Err(_) => breaker.failure(&BREAKER, now, permit, rng),
        };
        Ok(stream.inspect_err(|error| eprintln!("{ticket}: {error}"))?)
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream, link: Link) -> Result<(), Failure> {
        link.ready();
        let (read, mut write) = stream.split();
        let mut answers = BufReader::new(read).lines();
        loop {
            let job = async { self.jobs.lock().await.recv().await };
            let (request, answer) = tokio::select! {
                // Nothing was asked: the server has closed the connection.
                end = answers.next_line() => return end.map(drop).map_err(Failure::from),
                Some(job) = job => job,
            };
            write.write_all(format!("{request}\n").as_bytes()).await?;
            let line = timeout(PATIENCE, answers.next_line()).await??.ok_or(Cause::NoCloseFrame)?;
            drop(answer.send(line));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u32> = arguments.iter().skip(1).filter_map(|number| number.parse().ok()).collect();
    let (Some(address), &[count @ 1..=64, ahead]) = (arguments.first(), &numbers[..]) else {
        eprintln!("usage: pool HOST:PORT CONNECTIONS AHEAD");
        return ExitCode::from(2);
    };
    let (queue, jobs) = mpsc::channel(1_024);
    let (starts, breaker, rng) =
        (StartBudget::new_const(STARTS), CircuitBreaker::new(), SplitMix64::from_os());
    let (address, limits) = (address.clone(), Limits { starts, breaker, rng }.into());
    let pool = Arc::new(Pool { address, clock: Tokio::new(), limits, jobs: jobs.into() });
    let mut held = Vec::new();
    for ticket in 0..count {
        let (dialler, server) = (pool.clone(), pool.clone());
        let policy = Policy::new(&presets::FEW, SplitMix64::from_os());
        let connect = move |_| dialler.clone().connect(ticket);
        let live = move |stream, link| server.clone().serve(stream, link);
        let mut driver = supervise(policy, Tokio::new(), connect, live);
        if ticket >= ahead {
            driver.handle().hold(NOT_NEEDED);
            held.push(driver.handle());
        }
        tokio::spawn(async move { driver.run().await });
    }
    let mut held = held.into_iter();
    let mut typed = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(request)) = typed.next_line().await {
        let (answer, answered) = oneshot::channel();
        drop(queue.send((request.clone(), answer)).await);
        tokio::spawn(async move { println!("{request}: {}", answered.await.as_deref().unwrap_or("lost")) });
        tokio::task::yield_now().await;
        // Nobody has taken it: one connection more.
        if queue.capacity() < queue.max_capacity() {
            held.next().map(|handle| handle.release(NOT_NEEDED));
        }
    }
    ExitCode::SUCCESS
}
