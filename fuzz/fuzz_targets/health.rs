//! `tests/fuzzed/health.rs`: the health of a connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::health::run(bytes));
