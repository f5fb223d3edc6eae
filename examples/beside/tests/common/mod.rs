//! Real servers and the examples beside them, as processes that don't outlive their test.

#[path = "../../../../tests/common/port.rs"]
mod port;
pub(crate) mod server;

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) use port::{free_port, listen};

/// How long a real server may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that does not outlive its test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    /// `None`, and a word of it, where there is no such program, or nobody may run it.
    pub(crate) fn start(command: &mut Command) -> Option<Self> {
        match command.spawn() {
            Ok(process) => Some(Self(process)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                eprintln!("SKIPPED: {:?}: {error}", command.get_program());
                None
            }
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// SIGKILL: it closes nothing itself.
    pub(crate) fn kill(&mut self) {
        // Gone already is as good.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }

    /// Such as `USR1`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// Waits until it listens.
    pub(crate) fn listens(&mut self, port: u16) {
        assert!(self.listens_or_ends(port), "the server has ended");
    }

    /// The same; false if it has ended.
    pub(crate) fn listens_or_ends(&mut self, port: u16) -> bool {
        let mut listens = false;
        eventually(|| {
            listens = TcpStream::connect(("127.0.0.1", port)).is_ok();
            listens || self.0.try_wait().unwrap().is_some()
        });
        listens
    }

    /// Waits until it has ended: whether with success.
    pub(crate) fn end(mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

/// An example, and what it prints.
pub(crate) struct Example {
    process: Running,
    lines: Receiver<String>,
    /// What it tells of its connection.
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Example {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log().join("\n"));
        }
    }
}

impl Example {
    pub(crate) fn start<S: AsRef<str>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut example = Command::new(program);
        for argument in arguments {
            example.arg(argument.as_ref());
        }
        example.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Running::start(&mut example).unwrap();
        let printed = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let told = BufReader::new(process.0.stderr.take().unwrap()).lines();
        let (sender, lines) = channel();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let kept = log.clone();
        std::thread::spawn(move || printed.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        std::thread::spawn(move || {
            told.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line));
        });
        Self { process, lines, log }
    }

    /// Types a line.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.process.0.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// What it has printed and nobody has read.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// What it has written to standard error.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it ends by itself: whether with success, and what else it printed.
    pub(crate) fn end(mut self) -> (bool, Vec<String>) {
        let lines = self.lines.iter().collect();
        (self.process.0.wait().unwrap().success(), lines)
    }
}

/// How many connections a server at this port has.
pub(crate) fn connections(port: u16) -> usize {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // The local address and the state, in hexadecimal digits; 1 is established.
    let server = format!("0100007F:{port:04X}");
    let is_one = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        (fields[1], fields[3]) == (&server, "01")
    };
    sockets.lines().skip(1).filter(is_one).count()
}

/// Waits until this is so.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it has taken too long");
        pause(10);
    }
}

pub(crate) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// An example is as short as an example should be.
#[track_caller]
pub(crate) fn is_short(text: &str, limit: usize) {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let lines = lines.count();
    assert!(lines < limit, "{lines} lines");
}
