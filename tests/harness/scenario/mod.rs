//! A script: events at explicit times, about explicit epochs, and every decision as a line of text.
//!
//! Times are milliseconds. At one instant events come before the timers that are due then, as in the replay contract.
//! Every decision must be expected before the next event, so a test that says nothing expects nothing.

mod events;

pub use events::number;

use redial::policy::{Endpoint, WaitReason};
use redial::subscriptions::{FixedSubscriptions, Subscriptions as _};
use redial::{
    Action, Actions, Config, Disposition, GiveUp, Instant, Mode, Phase, Policy, SessionState, SplitMix64,
    Stats,
};

use super::{Harness, Subject, TestEvent, ms};

/// A policy on a virtual clock.
pub struct Scenario {
    pub(super) harness: Harness,
    /// Decided, and not expected yet.
    pending: Vec<(Instant, String)>,
}

impl Scenario {
    /// Not started, at 0.
    pub fn new(config: Config) -> Self {
        Self::seeded(config, 7)
    }

    pub fn seeded(config: Config, seed: u64) -> Self {
        Self::of(
            Policy::new(config, SplitMix64::new(seed))
                .with_session_type()
                .with_subscriptions(FixedSubscriptions::new()),
        )
    }

    pub fn of(policy: Subject) -> Self {
        let mut harness = Harness::of(policy);
        harness.start_clock_at(Instant::ZERO);
        Self { harness, pending: Vec::new() }
    }

    /// With a session of an earlier process.
    pub fn with_session(config: Config, session: SessionState<&'static str>) -> Self {
        Self::of(
            Policy::new(config, SplitMix64::new(7))
                .with_subscriptions(FixedSubscriptions::new())
                .with_session(session),
        )
    }

    /// Connected at 20 ms by epoch 1, with session "s1" at sequence 5.
    #[track_caller]
    pub fn online(config: Config) -> Self {
        let mut t = Self::new(config);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        t.connect(10, 1, Some(5));
        t
    }

    /// Opened at `at`, ready 10 ms later with session "s1" at this sequence.
    #[track_caller]
    pub fn connect(&mut self, at: u64, epoch: u32, sequence: Option<u64>) -> &mut Self {
        self.at(at).opened(epoch);
        self.pending.clear();
        self.at(at + 10).ready(epoch, sequence);
        self.pending.clear();
        self
    }

    /// Connected at 20 ms by epoch 1 of a protocol with a greeting, beating every `interval` from 10 ms on.
    #[track_caller]
    pub fn gateway(config: Config, interval: u64) -> Self {
        let mut t = Self::new(config);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        t.at(5).opened(1).expect(&[]).wake(30_005, "greeting_timeout");
        t.at(10).greeting(1, interval).expect(&["send_fresh 1"]);
        t.at(20).ready(1, Some(5)).expect(&[]).phase(Phase::Online);
        t
    }

    // Time.

    /// Goes to `millis`; every timer due before fires at its own time and must decide nothing.
    #[track_caller]
    pub fn at(&mut self, millis: u64) -> &mut Self {
        self.settled();
        let to = Instant::from_millis(millis);
        self.pass(to, false);
        self.settled();
        self.harness.now = to;
        self
    }

    /// Goes to `millis` and lets the timers due then fire: exactly these lines, exactly then.
    #[track_caller]
    pub fn fires(&mut self, millis: u64, lines: &[&str]) -> &mut Self {
        self.at(millis);
        self.pass(Instant::from_millis(millis), true);
        self.expect(lines)
    }

    /// Nothing is decided until `millis`, included.
    #[track_caller]
    pub fn quiet_until(&mut self, millis: u64) -> &mut Self {
        self.fires(millis, &[])
    }

    /// Goes to `millis`, whatever fires; what was decided, with its times in milliseconds.
    #[track_caller]
    pub fn run(&mut self, millis: u64) -> Vec<(u64, Action)> {
        self.settled();
        let from = self.harness.log().len();
        self.pass(Instant::from_millis(millis), true);
        self.harness.now = Instant::from_millis(millis);
        self.pending.clear();
        self.harness.log()[from..].iter().map(|(at, action)| (at.as_millis(), *action)).collect()
    }

