//! `tests/fuzzed/documents.rs`: everything in every form that it is written in.

#![no_main]

#[path = "../../tests/fuzzed/documents.rs"]
mod documents;
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

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| documents::run(bytes));
