//! The numbers that host and policy exchange.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

/// How many numbers there are, more than any message has.
const WORDS: usize = 64;

/// The mail. Atomic, because a static that changes has to be; there is one thread.
pub(crate) static MAIL: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

/// What stands for "none" where a number may be missing.
const NONE: u32 = u32::MAX;

/// The number at this place.
#[inline(always)]
pub(crate) fn word(at: usize) -> u32 {
    MAIL.get(at).map_or(0, |word| word.load(Ordering::Relaxed))
}

#[inline(always)]
pub(crate) fn flag(at: usize) -> bool {
    word(at) != 0
}

#[inline(always)]
pub(crate) fn option(at: usize) -> Option<u32> {
    Some(word(at)).filter(|word| *word != NONE)
}

/// Two numbers, the lower half first.
#[inline(always)]
pub(crate) fn long(at: usize) -> u64 {
    u64::from(word(at + 1)) << 32 | u64::from(word(at))
}

#[inline(always)]
pub(crate) fn optional_long(at: usize) -> Option<u64> {
    Some(long(at)).filter(|long| *long != u64::MAX)
}

/// Whole milliseconds.
#[inline(never)]
pub(crate) fn millis(at: usize) -> Duration {
    Duration::from_millis(word(at).into())
}

#[inline(never)]
pub(crate) fn optional_millis(at: usize) -> Option<Duration> {
    option(at).map(|_| millis(at))
}

/// Writes the mail from its beginning.
pub(crate) struct Writer(usize);

impl Writer {
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    #[inline(never)]
    pub(crate) fn word(&mut self, word: u32) {
        if let Some(place) = MAIL.get(self.0) {
            place.store(word, Ordering::Relaxed);
        }
        self.0 += 1;
    }

    pub(crate) fn option(&mut self, word: Option<u32>) {
        self.word(word.unwrap_or(NONE));
    }

    #[inline(never)]
    pub(crate) fn long(&mut self, long: Option<u64>) {
        let long = long.unwrap_or(u64::MAX);
        self.word(long as u32);
        self.word((long >> 32) as u32);
    }
}
