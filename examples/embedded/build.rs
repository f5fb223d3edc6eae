//! Tells the linker of a board what memory it has, and the program which golden logs there are.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("logs.rs"), logs()).expect("a folder to write to");
    println!("cargo::rerun-if-changed=memory.x");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none") {
        fs::copy("memory.x", out.join("memory.x")).expect("a folder to write to");
        println!("cargo::rustc-link-search={}", out.display());
        println!("cargo::rustc-link-arg-bins=-Tlink.x");
    }
}

fn logs() -> String {
    let folder = Path::new("../../tests/golden").canonicalize().expect("the folder of the golden logs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry of it").path());
    let mut logs: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "log")).collect();
    logs.sort();
    let list = |what: &str, end: &str| {
        let files = logs.iter().map(|log| format!("include_str!({:?}),", log.with_extension(end)));
        format!("/// {what}\npub const {}: &[&str] = &[{}];\n", if end == "log" { "LOGS" } else { "ANSWERS" }, files.collect::<String>())
    };
    list("The golden logs.", "log") + &list("What `replay` prints for each.", "out")
}
