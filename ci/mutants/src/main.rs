//! Changes the core in small ways, and looks whether a test fails.
//!
//! cargo-mutants lists the changes. A copy of the checkout has all of them at once, each behind a switch that the environment turns
//! on (`schema.rs`, `switch`), so that they are compiled once. Every test runs alone without a mutant first, which shows the mutants
//! that it reaches and how long it takes (`reach.rs`). Then each mutant meets the tests that reach it, the quickest first, until one
//! fails or does not end (`judge.rs`). What survives is in `equivalent.tsv` with the reason, or is a gap in the tests.

#![expect(clippy::disallowed_methods, reason = "how long a test takes is measured")]

mod cfgs;
mod copy;
mod equivalent;
mod files;
mod judge;
mod listed;
mod places;
mod process;
mod reach;
mod report;
mod schema;
mod text;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::copy::Copy;
use crate::judge::{Judge, Verdict};
use crate::listed::Mutant;
use crate::places::Standing;
use crate::reach::Reach;

/// Changes the core in small ways, all in one build, and looks which change no test sees.
#[derive(Parser)]
#[command(name = "ci/mutants.sh")]
struct Arguments {
    /// Only those on lines that changed since this commit.
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    /// Only those of these files.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    file: Vec<String>,
    /// Only this one, with its diff and the tests that reach it.
    #[arg(long, value_name = "NUMBER")]
    mutant: Option<u32>,
    /// Only those that the last run of all left.
    #[arg(long)]
    again: bool,
    /// Without the tests that take longer. What is missed then may be caught by one of them.
    #[arg(long, value_name = "SECONDS")]
    longest: Option<f64>,
    /// Without the tests that are quicker, which have passed before.
    #[arg(long, value_name = "SECONDS", hide = true)]
    shortest: Option<f64>,
    /// Only with the tests that were not there at the last run.
    #[arg(long)]
    new_tests: bool,
    /// The checkout.
    #[arg(long, hide = true, default_value = ".")]
    root: PathBuf,
    /// Where the copy is, and all that is written.
    #[arg(long, hide = true, default_value = "target/mutants")]
    work: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    std::fs::create_dir_all(&arguments.work)?;
    let (root, work) = (arguments.root.canonicalize()?, arguments.work.canonicalize()?);
    let equivalents = equivalent::read(&root.join("ci/mutants/equivalent.tsv"))?;
    let (mutants, texts) = listed::all(&root)?;
    let chosen = Chosen::new(arguments, &root, &work, &mutants)?;
    if chosen.numbers.is_empty() {
        println!("no mutant is chosen");
        return Ok(true);
    }

    let start = Instant::now();
    let mut copy = Copy::new(&root, &work, &mutants, &texts)?;
    let programs = copy.build()?;
    eprintln!("{} mutants are compiled after {} s", copy.compiled().count(), start.elapsed().as_secs());
    let folder = copy.folder();
    let before = if arguments.new_tests { reach::names(&work)? } else { HashSet::new() };
    let reach = Reach::find(programs, &before, &folder, &work)?;
    eprintln!("{} tests are run after {} s", reach.tests.len(), start.elapsed().as_secs());
    if let Some(number) = arguments.mutant {
        show(&mutants[number as usize - 1], number, &reach);
    }

    let whole = chosen.numbers.len() == mutants.len();
    let table = work.join(if whole || arguments.again { "mutants.tsv" } else { "chosen.tsv" });
    let seconds = |seconds: Option<f64>| seconds.map(Duration::try_from_secs_f64).transpose();
    let times = seconds(arguments.shortest)?.unwrap_or_default()
        ..=seconds(arguments.longest)?.unwrap_or(Duration::MAX);
    let judged = judge(&mutants, &copy, &chosen, &Judge::new(&reach, &folder, times), &work, &table)?;
    report::write(&table, &judged)?;
    println!("{} has a row for each; {} s", table.display(), start.elapsed().as_secs());
    Ok(report::tell(&judged, &equivalents, whole || arguments.again))
}

/// Which mutants are to be judged, and what is known of others.
struct Chosen {
    numbers: HashSet<u32>,
    known: HashMap<u32, Verdict>,
}

