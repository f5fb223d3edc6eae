//! The state machine of [`CircuitBreaker`]: what a request, a result and the time do to it.

use core::num::NonZeroU32;
use core::time::Duration;

use rand_core::Rng;

use super::CircuitBreaker;
use super::config::Config;
use super::state::{Cause, Permit, Phase, Transition};
use super::window::{Exceeded, Outcome, Window};
use crate::denied::Denied;
use crate::ratio::uniform;
use crate::time::{Instant, Micros};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub(super) enum Stage {
    Closed,
    Open {
        /// The end was given by the caller, independently of the configured open times.
        by_hand: bool,
    },
    /// One bit for each probe, in `out` until its result comes, then in `answered`.
    HalfOpen {
        out: u16,
        answered: u16,
    },
    ForcedOpen,
    Disabled,
    /// The thresholds that were reported.
    MetricsOnly {
        failures: bool,
        slow: bool,
    },
}

impl Stage {
    pub(super) const fn name(self) -> Phase {
        match self {
            Self::Closed => Phase::Closed,
            Self::Open { .. } => Phase::Open,
            Self::HalfOpen { .. } => Phase::HalfOpen,
            Self::ForcedOpen => Phase::ForcedOpen,
            Self::Disabled => Phase::Disabled,
            Self::MetricsOnly { .. } => Phase::MetricsOnly,
        }
    }
}

/// What a result or the time leads to. Only callers with a generator can open the breaker; the rest needs none.
enum Next {
    Stays,
    Changed(Transition),
    Reopens { at: Instant, why: Cause },
}

impl<W: Window> CircuitBreaker<W> {
    /// The name of the state that the last call left.
    pub(crate) const fn phase(&self) -> Phase {
        self.phase.name()
    }

    /// The frequent cases: closed; open for no longer than any open time; open no longer.
    #[inline]
    pub(super) fn admit(&mut self, config: &Config<W>, now: Instant, draw: impl Draw) -> Option<Permit> {
        match self.phase {
            Stage::Closed => Some(Permit { generation: self.generation, probe: 0 }),
            Stage::Open { .. } if now >= self.deadline => {
                self.enter(Stage::HalfOpen { out: 1, answered: 0 }, now.after(config.lease));
                Some(Permit { generation: self.generation, probe: 1 })
            }
            Stage::Open { .. } if self.deadline.since(now) <= config.open => None,
            _ => self.admit_elsewhere(config, now, draw),
        }
    }

    #[inline(never)] // Rare. Keep the hot path small.
    fn admit_elsewhere(&mut self, config: &Config<W>, now: Instant, draw: impl Draw) -> Option<Permit> {
        self.advance(config, now, draw);
        let probe = match &mut self.phase {
            Stage::Closed | Stage::Disabled | Stage::MetricsOnly { .. } => 0,
            Stage::ForcedOpen | Stage::Open { .. } => return None,
            Stage::HalfOpen { out, answered } => {
                let taken = *out | *answered;
                if at_least(taken, config.probes) {
                    return None;
                }
                let lowest_free = !taken & taken.wrapping_add(1);
                *out |= lowest_free;
                self.deadline = now.after(config.lease);
                lowest_free
            }
        };
        Some(Permit { generation: self.generation, probe })
    }

    /// The permit of a breaker with a single caller, while its result is pending and the state has not changed.
    pub(crate) const fn held(&self) -> Permit {
        let probe = if let Stage::HalfOpen { out, .. } = self.phase { out } else { 0 };
        Permit { generation: self.generation, probe }
    }

    /// The host slept for `gap` while its clock stood still: every deadline is nearer by that.
    pub(crate) const fn age(&mut self, gap: Micros) {
        self.deadline = self.deadline.before(gap);
    }

    /// The refusal, with the time at which to ask again.
    pub(super) const fn refusal(&self) -> Denied {
        let forced = matches!(self.phase, Stage::ForcedOpen);
        Denied { until: if forced { None } else { Some(self.deadline) } }
    }

