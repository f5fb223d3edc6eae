//! The core as WebAssembly.

use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds it, and returns where it is.
pub(crate) fn build(home: &Path) -> Result<PathBuf, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let library = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let library = library.map_err(|error| format!("rustc does not start: {error}"))?;
    let library = PathBuf::from(String::from_utf8_lossy(&library.stdout).trim());
    if !library.is_dir() {
        return Err(format!("this Rust can't build WebAssembly yet; run: rustup target add {TARGET}"));
    }
    let folder = home.join("wasm/target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--target", TARGET, "--manifest-path"])
        .arg(home.join("wasm/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !built.success() {
        return Err("the core was not built; what the compiler says stands above".to_owned());
    }
    Ok(folder.join(TARGET).join("release/playground_core.wasm"))
}
