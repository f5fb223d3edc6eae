//! The retry budget: a share of the calls may be retries, and a few retries are allowed in any case.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::denied::Denied;
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros};
use crate::window::{Window, slot_width};

/// The config of a [`RetryBudget`]: how many retries it allows. Shared by any number of budgets.
///
/// ```
/// use redial::budget::RetryBudgetConfig;
/// use redial::Ratio;
///
/// // One retry for ten calls, and one a second in any case.
/// const CONFIG: RetryBudgetConfig =
///     RetryBudgetConfig::new().share(Ratio::new_const(1, 10)).reserve(1).build_const();
/// # let _ = CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryBudgetConfig {
    ttl: Micros,
    per_second: u32,
    share: Ratio,
}

builds!(RetryBudgetConfig);

impl RetryBudgetConfig {
    /// The largest share: 1000 retries for each call (Finagle, tower).
    pub const MAX_SHARE: u32 = 1_000;

    /// One retry for five calls, ten a second in any case, both forgotten after 10 s (the defaults of Finagle and
    /// tower).
    pub const DEFAULT: Self =
        Self { ttl: Micros::from_millis(10_000), per_second: 10, share: Ratio::new_const(1, 5) };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        const MOST: Ratio = Ratio::new_const(RetryBudgetConfig::MAX_SHARE, 1);
        if self.ttl.0 < 1_000_000 || self.ttl.0 > 60_000_000 {
            return Err(ConfigError::BudgetTtl);
        }
        if MOST.is_below(self.share) {
            return Err(ConfigError::ShareRange);
        }
        Ok(self)
    }
}

impl Builder<RetryBudgetConfig> {
    /// How long a deposit can be spent and a withdrawal counts, up to a tenth longer; 1 to 60 s (the limits of Finagle and tower).
    /// Default: 10 s. To change it for a budget in use, replace the budget too.
    ///
    /// # Errors
    /// [`ConfigError::BudgetTtl`].
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.config.ttl = Micros::from_duration(ttl);
        self
    }

    /// The retries a second that need no deposit, summed over the time to live: 10 a second and 10 s are 100 retries in any 10 s. It
    /// serves callers that have just started or rarely call. Default: 10; with 0 every retry needs deposits.
    pub const fn reserve(mut self, per_second: u32) -> Self {
        self.config.per_second = per_second;
        self
    }

    /// The retries for one call, 0 to [`RetryBudgetConfig::MAX_SHARE`], exact for every ratio. Default: 1/5; 0: only the
    /// reserve.
    ///
    /// # Errors
    /// [`ConfigError::ShareRange`].
    pub const fn share(mut self, share: Ratio) -> Self {
        self.config.share = share;
        self
    }
}

impl RetryBudgetConfig {
    /// How long a deposit can be spent and a withdrawal counts.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        self.ttl.to_duration()
    }

    /// The retries a second that need no deposit.
    #[must_use]
    pub const fn reserve(&self) -> u32 {
        self.per_second
    }

    /// The retries for one call.
    #[must_use]
    pub const fn share(&self) -> Ratio {
        self.share
    }

    /// A call deposits the numerator of the share and a retry costs the denominator, without rounding. A share of 0 is 0/1.
    fn deposit(&self) -> i64 {
        i64::from(self.share.numerator())
    }

    fn cost(&self) -> i64 {
        i64::from(self.share.denominator())
    }

    fn reserved(&self) -> i64 {
        let retries = u64::from(self.per_second).saturating_mul(self.ttl.0) / 1_000_000;
        i64::try_from(retries).unwrap_or(i64::MAX).saturating_mul(self.cost())
    }

    const fn width(&self) -> Micros {
        slot_width(self.ttl)
    }
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A budget of retries for any number of connections: within the time to live, at most the reserve plus a share of the calls. A
/// service that is down then gets its calls times (1 + share), and not times the attempts of each client.
///
/// [`deposit`](Self::deposit) for each first attempt, and not for retries. [`withdraw`](Self::withdraw) **when a retry is decided,
/// before its backoff begins**, and not when it is dialled, so that waiting retries are counted (envoy#30205 overshot because they
/// were not). A token is never returned.
///
/// With a reserve, every refusal ends with time. Without one only calls bring tokens, and a connection that is down makes none:
/// [`withdraw`](Self::withdraw) refuses it until others deposit. Such a connection uses
/// [`withdraw_after`](Self::withdraw_after).
///
/// The arithmetic is that of Finagle's `RetryBudget` and tower's `TpsBudget`, with exact shares. After a clock ran backwards (see
/// [`Instant`]), nothing expires early. The size is 96 bytes.
///
/// ```
/// use redial::Instant;
/// use redial::budget::{RetryBudget, RetryBudgetConfig};
///
/// const CONFIG: RetryBudgetConfig = RetryBudgetConfig::new().reserve(0).build_const();
/// let mut budget = RetryBudget::new();
/// let now = Instant::ZERO;
///
/// for _ in 0..5 {
///     budget.deposit(&CONFIG, now);
/// }
/// assert!(budget.withdraw(&CONFIG, now).is_ok());
/// assert!(budget.withdraw(&CONFIG, now).is_err());
/// ```
#[doc(alias = "retry")]
#[doc(alias = "token bucket")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RetryBudget {
    /// The deposits minus the withdrawals.
    moves: Window<i64>,
}

