//! The curve of Polly's `DecorrelatedJitterV2`, in integers.
//!
//! Polly draws one `u` in [0, 1) for each wait and walks along `f(t) = 2^t × tanh(2 √t)` with `t = n + u`, n from 0:
//! the wait is the distance from the last position, divided by 1.4 so that the median is near the first delay. Steps are
//! random but never backwards, so that the waits of many clients spread smoothly, without the peaks of a plain exponential
//! curve.
//!
//! Here a *position* is `initial × f(t) / 1.4`, rounded down to whole microseconds. It needs one square root and two powers
//! of 2 with fixed-point arguments, since `tanh x = (1 - e^-2x) / (1 + e^-2x)`. Their error is below 2^-56 of the position;
//! a wait is the difference of two positions and so at most 1 µs off, for as long as the positions are below 2^56 µs (2283
//! years).

use crate::time::Micros;

/// 1 with 62 fractional bits.
const ONE: u64 = 1 << 62;
/// ln 2 with 62 fractional bits.
const LN_2: u64 = 3_196_577_161_300_663_915;
/// 4 / ln 2 with 60 fractional bits.
const FOUR_OVER_LN_2: u64 = 6_653_256_548_922_161_246;
/// Terms of the exponential series: (ln 2)^20 / 20! is below 2^-71.
const TERMS: u64 = 19;

