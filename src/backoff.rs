//! The backoff: how long to wait after the n-th failure in a row.

mod base;
mod check;
mod config;
mod jitter;
mod like;
mod plain;
mod polly;
mod stored;
mod windows;

use core::iter::FusedIterator;
use core::time::Duration;

use rand_core::Rng;

use crate::mode::Mode;
use crate::ratio::uniform;
use crate::time::Micros;

use base::{Base, Start};
pub use config::{AfterTable, BackoffConfig, Curve};
use config::{FOLLOWED, Plain, Rare};
pub use jitter::Jitter;
pub use windows::WindowPhase;

/// Whether plain configs have a short way, which is a second one: not in a module that is downloaded, where code costs more than
/// instructions do. Both draw the same.
const SHORT_WAY: bool = !cfg!(target_family = "wasm");

/// Counts the failures of one outage and says how long to wait after each.
///
/// It has 16 bytes, takes bounded work for each failure, and has neither a clock nor a generator: equal configs, failures and
/// draws give equal waits. The config is an argument, so that any number of backoffs share one.
///
/// ```
/// use core::time::Duration;
/// use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio, SplitMix64};
///
/// let config = BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))
///     .jitter(Jitter::Full)
///     .build()?;
/// let mut rng = SplitMix64::new(7); // seed every client differently
/// let mut backoff = Backoff::new();
/// let wait = backoff.next_delay(&config, Mode::Fresh, Duration::ZERO, &mut rng);
/// assert!(wait.is_some_and(|wait| wait < Duration::from_secs(1)));
/// assert_eq!(backoff.failures(), 1);
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[doc(alias = "retry")]
#[doc(alias = "reconnect")]
#[doc(alias = "exponential backoff")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// What the next step continues from: the nominal wait after the last failure, up to the larger of the caps, or the last
    /// draw, as a wait (decorrelated) or as a position on the curve (decorrelated V2), or a window and the phase in it.
    last: Micros,
    failures: u32,
    base: Base,
}

const _: () = assert!(size_of::<Backoff>() <= 16, "there may be a million of them");

