//! Every byte string is what a counter of 32 bits showed, read by read. Each number, and the instant of each tick, is what exact
//! arithmetic says, at both ends of the range as well.

#![allow(unreachable_pub, reason = "several crates include this file")]

use redial::testing::Script;
use redial::time::Widened;
use redial::{Instant, Ratio};

const ROUND: i128 = 1 << 32;
const END: i128 = u64::MAX as i128;

/// The number nearest to the newest that shows this; of two as near the one behind.
fn nearest(newest: i128, raw: i128) -> i128 {
    let round = newest / ROUND;
    let near = (round - 1..=round + 1).map(|round| round * ROUND + raw);
    near.min_by_key(|number| ((number - newest).abs(), *number)).expect("three of them")
}

pub fn run(bytes: &[u8]) {
    let mut script = Script::from_bytes(bytes);
    let mut counter = Widened::new();
    let mut newest = None;
    if script.flag() {
        let number = script.instant().as_micros();
        counter = Widened::after(number);
        newest = Some(i128::from(number).min(END - 1));
    }
    for _ in 0..200 {
        if script.is_done() {
            break;
        }
        let shown = newest.unwrap_or(0) as u32;
        let raw = match script.below(5) {
            0 => shown.wrapping_add(script.below(0x0200)),
            1 => shown.wrapping_sub(script.below(0x0200)),
            // About half a round away.
            2 => shown.wrapping_add(1 << 31).wrapping_add(script.below(3)).wrapping_sub(1),
            3 => u32::MAX - script.below(2),
            _ => script.below(u32::MAX),
        };
        let number = newest.map_or(raw.into(), |newest| nearest(newest, raw.into()).clamp(0, END - 1));
        newest = newest.max(Some(number));
        let mut clock = counter;
        let (instant, micros) = match script.below(4) {
            0 => (clock.instant_from_millis(raw), number * 1_000),
            1 => (clock.instant_from_micros(raw), number),
            2 => {
                let rate = Ratio::new_const(script.below(u32::MAX), 1 + script.below(1_000_000));
                let exact = number * i128::from(rate.numerator()) / i128::from(rate.denominator());
                (clock.instant_from_ticks(raw, rate), exact)
            }
            _ => (Instant::from_micros(clock.widen(raw)), number),
        };
        assert_eq!(i128::from(instant.as_micros()), micros.min(END), "{raw} after {counter:?}");
        assert_eq!(i128::from(counter.widen(raw)), number, "{raw}");
        assert_eq!(counter, clock, "however it is read");
        assert_eq!(counter.newest().map(i128::from), newest);

        let (span, was) = (script.duration(), instant);
        let exact = i128::from(was.as_micros()) + span.as_nanos().div_ceil(1_000) as i128;
        let later = was.saturating_add(span);
        assert_eq!(i128::from(later.as_micros()), exact.min(END), "{was:?} and {span:?}");
        assert_eq!(
            later.saturating_duration_since(was).as_micros(),
            (later.as_micros() - was.as_micros()).into()
        );
        assert!(was.saturating_duration_since(later).is_zero() && was.as_millis() == was.as_micros() / 1_000);
    }
}
