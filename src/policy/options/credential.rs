//! Credentials.

use core::time::Duration;

use super::RefreshOn;
use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;

/// When credentials are asked for, and what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CredentialConfig {
    pub(crate) refresh_on: RefreshOn,
    pub(crate) rejections_max: Option<u8>,
    pub(crate) timeout: Micros,
    pub(crate) lead: Micros,
    pub(crate) lead_spread: Micros,
    pub(crate) in_band: bool,
}

builds!(CredentialConfig);

impl CredentialConfig {
    /// Asked for after a rejection, at most 30 s for each request, renewed at the end of their time, sent with the next dial.
    pub const DEFAULT: Self = Self {
        refresh_on: RefreshOn::Auth,
        rejections_max: None,
        timeout: Micros::from_millis(30_000),
        lead: Micros::ZERO,
        lead_spread: Micros::ZERO,
        in_band: false,
    };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.timeout.is_zero() {
            return Err(ConfigError::TimeoutZero);
        }
        Ok(self)
    }
}

impl Builder<CredentialConfig> {
    /// When a credential is asked for. Default [`RefreshOn::Auth`].
    pub const fn refresh_on(mut self, refresh_on: RefreshOn) -> Self {
        self.config.refresh_on = refresh_on;
        self
    }

    /// After how many rejections in a row of a renewed credential the policy gives up; 0: at the first. Default
    /// `None`: never, it goes on along the backoff, renewing before each dial.
    pub const fn rejections_max(mut self, rejections: Option<u8>) -> Self {
        self.config.rejections_max = rejections;
        self
    }

    /// How long a request for a credential may take; one that is not answered by then has failed, and is made again after a
    /// wait of the backoff. Default 30 s.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = Micros::from_duration(timeout);
        self
    }

    /// How long before its end a credential that came with a time to live is renewed while online, and over how much more
    /// that is spread. A lead longer than the credential lives is half of that. Default: zero and zero.
    pub const fn lead(mut self, lead: Duration, spread: Duration) -> Self {
        self.config.lead = Micros::from_duration(lead);
        self.config.lead_spread = Micros::from_duration(spread);
        self
    }

    /// Whether a renewed credential, asked for or not, is sent on the connection that is up, by
    /// [`Action::Authenticate`](crate::Action::Authenticate). Default false: the next dial uses it.
    pub const fn in_band(mut self, on: bool) -> Self {
        self.config.in_band = on;
        self
    }
}

impl CredentialConfig {
    /// When a credential is asked for.
    #[must_use]
    pub const fn refresh_on(&self) -> RefreshOn {
        self.refresh_on
    }

    /// After how many rejections in a row of a renewed credential the policy gives up.
    #[must_use]
    pub const fn rejections_max(&self) -> Option<u8> {
        self.rejections_max
    }

    /// How long a request for a credential may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout.to_duration()
    }

    /// How long before its end a credential is renewed, and the spread of that.
    #[must_use]
    pub const fn lead(&self) -> (Duration, Duration) {
        (self.lead.to_duration(), self.lead_spread.to_duration())
    }

    /// Whether a renewed credential is sent on the connection that is up.
    #[must_use]
    pub const fn in_band(&self) -> bool {
        self.in_band
    }
}

impl Default for CredentialConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}
