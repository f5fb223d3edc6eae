//! A script: a timeline (`redial::testing`) of a policy on a virtual clock, and what our own scripts begin with.

use redial::subscriptions::FixedSubscriptions;
use redial::testing::Timeline;
use redial::{Config, Epoch, Event, Phase, Policy, SessionState, SplitMix64};

use super::{Subject, checked};

/// A policy on a virtual clock. Every decision must be expected before the next event.
pub type Scenario = Timeline<Subject>;

/// Beginnings, and events with what most of them have.
pub trait Beginnings {
    /// Not started, at 0.
    fn of(config: Config) -> Self;
    fn seeded(config: Config, seed: u64) -> Self;
    /// With a session of an earlier process.
    fn with_session(config: Config, session: SessionState<&'static str>) -> Self;
    /// Connected at 20 ms by epoch 1, with session "s1" at sequence 5.
    fn online(config: Config) -> Self;
    /// Connected at 20 ms by epoch 1 of a protocol with a greeting, beating every `interval` from 10 ms on.
    fn gateway(config: Config, interval: u64) -> Self;

    /// Opened at `at`, ready 10 ms later with session "s1" at this sequence.
    fn connect(&mut self, at: u64, epoch: u32, sequence: Option<u64>) -> &mut Self;
    /// A session "s<epoch>" with no endpoint of its own.
    fn establish(&mut self, epoch: u32, sequence: Option<u64>) -> &mut Self;
    fn ready_at(&mut self, epoch: u32, sequence: Option<u64>, endpoint: Option<&'static str>) -> &mut Self;
    fn session_invalid(&mut self, epoch: u32, resumable: bool) -> &mut Self;
    fn auth_failed(&mut self, epoch: u32, fatal: bool) -> &mut Self;
    fn credential_failed(&mut self, fatal: bool) -> &mut Self;
    fn sub_failed(&mut self, epoch: u32, key: &'static str, retryable: bool) -> &mut Self;
    /// The newest epoch that was opened.
    fn newest(&self) -> u32;
}

impl Beginnings for Scenario {
    fn of(config: Config) -> Self {
        Self::seeded(config, 7)
    }

    fn seeded(config: Config, seed: u64) -> Self {
        let policy = Policy::new(config, SplitMix64::new(seed)).with_session_type();
        Self::over(checked(policy.with_subscriptions(FixedSubscriptions::new())))
    }

    fn with_session(config: Config, session: SessionState<&'static str>) -> Self {
        let policy = Policy::new(config, SplitMix64::new(7)).with_subscriptions(FixedSubscriptions::new());
        Self::over(checked(policy.with_session(session)))
    }

    #[track_caller]
    fn online(config: Config) -> Self {
        let mut t = Self::of(config);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        t.connect(10, 1, Some(5));
        t
    }

    #[track_caller]
    fn gateway(config: Config, interval: u64) -> Self {
        let mut t = Self::of(config);
        t.at(0).start().expect(&["open 1 fresh #1"]);
        t.at(5).opened(1).expect(&[]).wake(30_005, "greeting_timeout");
        t.at(10).greeting(1, interval).expect(&["send_fresh 1"]);
        t.at(20).establish(1, Some(5)).expect(&[]).phase(Phase::Online);
        t
    }

    #[track_caller]
    fn connect(&mut self, at: u64, epoch: u32, sequence: Option<u64>) -> &mut Self {
        self.at(at).opened(epoch).expect_anything();
        self.at(at + 10).establish(epoch, sequence).expect_anything()
    }

    #[track_caller]
    fn establish(&mut self, epoch: u32, sequence: Option<u64>) -> &mut Self {
        self.ready_at(epoch, sequence, None)
    }

    #[track_caller]
    fn ready_at(&mut self, epoch: u32, sequence: Option<u64>, endpoint: Option<&'static str>) -> &mut Self {
        let token = ["s0", "s1", "s2", "s3"].get(epoch as usize).copied().unwrap_or("s");
        let epoch = number(epoch);
        self.event(Event::Ready { epoch, token: Some(token), endpoint, sequence, ttl: None })
    }

    #[track_caller]
    fn session_invalid(&mut self, epoch: u32, resumable: bool) -> &mut Self {
        self.event(Event::SessionInvalid { epoch: number(epoch), resumable })
    }

    #[track_caller]
    fn auth_failed(&mut self, epoch: u32, fatal: bool) -> &mut Self {
        self.event(Event::AuthFailed { epoch: number(epoch), fatal })
    }

    #[track_caller]
    fn credential_failed(&mut self, fatal: bool) -> &mut Self {
        self.event(Event::CredentialFailed { request: None, fatal })
    }

    #[track_caller]
    fn sub_failed(&mut self, epoch: u32, key: &'static str, retryable: bool) -> &mut Self {
        self.event(Event::SubscriptionFailed { epoch: number(epoch), key, send: None, retryable })
    }

    fn newest(&self) -> u32 {
        self.stats().opens
    }
}

pub fn number(epoch: u32) -> Epoch {
    Epoch::from_raw(epoch).expect("epochs count from 1")
}
