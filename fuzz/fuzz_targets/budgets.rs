//! `tests/fuzzed/budgets.rs`: budgets and what is asked of them.

#![no_main]

#[path = "../../tests/fuzzed/budgets.rs"]
mod budgets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| budgets::run(bytes));
