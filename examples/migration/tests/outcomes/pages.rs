//! The pages show the files of this package as they are. `BLESS=1 cargo test -p redial-migration pages` writes them there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const SECTIONS: [&str; 6] =
    ["Name by name", "Before", "After", "What gets better", "Traps", "When to stay where you are"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages() -> Vec<PathBuf> {
    let folder = root().join("docs/migration");
    let mut pages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| !path.ends_with("README.md"));
    pages.sort();
    assert!(pages.len() >= 15, "{pages:?}");
    pages
}

/// What a page shows of a file: all but the comment on top.
fn shown(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().skip_while(|line| line.starts_with("//!") || line.is_empty()).fold(
        String::new(),
        |mut text, line| {
            writeln!(text, "{line}").unwrap();
            text
        },
    )
}

/// The file that a line links to, if it is a line of one link to an example.
fn linked(line: &str) -> Option<PathBuf> {
    let path = line.strip_prefix('[')?.split_once("](../../examples/")?.1;
    Some(root().join("examples").join(path.trim_end_matches([')', ':'])))
}

/// The page as it has to be, and the files that it shows.
fn rendered(page: &Path, files: &mut BTreeSet<PathBuf>) -> String {
    let text = fs::read_to_string(page).unwrap();
    let (mut out, mut above, mut block) = (String::new(), String::new(), None);
    for line in text.lines() {
        match (&block, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let file = linked(&above);
                assert!(file.is_some() || language != "rust", "{}: code of no file", page.display());
                writeln!(out, "{line}").unwrap();
                if let Some(file) = &file {
                    out.push_str(&shown(file));
                    files.insert(file.canonicalize().unwrap());
                }
                block = Some(file);
            }
            (Some(_), Some(_)) => {
                block = None;
                writeln!(out, "{line}").unwrap();
            }
            (Some(Some(_)), None) => {}
            _ => writeln!(out, "{line}").unwrap(),
        }
        if !line.is_empty() {
            line.clone_into(&mut above);
        }
    }
    out
}

#[test]
fn pages_show_the_code_that_is_tested() {
    let mut files = BTreeSet::new();
    for page in pages() {
        let rendered = rendered(&page, &mut files);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&page, rendered).unwrap();
        } else {
            let text = fs::read_to_string(&page).unwrap();
            assert_eq!(text, rendered, "{}: run it with BLESS=1", page.display());
        }
    }
    let source = root().join("examples/migration/src");
    for folder in
        fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            assert!(files.contains(&file.canonicalize().unwrap()), "no page shows {}", file.display());
        }
    }
}

#[test]
fn pages_have_the_same_sections_and_are_listed() {
    let index = fs::read_to_string(root().join("docs/migration/README.md")).unwrap();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let sections: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, SECTIONS, "{}", page.display());
        let name = page.file_name().unwrap().to_string_lossy();
        assert!(index.contains(&format!("]({name})")), "the index does not list {name}");
    }
}
