//! Charts, each as SVG and as PNG.

pub(crate) mod frontier;
pub(crate) mod load;

use std::path::{Path, PathBuf};

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;

use crate::fault::Fault;

/// In pixels of the SVG.
const WIDTH: u32 = 1_000;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(30, 30, 30);
const FAINT: RGBColor = RGBColor(225, 225, 225);

/// The colours of Okabe and Ito that are dark enough for a line on white, which people who don't see all colours tell apart.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// How large things are: a PNG has twice the pixels of the SVG.
#[derive(Clone, Copy)]
pub(super) struct Scale(i32);

impl Scale {
    pub(super) const fn px(self, pixels: i32) -> i32 {
        pixels * self.0
    }

    pub(super) const fn stroke(self, pixels: u32) -> u32 {
        pixels * self.0 as u32
    }

    pub(super) fn text(self, pixels: i32) -> TextStyle<'static> {
        (FONT, self.px(pixels)).into_font().color(&INK)
    }

    fn bold(self, pixels: i32) -> TextStyle<'static> {
        (FONT, self.px(pixels), FontStyle::Bold).into_font().color(&INK)
    }
}

/// What is drawn on an area of any backend.
pub(super) trait Chart {
    const HEIGHT: u32;

    fn draw<D: DrawingBackend>(&self, area: &DrawingArea<D, Shift>, scale: Scale) -> Drawn<D>;
}

/// The result of drawing on a backend.
pub(super) type Drawn<D, T = ()> = Result<T, DrawingAreaErrorKind<<D as DrawingBackend>::ErrorType>>;

/// Writes a chart as `<out>.svg` and `<out>.png`.
pub(super) fn write(chart: &impl Chart, out: &Path) -> Result<(), Fault> {
    for (style, font) in
        [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())]
    {
        register_font(FONT, style, font).map_err(|_| Fault::Output("the font is broken".to_owned()))?;
    }
    write_svg(chart, out)?;
    write_png(chart, out)
}

fn write_svg<C: Chart>(chart: &C, out: &Path) -> Result<(), Fault> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, C::HEIGHT)).into_drawing_area();
        let drawn =
            area.fill(&WHITE).and_then(|()| chart.draw(&area, Scale(1))).and_then(|()| area.present());
        drawn.map_err(|error| Fault::Output(error.to_string()))?;
    }
    save(&ending(out, ".svg"), text.as_bytes())
}

fn write_png<C: Chart>(chart: &C, out: &Path) -> Result<(), Fault> {
    let path = ending(out, ".png");
    // The backend would create it too late to say why it could not.
    save(&path, &[])?;
    let area = BitMapBackend::new(&path, (2 * WIDTH, 2 * C::HEIGHT)).into_drawing_area();
    let drawn = area.fill(&WHITE).and_then(|()| chart.draw(&area, Scale(2))).and_then(|()| area.present());
    drawn.map_err(|error| Fault::Output(format!("{}: {error}", path.display())))
}

/// What stands after a dot in the name is no ending.
fn ending(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    std::fs::write(path, bytes).map_err(|error| Fault::Output(format!("{}: {error}", path.display())))
}

/// A number for people: 1,000 and 10k, 0.5 and 2.
pub(super) fn short(number: f64) -> String {
    let rounded = |number: f64| {
        let text = format!("{number:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if number >= 1e6 {
        format!("{}M", rounded(number / 1e6))
    } else if number >= 1e4 {
        format!("{}k", rounded(number / 1e3))
    } else {
        rounded(number)
    }
}
