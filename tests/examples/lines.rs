//! The clients of lines, on plain threads and on tokio, with a server that is killed and restarted.

#![expect(clippy::disallowed_methods, reason = "a server that is gone for a while")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use super::example;
use super::port::{free_port, listen};

/// Ends the example with the test, also where the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn a_blocking_connection_comes_back_when_its_server_does() {
    let port = free_port();
    let listener = listen(port);
    let child = example("blocking")
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example runs");
    let mut child = Running(child);
    let mut typed = child.0.stdin.take().expect("piped");
    let mut printed = BufReader::new(child.0.stdout.take().expect("piped"));
    let mut expect = |connection: &mut TcpStream, text: &str| {
        writeln!(connection, "{text}").expect("written");
        let mut line = String::new();
        printed.read_line(&mut line).expect("printed");
        assert_eq!(line.trim_end(), text);
        writeln!(typed, "{text} too").expect("written");
        let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
        assert_eq!(lines.find(|line| line != "PING"), Some(format!("{text} too")));
    };
    let (mut first, _) = listener.accept().expect("the first dial");
    expect(&mut first, "one");

    // The server dies: the port refuses, and what it had is closed.
    drop(listener);
    drop(first);
    std::thread::sleep(std::time::Duration::from_millis(300));

    // It is back on its port.
    let listener = listen(port);
    let (mut second, _) = listener.accept().expect("the next dial");
    expect(&mut second, "two");
    listener.set_nonblocking(true).expect("a socket option");
    assert!(listener.accept().is_err(), "one connection is enough");
    assert!(child.0.try_wait().expect("a process").is_none(), "it runs on");

    // The end of what is typed is a stop, and a stop closes.
    drop(typed);
    assert_eq!(child.0.wait().expect("it ends").code(), Some(0));
    let mut sent = String::new();
    second.read_to_string(&mut sent).expect("an end, and no reset");
    assert!(sent.is_empty() || sent.starts_with("PING\n"), "{sent:?}");
}

#[test]
fn a_blocking_client_says_what_it_needs() {
    let output = example("blocking").arg("nowhere").output().expect("the example runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).trim_end(),
        "give the server's host and port, such as 127.0.0.1:4000"
    );
}

/// An address that can't be one is an error at once, and one where nobody listens is not silent.
#[test]
fn a_client_of_lines_names_its_address() {
    let output = example("tokio_lines").arg("nowhere").output().expect("the example runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "give the server's host and port, such as 127.0.0.1:4000, not \"nowhere\"\n"
    );

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let child = example("tokio_lines")
        .arg(&address)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example runs");
    let mut child = Running(child);
    let mut told = BufReader::new(child.0.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let refused = told.find(|line| line.contains("waiting (connection_refused)")).expect("told");
    assert!(refused.starts_with(&format!("{address}: ")), "{refused}");
}
