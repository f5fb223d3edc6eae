//! Generators in a checkpoint: which one, and where it is.

#[cfg(feature = "chacha")]
use rand_core::SeedableRng;

use super::SplitMix64;
#[cfg(feature = "chacha")]
use crate::codec::impossible;
use crate::codec::{CheckpointError, Load, Reader, Store, Writer};

const SPLIT_MIX_64: u8 = 1;
#[cfg(feature = "chacha")]
const CHACHA_8: u8 = 2;

/// What the log calls the generator with this number.
#[cfg(feature = "record")]
pub(crate) const fn name_of(number: u8) -> Option<&'static str> {
    match number {
        SPLIT_MIX_64 => Some("splitmix64"),
        #[cfg(feature = "chacha")]
        CHACHA_8 => Some("chacha8"),
        _ => None,
    }
}

const OTHER: CheckpointError = CheckpointError::Unfit("it has another generator");

impl Store for SplitMix64 {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        to.bytes(&[SPLIT_MIX_64])?;
        to.bytes(&self.0.to_le_bytes())
    }
}

impl Load for SplitMix64 {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        match from.byte()? {
            SPLIT_MIX_64 => Ok(Self(u64::from_le_bytes(from.array()?))),
            _ => Err(OTHER),
        }
    }
}

#[cfg(feature = "chacha")]
impl Store for rand_chacha::ChaCha8Rng {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        to.bytes(&[CHACHA_8])?;
        to.bytes(&self.get_seed())?;
        to.number(self.get_stream())?;
        let place = self.get_word_pos();
        to.number(place as u64)?;
        to.number((place >> 64) as u64)
    }
}

#[cfg(feature = "chacha")]
impl Load for rand_chacha::ChaCha8Rng {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        if from.byte()? != CHACHA_8 {
            return Err(OTHER);
        }
        let mut rng = Self::from_seed(from.array()?);
        rng.set_stream(from.number()?);
        let (low, high): (u64, u64) = (from.number()?, from.number()?);
        // Its places have 68 bits.
        if high >= 1 << 4 {
            return Err(impossible("a generator beyond its end"));
        }
        rng.set_word_pos(u128::from(high) << 64 | u128::from(low));
        Ok(rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read_back;

    #[test]
    fn a_generator_is_read_as_it_was_written() {
        assert_eq!(read_back(&SplitMix64::new(7)), Ok(SplitMix64::new(7)));
    }

    /// Its places have more than 64 bits.
    #[cfg(feature = "chacha")]
    #[test]
    fn a_generator_goes_on_at_any_place() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        rng.set_stream(3);
        for place in [0, 5, u128::from(u64::MAX), 1 << 64, 9 << 64 | 3, (1 << 68) - 1] {
            rng.set_word_pos(place);
            assert_eq!(read_back(&rng).map(|read| read.get_word_pos()), Ok(place));
            assert_eq!(read_back(&rng), Ok(rng.clone()));
        }
    }

    #[cfg(feature = "record")]
    #[test]
    fn a_log_names_the_generators_that_it_knows() {
        assert_eq!(name_of(SPLIT_MIX_64), Some("splitmix64"));
        #[cfg(feature = "chacha")]
        assert_eq!(name_of(CHACHA_8), Some("chacha8"));
        assert_eq!(name_of(0), None);
    }
}
