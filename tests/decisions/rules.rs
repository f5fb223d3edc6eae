//! What the numbered rules demand of a whole policy, each through the public API.
//!
//! A doc comment names the numbers that its test proves; `tests/rules.tsv` says what each of them means.

mod attempts;
mod backoff;
mod budget;
mod credentials;
mod endpoints;
mod heartbeat;
mod host;
mod lifecycle;
mod limits;
mod neighbours;
mod report;
mod restore;
mod server;
mod session;
