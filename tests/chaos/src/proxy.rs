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
