//! The starter examples, run as a user runs them. Those that need a server get one that is killed and restarted.

#![expect(clippy::disallowed_methods, reason = "a server that is gone for a while")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Cargo builds the examples beside the tests, but for `cargo test --test examples`, which builds this test alone.
fn example(name: &str) -> Command {
    let mut path = std::env::current_exe().expect("this test");
    path.pop();
    path.pop();
    let path = path.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("rs");
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    assert!(
        changed(&path) >= changed(&source),
        "{name} is not built: run `cargo build --all-features --examples` first"
    );
    Command::new(path)
}

fn output(name: &str) -> String {
    let output = example(name).output().expect("the example runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Ends the example with the test, also where the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn backoff_stays_below_its_ceiling() {
    let text = output("backoff");
    let waits = text.lines().filter(|line| line.starts_with("failure "));
    assert_eq!(waits.count(), 8, "{text}");
    assert!(text.contains("failure 8: wait ") && text.contains("of at most 30s"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.ends_with("lost in 3 failures")), "{text}");
}

#[test]
fn retry_heeds_the_server_and_stops_where_it_makes_no_sense() {
    let text = output("retry");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("busy, retry after None: again in "), "{text}");
    assert_eq!(
        lines[1], "busy, retry after Some(90ms): again in 90ms",
        "longer than any wait of the backoff"
    );
    assert_eq!(lines[2..], ["async: Ok(42) after 3 calls", "blocking: Err(Forbidden) after 4 calls"]);
}

#[test]
fn subscriptions_are_sent_again_where_the_server_has_lost_them() {
    let expected = [
        r#"a new session: send ["orders", "lobby", "news"]"#,
        r#"resumed: send ["news"]"#,
        r#"a new session: send ["orders", "lobby", "news"]"#,
    ];
    assert_eq!(output("subscriptions").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_session_is_resumed_by_the_next_connection_and_the_next_process() {
    let text = output("resume");
    assert!(text.contains("then a resume at the session's endpoint"), "{text}");
    assert!(
        text.contains(r#"resume Some("token-17") after Some(41) at Some("wss://eu-3.example")"#),
        "{text}"
    );
    assert!(text.ends_with("the next process dials to resume the session, after Some(41)\n"), "{text}");
}

#[test]
fn firmware_goes_on_over_the_wrap_of_its_tick() {
    let text = output("embedded");
    let mut ticks = text
        .lines()
        .map(|line| line.split_whitespace().next().expect("a tick").parse::<u32>().expect("a number"));
    assert!(ticks.next() > Some(u32::MAX - 20_000) && ticks.any(|tick| tick < 1_000_000), "{text}");
    assert_eq!(text.matches("subscribe to 7").count(), text.matches("Open").count(), "{text}");
    assert!(text.matches("Open").count() >= 3, "{text}");
}

#[test]
fn a_blocking_connection_comes_back_when_its_server_does() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let child = example("blocking")
        .arg(address.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example runs");
    let mut child = Running(child);
    let mut printed = BufReader::new(child.0.stdout.take().expect("piped"));
    let mut expect = |connection: &mut TcpStream, text: &str| {
        writeln!(connection, "{text}").expect("written");
        let mut line = String::new();
        printed.read_line(&mut line).expect("printed");
        assert_eq!(line.trim_end(), text);
    };
    let (mut first, _) = listener.accept().expect("the first dial");
    expect(&mut first, "one");

    // The server dies: the port refuses, and what it had is closed.
    drop(listener);
    drop(first);
    std::thread::sleep(std::time::Duration::from_millis(300));

    // It is back on its port.
    let listener = TcpListener::bind(address).expect("the same port");
    let (mut second, _) = listener.accept().expect("the next dial");
    expect(&mut second, "two");
    listener.set_nonblocking(true).expect("a socket option");
    assert!(listener.accept().is_err(), "one connection is enough");
    assert!(child.0.try_wait().expect("a process").is_none(), "it runs on");

    // Nothing but heartbeats was sent.
    second.set_read_timeout(Some(std::time::Duration::from_millis(10))).expect("a socket option");
    let mut sent = Vec::new();
    let _timed_out = second.read_to_end(&mut sent);
    assert!(sent.is_empty() || sent.starts_with(b"PING\n"), "{sent:?}");
}

#[test]
fn a_blocking_client_says_what_it_needs() {
    let output = example("blocking").arg("nowhere").output().expect("the example runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("127.0.0.1:4000"));
}
