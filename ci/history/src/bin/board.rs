//! The history on a Cortex-M3 (ARM MPS2 with AN385, as QEMU has it), which reads its arguments and prints by semihosting. Without
//! arguments each chapter with its decisions and its hash; with a chapter's number, and two of decisions, those decisions.

#![cfg_attr(target_arch = "arm", no_std, no_main)]

#[cfg(target_arch = "arm")]
mod board {
    use core::arch::{asm, global_asm};
    use core::fmt::{self, Write};
    use core::panic::PanicInfo;

    use history::{Log, chapters, name, play};

    // The processor begins with the stack's end and the first instruction.
    global_asm!(
        ".section .vectors, \"a\"",
        ".word __stack_end",
        ".word start",
        ".rept 14",
        ".word fault",
        ".endr",
        ".text",
    );

    const WRITE0: usize = 0x04;
    const GET_CMDLINE: usize = 0x15;
    const EXIT: usize = 0x18;
    const STOPPED: usize = 0x20026;
    const ERROR: usize = 0x20023;

    /// Asks the debugger that QEMU plays.
    fn ask(operation: usize, argument: usize) -> usize {
        let answer;
        // SAFETY: a breakpoint that QEMU takes; `argument` is a value or the address of what lives longer than the call.
        unsafe {
            asm!("bkpt 0xab", inlateout("r0") operation => answer, in("r1") argument, options(nostack));
        }
        answer
    }

    struct Out;

    impl Write for Out {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for piece in text.as_bytes().chunks(127) {
                let mut line = [0_u8; 128]; // With a zero at its end.
                for (to, byte) in line.iter_mut().zip(piece) {
                    *to = *byte;
                }
                ask(WRITE0, (&raw const line) as usize);
            }
            Ok(())
        }
    }

    /// The numbers of the command line after the program's name.
    fn arguments() -> [Option<u32>; 3] {
        let mut line = [0_u8; 128];
        let mut request = [(&raw mut line) as usize, line.len()];
        ask(GET_CMDLINE, (&raw mut request) as usize);
        let text = line.split(|byte| *byte == 0).next().unwrap_or(&[]);
        let mut words = core::str::from_utf8(text).unwrap_or("").split(' ').skip(1);
        [(); 3].map(|()| words.next()?.parse().ok())
    }

    #[unsafe(no_mangle)]
    extern "C" fn start() -> ! {
        if let [Some(chapter), Some(from), Some(to)] = arguments() {
            play(chapter as usize, &mut Log::showing(from..to, &mut Out));
        } else {
            for chapter in 0..chapters() {
                let mut log = Log::new();
                play(chapter, &mut log);
                let _ = writeln!(
                    Out,
                    "{}\t{}\t{:016x}",
                    name(chapter).unwrap_or(""),
                    log.decisions(),
                    log.hash()
                );
            }
        }
        exit(STOPPED)
    }

    #[unsafe(no_mangle)]
    extern "C" fn fault() -> ! {
        let _ = writeln!(Out, "a fault of the processor");
        exit(ERROR)
    }

    #[panic_handler]
    fn panicked(info: &PanicInfo<'_>) -> ! {
        let _ = writeln!(Out, "{info}");
        exit(ERROR)
    }

    fn exit(reason: usize) -> ! {
        loop {
            ask(EXIT, reason);
        }
    }
}

#[cfg(not(target_arch = "arm"))]
fn main() {
    eprintln!("this program is for thumbv7m-none-eabi");
}
