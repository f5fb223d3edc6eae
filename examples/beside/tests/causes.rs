//! Issue 15, item 2: what a real Redis says becomes its cause.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[path = "../../../tests/common/port.rs"]
mod port;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use redial::classify::Class;
use redial::driver::{Outcome, Tokio, supervise};
use redial::policy::GiveUp;
use redial::{Cause, Config, IoKind, Policy, SplitMix64, causes, presets};
use redis::{Connection, FromRedisValue, RedisError, RedisResult};

use port::free_port;

const TRANSIENT: Cause = Cause::Class(Class::Transient);

/// A server of one test, in a folder of its own. It does not outlive the test.
struct Server {
    port: u16,
    process: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
        fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}

impl Server {
    /// With these options, as soon as it listens; `None` where there is none to be had.
    fn start(options: &[&str]) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("redial-causes-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let mut server = Self { port, process: launch(port, &folder, options)?, folder };
        server.listens();
        Some(server)
    }

    fn restart(&mut self, options: &[&str]) {
        self.kill();
        self.process = launch(self.port, &self.folder, options).unwrap();
        self.listens();
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn listens(&mut self) {
        eventually(|| {
            assert_eq!(self.process.try_wait().unwrap(), None, "the server has ended");
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }

    /// As somebody: `user:password@`, or nobody.
    fn connect(&self, login: &str) -> RedisResult<Connection> {
        redis::Client::open(format!("redis://{login}127.0.0.1:{}", self.port))?.get_connection()
    }

    fn ask<T: FromRedisValue>(&self, login: &str, command: &str) -> RedisResult<T> {
        ask(&mut self.connect(login)?, command)
    }

    #[track_caller]
    fn says(&self, login: &str, command: &str, cause: Cause) {
        is(&self.ask::<redis::Value>(login, command).unwrap_err(), cause);
    }
}

fn launch(port: u16, folder: &PathBuf, options: &[&str]) -> Option<Child> {
    let mut server = Command::new("redis-server");
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    let started = server.args(options).current_dir(folder).stdout(Stdio::null()).spawn();
    if started.is_err() {
        eprintln!("SKIPPED: there is no redis-server here");
    }
    started.ok()
}

fn ask<T: FromRedisValue>(connection: &mut Connection, command: &str) -> RedisResult<T> {
    let mut words = command.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    words.for_each(|word| {
        command.arg(word);
    });
    command.query(connection)
}

#[track_caller]
fn is(error: &RedisError, cause: Cause) {
    assert_eq!(Cause::from(error), cause, "{error}");
}

/// As soon as this holds, within 20 s.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a real server takes its time")]
fn eventually(mut holds: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it never came to that");
}

#[test]
fn a_login_that_is_refused_is_told_from_one_that_may_not() {
    let Some(server) = Server::start(&["--requirepass", "right"]) else { return };
    server.says("", "GET x", Cause::AuthRejected);
    server.says(":wrong@", "GET x", Cause::AuthRejected);
    server.says("nobody:right@", "GET x", Cause::AuthRejected);
    let _: () = server.ask(":right@", "ACL SETUSER reader on >secret ~* +get").unwrap();
    let nothing: Option<String> = server.ask("reader:secret@", "GET x").unwrap();
    assert_eq!(nothing, None);
    server.says("reader:secret@", "SET x 1", Cause::AuthDenied);
    server.says(":right@", "HELLO 9", Cause::Class(Class::Fatal));
    // An answer to one command says nothing about the connection.
    let _: () = server.ask(":right@", "SET x 1").unwrap();
    server.says(":right@", "LPUSH x 1", Cause::Unknown);
    server.says(":right@", "NONSENSE", Cause::Unknown);
}

#[test]
fn a_server_that_cannot_serve_now_is_to_be_retried() {
    let Some(primary) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]).unwrap();
    let info = || replica.ask::<String>("", "INFO replication").unwrap();
    eventually(|| info().contains("master_link_status:up"));
    replica.says("", "SET x 1", TRANSIENT); // READONLY
    let _: () = replica.ask("", "CONFIG SET replica-serve-stale-data no").unwrap();
    drop(primary);
    eventually(|| replica.ask::<Option<String>>("", "GET x").is_err());
    replica.says("", "GET x", TRANSIENT); // MASTERDOWN

    let cluster = Server::start(&["--cluster-enabled", "yes"]).unwrap();
    cluster.says("", "GET x", TRANSIENT); // CLUSTERDOWN

    let mut full = Server::start(&["--lua-time-limit", "5"]).unwrap();
    let _: () = full.ask("", "CONFIG SET maxmemory 1").unwrap();
    full.says("", "SET x 1", Cause::Class(Class::RateLimited)); // OOM
    let _: () = full.ask("", "CONFIG SET maxmemory 0").unwrap();

    let mut busy = full.connect("").unwrap();
    let script = thread::spawn(move || {
        redis::cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut busy).unwrap_err()
    });
    eventually(|| full.ask::<Option<String>>("", "GET x").is_err());
    full.says("", "GET x", TRANSIENT); // BUSY
    let _: () = full.ask("", "SCRIPT KILL").unwrap();
    script.join().unwrap();

