//! The circuit breaker: after enough failures no attempt is admitted for a while; then a few probes decide.

mod config;
mod machine;
mod state;
mod stored;
mod window;

use core::num::NonZeroU32;
use core::time::Duration;

use rand_core::Rng;

use crate::ratio::Ratio;
use crate::time::Instant;

pub use crate::denied::Denied;
pub use config::{Config, Rates};
use machine::{Stage, drawn_by};
pub use state::{Cause, Metrics, Permit, Phase, State, Transition};
use window::Counts;
pub use window::{Consecutive, CountWindow, Outcome, RateWindow, TimeWindow, Window};

/// A circuit breaker for one endpoint and any number of connections to it. `W` is what it counts: failures in a row
/// ([`Consecutive`], the default) or the rates of a sliding window ([`CountWindow`], [`TimeWindow`]).
///
/// * *Closed*: every attempt is admitted. The configured number of failures in a row opens the breaker, or a rate that reaches
///   its threshold.
/// * *Open*: no attempt is admitted before the end of the open time, which counts from the last failure.
/// * *Half-open*: the configured number of probes is admitted. By consecutive failures all of them must succeed to close the
///   breaker, and the first failure opens it again; by rate the results of all of them decide. A probe without a result at the
///   end of its lease opens the breaker again in either case.
///
/// The caller decides what is a success. For a connection it is the established session (ready, CONNACK) or a stable one, and
/// not the open socket: an endpoint that accepts and then closes has failed.
///
/// # Permits
///
/// Every transition invalidates the permits before it, so that a late result changes nothing (up to the 2^32nd transition). In
/// one half-open cycle each probe counts once, however often its permit is used. A permit that was released is used up, since
/// its slot may belong to another probe. While the breaker is closed permits are not distinguished, and each result counts.
///
/// # Transitions
///
/// A call that changes the state by a result or by the time returns the [`Transition`]. Only [`CircuitBreaker::try_acquire`]
/// does not: to miss none, call [`CircuitBreaker::handle_timeout`] with the same `now` before it.
///
/// # Clocks
///
/// All arithmetic saturates. A clock that runs backwards neither shortens a wait nor prolongs it without end: the next call that
/// may change the breaker cuts the rest to the longest open time that could be drawn, or to one lease.
///
/// # Size
///
/// 24 bytes; with a window, the window's size plus at most 24. Pass the same configuration to every call; a changed one applies
/// from then on.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, Denied};
/// use redial::{CircuitBreaker, Instant, SplitMix64};
///
/// const CONFIG: breaker::Config = breaker::Config::new(2, Duration::from_secs(60)).build_const();
/// let mut rng = SplitMix64::new(7);
/// let mut breaker = CircuitBreaker::new();
///
/// for second in [0, 1] {
///     let now = Instant::from_millis(second * 1_000);
///     let permit = breaker.try_acquire(&CONFIG, now, &mut rng)?;
///     breaker.failure(&CONFIG, now, permit, &mut rng);
/// }
/// let until = Instant::from_millis(61_000);
/// assert_eq!(breaker.check(&CONFIG, Instant::from_millis(60_999)), Err(Denied { until: Some(until) }));
///
/// let probe = breaker.try_acquire(&CONFIG, until, &mut rng)?;
/// breaker.success(&CONFIG, until, probe);
/// assert_eq!(breaker.state(until), breaker::State::Closed { failures: 0 });
/// # Ok::<(), Denied>(())
/// ```
///
/// By rate:
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, CountWindow, Denied, Outcome, Rates};
/// use redial::{CircuitBreaker, Instant, Ratio, SplitMix64};
///
/// const RATES: Rates = Rates::new(Ratio::new_const(1, 2), 4).build_const();
/// const CONFIG: breaker::Config<CountWindow<10>> =
///     breaker::Config::by_count(RATES, Duration::from_secs(60)).build_const();
/// let (now, mut rng, mut breaker) = (Instant::ZERO, SplitMix64::new(7), CircuitBreaker::new());
///
/// let took = Duration::from_millis(80);
/// for outcome in [Outcome::Success(took), Outcome::Success(took), Outcome::Failure(took)] {
///     let permit = breaker.try_acquire(&CONFIG, now, &mut rng)?;
///     assert_eq!(breaker.record(&CONFIG, now, permit, outcome, &mut rng), None);
/// }
/// let permit = breaker.try_acquire(&CONFIG, now, &mut rng)?;
/// let opened = breaker.record(&CONFIG, now, permit, Outcome::Failure(took), &mut rng);
/// assert_eq!(opened.map(|transition| transition.to), Some(breaker::Phase::Open));
/// assert_eq!(breaker.metrics(&CONFIG, now).failure_rate, Ratio::new(1, 2).ok());
/// # Ok::<(), Denied>(())
/// ```
#[doc(alias = "circuit breaker")]
#[doc(alias = "half-open")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CircuitBreaker<W = Consecutive> {
    /// The end of the open time, or of the lease of the pending probes. Unused in other states.
    deadline: Instant,
    window: W,
    /// Counts transitions; see [`Permit`].
    generation: NonZeroU32,
    phase: Stage,
    /// How often the probes failed since the breaker was last closed.
    reopenings: u8,
}

