//! Policies that share a budget of fresh starts. Their host asks it before each fresh dial, and answers
//! [`Event::NotNow`] where it must wait.

use core::time::Duration;

use redial::budget::{Grant, StartBudget, StartBudgetConfig};
use redial::policy::WaitReason;
use redial::{Event, Instant, Mode, Phase, SessionState};

use crate::harness::*;

const ONE_IN_5_S: StartBudgetConfig = StartBudgetConfig::new(1, 1, secs(5)).build_const();

/// The host of a fleet on one clock.
struct Host {
    fleet: Vec<Harness>,
    budget: StartBudget<1, 8>,
    asked: u32,
}

impl Host {
    fn new(config: StartBudgetConfig, fleet: Vec<Harness>) -> Self {
        Self { fleet, budget: StartBudget::new(config).expect("room for one"), asked: 0 }
    }

    fn now(&self) -> Instant {
        self.fleet[0].now
    }

    fn start(&mut self, one: usize) {
        self.fleet[one].start();
        self.serve(one);
    }

    /// What a host does with a dial: a resume goes ahead, a fresh start with a grant does, any other waits as told.
    fn serve(&mut self, one: usize) {
        let rig = &mut self.fleet[one];
        if rig.phase() != Phase::Connecting {
            return;
        }
        if rig.told().mode == Mode::Fresh {
            self.asked += 1;
            let ticket = u32::try_from(one).expect("a small fleet");
            let mine = self.budget.waiting().first() == Some(&ticket);
            let granted = mine && self.budget.next_grant(rig.now) == Some(ticket);
            let until = match granted {
                true => None,
                false => match self.budget.request(rig.now, ticket) {
                    Grant::Now => None,
                    Grant::Later(until) | Grant::Exhausted { until } | Grant::Full { until } => Some(until),
                },
            };
            if let Some(until) = until {
                let retry_after = Some(until.saturating_duration_since(rig.now));
                let epoch = rig.epoch();
                rig.event(Event::NotNow { epoch, retry_after });
                return;
            }
        }
        rig.establish();
    }

    /// The user of one of them stops it: nothing of it stays in line.
    fn stop(&mut self, one: usize) {
        self.fleet[one].stop(false);
        self.budget.withdraw(u32::try_from(one).expect("a small fleet"));
    }

    /// Lets time pass for all, each deadline in order.
    fn advance(&mut self, span: Duration) {
        let end = self.now().saturating_add(span);
        for _ in 0..1_000 {
            let due = (0..self.fleet.len()).filter_map(|one| {
                self.fleet[one].policy.poll_timeout().filter(|at| *at <= end).map(|at| (at, one))
            });
            let Some((at, one)) = due.min() else {
                self.fleet.iter_mut().for_each(|rig| rig.now = end);
                return;
            };
            self.fleet.iter_mut().for_each(|rig| rig.now = rig.now.max(at));
            self.fleet[one].tick();
            self.serve(one);
        }
        panic!("it spins");
    }

    fn phases(&self) -> Vec<Phase> {
        self.fleet.iter().map(Harness::phase).collect()
    }
}

fn fleet(size: usize) -> Vec<Harness> {
    (0..size).map(|_| Harness::new(PLAIN.to_builder().max_attempts(Some(1)).build_const())).collect()
}

/// S60, F76, lifecycle 90: two that share a bucket, both fresh: the second waits until its turn, as the same first
/// attempt, with no failure and no step of the backoff.
#[test]
fn s60_the_second_fresh_start_waits_its_turn() {
    let mut host = Host::new(ONE_IN_5_S, fleet(4));
    (0..4).for_each(|one| host.start(one));
    assert_eq!(host.phases(), [Phase::Online, Phase::Waiting, Phase::Waiting, Phase::Waiting]);
    for one in 1..4 {
        let due = host.fleet[one].due();
        assert_eq!(due, Some((secs(5 * one as u64), WaitReason::NotNow)));
    }
    host.advance(ms(4_999));
    assert_eq!(host.phases()[1], Phase::Waiting);
    host.advance(ms(1));
    assert_eq!(host.phases(), [Phase::Online, Phase::Online, Phase::Waiting, Phase::Waiting]);
    host.advance(secs(10));
    assert_eq!(host.phases(), [Phase::Online; 4]);
    for rig in &host.fleet[1..] {
        let stats = rig.policy.stats();
        assert_eq!((stats.failed, stats.losses, stats.abandoned, stats.opens), (0, 0, 1, 2));
        assert_eq!((rig.told().attempt, rig.told().failures), (1, 0));
    }
    assert_eq!(host.asked, 7, "each asks once, and once more in its turn");
}

/// S60, F76: a resume asks nobody and waits for nobody.
#[test]
fn s60_a_resume_does_not_ask() {
    let session = SessionState::resumable("token", None, Some(1));
    let mut all = fleet(2);
    all.push(Harness::importing(PLAIN, session));
    let mut host = Host::new(ONE_IN_5_S, all);
    (0..3).for_each(|one| host.start(one));
    assert_eq!(host.phases(), [Phase::Online, Phase::Waiting, Phase::Online]);
    host.advance(ms(1));
    host.fleet[2].lose();
    host.advance(secs(1));
    assert_eq!((host.phases()[2], host.asked), (Phase::Online, 2));
    assert_eq!(host.fleet[2].policy.stats().resumed, 2);
}

/// S60, F77: one that is stopped while it waits leaves the line; those behind it move up.
#[test]
fn f77_one_that_is_stopped_leaves_the_line() {
    let mut host = Host::new(ONE_IN_5_S, fleet(3));
    (0..3).for_each(|one| host.start(one));
    host.advance(secs(2));
    host.stop(1);
    assert_eq!(host.budget.waiting(), [2]);
    // The third was told 10 s; it may ask sooner, and is then told the new time.
    host.fleet[2].event(Event::RetryNow);
    host.serve(2);
    assert_eq!(host.fleet[2].due(), Some((secs(3), WaitReason::NotNow)));
    host.advance(secs(3));
    assert_eq!(host.phases(), [Phase::Online, Phase::Stopped, Phase::Online]);
    host.advance(secs(600));
    assert_eq!(host.fleet[1].opens(), 1, "and nothing is dialled for the one that stopped");
}

/// S60: with the day's starts used up it waits for the reset, tells until when, and asks no more than once before.
#[test]
fn s60_an_exhausted_day_waits_for_its_reset() {
    let config = ONE_IN_5_S.to_builder().daily(1, secs(86_400)).build_const();
    let mut host = Host::new(config, fleet(2));
    host.start(0);
    host.advance(secs(3_600));
    host.start(1);
    let reset = host.now().saturating_add(secs(82_800));
    assert_eq!(host.fleet[1].told().until, Some(reset));
    assert_eq!(host.fleet[1].told().waiting_for, Some(WaitReason::NotNow));
    host.advance(secs(82_799));
    assert_eq!((host.phases()[1], host.asked), (Phase::Waiting, 2));
    host.advance(secs(1));
    assert_eq!((host.phases()[1], host.asked), (Phase::Online, 3));
}
