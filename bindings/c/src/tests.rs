#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests"
)]

mod calls;
mod configs;
#[cfg(target_os = "linux")]
mod errno;
mod events;
mod words;
