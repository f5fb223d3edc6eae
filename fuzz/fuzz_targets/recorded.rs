//! `tests/fuzzed/recorded.rs`: checkpoints and dumps.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::recorded::run(bytes));
