//! A policy with an observer.

use core::fmt;
use core::ops::Deref;

use crate::breaker;
use crate::handover::{self, Decider, EventOf, HandoverStats, Sealed};
use crate::policy::{self, Actions, Epoch, Event, Explanation, Phase, Stats, WaitReason};
use crate::session::SessionState;
use crate::time::Instant;

use super::change::Change;
use super::observer::{Observer, Seen};
use super::sink::Sink;

/// A [`Policy`](crate::Policy) or a [`Handover`](crate::handover::Handover) whose steps a [`Sink`] sees.
///
/// It has the methods of what it wraps and decides as it does, bit for bit: the sink is called when the decision is made, and has
/// no way to it. A driver drives it like any other policy, on every runtime.
///
/// With `std`, a sink that panics is not called again, and the client goes on without it; the panic is reported by the process's
/// panic hook, once. Without `std`, or with `panic = "abort"`, a panic ends the program as any other does. A sink that blocks holds
/// up the client as long as it blocks, and what comes late then is decided as for any late call.
///
/// ```
/// use redial::telemetry::{Change, Observed, Sink};
/// use redial::{Event, Instant, Phase, Policy, SplitMix64, presets};
///
/// struct Print;
///
/// impl Sink for Print {
///     fn change(&mut self, at: Instant, change: &Change) {
///         println!("{} {} {change}", at.as_millis(), change.level());
///     }
/// }
///
/// let mut policy = Observed::new(Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)), Print);
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// assert_eq!(policy.phase(), Phase::Connecting); // whatever a policy can be asked
/// ```
pub struct Observed<D, S> {
    policy: D,
    observer: Observer,
    sink: S,
    /// The sink panicked.
    broken: bool,
}

impl<D: Decider, S: Sink> Observed<D, S> {
    /// This policy, with `sink` to see its steps from now on. Put a pair of sinks here for two.
    #[must_use]
    pub fn new(policy: D, sink: S) -> Self {
        Self { observer: Observer::new(&policy), policy, sink, broken: false }
    }

    /// Takes an event that happened at `now`: see [`Policy::handle_event`](crate::Policy::handle_event).
    #[inline]
    pub fn handle_event(&mut self, now: Instant, event: EventOf<D>) -> Actions {
        // Thousands of these come on a connection, and almost none changes anything.
        let frequent = matches!(event, Event::Received { .. } | Event::Sequence { .. });
        let seen = Seen::of(&event);
        let actions = self.policy.handle_event(now, event);
        let applied = actions.disposition() == policy::Disposition::Applied;
        if !(frequent && applied && actions.is_empty()) {
            self.look(now, Some(seen), &actions);
        }
        actions
    }

    /// Serves the timers: see [`Policy::handle_timeout`](crate::Policy::handle_timeout).
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        let actions = self.policy.handle_timeout(now);
        self.look(now, None, &actions);
        actions
    }

    #[inline(never)] // Keep the hot path small.
    fn look(&mut self, now: Instant, event: Option<Seen>, actions: &Actions) {
        if self.broken {
            return;
        }
        let Self { policy, observer, sink, .. } = self;
        let sink = &mut |change: &Change| sink.change(now, change);
        #[cfg(feature = "std")]
        {
            // Neither is looked at again after a panic.
            let look = core::panic::AssertUnwindSafe(|| observer.look(now, event, actions, policy, sink));
            self.broken = std::panic::catch_unwind(look).is_err();
        }
        #[cfg(not(feature = "std"))]
        observer.look(now, event, actions, policy, sink);
    }
}

impl<D, S> Observed<D, S> {
    /// The sink.
    #[must_use]
    pub const fn sink(&self) -> &S {
        &self.sink
    }

    /// The sink, to be changed.
    #[must_use]
    pub const fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// The policy, which is not observed any more.
    #[must_use]
    pub fn into_inner(self) -> D {
        self.policy
    }
}

/// What only looks at the policy.
impl<D, S> Deref for Observed<D, S> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.policy
    }
}

impl<D: fmt::Debug, S> fmt::Debug for Observed<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl<D, S> Sealed for Observed<D, S> {}

impl<D: Decider, S: Sink> Decider for Observed<D, S> {
    type Token = D::Token;
    type Subscriptions = D::Subscriptions;

    #[inline]
    fn handle_event(&mut self, now: Instant, event: EventOf<D>) -> Actions {
        self.handle_event(now, event)
    }

    fn handle_timeout(&mut self, now: Instant) -> Actions {
        self.handle_timeout(now)
    }

    #[inline]
    fn poll_timeout(&self) -> Option<Instant> {
        self.policy.poll_timeout()
    }

    fn deadline(&self) -> Option<(Instant, WaitReason)> {
        self.policy.deadline()
    }

    #[inline]
    fn phase(&self) -> Phase {
        self.policy.phase()
    }

    #[inline]
    fn epoch(&self) -> Option<Epoch> {
        self.policy.epoch()
    }

    #[inline]
    fn successor(&self) -> Option<Epoch> {
        self.policy.successor()
    }

    #[inline]
    fn draining(&self) -> Option<Epoch> {
        self.policy.draining()
    }

    fn explain(&self) -> Explanation {
        self.policy.explain()
    }

    fn stats(&self) -> Stats {
        self.policy.stats()
    }

    fn handover_stats(&self) -> Option<HandoverStats> {
        self.policy.handover_stats()
    }

    fn breaker_phase(&self) -> Option<breaker::Phase> {
        self.policy.breaker_phase()
    }

    #[inline]
    fn session(&self) -> Option<&SessionState<D::Token>> {
        self.policy.session()
    }

    #[inline]
    fn subscriptions(&self) -> &D::Subscriptions {
        self.policy.subscriptions()
    }

    fn endpoint_index(&self) -> u8 {
        self.policy.endpoint_index()
    }

    fn redirect(&self) -> Option<&D::Token> {
        self.policy.redirect()
    }

    fn config(&self) -> &policy::Config {
        self.policy.config()
    }

    fn handover_config(&self) -> Option<&handover::Config> {
        self.policy.handover_config()
    }
}
