//! A proxy of TCP that resets within a message, says a byte at a time, or accepts and never answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener as StdListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Pass,
    Drip(Duration),
    Mute,
}

#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    mode: Mode,
    /// Connections with an older number are reset.
    generation: u32,
}

struct Shared {
    target: SocketAddr,
    orders: watch::Sender<Orders>,
    /// How many bytes more reach a client, of whatever comes next, before its connection is reset.
    left: Mutex<Option<usize>>,
    accepted: AtomicU32,
}

/// A proxy on a thread of its own. Dropped, it closes everything.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

impl Proxy {
    /// From `port` of this address to the target, both in the namespace of the calling thread.
    pub(crate) fn start(address: Ipv4Addr, port: u16, target: SocketAddr) -> io::Result<Self> {
        let listener = StdListener::bind(SocketAddrV4::new(address, port))?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            target,
            orders: watch::Sender::new(Orders::default()),
            left: Mutex::default(),
            accepted: AtomicU32::new(0),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let accepting = accept(Arc::clone(&shared), listener);
        let serve = async move {
            tokio::select! {
                result = accepting => result.unwrap_or_default(),
                _ = stopped => {}
            }
        };
        let thread = thread::Builder::new().name("proxy".into()).spawn(move || runtime.block_on(serve))?;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn reset_after(&self, bytes: usize) {
        *self.shared.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// Whether the connection that was to be reset is.
    pub(crate) fn has_reset(&self) -> bool {
        self.shared.left.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// What the server says comes a byte at a time; `afresh`: on new connections, and the others are reset.
    pub(crate) fn drip(&self, pause: Duration, afresh: bool) {
        self.order(Mode::Drip(pause), afresh);
    }

    /// Connections are reset, and new ones accepted and never answered.
    pub(crate) fn mute(&self) {
        self.order(Mode::Mute, true);
    }

    /// Connections pass again; those that were accepted and never answered are reset.
    pub(crate) fn pass(&self) {
        *self.shared.left.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let was_mute = self.shared.orders.borrow().mode == Mode::Mute;
        self.order(Mode::Pass, was_mute);
    }

    fn order(&self, mode: Mode, resets: bool) {
        self.shared.orders.send_modify(|orders| {
            *orders = Orders { mode, generation: orders.generation + u32::from(resets) };
        });
    }

    /// How many connections it has accepted so far.
    pub(crate) fn accepted(&self) -> u32 {
        self.shared.accepted.load(Ordering::Relaxed)
    }
}

async fn accept(shared: Arc<Shared>, listener: StdListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        // Without a descriptor for it, the next one comes when there is one.
        let Ok((client, _)) = listener.accept().await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(serve(Arc::clone(&shared), client));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    InOrder,
    Reset,
}

async fn serve(shared: Arc<Shared>, mut client: TcpStream) {
    let mut orders = shared.orders.subscribe();
    let first = *orders.borrow_and_update();
    let is_over = async {
        drop(orders.wait_for(|orders| orders.generation != first.generation).await);
        Close::Reset
    };
    let served = async {
        if first.mode == Mode::Mute {
            return ignore(&mut client).await;
        }
        match TcpStream::connect(shared.target).await {
            Ok(mut server) => pass(&shared, &mut client, &mut server).await,
            Err(_) => Close::Reset,
        }
    };
    let close = tokio::select! {
        close = is_over => close,
        close = served => close,
    };
    if close == Close::Reset {
        // One that is closed by the client is as good.
        client.set_zero_linger().unwrap_or_default();
    }
}

/// Reads and says nothing, until the client closes.
async fn ignore(client: &mut TcpStream) -> Close {
    let mut bytes = [0; 1_024];
    while let Ok(1..) = client.read(&mut bytes).await {}
    Close::InOrder
}

async fn pass(shared: &Shared, client: &mut TcpStream, server: &mut TcpStream) -> Close {
    for socket in [&*client, &*server] {
        socket.set_nodelay(true).unwrap_or_default();
    }
    let (mut client_read, client_write) = client.split();
    let (server_read, mut server_write) = server.split();
    let to_server = async {
        drop(tokio::io::copy(&mut client_read, &mut server_write).await);
        Close::InOrder
    };
    tokio::select! {
        close = to_server => close,
        close = say(shared, server_read, client_write) => close,
    }
}

/// What the server says, as the orders of the moment have it.
async fn say(shared: &Shared, mut server: ReadHalf<'_>, mut client: WriteHalf<'_>) -> Close {
    let mut orders = shared.orders.subscribe();
    let mut bytes = [0; 4_096];
    loop {
        let mut said = match server.read(&mut bytes).await {
            Ok(0) => return Close::InOrder,
            Ok(length) => &bytes[..length],
            Err(_) => return Close::Reset,
        };
        while !said.is_empty() {
            let mode = orders.borrow_and_update().mode;
            let (now, later) = match mode {
                Mode::Drip(_) => said.split_at(1),
                Mode::Pass | Mode::Mute => (said, &said[..0]),
            };
            let (now, is_last) = shared.allowed(now);
            if client.write_all(now).await.is_err() || is_last {
                return Close::Reset;
            }
            said = later;
            if let Mode::Drip(pause) = mode {
                tokio::select! {
                    () = sleep(pause) => {}
                    // Nobody sends the orders any more: the proxy ends.
                    _ = orders.changed() => {}
                }
            }
        }
    }
}

impl Shared {
    /// What of these bytes still reaches the client, and whether its connection is reset then.
    fn allowed<'a>(&self, bytes: &'a [u8]) -> (&'a [u8], bool) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match *left {
            Some(count) if count <= bytes.len() => {
                *left = None;
                (&bytes[..count], true)
            }
            Some(count) => {
                *left = Some(count - bytes.len());
                (bytes, false)
            }
            None => (bytes, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::time::Duration;

    use super::Proxy;
    use crate::server::free_port;

    /// A proxy, a connection to it, and the server's end of that.
    fn connected() -> (Proxy, TcpStream, TcpStream) {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let (port, target) = (free_port().expect("a port"), server.local_addr().expect("it has one"));
        let proxy = Proxy::start(Ipv4Addr::LOCALHOST, port, target).expect("a thread");
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let (server, _) = server.accept().expect("it connects");
        (proxy, client, server)
    }

    /// What can be read, and how that ends.
    fn read(client: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
        let mut bytes = Vec::new();
        let end = client.read_to_end(&mut bytes);
        (bytes, end.err().map(|error| error.kind()))
    }

    #[test]
    fn bytes_pass_and_an_end_in_order_is_one() {
        let (proxy, mut client, mut server) = connected();
        client.write_all(b"ask").expect("it is open");
        let mut asked = [0; 3];
        server.read_exact(&mut asked).expect("they pass");
        server.write_all(b"answer").expect("it is open");
        drop(server);
        assert_eq!((asked, read(&mut client)), (*b"ask", (b"answer".to_vec(), None)));
        assert_eq!(proxy.accepted(), 1);
    }

    #[test]
    fn a_message_is_cut_where_it_should_be() {
        let (proxy, mut client, mut server) = connected();
        proxy.reset_after(4);
        server.write_all(b"answer").expect("it is open");
        assert_eq!(read(&mut client).1, Some(ErrorKind::ConnectionReset));
        drop(proxy);
    }

    #[test]
    fn bytes_drip() {
        let (proxy, mut client, mut server) = connected();
        proxy.drip(Duration::from_millis(1), false);
        server.write_all(&[7; 50]).expect("it is open");
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 50 {
            sizes.push(client.read(&mut [0; 50]).expect("it is open"));
        }
        assert!(sizes.len() > 1, "all of it came at once");
    }

    #[test]
    fn a_mute_proxy_resets_what_was_and_answers_nothing() {
        let (proxy, mut client, _server) = connected();
        let address = client.peer_addr().expect("it is connected");
        proxy.mute();
        assert_eq!(read(&mut client), (vec![], Some(ErrorKind::ConnectionReset)));
        let mut second = TcpStream::connect(address).expect("it accepts");
        second.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        second.write_all(b"ask").expect("it is open");
        let answer = second.read(&mut [0; 8]).map_err(|error| error.kind());
        assert_eq!(answer, Err(ErrorKind::WouldBlock));
        proxy.pass();
        second.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        assert_eq!(read(&mut second), (vec![], Some(ErrorKind::ConnectionReset)));
    }
}
