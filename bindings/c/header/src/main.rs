//! Writes `include/redial.h` from the sources of the library; with `--check`, compares it instead.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => {
            eprintln!("unknown argument {other}; use --check or nothing");
            return ExitCode::from(2);
        }
    };
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder in the library's");
    match header(library) {
        Ok(header) => finish(&library.join("include/redial.h"), &header, check),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn finish(file: &Path, header: &str, check: bool) -> ExitCode {
    if !check {
        return match std::fs::write(file, header) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                ExitCode::FAILURE
            }
        };
    }
    if std::fs::read_to_string(file).is_ok_and(|committed| committed == header) {
        println!("{} is what the sources say", file.display());
        return ExitCode::SUCCESS;
    }
    eprintln!("{} is not what the sources say; run cargo run -p redial-c-header", file.display());
    ExitCode::FAILURE
}

/// The header. The sources hand numbers over as numbers, so that a wrong one is an error and never undefined: `phase_number` for an enum
/// `redial_phase`. The header names the enum there, and has all enums first.
fn header(library: &Path) -> Result<String, String> {
    let mut config = cbindgen::Config::from_file(library.join("cbindgen.toml"))?;
    enums(&library.join("src"), &mut config.export.include).map_err(|error| error.to_string())?;
    let bindings = cbindgen::Builder::new().with_crate(library).with_config(config).generate();
    let mut raw = Vec::new();
    bindings.map_err(|error| error.to_string())?.write(&mut raw);
    let raw = String::from_utf8(raw).map_err(|error| error.to_string())?;
    let raw = raw.replace("# Safety", "Pointers:");
    let blocks: Vec<&str> =
        raw.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty()).collect();
    let is_enum = |block: &str| block.lines().any(|line| line.starts_with("enum "));
    let is_alias = |block: &str| {
        block.lines().any(|line| line.starts_with("typedef uint32_t ") && line.ends_with("_number;"))
    };
    let first_type = blocks.iter().position(|block| is_enum(block)).unwrap_or(blocks.len());
    let (before, types) = blocks.split_at(first_type);
    let (enums, others): (Vec<&str>, Vec<&str>) = types.iter().partition(|block| is_enum(block));
    let blocks = before.iter().copied().chain(enums).chain(others).filter(|block| !is_alias(block));
    Ok(blocks.map(named).collect::<Vec<_>>().join("\n\n") + "\n")
}

/// The names of all enums in the sources. cbindgen leaves out those that nothing refers to, and all are referred to as numbers.
fn enums(folder: &Path, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            enums(&path, names)?;
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let found = text.lines().filter_map(|line| line.strip_prefix("pub enum ")?.strip_suffix(" {"));
        names.extend(found.map(str::to_owned));
    }
    names.sort();
    Ok(())
}

/// The text with the enums in place of the numbers.
fn named(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let name = |part: &str| {
        let (word, rest) = part.split_at(part.trim_end_matches(|c| !is_word(c)).len());
        word.strip_suffix("_number").map(|name| format!("redial_{name}{rest}"))
    };
    text.split_inclusive(|c| !is_word(c)).map(|part| name(part).unwrap_or_else(|| part.to_owned())).collect()
}
