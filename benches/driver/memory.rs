//! Bytes that one connection takes, with everything that a client holds for it.
//!
//! Every client runs as a task on the runtime of one thread, connected over loopback to a listener of the kernel, which takes
//! no heap here. What the heap holds for all of them is divided by their number: the task with its future, the client's value
//! in it, and whatever they allocated and kept. What tokio keeps for a socket is measured by sockets that nobody reads,
//! and subtracted.

use std::convert::Infallible;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use allocation_counter::measure;
use redial::driver::{Driver, SendProtocol, Tokio};
use redial::{Policy, SplitMix64};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::clients::{self, Client, Delivered, Life, Meaning, take};
use crate::messages::CONFIG;
use crate::pipe::MESSAGE;

/// As many as a backlog holds, so that what is allocated for several at once is shared out fairly.
const CONNECTIONS: u16 = 100;

/// Long enough for them to be up.
const SETTLED: Duration = Duration::from_millis(300);

/// What a connection takes of one client.
pub(crate) struct Bytes {
    pub(crate) who: &'static str,
    pub(crate) bytes: i64,
    pub(crate) allocations: i64,
    pub(crate) goal: Option<i64>,
}

/// The socket, and what every client takes beside it.
pub(crate) fn connections() -> Vec<Bytes> {
    type Start = fn(SocketAddr);
    let clients: [(&str, Option<i64>, Start); 5] = [
        ("bare loop", None, |address| {
            tokio::spawn(async move { clients::bare(TcpStream::connect(address).await?).await });
        }),
        ("written by hand", None, |address| {
            let dial = async move || TcpStream::connect(address).await;
            tokio::spawn(async move { clients::by_hand(dial, async |message| take(message)).await });
        }),
        ("stubborn-io", None, |address| {
            tokio::spawn(clients::stubborn::<TcpStream, SocketAddr>(address));
        }),
        ("redial", Some(1_500), |address| {
            let mut driver = driver::<Life>(address);
            tokio::spawn(async move { driver.run().await });
        }),
        ("redial, with `Handle` and `Messages` in a task", None, |address| {
            let mut driver = driver::<Delivered>(address);
            let (handle, mut messages) = (driver.handle(), driver.messages());
            tokio::spawn(async move { driver.run().await });
            tokio::spawn(async move {
                while let Some(message) = messages.recv().await {
                    take(message);
                }
                drop(handle);
            });
        }),
    ];
    let socket = held(|address| {
        tokio::spawn(async move { Box::leak(Box::new(TcpStream::connect(address).await)).is_ok() });
    });
    // The box is not tokio's.
    let socket = (socket.0 - size_of::<std::io::Result<TcpStream>>() as i64, socket.1 - 1);
    let mut rows = vec![Bytes { who: "the socket of tokio", bytes: socket.0, allocations: socket.1, goal: None }];
    for (who, goal, start) in clients {
        let (bytes, allocations) = held(start);
        rows.push(Bytes { who, bytes: bytes - socket.0, allocations: allocations - socket.1, goal });
    }
    rows
}

fn driver<M: Meaning>(
    address: SocketAddr,
) -> Driver<impl SendProtocol<Token = (), Key = Infallible, Incoming = M::Incoming> + use<M>, Tokio, Policy<SplitMix64>> {
    let dial = move || async move { TcpStream::connect(address).await.map(TcpStream::into_split) };
    Driver::new(Policy::new(&CONFIG, SplitMix64::new(7)), Client::<_, M>::new(dial), Tokio::new())
}

/// Bytes and allocations a connection.
fn held(start: fn(SocketAddr)) -> (i64, i64) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut accepted = Vec::with_capacity(usize::from(2 * CONNECTIONS));
    let mut settle = |connections: u16| {
        runtime.block_on(async {
            for _ in 0..connections {
                start(address);
            }
            tokio::time::sleep(SETTLED).await;
            for _ in 0..connections {
                let (mut socket, _) = listener.accept().expect("a connection");
                socket.write_all(&[7; MESSAGE]).expect("a message");
                accepted.push(socket);
            }
            tokio::time::sleep(SETTLED).await;
        });
    };
    // What is allocated once.
    settle(CONNECTIONS);
    let heap = measure(|| settle(CONNECTIONS));
    let each = |total: i64| total / i64::from(CONNECTIONS);
    (each(heap.bytes_current), each(heap.count_current))
}
