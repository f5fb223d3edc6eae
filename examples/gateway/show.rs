//! The show: the misbehaving server and the client in one process, and the table at the end.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use redial::driver::{Driver, Outcome, Runtime, Tokio};
use redial::policy::ResumeConfig;
use redial::{BackoffConfig, Config, GiveUp, Jitter, Policy, Ratio, SplitMix64, presets};
use serde_json::json;

use crate::client::Client;
use crate::fact::{Fact, How};
use crate::fault::{Expect, Fault};
use crate::happening::Happening;
use crate::ledger::{Ledger, Row};
use crate::protocol::TOKEN;
use crate::server::{self, Server};
use crate::signal;
use crate::target::Target;
use crate::timeline::{count, seconds};
use crate::view::View;

/// A show that takes longer has failed.
const MAX_SHOW: Duration = Duration::from_secs(60);

/// The Discord preset in fast motion: the same rules with smaller numbers, so that two dozen outages fit into a minute.
const FAST: Config = presets::DISCORD_GATEWAY
    .to_builder()
    .connect_timeout(Duration::from_millis(500))
    .greeting(Some(Duration::from_millis(500)))
    .ready_timeout(Some(Duration::from_millis(500)))
    .backoff(
        BackoffConfig::exponential(Duration::from_millis(80), Ratio::TWO, Duration::from_millis(1_500))
            .jitter(Jitter::Full)
            .floor(Duration::from_millis(20))
            .build_const(),
    )
    .reset_after_stable(Duration::from_millis(500))
    .requested_spread(Some(Duration::from_millis(200)))
    .resume(
        ResumeConfig::new()
            .failures_max(10)
            .invalid_wait(Duration::from_millis(300), Duration::from_millis(800))
            .build_const(),
    )
    .build_const();

/// True: the client has survived everything.
pub(crate) async fn run(seed: u64, json: bool) -> Result<bool, String> {
    let failed = |error: std::io::Error| format!("the server can't start: {error}");
    let server = Server::start(server::Config::default()).await.map_err(failed)?;
    let ledger = server.ledger().clone();
    let base = Target::parse(server.gateway_url())?;
    let view = Arc::new(View::new(json));
    view.note(|_| String::new(), |_| {
        format!(
            "A gateway that misbehaves in {} ways, and a client on redial that rides through all of them.\n\
             Repeat this run with --seed {seed}. The server: {}, and for resumes {}\n\n",
            Fault::SCRIPT.len(),
            server.gateway_url(),
            server.resume_url()
        )
    });
    let clock = Tokio::new();
    let start = Happening::Start { seed, url: base.url.clone(), preset: "discord-gateway, fast".to_owned() };
    view.show(clock.now(), 0, &start);

    let client = Client::new(base, TOKEN.to_owned(), &FAST, clock, Arc::clone(&view), Some(ledger.clone()));
    let mut driver = Driver::new(Policy::new(FAST, SplitMix64::new(seed)).with_session_type(), client, clock);
    let handle = driver.handle();
    let number = Cell::new(0);
    let announce = |fault: Fault| {
        number.set(number.get() + 1);
        let at = clock.now().as_millis();
        view.note(
            |epoch| {
                let (name, text) = (json!(fault.name()), json!(fault.description()));
                format!("{{\"t\": {at}, \"what\": \"fault\", \"epoch\": {epoch}, \"name\": {name}, \"text\": {text}}}\n")
            },
            |timeline| {
                let back = ledger.rows().last().map_or_else(String::new, |row| {
                    format!("              {}\n", timeline.verdict(row.recovered, &summary(row)))
                });
                let title = format!("{}/{} {}", number.get(), Fault::SCRIPT.len(), fault.name());
                back + &timeline.heading(&title, fault.description())
            },
        );
    };
    let script = async {
        let played = tokio::select! {
            played = server.play(&Fault::SCRIPT, announce) => Some(played),
            () = signal::interrupted() => None,
        };
        handle.stop();
        played
    };
    let (played, outcome) = tokio::join!(script, driver.run());
    let Some(played) = played else {
        view.note(|_| String::new(), |_| "interrupted\n".to_owned());
        return Ok(false);
    };
    let took = Duration::from_micros(clock.now().as_micros());

    let mut complaints = ledger.complaints();
    if played.is_err() {
        complaints.push("the show did not reach its end".to_owned());
    }
    if !matches!(outcome, Outcome::GaveUp { reason: GiveUp::Fatal, .. }) {
        complaints.push("the fatal code did not stop the client for good".to_owned());
    }
    if took >= MAX_SHOW {
        complaints.push(format!("the show took {}", seconds(took)));
    }
    report(&view, &ledger, &complaints, took);
    Ok(complaints.is_empty())
}

