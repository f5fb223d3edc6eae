//! Points, floors and phases that lie exactly where something begins.

use std::time::Duration;

use super::windows;
use crate::draws::{Constant, ms};
use redial::backoff::WindowPhase;
use redial::{Backoff, BackoffConfig, Mode};

const HALF: WindowPhase = WindowPhase::from_bits(1 << 31);

fn wait(backoff: &mut Backoff, config: &BackoffConfig, elapsed: Duration) -> Duration {
    backoff.next_delay(config, Mode::Fresh, elapsed, &mut Constant(0)).expect("no end")
}

/// W05: a floor as wide as the first window leaves the first dials to the next one, and in no step.
#[test]
fn a_floor_as_wide_as_the_first_window_gathers_nobody() {
    let floored = windows(2_000, 40_000).to_builder().floor(ms(2_000)).build().unwrap();
    let first =
        |bits| wait(&mut Backoff::new().with_window_phase(WindowPhase::from_bits(bits)), &floored, ms(0));
    assert_eq!(first(1 << 31), ms(4_000));
    assert_eq!(first(1 << 30), ms(3_000));
}

/// W01: a point is aimed at if it is more than 300 ms ahead.
#[test]
fn a_point_that_is_300_ms_ahead_is_passed() {
    let config = windows(2_000, 40_000);
    let first = |elapsed| wait(&mut Backoff::new().with_window_phase(HALF), &config, elapsed);
    assert_eq!(first(ms(699)), ms(301));
    assert_eq!(first(ms(700)), ms(3_300));
}

/// W06: the last window that can be told from others repeats, and so do its points; none is dialled at again.
#[test]
fn a_point_of_the_last_window_comes_again_a_width_later() {
    let config = windows(2_000, 40_000);
    let mut backoff = Backoff::new().with_window_phase(HALF);
    let late = ms(u64::from(u32::MAX) - 300);
    let point = late + wait(&mut backoff, &config, late);
    let again = wait(&mut backoff, &config, point - ms(300));
    assert!(again > ms(1_000_000), "{again:?}");
}

/// W02: a phase that is given in the middle of an outage takes its place in the windows as they are.
#[test]
fn a_phase_that_is_given_late_moves_no_window() {
    let config = windows(2_000, 40_000);
    let mut backoff = Backoff::new().with_window_phase(HALF);
    assert_eq!(backoff.clone().with_window_phase(HALF), backoff);
    assert_eq!(Backoff::new().with_window_phase(WindowPhase::from_bits(2)).with_window_phase(HALF), backoff);
    for elapsed in [ms(0), ms(1_010), ms(31_536_000_000)] {
        wait(&mut backoff, &config, elapsed);
        assert_eq!(backoff.clone().with_window_phase(HALF), backoff, "{elapsed:?}");
    }
    let mut late = backoff.clone().with_window_phase(WindowPhase::from_bits(1 << 30)).with_window_phase(HALF);
    backoff.reset();
    late.reset();
    assert_eq!(late, backoff, "and is kept");
}

/// W01: the longest first wait is the first window, also where later ones have new places.
#[test]
fn the_first_window_is_the_longest_first_wait() {
    let config = windows(1_750, 40_000).to_builder().phase_bits(3).build().unwrap();
    assert_eq!(config.ceiling(1, Mode::Fresh), Some(ms(1_750)));
    // √(40 s × 1.75 s), but at most twice 1.75 s, and an eighth more.
    assert_eq!(config.ceiling(2, Mode::Fresh), Some(ms(3_500) * 9 / 8));
}
