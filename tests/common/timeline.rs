//! A policy on a virtual clock: events go in at explicit times, decisions come out as lines of text.
//!
//! Times are milliseconds. At one instant events come before the timers that are due then, as in the replay contract.
//! Every decision must be expected before the next event, so a test that says nothing expects nothing. After every call
//! the invariants of the whole run are checked: S92 (one live transport, closed before the next is opened), S93 (each
//! phase has its deadline or its named condition), S94 (terminal once), S97 (the counters add up).

use core::time::Duration;

use redial::heartbeat::HeartbeatConfig;
use redial::policy::{Endpoint, HoldReason, ResumeConfig, WaitReason};
use redial::subscriptions::{FixedSubscriptions, Subscriptions as _};
use redial::{
    Action, BackoffConfig, Cause, Config, Disposition, Epoch, Event, GiveUp, Instant, IoKind, Mode, Phase,
    Policy, Ratio, SessionState, SplitMix64, Stats,
};

pub(crate) type Subject = Policy<SplitMix64, &'static str, FixedSubscriptions<&'static str, 16>, Config>;
pub(crate) type Fact = Event<&'static str, &'static str>;

pub(crate) const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);
pub(crate) const RESET: Cause = Cause::Io(IoKind::ConnectionReset);
pub(crate) const NO_FRAME: Cause = Cause::NoCloseFrame;

pub(crate) const fn ws(code: u16) -> Cause {
    Cause::CloseFrame(code)
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// 1, 2, 4, 8, 16, 30, 30 … s without jitter.
pub(crate) const LADDER: BackoffConfig =
    BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30)).build_const();

/// The config of the rules: stability 0, resume allowed, connect deadline 10 s.
pub(crate) const BASE: Config = Config::new(LADDER).reset_after_stable(Duration::ZERO).build_const();

/// The same for a protocol whose resume needs a sequence.
pub(crate) const NUMBERED: Config =
    BASE.to_builder().resume(ResumeConfig::new().sequence_needed(true).build_const()).build_const();

/// The same for a protocol with a greeting (deadline 30 s), whose first heartbeat is not jittered.
pub(crate) const GATEWAY: Config = BASE
    .to_builder()
    .greeting(Some(secs(30)))
    .heartbeat(HeartbeatConfig::new().first_jitter(false).build_const())
    .build_const();

/// The same backoff with a session that must hold for 120 s.
pub(crate) const STABLE: Config = BASE.to_builder().reset_after_stable(secs(120)).build_const();

pub(crate) struct Timeline {
    pub(crate) policy: Subject,
    now: Instant,
    disposition: Disposition,
    /// Decided, and not expected yet.
    pending: Vec<(Instant, String)>,
    /// Everything decided so far.
    pub(crate) log: Vec<(Instant, Action)>,
    live: Option<u32>,
    newest: u32,
    opened: bool,
    beating: bool,
}

impl Timeline {
    pub(crate) fn new(config: Config) -> Self {
        Self::seeded(config, 7)
    }

    pub(crate) fn seeded(config: Config, seed: u64) -> Self {
        Self::of(
            Policy::new(config, SplitMix64::new(seed))
                .with_session_type()
                .with_subscriptions(FixedSubscriptions::new()),
        )
    }

    pub(crate) fn of(policy: Subject) -> Self {
        Self {
            policy,
            now: Instant::ZERO,
            disposition: Disposition::Applied,
            pending: Vec::new(),
            log: Vec::new(),
            live: None,
            newest: 0,
            opened: false,
            beating: false,
        }
    }

    /// With a session of an earlier process.
    pub(crate) fn with_session(config: Config, session: SessionState<&'static str>) -> Self {
        Self::of(
            Policy::new(config, SplitMix64::new(7))
                .with_subscriptions(FixedSubscriptions::new())
                .with_session(session),
        )
    }

    /// Connected at 20 ms by epoch 1, with session "s1" at sequence 5.
    #[track_caller]
    pub(crate) fn online(config: Config) -> Self {
        let mut t = Self::new(config);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        t.connect(10, 1, Some(5));
        t
    }

