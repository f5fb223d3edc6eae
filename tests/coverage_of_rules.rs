//! Every numbered rule is proven by a test that names it, or is not a core's job for a reason that `ARCHITECTURE.md`
//! gives.
//!
//! `tests/rules.tsv` has the numbers: F and S, L for the lifecycle's and R for those of public reports, each with a statement
//! and `test` or `not-core`. A test names a number in its doc comment (`F27`, `S42`, `L41`, `lifecycle 41`, `F101-F103`, `lifecycle
//! 83-87, 89`) or in its name (`f27_...`, `report_84_...`). Only what stands directly on a `#[test]` function counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What may be left to the driver or the user.
const NOT_CORE_MAX: usize = 10;

/// A rule: series and number.
type Rule = (char, u32);

fn name((series, number): Rule) -> String {
    format!("{series}{number:02}")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `F27` at the beginning of `text`: the rule and what follows it.
fn rule_at(text: &str) -> Option<(Rule, &str)> {
    let series = text.chars().next().filter(|series| matches!(series, 'F' | 'S' | 'L' | 'R'))?;
    let (number, rest) = number_at(&text[1..])?;
    Some(((series, number), rest))
}

/// A whole number that is not the beginning of a longer word or of a section such as 2.10.
fn number_at(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let mut after = rest.chars();
    let section = after.next() == Some('.') && after.next().is_some_and(|char| char.is_ascii_digit());
    let word = rest.starts_with(|char: char| char.is_alphanumeric() || char == '_' || char == '%');
    if section || word || digits.len() > 3 { None } else { Some((digits.parse().ok()?, rest)) }
}

/// `83-87, 89 and 91` at the beginning of `text`, into `found`; what follows it. Only lifecycle numbers stand in lists.
fn list_at<'a>(series: char, text: &'a str, found: &mut BTreeSet<Rule>) -> &'a str {
    let Some((first, mut rest)) = number_at(text) else { return text };
    let mut last = first;
    if let Some(end) = rest.strip_prefix(['-', '–']) {
        if let Some((number, after)) = number_at(end.strip_prefix(series).unwrap_or(end)) {
            (last, rest) = (number, after);
        }
    }
    found.extend((first..=last).map(|number| (series, number)));
    match [", ", " and ", ","].into_iter().find_map(|comma| rest.strip_prefix(comma)) {
        Some(next) if series == 'L' && number_at(next).is_some() => list_at(series, next, found),
        _ => rest,
    }
}

/// Every number that a comment names.
fn named_in(comment: &str) -> BTreeSet<Rule> {
    let mut found = BTreeSet::new();
    let mut rest = comment;
    let mut before = ' ';
    while let Some(char) = rest.chars().next() {
        let at_word = !before.is_alphanumeric() && before != '_';
        let lifecycle = ["lifecycle ", "Lifecycle "].into_iter().find_map(|word| rest.strip_prefix(word));
        if let (true, Some(after)) = (at_word, lifecycle) {
            let after = ["scenarios ", "scenario ", "rules ", "rule ", "numbers ", "number "]
                .into_iter()
                .find_map(|word| after.strip_prefix(word))
                .unwrap_or(after);
            rest = list_at('L', after, &mut found);
            before = ' ';
        } else if let (true, Some(((series, _), _))) = (at_word, rule_at(rest)) {
            rest = if series == 'L' {
                let (rule, after) = rule_at(rest).expect("it was just there");
                found.insert(rule);
                after
            } else {
                list_at(series, &rest[1..], &mut found)
            };
            before = '0';
        } else {
            before = char;
            rest = &rest[char.len_utf8()..];
        }
    }
    found
}

/// The numbers in the words of a function's name, such as `s42_a_plain_drop`.
fn named_by(function: &str) -> BTreeSet<Rule> {
    let words: Vec<String> = function.split('_').map(str::to_uppercase).collect();
    let report = function.strip_prefix("report_").map(|rest| {
        let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        ('R', rest[..end].parse().expect("a report's number"))
    });
    words
        .iter()
        .filter_map(|word| rule_at(word))
        .filter(|rule| rule.1.is_empty())
        .map(|rule| rule.0)
        .chain(report)
        .collect()
}

/// `#[test]`, `#[tokio::test(...)]` and the like, but not `#[cfg(test)]`.
fn is_test_attribute(line: &str) -> bool {
    let path = line.trim_start_matches("#[").split(['(', ']']).next().unwrap_or_default();
    path == "test" || path.ends_with("::test")
}

