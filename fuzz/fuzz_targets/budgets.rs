//! `tests/fuzzed/budgets.rs`: budgets and what is asked of them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::budgets::run(bytes));
