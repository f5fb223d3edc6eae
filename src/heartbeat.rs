//! Whether a connection is alive: when to beat, and when silence means death.

mod stored;

use core::time::Duration;

use rand_core::Rng;

use crate::builder::{Builder, builds};
use crate::error::ConfigError;
use crate::ratio::uniform;
use crate::time::{Instant, Micros, OptInstant};
use crate::words::words;

/// What counts as a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a choice of the configuration, matched by nobody but the heartbeat"
)]
pub enum Liveness {
    /// Only the acknowledgement of a beat, as Discord's documentation says.
    Ack,
    /// Anything received.
    AnyTraffic,
}

words!(Liveness {
    Ack => "ack",
    AnyTraffic => "any_traffic",
});

/// How a connection is kept alive and found dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeartbeatConfig {
    pub(crate) interval: Option<Micros>,
    pub(crate) liveness: Liveness,
    pub(crate) missed: u8,
    pub(crate) first_jitter: bool,
    pub(crate) required: bool,
    pub(crate) answer_within: Option<Micros>,
}

builds!(HeartbeatConfig);

impl HeartbeatConfig {
    /// No interval of its own (a greeting may bring one), acknowledgements count, dead at the first miss, first beat
    /// jittered, an answer due by the next beat.
    pub const DEFAULT: Self = Self {
        interval: None,
        liveness: Liveness::Ack,
        missed: 1,
        first_jitter: true,
        required: false,
        answer_within: None,
    };

    /// [`Self::DEFAULT`], to be changed.
    pub const fn new() -> Builder<Self> {
        Self::DEFAULT.to_builder()
    }

    const fn checked(self) -> Result<Self, ConfigError> {
        match self.interval {
            Some(interval) if interval.is_zero() => return Err(ConfigError::HeartbeatIntervalZero),
            Some(interval) if interval.0 > Micros::DAY.0 => {
                return Err(ConfigError::HeartbeatIntervalTooLong);
            }
            _ => {}
        }
        if self.missed == 0 {
            return Err(ConfigError::HeartbeatMissedZero);
        }
        match self.answer_within {
            Some(within) if within.is_zero() => Err(ConfigError::TimeoutZero),
            _ => Ok(self),
        }
    }
}

impl Builder<HeartbeatConfig> {
    /// Beat every `interval` from the moment the connection counts as established, or from the greeting. An interval
    /// in the greeting wins. Whole milliseconds, rounded up, 10 ms to a day. Default: none, so no beats without a greeting
    /// that asks for them.
    ///
    /// # Errors
    /// [`ConfigError::HeartbeatIntervalZero`]; [`ConfigError::HeartbeatIntervalTooLong`] above a day.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.config.interval = Some(Micros::from_duration(interval));
        self
    }

    /// No interval of its own: the default, for a config made from one that has one.
    pub const fn without_interval(mut self) -> Self {
        self.config.interval = None;
        self
    }

    /// What counts as a sign of life. Default: [`Liveness::Ack`].
    pub const fn liveness(mut self, liveness: Liveness) -> Self {
        self.config.liveness = liveness;
        self
    }

    /// How many beats in a row may stay unanswered before the next tick finds the connection dead. Default 1.
    ///
    /// # Errors
    /// [`ConfigError::HeartbeatMissedZero`].
    pub const fn missed(mut self, missed: u8) -> Self {
        self.config.missed = missed;
        self
    }

    /// Whether the first beat comes after `interval × r`, r in [0, 1), so that a fleet that connects together does
    /// not beat together (Discord documentation, "Heartbeat Interval"). Default true.
    pub const fn first_jitter(mut self, on: bool) -> Self {
        self.config.first_jitter = on;
        self
    }

    /// Whether a greeting without a usable interval is a failed attempt. Default false: no beats then.
    pub const fn required(mut self, on: bool) -> Self {
        self.config.required = on;
        self
    }

    /// How long the answer to a beat or a probe may take, apart from the interval: IMAP IDLE asks every 29 minutes and
    /// should know within seconds. The connection is dead this long after the beat that the [allowed
    /// number](Self::missed) left unanswered, whenever the next beat is due. Default `None`: a beat may be answered
    /// until the next one, a probe for as long as a dial may take.
    ///
    /// # Errors
    /// [`ConfigError::TimeoutZero`].
    pub const fn answer_within(mut self, within: Option<Duration>) -> Self {
        self.config.answer_within = Micros::from_duration_option(within);
        self
    }
}

