//! What each table holds.

use redial::presets;
use redial::sim::run as simulate;

use crate::fault::Fault;
use crate::library::{BUILT_IN, built_in};
use crate::measure::{Outcome, Standard, Summary, outcomes, standard, summaries};
use crate::policy::Candidate;
use crate::scenario::Case;
use crate::table::{Cell, Table};

const OUTCOME: [(&str, &str); 15] = [
    ("policy", "policy"),
    ("scenario", "scenario"),
    ("attempts", "attempts a client"),
    ("failed_down", "failed: server down"),
    ("failed_full", "failed: no capacity"),
    ("abandoned", "taken too late"),
    ("t50_s", "50 % back, s"),
    ("t90_s", "90 % back, s"),
    ("t99_s", "99 % back, s"),
    ("t100_s", "100 % back, s"),
    ("ratio", "99 % back / ideal"),
    ("away_s", "median time away, s"),
    ("peak", "peak, dials/s"),
    ("peak_after", "peak after the outage"),
    ("gave_up", "gave up"),
];

const STANDARD: [(&str, &str); 3] = [
    ("metastable", "metastable queue, 99 % / ideal"),
    ("lone_drop_s", "lone client, drop, s"),
    ("lone_blip_s", "lone client, 2 s blip, s"),
];

fn outcome(policy: &Candidate, case: &Case, outcome: &Outcome) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(policy.name.clone()), Cell::Text(case.name.clone())];
    let shares = [outcome.attempts, outcome.failed_down, outcome.failed_full, outcome.abandoned];
    cells.extend(shares.map(|share| Cell::Number(share, 2)));
    cells.extend(outcome.back.map(|back| Cell::or_never(back, 1)));
    cells.push(if outcome.is_limited { Cell::or_never(outcome.ratio, 2) } else { Cell::Nothing });
    cells.push(Cell::or_never(outcome.away, 1));
    cells.extend([outcome.peak, outcome.peak_after, outcome.gave_up].map(|count| Cell::Count(count.into())));
    cells
}

fn standards(measured: &Standard) -> [Cell; 3] {
    [
        Cell::or_never(measured.metastable, 1),
        Cell::or_never(measured.lone_drop, 1),
        Cell::or_never(measured.lone_blip, 1),
    ]
}

/// One policy in one scenario, and by the standard scenarios.
pub(crate) fn run(policy: &Candidate, case: &Case, seed: u64) -> Result<Table, Fault> {
    let mut table = Table::new(&[OUTCOME.as_slice(), &STANDARD].concat());
    let mut cases = vec![case.clone()];
    cases.extend(standard(None)?);
    let outcomes = outcomes(std::slice::from_ref(policy), &cases, seed).concat();
    if let Some((own, others)) = outcomes.split_first() {
        let mut cells = outcome(policy, case, own);
        cells.extend(standards(&Standard::new(others)));
        table.row(cells);
    }
    Ok(table)
}

/// What happened in each second.
pub(crate) fn seconds(policy: &Candidate, case: &Case, seed: u64) -> Table {
    let mut table = Table::new(&[("second", "second"), ("dials", "dials"), ("online", "online")]);
    let report = simulate(&case.scenario, &policy.config, seed);
    for (number, second) in report.seconds().iter().enumerate() {
        table.row(vec![
            Cell::Count(number as u64),
            Cell::Count(second.dials.into()),
            Cell::Count(second.online.into()),
        ]);
    }
    table
}

/// Every policy in every scenario.
pub(crate) fn each(policies: &[Candidate], cases: &[Case], seed: u64) -> Table {
    let mut table = Table::new(&OUTCOME);
    for (policy, outcomes) in policies.iter().zip(outcomes(policies, cases, seed)) {
        for (case, own) in cases.iter().zip(&outcomes) {
            table.row(outcome(policy, case, own));
        }
    }
    table
}

const SUMMARY: [(&str, &str); 6] = [
    ("policy", "policy"),
    ("attempts", "attempts a client"),
    ("ratio", "99 % back / ideal"),
    ("ratio_all", "100 % back / ideal"),
    ("worst", "worst"),
    ("never", "never back"),
];

/// The columns of a table of summaries.
pub(crate) fn summary_columns() -> Vec<(&'static str, &'static str)> {
    [SUMMARY.as_slice(), &STANDARD].concat()
}

/// A summary, without the policy's name.
pub(crate) fn summary_cells(summary: &Summary) -> Vec<Cell> {
    let mut cells = vec![Cell::Number(summary.attempts, 2)];
    cells.extend([summary.ratio, summary.ratio_all].map(|ratio| Cell::or_never(ratio, 2)));
    cells.push(Cell::or_never(summary.worst, 1));
    cells.push(Cell::Count(summary.never as u64));
    cells.extend(standards(&summary.standard));
    cells
}

/// The means of each policy over the scenarios.
pub(crate) fn compare(
    policies: &[Candidate],
    cases: &[Case],
    seed: u64,
    clients: Option<u32>,
) -> Result<Table, Fault> {
    let mut table = Table::new(&summary_columns());
    for (policy, (_, measured)) in policies.iter().zip(summaries(policies, cases, seed, clients)?) {
        let mut cells = vec![Cell::Text(policy.name.clone())];
        cells.extend(summary_cells(&measured));
        table.row(cells);
    }
    Ok(table)
}

/// The names of what there is.
pub(crate) fn list() -> Result<Table, Fault> {
    let mut table = Table::new(&[("kind", "kind"), ("name", "name"), ("title", "what it is")]);
    for (name, _) in presets::ALL {
        table.row(vec![Cell::Text("policy".to_owned()), Cell::Text((*name).to_owned()), Cell::Nothing]);
    }
    for (name, _) in BUILT_IN {
        let case = built_in(name, None)?;
        table.row(vec![Cell::Text("scenario".to_owned()), Cell::Text(case.name), Cell::Text(case.title)]);
    }
    Ok(table)
}
