//! The choices that a config is made of.

use core::time::Duration;

use crate::error::ConfigError;
use crate::time::Micros;
use crate::words::words;

/// When a connection counts as established, which is when its attempt has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum Establish {
    /// When the transport is open: for protocols that say nothing of their own.
    OnOpen,
    /// When the protocol says so: READY, SETTINGS, CONNACK (F30, F91).
    OnReady,
}

words!(Establish {
    OnOpen => "on_open",
    OnReady => "on_ready",
});

/// When a credential is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum RefreshOn {
    /// After the server rejected it: once at once, then on the ladder.
    Auth,
    /// Before every dial.
    Dial,
    /// Never; a rejection is fatal.
    Never,
}

words!(RefreshOn {
    Auth => "auth",
    Dial => "dial",
    Never => "never",
});

/// What "the network went" does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnNetworkDown {
    /// No dial until it is back, and none is spent; what is connected stays.
    Park,
    /// The same, and what is connected is closed.
    Drop,
    /// The same as parking, and what is connected is asked for a sign of life at once, as after [`OnWake::Probe`]; without
    /// a running heartbeat there is nothing to ask with, and it is closed.
    Probe,
    /// Nothing.
    Ignore,
}

words!(OnNetworkDown {
    Park => "park",
    Drop => "drop",
    Probe => "probe",
    Ignore => "ignore",
});

/// What a sleep of the host does to a connection that was open through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnWake {
    /// It is not trusted: closed and dialled again, with the session kept.
    Redial,
    /// It is asked for a sign of life: a beat now, and dead unless it is answered within the time that a dial may take
    /// (Pusher's activity check). Without a running heartbeat there is nothing to ask with; then as [`Self::Redial`].
    Probe,
}

words!(OnWake {
    Redial => "redial",
    Probe => "probe",
});

/// What a move of the default route does to a connection that is open, and the network's return to one that was open while it
/// was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnNetworkChange {
    /// It is asked for a sign of life at once. Without a running heartbeat there is nothing to ask with; then as
    /// [`Self::Drop`].
    Probe,
    /// It is closed, with its session kept, and dialled anew at once.
    Drop,
    /// Nothing.
    Ignore,
}

words!(OnNetworkChange {
    Probe => "probe",
    Drop => "drop",
    Ignore => "ignore",
});

/// What the page's return does to a connection that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum OnVisible {
    /// Nothing.
    Nothing,
    /// It is asked for a sign of life at once: in the background it may have died unnoticed. Without a running heartbeat it
    /// is closed, with its session kept, and dialled anew at once.
    Probe,
}

words!(OnVisible {
    Nothing => "nothing",
    Probe => "probe",
});

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

impl CredentialConfig {
    /// Asked for after a rejection, at most 30 s for each request, renewed at the end of their time, sent with the next dial.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            refresh_on: RefreshOn::Auth,
            rejections_max: None,
            timeout: Micros::from_millis(30_000),
            lead: Micros::ZERO,
            lead_spread: Micros::ZERO,
            in_band: false,
        }
    }

    /// When a credential is asked for. Default [`RefreshOn::Auth`].
    #[must_use]
    pub const fn with_refresh_on(mut self, refresh_on: RefreshOn) -> Self {
        self.refresh_on = refresh_on;
        self
    }

    /// After how many rejections in a row of a renewed credential the policy gives up; 0: at the first. Default
    /// `None`: never, it goes on along the backoff, renewing before each dial.
    #[must_use]
    pub const fn with_rejections_max(mut self, rejections: Option<u8>) -> Self {
        self.rejections_max = rejections;
        self
    }

    /// How long a request for a credential may take; one that is not answered by then has failed, and is made again after a
    /// wait of the backoff. Default 30 s.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn with_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() {
            return Err(ConfigError::TimeoutZero);
        }
        self.timeout = Micros::from_duration(timeout);
        Ok(self)
    }

    /// How long before its end a credential that came with a time to live is renewed while online, and over how much more
    /// that is spread. A lead longer than the credential lives is half of that. Default: zero and zero.
    #[must_use]
    pub const fn with_lead(mut self, lead: Duration, spread: Duration) -> Self {
        self.lead = Micros::from_duration(lead);
        self.lead_spread = Micros::from_duration(spread);
        self
    }

    /// What [`Self::with_lead`] set.
    #[must_use]
    pub const fn lead(&self) -> (Duration, Duration) {
        (self.lead.to_duration(), self.lead_spread.to_duration())
    }

    /// Whether a renewed credential, asked for or not, is sent on the connection that is up, by
    /// [`Action::Authenticate`](crate::Action::Authenticate). Default false: the next dial uses it.
    #[must_use]
    pub const fn with_in_band(mut self, on: bool) -> Self {
        self.in_band = on;
        self
    }
}

impl Default for CredentialConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether and how sessions are resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumeConfig {
    pub(crate) enabled: bool,
    pub(crate) needs_sequence: bool,
    pub(crate) failures_max: u8,
    pub(crate) invalid_wait: (Micros, Micros),
    pub(crate) fallback_failures: u8,
    pub(crate) fallback_after: Micros,
}

