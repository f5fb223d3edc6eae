//! What a run leaves behind on a real runtime when its future is dropped: no socket, no task, no thread. Each runtime is looked at in
//! a process of its own, so that nothing else opens or closes anything meanwhile.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "real sockets, in real time")]

use core::convert::Infallible;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command as Process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Wake;
use std::time::Instant;

use redial::driver::{
    AsyncStd, Blocking, Command, Dial, DialError, Driver, Outcome, Protocol, Received, Runtime, SendFailed,
    Smol, Threaded, Tokio, block_on,
};
use redial::handover::Decider;
use redial::heartbeat::HeartbeatConfig;
use redial::subscriptions::NoSubscriptions;
use redial::{BackoffConfig, Cause, Config, Epoch, Event, IoKind, Policy, SplitMix64};

use crate::blocking::Lines;
use crate::ms;

const SERVER: &str = "REDIAL_LEFTOVERS_SERVER";

static CONFIG: Config = Config::new(BackoffConfig::constant(ms(2)).build_const())
    .establish(redial::policy::Establish::OnOpen)
    .heartbeat(
        HeartbeatConfig::new()
            .first_jitter(false)
            .interval(ms(5))
            .answer_within(Some(ms(1_000)))
            .build_const(),
    )
    .build_const();

/// At how many polls a run is dropped.
const POLLS: usize = 16;

/// A protocol of heartbeats over the sockets of a runtime.
macro_rules! pings {
    ($name:ident, $stream:ty, [$($halves:ty),+], $split:expr, $($io:tt)+) => {
        struct $name(SocketAddr);

        impl Protocol for $name {
            type Reader = pings!(@first $($halves),+);
            type Writer = pings!(@last $($halves),+);
            type Token = ();
            type Key = Infallible;
            type Message = Infallible;
            type Incoming = Infallible;
            type Received = [Received; 1];

            async fn dial(&self, _: Dial) -> Result<(Self::Reader, Self::Writer), DialError> {
                Ok($split(<$stream>::connect(self.0).await?))
            }

            async fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
                use $($io)+::AsyncReadExt as _;
                match reader.read(&mut [0; 64]).await.map_err(|error| Cause::from(&error))? {
                    0 => Err(Cause::Io(IoKind::UnexpectedEof)),
                    _ => Ok([Event::HeartbeatAcked { epoch }.into()]),
                }
            }

            async fn send(&self, writer: &mut Self::Writer, command: Command) -> Result<(), SendFailed> {
                use $($io)+::AsyncWriteExt as _;
                match command {
                    Command::Heartbeat { .. } => Ok(writer.write_all(b"PING\n").await?),
                    _ => Ok(()),
                }
            }
        }
    };
    (@first $first:ty, $last:ty) => { $first };
    (@last $first:ty, $last:ty) => { $last };
}

pings!(
    OnTokio,
    tokio::net::TcpStream,
    [tokio::net::tcp::OwnedReadHalf, tokio::net::tcp::OwnedWriteHalf],
    tokio::net::TcpStream::into_split,
    tokio::io
);
pings!(
    OnSmol,
    smol::net::TcpStream,
    [smol::net::TcpStream, smol::net::TcpStream],
    |stream: smol::net::TcpStream| (stream.clone(), stream),
    smol::io
);
pings!(
    OnAsyncStd,
    async_std::net::TcpStream,
    [async_std::net::TcpStream, async_std::net::TcpStream],
    |stream: async_std::net::TcpStream| (stream.clone(), stream),
    smol::io
);

/// The sockets and threads of this process.
#[derive(Clone, Debug, PartialEq)]
struct Left {
    sockets: usize,
    threads: usize,
}

impl Left {
    fn now() -> Self {
        let links = std::fs::read_dir("/proc/self/fd").unwrap();
        let is_socket = |entry: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_link(entry.unwrap().path())
                .is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
        };
        let sockets = links.map(is_socket).filter(|is| *is).count();
        Self { sockets, threads: std::fs::read_dir("/proc/self/task").unwrap().count() }
    }
}

