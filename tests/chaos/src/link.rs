//! A link between the clients and one server: two TUN devices, one at each end, between which each packet is carried, late, or not at all.
//!
//! The TCP stacks at both ends are the kernel's own, so that what follows from a lost packet is what follows on any network. `tc netem`
//! would do the same, where the kernel has it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tun_rs::{AsyncDevice, DeviceBuilder, SyncDevice};

use crate::draw::Draw;
use crate::fault::Hole;

const MTU: u16 = 1_500;

/// How many of the newest connections are told from one that is dialled again.
const KNOWN_PORTS: usize = 64;

/// What a link does to the packets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Impairment {
    /// Nothing gets through.
    pub(crate) cut: bool,
    /// So many of 1,000 are lost.
    pub(crate) permille: u16,
    /// The others are late by at least so much, and by up to `jitter` more, so that they overtake each other.
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
}

/// The addresses of the two ends of a link. They are of the block for tests of networks (RFC 2544), in namespaces of this program's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) client: Ipv4Addr,
    pub(crate) server: Ipv4Addr,
}

impl Ends {
    pub(crate) const fn of(number: u8) -> Self {
        Self { client: Ipv4Addr::new(198, 18, number, 1), server: Ipv4Addr::new(198, 18, number, 2) }
    }
}

/// One end, in the namespace of the thread that calls this.
pub(crate) fn end(name: &str, address: Ipv4Addr) -> io::Result<SyncDevice> {
    let other = None::<Ipv4Addr>;
    DeviceBuilder::new().name(name).ipv4(address, 24, other).mtu(MTU).build_sync()
}

/// Carries packets for all links: one thread.
pub(crate) struct Carrier {
    runtime: Handle,
    /// Dropped, the thread ends.
    _stop: UnboundedSender<()>,
}

impl Carrier {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, mut stopped) = unbounded_channel();
        thread::Builder::new().name("links".into()).spawn(move || runtime.block_on(stopped.recv()))?;
        Ok(Self { runtime: handle, _stop: stop })
    }

    /// Connects the two ends. What is drawn for their packets comes from this seed.
    pub(crate) fn connect(&self, client: SyncDevice, server: SyncDevice, seed: u64) -> io::Result<Link> {
        let _context = self.runtime.enter();
        let (client, server) = (Arc::new(AsyncDevice::new(client)?), Arc::new(AsyncDevice::new(server)?));
        let [to_server, to_client] = [0, 1].map(|_| Arc::new(Mutex::new(Direction::default())));
        let carry = |from: &Arc<_>, to: &Arc<_>, direction: &Arc<_>, number| {
            let draw = Draw::new(seed, number);
            let task = carry(Arc::clone(from), Arc::clone(to), Arc::clone(direction), draw);
            self.runtime.spawn(task).abort_handle()
        };
        let tasks = [carry(&client, &server, &to_server, 0), carry(&server, &client, &to_client, 1)];
        Ok(Link { to_server, to_client, tasks })
    }
}

/// A link; it is gone when this is dropped.
pub(crate) struct Link {
    to_server: Arc<Mutex<Direction>>,
    to_client: Arc<Mutex<Direction>>,
    tasks: [AbortHandle; 2],
}

impl Drop for Link {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Link {
    /// The same in both directions.
    pub(crate) fn impair(&self, impairment: Impairment) {
        locked(&self.to_server).impairment = impairment;
        locked(&self.to_client).impairment = impairment;
    }

    pub(crate) fn cut(&self, hole: Hole) {
        let cut = Impairment { cut: true, ..Impairment::default() };
        if hole != Hole::ToClient {
            locked(&self.to_server).impairment = cut;
        }
        if hole != Hole::ToServer {
            locked(&self.to_client).impairment = cut;
        }
    }

    /// How many connections were asked for so far, as the packets say.
    pub(crate) fn dials(&self) -> u32 {
        locked(&self.to_server).dials
    }
}

#[derive(Default)]
struct Direction {
    impairment: Impairment,
    dials: u32,
    /// The ports of the newest ones: a request that is sent again is none.
    ports: VecDeque<u16>,
}

impl Direction {
    fn note(&mut self, packet: &[u8]) {
        let Some(port) = asking_port(packet) else { return };
        if self.ports.contains(&port) {
            return;
        }
        if self.ports.len() >= KNOWN_PORTS {
            self.ports.pop_front();
        }
        self.ports.push_back(port);
        self.dials = self.dials.saturating_add(1);
    }
}

fn locked(direction: &Mutex<Direction>) -> MutexGuard<'_, Direction> {
    direction.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The port that asks for a connection with this packet: a SYN without an ACK.
fn asking_port(packet: &[u8]) -> Option<u16> {
    const TCP: u8 = 6;
    let first = *packet.first()?;
    if first >> 4 != 4 || *packet.get(9)? != TCP {
        return None;
    }
    let tcp = packet.get(usize::from(first & 0xF) * 4..)?;
    let flags = *tcp.get(13)?;
    (flags & 0x12 == 0x02).then(|| u16::from_be_bytes([tcp[0], tcp[1]]))
}

/// A packet that is late: when it is due, its number, and what it is.
type Late = Reverse<(Instant, u64, Vec<u8>)>;

async fn carry(
    from: Arc<AsyncDevice>,
    to: Arc<AsyncDevice>,
    direction: Arc<Mutex<Direction>>,
    mut draw: Draw,
) {
    let mut late = BinaryHeap::<Late>::new();
    let (mut packet, mut number) = (vec![0; usize::from(MTU)], 0);
    loop {
        let due = late.peek().map(|Reverse((due, ..))| *due);
        tokio::select! {
            received = from.recv(&mut packet) => {
                // The other end is gone, or will be.
                let Ok(length) = received else { return };
                let impairment = {
                    let mut direction = locked(&direction);
                    direction.note(&packet[..length]);
                    direction.impairment
                };
                if impairment.cut || draw.below(1_000) < u64::from(impairment.permille) {
                    continue;
                }
                let jitter = draw.between(0, impairment.jitter.as_micros() as u64);
                let delay = impairment.delay + Duration::from_micros(jitter);
                if delay.is_zero() && late.is_empty() {
                    // A device without space loses the packet, as any would.
                    drop(to.send(&packet[..length]).await);
                } else {
                    number += 1;
                    late.push(Reverse((Instant::now() + delay, number, packet[..length].to_vec())));
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some(Reverse((_, _, packet))) = late.pop() {
                    drop(to.send(&packet).await);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Direction, asking_port};

    /// A TCP packet from this port with these flags.
    fn packet(port: u16, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; 40];
        (packet[0], packet[9], packet[33]) = (0x45, 6, flags);
        packet[20..22].copy_from_slice(&port.to_be_bytes());
        packet
    }

    #[test]
    fn a_request_for_a_connection_is_told_from_everything_else() {
        assert_eq!(asking_port(&packet(4_000, 0x02)), Some(4_000));
        assert_eq!(asking_port(&packet(4_000, 0x12)), None, "an answer");
        assert_eq!(asking_port(&packet(4_000, 0x10)), None, "data");
        assert_eq!(asking_port(&[]), None);
        assert_eq!(asking_port(&[0x45; 12]), None, "cut off");
        let mut udp = packet(4_000, 0x02);
        udp[9] = 17;
        assert_eq!(asking_port(&udp), None);
    }

    #[test]
    fn a_request_that_is_sent_again_is_one_dial() {
        let mut direction = Direction::default();
        for port in [1, 1, 2, 1] {
            direction.note(&packet(port, 0x02));
        }
        assert_eq!(direction.dials, 2);
    }
}
