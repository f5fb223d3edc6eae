//! Several endpoints of one service: which to dial first and next, and what is remembered of each.

#[cfg(feature = "serde")]
mod serial;
mod stored;

use core::time::Duration;

use rand_core::Rng;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::uniform;
use crate::time::{Instant, Micros};
use crate::words::words;

/// The endpoint that a round begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of the configuration")]
pub enum EndpointOrder {
    /// Endpoint 0, whatever its failures; then the others, the least failed first (Ably RTN17).
    PrimaryFirst,
    /// The least failed one, drawn among equals (async-nats).
    LeastFailed,
}

words!(EndpointOrder {
    PrimaryFirst => "primary_first",
    LeastFailed => "least_failed",
});

/// The config of [`Endpoints`]: in which order they are dialled. Shared by any number of them.
///
/// ```
/// use core::time::Duration;
/// use redial::endpoints::{EndpointOrder, EndpointsConfig};
///
/// const CONFIG: EndpointsConfig = EndpointsConfig::new()
///     .order(EndpointOrder::LeastFailed)
///     .gap(Duration::from_millis(50), Duration::from_millis(150))
///     .build_const();
/// # let _ = CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointsConfig {
    order: EndpointOrder,
    gap: (Micros, Micros),
    sticky: Micros,
    half_life: Micros,
}

builds!(EndpointsConfig);

impl EndpointsConfig {
    /// The defaults that each setting states.
    pub const DEFAULT: Self = Self {
        order: EndpointOrder::PrimaryFirst,
        gap: (Micros::from_millis(100), Micros::from_millis(400)),
        sticky: Micros::from_millis(600_000),
        half_life: Micros::from_millis(60_000),
    };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.gap.0.0 > self.gap.1.0 {
            return Err(ConfigError::RangeReversed);
        }
        if self.half_life.is_zero() {
            return Err(ConfigError::WindowZero);
        }
        Ok(self)
    }
}

impl Builder<EndpointsConfig> {
    /// The endpoint that a round begins with. Default: [`EndpointOrder::PrimaryFirst`].
    pub const fn order(mut self, order: EndpointOrder) -> Self {
        self.config.order = order;
        self
    }

    /// The wait between two endpoints of one round, drawn from `[low, high)`, so that clients don't move on in lockstep
    /// (nats.java#1586). Default: 100 to 400 ms, on average the 250 ms and never less than the 100 ms
    /// that RFC 8305 recommends between two addresses. Two zeros: no wait.
    ///
    /// # Errors
    /// [`ConfigError::RangeReversed`].
    pub const fn gap(mut self, low: Duration, high: Duration) -> Self {
        self.config.gap = (Micros::from_duration(low), Micros::from_duration(high));
        self
    }

    /// For how long rounds begin with an endpoint that succeeded before they return to the configured order.
    /// Default: 10 min (Ably RSC15f). Zero: not at all.
    pub const fn sticky(mut self, sticky: Duration) -> Self {
        self.config.sticky = Micros::from_duration(sticky);
        self
    }

    /// The half-life of the failures, at least 1 µs. One failure is forgotten after five half-lives, and any number of them after
    /// eight. Default: 1 min, with which one failure is remembered for at most 5 min (libsignal).
    ///
    /// # Errors
    /// [`ConfigError::WindowZero`].
    pub const fn half_life(mut self, half_life: Duration) -> Self {
        self.config.half_life = Micros::from_duration(half_life);
        self
    }
}

impl EndpointsConfig {
    /// Which endpoint a round begins with.
    #[must_use]
    pub const fn order(&self) -> EndpointOrder {
        self.order
    }

    /// The range of the wait between two endpoints of one round. [`Self::draw_gap`] draws one.
    #[must_use]
    pub const fn gap(&self) -> (Duration, Duration) {
        (self.gap.0.to_duration(), self.gap.1.to_duration())
    }

    /// For how long rounds begin with an endpoint that succeeded.
    #[must_use]
    pub const fn sticky(&self) -> Duration {
        self.sticky.to_duration()
    }

    /// After how long failures count half.
    #[must_use]
    pub const fn half_life(&self) -> Duration {
        self.half_life.to_duration()
    }

