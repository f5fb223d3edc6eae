//! The loop of the policies' probes alone: an event, a time and actions from nowhere. It is subtracted from theirs.
#![no_std]
#![no_main]

use core::hint::black_box;

use redial::{Actions, Event, Instant};
use sizes as _;

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut seen: Option<Event> = None;
    loop {
        let now = Instant::from_micros(black_box(0));
        let fact: Option<Event> = black_box(None);
        black_box((now, &mut seen));
        seen = fact;
        let actions: Option<Actions> = black_box(None);
        for action in actions.into_iter().flatten() {
            black_box(action);
        }
        black_box(Some(now));
    }
}
