//! Whether a test fails when a mutant is on.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Result;

use crate::process::{Ended, Tests};
use crate::reach::Reach;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// By this test.
    Caught(String),
    /// One of these tests did not end in time.
    TimedOut(String),
    /// No test fails that reaches it.
    Missed,
    NotReached,
    /// Computed by the compiler: no switch can turn it on.
    CompileTime,
    /// Not compiled with the features of the copy.
    Absent,
    /// It does not compile, by what the compiler says.
    Unviable(String),
    /// It can't be said beside others: cargo-mutants has to try it alone.
    Alone(String),
}

impl Verdict {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Caught(_) => "caught",
            Self::TimedOut(_) => "timeout",
            Self::Missed => "missed",
            Self::NotReached => "not reached",
            Self::CompileTime => "compile time only",
            Self::Absent => "not compiled",
            Self::Unviable(_) => "unviable",
            Self::Alone(_) => "alone",
        }
    }

    pub(crate) fn detail(&self) -> &str {
        match self {
            Self::Caught(detail) | Self::TimedOut(detail) | Self::Unviable(detail) | Self::Alone(detail) => {
                detail
            }
            _ => "",
        }
    }
}

/// How long the tests of the first process of a mutant take together; each later one may take four times as long.
const FIRST: Duration = Duration::from_millis(100);
/// A test that takes longer than this many times what it took, and this long, does not end.
const PATIENCE: (u32, Duration) = (8, Duration::from_secs(10));

/// The tests that caught a mutant of a function come first for the others of it.
pub(crate) struct Judge<'a> {
    pub(crate) reach: &'a Reach,
    pub(crate) folder: &'a Path,
    /// No other test is asked than one that takes so long.
    pub(crate) times: RangeInclusive<Duration>,
    pub(crate) killers: Mutex<HashMap<String, Vec<usize>>>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(reach: &'a Reach, folder: &'a Path, times: RangeInclusive<Duration>) -> Self {
        Self { reach, folder, times, killers: Mutex::default() }
    }

    pub(crate) fn judge(&self, number: u32, function: &str, scratch: &Path) -> Result<Verdict> {
        let Some(tests) = self.reach.of.get(&number) else { return Ok(Verdict::NotReached) };
        let known =
            self.killers.lock().expect("no other thread panics").get(function).cloned().unwrap_or_default();
        let likely: Vec<usize> = known.into_iter().filter(|test| tests.contains(test)).take(4).collect();
        let in_time = |test: &usize| self.times.contains(&self.reach.tests[*test].takes);
        let rest: Vec<usize> =
            tests.iter().copied().filter(|test| in_time(test) && !likely.contains(test)).collect();
        for tests in std::iter::once(likely).chain(self.batches(&rest)) {
            for tests in self.by_program(&tests) {
                match self.run(number, &tests, scratch)? {
                    Ended::Passed => {}
                    Ended::Failed(name) => {
                        let killer = tests.iter().copied().find(|test| self.reach.tests[*test].name == name);
                        self.remember(function, killer);
                        return Ok(Verdict::Caught(
                            killer.map_or(name, |killer| self.reach.full_name(killer)),
                        ));
                    }
                    Ended::TimedOut => {
                        let names: Vec<String> =
                            tests.iter().map(|test| self.reach.full_name(*test)).collect();
                        return Ok(Verdict::TimedOut(names.join(", ")));
                    }
                }
            }
        }
        Ok(Verdict::Missed)
    }

    fn remember(&self, function: &str, killer: Option<usize>) {
        let mut known = self.killers.lock().expect("no other thread panics");
        let known = known.entry(function.to_owned()).or_default();
        if let Some(killer) = killer.filter(|killer| self.reach.tests[*killer].takes < Duration::from_secs(1))
        {
            known.retain(|test| *test != killer);
            known.insert(0, killer);
        }
    }

    fn run(&self, number: u32, tests: &[usize], scratch: &Path) -> Result<Ended> {
        let (_, program) = &self.reach.programs[self.reach.tests[tests[0]].program];
        let names: Vec<&str> = tests.iter().map(|test| self.reach.tests[*test].name.as_str()).collect();
        let limit = self.takes(tests) * PATIENCE.0 + PATIENCE.1;
        let tests = Tests { program, names: &names, folder: self.folder, scratch };
        tests.run(("REDIAL_MUTANT", &number.to_string()), limit)
    }

    fn takes(&self, tests: &[usize]) -> Duration {
        tests.iter().map(|test| self.reach.tests[*test].takes).sum()
    }

    /// The tests, quickest first, in parts that take longer and longer.
    fn batches(&self, tests: &[usize]) -> Vec<Vec<usize>> {
        let (mut batches, mut batch, mut budget) = (Vec::new(), Vec::new(), FIRST);
        for test in tests {
            batch.push(*test);
            if self.takes(&batch) >= budget {
                batches.push(std::mem::take(&mut batch));
                budget *= 4;
            }
        }
        batches.push(batch);
        batches
    }

    fn by_program(&self, tests: &[usize]) -> Vec<Vec<usize>> {
        let mut parts = vec![Vec::new(); self.reach.programs.len()];
        tests.iter().for_each(|test| parts[self.reach.tests[*test].program].push(*test));
        parts.retain(|part| !part.is_empty());
        parts
    }
}