    /// Draws the wait before the next endpoint of a round. One draw, and none when the range is one value.
    pub fn draw_gap<R: Rng + ?Sized>(&self, rng: &mut R) -> Duration {
        let (low, high) = self.gap;
        if low == high { low.to_duration() } else { uniform(rng, low, high).to_duration() }
    }
}

impl Default for EndpointsConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The endpoints of one service, numbered from 0. The caller knows the URL or address of each number.
///
/// **One attempt is one round.** [`begin_round`](Self::begin_round) returns the endpoint to dial first, and
/// [`failed`](Self::failed) the one to dial next, after a [`gap`](EndpointsConfig::draw_gap), until the round is over. A round dials
/// each endpoint at most once. The backoff waits between rounds, and a round counts as one attempt.
///
/// * **Order**: see [`EndpointOrder`]. Ties are drawn, so that clients with different seeds spread.
/// * **No network**: such an error says nothing about an endpoint. It ends the round, and no failure is counted.
/// * **Sticky**: an endpoint that succeeded goes first for a while, from its first success on and until it fails. Afterwards a
///   live connection stays, and the next round begins in the configured order.
/// * **Memory**: a success clears the failures of its endpoint, age halves them, and [`forget`](Self::forget) clears everything,
///   for a new network or after a long sleep.
///
/// After a clock ran backwards, nothing is kept for longer than if it happened now.
///
/// There are two implementations: [`SingleEndpoint`], which costs nothing, and [`FixedEndpoints`].
///
/// ```
/// use redial::endpoints::{Endpoints, EndpointsConfig, FixedEndpoints};
/// use redial::{Instant, SplitMix64};
///
/// const CONFIG: EndpointsConfig = EndpointsConfig::DEFAULT;
/// let mut rng = SplitMix64::new(7);
/// let mut endpoints = FixedEndpoints::<2>::new(2)?;
/// let now = Instant::ZERO;
///
/// assert_eq!(endpoints.begin_round(&CONFIG, now, &mut rng), 0);
/// assert_eq!(endpoints.failed(&CONFIG, now, &mut rng), Some(1));
/// endpoints.succeeded(&CONFIG, now);
///
/// // For ten minutes the fallback goes first, then the primary does again.
/// assert_eq!(endpoints.begin_round(&CONFIG, Instant::from_millis(599_999), &mut rng), 1);
/// assert_eq!(endpoints.begin_round(&CONFIG, Instant::from_millis(600_000), &mut rng), 0);
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[doc(alias = "failover")]
#[doc(alias = "fallback")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not walk several endpoints",
    note = "pass a `FixedEndpoints::<N>::new(count)?`; a policy without `with_endpoints` has the one of `SingleEndpoint`"
)]
pub trait Endpoints {
    /// Begins a round and ends the one before. Returns the endpoint to dial. At most one draw.
    fn begin_round<R: Rng + ?Sized>(&mut self, config: &EndpointsConfig, now: Instant, rng: &mut R) -> u8;

    /// The endpoint of the present dial, or of the next one between dials; 0 before the first round.
    #[must_use]
    fn current(&self) -> u8;

    /// The dial of [`current`](Self::current) failed; call this once for each failure. Returns the next endpoint of the round, which
    /// becomes the current one, or `None` if the round is over. At most one draw.
    fn failed<R: Rng + ?Sized>(&mut self, config: &EndpointsConfig, now: Instant, rng: &mut R) -> Option<u8>;

    /// The dial of [`current`](Self::current) failed for a reason that concerns every endpoint, such as a missing network. The round
    /// is over, and no failure is counted.
    fn end_round(&mut self);

    /// The connection to [`current`](Self::current) has ended, and the next round is to begin with another endpoint, because this one
    /// asked for a reconnect or its connections don't hold. Counts as a failed dial; the next round begins with the least failed
    /// of the others, drawn among equals.
    fn leave(&mut self, config: &EndpointsConfig, now: Instant);

    /// Whether there is more than one endpoint.
    #[must_use]
    fn several(&self) -> bool;

    /// The dial of [`current`](Self::current) succeeded: the session is established, not only the socket open.
    fn succeeded(&mut self, config: &EndpointsConfig, now: Instant);

    /// Forgets every failure and success, and returns whether there was one. The round continues.
    fn forget(&mut self) -> bool;
}

