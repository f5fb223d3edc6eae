//! A connection kept alive by one thread and blocking sockets: `cargo run --example blocking -- 127.0.0.1:4000`.
//!
//! The server answers `PING` with anything. What it sends is printed.

#![expect(clippy::disallowed_methods, reason = "this is the driver: it reads the clock and sleeps")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant as Clock};

use redial::{Action, Cause, Epoch, Event, GiveUp, Instant, IoKind, Policy, SplitMix64, presets};

fn main() {
    let Some(address) = std::env::args().nth(1).and_then(|text| text.parse().ok()) else {
        eprintln!("give the server's IP address and port, such as 127.0.0.1:4000; names are not looked up");
        std::process::exit(2);
    };
    println!("gave up: {}", run(address).as_str());
}

fn run(address: SocketAddr) -> GiveUp {
    let clock = Clock::now();
    let now = || Instant::ZERO.saturating_add(clock.elapsed());
    let mut policy = Policy::new(&presets::WEBSOCKET, SplitMix64::from_os());
    let (mut socket, mut next) = (None::<TcpStream>, Some(Event::Start));
    loop {
        let told = next.take().map(|event| policy.handle_event(now(), event));
        let actions = told.unwrap_or_else(|| policy.handle_timeout(now()));
        for action in actions {
            match action {
                Action::Open { epoch, .. } => {
                    let dial = TcpStream::connect_timeout(&address, Duration::from_secs(5));
                    next = Some(match &dial {
                        Ok(_) => Event::Opened { epoch },
                        Err(error) => Event::OpenFailed { epoch, cause: error.into(), retry_after: None },
                    });
                    socket = dial.ok();
                }
                Action::Close { .. } => socket = None,
                Action::Heartbeat { epoch } => {
                    let sent = socket.as_mut().map(|socket| socket.write_all(b"PING\n"));
                    next = matches!(sent, Some(Err(_))).then_some(Event::SendFailed { epoch });
                }
                Action::GaveUp { reason, .. } => return reason,
                _ => {} // This protocol has no session, no credential and no subscriptions.
            }
        }
        let left = policy.poll_timeout().map(|at| at.saturating_duration_since(now()));
        match (policy.epoch(), &mut socket) {
            _ if next.is_some() || left == Some(Duration::ZERO) => {}
            (Some(epoch), Some(socket)) => next = receive(epoch, socket, left),
            (None, Some(_)) => socket = None,
            _ => std::thread::sleep(left.unwrap_or(Duration::MAX)),
        }
    }
}

/// Reads for as long as there is time.
fn receive(epoch: Epoch, socket: &mut TcpStream, left: Option<Duration>) -> Option<Event> {
    let mut bytes = [0; 4096];
    match socket.set_read_timeout(left).and_then(|()| socket.read(&mut bytes)) {
        Ok(0) => Some(Event::Closed { epoch, cause: Cause::Io(IoKind::UnexpectedEof) }),
        Ok(length) => {
            print!("{}", String::from_utf8_lossy(&bytes[..length]));
            Some(Event::Received { epoch })
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => Some(Event::Closed { epoch, cause: Cause::from(&error) }),
    }
}
