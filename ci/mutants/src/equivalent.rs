//! The mutants that change nothing a caller can see, each with the reason: `ci/mutants/equivalent.tsv`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::listed::Key;

pub(crate) type Equivalents = BTreeMap<Key, String>;

pub(crate) fn read(path: &Path) -> Result<Equivalents> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut found = Equivalents::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
        let place = || format!("{}:{number}", path.display());
        let [file, mutation, line, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{}: a row has a file, a mutation, the line that it begins in, and a reason", place());
        };
        if reason.trim().is_empty() {
            bail!("{}: a row has a reason", place());
        }
        let key = Key { file: file.to_owned(), mutation: mutation.to_owned(), line: line.to_owned() };
        if found.insert(key, reason.to_owned()).is_some() {
            bail!("{}: this mutant is listed twice", place());
        }
    }
    Ok(found)
}
