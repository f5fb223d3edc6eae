//! `tests/fuzzed/storage.rs`: sets of subscriptions in place and on the heap.

#![no_main]

#[path = "../../tests/fuzzed/storage.rs"]
mod storage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| storage::run(bytes));
