//! `tests/fuzzed/snapshots.rs`: snapshots.

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/common/read_back.rs"]
mod read_back;
#[path = "../../tests/fuzzed/snapshots.rs"]
mod snapshots;
#[path = "../../tests/fuzzed/story.rs"]
mod story;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| snapshots::run(bytes));
