//! `tests/fuzzed/configs`: any numbers for every config.

#![no_main]

#[path = "../../tests/fuzzed/configs/mod.rs"]
mod configs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| configs::run(bytes));
