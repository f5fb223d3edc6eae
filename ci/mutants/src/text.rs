//! Where a line and column of a file is, as an offset into its text.

use std::ops::Range;

use serde::Deserialize;

/// A line, counted from 1, and a column of it in characters, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Point {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Extent {
    pub(crate) start: Point,
    pub(crate) end: Point,
}

impl From<proc_macro2::LineColumn> for Point {
    fn from(at: proc_macro2::LineColumn) -> Self {
        Self { line: at.line, column: at.column + 1 }
    }
}

pub(crate) struct Text {
    pub(crate) whole: String,
    lines: Vec<usize>,
}

impl Text {
    pub(crate) fn new(whole: String) -> Self {
        let lines = std::iter::once(0).chain(whole.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { whole, lines }
    }

    pub(crate) fn offset(&self, at: Point) -> usize {
        let line = self.lines[at.line - 1];
        let rest = &self.whole[line..];
        line + rest.char_indices().nth(at.column - 1).map_or(rest.len(), |(offset, _)| offset)
    }

    pub(crate) fn range(&self, extent: Extent) -> Range<usize> {
        self.offset(extent.start)..self.offset(extent.end)
    }

    pub(crate) fn range_of(&self, span: proc_macro2::Span) -> Range<usize> {
        self.offset(span.start().into())..self.offset(span.end().into())
    }

    /// The line, counted from 1, without the spaces around it.
    pub(crate) fn line(&self, number: usize) -> &str {
        self.whole.lines().nth(number - 1).unwrap_or_default().trim()
    }

    /// A part of the text in which a part is replaced.
    pub(crate) fn replaced(&self, part: &Range<usize>, cut: &Range<usize>, by: &str) -> String {
        [&self.whole[part.start..cut.start], by, &self.whole[cut.end..part.end]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let text = Text::new("a\nä = b + c;\n".to_owned());
        let at = |column| Point { line: 2, column };
        assert_eq!(&text.whole[text.range(Extent { start: at(5), end: at(10) })], "b + c");
        assert_eq!(
            text.replaced(
                &text.range(Extent { start: at(5), end: at(10) }),
                &text.range(Extent { start: at(7), end: at(8) }),
                "-"
            ),
            "b - c"
        );
        assert_eq!(text.line(2), "ä = b + c;");
    }
}
