//! A host in memory: a clock that only tests move, a policy, and the promises that hold after every call.
#![allow(dead_code, reason = "each test binary uses its own part")]

use core::time::Duration;

use redial::classify::{Classifier, tables};
use redial::endpoints::{Endpoints, SingleEndpoint};
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{DropReason, WaitReason};
use redial::subscriptions::FixedSubscriptions;
use redial::{
    Action, Actions, BackoffConfig, Cause, Config, Disposition, Epoch, Event, Explanation, GiveUp, Instant,
    Mode, Phase, Policy, Ratio, SessionState, SplitMix64,
};

pub(crate) type Fact = Event<&'static str, &'static str>;
pub(crate) type Tested<E = SingleEndpoint> =
    Policy<SplitMix64, &'static str, FixedSubscriptions<&'static str, 16>, Config, E>;

/// 1, 2, 4, 8, 16, 30, 30 s, without jitter.
pub(crate) const LADDER: BackoffConfig =
    BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30)).build_const();
/// A WebSocket that becomes ready; nothing else.
pub(crate) const PLAIN: Config = Config::new(LADDER).reset_after_stable(Duration::ZERO).build_const();
/// A gateway that greets, with a heartbeat of the greeting's.
pub(crate) const GATEWAY: Config = PLAIN
    .to_builder()
    .greeting(Some(secs(30)))
    .classifier(Classifier::new(&tables::DISCORD_GATEWAY).build_const())
    .heartbeat(HeartbeatConfig::new().first_jitter(false).required(true).build_const())
    .build_const();

pub(crate) const RESET: Cause = Cause::Io(redial::IoKind::ConnectionReset);
pub(crate) const REFUSED: Cause = Cause::Io(redial::IoKind::ConnectionRefused);

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) struct Rig<E = SingleEndpoint> {
    pub(crate) policy: Tested<E>,
    pub(crate) now: Instant,
    /// Whether every heartbeat is acknowledged at once.
    pub(crate) acks: bool,
    /// Every action so far, with its time.
    pub(crate) log: Vec<(Instant, Action)>,
    /// What became of the newest event.
    pub(crate) disposition: Disposition,
    alive: Option<Epoch>,
    terminal: bool,
}

impl Rig {
    pub(crate) fn new(config: Config) -> Self {
        Self::seeded(config, 1)
    }

    pub(crate) fn seeded(config: Config, seed: u64) -> Self {
        Self::of(Policy::from_parts(config, SplitMix64::new(seed), FixedSubscriptions::new(), SingleEndpoint))
    }

    /// Not started, with a session of an earlier process.
    pub(crate) fn importing(config: Config, session: SessionState<&'static str>) -> Self {
        let mut rig = Self::new(config);
        rig.policy = rig.policy.with_session(session);
        rig
    }

    /// Started: the first dial is under way.
    pub(crate) fn started(config: Config) -> Self {
        let mut rig = Self::new(config);
        rig.start();
        rig
    }

    /// Ready with the session `token`, sequence 1.
    pub(crate) fn online(config: Config) -> Self {
        let mut rig = Self::started(config);
        rig.establish();
        rig
    }

    /// Online with this many failed dials behind it: the next wait is the backoff's `failures + 1`-th.
    pub(crate) fn failed_times(config: Config, failures: u32) -> Self {
        let mut rig = Self::started(config);
        for failure in 0..failures {
            if failure > 0 {
                rig.redial();
            }
            rig.fail(REFUSED);
        }
        rig
    }
}

impl<E: Endpoints + Clone> Rig<E> {
    pub(crate) fn of(policy: Tested<E>) -> Self {
        Self {
            alive: policy.epoch(),
            policy,
            now: Instant::from_millis(1_000_000),
            acks: false,
            log: Vec::new(),
            disposition: Disposition::Applied,
            terminal: false,
        }
    }

    // What is promised after every call.

