//! The circuit breaker: after enough failures nobody dials for a while, then a few probes decide.

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
/// *Closed*, it admits everything; [`Config::new`]'s number of failures without a success between them opens it,
/// or a rate that reached its threshold.
/// *Open*, it admits nothing until the open time, counted from the last failure, is over; at exactly that instant it is
/// over. *Half-open*, it admits the configured probes. By consecutive failures all must succeed to close it, and the
/// first that fails opens it again; by rate the results of all decide. A probe that has not answered by the
/// end of its lease opens it again in any case. By consecutive failures a success never opens it; by rate, see
/// [`CountWindow`].
///
/// What counts as a success is the caller's word. For a connection it is the established session (ready, CONNACK) or a
/// stable one, not the open socket: an endpoint that accepts and then closes has failed.
///
/// **Permits.** Every transition makes the permits before it void, so that a late result can't close, open or extend
/// anything (up to the 2^32nd transition). In one half-open cycle each probe counts once, however often its permit is
/// used, and no more results count than there are probes. A permit that was released is spent: its slot may have gone
/// to another probe. While the breaker is closed permits are not told apart; each result handed in counts.
///
/// **Transitions** are data: whatever changed the state by a result or by the time returns what it did. Only
/// [`CircuitBreaker::try_acquire`] has no room for it; who wants to miss none calls [`CircuitBreaker::handle_timeout`]
/// with the same `now` first, and it has none to make.
///
/// **Clocks.** All sums saturate. A clock that ran backwards neither shortens a wait nor prolongs it without end: at the
/// next call that may change the breaker, what is left is cut to the longest open time that could be drawn now (or to
/// one lease).
///
/// 24 bytes; with a window its size and at most 24. Pass the same configuration to every call; a changed one is obeyed
/// from then on.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, Denied};
/// use redial::{CircuitBreaker, Instant, SplitMix64, valid};
///
/// const CONFIG: breaker::Config = valid(breaker::Config::new(2, Duration::from_secs(60)));
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
/// use redial::{CircuitBreaker, Instant, Ratio, SplitMix64, valid};
///
/// const RATES: Rates = valid(Rates::new(valid(Ratio::new(1, 2)), 4));
/// const CONFIG: breaker::Config<CountWindow<10>> = valid(breaker::Config::by_count(RATES, Duration::from_secs(60)));
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CircuitBreaker<W = Consecutive> {
    /// The end of the open time, or of the lease of the probes that are out. It means nothing elsewhere.
    deadline: Instant,
    window: W,
    /// Counts transitions; see [`Permit`].
    generation: NonZeroU32,
    phase: Stage,
    /// Times that the probes failed since the breaker was last closed.
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
    /// The attempt succeeded: [`CircuitBreaker::record`] for failures in a row. Such a breaker is never opened by a
    /// success, so this needs no generator.
    ///
    /// Closed: the failures start again from 0. Half-open: one probe fewer to go; the last one closes the breaker. At or
    /// after the end of its lease a probe has failed, and its success changes nothing.
    #[inline]
    pub fn success(&mut self, config: &Config, now: Instant, permit: Permit) -> Option<Transition> {
        self.settle_success(config, now, permit)
    }

    /// The attempt failed: [`CircuitBreaker::record`] for failures in a row.
    ///
    /// Closed: the last failure of the row opens the breaker. Half-open: opens it again, for longer
    /// if so configured. The open time runs from `now`, or from the end of the lease if that was before.
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
    /// What the window holds at `now`. An open breaker keeps what opened it, as long as the window reaches; a half-open
    /// cycle starts empty, and so does whatever follows it but another open time.
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
    /// Closed, without a failure.
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

    /// Asks for permission to make one attempt. Takes at most one draw from `rng`, and only for an open time with
    /// jitter.
    ///
    /// # Errors
    /// [`Denied`], with the time to come back.
    #[inline]
    pub fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        config: &Config<W>,
        now: Instant,
        rng: &mut R,
    ) -> Result<Permit, Denied> {
        self.admit(config, now, drawn_by(rng)).ok_or_else(|| self.refusal())
    }

    /// What [`CircuitBreaker::try_acquire`] would answer, without taking a probe or changing anything.
    ///
    /// When a lease has run out and no other call has noticed, the open time is not drawn yet; this answers with
    /// the longest.
    ///
    /// # Errors
    /// [`Denied`], with the time to come back.
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

    /// The attempt ended like this.
    ///
    /// Closed: it goes into the window, and a threshold that is reached opens the breaker, from `now`. Half-open: one
    /// probe fewer to go; see [`Config::with_probes`] for what closes the breaker and what opens it again, for
    /// longer if so configured. At or after the end of its lease a probe has failed: its failure opens the breaker from
    /// the end of the lease, its success changes nothing. Open, forced open, disabled: nothing.
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

    /// The attempt ended without a verdict (the user stopped it, say): its probe is free again.
    pub fn release(&mut self, permit: Permit) {
        if let Stage::HalfOpen { out, .. } = &mut self.phase {
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
            Stage::Open { .. } => Some(self.deadline),
            Stage::HalfOpen { out, .. } if out != 0 => Some(self.deadline),
            _ => None,
        }
    }

    /// Time has passed: an open time that is over makes the breaker half-open, and a lease that is over opens it again,
    /// from the end of that lease. Called early or again, it does nothing; called late or never, the next
    /// [`CircuitBreaker::try_acquire`] makes up for it.
    ///
    /// What it did, in order; called late it may be both. Iterate with `.into_iter().flatten()`.
    pub fn handle_timeout<R: Rng + ?Sized>(
        &mut self,
        config: &Config<W>,
        now: Instant,
        rng: &mut R,
    ) -> [Option<Transition>; 2] {
        self.advance(config, now, drawn_by(rng))
    }

    /// What the breaker is doing at `now`. Without a configuration it can't tell how long it would be open after a lease
    /// that ran out, so such a probe is out until [`CircuitBreaker::handle_timeout`].
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        match self.phase {
            Stage::Closed => State::Closed { failures: self.window.failures() },
            Stage::Open { .. } if now < self.deadline => State::Open { until: self.deadline },
            Stage::Open { .. } => State::HalfOpen { probes_out: 0, probes_succeeded: 0 },
            Stage::HalfOpen { out, answered } => State::HalfOpen {
                probes_out: out.count_ones() as u8,
                // In this phase the window holds the results of the probes and nothing else.
                probes_succeeded: answered.count_ones().saturating_sub(self.window.failures()) as u8,
            },
            Stage::ForcedOpen => State::ForcedOpen,
            Stage::Disabled => State::Disabled,
            Stage::MetricsOnly { .. } => State::MetricsOnly,
        }
    }

    /// Admits nothing before `until`, from any state; then the breaker is half-open as after any open time. For a
    /// duration, pass `now.saturating_add(duration)`. It is your instant: a clock that runs backwards does not move it.
    pub fn open_until(&mut self, until: Instant) {
        self.enter(Stage::Open { by_hand: true }, until);
    }

    /// Admits nothing, whatever the time, until [`CircuitBreaker::reset`] or another of these calls.
    pub fn force_open(&mut self) {
        self.enter(Stage::ForcedOpen, Instant::ZERO);
    }

    /// Admits everything and counts nothing, until [`CircuitBreaker::reset`] or another of these calls.
    pub fn disable(&mut self) {
        self.enter(Stage::Disabled, Instant::ZERO);
    }

    /// Admits everything and counts, but stays as it is: the first time that a threshold is reached, the call with the
    /// result returns a [`Transition`] to where it already is. Until [`CircuitBreaker::reset`] or another of these calls.
    pub fn metrics_only(&mut self) {
        self.enter(Stage::MetricsOnly { failures: false, slow: false }, Instant::ZERO);
    }

    /// Closes the breaker from any state, with nothing counted and the first open time ahead. Permits from before are
    /// void.
    pub fn reset(&mut self) {
        self.reopenings = 0;
        self.enter(Stage::Closed, Instant::ZERO);
    }
}
