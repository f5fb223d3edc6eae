//! `tests/fuzzed/serial.rs`: what stands beside a policy, as JSON.

#![no_main]

#[path = "../../tests/fuzzed/alteration.rs"]
mod alteration;
#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/fuzzed/serial.rs"]
mod serial;
#[path = "../../tests/fuzzed/story.rs"]
mod story;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| serial::run(bytes));
