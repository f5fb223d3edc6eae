//! Configs and causes that many tests begin with.

use core::time::Duration;

use redial::classify::{Classifier, tables};
use redial::heartbeat::HeartbeatConfig;
use redial::policy::ResumeConfig;
use redial::{BackoffConfig, Cause, Config, IoKind, Ratio};

pub const RESET: Cause = Cause::Io(IoKind::ConnectionReset);
pub const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);
pub const NO_FRAME: Cause = Cause::NoCloseFrame;

pub const fn ws(code: u16) -> Cause {
    Cause::CloseFrame(code)
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// 1, 2, 4, 8, 16, 30, 30 … s without jitter.
pub const DOUBLING: BackoffConfig = BackoffConfig::exponential(secs(1), Ratio::TWO, secs(30)).build_const();

/// A WebSocket that becomes ready, with stability 0 and a server's wait kept exactly; nothing else.
pub const PLAIN: Config =
    Config::new(DOUBLING).reset_after_stable(Duration::ZERO).retry_after_spread(Ratio::ZERO).build_const();

/// The same for a protocol whose resume needs a sequence.
pub const NUMBERED: Config =
    PLAIN.to_builder().resume(ResumeConfig::new().sequence_needed(true).build_const()).build_const();

/// The same with a session that must hold for 120 s.
pub const STABLE: Config = PLAIN.to_builder().reset_after_stable(secs(120)).build_const();

/// A protocol with a greeting (deadline 30 s), whose first heartbeat is not jittered.
pub const GREETED: Config = PLAIN
    .to_builder()
    .greeting(Some(secs(30)))
    .heartbeat(HeartbeatConfig::new().first_jitter(false).build_const())
    .build_const();

/// Discord's gateway: it greets, and the greeting must have a heartbeat.
pub const GATEWAY: Config = GREETED
    .to_builder()
    .classifier(Classifier::new(&tables::DISCORD_GATEWAY).build_const())
    .heartbeat(HeartbeatConfig::new().first_jitter(false).required(true).build_const())
    .build_const();