impl HeartbeatConfig {
    /// The interval of its own, if it has one.
    #[must_use]
    pub const fn interval(&self) -> Option<Duration> {
        Micros::to_duration_option(self.interval)
    }

    /// What counts as a sign of life.
    #[must_use]
    pub const fn liveness(&self) -> Liveness {
        self.liveness
    }

    /// How many beats in a row may stay unanswered.
    #[must_use]
    pub const fn missed(&self) -> u8 {
        self.missed
    }

    /// Whether the first beat is jittered.
    #[must_use]
    pub const fn first_jitter(&self) -> bool {
        self.first_jitter
    }

    /// Whether a greeting must bring an interval.
    #[must_use]
    pub const fn required(&self) -> bool {
        self.required
    }

    /// How long an answer may take, where that is not until the next beat.
    #[must_use]
    pub const fn answer_within(&self) -> Option<Duration> {
        Micros::to_duration_option(self.answer_within)
    }
}

impl Default for HeartbeatConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a tick found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the caller must obey it")]
pub enum Tick {
    /// Nothing is due.
    NotYet,
    /// Send a beat. `missed`: the one before is still unanswered, but not yet too many are.
    Heartbeat {
        /// Whether the beat before this one is still unanswered.
        missed: bool,
    },
    /// Too many beats are unanswered, or a probe is: the connection is dead.
    Dead,
}

words!(Tick {
    NotYet => "not_yet",
    Heartbeat => "heartbeat",
    Dead => "dead",
});

/// The shortest interval that is obeyed, 10 ms: no greeting can make a client spin.
const MIN_INTERVAL_MS: u32 = 10;

/// The heartbeat of one connection. Start it again for every connection: nothing of the last one is kept.
///
/// ```
/// use core::time::Duration;
/// use redial::heartbeat::{Heartbeat, HeartbeatConfig, Tick};
/// use redial::{Instant, SplitMix64};
///
/// const CONFIG: HeartbeatConfig = HeartbeatConfig::new().first_jitter(false).build_const();
/// let mut heartbeat = Heartbeat::new();
/// heartbeat.start(&CONFIG, Instant::ZERO, Duration::from_secs(45), &mut SplitMix64::new(1));
/// assert_eq!(
///     heartbeat.handle_timeout(&CONFIG, Instant::from_millis(45_000)),
///     Tick::Heartbeat { missed: false }
/// );
/// // No acknowledgement came: at the next tick the connection is dead.
/// assert_eq!(heartbeat.handle_timeout(&CONFIG, Instant::from_millis(90_000)), Tick::Dead);
/// ```
///
/// A tick may come late: a hidden page's timers fire once a minute, and a host sleeps. A beat that is due late is sent, and
/// the connection is judged by its answer; a late tick alone proves nothing. Hand over what was received first.
///
/// 24 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// The next beat; none while it is not running.
    next: OptInstant,
    /// Until when something that was asked must be answered; none while the next beat is early enough to judge.
    answer_by: OptInstant,
    /// Zero: not running.
    interval_ms: u32,
    /// Regular beats since the last sign of life.
    unanswered: u8,
    /// A requested beat awaits its acknowledgement.
    extra: bool,
}

const _: () = assert!(size_of::<Heartbeat>() <= 24, "there may be a million of them");

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new()
    }
}

