//! Planned ends over and over, and what they cost.

mod variant;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use redial::driver::{Outcome, Tokio};
use redial::handover::HandoverStats;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::client::{self, Client, signal};
use crate::protocol::TOKEN;
use crate::report::recorder::{Recorder, Totals};
use crate::report::timeline::{count, seconds};
use crate::report::view::View;
use crate::server::Server;
use variant::Variant;

/// How long the last events may take from the server to the application.
const LAST_EVENTS: Duration = Duration::from_secs(5);
/// Complaints that are printed of a variant.
const MAX_COMPLAINTS: usize = 10;

/// A server that ends each connection by plan, over and over, and what that costs a client.
///
/// Starts a server and a client for each variant, all at once. Each connection is announced to end, and the client replaces
/// it while it serves. Prints a table: cuts that were announced, and those that hit a connection that was still open;
/// successors that were promoted, and connections that ended before theirs was ready; events sent, lost and doubled; the
/// longest time without a connection, the longest time without an event, and the most sockets at once, as the server or
/// the client saw it, whichever is worse.
///
/// Exit status 0 if no event was lost or doubled, no dial was made too often, no more than two sockets were open, and
/// there was always a connection. In the variants too-slow and dies-first there can't be: the connection ends before the
/// server greets the next one. There, that dial is the only one, and the time without a connection is what the server
/// takes to greet it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    times: u16,
    /// The time from a warning to the cut
    #[arg(long, value_name = "MS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    warning_ms: u64,
    /// One event is sent this often; at most a fifth of the warning, so that each connection has some
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    event_ms: u64,
    /// Only these, separated by commas [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    variant: Vec<Variant>,
    /// Close each connection before the next one is dialled, to compare: no promise is kept then, and the exit status is 1
    #[arg(long)]
    no_handover: bool,
    /// The seed of all random waits: the same seed draws the same waits [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// One JSON object a variant instead of the table
    #[arg(long)]
    json: bool,
    /// Print what the client of the first variant does, as a timeline
    #[arg(long, conflicts_with = "json")]
    timeline: bool,
}

/// What became of a variant.
struct Played {
    variant: Variant,
    totals: Totals,
    handovers: HandoverStats,
    complaints: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments) -> ExitCode {
    if arguments.event_ms * 5 > arguments.warning_ms {
        let (event, most) = (arguments.event_ms, arguments.warning_ms / 5);
        eprintln!(
            "gateway: --event-ms {event} is above {most}, a fifth of --warning-ms: a connection would end before it has had events"
        );
        return ExitCode::from(2);
    }
    let variants = if arguments.variant.is_empty() { &Variant::ALL[..] } else { &arguments.variant[..] };
    let seed = crate::seed(arguments.seed);
    if !arguments.json {
        let (cuts, warning) = (count(u64::from(arguments.times), "cut"), warning(arguments));
        let takes = seconds(warning * u32::from(arguments.times));
        println!(
            "{cuts} each, {} after the warning; about {takes}. Repeat this run with --seed {seed}.\n",
            seconds(warning)
        );
    }
    let first = if arguments.timeline { View::new(false) } else { View::silent() };
    let mut views = std::iter::once(first).chain(std::iter::repeat_with(View::silent));
    let all = variants.iter().zip(&mut views).map(|(&variant, view)| play(variant, arguments, seed, view));
    let played = tokio::select! {
        played = futures_util::future::join_all(all) => played,
        () = signal::interrupted() => return ExitCode::from(130),
    };
    let mut status = ExitCode::SUCCESS;
    if !arguments.json {
        println!("{}{}", if arguments.timeline { "\n" } else { "" }, heading());
    }
    for played in &played {
        match played {
            Ok(played) => {
                println!("{}", if arguments.json { played.json() } else { played.line() });
                if !played.complaints.is_empty() {
                    status = ExitCode::FAILURE;
                }
            }
            Err(error) => {
                eprintln!("gateway: {error}");
                status = ExitCode::FAILURE;
            }
        }
    }
    if !arguments.json {
        for played in played.iter().flatten() {
            print!("{}", played.complained());
        }
    }
    status
}

fn warning(arguments: &Arguments) -> Duration {
    Duration::from_millis(arguments.warning_ms)
}

async fn play(variant: Variant, arguments: &Arguments, seed: u64, view: View) -> Result<Played, String> {
    let (warning, times) = (warning(arguments), usize::from(arguments.times));
    let failed = |error: std::io::Error| format!("the server can't start: {error}");
    let config = variant.server(warning, Duration::from_millis(arguments.event_ms));
    let server = Server::start(config).await.map_err(failed)?;
    let recorder = server.recorder().clone();
    let url = client::gateway_url(server.gateway_url()).map_err(|error| error.to_string())?;
    let rules = variant.rules(warning, seed, !arguments.no_handover)?;
    let (token, judge) = (TOKEN.to_owned(), Some(recorder.clone()));
    let mut client = Client::new(&url, token, rules, Tokio::new(), Arc::new(view), judge)
        .map_err(|error| error.to_string())?;
    let handle = client.driver.handle();
    let asker = client.asker(recorder.clone());
    let script = async {
        let mut back = server.healthy().await;
        let end = async {
            for _ in 0..times {
                if back {
                    server.begin(variant.fault(), variant.plan(warning)).await;
                    back = server.healthy().await;
                }
            }
            asker.stop();
            back
        };
        let ask = async {
            if variant == Variant::Requests {
                asker.ask(variant::request_every(warning)).await;
            }
        };
        let (back, ()) = tokio::join!(end, ask);
        server.fall_silent();
        let until = Instant::now() + LAST_EVENTS;
        while recorder.totals().is_open() && Instant::now() < until {
            sleep(Duration::from_millis(10)).await;
        }
        handle.stop();
        back
    };
    let (back, outcome) = tokio::join!(script, client.run());
    let handovers = client.driver.policy().handover_stats();
    let mut complaints = complaints(variant, &recorder, handovers, arguments);
    if !back {
        complaints.push("the client did not come back".to_owned());
    }
    if outcome != Outcome::Stopped {
        complaints.push(format!("the client has given up: {outcome:?}"));
    }
    Ok(Played { variant, totals: recorder.totals(), handovers, complaints })
}

