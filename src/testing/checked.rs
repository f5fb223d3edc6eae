//! A policy that is checked at every call.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use rand_core::Rng;

use crate::breaker;
use crate::codec::{CheckpointError, Store, Writer};
use crate::endpoints::Endpoints;
use crate::handover::{self, Decider, EventOf, Handover, HandoverStats, Sealed};
use crate::policy::{self, Actions, ConfigSource, Epoch, Explanation, Phase, Snapshot, Stats, WaitReason};
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::call::Call;
use super::checks;
use super::driver_rules::{Driver, DriverRules};
use super::limits::Limits;
use super::model::Model;
use super::tape::Tape;

/// What [`Checked`] wraps: a [`Policy`](crate::Policy) or a [`Handover`] whose parts can be cloned and compared, and whose tokens
/// can be printed.
///
/// The generator is one of the parts: [`SplitMix64`](crate::SplitMix64), [`ChaCha8Rng`](https://docs.rs/rand_chacha) and those
/// of `rand` can be cloned and compared. This trait is implemented for every such type.
pub trait Checkable:
    Decider<Token: Clone + PartialEq + fmt::Debug, Subscriptions: PartialEq> + Clone + PartialEq
{
}

impl<D> Checkable for D
where
    D: Decider + Clone + PartialEq,
    D::Token: Clone + PartialEq + fmt::Debug,
    D::Subscriptions: PartialEq,
{
}

/// A [`Policy`](crate::Policy) or a [`Handover`] that is checked at every call.
///
/// It has the methods of what it wraps and can be driven by a [driver](crate::driver), so that a test changes one line. (Where
/// [`Decider`] is in scope, the methods of that trait come first: its `session()` is an `Option`.) Every call
/// of [`handle_event`](Self::handle_event) and [`handle_timeout`](Self::handle_timeout), at any time, with any event, in any
/// order, is checked against these promises:
///
/// - At most one transport is alive, and it is closed before the next is dialled. With a handover: a connection, its successor
///   or one that drains.
/// - After every call the policy is connected, dials or waits with a deadline within the [`Limits`], is parked on a condition
///   that is unmet, stopped, or failed.
/// - The end is told once. After it, and after a stop, nothing is dialled until the policy is started again.
/// - An event that is stale or does not apply changes nothing, nor does a timeout before its time.
/// - Nothing but the state, the generator and the events decides: a clone that is told the same does the same.
/// - The counters add up.
/// - A clock that runs back neither shortens a wait nor makes it longer than it ever was.
/// - A dial comes when every condition is met, in no call that ends a transport, and no two come in one instant unless the
///   user asks.
/// - An action is about a transport that is in the state for it: nothing is sent before it is open, no subscription before it is
///   identified, and a credential is asked for once.
/// - A session is resumed only if it can be, and no close ends one that is to be kept.
/// - With a handover, a connection serves until its successor is promoted.
///
/// [`assert_recovers`](Self::assert_recovers) checks the last one: when the faults stop, the policy gets online.
/// [`with_driver_rules`](Self::with_driver_rules) checks the other side too, the driver.
///
/// ```
/// use redial::testing::{Checked, Script};
/// use redial::{Policy, SplitMix64};
///
/// let mut script = Script::seeded(7);
/// let mut policy = Checked::new(Policy::new(script.config(), SplitMix64::new(7)));
/// for _ in 0..200 {
///     let step = script.next_step(&*policy, policy.now()).expect("a seed has no end");
///     let _actions = step.apply(&mut policy); // a panic, with what was promised, if it does not hold
/// }
/// policy.assert_recovers();
/// println!("{} dials, then online", policy.stats().opens);
/// ```
///
/// # Panics
///
/// Where a promise does not hold, with the promise, the event, the time and what the policy says of itself before and after. The
/// message shows the event as it is: don't wrap a policy that has real session tokens.
///
/// # Cost
///
/// A call takes about ten times as long, without a heap unless a [recording](Self::recording) is kept. Two of them are equal, with
/// equal hashes, if they go on alike, so that an exploration keeps them in a set. A config that is part of every comparison takes
/// most of the time; a source of yours that compares the address takes little.
pub struct Checked<D: Decider> {
    policy: D,
    limits: Limits,
    model: Model,
    driver: Option<Driver>,
    hash: Option<fn(&D) -> u64>,
    tape: Tape<D>,
}

