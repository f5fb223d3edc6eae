//! Choices out of bytes: a fuzzer's, or those that proptest draws and shrinks.

/// Bytes from which choices are read. After the last of them every choice is the first, which is the simplest.
#[derive(Debug)]
pub struct Dice<'a>(pub &'a [u8]);

impl Dice<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *byte
    }

    /// A number below `n`, which is at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Whether the last of `n` equal chances came.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub fn perhaps<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        if self.one_in(2) { Some(self.pick(list)) } else { None }
    }
}
