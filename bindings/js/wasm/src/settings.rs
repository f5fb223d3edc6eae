//! The config as numbers, and a source of it without a breaker.

use core::time::Duration;

use redial::classify::{Classifier, Table};
use redial::heartbeat::{Heartbeat, HeartbeatConfig, Liveness};
use redial::policy::{
    ConfigSource, Establish, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, ResumeConfig, fixed,
};
use redial::{BackoffConfig, Config, ConfigError, Jitter, Ratio, SessionState, presets};

use crate::mail::{flag, millis, option, optional_millis, word};

/// A config of run time for a policy without a breaker: one connection has its backoff.
pub(crate) struct Settings(pub(crate) Config);

impl fixed::Sealed for Settings {}

impl ConfigSource for Settings {
    type Breaker = ();
    type Heartbeat = Heartbeat;
    type Session<T> = SessionState<T>;

    #[inline(always)]
    fn config(&self) -> &Config {
        &self.0
    }
}

const SECOND: Duration = Duration::from_secs(1);
const USUAL: BackoffConfig = BackoffConfig::constant(SECOND).build_const();
const WINDOWS: BackoffConfig = BackoffConfig::windows(SECOND, SECOND).build_const();

/// A table that tells no cause apart from another.
static NO_ROWS: Table = Table::new("any", &[]);

/// What a socket is based on that hears of nothing but its connection, and is dialled again whatever ended it.
const DEAF: Config = Config::new(USUAL)
    .classifier(Classifier::new(&NO_ROWS).build_const())
    .network(OnNetworkDown::Ignore, Duration::ZERO)
    .on_network_change(OnNetworkChange::Ignore)
    .defer_while_hidden(false)
    .resume(ResumeConfig::DISABLED)
    .build_const();

impl Settings {
    /// The config that the mail holds.
    pub(crate) fn read() -> Result<Self, ConfigError> {
        let base = if flag(5) { &presets::RECOMMENDED } else { &DEAF };
        let mut heartbeat = HeartbeatConfig::new().answer_within(optional_millis(29));
        let (mut on_wake, mut on_visible) = (OnWake::Redial, OnVisible::Nothing);
        if let Some(interval) = optional_millis(28) {
            // There is something to ask with.
            heartbeat = heartbeat.interval(interval).liveness(Liveness::AnyTraffic);
            (on_wake, on_visible) = (OnWake::Probe, OnVisible::Probe);
        }
        let mut config = base
            .to_builder()
            .backoff(backoff()?)
            .min_interval(millis(21))
            .max_attempts(option(22))
            .max_elapsed(optional_millis(23))
            .connect_timeout(millis(24))
            .ready_timeout(optional_millis(25))
            .establish(if flag(26) { Establish::OnReady } else { Establish::OnOpen })
            .close_code(word(27) as u16)
            .heartbeat(heartbeat.build()?)
            .on_wake(on_wake)
            .on_visible(on_visible);
        if let Some(held) = optional_millis(20) {
            config = config.reset_after_stable(held);
        }
        config.build().map(Self)
    }
}

fn backoff() -> Result<BackoffConfig, ConfigError> {
    let (initial, max) = (millis(7), millis(8));
    let (mut backoff, like) = if flag(6) {
        (BackoffConfig::windows(initial, millis(9)).max_delay(max), &WINDOWS)
    } else {
        (BackoffConfig::exponential(initial, ratio(10)?, max), &USUAL)
    };
    let (low, high) = (ratio(13)?, ratio(15)?);
    backoff = backoff.floor(millis(17)).jitter(match word(12) {
        0 => Jitter::None,
        1 => Jitter::Full,
        2 => Jitter::Equal,
        3 => Jitter::Decorrelated,
        4 => Jitter::AboveInitial,
        5 => Jitter::PlusMinus(low),
        6 => Jitter::Minus(low),
        _ => Jitter::Window(low, high),
    });
    if let Some(first) = optional_millis(18) {
        backoff = backoff.first_delay(first);
    }
    if flag(19) {
        backoff = backoff.exact_first();
    }
    backoff.build_like(like)
}

#[inline(never)]
fn ratio(at: usize) -> Result<Ratio, ConfigError> {
    Ratio::new(word(at), word(at + 1))
}
