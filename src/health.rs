//! How a connection fares: what a dashboard shows and what an alarm is about. It watches and never decides.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros, OptInstant};
use crate::window::{Window, slot_width};
use crate::words::words;

/// The upper ends of the first eight classes of [`Recoveries::histogram`], each inclusive; the ninth has none.
///
/// 1, 2, 5, 10, 30, 60, 120 and 300 s: the alert's 30 s, the longest wait of the usual backoff (60 s) and the alert's
/// window (5 min) are ends, so that each can be read off (all three from the WebsockexAdapter guide).
pub const RECOVERY_BOUNDS: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
];

/// From when on [`Health`] raises an alert. Built in a `const`, shared by any number of them.
///
/// ```
/// use core::time::Duration;
/// use redial::health::HealthConfig;
/// use redial::Ratio;
///
/// const CONFIG: HealthConfig = HealthConfig::new()
///     .failure_rate(Ratio::new_const(1, 2), 10)
///     .average_recovery(Duration::from_secs(60))
///     .build_const();
/// # let _ = CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HealthConfig {
    width: Micros,
    failure_rate: Ratio,
    min_attempts: u32,
    average_recovery: Micros,
}

builds!(HealthConfig);

impl HealthConfig {
    /// More than 10 % failed attempts in 5 minutes, or recoveries of more than 30 s on average in that time: the alerts
    /// that the WebsockexAdapter guide "Troubleshooting Reconnection" asks for.
    pub const DEFAULT: Self = Self {
        width: slot_width(Micros::from_millis(300_000)),
        failure_rate: Ratio::new_const(1, 10),
        min_attempts: 1,
        average_recovery: Micros::from_millis(30_000),
    };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        if self.width.is_zero() {
            return Err(ConfigError::WindowZero);
        }
        if self.failure_rate.is_above_one() {
            return Err(ConfigError::ShareRange);
        }
        Ok(self)
    }
}

impl Builder<HealthConfig> {
    /// Over how long both alerts look back; up to a tenth more, to be exact, because the window moves in ten steps.
    /// Default: 5 min.
    ///
    /// # Errors
    /// [`ConfigError::WindowZero`].
    pub const fn window(mut self, window: Duration) -> Self {
        self.config.width = slot_width(Micros::from_duration(window));
        self
    }

    /// The share of failed attempts, 0 to 1, above which an alert is raised, once there were `min_attempts` in the
    /// window. Default: 1/10 and 1, with which the first failure after a time without any is an alert.
    ///
    /// # Errors
    /// [`ConfigError::ShareRange`].
    pub const fn failure_rate(mut self, above: Ratio, min_attempts: u32) -> Self {
        self.config.failure_rate = above;
        self.config.min_attempts = min_attempts;
        self
    }

    /// The average time to recover above which an alert is raised. Default: 30 s.
    pub const fn average_recovery(mut self, above: Duration) -> Self {
        self.config.average_recovery = Micros::from_duration(above);
        self
    }
}

impl HealthConfig {
    /// The share of failed attempts above which an alert is raised, and from how many attempts on.
    #[must_use]
    pub const fn failure_rate(&self) -> (Ratio, u32) {
        (self.failure_rate, self.min_attempts)
    }

    /// The average time to recover above which an alert is raised.
    #[must_use]
    pub const fn average_recovery(&self) -> Duration {
        self.average_recovery.to_duration()
    }
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How a connection fares, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HealthStatus {
    /// Nothing is wrong: connected, or not wanted.
    Ok,
    /// An alert is raised, or the connection was lost and no attempt has ended yet.
    Degraded,
    /// An attempt failed, and none has succeeded since. Waiting and dialling again don't change that (    /// gRPC A62).
    Failing,
}

words!(HealthStatus {
    Ok => "ok",
    Degraded => "degraded",
    Failing => "failing",
});

/// The alerts that are raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Alerts {
    /// Too many attempts failed.
    pub failure_rate: bool,
    /// Recoveries took too long on average.
    pub slow_recovery: bool,
}

impl Alerts {
    /// Whether one is raised.
    #[must_use]
    pub const fn any(self) -> bool {
        self.failure_rate || self.slow_recovery
    }
}

/// The times to recover, from the loss of an established connection to the next one, without the time in which nothing
/// could be tried ([`Health::paused`], [`Health::slept`]). They survive every reconnect and saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Recoveries {
    /// How many.
    pub count: u32,
    /// All together.
    pub sum: Duration,
    /// The longest.
    pub max: Duration,
    /// How many took at most [`RECOVERY_BOUNDS`] and more than the bound before; the last: longer than all bounds.
    pub histogram: [u32; RECOVERY_BOUNDS.len() + 1],
}

