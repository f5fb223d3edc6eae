//! Where a server is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

use super::PORT;

/// Where a server is.
pub(crate) struct Site {
    /// Where it listens: everywhere in a namespace of its own, otherwise on the loopback.
    pub(super) bind: Ipv4Addr,
    pub(crate) port: u16,
    /// Beside it, for a monitor or an upstream.
    pub(super) second_port: u16,
    pub(super) folder: TempDir,
    pub(super) is_root: bool,
}

impl Site {
    pub(crate) fn new(in_namespace: bool) -> io::Result<Self> {
        let bind = if in_namespace { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let [port, second_port] = if in_namespace { [PORT, PORT + 1] } else { [free_port()?, free_port()?] };
        let folder = tempfile::Builder::new().prefix("redial-chaos-").tempdir()?;
        Ok(Self { bind, port, second_port, folder, is_root: nix::unistd::Uid::effective().is_root() })
    }

    /// For those beside it.
    pub(crate) fn address(&self) -> SocketAddr {
        local(self.port)
    }

    pub(super) fn second(&self) -> SocketAddr {
        local(self.second_port)
    }

    /// Writes a file of this name for the server.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()
}

/// One that nobody has, below those that a system gives to clients.
pub(crate) fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 500) as u16 * 20;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        if TcpListener::bind(local(port)).is_ok() {
            return Ok(port);
        }
    }
}
