//! What must hold after every call of a policy, whatever the events, the times and the config: S92 to S98.
//!
//! [`Watched`] wraps a policy, keeps its own small model of the transport and the host's conditions, and panics at the
//! first call that breaks a rule. It knows nothing of where the events come from: the property tests, the exhaustive
//! exploration, the corpus and the fuzz target all share it.

#![allow(unreachable_pub, dead_code, reason = "several crates include this file, and not all use all of it")]
#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::hash::{BuildHasherDefault, DefaultHasher};

use redial::classify::{Class, Scope};
use redial::endpoints::FixedEndpoints;
use redial::policy::{DropReason, HoldReason, MAX_ACTIONS, WaitReason};
use redial::subscriptions::{FixedSubscriptions, SubscriptionState, Subscriptions};
use redial::{Action, Actions, Config, Disposition, Epoch, Event, Instant, Mode, Phase, Policy, SplitMix64};

/// How many subscriptions it can hold.
pub const KEYS: usize = 4;

/// A config that is never compared: it does not change, and hashing it at every step would be most of the work.
#[derive(Clone, Copy, Debug)]
pub struct Lent<'c>(pub &'c Config);

impl core::borrow::Borrow<Config> for Lent<'_> {
    fn borrow(&self) -> &Config {
        self.0
    }
}

impl PartialEq for Lent<'_> {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }
}

impl Eq for Lent<'_> {}

impl Hash for Lent<'_> {
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

/// The policy under test: small, and with something in every type parameter.
pub type Tested<'c> = Policy<SplitMix64, u8, FixedSubscriptions<u8, KEYS>, Lent<'c>, FixedEndpoints<3>>;

/// One with this seed and 1 to 3 endpoints.
pub fn policy(config: &Config, seed: u64, endpoints: u8) -> Tested<'_> {
    let endpoints = FixedEndpoints::new(endpoints).expect("1 to 3 endpoints");
    Policy::from_parts(Lent(config), SplitMix64::new(seed), FixedSubscriptions::new(), endpoints)
}

/// An event for it.
pub type Fact = Event<u8, u8>;

/// What the checker must know of a config, beside the config: its fields are private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// No wait of this config can be longer.
    pub longest_wait: Duration,
    /// No dial can be longer than this.
    pub connect_timeout: Duration,
    pub min_interval: Duration,
    /// Heartbeats start with the establishment, so that an established connection always has a deadline.
    pub beats: bool,
    pub needs_sequence: bool,
    pub restores: bool,
}

/// Half of time: from here on a policy's clock may stand still.
const LATE: Instant = Instant::from_micros(u64::MAX / 2);

/// The end of time is no deadline: nothing would ever come after it.
pub fn is_due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now && at != Instant::MAX)
}

/// A transport as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Transport {
    epoch: Epoch,
    mode: Mode,
    open: bool,
    identified: bool,
    established: bool,
}

/// A policy, and what its driver and its host know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watched<'c> {
    pub policy: Tested<'c>,
    pub facts: Facts,
    pub now: Instant,
    transport: Option<Transport>,
    last_epoch: u32,
    /// The newest dial, while the clock has not run backwards since.
    dialled_at: Option<Instant>,
    credential_asked: bool,
    /// It may never be answered: since it was asked for, a timer ran out, or there was a host event or the user's word.
    credential_doubted: bool,
    holds: u32,
    network_down: bool,
    hidden: bool,
    /// It gave up, for a limit (true) or for good.
    gave_up: Option<bool>,
}

impl<'c> Watched<'c> {
    pub fn new(config: &'c Config, facts: Facts, seed: u64) -> Self {
        Self::resuming(policy(config, seed, 1), facts)
    }

    pub fn resuming(policy: Tested<'c>, facts: Facts) -> Self {
        Self {
            policy,
            facts,
            now: Instant::ZERO,
            transport: None,
            last_epoch: 0,
            dialled_at: None,
            credential_asked: false,
            credential_doubted: false,
            holds: 0,
            network_down: false,
            hidden: false,
            gave_up: None,
        }
    }

    /// Takes an event.
    pub fn event(&mut self, now: Instant, event: Fact) -> Actions {
        self.call(now, Some(event))
    }

    /// Lets time pass.
    pub fn timeout(&mut self, now: Instant) -> Actions {
        self.call(now, None)
    }

