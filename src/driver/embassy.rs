//! embassy: the clock and the timers of `embassy-time`.

use ::embassy_time::{Instant as Ticks, TICK_HZ, Timer};

use crate::time::Instant;

use super::Runtime;

/// The clock and the timers of `embassy-time`, without a heap. [`Instant::ZERO`] is the time at which its clock began. What the clock does
/// while the chip sleeps is that of its time driver: where it stands still, report
/// [`Event::HostResumed`](crate::Event::HostResumed) with how long it slept.
///
/// [`heapless::Driver`](super::heapless::Driver) is the loop for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct Embassy;

impl Runtime for Embassy {
    type Sleep = Timer;

    const COUNTS_SLEEP: bool = false;

    fn now(&self) -> Instant {
        Instant::from_micros(Ticks::now().as_micros())
    }

    fn sleep_until(&self, at: Instant) -> Timer {
        Timer::at(Ticks::from_ticks(ticks_up(at.as_micros(), TICK_HZ)))
    }
}

/// So many microseconds in ticks, rounded up, so that no sleep ends early.
const fn ticks_up(micros: u64, hertz: u64) -> u64 {
    const SECOND: u64 = 1_000_000;
    let (seconds, rest) = (micros / SECOND, micros % SECOND);
    seconds.saturating_mul(hertz).saturating_add(rest.saturating_mul(hertz).div_ceil(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_rounded_up() {
        assert_eq!(ticks_up(1_500_001, 1_000_000), 1_500_001);
        assert_eq!(
            [0, 1, 30, 31, 1_000_000, 1_000_001].map(|micros| ticks_up(micros, 32_768)),
            [0, 1, 1, 2, 32_768, 32_769]
        );
        assert_eq!(ticks_up(u64::MAX, 1_000_000), u64::MAX);
        assert_eq!(ticks_up(u64::MAX, 1_000_000_000), u64::MAX);
    }
}
