//! The circuit breaker: after enough failures in a row nobody dials for a while, then a few probes decide.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use rand_core::Rng;

use crate::error::ConfigError;
use crate::ratio::{Ratio, uniform};
use crate::time::{Instant, Micros};

/// When a [`CircuitBreaker`] opens, for how long, and what closes it. Built in a `const`, shared by any number of
/// breakers.
///
/// ```
/// use core::time::Duration;
/// use redial::{BreakerConfig, Ratio, valid};
///
/// // Five failures open it for a minute; every failed probe doubles that, up to ten minutes.
/// const CONFIG: BreakerConfig = valid(
///     valid(BreakerConfig::new(5, Duration::from_secs(60))).with_growth(Ratio::TWO, Duration::from_secs(600)),
/// );
/// # let _ = CONFIG;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreakerConfig {
    failures: u32,
    probes: u8,
    open: Micros,
    max_open: Micros,
    factor: Ratio,
    jitter: Ratio,
    lease: Micros,
}

impl BreakerConfig {
    /// The most probes that a half-open breaker can keep apart.
    pub const MAX_PROBES: u8 = u16::BITS as u8;

    /// Opens after `failures` failures in a row (at least 1), for `open` (at least 1 µs). A usual choice is 5 failures
    /// and 60 s. No growth, no jitter, one probe, a lease of 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerFailuresZero`], [`ConfigError::BreakerOpenTime`].
    pub const fn new(failures: u32, open: Duration) -> Result<Self, ConfigError> {
        let open = Micros::from_duration(open);
        if failures == 0 {
            return Err(ConfigError::BreakerFailuresZero);
        }
        if open.is_zero() {
            return Err(ConfigError::BreakerOpenTime);
        }
        Ok(Self {
            failures,
            probes: 1,
            open,
            max_open: open,
            factor: Ratio::ONE,
            jitter: Ratio::ZERO,
            lease: Micros::from_millis(60_000),
        })
    }

    /// Multiplies the open time by `factor` (at least 1) each time a probe fails, up to `max`, which is the limit
    /// before jitter. Closing starts over. Default: no growth. It stops growing after 255 failed probes at the latest.
    ///
    /// # Errors
    /// [`ConfigError::FactorBelowOne`]; [`ConfigError::BreakerOpenTime`] when `max` is below the first open time.
    pub const fn with_growth(mut self, factor: Ratio, max: Duration) -> Result<Self, ConfigError> {
        let max = Micros::from_duration(max);
        if factor.is_below_one() {
            return Err(ConfigError::FactorBelowOne);
        }
        if max.0 < self.open.0 {
            return Err(ConfigError::BreakerOpenTime);
        }
        self.factor = factor;
        self.max_open = max;
        Ok(self)
    }

    /// Draws each open time from `[open, open × (1 + share))`, so that breakers which opened together do not probe
    /// together. `share` is 0 to 1. Default: 0, which takes nothing from the generator.
    ///
    /// # Errors
    /// [`ConfigError::JitterAboveOne`].
    pub const fn with_jitter(mut self, share: Ratio) -> Result<Self, ConfigError> {
        if share.is_above_one() {
            return Err(ConfigError::JitterAboveOne);
        }
        self.jitter = share;
        Ok(self)
    }

    /// How many probes a half-open breaker admits, 1 to [`BreakerConfig::MAX_PROBES`]. All of them must succeed to
    /// close it; the first one that fails opens it again. Default: 1.
    ///
    /// # Errors
    /// [`ConfigError::BreakerProbes`].
    pub const fn with_probes(mut self, probes: u8) -> Result<Self, ConfigError> {
        if probes == 0 || probes > Self::MAX_PROBES {
            return Err(ConfigError::BreakerProbes);
        }
        self.probes = probes;
        Ok(self)
    }

    /// How long a probe may take before it counts as failed: a probe that never answers must not keep the breaker
    /// half-open for ever. With several probes, one lease covers all of
    /// them and runs from the last admission. Default: 60 s.
    ///
    /// # Errors
    /// [`ConfigError::BreakerLeaseZero`].
    pub const fn with_lease(mut self, lease: Duration) -> Result<Self, ConfigError> {
        self.lease = Micros::from_duration(lease);
        if self.lease.is_zero() {
            return Err(ConfigError::BreakerLeaseZero);
        }
        Ok(self)
    }

