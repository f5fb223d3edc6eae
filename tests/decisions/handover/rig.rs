//! A handover under test: events at explicit times, decisions as lines of text.

use core::time::Duration;

use redial::handover::{self, Handover};
use redial::policy::{Role, WaitReason};
use redial::subscriptions::{FixedSubscriptions, Subscriptions};
use redial::{
    Action, Actions, BackoffConfig, Cause, Config, Disposition, Epoch, Event, Instant, Phase, Policy, Ratio,
    SplitMix64,
};

pub(crate) type Subject = Handover<SplitMix64, &'static str, FixedSubscriptions<&'static str, 8>, Config>;
pub(crate) type TestEvent = Event<&'static str, &'static str>;

/// 1 s that doubles to 30 s, no jitter.
pub(crate) fn config() -> redial::builder::Builder<Config> {
    Config::new(
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
    )
}

pub(crate) struct Rig {
    pub(crate) policy: Subject,
    pub(crate) now: u64,
}

pub(crate) fn epoch(number: u32) -> Epoch {
    Epoch::from_raw(number).unwrap()
}

impl Rig {
    pub(crate) fn new(config: Config, handover: handover::Config) -> Self {
        let policy = Policy::new(config, SplitMix64::new(7))
            .with_session_type::<&'static str>()
            .with_subscriptions(FixedSubscriptions::new())
            .with_handover(handover);
        Self { policy, now: 0 }
    }

    /// Online on epoch 1 since 0, with the session "a".
    pub(crate) fn online(config: Config, handover: handover::Config) -> Self {
        let mut rig = Self::new(config, handover);
        assert_eq!(rig.at(0, Event::Start), ["open 1 fresh #1"]);
        rig.at(0, Event::Opened { epoch: epoch(1) });
        rig.ready(0, 1, "a");
        assert_eq!(rig.policy.phase(), Phase::Online);
        rig
    }

    /// The timers until then, each at its time, and then the event.
    pub(crate) fn at(&mut self, at: u64, event: TestEvent) -> Vec<String> {
        let mut lines = self.until(at);
        let actions = self.policy.handle_event(Instant::from_millis(at), event);
        if actions.disposition() != Disposition::Applied {
            lines.push(actions.disposition().to_string());
        }
        lines.extend(self.lines(actions));
        self.now = at;
        lines
    }

    /// The timers until then, each at its time.
    pub(crate) fn until(&mut self, end: u64) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(at) = self.policy.poll_timeout().filter(|at| *at <= Instant::from_millis(end)) {
            let at = at.max(Instant::from_millis(self.now));
            let actions = self.policy.handle_timeout(at);
            lines.extend(self.lines(actions).into_iter().map(|line| format!("{}: {line}", at.as_millis())));
            self.now = at.as_millis();
        }
        self.now = end;
        lines
    }

    pub(crate) fn ready(&mut self, at: u64, number: u32, token: &'static str) -> Vec<String> {
        let epoch = epoch(number);
        self.at(at, Event::Ready { epoch, token: Some(token), endpoint: None, sequence: Some(0), ttl: None })
    }

    pub(crate) fn opened(&mut self, at: u64, number: u32) -> Vec<String> {
        self.at(at, Event::Opened { epoch: epoch(number) })
    }

    pub(crate) fn resumed(&mut self, at: u64, number: u32) -> Vec<String> {
        self.at(at, Event::Resumed { epoch: epoch(number) })
    }

    pub(crate) fn refused(&mut self, at: u64, number: u32) -> Vec<String> {
        let cause = Cause::Io(redial::IoKind::ConnectionRefused);
        self.at(at, Event::OpenFailed { epoch: epoch(number), cause, retry_after: None })
    }

    pub(crate) fn closed(&mut self, at: u64, number: u32, code: u16) -> Vec<String> {
        self.at(at, Event::Closed { epoch: epoch(number), cause: Cause::CloseFrame(code) })
    }

    pub(crate) fn sequence(&mut self, at: u64, number: u32, sequence: u64) -> Vec<String> {
        self.at(at, Event::Sequence { epoch: epoch(number), sequence })
    }

    pub(crate) fn mark(&self) -> Option<u64> {
        self.policy.session().sequence()
    }

    /// The next deadline in milliseconds, and its reason.
    pub(crate) fn wake(&self) -> Option<(u64, WaitReason)> {
        let deadline = self.policy.deadline();
        assert_eq!(deadline.map(|(at, _)| at), self.policy.poll_timeout());
        deadline.map(|(at, reason)| (at.as_millis(), reason))
    }

    fn lines(&self, actions: Actions) -> Vec<String> {
        actions.into_iter().map(|action| self.line(action)).collect()
    }

    fn line(&self, action: Action) -> String {
        match action {
            Action::Open { epoch, mode, attempt, role, endpoint } => {
                let role = if role == Role::Successor { " successor" } else { "" };
                let endpoint = if endpoint == redial::policy::Endpoint::Redirect { "@redirect" } else { "" };
                format!("open {epoch} {mode}{endpoint} #{attempt}{role}")
            }
            Action::Promote { epoch } => format!("promote {epoch}"),
            Action::Close { epoch, code: Some(code) } => format!("close {epoch} {code}"),
            Action::Close { epoch, code: None } => format!("drop {epoch}"),
            Action::Identify { epoch } => format!("identify {epoch}"),
            Action::Resume { epoch } => {
                let session = self.policy.session();
                format!("resume {epoch} {} {:?}", session.token().unwrap_or(&"-"), session.sequence())
            }
            Action::Heartbeat { epoch } => format!("beat {epoch}"),
            Action::RefreshCredential { .. } => "refresh".to_owned(),
            Action::Authenticate { epoch } => format!("authenticate {epoch}"),
            Action::Restore { epoch, .. } => {
                let keys: Vec<_> = self.policy.subscriptions().batch().copied().collect();
                format!("restore {epoch} {}", keys.join(","))
            }
            Action::DropSession { reason } => format!("forget {reason}"),
            Action::GaveUp { reason, cause } => format!("gave_up {reason} {cause}"),
        }
    }
}
