//! What the pages of `docs/migration` show: for each of them the code before and after, which the tests run against one server.

#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "the code of programs, and no library's"
)]

pub mod backoff;
pub mod backon;
pub mod breakers;
pub mod by_hand;
pub mod discord;
pub mod ezsockets;
pub mod failsafe;
pub mod net;
pub mod omi;
pub mod recloser;
pub mod stubborn_io;
pub mod tokio_retry;
pub mod tower;
pub mod twilight;
pub mod websockex;
pub mod zen_websocket;
