//! A heartbeat in a checkpoint.

use super::{Heartbeat, MIN_INTERVAL_MS};
use crate::codec::{CheckpointError, Load, Reader, Store, Writer, impossible};
use crate::time::Micros;

impl Store for Heartbeat {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { next, answer_by, interval_ms, unanswered, extra } = self;
        to.number(*interval_ms)?;
        to.opt_instant(*next)?;
        to.opt_instant(*answer_by)?;
        to.number(*unanswered)?;
        to.flag(*extra)
    }
}

impl Load for Heartbeat {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let interval_ms = from.number()?;
        let (next, answer_by) = (from.opt_instant()?, from.opt_instant()?);
        let heartbeat =
            Self { next, answer_by, interval_ms, unanswered: from.number()?, extra: from.flag()? };
        let in_range = interval_ms >= MIN_INTERVAL_MS && heartbeat.span() <= Micros::DAY;
        if heartbeat.is_running() && !(in_range && next.is_some()) {
            return Err(impossible(
                "a heartbeat without an interval of 10 ms to a day, or without a next beat",
            ));
        }
        if !heartbeat.is_running() && (next.is_some() || answer_by.is_some()) {
            return Err(impossible("a heartbeat that is not running has a deadline"));
        }
        Ok(heartbeat)
    }
}