    fn call(&mut self, now: Instant, event: Option<Fact>) -> Actions {
        let before = self.policy.clone();
        let was = self.now;
        let actions = step(&mut self.policy, now, event.clone());
        self.now = now;
        if now < was {
            self.dialled_at = None;
            self.check_rewind(&before, was);
        }

        // S96: nothing but the state, the seed and the event decides.
        let mut twin = before.clone();
        assert_eq!(
            step(&mut twin, now, event.clone()),
            actions,
            "S96: two equal policies decide differently"
        );
        assert_eq!(twin, self.policy, "S96: two equal policies become different ones");
        assert_eq!(hash(&twin), hash(&self.policy), "S96: equal policies with different hashes");

        assert!(actions.len() <= MAX_ACTIONS);
        let stale = event.as_ref().and_then(Event::epoch).is_some_and(|epoch| before.epoch() != Some(epoch));
        // The model keeps no numbers of credential requests.
        let answers = matches!(event, Some(Event::CredentialOk { request: Some(_), .. }));
        let taken_as_stale = actions.disposition() == Disposition::Stale;
        let outdated = match &event {
            Some(
                Event::SubscriptionConfirmed { key, send: Some(send), .. }
                | Event::SubscriptionFailed { key, send: Some(send), .. },
            ) => before.subscriptions().find(key).is_some_and(|entry| entry.send() != Some(*send)),
            _ => false,
        };
        assert!(
            (stale || outdated) == taken_as_stale || answers && taken_as_stale,
            "a fact of a dead transport, or an answer to an older send"
        );
        let early = event.is_none() && !is_due(before.poll_timeout(), now) && now >= was;
        if early || actions.disposition() != Disposition::Applied {
            assert!(
                actions.is_empty(),
                "an ignored fact or an early timeout has no consequences: {actions:?}"
            );
            if now >= was {
                self.check_unchanged(&before, event.as_ref().and_then(Event::epoch).is_some());
            }
        }

        self.note(&before, event.as_ref(), actions.disposition());
        for (at, action) in actions.iter().enumerate() {
            self.obey(&before, event.as_ref(), action, at + 1 == actions.len());
        }
        self.check_state();
        self.check_transition(&before, event.as_ref(), &actions);
        self.check_stats(&before, event.as_ref());
        self.check_timers();
        actions
    }

    /// What the driver and the host know from the event alone.
    fn note(&mut self, before: &Tested<'c>, event: Option<&Fact>, disposition: Disposition) {
        let applied = disposition == Disposition::Applied;
        self.network_down &= !matches!(event, Some(Event::NetworkUp));
        self.credential_doubted |= applied
            && matches!(
                event,
                None | Some(
                    Event::RetryNow
                        | Event::Redial
                        | Event::NetworkUp
                        | Event::NetworkChanged
                        | Event::Visible
                        | Event::HostResumed { .. }
                )
            );
        match event {
            // Nobody waits any more for an answer that was asked for before the end.
            Some(
                Event::Start | Event::RetryNow | Event::Redial | Event::NetworkUp | Event::NetworkChanged,
            ) if applied && matches!(before.phase(), Phase::Idle | Phase::Stopped | Phase::Failed) => {
                self.credential_asked = false;
            }
            Some(Event::Hold(reason)) => self.holds |= bit(*reason),
            Some(Event::Release(reason)) => self.holds &= !bit(*reason),
            // What the config ignores is not tracked.
            Some(Event::NetworkDown) if applied => self.network_down = true,
            // The policy's clock stood still; the host's did not.
            Some(Event::HostResumed { counted: false, .. }) => self.dialled_at = None,
            Some(Event::Hidden) if applied => self.hidden = true,
            Some(Event::Visible) => self.hidden = false,
            Some(
                Event::CredentialOk { .. }
                | Event::CredentialFailed { .. }
                | Event::CredentialNew
                | Event::CredentialLost,
            ) if disposition != Disposition::Stale => {
                self.credential_asked = false;
            }
            Some(Event::Opened { .. }) if applied => {
                let transport = self.transport.as_mut().expect("an opened transport was asked for");
                assert!(!transport.open, "opened twice");
                transport.open = true;
            }
            Some(Event::Closed { .. } | Event::OpenFailed { .. } | Event::NotNow { .. }) if applied => {
                self.transport = None;
            }
            _ => {}
        }
        if let Some(transport) = &mut self.transport {
            transport.established |= self.policy.stats().established > before.stats().established;
        }
    }

