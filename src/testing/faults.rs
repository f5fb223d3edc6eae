//! Each promise is broken once, by a policy with a fault, and the checks see it.

use core::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};

use crate::breaker;
use crate::handover::{self, Decider, EventOf, Handover, HandoverStats, Sealed};
use crate::policy::{
    Action, Actions, Config, Epoch, Event, Explanation, HoldReason, Phase, Policy, Stats, WaitReason,
};
use crate::session::SessionState;
use crate::time::Instant;
use crate::{Cause, IoKind, Mode, SplitMix64, presets};

use super::call::Promise;
use super::checked::{Checkable, Checked};

/// What a policy does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A transport is lost without a close, and the next one is dialled.
    NoClose,
    /// A dial has no end.
    NoDeadline,
    /// A wait has a deadline an hour later than its config allows.
    LateDeadline,
    /// It gives up and does not say so.
    SilentEnd,
    /// An event of a transport that is over is applied.
    StaleApplied,
    /// A call decides by what no comparison sees.
    HiddenState,
    /// A dial is counted twice.
    CountedTwice,
    /// A clock that runs back ends a wait.
    WaitCut,
    /// A timer is served a second early.
    EarlyTimer,
    /// A timer that is due does nothing.
    DeadTimer,
    /// A loss dials in the same call.
    DialInLoss,
    /// A hold forbids no dial.
    HoldIgnored,
    /// A heartbeat is sent before the transport is open.
    SentEarly,
    /// A session is resumed that never was.
    ResumeOfNothing,
    /// The successor becomes the connection, and nobody is told.
    SilentPromotion,
    /// A connection that was replaced is closed with a code of its own.
    OddCode,
    /// A new session is never taken.
    DeafToReady,
}

#[derive(Clone, PartialEq)]
struct Faulty<D> {
    policy: D,
    fault: Fault,
    latest: Instant,
}

std::thread_local! {
    static HIDDEN: Cell<u32> = const { Cell::new(0) };
}

impl<D: Checkable> Faulty<D> {
    fn altered(&self, actions: Actions) -> Actions {
        let mut altered = Actions::ignored(actions.disposition());
        for action in actions {
            match (self.fault, action) {
                (Fault::NoClose, Action::Close { .. })
                | (Fault::SilentEnd, Action::GaveUp { .. })
                | (Fault::SilentPromotion, Action::Promote { .. }) => {}
                (Fault::HiddenState, Action::Identify { .. }) => {
                    HIDDEN.set(HIDDEN.get() + 1);
                    if HIDDEN.get() % 2 == 1 {
                        altered.push(action);
                    }
                }
                (Fault::SentEarly, Action::Open { epoch, .. }) => {
                    altered.push(Action::Heartbeat { epoch });
                    altered.push(action);
                }
                (Fault::ResumeOfNothing, Action::Open { epoch, endpoint, attempt, role, .. }) => {
                    altered.push(Action::Open { epoch, mode: Mode::Resume, endpoint, attempt, role });
                }
                (Fault::OddCode, Action::Close { epoch, .. }) => {
                    altered.push(Action::Close { epoch, code: Some(3_001) });
                }
                _ => altered.push(action),
            }
        }
        altered
    }

    fn due(&self, deadline: Option<Instant>) -> Option<Instant> {
        match (self.fault, self.policy.phase()) {
            (Fault::NoDeadline, Phase::Connecting) => None,
            (Fault::LateDeadline, Phase::Waiting) => {
                deadline.map(|at| at.saturating_add(core::time::Duration::from_secs(3_600)))
            }
            _ => deadline,
        }
    }
}

impl<D: Decider> Sealed for Faulty<D> {}

impl<D: Checkable> Decider for Faulty<D> {
    type Token = D::Token;
    type Subscriptions = D::Subscriptions;

    fn handle_event(&mut self, now: Instant, event: EventOf<D>) -> Actions {
        self.latest = now;
        let loses = matches!(event, Event::OpenFailed { .. });
        let event = match (self.fault, event) {
            (Fault::HoldIgnored, Event::Hold(reason)) => {
                let _nothing = self.policy.handle_event(now, Event::Release(reason));
                return Actions::none(true);
            }
            (Fault::DeafToReady, Event::Ready { epoch, .. }) => Event::Received { epoch },
            (Fault::StaleApplied, Event::Closed { epoch, cause }) if self.policy.epoch().is_none() => {
                let _stale = self.policy.handle_event(now, Event::Closed { epoch, cause });
                return Actions::none(true);
            }
            (_, event) => event,
        };
        let actions = self.policy.handle_event(now, event);
        if let (Fault::DialInLoss, true, Some(due)) = (self.fault, loses, self.policy.poll_timeout()) {
            return self.policy.handle_timeout(due);
        }
        self.altered(actions)
    }

