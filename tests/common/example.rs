//! The program of an example, built by the first test that asks.

use std::path::{Path, PathBuf};
use std::process::Command;

/// This test's own features: with the same ones, next to nothing is left to build.
fn features() -> String {
    let all = [
        ("alloc", cfg!(feature = "alloc")),
        ("async-std", cfg!(feature = "async-std")),
        ("blocking", cfg!(feature = "blocking")),
        ("chacha", cfg!(feature = "chacha")),
        ("driver", cfg!(feature = "driver")),
        ("public-suffix", cfg!(feature = "public-suffix")),
        ("record", cfg!(feature = "record")),
        ("serde", cfg!(feature = "serde")),
        ("smol", cfg!(feature = "smol")),
        ("std", cfg!(feature = "std")),
        ("stream", cfg!(feature = "stream")),
        ("testing", cfg!(feature = "testing")),
        ("tokio", cfg!(feature = "tokio")),
        ("websocket", cfg!(feature = "websocket")),
    ];
    all.into_iter().filter_map(|(name, on)| on.then_some(name)).collect::<Vec<_>>().join(",")
}

pub(crate) fn build(name: &str) -> PathBuf {
    // …/target/debug/deps/test-0123, unless there is a target triple above `debug`.
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--quiet", "--example", name, "--features", &features(), "--target-dir"]);
    cargo.arg(profile.parent().unwrap());
    // What Cargo tells this test about itself: build scripts that look at it would run anew, and all that stands on them.
    for (name, _) in std::env::vars_os() {
        let known = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if known {
            cargo.env_remove(name);
        }
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success());
    profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