    fn check(&mut self, actions: Actions) -> Vec<Action> {
        self.disposition = actions.disposition();
        let actions: Vec<Action> = actions.iter().collect();
        let mut beats = 0;
        for action in &actions {
            self.log.push((self.now, *action));
            match *action {
                Action::Open { epoch, .. } => {
                    assert_eq!(self.alive, None, "a second transport beside a living one");
                    self.alive = Some(epoch);
                }
                Action::Close { epoch, .. } => {
                    assert_eq!(self.alive.take(), Some(epoch), "the close of something that is not open");
                }
                Action::Identify { epoch }
                | Action::Resume { epoch }
                | Action::Authenticate { epoch }
                | Action::Restore { epoch, .. } => assert_eq!(self.alive, Some(epoch)),
                Action::Heartbeat { epoch } => {
                    assert_eq!(self.alive, Some(epoch));
                    beats += 1;
                }
                Action::GaveUp { .. } => {
                    assert!(!self.terminal, "terminal twice");
                    self.terminal = true;
                }
                Action::RefreshCredential { .. } | Action::DropSession { .. } => {}
            }
        }
        let told = self.policy.explain();
        match told.phase {
            Phase::Waiting | Phase::Connecting => assert!(told.until.is_some(), "{told}"),
            Phase::Parked => {
                let asks = told.waiting_for == Some(WaitReason::Credential);
                assert!(told.waiting_for.is_some() && (told.until.is_some() || !asks), "{told}");
            }
            Phase::Failed => assert!(self.terminal, "{told}"),
            Phase::Idle | Phase::Stopped => {
                assert!(matches!(told.waiting_for, None | Some(WaitReason::SessionExpiry)), "{told}");
            }
            _ => assert!(told.epoch.is_some(), "{told}"),
        }
        assert_eq!(told.epoch, self.alive, "{told}");
        if self.acks {
            for _ in 0..beats {
                if let Some(epoch) = self.alive {
                    let acked = self.policy.handle_event(self.now, Event::HeartbeatAcked { epoch });
                    assert!(acked.is_empty());
                }
            }
        }
        actions
    }

    pub(crate) fn fact(&mut self, fact: Fact) -> Vec<Action> {
        let current = fact.epoch().is_some() && fact.epoch() == self.alive;
        // Nothing fails in no time: the dial took a millisecond.
        let fails = current
            && matches!(fact, Event::Closed { .. } | Event::OpenFailed { .. } | Event::AuthFailed { .. });
        let dialled = self.log.iter().rfind(|(_, action)| matches!(action, Action::Open { .. }));
        if fails && dialled.is_some_and(|(at, _)| *at == self.now) {
            self.now = self.now.saturating_add(ms(1));
        }
        if current && matches!(fact, Event::Closed { .. } | Event::OpenFailed { .. } | Event::NotNow { .. }) {
            self.alive = None;
        }
        if matches!(fact, Event::Start | Event::RetryNow) && self.terminal {
            self.terminal = self.policy.clone().handle_event(self.now, fact.clone()).disposition()
                != Disposition::Applied;
        }
        let actions = self.policy.handle_event(self.now, fact);
        self.check(actions)
    }

    // Time.

    pub(crate) fn tick(&mut self) -> Vec<Action> {
        let actions = self.policy.handle_timeout(self.now);
        self.check(actions)
    }

