//! `tests/fuzzed/storage.rs`: sets of subscriptions in place and on the heap.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::storage::run(bytes));
