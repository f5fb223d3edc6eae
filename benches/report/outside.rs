//! What other commands measured: criterion's files and the lines of programs that print tab-separated values.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One time of criterion's, in nanoseconds. Only its ratio to another of the same run means anything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Time {
    /// Without the group's name.
    pub(crate) id: String,
    pub(crate) nanos: f64,
}

/// Every time of a group, found by walking the folder that criterion writes.
pub(crate) fn times(folder: &Path, group: &str) -> Vec<Time> {
    let mut found = Vec::new();
    walk(folder, group, &mut found);
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}

fn walk(folder: &Path, group: &str, found: &mut Vec<Time>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.ends_with("new") {
            let read = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
            found.extend(time(&read("benchmark.json"), &read("estimates.json"), group));
        } else if path.is_dir() {
            walk(&path, group, found);
        }
    }
}

/// The median, if the benchmark is of this group.
fn time(benchmark: &str, estimates: &str, group: &str) -> Option<Time> {
    let benchmark: Value = serde_json::from_str(benchmark).ok()?;
    let estimates: Value = serde_json::from_str(estimates).ok()?;
    let id = benchmark["full_id"].as_str()?.strip_prefix(group)?.strip_prefix('/')?.to_owned();
    let nanos = estimates["median"]["point_estimate"].as_f64()?;
    Some(Time { id, nanos })
}

/// A measurement that another command printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) unit: String,
}

/// Lines of group, name, value and unit. Whatever else the command prints is not meant for us.
pub(crate) fn lines(output: &str) -> Vec<Line> {
    let line = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let (group, name, value, unit) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        fields.next().is_none().then_some(Line { group, name, value, unit })
    };
    output.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_median_of_its_group() {
        let benchmark = r#"{"function_id":"next delay","full_id":"peers/next delay/backon"}"#;
        let estimates = r#"{"mean":{"point_estimate":9.0},"median":{"point_estimate":2.5}}"#;
        let found = Time { id: "next delay/backon".to_owned(), nanos: 2.5 };
        assert_eq!(time(benchmark, estimates, "peers"), Some(found));
        assert_eq!(time(benchmark, estimates, "fleet"), None);
        assert_eq!(time(benchmark, "", "peers"), None);
    }

    #[test]
    fn only_lines_of_four_fields_are_measurements() {
        let found =
            lines("Compiling\nfleet\tevents-per-second\t12\tevents/s\na\tb\tc\nfleet\ttook\t1\ts\textra\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].value.as_str()), ("events-per-second", "12"));
    }
}