impl ResumeConfig {
    /// On; with the sequence where the session has one; given up after 3 failed resumes in a row (carbon); 1 to 5 s before the fresh
    /// start that follows a refused session (Discord documentation of 2018-2022, F65); the session's endpoint is
    /// left after its first failed dial (twilight, F63).
    #[must_use]
    pub const fn new() -> Self {
        Self {
            enabled: true,
            needs_sequence: false,
            failures_max: 3,
            invalid_wait: (Micros::from_millis(1_000), Micros::from_millis(5_000)),
            fallback_failures: 1,
            fallback_after: Micros::ZERO,
        }
    }

    /// Every connection starts fresh; no session is kept.
    #[must_use]
    pub const fn disabled() -> Self {
        let mut config = Self::new();
        config.enabled = false;
        config
    }

    /// Whether a token without a sequence number can't be resumed. Default false: a session resumes with its sequence, and
    /// one that never had a number by its token alone. True for protocols that need both, such as Discord's gateway.
    #[must_use]
    pub const fn with_sequence_needed(mut self, needed: bool) -> Self {
        self.needs_sequence = needed;
        self
    }

    /// After how many resumes in a row that were sent and not granted the session is dropped. A connection that ended before
    /// its resume was sent does not count, nor does one that held although nobody confirmed the resume; a cursor begins the
    /// count anew. Default 3, range 1 to 255.
    ///
    /// # Errors
    /// [`ConfigError::ResumeFailuresZero`].
    pub const fn with_failures_max(mut self, failures: u8) -> Result<Self, ConfigError> {
        if failures == 0 {
            return Err(ConfigError::ResumeFailuresZero);
        }
        self.failures_max = failures;
        Ok(self)
    }

    /// The least wait before the fresh start that follows "session invalid", drawn in `[low, high)`. Default 1-5 s.
    ///
    /// # Errors
    /// [`ConfigError::RangeReversed`].
    pub const fn with_invalid_wait(mut self, low: Duration, high: Duration) -> Result<Self, ConfigError> {
        let (low, high) = (Micros::from_duration(low), Micros::from_duration(high));
        if low.0 > high.0 {
            return Err(ConfigError::RangeReversed);
        }
        self.invalid_wait = (low, high);
        Ok(self)
    }

    /// The session's own endpoint is left for the base endpoint after `failures` dials in a row that did not reach it
    /// and when the first of them is at least `after` ago; the session is kept (F63, F69, S50). Default 1 and zero;
    /// 0 failures means 1.
    #[must_use]
    pub const fn with_endpoint_fallback(mut self, failures: u8, after: Duration) -> Self {
        self.fallback_failures = if failures == 0 { 1 } else { failures };
        self.fallback_after = Micros::from_duration(after);
        self
    }
}

impl Default for ResumeConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// How subscriptions are restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestoreConfig {
    pub(crate) enabled: bool,
    pub(crate) batch: u16,
    pub(crate) interval: Micros,
    pub(crate) confirm_timeout: Option<Micros>,
    pub(crate) authenticate: bool,
}

impl RestoreConfig {
    /// On; batches of 50 (a third of the strictest limits in the field would still take it), no pause between them,
    /// no confirmation timeout, no authentication step.
    #[must_use]
    pub const fn new() -> Self {
        Self { enabled: true, batch: 50, interval: Micros::ZERO, confirm_timeout: None, authenticate: false }
    }

    /// Nothing is ever restored (F99).
    #[must_use]
    pub const fn disabled() -> Self {
        let mut config = Self::new();
        config.enabled = false;
        config
    }

    /// `batch` subscriptions at a time, `interval` apart, whether or not the earlier ones are confirmed.
    ///
    /// # Errors
    /// [`ConfigError::BatchZero`].
    pub const fn with_batches(mut self, batch: u16, interval: Duration) -> Result<Self, ConfigError> {
        if batch == 0 {
            return Err(ConfigError::BatchZero);
        }
        self.batch = batch;
        self.interval = Micros::from_duration(interval);
        Ok(self)
    }

    /// How long the server may take to answer a subscription, counted for each key from its send. After that it counts as
    /// refused for a while: it is sent again along the backoff. Ends with the connection. Default `None`: for ever, for
    /// protocols that never confirm.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn with_confirm_timeout(mut self, timeout: Option<Duration>) -> Result<Self, ConfigError> {
        self.confirm_timeout = match timeout {
            Some(timeout) if timeout.is_zero() => return Err(ConfigError::TimeoutZero),
            Some(timeout) => Some(Micros::from_duration(timeout)),
            None => None,
        };
        Ok(self)
    }

    /// What [`Self::with_confirm_timeout`] set.
    #[must_use]
    pub fn confirm_timeout(&self) -> Option<Duration> {
        self.confirm_timeout.map(Micros::to_duration)
    }

    /// Whether a new session must be authenticated before anything is restored (F92). Default false.
    #[must_use]
    pub const fn with_authentication(mut self, on: bool) -> Self {
        self.authenticate = on;
        self
    }
}

impl Default for RestoreConfig {
    fn default() -> Self {
        Self::new()
    }
}