    /// What the driver does about an action.
    fn obey(&mut self, before: &Tested<'c>, event: Option<&Fact>, action: Action, last: bool) {
        match action {
            Action::Open { epoch, mode, attempt, .. } => {
                assert_eq!(self.transport, None, "S92: a dial while another transport lives");
                assert_eq!(epoch.get(), self.last_epoch + 1, "epochs count dials");
                assert!(attempt > 0, "attempts count from 1");
                assert!(
                    self.holds == 0 && !self.network_down && !self.hidden,
                    "a dial while a condition is unmet"
                );
                assert!(!self.credential_asked, "a dial without the credential it asked for");
                if mode == Mode::Resume {
                    assert!(self.policy.session().is_resumable(self.facts.needs_sequence), "F58");
                }
                if let Some(earlier) = self.dialled_at {
                    let apart = self.now.saturating_duration_since(earlier);
                    assert!(apart >= self.facts.min_interval, "two dials {apart:?} apart");
                }
                self.dialled_at = Some(self.now);
                self.last_epoch = epoch.get();
                let transport = Transport { epoch, mode, open: false, identified: false, established: false };
                self.transport = Some(transport);
                assert!(last, "nothing follows a dial in the same call");
            }
            Action::Close { epoch, code } => {
                let transport = self.transport.take().expect("S92: nothing to close");
                assert_eq!(transport.epoch, epoch, "S92: the wrong transport is closed");
                // A transport that the user stops may have opened by now.
                let stopped = matches!(event, Some(Event::Stop { .. }));
                assert!(code.is_some() || !transport.open, "an open transport is closed with a code");
                assert!(
                    code.is_none() || transport.open || stopped,
                    "a code for a transport that is not open"
                );
                let ends = matches!(event, Some(Event::Stop { keep: false }));
                assert!(ends || !matches!(code, Some(1000 | 1001)), "F70: a close that ends the session");
            }
            Action::Identify { epoch } => self.identify(epoch, Mode::Fresh),
            Action::Resume { epoch } => self.identify(epoch, Mode::Resume),
            Action::Heartbeat { epoch } => _ = self.open_transport(epoch),
            Action::Authenticate { epoch } => {
                assert!(self.open_transport(epoch).identified, "authentication before identification");
            }
            Action::Restore { epoch, .. } => {
                assert!(self.open_transport(epoch).identified, "subscriptions before identification");
                assert!(self.policy.subscriptions().batch().count() > 0, "an empty batch");
            }
            Action::RefreshCredential { .. } => {
                let awaited = self.credential_asked && !self.credential_doubted;
                assert!(!awaited, "the credential is asked for twice: {event:?}");
                self.credential_doubted = false;
                self.credential_asked = true;
            }
            Action::DropSession { reason } => {
                assert!(!before.session().is_empty(), "a session is dropped that never was");
                if let (DropReason::Expired, Some(transport)) = (reason, &mut self.transport) {
                    // A resume that was not sent yet becomes a fresh start.
                    transport.mode = Mode::Fresh;
                }
            }
            Action::GaveUp { .. } => {
                assert!(last, "nothing follows the end");
                assert_ne!(before.phase(), Phase::Failed, "S94: given up twice");
                assert_eq!(self.policy.phase(), Phase::Failed);
            }
        }
    }

    fn open_transport(&mut self, epoch: Epoch) -> &mut Transport {
        let transport = self.transport.as_mut().expect("an action for a dead transport");
        assert_eq!(transport.epoch, epoch, "an action for another transport");
        assert!(transport.open, "an action for a transport that is not open");
        transport
    }

    fn identify(&mut self, epoch: Epoch, mode: Mode) {
        let transport = self.open_transport(epoch);
        assert!(!transport.identified, "identified twice");
        assert_eq!(transport.mode, mode, "the dial promised otherwise");
        transport.identified = true;
    }

