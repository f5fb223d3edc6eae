//! The kernel's own view of the clients' sockets: how many are open to each server at once, whoever counts them otherwise.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::time::pause;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(5);

/// What is seen of one address.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// So many may be open at once.
    allowed: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    now: Vec<Socket>,
    several: Option<Vec<Socket>>,
}

/// The local port of a socket, its state in the kernel's table, and the number by which descriptors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Socket {
    port: u16,
    state: String,
    inode: String,
}

impl Sockets {
    fn new(allowed: usize) -> Self {
        Self { allowed, seen: Mutex::default() }
    }

    pub(crate) fn now(&self) -> usize {
        self.seen().now.len()
    }

    /// Those that were open at once, if they were too many, in two looks in a row.
    pub(crate) fn several(&self) -> Option<String> {
        let sockets = self.seen().several.clone()?;
        let shown = sockets.iter().map(|Socket { port, state, .. }| format!("port {port} in state {state}"));
        Some(shown.collect::<Vec<_>>().join(", "))
    }

    /// Two looks, since the first socket may be closed and the second opened while the table is read.
    ///
    /// `own` says which of them this process still has. A process that it is about to start has a copy of its descriptors for a moment, and a
    /// socket that was closed here stays open meanwhile.
    fn note(&self, mut sockets: Vec<Socket>, own: impl Fn(&mut Vec<Socket>)) {
        if sockets.len() > self.allowed {
            own(&mut sockets);
        }
        let mut seen = self.seen();
        let again: Vec<_> = sockets
            .iter()
            .filter(|socket| seen.now.iter().any(|old| old.port == socket.port))
            .cloned()
            .collect();
        if again.len() > self.allowed && seen.several.is_none() {
            seen.several = Some(again);
        }
        seen.now = sockets;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Watched = Arc<Mutex<HashMap<SocketAddrV4, Arc<Sockets>>>>;

pub(crate) struct Watch {
    watched: Watched,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

impl Watch {
    pub(crate) fn start() -> io::Result<Self> {
        let (watched, is_over) = (Watched::default(), Arc::<AtomicBool>::default());
        let (ours, ends) = (Arc::clone(&watched), Arc::clone(&is_over));
        let look = move || {
            while !ends.load(Ordering::Relaxed) {
                // That of the namespace of this program's first thread, where the clients are.
                let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
                let mut open = open(&table);
                for (address, sockets) in ours.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    sockets.note(open.remove(address).unwrap_or_default(), own);
                }
                pause(PERIOD);
            }
        };
        let thread = thread::Builder::new().name("watch".into()).spawn(look)?;
        Ok(Self { watched, is_over, thread: Some(thread) })
    }

    /// What clients have open to this address, from now on; so many may be at once.
    pub(crate) fn of(&self, address: SocketAddrV4, allowed: u32) -> Arc<Sockets> {
        let sockets = Arc::new(Sockets::new(usize::try_from(allowed).unwrap_or(usize::MAX)));
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.insert(address, Arc::clone(&sockets));
        sockets
    }
}

/// The sockets that are connected, or being connected, to each address, and not closed by this side.
fn open(table: &str) -> HashMap<SocketAddrV4, Vec<Socket>> {
    const ESTABLISHED: &str = "01";
    const SYN_SENT: &str = "02";
    const CLOSE_WAIT: &str = "08";
    let mut open = HashMap::<_, Vec<Socket>>::new();
    for line in table.lines().skip(1) {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, remote, state, _, _, _, _, _, inode, ..] = fields[..] else { continue };
        if [ESTABLISHED, SYN_SENT, CLOSE_WAIT].contains(&state) {
            if let (Some(local), Some(remote)) = (parse(local), parse(remote)) {
                let (port, state, inode) = (local.port(), state.to_owned(), inode.to_owned());
                let sockets = open.entry(remote).or_default();
                // The table is read in pieces, and one at the edge of two may be in both.
                if !sockets.iter().any(|socket| socket.port == port) {
                    sockets.push(Socket { port, state, inode });
                }
            }
        }
    }
    open
}

/// Leaves those to which a descriptor of this process leads.
fn own(sockets: &mut Vec<Socket>) {
    let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else { return };
    let names: HashSet<_> =
        descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
    sockets.retain(|socket| names.contains(Path::new(&format!("socket:[{}]", socket.inode))));
}

/// The bytes of the address in the order of the machine, in hexadecimal digits, and the port.
fn parse(remote: &str) -> Option<SocketAddrV4> {
    let (address, port) = remote.split_once(':')?;
    let address = u32::from_str_radix(address, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(address.to_ne_bytes()), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::{Socket, Sockets, open, own};

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 010012C6:D431 020012C6:0FA0 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   1: 010012C6:D431 020012C6:0FA0 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 010012C6:D432 020012C6:0FA0 02 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 010012C6:D433 020012C6:0FA0 04 00000000:00000000 00:00000000 00000000     0        0 0 1
   4: 010112C6:D434 020112C6:0FA0 08 00000000:00000000 00:00000000 00000000     0        0 4 1
";

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_that_a_client_has_open_are_counted_by_where_they_lead() {
        let open = open(TABLE);
        let to =
            |number| open.get(&SocketAddrV4::new(Ipv4Addr::new(198, 18, number, 2), 4_000)).map(Vec::len);
        assert_eq!((open.len(), to(0), to(1)), (2, Some(2), Some(1)));
    }

    /// A look at sockets with these ports.
    fn look(ports: &[u16]) -> Vec<Socket> {
        let socket = |port: &u16| Socket { port: *port, state: "01".to_owned(), inode: String::new() };
        ports.iter().map(socket).collect()
    }

    #[test]
    fn two_sockets_are_two_in_two_looks() {
        let sockets = Sockets::new(1);
        for ports in [&[1][..], &[1, 2], &[2], &[2, 3], &[3, 4]] {
            sockets.note(look(ports), |_| {});
        }
        assert_eq!((sockets.now(), sockets.several()), (2, None));
        sockets.note(look(&[3, 4]), |_| {});
        assert_eq!(sockets.several().as_deref(), Some("port 3 in state 01, port 4 in state 01"));
    }

    #[test]
    fn one_that_is_closed_here_does_not_count() {
        let sockets = Sockets::new(1);
        for _ in 0..2 {
            sockets.note(look(&[1, 2]), |sockets| sockets.retain(|socket| socket.port == 2));
        }
        assert_eq!((sockets.now(), sockets.several()), (1, None));
    }

    #[test]
    fn a_socket_of_this_process_is_its_own() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("it has one");
        let stream = std::net::TcpStream::connect(address).expect("it listens");
        let table = std::fs::read_to_string("/proc/net/tcp").expect("a table");
        let std::net::SocketAddr::V4(address) = address else { unreachable!("it is of this family") };
        let mut sockets = open(&table).remove(&address).expect("it is connected");
        own(&mut sockets);
        assert_eq!(sockets.len(), 1);
        drop(stream);
        own(&mut sockets);
        assert_eq!(sockets, []);
    }
}
