//! `tests/fuzzed/recorded.rs`: checkpoints and dumps.

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/common/read_back.rs"]
mod read_back;
#[path = "../../tests/fuzzed/recorded.rs"]
mod recorded;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recorded::run(bytes));