/// The position at `t = step + u / 2^64`, saturating. Steps above 66, which no config reaches, count as 66.
pub(super) fn place(initial: Micros, step: u32, u: u64) -> Micros {
    let step = step.min(66);
    let grown = u128::from(exp2(u)).wrapping_mul(u128::from(tanh_2_sqrt(step, u))) >> 62;
    // Below 2^64 × 2^63: neither this product nor five sevenths of it overflow.
    let unit = (u128::from(initial.0).wrapping_mul(grown) / 7).wrapping_mul(5);
    let micros = match step.checked_sub(62) {
        None => unit.wrapping_shr(62_u32.saturating_sub(step)),
        Some(more) => unit.saturating_mul(1_u128.wrapping_shl(more)),
    };
    Micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// The first step that ends beyond `top`: the least n with `initial × 2^n >= 1.4 × top`.
///
/// Growing further would only put more and more of the draws above the cap.
pub(super) fn last_step(initial: Micros, top: Micros) -> u32 {
    let unit = u128::from(initial.0.max(1)).saturating_mul(5);
    // Rounded up; far from overflow, and the checked form leaves no panic behind a divisor that is never 0.
    let over = u128::from(top.0).saturating_mul(7).saturating_add(unit.saturating_sub(1));
    let times = over.checked_div(unit).unwrap_or(0);
    u128::BITS.saturating_sub(times.saturating_sub(1).leading_zeros())
}

/// `2^(x / 2^64)`, in [1, 2] with 62 fractional bits: the series of e^(x ln 2) by Horner's rule.
fn exp2(x: u64) -> u64 {
    let z = (u128::from(x).wrapping_mul(u128::from(LN_2)) >> 64) as u64;
    (1..=TERMS).rev().fold(ONE, |sum, k| {
        let term = (u128::from(z).wrapping_mul(u128::from(sum)) >> 62) as u64;
        ONE.saturating_add(term.checked_div(k).unwrap_or(0))
    })
}

/// `tanh(2 √t)` at `t = step + u / 2^64`, with 62 fractional bits.
fn tanh_2_sqrt(step: u32, u: u64) -> u64 {
    let t = (u128::from(step) << 64) | u128::from(u);
    // 60 fractional bits: t has 64 and at most 7 whole ones, so nothing is shifted out.
    let root = (t << 56).isqrt();
    // e^(-4 √t) = 2^-y, y with 60 fractional bits.
    let y = root.wrapping_mul(u128::from(FOUR_OVER_LN_2)) >> 60;
    let whole = (y >> 60) as u32;
    let part = (y as u64) & ((1 << 60) - 1);
    // 2^-y = 2^(1 - part) / 2^(whole + 1), where 1 - part is a number of 60 bits, of which more are shifted out.
    let small = match part {
        0 => ONE.wrapping_shr(whole),
        _ => exp2(part.wrapping_neg() << 4).wrapping_shr(whole.saturating_add(1)),
    };
    let over = u128::from(ONE.saturating_sub(small)) << 62;
    over.checked_div(u128::from(ONE.saturating_add(small))).map_or(0, |tanh| tanh as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::base::Base;
    use crate::backoff::{Backoff, BackoffConfig, Jitter};
    use crate::ratio::Ratio;

    extern crate std;

    /// The stated error, against floats: 53 bits, so large places allow for the float's own.
    #[test]
    fn places_are_those_of_the_formula() {
        for initial in [1, 7, 1000, 1_000_000, 86_400_000_000, 1 << 45] {
            for step in 0..66 {
                for sixteenth in 0..16_u64 {
                    let u = (sixteenth << 60) | (sixteenth * 0x0123_4567_89ab);
                    let t = f64::from(step) + u as f64 / 2_f64.powi(64);
                    let want = initial as f64 * t.exp2() * (4.0 * t).sqrt().tanh() / 1.4;
                    let got = place(Micros(initial), step, u);
                    if want < u64::MAX as f64 {
                        let off = want - got.0 as f64;
                        let float = want * 1e-14;
                        assert!((-float..=1.0 + float).contains(&off), "{initial} {t}: {got:?}, not {want}");
                    } else {
                        assert!(got.0 as f64 >= u64::MAX as f64 * (1.0 - 1e-14), "{initial} {t}: {got:?}");
                    }
                }
            }
        }
    }

    /// The stated error where floats are too coarse: values computed with 70 digits.
    #[test]
    fn large_places_are_off_by_less_than_2_to_the_minus_56() {
        let places = [
            (1 << 61, 0, 1 << 40, 804_214_188_486_045),
            (1 << 61, 0, 1 << 63, 2_069_274_897_139_163_070),
            (1 << 61, 0, u64::MAX, 3_175_566_080_295_738_450),
            (1 << 60, 1, 1 << 62, 1_914_418_886_506_951_210),
            (1 << 58, 3, 0x1234_5678_9abc_def0, 1_727_125_823_233_055_717),
            (1_000_000, 40, 0xfedc_ba98_7654_3210, 1_565_899_463_973_478_931),
            (1, 62, 1, 3_294_061_441_733_710_398),
            (3, 60, 1 << 63, 3_493_879_774_642_494_607_u64),
        ];
        for (initial, step, u, want) in places {
            let got = place(Micros(initial), step, u).0;
            assert!(got.abs_diff(want) <= 1 + (want >> 56), "{initial} {step} {u}: {got}, not {want}");
        }
    }

    #[test]
    fn places_never_fall_and_saturate() {
        for initial in [1, 1_000_000, u64::MAX] {
            let mut before = Micros::ZERO;
            for step in 0..=66 {
                for u in [0, 1, 1 << 32, 1 << 63, u64::MAX] {
                    let here = place(Micros(initial), step, u);
                    assert!(here.0 >= before.0 - (before.0 >> 56), "{initial} {step} {u}");
                    before = here;
                }
            }
        }
        assert_eq!(place(Micros(5), 0, 0), Micros::ZERO);
        assert_eq!(place(Micros(5), u32::MAX, 7), place(Micros(5), 66, 7));
        assert_eq!(place(Micros::MAX, 66, u64::MAX), Micros::MAX);
    }

    #[test]
    fn the_last_step_is_the_first_beyond_the_cap() {
        assert_eq!(last_step(Micros(1000), Micros(1000)), 1);
        assert_eq!(last_step(Micros(1000), Micros(30_000)), 6); // 42 times, up to 64
        assert_eq!(last_step(Micros(5), Micros(1)), 0);
        assert_eq!(last_step(Micros(1), Micros::MAX), 65);
        assert_eq!(last_step(Micros::ZERO, Micros::MAX), 65);
    }

    const INITIAL: Micros = Micros(1_000_000);
    const NOON: u64 = 1 << 63;

    /// The wait after so many failures, from this position, in a mode with this cap. The last step of the config is 3.
    fn walked(failures: u32, last: u64, cap: u64, draw: u64) -> u64 {
        let span = core::time::Duration::from_micros;
        let curve = BackoffConfig::exponential(span(INITIAL.0), Ratio::TWO, span(5_000_000));
        let config = curve.jitter(Jitter::DecorrelatedV2).build_const();
        assert_eq!(last_step(INITIAL, config.top()), 3);
        let mut backoff = Backoff { last: Micros(last), failures, base: Base::NONE };
        backoff.walk(&config, INITIAL, Micros(cap), draw).0
    }

    /// A draw at or above the cap lies below it as far from the low end as it was above it, in proportion.
    #[test]
    fn a_draw_above_the_cap_is_spread_below_it() {
        let wait = place(INITIAL, 0, NOON).0;
        assert_eq!(walked(1, 0, wait + 1, NOON), wait);
        assert_eq!(walked(1, 0, wait, NOON), 0, "a draw at the cap is the lowest of those above it");
        let (cap, high) = (wait / 5 * 4, place(INITIAL, 1, 0).0);
        assert_eq!(walked(1, 0, cap, NOON), (wait - cap) * cap / (high - cap));
    }

    /// Where every draw of a step is above the cap of this mode, the waits are between a half of the cap and the cap.
    #[test]
    fn a_cap_below_the_whole_step_is_drawn_from_its_upper_half() {
        let from = 300_000;
        let low = place(INITIAL, 1, 0).0 - from;
        for cap in [low, low - 1, low / 2, low / 10] {
            assert_eq!(walked(2, from, cap, 0), cap / 2, "{cap}");
            assert!((cap / 2 + 1..cap).contains(&walked(2, from, cap, NOON)), "{cap}");
        }
    }

    /// The last step repeats, from half of the position; the first time it goes on from where the walk is.
    #[test]
    fn the_last_step_repeats_from_half_of_its_position() {
        let here = place(INITIAL, 3, NOON).0;
        let from = 4_000_000;
        assert_eq!(walked(4, from, u64::MAX, NOON), here - from);
        assert_eq!(walked(5, from, u64::MAX, NOON), here - from / 2);
        assert_eq!(walked(9, from, u64::MAX, NOON), here - from / 2);
    }
}
