//! `tests/fuzzed/replay.rs`: logs for the `replay` program.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::replay::run(bytes));
