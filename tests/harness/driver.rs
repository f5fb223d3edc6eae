//! What a driver tells about the living transport, and what it may ask. Every method returns what the policy decided.

use core::time::Duration;

use redial::policy::WaitReason;
use redial::subscriptions::Subscriptions;
use redial::{Action, Actions, Cause, Config, Epoch, Event, Explanation, Instant, Mode, Phase, SessionState};

use super::{Bases, Harness, REFUSED, TestEvent, ms, opens, secs};

impl Harness {
    /// Not started, with a session of an earlier process.
    pub fn importing(config: Config, session: SessionState<&'static str>) -> Self {
        Self::of(Self::new(config).policy.into_inner().with_session(session))
    }

    /// Started: the first dial is under way.
    pub fn started(config: Config) -> Self {
        let mut harness = Self::new(config);
        harness.start();
        harness
    }

    /// Ready with the session `token`, sequence 1.
    pub fn online(config: Config) -> Self {
        let mut harness = Self::started(config);
        harness.establish();
        harness
    }

    /// Online with this many failed dials behind it: the next wait is the backoff's `failures + 1`-th.
    pub fn failed_times(config: Config, failures: u32) -> Self {
        let mut harness = Self::started(config);
        for failure in 0..failures {
            if failure > 0 {
                harness.redial();
            }
            harness.fail(REFUSED);
        }
        harness
    }
}

impl<E: Bases> Harness<E> {
    // Calls.

    pub fn event(&mut self, event: TestEvent) -> Vec<Action> {
        // Nothing fails in no time: the dial took a millisecond.
        let current = event.epoch().is_some() && event.epoch() == self.policy.epoch();
        let fails = current
            && matches!(event, Event::Closed { .. } | Event::OpenFailed { .. } | Event::AuthFailed { .. });
        if fails && self.last_dial() == Some(self.now) {
            self.now = self.now.saturating_add(ms(1));
        }
        let actions = self.call(Some(event));
        self.acknowledge(actions)
    }

    fn last_dial(&self) -> Option<Instant> {
        let dials = self.log().iter().rfind(|(_, action)| matches!(action, Action::Open { .. }));
        dials.map(|(at, _)| *at)
    }

    /// As a server that answers each heartbeat at once, where there is one.
    fn acknowledge(&mut self, actions: Actions) -> Vec<Action> {
        let disposition = self.disposition();
        let actions: Vec<Action> = actions.iter().collect();
        for action in &actions {
            if let (true, Action::Heartbeat { epoch }) = (self.acks, *action) {
                assert!(self.call(Some(Event::HeartbeatAcked { epoch })).is_empty());
            }
        }
        self.disposition = disposition;
        actions
    }

    // Time.

    pub fn tick(&mut self) -> Vec<Action> {
        let actions = self.call(None);
        self.acknowledge(actions)
    }

    /// Lets the host be silent for this long; every deadline on the way is kept to the microsecond.
    pub fn advance(&mut self, span: Duration) -> Vec<Action> {
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
    pub fn redial(&mut self) -> Duration {
        let begun = self.now;
        assert_eq!(self.phase(), Phase::Waiting, "{}", self.told());
        self.now = self.now.max(self.policy.poll_timeout().expect("a wait has an end"));
        let actions = self.tick();
        assert_eq!(opens(&actions), 1, "{actions:?}");
        self.now.saturating_duration_since(begun)
    }

    // Events.

    pub fn epoch(&self) -> Epoch {
        self.policy.epoch().expect("a living transport")
    }

    pub fn start(&mut self) -> Vec<Action> {
        self.event(Event::Start)
    }

    pub fn opened(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::Opened { epoch })
    }

    pub fn fail(&mut self, cause: Cause) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::OpenFailed { epoch, cause, retry_after: None })
    }

    pub fn refuse(&mut self, status: u16, retry_after: Option<Duration>) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::OpenFailed {
            epoch,
            cause: Cause::Http(status),
            retry_after: retry_after.map(Into::into),
        })
    }

    pub fn close(&mut self, cause: Cause) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::Closed { epoch, cause })
    }

    pub fn code(&mut self, code: u16) -> Vec<Action> {
        self.close(Cause::CloseFrame(code))
    }

    /// The transport ends without a word.
    pub fn lose(&mut self) -> Vec<Action> {
        self.close(Cause::NoCloseFrame)
    }

    pub fn greet(&mut self, interval: Option<Duration>) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::Greeting { epoch, heartbeat: interval })
    }

    pub fn ready(&mut self) -> Vec<Action> {
        self.ready_as(Some("token"), None, Some(1))
    }

    pub fn ready_as(
        &mut self,
        token: Option<&'static str>,
        endpoint: Option<&'static str>,
        sequence: Option<u64>,
    ) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::Ready { epoch, token, endpoint, sequence, ttl: None })
    }

    pub fn resumed(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::Resumed { epoch })
    }

    pub fn sequence(&mut self, n: u64) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::Sequence { epoch, sequence: n })
    }

    pub fn reconnect_requested(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::ReconnectRequested { epoch, retry_after: None, deadline: None })
    }

    pub fn invalid(&mut self, resumable: bool) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::SessionInvalid { epoch, resumable })
    }

    pub fn ack(&mut self) -> Vec<Action> {
        let epoch = self.epoch();
        self.event(Event::HeartbeatAcked { epoch })
    }

    pub fn stop(&mut self, keep: bool) -> Vec<Action> {
        self.event(Event::Stop { keep })
    }

    pub fn subscribe(&mut self, key: &'static str) -> Vec<Action> {
        self.event(Event::Subscribe { key, priority: 0 })
    }

    /// From a dial under way to a session, resumed where that is what was asked for.
    pub fn establish(&mut self) -> Vec<Action> {
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
    pub fn recover(&mut self) -> Duration {
        let wait = self.redial();
        self.establish();
        wait
    }

    // Questions.

    pub fn told(&self) -> Explanation {
        self.policy.explain()
    }

    pub fn phase(&self) -> Phase {
        self.policy.phase()
    }

    /// How long until the deadline, and the rule behind it.
    pub fn due(&self) -> Option<(Duration, WaitReason)> {
        self.policy.deadline().map(|(at, reason)| (at.saturating_duration_since(self.now), reason))
    }

    /// How long the wait is that it is in.
    pub fn waits(&self) -> Duration {
        assert_eq!(self.phase(), Phase::Waiting, "{}", self.told());
        self.due().expect("a wait has an end").0
    }

    /// The keys of the batch that is to be sent.
    pub fn batch(&self) -> Vec<&'static str> {
        self.policy.subscriptions().batch().copied().collect()
    }

    /// How often it dialled so far.
    pub fn opens(&self) -> u32 {
        self.policy.stats().opens
    }
}
