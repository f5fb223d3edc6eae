//! `tests/fuzzed/handover.rs`: a handover's config, a config and a script.

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/fuzzed/story.rs"]
mod story;
#[path = "../../tests/fuzzed/handover.rs"]
mod handover;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| handover::run(bytes));
