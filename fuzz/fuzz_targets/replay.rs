//! `tests/fuzzed/replay.rs`: logs for the `replay` program.

#![no_main]

#[path = "../../examples/replay/engine.rs"]
#[allow(dead_code, reason = "the replay program uses all of it")]
mod engine;
#[path = "../../examples/replay/flight.rs"]
mod flight;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/common/read_back.rs"]
mod read_back;
#[path = "../../tests/fuzzed/replay.rs"]
mod replay;
#[path = "../../examples/replay/timeline.rs"]
mod timeline;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| replay::run(bytes));
