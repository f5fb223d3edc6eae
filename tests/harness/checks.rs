//! What must hold after every call of a policy, whatever the events, the times and the config: S92 to S98.

use core::hash::Hash;
use core::time::Duration;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use redial::classify::{Class, Scope};
use redial::policy::{HoldReason, MAX_ACTIONS, WaitReason};
use redial::subscriptions::{SubscriptionState, Subscriptions};
use redial::{Action, Actions, Cause, Disposition, Event, Instant, Phase};

use super::{Bases, Harness, Key, Source, Subject, TestEvent};

/// Half of time: from here on a policy's clock may stand still.
pub(super) const LATE: Instant = Instant::from_micros(u64::MAX / 2);

/// The end of time is no deadline: nothing would ever come after it.
pub fn is_due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now && at != Instant::MAX)
}

impl<E: Bases, K: Key, C: Source, const N: usize> Harness<E, K, C, N> {
    /// Takes an event at a time of the caller's choice.
    pub fn handle_event(&mut self, now: Instant, event: TestEvent<K>) -> Actions {
        self.now = now;
        self.call(Some(event))
    }

    /// Serves the timers at a time of the caller's choice.
    pub fn handle_timeout(&mut self, now: Instant) -> Actions {
        self.now = now;
        self.call(None)
    }

    pub(super) fn call(&mut self, event: Option<TestEvent<K>>) -> Actions {
        let before = self.policy.clone();
        let (was, now) = (self.model.called_at, self.now);
        let actions = step(&mut self.policy, now, event.clone());
        self.model.called_at = now;
        if now < was {
            self.model.dialled_at = None;
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
        let answers = matches!(
            event,
            Some(
                Event::CredentialOk { request: Some(_), .. }
                    | Event::CredentialFailed { request: Some(_), .. }
            )
        );
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
            "an event of a dead transport, or an answer to an older send"
        );
        let early = event.is_none() && !is_due(before.poll_timeout(), now) && now >= was;
        if early || actions.disposition() != Disposition::Applied {
            assert!(
                actions.is_empty(),
                "an ignored event or an early timeout has no consequences: {actions:?}"
            );
            if now >= was {
                self.check_unchanged(&before, event.as_ref().and_then(Event::epoch).is_some());
            }
        }

        // A sleep tells the time in every phase, and each report of it counts.
        let slept = matches!(event, Some(Event::HostResumed { gap, .. }) if !gap.is_zero());
        if actions.disposition() == Disposition::Inapplicable && !slept {
            assert!(step(&mut twin, now, event.clone()).is_empty());
            assert_eq!(twin, self.policy, "an event that does not apply leaves no trace: {event:?}");
        }

        self.note(&before, event.as_ref(), actions.disposition());
        for (at, action) in actions.iter().enumerate() {
            self.obey(&before, event.as_ref(), action, at + 1 == actions.len());
        }
        self.check_state();
        self.check_transition(&before, event.as_ref(), &actions);
        self.check_stats(&before, event.as_ref());
        self.check_timers();
        self.remember(&actions);
        actions
    }

    /// S92, S93: where a policy may be between two calls.
    fn check_state(&self) {
        let policy = &self.policy;
        assert_eq!(
            policy.epoch(),
            self.model.transport.map(|transport| transport.epoch),
            "S92: who is alive"
        );
        let (until, now) = (policy.poll_timeout(), self.now);
        let explained = policy.explain();
        let deadline = policy.deadline();
        assert_eq!(explained.until, until);
        assert_eq!(explained.epoch, policy.epoch());
        assert_eq!(until, deadline.map(|(at, _)| at), "a deadline has its reason");
        let connected = self.model.transport.is_some();
        let within = |at: Option<Instant>, span: Duration| {
            let end = now.saturating_add(span);
            at.is_some_and(|at| at <= end || end > LATE)
        };
        match policy.phase() {
            // Nothing is due but the end of a session that is kept.
            Phase::Idle | Phase::Stopped | Phase::Failed => {
                let expiry = explained.waiting_for == Some(WaitReason::SessionExpiry);
                assert!((until.is_none() || expiry) && !connected);
                assert!(expiry || explained.waiting_for.is_none(), "nothing is awaited: {explained}");
            }
            Phase::Waiting => {
                assert!(!connected && explained.waiting_for.is_some());
                // The host's own word counts for up to a day.
                let day = Duration::from_secs(86_400);
                let asked = explained.waiting_for == Some(WaitReason::NotNow);
                let longest = self.limits.longest_wait.max(if asked { day } else { Duration::ZERO });
                assert!(within(until, longest), "S93: a wait beyond every limit: {explained}");
            }
            Phase::Parked => {
                assert!(!connected);
                match explained.waiting_for {
                    Some(WaitReason::Hold) => assert_ne!(self.model.holds, 0, "S93: parked on nothing"),
                    Some(WaitReason::Network) => assert!(self.model.network_down, "S93: parked on nothing"),
                    Some(WaitReason::Hidden) => assert!(self.model.hidden, "S93: parked on nothing"),
                    Some(WaitReason::Credential) => {
                        assert!(self.model.credential_asked, "S93: parked on nothing");
                        assert!(until.is_some(), "S93: a credential is awaited without end: {explained}");
                    }
                    other => panic!("S93: parked on {other:?}"),
                }
            }
            Phase::Connecting => {
                assert!(connected);
                assert!(within(until, self.limits.connect_timeout), "S93: a dial without end: {explained}");
                let ends =
                    [WaitReason::ConnectTimeout, WaitReason::SessionExpiry, WaitReason::CredentialTimeout];
                let named = deadline.is_some_and(|(_, reason)| ends.contains(&reason));
                assert!(named, "S93: a dial that ends for {deadline:?}");
            }
            Phase::Establishing | Phase::Restoring => {
                assert!(connected && until.is_some(), "S93: no deadline: {explained}");
            }
            Phase::Online => {
                let beats =
                    self.limits.beats || self.model.transport.is_some_and(|transport| transport.beats);
                assert!(connected && (until.is_some() || !beats), "S93: no heartbeat");
            }
            other => panic!("S93: an unknown phase {other:?}"),
        }
        // Online, no subscription waits for a timer that is not there.
        let owed = |state| matches!(state, SubscriptionState::Pending | SubscriptionState::Waiting { .. });
        if self.limits.restores && matches!(policy.phase(), Phase::Online | Phase::Restoring) {
            let waiting = policy.subscriptions().iter().any(|entry| owed(entry.state()));
            assert!(!waiting || until.is_some(), "S93: a subscription is forgotten");
            let unanswered = policy.subscriptions().oldest_unanswered().is_some();
            let must = policy.config().restore().confirm_timeout().is_some();
            assert!(!(must && unanswered) || until.is_some(), "S93: an unanswered subscription is forgotten");
        }
    }

