//! The peer reliakit-circuit: a breaker by failures in a row.
#![no_std]
#![no_main]

use core::hint::black_box;

use reliakit_circuit::CircuitBreaker;
use sizes::Counter;

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    black_box(Counter::new());
    let mut breaker = CircuitBreaker::new(5, 60_000_000);
    loop {
        let now = black_box(0_u64);
        if breaker.allow(now) {
            if black_box(true) {
                breaker.on_success();
            } else {
                breaker.on_failure(black_box(0_u64));
            }
        }
        black_box(breaker.state());
    }
}
