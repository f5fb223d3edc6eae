//! Protocols of blocking sockets over real ones: whatever blocks, timers, heartbeats and a stop do not wait for it.
#![expect(clippy::disallowed_methods, reason = "real sockets, in real time")]

use core::convert::Infallible;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use redial::driver::{
    BlockingProtocol, Command, DialError, Dialling, Driver, Hangup, Outcome, Received, SendError, SendFailed,
    Threaded, WaitError, block_on, block_on_for,
};
use redial::heartbeat::HeartbeatConfig;
use redial::{BackoffConfig, Cause, Config, Epoch, Event, IoKind, Policy, SplitMix64};

use crate::ms;

/// A peer that does not answer a heartbeat within an interval is gone.
const STRICT_CONFIG: Config = Config::new(BackoffConfig::constant(ms(20)).build_const())
    .establish(redial::policy::Establish::OnOpen)
    .heartbeat(HEARTBEATS.to_builder().answer_within(Some(ANSWER)).build_const())
    .build_const();

/// Long enough for a machine with other things to do, between one line of a test and the next.
const ANSWER: Duration = ms(1_000);

/// One that answers late, on a machine with other things to do, is not.
static CONFIG: Config = STRICT_CONFIG
    .to_builder()
    .heartbeat(HEARTBEATS.to_builder().answer_within(Some(ms(5_000))).build_const())
    .build_const();

const HEARTBEATS: HeartbeatConfig =
    HeartbeatConfig::new().first_jitter(false).interval(ms(100)).build_const();

/// How long something may take that takes no time.
const AT_ONCE: Duration = ms(2_000);

/// Lines both ways.
pub(crate) struct Lines {
    address: SocketAddr,
    /// Dials wait until this is open.
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
    dials: AtomicU32,
}

impl Gate {
    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        drop(self.changed.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap());
    }
}

impl BlockingProtocol for Lines {
    type Reader = BufReader<TcpStream>;
    type Writer = TcpStream;
    type Token = ();
    type Key = Infallible;
    type Message = String;
    type Incoming = String;
    type Received = [Received<(), Infallible, String>; 1];

    fn dial(&self, dial: &Dialling) -> Result<(Self::Reader, Self::Writer, Hangup), DialError> {
        assert!(dial.left() <= dial.timeout);
        assert_eq!(self.gate.dials.fetch_add(1, Ordering::SeqCst), 0, "two dials at a time");
        self.gate.pass();
        let socket = dial.connect(self.address);
        self.gate.dials.store(0, Ordering::SeqCst);
        let socket = socket?;
        Ok((BufReader::new(socket.try_clone()?), socket.try_clone()?, socket.into()))
    }

    fn receive(&self, reader: &mut Self::Reader, epoch: Epoch) -> Result<Self::Received, Cause> {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(|error| Cause::from(&error))?;
        match line.strip_suffix('\n') {
            None => Err(Cause::Io(IoKind::UnexpectedEof)),
            Some("PONG") => Ok([Event::HeartbeatAcked { epoch }.into()]),
            // A panic, without the hook that prints it.
            Some("BUG") => std::panic::resume_unwind(Box::new("a bug of the protocol's")),
            Some(line) => Ok([Received::Message(line.to_owned())]),
        }
    }

    fn send(
        &self,
        writer: &mut Self::Writer,
        command: Command<(), Infallible, String>,
    ) -> Result<(), SendFailed> {
        match command {
            Command::Heartbeat { .. } => Ok(writer.write_all(b"PING\n")?),
            Command::Message(line) => Ok(writer.write_all(format!("{line}\n").as_bytes())?),
            _ => Ok(()),
        }
    }

    fn close(&self, writer: &mut Self::Writer, code: u16) {
        writeln!(writer, "BYE {code}").unwrap();
    }
}

type LinesDriver = Driver<Threaded<Lines>, redial::driver::Blocking, Policy<SplitMix64>>;

/// A driver, its server, and what holds up its dials.
fn lines(config: &'static Config) -> (LinesDriver, TcpListener, Arc<Gate>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gate = Arc::<Gate>::default();
    let protocol = Lines { address: listener.local_addr().unwrap(), gate: gate.clone() };
    (Driver::blocking(Policy::new(config, SplitMix64::new(7)), protocol), listener, gate)
}

