//! What must hold after every call.

use core::hash::Hash;
use core::time::Duration;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use redial::policy::{Establish, MAX_ACTIONS, WaitReason};
use redial::subscriptions::{SubscriptionState, Subscriptions};
use redial::{Action, Actions, Disposition, Event, Instant, Phase};

use super::{Pair, PairEvent, Subject, is_live, is_under_way, step};

/// Half of time: from here on a policy's clock may stand still.
pub(super) const LATE: Instant = Instant::from_micros(u64::MAX / 2);

/// No call before this much beyond a deadline is doubted.
const LEAP: Duration = Duration::from_secs(300);

/// More calls than this are never due in one instant.
const CALLS: usize = 16;

/// The end of time is no deadline.
pub fn is_due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now && at != Instant::MAX)
}

impl<'c> Pair<'c> {
    pub(super) fn check(&mut self, before: &Subject<'c>, event: Option<&PairEvent>, actions: &Actions) {
        let (was, now) = (self.model.called_at, self.now);
        self.model.called_at = now;
        self.model.steady &= now >= was && now.saturating_duration_since(was) <= LEAP && now < LATE;
        if now < was {
            self.model.dialled_at = None;
        }
        self.check_twin(before, event, actions);
        self.check_disposition(before, event, actions, was);
        let under_way = is_under_way(before, was);
        let lived = is_live(before);
        let alive = self.model.connection;
        self.execute(before, event, actions);
        self.check_transports();
        if let (Some(old), true) = (alive.filter(|_| lived), under_way) {
            // The other way to end is its own: a promotion or a loss.
            let stays = self.model.connection.is_some_and(|connection| connection.epoch == old.epoch);
            assert!(
                !stays || self.is_served(),
                "{event:?}: a connection that is up is {}",
                self.policy.phase()
            );
        }
        self.check_session(before, event, actions);
        self.check_state();
        self.check_counts(before, event, actions, under_way && lived);
        self.check_timers();
    }

    /// Live, or back before its resume was answered.
    fn is_served(&self) -> bool {
        let on_open = self.policy.config().establish() == Establish::OnOpen;
        is_live(&self.policy) || on_open && self.policy.phase() == Phase::Establishing
    }

    /// S96.
    fn check_twin(&self, before: &Subject<'c>, event: Option<&PairEvent>, actions: &Actions) {
        let mut twin = before.clone();
        assert_eq!(
            step(&mut twin, self.now, event.cloned()),
            *actions,
            "S96: two equal policies decide differently"
        );
        assert_eq!(twin, self.policy, "S96: two equal policies become different ones");
        assert_eq!(hash(&twin), hash(&self.policy), "S96: equal policies with different hashes");
        assert!(actions.len() <= MAX_ACTIONS);
        let slept = matches!(event, Some(Event::HostResumed { gap, .. }) if !gap.is_zero());
        if actions.disposition() == Disposition::Inapplicable && !slept {
            assert!(step(&mut twin, self.now, event.cloned()).is_empty());
            assert_eq!(twin, self.policy, "an event that does not apply leaves no trace: {event:?}");
        }
    }

    fn check_disposition(
        &self,
        before: &Subject<'_>,
        event: Option<&PairEvent>,
        actions: &Actions,
        was: Instant,
    ) {
        let (now, disposition) = (self.now, actions.disposition());
        let epoch = event.and_then(Event::epoch);
        let drains = epoch.is_some() && epoch == before.draining();
        let living = [before.epoch(), before.successor(), before.draining()];
        let stale = epoch.is_some_and(|epoch| !living.contains(&Some(epoch)));
        assert!(!stale || disposition == Disposition::Stale, "an event of a dead transport: {event:?}");
        if drains {
            let ends = matches!(
                event,
                Some(
                    Event::Drained { .. }
                        | Event::Closed { .. }
                        | Event::OpenFailed { .. }
                        | Event::SendFailed { .. }
                        | Event::HeartbeatRequested { .. }
                )
            );
            let expected = if ends { Disposition::Applied } else { Disposition::Stale };
            assert_eq!(disposition, expected, "of a connection that drains: {event:?}");
        }
        let early = event.is_none() && !is_due(before.poll_timeout(), now) && now >= was;
        if early || disposition != Disposition::Applied {
            assert!(actions.is_empty(), "{event:?} is ignored, and has the consequences {actions:?}");
            if now >= was {
                self.check_unchanged(before, epoch.is_some() && !stale);
            }
        }
    }

