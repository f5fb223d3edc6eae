//! How many lines of a kind are printed, where a server decides how many there are.

use std::collections::BTreeMap;

use redial::Instant;

/// Lines of a kind that may come at once.
const BURST: u64 = 50;
/// One more after each of these, in milliseconds.
const EVERY_MS: u64 = 200;

/// A bucket of lines for each kind.
#[derive(Default)]
pub(crate) struct Quota(BTreeMap<&'static str, Bucket>);

struct Bucket {
    /// Lines left.
    left: u64,
    /// When the last line was given back.
    at: Instant,
    /// Not printed since the last one that was.
    left_out: u64,
}

impl Quota {
    /// Whether a line of this kind may be printed now, and how many were not before it. `None`: it is left out, too.
    pub(crate) fn take(&mut self, kind: &'static str, now: Instant) -> Option<u64> {
        let bucket = self.0.entry(kind).or_insert(Bucket { left: BURST, at: now, left_out: 0 });
        let back = now.as_millis().saturating_sub(bucket.at.as_millis()) / EVERY_MS;
        if back > 0 {
            bucket.left = bucket.left.saturating_add(back).min(BURST);
            bucket.at = now;
        }
        if let Some(left) = bucket.left.checked_sub(1) {
            bucket.left = left;
            return Some(std::mem::take(&mut bucket.left_out));
        }
        bucket.left_out = bucket.left_out.saturating_add(1);
        None
    }

    /// The kinds of which lines were left out, and how many. From here they count from 0 again.
    pub(crate) fn left_out(&mut self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter_mut().map(|(kind, bucket)| (*kind, std::mem::take(&mut bucket.left_out)));
        counts.filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_a_trickle_is_printed() {
        let mut quota = Quota::default();
        let at = Instant::from_millis;
        let printed = (0..1_000_000).filter(|n| quota.take("bad", at(n / 1_000)).is_some()).count();
        // The burst at 0 s, and five a second until 1 s.
        assert_eq!(printed as u64, BURST + 4);
        assert_eq!(quota.take("good", at(999)), Some(0), "each kind has its own");
        let left_out: Vec<_> = quota.left_out().collect();
        assert_eq!(left_out.len(), 1);
        assert!(left_out[0].0 == "bad" && left_out[0].1 <= 1_000_000 - BURST - 4);
        assert_eq!(quota.left_out().count(), 0);
        let trickle = (0..100).filter(|n| quota.take("slow", at(n * EVERY_MS)).is_some()).count();
        assert_eq!(trickle, 100);
    }

    #[test]
    fn nothing_is_left_out_without_being_counted() {
        let mut quota = Quota::default();
        let (mut printed, mut counted) = (0, 0);
        for n in 0..100_000_u64 {
            if let Some(left_out) = quota.take("bad", Instant::from_millis(n)) {
                printed += 1;
                counted += left_out;
            }
        }
        counted += quota.left_out().map(|(_, count)| count).sum::<u64>();
        assert_eq!(printed + counted, 100_000);
        assert_eq!(printed, BURST + 100_000 / EVERY_MS - 1);
    }
}
