//! The short way of a plain config: a constant or an exponential curve, full, equal, plus-minus or decorrelated jitter, and no
//! separate first wait. With full jitter there may be a floor and another cap for fresh dials. Its waits are those of the
//! general way, draw for draw.

use rand_core::Rng;

use super::config::{Curve, FOLLOWED, Plain};
use super::{Backoff, BackoffConfig, Jitter, fold};
use crate::mode::Mode;
use crate::ratio::{Ratio, uniform};
use crate::time::Micros;

impl Backoff {
    /// The next wait of a plain config without a base.
    #[inline]
    pub(super) fn plain_wait<R: Rng + ?Sized>(&mut self, config: &BackoffConfig, rng: &mut R) -> Micros {
        if config.plain == Plain::Full {
            let nominal = self.plain_step(config, config.max);
            return uniform(rng, Micros::ZERO, nominal);
        }
        match config.plain {
            Plain::Decorrelated => self.decorrelated_wait(config, rng),
            Plain::PlusMinus => self.plus_minus_wait(config, rng),
            _ => self.equal_wait(config, rng),
        }
    }

    /// The same with a floor or with another cap for fresh dials.
    pub(super) fn wait_between<R: Rng + ?Sized>(
        &mut self,
        config: &BackoffConfig,
        mode: Mode,
        rng: &mut R,
    ) -> Micros {
        let cap = config.cap(mode);
        let nominal = self.plain_step(config, config.top()).min(cap);
        uniform(rng, config.floor.min(cap), nominal)
    }

    // The others are out of line, so that full jitter stays small, the usual one, and that none saves registers for another.

    #[cold]
    #[inline(never)]
    fn equal_wait<R: Rng + ?Sized>(&mut self, config: &BackoffConfig, rng: &mut R) -> Micros {
        let nominal = self.plain_step(config, config.max);
        uniform(rng, Micros(nominal.0 / 2), nominal)
    }

    #[cold]
    #[inline(never)]
    fn plus_minus_wait<R: Rng + ?Sized>(&mut self, config: &BackoffConfig, rng: &mut R) -> Micros {
        let share = if let Jitter::PlusMinus(share) = config.jitter { share } else { Ratio::ZERO };
        let nominal = self.plain_step(config, config.max);
        let spread = share.of(nominal);
        uniform(rng, nominal.saturating_sub(spread), nominal.saturating_add(spread).min(config.max))
    }

    #[cold]
    #[inline(never)]
    fn decorrelated_wait<R: Rng + ?Sized>(&mut self, config: &BackoffConfig, rng: &mut R) -> Micros {
        self.failures = self.failures.saturating_add(1);
        let (low, high) = (config.initial, self.last.max(config.initial).saturating_mul(3));
        self.last = fold(uniform(rng, low, high), low, config.max, high);
        self.last
    }

    /// One step: the nominal wait, up to the larger cap.
    #[inline]
    fn plain_step(&mut self, config: &BackoffConfig, top: Micros) -> Micros {
        self.failures = self.failures.saturating_add(1);
        self.last = if self.last >= config.turn {
            top
        } else if config.factor != 0 {
            self.last.saturating_mul(config.factor.into()).max(config.initial)
        } else {
            self.fractional_step(config, top)
        };
        self.last
    }

    const fn fractional_step(&self, config: &BackoffConfig, top: Micros) -> Micros {
        match config.curve {
            Curve::Exponential(factor) if self.failures <= FOLLOWED => {
                factor.of(self.last).max(self.last.saturating_add(Micros(1))).max(config.initial).min(top)
            }
            _ => top,
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
    use crate::rng::SplitMix64;

    /// Issue 12: a short way equals the general one, at every step of every kind of plain config and far behind the cap.
    #[test]
    fn the_short_way_equals_the_general_one() {
        let mut choices = SplitMix64::new(12);
        let mut below = |n: u64| choices.next_u64() % n;
        let (mut plain, mut between) = (0, 0);
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
            let mut curve = curve.jitter(jitter);
            if jitter == Jitter::Full && below(2) == 0 {
                // Caps and floors on either side of one another, also a floor above the cap of fresh dials.
                let fresh = Duration::from_millis(1 + below(200_000));
                curve =
                    [curve.max_fresh(fresh), curve.floor(max.min(fresh)), curve.max_fresh(fresh).floor(max)]
                        [below(3) as usize];
            }
            let Ok(config) = curve.build() else { continue };
            assert_ne!(config.plain, Plain::No);
            plain += 1;
            between += u32::from(config.plain == Plain::FullBetween);
            let (mut short, mut long) = (Backoff::new(), Backoff::new());
            let mut rng = SplitMix64::new(below(u64::MAX));
            let mut other = rng.clone();
            let steps = if below(20) == 0 { 1_100 } else { 40 };
            for step in 0..steps {
                let mode = [Mode::Fresh, Mode::Resume][below(2) as usize];
                let wait = match config.plain {
                    Plain::FullBetween => short.wait_between(&config, mode, &mut rng),
                    _ => short.plain_wait(&config, &mut rng),
                };
                let general = long.any_wait(&config, Start::of(&config), mode, Micros::ZERO, &mut other);
                assert_eq!((Some(wait), &short), (general, &long), "{config:?} at step {step}");
            }
        }
        assert!(plain > 2_000 && between > 150, "{plain} {between}");
    }
}
