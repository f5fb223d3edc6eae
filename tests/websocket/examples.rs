//! The examples as a user runs them, against a server that is killed and comes back; and how many lines they have.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::example;
use crate::server::{Server, soon};

fn program(name: &str) -> PathBuf {
    example::build(name)
}

fn run(name: &str, url: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(program(name));
    let mut child = command.arg(url).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    soon(lines.next_line()).await.unwrap().unwrap()
}

/// Lines that are neither empty nor comments.
fn lines_of_code(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.rs"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// A plain WebSocket in 12 lines is back, and has subscribed, after each restart.
#[tokio::test(flavor = "multi_thread")]
async fn the_plain_example_comes_back() {
    assert!(lines_of_code("websocket") <= 12);
    let mut server = Server::start();
    let (_child, mut lines) = run("websocket", &server.url());
    assert_eq!(line(&mut lines).await, "OK lobby");
    assert_eq!(line(&mut lines).await, "MSG 1 lobby hello");
    for n in 2..4 {
        server.kill().await;
        server.restart();
        assert_eq!(line(&mut lines).await, "OK lobby");
        server.say("lobby", "again");
        assert_eq!(line(&mut lines).await, format!("MSG {n} lobby again"));
    }
    let log = server.log();
    assert_eq!(log.most_open, 1);
    assert!(
        log.heard.iter().all(|heard| heard.first().is_some_and(|first| first == "SUB lobby")),
        "{:?}",
        log.heard
    );
}

/// A chat with subscriptions in 40 lines: what was said while the server was away is there once.
#[tokio::test(flavor = "multi_thread")]
async fn the_chat_example_resumes() {
    assert!(lines_of_code("chat") <= 40);
    let mut server = Server::start();
    let (_child, mut lines) = run("chat", &server.url());
    assert_eq!(line(&mut lines).await, "lobby hello");
    for n in 0..3 {
        server.say("lobby", &format!("before {n}"));
        assert_eq!(line(&mut lines).await, format!("lobby before {n}"));
        server.kill().await;
        server.say("lobby", &format!("while away {n}"));
        server.restart();
        assert_eq!(line(&mut lines).await, format!("lobby while away {n}"));
    }
    let log = server.log();
    assert_eq!(log.most_open, 1);
    assert_eq!(log.heard[0][..2], ["HELLO", "SUB lobby"]);
    for heard in &log.heard[1..] {
        assert!(heard[0].starts_with("HELLO t0 "), "{heard:?}");
    }
}

#[tokio::test]
async fn an_example_without_a_url_says_what_it_wants() {
    for name in ["websocket", "chat"] {
        let output = Command::new(program(name)).output().await.unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(&format!("usage: {name} URL")), "{text}");
    }
}
