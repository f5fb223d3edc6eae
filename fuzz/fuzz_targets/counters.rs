//! `tests/fuzzed/counters.rs`: counters of 32 bits that wrap.

#![no_main]

#[path = "../../tests/fuzzed/counters.rs"]
mod counters;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| counters::run(bytes));