    /// But for the heartbeat's deadline and the time to live: whatever comes in is a sign of life.
    fn check_unchanged(&self, before: &Subject<'_>, heard: bool) {
        let (old, new) = (before, &self.policy);
        let mut explained = new.explain();
        let beats = matches!(old.explain().waiting_for, Some(WaitReason::Answer | WaitReason::Heartbeat));
        if beats && heard {
            (explained.until, explained.waiting_for) = (old.explain().until, old.explain().waiting_for);
        }
        assert_eq!(old.explain(), explained, "what is ignored changes nothing");
        let living = |policy: &Subject<'_>| (policy.epoch(), policy.successor(), policy.draining());
        assert_eq!(living(old), living(new), "what is ignored changes nothing");
        assert_eq!(parts(old), parts(new), "what is ignored changes nothing");
        assert_eq!(old.subscriptions(), new.subscriptions(), "what is ignored changes nothing");
        let mut stats = new.stats();
        stats.stale = old.stats().stale;
        assert_eq!(old.stats(), stats, "what is ignored counts nothing");
        assert_eq!(old.handover_stats(), new.handover_stats(), "what is ignored counts nothing");
    }

    /// S92: who is alive.
    fn check_transports(&self) {
        let (policy, model) = (&self.policy, &self.model);
        assert_eq!(policy.epoch(), model.connection.map(|transport| transport.epoch), "S92: the connection");
        assert_eq!(
            policy.successor(),
            model.successor.map(|transport| transport.epoch),
            "S92: the successor"
        );
        assert_eq!(policy.draining(), model.draining.map(|(epoch, _)| epoch), "S92: the one that drains");
        assert!(model.successor.is_none() || model.draining.is_none(), "three transports");
        let explained = policy.explain();
        assert_eq!(explained.epoch, policy.epoch());
        assert_eq!(explained.successor, policy.successor());
        assert_eq!(explained.phase, policy.phase());
        assert_eq!(explained.until, policy.poll_timeout());
        assert_eq!(policy.deadline().map(|(at, _)| at), policy.poll_timeout(), "a deadline has its reason");
    }

    /// The mark of the connection is its own until the promotion, and never moves back by one.
    fn check_session(&self, before: &Subject<'_>, event: Option<&PairEvent>, actions: &Actions) {
        let (old, new) = (before.session(), self.policy.session());
        let same = before.epoch().is_some() && before.epoch() == self.policy.epoch();
        let of_successor = before.successor().is_some() && event.and_then(Event::epoch) == before.successor();
        let forgets = actions.iter().any(|action| matches!(action, Action::DropSession { .. }));
        if same && of_successor && !forgets {
            assert_eq!(parts(before), parts(&self.policy), "{event:?} moves the session of the connection");
        }
        if actions.iter().any(|action| matches!(action, Action::Promote { .. }))
            && old.token() == new.token()
            && new.token().is_some()
            && self.model.connection.is_some_and(|connection| !connection.renewed)
        {
            assert!(new.sequence() >= old.sequence(), "a promotion moves the sequence back");
        }
    }

    /// S93: a deadline, or a named condition.
    fn check_state(&self) {
        let (policy, model) = (&self.policy, &self.model);
        let (until, now) = (policy.poll_timeout(), self.now);
        let explained = policy.explain();
        let waits = explained.waiting_for;
        let draining = model.draining.is_some();
        let within = |at: Option<Instant>, span: Duration| {
            let end = now.saturating_add(span);
            at.is_some_and(|at| at <= end || end > LATE)
        };
        match policy.phase() {
            Phase::Idle | Phase::Stopped | Phase::Failed => {
                let expiry = waits == Some(WaitReason::SessionExpiry);
                assert!(until.is_none() || expiry, "something is due after the end: {explained}");
                let none = model.connection.is_none() && model.successor.is_none() && !draining;
                assert!(none, "a transport outlives the end");
            }
            Phase::Waiting => {
                let longest = self.limits.longest_wait.max(Duration::from_secs(86_400));
                assert!(within(until, longest), "S93: a wait beyond every limit: {explained}");
            }
            Phase::Parked => match waits {
                Some(WaitReason::Hold) => assert_ne!(model.holds, 0, "S93: parked on nothing"),
                Some(WaitReason::Network) => assert!(model.network_down, "S93: parked on nothing"),
                Some(WaitReason::Hidden) => assert!(model.hidden, "S93: parked on nothing"),
                Some(WaitReason::Credential) => {
                    assert!(model.credential_asked, "S93: parked on nothing");
                    assert!(until.is_some(), "S93: a credential is awaited without end: {explained}");
                }
                other => panic!("S93: parked on {other:?}"),
            },
            Phase::Connecting => {
                assert!(within(until, self.limits.connect_timeout), "S93: a dial without end: {explained}");
            }
            Phase::Establishing => assert!(until.is_some(), "S93: no deadline: {explained}"),
            Phase::Restoring => assert!(until.is_some(), "S93: no deadline: {explained}"),
            Phase::Online => assert!(until.is_some() || !self.limits.beats, "S93: no heartbeat"),
            other => panic!("S93: an unknown phase {other:?}"),
        }
        if let (Some(config), true) = (policy.handover_config(), model.steady) {
            if let Some(successor) = model.successor {
                let late = successor.dialled_at.saturating_add(config.timeout());
                assert!(until.is_some_and(|at| at <= late), "S93: a successor without end: {explained}");
            }
            if let Some((_, since)) = model.draining {
                let late = since.saturating_add(config.drain());
                assert!(until.is_some_and(|at| at <= late), "S93: a drain without end: {explained}");
            }
        }
        if is_live(policy) && model.successor.is_none() && is_under_way(policy, now) {
            let parked = !model.conditions_met();
            assert!(parked || until.is_some(), "S93: a successor that is not dialled: {explained}");
        }
        let owed = |state| matches!(state, SubscriptionState::Pending | SubscriptionState::Waiting { .. });
        if self.limits.restores && is_live(policy) {
            let waiting = policy.subscriptions().iter().any(|entry| owed(entry.state()));
            assert!(!waiting || until.is_some(), "S93: a subscription is forgotten");
        }
    }

