//! Proves on the binary that no public function of the core can panic, allocate or use a float.
//!
//! `no-panic write API_JSON ROOT PACKAGE` reads rustdoc's JSON of the core and writes a package of `no_std` programs. Each has a
//! table with the address of every public function, method and trait method of a part of the core, and `whole` and `contract`
//! have them all. A function whose address is taken must work with any argument, so that the compiler can leave nothing out.
//! `no-panic check PACKAGE PROGRAMS OBJECT LIMITS` reads what the compiler made of them.
//!
//! A function that the table can't name (a new type parameter, a new argument of an anonymous type) is an error: see
//! `instances.rs` and `shared/src/wrapped.rs`.

mod api;
mod checks;
mod graph;
mod instances;
mod programs;

use std::process::ExitCode;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["write", json, root, package] => programs::write(json.as_ref(), root.as_ref(), package.as_ref()),
        ["check", package, binaries, object, contract] => {
            checks::run(package.as_ref(), binaries.as_ref(), object.as_ref(), contract.as_ref())
        }
        ["list", package] => programs::list(package.as_ref()),
        _ => Err("usage: no-panic write API_JSON ROOT PACKAGE | check PACKAGE BINARIES OBJECT CONTRACT | list PACKAGE".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