/// What [`Health::report`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HealthReport {
    /// In one word.
    pub status: HealthStatus,
    /// The alerts that are raised.
    pub alerts: Alerts,
    /// Failed attempts in the window.
    pub failed: u32,
    /// Attempts in the window.
    pub attempts: u32,
    /// All recoveries so far.
    pub recoveries: Recoveries,
    /// For how long the connection has been established; `None` if it is not.
    ///
    pub uptime: Option<Duration>,
    /// For how long the one before was established; `None` when there was none.
    pub last_uptime: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Slot {
    failed: u32,
    attempts: u32,
    recoveries: u32,
    recovery_micros: u64,
}

/// The health of one connection, or of what serves as one. It is used beside a policy and takes events: attempts that
/// ended, losses, stops, and the time in which nothing could be tried. The policy does not know it.
///
/// A recovery says how long the service and the client took. While the page is hidden, the network is down, a precondition
/// or a credential is missing, or the host is asleep, neither can do anything: a night in a hidden tab is no slow
/// recovery. Beside a policy, such time is [`Phase::Parked`](crate::Phase::Parked).
///
/// An attempt succeeds when its session is established (ready, CONNACK), not when the socket is open. A stop by the
/// user is neither a loss nor a failure.
///
/// Times come from the clock that is passed in; one that ran backwards makes a time shorter, never negative, and
/// forgets nothing early. 392 bytes.
///
/// ```
/// use core::time::Duration;
/// use redial::Instant;
/// use redial::health::{Health, HealthConfig, HealthStatus};
///
/// const CONFIG: HealthConfig = HealthConfig::DEFAULT;
/// let mut health = Health::new();
///
/// health.attempt_succeeded(&CONFIG, Instant::from_millis(100));
/// health.lost(Instant::from_millis(60_100));
/// health.attempt_failed(&CONFIG, Instant::from_millis(61_100));
/// assert_eq!(health.report(&CONFIG, Instant::from_millis(62_000)).status, HealthStatus::Failing);
///
/// health.attempt_succeeded(&CONFIG, Instant::from_millis(63_100));
/// let report = health.report(&CONFIG, Instant::from_millis(65_100));
/// assert_eq!(report.recoveries.max, Duration::from_secs(3));
/// assert_eq!(report.uptime, Some(Duration::from_secs(2)));
/// assert_eq!(report.last_uptime, Some(Duration::from_secs(60)));
/// assert!(report.alerts.failure_rate, "one of three in five minutes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Health {
    window: Window<Slot>,
    recoveries: Recoveries,
    up_since: OptInstant,
    /// When the connection was lost, later by the time since then in which nothing could be tried.
    lost_at: OptInstant,
    /// Since when nothing can be tried.
    paused_at: OptInstant,
    last_uptime: Option<Duration>,
    failing: bool,
}

