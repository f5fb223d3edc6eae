//! Counters of 32 bits that wrap, widened to numbers of 64 bits.

use crate::ratio::Ratio;
use crate::time::{Instant, Micros};

/// A counter of 32 bits that wraps to 0 after [`u32::MAX`], widened to a number of 64 bits that only grows.
///
/// Some protocols number what they send in 32 bits (the stanza counters of XMPP's stream management, XEP-0198 section 4),
/// and microcontrollers count milliseconds in as many, which wrap after 49 days. A policy compares sequence numbers and
/// instants, so either has to be widened first.
///
/// Each raw value becomes the number nearest to the newest one. A value less than 2³¹ ahead of the newest becomes the newest;
/// one up to 2³¹ behind becomes an older number and changes nothing. The first raw value is taken as it is.
///
/// # How often to read
///
/// **Fewer than 2³¹ steps of the counter may lie between two reads**, which is half a wrap, so that between two reads it wraps
/// at most once. A counter of milliseconds is therefore read at least every 24 days, one of microseconds every 35 minutes, and
/// one of 32,768 Hz every 18 hours. A device that sleeps longer reads it in a timer of its own. Then every number is exact. If
/// a read comes later, nothing panics, and the newest number stays where it is until the counter has passed it again: whole
/// wraps are lost, and no time is invented.
///
/// A read out of order, as when an interrupt reads the counter after the code that it interrupts and widens its value first,
/// gives the older number that it is. A policy allows a clock that steps back. A task and an interrupt that share one `Widened`
/// need a critical section around the call, as for any value that is changed in place.
///
/// As a sequence number; a resume that sends the raw counter takes the lower half of the session's number:
///
/// ```
/// use redial::time::Widened;
/// use redial::{Epoch, Event, SessionState};
///
/// let epoch = Epoch::from_raw(1).expect("not 0");
/// let mut session = SessionState::resumable("token", None, None);
/// let mut counter = Widened::new();
/// for raw in [u32::MAX - 1, u32::MAX, 0, 1] {
///     let n = counter.widen(raw);
///     let event: Event<&str> = Event::Sequence { epoch, sequence: n }; // what a policy is told
///     assert!(session.observe(n), "{event:?} is a newer one");
/// }
/// assert_eq!(session.sequence(), Some((1 << 32) + 1));
/// assert_eq!(session.sequence().map(|sequence| sequence as u32), Some(1)); // what the server counts
/// ```
///
/// As a clock, of milliseconds and of a crystal with 32,768 Hz:
///
/// ```
/// use core::time::Duration;
/// use redial::Ratio;
/// use redial::time::Widened;
///
/// let mut ticks = Widened::new();
/// let before = ticks.instant_from_millis(u32::MAX);
/// let after = ticks.instant_from_millis(9);
/// assert_eq!(after.saturating_duration_since(before), Duration::from_millis(10));
///
/// const MICROS_PER_TICK: Ratio = Ratio::new_const(1_000_000, 32_768);
/// let mut crystal = Widened::new();
/// let before = crystal.instant_from_ticks(u32::MAX, MICROS_PER_TICK);
/// let after = crystal.instant_from_ticks(32_767, MICROS_PER_TICK);
/// assert_eq!(after.saturating_duration_since(before), Duration::from_secs(1));
/// ```
///
/// The size is 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Widened {
    /// The newest number plus one; 0: none yet.
    next: u64,
}

const _: () = assert!(size_of::<Widened>() == 8, "a clock of a microcontroller has no more");

impl Widened {
    /// A counter that has seen no value.
    #[must_use]
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// A counter that continues after this number, such as a session's sequence number that another process saved.
    /// [`u64::MAX`] counts as the number before it.
    #[must_use]
    pub const fn after(newest: u64) -> Self {
        Self { next: newest.saturating_add(1) }
    }

