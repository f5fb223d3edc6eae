//! What every other probe has as well.
#![no_std]
#![no_main]

use core::hint::black_box;

use rand_core::Rng;
use sizes::Counter;

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut rng = Counter::new();
    loop {
        black_box(rng.next_u64());
    }
}
