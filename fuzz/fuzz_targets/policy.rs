//! `tests/fuzzed/policy.rs`: a config and a script.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::policy::run(bytes));
