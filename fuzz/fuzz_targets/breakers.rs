//! `tests/fuzzed/breakers.rs`: a breaker and what happens to it.

#![no_main]

#[path = "../../tests/fuzzed/breakers.rs"]
mod breakers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| breakers::run(bytes));