    /// Lets the next timer fire at its own time, wherever that is; what it decided is to be expected.
    #[track_caller]
    pub fn next(&mut self) -> &mut Self {
        self.settled();
        self.harness.now = self.harness.policy.poll_timeout().expect("a deadline").max(self.harness.now);
        self.timeout()
    }

    /// The clock says `millis`, and no timer was served on the way: a sleep, a stalled task, a clock that ran back.
    #[track_caller]
    pub fn jump(&mut self, millis: u64) -> &mut Self {
        self.settled();
        self.harness.now = Instant::from_millis(millis);
        self
    }

    /// Calls `handle_timeout` now, due or not.
    #[track_caller]
    pub fn timeout(&mut self) -> &mut Self {
        let actions = self.harness.call(None);
        self.decide(actions)
    }

    #[track_caller]
    fn pass(&mut self, to: Instant, included: bool) {
        let mut same = 0;
        while let Some(due) = self.harness.policy.poll_timeout() {
            if due > to || (due == to && !included) {
                break;
            }
            let due = due.max(self.harness.now);
            if let Some(early) = due.as_micros().checked_sub(1).map(Instant::from_micros) {
                if early >= self.harness.now {
                    let mut policy = self.harness.policy.clone();
                    assert!(policy.handle_timeout(early).is_empty(), "an early timer is harmless (S18)");
                    assert_eq!(
                        policy.deadline(),
                        self.harness.policy.deadline(),
                        "an early timer moves nothing"
                    );
                }
            }
            same = if due == self.harness.now { same + 1 } else { 0 };
            assert!(same < 100, "spinning at {due:?} on {:?}", self.harness.policy.deadline());
            self.harness.now = due;
            self.timeout();
        }
    }

    // Calls.

    #[track_caller]
    pub fn event(&mut self, event: TestEvent) -> &mut Self {
        self.settled();
        let session = self.harness.policy.session().clone();
        let actions = self.harness.call(Some(event));
        let unchanged = self.harness.policy.session() == &session;
        assert!(
            self.harness.disposition() == Disposition::Applied || unchanged,
            "an ignored event moves no session"
        );
        self.decide(actions)
    }

    #[track_caller]
    fn decide(&mut self, actions: Actions) -> &mut Self {
        for action in actions.iter() {
            let line = self.line(action);
            self.pending.push((self.harness.now, line));
        }
        self
    }

    // Expectations.

    /// What the last call decided: exactly these lines, in this order, at the present time.
    #[track_caller]
    pub fn expect(&mut self, lines: &[&str]) -> &mut Self {
        let decided = core::mem::take(&mut self.pending);
        let texts: Vec<&str> = decided.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(texts, lines, "at {} ms; {}", self.harness.now.as_millis(), self.harness.policy.explain());
        for (at, line) in &decided {
            assert_eq!(*at, self.harness.now, "{line} came at another time");
        }
        self
    }

    /// What was decided is another test's matter.
    pub fn whatever(&mut self) -> &mut Self {
        self.pending.clear();
        self
    }

    /// The next deadline and its reason.
    #[track_caller]
    pub fn wake(&mut self, millis: u64, why: &str) -> &mut Self {
        let deadline = self.harness.policy.deadline().map(|(at, reason)| (at, reason.as_str()));
        assert_eq!(deadline, Some((Instant::from_millis(millis), why)), "{}", self.harness.policy.explain());
        self
    }

    /// The next deadline lies so many milliseconds from now, for this reason.
    #[track_caller]
    pub fn wake_within(&mut self, millis: core::ops::RangeInclusive<u64>, why: &str) -> &mut Self {
        let (at, reason) = self.harness.policy.deadline().expect("a deadline");
        let wait = at.saturating_duration_since(self.harness.now);
        assert_eq!(reason.as_str(), why, "{}", self.harness.policy.explain());
        assert!(ms(*millis.start()) <= wait && wait <= ms(*millis.end()), "waits {wait:?}, not {millis:?}");
        self
    }

    #[track_caller]
    pub fn no_wake(&mut self) -> &mut Self {
        assert_eq!(self.harness.policy.deadline(), None, "{}", self.harness.policy.explain());
        self
    }

