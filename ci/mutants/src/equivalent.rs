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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_which_and_why() {
        let file = std::env::temp_dir().join(format!("mutants-equivalent-{}", std::process::id()));
        let read = |text: &str| {
            fs::write(&file, text).expect("a file");
            let found = read(&file).map_err(|error| error.to_string());
            found.map_err(|error| error.rsplit(": ").next().unwrap_or_default().to_owned())
        };
        let found =
            read("# A comment\nsrc/a.rs\treplace a with b in c\tlet d = a;\tIt is so.\n").expect("a row");
        let (key, reason) = found.first_key_value().expect("one");
        assert_eq!(
            (key.file.as_str(), key.line.as_str(), reason.as_str()),
            ("src/a.rs", "let d = a;", "It is so.")
        );
        for (text, error) in [
            ("a\tb\tc\n", "a row has a file, a mutation, the line that it begins in, and a reason"),
            ("a\tb\tc\t \n", "a row has a reason"),
            ("a\tb\tc\td\na\tb\tc\te\n", "this mutant is listed twice"),
        ] {
            assert_eq!(read(text), Err(error.to_owned()));
        }
        fs::remove_file(file).expect("it was there");
    }
}
