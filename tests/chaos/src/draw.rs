//! Numbers from a seed: what a fault is must not depend on anything else.

use redial::SplitMix64;
use redial::rand_core::Rng;

#[derive(Clone, Debug)]
pub(crate) struct Draw(SplitMix64);

impl Draw {
    /// The draws of this number's fault, or whatever else is numbered, in a run with this seed.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut mixed = SplitMix64::new(seed);
        let key = mixed.next_u64();
        Self(SplitMix64::new(key ^ SplitMix64::new(number).next_u64()))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 to below `end`, which is at least 1. The bias is below 1 in 2⁴⁰.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several; there is at least one.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(of.len() as u64)).unwrap_or_default();
        &of[index]
    }
}

#[cfg(test)]
mod tests {
    use super::Draw;

    #[test]
    fn the_same_seed_and_number_draw_the_same() {
        let draws = |seed, number| {
            let mut draw = Draw::new(seed, number);
            [draw.number(), draw.between(5, 9), draw.below(3)]
        };
        assert_eq!(draws(1, 2), draws(1, 2));
        assert_ne!(draws(1, 2), draws(1, 3));
        assert_ne!(draws(1, 2), draws(2, 2));
    }

    #[test]
    fn a_range_has_both_of_its_ends() {
        let mut draw = Draw::new(1, 1);
        let drawn: Vec<u64> = (0..200).map(|_| draw.between(3, 5)).collect();
        assert!((3..=5).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|number| (3..=5).contains(number)));
    }
}
