//! `tests/fuzzed/altered.rs`: the documents of configs with something in them changed.

#![no_main]

#[path = "../../tests/fuzzed/alteration.rs"]
mod alteration;
#[path = "../../tests/fuzzed/altered.rs"]
mod altered;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| altered::run(bytes));
