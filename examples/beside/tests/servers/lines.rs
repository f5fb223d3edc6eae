//! `nats`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Example, Running, connections, eventually, free_port, is_short};

fn start(port: u16) -> Option<Running> {
    let mut server = Command::new("nats-server");
    server.args(["-a", "127.0.0.1", "-p", &port.to_string()]).stderr(Stdio::null());
    let mut server = Running::start(&mut server)?;
    server.listens(port);
    Some(server)
}

/// Somebody else at the server.
struct Other(BufReader<TcpStream>);

impl Other {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut other = Self(BufReader::new(stream));
        let info = other.line();
        let info: Value = serde_json::from_str(info.strip_prefix("INFO ").unwrap()).unwrap();
        assert_eq!(info["headers"], true, "what the next line relies on");
        other.say(
            "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB answers.* 1\r\n",
        );
        other
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Whether anybody has subscribed to this subject. A server says at once if nobody has.
    fn publish(&mut self, subject: &str, text: &str) -> bool {
        self.say(&format!("PUB {subject} answers.1 {}\r\n{text}\r\nPING\r\n", text.len()));
        let mut received = true;
        loop {
            match self.line() {
                line if line == "PONG" => return received,
                line => received &= !line.starts_with("HMSG"),
            }
        }
    }
}

/// A message on each subject comes once, on one connection.
fn all_is_well(port: u16, example: &Example, text: &str) {
    let mut other = Other::connect(port);
    for subject in ["a.b", "c"] {
        // As soon as it is subscribed to.
        eventually(|| other.publish(subject, text));
        assert_eq!(example.line(), format!("{subject}: {text}"));
    }
    drop(other);
    eventually(|| connections(port) == 1);
    assert_eq!(example.rest(), [""; 0]);
}

#[test]
fn subjects_are_restored_once() {
    let port = free_port();
    let Some(mut server) = start(port) else { return };
    let address = format!("127.0.0.1:{port}");
    let example = Example::start(env!("CARGO_BIN_EXE_nats"), [address.as_str(), "a.*", "c"]);
    all_is_well(port, &example, "1");
    server.kill();
    let _server = start(port).unwrap();
    all_is_well(port, &example, "2");
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../nats.rs"), 120);
}