/// A waker of the run's own, so that its polls are counted.
struct Woken(AtomicBool, Mutex<Option<Waker>>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        let waker = self.1.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Polls so often, whenever it is woken; then it is dropped.
async fn polled(future: Pin<&mut impl Future<Output = Outcome>>, polls: usize) {
    let (mut future, mut left) = (future, polls);
    let woken = Arc::new(Woken(AtomicBool::new(true), Mutex::new(None)));
    poll_fn(|cx| {
        *woken.1.lock().unwrap() = Some(cx.waker().clone());
        if left == 0 {
            return Poll::Ready(());
        }
        if woken.0.swap(false, Ordering::SeqCst) {
            left -= 1;
            let waker = Waker::from(woken.clone());
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
}

/// Drops a run after each number of polls and looks at what is left; `settle` may wait for what ends by itself.
async fn drops<P, Rt>(
    mut driver: Driver<P, Rt, Policy<SplitMix64>>,
    settle: impl Fn(&P),
    tasks: impl Fn() -> usize,
) where
    P: Protocol<Token = (), Key = Infallible>,
    Rt: Runtime,
    Policy<SplitMix64>: Decider<Token = (), Subscriptions = NoSubscriptions>,
{
    // The runtime begins what it keeps.
    polled(pin!(driver.run()), POLLS).await;
    settle(driver.protocol());
    let before = (Left::now(), tasks());
    for polls in 0..POLLS {
        polled(pin!(driver.run()), polls).await;
        settle(driver.protocol());
        let deadline = Instant::now() + ms(1_000);
        // A thread has said that it ends, and the system has not taken it away yet.
        while (Left::now(), tasks()) != before && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!((Left::now(), tasks()), before, "dropped after {polls} polls");
    }
    assert!(driver.policy().stats().established > 5, "{:?}", driver.policy().stats());
}

fn driver<P: Protocol<Token = ()>, Rt>(protocol: P, runtime: Rt) -> Driver<P, Rt, Policy<SplitMix64>> {
    Driver::new(Policy::new(&CONFIG, SplitMix64::new(7)), protocol, runtime)
}

/// Runs this test in a process of its own, against a server of this one.
fn alone(test: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        listener.set_nonblocking(false).unwrap();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut writer = stream.try_clone().unwrap();
            // The driver's side ends first, whatever happens.
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            for line in lines {
                if line == "END" {
                    return;
                }
                let _gone = writeln!(writer, "PONG");
            }
        }
    });
    let test = format!("leftovers::{test}");
    let mut process = Process::new(std::env::current_exe().unwrap());
    process.args(["--exact", &test, "--ignored", "--test-threads=1", "--nocapture"]);
    let output = process.env(SERVER, address.to_string()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("1 passed"), "{printed}");
    writeln!(std::net::TcpStream::connect(address).unwrap(), "END").unwrap();
    server.join().unwrap();
}

fn server() -> Option<SocketAddr> {
    Some(std::env::var(SERVER).ok()?.parse().unwrap())
}

#[test]
fn nothing_is_left_on_tokio() {
    alone("tokio_alone");
}

#[test]
fn nothing_is_left_on_smol() {
    alone("smol_alone");
}

#[test]
fn nothing_is_left_on_async_std() {
    alone("async_std_alone");
}

#[test]
fn nothing_is_left_on_threads() {
    alone("threads_alone");
}

#[test]
#[ignore = "run in a process of its own"]
fn tokio_alone() {
    let Some(address) = server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        drops(driver(OnTokio(address), Tokio::new()), |_| {}, tasks).await;
    });
}

#[test]
#[ignore = "run in a process of its own"]
fn smol_alone() {
    let Some(address) = server() else { return };
    smol::block_on(drops(driver(OnSmol(address), Smol::new()), |_| {}, || 0));
}

#[test]
#[ignore = "run in a process of its own"]
fn async_std_alone() {
    let Some(address) = server() else { return };
    async_std::task::block_on(drops(driver(OnAsyncStd(address), AsyncStd::new()), |_| {}, || 0));
}

#[test]
#[ignore = "run in a process of its own"]
fn threads_alone() {
    let Some(address) = server() else { return };
    block_on(drops(driver(Threaded::new(Lines::new(address)), Blocking::new()), Threaded::join, || 0));
}
