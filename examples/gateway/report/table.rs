//! The table at the end of the show, and what there is to complain about.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use crate::fault::{Expect, Fault};
use crate::report::recorder::{Recorder, Row};
use crate::report::server_event::{How, ServerEvent};
use crate::report::timeline::{count, seconds};
use crate::report::view::View;

fn how(row: &Row) -> &'static str {
    match (row.how, row.fault.map(Fault::expect)) {
        (Some(How::Resumed), _) => "resumed",
        (Some(How::Fresh), _) => "fresh",
        (None, Some(Expect::Stop)) if row.recovered => "stayed away",
        (None, _) => "-",
    }
}

/// One line about a fault that is over.
pub(crate) fn summary(row: &Row) -> String {
    let dials = count(row.attempts as u64, "dial");
    let took = row.took.map_or("-".to_owned(), seconds);
    let gap = seconds(row.gap);
    format!(
        "back after {took}, {gap} without a connection: {}, {dials}, {} lost, {} twice",
        how(row),
        row.lost,
        row.twice
    )
}

pub(crate) fn show(view: &View, recorder: &Recorder, faults: usize, complaints: &[String], took: Duration) {
    let rows = recorder.rows();
    let survived = rows.iter().filter(|row| row.fault.is_some() && row.recovered).count();
    let (server_most, client_most) = recorder.most_open();
    view.note(
        |epoch| {
            let ms = took.as_millis();
            let mut lines = String::new();
            for row in &rows {
                let took = row.took.map(|took| took.as_millis() as u64);
                let line = format!(
                    "{{\"t\": {ms}, \"what\": \"row\", \"epoch\": {epoch}, \"fault\": {}, \"recovered\": {}, \"attempts\": {}, \"ms\": {}, \
                     \"gap_ms\": {}, \"sockets\": {}, \"how\": {}, \"lost\": {}, \"twice\": {}}}\n",
                    json!(row.name),
                    row.recovered,
                    row.attempts,
                    json!(took),
                    row.gap.as_millis(),
                    row.sockets,
                    json!(how(row)),
                    row.lost,
                    row.twice
                );
                lines.push_str(&line);
            }
            let passed = complaints.is_empty();
            lines
                + &format!(
                    "{{\"t\": {ms}, \"what\": \"verdict\", \"epoch\": {epoch}, \"passed\": {passed}, \"survived\": {survived}, \
                     \"faults\": {faults}, \"complaints\": {}}}\n",
                    json!(complaints)
                )
        },
        |timeline| {
            let mut text = format!(
                "\n{:<26} {:<9} {:>8} {:>9} {:>9} {:>7}  {:<11} {:>5} {:>6}\n{}\n",
                "fault", "recovered", "attempts", "time", "gap", "sockets", "how", "lost", "twice", "-".repeat(98)
            );
            let mut excused = false;
            for row in &rows {
                // What a session that the server has ended had left to say, nobody can get.
                let star = row.lost > 0 && row.fault.is_some_and(|fault| !fault.could_resume());
                excused |= star;
                let line = format!(
                    "{:<26} {:<9} {:>8} {:>9} {:>9} {:>7}  {:<11} {:>5}{} {:>5}",
                    row.name,
                    if row.recovered { "yes" } else { "NO" },
                    row.attempts,
                    row.took.map_or("-".to_owned(), seconds),
                    seconds(row.gap),
                    row.sockets,
                    how(row),
                    row.lost,
                    if star { "*" } else { " " },
                    row.twice
                );
                let line = if row.recovered { line } else { timeline.verdict(false, &line) };
                writeln!(text, "{line}").unwrap_or_default();
            }
            if excused {
                text.push_str("* the server had ended the session: these could not be resumed\n");
            }
            let line = format!(
                "{survived} of {faults} faults survived in {}; sockets open at once: {server_most} says the server, \
                 {client_most} the client",
                seconds(took)
            );
            writeln!(text, "\n{}", timeline.verdict(complaints.is_empty(), &line)).unwrap_or_default();
            if complaints.is_empty() {
                text.push_str(
                    "Nothing was lost or came twice where the server could resume, an end that was announced left no gap, \
                     no dial came early, and the fatal code ended it.\n",
                );
            } else {
                writeln!(text, "\n{}", timeline.verdict(false, "Complaints:")).unwrap_or_default();
                for complaint in complaints {
                    writeln!(text, "  - {complaint}").unwrap_or_default();
                }
                text.push_str("\nWhat the server saw:\n");
                for entry in recorder.entries() {
                    if !matches!(entry.event, ServerEvent::Dispatch { .. } | ServerEvent::Heartbeat { .. }) {
                        writeln!(text, "{:>11}  {}", seconds(entry.at), entry.event).unwrap_or_default();
                    }
                }
            }
            text
        },
    );
}
