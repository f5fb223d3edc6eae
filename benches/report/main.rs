//! Measures everything and writes `BENCHMARKS.md`.
//!
//! ```text
//! cargo run --release -p redial-benches
//! ```
//!
//! Every number in the document comes from a run of this. `gate FILE` as arguments is the half of `ci/instructions.sh`
//! that reads the tool's output and compares it with the committed table. `connections` prints what connections take, and
//! `scale` measures 10,000 of them and writes their section alone.

mod connections;
mod counts;
mod document;
mod goals;
mod memory;
mod outside;
mod section;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use counts::Table;
use document::{Machine, Report};
use memory::Bytes;
use outside::{Line, Time};
use redial_benches::{Operation, operations};

/// Where the counts are committed.
const TABLE: &str = "benches/instructions.txt";
const DOCUMENT: &str = "BENCHMARKS.md";
/// Exit status for arguments that can't be used.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => report(),
        ["gate", file] => gate(Path::new(file)),
        ["connections"] => connections(),
        ["scale"] => scale(),
        _ => {
            eprintln!("usage: cargo run --release -p redial-benches [-- gate FILE | connections | scale]");
            return ExitCode::from(UNUSABLE);
        }
    };
    match done {
        Ok(good) => ExitCode::from(u8::from(!good)),
        Err(error) => {
            eprintln!("report: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What connections take, without the rest of the report.
fn connections() -> Result<bool, String> {
    for Bytes { who, value, heap, .. } in connections::connections() {
        println!("{:6} B  {who}", value as u64 + heap);
    }
    Ok(true)
}

/// Measures 10,000 connections and puts them into the document, the rest of which stays.
fn scale() -> Result<bool, String> {
    let path = root().join(DOCUMENT);
    // A document without the section is refused before half an hour of measuring, not after it.
    section::replaced(&text(&path)?, document::CONNECTIONS)?;
    let section = run("benches/scale", document::SCALE).filter(|section| !section.is_empty());
    let section = section.ok_or_else(|| format!("{} measured nothing", document::SCALE))?;
    let text = section::replaced(&text(&path)?, &section)?;
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{DOCUMENT} has new numbers of 10,000 connections");
    Ok(true)
}

/// The project's folder.
fn root() -> PathBuf {
    // Cargo says where this package is: in a folder of the project.
    env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from("."), |benches| PathBuf::from(benches).join(".."))
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn machine() -> Machine {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version =
        Command::new(rustc).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    Machine {
        architecture: env::consts::ARCH,
        system: env::consts::OS,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        compiler: version.split_whitespace().take(2).collect::<Vec<_>>().join(" "),
    }
}

/// Whether the counts in this file pass against the committed table, or, told to bless them, writes them there.
fn gate(file: &Path) -> Result<bool, String> {
    let operations = operations();
    let counts = counts::net(&operations, &counts::parse(&text(file)?, operations.len())?);
    let rows = counts::ours(&operations, &counts);
    print!("{}", counts::listing(&rows));
    let Machine { architecture, compiler, .. } = machine();
    let path = root().join(TABLE);
    if env::var_os("BLESS").is_some() {
        let table = Table { machine: architecture.to_owned(), compiler, rows };
        fs::write(&path, table.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{TABLE} is written; read its diff");
        return Ok(true);
    }
    let committed = Table::read(&text(&path)?)?;
    if committed.machine != architecture {
        println!("SKIPPED: {TABLE} is of {}, this machine is {architecture}", committed.machine);
        return Ok(true);
    }
    let same = committed.compiler == compiler;
    let hundredths = if same { counts::SAME_COMPILER } else { counts::OTHER_COMPILER };
    let judgement = counts::judge(&committed.rows, &rows, hundredths);
    for remark in &judgement.remarks {
        println!("note: {remark}");
    }
    for failure in &judgement.failures {
        eprintln!("FAILED: {failure}");
    }
    if judgement.failures.is_empty() {
        println!("no operation costs over {hundredths} % more than in {TABLE}");
        return Ok(true);
    }
    eprintln!("If that is wanted: BLESS=1 ci/instructions.sh, and commit {TABLE} with the reason.");
    if !same {
        eprintln!("{TABLE} was made with {}, this is {compiler}.", committed.compiler);
    }
    Ok(false)
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What a command prints; none if there is no such command here. One that fails may still have measured something.
fn run(needs: &str, command: &str) -> Option<String> {
    if !root().join(needs).exists() {
        eprintln!("not measured, for there is no {needs}: {command}");
        return None;
    }
    eprintln!("{command}");
    let mut words = command.split_whitespace();
    let output = Command::new(words.next()?)
        .args(words)
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target())
        .stderr(Stdio::inherit())
        .output();
    match output {
        Ok(output) => {
            if !output.status.success() {
                eprintln!("{command}: {}", output.status);
            }
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            eprintln!("{command}: {error}");
            None
        }
    }
}

/// The lines of a program that prints measurements.
fn measured(needs: &str, command: &str) -> Vec<Line> {
    run(needs, command).map(|output| outside::lines(&output)).unwrap_or_default()
}

/// The times of one group of a criterion bench, of this run alone.
fn timed(bench: &str, command: &str, group: &str) -> Vec<Time> {
    let folder = target().join("criterion");
    // What an operation was called before must not be read as measured.
    let _gone = fs::remove_dir_all(folder.join(group));
    match run(bench, command) {
        Some(_) => outside::times(&folder, group),
        None => Vec::new(),
    }
}

/// The counts that a command prints, less their bases. None if it can't run here.
fn counted(operations: &[Operation], command: &str) -> Result<Option<Vec<u64>>, String> {
    match run("ci/instructions.sh", command) {
        Some(output) if !output.is_empty() => {
            Ok(Some(counts::net(operations, &counts::parse(&output, operations.len())?)))
        }
        _ => Ok(None),
    }
}

fn report() -> Result<bool, String> {
    let operations = operations();
    let counts = counted(&operations, document::COUNT)?;
    let mut layouts = Vec::new();
    for command in document::OTHER_LAYOUTS {
        layouts.extend(counted(&operations, command)?);
    }
    let report = Report {
        machine: machine(),
        counts,
        other_counts: layouts,
        peers: timed("benches/speed.rs", document::TIME, "peers"),
        allocations: operations.iter().map(memory::allocations).collect(),
        bytes: memory::live_values().into_iter().chain(connections::connections()).collect(),
        scale: run("benches/scale", document::SCALE).unwrap_or_default(),
        sizes: measured("ci/sizes.sh", document::SIZES),
        firmware: measured("ci/embedded.sh", document::FIRMWARE),
        fleet: measured("examples/fleet", document::FLEET),
        growth: measured("examples/fleet", document::GROWTH),
        misses: measured("ci/misses.sh", document::MISSES),
        layouts: timed("benches/fleet.rs", document::LAYOUTS, "fleet"),
        operations,
    };
    let path = root().join(DOCUMENT);
    fs::write(&path, report.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{DOCUMENT} is written");
    Ok(true)
}
