//! A backoff in a checkpoint.

use super::Backoff;
use super::base::Base;
use crate::codec::{CheckpointError, Load, Reader, Store, Writer};
use crate::time::Micros;

impl Store for Backoff {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { last, failures, base } = self;
        to.number(last.0)?;
        to.number(*failures)?;
        to.number(base.to_bits())
    }
}

impl Load for Backoff {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let last = Micros(from.number()?);
        Ok(Self { last, failures: from.number()?, base: Base::from_bits(from.number()?) })
    }
}
