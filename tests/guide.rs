//! The guide is whole: its chapters are in the table of contents and run as doc tests, and its figures are those of their source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The chapters by their files, with their texts.
fn chapters() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/src");
    let names = fs::read_dir(folder)
        .expect("the guide")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("a plain name"));
    let names = names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md");
    names.map(|name| (name.clone(), read(&format!("docs/guide/src/{name}")))).collect()
}

#[test]
fn every_chapter_is_in_the_table_of_contents() {
    let summary = read("docs/guide/src/SUMMARY.md");
    let listed: BTreeSet<_> =
        summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect();
    let there: BTreeSet<_> = chapters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, there);
}

/// Code that nothing compiles is out of date sooner or later.
#[test]
fn the_code_of_every_chapter_is_a_doc_test() {
    let crate_root = read("src/lib.rs");
    for (name, text) in chapters() {
        let has_code = text.contains("```rust");
        assert_eq!(
            crate_root.contains(&format!("\"{name}\",")),
            has_code,
            "{name} in the chapters of src/lib.rs"
        );
        for opening in text.lines().filter(|line| line.starts_with("```rust")) {
            assert_eq!(opening, "```rust", "{name}: code that does not run: {opening}");
        }
    }
}

/// A chapter begins with what the reader wants, and code comes before the second heading where there is code.
#[test]
fn a_chapter_has_one_title_and_is_short() {
    for (name, text) in chapters() {
        assert!(text.starts_with("# "), "{name} begins with its title");
        let mut in_block = false;
        let mut titles = 0;
        for line in text.lines() {
            in_block ^= line.starts_with("```");
            titles += usize::from(!in_block && line.starts_with("# "));
        }
        assert_eq!(titles, 1, "{name}: one title");
        assert!(text.lines().count() <= 300, "{name} has {} lines", text.lines().count());
    }
}

/// The cells of a table's row.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// The rows of the first table behind this text.
fn table<'a>(text: &'a str, behind: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = text.split_once(behind).unwrap_or_else(|| panic!("no {behind:?}"));
    let rows =
        rest.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2).map(cells).collect()
}

/// The columns of the storm tables that the chapter shows.
#[test]
fn the_storms_of_the_guide_are_those_of_the_storms_page() {
    let (storms, chapter) = (read("STORMS.md"), read("docs/guide/src/policy.md"));
    let source = table(&storms, "--unlimited --count 240 --seed 101 -->");
    let shown = table(&chapter, "simulated storms");
    assert!(shown.len() > 4);
    for row in shown {
        let [name, dials, ratio, worst, queue, drop] = row[..] else { panic!("{row:?}") };
        let from = source.iter().find(|source| source[0] == name).unwrap_or_else(|| panic!("no row {name}"));
        assert_eq!(
            [dials, ratio, worst, queue, drop],
            [from[1], from[2], from[4], from[6], from[7]],
            "{name}"
        );
    }
}

#[test]
fn the_restarts_of_the_guide_are_those_of_the_storms_page() {
    let (storms, chapter) = (read("STORMS.md"), read("docs/guide/src/restarts.md"));
    let source = table(&storms, "--scenarios planned-restart-window --each -->");
    let shown = table(&chapter, "In a simulated restart");
    assert_eq!(shown.len(), 4);
    for row in shown {
        let of = |scenario: &str| {
            let found = source.iter().find(|source| source[0] == row[0] && source[1] == scenario);
            let found = found.unwrap_or_else(|| panic!("no row {} {scenario}", row[0]));
            [found[2], found[8], found[12]]
        };
        let (silent, window) = (of("planned-restart"), of("planned-restart-window"));
        assert_eq!(
            row[1..],
            [silent[0], silent[1], window[0], window[1], silent[2], window[2]],
            "{}",
            row[0]
        );
    }
}

/// The advice of the chapter is that of the storms page, where both name a preset.
#[test]
fn the_guide_and_the_storms_page_recommend_the_same() {
    let (storms, chapter) = (read("STORMS.md"), read("docs/guide/src/policy.md"));
    let advice = table(&chapter, "## Which preset");
    for row in table(&storms, "## What to take") {
        let preset = row[1].split('`').nth(1).expect("a preset");
        let same = advice.iter().any(|advice| advice[1].contains(&format!("`{preset}`")));
        assert!(same, "{preset} is in the chapter");
    }
}

/// The alerts that the guide names are those of the rules.
#[test]
fn the_guide_names_the_alerts() {
    let (rules, chapter) =
        (read("docs/operations/prometheus-rules.yml"), read("docs/guide/src/operations.md"));
    let rules: BTreeSet<_> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect();
    let named: BTreeSet<_> =
        table(&chapter, "each must").into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(rules, named);
}

/// What has no use by itself: another item returns it, stores with it or is bound by it.
const NOT_ALONE: [&str; 37] = [
    "ActionsIter",
    "Alive",
    "BlockingSleep",
    "Checkable",
    "Commands",
    "Counting",
    "Counts",
    "Exceeded",
    "FromName",
    "Host",
    "InPlace",
    "Load",
    "Metric",
    "Name",
    "Normal",
    "OnHeap",
    "OptionalPart",
    "Pace",
    "RateWindow",
    "Rated",
    "Raw",
    "Reader",
    "ScriptedReader",
    "ScriptedWriter",
    "Slot",
    "SmolSleep",
    "Steps",
    "Store",
    "Supervised",
    "Threaded",
    "ThreadedReader",
    "ThreadedWriter",
    "Timed",
    "VirtualSleep",
    "VirtualTask",
    "Window",
    "Writer",
];

fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()) {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            into.push((entry.display().to_string(), fs::read_to_string(&entry).expect("text")));
        }
    }
}

/// The kind and the name of the public item that this line begins.
fn item(line: &str) -> Option<(&str, &str)> {
    let mut words =
        line.strip_prefix("pub ")?.split_whitespace().skip_while(|word| ["const", "async"].contains(word));
    let kind = words.next().filter(|kind| ["struct", "enum", "trait", "fn"].contains(kind))?;
    let name = words.next()?.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    Some((kind, name))
}

/// Whether no variant of the enum that begins behind these lines carries anything.
fn is_a_list_of_words(lines: &[&str]) -> bool {
    let body = lines.iter().skip(1).take_while(|line| **line != "}");
    let mut code =
        body.map(|line| line.trim()).filter(|line| !line.starts_with("//") && !line.starts_with('#'));
    !code.any(|line| line.contains(['(', '{']))
}

/// Types, traits and functions of which a reader wants to see a use. An enum that is a list of words needs none, and neither does what
/// can't be used alone.
#[test]
fn nine_of_ten_public_items_have_an_example() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let (mut with, mut without) = (0, Vec::new());
    for (path, text) in &files {
        let lines: Vec<&str> =
            text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let Some((kind, name)) = item(line) else { continue };
            if NOT_ALONE.contains(&name) || kind == "enum" && is_a_list_of_words(&lines[number..]) {
                continue;
            }
            let above = lines[..number].iter().rev();
            let mut above =
                above.take_while(|line| line.starts_with("///") || line.starts_with(['#', ' ', ')']));
            if above.any(|line| line.contains("```") && !line.contains("```text")) {
                with += 1;
            } else {
                without.push(format!("{path}:{}: {name}", number + 1));
            }
        }
    }
    let all = with + without.len();
    println!("{with} of {all} public items have an example of their own");
    assert!(
        all > 200 && with * 10 >= all * 9,
        "{with} of {all} have an example; these have none: {without:#?}"
    );
}
