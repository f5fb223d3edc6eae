//! What became of the mutants: a table of all, and what is to be done.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::equivalent::Equivalents;
use crate::judge::Verdict;
use crate::listed::{Key, Mutant};

/// A mutant with its number and what became of it.
pub(crate) type Judged<'a> = (u32, &'a Mutant, Verdict);

const HEAD: &str = "number\tverdict\tfile\tline\tfunction\tmutation\ttext\tdetail\n";

pub(crate) fn write(path: &Path, judged: &[Judged<'_>]) -> Result<()> {
    let mut table = HEAD.to_owned();
    for (number, mutant, verdict) in judged {
        let Key { file, mutation, line } = &mutant.key;
        let detail = verdict.detail().replace(['\t', '\n'], " ");
        let (at, function) = (mutant.span.start.line, mutant.function());
        writeln!(
            table,
            "{number}\t{}\t{file}\t{at}\t{function}\t{mutation}\t{line}\t{detail}",
            verdict.word()
        )?;
    }
    Ok(fs::write(path, table)?)
}

/// The words of the verdicts that a table has, with the details.
pub(crate) fn read(path: &Path) -> Result<HashMap<Key, (String, String)>> {
    let mut found = HashMap::new();
    for row in fs::read_to_string(path)?.lines().skip(1) {
        if let [_, verdict, file, _, _, mutation, line, detail] = row.split('\t').collect::<Vec<_>>()[..] {
            let key = Key { file: file.to_owned(), mutation: mutation.to_owned(), line: line.to_owned() };
            found.insert(key, (verdict.to_owned(), detail.to_owned()));
        }
    }
    Ok(found)
}

/// Prints what a reader has to know. True if there is nothing to do.
pub(crate) fn tell(judged: &[Judged<'_>], equivalents: &Equivalents, whole: bool) -> bool {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    judged.iter().for_each(|(.., verdict)| *counts.entry(verdict.word()).or_default() += 1);
    let mut good = true;
    let mut listed = 0;
    for (number, mutant, verdict) in judged {
        let is_listed = equivalents.contains_key(&mutant.key);
        let said = match verdict {
            Verdict::Missed | Verdict::NotReached | Verdict::Alone(_) if is_listed => {
                listed += 1;
                continue;
            }
            Verdict::Missed | Verdict::NotReached | Verdict::Alone(_) => verdict.word(),
            Verdict::Caught(_) | Verdict::TimedOut(_) if is_listed => "listed as equivalent, and caught",
            _ => continue,
        };
        good = false;
        println!("{said}: {number} {}", mutant.name);
    }
    if whole {
        let here: std::collections::HashSet<&Key> = judged.iter().map(|(_, mutant, _)| &mutant.key).collect();
        for key in equivalents.keys().filter(|key| !here.contains(key)) {
            good = false;
            println!("listed as equivalent, and not there: {}: {} ({})", key.file, key.mutation, key.line);
        }
    }
    let count = |words: &[&str]| words.iter().filter_map(|word| counts.get(word)).sum::<usize>();
    let caught = count(&["caught", "timeout"]);
    let viable = caught + count(&["missed", "not reached"]);
    println!(
        "{} mutants: {}",
        judged.len(),
        counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    );
    if viable > 0 {
        let share = 100.0 * caught as f64 / viable as f64;
        println!(
            "{caught} of {viable} viable ones are caught, {share:.1} %; {listed} of the others are equivalent"
        );
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(line: &str) -> Mutant {
        let mut mutant: Mutant = serde_json::from_value(serde_json::json!({
            "name": "src/a.rs:1:1: replace", "file": "src/a.rs", "diff": "", "replacement": "", "genre": "FnValue",
            "function": null, "span": { "start": { "line": 1, "column": 1 }, "end": { "line": 1, "column": 2 } },
        }))
        .expect("a mutant");
        mutant.key =
            Key { file: "src/a.rs".to_owned(), mutation: "replace".to_owned(), line: line.to_owned() };
        mutant
    }

    #[test]
    fn what_survives_is_listed_and_what_is_listed_survives() {
        let (one, two) = (mutant("one"), mutant("two"));
        let listed = Equivalents::from([(one.key.clone(), "It is so.".to_owned())]);
        let caught = || Verdict::Caught("a test".to_owned());
        let good =
            |one_is: Verdict, two_is: Verdict| tell(&[(1, &one, one_is), (2, &two, two_is)], &listed, true);
        assert!(good(Verdict::Missed, caught()));
        assert!(good(Verdict::NotReached, Verdict::TimedOut(String::new())));
        assert!(good(Verdict::Missed, Verdict::Unviable(String::new())));
        assert!(!good(Verdict::Missed, Verdict::Missed), "a gap");
        assert!(!good(Verdict::Missed, Verdict::NotReached), "a gap");
        assert!(!good(caught(), caught()), "it is not equivalent");
        assert!(!tell(&[(2, &two, caught())], &listed, true), "it is not there");
        assert!(tell(&[(2, &two, caught())], &listed, false), "not all are looked at");
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let file = std::env::temp_dir().join(format!("mutants-report-{}", std::process::id()));
        let (one, two) = (mutant("one"), mutant("two"));
        let verdicts = [(1, &one, Verdict::Caught("a\ttest".to_owned())), (2, &two, Verdict::Missed)];
        write(&file, &verdicts).expect("a table");
        let found = read(&file).expect("a table");
        assert_eq!(found[&one.key], ("caught".to_owned(), "a test".to_owned()));
        assert_eq!(found[&two.key], ("missed".to_owned(), String::new()));
        fs::remove_file(file).expect("it was there");
    }
}