const _: () = assert!(size_of::<RetryBudget>() <= 96);

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

impl RetryBudget {
    /// A budget with its reserve and without deposits.
    #[must_use]
    pub const fn new() -> Self {
        Self { moves: Window::new(0) }
    }

    /// Counts a call, which is a first attempt.
    pub fn deposit(&mut self, config: &RetryBudgetConfig, now: Instant) {
        self.put(config, now, config.deposit());
    }

    /// Takes the token of one retry.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the time at which to ask again.
    pub fn withdraw(&mut self, config: &RetryBudgetConfig, now: Instant) -> Result<(), Denied> {
        self.moves.advance(now, config.width());
        let cost = config.cost();
        let mut sum = self.sum(config);
        if sum >= cost {
            self.put(config, now, cost.saturating_neg());
            return Ok(());
        }
        let until = (1..).zip(self.moves.slots()).find_map(|(steps, slot)| {
            sum = sum.saturating_sub(slot);
            (sum >= cost).then(|| self.moves.forgotten_at(steps, config.width()))
        });
        Err(Denied { until })
    }

    /// As [`withdraw`](Self::withdraw), for a connection that must not be refused indefinitely. If only a deposit would help, and
    /// `waited`, the time since the last dial, is at least `longest`, a free retry is granted. For `longest` take the cap of the
    /// connection's backoff, so that each connection exceeds the budget by at most one retry in this time.
    ///
    /// # Errors
    /// [`Denied`], always with the time at which to ask again.
    pub fn withdraw_after(
        &mut self,
        config: &RetryBudgetConfig,
        now: Instant,
        waited: Duration,
        longest: Duration,
    ) -> Result<(), Denied> {
        match self.withdraw(config, now) {
            Err(Denied { until: None }) if waited >= longest => Ok(()),
            Err(Denied { until: None }) => {
                // Not as a `Duration`, whose difference the compiler can't prove to be free of panics.
                let left = Micros::from_duration(longest).saturating_sub(Micros::from_duration(waited));
                Err(Denied { until: Some(now.after(left.max(Micros(1)))) })
            }
            answer => answer,
        }
    }

    /// The number of retries that can be withdrawn at `now`.
    #[must_use]
    pub fn balance(&self, config: &RetryBudgetConfig, now: Instant) -> u64 {
        let mut at = self.clone();
        at.moves.advance(now, config.width());
        let retries = at.sum(config).checked_div(config.cost()).unwrap_or(0);
        u64::try_from(retries).unwrap_or(0)
    }

    fn put(&mut self, config: &RetryBudgetConfig, now: Instant, amount: i64) {
        self.moves.advance(now, config.width());
        if let Some(slot) = self.moves.newest() {
            *slot = slot.saturating_add(amount);
        }
    }

    fn sum(&self, config: &RetryBudgetConfig) -> i64 {
        self.moves.slots().fold(config.reserved(), i64::saturating_add)
    }
}
