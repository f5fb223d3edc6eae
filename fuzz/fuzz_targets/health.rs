//! `tests/fuzzed/health.rs`: the health of a connection.

#![no_main]

#[path = "../../tests/fuzzed/health.rs"]
mod health;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| health::run(bytes));