    /// Counts a result, unless its permit is of an earlier state.
    #[inline]
    pub(super) fn settle(
        &mut self,
        config: &Config<W>,
        now: Instant,
        permit: Permit,
        outcome: Outcome,
        draw: impl Draw,
    ) -> Option<Transition> {
        if permit.generation != self.generation {
            return None;
        }
        if self.phase != Stage::Closed {
            return match self.settle_elsewhere(config, now, permit, outcome) {
                Next::Stays => None,
                Next::Changed(transition) => Some(transition),
                Next::Reopens { at, why } => Some(self.reopen(config, at, why, draw)),
            };
        }
        let reached = self.window.record(&config.limits, now, outcome);
        if reached.any() { Some(self.open(config, now, threshold(reached), draw)) } else { None }
    }

    /// The same for a success of a breaker by consecutive failures, which never opens it.
    #[inline]
    pub(super) fn settle_success(
        &mut self,
        config: &Config<W>,
        now: Instant,
        permit: Permit,
    ) -> Option<Transition> {
        if permit.generation != self.generation {
            return None;
        }
        if self.phase == Stage::Closed {
            self.window.record(&config.limits, now, Outcome::Success(Duration::ZERO));
            return None;
        }
        self.settle_probe(config, now, permit)
    }

    /// What a success does while such a breaker is not closed.
    #[cfg_attr(target_pointer_width = "64", inline(never))] // Rare. Keep the hot path small.
    fn settle_probe(&mut self, config: &Config<W>, now: Instant, permit: Permit) -> Option<Transition> {
        match self.phase {
            // The only probe, in time. It is a second way, and so not where code is to be small.
            Stage::HalfOpen { out, answered: 0 }
                if cfg!(target_pointer_width = "64")
                    && config.probes == 1
                    && out & permit.probe != 0
                    && now < self.deadline =>
            {
                self.reopenings = 0;
                Some(self.change(Stage::Closed, Instant::ZERO, now, Cause::ProbesPassed))
            }
            _ => match self.settle_elsewhere(config, now, permit, Outcome::Success(Duration::ZERO)) {
                Next::Changed(transition) => Some(transition),
                Next::Stays | Next::Reopens { .. } => None,
            },
        }
    }

    /// What a result does while the breaker is not closed.
    #[inline(never)] // Rare. Keep the hot path small.
    fn settle_elsewhere(
        &mut self,
        config: &Config<W>,
        now: Instant,
        permit: Permit,
        outcome: Outcome,
    ) -> Next {
        match &mut self.phase {
            Stage::MetricsOnly { failures, slow } => {
                let reached = self.window.record(&config.limits, now, outcome);
                let news =
                    Exceeded { failures: reached.failures && !*failures, slow: reached.slow && !*slow };
                *failures |= news.failures;
                *slow |= news.slow;
                let from = Phase::MetricsOnly;
                if news.any() {
                    Next::Changed(Transition { at: now, from, to: from, why: threshold(news) })
                } else {
                    Next::Stays
                }
            }
            Stage::HalfOpen { out, .. } if *out & permit.probe == 0 => Next::Stays,
            Stage::HalfOpen { .. } if now >= self.deadline => {
                let (at, why) = (self.deadline, Cause::LeaseOver);
                if outcome.is_failure() { Next::Reopens { at, why } } else { Next::Stays }
            }
            Stage::HalfOpen { out, answered } => {
                *out &= !permit.probe;
                *answered |= permit.probe;
                if self.window.probe(&config.limits, now, outcome) {
                    Next::Reopens { at: now, why: Cause::ProbeFailed }
                } else {
                    self.decide(config, now)
                }
            }
            Stage::Closed | Stage::Open { .. } | Stage::ForcedOpen | Stage::Disabled => Next::Stays,
        }
    }

