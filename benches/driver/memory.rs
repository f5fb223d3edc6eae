//! Bytes that one connection takes, with everything that a client holds for it.
//!
//! Every client is one future in a box, connected over loopback to a listener of the kernel, which takes no heap here; all of
//! them are polled on one thread. What the heap holds for all of them is divided by their number: the future with the
//! client's value in it, and whatever they allocated and kept. The box stands for the task of a runtime, whose own header
//! is the same for all. What tokio keeps for a socket is measured by sockets that nobody reads, and subtracted.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use allocation_counter::measure;
use redial::driver::{Driver, SendProtocol, Tokio};
use redial::{Policy, SplitMix64};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::clients::{self, Delivered, Life, Meaning, take};
use crate::messages::CONFIG;
use crate::pipe::MESSAGE;

/// As many as a backlog holds, so that what is allocated for several at once is shared out fairly.
const CONNECTIONS: usize = 100;

/// Long enough for them to be up.
const SETTLED: Duration = Duration::from_millis(300);

/// What a connection takes of one client.
pub(crate) struct Bytes {
    pub(crate) who: &'static str,
    pub(crate) bytes: i64,
    pub(crate) allocations: i64,
    pub(crate) goal: Option<i64>,
}

/// A client that does not end.
type Client = Pin<Box<dyn Future<Output = io::Result<()>>>>;
type Start = fn(SocketAddr) -> Client;

/// The socket, and what every client takes beside it.
pub(crate) fn connections() -> Vec<Bytes> {
    let clients: [(&str, Option<i64>, Start); 5] = [
        ("bare loop", None, |address| {
            Box::pin(async move { match clients::bare(TcpStream::connect(address).await?, take).await? {} })
        }),
        ("written by hand", None, |address| {
            let dial = async move || TcpStream::connect(address).await;
            Box::pin(async move { match clients::by_hand(dial, async |message| take(message)).await {} })
        }),
        ("stubborn-io", None, |address| {
            Box::pin(async move { match clients::stubborn::<TcpStream, SocketAddr>(address, take).await? {} })
        }),
        ("redial", Some(1_500), |address| {
            let mut driver = driver::<Life>(address);
            Box::pin(async move { Err(io::Error::other(driver.run().await.to_string())) })
        }),
        ("redial, with `Handle` and `Messages`", None, |address| {
            let mut driver = driver::<Delivered>(address);
            let (handle, mut messages) = (driver.handle(), driver.messages());
            Box::pin(async move {
                let mut run = pin!(driver.run());
                let outcome = poll_fn(|cx| {
                    while let Poll::Ready(Some(message)) = messages.poll_recv(cx) {
                        take(message);
                    }
                    run.as_mut().poll(cx)
                });
                let outcome = outcome.await;
                drop(handle);
                Err(io::Error::other(outcome.to_string()))
            })
        }),
    ];
    let (socket, sockets) = held(|address| Box::pin(idle(address)));
    let idle = idle(SocketAddr::from(([127, 0, 0, 1], 1)));
    // The box with the idle future is not tokio's.
    let (socket, sockets) = (socket - size_of_val(&idle) as i64, sockets - 1);
    let mut rows =
        vec![Bytes { who: "the socket of tokio", bytes: socket, allocations: sockets, goal: None }];
    for (who, goal, start) in clients {
        let (bytes, allocations) = held(start);
        rows.push(Bytes { who, bytes: bytes - socket, allocations: allocations - sockets, goal });
    }
    rows
}

fn driver<M: Meaning>(
    address: SocketAddr,
) -> Driver<
    impl SendProtocol<Token = (), Key = Infallible, Incoming = M::Incoming> + use<M>,
    Tokio,
    Policy<SplitMix64>,
> {
    let dial = move || async move { TcpStream::connect(address).await.map(TcpStream::into_split) };
    Driver::new(Policy::new(&CONFIG, SplitMix64::new(7)), clients::Client::<_, M>::new(dial), Tokio::new())
}

/// A socket that nobody reads.
async fn idle(address: SocketAddr) -> io::Result<()> {
    let socket = TcpStream::connect(address).await?;
    pending::<()>().await;
    drop(socket);
    Ok(())
}

/// Bytes and allocations of one of many connections.
fn held(start: Start) -> (i64, i64) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut accepted = Vec::with_capacity(2 * CONNECTIONS);
    let mut clients = Vec::with_capacity(2 * CONNECTIONS);
    let mut connect = || {
        runtime.block_on(async {
            clients.extend((0..CONNECTIONS).map(|_| start(address)));
            settle(&mut clients).await;
            for _ in 0..CONNECTIONS {
                let (mut socket, _) = listener.accept().expect("a connection");
                socket.write_all(&[7; MESSAGE]).expect("a message");
                accepted.push(socket);
            }
            settle(&mut clients).await;
        });
    };
    // The first half pays for what is allocated once.
    connect();
    let heap = measure(connect);
    let each = |total: i64| total / CONNECTIONS as i64;
    (each(heap.bytes_current), each(heap.count_current))
}

/// Polls all clients until nothing is left to do for them.
async fn settle(clients: &mut [Client]) {
    let mut over = pin!(tokio::time::sleep(SETTLED));
    poll_fn(|cx| {
        for client in &mut *clients {
            if let Poll::Ready(end) = client.as_mut().poll(cx) {
                panic!("a client ended: {end:?}");
            }
        }
        over.as_mut().poll(cx)
    })
    .await;
}
