//! What a policy is told once: valid by construction, `const`, shared by as many policies as you like.

use core::time::Duration;

use crate::backoff::BackoffConfig;
use crate::breaker;
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

/// Everything a [`Policy`](crate::Policy) is told: immutable, valid by construction and usable in a `const`.
///
/// It stands beside the policies, not in them: `&'static Config`, `Arc<Config>` or a `Config` by value, whatever
/// implements `Borrow<Config>`; or a [`Lean`](crate::policy::Lean), for policies with fewer parts.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, Config, Jitter, Ratio, valid};
///
/// const LADDER: BackoffConfig = valid(
///     valid(BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)))
///         .with_jitter(Jitter::Full),
/// );
/// static CONFIG: Config = Config::new(LADDER).with_reset_after_stable(Duration::from_secs(30));
/// # let _ = &CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    pub(crate) backoff: BackoffConfig,
    pub(crate) classifier: Classifier,
    pub(crate) reset_after_stable: Micros,
    /// It follows from the backoff's cap.
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

impl Config {
    /// This ladder, and for everything else the defaults that each `with_*` method states.
    #[must_use]
    pub const fn new(backoff: BackoffConfig) -> Self {
        Self {
            backoff,
            classifier: Classifier::new(&tables::WEBSOCKET),
            reset_after_stable: stable_by(&backoff),
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
            retry_after_spread: Ratio::ZERO,
            resume: ResumeConfig::new(),
            requested_spread: None,
            heartbeat: HeartbeatConfig::new(),
            breaker: None,
            restore: RestoreConfig::new(),
            credential: CredentialConfig::new(),
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
            endpoints: EndpointsConfig::new(),
        }
    }

