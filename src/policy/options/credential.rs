//! The config of credentials.

use core::time::Duration;

use super::RefreshOn;
use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::time::Micros;

/// When credentials are requested and how they are renewed.
///
/// ```
/// use core::time::Duration;
/// use redial::policy::{CredentialConfig, RefreshOn};
///
/// // Tokens of a few minutes: a fresh one for each dial, and a minute before its end for the connection that is up.
/// const CONFIG: CredentialConfig = CredentialConfig::new()
///     .refresh_on(RefreshOn::Dial)
///     .lead(Duration::from_secs(60), Duration::from_secs(10))
///     .in_band(true)
///     .build_const();
/// assert_eq!(CONFIG.timeout(), Duration::from_secs(30));
/// ```
#[doc(alias = "token")]
#[doc(alias = "authentication")]
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
    /// Requested after a rejection, with 30 s for each request; renewed when they expire; used by the next dial.
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
    /// When a credential is requested. Default [`RefreshOn::Auth`].
    pub const fn refresh_on(mut self, refresh_on: RefreshOn) -> Self {
        self.config.refresh_on = refresh_on;
        self
    }

    /// After how many rejections in a row of renewed credentials the policy gives up; 0: at the first. Default `None`: never; it
    /// renews the credential before each dial, with the waits of the backoff.
    pub const fn rejections_max(mut self, rejections: Option<u8>) -> Self {
        self.config.rejections_max = rejections;
        self
    }

    /// How long a request for a credential may take. After that it has failed, and is repeated after a wait of the backoff.
    /// Default 30 s.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = Micros::from_duration(timeout);
        self
    }

    /// How long before its end a credential with a time to live is renewed while online, and how much earlier at random. If the
    /// lead is longer than the time to live, the credential is renewed after half of that. Default: zero and zero.
    pub const fn lead(mut self, lead: Duration, spread: Duration) -> Self {
        self.config.lead = Micros::from_duration(lead);
        self.config.lead_spread = Micros::from_duration(spread);
        self
    }

    /// Whether a renewed credential is sent on the live connection, by [`Action::Authenticate`](crate::Action::Authenticate). Default
    /// false: the next dial uses it.
    pub const fn in_band(mut self, on: bool) -> Self {
        self.config.in_band = on;
        self
    }
}

impl CredentialConfig {
    /// When a credential is requested.
    #[must_use]
    pub const fn refresh_on(&self) -> RefreshOn {
        self.refresh_on
    }

    /// After how many rejections in a row of renewed credentials the policy gives up.
    #[must_use]
    pub const fn rejections_max(&self) -> Option<u8> {
        self.rejections_max
    }

    /// How long a request for a credential may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout.to_duration()
    }

    /// How long before its end a credential is renewed, and how much earlier at random.
    #[must_use]
    pub const fn lead(&self) -> (Duration, Duration) {
        (self.lead.to_duration(), self.lead_spread.to_duration())
    }

    /// Whether a renewed credential is sent on the live connection.
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
