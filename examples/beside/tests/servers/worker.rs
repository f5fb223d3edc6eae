//! `supervise`.

use redis::Commands;

use super::pubsub::server;
use crate::common::{Example, free_port, is_short};

/// The example works on jobs before and after its server was killed, without a word from anybody.
#[test]
fn the_example_outlives_its_redis() {
    let port = free_port();
    let Some(mut redis) = server(port) else { return };
    let worker = Example::start(env!("CARGO_BIN_EXE_supervise"), [format!("redis://127.0.0.1:{port}")]);
    for job in ["one", "two", "three"] {
        let mut admin = redis::Client::open(("127.0.0.1", port)).unwrap().get_connection().unwrap();
        admin.rpush::<_, _, ()>("jobs", job).unwrap();
        assert_eq!(worker.line(), job);
        redis.kill();
        redis = server(port).unwrap();
    }
}

/// An empty list ends nothing: the connection is the first one after a while, which is longer than the client's usual time for an answer.
#[test]
fn the_example_waits_on_an_empty_list() {
    let port = free_port();
    let Some(_redis) = server(port) else { return };
    let worker = Example::start(env!("CARGO_BIN_EXE_supervise"), [format!("redis://127.0.0.1:{port}")]);
    let mut admin = redis::Client::open(("127.0.0.1", port)).unwrap().get_connection().unwrap();
    admin.rpush::<_, _, ()>("jobs", "first").unwrap();
    assert_eq!(worker.line(), "first");
    let mut received = || {
        let stats: String = redis::cmd("INFO").arg("stats").query(&mut admin).unwrap();
        let line = stats.lines().find(|line| line.starts_with("total_connections_received:")).unwrap();
        line.to_owned()
    };
    let before = received();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(received(), before);
    admin.rpush::<_, _, ()>("jobs", "second").unwrap();
    assert_eq!(worker.line(), "second");
}

/// The example is as short as the README says.
#[test]
fn the_example_is_short() {
    is_short(include_str!("../../supervise.rs"), 17);
}
