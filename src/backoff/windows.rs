//! Consecutive windows with one phase an outage.

use core::time::Duration;

use super::base::Start;
use super::{Backoff, BackoffConfig, Curve};
use crate::builder::Builder;
#[cfg(doc)]
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::{Micros, divide};

/// Where in the windows of [`BackoffConfig::windows`] a client dials: a fraction in [0, 1) with 31 bits, the same in every window
/// of an outage.
///
/// Without one a backoff draws it from its generator with the first failure of each outage. A caller that numbers its clients
/// gives each its own, with [`Policy::with_window_phase`](crate::Policy::with_window_phase) or
/// [`Backoff::with_window_phase`]: random phases of a hundred clients leave holes between them, and those of
/// [`of_client`](Self::of_client) do not.
///
/// ```
/// use redial::Ratio;
/// use redial::backoff::WindowPhase;
///
/// assert_eq!(WindowPhase::of_client(1).to_bits() >> 24, 0x9e); // 0.618 of 256
/// assert_eq!(WindowPhase::from_ratio(Ratio::new_const(1, 4)), Some(WindowPhase::from_bits(1 << 30)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowPhase(u32);

/// In [`Backoff::last`]: there is a phase. The 31 bits below it are the phase, and the lower 32 the beginning of the window of
/// the last wait, in milliseconds.
const MARK: u64 = 1 << 63;

/// The bits of that beginning.
const BEGIN: u64 = u32::MAX as u64;

impl WindowPhase {
    /// More bits than a phase has.
    pub(super) const BITS: u8 = u32::BITS as u8;

    /// The phase of the client with this number: the fractional part of `number × 0.618…`, the golden ratio's.
    ///
    /// Any consecutive numbers lie about evenly in [0, 1): the largest gap between `n` of them is below `2 / n`. It is the multiplier
    /// of Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4), 2^64 / φ. Numbers that differ by a
    /// Fibonacci number are close to one another; give clients consecutive numbers.
    #[must_use]
    pub const fn of_client(number: u64) -> Self {
        Self::from_bits((number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32)
    }

    /// The phase `bits / 2^32`. The lowest bit has no effect.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & !1)
    }

    /// The phase times 2^32. The lowest bit is 0.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The phase that is this ratio, rounded down; `None` if the ratio is not below 1.
    #[must_use]
    pub const fn from_ratio(ratio: Ratio) -> Option<Self> {
        if ratio.is_below_one() { Some(Self::from_bits(ratio.of(Micros(1 << 32)).0 as u32)) } else { None }
    }

    /// A phase from a draw.
    pub(super) const fn drawn(draw: u64) -> Self {
        Self::from_bits((draw >> 32) as u32)
    }

    /// The same phase at the position of `last`.
    pub(super) const fn at(self, last: Micros) -> Micros {
        Micros(MARK | (self.0 as u64) << 31 | last.0 & BEGIN)
    }

    /// The same in its first bits, and new in the others for the window that begins here.
    fn moved(self, bits: u8, begin: u32) -> Self {
        let Some(moving @ 1..) = u32::MAX.checked_shr(bits.into()) else { return self };
        let draw = mixed((self.0 as u64) << 32 | begin as u64);
        Self::from_bits(self.0 & !moving | (draw >> 32) as u32 & moving)
    }

    /// The point at this phase of a window so many milliseconds wide.
    const fn within(self, width: u32) -> Micros {
        // Two factors below 2^32: no product overflows.
        let millis = (width as u64).wrapping_mul(self.0 as u64);
        let rest = (millis & 0xffff_ffff).wrapping_mul(1_000) >> 32;
        Micros((millis >> 32).wrapping_mul(1_000).wrapping_add(rest))
    }
}

/// A number that follows from another and looks unlike it: the first draw of a SplitMix64 with this seed.
const fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A retry is not aimed at a point that is nearer than this, so that a failure late in one window is not followed by a dial early
/// in the next.
const LEAST_AHEAD: Micros = Micros::from_millis(300);

/// How many windows are passed one by one after a failure. With a scale of 40 s the first so many last 11 hours.
const PASSED: u32 = 64;

/// The code of the windows, see `Rare`.
pub(super) struct Windows {
    /// Moves to the next window and returns its width, or the first one's if that is wider.
    pub(super) climb: fn(&mut Backoff, &BackoffConfig, Start) -> Micros,
    /// The next wait, for this cap after this time.
    pub(super) wait: fn(&mut Backoff, &BackoffConfig, Start, Micros, Micros) -> Micros,
    /// The width of the window that begins after this time.
    pub(super) width: fn(&BackoffConfig, Micros) -> Micros,
}

