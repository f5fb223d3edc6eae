//! The whole policy on a config that the compiler knows, with a breaker, a heartbeat, sessions and one classification table:
//! every event, the passing of time, the deadline, every action.
#![no_std]
#![no_main]

use core::time::Duration;

use redial::classify::{Classifier, tables};
use redial::heartbeat::HeartbeatConfig;
use redial::{BackoffConfig, Config, Ratio, breaker, fixed_config};

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();
const HEARTBEAT: HeartbeatConfig = HeartbeatConfig::new().interval(Duration::from_secs(30)).build_const();
const BREAKER: breaker::Config = breaker::Config::new(5, Duration::from_secs(60)).build_const();

fixed_config! {
    struct Known = Config::new(BACKOFF)
        .classifier(Classifier::new(&tables::TRANSPORT).build_const())
        .heartbeat(HEARTBEAT)
        .breaker(Some(BREAKER))
        .build_const();
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    sizes::run(Known)
}
