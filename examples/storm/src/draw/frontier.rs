//! Attempts against recovery, of many policies in a set of scenarios.

use std::ops::Range;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{COLOURS, Chart, Drawn, FAINT, INK, Scale, short, write};
use crate::fault::Fault;
use crate::measure::{Outcome, Summary, outcomes};
use crate::policy::Candidate;
use crate::scenario::Case;
use crate::search::{frontier, point};

/// What is shown: no more attempts and no larger ratio than these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edges {
    pub(crate) attempts: Option<f64>,
    pub(crate) ratio: Option<f64>,
}

impl Edges {
    fn contain(self, (attempts, ratio): (f64, f64)) -> bool {
        self.attempts.is_none_or(|most| attempts <= most) && self.ratio.is_none_or(|most| ratio <= most)
    }
}

struct Frontier {
    scenarios: usize,
    points: Vec<Point>,
    /// Not shown: some of their clients never came back.
    never: Vec<String>,
    /// Not shown: they lie beyond the edges.
    beyond: Vec<String>,
}

struct Point {
    /// Policies that were found by a search have none.
    name: Option<String>,
    at: (f64, f64),
    is_best: bool,
}

/// Draws it: the named policies, and those of a grid without their names.
pub(crate) fn draw(
    policies: &[Candidate],
    grid: &[Candidate],
    cases: &[Case],
    seed: u64,
    edges: Edges,
    out: &Path,
) -> Result<(), Fault> {
    let all = [policies, grid].concat();
    let measured: Vec<_> =
        outcomes(&all, cases, seed).iter().map(|set: &Vec<Outcome>| point(&Summary::new(set, &[]))).collect();
    let mut chart =
        Frontier { scenarios: cases.len(), points: Vec::new(), never: Vec::new(), beyond: Vec::new() };
    let best = frontier(&measured);
    for (number, ((policy, (attempts, ratio)), is_best)) in all.iter().zip(measured).zip(best).enumerate() {
        let is_named = number < policies.len();
        match ratio {
            Some(ratio) if !edges.contain((attempts, ratio)) => {
                chart.beyond.extend(is_named.then(|| policy.name.clone()));
            }
            Some(ratio) => {
                let name = is_named.then(|| policy.name.clone());
                chart.points.push(Point { name, at: (attempts, ratio), is_best });
            }
            None if is_named => chart.never.push(policy.name.clone()),
            None => {}
        }
    }
    if chart.points.is_empty() {
        return Err(Fault::Input("there is nothing to draw: with none of these policies 99 % of the clients come back in every scenario, or all are beyond the edges".to_owned()));
    }
    write(&chart, out)
}

/// The left, upper, right and lower edge of something drawn.
type Box = (i32, i32, i32, i32);

const fn overlap(a: Box, b: Box) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

impl Chart for Frontier {
    const HEIGHT: u32 = 720;

    fn draw<D: DrawingBackend>(&self, area: &DrawingArea<D, Shift>, scale: Scale) -> Drawn<D> {
        let (width, height) = area.dim_in_pixel();
        let (width, height) = (width as i32, height as i32);
        let (head, body) = area.split_vertically(scale.px(58));
        let mut notes = note("Beyond the edges: ", &self.beyond);
        notes.extend(note("Not shown, since some clients never come back: ", &self.never));
        let (body, foot) = body.split_vertically(height - scale.px(58) - scale.px(22) * notes.len() as i32);
        let centre = Pos::new(HPos::Center, VPos::Center);
        head.draw_text(
            "Attempts against recovery: lower and further left is better",
            &scale.bold(19).pos(centre),
            (width / 2, scale.px(24)),
        )?;
        let grid =
            if self.points.iter().any(|point| point.name.is_none()) { "; small dots: the grid" } else { "" };
        let scenarios = self.scenarios;
        let subtitle = format!(
            "means over {scenarios} scenarios; blue: no other is as good in one and better in the other{grid}"
        );
        head.draw_text(&subtitle, &scale.text(14).pos(centre), (width / 2, scale.px(48)))?;
        for (row, note) in notes.iter().enumerate() {
            let place = (width / 2, scale.px(8) + scale.px(22) * row as i32);
            foot.draw_text(note, &scale.text(13).pos(centre), place)?;
        }
        self.points(&body, scale)
    }
}

/// Names in lines that are not too long.
fn note(lead: &str, names: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let last = number + 1 == names.len();
        let name = if last { name.clone() } else { format!("{name}, ") };
        match lines.last_mut() {
            Some(line) if line.len() + name.len() < 110 => line.push_str(&name),
            None => lines.push(format!("{lead}{name}")),
            Some(_) => lines.push(name),
        }
    }
    lines
}

/// Round numbers in a range on a logarithmic axis, 5 or more of them.
fn ticks(range: &Range<f64>) -> Vec<f64> {
    let within = |ticks: Vec<f64>| ticks.into_iter().filter(|tick| range.contains(tick)).collect::<Vec<_>>();
    let digits: [&[f64]; 4] =
        [&[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]];
    let decades = |digits: &[f64]| {
        (-6..=9).flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power))).collect()
    };
    let evenly = |step: f64| {
        let first = (range.start / step).ceil();
        (0..100).map(|number| (first + f64::from(number)) * step).collect()
    };
    let steps = (-6..=9).rev().flat_map(|power| [5.0, 2.0, 1.0].map(|digit| digit * 10_f64.powi(power)));
    let mut found = digits.into_iter().map(decades).chain(steps.map(evenly)).map(within);
    found.find(|ticks| ticks.len() >= 5).unwrap_or_default()
}

