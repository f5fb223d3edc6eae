//! What calls what, from the relocations of an object file in which every function and constant has a section of its own.

use std::collections::{BTreeMap, VecDeque};

use object::read::elf::ElfFile32;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SectionKind};

use crate::Failure;

/// A function or constant: a section of the object, or a name that it takes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Here(usize),
    Elsewhere(String),
}

pub(crate) struct Graph {
    names: BTreeMap<usize, String>,
    edges: BTreeMap<usize, Vec<Node>>,
    /// What each address of the table refers to.
    pub(crate) entries: Vec<Node>,
}

impl Graph {
    /// Reads an object file whose addresses are in the section `table`.
    pub(crate) fn read(bytes: &[u8], table: &str) -> Result<Self, Failure> {
        let file = ElfFile32::<object::Endianness>::parse(bytes)?;
        let mut graph = Self { names: BTreeMap::new(), edges: BTreeMap::new(), entries: Vec::new() };
        // A section is called what its function is called.
        for symbol in file.symbols() {
            let (Some(section), Ok(name)) = (symbol.section_index(), symbol.name()) else { continue };
            if !name.is_empty() && !name.starts_with('$') {
                graph.names.insert(section.0, demangled(name));
            }
        }
        for section in file.sections() {
            let index = section.index().0;
            let name = section.name()?;
            let is_code = matches!(section.kind(), SectionKind::Text);
            if is_code && section.name()? == ".text" && section.size() > 0 {
                return Err("the compiler put several functions into one section".into());
            }
            if name.starts_with(".ARM.") || name.starts_with(".debug") {
                continue; // Unwinding and debugging: they are not part of a program that aborts.
            }
            graph.names.entry(index).or_insert_with(|| name.to_owned());
            let mut relocations: Vec<(u64, Node)> = Vec::new();
            for (offset, relocation) in section.relocations() {
                let target = match relocation.target() {
                    RelocationTarget::Symbol(symbol) => {
                        let symbol = file.symbol_by_index(symbol)?;
                        match symbol.section_index() {
                            Some(SectionIndex(section)) => Node::Here(section),
                            None => Node::Elsewhere(symbol.name()?.to_owned()),
                        }
                    }
                    RelocationTarget::Section(section) => Node::Here(section.0),
                    other => {
                        return Err(format!("a relocation of a kind that was never there: {other:?}").into());
                    }
                };
                relocations.push((offset, target));
            }
            relocations.sort_by_key(|(offset, _)| *offset);
            let targets = relocations.into_iter().map(|(_, target)| target).collect();
            if name == table {
                graph.entries = targets;
            } else {
                graph.edges.insert(index, targets);
            }
        }
        Ok(graph)
    }

    /// The name of a function or constant as Rust writes it.
    pub(crate) fn name(&self, node: &Node) -> String {
        match node {
            Node::Here(section) => self.names.get(section).cloned().unwrap_or_default(),
            Node::Elsewhere(name) => demangled(name),
        }
    }

    /// The shortest way from a node to one that is `bad`, through none that is `trusted`.
    pub(crate) fn way(
        &self,
        from: &Node,
        bad: impl Fn(&Node) -> bool,
        trusted: impl Fn(&Node) -> bool,
    ) -> Option<Vec<String>> {
        let mut before: BTreeMap<&Node, Option<&Node>> = BTreeMap::from([(from, None)]);
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if bad(node) {
                let way = std::iter::successors(Some(node), |node| before[node]);
                let mut way: Vec<String> = way.map(|node| self.name(node)).collect();
                way.reverse();
                return Some(way);
            }
            let Node::Here(section) = node else { continue };
            if trusted(node) {
                continue;
            }
            for next in self.edges.get(section).into_iter().flatten() {
                before.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    Some(node)
                });
            }
        }
        None
    }
}

/// The names of the functions of a linked program.
pub(crate) fn linked(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let file = ElfFile32::<object::Endianness>::parse(bytes)?;
    let mut names = Vec::new();
    for symbol in file.symbols() {
        let name = symbol.name()?;
        if !name.starts_with('$') && symbol.kind() == object::SymbolKind::Text {
            names.push(demangled(name));
        }
    }
    Ok(names)
}

/// The code and constants of a linked program, in bytes.
pub(crate) fn size(bytes: &[u8]) -> Result<u64, Failure> {
    let file = ElfFile32::<object::Endianness>::parse(bytes)?;
    let parts =
        file.sections().filter(|section| [Ok(".text"), Ok(".rodata"), Ok(".data")].contains(&section.name()));
    Ok(parts.map(|section| section.size()).sum())
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