/// The tests of a source file: the name and the doc comment of each.
fn documented_tests_in(source: &str) -> Vec<(String, String)> {
    let mut tests = Vec::new();
    let (mut comment, mut is_test, mut ignored, mut in_attribute) = (String::new(), false, false, false);
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push_str(text);
            comment.push(' ');
        } else if line.starts_with("#[") || in_attribute {
            is_test |= is_test_attribute(line);
            ignored |= line.starts_with("#[ignore");
            in_attribute = !line.ends_with(']');
        } else {
            let signature = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            if let (true, false, Some(signature)) = (is_test, ignored, signature) {
                let function = signature.split(['(', '<']).next().unwrap_or_default();
                tests.push((function.to_owned(), core::mem::take(&mut comment)));
            }
            comment.clear();
            (is_test, ignored) = (false, false);
        }
    }
    tests
}

/// The tests of a source file: the name of each and the numbers it names.
fn tests_in(source: &str) -> Vec<(String, BTreeSet<Rule>)> {
    let numbered = |(function, comment): (String, String)| {
        let mut rules = named_in(&comment);
        rules.extend(named_by(&function));
        (function, rules)
    };
    documented_tests_in(source).into_iter().map(numbered).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The numbers in the first column of the table under "Not a core's job", each with its reason.
fn reasons(architecture: &str) -> BTreeMap<Rule, String> {
    let section = architecture.split("## Not a core's job").nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut found = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with('|')) {
        let mut cells = row.trim_matches('|').splitn(2, '|').map(str::trim);
        let (rules, reason) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        found.extend(named_in(rules).into_iter().map(|rule| (rule, reason.to_owned())));
    }
    found
}

#[test]
fn every_rule_is_proven_or_not_a_cores_job() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut not_core = BTreeSet::new();
    let mut rules = BTreeMap::new();
    for line in read(&root.join("tests/rules.tsv")).lines() {
        let [number, statement, status] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not three columns: {line}");
        };
        let (rule, rest) = rule_at(number).unwrap_or_else(|| panic!("no number: {line}"));
        assert!(rest.is_empty() && !statement.is_empty() && matches!(status, "test" | "not-core"), "{line}");
        assert_eq!(rules.insert(rule, statement.to_owned()), None, "twice: {line}");
        if status == "not-core" {
            not_core.insert(rule);
        }
    }
    for (series, last) in [('F', 110), ('S', 100), ('L', 95)] {
        assert!(
            (1..=last).all(|number| rules.contains_key(&(series, number))),
            "a number of {series} is missing"
        );
    }

    let mut files = Vec::new();
    for folder in ["tests", "src", "examples"] {
        sources(&root.join(folder), &mut files);
    }
    files.retain(|file| !file.ends_with("coverage_of_rules.rs"));
    files.sort();
    let mut proven: BTreeMap<Rule, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for file in &files {
        for (function, named) in tests_in(&read(file)) {
            for rule in named {
                if !rules.contains_key(&rule) {
                    problems.push(format!(
                        "{}: {function} names {}, which is no rule",
                        file.display(),
                        name(rule)
                    ));
                }
                *proven.entry(rule).or_default() += 1;
            }
        }
    }

    let reasons = reasons(&read(&root.join("ARCHITECTURE.md")));
    for (rule, statement) in &rules {
        let tests = proven.get(rule).copied().unwrap_or_default();
        let number = name(*rule);
        match (not_core.contains(rule), reasons.get(rule)) {
            (true, Some(reason)) if !reason.is_empty() => {
                if tests > 0 {
                    problems.push(format!("{number} is not a core's job and has {tests} tests"));
                }
            }
            (true, _) => problems.push(format!("{number} has no reason in ARCHITECTURE.md: {statement}")),
            (false, Some(_)) => {
                problems.push(format!("{number} has a reason in ARCHITECTURE.md and is to be tested"))
            }
            (false, None) if tests == 0 => problems.push(format!("{number} has no test: {statement}")),
            (false, None) => {}
        }
    }
    if not_core.len() > NOT_CORE_MAX {
        problems
            .push(format!("{} rules are not a core's job, at most {NOT_CORE_MAX} may be", not_core.len()));
    }
    let done = rules.keys().filter(|rule| proven.contains_key(rule) && !not_core.contains(rule)).count();
    // Past the capture of output, so that every run says it.
    writeln!(
        std::io::stderr(),
        "{done} of {} rules proven, {} not a core's job",
        rules.len(),
        not_core.len()
    )
    .expect("a line of output");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The numbers of the public reports that must be answered.
const REPORTS: &str = "06 08 09 10 11 12 13 14 15 17 20 21 22 25b 31 38 42 46 47 48 50 54 57 58 59 61 62 65 68 69 70 71 72 \
    73 75 84 85 86 87 89 91 93 94 96 97 98 99 100";

