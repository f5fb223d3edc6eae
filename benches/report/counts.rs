//! Counts of instructions: what the tool printed, the table that is committed, and the gate between the two.

use std::fmt::{self, Write as _};

use serde_json::Value;

use redial_benches::{Kind, Operation};

/// What one run of the tool counted is the loop of this many steps.
const STEPS: u64 = 1_000;
/// A count may grow by so many instructions whatever the share: more than that is more than rounding.
const SLACK: u64 = 2;

/// The first line of the committed table.
const TITLE: &str = "# Instructions per operation, as ci/instructions.sh counts them; BLESS=1 ci/instructions.sh writes them.";

/// The count of each operation, in the order of the operations. The input is one JSON object a line.
pub(crate) fn parse(output: &str, operations: usize) -> Result<Vec<u64>, String> {
    let mut counts = vec![None; operations];
    for line in output.lines().filter(|line| !line.trim().is_empty()) {
        let run: Value = serde_json::from_str(line).map_err(|error| format!("{error} in: {line}"))?;
        let (index, count) = one(&run).ok_or_else(|| format!("no count in: {line}"))?;
        *counts.get_mut(index).ok_or_else(|| format!("there is no operation {index}"))? = Some(count);
    }
    let missing =
        |(index, count): (usize, Option<u64>)| count.ok_or(format!("operation {index} was not counted"));
    counts.into_iter().enumerate().map(missing).collect()
}

fn one(run: &Value) -> Option<(usize, u64)> {
    let index = run["id"].as_str()?.rsplit('_').next()?.parse().ok()?;
    let profile = run["profiles"].as_array()?.iter().find(|profile| profile["tool"] == "Callgrind")?;
    let instructions = profile["data"]["total"]["metrics"]["Ir"]["values"]["new"].as_u64()?;
    Some((index, (instructions + STEPS / 2) / STEPS))
}

/// The counts less those of the bases, which stay what they are.
pub(crate) fn net(operations: &[Operation], counts: &[u64]) -> Vec<u64> {
    let count_of = |name: &str| {
        let found = operations.iter().zip(counts).find(|(operation, _)| operation.name == name);
        found.map_or(0, |(_, count)| *count)
    };
    let less = |(operation, count): (&Operation, &u64)| {
        if operation.group == "loop" { *count } else { count.saturating_sub(count_of(operation.base)) }
    };
    operations.iter().zip(counts).map(less).collect()
}

/// One line of the committed table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) who: String,
    pub(crate) count: u64,
    pub(crate) goal: Option<u32>,
}

/// This crate's own operations.
pub(crate) fn ours(operations: &[Operation], counts: &[u64]) -> Vec<Row> {
    let own = operations.iter().zip(counts).filter(|(operation, _)| operation.kind == Kind::Ours);
    own.map(|(operation, &count)| Row {
        name: operation.name.to_owned(),
        who: operation.who.to_owned(),
        count,
        goal: operation.goal,
    })
    .collect()
}

/// The committed table, and the machine and the compiler that it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) machine: String,
    pub(crate) compiler: String,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut table = Self { machine: String::new(), compiler: String::new(), rows: Vec::new() };
        for line in text.lines() {
            if let Some(machine) = line.strip_prefix("# machine: ") {
                machine.clone_into(&mut table.machine);
            } else if let Some(compiler) = line.strip_prefix("# compiler: ") {
                compiler.clone_into(&mut table.compiler);
            } else if !line.starts_with('#') {
                table.rows.push(row(line).ok_or_else(|| format!("not a line of the table: {line:?}"))?);
            }
        }
        Ok(table)
    }
}

fn row(line: &str) -> Option<Row> {
    let mut fields = line.split('\t');
    let (name, who) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let count = fields.next()?.parse().ok()?;
    let goal = match fields.next()? {
        "-" => None,
        goal => Some(goal.parse().ok()?),
    };
    fields.next().is_none().then_some(Row { name, who, count, goal })
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}\n# machine: {}\n# compiler: {}", self.machine, self.compiler)?;
        writeln!(f, "# operation, who, instructions, goal (at most)")?;
        for Row { name, who, count, goal } in &self.rows {
            let goal = goal.map_or("-".to_owned(), |goal| goal.to_string());
            writeln!(f, "{name}\t{who}\t{count}\t{goal}")?;
        }
        Ok(())
    }
}

/// What the gate says of a run against the committed table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Each of these fails it.
    pub(crate) failures: Vec<String>,
    /// These are worth knowing.
    pub(crate) remarks: Vec<String>,
}

/// By how many hundredths a count may grow, with the compiler of the table and with another one.
pub(crate) const SAME_COMPILER: u64 = 2;
pub(crate) const OTHER_COMPILER: u64 = 10;

