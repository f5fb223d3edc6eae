//! The heartbeat: when to send one, and when a silent connection is dead.

mod config;

mod stored;

use core::time::Duration;

use rand_core::Rng;

use crate::ratio::uniform;
use crate::time::{Instant, Micros, OptInstant};
use crate::words::words;

pub use config::{HeartbeatConfig, Liveness};

/// The result of [`Heartbeat::handle_timeout`].
///
/// ```
/// use core::time::Duration;
/// use redial::heartbeat::{Heartbeat, HeartbeatConfig, Tick};
/// use redial::{Instant, SplitMix64};
///
/// const CONFIG: HeartbeatConfig =
///     HeartbeatConfig::new().interval(Duration::from_secs(30)).first_jitter(false).build_const();
/// let mut heartbeat = Heartbeat::new();
/// heartbeat.start(&CONFIG, Instant::ZERO, Duration::from_secs(30), &mut SplitMix64::new(7));
/// while let Some(due) = heartbeat.poll_timeout() {
///     match heartbeat.handle_timeout(&CONFIG, due) {
///         Tick::NotYet => {}
///         Tick::Heartbeat { .. } => println!("{} ms: PING", due.as_millis()),
///         Tick::Dead => {
///             assert_eq!(due, Instant::from_millis(60_000)); // nobody answered the first one
///             break;
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the caller must obey it")]
pub enum Tick {
    /// Nothing is due.
    NotYet,
    /// Send a heartbeat.
    Heartbeat {
        /// Whether the heartbeat before this one is unanswered, though not yet too many are.
        missed: bool,
    },
    /// The connection is dead: too many heartbeats are unanswered, or a probe is.
    Dead,
}

words!(Tick {
    NotYet => "not_yet",
    Heartbeat => "heartbeat",
    Dead => "dead",
});

/// The shortest interval, 10 ms, so that no greeting can make the client spin.
const MIN_INTERVAL_MS: u32 = 10;

/// The heartbeat of one connection. Start it again for every connection; nothing of the last one is kept.
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
/// // No acknowledgement came, so that the connection is dead when the next one is due.
/// assert_eq!(heartbeat.handle_timeout(&CONFIG, Instant::from_millis(90_000)), Tick::Dead);
/// ```
///
/// A call may come late, because the timers of a hidden page run once a minute and a host sleeps. A late call alone does not mean
/// that the connection is dead: the heartbeat is sent, and its answer decides. Report what was received before the call.
///
/// After a clock ran backwards (see [`Instant`]), the deadlines stay where they are, so that none comes early.
/// [`keep_alive`](Self::keep_alive) with the interval brings the next heartbeat within it. A policy does so by itself.
///
/// The size is 24 bytes.
#[doc(alias = "keepalive")]
#[doc(alias = "keep-alive")]
#[doc(alias = "ping")]
#[doc(alias = "pong")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// When the next heartbeat is due; none while it is not running.
    next: OptInstant,
    /// The limit for an answer; none while the next heartbeat is the limit.
    answer_by: OptInstant,
    /// Zero while it is not running.
    interval_ms: u32,
    /// The regular heartbeats since the last sign of life.
    unanswered: u8,
    /// Whether a heartbeat that the server asked for is unacknowledged.
    extra: bool,
}

const _: () = assert!(size_of::<Heartbeat>() <= 24, "there may be a million of them");

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new()
    }
}

impl Heartbeat {
    /// A heartbeat that is not running.
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

    /// Starts the heartbeat. The first one is drawn from `[now, now + interval)` if the config jitters it (one draw), and otherwise
    /// comes after one interval. The interval is rounded up to whole milliseconds and clamped to 10 ms to a day; zero stops the
    /// heartbeat.
    pub fn start<R: Rng + ?Sized>(
        &mut self,
        config: &HeartbeatConfig,
        now: Instant,
        interval: Duration,
        rng: &mut R,
    ) {
        self.start_micros(config, now, Micros::from_duration(interval), rng);
    }

