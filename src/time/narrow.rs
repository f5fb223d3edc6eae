//! Divisions for machines of 32 bits, whose compilers bring a kilobyte for that of a number of 64 bits.

use core::time::Duration;

/// The microseconds as a duration.
pub(super) const fn to_duration(micros: u64) -> Duration {
    let secs = whole_secs(micros);
    let rest = micros.wrapping_sub(secs.wrapping_mul(1_000_000)); // below a million
    let nanos = (rest as u32).wrapping_mul(1_000);
    // The minimum changes nothing, but tells the compiler so.
    Duration::new(secs, if nanos < 999_999_999 { nanos } else { 999_999_999 })
}

/// A division by 2^6 × 5^6 as a shift and a product, rounded up from 2^72 / 5^6, which is exact for 58 bits. The compiler's own
/// takes 900 bytes and a hundred cycles.
const fn whole_secs(micros: u64) -> u64 {
    ((micros >> 6) as u128).wrapping_mul(302_231_454_903_657_294).wrapping_shr(72) as u64
}

/// Quotient and remainder, bit by bit. For a divisor of 0 the quotient is the largest number.
#[inline(never)]
pub(super) const fn divide(dividend: u64, divisor: u32) -> (u64, u32) {
    let (mut quotient, mut rest, mut bits) = (dividend, 0_u32, 64_u32);
    while bits > 0 {
        let carry = rest >> 31;
        rest = rest << 1 | (quotient >> 63) as u32;
        quotient <<= 1;
        if carry == 1 || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
        bits = bits.wrapping_sub(1);
    }
    (quotient, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_the_duration_that_std_makes_of_it() {
        let edges = (0..64).flat_map(|bits| [1_u64 << bits, (1 << bits) - 1, (1 << bits) + 1]);
        let seconds = (0..u64::MAX / 1_000_000).step_by(9_999_999_999).flat_map(|secs| {
            let whole = secs * 1_000_000;
            [whole, whole + 1, whole + 999_999]
        });
        for micros in edges.chain(seconds).chain([u64::MAX, u64::MAX - 1, 18_446_744_073_708_999_999]) {
            assert_eq!(to_duration(micros), Duration::from_micros(micros), "{micros}");
        }
    }

    #[test]
    fn a_division_bit_by_bit_is_a_division() {
        let edges = (0..64).flat_map(|bits| [1_u64 << bits, (1 << bits) - 1, (1 << bits) + 1]);
        for dividend in edges.chain([u64::MAX, u64::MAX - 1, 30_000_001, 0x0123_4567_89ab_cdef]) {
            for divisor in [1, 2, 3, 7, 1_000, 1_000_000, 1 << 31, (1 << 31) + 1, u32::MAX - 1, u32::MAX] {
                let wide = u64::from(divisor);
                let expected = (dividend / wide, (dividend % wide) as u32);
                assert_eq!(divide(dividend, divisor), expected, "{dividend} / {divisor}");
                assert_eq!(super::super::divide(dividend, divisor), expected);
            }
            assert_eq!(divide(dividend, 0).0, u64::MAX);
            assert_eq!(super::super::divide(dividend, 0), (u64::MAX, 0));
        }
    }
}
