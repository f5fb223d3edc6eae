//! The same policy as in `policy`, with a config that the compiler does not know.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::classify::{Classifier, Table, tables};
use redial::{BackoffConfig, Config, Ratio};

static CONFIG: Config = Config::new(
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
)
.classifier(Classifier::new(TABLE).build_const())
.build_const();

const TABLE: &Table = &tables::TRANSPORT;

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // Not known to the compiler: every choice in a config is compiled in.
    let config: &'static Config = black_box(&CONFIG);
    sizes::run(config)
}