impl Backoff {
    /// A backoff without failures.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: Micros::ZERO, failures: 0, base: Base::NONE }
    }

    /// The failures since the last [`reset`](Self::reset), saturating at [`u32::MAX`].
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The outage is over, and the next failure is the first again. A first wait that the server [set](Self::set_base) stays, and
    /// so does a phase that was [given](Self::with_window_phase).
    pub const fn reset(&mut self) {
        *self = Self { base: self.base.settled(), last: self.kept(), ..Self::new() };
    }

    /// Counts one failure and returns the wait before the next dial, which is a `mode`.
    ///
    /// `elapsed` is how long the outage has lasted; only [`BackoffConfig::elapsed`] and [`BackoffConfig::windows`] read it. `None`:
    /// a table that [gives up](AfterTable::GiveUp) is exhausted, and stays so until a reset. A zero delay is not exhaustion.
    #[must_use = "a failure that is counted but not waited for is a hot loop"]
    #[inline]
    pub fn next_delay<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Duration,
        rng: &mut R,
    ) -> Option<Duration> {
        if SHORT_WAY && config.plain.is_shortest() && self.base.is_none() {
            return Some(self.plain_wait(config, rng).to_duration());
        }
        let wait;
        (*self, wait) = self.clone().slow_delay(config, mode, elapsed, rng);
        wait
    }

    /// [`next_delay`](Self::next_delay) in microseconds.
    #[inline]
    pub(crate) fn next_delay_micros<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        if SHORT_WAY && config.plain.is_shortest() && self.base.is_none() {
            return Some(self.plain_wait(config, rng));
        }
        self.slow_wait(config, mode, elapsed, rng)
    }

    /// The next wait of any other config. By value, so that a program with full jitter alone, whose backoff the
    /// compiler keeps in registers, does not contain this.
    #[inline(never)] // Keep the plain case small.
    fn slow_delay<R: Rng + ?Sized>(
        mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Duration,
        rng: &mut R,
    ) -> (Self, Option<Duration>) {
        let wait = self.slow_wait(config, mode, Micros::from_duration(elapsed), rng);
        (self, wait.map(Micros::to_duration))
    }

    fn slow_wait<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        if !self.base.is_none() {
            return self.based_wait(config, mode, elapsed, rng);
        }
        if SHORT_WAY && config.plain == Plain::FullBetween {
            return Some(self.wait_between(config, mode, rng));
        }
        self.any_wait(config, Start::of(config), mode, elapsed, rng)
    }

    /// The same for every curve and jitter.
    #[inline(never)] // Keep the plain case small.
    fn any_wait<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        start: Start,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        let cap = config.cap(mode);
        if let Rare::Windows(windows) = config.rare {
            if self.window_phase().is_none() {
                self.last = WindowPhase::drawn(rng.next_u64()).at(self.last);
            }
            self.failures = self.failures.saturating_add(1);
            return Some((windows.wait)(self, config, start, cap, elapsed));
        }
        let climbed = self.climb(config, start)?;
        let Start { initial, first: asked } = start;
        let first = self.failures == 1;
        let asked_for = first && asked.is_some();
        let nominal = match config.curve {
            Curve::Elapsed(share) if !asked_for => share.of(elapsed).max(initial),
            _ => climbed,
        }
        .min(cap);
        let floor = if asked_for { Micros::ZERO } else { config.floor.min(cap) };
        let (low, high) = match config.jitter {
            Jitter::None => (nominal, nominal),
            _ if first && config.first_exact => {
                let exact = asked.unwrap_or(initial).min(cap);
                (exact, exact)
            }
            Jitter::Full => (Micros::ZERO, nominal),
            Jitter::Equal => (Micros(nominal.0 / 2), nominal),
            Jitter::PlusMinus(share) => {
                let spread = share.of(nominal);
                (nominal.saturating_sub(spread), nominal.saturating_add(spread).min(cap))
            }
            Jitter::Window(low, high) => (low.of(nominal), high.of(nominal)),
            Jitter::Plus(_) | Jitter::PlusFixed(..) => match config.rare {
                Rare::OnTop(window) => window(config, nominal, mode),
                Rare::No | Rare::Polly { .. } | Rare::Windows(_) => (nominal, nominal),
            },
            Jitter::Minus(share) => {
                let (high, low) = (nominal.max(floor), nominal.saturating_sub(share.of(nominal)).max(floor));
                return Some(high.saturating_sub(uniform(rng, Micros::ZERO, high.saturating_sub(low))));
            }
            Jitter::AboveInitial | Jitter::Decorrelated | Jitter::DecorrelatedV2 if asked_for => {
                (Micros::ZERO, nominal)
            }
            Jitter::AboveInitial => (initial, initial.saturating_add(nominal)),
            Jitter::Decorrelated => (initial, self.last.max(initial).saturating_mul(3)),
            Jitter::DecorrelatedV2 => match config.rare {
                Rare::Polly { walk, .. } => {
                    return Some(walk(self, config, initial, cap, rng.next_u64()).max(floor));
                }
                Rare::No | Rare::OnTop(_) | Rare::Windows(_) => (nominal, nominal),
            },
        };
        let low = low.max(floor);
        if config.jitter == Jitter::None {
            return Some(low);
        }
        let mut wait = uniform(rng, low, high);
        if config.jitter == Jitter::Decorrelated {
            wait = fold(wait, low, cap, high);
            self.last = wait;
        }
        Some(wait.min(cap))
    }

    /// The next wait on Polly's curve: the distance from the last position to a random one in the next step.
    ///
    /// Up to the step that ends beyond the cap this is Polly's formula. In further steps every draw would be above the cap, and
    /// Polly waits exactly the cap from then on; here that last step repeats, and a draw above the cap is spread below it.
    fn walk(&mut self, config: &BackoffConfig, initial: Micros, cap: Micros, draw: u64) -> Micros {
        let (step, from) = self.step(config, initial);
        let here = polly::place(initial, step, draw);
        self.last = here;
        let wait = here.saturating_sub(from);
        if wait < cap {
            return wait;
        }
        let low = polly::place(initial, step, 0).saturating_sub(from);
        let high = polly::place(initial, step.saturating_add(1), 0).saturating_sub(from);
        if low < cap {
            return fold(wait, low, cap, high);
        }
        // The cap of this mode is far below the other's, or the draw before the first step was small.
        let half = Micros(cap.0 / 2);
        let way = wait.saturating_sub(low);
        fold(cap.saturating_add(way), half, cap, cap.saturating_add(high.saturating_sub(low)))
    }

    /// The position after so many failures, with this draw in the last step.
    fn place(config: &BackoffConfig, initial: Micros, failures: u32, draw: u64) -> Micros {
        let step = polly::last_step(initial, config.top()).min(failures.saturating_sub(1));
        polly::place(initial, step, draw)
    }

    /// The step of Polly's curve for this failure, and the position it starts from.
    fn step(&self, config: &BackoffConfig, initial: Micros) -> (u32, Micros) {
        let last = polly::last_step(initial, config.top());
        let step = self.failures.saturating_sub(1);
        // In the repeated last step the start is halved, because positions double with every step.
        if step > last { (last, Micros(self.last.0 / 2)) } else { (step, self.last) }
    }

    /// What the next step needs beside the config: the failures, and the last draw, which is zero where no step continues from a
    /// draw. That of windows is the phase, with the window.
    pub(crate) const fn parts(&self, config: &BackoffConfig) -> (u32, Micros) {
        let drawn = matches!(config.jitter, Jitter::Decorrelated | Jitter::DecorrelatedV2)
            || matches!(config.curve, Curve::Windows(_));
        (self.failures, if drawn { self.last } else { Micros::ZERO })
    }

    /// The position after so many failures with this config, without a base.
    fn followed(config: &BackoffConfig, start: Start, failures: u32, last: Micros) -> Self {
        if let (Rare::Windows(_), true) = (config.rare, failures > 0) {
            // The window follows from the time and not from the count. What has no phase is of another curve.
            let mut backoff = Self { last, failures, base: Base::NONE };
            backoff.last = if backoff.window_phase().is_some() { last } else { Micros::ZERO };
            return backoff;
        }
        let mut ladder = Self::new();
        for _ in 0..failures.min(FOLLOWED) {
            if ladder.climb(config, start).is_none() {
                break;
            }
        }
        ladder.failures = failures;
        match config.jitter {
            _ if failures == 0 => {}
            Jitter::Decorrelated => ladder.last = last.min(config.top()),
            _ => {
                if let Rare::Polly { place, .. } = config.rare {
                    ladder.last = last.min(place(config, start.initial, failures, u64::MAX));
                }
            }
        }
        ladder
    }

    /// The jittered wait after the `failure`-th failure in a row.
    fn counted_wait<R: Rng + ?Sized>(
        config: &BackoffConfig,
        start: Start,
        failure: u32,
        mode: Mode,
        elapsed: Micros,
        rng: &mut R,
    ) -> Option<Micros> {
        let mut ladder = Self::new();
        for _ in 1..failure.min(FOLLOWED) {
            ladder.climb(config, start)?;
        }
        if let Rare::Windows(windows) = config.rare {
            // What only counts has no phase of its own: a place in a window that begins now.
            let nominal = ladder.climb(config, start)?;
            let first = ladder.failures == 1;
            if first && config.first_exact {
                return Some(start.first.unwrap_or(start.initial).min(config.cap(mode)));
            }
            let asked_for = first && start.first.is_some();
            let nominal = if asked_for { nominal } else { nominal.max((windows.width)(config, elapsed)) };
            let cap = config.cap(mode);
            let floor = if asked_for { Micros::ZERO } else { config.floor.min(cap) };
            return Some(uniform(rng, floor, nominal.min(cap)));
        }
        if let (Rare::Polly { place, .. }, 1..) = (config.rare, ladder.failures) {
            ladder.last = place(config, start.initial, ladder.failures, 1 << 63);
        }
        ladder.any_wait(config, start, mode, Micros::ZERO, rng)
    }

    /// Counts one failure and returns its nominal wait before the caps of the modes.
    fn climb(&mut self, config: &BackoffConfig, Start { initial, first: asked }: Start) -> Option<Micros> {
        self.failures = self.failures.saturating_add(1);
        let first = self.failures == 1;
        if let Rare::Windows(windows) = config.rare {
            let width = (windows.climb)(self, config, Start { initial, first: asked });
            return Some(asked.filter(|_| first).unwrap_or(width));
        }
        let top = config.top();
        let before = self.last;
        let nominal = match config.curve {
            Curve::Table(delays, after) => {
                let index = usize::try_from(self.failures.saturating_sub(1)).unwrap_or(usize::MAX);
                let entry = match after {
                    AfterTable::RepeatLast => delays.get(index).or(delays.last()),
                    AfterTable::GiveUp => delays.get(index),
                };
                // The first entry, or the first wait that the server set.
                if first { initial } else { Micros::from_duration(*entry?) }
            }
            Curve::Constant => initial,
            Curve::Linear => initial.saturating_mul(u64::from(self.failures)),
            Curve::Exponential(_) if first => initial,
            Curve::Exponential(_) if before == top || self.failures > FOLLOWED => top,
            Curve::Exponential(factor) => factor.of(before).max(before.saturating_add(Micros(1))),
            Curve::Fibonacci if before == top => top,
            Curve::Fibonacci => initial.saturating_mul(fibonacci(self.failures)),
            Curve::Quadratic(step) => {
                let before = u64::from(self.failures.saturating_sub(1));
                let grown = Micros::from_duration(step).saturating_mul(before.saturating_mul(before));
                initial.saturating_add(grown)
            }
            Curve::Elapsed(_) | Curve::Windows(_) => top,
        }
        .min(top);
        // The other two continue from the last draw; their nominal wait is the cap.
        let drawn = matches!(config.jitter, Jitter::Decorrelated | Jitter::DecorrelatedV2);
        if !drawn {
            self.last = nominal;
        }
        match asked {
            Some(asked_for) if first => Some(asked_for),
            _ if drawn => Some(top),
            _ => Some(nominal),
        }
    }

    /// The backoff with all but one of these failures counted, for the curves that need no history by then.
    const fn skip_to(&mut self, failure: u32) {
        self.failures = failure.saturating_sub(1);
    }
}

