//! Writes the programs: one for each part of the core, `whole` with all of them, and `contract`, which has in addition what
//! may panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::api::{self, Entry};
use crate::{Failure, checks};

/// The section of a program that holds the addresses.
pub(crate) const SECTION: &str = ".entry_points";

/// The file of a package that has the entries of a program, in the order of its addresses.
const LISTS: &str = "entries";

/// Writes a package into `package` for the core whose API is in `json`; `root` is its repository.
pub(crate) fn write(json: &Path, root: &Path, package: &Path) -> Result<(), Failure> {
    let json =
        serde_json::from_slice(&fs::read(json).map_err(|error| format!("{}: {error}", json.display()))?)?;
    let entries = api::entries(&json)?;
    let contract = checks::contract(&root.join("ci/no-panic/may-panic.tsv"))?;
    let mut programs: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &entries {
        programs.entry("contract").or_default().push(entry);
        if !contract.contains_key(&entry.name) {
            programs.entry("whole").or_default().push(entry);
            programs.entry(&entry.part).or_default().push(entry);
        }
    }
    let (sources, lists) = (package.join("src/bin"), package.join(LISTS));
    for folder in [&sources, &lists] {
        fs::create_dir_all(folder)?;
        // A part that is gone leaves no program.
        for file in fs::read_dir(folder)? {
            let file = file?.path();
            let program = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if !programs.contains_key(program) {
                fs::remove_file(&file)?;
            }
        }
    }
    write_changed(&package.join("Cargo.toml"), &manifest(root))?;
    for (program, entries) in &programs {
        write_changed(&sources.join(format!("{program}.rs")), &source(entries))?;
        let lines: Vec<String> = entries
            .iter()
            .map(|entry| format!("{}\t{}\t{}", entry.name, entry.function, entry.expression))
            .collect();
        fs::write(lists.join(format!("{program}.tsv")), lines.join("\n") + "\n")?;
    }
    Ok(())
}

/// Leaves a file alone that is as it should be, so that nothing is compiled again.
fn write_changed(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    Ok(fs::write(path, text)?)
}

/// Prints every entry point.
pub(crate) fn list(package: &Path) -> Result<(), Failure> {
    for [name, _, expression] in read_list(package, "contract")? {
        println!("{name}\t{expression}");
    }
    Ok(())
}

/// The name, the function and the expression of each entry of a program.
pub(crate) fn read_list(package: &Path, program: &str) -> Result<Vec<[String; 3]>, Failure> {
    let path = package.join(LISTS).join(format!("{program}.tsv"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let entry = |line: &str| -> Option<[String; 3]> {
        let mut fields = line.split('\t').map(str::to_owned);
        Some([fields.next()?, fields.next()?, fields.next()?])
    };
    text.lines().map(|line| entry(line).ok_or_else(|| format!("{}: {line}", path.display()).into())).collect()
}

/// The programs of a package, except those that have all parts.
pub(crate) fn parts(package: &Path) -> Result<Vec<String>, Failure> {
    let mut parts = Vec::new();
    for file in fs::read_dir(package.join(LISTS))? {
        let path = file?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if !["whole", "contract"].contains(&name) {
            parts.push(name.to_owned());
        }
    }
    parts.sort_unstable();
    Ok(parts)
}

fn manifest(root: &Path) -> String {
    let root = root.display();
    format!(
        "[package]\nname = \"programs\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\nrand_core = {{ version = \"0.10\", default-features = false }}\n\
         redial = {{ path = \"{root}\", default-features = false, features = [\"chacha\"] }}\n\
         shared = {{ path = \"{root}/ci/no-panic/shared\" }}\n\n\
         [profile.release]\nopt-level = \"s\"\nlto = true\ncodegen-units = 1\npanic = \"abort\"\n"
    )
}

fn source(entries: &[&Entry]) -> String {
    let mut text = String::from(
        "#![no_std]\n#![no_main]\n\nuse shared::Entry;\n\n#[unsafe(no_mangle)]\npub extern \"C\" fn _start() -> ! {\n    shared::run(&ENTRIES)\n}\n\n",
    );
    let _ = writeln!(
        text,
        "#[used]\n#[unsafe(link_section = \"{SECTION}\")]\nstatic ENTRIES: [Entry; {}] = [",
        entries.len()
    );
    for entry in entries {
        let _ = writeln!(text, "    Entry({} as *const ()),", entry.expression);
    }
    text.push_str("];\n");
    text
}
