//! `tests/fuzzed/altered.rs`: the documents of configs with something in them changed.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::altered::run(bytes));
