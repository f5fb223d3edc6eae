//! A course of events on a virtual clock, with every decision as a line of text.

mod ask;
mod events;
mod line;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::handover::EventOf;
use crate::policy::{Action, Actions, Disposition};
use crate::time::Instant;

use super::checked::{Checkable, Checked};

/// A policy or a handover on a virtual clock, which begins at 0 ms.
///
/// Times are milliseconds. A test says what happens and when, and what is decided in consequence; **every decision must be
/// expected before time goes on**, so that a test that says nothing expects nothing. Each call is [checked](Checked) as well.
///
/// ```
/// use core::time::Duration;
/// use redial::testing::Timeline;
/// use redial::{BackoffConfig, Cause, Config, IoKind, Phase, Policy, Ratio, SplitMix64};
///
/// static CONFIG: Config = Config::new(
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
/// )
/// .build_const();
///
/// let policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session_type::<&str>();
/// let mut t = Timeline::new(policy);
///
/// // The server is down for two dials: 1 s of waiting, then 2.
/// t.at(0).start().expect(&["open 1 fresh #1"]).wake(10_000, "connect_timeout");
/// t.at(20).open_failed(1, Cause::Io(IoKind::ConnectionRefused)).wake(1_020, "backoff");
/// t.fires(1_020, &["open 2 fresh #2"]);
/// t.at(1_040).open_failed(2, Cause::Io(IoKind::ConnectionRefused));
/// t.quiet_until(3_039);
/// t.fires(3_040, &["open 3 fresh #3"]);
///
/// // It is back, and sends a session, which the next dial resumes.
/// t.at(3_060).opened(3).expect(&["send_fresh 3"]);
/// t.at(3_080).ready(3, Some("token-1"), Some(41)).phase(Phase::Online);
/// t.at(9_000).sequence(3, 42);
/// t.at(9_500).closed(3, Cause::CloseFrame(1006)).phase(Phase::Waiting);
/// t.next_timer().expect(&["open 4 resume #4"]);
/// t.opened(4).expect(&["send_resume 4 token-1 42"]);
/// t.resumed(4).phase(Phase::Online);
///
/// // A late event of the connection that is over.
/// t.closed(3, Cause::NoCloseFrame).stale();
/// t.stop().expect(&["close 4 1000", "drop_session stop"]).phase(Phase::Stopped);
/// ```
///
/// # Time
///
/// [`at`](Self::at) goes to a time: timers that are due before it are served, each at its own time, and must decide nothing.
/// [`fires`](Self::fires) also serves those that are due at it, and expects what they decide. So at one instant events come before
/// timers, as in a log for `replay`. [`jump`](Self::jump) sets the clock and serves nothing: a sleep, a stalled task, a clock that
/// ran back.
///
/// # Lines
///
/// A line has the word of the action ([`Action::as_str`](crate::Action::as_str), as in the output of `replay`), the epoch, and
/// what else there is to say. Keys and tokens are shown as `Debug` shows them, without quotes.
///
/// | action | line |
/// | --- | --- |
/// | `Open` | `open 2 fresh #1`: epoch, mode, number of the attempt. With `@session`, `@redirect` or `@1` behind the mode where the endpoint is not the first one; with `successor` at the end where it is one |
/// | `Promote` | `promote 2` |
/// | `Close` | `close 2 1000`, or `close 2 null` for a dial that is cancelled |
/// | `Identify` | `send_fresh 2` |
/// | `Resume` | `send_resume 2 token 41`: the token and the sequence number, where there is one |
/// | `Heartbeat` | `beat 2` |
/// | `RefreshCredential` | `refresh_credential` |
/// | `Authenticate` | `authenticate 2` |
/// | `Restore` | `restore 2 orders,trades`: the keys of the batch |
/// | `DropSession` | `drop_session expired` |
/// | `GaveUp` | `gave_up max_attempts timeout`: the reason and the last cause |
///
/// The words of deadlines are those of [`WaitReason::as_str`](crate::policy::WaitReason::as_str).
///
/// # Panics
///
/// Every method panics, at the line of the test that called it, where something else was decided than is expected, or where a
/// promise of redial does not hold. Dropping a timeline with a decision that was not expected panics as well (with the
/// feature `std`).
pub struct Timeline<D: Checkable> {
    policy: Checked<D>,
    now: Instant,
    /// Decided, and not expected yet.
    pending: Vec<(Instant, String)>,
    log: Vec<(Instant, Action)>,
    disposition: Disposition,
}

impl<D: Checkable> Timeline<D> {
    /// Over a policy that was not started yet.
    ///
    /// # Panics
    /// As [`Checked::new`].
    #[must_use]
    #[track_caller]
    pub fn new(policy: D) -> Self {
        Self::over(Checked::new(policy))
    }

    /// Over a policy that is checked already, with limits of its own or a recording.
    #[must_use]
    pub const fn over(policy: Checked<D>) -> Self {
        Self {
            policy,
            now: Instant::ZERO,
            pending: Vec::new(),
            log: Vec::new(),
            disposition: Disposition::Applied,
        }
    }

