//! A port for a server that is stopped, and started again at the same address.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::id;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

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
