//! `watch`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::stream::unfold;
use serde_json::json;
use tokio::sync::watch;

use crate::common::server::{Answer, Server, stream, text};
use crate::common::{Example, eventually, free_port, is_short};

/// What an API server keeps, whichever process is it.
#[derive(Default)]
struct Cluster {
    state: watch::Sender<State>,
    /// The newest version that a watch has been sent.
    sent: Arc<AtomicUsize>,
    /// The path and query of each request.
    asked: Mutex<Vec<String>>,
}

#[derive(Default)]
struct State {
    /// What happened, from resource version 1 on.
    happened: Vec<(&'static str, &'static str)>,
    /// What is known of no longer: a watch must begin here or later.
    oldest: usize,
    /// Whether 410 is a status, and not an ERROR in the stream.
    says_so_at_once: bool,
    /// Each watch ends, as after its time.
    is_over: bool,
}

impl Cluster {
    fn happens(&self, kind: &'static str, name: &'static str) {
        self.state.send_modify(|state| state.happened.push((kind, name)));
    }

    fn serve(self: &Arc<Self>, port: u16) -> Server {
        let cluster = self.clone();
        Server::http(port, move |request| {
            let asked = request.uri().to_string();
            let answer = match asked.split_once("resourceVersion=") {
                Some((_, version)) => cluster.watch(version.parse().unwrap()),
                None => cluster.list(),
            };
            cluster.asked.lock().unwrap().push(asked);
            answer
        })
    }

    fn list(&self) -> Answer {
        let state = self.state.borrow();
        let happened = state.happened.iter().filter(|(kind, _)| *kind == "ADDED");
        let items: Vec<_> = happened.map(|(_, name)| json!({"metadata": {"name": name}})).collect();
        let version = state.happened.len().to_string();
        text(200, json!({"metadata": {"resourceVersion": version}, "items": items}).to_string())
    }

    fn watch(&self, version: usize) -> Answer {
        let state = self.state.borrow();
        if version < state.oldest && state.says_so_at_once {
            return text(410, "{}");
        }
        let changes = self.state.subscribe();
        let sent = self.sent.clone();
        let lines = unfold((version, changes, sent), |(version, mut changes, sent)| async move {
            sent.store(version, Ordering::SeqCst);
            let state =
                changes.wait_for(|state| state.is_over || state.happened.len() > version).await.ok()?;
            if state.is_over {
                return None;
            }
            let event = if version < state.oldest {
                json!({"type": "ERROR", "object": {"code": 410, "reason": "Expired"}})
            } else {
                let (kind, name) = state.happened[version];
                let version = (version + 1).to_string();
                json!({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}})
            };
            drop(state);
            Some((format!("{event}\n"), (version + 1, changes, sent)))
        });
        stream("application/json", lines)
    }

    /// The versions from which there was a watch, and how many lists there were.
    fn asked(&self) -> (Vec<usize>, usize) {
        let asked = self.asked.lock().unwrap();
        let watches = asked.iter().filter_map(|uri| uri.split_once("resourceVersion=")?.1.parse().ok());
        let watches: Vec<usize> = watches.collect();
        let lists = asked.len() - watches.len();
        (watches, lists)
    }
}

/// A cluster with two objects, the example, which has listed them and watches, and the server.
fn watching() -> (Arc<Cluster>, Example, u16, Server) {
    let (port, cluster) = (free_port(), Arc::<Cluster>::default());
    cluster.happens("ADDED", "a");
    cluster.happens("ADDED", "b");
    let server = cluster.serve(port);
    let example = Example::start(env!("CARGO_BIN_EXE_watch"), [&format!("127.0.0.1:{port}"), "/things"]);
    assert_eq!(example.line(), "LIST a b");
    eventually(|| cluster.asked().0 == [2]);
    (cluster, example, port, server)
}

#[test]
fn a_watch_goes_on_from_the_newest_bookmark() {
    let (cluster, example, port, server) = watching();
    cluster.happens("ADDED", "c");
    cluster.happens("BOOKMARK", "");
    cluster.happens("DELETED", "b");
    assert_eq!([example.line(), example.line()], ["ADDED c", "DELETED b"]);
    cluster.happens("BOOKMARK", "");
    eventually(|| cluster.sent.load(Ordering::SeqCst) == 6);
    drop(server);
    cluster.happens("MODIFIED", "c");
    let server = cluster.serve(port);
    assert_eq!(example.line(), "MODIFIED c");
    assert_eq!(cluster.asked(), (vec![2, 6], 1));
    assert_eq!(server.connections.most.load(Ordering::SeqCst), 1);
    assert_eq!(example.rest(), [""; 0]);
}

/// The server has forgotten what happened since.
#[test]
fn what_is_gone_in_a_watch_is_listed_again() {
    let (cluster, example, _, server) = watching();
    cluster.state.send_modify(|state| {
        state.happened.extend([("ADDED", "c"), ("DELETED", "d")]);
        state.oldest = 4;
    });
    assert_eq!(example.line(), "LIST a b c");
    cluster.happens("MODIFIED", "c");
    assert_eq!(example.line(), "MODIFIED c");
    assert_eq!(cluster.asked(), (vec![2, 4], 2));
    assert_eq!(server.connections.most.load(Ordering::SeqCst), 1);
}

/// The same as a status.
#[test]
fn what_is_gone_before_a_watch_is_listed_again() {
    let (port, cluster) = (free_port(), Arc::<Cluster>::default());
    cluster.state.send_modify(|state| (state.oldest, state.says_so_at_once) = (1, true));
    let _server = cluster.serve(port);
    let example = Example::start(env!("CARGO_BIN_EXE_watch"), [&format!("127.0.0.1:{port}"), "/things"]);
    assert_eq!(example.line(), "LIST ");
    cluster.happens("ADDED", "a");
    assert_eq!(example.line(), "LIST a");
    cluster.happens("MODIFIED", "a");
    assert_eq!(example.line(), "MODIFIED a");
    assert_eq!(cluster.asked(), (vec![0, 1], 2));
}

/// The end that a server gives each watch is no failure.
#[test]
fn a_watch_that_has_had_its_time_goes_on() {
    let (cluster, example, _, server) = watching();
    cluster.state.send_modify(|state| state.is_over = true);
    eventually(|| server.connections.open.load(Ordering::SeqCst) == 0);
    cluster.state.send_modify(|state| state.is_over = false);
    cluster.happens("MODIFIED", "a");
    assert_eq!(example.line(), "MODIFIED a");
    assert_eq!(cluster.asked(), (vec![2, 2], 1));
    assert!(example.log().iter().any(|line| line.contains("reconnect_requested")), "{:?}", example.log());
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../watch.rs"), 120);
}
