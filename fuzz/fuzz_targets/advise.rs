//! `tests/fuzzed/advise.rs`: appointments of a server.

#![no_main]

#[path = "../../tests/fuzzed/advise.rs"]
mod advise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| advise::run(bytes));
