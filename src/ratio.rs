//! Exact ratios and the integer arithmetic of jitter, which gives the same bits on every machine.

use core::fmt;
use core::str::FromStr;

use rand_core::Rng;

use crate::error::{ConfigError, valid};
use crate::time::{Micros, divide};

/// A non-negative fraction of two integers: a growth factor, a share of jitter.
///
/// Parses from `"2"`, `"3/2"` and `"0.2"`, exactly.
///
/// ```
/// use redial::Ratio;
///
/// const FACTOR: Ratio = Ratio::new_const(8, 5); // 1.6; a mistake is a compile error
/// assert_eq!("1.6".parse(), Ok(FACTOR));
/// assert!("1,6".parse::<Ratio>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: u32,
    den: u32,
}

/// The mask of the lower of two digits.
const DIGIT: u64 = 0xffff_ffff;

impl Ratio {
    /// 0.
    pub const ZERO: Self = Self { num: 0, den: 1 };
    /// 1.
    pub const ONE: Self = Self { num: 1, den: 1 };
    /// 2.
    pub const TWO: Self = Self { num: 2, den: 1 };

    /// The ratio `num / den`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RatioNotANumber`] if `den` is 0.
    pub const fn new(num: u32, den: u32) -> Result<Self, ConfigError> {
        if den == 0 {
            return Err(ConfigError::RatioNotANumber);
        }
        // Euclid's algorithm. No divisor is 0; the checked forms are for the lint.
        let (mut a, mut b) = (num, den);
        while let Some(rest) = a.checked_rem(b) {
            (a, b) = (b, rest);
        }
        match (num.checked_div(a), den.checked_div(a)) {
            (Some(num), Some(den)) => Ok(Self { num, den }),
            _ => Err(ConfigError::RatioNotANumber),
        }
    }

    /// The same for a constant.
    ///
    /// # Panics
    /// When `den` is 0: at compile time in a `const`.
    #[must_use]
    #[track_caller]
    pub const fn new_const(num: u32, den: u32) -> Self {
        valid(Self::new(num, den))
    }

    /// The numerator, in lowest terms.
    #[must_use]
    pub const fn numerator(self) -> u32 {
        self.num
    }

    /// The denominator, in lowest terms; never 0.
    #[must_use]
    pub const fn denominator(self) -> u32 {
        self.den
    }

    /// Whether this is less than 1.
    #[must_use]
    pub const fn is_below_one(self) -> bool {
        self.num < self.den
    }

    /// Whether this is more than 1.
    #[must_use]
    pub const fn is_above_one(self) -> bool {
        self.num > self.den
    }

    /// Whether this is less than `other`.
    #[must_use]
    pub const fn is_below(self, other: Self) -> bool {
        (self.num as u64).saturating_mul(other.den as u64)
            < (other.num as u64).saturating_mul(self.den as u64)
    }

    /// `span × self`, rounded down, saturating.
    pub(crate) const fn of(self, span: Micros) -> Micros {
        if self.den == 1 {
            // The usual factor 2 needs no 128-bit division.
            return span.saturating_mul(self.num as u64);
        }
        if cfg!(target_pointer_width = "64") {
            if let Some(product) = span.0.checked_mul(self.num as u64) {
                if let Some(quotient) = product.checked_div(self.den as u64) {
                    return Micros(quotient);
                }
            }
        }
        // In two digits of 32 bits, since a 128-bit division takes a kilobyte on a microcontroller. No step can overflow, and
        // no divisor is 0.
        let num = self.num as u64;
        let low = (span.0 & DIGIT).wrapping_mul(num);
        let high = (span.0 >> 32).wrapping_mul(num).wrapping_add(low >> 32);
        let (first, rest) = divide(high, self.den);
        if first > DIGIT {
            return Micros::MAX;
        }
        let (second, _) = divide(((rest as u64) << 32) | (low & DIGIT), self.den);
        Micros((first << 32) | second)
    }

    /// The least span whose product with a ratio above 0 is at least `span`; the largest one if there is none.
    pub(crate) const fn least_reaching(self, span: Micros) -> Micros {
        let product = (span.0 as u128).saturating_mul(self.den as u128);
        let up = product.saturating_add((self.num as u128).saturating_sub(1));
        match up.checked_div(self.num as u128) {
            Some(least) if least < u64::MAX as u128 => Micros(least as u64),
            _ => Micros::MAX,
        }
    }

    /// `span / (1 + self)`, rounded down: the largest span that stays within `span` when `self` of it is added.
    pub(crate) const fn divide_one_plus(self, span: Micros) -> Micros {
        let whole = (self.den as u64).saturating_add(self.num as u64); // of two u32: never saturates
        match (span.0 as u128).saturating_mul(self.den as u128).checked_div(whole as u128) {
            Some(micros) => Micros(micros as u64), // den <= whole
            None => Micros::ZERO,
        }
    }
}