impl<D: Checkable> Checked<D> {
    /// Around a policy that was not started yet, with the limits [of](Limits::of) its config.
    ///
    /// # Panics
    /// If the policy was started: it has a past that is not known here.
    #[must_use]
    #[track_caller]
    pub fn new(policy: D) -> Self {
        let phase = policy.phase();
        assert!(
            phase == Phase::Idle,
            "`Checked` wraps a policy before its first event, and this one is {phase}: it has a past that is not known here"
        );
        Self {
            limits: Limits::of(policy.config()),
            model: Model::new(policy.stats().opens),
            policy,
            driver: None,
            hash: None,
            tape: Tape::NONE,
        }
    }

    /// The same with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, which also checks what the driver owes the policy: see [`DriverRules`].
    #[must_use]
    pub const fn with_driver_rules(mut self, rules: DriverRules) -> Self {
        self.driver = Some(Driver::new(rules));
        self
    }

    /// The same, which also checks that equal policies have equal hashes.
    #[must_use]
    pub fn with_hashes(mut self) -> Self
    where
        D: Hash,
    {
        self.hash = Some(super::hash::hash);
        self
    }

    /// The same, changed in a way that is not checked: with [another generator](crate::Policy::with_rng).
    #[must_use]
    pub fn map(mut self, change: impl FnOnce(D) -> D) -> Self {
        self.policy = change(self.policy);
        self
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The time of the newest call; [`Instant::ZERO`] before the first.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.model.called_at.unwrap_or(Instant::ZERO)
    }

    /// The policy, which is not checked any more.
    #[must_use]
    pub fn into_inner(self) -> D {
        self.policy
    }

    /// Takes an event that happened at `now`: see [`Policy::handle_event`](crate::Policy::handle_event).
    ///
    /// # Panics
    /// Where a promise does not hold.
    #[track_caller]
    pub fn handle_event(&mut self, now: Instant, event: EventOf<D>) -> Actions {
        self.call(now, Some(event))
    }

    /// Serves the timers: see [`Policy::handle_timeout`](crate::Policy::handle_timeout).
    ///
    /// # Panics
    /// Where a promise does not hold.
    #[track_caller]
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        self.call(now, None)
    }

    /// Either of them: an event, or with `None` the passing of time.
    ///
    /// # Panics
    /// Where a promise does not hold.
    #[track_caller]
    pub fn call(&mut self, now: Instant, event: Option<EventOf<D>>) -> Actions {
        self.take(now, event, true)
    }

    /// The same, of which only the actions are checked unless it is to be checked `in_full`.
    #[track_caller]
    pub(super) fn take(&mut self, now: Instant, event: Option<EventOf<D>>, in_full: bool) -> Actions {
        self.tape.write(now, event.as_ref());
        let before = self.policy.clone();
        let actions = step(&mut self.policy, now, event.clone());
        let call = Call {
            before: &before,
            after: &self.policy,
            event: event.as_ref(),
            now,
            was: self.model.called_at.replace(now).unwrap_or(now),
            actions: &actions,
            log: self.tape.lines(),
        };
        if let (Some(driver), true) = (&mut self.driver, in_full) {
            driver.check(&call, self.model.last_epoch);
        }
        if in_full {
            checks::check(&call, &mut self.model, &self.limits, self.hash);
        } else {
            self.model.execute(&call, &self.limits);
        }
        actions
    }

    pub(super) const fn without_driver_rules(mut self) -> Self {
        self.driver = None;
        self
    }

    pub(super) const fn model(&self) -> &Model {
        &self.model
    }

    pub(super) const fn tape(&self) -> &Tape<D> {
        &self.tape
    }
}

