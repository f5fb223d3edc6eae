//! A grid over the settings of a config, and its frontier.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::slice;

use redial::Config;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::fault::{Fault, read};
use crate::measure::{Summary, outcomes, summaries};
use crate::policy::{Candidate, split, value_of, with};
use crate::scenario::Case;
use crate::show::{summary_cells, summary_columns};
use crate::table::{Cell, Table};

/// Most policies of a grid.
const MOST: usize = 100_000;

/// Settings, each with the values that are tried.
#[derive(Debug)]
pub(crate) struct Grid {
    base: Config,
    axes: Vec<(String, Vec<Value>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    over: Option<String>,
    axes: BTreeMap<String, Spanned<toml::Value>>,
}

/// The axes of a value: a list is one, and a table has one for each of its keys, whose names are joined by dots.
fn flatten(path: String, value: toml::Value, into: &mut Vec<(String, Vec<Value>)>) -> Result<(), String> {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(format!("{path}.{key}"), value, into)?;
            }
            Ok(())
        }
        toml::Value::Array(values) if !values.is_empty() => {
            let values = values.into_iter().map(|value| serde_json::to_value(value).unwrap_or_default());
            into.push((path, values.collect()));
            Ok(())
        }
        _ => Err(format!("axis {path:?} must be a list of values")),
    }
}

/// What a policy must do to be taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Most of the metastable queue's time over its ideal.
    pub(crate) drains: Option<f64>,
    /// Latest medians of a lone client, in seconds.
    pub(crate) lone_drop: Option<f64>,
    pub(crate) lone_blip: Option<f64>,
}

impl Bounds {
    fn holds(self, summary: &Summary) -> bool {
        let within = |value: Option<f64>, most: Option<f64>| {
            most.is_none_or(|most| value.is_some_and(|value| value <= most))
        };
        let standard = summary.standard;
        within(standard.metastable, self.drains)
            && within(standard.lone_drop, self.lone_drop)
            && within(standard.lone_blip, self.lone_blip)
    }
}

impl Grid {
    /// Of a file, and of axes such as `backoff.max_ms=30000,60000`, over a policy.
    pub(crate) fn new(
        file: Option<&str>,
        over: Option<&str>,
        axes: &[String],
        policy: impl Fn(&str) -> Result<Candidate, Fault>,
    ) -> Result<Self, Fault> {
        let mut named = None;
        let mut all = Vec::new();
        if let Some(file) = file {
            let text = read(file.as_ref())?;
            let wrong = |offset, message: &str| Fault::at(file, &text, offset, message);
            let grid: File = toml::from_str(&text)
                .map_err(|error| wrong(error.span().map(|span| span.start), error.message()))?;
            named = grid.over;
            for (path, values) in grid.axes {
                let offset = values.span().start;
                flatten(path, values.into_inner(), &mut all)
                    .map_err(|message| wrong(Some(offset), &message))?;
            }
        }
        for axis in axes {
            let Some((path, values)) = axis.split_once('=') else {
                let message = format!("{axis:?} is no axis; write backoff.max_ms=30000,60000");
                return Err(Fault::Input(message));
            };
            all.push((
                path.to_owned(),
                split(values).into_iter().map(|value| value_of(value.trim())).collect(),
            ));
        }
        let base = policy(over.or(named.as_deref()).unwrap_or("recommended"))?.config;
        Ok(Self { base, axes: all })
    }

    /// All combinations, with their settings. Those that are no valid config are left out, and said on standard error.
    pub(crate) fn candidates(&self) -> Result<Vec<(Vec<Value>, Candidate)>, Fault> {
        let many = self.axes.iter().map(|(_, values)| values.len()).try_fold(1_usize, usize::checked_mul);
        if many.is_none_or(|many| many > MOST) {
            return Err(Fault::Input(format!(
                "the grid has more than {MOST} combinations; leave some values out"
            )));
        }
        let mut combinations = vec![Vec::new()];
        for (_, values) in &self.axes {
            let longer = |combination: &Vec<Value>| {
                let combination = combination.clone();
                values.iter().map(move |value| [combination.as_slice(), slice::from_ref(value)].concat())
            };
            combinations = combinations.iter().flat_map(longer).collect();
        }
        let (mut candidates, mut refused) = (Vec::new(), Vec::new());
        for values in combinations {
            let paths = self.axes.iter().map(|(path, _)| path.clone());
            let settings: Vec<_> = paths.zip(values.iter().cloned()).collect();
            let name = settings.iter().map(|(path, value)| format!("{path}={}", word(value)));
            let name = name.collect::<Vec<_>>().join(",");
            match with(&self.base, &settings) {
                Ok(config) => candidates.push((values, Candidate { name, config })),
                Err(message) => refused.push(format!("{name}: {message}")),
            }
        }
        match refused.first() {
            Some(first) if candidates.is_empty() => return Err(Fault::Input(first.clone())),
            Some(first) => {
                let (out, of) = (refused.len(), refused.len() + candidates.len());
                drop(writeln!(io::stderr(), "storm: left out {out} of {of} combinations: {first}"));
            }
            None => {}
        }
        Ok(candidates)
    }

