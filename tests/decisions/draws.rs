//! Generators that play back given draws, for tests against published vectors.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::convert::Infallible;
use std::time::Duration;

use redial::rand_core::TryRng;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Within `within` µs of `want`, in ms: integer maths rounds down once or twice on the way to a wait.
#[track_caller]
pub(crate) fn assert_near(got: &[Duration], want: &[f64], within: f64) {
    assert_eq!(got.len(), want.len(), "{got:?}");
    for (wait, want) in got.iter().zip(want) {
        assert!(
            (wait.as_nanos() as f64 / 1e3 - want * 1e3).abs() <= within,
            "{wait:?}, not {want} ms: {got:?}"
        );
    }
}

/// The draws that the published vectors share, in hundredths.
const R: [u64; 8] = [10, 90, 33, 72, 5, 58, 44, 99];

/// Plays back the shared draws, then goes on from their start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) drawn: usize,
}

impl Shared {
    /// The same after one other draw, for a backoff whose published vector begins at its second wait.
    pub(crate) fn from_the_second() -> Self {
        Self { drawn: R.len() - 1 }
    }
}

impl TryRng for Shared {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("a delay takes a u64")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let hundredths = u128::from(R[self.drawn % R.len()]);
        self.drawn += 1;
        // Rounded up, so that a share of a whole number of microseconds does not come out 1 µs short.
        Ok((hundredths << 64).div_ceil(100) as u64)
    }
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("a delay takes a u64")
    }
}

/// The same draw forever.
#[derive(Clone, Debug)]
pub(crate) struct Constant(pub(crate) u64);

impl TryRng for Constant {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("a delay takes a u64")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0)
    }
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("a delay takes a u64")
    }
}
