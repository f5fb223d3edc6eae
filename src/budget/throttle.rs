//! Two throttles on retries: gRPC's token count, and the adaptive one of the SRE book.

use core::time::Duration;

use rand_core::Rng;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros};
use crate::window::{Window, slot_width};

/// The config of a [`Throttle`]: how many failures it takes, and how fast it recovers.
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
    /// The largest number of tokens (gRPC A6).
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

    /// The largest number of tokens, in thousandths.
    #[must_use]
    pub const fn max_millitokens(&self) -> u32 {
        self.max
    }

    /// What a success adds, in thousandths of a token.
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

/// The retry throttle of gRPC A6, one for each server. A failure takes a token, a success adds a fraction of one, and no retry is
/// permitted while half of them or fewer are left.
///
/// It limits *retries* only. First attempts are always made, or it would not learn of a success. A failure is an outcome that would
/// be retried, or that the server says must not be (A6).
///
/// **Calls and connections.** A client makes calls all the time, whose first attempts bring the tokens back, so that
/// [`permits`](Self::permits) is enough for retries of calls. A connection that is down makes only retries. If no other shares its
/// throttle, nothing brings a token back, and `permits` never allows another dial: use
/// [`permits_after`](Self::permits_after) for a connection.
///
/// The size is 4 bytes.
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
#[doc(alias = "retry throttling")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Throttle {
    /// In thousandths.
    tokens: u32,
}

impl Throttle {
    /// A throttle with all its tokens.
    #[must_use]
    pub const fn new(config: &ThrottleConfig) -> Self {
        Self { tokens: config.max }
    }

    /// Whether the retry of a call is permitted: more than half of the tokens are left. For a connection, see
    /// [`permits_after`](Self::permits_after).
    #[must_use]
    pub const fn permits(&self, config: &ThrottleConfig) -> bool {
        self.tokens > config.max / 2
    }

    /// Whether another dial of a connection is permitted: more than half of the tokens are left, or `waited`, the time since the last
    /// dial, is at least `longest`. Each connection is then dialled at least once in `longest`, and learns that the server is back.
    ///
    /// For `longest` take the cap of the connection's backoff, since a server that is down is dialled so often without a throttle. A
    /// refused dial is permitted `longest - waited` from now at the latest. A `longest` of zero permits every dial.
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

    /// An attempt succeeded.
    pub const fn success(&mut self, config: &ThrottleConfig) {
        let tokens = self.tokens.saturating_add(config.per_success);
        self.tokens = if tokens > config.max { config.max } else { tokens };
    }

    /// An attempt failed.
    pub const fn failure(&mut self) {
        self.tokens = self.tokens.saturating_sub(MILLI);
    }

    /// The tokens, in thousandths.
    #[must_use]
    pub const fn millitokens(&self) -> u32 {
        self.tokens
    }
}

/// The config of an [`AdaptiveThrottle`].
///
/// ```
/// use core::time::Duration;
/// use redial::Ratio;
/// use redial::budget::AdaptiveThrottleConfig;
///
/// // Refuses by itself what is above one and a half times of what the server took in the last minute.
/// const CONFIG: AdaptiveThrottleConfig = AdaptiveThrottleConfig::new()
///     .window(Duration::from_secs(60))
///     .multiplier(Ratio::new_const(3, 2))
///     .build_const();
/// assert_eq!(CONFIG.multiplier(), Ratio::new_const(3, 2));
/// ```
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
    /// The window in which requests and accepts are counted, up to a tenth longer. Default: 2 min.
    ///
    /// # Errors
    /// [`ConfigError::WindowZero`].
    pub const fn window(mut self, window: Duration) -> Self {
        self.config.width = slot_width(Micros::from_duration(window));
        self
    }

    /// How many requests for each accepted one always pass, at least 1. A lower number throttles sooner; a higher one asks the server
    /// more often whether it is back. Default: 2.
    ///
    /// # Errors
    /// [`ConfigError::FactorBelowOne`].
    pub const fn multiplier(mut self, multiplier: Ratio) -> Self {
        self.config.multiplier = multiplier;
        self
    }
}

impl AdaptiveThrottleConfig {
    /// How many requests for each accepted one always pass.
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

/// The adaptive throttle of the SRE book, which refuses requests before they are sent, with the probability
/// `max(0, (requests - K × accepts) / (requests + 1))`, K being the multiplier.
///
/// Every request counts when it asks, before it is sent, and whether or not it passes. A throttle that counted answers only would let
/// a burst pass.
///
/// The probability stays below 1, so no caller is refused indefinitely: with n requests in the window and none accepted, one in
/// n + 1 passes. A connection alone that goes on asking is dialled about once in a window, every two minutes by default.
///
/// After a clock ran backwards (see [`Instant`]), nothing expires early. The size is 96 bytes.
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
    /// The requests and the accepts.
    seen: Window<(u32, u32)>,
}

const _: () = assert!(size_of::<AdaptiveThrottle>() <= 96);

impl Default for AdaptiveThrottle {
    fn default() -> Self {
        Self::new()
    }
}

impl AdaptiveThrottle {
    /// A throttle without requests, which lets every request pass.
    #[must_use]
    pub const fn new() -> Self {
        Self { seen: Window::new((0, 0)) }
    }

    /// Whether a request may be sent. It is counted either way. Takes one draw from `rng`, and none while every request passes.
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

    /// The server accepted a request, whatever its result: it was not overloaded.
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
