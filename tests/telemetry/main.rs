//! `redial::telemetry`: what is told, in the same words by every sink, and that nobody decides otherwise for it.

mod capture;
mod changes;
mod documents;
mod drivers;
mod frames;
mod scripts;
mod series;
mod spans;

use core::time::Duration;

use redial::endpoints::FixedEndpoints;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::WaitReason;
use redial::subscriptions::FixedSubscriptions;
use redial::telemetry::{Change, Observed, Sink};
use redial::{
    BackoffConfig, Cause, Config, Epoch, Event, Instant, IoKind, Policy, Ratio, SplitMix64, breaker,
};

use redial::handover::Decider;

/// One policy with everything that can change.
type Subject = Policy<SplitMix64, u8, FixedSubscriptions<u8, 4>, Config, FixedEndpoints<3>>;

fn subject(config: Config, seed: u64) -> Subject {
    let endpoints = FixedEndpoints::new(2).expect("two endpoints");
    Policy::from_parts(config, SplitMix64::new(seed), FixedSubscriptions::new(), endpoints)
}

const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn epoch(number: u32) -> Epoch {
    Epoch::from_raw(number).expect("not 0")
}

const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);

/// 1 s, 2 s, 4 s without jitter; a heartbeat each 30 s; a breaker that opens at the second failure.
fn config() -> Config {
    const BACKOFF: BackoffConfig =
        BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(60)).build_const();
    Config::new(BACKOFF)
        .heartbeat(HeartbeatConfig::new().interval(Duration::from_secs(30)).build_const())
        .breaker(Some(breaker::Config::new(2, Duration::from_secs(20)).build_const()))
        .build_const()
}

/// Keeps the lines.
#[derive(Default)]
struct Lines(Vec<String>);

impl Sink for Lines {
    fn change(&mut self, _: Instant, change: &Change) {
        self.0.push(change.to_string());
    }
}

/// A policy whose changes are compared with what a test says.
struct Story<D, S = ()>(Observed<D, (Lines, S)>);

impl<D: Decider> Story<D> {
    fn new(policy: D) -> Self {
        Self::with(policy, ())
    }
}

impl<D: Decider, S: Sink> Story<D, S> {
    fn with(policy: D, sink: S) -> Self {
        Self(Observed::new(policy, (Lines::default(), sink)))
    }

    #[track_caller]
    fn at(&mut self, millis: u64, event: redial::handover::EventOf<D>, expected: &[&str]) {
        let _actions = self.0.handle_event(at(millis), event);
        self.told(expected);
    }

    #[track_caller]
    fn fires(&mut self, millis: u64, expected: &[&str]) {
        let _actions = self.0.handle_timeout(at(millis));
        self.told(expected);
    }

    #[track_caller]
    fn told(&mut self, expected: &[&str]) {
        let told = core::mem::take(&mut self.0.sink_mut().0.0);
        assert_eq!(told, expected);
    }
}

fn ready(number: u32) -> Event<u8, u8> {
    Event::Ready { epoch: epoch(number), token: Some(1), endpoint: None, sequence: Some(1), ttl: None }
}

fn refused(number: u32) -> Event<u8, u8> {
    Event::OpenFailed { epoch: epoch(number), cause: REFUSED, retry_after: None }
}

fn closed(number: u32, code: u16) -> Event<u8, u8> {
    Event::Closed { epoch: epoch(number), cause: Cause::CloseFrame(code) }
}
