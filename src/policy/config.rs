//! The config of a policy: valid by construction, usable in a `const`, shared by any number of policies.

mod connection;
mod host;
mod outage;

use crate::backoff::BackoffConfig;
use crate::breaker;
use crate::builder::{Builder, builds};
use crate::classify::{Classifier, tables};
use crate::endpoints::EndpointsConfig;
use crate::error::ConfigError;
use crate::heartbeat::HeartbeatConfig;
use crate::mode::Mode;
use crate::ratio::Ratio;
use crate::time::Micros;

use super::options::{
    CredentialConfig, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RestoreConfig,
    ResumeConfig,
};

/// The config of a [`Policy`](crate::Policy): immutable, valid by construction and usable in a `const`.
///
/// A policy takes it from a [`ConfigSource`](crate::policy::ConfigSource): `&'static Config`, `Arc<Config>`, a `Config` by value,
/// or a type that is one config ([`fixed_config!`](crate::fixed_config)).
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, Config, Jitter, Ratio};
///
/// const BACKOFF: BackoffConfig =
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))
///         .jitter(Jitter::Full)
///         .build_const();
/// static CONFIG: Config = Config::new(BACKOFF).reset_after_stable(Duration::from_secs(30)).build_const();
/// # let _ = &CONFIG;
/// ```
#[doc(alias = "settings")]
#[doc(alias = "options")]
#[doc(alias = "timeout")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    pub(crate) backoff: BackoffConfig,
    pub(crate) classifier: Classifier,
    pub(crate) reset_after_stable: Micros,
    /// Whether it follows from the backoff's cap.
    pub(crate) stable_by_cap: bool,
    pub(crate) min_interval: Micros,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) max_elapsed: Option<Micros>,
    pub(crate) connect_timeout: Micros,
    pub(crate) connect_timeout_grows: bool,
    pub(crate) greeting_timeout: Option<Micros>,
    pub(crate) ready_timeout: Option<Micros>,
    pub(crate) greeting: bool,
    pub(crate) establish: Establish,
    pub(crate) retry_after_max: Micros,
    pub(crate) retry_after_spread: Ratio,
    pub(crate) resume: ResumeConfig,
    pub(crate) requested_spread: Option<Micros>,
    pub(crate) heartbeat: HeartbeatConfig,
    pub(crate) breaker: Option<breaker::Config>,
    pub(crate) restore: RestoreConfig,
    pub(crate) credential: CredentialConfig,
    pub(crate) on_network_down: OnNetworkDown,
    pub(crate) on_network_change: OnNetworkChange,
    pub(crate) on_visible: OnVisible,
    pub(crate) max_age: Option<Micros>,
    pub(crate) max_age_spread: Micros,
    pub(crate) max_hops: u8,
    pub(crate) network_spread: Micros,
    pub(crate) defer_while_hidden: bool,
    pub(crate) close_code: u16,
    pub(crate) initial_attempts: Option<u32>,
    pub(crate) initial_elapsed: Option<Micros>,
    pub(crate) wait_from_dial: bool,
    pub(crate) long_outage: Option<(Micros, BackoffConfig)>,
    pub(crate) restart_on_network_up: bool,
    pub(crate) on_wake: OnWake,
    pub(crate) endpoints: EndpointsConfig,
}

builds!(Config);

impl Config {
    /// A config with this backoff, and for everything else the defaults that each setting of the [`Builder`] states.
    pub const fn new(backoff: BackoffConfig) -> Builder<Self> {
        Builder::of(Self {
            backoff,
            classifier: const { Classifier::new(&tables::WEBSOCKET).build_const() },
            reset_after_stable: Micros::ZERO,
            stable_by_cap: true,
            min_interval: Micros::ZERO,
            max_attempts: None,
            max_elapsed: None,
            connect_timeout: Micros::from_millis(10_000),
            connect_timeout_grows: false,
            greeting_timeout: None,
            ready_timeout: None,
            greeting: false,
            establish: Establish::OnReady,
            retry_after_max: Micros::from_millis(300_000),
            retry_after_spread: Ratio::ONE,
            resume: ResumeConfig::DEFAULT,
            requested_spread: None,
            heartbeat: HeartbeatConfig::DEFAULT,
            breaker: None,
            restore: RestoreConfig::DEFAULT,
            credential: CredentialConfig::DEFAULT,
            on_network_down: OnNetworkDown::Park,
            on_network_change: OnNetworkChange::Probe,
            on_visible: OnVisible::Nothing,
            max_age: None,
            max_age_spread: Micros::ZERO,
            max_hops: 5,
            network_spread: Micros::ZERO,
            defer_while_hidden: true,
            close_code: 4000,
            initial_attempts: None,
            initial_elapsed: None,
            wait_from_dial: false,
            long_outage: None,
            restart_on_network_up: false,
            on_wake: OnWake::Redial,
            endpoints: EndpointsConfig::DEFAULT,
        })
    }

    /// Checks the config and derives what follows from its settings.
    const fn checked(mut self) -> Result<Self, ConfigError> {
        if self.stable_by_cap {
            self.reset_after_stable = stable_by(&self.backoff);
        }
        if self.min_interval.0 > Micros::DAY.0 {
            return Err(ConfigError::MinIntervalTooLong);
        }
        if self.connect_timeout.is_zero()
            || is_zero(self.greeting_timeout)
            || is_zero(self.ready_timeout)
            || is_zero(self.max_age)
        {
            return Err(ConfigError::TimeoutZero);
        }
        if let Some(age) = self.max_age {
            if self.max_age_spread.0 > age.0 {
                return Err(ConfigError::RangeReversed);
            }
        }
        if !matches!(self.close_code, 1002..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(ConfigError::CloseCode);
        }
        Ok(self)
    }

    /// The longest wait that a server can bring about.
    pub(crate) const fn longest_retry_after(&self) -> Micros {
        let longest = self.retry_after_max;
        // An appointment is spread over a quarter.
        longest.saturating_add(self.retry_after_spread.of(longest).max(Micros(longest.0 / 4)))
    }

    /// The minimum distance between dials that no failure separates: the first wait of the backoff that is not 0, or a second
    /// where all are (ably-js keeps immediate retries that far apart).
    pub(crate) const fn first_wait(&self) -> Micros {
        let first = self.backoff.initial();
        if first.is_zero() { Micros::from_millis(1_000) } else { first }
    }
}

const fn is_zero(timeout: Option<Micros>) -> bool {
    matches!(timeout, Some(timeout) if timeout.is_zero())
}

/// The cap of the backoff, clamped to 10 to 60 s. A connection that held as long as the longest wait is stable; a shorter time
/// than 10 s proves little, and with a long cap no connection should have to hold for hours.
const fn stable_by(backoff: &BackoffConfig) -> Micros {
    backoff.cap(Mode::Resume).max(Micros::from_millis(10_000)).min(Micros::from_millis(60_000))
}