impl Lines {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, gate: Arc::default() }
    }
}

fn has_ended<T>(result: Result<T, WaitError>) -> bool {
    matches!(result, Err(WaitError::Ended(ended)) if ended.outcome == Some(Outcome::Stopped))
}

/// Answers heartbeats and sends the lines back, until the end.
fn echo(stream: TcpStream) {
    let mut writer = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        // In one write, for the second of two waits until the first is acknowledged.
        let answer = if line == "PING" { "PONG\n".to_owned() } else { format!("{line}\n") };
        if line.starts_with("BYE") || writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Duty 10: a stop while the reader blocks says goodbye, closes and ends. Messages go both ways meanwhile, and heartbeats.
#[test]
fn a_stop_ends_a_read_that_blocks() {
    let (mut driver, listener, _) = lines(&CONFIG);
    let (handle, mut messages) = (driver.handle(), driver.messages());
    let run = thread::spawn(move || (driver.run_blocking(), driver));
    let (stream, _) = listener.accept().unwrap();
    let mut heard = stream.try_clone().unwrap();
    let echo = thread::spawn(move || echo(stream));
    assert_eq!(handle.online_blocking_for(AT_ONCE), Ok(()));
    for number in 0..50 {
        handle.send_blocking(number.to_string()).unwrap();
        assert_eq!(messages.recv_blocking(), Some(number.to_string()));
    }
    assert_eq!(handle.try_send("last".to_owned()).unwrap().wait_blocking(), Ok(()));
    assert_eq!(messages.recv_blocking_for(AT_ONCE).as_deref(), Ok("last"));
    // Nothing comes, and three heartbeats are answered.
    assert_eq!(messages.recv_blocking_for(ms(350)), Err(WaitError::TimedOut));
    let stats = handle.stats_blocking().unwrap();
    assert_eq!((stats.opens, stats.zombies), (1, 0));
    let begun = Instant::now();
    handle.stop();
    let (outcome, driver) = run.join().unwrap();
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!((outcome, driver.policy().stats().losses), (Outcome::Stopped, 0));
    assert!(has_ended(messages.recv_blocking_for(AT_ONCE)));
    assert!(has_ended(handle.online_blocking_for(AT_ONCE)));
    assert_eq!(handle.closed_blocking().outcome, Some(Outcome::Stopped));
    echo.join().unwrap();
    // The server read the goodbye; behind it there is the end.
    assert_eq!(heard.read(&mut [0; 64]).unwrap(), 0);
}

/// Duty 9: a peer that reads nothing is found by the heartbeat, its sender learns it, and the next connection is made.
#[test]
fn a_write_that_blocks_holds_up_nothing() {
    let (mut driver, listener, _) = lines(&STRICT_CONFIG);
    let handle = driver.handle();
    let huge = "x".repeat(32 << 20);
    let run = thread::spawn(move || (driver.run_blocking(), driver));
    let (_silent, _) = listener.accept().unwrap();
    handle.online_blocking().unwrap();
    let begun = Instant::now();
    assert_eq!(handle.send_blocking(huge), Err(SendError::InDoubt));
    assert!(begun.elapsed() < ms(300) + ANSWER + AT_ONCE, "{:?}", begun.elapsed());
    let (second, _) = listener.accept().unwrap();
    let echo = thread::spawn(move || echo(second));
    handle.online_blocking_for(AT_ONCE).unwrap();
    handle.send_blocking("small".to_owned()).unwrap();
    handle.stop();
    let (outcome, driver) = run.join().unwrap();
    assert_eq!((outcome, driver.policy().stats().zombies), (Outcome::Stopped, 1));
    echo.join().unwrap();
}

/// Duties 6 and 7: a dial that hangs holds up neither a stop nor the clock, what comes of it is closed at once, and the next dial
/// waits for it.
#[test]
fn a_dial_that_blocks_holds_up_nothing() {
    let (mut driver, listener, gate) = lines(&CONFIG);
    let handle = driver.handle();
    gate.set(true);
    assert_eq!(block_on_for(driver.run(), ms(50)), None, "it dials");
    let begun = Instant::now();
    handle.stop();
    assert_eq!(block_on(driver.run()), Outcome::Stopped);
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());

    // The second dial is asked for while the first hangs, and waits for it.
    assert!(has_ended(handle.online_blocking_for(ms(0))));
    assert_eq!(block_on_for(driver.run(), ms(50)), None);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing is dialled");
    let open = thread::spawn(move || {
        thread::sleep(ms(100));
        gate.set(false);
    });
    let stop = thread::spawn(move || {
        while handle.stats_blocking().is_none_or(|stats| stats.established == 0) {
            thread::sleep(ms(1));
        }
        handle.stop();
    });
    assert_eq!(driver.run_blocking(), Outcome::Stopped);
    open.join().unwrap();
    stop.join().unwrap();
    // The first one saw that it was abandoned, or was closed before the second began.
    let mut accepted = 0;
    while let Ok((mut stream, _)) = listener.accept() {
        stream.set_nonblocking(false).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        accepted += 1;
    }
    assert!(accepted == 1, "{accepted} connections");
}

