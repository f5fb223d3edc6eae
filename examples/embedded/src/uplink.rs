//! What a firmware writes: its config, its link, and one function that takes what happened.

use core::time::Duration;

use redial::classify::{Classifier, tables};
use redial::endpoints::SingleEndpoint;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{OnNetworkDown, RestoreConfig, ResumeConfig};
use redial::record::{CheckpointError, FlightRecorder, Names};
use redial::subscriptions::FixedSubscriptions;
use redial::{
    Actions, BackoffConfig, Config, Event, Instant, Jitter, Policy, Ratio, SplitMix64, fixed_config,
};

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(2), Ratio::TWO, Duration::from_secs(120))
        .jitter(Jitter::Equal)
        .build_const();

const HEARTBEAT: HeartbeatConfig = HeartbeatConfig::new()
    .interval(Duration::from_secs(60))
    .liveness(Liveness::AnyTraffic)
    .answer_within(Some(Duration::from_secs(15)))
    .build_const();

fixed_config! {
    /// The link of this device. The compiler knows it: what it does not use, here a breaker, is not in the program.
    pub struct Uplink = Config::new(BACKOFF)
        .classifier(Classifier::new(&tables::TRANSPORT).build_const())
        .connect_timeout(Duration::from_secs(30))
        .reset_after_stable(Duration::from_secs(90))
        .heartbeat(HEARTBEAT)
        .resume(ResumeConfig::new().failures_max(2).build_const())
        .restore(RestoreConfig::new().batches(2, Duration::from_millis(500)).build_const())
        .network(OnNetworkDown::Drop, Duration::from_secs(5))
        .build_const();
}

/// The same config as `replay` reads it, for the dump of the recorder. A dump of another config is refused.
pub const SET_UP: &str = concat!(
    r#"{"config": {"backoff": {"initial_ms": 2000, "max_ms": 120000, "jitter": "equal"}, "#,
    r#""classify": {"table": "transport"}, "connect_timeout_ms": 30000, "reset_after_stable_ms": 90000, "#,
    r#""heartbeat": {"interval_ms": 60000, "liveness": "any_traffic", "answer_within_ms": 15000}, "#,
    r#""resume": {"max_failures": 2}, "restore": {"batch": 2, "interval_ms": 500}, "hint": {"spread": "1"}, "#,
    r#""network": {"on_down": "drop", "spread_up_ms": 5000}}}"#
);

/// The topics that this device can have, and the bytes of its recorder.
pub const TOPICS: usize = 4;
pub const RECORDED: usize = 2_048;

/// A session's token, which this server makes of 16 bits, and the key of a topic.
pub type Token = u16;
pub type Topic = u16;

pub type Link = Policy<SplitMix64, Token, FixedSubscriptions<Topic, TOPICS>, Uplink>;

/// The policy with its recorder.
pub struct Recorded {
    pub link: Link,
    recorder: FlightRecorder<Link, RECORDED>,
}

impl Recorded {
    /// One for the device with this number. Devices that start together must not dial together, and draw from different seeds.
    #[must_use]
    pub fn new(device: u64) -> Self {
        let link =
            Policy::from_parts(Uplink, SplitMix64::new(device), FixedSubscriptions::new(), SingleEndpoint);
        let recorder = FlightRecorder::new(&link).with_set_up(SET_UP);
        Self { link, recorder }
    }

    /// Takes an event, or the time alone, and returns what is to be done.
    pub fn handle(&mut self, now: Instant, event: Option<Event<Token, Topic>>) -> Actions {
        self.recorder.step(now, event.as_ref());
        match event {
            Some(event) => self.link.handle_event(now, event),
            None => self.link.handle_timeout(now),
        }
    }

    /// How many milliseconds the device may sleep; `None`: until something happens.
    #[must_use]
    pub fn sleep_ms(&self, now: Instant) -> Option<u32> {
        let wait = self.link.poll_timeout()?.saturating_duration_since(now);
        Some(u32::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX))
    }

    /// The last events with the state that they began with, for `replay --flight`.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn dump(&self, out: &mut [u8]) -> Result<usize, CheckpointError> {
        // The tokens of this server are no secret. Where they are, take `Names::Hashed`.
        self.recorder.dump(Names::Shown, out)
    }

    /// How many events the recorder has let go.
    #[must_use]
    pub const fn gone(&self) -> u64 {
        self.recorder.gone()
    }
}
