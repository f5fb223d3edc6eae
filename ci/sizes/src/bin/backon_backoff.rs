//! The peer backon: exponential, with its jitter and, as it has no other, its generator.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use rand_core::Rng;
use sizes::Counter;

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut seed = Counter::new();
    let config = ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(30))
        .without_max_times()
        .with_jitter();
    let mut backoff = config.with_jitter_seed(seed.next_u64()).build();
    loop {
        if black_box(false) {
            backoff = config.with_jitter_seed(seed.next_u64()).build();
        }
        black_box(backoff.next());
    }
}
