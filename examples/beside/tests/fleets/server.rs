//! A Redis of one test, in a folder of its own, on a loopback port of its own. It does not outlive the test.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::port::free_port;

pub(crate) struct Server {
    pub(crate) port: u16,
    process: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}

impl Server {
    /// As soon as it listens; `None` where there is none to be had.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("redial-fleets-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let Ok(process) = launch(port, &folder, options) else {
            eprintln!("SKIPPED: there is no redis-server here");
            return None;
        };
        let mut server = Self { port, process, folder };
        server.listens();
        Some(server)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        // Gone already is as good.
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
    }

    /// Without what it knew.
    pub(crate) fn start_again(&mut self) {
        self.process = launch(self.port, &self.folder, &[]).unwrap();
        self.listens();
    }

    pub(crate) fn connect(&self) -> redis::Connection {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        client.get_connection().unwrap()
    }

    fn listens(&mut self) {
        eventually(|| {
            assert_eq!(self.process.try_wait().unwrap(), None, "the server has ended");
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }
}

fn launch(port: u16, folder: &PathBuf, options: &[&str]) -> std::io::Result<Child> {
    let mut server = Command::new("redis-server");
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    server.args(options).current_dir(folder).stdout(Stdio::null()).spawn()
}

/// As soon as this holds, within 20 s.
#[track_caller]
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it never came to that");
}
