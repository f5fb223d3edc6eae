//! Text of the core in a buffer of the caller's, as `snprintf` writes it.

use core::ffi::c_char;
use core::fmt::{self, Write};

use crate::memory::room;

/// Writes what fits, and counts everything.
struct Buffer<'a> {
    rest: &'a mut [u8],
    length: usize,
}

impl Write for Buffer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.length = self.length.saturating_add(text.len());
        for byte in text.bytes() {
            // One byte is kept for the zero.
            let Some((first, rest)) =
                core::mem::take(&mut self.rest).split_first_mut().filter(|(_, rest)| !rest.is_empty())
            else {
                return Ok(());
            };
            *first = byte;
            self.rest = rest;
            if let Some(end) = self.rest.first_mut() {
                *end = 0;
            }
        }
        Ok(())
    }
}

/// Writes a value's text, cut where the buffer ends and always with a zero at its end, and returns how long the whole text is.
/// Null or a capacity of 0 only asks for the length.
///
/// # Safety
/// `text` is null, or points to `capacity` bytes that nobody else reads or writes during the call.
pub(crate) unsafe fn print(value: &dyn fmt::Display, text: *mut c_char, capacity: usize) -> usize {
    let capacity = if text.is_null() { 0 } else { capacity };
    // SAFETY: the caller stands for it.
    let rest = unsafe { room(text.cast(), capacity) }.unwrap_or_default();
    if let Some(end) = rest.first_mut() {
        *end = 0;
    }
    let mut buffer = Buffer { rest, length: 0 };
    // Neither this buffer nor the texts of the core fail.
    let _written = write!(buffer, "{value}");
    buffer.length
}
