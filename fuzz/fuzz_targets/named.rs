//! `tests/fuzzed/named.rs`: policies with names of text and other types, in every form.

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/fuzzed/named.rs"]
mod named;
#[path = "../../tests/common/read_back.rs"]
mod read_back;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| named::run(bytes));
