//! Where the choices of a script come from.

#[cfg(feature = "alloc")]
use alloc::borrow::Cow;

use rand_core::Rng;

use crate::rng::SplitMix64;

/// Bytes of the caller's, or of the script's own where there is a heap.
#[cfg(feature = "alloc")]
pub(super) type Bytes<'b> = Cow<'b, [u8]>;
#[cfg(not(feature = "alloc"))]
pub(super) type Bytes<'b> = &'b [u8];

/// A stream of bytes that are read as choices. Integers are read as the crate `arbitrary` reads them, so that a fuzzer that is
/// used to it finds its way. After the end of the bytes every choice is the first one.
#[derive(Clone)]
pub(super) struct Choices<'b> {
    origin: Origin<'b>,
    /// How many bytes were read.
    read: usize,
}

#[derive(Clone)]
pub(super) enum Origin<'b> {
    /// These, and then zeros.
    Bytes(Bytes<'b>),
    /// Without an end: the bytes of each draw, the lowest first.
    Seed { seed: u64, rng: SplitMix64, draw: u64 },
}

impl<'b> Choices<'b> {
    pub(super) const fn of(bytes: Bytes<'b>) -> Self {
        Self { origin: Origin::Bytes(bytes), read: 0 }
    }

    pub(super) const fn seeded(seed: u64) -> Self {
        Self { origin: Origin::Seed { seed, rng: SplitMix64::new(seed), draw: 0 }, read: 0 }
    }

    pub(super) const fn origin(&self) -> &Origin<'b> {
        &self.origin
    }

    /// How many bytes were read so far; at most as many as there are.
    #[cfg(feature = "arbitrary")]
    pub(super) const fn read(&self) -> usize {
        self.read
    }

    /// Whether every further choice is the first one.
    #[allow(clippy::missing_const_for_fn, reason = "not of a `Cow`")]
    pub(super) fn is_done(&self) -> bool {
        match &self.origin {
            Origin::Bytes(bytes) => self.read >= bytes.len(),
            Origin::Seed { .. } => false,
        }
    }

    /// The next byte; `None` after the end.
    fn next(&mut self) -> Option<u8> {
        match &mut self.origin {
            Origin::Bytes(bytes) => {
                let byte = bytes.get(self.read).copied()?;
                self.read = self.read.saturating_add(1);
                Some(byte)
            }
            Origin::Seed { rng, draw, .. } => {
                if self.read & 7 == 0 {
                    *draw = rng.next_u64();
                }
                let byte = *draw as u8;
                *draw >>= 8;
                self.read = self.read.wrapping_add(1);
                Some(byte)
            }
        }
    }

    /// Any byte.
    pub(super) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// `false` at the end.
    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Below `bound`, or 0 where that is 0. It reads no byte more than the bound has.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let Some(mut left) = bound.checked_sub(1) else { return 0 };
        let mut number = 0_u32;
        while left > 0 {
            let Some(byte) = self.next() else { break };
            number = number << 8 | u32::from(byte);
            left >>= 8;
        }
        number.checked_rem(bound).unwrap_or(0)
    }

    /// Never at the end.
    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.below(n).saturating_add(1) == n
    }

    /// The first one at the end; `or` where there is none.
    pub(super) fn pick<T: Copy>(&mut self, list: &[T], or: T) -> T {
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.get(self.below(length) as usize).copied().unwrap_or(or)
    }

    /// Any number, the lowest byte first.
    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    /// Any number, the lowest byte first.
    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    /// Any number, the lowest byte first.
    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| self.byte())
    }
}
