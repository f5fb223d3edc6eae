//! The waits.

use core::ffi::c_char;
use core::time::Duration;

use core_policy::backoff::Curve;
use core_policy::{BackoffConfig, Jitter, Mode, Ratio};

use crate::choices::{after_table_number, redial_after_table};
use crate::names::{numbered, word};
use crate::status::{Refused, Why};
use crate::time::{REDIAL_NEVER, limit, limit_millis, millis};

use super::{redial_ratio, refused};

/// The most entries of a table of waits.
pub const REDIAL_MAX_TABLE: usize = 32;

/// How the nominal wait follows from the number of failures.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_curve {
    /// Every nominal wait is `initial_ms`; with its jitter a wait is at most `max_ms`.
    REDIAL_CURVE_CONSTANT = 1,
    /// `initial_ms * factor^(n - 1)`, at most `max_ms`.
    REDIAL_CURVE_EXPONENTIAL = 2,
    /// `initial_ms * n`, at most `max_ms`.
    REDIAL_CURVE_LINEAR = 3,
    /// 1, 1, 2, 3, 5, 8 ... times `initial_ms`, at most `max_ms`.
    REDIAL_CURVE_FIBONACCI = 4,
    /// The entries of `table_ms`, then `after_table`.
    REDIAL_CURVE_TABLE = 5,
    /// `initial_ms + step_ms * (n - 1)^2`, at most `max_ms`.
    REDIAL_CURVE_QUADRATIC = 6,
    /// `factor` of the time that the outage has lasted, at least `initial_ms` and at most `max_ms`.
    REDIAL_CURVE_ELAPSED = 7,
    /// Consecutive windows, the first of `initial_ms`, growing by `scale_ms`, in each of which a client dials once.
    REDIAL_CURVE_WINDOWS = 8,
}

/// A [`redial_curve`] as a number.
pub type curve_number = u32;

numbered!(redial_curve {
    REDIAL_CURVE_CONSTANT,
    REDIAL_CURVE_EXPONENTIAL,
    REDIAL_CURVE_LINEAR,
    REDIAL_CURVE_FIBONACCI,
    REDIAL_CURVE_TABLE,
    REDIAL_CURVE_QUADRATIC,
    REDIAL_CURVE_ELAPSED,
    REDIAL_CURVE_WINDOWS,
});

/// How a wait is randomized around its nominal value d.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum redial_jitter {
    /// Exactly d.
    REDIAL_JITTER_NONE = 1,
    /// From 0 to d.
    REDIAL_JITTER_FULL = 2,
    /// From d / 2 to d.
    REDIAL_JITTER_EQUAL = 3,
    /// From `initial_ms` to three times the wait before.
    REDIAL_JITTER_DECORRELATED = 4,
    /// From `d * (1 - jitter_share)` to `d * (1 + jitter_share)`.
    REDIAL_JITTER_PLUS_MINUS = 5,
    /// From `d * jitter_low` to `d * jitter_share`.
    REDIAL_JITTER_WINDOW = 6,
    /// From `d * (1 - jitter_share)` to d.
    REDIAL_JITTER_MINUS = 7,
    /// From d to `d * (1 + jitter_share)`.
    REDIAL_JITTER_PLUS = 8,
    /// From `d + jitter_low_ms` to `d + jitter_high_ms`.
    REDIAL_JITTER_PLUS_FIXED = 9,
    /// From `initial_ms` to `initial_ms + d`.
    REDIAL_JITTER_ABOVE_INITIAL = 10,
    /// The random steps of Polly along a curve that doubles.
    REDIAL_JITTER_DECORRELATED_V2 = 11,
}

/// A [`redial_jitter`] as a number.
pub type jitter_number = u32;

numbered!(redial_jitter {
    REDIAL_JITTER_NONE,
    REDIAL_JITTER_FULL,
    REDIAL_JITTER_EQUAL,
    REDIAL_JITTER_DECORRELATED,
    REDIAL_JITTER_PLUS_MINUS,
    REDIAL_JITTER_WINDOW,
    REDIAL_JITTER_MINUS,
    REDIAL_JITTER_PLUS,
    REDIAL_JITTER_PLUS_FIXED,
    REDIAL_JITTER_ABOVE_INITIAL,
    REDIAL_JITTER_DECORRELATED_V2,
});

