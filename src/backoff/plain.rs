//! The short way of a plain config: a constant or an exponential curve, full, equal, plus-minus or decorrelated jitter, one cap, and
//! neither a floor nor a separate first wait. Its waits are those of the general way, draw for draw.

use rand_core::Rng;

use super::config::{Curve, FOLLOWED, Plain};
use super::{Backoff, BackoffConfig, Jitter, fold};
use crate::ratio::uniform;
use crate::time::Micros;

impl Backoff {
    /// The next wait of a plain config without a base.
    #[inline]
    pub(super) fn plain_wait<R: Rng + ?Sized>(&mut self, config: &BackoffConfig, rng: &mut R) -> Micros {
        if config.plain == Plain::Full {
            let nominal = self.plain_step(config);
            return uniform(rng, Micros::ZERO, nominal);
        }
        self.other_plain_wait(config, rng)
    }

    #[inline(never)] // Keep full jitter small, the usual one.
    fn other_plain_wait<R: Rng + ?Sized>(&mut self, config: &BackoffConfig, rng: &mut R) -> Micros {
        if config.plain == Plain::Decorrelated {
            self.failures = self.failures.saturating_add(1);
            let (low, high) = (config.initial, self.last.max(config.initial).saturating_mul(3));
            self.last = fold(uniform(rng, low, high), low, config.max, high);
            return self.last;
        }
        let nominal = self.plain_step(config);
        let (low, high) = match config.jitter {
            Jitter::PlusMinus(share) => {
                let spread = share.of(nominal);
                (nominal.saturating_sub(spread), nominal.saturating_add(spread).min(config.max))
            }
            _ => (Micros(nominal.0 / 2), nominal),
        };
        uniform(rng, low, high)
    }

    /// One step: the nominal wait.
    #[inline]
    fn plain_step(&mut self, config: &BackoffConfig) -> Micros {
        self.failures = self.failures.saturating_add(1);
        self.last = if self.last >= config.turn {
            config.max
        } else if config.factor != 0 {
            self.last.saturating_mul(config.factor.into()).max(config.initial)
        } else {
            self.fractional_step(config)
        };
        self.last
    }

    const fn fractional_step(&self, config: &BackoffConfig) -> Micros {
        match config.curve {
            Curve::Exponential(factor) if self.failures <= FOLLOWED => factor
                .of(self.last)
                .max(self.last.saturating_add(Micros(1)))
                .max(config.initial)
                .min(config.max),
            _ => config.max,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use rand_core::Rng;

    use super::*;
    use crate::backoff::base::Start;
    use crate::mode::Mode;
    use crate::ratio::Ratio;
    use crate::rng::SplitMix64;

    /// Issue 12: a short way equals the general one, at every step of every kind of plain config and far behind the cap.
    #[test]
    fn the_short_way_equals_the_general_one() {
        let mut choices = SplitMix64::new(12);
        let mut below = |n: u64| choices.next_u64() % n;
        let mut plain = 0;
        for _ in 0..3_000 {
            let initial = 1 + below(20_000);
            let max = initial + below(4) * below(100_000);
            let (initial, max) = (Duration::from_millis(initial), Duration::from_millis(max));
            let den = 1 + below(7) as u32;
            let factor = Ratio::new(den + below(5) as u32 * below(8) as u32, den).unwrap();
            let share = Ratio::new(below(11) as u32, 10).unwrap();
            let jitter = [Jitter::Full, Jitter::Equal, Jitter::PlusMinus(share), Jitter::Decorrelated]
                [below(4) as usize];
            let curve = match below(3) {
                0 => BackoffConfig::constant(max),
                _ => BackoffConfig::exponential(initial, factor, max),
            };
            let Ok(config) = curve.jitter(jitter).build() else { continue };
            assert_ne!(config.plain, Plain::No);
            plain += 1;
            let (mut short, mut long) = (Backoff::new(), Backoff::new());
            let mut rng = SplitMix64::new(below(u64::MAX));
            let mut other = rng.clone();
            let steps = if below(20) == 0 { 1_100 } else { 40 };
            for step in 0..steps {
                let wait = short.plain_wait(&config, &mut rng);
                let general =
                    long.any_wait(&config, Start::of(&config), Mode::Resume, Micros::ZERO, &mut other);
                assert_eq!((Some(wait), &short), (general, &long), "{config:?} at step {step}");
            }
        }
        assert!(plain > 2_000, "{plain}");
    }
}
