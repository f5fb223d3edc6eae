//! What a driver drives.

use rand_core::Rng;

use super::{Config, Handover, HandoverStats};
use crate::breaker;
use crate::endpoints::Endpoints;
use crate::policy::{
    self, Actions, ConfigSource, Epoch, Event, Explanation, OptionalPart, Phase, Policy, Stats, WaitReason,
};
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

/// A [`Policy`], or a [`Handover`] over one: what a driver drives, and what generic code takes in place of a `Policy` with five
/// parameters. The methods are those of the types.
///
/// This trait is sealed.
///
/// ```
/// use redial::handover::{self, Decider};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// fn start<D: Decider>(decider: &mut D) -> usize {
///     decider.handle_event(Instant::ZERO, Event::Start).len()
/// }
///
/// let policy = || Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// assert_eq!(start(&mut policy()), 1);
/// assert_eq!(start(&mut policy().with_handover(handover::Config::DEFAULT)), 1);
/// ```
pub trait Decider: sealed::Sealed {
    /// The caller's storage of a session's token and endpoint.
    type Token;
    /// The set of subscriptions.
    type Subscriptions: Subscriptions;

    /// [`Policy::handle_event`].
    fn handle_event(&mut self, now: Instant, event: EventOf<Self>) -> Actions;

    /// [`Policy::handle_timeout`].
    fn handle_timeout(&mut self, now: Instant) -> Actions;

    /// [`Policy::poll_timeout`].
    fn poll_timeout(&self) -> Option<Instant>;

    /// [`Policy::deadline`].
    fn deadline(&self) -> Option<(Instant, WaitReason)>;

    /// [`Policy::phase`].
    fn phase(&self) -> Phase;

    /// [`Policy::epoch`].
    fn epoch(&self) -> Option<Epoch>;

    /// [`Handover::successor`](Handover::successor); `None` of a policy alone.
    fn successor(&self) -> Option<Epoch>;

    /// [`Handover::draining`](Handover::draining); `None` of a policy alone.
    fn draining(&self) -> Option<Epoch>;

    /// [`Policy::explain`].
    fn explain(&self) -> Explanation;

    /// [`Policy::stats`].
    fn stats(&self) -> Stats;

    /// [`Policy::breaker_phase`].
    fn breaker_phase(&self) -> Option<breaker::Phase>;

    /// [`Handover::handover_stats`]; `None` of a policy alone, and where nothing is handed over.
    fn handover_stats(&self) -> Option<HandoverStats>;

    /// [`Policy::session`]; `None` where the policy has none.
    fn session(&self) -> Option<&SessionState<Self::Token>>;

    /// [`Policy::subscriptions`].
    fn subscriptions(&self) -> &Self::Subscriptions;

    /// Which of the [configured endpoints](Policy::endpoints) is the current one.
    fn endpoint_index(&self) -> u8;

    /// [`Policy::redirect`].
    fn redirect(&self) -> Option<&Self::Token>;

    /// [`Policy::config`].
    fn config(&self) -> &policy::Config;

    /// [`Handover::handover_config`](Handover::handover_config); `None` of a policy alone.
    fn handover_config(&self) -> Option<&Config>;
}

/// An event for a [`Decider`].
pub type EventOf<D> = Event<<D as Decider>::Token, <<D as Decider>::Subscriptions as Subscriptions>::Key>;

/// The methods of a type as those of [`Decider`], with what its own bounds are and how it knows of a successor.
macro_rules! decides {
    ($decider:ident [$($bound:tt)*] $successor:expr, $draining:expr, $handover:expr, $stats:expr) => {
        impl<R, T, S, C, E> sealed::Sealed for $decider<R, T, S, C, E> where C: ConfigSource {}

        impl<R, T, S, C, E> Decider for $decider<R, T, S, C, E>
        where
            R: Rng,
            S: Subscriptions,
            C: ConfigSource,
            $($bound)*
        {
            type Token = T;
            type Subscriptions = S;

            #[inline]
            fn handle_event(&mut self, now: Instant, event: Event<T, S::Key>) -> Actions {
                self.handle_event(now, event)
            }

            #[inline]
            fn handle_timeout(&mut self, now: Instant) -> Actions {
                self.handle_timeout(now)
            }

            #[inline]
            fn poll_timeout(&self) -> Option<Instant> {
                self.poll_timeout()
            }

            fn deadline(&self) -> Option<(Instant, WaitReason)> {
                self.deadline()
            }

            #[inline]
            fn phase(&self) -> Phase {
                self.phase()
            }

            #[inline]
            fn epoch(&self) -> Option<Epoch> {
                self.epoch()
            }

            #[inline]
            fn successor(&self) -> Option<Epoch> {
                $successor(self)
            }

            #[inline]
            fn draining(&self) -> Option<Epoch> {
                $draining(self)
            }

            fn explain(&self) -> Explanation {
                self.explain()
            }

            fn stats(&self) -> Stats {
                self.stats()
            }

            fn breaker_phase(&self) -> Option<breaker::Phase> {
                self.breaker_phase()
            }

            fn handover_stats(&self) -> Option<HandoverStats> {
                $stats(self)
            }

            #[inline]
            fn session(&self) -> Option<&SessionState<T>> {
                self.session().get()
            }

            #[inline]
            fn subscriptions(&self) -> &S {
                self.subscriptions()
            }

            fn endpoint_index(&self) -> u8 {
                self.endpoints().current()
            }

            fn redirect(&self) -> Option<&T> {
                self.redirect()
            }

            fn config(&self) -> &policy::Config {
                self.config()
            }

            fn handover_config(&self) -> Option<&Config> {
                $handover(self)
            }
        }
    };
}

decides!(Policy [T: PartialEq, E: Endpoints,] |_: &Self| None, |_: &Self| None, |_: &Self| None, |_: &Self| None);
decides!(
    Handover [T: PartialEq + Clone, C::Session<T>: Clone, E: Endpoints + Clone,]
    Self::successor, Self::draining, Self::handover_config,
    |it: &Self| it.config.is_some().then(|| it.counts.stats())
);

pub(crate) mod sealed {
    pub trait Sealed {}
}
