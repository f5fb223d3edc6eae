//! Tables, for people and for programs.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{CellAlignment, presets::ASCII_MARKDOWN};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::fault::Fault;

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, in the syntax of Markdown
    #[default]
    Table,
    /// Comma-separated values; "never" and "nothing" are empty
    Csv,
    /// A list of objects; "never" and "nothing" are null
    Json,
}

/// A table.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column: its name for programs, and its heading for people.
struct Column {
    key: String,
    heading: String,
}

/// What stands in a table.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    Count(u64),
    /// A number, and to how many places people get it.
    Number(f64, usize),
    /// It never happened.
    Never,
    /// There is nothing to say.
    Nothing,
}

impl Cell {
    /// A number, or "never".
    pub(crate) fn or_never(number: Option<f64>, places: usize) -> Self {
        number.map_or(Self::Never, |number| Self::Number(number, places))
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number, places) => format!("{number:.places$}"),
            Self::Never => "never".to_owned(),
            Self::Nothing => "–".to_owned(),
        }
    }

    /// For programs: two places more than people get.
    fn exact(&self) -> String {
        match self {
            Self::Number(number, places) => format!("{number:.*}", places + 2),
            Self::Never | Self::Nothing => String::new(),
            Self::Text(_) | Self::Count(_) => self.shown(),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Number(..) => match self.exact().parse::<f64>() {
                Ok(number) => serializer.serialize_f64(number),
                Err(_) => serializer.serialize_none(),
            },
            Self::Never | Self::Nothing => serializer.serialize_none(),
        }
    }
}

struct Row<'a>(&'a [Column], &'a [Cell]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.len()))?;
        for (column, cell) in self.0.iter().zip(self.1) {
            map.serialize_entry(&column.key, cell)?;
        }
        map.end()
    }
}

impl Table {
    /// With these columns: keys and headings.
    pub(crate) fn new(columns: &[(&str, &str)]) -> Self {
        let column =
            |(key, heading): &(&str, &str)| Column { key: (*key).to_owned(), heading: (*heading).to_owned() };
        let columns = columns.iter().map(column).collect();
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn write(&self, format: Format, into: &mut impl Write) -> Result<(), Fault> {
        match format {
            Format::Table => Ok(writeln!(into, "{}", self.drawn())?),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(into);
                let failed = |error: csv::Error| match error.into_kind() {
                    csv::ErrorKind::Io(error) => Fault::Io(error),
                    other => Fault::Output(format!("{other:?}")),
                };
                writer.write_record(self.columns.iter().map(|column| &column.key)).map_err(failed)?;
                for row in &self.rows {
                    writer.write_record(row.iter().map(Cell::exact)).map_err(failed)?;
                }
                Ok(writer.flush()?)
            }
            Format::Json => {
                let rows: Vec<_> = self.rows.iter().map(|row| Row(&self.columns, row)).collect();
                serde_json::to_writer_pretty(&mut *into, &rows).map_err(|error| Fault::Io(error.into()))?;
                Ok(writeln!(into)?)
            }
        }
    }

    /// The same, but a table of one row stands upright for people.
    pub(crate) fn write_upright(&self, format: Format, into: &mut impl Write) -> Result<(), Fault> {
        match (format, self.rows.as_slice()) {
            (Format::Table, [row]) => {
                let mut upright = Self::new(&[("measure", "measure"), ("value", "value")]);
                for (column, cell) in self.columns.iter().zip(row) {
                    upright.row(vec![Cell::Text(column.heading.clone()), cell.clone()]);
                }
                upright.write(format, into)
            }
            _ => self.write(format, into),
        }
    }

    fn drawn(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(self.columns.iter().map(|column| &column.heading));
        table.add_rows(self.rows.iter().map(|row| row.iter().map(Cell::shown)));
        for (number, column) in table.column_iter_mut().enumerate() {
            let is_text = self.rows.iter().any(|row| matches!(row.get(number), Some(Cell::Text(_))));
            if !is_text {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}
