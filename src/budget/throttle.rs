//! Two throttles on retries: gRPC's token count, and the adaptive one of the SRE book.

use core::time::Duration;

use rand_core::Rng;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros};
use crate::window::{Window, slot_width};

/// How many failures a [`Throttle`] takes, and how fast it recovers. Built in a `const`.
///
/// ```
/// use redial::budget::ThrottleConfig;
/// use redial::Ratio;
///
/// // The example of gRPC A6.
/// const CONFIG: ThrottleConfig = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
/// # let _ = CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThrottleConfig {
    /// In thousandths.
    max: u32,
    /// In thousandths.
    per_success: u32,
}

builds!(ThrottleConfig);

impl ThrottleConfig {
    /// Most tokens that may be configured (gRPC A6).
    pub const MAX_TOKENS: u16 = 1_000;

    /// At most `tokens` (1 to [`ThrottleConfig::MAX_TOKENS`]), and `ratio` for each success: more than 0, cut to three
    /// decimals, as gRPC A6 says.
    ///
    /// # Errors
    /// [`ConfigError::ThrottleTokens`]; [`ConfigError::ShareRange`] when nothing is left of the ratio, or it is above
    /// the number of tokens.
    pub const fn new(tokens: u16, ratio: Ratio) -> Builder<Self> {
        let max = (tokens as u32).saturating_mul(MILLI);
        let thousandths = (ratio.numerator() as u64).saturating_mul(MILLI as u64);
        let per_success = match thousandths.checked_div(ratio.denominator() as u64) {
            Some(thousandths) if thousandths <= max as u64 => thousandths as u32,
            _ => 0,
        };
        Builder::of(Self { max, per_success })
    }

    /// The most tokens, in thousandths.
    #[must_use]
    pub const fn max_millitokens(&self) -> u32 {
        self.max
    }

    /// What a success brings, in thousandths of a token.
    #[must_use]
    pub const fn millitokens_per_success(&self) -> u32 {
        self.per_success
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.max == 0 || self.max > MILLI.saturating_mul(Self::MAX_TOKENS as u32) {
            return Err(ConfigError::ThrottleTokens);
        }
        if self.per_success == 0 {
            return Err(ConfigError::ShareRange);
        }
        Ok(self)
    }
}

/// One token.
const MILLI: u32 = 1_000;

/// gRPC A6's retry throttle, one for each server: a failure takes a token, a success brings a fraction of one, and
/// nobody retries while half of them or less are left.
///
/// It says whether to *retry*; first attempts are always made, or it would never learn of a success. A failure here is
/// an outcome that would be retried, or a server's word that it must not be (A6).
///
/// **Calls and connections.** A client makes calls all the time, so their first attempts bring the tokens back, and
/// [`permits`](Self::permits) is all that their retries need. A connection that is down has only retries. Where no other
/// shares its throttle, nothing brings a token back, and `permits` never lets it dial again: ask
/// [`permits_after`](Self::permits_after) for a connection.
///
/// 4 bytes.
///
/// ```
/// use redial::budget::{Throttle, ThrottleConfig};
/// use redial::Ratio;
///
/// const CONFIG: ThrottleConfig = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
/// let mut throttle = Throttle::new(&CONFIG);
/// for _ in 0..5 {
///     throttle.failure();
/// }
/// assert!(!throttle.permits(&CONFIG));
/// throttle.success(&CONFIG);
/// assert!(throttle.permits(&CONFIG));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Throttle {
    /// In thousandths.
    tokens: u32,
}

impl Throttle {
    /// With all its tokens.
    #[must_use]
    pub const fn new(config: &ThrottleConfig) -> Self {
        Self { tokens: config.max }
    }

    /// Whether the retry of a call may be made: more than half of the tokens are there. For a connection, see
    /// [`permits_after`](Self::permits_after).
    #[must_use]
    pub const fn permits(&self, config: &ThrottleConfig) -> bool {
        self.tokens > config.max / 2
    }

    /// Whether a connection may be dialled again: more than half of the tokens are there, or `waited`, the time since its
    /// last dial, is at least `longest`. So each connection is dialled at least once in `longest`, and learns that the
    /// server is back.
    ///
    /// Take the cap of the connection's backoff for `longest`: this is how often a server that is down is dialled
    /// without a throttle. A refused dial is let through `longest - waited` from now at the latest, whatever the tokens
    /// are. A `longest` of zero permits everything.
    ///
    /// ```
    /// use core::time::Duration;
    /// use redial::budget::{Throttle, ThrottleConfig};
    /// use redial::Ratio;
    ///
    /// const CONFIG: ThrottleConfig = ThrottleConfig::new(10, Ratio::new_const(1, 10)).build_const();
    /// const CAP: Duration = Duration::from_secs(30);
    /// let mut throttle = Throttle::new(&CONFIG);
    /// for _ in 0..5 {
    ///     throttle.failure();
    /// }
    /// assert!(!throttle.permits_after(&CONFIG, Duration::from_secs(16), CAP));
    /// assert!(throttle.permits_after(&CONFIG, Duration::from_secs(30), CAP));
    /// ```
    #[must_use]
    pub const fn permits_after(&self, config: &ThrottleConfig, waited: Duration, longest: Duration) -> bool {
        self.permits(config) || waited.as_nanos() >= longest.as_nanos()
    }

    /// Something succeeded.
    pub const fn success(&mut self, config: &ThrottleConfig) {
        let tokens = self.tokens.saturating_add(config.per_success);
        self.tokens = if tokens > config.max { config.max } else { tokens };
    }

