//! The program of an example, built by the first test that asks.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn build(name: &str, features: &str) -> PathBuf {
    // …/target/debug/deps/test-0123, unless there is a target triple above `debug`.
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--quiet", "--example", name, "--features", features, "--target-dir"]);
    cargo.arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success());
    profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
