//! Tells the linker of a board what memory it has, and where the vectors are.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        let out = std::env::var("OUT_DIR").expect("cargo sets it");
        std::fs::copy("memory.x", Path::new(&out).join("memory.x")).expect("a folder to write to");
        println!("cargo::rustc-link-search={out}");
        println!("cargo::rustc-link-arg-bins=-Tlink.x");
    }
}
