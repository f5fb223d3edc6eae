//! Every byte string is a config and a string of events, and at every one of them the core does what the naive policy of
//! `tests/reference` does.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_reference::run(bytes));