    /// Opened at `at`, ready 10 ms later with session "s1" at this sequence.
    #[track_caller]
    pub(crate) fn connect(&mut self, at: u64, epoch: u32, mark: Option<u64>) -> &mut Self {
        self.at(at).opened(epoch);
        self.pending.clear();
        self.at(at + 10).ready(epoch, mark);
        self.pending.clear();
        self
    }

    /// Connected at 20 ms by epoch 1 of a protocol with a greeting, beating every `interval` from 10 ms on.
    #[track_caller]
    pub(crate) fn gateway(config: Config, interval: u64) -> Self {
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
    pub(crate) fn at(&mut self, millis: u64) -> &mut Self {
        self.settled();
        let to = Instant::from_millis(millis);
        self.pass(to, false);
        self.settled();
        self.now = to;
        self
    }

    /// Goes to `millis` and lets the timers due then fire: exactly these lines, exactly then.
    #[track_caller]
    pub(crate) fn fires(&mut self, millis: u64, lines: &[&str]) -> &mut Self {
        self.at(millis);
        self.pass(Instant::from_millis(millis), true);
        self.expect(lines)
    }

    /// Nothing is decided until `millis`, included.
    #[track_caller]
    pub(crate) fn quiet_until(&mut self, millis: u64) -> &mut Self {
        self.fires(millis, &[])
    }

    /// Goes to `millis`, whatever fires; what was decided, with its times in milliseconds.
    #[track_caller]
    pub(crate) fn run(&mut self, millis: u64) -> Vec<(u64, Action)> {
        self.settled();
        let from = self.log.len();
        self.pass(Instant::from_millis(millis), true);
        self.now = Instant::from_millis(millis);
        self.pending.clear();
        self.log[from..].iter().map(|(at, action)| (at.as_millis(), *action)).collect()
    }

    /// Lets the next timer fire at its own time, wherever that is; what it decided is to be expected.
    #[track_caller]
    pub(crate) fn next(&mut self) -> &mut Self {
        self.settled();
        self.now = self.policy.poll_timeout().expect("a deadline").max(self.now);
        self.timeout()
    }

    /// The clock says `millis`, and no timer was served on the way: a sleep, a stalled task, a clock that ran back.
    #[track_caller]
    pub(crate) fn jump(&mut self, millis: u64) -> &mut Self {
        self.settled();
        self.now = Instant::from_millis(millis);
        self
    }

    /// Calls `handle_timeout` now, due or not.
    #[track_caller]
    pub(crate) fn timeout(&mut self) -> &mut Self {
        let before = self.policy.clone();
        let actions = self.policy.handle_timeout(self.now);
        self.disposition = actions.disposition();
        self.check(&before, false, actions.iter().collect());
        self
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
                    assert!(policy.handle_timeout(early).is_empty(), "an early timer is harmless (S18)");
                    assert_eq!(policy.deadline(), self.policy.deadline(), "an early timer moves nothing");
                }
            }
            same = if due == self.now { same + 1 } else { 0 };
            assert!(same < 100, "spinning at {due:?} on {:?}", self.policy.deadline());
            self.now = due;
            self.timeout();
        }
    }

    // Events.

    #[track_caller]
    pub(crate) fn event(&mut self, event: Fact) -> &mut Self {
        self.settled();
        let before = self.policy.clone();
        let actions = self.policy.handle_event(self.now, event.clone());
        self.disposition = actions.disposition();
        let applied = self.disposition == Disposition::Applied;
        if !applied {
            assert!(actions.is_empty(), "an ignored fact decides nothing: {event:?} {actions:?}");
            assert_eq!(self.policy.phase(), before.phase(), "an ignored fact moves nothing: {event:?}");
            assert!(
                *self.policy.session() == *before.session(),
                "an ignored fact moves no session: {event:?}"
            );
        }
        if self.disposition == Disposition::Inapplicable {
            let mut again = self.policy.clone();
            assert!(again.handle_event(self.now, event.clone()).is_empty());
            assert!(again == self.policy, "a fact that does not apply leaves no trace: {event:?}");
        }
        let ended = applied
            && matches!(event, Event::OpenFailed { .. } | Event::Closed { .. } | Event::NotNow { .. });
        if ended {
            self.live = None;
        }
        match event {
            Event::Opened { .. } if applied => self.opened = true,
            Event::Greeting { heartbeat: Some(interval), .. } if applied && !interval.is_zero() => {
                self.beating = true;
            }
            _ => {}
        }
        self.check(&before, ended, actions.iter().collect());
        self
    }

    #[track_caller]
    pub(crate) fn start(&mut self) -> &mut Self {
        self.event(Event::Start)
    }

    #[track_caller]
    pub(crate) fn stop(&mut self, keep: bool) -> &mut Self {
        self.event(Event::Stop { keep })
    }

    #[track_caller]
    pub(crate) fn retry_now(&mut self) -> &mut Self {
        self.event(Event::RetryNow)
    }

    #[track_caller]
    pub(crate) fn hold(&mut self, reason: u8) -> &mut Self {
        self.event(Event::Hold(HoldReason::new(reason).unwrap()))
    }

    #[track_caller]
    pub(crate) fn release(&mut self, reason: u8) -> &mut Self {
        self.event(Event::Release(HoldReason::new(reason).unwrap()))
    }

    #[track_caller]
    pub(crate) fn woke(&mut self, gap: u64) -> &mut Self {
        self.event(Event::HostResumed { gap: ms(gap), counted: true })
    }

    #[track_caller]
    pub(crate) fn opened(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Opened { epoch: number(epoch) })
    }

    #[track_caller]
    pub(crate) fn open_failed(&mut self, epoch: u32, cause: Cause) -> &mut Self {
        self.event(Event::OpenFailed { epoch: number(epoch), cause, retry_after: None })
    }

    #[track_caller]
    pub(crate) fn refused(&mut self, epoch: u32, status: u16, retry_after: Option<Duration>) -> &mut Self {
        self.event(Event::OpenFailed { epoch: number(epoch), cause: Cause::Http(status), retry_after })
    }

    #[track_caller]
    pub(crate) fn not_now(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::NotNow { epoch: number(epoch), retry_after: None })
    }

    #[track_caller]
    pub(crate) fn closed(&mut self, epoch: u32, cause: Cause) -> &mut Self {
        self.event(Event::Closed { epoch: number(epoch), cause })
    }

    #[track_caller]
    pub(crate) fn send_failed(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::SendFailed { epoch: number(epoch) })
    }

    /// 0: a greeting without an interval.
    #[track_caller]
    pub(crate) fn greeting(&mut self, epoch: u32, interval: u64) -> &mut Self {
        self.event(Event::Greeting { epoch: number(epoch), heartbeat: Some(ms(interval)) })
    }

    /// A session "s<epoch>" with no endpoint of its own.
    #[track_caller]
    pub(crate) fn ready(&mut self, epoch: u32, mark: Option<u64>) -> &mut Self {
        self.ready_at(epoch, mark, None)
    }

    #[track_caller]
    pub(crate) fn ready_at(
        &mut self,
        epoch: u32,
        mark: Option<u64>,
        endpoint: Option<&'static str>,
    ) -> &mut Self {
        let token = ["s0", "s1", "s2", "s3"].get(epoch as usize).copied().unwrap_or("s");
        let epoch = number(epoch);
        self.event(Event::Ready { epoch, token: Some(token), endpoint, sequence: mark, ttl: None })
    }

    #[track_caller]
    pub(crate) fn resumed(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Resumed { epoch: number(epoch) })
    }

    #[track_caller]
    pub(crate) fn seq(&mut self, epoch: u32, n: u64) -> &mut Self {
        self.event(Event::Sequence { epoch: number(epoch), sequence: n })
    }

    #[track_caller]
    pub(crate) fn please_reconnect(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::ReconnectRequested { epoch: number(epoch), retry_after: None, deadline: None })
    }

    #[track_caller]
    pub(crate) fn session_invalid(&mut self, epoch: u32, resumable: bool) -> &mut Self {
        self.event(Event::SessionInvalid { epoch: number(epoch), resumable })
    }

    #[track_caller]
    pub(crate) fn beat_ack(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::HeartbeatAcked { epoch: number(epoch) })
    }

    #[track_caller]
    pub(crate) fn beat_requested(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::HeartbeatRequested { epoch: number(epoch) })
    }

    #[track_caller]
    pub(crate) fn rx(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::Received { epoch: number(epoch) })
    }

    #[track_caller]
    pub(crate) fn auth_ok(&mut self, epoch: u32) -> &mut Self {
        self.event(Event::AuthOk { epoch: number(epoch) })
    }

    #[track_caller]
    pub(crate) fn auth_failed(&mut self, epoch: u32, fatal: bool) -> &mut Self {
        self.event(Event::AuthFailed { epoch: number(epoch), fatal })
    }

    #[track_caller]
    pub(crate) fn credential_failed(&mut self, fatal: bool) -> &mut Self {
        self.event(Event::CredentialFailed { request: None, fatal })
    }

    #[track_caller]
    pub(crate) fn subscribe(&mut self, key: &'static str, priority: i32) -> &mut Self {
        self.event(Event::Subscribe { key, priority })
    }

    #[track_caller]
    pub(crate) fn unsubscribe(&mut self, key: &'static str) -> &mut Self {
        self.event(Event::Unsubscribe { key })
    }

    #[track_caller]
    pub(crate) fn confirmed(&mut self, epoch: u32, key: &'static str) -> &mut Self {
        self.event(Event::SubscriptionConfirmed { epoch: number(epoch), key, send: None })
    }

    #[track_caller]
    pub(crate) fn sub_failed(&mut self, epoch: u32, key: &'static str, retryable: bool) -> &mut Self {
        self.event(Event::SubscriptionFailed { epoch: number(epoch), key, send: None, retryable })
    }

    // Expectations.

    /// What the last call decided: exactly these lines, in this order, at the present time.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) -> &mut Self {
        let decided = core::mem::take(&mut self.pending);
        let texts: Vec<&str> = decided.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(texts, lines, "at {} ms; {}", self.now.as_millis(), self.policy.explain());
        for (at, line) in &decided {
            assert_eq!(*at, self.now, "{line} came at another time");
        }
        self
    }

    /// What was decided is another test's matter.
    pub(crate) fn whatever(&mut self) -> &mut Self {
        self.pending.clear();
        self
    }

    /// The next deadline and its reason.
    #[track_caller]
    pub(crate) fn wake(&mut self, millis: u64, why: &str) -> &mut Self {
        let deadline = self.policy.deadline().map(|(at, reason)| (at, reason.as_str()));
        assert_eq!(deadline, Some((Instant::from_millis(millis), why)), "{}", self.policy.explain());
        self
    }

    /// The next deadline lies so many milliseconds from now, for this reason.
    #[track_caller]
    pub(crate) fn wake_within(&mut self, millis: core::ops::RangeInclusive<u64>, why: &str) -> &mut Self {
        let (at, reason) = self.policy.deadline().expect("a deadline");
        let wait = at.saturating_duration_since(self.now);
        assert_eq!(reason.as_str(), why, "{}", self.policy.explain());
        assert!(ms(*millis.start()) <= wait && wait <= ms(*millis.end()), "waits {wait:?}, not {millis:?}");
        self
    }

    #[track_caller]
    pub(crate) fn no_wake(&mut self) -> &mut Self {
        assert_eq!(self.policy.deadline(), None, "{}", self.policy.explain());
        self
    }

    #[track_caller]
    pub(crate) fn phase(&mut self, phase: Phase) -> &mut Self {
        assert_eq!(self.policy.phase(), phase, "{}", self.policy.explain());
        self
    }

    #[track_caller]
    pub(crate) fn parked(&mut self, on: WaitReason) -> &mut Self {
        assert_eq!(self.policy.explain().waiting_for, Some(on), "{}", self.policy.explain());
        self.phase(Phase::Parked)
    }

    #[track_caller]
    pub(crate) fn gave_up(&mut self, reason: GiveUp) -> &mut Self {
        assert_eq!(self.policy.explain().trigger.to_string(), reason.as_str());
        self.phase(Phase::Failed)
    }

    /// The last event was of an old transport.
    #[track_caller]
    pub(crate) fn stale(&mut self) -> &mut Self {
        assert_eq!(self.disposition, Disposition::Stale, "{}", self.policy.explain());
        self
    }

    /// The last event did not apply.
    #[track_caller]
    pub(crate) fn ignored(&mut self) -> &mut Self {
        assert_eq!(self.disposition, Disposition::Inapplicable, "{}", self.policy.explain());
        self
    }

    #[track_caller]
    pub(crate) fn applied(&mut self) -> &mut Self {
        assert_eq!(self.disposition, Disposition::Applied, "{}", self.policy.explain());
        self
    }

    #[track_caller]
    pub(crate) fn full(&mut self) -> &mut Self {
        assert_eq!(self.disposition, Disposition::Full);
        self
    }

    #[track_caller]
    pub(crate) fn failures(&mut self, failures: u32) -> &mut Self {
        assert_eq!(self.policy.explain().failures, failures, "{}", self.policy.explain());
        self
    }

    pub(crate) fn stats(&self) -> Stats {
        self.policy.stats()
    }

    /// The wait from now to the next deadline, in milliseconds.
    #[track_caller]
    pub(crate) fn wait(&self) -> u64 {
        let at = self.policy.poll_timeout().expect("a deadline");
        u64::try_from(at.saturating_duration_since(self.now).as_millis()).unwrap()
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.as_millis()
    }

    /// The newest epoch that was opened.
    pub(crate) fn newest(&self) -> u32 {
        self.newest
    }

    pub(crate) fn opens(&self) -> usize {
        self.log.iter().filter(|(_, action)| matches!(action, Action::Open { .. })).count()
    }

    #[track_caller]
    fn settled(&self) {
        assert!(self.pending.is_empty(), "decided and not expected: {:?}", self.pending);
    }

    // Invariants.

    #[track_caller]
    fn check(&mut self, before: &Subject, ended: bool, actions: Vec<Action>) {
        let was_failed = before.phase() == Phase::Failed;
        let mut closed = ended;
        for action in actions {
            match action {
                Action::Open { epoch, attempt, .. } => {
                    assert_eq!(self.live, None, "S92: {action:?} beside a live transport");
                    assert!(!closed, "a loss never dials in the same step");
                    assert_eq!(epoch.get(), self.newest + 1, "epochs count by one");
                    assert!(attempt >= 1, "attempts count from 1");
                    (self.live, self.newest) = (Some(epoch.get()), epoch.get());
                    (self.opened, self.beating) = (false, false);
                }
                Action::Close { epoch, code } => {
                    assert_eq!(self.live, Some(epoch.get()), "only a live transport is closed");
                    let stopped = self.policy.phase() == Phase::Stopped;
                    assert!(stopped || code.is_none_or(|code| code != 1000 && code != 1001), "S54: {code:?}");
                    assert!(code.is_some() || !self.opened, "an open transport is closed with a code");
                    (self.live, closed) = (None, true);
                }
                Action::Identify { epoch } | Action::Resume { epoch } => {
                    assert!(self.opened, "nothing is sent before the transport is open");
                    assert_eq!(self.live, Some(epoch.get()), "no action is stale");
                }
                Action::Heartbeat { epoch }
                | Action::Authenticate { epoch }
                | Action::Restore { epoch, .. } => {
                    assert_eq!(self.live, Some(epoch.get()), "no action is stale");
                }
                Action::RefreshCredential { .. } => {
                    assert!(matches!(self.policy.phase(), Phase::Parked | Phase::Online | Phase::Restoring))
                }
                Action::DropSession { .. } => {}
                Action::GaveUp { .. } => {
                    assert!(!was_failed, "S94: terminal once");
                    assert_eq!(self.policy.phase(), Phase::Failed);
                }
            }
            let line = self.line(action);
            self.pending.push((self.now, line));
            self.log.push((self.now, action));
        }
        if self.policy.phase() == Phase::Failed && !was_failed {
            assert!(matches!(self.log.last(), Some((_, Action::GaveUp { .. }))), "S94: never silent");
        }
        assert_eq!(self.policy.epoch().map(Epoch::get), self.live, "S92: both know the live transport");
        self.check_never_silent();
        self.check_counters();
    }

    /// S93: no phase without its deadline, its named condition or its end.
    #[track_caller]
    fn check_never_silent(&self) {
        let explanation = self.policy.explain();
        let deadline = self.policy.deadline();
        assert_eq!(explanation.until, self.policy.poll_timeout());
        assert_eq!(explanation.until, deadline.map(|(at, _)| at));
        let reason = deadline.map(|(_, reason)| reason);
        let named = match self.policy.phase() {
            Phase::Connecting => {
                matches!(
                    reason,
                    Some(
                        WaitReason::ConnectTimeout
                            | WaitReason::SessionExpiry
                            | WaitReason::CredentialTimeout
                    )
                )
            }
            Phase::Establishing | Phase::Waiting | Phase::Restoring => reason.is_some(),
            Phase::Online => reason.is_some() || !self.beating,
            Phase::Parked => {
                let asks = explanation.waiting_for == Some(WaitReason::Credential);
                (!asks || reason.is_some())
                    && matches!(
                        explanation.waiting_for,
                        Some(
                            WaitReason::Hold
                                | WaitReason::Network
                                | WaitReason::Hidden
                                | WaitReason::Credential
                        )
                    )
            }
            Phase::Idle | Phase::Stopped | Phase::Failed => {
                matches!(reason, None | Some(WaitReason::SessionExpiry)) && self.live.is_none()
            }
            _ => false,
        };
        assert!(named, "S93: {explanation}");
    }

    /// S97.
    #[track_caller]
    fn check_counters(&self) {
        let stats = self.policy.stats();
        let known = stats.established + stats.failed + stats.abandoned;
        let in_flight = stats.opens - known;
        assert!(in_flight <= u32::from(self.live.is_some()), "S97: {stats:?}");
        if self.policy.phase() == Phase::Connecting {
            assert_eq!(in_flight, 1, "S97: {stats:?}");
        }
    }

    fn line(&self, action: Action) -> String {
        match action {
            Action::Open { epoch, mode, endpoint, attempt } => {
                let mode = if mode == Mode::Fresh { "fresh" } else { "resume" };
                let at = if endpoint == Endpoint::Session { "@session" } else { "" };
                format!("open {epoch} {mode}{at} #{attempt}")
            }
            Action::Close { epoch, code: Some(code) } => format!("close {epoch} {code}"),
            Action::Close { epoch, code: None } => format!("drop {epoch}"),
            Action::Identify { epoch } => format!("send_fresh {epoch}"),
            Action::Resume { epoch } => {
                let session = self.policy.session();
                let (token, mark) = (session.token().unwrap(), session.sequence().unwrap());
                format!("send_resume {epoch} {token} {mark}")
            }
            Action::Heartbeat { epoch } => format!("beat {epoch}"),
            Action::RefreshCredential { .. } => String::from("refresh"),
            Action::Authenticate { epoch } => format!("authenticate {epoch}"),
            Action::Restore { epoch, .. } => {
                let keys: Vec<&str> = self.policy.subscriptions().batch().copied().collect();
                format!("restore {epoch} {}", keys.join(","))
            }
            Action::DropSession { reason } => format!("forget {}", reason.as_str()),
            Action::GaveUp { reason, cause } => format!("gave_up {} {cause}", reason.as_str()),
        }
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.settled();
        }
    }
}

pub(crate) fn number(epoch: u32) -> Epoch {
    Epoch::from_raw(epoch).expect("epochs count from 1")
}
