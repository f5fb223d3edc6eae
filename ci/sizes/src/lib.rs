//! What the probes share: a generator that is not counted, and a halt in place of a panic.
//!
//! Each probe in `bin/` is a loop as firmware has it. Every event, time and choice in it goes through
//! [`black_box`](core::hint::black_box), so that the compiler knows none of them and can leave nothing out; the program
//! `empty` is subtracted. Nothing is ever run.

#![no_std]

use core::convert::Infallible;
use core::hint::black_box;
use core::panic::PanicInfo;

use rand_core::{SeedableRng, TryRng};
use redial::policy::ConfigSource;
use redial::{Event, Instant, Policy};

/// Counts. `empty` has it too, so its bytes are in no difference.
pub struct Counter(u64);

impl SeedableRng for Counter {
    type Seed = [u8; 8];

    fn from_seed(seed: Self::Seed) -> Self {
        Self(u64::from_le_bytes(seed))
    }
}

#[inline(never)]
fn draw(counter: &mut u64) -> u64 {
    *counter = black_box(*counter).wrapping_add(1);
    *counter
}

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(draw(&mut self.0) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(draw(&mut self.0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(draw(&mut self.0) as u8);
        Ok(())
    }
}

impl Counter {
    #[inline]
    pub fn new() -> Self {
        Self(black_box(0))
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

/// Never inlined and with a name that the script looks for: a probe that can't panic does not have it.
#[panic_handler]
#[inline(never)]
fn panicked(_: &PanicInfo<'_>) -> ! {
    halt()
}

/// Where a probe stays that can't go on.
pub fn halt() -> ! {
    loop {
        black_box(());
    }
}

/// A policy as firmware has it: every event, the passing of time, the deadline, every action.
pub fn run<C: ConfigSource>(config: C) -> ! {
    let mut policy = Policy::new(config, Counter::new());
    loop {
        let now = Instant::from_micros(black_box(0));
        let fact: Option<Event> = black_box(None);
        let actions = match fact {
            Some(fact) => policy.handle_event(now, fact),
            None => policy.handle_timeout(now),
        };
        for action in actions {
            black_box(action);
        }
        black_box(policy.poll_timeout());
    }
}
