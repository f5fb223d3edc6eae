//! The breaker by failures in a row with a config that is a constant of the program.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::breaker;
use redial::{CircuitBreaker, Instant};
use sizes::Counter;

static CONFIG: breaker::Config = breaker::Config::new(5, Duration::from_secs(60)).build_const();

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut rng = Counter::new();
    let config: &'static breaker::Config = &CONFIG;
    let mut breaker = CircuitBreaker::new();
    loop {
        let now = Instant::from_micros(black_box(0));
        if let Ok(permit) = breaker.try_acquire(config, now, &mut rng) {
            let now = Instant::from_micros(black_box(0));
            if black_box(true) {
                black_box(breaker.success(config, now, permit));
            } else {
                black_box(breaker.failure(config, now, permit, &mut rng));
            }
        }
    }
}
