//! `tests/fuzzed/breakers.rs`: a breaker and what happens to it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::breakers::run(bytes));
