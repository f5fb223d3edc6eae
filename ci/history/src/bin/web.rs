//! The history as WebAssembly, for `web.mjs`: exports that play a chapter and say what came out.

#![cfg_attr(target_family = "wasm", no_std, no_main)]

#[cfg(target_family = "wasm")]
mod web {
    use core::fmt::{self, Write};
    use core::panic::PanicInfo;

    use history::{Log, chapters, name, play};

    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        /// Prints text, which is UTF-8.
        fn print(text: *const u8, length: usize);
    }

    struct Out;

    impl Write for Out {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            // SAFETY: the host reads the bytes of `text` before it returns.
            unsafe { print(text.as_ptr(), text.len()) };
            Ok(())
        }
    }

    /// Prints each chapter with its decisions and its hash.
    #[unsafe(no_mangle)]
    extern "C" fn all() {
        for chapter in 0..chapters() {
            let mut log = Log::new();
            play(chapter, &mut log);
            let _ =
                writeln!(Out, "{}\t{}\t{:016x}", name(chapter).unwrap_or(""), log.decisions(), log.hash());
        }
    }

    /// Prints the decisions of a chapter with these numbers.
    #[unsafe(no_mangle)]
    extern "C" fn show(chapter: u32, from: u32, to: u32) {
        play(chapter as usize, &mut Log::showing(from..to, &mut Out));
    }

    #[panic_handler]
    fn panicked(info: &PanicInfo<'_>) -> ! {
        let _ = writeln!(Out, "{info}");
        core::arch::wasm32::unreachable()
    }
}

#[cfg(not(target_family = "wasm"))]
fn main() {
    eprintln!("this program is for wasm32-unknown-unknown");
}
