//! Sums over a sliding window of time, in slots of which the oldest expires as a whole.

use crate::time::{Instant, Micros};

/// The slot that is being filled and ten full ones, so that a count is kept for one window at least and a tenth more at most.
pub(crate) const SLOTS: usize = FULL + 1;
const FULL: usize = 10;

/// Counts over a sliding window of time. The caller passes its length to every call, as the [`slot_width`].
///
/// When the clock runs backwards by up to one window, the newest slot is filled until the clock has caught up. When it runs back
/// further, the newest slot begins again. So no count expires early, and none is kept for more than one window longer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Window<C> {
    /// When the newest slot began.
    since: Instant,
    /// Oldest first.
    slots: [C; SLOTS],
}

/// The length of a slot in a window of this length.
pub(crate) const fn slot_width(window: Micros) -> Micros {
    Micros(window.0.div_ceil(FULL as u64))
}

impl<C: Copy + Default> Window<C> {
    /// A window without counts.
    pub(crate) const fn new(empty: C) -> Self {
        Self { since: Instant::ZERO, slots: [empty; SLOTS] }
    }

    /// Drops the slots that have expired at `now`.
    pub(crate) fn advance(&mut self, now: Instant, width: Micros) {
        let steps = now.since(self.since).0.checked_div(width.0).unwrap_or(0);
        if steps == 0 {
            if self.since.since(now) > width.saturating_mul(SLOTS as u64) {
                self.since = now;
            }
            return;
        }
        let gone = usize::try_from(steps).unwrap_or(SLOTS).min(SLOTS);
        self.slots.rotate_left(gone);
        for slot in self.slots.iter_mut().rev().take(gone) {
            *slot = C::default();
        }
        self.since = self.since.after(width.saturating_mul(steps));
    }

    /// The slots, oldest first.
    pub(crate) fn slots(&self) -> impl Iterator<Item = C> {
        self.slots.iter().copied()
    }

    /// The newest slot, to count into.
    pub(crate) const fn newest(&mut self) -> Option<&mut C> {
        self.slots.last_mut()
    }

    /// When the oldest `steps` slots expire.
    pub(crate) const fn forgotten_at(&self, steps: u64, width: Micros) -> Instant {
        self.since.after(width.saturating_mul(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: Micros = slot_width(Micros(1_000));

    fn one_at(micros: u64) -> Window<u32> {
        let mut window = Window::new(0);
        window.advance(Instant::from_micros(micros), WIDTH);
        *window.newest().unwrap() = 1;
        window
    }

    fn sum_at(window: &Window<u32>, micros: u64) -> u32 {
        let mut window = window.clone();
        window.advance(Instant::from_micros(micros), WIDTH);
        window.slots().sum()
    }

    #[test]
    fn a_count_stays_for_one_window_and_at_most_a_tenth_more() {
        for begin in [0, 1, 50, 99, 100, 12_345] {
            let window = one_at(begin);
            assert_eq!(sum_at(&window, begin + 1_000), 1, "{begin}");
            assert_eq!(sum_at(&window, begin + 1_100), 0, "{begin}");
        }
    }

    #[test]
    fn a_small_rewind_waits_and_a_large_one_begins_again() {
        let mut window = one_at(50_000);
        for wobble in [49_000, 50_000, 49_000, 50_000, 49_000] {
            window.advance(Instant::from_micros(wobble), WIDTH);
        }
        assert_eq!(sum_at(&window, 51_000), 1, "a wobbling clock ages nothing");
        window.advance(Instant::from_micros(10), WIDTH);
        assert_eq!(sum_at(&window, 1_000), 1, "nothing is forgotten early");
        assert_eq!(sum_at(&window, 1_110), 0, "and nothing stays until the clock has caught up");
    }

    #[test]
    fn no_width_and_no_instant_can_hurt() {
        let mut window = one_at(0);
        window.advance(Instant::MAX, Micros::ZERO);
        assert_eq!(window.slots().sum::<u32>(), 1);
        for now in [Instant::MAX, Instant::ZERO, Instant::MAX] {
            for width in [Micros(1), Micros::MAX] {
                window.advance(now, width);
            }
        }
        assert_eq!(window.forgotten_at(u64::MAX, Micros::MAX), Instant::MAX);
    }

    #[test]
    fn a_clock_that_runs_back_by_more_than_the_window_begins_again() {
        let span = WIDTH.0 * SLOTS as u64;
        for (back, kept) in [(span - 1, true), (span, true), (span + 1, false)] {
            let mut window = one_at(10 * span);
            let since = window.since.as_micros();
            window.advance(Instant::from_micros(since - back), WIDTH);
            assert_eq!(window.since.as_micros() == since, kept, "{back}");
        }
    }
}
