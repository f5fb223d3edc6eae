//! A run as text, JSON and JUnit's XML, and several runs as a table.

use std::fmt::Write as _;
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde::{Deserialize, Serialize};

use crate::run::Played;
use crate::verdict::Outcome;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) shape: String,
    /// What the client is called in tables.
    pub(crate) client: String,
    pub(crate) command: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) slow: f64,
    pub(crate) seconds: f64,
    pub(crate) results: Vec<Played>,
}

impl Report {
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.results.iter().filter(|played| played.verdict.outcome == outcome).count()
    }

    pub(crate) fn summary(&self) -> String {
        let (pass, fail) = (self.count(Outcome::Pass), self.count(Outcome::Fail));
        let (applicable, not) = (pass + fail, self.count(Outcome::NotApplicable));
        format!(
            "{}: {} passes {pass} of {applicable} faults, {fail} failed, {not} not applicable; {:.0} s, --seed {}",
            self.shape, self.client, self.seconds, self.seed
        )
    }

    pub(crate) fn json(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| error.to_string())
    }

    pub(crate) fn junit(&self) -> Result<String, String> {
        self.write_junit().map_err(|error| error.to_string())
    }

    fn write_junit(&self) -> std::io::Result<String> {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let suite = format!("{} {}", self.shape, self.client);
        let mut start = BytesStart::new("testsuite");
        let (tests, failures) = (self.results.len().to_string(), self.count(Outcome::Fail).to_string());
        let (skipped, time) =
            (self.count(Outcome::NotApplicable).to_string(), format!("{:.3}", self.seconds));
        for (name, value) in [
            ("name", &suite),
            ("tests", &tests),
            ("failures", &failures),
            ("skipped", &skipped),
            ("time", &time),
        ] {
            start.push_attribute((name, value.as_str()));
        }
        xml.write_event(Event::Start(start))?;
        for played in &self.results {
            let time = format!("{:.3}", played.seconds);
            let mut case = BytesStart::new("testcase");
            for (name, value) in [("classname", &self.shape), ("name", &played.name), ("time", &time)] {
                case.push_attribute((name, value.as_str()));
            }
            xml.write_event(Event::Start(case))?;
            let element = match played.verdict.outcome {
                Outcome::Pass => "system-out",
                Outcome::Fail => "failure",
                Outcome::NotApplicable => "skipped",
            };
            let mut start = BytesStart::new(element);
            if played.verdict.outcome != Outcome::Pass {
                start.push_attribute(("message", played.verdict.reason.as_str()));
            }
            xml.write_event(Event::Start(start))?;
            let text = format!("{}: {} ({})", played.about, played.verdict.reason, played.source);
            xml.write_event(Event::Text(BytesText::new(&text)))?;
            xml.write_event(Event::End(BytesEnd::new(element)))?;
            xml.write_event(Event::End(BytesEnd::new("testcase")))?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
        Ok(String::from_utf8_lossy(&xml.into_inner()).into_owned() + "\n")
    }

    /// The error is one line for the user.
    fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}; give files that --json wrote"))
    }
}

/// A line for a verdict.
pub(crate) fn line(played: &Played, width: usize) -> String {
    let Played { name, verdict, .. } = played;
    let source =
        if verdict.outcome == Outcome::Fail { format!(" ({})", played.source) } else { String::new() };
    format!("{:4}  {name:width$}  {}{source}", verdict.outcome, verdict.reason)
}

/// Several runs as Markdown: for each shape a table, and the reason of each failure below it.
pub(crate) fn tables(paths: &[impl AsRef<Path>]) -> Result<String, String> {
    let mut reports = Vec::new();
    for path in paths {
        reports.push(Report::read(path.as_ref())?);
    }
    let mut shapes: Vec<&str> = Vec::new();
    for report in &reports {
        if !shapes.contains(&report.shape.as_str()) {
            shapes.push(&report.shape);
        }
    }
    let mut text = String::new();
    for shape in shapes {
        let columns: Vec<_> = reports.iter().filter(|report| report.shape == shape).collect();
        table(&mut text, shape, &columns).map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// How many faults a summary names.
const NAMED: usize = 12;

/// Several runs as one table of Markdown, with a line for each.
pub(crate) fn summary(paths: &[impl AsRef<Path>]) -> Result<String, String> {
    let mut text = String::from("| client | server | passed | failed |\n| --- | --- | --- | --- |\n");
    for path in paths {
        let report = Report::read(path.as_ref())?;
        let pass = report.count(Outcome::Pass);
        let failed: Vec<_> = report
            .results
            .iter()
            .filter(|played| played.verdict.outcome == Outcome::Fail)
            .map(|played| format!("`{}`", played.name))
            .collect();
        let of = pass + failed.len();
        let failed = match failed.len() {
            0 => "none".to_owned(),
            1..=NAMED => failed.join(", "),
            more => format!("{more} of them"),
        };
        text += &format!("| {} | {} | {pass} of {of} | {failed} |\n", report.client, report.shape);
    }
    Ok(text)
}

fn table(text: &mut String, shape: &str, columns: &[&Report]) -> std::fmt::Result {
    let head = |cell: &dyn Fn(&Report) -> String| {
        columns.iter().map(|report| format!(" {} |", cell(report))).collect::<String>()
    };
    writeln!(text, "## {shape}\n")?;
    writeln!(text, "| fault | the server |{}", head(&|report| report.client.clone()))?;
    writeln!(text, "| --- | --- |{}", head(&|_| "---".to_owned()))?;
    let totals = head(&|report| {
        let pass = report.count(Outcome::Pass);
        format!("**{pass} of {}**", pass + report.count(Outcome::Fail))
    });
    writeln!(text, "| **passed** | |{totals}")?;
    let first = columns.first().map(|report| report.results.as_slice()).unwrap_or_default();
    for played in first {
        let cells = head(&|report| {
            let same = report.results.iter().find(|other| other.name == played.name);
            same.map_or("", |same| match same.verdict.outcome {
                Outcome::Pass => "pass",
                Outcome::Fail => "**fail**",
                Outcome::NotApplicable => "n/a",
            })
            .to_owned()
        });
        writeln!(text, "| `{}` | {} |{cells}", played.name, played.about.replace('|', "\\|"))?;
    }
    for report in columns {
        let failed: Vec<_> =
            report.results.iter().filter(|played| played.verdict.outcome == Outcome::Fail).collect();
        if failed.is_empty() {
            continue;
        }
        writeln!(text, "\n### {shape}: where {} fails, and why\n", report.client)?;
        for played in failed {
            writeln!(text, "- `{}`: {} ({}).", played.name, played.verdict.reason, played.source)?;
        }
    }
    writeln!(text)
}
