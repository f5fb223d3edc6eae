//! `tests/fuzzed/configs`: any numbers for every config.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::configs::run(bytes));
