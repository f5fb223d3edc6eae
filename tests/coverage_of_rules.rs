//! Every numbered rule is proven by a test that names it, or is not a core's job for a reason that `ARCHITECTURE.md`
//! gives; and `docs/rules.md` says which test proves which rule.
//!
//! `tests/rules.tsv` has the rules: F and S, L for the lifecycle's, P for faults of other libraries, R for public reports and W
//! for the waits of a fleet, each with a statement and `test` or `not-core`. A test names a number in its doc comment (`F27`,
//! `S42`, `L41`, `lifecycle 41`, `F101-F103`, `lifecycle 83-87, 89`) or in its name (`f27_...`, `report_84_...`). Only what
//! stands directly on a `#[test]` function counts.
//!
//! After a change of a rule, or of a test that names one: `BLESS=1 cargo test --test coverage_of_rules`.

#[path = "coverage_of_rules/naming.rs"]
mod naming;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use naming::{Rule, SERIES, documented_tests_in, name, named_in, rule_at, tests_in};

/// What may be left to the driver or the user.
const NOT_CORE_MAX: usize = 10;

/// How many rules the series of fixed length have.
const LAST: [(char, u32); 4] = [('F', 110), ('S', 100), ('L', 95), ('P', 37)];

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

/// `tests/rules.tsv`, in its order.
struct Rules {
    statements: Vec<(Rule, String)>,
    not_core: BTreeSet<Rule>,
}

impl Rules {
    fn read() -> Self {
        let (mut statements, mut not_core) = (Vec::new(), BTreeSet::new());
        for line in read(&root().join("tests/rules.tsv")).lines() {
            let [number, statement, status] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("not three columns: {line}");
            };
            let (rule, rest) = rule_at(number).unwrap_or_else(|| panic!("no number: {line}"));
            assert!(
                rest.is_empty() && !statement.is_empty() && matches!(status, "test" | "not-core"),
                "{line}"
            );
            assert!(statements.iter().all(|(known, _)| *known != rule), "twice: {line}");
            if status == "not-core" {
                not_core.insert(rule);
            }
            statements.push((rule, statement.to_owned()));
        }
        Self { statements, not_core }
    }

    fn has(&self, rule: Rule) -> bool {
        self.statements.iter().any(|(known, _)| *known == rule)
    }
}

/// The tests that name each number: file, and name in it.
fn proofs() -> BTreeMap<Rule, Vec<(String, String)>> {
    let mut files = Vec::new();
    for folder in ["tests", "src", "examples"] {
        sources(&root().join(folder), &mut files);
    }
    files.retain(|file| {
        !file.components().any(|part| part.as_os_str().to_string_lossy().starts_with("coverage_of_rules"))
    });
    files.sort();
    let mut found: BTreeMap<Rule, Vec<(String, String)>> = BTreeMap::new();
    for file in &files {
        let path = file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        for (function, rules) in tests_in(&read(file)) {
            for rule in rules {
                found.entry(rule).or_default().push((path.clone(), function.clone()));
            }
        }
    }
    found
}

