//! From the steps of a policy to what changed in them.

use core::time::Duration;

use crate::breaker;
use crate::classify::Cause;
use crate::handover::{Decider, EventOf};
use crate::mode::Mode;
use crate::policy::{Action, Actions, Disposition, Epoch, Event, Explanation, Phase, Stats, WaitReason};
use crate::subscriptions::Subscriptions;
use crate::time::Instant;

use super::change::{AttemptResult, Change, OutageResult};

/// Finds what changed in each step of a [`Policy`](crate::Policy) or a [`Handover`](crate::handover::Handover).
///
/// [`Observed`](super::Observed) is one with its policy. By itself it is for a loop that has its policy elsewhere: tell it every
/// call, right after the policy.
///
/// ```
/// use redial::telemetry::{Change, Observer};
/// use redial::{Event, Instant, Policy, SplitMix64, presets};
///
/// let mut policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let mut observer = Observer::new(&policy);
/// let mut lines = Vec::new();
///
/// let (now, event) = (Instant::ZERO, Event::Start);
/// let actions = policy.handle_event(now, event.clone());
/// observer.step(now, Some(&event), &actions, &policy, |change| lines.push(change.to_string()));
/// assert_eq!(
///     lines,
///     [
///         "outage_began trigger=start initial=true",
///         "attempt_began epoch=1 attempt=1 mode=fresh endpoint=base role=connection",
///         "phase_changed from=idle to=connecting trigger=start",
///     ]
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observer {
    phase: Phase,
    /// The connection was online since it was established.
    up: bool,
    stats: Stats,
    breaker: breaker::Phase,
    subscriptions: usize,
    outage: Option<Outage>,
    attempt: Option<Attempt>,
    wait: Option<Wait>,
    heartbeat: Option<(Epoch, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outage {
    since: Instant,
    initial: bool,
    attempts: u32,
    parked: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attempt {
    epoch: Epoch,
    number: u32,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    reason: WaitReason,
    parked: bool,
    since: Instant,
}

impl Wait {
    /// Whether the other one is this wait, which goes on.
    fn is_for(self, other: Self) -> bool {
        (self.reason, self.parked) == (other.reason, other.parked)
    }
}

/// What remains of an event once the policy has taken it.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    word: &'static str,
    acked: Option<Epoch>,
}

impl Seen {
    #[inline]
    pub(super) const fn of<T, K>(event: &Event<T, K>) -> Self {
        let acked = match event {
            Event::HeartbeatAcked { epoch } => Some(*epoch),
            _ => None,
        };
        Self { word: event.as_str(), acked }
    }
}

const fn is_over(phase: Phase) -> bool {
    matches!(phase, Phase::Idle | Phase::Stopped | Phase::Failed)
}

const fn is_live(phase: Phase) -> bool {
    matches!(phase, Phase::Restoring | Phase::Online)
}

impl Observer {
    /// An observer of this policy from now on. One that was started already shows its phase at the next step.
    #[must_use]
    pub fn new<D: Decider>(policy: &D) -> Self {
        Self {
            phase: Phase::Idle,
            up: false,
            stats: policy.stats(),
            breaker: policy.breaker_phase().unwrap_or(breaker::Phase::Closed),
            subscriptions: 0,
            outage: None,
            attempt: None,
            wait: None,
            heartbeat: None,
        }
    }

    /// The policy took this event at `now`, or with `None` the time, and returned these actions. Calls `sink` with each change,
    /// in order.
    pub fn step<D: Decider>(
        &mut self,
        now: Instant,
        event: Option<&EventOf<D>>,
        actions: &Actions,
        policy: &D,
        mut sink: impl FnMut(&Change),
    ) {
        self.look(now, event.map(Seen::of), actions, policy, &mut sink);
    }

    pub(super) fn look<D: Decider>(
        &mut self,
        now: Instant,
        event: Option<Seen>,
        actions: &Actions,
        policy: &D,
        sink: &mut dyn FnMut(&Change),
    ) {
        if let Some(Seen { word, acked }) = event {
            match (actions.disposition(), acked) {
                (Disposition::Applied, Some(epoch)) => self.acked(now, epoch, sink),
                (Disposition::Applied, None) => {}
                (disposition, _) => sink(&Change::EventIgnored { event: word, disposition }),
            }
        }
        let (phase, stats) = (policy.phase(), policy.stats());
        let same = phase == self.phase
            && stats == self.stats
            && self.wait.is_none()
            && self.subscriptions == policy.subscriptions().len();
        if same {
            for action in actions {
                self.act(now, action, sink);
            }
        } else {
            self.compare(now, actions, policy, (phase, stats), sink);
        }
    }

    fn acked(&mut self, now: Instant, epoch: Epoch, sink: &mut dyn FnMut(&Change)) {
        if let Some((_, sent)) = self.heartbeat.take_if(|(sent_on, _)| *sent_on == epoch) {
            sink(&Change::HeartbeatAcked { epoch, round_trip: now.saturating_duration_since(sent) });
        }
    }

    fn compare<D: Decider>(
        &mut self,
        now: Instant,
        actions: &Actions,
        policy: &D,
        (phase, stats): (Phase, Stats),
        sink: &mut dyn FnMut(&Change),
    ) {
        let explanation = policy.explain();
        let cause = explanation.last_cause.unwrap_or(Cause::Unknown);
        if stats.heartbeats_missed > self.stats.heartbeats_missed {
            sink(&Change::HeartbeatMissed);
        }
        self.end_attempt(now, policy, &stats, cause, sink);
        if stats.losses > self.stats.losses {
            let uptime = Duration::from_millis(stats.last_uptime_ms.into());
            sink(&Change::ConnectionLost { cause, uptime });
        }
        self.stats = stats;

        let (before, was_up) = (self.phase, self.up);
        self.phase = phase;
        self.up = phase == Phase::Online || was_up && is_live(phase);
        let initial = is_over(before) && !is_over(phase);
        if self.outage.is_none() && !self.up && (initial || was_up && phase != Phase::Stopped) {
            sink(&Change::OutageBegan { trigger: explanation.trigger, initial });
            self.outage = Some(Outage { since: now, initial, attempts: 0, parked: Duration::ZERO });
        }
        let wait = self.end_wait(now, &explanation, sink);
        let subscriptions = policy.subscriptions().len();
        if subscriptions != self.subscriptions {
            self.subscriptions = subscriptions;
            sink(&Change::SubscriptionsChanged { subscriptions });
        }
        for action in actions {
            self.act(now, action, sink);
        }
        let breaker = policy.breaker_phase().unwrap_or(self.breaker);
        if breaker != self.breaker {
            sink(&Change::BreakerChanged { from: self.breaker, to: breaker });
            self.breaker = breaker;
        }
        if before != phase {
            sink(&Change::PhaseChanged { from: before, to: phase, trigger: explanation.trigger });
        }
        if let Some(begun) = wait {
            let until = explanation.until.filter(|_| !begun.parked);
            let planned = until.map(|until| until.saturating_duration_since(now));
            sink(&Change::WaitBegan { reason: begun.reason, planned });
            self.wait = wait;
        }
        if self.up && !was_up && subscriptions > 0 {
            sink(&Change::Restored { subscriptions });
        }
        if self.up || is_over(phase) {
            self.end_outage(now, phase, sink);
        }
    }

    fn end_attempt<D: Decider>(
        &mut self,
        now: Instant,
        policy: &D,
        stats: &Stats,
        cause: Cause,
        sink: &mut dyn FnMut(&Change),
    ) {
        let (result, cause) = if stats.established > self.stats.established {
            (AttemptResult::Established, None)
        } else if stats.failed > self.stats.failed {
            (AttemptResult::Failed, Some(cause))
        } else {
            (AttemptResult::Abandoned, None)
        };
        let alive = [policy.epoch(), policy.successor()];
        let ended = self
            .attempt
            .take_if(|attempt| result != AttemptResult::Abandoned || !alive.contains(&Some(attempt.epoch)));
        let mode = match result {
            AttemptResult::Established if stats.resumed > self.stats.resumed => Some(Mode::Resume),
            AttemptResult::Established => Some(Mode::Fresh),
            _ => None,
        };
        if let Some(Attempt { epoch, number: attempt, since }) = ended {
            let duration = now.saturating_duration_since(since);
            sink(&Change::AttemptEnded { epoch, attempt, result, cause, mode, duration });
        }
    }

    fn act(&mut self, now: Instant, action: Action, sink: &mut dyn FnMut(&Change)) {
        match action {
            Action::Open { epoch, mode, endpoint, attempt, role } => {
                self.attempt = Some(Attempt { epoch, number: attempt, since: now });
                if let Some(outage) = &mut self.outage {
                    outage.attempts = outage.attempts.saturating_add(1);
                }
                sink(&Change::AttemptBegan { epoch, attempt, mode, endpoint, role });
            }
            Action::Heartbeat { epoch } => self.heartbeat = Some((epoch, now)),
            Action::RefreshCredential { .. } => sink(&Change::CredentialRequested),
            Action::DropSession { reason } => sink(&Change::SessionDropped { reason }),
            Action::GaveUp { reason, cause } => sink(&Change::GaveUp { reason, cause }),
            Action::Promote { .. }
            | Action::Close { .. }
            | Action::Identify { .. }
            | Action::Resume { .. }
            | Action::Authenticate { .. }
            | Action::Restore { .. } => {}
        }
    }

    /// What is waited for now, if it is not what was waited for before; that ends here.
    fn end_wait(
        &mut self,
        now: Instant,
        explanation: &Explanation,
        sink: &mut dyn FnMut(&Change),
    ) -> Option<Wait> {
        let parked = explanation.phase == Phase::Parked;
        let waits = parked || explanation.phase == Phase::Waiting;
        let wait =
            explanation.waiting_for.filter(|_| waits).map(|reason| Wait { reason, parked, since: now });
        if self.wait.is_some_and(|before| wait.is_some_and(|wait| before.is_for(wait))) {
            return None;
        }
        if let Some(Wait { reason, parked, since }) = self.wait.take() {
            let duration = now.saturating_duration_since(since);
            if let Some(outage) = self.outage.as_mut().filter(|_| parked) {
                outage.parked = outage.parked.saturating_add(duration);
            }
            sink(&Change::WaitEnded { reason, duration });
        }
        wait
    }

    fn end_outage(&mut self, now: Instant, phase: Phase, sink: &mut dyn FnMut(&Change)) {
        if let Some(Outage { since, initial, attempts, parked }) = self.outage.take() {
            let result = match phase {
                Phase::Failed => OutageResult::GaveUp,
                Phase::Idle | Phase::Stopped => OutageResult::Stopped,
                _ => OutageResult::Recovered,
            };
            let duration = now.saturating_duration_since(since);
            // More where the clock ran back.
            let parked = parked.min(duration);
            sink(&Change::OutageEnded { result, initial, attempts, duration, parked });
        }
    }
}