    /// The same in microseconds.
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
        // At most a day, which fits.
        let millis = interval.min(Micros::DAY).millis_up() as u32;
        self.interval_ms = if millis < MIN_INTERVAL_MS { MIN_INTERVAL_MS } else { millis };
    }

    /// The server sets the interval of this connection. The next heartbeat is due `interval` from `now` at the latest; the limits
    /// of pending answers stay. The interval is clamped as by [`Self::start`], and zero changes nothing. A heartbeat that is not
    /// running starts. True if the interval was taken.
    pub fn keep_alive(&mut self, now: Instant, interval: Duration) -> bool {
        let interval = Micros::from_duration(interval);
        if interval.is_zero() {
            return false;
        }
        self.set_interval(interval);
        self.next = OptInstant::at(self.next.or_never().min(now.after(self.span())));
        true
    }

    /// Stops the heartbeat and forgets everything.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
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

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.next().get()
    }

    /// The limit for a pending answer, if that differs from the next heartbeat. `None` if no answer is pending, or if it is due by
    /// the next heartbeat.
    #[must_use]
    pub const fn answer_by(&self) -> Option<Instant> {
        self.answer_by.get()
    }

    /// As [`Self::answer_by`], for a comparison.
    #[inline]
    pub(crate) const fn answer_deadline(&self) -> OptInstant {
        self.answer_by
    }

    /// When the next heartbeat is due; none while it is not running.
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

    /// A heartbeat or a probe was acknowledged. False, and without effect, if none was pending.
    #[inline]
    pub const fn acknowledged(&mut self) -> bool {
        let awaited = (self.unanswered > 0) | self.extra | self.answer_by.is_some();
        self.unanswered = 0;
        self.extra = false;
        self.answer_by = OptInstant::NONE;
        awaited
    }

    /// Something was received, which is a sign of life with [`Liveness::AnyTraffic`].
    #[inline]
    pub const fn received(&mut self, config: &HeartbeatConfig) {
        if matches!(config.liveness, Liveness::AnyTraffic) {
            self.heard();
        }
    }

    /// A sign of life was received.
    #[inline]
    pub(crate) const fn heard(&mut self) {
        self.unanswered = 0;
        self.answer_by = OptInstant::NONE;
    }

    /// A heartbeat is sent because the server asked for it. It does not move the schedule and can't be missed.
    pub const fn requested(&mut self) {
        self.extra = true;
    }

    /// Probes the connection: the caller sends a heartbeat now, and the connection is dead `within` from now unless an answer
    /// comes. An earlier limit is not postponed, and the regular heartbeats are not moved. False if no heartbeat is running.
    pub const fn probe(&mut self, now: Instant, within: Duration) -> bool {
        self.probe_micros(now, Micros::from_duration(within))
    }

    /// The same in microseconds.
    pub(crate) const fn probe_micros(&mut self, now: Instant, within: Micros) -> bool {
        if self.is_running() {
            self.answer_by = self.answer_by.min(OptInstant::at(now.after(within)));
        }
        self.is_running()
    }

    /// What is due at `now`. An early or repeated call returns [`Tick::NotYet`]. The next heartbeat is one interval from `now` and
    /// not from the deadline, so that a late call can't cause a miss.
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

    /// The host slept for `gap` while its clock stood still. The next heartbeat is nearer by that; the limits of pending answers
    /// stay, since the answers may be waiting to be read.
    pub(crate) fn age(&mut self, now: Instant, gap: Micros) {
        self.next = self.next.map(|next| next.before(gap).max(now));
    }

    /// The clock ran back to `now`. No heartbeat is further away than one interval, and no limit than `within`.
    pub(crate) fn rewind(&mut self, now: Instant, within: Micros) {
        self.next = self.next.map(|next| next.min(now.after(self.span())));
        self.answer_by = self.answer_by.map(|by| by.min(now.after(within)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ConfigError;
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

    /// Report 11: time that the host slept brings the next heartbeat nearer, and leaves the limit of an answer.
    #[test]
    fn slept_time_counts_for_the_next_heartbeat() {
        let mut heartbeat = started(&PLAIN, Duration::from_secs(10));
        assert!(heartbeat.probe(ms(1_000), Duration::from_secs(20)));
        heartbeat.age(ms(1_000), Micros::from_millis(4_000));
        assert_eq!((heartbeat.poll_timeout(), heartbeat.answer_by()), (Some(ms(6_000)), Some(ms(21_000))));
        heartbeat.age(ms(1_000), Micros::from_millis(60_000));
        assert_eq!(heartbeat.poll_timeout(), Some(ms(1_000)), "due now, and not before");
    }

    /// F87, S71: whatever is pending, and that alone, can be acknowledged.
    #[test]
    fn an_acknowledgement_answers_all_that_is_pending() {
        let config = PLAIN.to_builder().missed(2).build().unwrap();
        for pending in 0..8 {
            let mut heartbeat = started(&config, Duration::from_secs(1));
            if pending & 1 != 0 {
                assert_eq!(heartbeat.handle_timeout(&config, ms(1_000)), Tick::Heartbeat { missed: false });
            }
            if pending & 2 != 0 {
                heartbeat.requested();
            }
            if pending & 4 != 0 {
                assert!(heartbeat.probe(ms(1_000), Duration::from_secs(5)));
                assert_eq!(heartbeat.answer_by(), Some(ms(6_000)));
            }
            assert_eq!(heartbeat.acknowledged(), pending != 0, "{pending:#b}");
            assert_eq!((heartbeat.acknowledged(), heartbeat.answer_by()), (false, None));
        }
        assert!(!Heartbeat::new().probe(ms(0), Duration::from_secs(5)), "none is running");
    }

    /// F81, S66: where any traffic counts, what is received answers the heartbeat.
    #[test]
    fn what_is_received_answers_where_any_traffic_counts() {
        for (liveness, second) in
            [(Liveness::AnyTraffic, Tick::Heartbeat { missed: false }), (Liveness::Ack, Tick::Dead)]
        {
            let config = PLAIN.to_builder().liveness(liveness).build().unwrap();
            let mut heartbeat = started(&config, Duration::from_secs(1));
            assert_eq!(heartbeat.handle_timeout(&config, ms(1_000)), Tick::Heartbeat { missed: false });
            heartbeat.received(&config);
            assert_eq!(heartbeat.handle_timeout(&config, ms(2_000)), second);
        }
    }

    /// Report 59: the limit of an answer begins with the last heartbeat that may be missed.
    #[test]
    fn an_answer_is_limited_from_the_last_heartbeat_that_may_be_missed() {
        let within = Some(Duration::from_millis(300));
        let config = PLAIN.to_builder().missed(2).answer_within(within).build().unwrap();
        let mut heartbeat = started(&config, Duration::from_secs(1));
        assert_eq!(heartbeat.handle_timeout(&config, ms(1_000)), Tick::Heartbeat { missed: false });
        assert_eq!(heartbeat.answer_by(), None);
        assert_eq!(heartbeat.handle_timeout(&config, ms(2_000)), Tick::Heartbeat { missed: true });
        assert_eq!(heartbeat.answer_by(), Some(ms(2_300)));
        assert_eq!(heartbeat.handle_timeout(&config, ms(2_300)), Tick::Dead);
    }
}