/// `tests/reports/reports.tsv` has every public report: its number, its source, what answers it (`policy`, or `outside` where
/// it is not a policy's job), the log that shows what is right, and the tests that assert it. A test names its report in its
/// name, and with the source in its doc comment.
#[test]
fn every_report_has_a_log_and_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("tests/reports"), &mut files);
    let mut tests: BTreeMap<String, String> =
        files.iter().flat_map(|file| documented_tests_in(&read(file))).collect();
    tests.retain(|function, _| function.starts_with("report_"));
    let architecture = read(&root.join("ARCHITECTURE.md"));
    let (mut numbers, mut logs, mut problems) = (Vec::new(), BTreeSet::new(), Vec::new());
    for line in read(&root.join("tests/reports/reports.tsv")).lines() {
        let [number, source, answer, log, named] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not five columns: {line}");
        };
        numbers.push(number.to_owned());
        if answer == "outside" {
            assert!(log == "-" && named == "-" && !source.is_empty(), "{line}");
            assert!(architecture.contains(&format!("R{number}")), "report {number} has no reason");
            continue;
        }
        assert!(answer == "policy" && !named.is_empty(), "{line}");
        if !log.starts_with(&format!("{number}-")) {
            problems.push(format!("report {number}: its log is not {log}"));
        }
        for file in [format!("{log}.jsonl"), format!("{log}.out.jsonl")] {
            if read(&root.join("tests/replay/reports").join(&file)).is_empty() {
                problems.push(format!("report {number}: {file} is empty"));
            }
            logs.insert(file);
        }
        let mut sourced = false;
        for test in named.split(' ') {
            let comment = tests.remove(test).unwrap_or_default();
            if !test.starts_with(&format!("report_{number}_"))
                || !comment.contains(&format!("Report {number}"))
            {
                problems.push(format!("report {number}: {test} is no test of it"));
            }
            sourced |= comment.contains(source.split([',', ' ']).next().unwrap_or_default());
        }
        if source.contains('#') && !sourced {
            problems.push(format!("report {number}: none of its tests names {source}"));
        }
    }
    assert_eq!(numbers.join(" "), REPORTS.split_whitespace().collect::<Vec<_>>().join(" "));
    problems.extend(tests.keys().map(|test| format!("{test} is not in the table")));
    for entry in fs::read_dir(root.join("tests/replay/reports")).expect("a folder of the project") {
        let file = entry.expect("readable").file_name().into_string().expect("text");
        if !logs.contains(&file) {
            problems.push(format!("{file} is not in the table"));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn numbers(rules: BTreeSet<Rule>) -> Vec<String> {
    rules.into_iter().map(name).collect()
}

#[test]
fn a_comment_names_its_numbers() {
    for (comment, expected) in [
        ("S27, P23: any attempt", vec!["S27"]),
        (
            "F101-F103, P28, lifecycle 83-85, 89: the model",
            vec!["F101", "F102", "F103", "L83", "L84", "L85", "L89"],
        ),
        ("Lifecycle 84, 5.7 j: four probes", vec!["L84"]),
        ("Lifecycle 2.10, section 5.1", vec![]),
        ("Lifecycle scenario 43 and 44: ranges", vec!["L43", "L44"]),
        ("F41-44 (F54). L07; S100", vec!["F41", "F42", "F43", "F44", "F54", "L07", "S100"]),
        ("HTTP 503, TLS13, F, PF12, F12x, lifecycle, 30 %", vec![]),
        ("lifecycle 41, S05", vec!["L41", "S05"]),
    ] {
        assert_eq!(numbers(named_in(comment)), expected, "{comment}");
    }
    assert_eq!(numbers(named_by("s42_and_f07_but_not_s1x")), ["F07", "S42"]);
    assert_eq!(numbers(named_by("report_25b_says_f07")), ["F07", "R25"]);
}

#[test]
fn only_what_stands_on_a_test_counts() {
    let source = r#"
/// F01
fn helper() {}

/// F02
#[test]
fn plain() {}

    /// F03,
    /// F04
    #[tokio::test(start_paused = true)]
    async fn s05_runtime() {}

/// F06

/// F07
#[cfg(test)]
mod tests {}

/// F08
#[test]
#[ignore = "slow"]
fn skipped() {}
"#;
    let found: Vec<_> =
        tests_in(source).into_iter().map(|(function, rules)| (function, numbers(rules))).collect();
    assert_eq!(
        found,
        [
            ("plain".to_owned(), vec!["F02".to_owned()]),
            ("s05_runtime".to_owned(), vec!["F03".to_owned(), "F04".to_owned(), "S05".to_owned()]),
        ]
    );
}
