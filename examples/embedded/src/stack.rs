//! How much stack a program has used.

use core::ops::Range;
use core::ptr::addr_of_mut;

unsafe extern "C" {
    /// The end of the statics, and the beginning of the stack: symbols of the linker script.
    static mut __sheap: u32;
    static mut _stack_start: u32;
}

/// Nothing that a program writes by chance.
const UNUSED: u32 = 0x5ca1_ab1e;

/// The words between the statics and here, the lowest first.
fn unused_words() -> Range<*mut u32> {
    let here = cortex_m::register::msp::read() as usize;
    // Some words for this function and those that it calls.
    let end = (here.saturating_sub(256) & !3) as *mut u32;
    addr_of_mut!(__sheap)..end
}

/// Marks the stack below here as unused.
pub(crate) fn mark() {
    let Range { start, end } = unused_words();
    let mut word = start;
    while word < end {
        // SAFETY: memory between the statics and the stack, which nothing uses: there is no heap.
        unsafe {
            word.write_volatile(UNUSED);
            word = word.add(1);
        }
    }
}

/// The bytes of the stack that were used since.
#[must_use]
pub(crate) fn used() -> usize {
    let Range { start, end } = unused_words();
    let mut word = start;
    // SAFETY: as in `mark`.
    while word < end && unsafe { word.read_volatile() } == UNUSED {
        // SAFETY: it is below the end.
        word = unsafe { word.add(1) };
    }
    (addr_of_mut!(_stack_start) as usize).saturating_sub(word as usize)
}