/// Fails for a count that grew by more than so many hundredths and more than 2, and for a table that does not name the same
/// operations and goals.
pub(crate) fn judge(committed: &[Row], counted: &[Row], hundredths: u64) -> Judgement {
    let mut judgement = Judgement::default();
    for now in counted {
        let Row { name, who, count, .. } = now;
        let Some(then) = committed.iter().find(|then| then.name == *name && then.who == *who) else {
            judgement.failures.push(format!("{name} ({who}) is not in the table: {count}"));
            continue;
        };
        let change = format!("{name} ({who}): {} -> {count}", then.count);
        if now.goal != then.goal {
            judgement.failures.push(format!("{name} ({who}) has another goal in the table"));
        }
        if *count > then.count + SLACK && count * 100 > then.count * (100 + hundredths) {
            judgement.failures.push(format!("{change}, grown by more than {hundredths} %"));
        } else if count + SLACK < then.count && count * 100 < then.count * (100 - hundredths) {
            judgement.remarks.push(format!("{change}, shrunk by more than {hundredths} %"));
        }
    }
    for Row { name, who, .. } in committed {
        if !counted.iter().any(|now| now.name == *name && now.who == *who) {
            judgement.failures.push(format!("{name} ({who}) is in the table, but nothing counts it"));
        }
    }
    judgement
}

/// The counts beside the committed ones, for eyes.
pub(crate) fn listing(counted: &[Row]) -> String {
    let mut text = String::new();
    for Row { name, who, count, goal } in counted {
        let goal = goal.map_or(String::new(), |goal| {
            format!("goal {goal}: {}", if *count <= u64::from(goal) { "reached" } else { "not reached" })
        });
        let _infallible = writeln!(text, "{count:>6}  {name} ({who})  {goal}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, instructions: u64) -> String {
        format!(
            r#"{{"id":"{id}","profiles":[{{"tool":"Callgrind","data":{{"parts":[],"total":{{"metrics":
            {{"Dr":{{"values":{{"new":1}}}},"Ir":{{"values":{{"new":{instructions},"old":7}}}}}}}}}}}}]}}"#
        )
        .replace('\n', "")
    }

    fn row(name: &str, count: u64) -> Row {
        Row { name: name.to_owned(), who: "redial".to_owned(), count, goal: Some(40) }
    }

    #[test]
    fn counts_come_out_of_the_tools_lines_in_any_order() {
        let output = format!("{}\n{}\n", run("of_1", 19_499), run("of_0", 5_500));
        assert_eq!(parse(&output, 2), Ok(vec![6, 19]));
    }

    #[test]
    fn a_count_that_is_missing_is_no_zero() {
        assert!(parse(&run("of_1", 1), 2).is_err_and(|error| error.contains("operation 0")));
        assert!(parse(&run("of_2", 1), 2).is_err(), "of another list of operations");
        assert!(parse(r#"{"id":"of_0","profiles":[]}"#, 1).is_err());
        assert!(parse("warning: something", 1).is_err());
    }

    #[test]
    fn growth_fails_above_its_share_and_two_instructions() {
        let grown_by = |hundredths, then, now| {
            !judge(&[row("a", then)], &[row("a", now)], hundredths).failures.is_empty()
        };
        assert!(!grown_by(10, 100, 110) && grown_by(10, 100, 111), "a tenth");
        assert!(!grown_by(2, 1_000, 1_020) && grown_by(2, 1_000, 1_021), "two hundredths");
        assert!(!grown_by(2, 10, 12) && grown_by(2, 10, 13), "two");
        assert!(!grown_by(2, 100, 50));
    }

    #[test]
    fn shrinking_is_told_and_passes() {
        let judgement = judge(&[row("a", 100), row("b", 100)], &[row("a", 89), row("b", 90)], OTHER_COMPILER);
        assert!(judgement.failures.is_empty());
        assert_eq!(judgement.remarks, ["a (redial): 100 -> 89, shrunk by more than 10 %"]);
    }

    #[test]
    fn a_table_of_other_operations_or_goals_fails() {
        assert_eq!(
            judge(&[row("a", 1)], &[row("b", 1)], SAME_COMPILER).failures.len(),
            2,
            "one too few and one too many"
        );
        let other = Row { goal: None, ..row("a", 1) };
        assert_eq!(judge(&[row("a", 1)], &[other], SAME_COMPILER).failures.len(), 1);
    }

    #[test]
    fn the_table_reads_as_it_was_written() {
        let rows = vec![row("a", 7), Row { goal: None, ..row("b", 3_000) }];
        let table = Table { machine: "x86_64".to_owned(), compiler: "rustc 1.95.0".to_owned(), rows };
        assert_eq!(Table::read(&table.to_string()), Ok(table));
        assert!(Table::read("a\tredial\tmany\t-").is_err());
        assert!(Table::read("a\tredial\t1").is_err());
    }

    /// The committed table is of this list, so that a new operation can't be forgotten in it.
    #[test]
    fn the_committed_table_names_our_operations() {
        let operations = redial_benches::operations();
        let table = Table::read(include_str!("../../benches/instructions.txt")).expect("a table");
        let zeros = vec![0; operations.len()];
        let judgement = judge(&table.rows, &ours(&operations, &zeros), SAME_COMPILER);
        assert_eq!(judgement.failures, [""; 0], "BLESS=1 ci/instructions.sh");
    }
}
