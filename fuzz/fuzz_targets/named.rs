//! `tests/fuzzed/named.rs`: policies with names of text and other types, in every form.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::named::run(bytes));
