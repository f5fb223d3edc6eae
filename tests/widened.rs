//! Counters of 32 bits that wrap ([`Widened`]). Report 17: a stanza counter must wrap to 0 at 2³², and the client went on
//! above it.

use std::time::Duration;

use proptest::prelude::*;
use redial::Instant;
use redial::time::Widened;

const ROUND: u64 = 1 << 32;
const HALF: u32 = 1 << 31;

/// Report 17: the number after 2³² - 1 is 2³², whose raw value is 0.
#[test]
fn a_counter_goes_on_over_its_end() {
    let mut counter = Widened::new();
    let numbers = [u32::MAX - 1, u32::MAX, 0, 1].map(|raw| counter.widen(raw));
    assert_eq!(numbers, [ROUND - 2, ROUND - 1, ROUND, ROUND + 1]);
    assert_eq!(numbers.map(|n| n as u32), [u32::MAX - 1, u32::MAX, 0, 1], "what a resume sends");
}

/// The first value is what it is, wherever the counter stands; none is no number.
#[test]
fn the_first_value_is_taken_as_it_is() {
    assert_eq!(Widened::new().newest(), None);
    for first in [0, 1, HALF - 1, HALF, HALF + 1, u32::MAX] {
        let mut counter = Widened::new();
        assert_eq!(counter.widen(first), u64::from(first));
        assert_eq!(counter.newest(), Some(first.into()));
    }
}

/// An older value gets its own number and moves nothing, also over the end of a round.
#[test]
fn an_older_value_moves_nothing() {
    let mut counter = Widened::after(3 * ROUND + 5);
    for (raw, number) in [(5, 3 * ROUND + 5), (4, 3 * ROUND + 4), (0, 3 * ROUND), (u32::MAX, 3 * ROUND - 1)] {
        assert_eq!(counter.widen(raw), number);
        assert_eq!(counter.newest(), Some(3 * ROUND + 5));
    }
    // Half a round behind still is behind, one less is ahead.
    assert_eq!(counter.widen(5 + HALF), 3 * ROUND + 5 - u64::from(HALF));
    assert_eq!(counter.newest(), Some(3 * ROUND + 5));
    assert_eq!(counter.widen(5 + HALF - 1), 3 * ROUND + 4 + u64::from(HALF));
    assert_eq!(counter.newest(), Some(3 * ROUND + 4 + u64::from(HALF)));
    // Nothing is older than number 0.
    let mut young = Widened::after(2);
    assert_eq!((young.widen(u32::MAX), young.newest()), (0, Some(2)));
}

/// The end of 64 bits is no panic and no way back.
#[test]
fn the_last_number_is_the_last() {
    for newest in [u64::MAX, u64::MAX - 1] {
        let mut counter = Widened::after(newest);
        assert_eq!(counter.newest(), Some(u64::MAX - 1));
        for raw in [0, 1, u32::MAX, HALF - 2, u32::MAX - 1] {
            let number = counter.widen(raw);
            assert!(number < u64::MAX);
            assert_eq!(counter.newest(), Some(u64::MAX - 1));
        }
        assert_eq!(counter.widen(u32::MAX - 7), u64::MAX - 7);
    }
}

/// Ticks of a microcontroller, read at least every 24 days, are the time since it started.
#[test]
fn ticks_are_a_clock() {
    const fn at(ticks: u32) -> Instant {
        Widened::new().instant_from_millis(ticks)
    }
    assert_eq!(at(7), Instant::from_millis(7));
    let (mut clock, mut millis) = (Widened::new(), 0_u64);
    for step in [0, 1, 10, 86_400_000, 2_147_483_647, 3, 2_147_483_647, 2_147_483_647, 5, 2_147_483_647] {
        millis += step;
        assert_eq!(clock.instant_from_millis(millis as u32), Instant::from_millis(millis), "{step}");
    }
    // A reading that another task took a moment ago is a moment ago.
    let before = clock.instant_from_millis((millis - 4) as u32);
    assert_eq!(Instant::from_millis(millis).saturating_duration_since(before), Duration::from_millis(4));
}

proptest! {
    /// Report 17: whatever a counter does in steps of less than half a round, forwards and back to what was, each raw value
    /// is widened to the number that it was made from, and the newest never falls.
    #[test]
    fn any_walk_is_followed(
        start in prop_oneof![0..1000_u64, any::<u64>().prop_map(|n| n >> 8)],
        first in any::<bool>(),
        steps in prop::collection::vec((any::<bool>(), prop_oneof![0..5_u32, 0..HALF, HALF - 5..HALF]), 1..200),
    ) {
        // From nothing, or from the number of another process.
        let mut newest = if first { start & u64::from(u32::MAX) } else { start };
        let mut counter = if first { Widened::new() } else { Widened::after(start) };
        prop_assert_eq!(counter.widen(newest as u32), newest);
        for (ahead, step) in steps {
            let step = u64::from(step);
            let number = if ahead { newest + step } else { newest.saturating_sub(step) };
            prop_assert_eq!(counter.widen(number as u32), number);
            newest = newest.max(number);
            prop_assert_eq!(counter.newest(), Some(newest));
        }
    }

    /// Any values at all: the newest never falls, no number is above it, and nothing panics.
    #[test]
    fn any_values_are_total(start in any::<u64>(), raws in prop::collection::vec(any::<u32>(), 1..200)) {
        let mut counter = Widened::after(start);
        for raw in raws {
            let before = counter.newest();
            let number = counter.widen(raw);
            prop_assert!(counter.newest() >= before && Some(number) <= counter.newest());
            let cut = number == 0 || number == u64::MAX - 1;
            prop_assert!(cut || number as u32 == raw, "{} for {}", number, raw);
        }
    }
}
