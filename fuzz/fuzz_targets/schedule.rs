//! Every byte string is an executor's order of polls, wakers, drops, requests, times and what a server says, for a driver over a
//! scripted transport. Whatever the order: at most one transport, no lost wake-up, no message lost or written twice, and a stop
//! ends the run.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redial_fuzz::schedule(bytes));
