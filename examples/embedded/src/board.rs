//! The board: its number, its memory, and the debugger that it prints by and ends with.

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::hio::{self, HostStream};

/// The registers with the number of the device, which is the address of its network interface.
const NUMBER: [*const u32; 2] = [0x400f_e1e0 as *const u32, 0x400f_e1e4 as *const u32];

/// The number of this device, which no other has.
#[must_use]
pub(crate) fn number() -> u64 {
    // SAFETY: two registers of the LM3S6965 that are there, aligned, and read without an effect.
    let [low, high] = NUMBER.map(|register| unsafe { register.read_volatile() });
    u64::from(high) << 32 | u64::from(low)
}

/// Prints by semihosting.
pub(crate) struct Out(HostStream);

impl Out {
    /// What the debugger shows.
    #[must_use]
    pub(crate) fn new() -> Option<Self> {
        hio::hstdout().ok().map(Self)
    }
}

impl Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}

/// Ends the program.
pub(crate) fn end(well: bool) -> ! {
    loop {
        debug::exit(if well { EXIT_SUCCESS } else { EXIT_FAILURE });
    }
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    if let Some(mut out) = Out::new() {
        let _printed = writeln!(out, "{info}");
    }
    end(false)
}