impl FromStr for Ratio {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let whole = |digits: &str| {
            // `u32::from_str` takes a leading sign; a ratio has none.
            if digits.starts_with(['+', '-']) {
                return Err(ConfigError::RatioNotANumber);
            }
            digits.parse::<u32>().map_err(|_| ConfigError::RatioNotANumber)
        };
        if let Some((num, den)) = text.split_once('/') {
            return Self::new(whole(num)?, whole(den)?);
        }
        let Some((int, frac)) = text.split_once('.') else {
            return Self::new(whole(text)?, 1);
        };
        let digits = u32::try_from(frac.len()).map_err(|_| ConfigError::RatioNotANumber)?;
        let den = 10_u32.checked_pow(digits).ok_or(ConfigError::RatioNotANumber)?;
        let num = whole(int)?.checked_mul(den).and_then(|high| high.checked_add(whole(frac).ok()?));
        Self::new(num.ok_or(ConfigError::RatioNotANumber)?, den)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

/// A uniform draw from `[low, high)`, or `low` if the range is empty. Takes one `u64` from the generator.
///
/// `low + floor((high - low) × u / 2^64)`: the multiply-shift map, which never loops, and whose bias is below 2^-20 for any range
/// of less than 200 days.
pub(crate) fn uniform<R: Rng + ?Sized>(rng: &mut R, low: Micros, high: Micros) -> Micros {
    place(low, high, rng.next_u64())
}

/// The place of a draw in `[low, high)`.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))] // A product of 128 bits is large there.
fn place(low: Micros, high: Micros, draw: u64) -> Micros {
    let width = high.saturating_sub(low);
    // (2^64 - 1)² fits in 128 bits, and the upper half of the product is below `width`.
    let scaled = (u128::from(width.0).wrapping_mul(draw.into()) >> 64) as u64;
    low.saturating_add(Micros(scaled))
}

/// A draw from `[0, span)`; an empty span takes nothing from the generator.
pub(crate) fn below<R: Rng + ?Sized>(rng: &mut R, span: Micros) -> Micros {
    if span.is_zero() { span } else { uniform(rng, Micros::ZERO, span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_three_forms_exactly() {
        assert_eq!("2".parse(), Ratio::new(2, 1));
        assert_eq!("3/2".parse(), Ratio::new(3, 2));
        assert_eq!("0.2".parse(), Ratio::new(1, 5));
        assert_eq!("1.60".parse(), Ratio::new(8, 5));
        for wrong in ["", "x", "1/0", "-1", "+1", "1.", ".5", "1e3", "0.12345678901", "1/2/3", "4294967296"] {
            assert_eq!(wrong.parse::<Ratio>(), Err(ConfigError::RatioNotANumber), "{wrong:?}");
        }
    }

    #[test]
    fn scaling_saturates_and_rounds_down() {
        let ratio = |n, d| Ratio::new(n, d).unwrap();
        assert_eq!(ratio(3, 2).of(Micros(3)), Micros(4));
        assert_eq!(ratio(8, 5).of(Micros(u64::MAX)), Micros::MAX);
        assert_eq!(ratio(1, 2).of(Micros(u64::MAX)), Micros(u64::MAX / 2));
        assert_eq!(ratio(u32::MAX, 1).of(Micros(u64::MAX)), Micros::MAX);
        assert_eq!(Ratio::ONE.divide_one_plus(Micros::MAX), Micros(u64::MAX / 2));
        assert_eq!(Ratio::ZERO.divide_one_plus(Micros::MAX), Micros::MAX);
        assert_eq!(ratio(u32::MAX, 1).divide_one_plus(Micros(1 << 33)), Micros(2));
    }

    /// Where the product has more than 64 bits, and to the last span that there is.
    #[test]
    fn scaling_is_exact_up_to_the_largest_span() {
        let ratio = |n, d| Ratio::new(n, d).unwrap();
        for (span, n, d) in
            [(u64::MAX / 3 * 2 - 2, 3, 2), (u64::MAX - 5, 7, 7), (1 << 63, 1_999_999_999, 1_000_000_000)]
        {
            let exact = u128::from(span) * u128::from(n) / u128::from(d);
            assert_eq!(u128::from(ratio(n, d).of(Micros(span)).0), exact, "{span} {n}/{d}");
        }
    }

    #[test]
    fn the_least_span_that_reaches_another_saturates() {
        let half = Ratio::new(1, 2).unwrap();
        assert_eq!(half.least_reaching(Micros(5)), Micros(10));
        assert_eq!(half.least_reaching(Micros(u64::MAX / 2)), Micros(u64::MAX - 1));
        assert_eq!(half.least_reaching(Micros(u64::MAX / 2 + 1)), Micros::MAX);
        assert_eq!(half.least_reaching(Micros::MAX), Micros::MAX);
    }
}
