//! A session in a checkpoint.

use super::{SessionState, UNKNOWN};
use crate::codec::{CheckpointError, FromName, Load, Named, Reader, Store, Writer, impossible};

impl<T: Named> Store for SessionState<T> {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { sequence, ends, aside, ttl_ms, has_sequence, unreachable, token, endpoint } = self;
        to.flag(*has_sequence)?;
        to.number(*sequence)?;
        to.opt_instant(*ends)?;
        // While the endpoint can't be reached, the time of the first dial that failed.
        if *unreachable == 0 { to.number(*aside) } else { to.instant_bits(*aside) }?;
        to.number(*ttl_ms)?;
        to.number(*unreachable)?;
        to.name(token.as_ref())?;
        to.name(endpoint.as_ref())
    }
}

impl<T: FromName> Load for SessionState<T> {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let (has_sequence, sequence) = (from.flag()?, from.number()?);
        let (ends, aside) = (from.opt_instant()?, from.number()?);
        let (ttl_ms, unreachable) = (from.number()?, from.number()?);
        if !has_sequence && sequence != 0 {
            return Err(impossible("a session without a sequence has one"));
        }
        if ttl_ms == UNKNOWN && ends.is_some() {
            return Err(impossible("a session ends that has no time to live"));
        }
        let (token, endpoint) = (from.name()?, from.name()?);
        Ok(Self { sequence, ends, aside, ttl_ms, has_sequence, unreachable, token, endpoint })
    }
}