    /// S92, S93: where a policy may be between two calls.
    fn check_state(&self) {
        let policy = &self.policy;
        assert_eq!(policy.epoch(), self.transport.map(|transport| transport.epoch), "S92: who is alive");
        let (until, now) = (policy.poll_timeout(), self.now);
        let explained = policy.explain();
        assert_eq!(explained.until, until);
        let connected = self.transport.is_some();
        let within = |at: Option<Instant>, span: Duration| {
            let end = now.saturating_add(span);
            at.is_some_and(|at| at <= end || end > LATE)
        };
        match policy.phase() {
            // Nothing is due but the end of a session that is kept.
            Phase::Idle | Phase::Stopped | Phase::Failed => {
                let expiry = explained.waiting_for == Some(WaitReason::SessionExpiry);
                assert!((until.is_none() || expiry) && !connected);
            }
            Phase::Waiting => {
                assert!(!connected && explained.waiting_for.is_some());
                // The host's own word counts for up to a day.
                let day = Duration::from_secs(86_400);
                let asked = explained.waiting_for == Some(WaitReason::NotNow);
                let longest = self.facts.longest_wait.max(if asked { day } else { Duration::ZERO });
                assert!(within(until, longest), "S93: a wait beyond every limit: {explained}");
            }
            Phase::Parked => {
                assert!(!connected);
                match explained.waiting_for {
                    Some(WaitReason::Hold) => assert_ne!(self.holds, 0, "S93: parked on nothing"),
                    Some(WaitReason::Network) => assert!(self.network_down, "S93: parked on nothing"),
                    Some(WaitReason::Hidden) => assert!(self.hidden, "S93: parked on nothing"),
                    Some(WaitReason::Credential) => assert!(self.credential_asked, "S93: parked on nothing"),
                    other => panic!("S93: parked on {other:?}"),
                }
            }
            Phase::Connecting => {
                assert!(connected);
                assert!(within(until, self.facts.connect_timeout), "S93: a dial without end: {explained}");
            }
            Phase::Establishing | Phase::Restoring => {
                assert!(connected && until.is_some(), "S93: no deadline: {explained}");
            }
            Phase::Online => assert!(connected && (until.is_some() || !self.facts.beats), "S93: no beat"),
            other => panic!("S93: an unknown phase {other:?}"),
        }
        // Online, no subscription waits for a timer that is not there.
        let owed = |state| matches!(state, SubscriptionState::Pending | SubscriptionState::Waiting { .. });
        if self.facts.restores && matches!(policy.phase(), Phase::Online | Phase::Restoring) {
            let waiting = policy.subscriptions().iter().any(|entry| owed(entry.state()));
            assert!(!waiting || until.is_some(), "S93: a subscription is forgotten");
            let unanswered = policy.subscriptions().oldest_unanswered().is_some();
            let must = policy.config().restore().confirm_timeout().is_some();
            assert!(!(must && unanswered) || until.is_some(), "S93: an unanswered subscription is forgotten");
        }
    }

    /// S94 and the user's word: what ends stays ended.
    fn check_transition(&mut self, before: &Tested<'c>, event: Option<&Fact>, actions: &Actions) {
        let (from, to) = (before.phase(), self.policy.phase());
        let gave_up = actions.iter().find_map(|action| match action {
            Action::GaveUp { reason, .. } => Some(reason.is_limit()),
            _ => None,
        });
        assert_eq!(
            gave_up.is_some(),
            to == Phase::Failed && from != Phase::Failed,
            "S94: the end is told once"
        );
        let news = matches!(event, Some(Event::NetworkUp | Event::NetworkChanged));
        let wish = matches!(event, Some(Event::RetryNow | Event::Redial));
        let begins = matches!(event, Some(Event::Start))
            || wish && (self.gave_up == Some(true) || may_pass(before))
            || news && may_pass(before);
        match from {
            Phase::Failed if !begins => {
                let forgets = matches!(event, None | Some(Event::Stop { keep: false }))
                    && actions.iter().all(|action| matches!(action, Action::DropSession { .. }));
                assert!(to == Phase::Failed && (actions.is_empty() || forgets), "S94: the dead move");
            }
            Phase::Idle | Phase::Stopped if !matches!(event, Some(Event::Start)) => {
                assert!(matches!(to, Phase::Stopped) || to == from, "nobody asked for a connection");
                let only_forgets = actions.iter().all(|action| matches!(action, Action::DropSession { .. }));
                assert!(only_forgets, "an action after the stop: {actions:?}");
            }
            _ => {}
        }
        if let Some(Event::Stop { keep }) = event {
            assert!(matches!(to, Phase::Stopped | Phase::Idle | Phase::Failed), "stopped is stopped");
            assert!(*keep || self.policy.session().is_empty(), "a session outlives its stop");
        }
        if to == Phase::Failed {
            self.gave_up = gave_up.or(self.gave_up);
        } else {
            self.gave_up = None;
        }
    }

    /// S97.
    fn check_stats(&self, before: &Tested<'c>, event: Option<&Fact>) {
        let (old, new) = (before.stats(), self.policy.stats());
        let in_flight = u32::from(self.transport.is_some_and(|transport| !transport.established));
        assert_eq!(new.opens, new.established + new.failed + new.abandoned + in_flight, "S97: {new:?}");
        assert_eq!(new.opens, self.last_epoch, "S97: every dial counts");
        let lost = new.losses - old.losses;
        assert!(lost <= 1 && new.failed - old.failed <= 1, "S97: one loss, one count");
        assert!(lost == 0 || !matches!(event, Some(Event::Stop { .. })), "S97: a stop is no loss");
    }

