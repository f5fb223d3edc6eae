//! The document: tables in a fixed order, whatever was measured.

use std::fmt;

use crate::memory::Bytes;
use crate::outside::{Line, Time};
use redial_benches::{Kind, Operation};

pub(crate) const COUNT: &str = "ci/instructions.sh --json";
/// The same, laid out otherwise by the compiler: as one unit with all dependencies, and as a release build without a word about
/// the profile.
pub(crate) const OTHER_LAYOUTS: [&str; 2] = [
    "env CARGO_PROFILE_BENCH_LTO=fat ci/instructions.sh --json",
    "env CARGO_PROFILE_BENCH_LTO=false CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 ci/instructions.sh --json",
];
pub(crate) const TIME: &str = "cargo bench -q -p redial-benches --bench speed -- ^peers --warm-up-time 0.3 --measurement-time 1 --noplot";
/// The heading of the section that `scale` writes alone.
pub(crate) const CONNECTIONS: &str = "## 10,000 connections";
pub(crate) const SCALE: &str = "cargo run -q --release -p redial-scale";
pub(crate) const SIZES: &str = "ci/sizes.sh --tsv";
pub(crate) const FIRMWARE: &str = "ci/embedded.sh --tsv";
pub(crate) const FLEET: &str = "cargo run -q --release --example fleet -- --tsv";
pub(crate) const GROWTH: &str =
    "cargo run -q --release --example fleet -- --tsv --growth --policies 10000000";
pub(crate) const MISSES: &str = "ci/misses.sh --tsv";
pub(crate) const LAYOUTS: &str = "cargo bench -q -p redial-benches --bench fleet -- --noplot";

/// What an event in a fleet is compared with, where so many policies are one.
const BARE: &str = "two lines of bare memory";
pub(crate) const NOT_MEASURED: &str = "not measured";

pub(crate) struct Machine {
    pub(crate) architecture: &'static str,
    pub(crate) system: &'static str,
    pub(crate) cores: usize,
    pub(crate) compiler: String,
}

/// All that was measured. What could not be is empty.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) operations: Vec<Operation>,
    /// Instructions, one for each operation.
    pub(crate) counts: Option<Vec<u64>>,
    /// The same with each of [`OTHER_LAYOUTS`].
    pub(crate) other_counts: Vec<Vec<u64>>,
    /// Allocations of a thousand steps, one for each operation.
    pub(crate) allocations: Vec<u64>,
    pub(crate) peers: Vec<Time>,
    pub(crate) bytes: Vec<Bytes>,
    /// The section of 10,000 connections.
    pub(crate) scale: String,
    pub(crate) sizes: Vec<Line>,
    /// What a whole program takes of a Cortex-M3.
    pub(crate) firmware: Vec<Line>,
    pub(crate) fleet: Vec<Line>,
    pub(crate) growth: Vec<Line>,
    pub(crate) misses: Vec<Line>,
    pub(crate) layouts: Vec<Time>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { architecture, system, cores, compiler } = &self.machine;
        writeln!(f, "# Benchmarks\n")?;
        writeln!(f, "Written by `cargo run --release -p redial-benches`; every number is from that run,")?;
        writeln!(f, "or from the command above its table.")?;
        writeln!(f, "Machine: {cores} cores, {architecture}, {system}; {compiler}.\n")?;
        self.goals(f)?;
        self.instructions(f)?;
        self.memory(f)?;
        self.connections(f)?;
        self.code(f)?;
        self.fleets(f)
    }
}

impl Report {
    pub(crate) fn count(&self, index: usize) -> Option<u64> {
        self.counts.as_ref().and_then(|counts| counts.get(index)).copied()
    }

    /// The fewest instructions that a peer needs for this.
    pub(crate) fn best_peer(&self, name: &str) -> Option<u64> {
        let peers = self.operations.iter().enumerate();
        let peers = peers.filter(|(_, operation)| operation.kind == Kind::Peer && operation.name == name);
        peers.filter_map(|(index, _)| self.count(index)).min()
    }

