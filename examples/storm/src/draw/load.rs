//! Load and recovery over time, of some policies in one scenario.

use std::path::Path;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rayon::prelude::*;
use redial::sim::{Report, run};

use super::{COLOURS, Chart, Drawn, FAINT, INK, Scale, short, write};
use crate::fault::Fault;
use crate::policy::Candidate;
use crate::scenario::Case;

/// Most policies in one chart.
pub(crate) const MOST: usize = COLOURS.len();
/// So many points has a curve at most.
const POINTS: usize = 240;

/// Entries of a legend, each with its left edge and its number.
type Row = Vec<(i32, usize)>;

struct Load {
    title: String,
    clients: f64,
    /// Seconds of the run.
    until: f64,
    outages: Vec<(f64, f64)>,
    /// What the servers take a second, at the end of each step.
    capacity: Vec<(f64, f64)>,
    ideal: Vec<(f64, f64)>,
    curves: Vec<Curve>,
}

struct Curve {
    name: String,
    dials: Vec<(f64, f64)>,
    online: Vec<(f64, f64)>,
}

/// Draws it. `until` is the last second that is shown; without it, so many that 99 % of the clients are back.
pub(crate) fn draw(
    policies: &[Candidate],
    case: &Case,
    seed: u64,
    until: Option<Duration>,
    out: &Path,
) -> Result<(), Fault> {
    if policies.len() > MOST {
        return Err(Fault::Input(format!("{} policies; a chart has {MOST} at most", policies.len())));
    }
    let reports: Vec<_> =
        policies.par_iter().map(|policy| run(&case.scenario, &policy.config, seed)).collect();
    write(&Load::new(policies, case, &reports, until), out)
}

impl Load {
    fn new(policies: &[Candidate], case: &Case, reports: &[Report], until: Option<Duration>) -> Self {
        let scenario = &case.scenario;
        let from = reports.first().map_or(Duration::ZERO, Report::measured_from);
        let ideal = scenario.ideal(scenario.clients()).unwrap_or_default();
        // Where some come back very late, the others need not be squeezed into the margin.
        let longest = from + ideal * 8 + Duration::from_secs(10);
        let back = reports.iter().filter_map(|report| report.back(990)).filter(|back| *back <= longest);
        let shown =
            back.max().unwrap_or(from + ideal * 3).max(from + ideal).mul_f64(1.15) + Duration::from_secs(2);
        let seconds = until.unwrap_or(shown).as_secs().max(10) as usize;
        let width = seconds.div_ceil(POINTS).max(1);
        let clients = f64::from(scenario.clients().max(1));

        let at = |second: usize| scenario.per_second(Duration::from_secs(second as u64));
        let capacity: Vec<_> = (0..=seconds).map(|second| (second as f64, f64::from(at(second)))).collect();
        let is_limited = case.is_limited();
        let mut outages: Vec<(f64, f64)> = Vec::new();
        for (second, _) in capacity.iter().filter(|(_, rate)| *rate == 0.0) {
            match outages.last_mut() {
                Some((_, end)) if *end == *second => *end += 1.0,
                _ => outages.push((*second, second + 1.0)),
            }
        }
        Self {
            title: case.title.clone(),
            clients,
            until: seconds as f64,
            outages,
            ideal: ideal_curve(case, reports, from, seconds),
            capacity: if is_limited { capacity } else { Vec::new() },
            curves: policies
                .iter()
                .zip(reports)
                .map(|(policy, report)| Curve::new(policy, report, seconds, width))
                .collect(),
        }
    }

    fn most(&self) -> f64 {
        let dials = self.curves.iter().flat_map(|curve| &curve.dials).map(|(_, dials)| *dials);
        dials.chain(self.capacity.iter().map(|(_, rate)| *rate)).fold(10.0, f64::max)
    }
}

/// How many would be back in the ideal case: everybody is away at the time that is measured from, and nobody is refused. Empty
/// where more than 1 % are connected at that time.
fn ideal_curve(case: &Case, reports: &[Report], from: Duration, seconds: usize) -> Vec<(f64, f64)> {
    let begins = from.as_secs() as usize;
    let before = begins.saturating_sub(1);
    let online = |report: &Report| report.seconds().get(before).map_or(0, |second| second.online);
    let most = case.scenario.clients() / 100;
    if !case.is_limited() || (begins > 0 && reports.iter().any(|report| online(report) > most)) {
        return Vec::new();
    }
    let mut back = 0.0;
    let mut curve = vec![(begins as f64, 0.0)];
    for second in begins..seconds {
        back += f64::from(case.scenario.per_second(Duration::from_secs(second as u64)));
        curve.push(((second + 1) as f64, 100.0 * (back / f64::from(case.scenario.clients())).min(1.0)));
    }
    curve
}

