//! 10,000 connections at once: clients that dial together a server that takes them one by one.
//!
//! The server is a process of its own. It accepts at a steady pace, so that its accept queue, of the usual 128 places, is full
//! most of the time. What comes then the kernel drops: the SYN, which the client sends again after 1, 3 and 7 s, or the end of
//! the handshake, so that the client believes in a connection that the server knows nothing of. The server speaks first,
//! and a client is up when it has read that. How long it takes until all of them are is reported and not judged: much of it
//! is the kernel's time.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redial::driver::{Driver, Tokio};
use redial::{Policy, SplitMix64, presets};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use redial_benches::driver::MESSAGE;
use redial_benches::driver::clients::{self, Client, Numbered};

use crate::outside::Line;

/// Each process holds one end of each, so that 20,000 files are enough for either.
const CLIENTS: usize = 10_000;
/// How long the server takes for one: 5,000 a second.
const PACE: Duration = Duration::from_micros(200);
/// What is not up after so long stays down.
const PATIENCE: Duration = Duration::from_secs(30);
/// The argument with which the program is the server.
pub(crate) const SERVE: &str = "serve";

/// The clients that are up.
#[derive(Clone, Default)]
struct Up(Arc<AtomicUsize>);

impl Up {
    /// Called with each message; only the first counts.
    fn counter(&self) -> impl FnMut([u8; MESSAGE]) + Send + use<> {
        let (up, mut counted) = (self.clone(), false);
        move |_| {
            if !std::mem::replace(&mut counted, true) {
                up.add();
            }
        }
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// For each client how many were up in the end, and when the last of them was.
pub(crate) fn crowds() -> io::Result<Vec<Line>> {
    type Start = fn(SocketAddr, usize, &Up);
    let clients: [(&str, Start); 3] = [
        ("written by hand", |address, _, up| {
            let dial = async move || TcpStream::connect(address).await;
            let mut taken = up.counter();
            tokio::task::spawn_local(
                async move { clients::by_hand(dial, async |message| taken(message)).await },
            );
        }),
        ("stubborn-io", |address, _, up| {
            tokio::task::spawn_local(clients::stubborn::<TcpStream, SocketAddr>(address, up.counter()));
        }),
        ("redial", |address, number, up| {
            let dial = move || async move { TcpStream::connect(address).await.map(TcpStream::into_split) };
            let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(number as u64));
            let mut driver = Driver::new(policy, Client::<_, Numbered>::new(dial), Tokio::new());
            let (online, up) = (driver.handle().online(), up.clone());
            tokio::task::spawn_local(async move { driver.run().await });
            tokio::task::spawn_local(async move {
                if online.await.is_ok() {
                    up.add();
                }
            });
        }),
    ];
    let mut lines = Vec::new();
    for (who, start) in clients {
        lines.extend(crowd(who, start)?);
    }
    Ok(lines)
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the clock's time")]
fn crowd(who: &'static str, start: fn(SocketAddr, usize, &Up)) -> io::Result<[Line; 2]> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).read_line(&mut line)?;
    let port: u16 = line.trim().parse().map_err(io::Error::other)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let up = Up::default();
    let begin = Instant::now();
    let after = LocalSet::new().block_on(&runtime, async {
        for number in 0..CLIENTS {
            start(address, number, &up);
        }
        let (mut seen, mut last) = (0, Duration::ZERO);
        while seen < CLIENTS && begin.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = up.0.load(Ordering::Relaxed);
            if now > seen {
                (seen, last) = (now, begin.elapsed());
            }
        }
        last
    });
    drop(runtime);
    server.kill()?;
    server.wait()?;
    let line = |name: String, value, unit: &str| Line {
        group: "crowd".to_owned(),
        name,
        value,
        unit: unit.to_owned(),
    };
    let up = up.0.load(Ordering::Relaxed);
    Ok([
        line(format!("{who}: up after {} s at most", PATIENCE.as_secs()), up.to_string(), "connections"),
        line(format!("{who}: the last of them"), format!("{:.1}", after.as_secs_f64()), "s"),
    ])
}

/// The server, until its process is ended.
#[expect(clippy::disallowed_methods, reason = "the pace is the server's, a process of its own")]
pub(crate) fn serve() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    let mut accepted = Vec::with_capacity(2 * CLIENTS);
    loop {
        let (mut socket, _) = listener.accept()?;
        // One that has gone meanwhile is no reason to end.
        if socket.write_all(&[7; MESSAGE]).is_ok() {
            accepted.push(socket);
        }
        sleep(PACE);
    }
}
