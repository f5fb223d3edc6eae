//! `redial::websocket` against servers of this process: how it dials, what it makes of refusals, how it talks and closes.

mod close;
mod dial;
#[path = "../common/example.rs"]
mod example;
mod examples;
mod handover;
mod heard;
mod messages;
#[cfg(feature = "telemetry")]
mod observed;
#[path = "../common/port.rs"]
mod port;
mod server;
mod sessions;
mod setup;
mod tls;