    /// S94 and the user's word: what ends stays ended.
    fn check_transition(
        &mut self,
        before: &Subject<E, K, C, N>,
        event: Option<&TestEvent<K>>,
        actions: &Actions,
    ) {
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
            || wish && (self.model.gave_up == Some(true) || may_pass(before))
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
            self.model.gave_up = gave_up.or(self.model.gave_up);
        } else {
            self.model.gave_up = None;
        }
    }

    /// S97.
    fn check_stats(&self, before: &Subject<E, K, C, N>, event: Option<&TestEvent<K>>) {
        let (old, new) = (before.stats(), self.policy.stats());
        let in_flight = u32::from(self.model.transport.is_some_and(|transport| !transport.established));
        assert_eq!(new.opens, new.established + new.failed + new.abandoned + in_flight, "S97: {new:?}");
        assert_eq!(new.opens, self.model.last_epoch, "S97: every dial counts");
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
            assert!(calls <= N + 4, "it spins: {}", idle.explain());
        }
    }

    /// S98: a clock that runs back neither shortens what is left of a wait nor makes it longer than it ever was.
    fn check_rewind(&self, before: &Subject<E, K, C, N>, was: Instant) {
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

    /// Keeps the log.
    fn remember(&mut self, actions: &Actions) {
        self.seen.disposition = actions.disposition();
        if self.seen.records {
            self.seen.log.extend(actions.iter().map(|action| (self.now, action)));
        }
    }

    fn check_unchanged(&self, before: &Subject<E, K, C, N>, heard: bool) {
        let (old, new) = (before, &self.policy);
        // But for the heartbeat's deadline and the time to live: whatever comes in is a sign of life.
        let mut explained = new.explain();
        let beats = matches!(old.explain().waiting_for, Some(WaitReason::Answer | WaitReason::Heartbeat));
        if beats && heard {
            (explained.until, explained.waiting_for) = (old.explain().until, old.explain().waiting_for);
        }
        assert_eq!(old.explain(), explained, "what is ignored changes nothing");
        let parts = |policy: &Subject<E, K, C, N>| {
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
            let _ = self.handle_event(now, Event::Visible);
        }
        for number in 0..HoldReason::COUNT {
            let reason = HoldReason::new(number).expect("a valid number");
            let _ = self.handle_event(self.now, Event::Release(reason));
        }
        let _ = self.handle_event(self.now, Event::NetworkUp);
        let _ = self.handle_event(self.now, Event::Visible);
        if let Some(epoch) = self.policy.epoch() {
            let _ = self.handle_event(self.now, Event::Closed { epoch, cause: Cause::NoCloseFrame });
        }
        for _ in 0..8 {
            match self.policy.phase() {
                Phase::Waiting => {
                    let until = self.policy.poll_timeout().expect("checked");
                    if until == Instant::MAX {
                        return;
                    }
                    let _ = self.handle_timeout(until.max(self.now));
                }
                Phase::Parked => {
                    _ = self.handle_event(self.now, Event::CredentialOk { request: None, ttl: None })
                }
                _ => return,
            }
        }
        panic!("S93: no dial, though nothing forbids it: {}", self.policy.explain());
    }
}

/// It gave up over what may be there tomorrow: a verdict about the service, or another client.
fn may_pass<E: Bases, K: Key, C: Source, const N: usize>(policy: &Subject<E, K, C, N>) -> bool {
    let cause = policy.explain().last_cause;
    cause.is_some_and(|cause| {
        let verdict = policy.config().classifier().classify(cause);
        verdict.scope == Scope::Service || verdict.class == Class::Replaced
    })
}

fn step<E: Bases, K: Key, C: Source, const N: usize>(
    policy: &mut Subject<E, K, C, N>,
    now: Instant,
    event: Option<TestEvent<K>>,
) -> Actions {
    match event {
        Some(event) => policy.handle_event(now, event),
        None => policy.handle_timeout(now),
    }
}

fn hash(value: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}
