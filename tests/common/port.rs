//! A port for a server that is stopped, and started again at the same address.

#![allow(dead_code, reason = "several crates include this file, and not all use all of it")]
#![expect(clippy::disallowed_methods, reason = "a port is busy for a moment of real time")]

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::id;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One that nobody listens at. Nobody takes it while its server is away: it is below those that systems give to outgoing
/// connections (from 32768 on in Linux), so that no client gets it, which TCP would connect to itself; and each process that
/// asks here holds the UDP port of the same number until it ends, which no other can hold at the same time.
pub(crate) fn free_port() -> u16 {
    static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that start together have numbers in a row.
    let first = id() as u16 % 120 * 100;
    for _ in 0..12_000 {
        let port = 20_000 + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let Ok(held) = UdpSocket::bind(address) else { continue };
        if TcpListener::bind(address).is_ok() {
            HELD.lock().unwrap().push(held);
            return port;
        }
    }
    panic!("no port from 20000 to 31999 is free")
}

/// Listens there. A program that another test is about to start has a copy of each socket of this process until it runs, also of a
/// listener that was closed meanwhile: then this tries again.
pub(crate) fn listen(port: u16) -> TcpListener {
    let begun = Instant::now();
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return listener,
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && begun.elapsed() < Duration::from_secs(20) =>
            {
                sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("port {port}: {error}"),
        }
    }
}
