//! What a timeline can be asked, and what can be expected beside decisions.

use core::ops::RangeInclusive;
use core::time::Duration;

use crate::policy::{Action, Disposition, GiveUp, Phase, Stats, Trigger, WaitReason};
use crate::time::Instant;

use super::super::checked::{Checkable, Checked};
use super::Timeline;

/// Expectations. Each of them holds at the present time.
impl<D: Checkable> Timeline<D> {
    /// The next deadline, in milliseconds, and the word of its reason.
    #[track_caller]
    pub fn wake(&mut self, millis: u64, reason: &str) -> &mut Self {
        let deadline = self.policy.deadline().map(|(at, reason)| (at, reason.as_str()));
        assert_eq!(deadline, Some((Instant::from_millis(millis), reason)), "{}", self.policy.explain());
        self
    }

    /// The next deadline is so many milliseconds away, for this reason: for a config with a jitter.
    #[track_caller]
    pub fn wake_within(&mut self, millis: RangeInclusive<u64>, reason: &str) -> &mut Self {
        let due = self
            .policy
            .deadline()
            .map(|(at, reason)| (at.saturating_duration_since(self.now), reason.as_str()));
        let range = Duration::from_millis(*millis.start())..=Duration::from_millis(*millis.end());
        let holds = due.is_some_and(|(wait, found)| found == reason && range.contains(&wait));
        assert!(holds, "due in {due:?}, not in {millis:?} ms for {reason}: {}", self.policy.explain());
        self
    }

    /// Nothing is due.
    #[track_caller]
    pub fn no_wake(&mut self) -> &mut Self {
        assert_eq!(self.policy.deadline(), None, "{}", self.policy.explain());
        self
    }

    /// The phase.
    #[track_caller]
    pub fn phase(&mut self, phase: Phase) -> &mut Self {
        assert_eq!(self.policy.phase(), phase, "{}", self.policy.explain());
        self
    }

    /// It is parked on this condition.
    #[track_caller]
    pub fn parked(&mut self, on: WaitReason) -> &mut Self {
        assert_eq!(self.policy.explain().waiting_for, Some(on), "{}", self.policy.explain());
        self.phase(Phase::Parked)
    }

    /// It has given up, for this reason.
    #[track_caller]
    pub fn gave_up(&mut self, reason: GiveUp) -> &mut Self {
        assert_eq!(self.policy.explain().trigger, Trigger::GaveUp(reason), "{}", self.policy.explain());
        self.phase(Phase::Failed)
    }

    /// So many failures in a row count for the backoff.
    #[track_caller]
    pub fn failures(&mut self, failures: u32) -> &mut Self {
        assert_eq!(self.policy.explain().failures, failures, "{}", self.policy.explain());
        self
    }

    /// The last event was applied.
    #[track_caller]
    pub fn applied(&mut self) -> &mut Self {
        self.was(Disposition::Applied)
    }

    /// The last event was of a transport that is over, or an answer to an older send or request.
    #[track_caller]
    pub fn stale(&mut self) -> &mut Self {
        self.was(Disposition::Stale)
    }

    /// The last event did not apply.
    #[track_caller]
    pub fn inapplicable(&mut self) -> &mut Self {
        self.was(Disposition::Inapplicable)
    }

    /// The last event was a subscription that the set had no space for.
    #[track_caller]
    pub fn full(&mut self) -> &mut Self {
        self.was(Disposition::Full)
    }

    #[track_caller]
    fn was(&mut self, disposition: Disposition) -> &mut Self {
        assert_eq!(self.disposition, disposition, "of the last event: {}", self.policy.explain());
        self
    }
}

/// Questions.
impl<D: Checkable> Timeline<D> {
    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Checked<D> {
        &self.policy
    }

    /// The counters of the policy.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.policy.stats()
    }

    /// The present time, in whole milliseconds.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now.as_millis()
    }

    /// How many milliseconds there are until the next deadline, rounded down.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn wait(&self) -> u64 {
        let Some(at) = self.policy.poll_timeout() else { panic!("no deadline: {}", self.policy.explain()) };
        Instant::from_micros(at.as_micros().saturating_sub(self.now.as_micros())).as_millis()
    }

    /// Every action so far, with its time.
    #[must_use]
    pub fn log(&self) -> &[(Instant, Action)] {
        &self.log
    }

    /// How many dials there were.
    #[must_use]
    pub fn opens(&self) -> usize {
        self.log.iter().filter(|(_, action)| matches!(action, Action::Open { .. })).count()
    }
}
