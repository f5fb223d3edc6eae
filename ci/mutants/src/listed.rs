//! The mutants, as cargo-mutants lists them.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::text::{Extent, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) function_name: String,
    pub(crate) return_type: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mutant {
    /// With file, line and column.
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) function: Option<Function>,
    pub(crate) span: Extent,
    pub(crate) replacement: String,
    pub(crate) genre: Genre,
    pub(crate) diff: String,
    /// What tells it from every other one, whatever stands before it in its file.
    #[serde(skip)]
    pub(crate) key: Key,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) file: String,
    pub(crate) mutation: String,
    /// The line that it begins in; of a whole function, none.
    pub(crate) line: String,
}

impl Mutant {
    /// What is changed, and in which function.
    pub(crate) fn change(&self) -> &str {
        self.name.split_once(": ").map_or("", |(_, change)| change)
    }

    pub(crate) fn returns(&self) -> &str {
        self.function.as_ref().map_or("", |function| &function.return_type)
    }

    pub(crate) fn function(&self) -> &str {
        self.function.as_ref().map_or("", |function| &function.function_name)
    }
}

/// All mutants of the core, in the order of their files, and the texts of these.
pub(crate) fn all(root: &Path) -> Result<(Vec<Mutant>, HashMap<String, Text>)> {
    let mut mutants = list(root, &[])?;
    let mut texts = HashMap::new();
    for mutant in &mutants {
        if !texts.contains_key(&mutant.file) {
            let whole = std::fs::read_to_string(root.join(&mutant.file)).context(mutant.file.clone())?;
            texts.insert(mutant.file.clone(), Text::new(whole));
        }
    }
    let mut times: HashMap<Key, usize> = HashMap::new();
    for mutant in &mut mutants {
        let line = match mutant.genre {
            Genre::FnValue => "",
            _ => texts[&mutant.file].line(mutant.span.start.line),
        };
        let mutation = mutant.change().split_whitespace().collect::<Vec<_>>().join(" ");
        let mut key = Key { file: mutant.file.clone(), mutation, line: line.replace('\t', " ") };
        let before = times.entry(key.clone()).or_default();
        *before += 1;
        if *before > 1 {
            key.mutation += &format!(" ({before})");
        }
        mutant.key = key;
    }
    Ok((mutants, texts))
}

/// The names of the mutants on the lines that changed since a commit.
pub(crate) fn since(root: &Path, commit: &str, work: &Path) -> Result<Vec<String>> {
    let diff = Command::new("git").current_dir(root).args(["diff", commit, "--", "src"]).output()?;
    if !diff.status.success() {
        bail!("git diff {commit}: {}", String::from_utf8_lossy(&diff.stderr).trim());
    }
    if diff.stdout.is_empty() {
        return Ok(Vec::new());
    }
    let file = work.join("diff");
    std::fs::write(&file, diff.stdout)?;
    let file = file.to_str().context("a path that is no text")?;
    Ok(list(root, &["--in-diff", file])?.into_iter().map(|mutant| mutant.name).collect())
}

fn list(root: &Path, more: &[&str]) -> Result<Vec<Mutant>> {
    let mut program = Command::new("cargo");
    program.current_dir(root).args(["mutants", "--list", "--json", "--no-shuffle"]).args(more);
    let output = program.output().context("cargo-mutants")?;
    if !output.status.success() {
        bail!("cargo mutants --list: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    if output.stdout.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&output.stdout).context("what cargo mutants --list --json says")
}
