//! `driver::supervise`, beside a real Redis that is killed and restarted, and with connections of its own that fail in
//! every way.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        self.0.kill().unwrap_or_default();
        drop(self.0.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn redis(port: u16) -> Running {
    let mut server = Command::new("redis-server");
    server.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
    Running(server.stdout(Stdio::null()).spawn().unwrap())
}

/// Puts a job on the list, as soon as the server listens.
fn push(port: u16, job: &str) {
    let mut stream = loop {
        match std::net::TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(_) => pause(),
        }
    };
    stream.write_all(format!("RPUSH jobs {job}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.starts_with(':'), "{answer}");
}

#[expect(clippy::disallowed_methods, reason = "a real server takes its time")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

/// The example works on jobs before and after its server was killed, without a word from anybody.
#[test]
fn the_example_outlives_its_redis() {
    if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: there is no redis-server here");
        return;
    }
    let port = free_port();
    let mut server = redis(port);
    let mut worker = Command::new(env!("CARGO_BIN_EXE_supervise"));
    worker.arg(format!("redis://127.0.0.1:{port}")).stdout(Stdio::piped());
    let mut worker = Running(worker.spawn().unwrap());
    let mut lines = BufReader::new(worker.0.stdout.take().unwrap()).lines();
    for job in ["one", "two", "three"] {
        push(port, job);
        assert_eq!(lines.next().unwrap().unwrap(), job);
        drop(server);
        server = redis(port);
    }
    drop(server);
}

/// The example is as short as the README says.
#[test]
fn the_example_is_short() {
    let text = include_str!("../supervise.rs");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(lines.count() <= 15);
}
