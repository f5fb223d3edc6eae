//! `redis_pubsub`.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use crate::common::{Example, Running, eventually, free_port, is_short};

/// More than two batches of the example.
const CHANNELS: usize = 120;

pub(super) fn server(port: u16) -> Option<Running> {
    let mut server = Command::new("redis-server");
    server.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
    let mut server = Running::start(server.stdout(Stdio::null()))?;
    server.listens(port);
    Some(server)
}

/// Every channel once, on one connection, in so many batches; and a message on each arrives once.
fn all_is_well(port: u16, channels: &[String], example: &Example) {
    let mut admin = redis::Client::open(("127.0.0.1", port)).unwrap().get_connection().unwrap();
    let mut ask = |command: &mut redis::Cmd| command.query::<redis::Value>(&mut admin).unwrap();
    let once: HashMap<String, u32> = channels.iter().map(|channel| (channel.clone(), 1)).collect();
    eventually(|| {
        let subscribed = ask(redis::cmd("PUBSUB").arg("NUMSUB").arg(channels));
        let subscribed: HashMap<String, u32> = redis::from_redis_value(subscribed).unwrap();
        assert!(subscribed.values().all(|count| *count <= 1), "twice: {subscribed:?}");
        subscribed == once
    });
    let text = |value| redis::from_redis_value::<String>(value).unwrap();
    let clients = text(ask(redis::cmd("CLIENT").arg(&["LIST", "TYPE", "pubsub"])));
    assert_eq!(clients.lines().count(), 1, "{clients}");
    let statistics = text(ask(redis::cmd("INFO").arg("commandstats")));
    assert!(statistics.contains("cmdstat_subscribe:calls=3,"), "{statistics}");
    for channel in channels {
        ask(redis::cmd("PUBLISH").arg(channel).arg("hello"));
        assert_eq!(example.line(), format!("{channel}: hello"));
    }
    assert_eq!(example.rest(), [""; 0]);
}

#[test]
fn subscriptions_are_restored_once_and_in_batches() {
    let port = free_port();
    let Some(mut redis) = server(port) else { return };
    let channels: Vec<String> = (0..CHANNELS).map(|number| format!("channel-{number}")).collect();
    let url = format!("redis://127.0.0.1:{port}");
    let example = Example::start(env!("CARGO_BIN_EXE_redis_pubsub"), [url].iter().chain(&channels));
    all_is_well(port, &channels, &example);
    redis.kill();
    let _redis = server(port);
    all_is_well(port, &channels, &example);
}

#[test]
fn the_example_is_short() {
    is_short(include_str!("../../redis_pubsub.rs"), 120);
}
