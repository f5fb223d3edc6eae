//! Counters of 32 bits that wrap ([`Widened`]). Report 17: a stanza counter must wrap to 0 at 2³², and the client went on
//! above it.

use std::time::Duration;

use proptest::prelude::*;
use redial::time::Widened;
use redial::{Cause, Config, Event, Instant, IoKind, Phase, Policy, Ratio, SplitMix64, presets};

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

/// The known rates: a crystal of 32,768 Hz, a tick of 100 Hz, a cycle counter of 72 MHz, and microseconds.
#[test]
fn ticks_of_any_rate_are_microseconds() {
    let at =
        |ticks, num, den| Widened::after(0).instant_from_ticks(ticks, Ratio::new(num, den).expect("a ratio"));
    assert_eq!(at(32_768, 1_000_000, 32_768), Instant::from_millis(1_000));
    assert_eq!(at(1, 1_000_000, 32_768), Instant::from_micros(30), "30.5 rounded down");
    assert_eq!(at(2, 1_000_000, 32_768), Instant::from_micros(61), "and no error adds up");
    assert_eq!(at(101, 1_000_000, 100), Instant::from_millis(1_010));
    assert_eq!(at(72_000_000, 1, 72), Instant::from_millis(1_000));
    let mut micros = Widened::after((1 << 32) - 1);
    assert_eq!(micros.instant_from_micros(7), Instant::from_micros((1 << 32) + 7));
}

/// A read after half a round or more is a read too late: no time is invented, and whole rounds are lost.
#[test]
fn a_read_too_late_loses_whole_rounds() {
    for late in [u64::from(HALF), ROUND - 1, ROUND, 3 * ROUND + 10] {
        let mut clock = Widened::after(1_000);
        let now = 1_000 + late;
        assert!(clock.widen(now as u32) <= 1_000 + late % ROUND, "{late}");
        assert!(clock.newest() <= Some(now));
        // As soon as the counter has passed the newest number, the clock moves on with it.
        let again = now.next_multiple_of(ROUND) + 1_000 + 20;
        assert_eq!(clock.widen(again as u32) % ROUND, 1_020, "{late}");
        let lost = again - clock.newest().expect("a number");
        assert_eq!(lost % ROUND, 0, "{late}");
    }
}

/// A policy on a tick of 32 bits decides as one on a clock that never wraps, for every preset and over several wraps.
#[test]
fn a_policy_on_a_tick_that_wraps() {
    for (name, config) in presets::ALL {
        let policy = |config: &'static Config| Policy::new(config, SplitMix64::new(17));
        let (mut wide, mut narrow) = (policy(config), policy(config));
        let (mut clock, mut millis, mut steps) =
            (Widened::new(), u64::from(u32::MAX) - 5_000, SplitMix64::new(5));
        let begin = millis;
        for step in 0..600 {
            let event = next_event(&wide, step);
            let (there, here) = (Instant::from_millis(millis), clock.instant_from_millis(millis as u32));
            assert_eq!(there, here, "{name} {step}");
            let (expected, found) = match event {
                Some(event) => (wide.handle_event(there, event.clone()), narrow.handle_event(here, event)),
                None => (wide.handle_timeout(there), narrow.handle_timeout(here)),
            };
            assert_eq!(expected, found, "{name} {step}");
            assert_eq!(wide.poll_timeout(), narrow.poll_timeout(), "{name} {step}");
            millis = next_millis(&wide, millis, &mut steps);
        }
        assert_eq!(wide, narrow, "{name}");
        assert!(millis - begin > 3 * ROUND, "{name}: {} days", (millis - begin) / 86_400_000);
    }
}

/// What goes well, and every seventh time a connection that is reset.
fn next_event(policy: &Policy<SplitMix64>, step: u32) -> Option<Event> {
    let epoch = policy.epoch();
    Some(match (policy.phase(), epoch) {
        (Phase::Idle | Phase::Stopped | Phase::Failed, _) => Event::Start,
        (_, None) if step % 5 == 0 => Event::CredentialOk { request: None, ttl: None },
        (_, None) => return None,
        (_, Some(epoch)) if step % 7 == 0 => {
            Event::Closed { epoch, cause: Cause::Io(IoKind::ConnectionReset) }
        }
        (Phase::Connecting, Some(epoch)) => Event::Opened { epoch },
        (Phase::Establishing, Some(epoch)) => {
            Event::Ready { epoch, token: None, endpoint: None, sequence: None, ttl: None }
        }
        (_, Some(epoch)) if step % 2 == 0 => Event::HeartbeatAcked { epoch },
        _ => return None,
    })
}

/// The deadline, rounded up to a whole tick, or once in a while up to 24 days.
fn next_millis(policy: &Policy<SplitMix64>, millis: u64, steps: &mut SplitMix64) -> u64 {
    use redial::rand_core::Rng;
    let draw = steps.next_u64();
    if draw % 8 == 0 {
        return millis + (draw >> 8) % u64::from(HALF);
    }
    let due = policy.poll_timeout().map_or(millis, |at| at.as_micros().div_ceil(1_000));
    due.clamp(millis, millis + u64::from(HALF) - 1)
}

proptest! {
    /// Any rate, against the exact product of 128 bits.
    #[test]
    fn any_rate_is_exact(newest in any::<u64>(), raw in any::<u32>(), num in any::<u32>(), den in 1_u32..) {
        for newest in [newest, newest >> 20, newest >> 40] {
            let number = Widened::after(newest).widen(raw);
            let exact = u128::from(number) * u128::from(num) / u128::from(den);
            let expected = Instant::from_micros(u64::try_from(exact).unwrap_or(u64::MAX));
            let per_tick = Ratio::new(num, den).expect("a ratio");
            prop_assert_eq!(Widened::after(newest).instant_from_ticks(raw, per_tick), expected);
        }
    }

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
