//! The golden logs on a Cortex-M3 (LM3S6965, as QEMU has it): prints the lines of `replay`, log by log in the order of their names.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
#[allow(dead_code, reason = "what the other program needs")]
#[path = "../board.rs"]
mod board;

#[cfg(target_os = "none")]
#[cortex_m_rt::entry]
fn main() -> ! {
    use core::fmt::Write;

    let Some(mut out) = board::Out::new() else { board::end(false) };
    let mut logs = redial_embedded::golden::LOGS.iter();
    let played = logs.try_for_each(|log| redial_embedded::golden::play(log, &mut out));
    if let Err(line) = played {
        let _printed = writeln!(out, "not a line of the golden log's format: {line}");
    }
    board::end(played.is_ok())
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this program is for a board: see ci/embedded.sh");
}
