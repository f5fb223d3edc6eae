//! What no call of a policy may exceed.

use core::time::Duration;

use crate::policy::Config;

use super::bounds::longest_wait;

/// What [`Checked`](super::Checked) holds against a policy: the bounds of a config.
///
/// [`Limits::of`] reads them from the config. A test that knows more of its config, or that allows less, sets them by the
/// methods.
///
/// ```
/// use core::time::Duration;
/// use redial::presets;
/// use redial::testing::Limits;
///
/// let limits = Limits::of(&presets::RECOMMENDED);
/// assert_eq!(limits.connect_timeout, Duration::from_secs(10));
/// // A test whose server asks for no wait.
/// assert_eq!(limits.longest_wait(Duration::from_secs(60)).longest_wait, Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// No wait for a dial is longer, but for one that the host itself asked for ([`Event::NotNow`](crate::Event::NotNow)), which
    /// is at most a day.
    pub longest_wait: Duration,
    /// No dial takes longer.
    pub connect_timeout: Duration,
    /// No two dials are closer.
    pub min_interval: Duration,
    /// Heartbeats start with the establishment, so that an established connection always has a deadline.
    pub heartbeats: bool,
    /// Only a session with a sequence number is resumed.
    pub sequence_needed: bool,
    /// Subscriptions are restored.
    pub restores: bool,
}

impl Limits {
    /// What follows from the settings of a config, with its [longest wait](longest_wait()).
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let longest_wait = longest_wait(config);
        let grown = if config.connect_timeout_growing() { longest_wait } else { Duration::ZERO };
        Self {
            longest_wait,
            connect_timeout: config.connect_timeout().max(grown),
            min_interval: config.min_interval(),
            heartbeats: config.heartbeat().interval().is_some() && !config.greeting(),
            sequence_needed: config.resume().sequence_needed(),
            restores: config.restore().enabled(),
        }
    }

    /// Sets [`longest_wait`](Self#structfield.longest_wait).
    #[must_use]
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Sets [`connect_timeout`](Self#structfield.connect_timeout).
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`min_interval`](Self#structfield.min_interval).
    #[must_use]
    pub const fn min_interval(mut self, interval: Duration) -> Self {
        self.min_interval = interval;
        self
    }

    /// Sets [`heartbeats`](Self#structfield.heartbeats).
    #[must_use]
    pub const fn heartbeats(mut self, on: bool) -> Self {
        self.heartbeats = on;
        self
    }

    /// Sets [`sequence_needed`](Self#structfield.sequence_needed).
    #[must_use]
    pub const fn sequence_needed(mut self, needed: bool) -> Self {
        self.sequence_needed = needed;
        self
    }

    /// Sets [`restores`](Self#structfield.restores).
    #[must_use]
    pub const fn restores(mut self, on: bool) -> Self {
        self.restores = on;
        self
    }
}