/// What is not as promised.
fn complaints(
    variant: Variant,
    recorder: &Recorder,
    handovers: HandoverStats,
    arguments: &Arguments,
) -> Vec<String> {
    let promise = variant.promise(usize::from(arguments.times), warning(arguments));
    let totals = recorder.totals();
    let mut complaints = recorder.complaints();
    for (what, is, promised) in [
        ("events lost", totals.lost(), 0),
        ("events doubled", totals.doubled, 0),
        ("handovers", handovers.handovers as usize, promise.handovers),
        ("failed handovers", handovers.handovers_failed as usize, promise.failed),
        ("dials", totals.dials, promise.dials),
        ("requests unanswered", totals.requests - totals.answered, 0),
    ] {
        if is != promised {
            complaints.push(format!("{is} {what}, not {promised}"));
        }
    }
    if totals.gap > promise.gap {
        complaints.push(format!(
            "{} without a connection, above {}",
            seconds(totals.gap),
            seconds(promise.gap)
        ));
    }
    complaints
}

impl Totals {
    /// Something is still on its way.
    const fn is_open(&self) -> bool {
        self.received < self.sent || self.answered < self.requests
    }

    fn lost(&self) -> usize {
        usize::try_from(self.sent.saturating_sub(self.received)).unwrap_or(usize::MAX)
    }
}

/// The table's columns: a heading, its width, and what stands there of one that was played.
type Column = (&'static str, usize, fn(&Played) -> String);

const COLUMNS: [Column; 15] = [
    ("cuts", 4, |played| played.totals.faults.to_string()),
    ("hit", 4, |played| played.totals.cut.to_string()),
    ("handovers", 9, |played| played.handovers.handovers.to_string()),
    ("failed", 6, |played| played.handovers.handovers_failed.to_string()),
    ("dials", 5, |played| played.totals.dials.to_string()),
    ("sent", 6, |played| played.totals.sent.to_string()),
    ("resent", 6, |played| played.totals.resent.to_string()),
    ("received", 8, |played| played.totals.received.to_string()),
    ("lost", 4, |played| played.totals.lost().to_string()),
    ("doubled", 7, |played| played.totals.doubled.to_string()),
    ("requests", 8, |played| played.totals.requests.to_string()),
    ("answered", 8, |played| played.totals.answered.to_string()),
    ("no conn.", 8, |played| seconds(played.totals.gap)),
    ("no event", 8, |played| seconds(played.totals.silence)),
    ("sockets", 7, |played| played.totals.sockets.to_string()),
];

fn heading() -> String {
    let columns: String = COLUMNS.iter().map(|(heading, width, _)| format!(" {heading:>width$}")).collect();
    let heading = format!("{:<12}{columns}  promises", "variant");
    format!("{heading}\n{}", "-".repeat(heading.len()))
}

impl Played {
    fn line(&self) -> String {
        let columns: String = COLUMNS.iter().map(|(_, width, of)| format!(" {:>width$}", of(self))).collect();
        let kept = if self.complaints.is_empty() { "kept" } else { "BROKEN" };
        format!("{:<12}{columns}  {kept}", self.variant.name())
    }

    fn json(&self) -> String {
        let totals = &self.totals;
        json!({
            "variant": self.variant.name(),
            "cuts": totals.faults,
            "hit": totals.cut,
            "handovers": self.handovers.handovers,
            "handovers_failed": self.handovers.handovers_failed,
            "dials": totals.dials,
            "sent": totals.sent,
            "resent": totals.resent,
            "received": totals.received,
            "lost": totals.lost(),
            "doubled": totals.doubled,
            "requests": totals.requests,
            "answered": totals.answered,
            "gap_us": totals.gap.as_micros() as u64,
            "silence_us": totals.silence.as_micros() as u64,
            "sockets": totals.sockets,
            "complaints": self.complaints,
        })
        .to_string()
    }

    fn complained(&self) -> String {
        let more = self.complaints.len().saturating_sub(MAX_COMPLAINTS);
        let shown = self.complaints.iter().take(MAX_COMPLAINTS);
        let mut text: String =
            shown.map(|complaint| format!("  - {}: {complaint}\n", self.variant.name())).collect();
        if more > 0 {
            text.push_str(&format!("  - {}: {more} more\n", self.variant.name()));
        }
        text
    }
}
