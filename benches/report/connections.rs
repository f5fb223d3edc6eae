//! Bytes that one connection takes, with everything that a client holds for it.
//!
//! Every client is one future in a box, connected over loopback to a listener of the kernel, which takes no heap here; all of
//! them are polled on one thread. What the heap holds for all of them is divided by their number: the future with the
//! client's value in it, which is the value of the row, and whatever they allocated and kept. The box stands for the task of a runtime, whose own header
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

use redial_benches::driver::clients::{self, Delivered, Life, Meaning, take};
use redial_benches::driver::{CONFIG, MESSAGE};

use crate::memory::Bytes;

/// As many as a backlog holds, so that what is allocated for several at once is shared out fairly.
const CONNECTIONS: usize = 100;

/// Long enough for them to be up.
const SETTLED: Duration = Duration::from_millis(300);

/// A client that does not end.
type Client = Pin<Box<dyn Future<Output = io::Result<()>>>>;
type Start = fn(SocketAddr) -> Client;

/// What the other rows are net of.
const SOCKET: &str = "what tokio keeps for a socket: not in the rows that follow";

/// The socket, and what every client takes beside it.
pub(crate) fn connections() -> Vec<Bytes> {
    let clients: [(&str, Option<usize>, Start); 5] = [
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
        ("redial: a connection with its driver", Some(1_500), |address| {
            let mut driver = driver::<Life>(address);
            Box::pin(async move { Err(io::Error::other(driver.run().await.to_string())) })
        }),
        ("redial: with `Handle` and `Messages`", None, |address| {
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
    let Held { future, heap } = held(|address| Box::pin(idle(address)));
    let what = "connection";
    let socket = heap.saturating_sub(future);
    let mut rows = vec![Bytes { what, who: SOCKET, value: 0, heap: socket as u64, goal: None }];
    for (who, goal, start) in clients {
        let Held { future, heap } = held(start);
        let heap = heap.saturating_sub(future + socket);
        rows.push(Bytes { what, who, value: future, heap: heap as u64, goal });
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

/// Bytes of one of many connections.
struct Held {
    /// The future in the box.
    future: usize,
    /// All of the heap, with the box.
    heap: usize,
}

fn held(start: Start) -> Held {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut accepted = Vec::with_capacity(2 * CONNECTIONS);
    let mut clients: Vec<Client> = Vec::with_capacity(2 * CONNECTIONS);
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
    let total = measure(connect).bytes_current;
    let heap = usize::try_from(total).unwrap_or(0) / CONNECTIONS;
    Held { future: clients.first().map_or(0, |client| size_of_val(&**client)), heap }
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
