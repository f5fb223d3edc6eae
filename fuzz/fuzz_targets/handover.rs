//! `tests/fuzzed/handover.rs`: a handover's config, a config and a script.

#![no_main]

#[path = "../../tests/fuzzed/handover.rs"]
mod handover;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/fuzzed/story.rs"]
mod story;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| handover::run(bytes));
