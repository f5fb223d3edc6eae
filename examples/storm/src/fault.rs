//! What ends the program early.

use std::io;
use std::path::Path;

/// Why the program can't go on.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What the user gave is unusable: one line that says where and why. Exit status 2.
    Input(String),
    /// Something could not be written. Exit status 1; a reader that went away is none.
    Output(String),
    /// Standard output.
    Io(io::Error),
}

impl Fault {
    /// In a file's text: the place that a byte range begins at, and what is wrong there.
    pub(crate) fn at(file: &str, text: &str, offset: Option<usize>, message: &str) -> Self {
        // Some messages of parsers have lines of their own.
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let before = offset.and_then(|offset| text.get(..offset));
        Self::Input(match before {
            Some(before) => {
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                format!("{file}:{line}:{column}: {message}")
            }
            None => format!("{file}: {message}"),
        })
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The text of a file that the user named.
pub(crate) fn read(file: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(file).map_err(|error| Fault::Input(format!("{}: {error}", file.display())))
}
