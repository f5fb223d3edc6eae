//! The program of an example, built by the first test that asks.

use std::path::{Path, PathBuf};
use std::process::Command;

macro_rules! on {
    ($($name:literal),+ $(,)?) => {
        [$(($name, cfg!(feature = $name))),+]
    };
}

/// This test's own features: with the same ones, nothing is left to build. `tests/tidy.rs` sees to it that none is forgotten.
fn features() -> String {
    let all = on![
        "alloc",
        "arbitrary",
        "async-std",
        "blocking",
        "chacha",
        "defmt",
        "driver",
        "driver-core",
        "embassy",
        "fleet",
        "http",
        "log",
        "metrics",
        "proptest",
        "public-suffix",
        "record",
        "redis",
        "rustls",
        "serde",
        "sim",
        "smol",
        "std",
        "stream",
        "telemetry",
        "testing",
        "tokio",
        "tracing",
        "tungstenite",
        "websocket",
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