    // A start with so many keys that each takes a moment to read.
    let mut keys = redis::cmd("MSET");
    for key in 0..1_000 {
        keys.arg(key).arg("a value of some length, so that the file is of some length");
    }
    let _: () = keys.query(&mut full.connect("").unwrap()).unwrap();
    let _: () = full.ask("", "SAVE").unwrap();
    full.restart(&["--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"]);
    full.says("", "GET x", TRANSIENT); // LOADING
}

#[test]
fn a_server_that_is_full_is_to_be_spared() {
    let Some(server) = Server::start(&["--maxclients", "1"]) else { return };
    let mut only = None;
    eventually(|| {
        only = server.connect("").and_then(|mut only| Ok((ask::<String>(&mut only, "PING")?, only))).ok();
        only.is_some()
    });
    let mut refusal = String::new();
    let refused = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    BufReader::new(refused).read_line(&mut refusal).unwrap();
    assert_eq!(causes::redis_error(refusal.trim_end()), Cause::Class(Class::RateLimited), "{refusal}");
    // The crate asks before it reads, and may find the connection reset: then the refusal is lost.
    let error = server.ask::<redis::Value>("", "PING").unwrap_err();
    let lost = [IoKind::ConnectionReset, IoKind::BrokenPipe, IoKind::UnexpectedEof].map(Cause::Io);
    let cause = Cause::from(&error);
    assert!(cause == Cause::Class(Class::RateLimited) || lost.contains(&cause), "{error}");
}

#[test]
fn a_server_that_is_killed_is_told_from_one_that_is_gone() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut waiting = server.connect("").unwrap();
    let waiting = thread::spawn(move || ask::<redis::Value>(&mut waiting, "BLPOP jobs 0").unwrap_err());
    eventually(|| server.ask::<String>("", "INFO clients").unwrap().contains("blocked_clients:1"));
    server.kill();
    is(&waiting.join().unwrap(), Cause::Io(IoKind::UnexpectedEof));
    server.says("", "PING", Cause::Io(IoKind::ConnectionRefused));
}

/// By `?` in a supervised connection: a wrong password ends it, where there is no other, and does not try for ever.
#[tokio::test]
async fn a_supervised_connection_gives_up_with_a_password_that_is_wrong() {
    const CONFIG: Config = presets::RECOMMENDED.to_builder().max_attempts(Some(2)).build_const();
    let Some(server) = Server::start(&["--requirepass", "right"]) else { return };
    for (login, cause) in [(":wrong@", Cause::AuthRejected), ("", Cause::AuthRejected)] {
        let client = redis::Client::open(format!("redis://{login}127.0.0.1:{}", server.port)).unwrap();
        let policy = Policy::new(&CONFIG, SplitMix64::new(7));
        let connect = |_| async { Ok(client.get_multiplexed_async_connection().await?) };
        let mut driver = supervise(policy, Tokio::new(), connect, |mut redis, link| async move {
            let _: Option<String> = redis::cmd("GET").arg("x").query_async(&mut redis).await?;
            link.ready();
            core::future::pending().await
        });
        match driver.run().await {
            Outcome::GaveUp { reason, cause: last } => assert_eq!((reason, last), (GiveUp::Auth, cause)),
            other => panic!("{other:?}"),
        }
    }
}