    /// The shortest and the longest open time after this many failed probes.
    fn open_time(&self, reopenings: u8) -> (Micros, Micros) {
        let mut low = self.open;
        for _ in 0..reopenings {
            if low >= self.max_open {
                break;
            }
            low = self.factor.of(low).min(self.max_open);
        }
        (low, low.saturating_add(self.jitter.of(low)))
    }
}

/// Permission for one attempt, from [`CircuitBreaker::try_acquire`]. Keep it beside the attempt's epoch and hand it back
/// once, with the result.
///
/// It names the state of the breaker that gave it: once that has changed, the result says nothing about the new state
/// and is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Permit {
    generation: NonZeroU32,
    /// The bit of the probe's slot; 0 when this is no probe.
    probe: u16,
}

impl Permit {
    /// Whether this attempt is one of those that decide whether a half-open breaker closes.
    #[must_use]
    pub const fn is_probe(self) -> bool {
        self.probe != 0
    }
}

/// The breaker refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rejected {
    /// When to ask again: the end of the open time or, while all probes are out, of their lease. It is later than the
    /// `now` of the question. `None`: the breaker was forced open, and only [`CircuitBreaker::reset`] or
    /// [`CircuitBreaker::disable`] ends that.
    pub until: Option<Instant>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "the circuit is open until {} µs", until.as_micros()),
            None => f.write_str("the circuit was forced open"),
        }
    }
}

impl core::error::Error for Rejected {}

/// What a [`CircuitBreaker`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BreakerState {
    /// Every attempt is admitted.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// No attempt is admitted before `until`.
    Open {
        /// The end of the open time.
        until: Instant,
    },
    /// A limited number of attempts is admitted.
    HalfOpen {
        /// Probes without a result.
        probes_out: u8,
        /// Probes that succeeded. The others still must.
        probes_succeeded: u8,
    },
    /// No attempt is admitted until somebody says otherwise.
    ForcedOpen,
    /// Every attempt is admitted and no result is counted.
    Disabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
enum Phase {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One bit for each probe, in `out` until it succeeds, then in `succeeded`. The lease means nothing without a
    /// probe out.
    HalfOpen {
        lease_end: Instant,
        out: u16,
        succeeded: u16,
    },
    ForcedOpen,
    Disabled,
}

/// A circuit breaker on failures in a row, for one endpoint and any number of connections to it.
///
/// *Closed*, it admits everything; [`BreakerConfig::new`]'s number of failures without a success between them opens it.
/// *Open*, it admits nothing until the open time, counted from the last failure, is over; at exactly that instant it is
/// over. *Half-open*, it admits the configured probes: all must succeed to close it, and the first that fails, or that
/// has not answered by the end of its lease, opens it again. A success never opens it.
///
/// What counts as a success is the caller's word. For a connection it is the established session (ready, CONNACK) or a
/// stable one, not the open socket: an endpoint that accepts and then closes has failed.
///
/// **Permits.** Every transition makes the permits before it void, so that a late result can't close, open or extend
/// anything (up to the 2^32nd transition). In one half-open cycle each probe counts once, however often its permit is
/// used, and no more results count than there are probes. A permit that was released is spent: its slot may have gone
/// to another probe. While the breaker is closed permits are not told apart; each result handed in counts.
///
/// **Clocks.** All sums saturate. A clock that ran backwards neither shortens a wait nor prolongs it without end: at the
/// next call that may change the breaker, what is left is cut to the longest open time that could be drawn now (or to
/// one lease).
///
/// 24 bytes. Pass the same configuration to every call; a changed one is obeyed from then on.
///
/// ```
/// use core::time::Duration;
/// use redial::{BreakerConfig, BreakerState, CircuitBreaker, Instant, Rejected, SplitMix64, valid};
///
/// const CONFIG: BreakerConfig = valid(BreakerConfig::new(2, Duration::from_secs(60)));
/// let mut rng = SplitMix64::new(7);
/// let mut breaker = CircuitBreaker::new();
///
/// for second in [0, 1] {
///     let now = Instant::from_millis(second * 1_000);
///     let permit = breaker.try_acquire(&CONFIG, now, &mut rng)?;
///     breaker.failure(&CONFIG, now, permit, &mut rng);
/// }
/// let until = Instant::from_millis(61_000);
/// assert_eq!(breaker.check(&CONFIG, Instant::from_millis(60_999)), Err(Rejected { until: Some(until) }));
///
/// let probe = breaker.try_acquire(&CONFIG, until, &mut rng)?;
/// breaker.success(&CONFIG, until, probe);
/// assert_eq!(breaker.state(until), BreakerState::Closed { failures: 0 });
/// # Ok::<(), Rejected>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CircuitBreaker {
    phase: Phase,
    /// Counts transitions; see [`Permit`].
    generation: NonZeroU32,
    /// Times that a probe failed since the breaker was last closed.
    reopenings: u8,
}