impl Frontier {
    fn points<D: DrawingBackend>(&self, area: &DrawingArea<D, Shift>, scale: Scale) -> Drawn<D> {
        let range = |coordinate: fn(&Point) -> f64| {
            let values = self.points.iter().map(coordinate);
            let (least, most) =
                values.fold((f64::MAX, 0.0_f64), |(a, b), value| (a.min(value), b.max(value)));
            // Room at the edges for labels, and for a chart of one point.
            let room = (most / least).powf(0.08).max(1.08);
            least / room..most * room
        };
        let (x, y) = (range(|point| point.at.0), range(|point| point.at.1));
        let mut chart = ChartBuilder::on(area)
            .margin_right(scale.px(24))
            .margin_left(scale.px(8))
            .x_label_area_size(scale.px(50))
            .y_label_area_size(scale.px(74))
            .build_cartesian_2d(
                x.clone().log_scale().with_key_points(ticks(&x)),
                y.clone().log_scale().with_key_points(ticks(&y)),
            )?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(INK)
            .x_labels(40)
            .y_labels(40)
            .label_style(scale.text(14))
            .axis_desc_style(scale.text(15))
            .x_desc("attempts a client (mean)")
            .y_desc("time until 99 % are back / ideal (geometric mean)")
            .x_label_formatter(&|number| short(*number))
            .y_label_formatter(&|number| short(*number))
            .draw()?;
        let mut best: Vec<_> =
            self.points.iter().filter(|point| point.is_best).map(|point| point.at).collect();
        best.sort_by(|a, b| a.0.total_cmp(&b.0));
        let line: Vec<_> = best.iter().map(|at| chart.backend_coord(at)).collect();
        chart.draw_series(LineSeries::new(best, COLOURS[0].stroke_width(scale.stroke(2))))?;
        let found = self.points.iter().filter(|point| point.name.is_none());
        let dot = |point: &Point, radius: i32| {
            let colour = if point.is_best { COLOURS[0] } else { COLOURS[1] };
            let style = if point.name.is_some() { colour.filled() } else { colour.mix(0.4).filled() };
            Circle::new(point.at, scale.px(radius), style)
        };
        chart.draw_series(found.map(|point| dot(point, 2)))?;
        let named: Vec<_> = self.points.iter().filter(|point| point.name.is_some()).collect();
        chart.draw_series(named.iter().map(|point| dot(point, 5)))?;

        let area = area.strip_coord_spec();
        let (base_x, base_y) = area.get_base_pixel();
        let plot = chart.plotting_area();
        let (xs, ys) = (plot.get_x_axis_pixel_range(), plot.get_y_axis_pixel_range());
        let place = |point: &Point| chart.backend_coord(&point.at);
        let mut taken: Vec<Box> = named.iter().map(|point| around(place(point), scale.px(6))).collect();
        taken.extend(line.windows(2).flat_map(|ends| along(ends, scale)));
        for point in &named {
            let Some(name) = &point.name else { continue };
            let (w, h) = area.estimate_text_size(name, &scale.text(14))?;
            let (w, h) = (w as i32, h as i32);
            let at = place(point);
            let within =
                |text: Box| text.0 >= xs.start && text.2 <= xs.end && text.1 >= ys.start && text.3 <= ys.end;
            let mut places = candidates(at, w, h, scale);
            let free =
                places.find(|(text, _)| within(*text) && !taken.iter().any(|other| overlap(*text, *other)));
            let Some((text, is_far)) = free.or_else(|| candidates(at, w, h, scale).next()) else { continue };
            taken.push(text);
            let middle = (text.1 + text.3) / 2;
            if is_far {
                let end = (at.0.clamp(text.0, text.2), if middle < at.1 { text.3 } else { text.1 });
                let line = [at, end].map(|(x, y)| (x - base_x, y - base_y));
                area.draw(&PathElement::new(line.to_vec(), INK.mix(0.5).stroke_width(scale.stroke(1))))?;
            }
            let style = scale.text(14).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw_text(name, &style, (text.0 - base_x, middle - base_y))?;
        }
        Ok(())
    }
}

const fn around((x, y): (i32, i32), radius: i32) -> Box {
    (x - radius, y - radius, x + radius, y + radius)
}

/// What a line covers.
fn along(ends: &[(i32, i32)], scale: Scale) -> Vec<Box> {
    let &[(x0, y0), (x1, y1)] = ends else { return Vec::new() };
    let steps = ((x1 - x0).abs().max((y1 - y0).abs()) / scale.px(4)).max(1);
    let at = |step: i32| (x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps);
    (0..=steps).map(|step| around(at(step), scale.px(4))).collect()
}

/// Where a label of this size may stand beside a point, the best place first, and whether a line must lead to it.
fn candidates((x, y): (i32, i32), w: i32, h: i32, scale: Scale) -> impl Iterator<Item = (Box, bool)> {
    [9, 16, 26, 38, 52, 68, 86, 106].into_iter().enumerate().flat_map(move |(ring, radius)| {
        let r = scale.px(radius);
        let d = r * 7 / 10;
        let lefts_and_middles = [
            (x + r, y),
            (x - r - w, y),
            (x + d, y - d - h / 4),
            (x + d, y + d + h / 4),
            (x - d - w, y - d - h / 4),
            (x - d - w, y + d + h / 4),
            (x - w / 2, y - r - h / 4),
            (x - w / 2, y + r + h / 4),
        ];
        lefts_and_middles
            .map(move |(left, middle)| ((left, middle - h / 2, left + w, middle + h / 2), ring > 0))
    })
}
