//! How a test names the rules that it proves: in its doc comment or in its own name.

use std::collections::BTreeSet;

/// A rule: series and number.
pub(crate) type Rule = (char, u32);

/// The series of rules, in the order of `tests/rules.tsv`.
pub(crate) const SERIES: [char; 6] = ['F', 'S', 'L', 'P', 'R', 'W'];

pub(crate) fn name((series, number): Rule) -> String {
    format!("{series}{number:02}")
}

/// `F27` at the beginning of `text`: the rule and what follows it.
pub(crate) fn rule_at(text: &str) -> Option<(Rule, &str)> {
    let series = text.chars().next().filter(|series| SERIES.contains(series))?;
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
pub(crate) fn named_in(comment: &str) -> BTreeSet<Rule> {
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
pub(crate) fn documented_tests_in(source: &str) -> Vec<(String, String)> {
    let mut tests = Vec::new();
    let (mut comment, mut is_test, mut ignored, mut in_attribute) = (String::new(), false, false, false);
    for line in source.lines().map(str::trim) {
        // A unit test in `src` has a plain comment: there, no documentation names a rule.
        if let Some(text) = line.strip_prefix("///").or_else(|| line.strip_prefix("//")) {
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
pub(crate) fn tests_in(source: &str) -> Vec<(String, BTreeSet<Rule>)> {
    let numbered = |(function, comment): (String, String)| {
        let mut rules = named_in(&comment);
        rules.extend(named_by(&function));
        (function, rules)
    };
    documented_tests_in(source).into_iter().map(numbered).collect()
}

fn numbers(rules: BTreeSet<Rule>) -> Vec<String> {
    rules.into_iter().map(name).collect()
}

#[test]
fn a_comment_names_its_numbers() {
    for (comment, expected) in [
        ("S27, P23: any attempt", vec!["P23", "S27"]),
        (
            "F101-F103, P28, lifecycle 83-85, 89: the model",
            vec!["F101", "F102", "F103", "L83", "L84", "L85", "L89", "P28"],
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