impl Curve {
    fn new(policy: &Candidate, report: &Report, seconds: usize, width: usize) -> Self {
        let clients = f64::from(report.clients().max(1));
        let mut curve = Self { name: policy.name.clone(), dials: Vec::new(), online: Vec::new() };
        // After the run nobody dials, and who is connected stays so.
        let dials = |second: usize| report.seconds().get(second).map_or(0, |second| second.dials);
        for first in (0..seconds).step_by(width) {
            let count: u32 = (first..first + width).map(dials).sum();
            let mean = f64::from(count) / width as f64;
            curve.dials.extend([(first as f64, mean), ((first + width) as f64, mean)]);
        }
        let at_end = f64::from(report.online());
        curve.online.push((0.0, 100.0));
        for second in 0..seconds {
            let online = report.seconds().get(second).map_or(at_end, |second| f64::from(second.online));
            curve.online.push(((second + 1) as f64, 100.0 * online / clients));
        }
        curve
    }
}

/// The parts of a curve that are above a value, each with its edges.
fn above(curve: &[(f64, f64)], least: f64) -> Vec<Vec<(f64, f64)>> {
    let clamped = |&(x, y): &(f64, f64)| (x, y.max(least));
    let mut parts: Vec<Vec<_>> = Vec::new();
    let mut is_open = false;
    for pair in curve.windows(2) {
        if let [a, b] = pair {
            let shows = a.1 > least || b.1 > least;
            match parts.last_mut().filter(|_| is_open && shows) {
                Some(part) => part.push(clamped(b)),
                None if shows => parts.push(vec![clamped(a), clamped(b)]),
                None => {}
            }
            is_open = shows;
        }
    }
    parts
}

impl Chart for Load {
    const HEIGHT: u32 = 760;

    fn draw<D: DrawingBackend>(&self, area: &DrawingArea<D, Shift>, scale: Scale) -> Drawn<D> {
        let (width, _) = area.dim_in_pixel();
        let (head, body) = area.split_vertically(scale.px(58));
        let legend_rows = self.rows(&body, scale, width as i32)?;
        let height =
            scale.px(Self::HEIGHT as i32 - 58) - scale.px(26) * legend_rows.len() as i32 - scale.px(10);
        let (panels, legend) = body.split_vertically(height);
        let (above, below) = panels.split_vertically(height / 2);
        let centre = Pos::new(HPos::Center, VPos::Center);
        head.draw_text(&self.title, &scale.bold(19).pos(centre), (width as i32 / 2, scale.px(24)))?;
        let people = format!("{} clients; grey: the servers are down", short(self.clients));
        head.draw_text(&people, &scale.text(14).pos(centre), (width as i32 / 2, scale.px(48)))?;
        self.loads(&above, scale)?;
        self.recovered(&below, scale)?;
        for (row, entries) in legend_rows.iter().enumerate() {
            let y = scale.px(20) + scale.px(26) * row as i32;
            for (x, number) in entries {
                self.entry(&legend, scale, (*x, y), *number)?;
            }
        }
        Ok(())
    }
}

impl Load {
    fn loads<D: DrawingBackend>(&self, area: &DrawingArea<D, Shift>, scale: Scale) -> Drawn<D> {
        let most = self.most() * 1.5;
        // Three decades below the capacity are nothing.
        let rate =
            self.capacity.iter().map(|(_, rate)| *rate).filter(|rate| *rate > 0.0).fold(f64::MAX, f64::min);
        let least = if rate == f64::MAX { 1.0 } else { (rate / 30.0).max(0.1) };
        let mut chart = ChartBuilder::on(area)
            .margin_right(scale.px(24))
            .margin_left(scale.px(8))
            .x_label_area_size(scale.px(30))
            .y_label_area_size(scale.px(74))
            .build_cartesian_2d(0.0..self.until, (least..most).log_scale())?;
        let outages = self.outages.iter().map(|&(from, to)| [(from, least), (to.min(self.until), most)]);
        chart.draw_series(outages.map(|corners| Rectangle::new(corners, FAINT.filled())))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(INK)
            .x_labels(10)
            .y_labels(6)
            .label_style(scale.text(14))
            .axis_desc_style(scale.text(15))
            .y_desc("dials a second")
            .y_label_formatter(&|number| short(*number))
            .x_label_formatter(&|number| short(*number))
            .draw()?;
        let stroke = INK.stroke_width(scale.stroke(2));
        for part in above(&self.capacity, least) {
            chart.draw_series(DashedLineSeries::new(part, scale.px(6), scale.px(5), stroke))?;
        }
        // The first on top.
        for (number, curve) in self.curves.iter().enumerate().rev() {
            for part in above(&curve.dials, least) {
                chart.draw_series(LineSeries::new(part, self.stroke(scale, number)))?;
            }
        }
        Ok(())
    }

