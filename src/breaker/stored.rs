//! A breaker in a checkpoint.

use core::num::NonZeroU32;

use super::machine::Stage;
use super::{CircuitBreaker, Consecutive};
use crate::codec::{CheckpointError, Load, Reader, Store, Writer, impossible};

const CLOSED: u8 = 0;
const OPEN: u8 = 1;
const OPEN_BY_HAND: u8 = 2;
const HALF_OPEN: u8 = 3;
const FORCED_OPEN: u8 = 4;
const DISABLED: u8 = 5;
/// With bit 0 where the threshold of the failures was reported, and bit 3 where that of the slow calls was.
const METRICS_ONLY: u8 = 6;

impl Store for CircuitBreaker {
    fn store(&self, to: &mut Writer<'_>) -> Result<(), CheckpointError> {
        let Self { deadline, window, generation, phase, reopenings } = self;
        to.instant(*deadline)?;
        to.number(window.failures)?;
        to.counter(generation.get())?;
        to.number(*reopenings)?;
        let code = match *phase {
            Stage::Closed => CLOSED,
            Stage::Open { by_hand: false } => OPEN,
            Stage::Open { by_hand: true } => OPEN_BY_HAND,
            Stage::HalfOpen { .. } => HALF_OPEN,
            Stage::ForcedOpen => FORCED_OPEN,
            Stage::Disabled => DISABLED,
            Stage::MetricsOnly { failures, slow } => METRICS_ONLY | u8::from(failures) | u8::from(slow) << 3,
        };
        to.bytes(&[code])?;
        if let Stage::HalfOpen { out, answered } = *phase {
            to.number(out)?;
            to.number(answered)?;
        }
        Ok(())
    }
}

impl Load for CircuitBreaker {
    fn load(from: &mut Reader<'_>) -> Result<Self, CheckpointError> {
        let deadline = from.instant()?;
        let window = Consecutive { failures: from.number()? };
        let generation = NonZeroU32::new(from.number()?).ok_or(impossible("a breaker of generation 0"))?;
        let reopenings = from.number()?;
        let phase = match from.byte()? {
            CLOSED => Stage::Closed,
            OPEN => Stage::Open { by_hand: false },
            OPEN_BY_HAND => Stage::Open { by_hand: true },
            HALF_OPEN => {
                let (out, answered) = (from.number()?, from.number()?);
                if out & answered != 0 {
                    return Err(impossible("a probe of the breaker is out and has answered"));
                }
                Stage::HalfOpen { out, answered }
            }
            FORCED_OPEN => Stage::ForcedOpen,
            DISABLED => Stage::Disabled,
            code if code & !(1 | 1 << 3) == METRICS_ONLY => {
                Stage::MetricsOnly { failures: code & 1 != 0, slow: code & 1 << 3 != 0 }
            }
            _ => return Err(impossible("a breaker in no state")),
        };
        Ok(Self { deadline, window, generation, phase, reopenings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::read_back;
    use crate::time::Instant;

    fn breaker(phase: Stage) -> CircuitBreaker {
        let generation = NonZeroU32::new(7).unwrap();
        let window = Consecutive { failures: 3 };
        CircuitBreaker { deadline: Instant::from_micros(5), window, generation, phase, reopenings: 2 }
    }

    /// L89: also a breaker that was forced open, switched off, or only counts.
    #[test]
    fn every_phase_is_read_as_it_was_written() {
        let counting = [(false, false), (true, false), (false, true), (true, true)];
        let counting = counting.map(|(failures, slow)| Stage::MetricsOnly { failures, slow });
        let phases = [
            Stage::Closed,
            Stage::Open { by_hand: false },
            Stage::Open { by_hand: true },
            Stage::HalfOpen { out: 0b101, answered: 0b010 },
            Stage::ForcedOpen,
            Stage::Disabled,
        ];
        for phase in phases.into_iter().chain(counting) {
            assert_eq!(read_back(&breaker(phase)), Ok(breaker(phase)));
        }
    }

    #[test]
    fn a_breaker_in_no_phase_is_refused() {
        let both = breaker(Stage::HalfOpen { out: 0b11, answered: 0b10 });
        assert_eq!(read_back(&both), Err(impossible("a probe of the breaker is out and has answered")));
        for code in 0..=u8::MAX {
            // Deadline, failures, generation and reopenings, then the phase, and for probes two numbers.
            let read = CircuitBreaker::load(&mut Reader::new(&[0, 0, 1, 0, code, 0, 0]));
            let known = code <= 7 || [METRICS_ONLY | 1 << 3, METRICS_ONLY | 1 | 1 << 3].contains(&code);
            assert_eq!(read.is_ok(), known, "{code}: {read:?}");
        }
    }
}