const _: () = assert!(size_of::<CircuitBreaker>() <= 24);
const _: () = assert!(size_of::<Option<Permit>>() <= 8);

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

impl CircuitBreaker {
    /// Closed, without a failure.
    #[must_use]
    pub const fn new() -> Self {
        Self { phase: Phase::Closed { failures: 0 }, generation: NonZeroU32::MIN, reopenings: 0 }
    }

    /// Asks for permission to make one attempt. Takes at most one draw from `rng`, and only for an open time with
    /// jitter.
    ///
    /// # Errors
    /// [`Rejected`], with the time to come back.
    pub fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        config: &BreakerConfig,
        now: Instant,
        rng: &mut R,
    ) -> Result<Permit, Rejected> {
        self.acquire(config, now, drawn_by(rng))
    }

    /// What [`CircuitBreaker::try_acquire`] would answer, without taking a probe or changing anything.
    ///
    /// When a lease has run out and no other call has noticed, the open time is not drawn yet; this answers with
    /// the longest.
    ///
    /// # Errors
    /// [`Rejected`], with the time to come back.
    pub fn check(&self, config: &BreakerConfig, now: Instant) -> Result<(), Rejected> {
        self.clone().acquire(config, now, |_, longest| longest).map(|_| ())
    }

    /// The attempt succeeded. Closed: the failures start again from 0. Half-open: one probe fewer to go; the last one
    /// closes the breaker. At or after the end of its lease a probe has failed, and its success changes nothing.
    pub fn success(&mut self, config: &BreakerConfig, now: Instant, permit: Permit) {
        if permit.generation != self.generation {
            return;
        }
        match &mut self.phase {
            Phase::Closed { failures } => *failures = 0,
            Phase::HalfOpen { lease_end, out, succeeded } if now < *lease_end => {
                *succeeded |= *out & permit.probe;
                *out &= !permit.probe;
                if succeeded.count_ones() >= u32::from(config.probes) {
                    self.close();
                }
            }
            _ => {}
        }
    }

    /// The attempt failed. Closed: the last failure of the row opens the breaker. Half-open: opens it again, for longer
    /// if so configured. The open time runs from `now`, or from the end of the lease if that was before.
    pub fn failure<R: Rng + ?Sized>(
        &mut self,
        config: &BreakerConfig,
        now: Instant,
        permit: Permit,
        rng: &mut R,
    ) {
        if permit.generation != self.generation {
            return;
        }
        match &mut self.phase {
            Phase::Closed { failures } => {
                *failures = failures.saturating_add(1);
                if *failures >= config.failures {
                    self.open(config, now, drawn_by(rng));
                }
            }
            Phase::HalfOpen { lease_end, out, .. } if *out & permit.probe != 0 => {
                let at = now.min(*lease_end);
                self.reopen(config, at, drawn_by(rng));
            }
            _ => {}
        }
    }

    /// The attempt ended without a verdict (the user stopped it, say): its probe is free again.
    pub fn release(&mut self, permit: Permit) {
        if let Phase::HalfOpen { out, .. } = &mut self.phase {
            if permit.generation == self.generation {
                *out &= !permit.probe;
            }
        }
    }

    /// When to call [`CircuitBreaker::handle_timeout`]: at the end of the open time, or of the lease of the probes that
    /// are out. Any call with `&mut` may change it.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } => Some(until),
            Phase::HalfOpen { lease_end, out, .. } if out != 0 => Some(lease_end),
            _ => None,
        }
    }

    /// Time has passed: an open time that is over makes the breaker half-open, and a lease that is over opens it again,
    /// from the end of that lease. Called early or again, it does nothing; called late or never, the next
    /// [`CircuitBreaker::try_acquire`] makes up for it.
    pub fn handle_timeout<R: Rng + ?Sized>(&mut self, config: &BreakerConfig, now: Instant, rng: &mut R) {
        self.advance(config, now, drawn_by(rng));
    }

    /// What the breaker is doing at `now`. Without a configuration it can't tell how long it would be open after a lease
    /// that ran out, so such a probe is out until [`CircuitBreaker::handle_timeout`].
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.phase {
            Phase::Closed { failures } => BreakerState::Closed { failures },
            Phase::Open { until } if now < until => BreakerState::Open { until },
            Phase::Open { .. } => BreakerState::HalfOpen { probes_out: 0, probes_succeeded: 0 },
            Phase::HalfOpen { out, succeeded, .. } => BreakerState::HalfOpen {
                probes_out: out.count_ones() as u8,
                probes_succeeded: succeeded.count_ones() as u8,
            },
            Phase::ForcedOpen => BreakerState::ForcedOpen,
            Phase::Disabled => BreakerState::Disabled,
        }
    }

    /// Admits nothing, whatever the time, until [`CircuitBreaker::reset`] or [`CircuitBreaker::disable`].
    pub fn force_open(&mut self) {
        self.enter(Phase::ForcedOpen);
    }

    /// Admits everything and counts nothing, until [`CircuitBreaker::reset`] or [`CircuitBreaker::force_open`].
    pub fn disable(&mut self) {
        self.enter(Phase::Disabled);
    }

    /// Closes the breaker from any state, with no failure counted and the first open time ahead. Permits from before are
    /// void.
    pub fn reset(&mut self) {
        self.close();
    }

    fn acquire(&mut self, config: &BreakerConfig, now: Instant, draw: impl Draw) -> Result<Permit, Rejected> {
        self.advance(config, now, draw);
        let probe = match &mut self.phase {
            Phase::Closed { .. } | Phase::Disabled => 0,
            Phase::ForcedOpen => return Err(Rejected { until: None }),
            Phase::Open { until } => return Err(Rejected { until: Some(*until) }),
            Phase::HalfOpen { lease_end, out, succeeded } => {
                let taken = *out | *succeeded;
                if taken.count_ones() < u32::from(config.probes) {
                    let lowest_free = !taken & taken.wrapping_add(1);
                    *out |= lowest_free;
                    *lease_end = now.after(config.lease);
                    lowest_free
                } else if *out != 0 {
                    return Err(Rejected { until: Some(*lease_end) });
                } else {
                    // A changed configuration asks for no more than the successes there are.
                    self.close();
                    0
                }
            }
        };
        Ok(Permit { generation: self.generation, probe })
    }

    /// Does what `now` calls for: cuts a deadline that a backward clock put out of reach, ends a lease, ends an open time.
    fn advance(&mut self, config: &BreakerConfig, now: Instant, draw: impl Draw) {
        if let Phase::HalfOpen { lease_end, out, .. } = &mut self.phase {
            *lease_end = (*lease_end).min(now.after(config.lease));
            if *out != 0 && now >= *lease_end {
                let at = *lease_end;
                self.reopen(config, at, draw);
            }
        }
        if let Phase::Open { until } = &mut self.phase {
            let (_, longest) = config.open_time(self.reopenings);
            *until = (*until).min(now.after(longest));
            if now >= *until {
                self.enter(Phase::HalfOpen { lease_end: now, out: 0, succeeded: 0 });
            }
        }
    }

    fn close(&mut self) {
        self.reopenings = 0;
        self.enter(Phase::Closed { failures: 0 });
    }

    fn reopen(&mut self, config: &BreakerConfig, at: Instant, draw: impl Draw) {
        self.reopenings = self.reopenings.saturating_add(1);
        self.open(config, at, draw);
    }

    fn open(&mut self, config: &BreakerConfig, at: Instant, draw: impl Draw) {
        let (low, high) = config.open_time(self.reopenings);
        self.enter(Phase::Open { until: at.after(draw(low, high)) });
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
    }
}

/// Picks an open time between the shortest and the longest.
trait Draw: FnOnce(Micros, Micros) -> Micros {}
impl<F: FnOnce(Micros, Micros) -> Micros> Draw for F {}

/// A draw from a window; an empty window takes nothing from the generator.
fn drawn_by<R: Rng + ?Sized>(rng: &mut R) -> impl Draw {
    |low, high| if low == high { low } else { uniform(rng, low, high) }
}
