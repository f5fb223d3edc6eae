//! The config of resuming sessions.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;

/// Whether and how sessions are resumed.
///
/// ```
/// use core::time::Duration;
/// use redial::policy::ResumeConfig;
///
/// // As Discord's gateway wants it: a number with each resume, and 1 to 5 s after a refused session.
/// const CONFIG: ResumeConfig = ResumeConfig::new()
///     .sequence_needed(true)
///     .invalid_wait(Duration::from_secs(1), Duration::from_secs(5))
///     .build_const();
/// assert_eq!(CONFIG.failures_max(), 3);
/// ```
#[doc(alias = "resume")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumeConfig {
    pub(crate) enabled: bool,
    pub(crate) needs_sequence: bool,
    pub(crate) failures_max: u8,
    pub(crate) invalid_wait: (Micros, Micros),
    pub(crate) fallback_failures: u8,
    pub(crate) fallback_after: Micros,
}

builds!(ResumeConfig);

impl ResumeConfig {
    /// On, with the sequence number if the session has one. The session is dropped after 3 failed resumes in a row (carbon); after a
    /// refused session a fresh start waits 1 to 5 s (Discord documentation of 2018-2022); the session's endpoint is given up after
    /// its first failed dial (twilight).
    pub const DEFAULT: Self = Self {
        enabled: true,
        needs_sequence: false,
        failures_max: 3,
        invalid_wait: (Micros::from_millis(1_000), Micros::from_millis(5_000)),
        fallback_failures: 1,
        fallback_after: Micros::ZERO,
    };

    /// Every connection starts fresh, and no session is kept.
    pub const DISABLED: Self = Self { enabled: false, ..Self::DEFAULT };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.failures_max == 0 {
            return Err(ConfigError::ResumeFailuresZero);
        }
        if self.invalid_wait.0.0 > self.invalid_wait.1.0 {
            return Err(ConfigError::RangeReversed);
        }
        Ok(self)
    }
}

impl Builder<ResumeConfig> {
    /// Whether sessions are kept and resumed. Default true.
    pub const fn enabled(mut self, on: bool) -> Self {
        self.config.enabled = on;
        self
    }

    /// Whether a resume needs a sequence number. Default false: a session without one is resumed with its token alone. True for
    /// protocols that need both, such as Discord's gateway.
    pub const fn sequence_needed(mut self, needed: bool) -> Self {
        self.config.needs_sequence = needed;
        self
    }

    /// After how many failed resumes in a row the session is dropped, 1 to 255. A resume failed if it was sent and not granted. A
    /// connection that ended before its resume was sent does not count, nor does one that held without a confirmation; a cursor
    /// resets the count. Default 3.
    ///
    /// # Errors
    /// [`ConfigError::ResumeFailuresZero`].
    pub const fn failures_max(mut self, failures: u8) -> Self {
        self.config.failures_max = failures;
        self
    }

    /// The minimum wait before the fresh start that follows a refused session, drawn from `[low, high)`. Default 1 to 5 s.
    ///
    /// # Errors
    /// [`ConfigError::RangeReversed`].
    pub const fn invalid_wait(mut self, low: Duration, high: Duration) -> Self {
        self.config.invalid_wait = (Micros::from_duration(low), Micros::from_duration(high));
        self
    }

    /// When the session's own endpoint is given up for the base endpoint: after `failures` dials in a row that did not reach it, if
    /// the first of them is at least `after` ago. The session is kept. Default 1 and zero; 0 failures means 1.
    pub const fn endpoint_fallback(mut self, failures: u8, after: Duration) -> Self {
        self.config.fallback_failures = if failures == 0 { 1 } else { failures };
        self.config.fallback_after = Micros::from_duration(after);
        self
    }
}

impl ResumeConfig {
    /// Whether sessions are kept and resumed.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// Whether a resume needs a sequence number.
    #[must_use]
    pub const fn sequence_needed(&self) -> bool {
        self.needs_sequence
    }

    /// After how many failed resumes in a row the session is dropped.
    #[must_use]
    pub const fn failures_max(&self) -> u8 {
        self.failures_max
    }

    /// The range of the minimum wait after a refused session.
    #[must_use]
    pub const fn invalid_wait(&self) -> (Duration, Duration) {
        (self.invalid_wait.0.to_duration(), self.invalid_wait.1.to_duration())
    }

    /// After how many failed dials, over how long, the session's endpoint is given up.
    #[must_use]
    pub const fn endpoint_fallback(&self) -> (u8, Duration) {
        (self.fallback_failures, self.fallback_after.to_duration())
    }
}

impl Default for ResumeConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}
