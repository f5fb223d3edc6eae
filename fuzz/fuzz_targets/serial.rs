//! `tests/fuzzed/serial.rs`: what stands beside a policy, as JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::serial::run(bytes));
