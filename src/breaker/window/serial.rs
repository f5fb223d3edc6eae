//! Windows of results as data.

use super::{CountWindow, Counts, FAILED, SLOW, TimeWindow};

/// A window that is not checked yet.
#[derive(serde::Deserialize)]
#[serde(rename = "CountWindow")]
pub(super) struct UncheckedCount<const N: usize> {
    #[serde(with = "crate::array")]
    ring: [u8; N],
    next: u32,
    sum: Counts,
}

impl<const N: usize> TryFrom<UncheckedCount<N>> for CountWindow<N> {
    type Error = &'static str;

    fn try_from(it: UncheckedCount<N>) -> Result<Self, &'static str> {
        let UncheckedCount { ring, next, sum } = it;
        // A window that is not full is filled from the beginning, and the rest is empty.
        let place = if sum.calls < Self::SIZE { next == sum.calls } else { next < Self::SIZE.max(1) };
        if sum.calls > Self::SIZE || !place {
            return Err("a window with more or other results than it has room for");
        }
        let bits = |bit: u8| ring.iter().filter(|result| **result & bit != 0).count();
        let (filled, empty) = ring.split_at_checked(sum.calls as usize).unwrap_or((&ring, &[]));
        let known = filled.iter().all(|result| result & !(FAILED | SLOW) == 0);
        let counted =
            usize::try_from(sum.failures) == Ok(bits(FAILED)) && usize::try_from(sum.slow) == Ok(bits(SLOW));
        if !known || !counted || empty.iter().any(|result| *result != 0) {
            return Err("a window whose results are not what it counted");
        }
        Ok(Self { ring, next, sum })
    }
}

/// The same for a window by time.
#[derive(serde::Deserialize)]
#[serde(rename = "TimeWindow")]
pub(super) struct UncheckedTime<const BUCKETS: usize> {
    #[serde(with = "crate::array")]
    buckets: [Counts; BUCKETS],
    head: u32,
    newest: u64,
    sum: Counts,
}

impl<const BUCKETS: usize> TryFrom<UncheckedTime<BUCKETS>> for TimeWindow<BUCKETS> {
    type Error = &'static str;

    fn try_from(it: UncheckedTime<BUCKETS>) -> Result<Self, &'static str> {
        let UncheckedTime { buckets, head, newest, sum } = it;
        if head as usize >= BUCKETS.max(1) {
            return Err("a window whose newest part it has not");
        }
        let whole = buckets.iter().all(|part| part.failures <= part.calls && part.slow <= part.calls);
        if !whole || buckets.iter().fold(Counts::ZERO, |sum, part| sum.plus(*part)) != sum {
            return Err("a window whose parts are not what it counted");
        }
        Ok(Self { buckets, head, newest, sum })
    }
}