    fn recovered<D: DrawingBackend>(&self, area: &DrawingArea<D, Shift>, scale: Scale) -> Drawn<D> {
        let mut chart = ChartBuilder::on(area)
            .margin_right(scale.px(24))
            .margin_left(scale.px(8))
            .margin_top(scale.px(10))
            .x_label_area_size(scale.px(48))
            .y_label_area_size(scale.px(74))
            .build_cartesian_2d(0.0..self.until, 0.0..103.0)?;
        let outages = self.outages.iter().map(|&(from, to)| [(from, 0.0), (to.min(self.until), 103.0)]);
        chart.draw_series(outages.map(|corners| Rectangle::new(corners, FAINT.filled())))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(INK)
            .x_labels(10)
            .y_labels(6)
            .label_style(scale.text(14))
            .axis_desc_style(scale.text(15))
            .x_desc("seconds since the beginning")
            .y_desc("clients connected, %")
            .x_label_formatter(&|number| short(*number))
            .y_label_formatter(&|number| short(*number))
            .draw()?;
        for (number, curve) in self.curves.iter().enumerate().rev() {
            chart.draw_series(LineSeries::new(curve.online.iter().copied(), self.stroke(scale, number)))?;
        }
        // On top, but thinner, so that a curve that is as good shows below it.
        let stroke = INK.stroke_width(scale.stroke(1));
        let ideal = self.ideal.iter().copied();
        chart.draw_series(DashedLineSeries::new(ideal, scale.px(6), scale.px(6), stroke))?;
        Ok(())
    }

    fn stroke(&self, scale: Scale, number: usize) -> ShapeStyle {
        COLOURS[number % COLOURS.len()].stroke_width(scale.stroke(2))
    }

    fn label(&self, number: usize) -> &str {
        self.curves.get(number).map_or("what the servers take; the ideal", |curve| &curve.name)
    }

    /// The entries of the legend, each with its place, as many in a row as fit.
    fn rows<D: DrawingBackend>(
        &self,
        area: &DrawingArea<D, Shift>,
        scale: Scale,
        width: i32,
    ) -> Drawn<D, Vec<Row>> {
        let left = scale.px(82);
        let (mut rows, mut x) = (vec![Vec::new()], left);
        // The last one is what the servers take, if that is limited.
        let entries = self.curves.len() + usize::from(!self.capacity.is_empty());
        for number in 0..entries {
            let (text, _) = area.estimate_text_size(self.label(number), &scale.text(15))?;
            let needs = text as i32 + scale.px(38 + 24);
            if x + needs > width && x > left {
                rows.push(Vec::new());
                x = left;
            }
            if let Some(row) = rows.last_mut() {
                row.push((x, number));
            }
            x += needs;
        }
        Ok(rows)
    }

    fn entry<D: DrawingBackend>(
        &self,
        area: &DrawingArea<D, Shift>,
        scale: Scale,
        (x, y): (i32, i32),
        number: usize,
    ) -> Drawn<D> {
        let line = |from: i32, to: i32, style| {
            PathElement::new(vec![(x + scale.px(from), y), (x + scale.px(to), y)], style)
        };
        if number < self.curves.len() {
            area.draw(&line(0, 30, self.stroke(scale, number)))?;
        } else {
            for from in [0, 11, 22] {
                area.draw(&line(from, from + 6, INK.stroke_width(scale.stroke(2))))?;
            }
        }
        let style = scale.text(15).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(self.label(number), &style, (x + scale.px(38), y))
    }
}