/// The n-th Fibonacci number, from 1, 1, 2, 3, 5; saturating, which is after 93 of them.
fn fibonacci(n: u32) -> u64 {
    let (mut this, mut next) = (0_u64, 1_u64);
    for _ in 0..n.min(94) {
        (this, next) = (next, this.saturating_add(next));
    }
    this
}

/// A draw from `[low, high)` that is at or above `cap`, spread evenly over `[low, cap)`.
///
/// The distribution is that of a draw from `[low, min(cap, high))`; a draw below the cap is unchanged.
fn fold(wait: Micros, low: Micros, cap: Micros, high: Micros) -> Micros {
    if wait.0 < cap.0 {
        return wait;
    }
    let (over, room) = (wait.saturating_sub(cap).0, cap.saturating_sub(low).0);
    let all = high.saturating_sub(cap).0;
    let scaled = match over.checked_mul(room) {
        // Waits of less than an hour: no 128-bit division, which takes a loop.
        Some(product) if cfg!(target_pointer_width = "64") => product.checked_div(all).unwrap_or(0),
        _ => {
            let scaled = u128::from(over).saturating_mul(room.into()).checked_div(all.into());
            scaled.map_or(0, |scaled| scaled as u64)
        }
    };
    low.saturating_add(Micros(scaled)).min(cap)
}