    fn instructions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Operations\n\n\
             **instructions**: callgrind's count of a loop of 1,000 operations, divided by 1,000 (`{COUNT}`).\n\
             Not in it: setting up; what the kernel does, such as reading a clock; and what \"What is subtracted\" names.\n\
             Built with thin LTO, so that a peer's code is inlined like ours. `benches/instructions.txt` holds ours, and CI fails\n\
             when one grows by over 2 %.\n\n\
             **range**: the fewest and the most of that build, of one with fat LTO and of a release build with nothing said about\n\
             the profile, in which less is inlined. Where the ends are apart, the count is one of the compiler's layout.\n\n\
             **to the best peer**: instructions, as a share of the fewest that a peer takes. \"Bare\" is no peer, and neither\n\
             is a crate that does less.\n\n\
             **time**: as a multiple of the first row's, medians of one run:\n\
             `{TIME}`.\n\n\
             **allocations**: on the heap, for each operation; counted by an allocator over 1,000 of them.\n"
        )?;
        self.subtracted(f)?;
        let mut names: Vec<&str> = Vec::new();
        for operation in &self.operations {
            if !names.contains(&operation.name) {
                names.push(operation.name);
            }
        }
        let of = |name: &str, ours: bool| {
            let mut rows = self.operations.iter().filter(|operation| operation.name == name);
            rows.any(|operation| (operation.kind == Kind::Ours) == ours)
        };
        let alone = |name: &str| !(of(name, true) && of(name, false));
        for name in names.iter().filter(|name| !alone(name)) {
            self.beside_peers(f, name)?;
        }
        writeln!(f, "### Without a peer\n")?;
        head(f, &["operation", "who", "instructions", "range", "goal", "allocations"], 2)?;
        for (index, operation) in self.operations.iter().enumerate() {
            if operation.group != "loop" && alone(operation.name) {
                let goal = operation.goal.map_or(String::new(), |goal| goal.to_string());
                let (count, range, allocations) =
                    (self.shown(index), self.range(index), self.allocated(index));
                row(f, &[operation.name, operation.who, &count, &range, &goal, &allocations])?;
            }
        }
        writeln!(f)
    }

    fn subtracted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "### What is subtracted\n\n\
             The loop around every operation is counted with it, and so taken off again: \"nothing\" from all but the messages,\n\
             \"a message read\" from those. A count that is smaller than its base is 0. The other two are taken off nothing: they\n\
             say how much of an event, and of an outage, is making events and taking results.\n"
        )?;
        head(f, &["base", "who", "instructions", "range", "taken off", ""], 2)?;
        for (index, base) in self.operations.iter().enumerate().filter(|(_, one)| one.group == "loop") {
            let mut users = self.operations.iter().filter(|one| one.group != "loop" && one.base == base.name);
            let users = users.by_ref().count().to_string();
            row(f, &[base.name, base.who, &self.shown(index), &self.range(index), &users, base.note])?;
        }
        writeln!(f)
    }

    /// The fewest and the most instructions of all layouts.
    fn range(&self, index: usize) -> String {
        let all = || self.counts.iter().chain(&self.other_counts).filter_map(|counts| counts.get(index));
        match all().min().zip(all().max()) {
            Some((fewest, most)) if fewest == most => fewest.to_string(),
            Some((fewest, most)) => format!("{fewest}–{most}"),
            None => NOT_MEASURED.to_owned(),
        }
    }

    fn beside_peers(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        writeln!(f, "### {}\n", capital(name))?;
        let columns = ["who", "instructions", "range", "to the best peer", "goal", "time", "allocations", ""];
        head(f, &columns, 1)?;
        let best = self.best_peer(name);
        let time = |who: &str| {
            let id = format!("{name}/{who}");
            self.peers.iter().find(|time| time.id == id).map(|time| time.nanos)
        };
        let rows = || self.operations.iter().enumerate().filter(|(_, operation)| operation.name == name);
        let first = rows().next().and_then(|(_, operation)| time(operation.who));
        for (index, operation) in rows() {
            let share = self.count(index).zip(best).map(|(count, best)| count as f64 / best.max(1) as f64);
            let share = share.map_or(String::new(), |share| format!("{share:.2}"));
            let goal = operation.goal.map_or(String::new(), |goal| goal.to_string());
            let multiple = time(operation.who).zip(first).map(|(time, first)| format!("{:.1}", time / first));
            let multiple = multiple.unwrap_or_else(|| NOT_MEASURED.to_owned());
            let (count, range, allocations) = (self.shown(index), self.range(index), self.allocated(index));
            row(f, &[operation.who, &count, &range, &share, &goal, &multiple, &allocations, operation.note])?;
        }
        writeln!(f)
    }

    fn shown(&self, index: usize) -> String {
        self.count(index).map_or(NOT_MEASURED.to_owned(), |count| count.to_string())
    }

    fn allocated(&self, index: usize) -> String {
        let thousand = self.allocations.get(index).copied().unwrap_or(0);
        if thousand == 0 { "0".to_owned() } else { format!("{:.2}", thousand as f64 / 1_000.0) }
    }

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Memory\n\n\
             Bytes of one live value, and what it holds on the heap: the first is the compiler's, the second is counted by an\n\
             allocator while the value is made. A connection is one future in a box, which is the value, with the driver in it,\n\
             and all that it keeps on the heap for a live connection on tokio; the box itself counts as the task that a runtime\n\
             would make of it, whose header is not in it, and what tokio keeps for each socket is a row of its own and in no other.\n"
        )?;
        head(f, &["what", "who", "value", "heap", "together", "goal"], 2)?;
        for Bytes { what, who, value, heap, goal } in &self.bytes {
            let goal = goal.map_or(String::new(), |goal| goal.to_string());
            let together = (*value as u64 + heap).to_string();
            row(f, &[what, who, &value.to_string(), &heap.to_string(), &together, &goal])?;
        }
        writeln!(f)
    }

    fn connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale.is_empty() {
            return writeln!(f, "{CONNECTIONS}\n\n{NOT_MEASURED}: `{SCALE}`\n");
        }
        writeln!(f, "{}\n", self.scale.trim_end())
    }

    fn code(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Code\n\n`{SIZES}`\n")?;
        lines(f, &self.sizes)?;
        writeln!(
            f,
            "A whole program, the modem link of `examples/embedded` with its flight recorder, its simulated modem and its start-up code,\n\
             on a Cortex-M3: `{FIRMWARE}`\n"
        )?;
        lines(f, &self.firmware)
    }

    fn fleets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## A fleet\n\n`{FLEET}`\n")?;
        lines(f, &self.fleet)?;
        writeln!(f, "How the cost of an event grows with the number of policies: `{GROWTH}`\n")?;
        lines(f, &self.growth)?;
        writeln!(f, "One fact for each policy in random order: `{MISSES}`\n")?;
        lines(f, &self.misses)?;
        writeln!(f, "The same in time, as a multiple of \"{BARE}\" of the same size: `{LAYOUTS}`\n")?;
        if self.layouts.is_empty() {
            return writeln!(f, "{NOT_MEASURED}");
        }
        let (mut facts, mut sizes) = (Vec::new(), Vec::new());
        for (fact, size) in self.layouts.iter().filter_map(|time| time.id.rsplit_once('/')) {
            facts.push(fact);
            sizes.push(size);
        }
        facts.sort_unstable();
        facts.dedup();
        sizes.sort_unstable_by_key(|size| (size.len(), *size));
        sizes.dedup();
        head(f, &[&["policies"], &sizes[..]].concat(), 1)?;
        for fact in facts {
            let multiple =
                |size| self.beside_bare(fact, size).map_or(String::new(), |times| format!("{times:.2}"));
            let multiples: Vec<_> = sizes.iter().map(|size| multiple(size)).collect();
            let cells = [fact].into_iter().chain(multiples.iter().map(String::as_str));
            row(f, &cells.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// What an event takes among so many policies, as a multiple of bare memory.
    pub(crate) fn beside_bare(&self, fact: &str, size: &str) -> Option<f64> {
        let nanos = |what: &str| {
            let found = self.layouts.iter().find(|time| time.id.rsplit_once('/') == Some((what, size)));
            found.map(|time| time.nanos)
        };
        Some(nanos(fact)? / nanos(BARE)?)
    }
}

/// Measurements of another command, as they came.
fn lines(f: &mut fmt::Formatter<'_>, lines: &[Line]) -> fmt::Result {
    if lines.is_empty() {
        return writeln!(f, "{NOT_MEASURED}\n");
    }
    head(f, &["group", "what", "value", "unit"], 2)?;
    for Line { group, name, value, unit } in lines {
        row(f, &[group, &name.replace('-', " "), value, unit])?;
    }
    writeln!(f)
}

/// The head of a table; columns of numbers, those after the first `texts`, stand right.
pub(crate) fn head(f: &mut fmt::Formatter<'_>, columns: &[&str], texts: usize) -> fmt::Result {
    row(f, columns)?;
    let rule = columns.iter().enumerate().map(|(index, column)| {
        if index < texts || ["", "unit", "reached"].contains(column) { "---" } else { "---:" }
    });
    row(f, &rule.collect::<Vec<_>>())
}

pub(crate) fn row(f: &mut fmt::Formatter<'_>, cells: &[&str]) -> fmt::Result {
    for cell in cells {
        if cell.is_empty() { write!(f, "| ")? } else { write!(f, "| {cell} ")? }
    }
    writeln!(f, "|")
}

/// To two places, downwards: a goal that is missed by a hair is missed.
pub(crate) fn hundredths(value: f64) -> f64 {
    (value * 100.0).floor() / 100.0
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(count: u64) -> Report {
        let operations = redial_benches::operations();
        Report {
            machine: Machine { architecture: "a", system: "s", cores: 2, compiler: "rustc 1".to_owned() },
            counts: Some(vec![count; operations.len()]),
            other_counts: vec![vec![count + 5; operations.len()], vec![count; operations.len()]],
            allocations: vec![0; operations.len()],
            peers: Vec::new(),
            bytes: Vec::new(),
            scale: String::new(),
            sizes: crate::outside::lines("thumbv7m\tbackoff\t1025\tbytes\nthumbv7m\tbreaker\t1024\tbytes\n"),
            firmware: Vec::new(),
            fleet: Vec::new(),
            growth: Vec::new(),
            misses: Vec::new(),
            layouts: Vec::new(),
            operations,
        }
    }

    #[test]
    fn a_goal_is_reached_at_its_bound_and_not_beyond() {
        let text = report(60).to_string();
        let goal = "| next delay at the cap (redial, SplitMix64) | at most 60 |";
        assert!(text.contains(&format!("{goal} 60 | instructions | yes |")), "{text}");
        assert!(report(61).to_string().contains(&format!("{goal} 61 | instructions | **no** |")));
        assert!(text.contains("| at most 1024 | 1025 | bytes | **no** |"));
        assert!(text.contains("| at most 1024 | 1024 | bytes | yes |"));
        assert!(text.contains(
            "the best peer's instructions to those of our dearest jitter | at least 1 | 1 | times | yes |"
        ));
    }

    #[test]
    fn a_range_spans_all_layouts() {
        let text = report(60).to_string();
        assert!(text.contains("| redial, SplitMix64 | 60 | 60–65 |"), "{text}");
        assert!(Report { other_counts: Vec::new(), ..report(60) }.to_string().contains("| 60 | 60 |"));
    }

    /// A base is in its own table, with how many it is taken off, and in no other.
    #[test]
    fn every_subtraction_is_named_once() {
        let text = report(60).to_string();
        for base in ["nothing", "a message read", "handed over and back", "the calls of an outage"] {
            assert_eq!(text.matches(&format!("\n| {base} | ")).count(), 1, "{base}");
        }
        assert!(text.contains("| a message read | bare loop | 60 | 60–65 | 6 |"), "{text}");
    }

    #[test]
    fn what_was_not_measured_says_so_and_fails_nothing() {
        let nothing = Report { counts: None, sizes: Vec::new(), ..report(0) }.to_string();
        assert!(nothing.contains("| at most 60 | not measured | instructions | |"));
        assert!(nothing.contains("| at most 20480 | not measured | | |"));
    }

    #[test]
    fn a_fleet_is_compared_with_memory_of_its_own_size() {
        let time = |id: &str, nanos| Time { id: id.to_owned(), nanos };
        let layouts = vec![
            time("other traffic/1000", 6.0),
            time("other traffic/1000000", 30.02),
            time("two lines of bare memory/1000", 2.0),
            time("two lines of bare memory/1000000", 20.0),
        ];
        let text = Report { layouts, ..report(0) }.to_string();
        assert!(text.contains("| policies | 1000 | 1000000 |"), "{text}");
        assert!(text.contains("| other traffic | 3.00 | 1.50 |"), "{text}");
        assert!(
            text.contains(
                "other traffic among a million policies, beside bare memory | at most 1.3 | 1.51 |"
            )
        );
    }

    #[test]
    fn the_same_measurements_give_the_same_document() {
        assert_eq!(report(7).to_string(), report(7).to_string());
    }
}