pub(super) const WINDOWS: &Windows =
    &Windows { climb: Backoff::climb_windows, wait: Backoff::window_wait, width: BackoffConfig::width_after };

impl BackoffConfig {
    /// One dial in each of the consecutive windows of an outage, at the same place in all of them: what a fleet should take.
    ///
    /// The windows begin at `B[0]` = 0, `B[1]` = `first` and so on with `B[k+1] = B[k] + min(2 m, √(scale × m))`, where `m` is
    /// `B[k]` and at least 1 s. Each client has one *phase* in [0, 1) for the whole outage, and dials at `B[k] + phase × (B[k+1] -
    /// B[k])`. So clients that fail together come back evenly spread, and each dials once while all the others do, where an
    /// independent draw for each wait lets some come twice and leaves gaps. `scale` says how eagerly: the windows are about
    /// `scale × k / 2` wide, and a dial begins at about `scale × k² / 4`. With a first window of 1.75 s the simulations of 240 outages had
    /// 6.3 dials a client with a scale of 40 s, 7.9 with 16 s and 9.9 with 8 s, until all clients were back at 1.5, 1.3 and 1.2 times
    /// the time that the server's capacity takes. With few clients (a hundred) random phases leave gaps: give each client
    /// [its own](WindowPhase::of_client), or take an [`exponential`](Self::exponential) curve.
    ///
    /// * The phase is drawn with the first failure of an outage, unless it was
    ///   [given](crate::Policy::with_window_phase). Nothing else is drawn, and every [`Jitter`](crate::Jitter) is refused.
    /// * Time counts from the beginning of the outage, without the time that the policy was parked or the host slept. The loss of
    ///   a connection is followed by the point in the first window, and any later failure by the first point that is more than
    ///   0.3 s ahead. After good news, such as the network's return, the next failure also goes on in the window of that time.
    /// * There is no cap, unless [`max_delay`](Builder::max_delay) sets one, which is the longest window and the longest wait. A wait
    ///   above it, because an attempt took long or because fresh dials have [another cap](Builder::max_fresh), is spread over the last
    ///   quarter below it, or from the floor where that is in this quarter.
    /// * A [`floor`](Builder::floor) is the least distance, where that is above 0.3 s, and the lower end of the first window.
    /// * A [`first_delay`](Builder::first_delay), and an [exact first](Builder::exact_first) wait, stand for the dial of the
    ///   first window. The first one is taken at the phase, like the others.
    /// * With [`wait_from_dial`](Builder::wait_from_dial) the point is the first one 0.3 s after the dial that failed.
    /// * What only counts its failures (rate limits, subscriptions, a [long outage](Builder::long_outage)) draws its wait from
    ///   a window that begins with the failure, as wide as the n-th and as the one of that time.
    ///
    /// `B` is rounded down to whole milliseconds. Windows that would begin later than 49 days after the outage are as wide as the
    /// last one before. After 64 windows without a failure the windows go on from the time of the next failure.
    ///
    /// # Errors
    /// [`ConfigError::InitialZero`], [`ConfigError::InitialTooShort`], [`ConfigError::InitialAboveMax`];
    /// [`ConfigError::WindowsScale`] for a scale below 1 ms; [`ConfigError::JitterOnWindows`].
    pub const fn windows(first: Duration, scale: Duration) -> Builder<Self> {
        Self::begin(Curve::Windows(scale), first, Duration::MAX)
    }

    /// The width in milliseconds of the window that begins so many after the outage.
    fn width(&self, start: Start, begin: u32) -> u32 {
        const SECOND: u64 = 1_000;
        let most = divide(self.top().0, 1_000).0.max(1);
        let width = if begin == 0 {
            start.initial.millis_up()
        } else {
            let Curve::Windows(scale) = self.curve else { return 1 };
            let (begin, scale) = (u64::from(begin).max(SECOND), Micros::from_duration(scale).millis_up());
            scale.saturating_mul(begin).isqrt().min(begin.saturating_mul(2))
        };
        u32::try_from(width.min(most)).unwrap_or(u32::MAX)
    }

    /// How much longer than a window so wide a wait may be, because its point comes later in that window than in the one before.
    pub(super) const fn reach(&self, width: Micros) -> Micros {
        match width.0.checked_shr(self.phase_bits as u32) {
            Some(reach) if self.phase_bits < WindowPhase::BITS => Micros(reach),
            _ => Micros::ZERO,
        }
    }