const _: () = assert!(size_of::<Health>() <= 392);

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Nothing happened.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            window: Window::new(Slot { failed: 0, attempts: 0, recoveries: 0, recovery_micros: 0 }),
            recoveries: Recoveries {
                count: 0,
                sum: Duration::ZERO,
                max: Duration::ZERO,
                histogram: [0; RECOVERY_BOUNDS.len() + 1],
            },
            up_since: OptInstant::NONE,
            lost_at: OptInstant::NONE,
            paused_at: OptInstant::NONE,
            last_uptime: None,
            failing: false,
        }
    }

    /// An attempt ended with an established connection. After a loss, that is a recovery.
    pub fn attempt_succeeded(&mut self, config: &HealthConfig, now: Instant) {
        self.window.advance(now, config.width);
        let recovered = self.recovered(now);
        if let Some(slot) = self.window.newest() {
            count(&mut slot.attempts);
            if let Some(took) = recovered {
                count(&mut slot.recoveries);
                slot.recovery_micros = slot.recovery_micros.saturating_add(took.0);
            }
        }
        if let Some(took) = recovered {
            self.recoveries.add(took.to_duration());
        }
        self.failing = false;
        // Established again without a loss before, which the caller forgot to report: the uptime starts over all the same.
        self.end_uptime(now);
        self.up_since = OptInstant::at(now);
    }

    /// An attempt ended without one.
    pub fn attempt_failed(&mut self, config: &HealthConfig, now: Instant) {
        self.window.advance(now, config.width);
        if let Some(slot) = self.window.newest() {
            count(&mut slot.attempts);
            count(&mut slot.failed);
        }
        self.failing = true;
    }

    /// From now on nothing can be tried, until [`unpaused`](Self::unpaused): this time is no time of a recovery. It may be
    /// told while the connection is up, too; said twice, the first counts.
    pub const fn paused(&mut self, now: Instant) {
        if !self.paused_at.is_some() {
            self.paused_at = OptInstant::at(now);
        }
    }

    /// Something can be tried again. Without a pause it changes nothing.
    pub fn unpaused(&mut self, now: Instant) {
        if let Some(paused_at) = self.paused_at.get() {
            self.paused_at = OptInstant::NONE;
            self.leave_out(paused_at, now);
        }
    }

    /// The host was asleep for `gap` until now, and the clock that is passed in went on meanwhile: this time is no time of
    /// a recovery either. Where the clock stood still, there is nothing to tell. Within a pause it is left out once.
    pub fn slept(&mut self, now: Instant, gap: Duration) {
        let fell_asleep = now.as_micros().saturating_sub(Micros::from_duration(gap).0);
        let fell_asleep = Instant::from_micros(fell_asleep);
        self.leave_out(fell_asleep, self.paused_at.get().unwrap_or(now));
    }

    /// The established connection is lost. Without one it changes nothing: the end of an attempt is no loss.
    pub const fn lost(&mut self, now: Instant) {
        if self.up_since.is_some() {
            self.end_uptime(now);
            self.lost_at = OptInstant::at(now);
        }
    }

    /// The user stopped it: nothing is failing, nothing is to be recovered from, and the counters stay.
    pub const fn stopped(&mut self, now: Instant) {
        self.end_uptime(now);
        self.lost_at = OptInstant::NONE;
        self.failing = false;
    }

    /// How it fares at `now`.
    #[must_use]
    pub fn report(&self, config: &HealthConfig, now: Instant) -> HealthReport {
        let mut window = self.window.clone();
        window.advance(now, config.width);
        let seen = window.slots().fold(Slot::default(), |sum, slot| Slot {
            failed: sum.failed.saturating_add(slot.failed),
            attempts: sum.attempts.saturating_add(slot.attempts),
            recoveries: sum.recoveries.saturating_add(slot.recoveries),
            recovery_micros: sum.recovery_micros.saturating_add(slot.recovery_micros),
        });
        let alerts = Alerts {
            failure_rate: seen.attempts >= config.min_attempts
                && u64::from(seen.failed).saturating_mul(config.failure_rate.denominator().into())
                    > u64::from(seen.attempts).saturating_mul(config.failure_rate.numerator().into()),
            slow_recovery: Micros(seen.recovery_micros)
                > config.average_recovery.saturating_mul(seen.recoveries.into()),
        };
        let status = if self.failing {
            HealthStatus::Failing
        } else if alerts.any() || self.lost_at.is_some() {
            HealthStatus::Degraded
        } else {
            HealthStatus::Ok
        };
        HealthReport {
            status,
            alerts,
            failed: seen.failed,
            attempts: seen.attempts,
            recoveries: self.recoveries,
            uptime: self.up_since.get().map(|since| now.saturating_duration_since(since)),
            last_uptime: self.last_uptime,
        }
    }

    /// How long the recovery took that ends now.
    fn recovered(&mut self, now: Instant) -> Option<Micros> {
        let until = self.paused_at.get().map_or(now, |paused_at| paused_at.min(now));
        let lost_at = self.lost_at.get()?;
        self.lost_at = OptInstant::NONE;
        Some(until.since(lost_at))
    }

    /// What lies between these two is no time of the recovery under way.
    fn leave_out(&mut self, from: Instant, to: Instant) {
        self.lost_at = self.lost_at.map(|lost_at| lost_at.after(to.since(from.max(lost_at))));
    }

    const fn end_uptime(&mut self, now: Instant) {
        if let Some(since) = self.up_since.get() {
            self.up_since = OptInstant::NONE;
            self.last_uptime = Some(now.saturating_duration_since(since));
        }
    }
}

impl Recoveries {
    fn add(&mut self, took: Duration) {
        count(&mut self.count);
        self.sum = self.sum.saturating_add(took);
        self.max = self.max.max(took);
        let class = RECOVERY_BOUNDS.iter().take_while(|bound| took > **bound).count();
        if let Some(counter) = self.histogram.get_mut(class) {
            count(counter);
        }
    }
}

const fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