    #[track_caller]
    pub fn phase(&mut self, phase: Phase) -> &mut Self {
        assert_eq!(self.harness.policy.phase(), phase, "{}", self.harness.policy.explain());
        self
    }

    #[track_caller]
    pub fn parked(&mut self, on: WaitReason) -> &mut Self {
        assert_eq!(self.harness.policy.explain().waiting_for, Some(on), "{}", self.harness.policy.explain());
        self.phase(Phase::Parked)
    }

    #[track_caller]
    pub fn gave_up(&mut self, reason: GiveUp) -> &mut Self {
        assert_eq!(self.harness.policy.explain().trigger.to_string(), reason.as_str());
        self.phase(Phase::Failed)
    }

    /// The last event was of an old transport.
    #[track_caller]
    pub fn stale(&mut self) -> &mut Self {
        assert_eq!(self.harness.disposition(), Disposition::Stale, "{}", self.harness.policy.explain());
        self
    }

    /// The last event did not apply.
    #[track_caller]
    pub fn ignored(&mut self) -> &mut Self {
        assert_eq!(
            self.harness.disposition(),
            Disposition::Inapplicable,
            "{}",
            self.harness.policy.explain()
        );
        self
    }

    #[track_caller]
    pub fn applied(&mut self) -> &mut Self {
        assert_eq!(self.harness.disposition(), Disposition::Applied, "{}", self.harness.policy.explain());
        self
    }

    #[track_caller]
    pub fn full(&mut self) -> &mut Self {
        assert_eq!(self.harness.disposition(), Disposition::Full);
        self
    }

    #[track_caller]
    pub fn failures(&mut self, failures: u32) -> &mut Self {
        assert_eq!(self.harness.policy.explain().failures, failures, "{}", self.harness.policy.explain());
        self
    }

    /// To ask.
    pub fn policy(&self) -> &Subject {
        &self.harness.policy
    }

    pub fn stats(&self) -> Stats {
        self.harness.policy.stats()
    }

    /// The wait from now to the next deadline, in milliseconds.
    #[track_caller]
    pub fn wait(&self) -> u64 {
        let at = self.harness.policy.poll_timeout().expect("a deadline");
        u64::try_from(at.saturating_duration_since(self.harness.now).as_millis()).unwrap()
    }

    pub fn now(&self) -> u64 {
        self.harness.now.as_millis()
    }

    /// The newest epoch that was opened.
    pub fn newest(&self) -> u32 {
        self.harness.policy.stats().opens
    }

    pub fn opens(&self) -> usize {
        self.harness.log().iter().filter(|(_, action)| matches!(action, Action::Open { .. })).count()
    }

    #[track_caller]
    fn settled(&self) {
        assert!(self.pending.is_empty(), "decided and not expected: {:?}", self.pending);
    }

    fn line(&self, action: Action) -> String {
        match action {
            Action::Open { epoch, mode, endpoint, attempt, .. } => {
                let mode = if mode == Mode::Fresh { "fresh" } else { "resume" };
                let at = if endpoint == Endpoint::Session { "@session" } else { "" };
                format!("open {epoch} {mode}{at} #{attempt}")
            }
            Action::Promote { epoch } => format!("promote {epoch}"),
            Action::Close { epoch, code: Some(code) } => format!("close {epoch} {code}"),
            Action::Close { epoch, code: None } => format!("drop {epoch}"),
            Action::Identify { epoch } => format!("send_fresh {epoch}"),
            Action::Resume { epoch } => {
                let session = self.harness.policy.session();
                let (token, sequence) = (session.token().unwrap(), session.sequence().unwrap());
                format!("send_resume {epoch} {token} {sequence}")
            }
            Action::Heartbeat { epoch } => format!("beat {epoch}"),
            Action::RefreshCredential { .. } => String::from("refresh"),
            Action::Authenticate { epoch } => format!("authenticate {epoch}"),
            Action::Restore { epoch, .. } => {
                let keys: Vec<&str> = self.harness.policy.subscriptions().batch().copied().collect();
                format!("restore {epoch} {}", keys.join(","))
            }
            Action::DropSession { reason } => format!("forget {}", reason.as_str()),
            Action::GaveUp { reason, cause } => format!("gave_up {} {cause}", reason.as_str()),
        }
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.settled();
        }
    }
}
