//! What is checked of the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::Failure;
use crate::graph::{self, Graph, Node};
use crate::programs::{SECTION, parts, read_list};

/// What a program without a heap and without floats takes from the compiler's own library: copies, and integers that are
/// wider than a register. Anything else, such as the addition of two floats, is an error.
const HELPERS: &[&str] = &[
    "__aeabi_memclr",
    "__aeabi_memclr4",
    "__aeabi_memclr8",
    "__aeabi_memcpy",
    "__aeabi_memcpy4",
    "__aeabi_memcpy8",
    "__aeabi_memmove",
    "__aeabi_memmove4",
    "__aeabi_memmove8",
    "__aeabi_memset",
    "__aeabi_memset4",
    "__aeabi_memset8",
    "memcmp",
    "bcmp",
    "__aeabi_lmul",
    "__aeabi_llsl",
    "__aeabi_llsr",
    "__aeabi_uldivmod",
    "__aeabi_ldivmod",
    "__multi3",
    "__udivti3",
    "__umodti3",
];

/// Functions of the standard library's formatting that check what they are given, as the compiler sees it: that a structure
/// has as many names as values, that a unit is not 0, that a piece of text ends at a character. Only `Debug` may go through them.
const FORMATTING: &[&str] = &[
    "<core::fmt::Formatter>::debug_struct_fields_finish",
    "<core::time::Duration as core::fmt::Debug>::fmt::fmt_decimal",
    "<str as core::fmt::Debug>::fmt",
];

/// What a line of the list of functions that may panic says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A constructor for constants: what is wrong does not compile.
    Constant,
    /// `Debug`: only through [`FORMATTING`].
    Formatting,
}

/// The functions that may panic, from a file with a line for each: kind and name.
pub(crate) fn contract(path: &Path) -> Result<BTreeMap<String, Kind>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut functions = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (kind, name) = match line.split_once('\t') {
            Some(("constant", name)) => (Kind::Constant, name),
            Some(("formatting", name)) => (Kind::Formatting, name),
            _ => {
                return Err(format!(
                    "{}: neither `constant` nor `formatting`, a tab and a name: {line}",
                    path.display()
                )
                .into());
            }
        };
        if functions.insert(name.to_owned(), kind).is_some() {
            return Err(format!("{}: {name} is there twice", path.display()).into());
        }
    }
    Ok(functions)
}

/// Checks the object file of the program `contract`, and every other program as it was linked.
pub(crate) fn run(
    package: &Path,
    binaries: &Path,
    object: &Path,
    contract_file: &Path,
) -> Result<(), Failure> {
    let contract = contract(contract_file)?;
    let mut wrong = of_every_function(package, object, &contract)?;
    println!("{:<16} {:>12} {:>10} {:>8}", "program", "entry points", "functions", "bytes");
    for program in parts(package)?.iter().map(String::as_str).chain(["whole"]) {
        let path = binaries.join(program);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let names = graph::linked(&bytes)?;
        for name in names.iter().filter(|name| is_panic(name) || is_float_or_heap(name)) {
            wrong.push(format!("the program `{program}` has {name}"));
        }
        let entries = read_list(package, program)?.len();
        println!("{program:<16} {entries:>12} {:>10} {:>8}", names.len(), graph::size(&bytes)?);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// What is wrong with the functions, each looked at alone.
fn of_every_function(
    package: &Path,
    object: &Path,
    contract: &BTreeMap<String, Kind>,
) -> Result<Vec<String>, Failure> {
    let graph = Graph::read(&fs::read(object)?, SECTION)?;
    let entries = read_list(package, "contract")?;
    if graph.entries.len() != entries.len() {
        let (found, listed) = (graph.entries.len(), entries.len());
        return Err(format!("{found} addresses in the program and {listed} entry points").into());
    }
    let panics = |node: &Node| is_panic(&graph.name(node));
    let foreign = |node: &Node| matches!(node, Node::Elsewhere(name) if !HELPERS.contains(&name.as_str()));
    let (mut wrong, mut panicking) = (Vec::new(), BTreeSet::new());
    for ([name, function, expression], node) in entries.iter().zip(&graph.entries) {
        let symbol = graph.name(node);
        if !is_of(&symbol, function) {
            wrong.push(format!("the address of `{expression}` is that of {symbol}"));
        }
        if let Some(way) = graph.way(node, foreign, |_| false) {
            wrong.push(format!(
                "{name} uses what the core has not (a float, a heap):\n    {}",
                way.join("\n    ")
            ));
        }
        let Some(mut way) = graph.way(node, panics, |_| false) else { continue };
        panicking.insert(name.as_str());
        match contract.get(name) {
            Some(Kind::Constant) => continue,
            Some(Kind::Formatting) => {
                let trusted = |node: &Node| FORMATTING.contains(&graph.name(node).as_str());
                let Some(other) = graph.way(node, panics, trusted) else { continue };
                way = other;
            }
            None => {}
        }
        wrong.push(format!("{name} may panic ({expression}):\n    {}", way.join("\n    ")));
    }
    for name in contract.keys().filter(|name| !panicking.contains(name.as_str())) {
        wrong.push(format!("{name} is listed as one that may panic, and can't, or is no public function"));
    }
    let functions = entries.iter().map(|[name, ..]| name).collect::<BTreeSet<_>>().len();
    let constants = contract.values().filter(|kind| **kind == Kind::Constant).count();
    println!(
        "{} entry points reach all {functions} public functions; {constants} constructors of constants panic by contract, {} \
         `Debug`s only inside the standard library's",
        entries.len(),
        contract.len() - constants
    );
    Ok(wrong)
}

/// Whether a symbol is that of the function, or of the one in `shared::wrapped` that calls it with a closure.
fn is_of(symbol: &str, function: &str) -> bool {
    let symbol = symbol.split("::{shim").next().unwrap_or(symbol);
    let path = without_types(symbol);
    let name = path.rsplit("::").next().unwrap_or_default();
    name == function || path.starts_with("shared::wrapped::") && name.ends_with(function)
}

/// A path without the types in angle brackets at its end.
fn without_types(path: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in path.char_indices().rev() {
        match letter {
            '>' => depth += 1,
            '<' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return if letter == '<' { path[..at].trim_end_matches("::") } else { path };
        }
    }
    path
}

fn is_panic(name: &str) -> bool {
    name.contains("rust_begin_unwind") || name.contains("core::panicking")
}

fn is_float_or_heap(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "__aeabi_f",
        "__aeabi_d",
        "__aeabi_i2",
        "__aeabi_ui2",
        "__aeabi_l2",
        "__aeabi_ul2",
        "compiler_builtins::float",
        "__rust_alloc",
    ];
    NAMES.iter().any(|part| name.contains(part)) || name.starts_with("alloc::")
}
