//! Lines for the crate `log`.

use core::fmt;

use crate::time::Instant;

use super::change::{Change, Level};
use super::sink::Sink;

/// Writes each change to the logger of the crate `log`, with the target `redial`: the client's name, a colon, and the change as its
/// `Display` writes it.
///
/// Without a logger, or above its level, a change costs one comparison.
///
/// ```
/// use redial::telemetry::{Log, Observed};
/// use redial::{Policy, SplitMix64, presets};
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let policy = Observed::new(policy, Log::new("feed"));
/// # let _ = policy;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Log<N = &'static str> {
    client: N,
}

impl<N: fmt::Display> Log<N> {
    /// For the client of this name.
    #[must_use]
    pub const fn new(client: N) -> Self {
        Self { client }
    }
}

impl<N: fmt::Display> Sink for Log<N> {
    fn change(&mut self, _: Instant, change: &Change) {
        let level = match change.level() {
            Level::Error => log::Level::Error,
            Level::Warn => log::Level::Warn,
            Level::Info => log::Level::Info,
            Level::Debug => log::Level::Debug,
            Level::Trace => log::Level::Trace,
        };
        log::log!(target: "redial", level, "{}: {change}", self.client);
    }
}
