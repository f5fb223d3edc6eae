//! The same policy as in `policy`, without a breaker, a heartbeat and a session.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::classify::{Classifier, Table, tables};
use redial::policy::{Lean, ResumeConfig};
use redial::{BackoffConfig, Config, Ratio};

static CONFIG: Config = Config::new(
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
)
.classifier(Classifier::new(TABLE).build_const())
.resume(ResumeConfig::DISABLED)
.build_const();

const TABLE: &Table = &tables::TRANSPORT;

static LEAN: Lean<'static> = Lean::new_const(&CONFIG);

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // Not known to the compiler: every choice in a config is compiled in.
    let lean: &'static Lean<'static> = black_box(&LEAN);
    sizes::run(*lean)
}
