//! The modem link on a Cortex-M3 (LM3S6965, as QEMU has it): prints every decision as `replay` does, then the dump of the flight recorder.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
#[path = "../board.rs"]
mod board;
#[cfg(target_os = "none")]
#[path = "../stack.rs"]
mod stack;

#[cfg(target_os = "none")]
mod program {
    use cortex_m_rt::entry;
    use redial_embedded::device::Device;

    use super::{board, stack};

    #[entry]
    fn main() -> ! {
        // In place, so that the linker knows how much memory it takes.
        static mut DEVICE: Option<Device> = None;
        stack::mark();
        let device = make(DEVICE);
        let to_make = stack::used();
        stack::mark();
        run(device, to_make)
    }

    /// Out of line, so that what it takes of the stack is free again.
    #[inline(never)]
    fn make(place: &mut Option<Device>) -> &mut Device {
        place.insert(Device::new(board::number()))
    }

    #[cfg(feature = "print")]
    fn run(device: &mut Device, to_make: usize) -> ! {
        use core::fmt::Write;
        use redial_embedded::printer::Printer;

        /// The dump, for which a real device asks its flash or its radio.
        static DUMP: cortex_m::interrupt::Mutex<core::cell::RefCell<[u8; 4_096]>> =
            cortex_m::interrupt::Mutex::new(core::cell::RefCell::new([0; 4_096]));

        let Some(mut out) = board::Out::new() else { board::end(false) };
        device.live(&mut Printer::new(&mut out));
        let used = stack::used();
        cortex_m::interrupt::free(|section| {
            let mut bytes = DUMP.borrow(section).borrow_mut();
            let Ok(length) = device.node().dump(&mut bytes[..]) else { board::end(false) };
            let _printed = write!(out, "dump ");
            for byte in bytes.iter().take(length) {
                let _printed = write!(out, "{byte:02x}");
            }
        });
        let _printed = writeln!(out, "\ngone {}\nstack {used} {to_make}", device.node().gone());
        board::end(true)
    }

    #[cfg(not(feature = "print"))]
    fn run(device: &mut Device, to_make: usize) -> ! {
        device.live(&mut redial_embedded::device::Unwatched);
        core::hint::black_box((to_make, stack::used()));
        board::end(true)
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for a board: see ci/embedded.sh");
}
