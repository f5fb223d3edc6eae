//! What the programs of `fuzz_targets` run: the functions of `tests/fuzzed`, which `cargo test --test corpus` runs as well. They are
//! compiled once, here.

#[path = "../../tests/fuzzed/alteration.rs"]
mod alteration;
#[path = "../../examples/replay/engine.rs"]
#[allow(dead_code, reason = "the replay program uses all of it")]
mod engine;
#[path = "../../examples/replay/flight.rs"]
mod flight;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/common/read_back.rs"]
mod read_back;
#[path = "../../tests/fuzzed/story.rs"]
mod story;
#[path = "../../tests/schedule/mod.rs"]
mod schedule;
#[path = "../../examples/replay/timeline.rs"]
mod timeline;

#[path = "../../tests/fuzzed/advise.rs"]
pub mod advise;
#[path = "../../tests/fuzzed/altered.rs"]
pub mod altered;
#[path = "../../tests/fuzzed/breakers.rs"]
pub mod breakers;
#[path = "../../tests/fuzzed/budgets.rs"]
pub mod budgets;
#[path = "../../tests/fuzzed/configs/mod.rs"]
pub mod configs;
#[path = "../../tests/fuzzed/counters.rs"]
pub mod counters;
#[path = "../../tests/fuzzed/documents.rs"]
pub mod documents;
#[path = "../../tests/fuzzed/handover.rs"]
pub mod handover;
#[path = "../../tests/fuzzed/health.rs"]
pub mod health;
#[path = "../../tests/fuzzed/named.rs"]
pub mod named;
#[path = "../../tests/fuzzed/policy.rs"]
pub mod policy;
#[path = "../../tests/fuzzed/recorded.rs"]
pub mod recorded;
#[path = "../../tests/fuzzed/replay.rs"]
pub mod replay;
#[path = "../../tests/fuzzed/serial.rs"]
pub mod serial;
#[path = "../../tests/fuzzed/snapshots.rs"]
pub mod snapshots;
#[path = "../../tests/fuzzed/storage.rs"]
pub mod storage;

/// What is seen on the way is for a test.
pub fn schedule(bytes: &[u8]) {
    let _seen = schedule::run(bytes);
}
