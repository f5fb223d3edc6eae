//! The health of a connection, for dashboards and alerts. It observes and decides nothing.

use core::time::Duration;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Instant, Micros, OptInstant};
use crate::window::{Window, slot_width};
use crate::words::words;

/// The upper ends of the first eight classes of [`Recoveries::histogram`], each inclusive; the ninth has none.
///
/// They are 1, 2, 5, 10, 30, 60, 120 and 300 s. The alert's 30 s, the longest wait of the usual backoff (60 s) and the alert's
/// window (5 min), all from the WebsockexAdapter guide, are among them, so that each can be read off.
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

/// The config of [`Health`]: when it raises an alert. Shared by any number of them.
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
    /// Alerts for more than 10 % failed attempts in 5 minutes, and for recoveries of more than 30 s on average in that time, as in
    /// the WebsockexAdapter guide "Troubleshooting Reconnection".
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
    /// The window of both alerts. It moves in ten steps, so that it may be up to a tenth longer. Default: 5 min.
    ///
    /// # Errors
    /// [`ConfigError::WindowZero`].
    pub const fn window(mut self, window: Duration) -> Self {
        self.config.width = slot_width(Micros::from_duration(window));
        self
    }

    /// The share of failed attempts, 0 to 1, above which an alert is raised, if there are `min_attempts` in the window. Default:
    /// 1/10 and 1, so that a single failed attempt raises it.
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

/// The health of a connection in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HealthStatus {
    /// Connected, or not to be connected.
    Ok,
    /// An alert is raised, or the connection was lost and no attempt has ended yet.
    Degraded,
    /// An attempt failed, and none has succeeded since. Waiting and dialling again don't change that (gRPC A62).
    Failing,
}

words!(HealthStatus {
    Ok => "ok",
    Degraded => "degraded",
    Failing => "failing",
});

/// The alerts that are raised.
///
/// ```
/// use redial::Instant;
/// use redial::health::{Health, HealthConfig};
///
/// let mut health = Health::new();
/// health.attempt_failed(&HealthConfig::DEFAULT, Instant::ZERO);
/// let alerts = health.report(&HealthConfig::DEFAULT, Instant::ZERO).alerts;
/// assert!(alerts.any() && alerts.failure_rate && !alerts.slow_recovery);
/// ```
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
    /// Whether any is raised.
    #[must_use]
    pub const fn any(self) -> bool {
        self.failure_rate || self.slow_recovery
    }
}

/// The recoveries so far. A recovery lasts from the loss of an established connection to the next one, without the time in which
/// nothing could be tried ([`Health::paused`], [`Health::slept`]). The numbers saturate.
///
/// ```
/// use redial::Instant;
/// use redial::health::{Health, HealthConfig, RECOVERY_BOUNDS};
///
/// let (mut health, at) = (Health::new(), |seconds: u64| Instant::from_millis(1_000 * seconds));
/// for (lost, back) in [(100, 101), (200, 204), (300, 345)] {
///     health.attempt_succeeded(&HealthConfig::DEFAULT, at(lost - 50));
///     health.lost(at(lost));
///     health.attempt_succeeded(&HealthConfig::DEFAULT, at(back));
///     health.lost(at(back + 1));
///     health.stopped(at(back + 1));
/// }
/// let recoveries = health.report(&HealthConfig::DEFAULT, at(400)).recoveries;
/// let within_30_s = RECOVERY_BOUNDS.iter().zip(recoveries.histogram).filter(|(bound, _)| bound.as_secs() <= 30);
/// assert_eq!((recoveries.count, within_30_s.map(|(_, count)| count).sum::<u32>()), (3, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Recoveries {
    /// The number of recoveries.
    pub count: u32,
    /// Their total time.
    pub sum: Duration,
    /// The time of the longest.
    pub max: Duration,
    /// How many took at most each of [`RECOVERY_BOUNDS`] and more than the bound before it; the last counts those above all.
    pub histogram: [u32; RECOVERY_BOUNDS.len() + 1],
}

/// The result of [`Health::report`].
///
/// ```
/// use redial::Instant;
/// use redial::health::{Health, HealthConfig, HealthStatus};
///
/// let mut health = Health::new();
/// health.attempt_succeeded(&HealthConfig::DEFAULT, Instant::ZERO);
/// let report = health.report(&HealthConfig::DEFAULT, Instant::from_millis(5_000));
/// assert_eq!((report.status, report.failed, report.attempts), (HealthStatus::Ok, 0, 1));
/// println!("{}, up for {:?}", report.status, report.uptime);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HealthReport {
    /// The health in one word.
    pub status: HealthStatus,
    /// The alerts that are raised.
    pub alerts: Alerts,
    /// The failed attempts in the window.
    pub failed: u32,
    /// The attempts in the window.
    pub attempts: u32,
    /// All recoveries so far.
    pub recoveries: Recoveries,
    /// For how long the connection has been established; `None` if it is not.
    pub uptime: Option<Duration>,
    /// For how long the previous connection was established; `None` if there was none.
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
/// A recovery measures the service and the client. Time in which neither can do anything does not count: while the page is hidden,
/// the network is down, a precondition or a credential is missing, or the host is asleep. A policy is
/// [parked](crate::Phase::Parked) during that time.
///
/// An attempt succeeds when its session is established (ready, CONNACK), not when the socket is open. A stop by the
/// user is neither a loss nor a failure.
///
/// A clock that runs backwards makes a time shorter, never negative, and no count expires early. The size is 392 bytes.
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
    /// When the connection was lost, plus the time since then in which nothing could be tried.
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
    /// A health without events.
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

    /// An attempt failed.
    pub fn attempt_failed(&mut self, config: &HealthConfig, now: Instant) {
        self.window.advance(now, config.width);
        if let Some(slot) = self.window.newest() {
            count(&mut slot.attempts);
            count(&mut slot.failed);
        }
        self.failing = true;
    }

    /// Nothing can be tried from now on, until [`unpaused`](Self::unpaused). This time does not count as time of a recovery. It may
    /// be called while connected, too; a repeated call changes nothing.
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

    /// The host was asleep for `gap` until now while the clock ran. This time does not count as time of a recovery either, and only
    /// once during a pause. If the clock stood still, don't call this.
    pub fn slept(&mut self, now: Instant, gap: Duration) {
        let fell_asleep = now.as_micros().saturating_sub(Micros::from_duration(gap).0);
        let fell_asleep = Instant::from_micros(fell_asleep);
        self.leave_out(fell_asleep, self.paused_at.get().unwrap_or(now));
    }

    /// The established connection is lost. Without one this changes nothing, because the end of an attempt is not a loss.
    pub const fn lost(&mut self, now: Instant) {
        if self.up_since.is_some() {
            self.end_uptime(now);
            self.lost_at = OptInstant::at(now);
        }
    }

    /// The user stopped the connection: it is not failing, and there is nothing to recover from. The counters stay.
    pub const fn stopped(&mut self, now: Instant) {
        self.end_uptime(now);
        self.lost_at = OptInstant::NONE;
        self.failing = false;
    }

    /// The health at `now`.
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

    /// The time of the recovery that ends now.
    fn recovered(&mut self, now: Instant) -> Option<Micros> {
        let until = self.paused_at.get().map_or(now, |paused_at| paused_at.min(now));
        let lost_at = self.lost_at.get()?;
        self.lost_at = OptInstant::NONE;
        Some(until.since(lost_at))
    }

    /// Excludes the time between these two from the present recovery.
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
