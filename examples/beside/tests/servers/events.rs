//! `sse`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::unfold;
use tokio::sync::watch;

use crate::common::server::{Answer, Server, stream, text};
use crate::common::{Example, free_port, is_short};

/// What a server keeps, whichever process is it.
#[derive(Default)]
struct Log {
    /// How many events there are. The id of each is its number.
    events: watch::Sender<u32>,
    is_over: AtomicBool,
    /// The `Last-Event-ID` of each request.
    asked: Mutex<Vec<Option<String>>>,
}

impl Log {
    fn publish(&self, count: u32) {
        self.events.send_modify(|events| *events += count);
    }

    fn serve(self: &Arc<Self>, port: u16) -> Server {
        let log = self.clone();
        Server::http(port, move |request| {
            assert_eq!(request.headers()["accept"], "text/event-stream");
            let last = request.headers().get("last-event-id").map(|id| id.to_str().unwrap().to_owned());
            let next = last.as_ref().map_or(0, |id| id.parse::<u32>().unwrap() + 1);
            log.asked.lock().unwrap().push(last);
            if log.is_over.load(Ordering::SeqCst) { text(204, "") } else { log.follow(next) }
        })
    }

    /// The events from this one on.
    fn follow(&self, first: u32) -> Answer {
        let events = self.events.subscribe();
        stream(
            "text/event-stream",
            unfold((first, events), |(number, mut events)| async move {
                events.wait_for(|count| *count > number).await.ok()?;
                let event = format!(": comment\r\nretry: 10\r\nid: {number}\r\ndata: event {number}\r\n\r\n");
                Some((event, (number + 1, events)))
            }),
        )
    }
}

fn is_next(example: &Example, events: std::ops::Range<u32>) {
    for number in events {
        assert_eq!(example.line(), format!("{number}: event {number}"));
    }
}

#[test]
fn no_event_is_lost_or_comes_twice() {
    let (port, log) = (free_port(), Arc::<Log>::default());
    let mut server = log.serve(port);
    let example = Example::start(env!("CARGO_BIN_EXE_sse"), [&format!("127.0.0.1:{port}"), "/events"]);
    log.publish(3);
    is_next(&example, 0..3);
    let mut quickest = Duration::MAX;
    for round in 0..3 {
        // What comes while it is away, and while it is back.
        let first = 3 + round * 102;
        drop(server);
        log.publish(100);
        let since = Instant::now();
        server = log.serve(port);
        is_next(&example, first..first + 100);
        quickest = quickest.min(since.elapsed());
        log.publish(2);
        is_next(&example, first + 100..first + 102);
        assert_eq!(server.connections.most.load(Ordering::SeqCst), 1);
    }
    // The server's 10 ms, and not the 250 ms to 1 s of the config. A busy machine takes its time.
    assert!(quickest < Duration::from_millis(250), "{quickest:?}");
    drop(server);
    log.is_over.store(true, Ordering::SeqCst);
    let _server = log.serve(port);
    assert_eq!(example.end(), (true, vec![]));
    let asked = [None, Some("2"), Some("104"), Some("206"), Some("308")].map(|id| id.map(str::to_owned));
    assert_eq!(*log.asked.lock().unwrap(), asked);
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../sse.rs"), 120);
}
