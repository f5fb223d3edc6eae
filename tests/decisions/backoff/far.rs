//! Failures by the thousand, where no curve is followed step by step any more.

use super::*;

/// P08, F24: a curve that hardly grows is followed for 1,024 failures, and is at its cap from then on. Counting and the formula
/// agree on it.
#[test]
fn a_curve_is_followed_for_1024_failures() {
    let day = 86_400_000;
    let slow = exponential(1_000, "10001/10000", day);
    let counted: Vec<_> = waits(slow, 1_026);
    assert!(counted[1_023] > counted[1_022] && counted[1_023] < ms(1_200), "{:?}", counted[1_023]);
    assert_eq!(counted[1_024..], [ms(day); 2]);
    for failure in [1_022, 1_023, 1_024, 1_025, 1_026] {
        assert_eq!(slow.ceiling(failure, Mode::Fresh), Some(counted[failure as usize - 1]), "{failure}");
    }
    let full = slow.to_builder().jitter(Jitter::Full).build().unwrap();
    let highest: Vec<_> = full.delays(Constant(u64::MAX)).take(1_026).collect();
    for (full, nominal) in highest.iter().zip(&counted) {
        assert!(*nominal - *full <= us(1), "{full:?} of {nominal:?}");
    }
}

/// F23, P01: far behind, the n-th wait is still that of n.
#[test]
fn a_wait_far_behind_is_that_of_its_number() {
    let config = BackoffConfig::linear(ms(1), ms(86_400_000)).build().unwrap();
    for failure in [1_023, 1_024, 1_025, 5_000, 80_000_000] {
        assert_eq!(config.ceiling(failure, Mode::Fresh), Some(ms(u64::from(failure))));
    }
}
