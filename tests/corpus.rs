//! What taught the fuzzer something, on a stable toolchain: `fuzz/corpus`. Each target of `fuzz` is a function of
//! `tests/fuzzed`, which is also what runs here.

#![cfg(all(feature = "record", feature = "chacha"))]

#[path = "../examples/replay/engine.rs"]
#[allow(dead_code, reason = "the replay program uses all of it")]
mod engine;
#[path = "../examples/replay/flight.rs"]
mod flight;
#[path = "harness/mod.rs"]
mod harness;
#[path = "common/read_back.rs"]
mod read_back;
#[path = "fuzzed/story.rs"]
mod story;
#[path = "../examples/replay/timeline.rs"]
mod timeline;

#[path = "fuzzed/advise.rs"]
mod advise;
#[path = "fuzzed/alteration.rs"]
mod alteration;
#[path = "fuzzed/altered.rs"]
mod altered;
#[path = "fuzzed/breakers.rs"]
mod breakers;
#[path = "fuzzed/budgets.rs"]
mod budgets;
#[path = "fuzzed/configs/mod.rs"]
mod configs;
#[path = "fuzzed/counters.rs"]
mod counters;
#[path = "fuzzed/documents.rs"]
mod documents;
#[path = "fuzzed/handover.rs"]
mod handover;
#[path = "fuzzed/health.rs"]
mod health;
#[path = "fuzzed/named.rs"]
mod named;
#[path = "fuzzed/policy.rs"]
mod policy;
#[path = "fuzzed/recorded.rs"]
mod recorded;
#[path = "fuzzed/replay.rs"]
mod replay;
#[cfg(feature = "driver")]
#[path = "schedule/mod.rs"]
mod schedule;
#[path = "fuzzed/serial.rs"]
mod serial;
#[path = "fuzzed/snapshots.rs"]
mod snapshots;
#[path = "fuzzed/storage.rs"]
mod storage;

use std::path::Path;

/// Runs every file of a target's corpus.
fn run(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut told = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus is committed") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("bytes");
        std::panic::catch_unwind(|| run(&bytes)).unwrap_or_else(|_| panic!("{} fails", path.display()));
        told += 1;
    }
    assert!(told > 0, "the corpus is empty");
}

/// A test of each target.
macro_rules! targets {
    ($($(#[$doc:meta])* $target:ident;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $target() {
            run(stringify!($target), $target::run);
        }
    )*

        /// No target of `fuzz` is without its corpus here.
        #[test]
        fn every_target_is_replayed() {
            let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
            let mut names: Vec<_> = std::fs::read_dir(targets)
                .expect("the targets")
                .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_owned())
                .collect();
            names.sort();
            // That of a user has no corpus, the one of drivers needs them, and the one of the naive policy is tried in its package.
            names.retain(|name| name != "yours" && name != "schedule" && name != "reference");
            assert_eq!(names, [$(stringify!($target)),*]);
        }
    };
}

targets! {
    /// No appointment is too early or too late.
    advise;
    /// A config's document with something in it changed is refused in one line, or read.
    altered;
    /// What a breaker admits, its state and its metrics agree.
    breakers;
    /// No budget grants more than it may, and none refuses without a time.
    budgets;
    /// Any numbers are an error or a config that works.
    configs;
    /// A counter that wraps is widened to what exact arithmetic says.
    counters;
    /// What is written in any form is read as it was.
    documents;
    /// S92 to S97 for every script of two transports.
    handover;
    /// What a connection's health says agrees with itself.
    health;
    /// Names of text, other generators and other types: written where there is room, and read as it was.
    named;
    /// S92 to S98 for every script.
    policy;
    /// Any bytes are a checkpoint or a dump, or refused.
    recorded;
    /// Any text is a log, or an error that names its line.
    replay;
    /// What stands beside a policy is read as it was written, or refused.
    serial;
    /// F72, lifecycle 64: any bytes are a snapshot, or refused.
    snapshots;
    /// A set of subscriptions in place and one on the heap show the same.
    storage;
}

/// No order of polls and drops harms a driver.
#[cfg(feature = "driver")]
#[test]
fn schedule() {
    run("schedule", |bytes| {
        _ = schedule::run(bytes);
    });
}
