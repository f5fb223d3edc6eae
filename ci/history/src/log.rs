//! The decisions of a chapter, as a hash, and some of them as text.

use core::fmt::{Debug, Write};
use core::hash::{Hash, Hasher};
use core::ops::Range;

/// Takes decisions, counts them and hashes them.
pub struct Log<'w> {
    hash: Mix,
    decisions: u32,
    show: Option<(Range<u32>, &'w mut dyn Write)>,
}

impl<'w> Log<'w> {
    /// A log that only hashes.
    #[must_use]
    pub const fn new() -> Self {
        Self { hash: Mix(0), decisions: 0, show: None }
    }

    /// A log that also writes the decisions with these numbers, from 0, a line each.
    pub fn showing(numbers: Range<u32>, to: &'w mut dyn Write) -> Self {
        Self { show: Some((numbers, to)), ..Self::new() }
    }

    /// How many decisions there were.
    #[must_use]
    pub const fn decisions(&self) -> u32 {
        self.decisions
    }

    /// The hash of all of them.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(crate) fn decide<T: Hash + Debug>(&mut self, decision: &T) {
        decision.hash(&mut self.hash);
        if let Some((numbers, to)) = &mut self.show
            && numbers.contains(&self.decisions)
        {
            // The writers of the programs never fail.
            writeln!(to, "{} {:016x} {decision:?}", self.decisions, self.hash.finish()).unwrap_or_default();
        }
        self.decisions = self.decisions.wrapping_add(1);
    }
}

impl Default for Log<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A hash of numbers: xor, multiply, shift. A derived `Hash` writes lengths and discriminants as numbers as wide as the machine's;
/// here every number is one of 64 bits, so that equal values have equal hashes on all of them.
struct Mix(u64);

impl Mix {
    const fn take(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
}

macro_rules! numbers {
    ($($write:ident: $number:ty,)+) => {$(
        fn $write(&mut self, number: $number) {
            self.take(number as u64);
        }
    )+};
}

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take(u64::from(*byte));
        }
    }

    numbers! {
        write_u8: u8,
        write_u16: u16,
        write_u32: u32,
        write_u64: u64,
        write_usize: usize,
        write_i8: i8,
        write_i16: i16,
        write_i32: i32,
        write_i64: i64,
        write_isize: isize,
    }
}
