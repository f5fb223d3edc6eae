//! The peer reliakit-backoff: exponential, with full jitter.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use rand_core::Rng;
use reliakit_backoff::{Backoff, full_jitter};
use sizes::Counter;

static CONFIG: Backoff =
    Backoff::exponential(Duration::from_secs(1), 2).with_max_delay(Duration::from_secs(30));

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut rng = Counter::new();
    let mut failures = 0_u32;
    loop {
        if black_box(false) {
            failures = 0;
        }
        black_box(CONFIG.delay(failures).map(|delay| full_jitter(delay, rng.next_u32())));
        failures = failures.saturating_add(1);
    }
}