/// A single endpoint, in no bytes, no instructions and no draws. Its number is 0, and each round is one dial.
///
/// ```
/// use redial::endpoints::{Endpoints, SingleEndpoint};
/// use redial::{Policy, SplitMix64, presets};
///
/// // What a policy has unless it is given several.
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let one: &SingleEndpoint = policy.endpoints();
/// assert_eq!((one.current(), one.several()), (0, false));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "made by the caller; it holds nothing")]
pub struct SingleEndpoint;

impl Endpoints for SingleEndpoint {
    fn begin_round<R: Rng + ?Sized>(&mut self, _: &EndpointsConfig, _: Instant, _: &mut R) -> u8 {
        0
    }

    fn current(&self) -> u8 {
        0
    }

    fn failed<R: Rng + ?Sized>(&mut self, _: &EndpointsConfig, _: Instant, _: &mut R) -> Option<u8> {
        None
    }

    fn end_round(&mut self) {}

    fn leave(&mut self, _: &EndpointsConfig, _: Instant) {}

    fn several(&self) -> bool {
        false
    }

    fn succeeded(&mut self, _: &EndpointsConfig, _: Instant) {}

    fn forget(&mut self) -> bool {
        false
    }
}

/// Up to `N` endpoints, in place. The size is 24 bytes plus two for each.
///
/// ```
/// use redial::endpoints::{Endpoints, FixedEndpoints};
/// use redial::{Cause, Event, Instant, Policy, SplitMix64, presets};
///
/// const URLS: [&str; 3] = ["wss://a.example", "wss://b.example", "wss://c.example"];
///
/// let mut policy =
///     Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)).with_endpoints(FixedEndpoints::<3>::new(3)?);
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// assert_eq!(URLS[usize::from(policy.endpoints().current())], "wss://a.example");
///
/// // It does not answer: another one is tried, after a short gap and in the same attempt.
/// let epoch = policy.epoch().expect("dialling");
/// let now = Instant::from_millis(50);
/// let _gap = policy.handle_event(now, Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None });
/// let due = policy.poll_timeout().expect("a gap");
/// let _open = policy.handle_timeout(due);
/// assert_ne!(policy.endpoints().current(), 0);
/// assert_eq!(policy.explain().attempt, 1);
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "serial::Unchecked<N>")
)]
pub struct FixedEndpoints<const N: usize> {
    /// When the failures were halved last.
    halved_at: Instant,
    /// Until when `sticky` goes first.
    sticky_until: Instant,
    /// The failures in sixteenths, so that halving distinguishes an old failure from a new one and from none; at most 16 failures.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::array::serialize"))]
    failures: [u8; N],
    /// The endpoints that were dialled in this round.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::array::serialize"))]
    tried: [bool; N],
    count: u8,
    current: u8,
    sticky: u8,
    /// Whether the current endpoint is not to begin the next round.
    left: bool,
}

const _: () = assert!(size_of::<FixedEndpoints<2>>() <= 24);

/// One failure.
const FAILURE: u8 = 16;

impl<const N: usize> FixedEndpoints<N> {
    /// `count` endpoints without failures or successes: 1 to `N`, at most 255.
    ///
    /// # Errors
    /// [`ConfigError::EndpointCount`].
    pub const fn new(count: u8) -> Result<Self, ConfigError> {
        if count == 0 || count as usize > N {
            return Err(ConfigError::EndpointCount);
        }
        Ok(Self {
            halved_at: Instant::ZERO,
            sticky_until: Instant::ZERO,
            failures: [0; N],
            tried: [true; N],
            count,
            current: 0,
            sticky: 0,
            left: false,
        })
    }

    /// The same for a constant.
    ///
    /// # Panics
    /// Where [`new`](Self::new) is an error: at compile time in a `const`.
    #[must_use]
    #[track_caller]
    #[expect(clippy::panic, reason = "a wrong constant must not compile; input cannot reach this")]
    pub const fn new_const(count: u8) -> Self {
        match Self::new(count) {
            Ok(endpoints) => endpoints,
            Err(error) => panic!("{}", error.as_str()),
        }
    }

    /// The number of endpoints.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// The endpoints not tried in this round, with their failures.
    fn untried(&self) -> impl Iterator<Item = (u8, u8)> {
        let known = (0..self.count).zip(self.failures).zip(self.tried);
        known.filter(|(_, tried)| !tried).map(|(endpoint, _)| endpoint)
    }

