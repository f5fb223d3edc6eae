//! Where the server listens.
//!
//! Its port is none that the kernel gives to a client. While there is no server, a client that dials a port which it may also be
//! given connects to itself once in some ten thousand dials, and the server that comes back finds its port taken.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

/// The ports that the kernel gives to clients: the lowest and the highest.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// Below it only root may listen.
const LOWEST: u16 = 1_024;
/// Between the places where processes with consecutive numbers begin.
const APART: u32 = 251;

/// Ports to listen on, the first that is free to be taken. Several processes that measure at once begin at several places, so
/// that none takes the port of another whose server is away.
pub(crate) fn candidates() -> io::Result<impl Iterator<Item = u16>> {
    let range = fs::read_to_string(RANGE)?;
    let lowest = lowest(&range).ok_or_else(|| io::Error::other(format!("{RANGE} is no range: {range}")))?;
    if lowest <= LOWEST {
        return Err(io::Error::other(
            "all ports may be a client's here: begin the range higher, by `sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"`",
        ));
    }
    let count = lowest - LOWEST;
    let skipped = std::process::id().wrapping_mul(APART) % u32::from(count);
    Ok((LOWEST..lowest).cycle().skip(skipped as usize).take(count.into()))
}

fn lowest(range: &str) -> Option<u16> {
    range.split_whitespace().next()?.parse().ok()
}

/// The addresses of the loopback that are served and dialled: one connection takes a port of the client for each address, so that
/// several of them have several times the ports.
pub(crate) fn addresses(count: u8, port: u16) -> impl Iterator<Item = SocketAddr> + Clone {
    (1..=count).map(move |last| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_the_kernel_is_read() {
        assert_eq!(lowest("32768\t60999\n"), Some(32_768));
        assert_eq!(lowest(""), None);
        assert_eq!(lowest("a b"), None);
    }

    #[test]
    fn each_address_is_one_of_the_loopback() {
        let all: Vec<_> = addresses(3, 7).map(|address| address.to_string()).collect();
        assert_eq!(all, ["127.0.0.1:7", "127.0.0.2:7", "127.0.0.3:7"]);
    }
}
