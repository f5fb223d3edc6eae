//! A server with hints, a real process, and a fleet of WebSocket clients on this machine: a crash with appointments and without, and a
//! restart with a window.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests of real processes"
)]

#[path = "../../../tests/common/port.rs"]
mod port;

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redial::policy::RetryAfter;
use redial::presets;
use redial::websocket::{Decoded, Frame, Protocol, Socket, connect};

use port::free_port;

const CLIENTS: u32 = 300;
/// A server that accepts all of them at once.
const QUICK: u32 = 10_000;

/// A server that does not outlive its test.
struct Server(Child);

impl Server {
    /// A server that accepts so many clients a second. It listens when this returns.
    fn start(port: u16, capacity: u32, options: &[&str]) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_appointments"));
        server.args([format!("127.0.0.1:{port}"), capacity.to_string(), CLIENTS.to_string()]);
        let mut server = Self(server.args(options).stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "listening\n");
        server
    }

    /// Tells it to end, and does not wait until it has.
    fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(told.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

/// The protocol of the server.
struct Told;

impl Protocol for Told {
    type Key = Infallible;
    type Outgoing = Infallible;
    type Incoming = Frame;

    fn subscribe(&self, key: &Infallible) -> Frame {
        match *key {}
    }

    fn encode(&self, message: &Infallible) -> Frame {
        match *message {}
    }

    fn decode(&self, frame: Frame) -> Decoded<Infallible, Frame> {
        let window = frame.as_text().and_then(|text| text.strip_prefix("RECONNECT ")?.parse().ok());
        window.map_or(Decoded::Ignored, |window| Decoded::ReconnectRequested {
            retry_after: Some(RetryAfter::Window(Duration::from_secs(window))),
            deadline: None,
        })
    }
}

struct Fleet {
    clients: Vec<Socket<Told>>,
    opens: u32,
    since: Instant,
}

impl Fleet {
    async fn connect(port: u16) -> Self {
        // These connections don't live for long before the next outage begins.
        let config = presets::WEBSOCKET
            .to_builder()
            .reset_after_stable(Duration::from_millis(1))
            .backoff(presets::FEW.backoff())
            .build()
            .unwrap();
        let url = format!("ws://127.0.0.1:{port}");
        let client =
            |seed: u32| connect(&url).with_protocol(Told).config(config).seed(seed.into()).spawn().unwrap();
        let mut fleet = Self { clients: (0..CLIENTS).map(client).collect(), opens: 0, since: Instant::now() };
        fleet.back(1).await;
        fleet
    }

    /// Waits until each client has been connected so many times. The attempts of a client since the last time, and the seconds
    /// that it took.
    async fn back(&mut self, times: u32) -> (f64, f64) {
        let mut opens = 0;
        for client in &self.clients {
            loop {
                client.online().await.unwrap();
                let stats = client.handle().stats().await.unwrap();
                if stats.established == times {
                    opens += stats.opens;
                    break;
                }
                assert!(stats.established < times, "{stats:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let outcome =
            (f64::from(opens - self.opens) / f64::from(CLIENTS), self.since.elapsed().as_secs_f64());
        (self.opens, self.since) = (opens, Instant::now());
        outcome
    }
}

/// A crash, after which clients are accepted in 15 s. The successor listens already, so that nothing else holds them up.
async fn crash(options: &[&str]) -> (f64, f64) {
    let port = free_port();
    let server = Server::start(port, QUICK, options);
    let mut fleet = Fleet::connect(port).await;
    let _successor = Server::start(port, CLIENTS / 15, options);
    fleet.since = Instant::now();
    drop(server);
    fleet.back(2).await
}

/// W22: with appointments the clients dial less often, and are back nearly as soon as the server can accept them.
#[tokio::test]
async fn appointments_spare_attempts_after_a_crash() {
    let ((hinted, took), (silent, longer)) = tokio::join!(crash(&[]), crash(&["silent"]));
    println!("{hinted:.2} attempts, {took:.1} s; without hints {silent:.2}, {longer:.1} s");
    assert!(hinted < 2.5 && hinted < 0.8 * silent);
    assert!(took < longer && took < 1.5 * 15.0);
}

/// W23: a planned restart costs one attempt for each client, and takes as long as accepting them.
#[tokio::test]
async fn a_window_spares_all_but_one_attempt() {
    let port = free_port();
    // It believes in the capacity of its successor.
    let old = Server::start(port, CLIENTS / 5, &[]);
    let mut fleet = Fleet::connect(port).await;
    let _successor = Server::start(port, CLIENTS / 5, &[]);
    fleet.since = Instant::now();
    old.terminate();
    let (attempts, took) = fleet.back(2).await;
    println!("{attempts:.2} attempts, {took:.1} s");
    assert!(attempts <= 1.05 && took < 1.2 * 5.0);
}

/// The example is as short as an example should be.
#[test]
fn the_example_is_short() {
    let text = include_str!("../appointments.rs");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(lines.count() < 120);
}