    /// With this ladder of waits.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: BackoffConfig) -> Self {
        self.backoff = backoff;
        if self.stable_by_cap {
            self.reset_after_stable = stable_by(&backoff);
        }
        self
    }

    /// What the causes mean. Default: the `websocket` table, unknown causes transient.
    #[must_use]
    pub const fn with_classifier(mut self, classifier: Classifier) -> Self {
        self.classifier = classifier;
        self
    }

    /// How long an established connection must hold until its outage is over and the backoff resets. Default: the cap of the
    /// backoff, at least 10 s and at most 60 s. Zero, at once, lets a server that accepts and drops keep you at the first
    /// wait; where that is 0, the least is the first that is not, or 1 s.
    #[must_use]
    pub const fn with_reset_after_stable(mut self, held: Duration) -> Self {
        self.reset_after_stable = Micros::from_duration(held);
        self.stable_by_cap = false;
        self
    }

    /// The default of [`Self::with_reset_after_stable`], for a config made from one that has another.
    #[must_use]
    pub const fn with_stability_by_cap(mut self) -> Self {
        self.reset_after_stable = stable_by(&self.backoff);
        self.stable_by_cap = true;
        self
    }

    /// The least time between two dials, whatever asks for them; at most a day. Default zero.
    ///
    /// # Errors
    /// [`ConfigError::MinIntervalTooLong`].
    pub const fn with_min_interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        let interval = Micros::from_duration(interval);
        if interval.0 > Micros::DAY.0 {
            return Err(ConfigError::MinIntervalTooLong);
        }
        self.min_interval = interval;
        Ok(self)
    }

    /// At most so many dials in one outage; 0: the first loss is final. Default: no limit.
    #[must_use]
    pub const fn with_max_attempts(mut self, attempts: Option<u32>) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// No wait may end later than this after the outage began. Default: no limit.
    #[must_use]
    pub const fn with_max_elapsed(mut self, elapsed: Option<Duration>) -> Self {
        self.max_elapsed = match elapsed {
            Some(elapsed) => Some(Micros::from_duration(elapsed)),
            None => None,
        };
        self
    }

    /// Other limits for the time until the first connection after a start is established (F38, lifecycle 29): at most so
    /// many dials (1: the first failure is final), and none that would begin later than so long after the start.
    /// Default `None` and `None`: the same limits as for any outage.
    #[must_use]
    pub const fn with_initial_limits(mut self, attempts: Option<u32>, elapsed: Option<Duration>) -> Self {
        self.initial_attempts = attempts;
        self.initial_elapsed = match elapsed {
            Some(elapsed) => Some(Micros::from_duration(elapsed)),
            None => None,
        };
        self
    }

    /// Whether the wait after a failed attempt counts from the attempt's beginning, as gRPC's does, and not from its
    /// failure (lifecycle 8): an attempt that took longer than its wait is followed at once. With several endpoints it
    /// counts from the last dial of the round. Default false.
    #[must_use]
    pub const fn with_wait_from_dial(mut self, on: bool) -> Self {
        self.wait_from_dial = on;
        self
    }

    /// Another ladder for an outage that has lasted `after` (lifecycle 94; Ably's SUSPENDED). Give it a jitter: a fleet
    /// enters it together. Default: none.
    #[must_use]
    pub const fn with_long_outage(mut self, after: Duration, ladder: BackoffConfig) -> Self {
        self.long_outage = Some((Micros::from_duration(after), ladder));
        self
    }

    /// How several endpoints are walked.
    #[must_use]
    pub const fn with_endpoints(mut self, endpoints: EndpointsConfig) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// How long a dial may take until the transport is open (F11). Default 10 s (twilight, python websockets).
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::TimeoutZero);
        }
        self.connect_timeout = Micros::from_duration(timeout);
        Ok(self)
    }

    /// Whether a dial may take as long as the wait that would follow it, before jitter, where that is longer than the
    /// [connect timeout](Self::with_connect_timeout): gRPC's `max(20 s, backoff)` (lifecycle 9). Default false.
    #[must_use]
    pub const fn with_connect_timeout_growing(mut self, on: bool) -> Self {
        self.connect_timeout_grows = on;
        self
    }

    /// Wait for a greeting before anything is sent, at most this long (F12, F73). `None`: as long as a dial may take.
    /// Default: no greeting is expected.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn with_greeting(mut self, timeout: Option<Duration>) -> Result<Self, ConfigError> {
        self.greeting = true;
        match Self::timeout(timeout) {
            Ok(timeout) => self.greeting_timeout = timeout,
            Err(error) => return Err(error),
        }
        Ok(self)
    }

    /// How long the server may take to establish or resume the session (F13). `None`, the default: as long as the
    /// heartbeat finds the connection alive (F90: in an outage of the service, stay), and without a heartbeat as long
    /// as a dial may take.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn with_ready_timeout(mut self, timeout: Option<Duration>) -> Result<Self, ConfigError> {
        match Self::timeout(timeout) {
            Ok(timeout) => self.ready_timeout = timeout,
            Err(error) => return Err(error),
        }
        Ok(self)
    }

    /// The least distance between dials that no failure explains: the first wait of the ladder that is not 0, or a second
    /// where all are (ably-js keeps immediate retries that far apart; lifecycle 12).
    pub(super) const fn first_wait(&self) -> Micros {
        let first = self.backoff.initial();
        if first.is_zero() { Micros::from_millis(1_000) } else { first }
    }

    const fn timeout(timeout: Option<Duration>) -> Result<Option<Micros>, ConfigError> {
        match timeout {
            Some(timeout) if timeout.is_zero() => Err(ConfigError::TimeoutZero),
            Some(timeout) => Ok(Some(Micros::from_duration(timeout))),
            None => Ok(None),
        }
    }

    /// When an attempt has succeeded. Default [`Establish::OnReady`].
    #[must_use]
    pub const fn with_establish(mut self, establish: Establish) -> Self {
        self.establish = establish;
        self
    }

    /// The longest wait a server may ask for; a longer one is cut to this and counted (S40). Default 300 s.
    #[must_use]
    pub const fn with_retry_after_max(mut self, longest: Duration) -> Self {
        self.retry_after_max = Micros::from_duration(longest);
        self
    }

    /// Spreads the wait that a server asked for upwards, over this share of it. Default 0: obeyed exactly. Take 1 for a
    /// fleet: a constant `Retry-After` that everybody obeys to the second brings the whole herd back at once (measured:
    /// 28 to 41 attempts a client against 5.5 to 11 with a share of 1).
    #[must_use]
    pub const fn with_retry_after_spread(mut self, share: Ratio) -> Self {
        self.retry_after_spread = share;
        self
    }

    /// Whether and how sessions are resumed.
    #[must_use]
    pub const fn with_resume(mut self, resume: ResumeConfig) -> Self {
        self.resume = resume;
        self
    }

    /// When a server asks a stable session to reconnect, dial within this window instead of climbing the ladder
    /// (F22). `Some(ZERO)`: at once. Default `None`: wait as after any loss. A session is stable here when it held
    /// for [`Self::with_reset_after_stable`] and at least for the first wait of the ladder, so that a server can't
    /// make a client spin (S35).
    #[must_use]
    pub const fn with_requested_spread(mut self, spread: Option<Duration>) -> Self {
        self.requested_spread = match spread {
            Some(spread) => Some(Micros::from_duration(spread)),
            None => None,
        };
        self
    }

    /// How a connection is kept alive and found dead.
    #[must_use]
    pub const fn with_heartbeat(mut self, heartbeat: HeartbeatConfig) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// A breaker over the attempts of this policy. Default: none.
    #[must_use]
    pub const fn with_breaker(mut self, breaker: Option<breaker::Config>) -> Self {
        self.breaker = breaker;
        self
    }

    /// How subscriptions are restored.
    #[must_use]
    pub const fn with_restore(mut self, restore: RestoreConfig) -> Self {
        self.restore = restore;
        self
    }

    /// When credentials are asked for, and what becomes of them.
    #[must_use]
    pub const fn with_credential(mut self, credential: CredentialConfig) -> Self {
        self.credential = credential;
        self
    }

    /// What the network's coming and going does. After it came back a dial is spread over `spread`. Default
    /// [`OnNetworkDown::Park`] and zero.
    #[must_use]
    pub const fn with_network(mut self, on_down: OnNetworkDown, spread: Duration) -> Self {
        self.on_network_down = on_down;
        self.network_spread = Micros::from_duration(spread);
        self
    }

    /// Whether the network's return starts a dial that is under way anew: it may have been begun on the network that is
    /// gone (lifecycle 34, Ably RTN20c). Default false.
    #[must_use]
    pub const fn with_restart_on_network_up(mut self, on: bool) -> Self {
        self.restart_on_network_up = on;
        self
    }

    /// What a sleep of the host does to an open connection (lifecycle 39). Default [`OnWake::Redial`].
    #[must_use]
    pub const fn with_on_wake(mut self, on_wake: OnWake) -> Self {
        self.on_wake = on_wake;
        self
    }

    /// What a move of the default route does to an open connection, and the network's return to one that was open while it was
    /// down. Default [`OnNetworkChange::Probe`].
    #[must_use]
    pub const fn with_on_network_change(mut self, on_change: OnNetworkChange) -> Self {
        self.on_network_change = on_change;
        self
    }

    /// What the page's return does to an open connection. Default [`OnVisible::Nothing`].
    #[must_use]
    pub const fn with_on_visible(mut self, on_visible: OnVisible) -> Self {
        self.on_visible = on_visible;
        self
    }

    /// After how long a connection is replaced, as by [`Event::Redial`](crate::Event::Redial), drawn up to `spread` earlier and
    /// never later: connections of one age would end together. Default: never.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`] for an age of zero; [`ConfigError::RangeReversed`] for a spread above the age.
    pub const fn with_max_age(
        mut self,
        age: Option<Duration>,
        spread: Duration,
    ) -> Result<Self, ConfigError> {
        let spread = Micros::from_duration(spread);
        self.max_age = match age {
            Some(age) if age.is_zero() => return Err(ConfigError::TimeoutZero),
            Some(age) => Some(Micros::from_duration(age)),
            None => None,
        };
        if let Some(age) = self.max_age {
            if spread.0 > age.0 {
                return Err(ConfigError::RangeReversed);
            }
        }
        self.max_age_spread = spread;
        Ok(self)
    }

    /// How many endpoints that servers name are followed in one outage; 0: none. Default 5.
    #[must_use]
    pub const fn with_redirects(mut self, hops: u8) -> Self {
        self.max_hops = hops;
        self
    }

    /// Whether dials wait until a hidden page is visible again. Default true; a host without pages never says
    /// "hidden".
    #[must_use]
    pub const fn with_defer_while_hidden(mut self, on: bool) -> Self {
        self.defer_while_hidden = on;
        self
    }

    /// The code to close with when the session is to be resumed. Default 4000 (twilight); never 1000 or 1001, which
    /// end a session (F70, S54). Browsers take only 3000 to 4999.
    ///
    /// # Errors
    /// [`ConfigError::CloseCode`].
    pub const fn with_close_code(mut self, code: u16) -> Result<Self, ConfigError> {
        if !matches!(code, 1002..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(ConfigError::CloseCode);
        }
        self.close_code = code;
        Ok(self)
    }
}

/// The cap of the backoff, 10 to 60 s: a connection that held as long as the longest wait is worth a fresh start, a fleet's
/// should not wait for hours, and a second proves nothing.
const fn stable_by(backoff: &BackoffConfig) -> Micros {
    backoff.cap(Mode::Resume).max(Micros::from_millis(10_000)).min(Micros::from_millis(60_000))
}
