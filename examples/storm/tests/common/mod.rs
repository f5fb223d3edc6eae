//! Running the program.

#![allow(dead_code, reason = "each test needs some of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program, in the folder of the tests.
pub(crate) fn storm(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storm"));
    command.args(arguments).current_dir(package().join("tests")).stdin(Stdio::null());
    command
}

pub(crate) fn output(arguments: &[&str]) -> Output {
    storm(arguments).output().expect("the program runs")
}

/// What it prints on standard output; it must succeed, and say nothing else.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    let errors = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// A folder of this test's own, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("a folder of ours");
    }
    std::fs::create_dir_all(&folder).expect("a folder of ours");
    folder
}
