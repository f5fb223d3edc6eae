//! The backoff with a config that the compiler does not know: every curve and every jitter.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio};
use sizes::Counter;

static CONFIG: BackoffConfig =
    BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30))
        .jitter(Jitter::Full)
        .build_const();

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut rng = Counter::new();
    let config: &'static BackoffConfig = black_box(&CONFIG);
    let mut backoff = Backoff::new();
    loop {
        if black_box(false) {
            backoff.reset();
        }
        black_box(backoff.next_delay(config, Mode::Fresh, Duration::ZERO, &mut rng));
    }
}
