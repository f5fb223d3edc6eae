//! Which tests reach which mutants, and how long each takes: found by running each test alone, without a mutant.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::copy::Program;
use crate::process::{self, Ended, Tests};

/// These compile a program of their own, of which the mutants would not be these.
const ELSEWHERE: [&str; 1] = ["program::the_program"];
/// A row for each test of the last run.
const TABLE: &str = "tests.tsv";
/// No test takes longer without a mutant.
const LONGEST: Duration = Duration::from_secs(300);

pub(crate) struct Test {
    /// Of the programs, which.
    pub(crate) program: usize,
    pub(crate) name: String,
    pub(crate) takes: Duration,
    /// The numbers of the mutants.
    pub(crate) reaches: Vec<u32>,
}

pub(crate) struct Reach {
    pub(crate) programs: Vec<Program>,
    /// The quickest first.
    pub(crate) tests: Vec<Test>,
    /// Of each mutant, the tests, the quickest first.
    pub(crate) of: BTreeMap<u32, Vec<usize>>,
}

impl Reach {
    /// Of all tests but those before.
    pub(crate) fn find(
        programs: Vec<Program>,
        before: &HashSet<String>,
        folder: &Path,
        work: &Path,
    ) -> Result<Self> {
        let mut all = Vec::new();
        for (at, (program, path)) in programs.iter().enumerate() {
            let names = process::names(path, folder)?;
            let asked = |name: &String| {
                !ELSEWHERE.contains(&name.as_str()) && !before.contains(&format!("{program} {name}"))
            };
            all.extend(names.into_iter().filter(asked).map(|name| (at, name)));
        }
        if all.is_empty() {
            bail!("no tests");
        }
        let found = Mutex::new(Vec::new());
        side_by_side(all.len(), work, |at, scratch| {
            let (program, name) = &all[at];
            let test = alone(*program, name, &programs[*program].1, folder, scratch)?;
            found.lock().expect("no other thread panics").push(test);
            Ok(())
        })?;
        let mut tests = found.into_inner().expect("no other thread panics");
        tests.sort_by_key(|test| test.takes);
        let mut of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, test) in tests.iter().enumerate() {
            for mutant in &test.reaches {
                of.entry(*mutant).or_default().push(at);
            }
        }
        let reach = Self { programs, tests, of };
        if before.is_empty() {
            reach.write(&work.join(TABLE))?;
        }
        Ok(reach)
    }

    /// A table of the tests, the quickest first.
    fn write(&self, path: &Path) -> Result<()> {
        let mut table = "seconds\tmutants\ttest\n".to_owned();
        for (at, test) in self.tests.iter().enumerate() {
            let seconds = test.takes.as_secs_f64();
            writeln!(table, "{seconds:.3}\t{}\t{}", test.reaches.len(), self.full_name(at))?;
        }
        Ok(fs::write(path, table)?)
    }

    pub(crate) fn full_name(&self, test: usize) -> String {
        let Test { program, name, .. } = &self.tests[test];
        format!("{} {name}", self.programs[*program].0)
    }
}

/// The tests of the last run.
pub(crate) fn names(work: &Path) -> Result<HashSet<String>> {
    let table = fs::read_to_string(work.join(TABLE)).context("there is no run yet")?;
    Ok(table.lines().filter_map(|row| row.split('\t').nth(2)).map(str::to_owned).collect())
}

fn alone(program: usize, name: &str, path: &Path, folder: &Path, scratch: &Path) -> Result<Test> {
    let record = scratch.join("reached");
    let tests = Tests { program: path, names: &[name], folder, scratch };
    let start = Instant::now();
    match tests.run(("REDIAL_REACHED", record.to_str().context("a path that is no text")?), LONGEST)? {
        Ended::Passed => {}
        ended => bail!("{name} fails without a mutant: {ended:?}"),
    }
    let takes = start.elapsed();
    let mut reaches = Vec::new();
    for entry in fs::read_dir(scratch)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|file| file.to_string_lossy().starts_with("reached.")) {
            let bytes = fs::read(&path)?;
            reaches.extend(
                (0..).zip(bytes).filter_map(|(number, reached): (u32, u8)| (reached != 0).then_some(number)),
            );
            fs::remove_file(path)?;
        }
    }
    reaches.sort_unstable();
    reaches.dedup();
    Ok(Test { program, name: name.to_owned(), takes, reaches })
}

/// Does this for each number below `count`, as many at a time as there are cores, each with a folder of its own.
pub(crate) fn side_by_side(
    count: usize,
    work: &Path,
    each: impl Fn(usize, &Path) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let worker = |number: usize| -> Result<()> {
        let scratch = work.join(format!("scratch-{number}"));
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;
        loop {
            let at = next.fetch_add(1, Relaxed);
            if at >= count {
                return Ok(());
            }
            each(at, &scratch).inspect_err(|_| next.store(count, Relaxed))?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|number| {
                scope.spawn({
                    let worker = &worker;
                    move || worker(number)
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })
}
