//! `tests/fuzzed/altered.rs`: the documents of configs with something in them changed.

#![no_main]

#[path = "../../tests/fuzzed/alteration.rs"]
mod alteration;
#[path = "../../tests/fuzzed/altered.rs"]
mod altered;
#[path = "../../examples/replay/engine.rs"]
#[allow(dead_code, reason = "the replay program uses all of it")]
mod engine;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/fuzzed/story.rs"]
mod story;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| altered::run(bytes));
