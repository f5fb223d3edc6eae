//! A copy of the checkout on the disk, of which only what changes is written.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// Copies every file that is not ignored, but for those of which `changed` makes another text, or none where they are written
/// otherwise. What is no file of the checkout any more is removed.
pub(crate) fn mirror(
    root: &Path,
    folder: &Path,
    changed: impl Fn(&str, String) -> Option<String>,
) -> Result<()> {
    let listed = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("git")?;
    let listed = String::from_utf8(listed.stdout)?;
    let mut kept: HashSet<PathBuf> = HashSet::new();
    for file in listed.split('\0').filter(|file| !file.is_empty()) {
        // One that is deleted is still listed.
        let Ok(bytes) = fs::read(root.join(file)) else { continue };
        kept.insert(folder.join(file));
        let bytes = match String::from_utf8(bytes) {
            Ok(text) => changed(file, text).map(String::into_bytes),
            Err(binary) => Some(binary.into_bytes()),
        };
        if let Some(bytes) = bytes {
            write_changed(&folder.join(file), &bytes)?;
        }
    }
    // The versions of the checkout, at first; then it has the switch.
    let lock = folder.join("Cargo.lock");
    if let (false, Ok(bytes)) = (lock.exists(), fs::read(root.join("Cargo.lock"))) {
        write_changed(&lock, &bytes)?;
    }
    kept.insert(lock);
    remove_others(folder, &kept)
}

fn remove_others(folder: &Path, kept: &HashSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Leaves a file that has not changed as it is, so that nothing is compiled because of it.
pub(crate) fn write_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file in a folder")?)?;
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_the_checkout() {
        let base = std::env::temp_dir().join(format!("mutants-files-{}", std::process::id()));
        let (root, copy) = (base.join("root"), base.join("copy"));
        let git = |arguments: &[&str]| {
            assert!(Command::new("git").current_dir(&root).args(arguments).status().expect("git").success());
        };
        fs::create_dir_all(root.join("src")).expect("a folder");
        git(&["init", "--quiet"]);
        for (file, text) in
            [("Cargo.toml", "a"), ("src/lib.rs", "b"), ("src/old.rs", "c"), (".gitignore", "no")]
        {
            fs::write(root.join(file), text).expect("a file");
        }
        fs::write(root.join("no"), "ignored").expect("a file");
        let change = |file: &str, text: String| match file {
            "Cargo.toml" => Some(text + "!"),
            "src/lib.rs" => None,
            _ => Some(text),
        };
        mirror(&root, &copy, change).expect("a copy");
        let read = |file: &str| fs::read_to_string(copy.join(file)).ok();
        assert_eq!((read("Cargo.toml").as_deref(), read("src/old.rs").as_deref()), (Some("a!"), Some("c")));
        assert_eq!((read("src/lib.rs"), read("no")), (None, None));
        let written = fs::metadata(copy.join("Cargo.toml")).expect("it is there").modified().expect("a time");
        fs::write(copy.join("src/lib.rs"), "written otherwise").expect("a file");
        fs::remove_file(root.join("src/old.rs")).expect("it was there");
        mirror(&root, &copy, change).expect("a copy");
        assert_eq!((read("src/old.rs"), read("src/lib.rs").is_some()), (None, true));
        let again = fs::metadata(copy.join("Cargo.toml")).expect("it is there").modified().expect("a time");
        assert_eq!(again, written, "what has not changed is not written");
        fs::remove_dir_all(base).expect("its own");
    }
}