    fn least_failed<R: Rng + ?Sized>(&self, rng: &mut R) -> Option<u8> {
        let least = self.untried().map(|(_, failures)| failures).min()?;
        let equals = || self.untried().filter(|(_, failures)| *failures == least).map(|(index, _)| index);
        let many = equals().count();
        // The jitter's draw serves for any range of integers.
        let drawn = if many > 1 { uniform(rng, Micros::ZERO, Micros(many as u64)).0 } else { 0 };
        equals().nth(usize::try_from(drawn).unwrap_or(0))
    }

    fn go(&mut self, index: u8) -> u8 {
        self.set_tried(index, true);
        self.left = false;
        self.current = index;
        index
    }

    fn set_tried(&mut self, index: u8, on: bool) {
        if let Some(tried) = self.tried.get_mut(usize::from(index)) {
            *tried = on;
        }
    }

    /// Counts a failure of the current endpoint, which no longer goes first.
    fn blame(&mut self, config: &EndpointsConfig, now: Instant) {
        self.decay(config, now);
        if let Some(failures) = self.failures.get_mut(usize::from(self.current)) {
            *failures = failures.saturating_add(FAILURE);
        }
        if self.sticky == self.current {
            self.sticky_until = Instant::ZERO;
        }
    }

    /// Halves the failures for each half-life that has passed.
    fn decay(&mut self, config: &EndpointsConfig, now: Instant) {
        self.halved_at = self.halved_at.min(now);
        let times = now.since(self.halved_at).0.checked_div(config.half_life.0).unwrap_or(0);
        let shift = u32::try_from(times).unwrap_or(u32::MAX);
        for failures in &mut self.failures {
            *failures = failures.checked_shr(shift).unwrap_or(0);
        }
        self.halved_at = self.halved_at.after(config.half_life.saturating_mul(times));
    }

    /// Whether `sticky` goes first.
    fn is_sticky(&mut self, config: &EndpointsConfig, now: Instant) -> bool {
        self.sticky_until = self.sticky_until.min(now.after(config.sticky));
        now < self.sticky_until
    }
}

impl<const N: usize> Endpoints for FixedEndpoints<N> {
    fn begin_round<R: Rng + ?Sized>(&mut self, config: &EndpointsConfig, now: Instant, rng: &mut R) -> u8 {
        self.decay(config, now);
        self.tried.fill(false);
        if self.left {
            let left = self.current;
            self.set_tried(left, true);
            let other = self.least_failed(rng);
            self.set_tried(left, false);
            return self.go(other.unwrap_or(0));
        }
        let first = if self.is_sticky(config, now) {
            self.sticky
        } else {
            match config.order {
                EndpointOrder::PrimaryFirst => 0,
                EndpointOrder::LeastFailed => self.least_failed(rng).unwrap_or(0),
            }
        };
        self.go(first)
    }

    fn current(&self) -> u8 {
        self.current
    }

    fn failed<R: Rng + ?Sized>(&mut self, config: &EndpointsConfig, now: Instant, rng: &mut R) -> Option<u8> {
        self.blame(config, now);
        let primary = config.order == EndpointOrder::PrimaryFirst && self.tried.first() == Some(&false);
        let next = if primary { Some(0) } else { self.least_failed(rng) };
        next.map(|index| self.go(index))
    }

    fn end_round(&mut self) {
        self.tried.fill(true);
    }

    fn leave(&mut self, config: &EndpointsConfig, now: Instant) {
        self.blame(config, now);
        self.left = true;
    }

    fn several(&self) -> bool {
        self.count > 1
    }

    fn succeeded(&mut self, config: &EndpointsConfig, now: Instant) {
        if let Some(failures) = self.failures.get_mut(usize::from(self.current)) {
            *failures = 0;
        }
        // A fallback that flaps must not keep the primary waiting without end: its time is not extended.
        if !(self.is_sticky(config, now) && self.sticky == self.current) {
            self.sticky = self.current;
            self.sticky_until = now.after(config.sticky);
        }
    }

    fn forget(&mut self) -> bool {
        let had = self.left || self.failures != [0; N] || self.sticky_until != Instant::ZERO;
        self.left = false;
        self.failures = [0; N];
        self.sticky_until = Instant::ZERO;
        had
    }
}