/// The waits of a [`BackoffConfig`], from [`BackoffConfig::delays`]: an iterator for a retry loop.
///
/// The cap is that of [`Mode::Resume`]. The iterator ends only after a table that gives up, and then stays ended. The sum of the
/// waits counts as the length of the outage; the attempts themselves take no time.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
///
/// # fn dial() -> Result<u32, &'static str> { Ok(7) }
/// # fn sleep(_: Duration) {}
/// let config = BackoffConfig::exponential(Duration::from_millis(100), Ratio::TWO, Duration::from_secs(10))
///     .jitter(Jitter::Equal)
///     .build()?;
/// let mut delays = config.delays(SplitMix64::new(7)).take(5);
/// let connection = loop {
///     match dial() {
///         Ok(connection) => break Some(connection),
///         Err(_) => match delays.next() {
///             Some(delay) => sleep(delay),
///             None => break None,
///         },
///     }
/// };
/// # assert_eq!(connection, Some(7));
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "iterators are lazy"]
pub struct Delays<R> {
    config: BackoffConfig,
    backoff: Backoff,
    elapsed: Micros,
    rng: R,
}

impl<R> Delays<R> {
    const fn new(config: BackoffConfig, rng: R) -> Self {
        Self { config, backoff: Backoff::new(), elapsed: Micros::ZERO, rng }
    }

    /// Starts over with the first wait. The generator continues, so that no wait is drawn twice.
    pub const fn reset(&mut self) {
        self.backoff.reset();
        self.elapsed = Micros::ZERO;
    }
}

impl<R: Rng> Iterator for Delays<R> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.backoff.next_delay_micros(&self.config, Mode::Resume, self.elapsed, &mut self.rng)?;
        self.elapsed = self.elapsed.saturating_add(wait);
        Some(wait.to_duration())
    }
}

impl<R: Rng> FusedIterator for Delays<R> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratio::Ratio;
    use crate::rng::SplitMix64;

    /// What only counts its failures starts Polly's step from the middle of the one before: (f(5) - f(4.5)) / 1.4 is
    /// 6.7 s, (f(6) - f(4.5)) / 1.4 is 29.5 s.
    #[test]
    fn a_counted_failure_walks_one_step() {
        let ladder = BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(900));
        let config = ladder.jitter(Jitter::DecorrelatedV2).build_const();
        let mut rng = SplitMix64::new(8);
        for _ in 0..1000 {
            let wait = Backoff::wait_after(&config, None, 6, Mode::Resume, Micros::ZERO, &mut rng).unwrap();
            assert!((6_690_000..29_600_000).contains(&wait.0), "{wait:?}");
            let late = Backoff::wait_after(&config, None, u32::MAX, Mode::Resume, Micros::ZERO, &mut rng);
            let late = late.unwrap();
            assert!((1..900_000_000).contains(&late.0), "{late:?}");
        }
    }
}