/// A panic of the protocol's is the run's.
#[test]
fn a_panic_on_a_thread_is_the_runs() {
    let (mut driver, listener, _) = lines(&CONFIG);
    let run = thread::spawn(move || driver.run_blocking());
    let (mut stream, _) = listener.accept().unwrap();
    writeln!(stream, "BUG").unwrap();
    let panic = run.join().unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"a bug of the protocol's"));
    // Heartbeats, for the panic takes its time to be printed; then it is closed.
    stream.read_to_string(&mut String::new()).unwrap();
}

/// Of several addresses one that refuses does not end the dial, and without any that answers the error says why.
#[test]
fn a_dial_tries_its_addresses() {
    type Dialled = Arc<Mutex<Option<Result<SocketAddr, std::io::ErrorKind>>>>;

    struct Addresses(Vec<SocketAddr>, Dialled);

    impl BlockingProtocol for Addresses {
        type Reader = ();
        type Writer = ();
        type Token = ();
        type Key = Infallible;
        type Message = Infallible;
        type Incoming = Infallible;
        type Received = Option<Received>;

        fn dial(&self, dial: &Dialling) -> Result<((), (), Hangup), DialError> {
            let stream = dial.connect(&self.0[..]);
            let peer = stream.as_ref().map(|stream| stream.peer_addr().unwrap());
            *self.1.lock().unwrap() = Some(peer.map_err(std::io::Error::kind));
            Ok(((), (), stream?.into()))
        }

        fn receive(&self, (): &mut (), _: Epoch) -> Result<Self::Received, Cause> {
            Err(Cause::NoCloseFrame)
        }

        fn send(&self, (): &mut (), _: Command) -> Result<(), SendFailed> {
            Ok(())
        }
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let accepts = listener.local_addr().unwrap();
    let refuses = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (addresses, expected) in [
        (vec![refuses, accepts], Ok(accepts)),
        (vec![refuses, refuses], Err(std::io::ErrorKind::ConnectionRefused)),
        (vec![], Err(std::io::ErrorKind::AddrNotAvailable)),
    ] {
        let dialled = Dialled::default();
        let protocol = Addresses(addresses, dialled.clone());
        let mut driver = Driver::blocking(Policy::new(&CONFIG, SplitMix64::new(7)), protocol);
        let handle = driver.handle();
        let run = thread::spawn(move || driver.run_blocking());
        while dialled.lock().unwrap().is_none() {
            thread::sleep(ms(1));
        }
        // Before a dial that is cut off by the stop.
        assert_eq!(dialled.lock().unwrap().take(), Some(expected));
        handle.stop();
        assert_eq!(run.join().unwrap(), Outcome::Stopped);
    }
}

/// A future that wakes itself without end is given up as well when the time is over.
#[test]
fn a_wait_ends_in_its_time() {
    let mut polls = 0;
    let busy = core::future::poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        core::task::Poll::<()>::Pending
    });
    assert_eq!(block_on_for(busy, ms(5)), None);
    assert!(polls > 1, "{polls}");
    assert_eq!(block_on_for(core::future::ready(7), ms(0)), Some(7));
}
