//! What a run came to, for people.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::cell::Recovery;
use crate::fault::Fault;
use crate::leaks::{self, Usage};
use crate::run::{Failure, Numbered};

/// So many samples of the memory tell how it goes. The third of a run that comes before them fills caches and buffers.
const ENOUGH: usize = 200;

/// So many faults of a kind that cost no dial did nothing.
const IDLE: usize = 20;

/// How much the memory may grow with a fault, in bytes.
const GROWTH: f64 = 1_024.0;

pub(crate) struct Report {
    seed: u64,
    recoveries: BTreeMap<&'static str, Vec<Recovery>>,
    played: u32,
    pub(crate) failures: Vec<Failure>,
    /// What the process has left.
    leak: Option<String>,
    memory: Option<Memory>,
    pub(crate) took: Duration,
}

struct Memory {
    resident: u64,
    /// In bytes a fault; `None`: there were too few to tell.
    growth: Option<f64>,
}

impl Report {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            recoveries: BTreeMap::new(),
            played: 0,
            failures: Vec::new(),
            leak: None,
            memory: None,
            took: Duration::ZERO,
        }
    }

    pub(crate) const fn played(&self) -> u32 {
        self.played
    }

    pub(crate) fn is_good(&self) -> bool {
        self.failures.is_empty() && self.leak.is_none() && !self.grows() && self.idle().is_empty()
    }

    /// The kinds of faults that have done nothing, so that to get over them proves nothing.
    fn idle(&self) -> Vec<&'static str> {
        let costs = |recoveries: &Vec<Recovery>| recoveries.iter().any(|recovery| recovery.dials > 0);
        let idle = self.recoveries.iter().filter(|(_, all)| all.len() >= IDLE && !costs(all));
        idle.map(|(name, _)| *name).collect()
    }

    pub(crate) fn add(&mut self, numbered: Numbered, recovery: Recovery) {
        self.played += 1;
        let name = match numbered.fault {
            Fault::One(one) => one.what.name(),
            Fault::Together(..) => "two at once",
            Fault::InRecovery(..) => "one after another",
        };
        self.recoveries.entry(name).or_default().push(recovery);
    }

    /// Compares with what there was before, and looks how the memory went.
    pub(crate) fn check_leaks(&mut self, idle: &Usage, samples: &[(u32, u64)]) {
        self.leak = idle.check().err();
        let steady = samples.get(samples.len() / 3..).filter(|steady| steady.len() >= ENOUGH);
        let resident = samples.last().map_or(0, |(_, bytes)| *bytes);
        self.memory = Some(Memory { resident, growth: steady.map(leaks::slope) });
    }

    fn grows(&self) -> bool {
        self.memory.as_ref().and_then(|memory| memory.growth).is_some_and(|growth| growth > GROWTH)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<26}{:>7}{:>7}{:>9}{:>13}{:>10}",
            "fault", "played", "dials", "refused", "median (ms)", "most (ms)"
        )?;
        for (name, recoveries) in &self.recoveries {
            let mut took: Vec<_> = recoveries.iter().map(|recovery| recovery.took.as_millis()).collect();
            took.sort_unstable();
            let sum = |of: fn(&Recovery) -> u32| recoveries.iter().map(of).sum::<u32>();
            let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
            let (dials, refused) = (sum(|recovery| recovery.dials), sum(|recovery| recovery.refused));
            writeln!(f, "{name:<26}{:>7}{dials:>7}{refused:>9}{median:>13}{most:>10}", recoveries.len())?;
        }
        for name in self.idle() {
            writeln!(f, "WITHOUT EFFECT: {name}")?;
        }
        if let Some(leak) = &self.leak {
            writeln!(f, "LEFT OVER: {leak}")?;
        }
        if let Some(Memory { resident, growth }) = &self.memory {
            let verdict = if self.grows() { "IT GROWS: " } else { "" };
            write!(f, "{verdict}memory at the end {} KiB", resident / 1_024)?;
            match growth {
                Some(growth) => writeln!(f, ", and {growth:+.0} bytes a fault")?,
                None => writeln!(f)?,
            }
        }
        let (seed, failed, took) = (self.seed, self.failures.len(), self.took.as_secs_f64());
        writeln!(f, "seed {seed}: {} faults got over, {failed} failures, in {took:.1} s", self.played)
    }
}

/// A failure in full, with the commands that play it again.
pub(crate) struct Shown<'a> {
    pub(crate) failure: &'a Failure,
    pub(crate) seed: u64,
    /// What else the command needs.
    pub(crate) options: &'a str,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { plan, fault, before, reason, recording, server } = self.failure;
        match fault {
            Some(Numbered { number, fault }) => writeln!(f, "FAILED: fault {number}, {plan}: {fault}")?,
            None => writeln!(f, "FAILED: without a fault, {plan}")?,
        }
        writeln!(f, "  reason: {reason}")?;
        let (seed, options) = (self.seed, self.options);
        if let Some(Numbered { number, .. }) = fault {
            writeln!(f, "  again: chaos --seed {seed} --only {number}{options}")?;
        }
        if !before.is_empty() {
            let all: Vec<_> = before.iter().copied().chain(fault.map(|fault| fault.number)).collect();
            let all = all.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            writeln!(f, "  after those before it: chaos --seed {seed} --only {all}{options}")?;
        }
        for line in server {
            writeln!(f, "  server: {line}")?;
        }
        if !recording.is_empty() {
            writeln!(
                f,
                "  the recording of this run, for the standard input of `cargo run --example replay -- --timeline`:\n{}",
                recording.trim_end()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{IDLE, Report};
    use crate::cell::Recovery;
    use crate::fault::{Disturbance, Fault, What};
    use crate::run::Numbered;

    #[test]
    fn faults_that_do_nothing_are_no_success() {
        let report = |dials| {
            let mut report = Report::new(1);
            let fault = Fault::One(Disturbance { what: What::Freeze, hold: Duration::from_secs(1) });
            for number in 0..IDLE as u32 {
                let dials = if number == 3 { dials } else { 0 };
                let recovery = Recovery { took: Duration::ZERO, dials, refused: 0 };
                report.add(Numbered { number, fault }, recovery);
            }
            report
        };
        assert!(report(1).is_good());
        assert!(!report(0).is_good());
        assert!(report(0).to_string().contains("WITHOUT EFFECT: freeze"));
    }
}