    /// Lets the host be silent for this long; every deadline on the way is kept to the microsecond.
    pub(crate) fn advance(&mut self, span: Duration) -> Vec<Action> {
        let end = self.now.saturating_add(span);
        let mut out = Vec::new();
        for _ in 0..100_000 {
            match self.policy.poll_timeout() {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    out.extend(self.tick());
                }
                _ => {
                    self.now = end;
                    return out;
                }
            }
        }
        panic!("it spins: {}", self.policy.explain());
    }

    /// Lets the wait pass; how long it was. It must end in exactly one dial.
    pub(crate) fn redial(&mut self) -> Duration {
        let begun = self.now;
        assert_eq!(self.phase(), Phase::Waiting, "{}", self.told());
        self.now = self.now.max(self.policy.poll_timeout().expect("a wait has an end"));
        let actions = self.tick();
        assert_eq!(opens(&actions), 1, "{actions:?}");
        self.now.saturating_duration_since(begun)
    }

    // Events.

    pub(crate) fn epoch(&self) -> Epoch {
        self.policy.epoch().expect("a living transport")
    }

    pub(crate) fn start(&mut self) -> Vec<Action> {
        self.fact(Event::Start)
    }

    pub(crate) fn opened(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::Opened { epoch })
    }

    pub(crate) fn fail(&mut self, cause: Cause) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::OpenFailed { epoch, cause, retry_after: None })
    }

    pub(crate) fn refuse(&mut self, status: u16, retry_after: Option<Duration>) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::OpenFailed { epoch, cause: Cause::Http(status), retry_after })
    }

    pub(crate) fn close(&mut self, cause: Cause) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::Closed { epoch, cause })
    }

    pub(crate) fn code(&mut self, code: u16) -> Vec<Action> {
        self.close(Cause::CloseFrame(code))
    }

    /// The transport ends without a word.
    pub(crate) fn lose(&mut self) -> Vec<Action> {
        self.close(Cause::NoCloseFrame)
    }

    pub(crate) fn greet(&mut self, interval: Option<Duration>) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::Greeting { epoch, heartbeat: interval })
    }

    pub(crate) fn ready(&mut self) -> Vec<Action> {
        self.ready_as(Some("token"), None, Some(1))
    }

    pub(crate) fn ready_as(
        &mut self,
        token: Option<&'static str>,
        endpoint: Option<&'static str>,
        sequence: Option<u64>,
    ) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::Ready { epoch, token, endpoint, sequence, ttl: None })
    }

    pub(crate) fn resumed(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::Resumed { epoch })
    }

    pub(crate) fn sequence(&mut self, n: u64) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::Sequence { epoch, sequence: n })
    }

    pub(crate) fn please_reconnect(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::ReconnectRequested { epoch, retry_after: None, deadline: None })
    }

    pub(crate) fn invalid(&mut self, resumable: bool) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::SessionInvalid { epoch, resumable })
    }

    pub(crate) fn ack(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.fact(Event::HeartbeatAcked { epoch })
    }

    pub(crate) fn stop(&mut self, keep: bool) -> Vec<Action> {
        self.fact(Event::Stop { keep })
    }

    pub(crate) fn subscribe(&mut self, key: &'static str) -> Vec<Action> {
        self.fact(Event::Subscribe { key, priority: 0 })
    }

    /// From a dial under way to a session, resumed where that is what was asked for.
    pub(crate) fn establish(&mut self) -> Vec<Action> {
        let mut out = self.opened();
        if self.phase() == Phase::Establishing
            && self.policy.deadline().map(|d| d.1) == Some(WaitReason::GreetingTimeout)
        {
            out.extend(self.greet(Some(secs(45))));
        }
        if self.told().mode == Mode::Resume {
            out.extend(self.resumed());
        } else {
            out.extend(self.ready());
        }
        assert!(
            matches!(self.phase(), Phase::Online | Phase::Restoring | Phase::Establishing),
            "{}",
            self.told()
        );
        out
    }

    /// Waits, dials and is online again; how long the wait was.
    pub(crate) fn recover(&mut self) -> Duration {
        let wait = self.redial();
        self.establish();
        wait
    }

    // Questions.

    pub(crate) fn told(&self) -> Explanation {
        self.policy.explain()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.policy.phase()
    }

    /// How long until the deadline, and the rule behind it.
    pub(crate) fn due(&self) -> Option<(Duration, WaitReason)> {
        self.policy.deadline().map(|(at, reason)| (at.saturating_duration_since(self.now), reason))
    }

    /// How long the wait is that it is in.
    pub(crate) fn waits(&self) -> Duration {
        assert_eq!(self.phase(), Phase::Waiting, "{}", self.told());
        self.due().expect("a wait has an end").0
    }

    /// The keys of the batch that is to be sent.
    pub(crate) fn batch(&self) -> Vec<&'static str> {
        use redial::subscriptions::Subscriptions;
        self.policy.subscriptions().batch().copied().collect()
    }

    /// How often it dialled so far.
    pub(crate) fn opens(&self) -> u32 {
        self.policy.stats().opens
    }
}

// What is in a list of actions.

pub(crate) fn opens(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Open { .. })).count()
}

pub(crate) fn open(actions: &[Action]) -> Option<(Mode, redial::policy::Endpoint, u32)> {
    actions.iter().find_map(|action| match *action {
        Action::Open { mode, endpoint, attempt, .. } => Some((mode, endpoint, attempt)),
        _ => None,
    })
}

/// The code of the close, if there is one: `Some(None)` where no transport was open yet.
pub(crate) fn closed(actions: &[Action]) -> Option<Option<u16>> {
    actions.iter().find_map(|action| match *action {
        Action::Close { code, .. } => Some(code),
        _ => None,
    })
}

pub(crate) fn beats(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Heartbeat { .. })).count()
}

pub(crate) fn restores(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Restore { .. })).count()
}

pub(crate) fn refreshes(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::RefreshCredential { .. })).count()
}

pub(crate) fn dropped(actions: &[Action]) -> Option<DropReason> {
    actions.iter().find_map(|action| match *action {
        Action::DropSession { reason } => Some(reason),
        _ => None,
    })
}

pub(crate) fn gave_up(actions: &[Action]) -> Option<(GiveUp, Cause)> {
    actions.iter().find_map(|action| match *action {
        Action::GaveUp { reason, cause } => Some((reason, cause)),
        _ => None,
    })
}

pub(crate) fn sent_resume(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Resume { .. }))
}

pub(crate) fn sent_fresh(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Identify { .. }))
}

/// A close that keeps the session alive and that every platform can send.
pub(crate) fn keeps_session(actions: &[Action]) -> bool {
    matches!(closed(actions), Some(None | Some(3000..=4999)))
}
