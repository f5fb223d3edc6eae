//! See the library, and `ci/chaos.sh`.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    redial_chaos::main()
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "this is what the program says")]
fn main() -> ExitCode {
    eprintln!("chaos: it needs network namespaces and virtual devices, and so Linux");
    ExitCode::from(2)
}