impl Heartbeat {
    /// Not running.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            next: OptInstant::NONE,
            answer_by: OptInstant::NONE,
            interval_ms: 0,
            unanswered: 0,
            extra: false,
        }
    }

    /// Starts beating. The first beat is drawn in `[now, now + interval)` where the config jitters it (one draw),
    /// otherwise it comes after one interval. The interval is rounded up to whole milliseconds, 10 ms to a day; one of 0
    /// stops instead.
    pub fn start<R: Rng + ?Sized>(
        &mut self,
        config: &HeartbeatConfig,
        now: Instant,
        interval: Duration,
        rng: &mut R,
    ) {
        self.start_micros(config, now, Micros::from_duration(interval), rng);
    }

    /// The same in the core's own unit.
    pub(crate) fn start_micros<R: Rng + ?Sized>(
        &mut self,
        config: &HeartbeatConfig,
        now: Instant,
        interval: Micros,
        rng: &mut R,
    ) {
        *self = Self::new();
        if interval.is_zero() {
            return;
        }
        self.set_interval(interval);
        let interval = self.span();
        let first = if config.first_jitter { uniform(rng, Micros::ZERO, interval) } else { interval };
        self.next = OptInstant::at(now.after(first));
    }

    const fn set_interval(&mut self, interval: Micros) {
        // At most a day, so it fits.
        let millis = interval.min(Micros::DAY).millis_up() as u32;
        self.interval_ms = if millis < MIN_INTERVAL_MS { MIN_INTERVAL_MS } else { millis };
    }

    /// The other side sets the interval of this connection: the next beat is due `interval` from `now` at the latest, and
    /// what was asked is still to be answered in its time. The interval is bounded as by [`Self::start`]; one of 0 says
    /// nothing and changes nothing. Starts a heartbeat that is not running. True if it was obeyed.
    pub fn keep_alive(&mut self, now: Instant, interval: Duration) -> bool {
        let interval = Micros::from_duration(interval);
        if interval.is_zero() {
            return false;
        }
        self.set_interval(interval);
        self.next = OptInstant::at(self.next.or_never().min(now.after(self.span())));
        true
    }

    /// Stops beating and forgets everything.
    pub const fn stop(&mut self) {
        *self = Self::new();
    }

    /// Whether it is running.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.interval_ms != 0
    }

    /// The interval, while running.
    #[must_use]
    pub const fn interval(&self) -> Option<Duration> {
        if self.is_running() { Some(self.span().to_duration()) } else { None }
    }

    /// When [`Self::handle_timeout`] has something to say.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.next().get()
    }

    /// Until when an answer is awaited, where that is before the next beat or instead of it. `None` while nothing was asked,
    /// and where an answer is due by the next beat.
    #[must_use]
    pub const fn answer_by(&self) -> Option<Instant> {
        self.answer_by.get()
    }

    /// As [`Self::answer_by`], for a comparison.
    #[inline]
    pub(crate) const fn answer_deadline(&self) -> OptInstant {
        self.answer_by
    }

    /// When the next beat is due; none while it is not running.
    #[inline]
    pub(crate) const fn beat_deadline(&self) -> OptInstant {
        self.next
    }

    /// The interval; zero while it is not running.
    pub(crate) const fn span(&self) -> Micros {
        Micros::from_millis(self.interval_ms as u64)
    }

    /// The next deadline; none while it is not running.
    #[inline]
    pub(crate) const fn next(&self) -> OptInstant {
        self.next.min(self.answer_by)
    }

    /// A beat or a probe was acknowledged. False if none was awaited: it changes nothing then.
    #[inline]
    pub const fn acknowledged(&mut self) -> bool {
        let awaited = (self.unanswered > 0) | self.extra | self.answer_by.is_some();
        self.unanswered = 0;
        self.extra = false;
        self.answer_by = OptInstant::NONE;
        awaited
    }

    /// Something was received: a sign of life where any traffic counts.
    #[inline]
    pub const fn received(&mut self, config: &HeartbeatConfig) {
        if matches!(config.liveness, Liveness::AnyTraffic) {
            self.unanswered = 0;
            self.answer_by = OptInstant::NONE;
        }
    }

    /// A beat was sent because the other side asked for it. It neither moves the schedule nor can be missed.
    pub const fn requested(&mut self) {
        self.extra = true;
    }

    /// Asks for a sign of life at once: the caller sends a beat now, and the connection is dead `within` from now unless
    /// an answer has come. A deadline that is running already is never put off, and the regular beats go on as they were.
    /// False where no heartbeat is running.
    pub const fn probe(&mut self, now: Instant, within: Duration) -> bool {
        self.probe_micros(now, Micros::from_duration(within))
    }

    /// The same in the core's own unit.
    pub(crate) const fn probe_micros(&mut self, now: Instant, within: Micros) -> bool {
        if self.is_running() {
            self.answer_by = self.answer_by.min(OptInstant::at(now.after(within)));
        }
        self.is_running()
    }

    /// What is due at `now`. An early or repeated call is [`Tick::NotYet`]. The next beat is one interval from `now`,
    /// not from the missed deadline, so a late tick can't make the next one a miss.
    pub fn handle_timeout(&mut self, config: &HeartbeatConfig, now: Instant) -> Tick {
        if self.answer_by.get().is_some_and(|by| now >= by) {
            return Tick::Dead;
        }
        if now < self.next.or_never() || !self.next.is_some() {
            return Tick::NotYet;
        }
        let missed = self.unanswered > 0;
        let spent = self.unanswered >= config.missed;
        self.unanswered = self.unanswered.saturating_add(1);
        match config.answer_within {
            None if spent => return Tick::Dead,
            Some(within) if self.unanswered >= config.missed => {
                self.answer_by = self.answer_by.min(OptInstant::at(now.after(within)));
            }
            None | Some(_) => {}
        }
        self.next = OptInstant::at(now.after(self.span()));
        Tick::Heartbeat { missed }
    }

    /// The host slept for `gap` and its clock stood still: the next beat is so much nearer. What was asked keeps its time,
    /// since the answer may be waiting.
    pub(crate) fn age(&mut self, now: Instant, gap: Micros) {
        self.next = self.next.map(|next| next.before(gap).max(now));
    }

    /// The clock ran backwards to `now`: no beat is further away than one interval, and no answer than `within`.
    pub(crate) fn rewind(&mut self, now: Instant, within: Micros) {
        self.next = self.next.map(|next| next.min(now.after(self.span())));
        self.answer_by = self.answer_by.map(|by| by.min(now.after(within)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SplitMix64;

    const PLAIN: HeartbeatConfig = HeartbeatConfig::new().first_jitter(false).build_const();
    const fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn started(config: &HeartbeatConfig, interval: Duration) -> Heartbeat {
        let mut heartbeat = Heartbeat::new();
        heartbeat.start(config, Instant::ZERO, interval, &mut SplitMix64::new(3));
        heartbeat
    }

    /// S69: no interval spins or panics.
    #[test]
    fn any_interval_is_total() {
        for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let mut heartbeat = started(&HeartbeatConfig::DEFAULT, interval);
            let _ = heartbeat.handle_timeout(&PLAIN, Instant::MAX);
            assert_eq!(heartbeat.is_running(), !interval.is_zero());
        }
    }

    /// What finds no connection dead for a day is no heartbeat: refused in a config, a day at the most where a server asks.
    #[test]
    fn no_interval_is_above_a_day() {
        let day = Duration::from_secs(86_400);
        let longer = day.saturating_add(Duration::from_nanos(1));
        for longer in [longer, Duration::from_millis(u64::from(u32::MAX)), Duration::MAX] {
            assert_eq!(
                PLAIN.to_builder().interval(longer).build(),
                Err(ConfigError::HeartbeatIntervalTooLong)
            );
            assert_eq!(started(&PLAIN, longer).interval(), Some(day));
        }
        assert!(PLAIN.to_builder().interval(day).build().is_ok());
        assert_eq!(started(&PLAIN, day).interval(), Some(day));
    }

    /// S67, F81: with k missed the first miss reports and the k-th closes.
    #[test]
    fn k_misses_are_allowed() {
        let config = PLAIN.to_builder().missed(2).build().unwrap();
        let mut heartbeat = started(&config, Duration::from_secs(1));
        assert_eq!(heartbeat.handle_timeout(&config, ms(1_000)), Tick::Heartbeat { missed: false });
        assert_eq!(heartbeat.handle_timeout(&config, ms(2_000)), Tick::Heartbeat { missed: true });
        assert_eq!(heartbeat.handle_timeout(&config, ms(3_000)), Tick::Dead);
    }

    /// A backwards clock can't silence the heartbeat for days.
    #[test]
    fn a_rewound_clock_keeps_beating() {
        let mut heartbeat = started(&PLAIN, Duration::from_secs(1));
        heartbeat.start(&PLAIN, ms(1_000_000), Duration::from_secs(1), &mut SplitMix64::new(3));
        heartbeat.rewind(ms(10), Micros::ZERO);
        assert_eq!(heartbeat.poll_timeout(), Some(ms(1_010)));
    }
}
