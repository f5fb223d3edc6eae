//! Issue 15, item 3: the examples beside real servers, which are killed and started again. Each test starts its own server at a port of
//! its own, and says so where there is none to be had.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests of real processes"
)]

mod broker;
#[path = "../common/mod.rs"]
mod common;
mod events;
mod lines;
mod notify;
mod pooled;
mod pubsub;
mod resources;
mod worker;