#[test]
fn every_rule_is_proven_or_not_a_cores_job() {
    let (rules, proofs) = (Rules::read(), proofs());
    for (series, last) in LAST {
        assert!((1..=last).all(|number| rules.has((series, number))), "a number of {series} is missing");
    }
    let mut problems = Vec::new();
    for (rule, tests) in proofs.iter().filter(|(rule, _)| !rules.has(**rule)) {
        problems.extend(
            tests
                .iter()
                .map(|(file, test)| format!("{file}: {test} names {}, which is no rule", name(*rule))),
        );
    }
    let reasons = reasons(&read(&root().join("ARCHITECTURE.md")));
    for (rule, statement) in &rules.statements {
        let tests = proofs.get(rule).map_or(0, Vec::len);
        let number = name(*rule);
        match (rules.not_core.contains(rule), reasons.get(rule)) {
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
    let not_core = rules.not_core.len();
    if not_core > NOT_CORE_MAX {
        problems.push(format!("{not_core} rules are not a core's job, at most {NOT_CORE_MAX} may be"));
    }
    let done = rules.statements.iter().filter(|(rule, _)| proofs.contains_key(rule)).count();
    // Past the capture of output, so that every run says it.
    writeln!(
        std::io::stderr(),
        "{done} of {} rules proven, {not_core} not a core's job",
        rules.statements.len()
    )
    .expect("a line of output");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// What the series are, in `docs/rules.md`.
const fn heading(series: char) -> &'static str {
    match series {
        'F' => "## F: what a client must be able to do\n",
        'S' => "## S: scenarios\n",
        'L' => "## L: the lifecycle (\"lifecycle 41\" is L41)\n",
        'P' => "## P: faults that other libraries have\n",
        'R' => "## R: what public reports ask for\n",
        _ => "## W: against storms\n",
    }
}

/// `docs/rules.md`, from the rules and the tests.
fn document() -> String {
    let (rules, proofs) = (Rules::read(), proofs());
    let mut text = "# Rules\n\n\
        What redial promises, one sentence a number, and the tests that prove it. Written by\n\
        `BLESS=1 cargo test --test coverage_of_rules` from `tests/rules.tsv` and from the numbers that the tests name; that\n\
        test fails when this page is out of date, and when a rule has no test. Where rules disagree, or leave something open,\n\
        [decisions.md](decisions.md) says what holds.\n"
        .to_owned();
    for series in SERIES {
        write!(text, "\n{}\n| rule | what holds | proven by |\n| --- | --- | --- |\n", heading(series))
            .expect("text");
        for (rule, statement) in rules.statements.iter().filter(|((of, _), _)| *of == series) {
            let tests = if rules.not_core.contains(rule) {
                "[not a core's job](../ARCHITECTURE.md#not-a-cores-job)".to_owned()
            } else {
                let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
                for (file, test) in proofs.get(rule).into_iter().flatten() {
                    files.entry(file).or_default().push(format!("`{test}`"));
                }
                let each = files.iter().map(|(file, tests)| format!("{file}: {}", tests.join(", ")));
                each.collect::<Vec<_>>().join("; ")
            };
            writeln!(text, "| {} | {statement} | {tests} |", name(*rule)).expect("text");
        }
    }
    text
}

#[test]
fn the_document_of_the_rules_is_up_to_date() {
    let path = root().join("docs/rules.md");
    let document = document();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &document).expect("a file of the project");
    }
    let stands = read(&path);
    let changed = stands.lines().zip(document.lines()).find(|(stands, wanted)| stands != wanted);
    assert!(
        stands == document,
        "docs/rules.md is out of date; `BLESS=1 cargo test --test coverage_of_rules` writes it. First difference: {changed:?}"
    );
}

#[test]
fn decisions_name_rules_that_exist() {
    let rules = Rules::read();
    let named = named_in(&read(&root().join("docs/decisions.md")));
    assert!(named.len() > 50, "the decisions name the rules that they settle");
    let unknown: Vec<_> = named.into_iter().filter(|rule| !rules.has(*rule)).map(name).collect();
    assert!(unknown.is_empty(), "docs/decisions.md names {unknown:?}, which are no rules");
}

/// The numbers of the public reports that must be answered.
const REPORTS: &str = "06 08 09 10 11 12 13 14 15 17 20 21 22 25b 31 38 42 46 47 48 50 54 57 58 59 61 62 65 68 69 70 71 72 \
    73 75 84 85 86 87 89 91 93 94 96 97 98 99 100";

/// `tests/decisions/reports/reports.tsv` has every public report: its number, its source, what answers it (`policy`, or `outside` where
/// it is not a policy's job), the logs that show what is right, and the tests that assert it. A test names its report in its
/// name, and with the source in its doc comment.
#[test]
fn every_report_has_a_log_and_a_test() {
    let root = root();
    let mut files = Vec::new();
    sources(&root.join("tests/decisions/reports"), &mut files);
    let mut tests: BTreeMap<String, String> =
        files.iter().flat_map(|file| documented_tests_in(&read(file))).collect();
    tests.retain(|function, _| function.starts_with("report_"));
    let architecture = read(&root.join("ARCHITECTURE.md"));
    let (mut numbers, mut logs, mut problems) = (Vec::new(), BTreeSet::new(), Vec::new());
    for line in read(&root.join("tests/decisions/reports/reports.tsv")).lines() {
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
        for log in log.split(' ') {
            if !log.starts_with(&format!("{number}-")) {
                problems.push(format!("report {number}: its log is not {log}"));
            }
            for file in [format!("{log}.jsonl"), format!("{log}.out.jsonl")] {
                if read(&root.join("tests/replay/reports").join(&file)).is_empty() {
                    problems.push(format!("report {number}: {file} is empty"));
                }
                logs.insert(file);
            }
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
