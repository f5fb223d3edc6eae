//! A random number generator of eight bytes, for fleets and microcontrollers.

mod stored;

use core::convert::Infallible;

use rand_core::{SeedableRng, TryRng};

#[cfg(feature = "record")]
pub(crate) use stored::name_of;

/// The generator SplitMix64, with 8 bytes of state.
///
/// It is good enough for jitter, and not for secrets. Give every instance another seed, since equal seeds draw equal waits. The
/// algorithm is from Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
///
/// ```
/// use rand_core::{Rng, SeedableRng};
/// use redial::SplitMix64;
///
/// let mut rng = SplitMix64::seed_from_u64(7);
/// assert_ne!(rng.next_u64(), rng.next_u64());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator with this seed. There is no default seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }
}

#[cfg(feature = "std")]
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
impl SplitMix64 {
    /// A generator that the operating system seeds: no two clients share their jitter, and no two runs of one client. To make a
    /// [`ChaCha8Rng`](crate::ChaCha8Rng) of it, take `ChaCha8Rng::from_rng(&mut SplitMix64::from_os())`.
    ///
    /// For a run that is to be repeated, draw a seed here once, log it, and give it to [`new`](Self::new).
    ///
    /// `wasm32-unknown-unknown` has no operating system and so no such constructor: pass a seed from
    /// `crypto.getRandomValues`.
    #[cfg_attr(redial_docsrs, doc(cfg(feature = "std")))]
    #[must_use]
    pub fn from_os() -> Self {
        use core::hash::BuildHasher;

        // The keys of std's hash maps come from the operating system's entropy, and no two states share them.
        Self(std::hash::RandomState::new().hash_one(0_u8))
    }
}

impl TryRng for SplitMix64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|draw| (draw >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let draw = self.try_next_u64()?.to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(draw) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl SeedableRng for SplitMix64 {
    type Seed = [u8; 8];

    fn from_seed(seed: Self::Seed) -> Self {
        Self(u64::from_le_bytes(seed))
    }

    fn seed_from_u64(seed: u64) -> Self {
        Self(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    #[cfg(feature = "std")]
    #[test]
    fn two_generators_of_the_system_differ() {
        let mut draws: std::vec::Vec<_> = (0..1_000).map(|_| SplitMix64::from_os().next_u64()).collect();
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 1_000, "any two are equal once in 2^44 runs");
    }

    #[test]
    fn golden_vector_of_the_published_algorithm() {
        let mut rng = SplitMix64::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bytes_are_those_of_the_draws() {
        let (mut rng, mut bytes) = (SplitMix64::new(1_234_567), [0; 13]);
        rng.fill_bytes(&mut bytes);
        assert_eq!(bytes[..8], 6_457_827_717_110_365_317_u64.to_le_bytes());
        assert_eq!(bytes[8..], 3_203_168_211_198_807_973_u64.to_le_bytes()[..5]);
    }
}