/// The waits between attempts. What the curve or the jitter does not use is not read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct redial_backoff {
    /// How the nominal wait grows.
    pub curve: curve_number,
    /// How it is randomized.
    pub jitter: jitter_number,
    /// The first nominal wait.
    pub initial_ms: u64,
    /// The longest wait; of windows `REDIAL_NEVER` for none.
    pub max_ms: u64,
    /// Another longest wait before a dial that starts a new session; `REDIAL_NEVER` for the same.
    pub max_fresh_ms: u64,
    /// The shortest wait.
    pub floor_ms: u64,
    /// Another first wait of an outage; `REDIAL_NEVER` for none.
    pub first_ms: u64,
    /// The step of a quadratic curve.
    pub step_ms: u64,
    /// The scale of windows.
    pub scale_ms: u64,
    /// The ends of a fixed jitter.
    pub jitter_low_ms: u64,
    /// Its upper end.
    pub jitter_high_ms: u64,
    /// The growth factor of an exponential curve, or the share of an elapsed one.
    pub factor: redial_ratio,
    /// The share of a jitter, and the upper end of a window.
    pub jitter_share: redial_ratio,
    /// The lower end of a window.
    pub jitter_low: redial_ratio,
    /// The entries of a table.
    pub table_ms: [u64; REDIAL_MAX_TABLE],
    /// How many there are.
    pub table_count: u32,
    /// What follows the last one.
    pub after_table: after_table_number,
    /// How many bits of a drawn phase all windows of an outage share, 0 to 32.
    pub phase_bits: u8,
    /// Whether the first wait of an outage has no jitter.
    pub exact_first: u8,
}

const ONE: redial_ratio = redial_ratio { numerator: 1, denominator: 1 };

impl redial_backoff {
    pub(super) fn of(config: &BackoffConfig) -> Self {
        use redial_curve::*;
        use redial_jitter::*;
        let max = config.max_delay(Mode::Resume);
        let fresh = config.max_delay(Mode::Fresh);
        let mut it = Self {
            curve: 0,
            jitter: 0,
            initial_ms: millis(config.initial_delay()),
            max_ms: if max == LONGEST { REDIAL_NEVER } else { millis(max) },
            max_fresh_ms: limit_millis(Some(fresh).filter(|fresh| *fresh != max)),
            floor_ms: millis(config.floor()),
            first_ms: limit_millis(config.first_delay()),
            step_ms: 0,
            scale_ms: 0,
            jitter_low_ms: 0,
            jitter_high_ms: 0,
            factor: ONE,
            jitter_share: ONE,
            jitter_low: ONE,
            table_ms: [0; REDIAL_MAX_TABLE],
            table_count: 0,
            after_table: redial_after_table::REDIAL_AFTER_TABLE_REPEAT_LAST as u32,
            phase_bits: config.phase_bits(),
            exact_first: config.exact_first().into(),
        };
        it.curve = match config.curve() {
            Curve::Constant => REDIAL_CURVE_CONSTANT,
            Curve::Exponential(factor) => {
                it.factor = redial_ratio::of(factor);
                REDIAL_CURVE_EXPONENTIAL
            }
            Curve::Linear => REDIAL_CURVE_LINEAR,
            Curve::Fibonacci => REDIAL_CURVE_FIBONACCI,
            Curve::Table(entries, after) => {
                for (slot, entry) in it.table_ms.iter_mut().zip(entries) {
                    *slot = millis(*entry);
                    it.table_count = it.table_count.saturating_add(1);
                }
                it.after_table = redial_after_table::of(after);
                REDIAL_CURVE_TABLE
            }
            Curve::Quadratic(step) => {
                it.step_ms = millis(step);
                REDIAL_CURVE_QUADRATIC
            }
            Curve::Elapsed(share) => {
                it.factor = redial_ratio::of(share);
                REDIAL_CURVE_ELAPSED
            }
            Curve::Windows(scale) => {
                it.scale_ms = millis(scale);
                REDIAL_CURVE_WINDOWS
            }
            _ => return it,
        } as u32;
        it.jitter = match config.jitter() {
            Jitter::None => REDIAL_JITTER_NONE,
            Jitter::Full => REDIAL_JITTER_FULL,
            Jitter::Equal => REDIAL_JITTER_EQUAL,
            Jitter::Decorrelated => REDIAL_JITTER_DECORRELATED,
            Jitter::PlusMinus(share) => {
                it.jitter_share = redial_ratio::of(share);
                REDIAL_JITTER_PLUS_MINUS
            }
            Jitter::Window(low, high) => {
                (it.jitter_low, it.jitter_share) = (redial_ratio::of(low), redial_ratio::of(high));
                REDIAL_JITTER_WINDOW
            }
            Jitter::Minus(share) => {
                it.jitter_share = redial_ratio::of(share);
                REDIAL_JITTER_MINUS
            }
            Jitter::Plus(share) => {
                it.jitter_share = redial_ratio::of(share);
                REDIAL_JITTER_PLUS
            }
            Jitter::PlusFixed(low, high) => {
                (it.jitter_low_ms, it.jitter_high_ms) = (millis(low), millis(high));
                REDIAL_JITTER_PLUS_FIXED
            }
            Jitter::AboveInitial => REDIAL_JITTER_ABOVE_INITIAL,
            Jitter::DecorrelatedV2 => REDIAL_JITTER_DECORRELATED_V2,
            _ => return it,
        } as u32;
        it
    }

