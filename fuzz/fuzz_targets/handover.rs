//! `tests/fuzzed/handover.rs`: a handover's config, a config and a script.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::handover::run(bytes));
