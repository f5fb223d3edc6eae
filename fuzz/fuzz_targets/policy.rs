//! `tests/fuzzed/policy.rs`: a config and a script.

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/fuzzed/policy.rs"]
mod policy;
#[path = "../../tests/fuzzed/story.rs"]
mod story;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::run(bytes));