#[cfg(feature = "record")]
#[cfg_attr(redial_docsrs, doc(cfg(feature = "record")))]
impl<D: Checkable> Checked<D> {
    /// The same, which keeps a log of the run for the `replay` program of this repository. A panic of `Checked` shows it; where
    /// an assertion of your own fails, print [`Self::log`], which gives it at any time. It begins with the state that the policy has now.
    ///
    /// ```
    /// use redial::testing::Checked;
    /// use redial::{Event, Instant, Policy, SplitMix64, presets};
    ///
    /// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    /// let mut policy = Checked::new(policy).recording()?;
    /// let _open = policy.handle_event(Instant::ZERO, Event::Start);
    /// let log = policy.log().expect("it is kept");
    /// assert!(log.ends_with("{\"at_us\": 0, \"event\": \"start\"}\n"));
    /// # Ok::<(), redial::record::RecordError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Recorder::set_up`](crate::record::Recorder::set_up).
    pub fn recording(mut self) -> Result<Self, crate::record::RecordError>
    where
        D: Store,
        D::Token: crate::record::Named,
        <D::Subscriptions as Subscriptions>::Key: crate::record::Named,
    {
        self.tape.kept = Some(alloc::boxed::Box::new(super::tape::Kept::of(&self.policy)?));
        Ok(self)
    }

    /// The log so far, if it is kept.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        self.tape.lines()
    }
}

impl<R, T, S, C, E> Checked<Handover<R, T, S, C, E>>
where
    R: Rng,
    T: PartialEq + Clone,
    S: Subscriptions,
    C: ConfigSource,
    C::Session<T>: Clone,
    E: Endpoints + Clone,
{
    /// What a later process needs to continue: see [`Handover::snapshot`].
    #[must_use]
    pub fn snapshot(&mut self, now: Instant) -> Option<Snapshot<T>> {
        self.policy.snapshot(now)
    }
}

/// A call of either kind.
pub(super) fn step<D: Decider>(policy: &mut D, now: Instant, event: Option<EventOf<D>>) -> Actions {
    match event {
        Some(event) => policy.handle_event(now, event),
        None => policy.handle_timeout(now),
    }
}

/// Everything that asks and changes nothing.
impl<D: Decider> Deref for Checked<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.policy
    }
}

impl<D: Decider + Clone> Clone for Checked<D> {
    fn clone(&self) -> Self {
        Self {
            policy: self.policy.clone(),
            limits: self.limits,
            model: self.model.clone(),
            driver: self.driver.clone(),
            hash: self.hash,
            tape: self.tape.clone(),
        }
    }
}

/// They go on alike. What was recorded on the way tells no two apart.
impl<D: Decider + PartialEq> PartialEq for Checked<D> {
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy
            && self.model == other.model
            && self.driver == other.driver
            && self.limits == other.limits
    }
}

impl<D: Decider + Eq> Eq for Checked<D> {}

impl<D: Decider + Hash> Hash for Checked<D> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.policy.hash(state);
        self.model.hash(state);
        self.driver.hash(state);
    }
}

impl<D: Decider + fmt::Debug> fmt::Debug for Checked<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("policy", &self.policy)
            .field("limits", &self.limits)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl<D: Decider> Sealed for Checked<D> {}

impl<D: Checkable> Decider for Checked<D> {
    type Token = D::Token;
    type Subscriptions = D::Subscriptions;

    #[track_caller]
    fn handle_event(&mut self, now: Instant, event: EventOf<D>) -> Actions {
        self.call(now, Some(event))
    }

    #[track_caller]
    fn handle_timeout(&mut self, now: Instant) -> Actions {
        self.call(now, None)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.policy.poll_timeout()
    }

    fn deadline(&self) -> Option<(Instant, WaitReason)> {
        self.policy.deadline()
    }

    fn phase(&self) -> Phase {
        self.policy.phase()
    }

    fn epoch(&self) -> Option<Epoch> {
        self.policy.epoch()
    }

    fn successor(&self) -> Option<Epoch> {
        self.policy.successor()
    }

    fn draining(&self) -> Option<Epoch> {
        self.policy.draining()
    }

    fn explain(&self) -> Explanation {
        self.policy.explain()
    }

    fn stats(&self) -> Stats {
        self.policy.stats()
    }

    fn breaker_phase(&self) -> Option<breaker::Phase> {
        self.policy.breaker_phase()
    }

    fn handover_stats(&self) -> Option<HandoverStats> {
        self.policy.handover_stats()
    }

    fn session(&self) -> Option<&SessionState<D::Token>> {
        self.policy.session()
    }

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

/// So that a driver over it can be recorded as well.
impl<D: Decider + Store> Store for Checked<D> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        self.policy.store(to)
    }
}