    /// The frontier, or all with `everything`, by attempts. The two last columns are measured with other seeds, on other scenarios
    /// where those are drawn.
    pub(crate) fn search(
        &self,
        cases: &[Case],
        others: &[Case],
        seed: u64,
        clients: Option<u32>,
        bounds: Bounds,
        everything: bool,
    ) -> Result<Table, Fault> {
        let candidates = self.candidates()?;
        let policies: Vec<_> = candidates.iter().map(|(_, policy)| policy.clone()).collect();
        let measured = summaries(&policies, cases, seed, clients)?;
        let mut taken: Vec<_> =
            candidates.into_iter().zip(measured.into_iter().map(|(_, summary)| summary)).collect();
        taken.retain(|(_, summary)| bounds.holds(summary));
        let points: Vec<_> = taken.iter().map(|(_, summary)| point(summary)).collect();
        let mut taken: Vec<_> = taken.into_iter().zip(frontier(&points)).collect();
        taken.retain(|(_, is_best)| *is_best || everything);
        taken.sort_by(|((_, a), _), ((_, b), _)| a.attempts.total_cmp(&b.attempts));
        let policies: Vec<_> = taken.iter().map(|(((_, policy), _), _)| policy.clone()).collect();
        let again = outcomes(&policies, others, seed.wrapping_add(HELD_OUT));

        let axes = self.axes.iter().map(|(path, _)| (path.as_str(), path.as_str()));
        let measures = summary_columns();
        let mut columns: Vec<_> = axes.chain(measures.into_iter().skip(1)).collect();
        columns.extend([
            ("other_attempts", "attempts, other seeds"),
            ("other_ratio", "99 % back / ideal, other seeds"),
        ]);
        if everything {
            columns.push(("frontier", "frontier"));
        }
        let mut table = Table::new(&columns);
        for ((((values, _), summary), is_best), again) in taken.iter().zip(&again) {
            let mut cells: Vec<_> = values.iter().map(|value| Cell::Text(word(value))).collect();
            cells.extend(summary_cells(summary));
            let again = Summary::new(again, &[]);
            cells.extend([Cell::Number(again.attempts, 2), Cell::or_never(again.ratio, 2)]);
            if everything {
                cells.push(Cell::Text(if *is_best { "yes" } else { "no" }.to_owned()));
            }
            table.row(cells);
        }
        Ok(table)
    }
}

/// The other seeds begin so much later.
pub(crate) const HELD_OUT: u64 = 1 << 32;

/// A value as it was written.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Attempts a client, and the ratio; no ratio where some never came back.
pub(crate) fn point(summary: &Summary) -> (f64, Option<f64>) {
    (summary.attempts, summary.ratio.filter(|_| summary.never == 0))
}

/// Which of these no other is at least as good as in both, and better than in one.
pub(crate) fn frontier(points: &[(f64, Option<f64>)]) -> Vec<bool> {
    let is_best = |(attempts, ratio): &(f64, Option<f64>)| {
        let Some(ratio) = ratio else { return false };
        !points.iter().any(|(other, other_ratio)| {
            other_ratio.is_some_and(|other_ratio| {
                (other <= attempts && other_ratio < *ratio) || (other < attempts && other_ratio <= *ratio)
            })
        })
    };
    points.iter().map(is_best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_has_what_no_other_is_better_than() {
        let points = [
            (5.0, Some(2.0)),
            (6.0, Some(1.9)),
            (7.0, Some(1.9)),
            (6.5, Some(1.95)),
            (4.0, None),
            (8.0, Some(1.2)),
        ];
        assert_eq!(frontier(&points), [true, true, false, false, false, true]);
        // Two that are equal are both in it.
        assert_eq!(frontier(&[(5.0, Some(2.0)); 2]), [true, true]);
    }
}
