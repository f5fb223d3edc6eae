//! Eight processes under one budget, of which three are killed, and a Redis that is killed and comes back empty.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redial::SplitMix64;
use redial::budget::StartBudgetConfig;
use redial::driver::{DialError, Runtime, Tokio};
use redial::fleet::{Call, Redis, Share, Starts};
use redial::rand_core::Rng;
use redis::Script;
use redis::aio::MultiplexedConnection;

use super::server::{Server, eventually};

const WORKER: &str = "REDIAL_FLEET_WORKER";
const PROCESSES: u32 = 8;
const KILLED: u32 = 3;
const CLIENTS: u32 = 4;
const BUCKETS: u16 = 2;
const EACH: u16 = 2;
const WINDOW: Duration = Duration::from_millis(200);
const LEASE: Duration = Duration::from_millis(120);
const CONFIG: StartBudgetConfig = StartBudgetConfig::new(BUCKETS, EACH, WINDOW).build_const();

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

fn is_send<T: Send>(future: T) -> T {
    future
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A process of the fleet, when the test below starts it; alone it does nothing.
#[tokio::test]
async fn worker() {
    let Ok(place) = std::env::var(WORKER) else { return };
    let (port, member) = place.split_once(' ').unwrap();
    let member: u32 = member.parse().unwrap();
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let connect = || client.get_multiplexed_async_connection();
    let invoke = |mut connection: MultiplexedConnection, call: Call| async move {
        Script::new(call.script).key(call.keys).arg(call.args).invoke_async(&mut connection).await
    };
    let runtime = Tokio::new();
    let redis = Redis::new(connect, invoke, runtime);
    let starts = Starts::new("fleet", CONFIG)
        .with_lease(LEASE)
        .with_place_lease(Duration::from_millis(600))
        .with_share(Share { member, of: PROCESSES });
    let (starts, redis) = (&starts, &redis);
    // For runtimes that move tasks between threads.
    drop(is_send(starts.ask(redis, 0)));
    let clients = (0..CLIENTS).map(|client| async move {
        let ticket = member * CLIENTS + client;
        let mut rng = SplitMix64::new(ticket.into());
        loop {
            match starts.ask(redis, ticket).await {
                Ok(permit) => {
                    tokio::time::sleep(Duration::from_millis(rng.next_u64() % 30)).await;
                    // The start is made at `at`, unless the lease is over: this process may have been slow.
                    let at = clock();
                    let local = if permit.is_local() { "local" } else { "redis" };
                    if Runtime::now(&runtime) < permit.until() {
                        say(&format!("start {ticket} {at} {local}\n"));
                        permit.started(redis).await;
                    } else {
                        permit.release(redis).await;
                    }
                }
                Err(DialError::NotNow { retry_after }) => tokio::time::sleep(retry_after.unwrap()).await,
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    futures_util::future::join_all(clients).await;
}

/// What a start says of itself: when, whose, and whether it was without Redis.
type Log = Arc<Mutex<Vec<(u64, u32, bool)>>>;

struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        // SIGKILL. Gone already is as good.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

impl Worker {
    fn start(port: u16, member: u32, log: &Log) -> Self {
        let mut worker = Command::new(std::env::current_exe().unwrap());
        worker.args(["--exact", "processes::worker", "--nocapture"]).env(WORKER, format!("{port} {member}"));
        let mut worker = worker.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (lines, log) = (BufReader::new(worker.stdout.take().unwrap()).lines(), log.clone());
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // The first line begins with words of the test harness.
                let Some((_, start)) = line.split_once("start ") else { continue };
                let words: Vec<_> = start.split(' ').collect();
                let (ticket, at) = (words[0].parse().unwrap(), words[1].parse().unwrap());
                log.lock().unwrap().push((at, ticket, words[2] == "local"));
            }
        });
        Self(worker)
    }
}

/// Waits until Redis has granted each of these a start since then, and says when that was.
#[track_caller]
fn all_start(log: &Log, since: u64, tickets: Range<u32>) -> u64 {
    eventually(|| {
        let log = log.lock().unwrap();
        let mut started =
            log.iter().filter(|(at, _, local)| *at > since && !local).map(|(_, ticket, _)| ticket);
        let started: BTreeSet<_> = started.by_ref().collect();
        tickets.clone().all(|ticket| started.contains(&ticket))
    });
    clock()
}

#[test]
fn a_fleet_keeps_its_budget_while_processes_and_redis_are_killed() {
    let Some(mut server) = Server::start(&[]) else { return };
    let log = Log::default();
    let mut workers: Vec<_> = (0..PROCESSES).map(|member| Worker::start(server.port, member, &log)).collect();
    all_start(&log, 0, 0..PROCESSES * CLIENTS);
    // All clients of these have a permit or a place in the queue, for they do nothing else.
    workers.drain(..KILLED as usize);
    let (killed, living) = (clock(), KILLED * CLIENTS..PROCESSES * CLIENTS);
    let gone = all_start(&log, killed, living.clone());
    server.kill();
    // Until two processes have had their turn.
    eventually(|| {
        let log = log.lock().unwrap();
        let local = log.iter().filter(|(.., local)| *local).map(|(_, ticket, _)| ticket / CLIENTS);
        local.collect::<BTreeSet<_>>().len() > 1
    });
    server.start_again();
    let back = clock();
    let end = all_start(&log, back, living);
    // It comes back at once, and knows nothing of the starts that it has just granted.
    for _ in 0..3 {
        server.kill();
        server.start_again();
        thread::sleep(3 * WINDOW);
    }
    drop(workers);

    let mut log = log.lock().unwrap().clone();
    log.sort_unstable();
    for bucket in 0..u32::from(BUCKETS) {
        let starts: Vec<_> =
            log.iter().filter(|(_, ticket, _)| ticket % u32::from(BUCKETS) == bucket).collect();
        for some in starts.windows(usize::from(EACH) + 1) {
            let span = some[usize::from(EACH)].0 - some[0].0;
            assert!(span >= WINDOW.as_micros() as u64, "{} starts in {span} µs: {some:?}", EACH + 1);
        }
    }
    let counts = [(0, killed), (killed, gone), (gone, back), (back, end)].map(|(from, to)| {
        (
            log.iter().filter(|(at, ..)| (from..to).contains(at)).count(),
            to.saturating_sub(from.max(log[0].0)) / 1_000,
        )
    });
    println!("(starts, ms) before, after the kill, without Redis, with it again: {counts:?}");
}

/// The example, as two processes, one of which is killed.
#[test]
fn the_example_keeps_to_the_limit_of_its_server() {
    let Some(redis) = Server::start(&[]) else { return };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let start = |member: &str| {
        let mut example = Command::new(env!("CARGO_BIN_EXE_fleet_redis"));
        example.args([&*url, &*server, member, "2", "2"]).stdout(Stdio::null());
        Worker(example.spawn().unwrap())
    };
    let (_first, second) = (start("0"), start("1"));
    let identify = || {
        let (mut stream, mut line) = (BufReader::new(listener.accept().unwrap().0), String::new());
        stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("IDENTIFY "), "{line}");
        (stream, Instant::now())
    };
    let sessions = [identify(), identify()];
    drop(second);
    listener.set_nonblocking(true).unwrap();
    while sessions[0].1.elapsed() < Duration::from_secs(2) {
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_example_is_short_and_says_how_to_use_it() {
    let text = include_str!("../../fleet_redis.rs");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(lines.count() < 120);
    let help = Command::new(env!("CARGO_BIN_EXE_fleet_redis")).arg("--help").output().unwrap();
    assert!(
        String::from_utf8_lossy(&help.stdout).contains("usage: fleet_redis REDIS SERVER MEMBER OF CLIENTS")
    );
}
