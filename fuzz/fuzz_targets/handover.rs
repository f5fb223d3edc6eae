//! Every byte string is a config, a handover's config and a string of events of two transports; no one of them may break an
//! invariant (S92 to S97), and from where it ends a handover gets online when the faults stop.

#![no_main]

#[path = "../../tests/harness/mod.rs"]
mod harness;
#[path = "../../tests/pair/mod.rs"]
mod pair;
#[path = "../../tests/common/script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pair::run(bytes));