    /// The bits of a drawn phase that all windows of an outage share: see [`Builder::phase_bits`].
    #[must_use]
    pub const fn phase_bits(&self) -> u8 {
        self.phase_bits
    }

    /// Whether its waits lead to points in time.
    pub(crate) const fn has_windows(&self) -> bool {
        matches!(self.curve, Curve::Windows(_))
    }

    fn width_after(&self, elapsed: Micros) -> Micros {
        let begin = u32::try_from(divide(elapsed.0, 1_000).0).unwrap_or(u32::MAX);
        Micros::from_millis(self.width(Start::of(self), begin).into())
    }
}

impl Builder<BackoffConfig> {
    /// The longest wait, for a [`windows`](BackoffConfig::windows) curve, which has none by default; the other constructors take it.
    /// A cap for fresh dials that is another one stays. A [`table`](BackoffConfig::table) keeps its longest entry.
    ///
    /// # Errors
    /// [`ConfigError::InitialAboveMax`].
    pub const fn max_delay(mut self, max: Duration) -> Self {
        if !matches!(self.config.curve, Curve::Table(..)) {
            let max = Micros::from_duration(max);
            if self.config.max_fresh.0 == self.config.max.0 {
                self.config.max_fresh = max;
            }
            self.config.max = max;
        }
        self
    }

    /// How many bits of a drawn phase all [`windows`](BackoffConfig::windows) of an outage share. Those below are new in every window
    /// after the first. 0 to 32; more is as 32, which is the default: the client dials at the same place in all windows.
    ///
    /// With 3 a client stays in its eighth of the window, and has another place there each time. Two clients whose phases are
    /// close together then no longer meet in every window, and a gap between phases does not come again: a fleet without client
    /// numbers is evened out from window to window. In three sets of 60 simulated storms, 1,000 clients took a tenth less time and
    /// 1 % fewer dials with it, 100 clients a fifth less time and 2 % fewer dials, and 10,000 the same. With one bit
    /// the windows run together, which costs a large fleet 4 % of the time. A wait may be longer than its window by the share that is
    /// new: an eighth with 3.
    ///
    /// The places follow from the phase and the window, without a draw. A phase that was
    /// [given](crate::Policy::with_window_phase) is kept in all windows, and with another curve this has no effect.
    ///
    /// ```
    /// use core::time::Duration;
    /// use redial::BackoffConfig;
    ///
    /// let windows = BackoffConfig::windows(Duration::from_millis(1_750), Duration::from_secs(40));
    /// assert_eq!(windows.phase_bits(3).build()?.phase_bits(), 3);
    /// # Ok::<(), redial::ConfigError>(())
    /// ```
    pub const fn phase_bits(mut self, bits: u8) -> Self {
        self.config.phase_bits = if bits < WindowPhase::BITS { bits } else { WindowPhase::BITS };
        self
    }
}

impl Backoff {
    /// The phase of the windows: the one that was [given](Self::with_window_phase), or that of the outage, or none.
    pub(crate) const fn window_phase(&self) -> Option<WindowPhase> {
        if self.last.0 & MARK != 0 { Some(WindowPhase::from_bits((self.last.0 >> 31) as u32)) } else { None }
    }

