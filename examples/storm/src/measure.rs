//! What a policy comes to in a scenario, and in a set of them.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use redial::sim::{Report, run};

use crate::fault::Fault;
use crate::library::built_in;
use crate::policy::Candidate;
use crate::scenario::Case;

/// A policy in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) attempts: f64,
    pub(crate) failed_down: f64,
    pub(crate) failed_full: f64,
    pub(crate) abandoned: f64,
    /// When 50, 90, 99 and 100 % of the lost clients were back, from the time that is measured from.
    pub(crate) back: [Option<f64>; 4],
    /// The third of these over the ideal, and the last. `None`: never.
    pub(crate) ratio: Option<f64>,
    pub(crate) ratio_all: Option<f64>,
    /// How long half of the lost clients were away in all, at most.
    pub(crate) away: Option<f64>,
    /// Most dials in one second: of all, and from the time that is measured from.
    pub(crate) peak: u32,
    pub(crate) peak_after: u32,
    pub(crate) gave_up: u32,
    /// Whether there is an ideal.
    pub(crate) is_limited: bool,
}

impl Outcome {
    pub(crate) fn new(report: &Report, is_limited: bool) -> Self {
        let from = report.measured_from();
        let back = [500, 900, 990, 1000].map(|permille| report.back(permille));
        Self {
            attempts: report.attempts_per_client(),
            failed_down: report.failed_down_per_client(),
            failed_full: report.failed_full_per_client(),
            abandoned: report.abandoned_per_client(),
            back: back.map(|at| at.map(|at| at.saturating_sub(from).as_secs_f64())),
            ratio: report.ratio(),
            ratio_all: report.ratio_of(1000),
            away: report.away(500).map(|away| away.as_secs_f64()),
            peak: report.peak(Duration::ZERO),
            peak_after: report.peak(from),
            gave_up: report.gave_up(),
            is_limited,
        }
    }
}

/// A policy in a set of scenarios.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// The arithmetic mean.
    pub(crate) attempts: f64,
    /// The geometric mean over the scenarios in which 99 % came back. `None`: there was none.
    pub(crate) ratio: Option<f64>,
    pub(crate) ratio_all: Option<f64>,
    /// The largest of those.
    pub(crate) worst: Option<f64>,
    /// In how many scenarios fewer than 99 % came back.
    pub(crate) never: usize,
    pub(crate) standard: Standard,
}

/// What every policy is measured by, whatever the set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standard {
    /// In the metastable queue, the time until 99 % were back over the ideal.
    pub(crate) metastable: Option<f64>,
    /// The median time until a lone client is back: after a drop, and after the end of a blip of 2 s.
    pub(crate) lone_drop: Option<f64>,
    pub(crate) lone_blip: Option<f64>,
}

/// The scenarios of [`Standard`]. More than 10,000 clients change little in them, and in the queue they may take very long.
pub(crate) fn standard(clients: Option<u32>) -> Result<[Case; 3], Fault> {
    let clients = clients.map(|clients| clients.min(10_000));
    Ok([built_in("metastable-queue", clients)?, built_in("lone-drop", None)?, built_in("lone-blip", None)?])
}

impl Standard {
    pub(crate) fn new(outcomes: &[Outcome]) -> Self {
        let [metastable, lone_drop, lone_blip] = [0, 1, 2].map(|number| outcomes.get(number));
        let median = |outcome: Option<&Outcome>| outcome.and_then(|outcome| outcome.back[0]);
        Self {
            metastable: metastable.and_then(|outcome| outcome.ratio),
            lone_drop: median(lone_drop),
            lone_blip: median(lone_blip),
        }
    }
}

impl Summary {
    /// Of the outcomes in a set, and of those in the [standard] scenarios.
    pub(crate) fn new(set: &[Outcome], standard: &[Outcome]) -> Self {
        let limited = set.iter().filter(|outcome| outcome.is_limited);
        let ratios: Vec<_> = limited.clone().filter_map(|outcome| outcome.ratio).collect();
        let all: Vec<_> = limited.clone().filter_map(|outcome| outcome.ratio_all).collect();
        Self {
            attempts: set.iter().map(|outcome| outcome.attempts).sum::<f64>() / set.len().max(1) as f64,
            ratio: geometric_mean(&ratios),
            ratio_all: geometric_mean(&all),
            worst: ratios.iter().copied().max_by(f64::total_cmp),
            never: limited.count() - ratios.len(),
            standard: Standard::new(standard),
        }
    }
}

fn geometric_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

/// Every policy in every scenario, on all cores: for each policy its outcomes in the order of the scenarios. Scenario number n
/// has the seed `seed` + n, for every policy.
pub(crate) fn outcomes(policies: &[Candidate], cases: &[Case], seed: u64) -> Vec<Vec<Outcome>> {
    let progress = progress(policies.len() * cases.len());
    let outcomes = policies
        .par_iter()
        .map(|policy| {
            let each = cases.par_iter().enumerate().map(|(number, case)| {
                let report = run(&case.scenario, &policy.config, seed.wrapping_add(number as u64));
                progress.inc(1);
                Outcome::new(&report, case.is_limited())
            });
            each.collect()
        })
        .collect();
    progress.finish_and_clear();
    outcomes
}

/// Every policy in a set and in the standard scenarios: the outcomes in the set, and the summary.
pub(crate) fn summaries(
    policies: &[Candidate],
    cases: &[Case],
    seed: u64,
    clients: Option<u32>,
) -> Result<Vec<(Vec<Outcome>, Summary)>, Fault> {
    let mut all = cases.to_vec();
    all.extend(standard(clients)?);
    let outcomes = outcomes(policies, &all, seed);
    let summary = |mut set: Vec<Outcome>| {
        let standard = set.split_off(cases.len());
        let summary = Summary::new(&set, &standard);
        (set, summary)
    };
    Ok(outcomes.into_iter().map(summary).collect())
}

/// A bar on standard error, where that is a terminal.
fn progress(runs: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
    let bar = ProgressBar::with_draw_target(Some(runs as u64), ProgressDrawTarget::stderr());
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}
