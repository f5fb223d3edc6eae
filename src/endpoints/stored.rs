//! What is known of endpoints, in a checkpoint: their number, and where that is not 0 what is known of each.

use super::{FixedEndpoints, SingleEndpoint};
use crate::codec::{CheckpointError, Load, Reader, Store, Writer, impossible};

impl Store for SingleEndpoint {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        to.bytes(&[0])
    }
}

impl Load for SingleEndpoint {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        if from.byte()? == 0 { Ok(Self) } else { Err(CheckpointError::Unfit("it has several endpoints")) }
    }
}

impl<const N: usize> Store for FixedEndpoints<N> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { halved_at, sticky_until, failures, tried, count, current, sticky, left } = self;
        to.bytes(&[*count, *current, *sticky])?;
        to.flag(*left)?;
        to.instant(*halved_at)?;
        to.instant(*sticky_until)?;
        for (failures, tried) in failures.iter().zip(tried).take((*count).into()) {
            to.bytes(&[*failures])?;
            to.flag(*tried)?;
        }
        // The unused places all count as tried, or none does.
        to.flag(tried.get(usize::from(*count)).copied().unwrap_or(false))
    }
}

impl<const N: usize> Load for FixedEndpoints<N> {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let count = from.byte()?;
        let new =
            Self::new(count).map_err(|_| CheckpointError::Unfit("it has another number of endpoints"))?;
        let [current, sticky] = from.array()?;
        if current >= count || sticky >= count {
            return Err(impossible("an endpoint that there is not"));
        }
        let left = from.flag()?;
        let (halved_at, sticky_until) = (from.instant()?, from.instant()?);
        let mut endpoints = Self { halved_at, sticky_until, current, sticky, left, ..new };
        for (failures, tried) in endpoints.failures.iter_mut().zip(&mut endpoints.tried).take(count.into()) {
            *failures = from.byte()?;
            *tried = from.flag()?;
        }
        let rest = from.flag()?;
        endpoints.tried.iter_mut().skip(count.into()).for_each(|tried| *tried = rest);
        Ok(endpoints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read_back;
    use crate::time::Instant;

    /// With something in every field.
    fn lived() -> FixedEndpoints<4> {
        FixedEndpoints {
            halved_at: Instant::from_micros(3),
            sticky_until: Instant::from_micros(9),
            failures: [16, 0, 8, 0],
            tried: [true, false, true, true],
            count: 3,
            current: 2,
            sticky: 1,
            left: true,
        }
    }

    #[test]
    fn endpoints_are_read_as_they_were_written() {
        assert_eq!(read_back(&lived()), Ok(lived()));
    }

    #[test]
    fn an_endpoint_that_there_is_not_is_refused() {
        for (current, sticky) in [(3, 0), (0, 3), (3, 3)] {
            let it = FixedEndpoints { current, sticky, ..lived() };
            assert_eq!(read_back(&it), Err(impossible("an endpoint that there is not")));
        }
    }
}
