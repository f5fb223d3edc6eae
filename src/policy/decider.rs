//! What a driver drives.

use crate::endpoints::Endpoints;
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::action::Actions;
use super::event::{Epoch, Event};
use super::explain::{Explanation, Phase};
use super::stats::Stats;
use super::{Policy, WaitReason};

/// A [`Policy`], or a [`Handover`](crate::handover::Handover) over one: what a driver drives, and what generic code takes in place of a `Policy` with five
/// parameters. The methods are those of the types.
///
/// This trait is sealed.
///
/// ```
/// use redial::policy::Decider;
/// use redial::{Event, Instant, Policy, SplitMix64, handover, presets};
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

    /// [`Handover::successor`](crate::handover::Handover::successor); `None` of a policy alone.
    fn successor(&self) -> Option<Epoch>;

    /// [`Handover::draining`](crate::handover::Handover::draining); `None` of a policy alone.
    fn draining(&self) -> Option<Epoch>;

    /// [`Policy::explain`].
    fn explain(&self) -> Explanation;

    /// [`Policy::stats`].
    fn stats(&self) -> Stats;

    /// [`Policy::session`]; `None` where the policy has none.
    fn session(&self) -> Option<&SessionState<Self::Token>>;

    /// [`Policy::subscriptions`].
    fn subscriptions(&self) -> &Self::Subscriptions;

    /// Which of the [configured endpoints](Policy::endpoints) is the current one.
    fn endpoint_index(&self) -> u8;

    /// [`Policy::redirect`].
    fn redirect(&self) -> Option<&Self::Token>;
}

/// An event for a [`Decider`].
pub type EventOf<D> = Event<<D as Decider>::Token, <<D as Decider>::Subscriptions as Subscriptions>::Key>;

/// The methods of a type as those of [`Decider`], with what its own bounds are and how it knows of a successor.
macro_rules! decides {
    ($decider:ident [$($bound:tt)*] $successor:expr, $draining:expr) => {
        impl<R, T, S, C, E> $crate::policy::decider::sealed::Sealed for $decider<R, T, S, C, E> where C: $crate::policy::ConfigSource {}

        impl<R, T, S, C, E> $crate::policy::Decider for $decider<R, T, S, C, E>
        where
            R: $crate::rand_core::Rng,
            S: $crate::subscriptions::Subscriptions,
            C: $crate::policy::ConfigSource,
            $($bound)*
        {
            type Token = T;
            type Subscriptions = S;

            #[inline]
            fn handle_event(&mut self, now: $crate::Instant, event: $crate::Event<T, S::Key>) -> $crate::Actions {
                self.handle_event(now, event)
            }

            #[inline]
            fn handle_timeout(&mut self, now: $crate::Instant) -> $crate::Actions {
                self.handle_timeout(now)
            }

            #[inline]
            fn poll_timeout(&self) -> Option<$crate::Instant> {
                self.poll_timeout()
            }

            fn deadline(&self) -> Option<($crate::Instant, $crate::policy::WaitReason)> {
                self.deadline()
            }

            #[inline]
            fn phase(&self) -> $crate::Phase {
                self.phase()
            }

            #[inline]
            fn epoch(&self) -> Option<$crate::Epoch> {
                self.epoch()
            }

            #[inline]
            fn successor(&self) -> Option<$crate::Epoch> {
                $successor(self)
            }

            #[inline]
            fn draining(&self) -> Option<$crate::Epoch> {
                $draining(self)
            }

            fn explain(&self) -> $crate::Explanation {
                self.explain()
            }

            fn stats(&self) -> $crate::Stats {
                self.stats()
            }

            #[inline]
            fn session(&self) -> Option<&$crate::SessionState<T>> {
                $crate::policy::OptionalPart::get(self.session())
            }

            #[inline]
            fn subscriptions(&self) -> &S {
                self.subscriptions()
            }

            fn endpoint_index(&self) -> u8 {
                $crate::endpoints::Endpoints::current(self.endpoints())
            }

            fn redirect(&self) -> Option<&T> {
                self.redirect()
            }
        }
    };
}

decides!(Policy [T: PartialEq, E: Endpoints,] |_: &Self| None, |_: &Self| None);
pub(crate) use decides;

pub(crate) mod sealed {
    pub trait Sealed {}
}
