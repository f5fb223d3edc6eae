//! `tests/fuzzed/counters.rs`: counters of 32 bits that wrap.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::counters::run(bytes));
