//! Every byte string is a config and a string of events; no one of them may break an invariant (S92 to S98).

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/common/script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| script::run(bytes));