    /// Timers neither fire early nor without end.
    fn check_timers(&self) {
        let mut idle = self.policy.clone();
        if !is_due(idle.poll_timeout(), self.now) {
            let actions = idle.handle_timeout(self.now);
            assert!(actions.is_empty(), "a timeout before its time: {actions:?}");
            assert_eq!(idle, self.policy, "a timeout before its time changes nothing");
            return;
        }
        let mut calls = 0;
        while is_due(idle.poll_timeout(), self.now) {
            let _ = idle.handle_timeout(self.now);
            calls += 1;
            assert!(calls <= KEYS + 4, "it spins: {}", idle.explain());
        }
    }

    /// S98: a clock that runs back neither shortens what is left of a wait nor makes it longer than it ever was.
    fn check_rewind(&self, before: &Tested<'c>, was: Instant) {
        let (Phase::Waiting, Some(until)) = (before.phase(), before.poll_timeout()) else { return };
        // A session's time to live began before the wait.
        let expiry = before.explain().waiting_for == Some(WaitReason::SessionExpiry);
        if is_due(Some(until), was) || until == Instant::MAX || expiry {
            return;
        }
        let mut waiting = before.clone();
        let actions = waiting.handle_timeout(self.now);
        assert!(actions.is_empty(), "S98: a wait is cut short: {actions:?}");
        let left = |at: Option<Instant>, now| at.map(|at: Instant| at.saturating_duration_since(now));
        let (old, new) = (left(Some(until), was), left(waiting.poll_timeout(), self.now));
        assert!(new >= old, "S98: {old:?} to wait, then {new:?}");
        let whole = left(Some(until), before.explain().since);
        assert!(new <= whole, "S98: a wait of {whole:?} becomes one of {new:?}");
    }

    fn check_unchanged(&self, before: &Tested<'c>, heard: bool) {
        let (old, new) = (before, &self.policy);
        // But for the heartbeat's deadline and the time to live: whatever comes in is a sign of life.
        let mut explained = new.explain();
        let beats = matches!(old.explain().waiting_for, Some(WaitReason::Answer | WaitReason::Heartbeat));
        if beats && heard {
            (explained.until, explained.waiting_for) = (old.explain().until, old.explain().waiting_for);
        }
        assert_eq!(old.explain(), explained, "what is ignored changes nothing");
        let parts = |policy: &Tested<'c>| {
            let session = policy.session();
            (session.token().cloned(), session.endpoint().cloned(), session.sequence())
        };
        assert_eq!(parts(old), parts(new), "what is ignored changes nothing");
        assert_eq!(old.subscriptions(), new.subscriptions(), "what is ignored changes nothing");
        let mut stats = new.stats();
        stats.stale = old.stats().stale;
        assert_eq!(old.stats(), stats, "what is ignored counts nothing");
    }

    /// Once every condition is met again, whatever happened before, the next dial comes, and in bounded time.
    pub fn finish(mut self) {
        if self.now > LATE {
            let now = Instant::from_millis(1_000);
            let _ = self.event(now, Event::Visible);
        }
        for number in 0..HoldReason::COUNT {
            let reason = HoldReason::new(number).expect("a valid number");
            let _ = self.event(self.now, Event::Release(reason));
        }
        let _ = self.event(self.now, Event::NetworkUp);
        let _ = self.event(self.now, Event::Visible);
        if let Some(epoch) = self.policy.epoch() {
            let _ = self.event(self.now, Event::Closed { epoch, cause: redial::Cause::NoCloseFrame });
        }
        for _ in 0..8 {
            match self.policy.phase() {
                Phase::Waiting => {
                    let until = self.policy.poll_timeout().expect("checked");
                    if until == Instant::MAX {
                        return;
                    }
                    let _ = self.timeout(until.max(self.now));
                }
                Phase::Parked => _ = self.event(self.now, Event::CredentialOk { request: None, ttl: None }),
                _ => return,
            }
        }
        panic!("S93: no dial, though nothing forbids it: {}", self.policy.explain());
    }
}

/// It gave up over what may be there tomorrow: a verdict about the service, or another client.
fn may_pass(policy: &Tested<'_>) -> bool {
    let cause = policy.explain().last_cause;
    cause.is_some_and(|cause| {
        let verdict = policy.config().classifier().classify(cause);
        verdict.scope == Scope::Service || verdict.class == Class::Replaced
    })
}

fn step(policy: &mut Tested<'_>, now: Instant, event: Option<Fact>) -> Actions {
    match event {
        Some(event) => policy.handle_event(now, event),
        None => policy.handle_timeout(now),
    }
}

fn hash(value: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// The bit of a reason, which keeps its number to itself.
fn bit(reason: HoldReason) -> u32 {
    (0..HoldReason::COUNT)
        .find(|number| HoldReason::new(*number) == Some(reason))
        .map_or(0, |number| 1 << number)
}