    /// The same with this phase in the windows of every outage, for a config of [`BackoffConfig::windows`]. With another curve
    /// it has no effect.
    ///
    /// ```
    /// use core::time::Duration;
    /// use redial::backoff::WindowPhase;
    /// use redial::{Backoff, BackoffConfig, Mode, Ratio, SplitMix64};
    ///
    /// let (mut rng, ms) = (SplitMix64::new(7), Duration::from_millis);
    /// let config = BackoffConfig::windows(ms(2_000), ms(40_000)).build()?;
    /// let middle = WindowPhase::from_bits(1 << 31);
    /// let mut backoff = Backoff::new().with_window_phase(middle);
    /// let mut wait = |elapsed| backoff.next_delay(&config, Mode::Fresh, ms(elapsed), &mut rng);
    /// // The first window is 0 to 2 s, and the second 2 to 6 s.
    /// assert_eq!(wait(0), Some(ms(1_000)));
    /// assert_eq!(wait(1_010), Some(ms(2_990)));
    /// # Ok::<(), redial::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_window_phase(self, phase: WindowPhase) -> Self {
        let last = if self.failures == 0 { Micros::ZERO } else { self.last };
        Self { last: phase.at(last), failures: self.failures, base: self.base.with_phase() }
    }

    /// What [`Self::reset`] leaves of the last wait: a phase that was given.
    pub(super) const fn kept(&self) -> Micros {
        match self.window_phase() {
            Some(phase) if self.base.has_phase() => phase.at(Micros::ZERO),
            _ => Micros::ZERO,
        }
    }

    /// Moves to a window that ends in a place that can be told from others; the last such one repeats.
    fn next_window(&mut self, config: &BackoffConfig, start: Start) -> bool {
        let begin = self.window();
        let next = begin.checked_add(config.width(start, begin));
        self.set_window(next.unwrap_or(begin));
        next.is_some()
    }

    const fn window(&self) -> u32 {
        self.last.0 as u32
    }

    const fn set_window(&mut self, begin: u32) {
        self.last = Micros(self.last.0 & !BEGIN | begin as u64);
    }

    fn climb_windows(&mut self, config: &BackoffConfig, start: Start) -> Micros {
        if self.failures > 1 {
            self.next_window(config, start);
        }
        let width = config.width(start, self.window()).max(config.width(start, 0));
        Micros::from_millis(width.into())
    }

    /// The point at the phase of the present window.
    fn target(&self, config: &BackoffConfig, start: Start, phase: WindowPhase) -> Micros {
        let begin = self.window();
        let phase =
            if begin == 0 || self.base.has_phase() { phase } else { phase.moved(config.phase_bits, begin) };
        Micros::from_millis(begin.into()).saturating_add(phase.within(config.width(start, begin)))
    }

    /// The wait after the failure that was just counted.
    fn window_wait(&mut self, config: &BackoffConfig, start: Start, cap: Micros, elapsed: Micros) -> Micros {
        let phase = self.window_phase().unwrap_or_default();
        let first = config.width(start, 0);
        let first_span = Micros::from_millis(first.into());
        let floor = config.floor.min(cap);
        let begins = self.failures == 1;
        let wait = if begins && elapsed.is_zero() && floor < first_span {
            let rest = first_span.saturating_sub(floor);
            floor.saturating_add(phase.within(u32::try_from(divide(rest.0, 1_000).0).unwrap_or(first)))
        } else {
            let ahead = LEAST_AHEAD.max(floor);
            self.aim(config, start, phase, elapsed.saturating_add(ahead));
            let widest = Micros::from_millis(config.width(start, self.window()).max(first).into());
            // A clock that ran back makes no wait longer than the window.
            let most = ahead.saturating_add(widest).saturating_add(config.reach(widest));
            self.target_after(config, start, phase, elapsed.saturating_add(ahead))
                .saturating_sub(elapsed)
                .max(ahead)
                .min(most)
        };
        let other = match start.first {
            _ if begins && config.first_exact => Some(start.first.unwrap_or(first_span.max(floor))),
            Some(first) if begins => Some(phase.within(u32::try_from(first.millis_up()).unwrap_or(u32::MAX))),
            _ => None,
        };
        if other.is_some() {
            // It stands for the dial of this window.
            self.next_window(config, start);
        }
        let wait = other.unwrap_or(wait);
        if wait <= cap {
            return wait;
        }
        // Waits that are cut would be equal for all clients, so they are spread over the last quarter.
        let quarter = Micros::from_millis(u32::try_from(divide(cap.0, 4_000).0).unwrap_or(u32::MAX).into());
        let rest = quarter.min(cap.saturating_sub(floor));
        let within = phase.within(u32::try_from(divide(rest.0, 1_000).0).unwrap_or(u32::MAX));
        cap.saturating_sub(rest).saturating_add(within)
    }

    /// Moves to the first window, from the present one on, whose point comes after this time.
    fn aim(&mut self, config: &BackoffConfig, start: Start, phase: WindowPhase, after: Micros) {
        for _ in 0..PASSED {
            if self.target(config, start, phase) > after || !self.next_window(config, start) {
                return;
            }
        }
        // The clock leapt ahead, or the windows are very short: the windows go on from here.
        self.set_window(u32::try_from(after.millis_up().saturating_add(1)).unwrap_or(u32::MAX));
    }

    /// The first point after this time at the phase of the present window, which repeats.
    fn target_after(
        &self,
        config: &BackoffConfig,
        start: Start,
        phase: WindowPhase,
        after: Micros,
    ) -> Micros {
        let target = self.target(config, start, phase);
        if target > after {
            return target;
        }
        let width = Micros::from_millis(config.width(start, self.window()).into());
        let behind = after.saturating_sub(target).0.checked_div(width.0).unwrap_or(0).saturating_add(1);
        target.saturating_add(width.saturating_mul(behind))
    }
}
