//! What several runs came to, in a cell.

use std::cmp::Ordering;
use std::fmt::Write;

/// The middle of these, and in brackets the least and the most if they are shown otherwise. `None` is more than any, and shown as
/// `beyond`.
pub(crate) fn cell(values: impl IntoIterator<Item = Option<f64>>, decimals: usize, beyond: &str) -> String {
    let mut values: Vec<_> = values.into_iter().collect();
    let key = |value: &Option<f64>| value.unwrap_or(f64::INFINITY);
    values.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap_or(Ordering::Equal));
    let shown = |value: &Option<f64>| value.map_or(beyond.to_owned(), |value| format!("{value:.decimals$}"));
    let (Some(least), Some(middle), Some(most)) =
        (values.first(), values.get(values.len() / 2), values.last())
    else {
        return String::new();
    };
    let (least, middle, most) = (shown(least), shown(middle), shown(most));
    if least == most { middle } else { format!("{middle} ({least}–{most})") }
}

/// A table in Markdown: the first column is of words, the others of numbers.
pub(crate) fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n| --- ", head.join(" | "));
    text.push_str(&"| ---: ".repeat(head.len().saturating_sub(1)));
    text.push_str("|\n");
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect("a string takes all");
    }
    text
}

/// With a comma before each three digits.
pub(crate) fn thousands(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_middle_and_the_ends() {
        assert_eq!(cell([3.04, 1.0, 2.0].map(Some), 1, ""), "2.0 (1.0–3.0)");
        assert_eq!(cell([2.01, 2.02, 1.99].map(Some), 1, ""), "2.0");
        assert_eq!(cell([Some(1.0), None, Some(2.0)], 0, "over 9"), "2 (1–over 9)");
        assert_eq!(cell([None], 0, "over 9"), "over 9");
        assert_eq!(cell([], 0, ""), "");
    }

    #[test]
    fn a_table_has_its_words_on_the_left() {
        let rows = [vec!["a".to_owned(), "1".to_owned(), "2".to_owned()]];
        assert_eq!(
            markdown(&["who", "x", "y"], &rows),
            "| who | x | y |\n| --- | ---: | ---: |\n| a | 1 | 2 |\n"
        );
    }

    #[test]
    fn a_thousand_has_a_comma() {
        let shown = [7_u32, 1_000, 10_000, 123_456, 1_000_000].map(thousands);
        assert_eq!(shown, ["7", "1,000", "10,000", "123,456", "1,000,000"]);
    }
}
