//! `tests/fuzzed/advise.rs`: appointments of a server.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::advise::run(bytes));
