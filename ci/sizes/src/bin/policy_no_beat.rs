//! The same policy as in `policy`, without a heartbeat and a breaker.
#![no_std]
#![no_main]

use core::time::Duration;

use redial::classify::{Classifier, tables};
use redial::{BackoffConfig, Config, Ratio, fixed_config};

const BACKOFF: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const();

fixed_config! {
    struct Known =
        Config::new(BACKOFF).classifier(Classifier::new(&tables::TRANSPORT).build_const()).build_const();
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    sizes::run(Known)
}