    fn handle_timeout(&mut self, now: Instant) -> Actions {
        let soon = core::time::Duration::from_secs(1);
        let back = now < self.latest;
        self.latest = now;
        let now = match self.fault {
            Fault::DeadTimer => return Actions::new(),
            Fault::EarlyTimer => now.saturating_add(soon),
            Fault::WaitCut if back => self.policy.poll_timeout().unwrap_or(now),
            _ => now,
        };
        let actions = self.policy.handle_timeout(now);
        self.altered(actions)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due(self.policy.poll_timeout())
    }

    fn deadline(&self) -> Option<(Instant, WaitReason)> {
        let (at, reason) = self.policy.deadline()?;
        Some((self.due(Some(at))?, reason))
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
        let mut explanation = self.policy.explain();
        explanation.until = self.due(explanation.until);
        explanation
    }

    fn stats(&self) -> Stats {
        let mut stats = self.policy.stats();
        stats.opens += u32::from(self.fault == Fault::CountedTwice && stats.opens > 0);
        stats
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

    fn config(&self) -> &Config {
        self.policy.config()
    }

    fn handover_config(&self) -> Option<&handover::Config> {
        self.policy.handover_config()
    }
}

type Plain = Handover<SplitMix64>;

const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A short life with everything in it: an outage, a clock that runs back, a late event, a hold, a connection, a handover, the
/// end.
fn live(fault: Option<Fault>) {
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
    // A fault of a policy alone is one of a handover that never moves, too.
    let moves = matches!(fault, None | Some(Fault::SilentPromotion | Fault::OddCode));
    let moves = moves.then_some(handover::Config::DEFAULT);
    let policy: Plain = policy.with_handover(moves);
    match fault {
        Some(fault) => run(Checked::new(Faulty { policy, fault, latest: Instant::ZERO }), moves.is_some()),
        None => run(Checked::new(policy), true),
    }
}

fn run<D: Decider<Token = ()> + Checkable>(policy: Checked<D>, moves: bool) {
    let limits = policy.limits();
    let mut policy = policy.with_limits(limits);
    let epoch = |number| Epoch::from_raw(number).unwrap();
    let hold = HoldReason::new(3).unwrap();
    let refused = Cause::Io(IoKind::ConnectionRefused);
    let ready = |epoch| Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None };
    for (millis, event) in [
        (5_000, Some(Event::Start)),
        (5_100, Some(Event::OpenFailed { epoch: epoch(1), cause: refused, retry_after: None })),
        (5_101, None),
        (4_000, None),
        (4_001, Some(Event::Closed { epoch: epoch(1), cause: refused })),
        (4_002, Some(Event::Hold(hold))),
        (90_000, None),
        (90_001, Some(Event::Release(hold))),
        (90_002, None),
        (90_003, Some(Event::Opened { epoch: epoch(2) })),
        (90_004, Some(ready(epoch(2)))),
        (90_005, Some(Event::Redial)),
        (90_006, Some(Event::Opened { epoch: epoch(3) })),
        (90_007, Some(ready(epoch(3)))),
        (90_008, Some(Event::Stop { keep: true })),
        (90_009, Some(Event::Start)),
        (90_010, None),
    ] {
        let _actions = policy.call(at(millis), event);
        policy.assert_recovers();
    }
    assert_eq!(moves, policy.handover_stats().is_some_and(|stats| stats.handovers == 1));
    let _actions = policy.handle_event(at(90_011), Event::CredentialLost);
    assert_eq!(policy.phase(), Phase::Failed);
}

fn message(fault: Fault) -> String {
    let broken = catch_unwind(AssertUnwindSafe(|| live(Some(fault)))).err().unwrap();
    broken.downcast_ref::<String>().map_or_else(|| "no text".to_string(), Clone::clone)
}

#[test]
fn a_policy_without_a_fault_keeps_every_promise() {
    live(None);
}

#[test]
fn every_promise_is_seen_broken() {
    for (fault, promise) in [
        (Fault::NoClose, Promise::OneTransport),
        (Fault::NoDeadline, Promise::WayOn),
        (Fault::LateDeadline, Promise::WayOn),
        (Fault::SilentEnd, Promise::OneEnd),
        (Fault::StaleApplied, Promise::Ignored),
        (Fault::HiddenState, Promise::Deterministic),
        (Fault::CountedTwice, Promise::Counters),
        (Fault::WaitCut, Promise::Clock),
        (Fault::EarlyTimer, Promise::Timers),
        (Fault::DeadTimer, Promise::Timers),
        (Fault::DialInLoss, Promise::Dials),
        (Fault::HoldIgnored, Promise::Dials),
        (Fault::SentEarly, Promise::Order),
        (Fault::ResumeOfNothing, Promise::Session),
        (Fault::SilentPromotion, Promise::Counters),
        (Fault::OddCode, Promise::Handover),
        (Fault::DeafToReady, Promise::Recovery),
    ] {
        let message = message(fault);
        let headline = std::format!("a promise of redial is broken: {}\n", promise.sentence());
        assert!(message.starts_with(&headline), "{fault:?}: {message}");
        for part in ["\n  found:   ", "attempt ", " us", "`Checked::recording`"] {
            assert!(message.contains(part), "{fault:?}: {message}");
        }
    }
}
