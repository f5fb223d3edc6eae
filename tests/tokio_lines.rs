//! The example of `redial::driver`'s documentation, run for real: it resumes, restores, delivers messages both ways and
//! stops, over a server that is killed and restarted.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "common/example.rs"]
mod example;
#[path = "common/port.rs"]
mod port;

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use port::{free_port, listen};

/// The example as a process, and its stdin and stdout.
struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(address: &str) -> Self {
        let mut command = Command::new(example::build("tokio_lines"));
        let mut child = command.arg(address).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()).lines());
        Self { child, stdin, stdout }
    }

    fn type_in(&mut self, line: &str) {
        writeln!(self.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    fn printed(&mut self) -> String {
        self.stdout.next().unwrap().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Gone already is as good.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// One connection of the server's.
struct Peer {
    stream: TcpStream,
    lines: Lines<BufReader<TcpStream>>,
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        Self { stream, lines }
    }

    #[track_caller]
    fn hears(&mut self, line: &str) {
        assert_eq!(self.lines.next().unwrap().unwrap(), line);
    }

    fn says(&mut self, line: &str) {
        writeln!(self.stream, "{line}").unwrap();
    }
}

#[test]
fn it_resumes_restores_delivers_and_stops() {
    let port = free_port();
    let listener = listen(port);
    let mut client = Client::start(&format!("127.0.0.1:{port}"));

    let mut peer = Peer::accept(&listener);
    peer.hears("LOGIN");
    peer.says("OK secret");
    peer.hears("SUB weather");
    peer.says("SUBBED weather");
    client.type_in("hello");
    peer.hears("MSG hello");
    peer.says("MSG sunny");
    assert_eq!(client.printed(), "sunny");

    // Killed and restarted.
    drop((peer, listener));
    let listener = listen(port);

    let mut peer = Peer::accept(&listener);
    peer.hears("RESUME secret");
    peer.says("MSG missed");
    peer.says("RESUMED");
    assert_eq!(client.printed(), "missed");
    client.type_in("again");
    peer.hears("MSG again");

    // The same, and it has forgotten the session.
    drop((peer, listener));
    let listener = listen(port);
    let mut peer = Peer::accept(&listener);
    peer.hears("RESUME secret");
    peer.says("EXPIRED");
    let mut peer = Peer::accept(&listener);
    peer.hears("LOGIN");
    peer.says("OK other");
    peer.hears("SUB weather");
    peer.says("MSG rainy");
    assert_eq!(client.printed(), "rainy");

    // The end of what is typed is a stop.
    client.stdin = None;
    assert_eq!(client.printed(), "Stopped");
    assert!(client.child.wait().unwrap().success());
    assert!(peer.lines.next().is_none_or(|line| line.is_err()), "the connection is closed");
}

/// What is run here is what the documentation shows, but for the address.
#[test]
fn the_example_is_that_of_the_documentation() {
    let documented: Vec<_> = include_str!("../src/driver/mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.trim().replace("\"feed.example:4000\"", "&self.address"))
        .skip_while(|line| line != "impl Protocol for Feed {")
        .take_while(|line| !line.starts_with("# async fn"))
        .filter(|line| !line.is_empty())
        .collect();
    let run: Vec<_> = include_str!("../examples/tokio_lines.rs")
        .lines()
        .map(|line| line.trim().to_owned())
        .skip_while(|line| line != "impl Protocol for Feed {")
        .take_while(|line| !line.starts_with("#[tokio::main"))
        .filter(|line| !line.is_empty())
        .collect();
    assert!(documented.len() > 40);
    assert_eq!(documented, run);
}