fn how(row: &Row) -> &'static str {
    match (row.how, row.fault.map(Fault::expect)) {
        (Some(How::Resumed), _) => "resumed",
        (Some(How::Fresh), _) => "fresh",
        (None, Some(Expect::Stop)) if row.recovered => "stayed away",
        (None, _) => "-",
    }
}

/// One line about a fault that is over.
fn summary(row: &Row) -> String {
    let dials = count(row.attempts as u64, "dial");
    let took = row.took.map_or("-".to_owned(), seconds);
    format!("back after {took}: {}, {dials}, {} lost, {} twice", how(row), row.lost, row.twice)
}

fn report(view: &View, ledger: &Ledger, complaints: &[String], took: Duration) {
    let rows = ledger.rows();
    let survived = rows.iter().filter(|row| row.fault.is_some() && row.recovered).count();
    let (server_most, client_most) = ledger.most_open();
    view.note(
        |epoch| {
            let ms = took.as_millis();
            let mut lines = String::new();
            for row in &rows {
                let took = row.took.map(|took| took.as_millis() as u64);
                let line = format!(
                    "{{\"t\": {ms}, \"what\": \"row\", \"epoch\": {epoch}, \"fault\": {}, \"recovered\": {}, \"attempts\": {}, \"ms\": {}, \
                     \"how\": {}, \"lost\": {}, \"twice\": {}}}\n",
                    json!(row.name),
                    row.recovered,
                    row.attempts,
                    json!(took),
                    json!(how(row)),
                    row.lost,
                    row.twice
                );
                lines.push_str(&line);
            }
            let passed = complaints.is_empty();
            let faults = Fault::SCRIPT.len();
            lines
                + &format!(
                    "{{\"t\": {ms}, \"what\": \"verdict\", \"epoch\": {epoch}, \"passed\": {passed}, \"survived\": {survived}, \
                     \"faults\": {faults}, \"complaints\": {}}}\n",
                    json!(complaints)
                )
        },
        |timeline| {
            let mut text = format!(
                "\n{:<26} {:<9} {:>8} {:>9}  {:<11} {:>5} {:>6}\n{}\n",
                "fault", "recovered", "attempts", "time", "how", "lost", "twice", "-".repeat(80)
            );
            let mut excused = false;
            for row in &rows {
                // What a session that the server has ended had left to say, nobody can get.
                let star = row.lost > 0 && row.fault.is_some_and(|fault| !fault.could_resume());
                excused |= star;
                let line = format!(
                    "{:<26} {:<9} {:>8} {:>9}  {:<11} {:>5}{} {:>5}",
                    row.name,
                    if row.recovered { "yes" } else { "NO" },
                    row.attempts,
                    row.took.map_or("-".to_owned(), seconds),
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
                "{survived} of {} faults survived in {}; sockets open at once: {server_most} says the server, \
                 {client_most} the client",
                Fault::SCRIPT.len(),
                seconds(took)
            );
            writeln!(text, "\n{}", timeline.verdict(complaints.is_empty(), &line)).unwrap_or_default();
            if complaints.is_empty() {
                text.push_str(
                    "Nothing was lost or came twice where the server could resume, no dial came early, and the \
                     fatal code ended it.\n",
                );
            } else {
                writeln!(text, "\n{}", timeline.verdict(false, "Complaints:")).unwrap_or_default();
                for complaint in complaints {
                    writeln!(text, "  - {complaint}").unwrap_or_default();
                }
                text.push_str("\nWhat the server saw:\n");
                for entry in ledger.entries() {
                    if !matches!(entry.fact, Fact::Dispatch { .. } | Fact::Heartbeat { .. }) {
                        writeln!(text, "{:>11}  {}", seconds(entry.at), entry.fact).unwrap_or_default();
                    }
                }
            }
            text
        },
    );
}
