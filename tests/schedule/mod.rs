//! An executor of hostile orders around a driver, as bytes say.

mod bytes;
mod checks;
mod driving;
mod server;
mod world;

use checks::Seen;

/// Runs the schedule that the bytes describe, and checks it. How often what happened is returned.
pub(crate) fn run(bytes: &[u8]) -> Seen {
    driving::run(bytes)
}
