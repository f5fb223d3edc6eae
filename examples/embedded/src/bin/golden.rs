//! The golden log on a Cortex-M3 (LM3S6965, as QEMU has it): prints the lines of `replay`.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
#[allow(dead_code, reason = "what the other program needs")]
#[path = "../board.rs"]
mod board;

#[cfg(target_os = "none")]
#[cortex_m_rt::entry]
fn main() -> ! {
    use core::fmt::Write;

    const LOG: &str = include_str!("../../../../tests/golden/link.log");

    let Some(mut out) = board::Out::new() else { board::end(false) };
    let played = redial_embedded::golden::play(LOG, &mut out);
    if let Err(line) = played {
        let _printed = writeln!(out, "not a line of the golden log's format: {line}");
    }
    board::end(played.is_ok())
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for a board: see ci/embedded.sh");
}
