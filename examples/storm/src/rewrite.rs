//! A document whose tables and charts are what its own commands print.

use std::fs;
use std::path::Path;

use clap::Parser;

use crate::fault::Fault;
use crate::{Cli, execute};

/// Before a command, on a line of its own.
const BEGIN: &str = "<!-- storm ";
const END: &str = " -->";

/// Runs every command `<!-- storm … -->` of a document and puts what it prints in place of the table that follows it, which ends with
/// an empty line.
pub(crate) fn rewrite(path: &Path) -> Result<(), Fault> {
    let failed = |error| Fault::Input(format!("{}: {error}", path.display()));
    let document = fs::read_to_string(path).map_err(failed)?;
    let mut lines = document.lines().enumerate();
    let mut written = String::with_capacity(document.len());
    while let Some((number, line)) = lines.next() {
        written.push_str(line);
        written.push('\n');
        let Some(command) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)) else {
            continue;
        };
        let at = |message: String| Fault::Input(format!("{}:{}: {message}", path.display(), number + 1));
        let words = ["storm"].into_iter().chain(command.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| at(error.to_string()))?;
        eprintln!("storm {command}");
        let mut printed = Vec::new();
        execute(&cli, &mut printed)?;
        written.push_str(&String::from_utf8_lossy(&printed));
        let mut rest = lines.by_ref().skip_while(|(_, line)| !line.trim().is_empty());
        if rest.next().is_some() {
            written.push('\n');
        }
    }
    fs::write(path, written).map_err(failed)
}