impl Chosen {
    fn new(arguments: &Arguments, root: &Path, work: &Path, mutants: &[Mutant]) -> Result<Self> {
        let all = || (1..).zip(mutants);
        let mut known = HashMap::new();
        let numbers = if let Some(number) = arguments.mutant {
            mutants.get((number as usize).wrapping_sub(1)).context("no mutant has this number")?;
            HashSet::from([number])
        } else if let Some(commit) = &arguments.since {
            let names: HashSet<String> = listed::since(root, commit, work)?.into_iter().collect();
            all().filter(|(_, mutant)| names.contains(&mutant.name)).map(|(number, _)| number).collect()
        } else if !arguments.file.is_empty() {
            all()
                .filter(|(_, mutant)| arguments.file.contains(&mutant.file))
                .map(|(number, _)| number)
                .collect()
        } else if arguments.again {
            let last = report::read(&work.join("mutants.tsv")).context("there is no run of all yet")?;
            for (number, mutant) in all() {
                match last.get(&mutant.key) {
                    Some((word, detail)) if word == "caught" => {
                        known.insert(number, Verdict::Caught(detail.clone()))
                    }
                    Some((word, detail)) if word == "timeout" => {
                        known.insert(number, Verdict::TimedOut(detail.clone()))
                    }
                    _ => None,
                };
            }
            all().map(|(number, _)| number).filter(|number| !known.contains_key(number)).collect()
        } else {
            all().map(|(number, _)| number).collect()
        };
        Ok(Self { numbers, known })
    }
}

fn show(mutant: &Mutant, number: u32, reach: &Reach) {
    println!("{number} {}\n{}", mutant.name, mutant.diff);
    for test in reach.of.get(&number).into_iter().flatten() {
        println!("{:>8.3} s  {}", reach.tests[*test].takes.as_secs_f64(), reach.full_name(*test));
    }
}

fn judge<'a>(
    mutants: &'a [Mutant],
    copy: &Copy<'_>,
    chosen: &Chosen,
    judge: &Judge<'_>,
    work: &Path,
    table: &Path,
) -> Result<Vec<report::Judged<'a>>> {
    let all: Vec<(u32, &Mutant)> = (1..).zip(mutants).collect();
    let judged = Mutex::new(Vec::new());
    reach::side_by_side(all.len(), work, |at, scratch| {
        let (number, mutant) = all[at];
        let verdict = match (chosen.known.get(&number), static_verdict(copy, number)) {
            (Some(known), _) => known.clone(),
            _ if !chosen.numbers.contains(&number) => return Ok(()),
            (_, Some(verdict)) => verdict,
            _ => judge.judge(number, mutant.function(), scratch)?,
        };
        let mut judged = judged.lock().expect("no other thread panics");
        judged.push((number, mutant, verdict));
        // A run that is stopped leaves what it has found.
        if judged.len() % 250 == 0 {
            eprintln!("{} mutants are judged", judged.len());
            report::write(table, &judged)?;
        }
        Ok(())
    })?;
    let mut judged = judged.into_inner().expect("no other thread panics");
    judged.sort_by_key(|(number, ..)| *number);
    Ok(judged)
}

/// What is known of a mutant without a test.
fn static_verdict(copy: &Copy<'_>, number: u32) -> Option<Verdict> {
    if let Some((said, alone)) = copy.refused.get(&number) {
        // A loan may last longer in a branch.
        let ours = !alone || is_about_loans(said);
        return Some(if ours { Verdict::Alone(said.clone()) } else { Verdict::Unviable(said.clone()) });
    }
    match &copy.standings[number as usize - 1] {
        Standing::At(_) => None,
        Standing::CompileTime => Some(Verdict::CompileTime),
        Standing::Absent => Some(Verdict::Absent),
        Standing::Inexpressible(why) => Some(Verdict::Alone((*why).to_owned())),
        Standing::NotExhaustive => Some(Verdict::Unviable("not every value has an arm".to_owned())),
        Standing::Syntax => Some(Verdict::Unviable("it does not parse".to_owned())),
    }
}

fn is_about_loans(said: &str) -> bool {
    ["E0382", "E0499", "E0502", "E0505", "E0506", "E0515", "E0597", "E0716"]
        .iter()
        .any(|code| said.starts_with(code))
}