    /// The newest number; `None` before the first.
    #[must_use]
    pub const fn newest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// The number of a raw value. Its lower 32 bits are `raw`, except that a value before number 0 becomes 0, and one beyond
    /// `u64::MAX - 1` becomes that.
    pub const fn widen(&mut self, raw: u32) -> u64 {
        let Some(newest) = self.newest() else {
            *self = Self::after(raw as u64);
            return raw as u64;
        };
        let number = nearest(newest, raw as u64, u32::BITS);
        if number > newest {
            *self = Self::after(number);
            return self.next.saturating_sub(1);
        }
        number
    }

    /// The instant of this tick of a millisecond counter, on a clock whose zero is that of the counter.
    pub const fn instant_from_millis(&mut self, ticks: u32) -> Instant {
        Instant::from_millis(self.widen(ticks))
    }

    /// The instant of this tick of a microsecond counter, on a clock whose zero is that of the counter.
    pub const fn instant_from_micros(&mut self, ticks: u32) -> Instant {
        Instant::from_micros(self.widen(ticks))
    }

    /// The instant of this tick of a counter of any other rate, on a clock whose zero is that of the counter. The rate is how many
    /// microseconds a tick takes: 1,000,000 over the frequency in Hz. The instant is exact, rounded down to whole microseconds,
    /// so that no error adds up.
    pub const fn instant_from_ticks(&mut self, ticks: u32, micros_per_tick: Ratio) -> Instant {
        Instant::from_micros(micros_per_tick.of(Micros(self.widen(ticks))).0)
    }
}

/// The number whose lower `bits` are `raw` and that is nearest to `newest`; of two as near the one behind. At least 0, at most
/// [`u64::MAX`]. `bits` is from 1 to 63.
const fn nearest(newest: u64, raw: u64, bits: u32) -> u64 {
    let mask = 1_u64.wrapping_shl(bits).wrapping_sub(1);
    let ahead = raw.wrapping_sub(newest) & mask;
    if ahead <= mask >> 1 {
        newest.saturating_add(ahead)
    } else {
        newest.saturating_sub(ahead.wrapping_neg() & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All counters of up to 10 bits, in any of five rounds, with every raw value: the number is that of the counter which moved
    /// by less than half a round, ahead or back.
    #[test]
    fn every_step_of_a_narrow_counter() {
        for bits in 1..=10 {
            let (round, half) = (1_u64 << bits, 1_u64 << (bits - 1));
            for newest in 0..5 * round {
                for ahead in 0..half {
                    assert_eq!(
                        nearest(newest, (newest + ahead) % round, bits),
                        newest + ahead,
                        "{bits} {newest}"
                    );
                }
                for behind in 1..=half {
                    let raw = (newest + round - behind) % round;
                    assert_eq!(nearest(newest, raw, bits), newest.saturating_sub(behind), "{bits} {newest}");
                }
            }
        }
    }

    /// Every pair of reads of a counter of 8 bits, from every number of its first rounds, and every third read after them: with
    /// fewer than half a round between two reads the widened number is the true one.
    #[test]
    fn every_two_reads_are_exact() {
        let (bits, round, half) = (8, 256, 128);
        for first in 0..3 * round {
            for step in 0..half {
                let second = nearest(first, (first + step) % round, bits);
                assert_eq!(second, first + step);
                for next in [0, 1, half - 1] {
                    assert_eq!(nearest(second, (first + step + next) % round, bits), first + step + next);
                }
            }
        }
    }

    /// At the end of 64 bits the number stays.
    #[test]
    fn the_end_of_the_range_saturates() {
        for bits in [1, 8, 32, 63] {
            assert_eq!(nearest(u64::MAX, 0, bits), u64::MAX - u64::from(bits == 1));
            assert_eq!(
                nearest(u64::MAX - 1, u64::MAX, bits),
                if bits == 1 { u64::MAX - 2 } else { u64::MAX }
            );
        }
    }
}