const _: () = assert!(size_of::<CircuitBreaker>() <= 24);
const _: () = assert!(size_of::<Option<Permit>>() <= 8);

impl<W: Window> Default for CircuitBreaker<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl CircuitBreaker {
    /// The attempt succeeded. This is [`CircuitBreaker::record`] for a breaker by consecutive failures, which a success never
    /// opens, so that it needs no generator.
    ///
    /// Closed: resets the failures. Half-open: the success of the last probe closes the breaker. At or after the end of its
    /// lease the success of a probe changes nothing.
    #[inline]
    pub fn success(&mut self, config: &Config, now: Instant, permit: Permit) -> Option<Transition> {
        self.settle_success(config, now, permit)
    }

    /// The attempt failed. This is [`CircuitBreaker::record`] for a breaker by consecutive failures.
    ///
    /// Closed: the configured number of failures in a row opens the breaker. Half-open: opens it again, for longer if so
    /// configured. The open time counts from `now`, or from the end of the lease if that was earlier.
    #[inline]
    pub fn failure<R: Rng + ?Sized>(
        &mut self,
        config: &Config,
        now: Instant,
        permit: Permit,
        rng: &mut R,
    ) -> Option<Transition> {
        self.settle(config, now, permit, Outcome::Failure(Duration::ZERO), drawn_by(rng))
    }
}

impl<W: RateWindow> CircuitBreaker<W> {
    /// The contents of the window at `now`. An open breaker keeps the results that opened it until they expire. A half-open cycle
    /// starts with an empty window, and so does the closed state that follows it.
    #[must_use]
    pub fn metrics(&self, config: &Config<W>, now: Instant) -> Metrics {
        let Counts { calls, failures, slow } = self.window.counts(&config.limits, now);
        let minimum = W::rates(&config.limits).minimum;
        let minimum = match self.phase {
            Stage::Open { .. } | Stage::HalfOpen { .. } => minimum.min(config.probes.into()),
            _ => minimum,
        };
        let rate = |part| if calls < minimum { None } else { Ratio::new(part, calls).ok() };
        Metrics { calls, failures, slow, failure_rate: rate(failures), slow_rate: rate(slow) }
    }
}