    // Time.

    /// Goes to this time. Every timer that is due before is served at its own time and must decide nothing.
    #[track_caller]
    pub fn at(&mut self, millis: u64) -> &mut Self {
        self.settled();
        let to = Instant::from_millis(millis);
        self.pass(to, false);
        self.settled();
        self.now = to;
        self
    }

    /// Goes to this time and serves the timers that are due then: exactly these lines, exactly then.
    #[track_caller]
    pub fn fires(&mut self, millis: u64, lines: &[&str]) -> &mut Self {
        self.at(millis);
        self.pass(Instant::from_millis(millis), true);
        self.expect(lines)
    }

    /// Goes to this time and serves the timers that are due then. Nothing is decided.
    #[track_caller]
    pub fn quiet_until(&mut self, millis: u64) -> &mut Self {
        self.fires(millis, &[])
    }

    /// Goes to this time, whatever is decided on the way, and returns it with its times in milliseconds.
    #[track_caller]
    pub fn run(&mut self, millis: u64) -> Vec<(u64, Action)> {
        self.settled();
        let from = self.log.len();
        self.pass(Instant::from_millis(millis), true);
        self.now = Instant::from_millis(millis);
        self.pending.clear();
        self.log.iter().skip(from).map(|(at, action)| (at.as_millis(), *action)).collect()
    }

    /// Goes to the next deadline, wherever that is, and serves it; what it decides is to be expected.
    #[track_caller]
    pub fn next_timer(&mut self) -> &mut Self {
        self.settled();
        let Some(at) = self.policy.poll_timeout() else {
            panic!("there is no deadline to go to: {}", self.policy.explain())
        };
        self.now = at.max(self.now);
        self.timeout()
    }

    /// Sets the clock to this time, forward or back, and serves no timer on the way.
    #[track_caller]
    pub fn jump(&mut self, millis: u64) -> &mut Self {
        self.settled();
        self.now = Instant::from_millis(millis);
        self
    }

    /// Calls `handle_timeout` now, due or not.
    #[track_caller]
    pub fn timeout(&mut self) -> &mut Self {
        let actions = self.policy.handle_timeout(self.now);
        self.decide(actions)
    }

    #[track_caller]
    fn pass(&mut self, to: Instant, included: bool) {
        let mut same = 0;
        while let Some(due) = self.policy.poll_timeout() {
            if due > to || (due == to && !included) {
                break;
            }
            let due = due.max(self.now);
            if let Some(early) = due.as_micros().checked_sub(1).map(Instant::from_micros) {
                if early >= self.now {
                    let mut policy = self.policy.clone();
                    assert!(policy.handle_timeout(early).is_empty(), "a timeout 1 us early has consequences");
                    assert_eq!(
                        policy.deadline(),
                        self.policy.deadline(),
                        "a timeout 1 us early moves the deadline"
                    );
                }
            }
            same = if due == self.now { same + 1 } else { 0 };
            assert!(same < 100, "100 timers are due at {} us: {}", due.as_micros(), self.policy.explain());
            self.now = due;
            self.timeout();
        }
    }

    // Calls.

    /// Reports an event at the present time: any, where there is no method for it.
    #[track_caller]
    pub fn event(&mut self, event: EventOf<D>) -> &mut Self {
        self.settled();
        let before = self.policy.session().cloned();
        let actions = self.policy.handle_event(self.now, event);
        let unchanged =
            actions.disposition() == Disposition::Applied || self.policy.session() == before.as_ref();
        assert!(unchanged, "an ignored event moves the session: {}", self.policy.explain());
        self.decide(actions)
    }

    #[track_caller]
    fn decide(&mut self, actions: Actions) -> &mut Self {
        self.disposition = actions.disposition();
        for action in actions {
            self.pending.push((self.now, line::of(&*self.policy, action)));
            self.log.push((self.now, action));
        }
        self
    }

    // What was decided.

    /// The decisions of the last call: exactly these lines, in this order, at the present time.
    #[track_caller]
    pub fn expect(&mut self, lines: &[&str]) -> &mut Self {
        let decided = core::mem::take(&mut self.pending);
        let texts: Vec<&str> = decided.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(
            texts,
            lines,
            "decided and expected, at {} ms: {}",
            self.now.as_millis(),
            self.policy.explain()
        );
        for (at, line) in &decided {
            assert_eq!(*at, self.now, "{line} came at another time");
        }
        self
    }

    /// Whatever the last call decided: it is another test's matter.
    pub fn expect_anything(&mut self) -> &mut Self {
        self.pending.clear();
        self
    }

    #[track_caller]
    fn settled(&self) {
        assert!(self.pending.is_empty(), "decided and not expected: {:?}", self.pending);
    }
}

impl<D: Checkable> fmt::Debug for Timeline<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("now", &self.now)
            .field("explanation", &self.policy.explain())
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl<D: Checkable> Drop for Timeline<D> {
    #[track_caller]
    fn drop(&mut self) {
        #[cfg(feature = "std")]
        if !std::thread::panicking() {
            self.settled();
        }
    }
}
