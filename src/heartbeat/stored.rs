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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read_back;
    use crate::time::{Instant, OptInstant};

    const BEATING: Heartbeat = Heartbeat {
        next: OptInstant::at(Instant::ZERO),
        answer_by: OptInstant::NONE,
        interval_ms: 1_000,
        unanswered: 2,
        extra: true,
    };

    /// S69: no interval that spins or finds nothing dead is read, nor a deadline that nothing meets.
    #[test]
    fn a_heartbeat_that_can_not_be_is_refused() {
        let at = OptInstant::at(Instant::ZERO);
        let day = 86_400_000;
        for good in [
            Heartbeat::new(),
            BEATING,
            Heartbeat { interval_ms: MIN_INTERVAL_MS, ..BEATING },
            Heartbeat { interval_ms: day, answer_by: at, ..BEATING },
        ] {
            assert_eq!(read_back(&good), Ok(good.clone()));
        }
        let why = "a heartbeat without an interval of 10 ms to a day, or without a next beat";
        for bad in [
            Heartbeat { interval_ms: MIN_INTERVAL_MS - 1, ..BEATING },
            Heartbeat { interval_ms: day + 1, ..BEATING },
            Heartbeat { next: OptInstant::NONE, ..BEATING },
        ] {
            assert_eq!(read_back(&bad), Err(impossible(why)));
        }
        let why = "a heartbeat that is not running has a deadline";
        for bad in
            [Heartbeat { next: at, ..Heartbeat::new() }, Heartbeat { answer_by: at, ..Heartbeat::new() }]
        {
            assert_eq!(read_back(&bad), Err(impossible(why)));
        }
    }
}
