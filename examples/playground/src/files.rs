//! What the page is made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The name under which the page finds the core.
const CORE: &str = "core.wasm";

/// The files by their names, which are all that can be asked for.
pub(crate) struct Files(BTreeMap<String, PathBuf>);

impl Files {
    /// Those of a folder, and the core.
    pub(crate) fn new(folder: &Path, core: &Path) -> Result<Self, String> {
        if !core.is_file() {
            return Err(format!("{}: no such file; leave --core out to build it", core.display()));
        }
        let mut files = BTreeMap::from([(CORE.to_owned(), core.to_owned())]);
        let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            files.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
        }
        Ok(Self(files))
    }

    /// The bytes and the type of the file that a path of a URL names.
    pub(crate) fn read(&self, path: &str) -> Option<(Vec<u8>, &'static str)> {
        let name = path.strip_prefix('/')?;
        let name = if name.is_empty() { "index.html" } else { name };
        let bytes = fs::read(self.0.get(name)?).ok()?;
        Some((bytes, kind(name)))
    }

    /// Writes all of them into a folder, which is made where there is none.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(failed)?;
        let mut bytes = 0;
        for (name, file) in &self.0 {
            bytes += fs::copy(file, folder.join(name)).map_err(failed)?;
        }
        println!("{}: {} files, {} KB", folder.display(), self.0.len(), bytes.div_ceil(1_024));
        Ok(())
    }
}

/// What a file of this name is.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}