    /// Ends the half-open cycle if enough probes have results.
    fn decide(&mut self, config: &Config<W>, now: Instant) -> Next {
        match self.phase {
            Stage::HalfOpen { answered, .. } if at_least(answered, config.probes) => {}
            _ => return Next::Stays,
        }
        let reached = self.window.verdict(&config.limits);
        if reached.any() {
            return Next::Reopens { at: now, why: threshold(reached) };
        }
        self.reopenings = 0;
        Next::Changed(self.change(Stage::Closed, Instant::ZERO, now, Cause::ProbesPassed))
    }

    /// Applies the time: shortens a deadline that a backward clock made too distant, ends a lease, ends an open time.
    pub(super) fn advance(
        &mut self,
        config: &Config<W>,
        now: Instant,
        draw: impl Draw,
    ) -> [Option<Transition>; 2] {
        let mut next = Next::Stays;
        if let Stage::HalfOpen { out, .. } = self.phase {
            self.deadline = self.deadline.min(now.after(config.lease));
            if out == 0 {
                // After a change of the configuration the present results may be enough.
                next = self.decide(config, now);
            } else if now >= self.deadline {
                next = Next::Reopens { at: self.deadline, why: Cause::LeaseOver };
            }
        }
        let first = match next {
            Next::Stays => None,
            Next::Changed(transition) => Some(transition),
            Next::Reopens { at, why } => Some(self.reopen(config, at, why, draw)),
        };
        let mut second = None;
        if let Stage::Open { by_hand } = self.phase {
            if !by_hand {
                let (_, longest) = config.open_time(self.reopenings);
                self.deadline = self.deadline.min(now.after(longest));
            }
            if now >= self.deadline {
                let at = self.deadline;
                second =
                    Some(self.change(Stage::HalfOpen { out: 0, answered: 0 }, now, at, Cause::OpenTimeOver));
            }
        }
        [first, second]
    }

    fn reopen(&mut self, config: &Config<W>, at: Instant, why: Cause, draw: impl Draw) -> Transition {
        self.reopenings = self.reopenings.saturating_add(1);
        self.open(config, at, why, draw)
    }

    #[inline(never)] // Rare. Keep the hot path small.
    fn open(&mut self, config: &Config<W>, at: Instant, why: Cause, draw: impl Draw) -> Transition {
        let (low, high) = config.open_time(self.reopenings);
        self.change(Stage::Open { by_hand: false }, at.after(draw(low, high)), at, why)
    }

    fn change(&mut self, phase: Stage, deadline: Instant, at: Instant, why: Cause) -> Transition {
        let from = self.phase.name();
        self.enter(phase, deadline);
        Transition { at, from, to: phase.name(), why }
    }

    pub(super) fn enter(&mut self, phase: Stage, deadline: Instant) {
        self.phase = phase;
        self.deadline = deadline;
        self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        // The window keeps the results that opened the breaker, for the metrics.
        if !matches!(phase, Stage::Open { .. }) {
            self.window = W::EMPTY;
        }
    }
}

/// Whether all of this many slots are taken. One is the usual number, and many processors can't count bits.
const fn at_least(mut slots: u16, probes: u8) -> bool {
    let mut missing = probes;
    while missing > 0 && slots != 0 {
        slots &= slots.wrapping_sub(1);
        missing = missing.saturating_sub(1);
    }
    missing == 0
}

const fn threshold(reached: Exceeded) -> Cause {
    Cause::Threshold { failures: reached.failures, slow: reached.slow }
}

/// Draws an open time between the shortest and the longest.
pub(super) trait Draw: FnOnce(Micros, Micros) -> Micros {}
impl<F: FnOnce(Micros, Micros) -> Micros> Draw for F {}

/// A draw from a range; an empty range takes nothing from the generator.
pub(super) fn drawn_by<R: Rng + ?Sized>(rng: &mut R) -> impl Draw {
    |low, high| if low == high { low } else { uniform(rng, low, high) }
}