    /// S97.
    fn check_counts(
        &mut self,
        before: &Subject<'_>,
        event: Option<&PairEvent>,
        actions: &Actions,
        under_way: bool,
    ) {
        let (old, new) = (before.stats(), self.policy.stats());
        let model = &self.model;
        let open = |transport: &&super::model::Transport| !transport.established;
        let in_flight = [&model.connection, &model.successor].into_iter().flatten().filter(open).count();
        assert_eq!(
            new.opens,
            new.established + new.failed + new.abandoned + in_flight as u32,
            "S97: {new:?}, and {in_flight} under way"
        );
        assert_eq!(new.opens, model.last_epoch, "S97: every dial counts");
        // A network that goes down may end both.
        let both = u32::from(before.successor().is_some());
        let lost = (new.losses - old.losses) + (new.failed - old.failed);
        assert!(lost <= 1 + both, "S97: one loss, one count");
        let stops = matches!(event, Some(Event::Stop { .. } | Event::CredentialLost));
        assert!(new.losses == old.losses || !stops, "S97: a stop is no loss");
        let (was, is) = (before.handover_stats(), self.policy.handover_stats());
        assert_eq!(is.handovers, model.promoted, "S97: every promotion counts");
        let failed = is.handovers_failed - was.handovers_failed;
        let promoted = actions.iter().any(|action| matches!(action, Action::Promote { .. }));
        let ended = under_way && !promoted && !is_under_way(&self.policy, self.now);
        assert!(failed <= 1 && is.gap_ms >= was.gap_ms);
        if ended && !stops {
            assert_eq!(failed, 1, "S97: {event:?} ends a handover that does not count");
        } else if under_way {
            assert_eq!(failed, 0, "S97: {event:?} counts a handover that did not end");
        }
        self.check_gap(ended && !stops && !is_live(&self.policy));
    }

    /// The gap is from the loss to the next connection.
    fn check_gap(&mut self, begins: bool) {
        let (model, now) = (&mut self.model, self.now);
        if begins && model.gap_since.is_none() {
            model.gap_since = Some(now);
        }
        let over = matches!(self.policy.phase(), Phase::Failed | Phase::Stopped | Phase::Idle);
        if is_live(&self.policy) || over {
            if let Some(since) = model.gap_since.take() {
                model.gap_ms += now.saturating_duration_since(since).as_millis() as u64;
            }
        }
        let told = u64::from(self.policy.handover_stats().gap_ms);
        if model.steady {
            assert_eq!(told, model.gap_ms, "S97: the gap");
        }
    }

    /// Timers neither fire early nor without end, and each call does something.
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
            let last = idle.clone();
            let _ = idle.handle_timeout(self.now);
            assert_ne!(idle, last, "a call at the deadline does nothing: {}", idle.explain());
            calls += 1;
            assert!(calls <= CALLS, "it spins: {}", idle.explain());
        }
    }
}

fn parts(policy: &Subject<'_>) -> (Option<u8>, Option<u8>, Option<u64>) {
    let session = policy.session();
    (session.token().copied(), session.endpoint().copied(), session.sequence())
}

fn hash(value: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}