impl<W: Window> CircuitBreaker<W> {
    /// A closed breaker without failures.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            deadline: Instant::ZERO,
            window: W::EMPTY,
            generation: NonZeroU32::MIN,
            phase: Stage::Closed,
            reopenings: 0,
        }
    }

    /// Asks for a permit for one attempt. Takes at most one draw from `rng`, for an open time with jitter.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the time at which to ask again.
    #[inline]
    pub fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        config: &Config<W>,
        now: Instant,
        rng: &mut R,
    ) -> Result<Permit, Denied> {
        self.admit(config, now, drawn_by(rng)).ok_or_else(|| self.refusal())
    }

    /// Whether [`CircuitBreaker::try_acquire`] would admit an attempt, without changing anything.
    ///
    /// If a lease has ended and no other call has come since, the open time is not drawn yet, and the longest is returned.
    ///
    /// # Errors
    ///
    /// [`Denied`], with the time at which to ask again.
    #[inline]
    pub fn check(&self, config: &Config<W>, now: Instant) -> Result<(), Denied> {
        if self.phase == Stage::Closed {
            return Ok(());
        }
        let mut then = self.clone();
        match then.admit(config, now, |_, longest| longest) {
            Some(_) => Ok(()),
            None => Err(then.refusal()),
        }
    }

    /// Records the outcome of an attempt and returns the transition that it caused.
    ///
    /// Closed: a threshold that is reached opens the breaker, from `now`. Half-open: see [`Config::probes`] for what closes
    /// the breaker and what opens it again, for longer if so configured. At or after the end of its lease the failure of a
    /// probe opens the breaker from the end of the lease, and its success changes nothing. Open, forced open or disabled:
    /// nothing changes.
    #[inline]
    pub fn record<R: Rng + ?Sized>(
        &mut self,
        config: &Config<W>,
        now: Instant,
        permit: Permit,
        outcome: Outcome,
        rng: &mut R,
    ) -> Option<Transition> {
        self.settle(config, now, permit, outcome, drawn_by(rng))
    }

    /// The attempt ended without an outcome, because the user stopped it for instance. Its probe is available again.
    pub fn release(&mut self, permit: Permit) {
        if let Stage::HalfOpen { out, .. } = &mut self.phase {
            if permit.generation == self.generation {
                *out &= !permit.probe;
            }
        }
    }

    /// When to call [`CircuitBreaker::handle_timeout`]: at the end of the open time, or of the lease of pending probes. Any call
    /// with `&mut` may change it.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Stage::Open { .. } => Some(self.deadline),
            Stage::HalfOpen { out, .. } if out != 0 => Some(self.deadline),
            _ => None,
        }
    }

    /// Takes the time. The end of the open time makes the breaker half-open, and the end of a lease opens it again, from that end
    /// on. An early or repeated call does nothing; a late or missing one is made up for by the next
    /// [`CircuitBreaker::try_acquire`].
    ///
    /// Returns the transitions in order; a late call may cause both. Iterate with `.into_iter().flatten()`.
    pub fn handle_timeout<R: Rng + ?Sized>(
        &mut self,
        config: &Config<W>,
        now: Instant,
        rng: &mut R,
    ) -> [Option<Transition>; 2] {
        self.advance(config, now, drawn_by(rng))
    }

    /// The state at `now`. After the end of a lease it stays half-open until [`CircuitBreaker::handle_timeout`], because the
    /// open time follows from the configuration.
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        match self.phase {
            Stage::Closed => State::Closed { failures: self.window.failures() },
            Stage::Open { .. } if now < self.deadline => State::Open { until: self.deadline },
            Stage::Open { .. } => State::HalfOpen { probes_out: 0, probes_succeeded: 0 },
            Stage::HalfOpen { out, answered } => State::HalfOpen {
                probes_out: out.count_ones() as u8,
                // While half-open the window holds the results of the probes only.
                probes_succeeded: answered.count_ones().saturating_sub(self.window.failures()) as u8,
            },
            Stage::ForcedOpen => State::ForcedOpen,
            Stage::Disabled => State::Disabled,
            Stage::MetricsOnly { .. } => State::MetricsOnly,
        }
    }

    /// Opens the breaker until `until`, from any state; then it is half-open as after any open time. For a duration, pass
    /// `now.saturating_add(duration)`. A clock that runs backwards does not move this instant.
    pub fn open_until(&mut self, until: Instant) {
        self.enter(Stage::Open { by_hand: true }, until);
    }

    /// Opens the breaker until [`CircuitBreaker::reset`] or another of these calls.
    pub fn force_open(&mut self) {
        self.enter(Stage::ForcedOpen, Instant::ZERO);
    }

    /// Admits every attempt and counts nothing, until [`CircuitBreaker::reset`] or another of these calls.
    pub fn disable(&mut self) {
        self.enter(Stage::Disabled, Instant::ZERO);
    }

    /// Admits every attempt and counts the results without opening, until [`CircuitBreaker::reset`] or another of these calls.
    /// The first result that reaches a threshold returns a [`Transition`] from metrics-only to metrics-only.
    pub fn metrics_only(&mut self) {
        self.enter(Stage::MetricsOnly { failures: false, slow: false }, Instant::ZERO);
    }

    /// Closes the breaker from any state, without failures and with the first open time. Earlier permits are invalid.
    pub fn reset(&mut self) {
        self.reopenings = 0;
        self.enter(Stage::Closed, Instant::ZERO);
    }
}