    /// Something failed.
    pub const fn failure(&mut self) {
        self.tokens = self.tokens.saturating_sub(MILLI);
    }

    /// The tokens, in thousandths.
    #[must_use]
    pub const fn millitokens(&self) -> u32 {
        self.tokens
    }
}

/// How an [`AdaptiveThrottle`] weighs what it saw. Built in a `const`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdaptiveThrottleConfig {
    width: Micros,
    multiplier: Ratio,
}

builds!(AdaptiveThrottleConfig);

impl AdaptiveThrottleConfig {
    /// Two minutes, and a multiplier of 2 (Google, *Site Reliability Engineering*, "Handling Overload").
    pub const DEFAULT: Self =
        Self { width: slot_width(Micros::from_millis(120_000)), multiplier: Ratio::TWO };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.width.is_zero() {
            return Err(ConfigError::WindowZero);
        }
        if self.multiplier.is_below_one() {
            return Err(ConfigError::FactorBelowOne);
        }
        Ok(self)
    }
}

impl Builder<AdaptiveThrottleConfig> {
    /// Over how long requests and accepts are counted; up to a tenth more, to be exact. Default: 2 min.
    ///
    /// # Errors
    /// [`ConfigError::WindowZero`].
    pub const fn window(mut self, window: Duration) -> Self {
        self.config.width = slot_width(Micros::from_duration(window));
        self
    }

    /// How many requests for each accepted one pass freely, at least 1. Lower throttles sooner; higher lets the server
    /// be asked more often whether it is back. Default: 2.
    ///
    /// # Errors
    /// [`ConfigError::FactorBelowOne`].
    pub const fn multiplier(mut self, multiplier: Ratio) -> Self {
        self.config.multiplier = multiplier;
        self
    }
}

impl AdaptiveThrottleConfig {
    /// How many requests for each accepted one pass freely.
    #[must_use]
    pub const fn multiplier(&self) -> Ratio {
        self.multiplier
    }
}

impl Default for AdaptiveThrottleConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The adaptive throttle of the SRE book: requests are refused here, before they are sent, with the probability
/// `max(0, (requests - K × accepts) / (requests + 1))`, K being the multiplier.
///
/// Every request counts at the moment it asks, before it is sent and whether it is let through or not:
/// those in flight are requests too, and a throttle that counted answers would let a burst through.
///
/// The probability stays below 1, so no caller is refused indefinitely: with n requests in the window and none accepted, one in
/// n + 1 passes. A connection alone that goes on asking is dialled about once in a window, every two minutes by default.
///
/// 96 bytes. Clock: see [`Instant`]; a rewind forgets nothing early.
///
/// ```
/// use redial::budget::{AdaptiveThrottle, AdaptiveThrottleConfig};
/// use redial::{Instant, SplitMix64};
///
/// const CONFIG: AdaptiveThrottleConfig = AdaptiveThrottleConfig::DEFAULT;
/// let mut rng = SplitMix64::new(7);
/// let mut throttle = AdaptiveThrottle::new();
/// let now = Instant::ZERO;
///
/// if throttle.admit(&CONFIG, now, &mut rng) {
///     // Send it; and when the server takes it:
///     throttle.accepted(&CONFIG, now);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdaptiveThrottle {
    /// Requests and accepts.
    seen: Window<(u32, u32)>,
}

const _: () = assert!(size_of::<AdaptiveThrottle>() <= 96);

impl Default for AdaptiveThrottle {
    fn default() -> Self {
        Self::new()
    }
}

impl AdaptiveThrottle {
    /// Nothing was seen: everything passes.
    #[must_use]
    pub const fn new() -> Self {
        Self { seen: Window::new((0, 0)) }
    }

    /// Whether a request may be sent; it is counted either way. Takes one draw from `rng`, and none while everything
    /// passes.
    #[must_use]
    pub fn admit<R: Rng + ?Sized>(
        &mut self,
        config: &AdaptiveThrottleConfig,
        now: Instant,
        rng: &mut R,
    ) -> bool {
        self.seen.advance(now, config.width);
        let (excess, of) = self.rejection(config);
        // The draw is in [0, 2^32): refused when draw / 2^32 < excess / of. No product exceeds 2^105.
        let admitted =
            excess == 0 || u128::from(rng.next_u32()).saturating_mul(of) >= excess.saturating_mul(1 << 32);
        if let Some((requests, _)) = self.seen.newest() {
            *requests = requests.saturating_add(1);
        }
        admitted
    }

    /// The server took a request, whatever became of it then: it was not overloaded.
    pub fn accepted(&mut self, config: &AdaptiveThrottleConfig, now: Instant) {
        self.seen.advance(now, config.width);
        if let Some((_, accepts)) = self.seen.newest() {
            *accepts = accepts.saturating_add(1);
        }
    }

    /// The probability of a refusal as a fraction.
    fn rejection(&self, config: &AdaptiveThrottleConfig) -> (u128, u128) {
        let (requests, accepts) = self.seen.slots().fold((0_u64, 0_u64), |(requests, accepts), slot| {
            (requests.saturating_add(slot.0.into()), accepts.saturating_add(slot.1.into()))
        });
        let scaled = |count: u64, by: u32| u128::from(count).saturating_mul(by.into());
        let (num, den) = (config.multiplier.numerator(), config.multiplier.denominator());
        let excess = scaled(requests, den).saturating_sub(scaled(accepts, num));
        (excess, scaled(requests.saturating_add(1), den))
    }
}
