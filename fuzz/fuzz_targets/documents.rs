//! `tests/fuzzed/documents.rs`: everything in every form that it is written in.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::documents::run(bytes));
