//! Counters of 32 bits that wrap, widened to numbers of 64 bits.

use crate::time::Instant;

/// A counter of 32 bits that wraps to 0 after [`u32::MAX`], widened to a number of 64 bits that only grows.
///
/// Some protocols number what they send in 32 bits (the stanza counters of XMPP's stream management, XEP-0198 section 4),
/// and microcontrollers count milliseconds in as many, which wrap after 49 days. A policy compares sequence numbers and
/// instants, so either has to be widened first.
///
/// Each raw value becomes the number nearest to the newest one. A value less than 2³¹ ahead of the newest becomes the newest;
/// one up to 2³¹ behind becomes an older number and changes nothing. The first raw value is taken as it is. A counter must
/// therefore be read before it moves by 2³¹: a tick of milliseconds at least every 24 days.
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
/// As a clock:
///
/// ```
/// use core::time::Duration;
/// use redial::time::Widened;
///
/// let mut ticks = Widened::new();
/// let before = ticks.instant_from_millis(u32::MAX);
/// let after = ticks.instant_from_millis(9);
/// assert_eq!(after.saturating_duration_since(before), Duration::from_millis(10));
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
        let ahead = raw.wrapping_sub(newest as u32);
        if ahead < 1 << 31 {
            *self = Self::after(newest.saturating_add(ahead as u64));
            return self.next.saturating_sub(1);
        }
        newest.saturating_sub(ahead.wrapping_neg() as u64)
    }

    /// The instant of this tick of a millisecond counter, on a clock whose zero is that of the counter.
    pub const fn instant_from_millis(&mut self, ticks: u32) -> Instant {
        Instant::from_millis(self.widen(ticks))
    }
}