    /// The config; `keep` keeps the entries of a table.
    pub(super) fn build(
        &self,
        setting: *const c_char,
        keep: impl FnOnce(&mut dyn Iterator<Item = Duration>) -> &'static [Duration],
    ) -> Result<BackoffConfig, Refused> {
        use redial_curve::*;
        let why = |message| Refused { setting, why: Why::Text(message) };
        let (initial, max) = (Duration::from_millis(self.initial_ms), Duration::from_millis(self.max_ms));
        let curve = redial_curve::read(self.curve).ok_or_else(|| why(word!("curve is no redial_curve")))?;
        let mut backoff = match curve {
            // With a cap of its own, for a jitter that only adds.
            REDIAL_CURVE_CONSTANT => BackoffConfig::exponential(initial, Ratio::ONE, max),
            REDIAL_CURVE_EXPONENTIAL => BackoffConfig::exponential(initial, self.factor.read(setting)?, max),
            REDIAL_CURVE_LINEAR => BackoffConfig::linear(initial, max),
            REDIAL_CURVE_FIBONACCI => BackoffConfig::fibonacci(initial, max),
            REDIAL_CURVE_QUADRATIC => {
                BackoffConfig::quadratic(initial, Duration::from_millis(self.step_ms), max)
            }
            REDIAL_CURVE_ELAPSED => BackoffConfig::elapsed(self.factor.read(setting)?, initial, max),
            REDIAL_CURVE_WINDOWS => {
                let scale = Duration::from_millis(self.scale_ms);
                let windows = BackoffConfig::windows(initial, scale).phase_bits(self.phase_bits);
                limit(self.max_ms).map_or(windows, |max| windows.max_delay(max))
            }
            REDIAL_CURVE_TABLE => {
                let count = usize::try_from(self.table_count).unwrap_or(usize::MAX);
                let entries = self.table_ms.get(..count);
                let entries =
                    entries.ok_or_else(|| why(word!("the table has more than REDIAL_MAX_TABLE entries")))?;
                let after = redial_after_table::read(self.after_table);
                let after = after.ok_or_else(|| why(word!("after_table is no redial_after_table")))?;
                BackoffConfig::table(keep(&mut entries.iter().copied().map(Duration::from_millis)), after)
            }
        };
        backoff = backoff.jitter(self.jitter(setting)?).floor(Duration::from_millis(self.floor_ms));
        if let Some(first) = limit(self.first_ms) {
            backoff = backoff.first_delay(first);
        }
        if self.exact_first != 0 {
            backoff = backoff.exact_first();
        }
        if let Some(fresh) = limit(self.max_fresh_ms) {
            backoff = backoff.max_fresh(fresh);
        }
        backoff.build().map_err(refused(setting))
    }

    fn jitter(&self, setting: *const c_char) -> Result<Jitter, Refused> {
        use redial_jitter::*;
        let share = || self.jitter_share.read(setting);
        let jitter = redial_jitter::read(self.jitter);
        let jitter =
            jitter.ok_or(Refused { setting, why: Why::Text(word!("jitter is no redial_jitter")) })?;
        Ok(match jitter {
            REDIAL_JITTER_NONE => Jitter::None,
            REDIAL_JITTER_FULL => Jitter::Full,
            REDIAL_JITTER_EQUAL => Jitter::Equal,
            REDIAL_JITTER_DECORRELATED => Jitter::Decorrelated,
            REDIAL_JITTER_PLUS_MINUS => Jitter::PlusMinus(share()?),
            REDIAL_JITTER_WINDOW => Jitter::Window(self.jitter_low.read(setting)?, share()?),
            REDIAL_JITTER_MINUS => Jitter::Minus(share()?),
            REDIAL_JITTER_PLUS => Jitter::Plus(share()?),
            REDIAL_JITTER_PLUS_FIXED => Jitter::PlusFixed(
                Duration::from_millis(self.jitter_low_ms),
                Duration::from_millis(self.jitter_high_ms),
            ),
            REDIAL_JITTER_ABOVE_INITIAL => Jitter::AboveInitial,
            REDIAL_JITTER_DECORRELATED_V2 => Jitter::DecorrelatedV2,
        })
    }
}

/// The longest wait where there is no other: the end of the core's time.
const LONGEST: Duration = Duration::from_micros(u64::MAX);
