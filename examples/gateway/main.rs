//! A gateway that misbehaves by a script, and a client that rides through all of it.
//!
//! ```text
//! cargo run --release --example gateway --features websocket
//! ```
//!
//! `--url ws://HOST:PORT` runs the client alone against another gateway, and `rotate` proves what a planned end costs:
//!
//! ```text
//! cargo run --release --example gateway --features websocket -- rotate --times 100 --warning-ms 2000 --event-ms 10
//! ```
//!
//! `--help` prints the rest.

mod alone;
mod client;
#[cfg(all(test, feature = "chacha"))]
#[path = "../replay/engine.rs"]
#[expect(dead_code, reason = "the replay program uses all of it")]
mod engine;
mod fault;
mod plan;
mod protocol;
mod report;
mod rotate;
mod server;
mod show;

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;

use fault::Fault;

/// Exit status for arguments that can't be used.
const UNUSABLE: u8 = 2;

/// A gateway that misbehaves, and a client on redial that rides through all of it.
///
/// Without --url: starts a WebSocket server on a loopback port, plays 33 faults on a client, prints a timeline and a
/// table. Exit status 0 if every fault was survived, no event was lost or came twice where the server could resume,
/// the client was never without a connection where the server announced the end of one in time, two sockets were open
/// at once only there, no dial came too early and the fatal code at the end stopped the client for good.
///
/// With --url: the client alone, until Ctrl-C (0) or until its policy gives up (1).
///
/// With rotate: the same kind of planned end over and over, and what it costs; see rotate --help.
#[derive(Parser)]
#[command(name = "gateway", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run the client alone against this gateway (ws://HOST:PORT or wss://HOST)
    #[arg(long)]
    url: Option<String>,
    /// The token to identify with [default: the one that the show's server takes]
    #[arg(long, requires = "url")]
    token: Option<String>,
    /// The policy: recommended or discord-gateway [default: discord-gateway]
    #[arg(long, requires = "url")]
    preset: Option<String>,
    /// A JSON file with settings to lay over the preset (the "config" object of a replay log). Its key "handover" says
    /// how a connection is replaced while it serves; null: not at all [default: {"timeout_ms": 10000, "drain_ms": 0}]
    #[arg(long, value_name = "FILE", requires = "url")]
    config: Option<PathBuf>,
    /// Stop after so many seconds [default: never]
    #[arg(long = "for", value_name = "SECONDS", requires = "url", value_parser = positive, allow_negative_numbers = true)]
    limit: Option<Duration>,
    /// Only these faults and the fatal one, separated by commas [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULT", conflicts_with = "url")]
    fault: Vec<Fault>,
    /// Close a connection whose end is announced before the next one is dialled, to compare
    #[arg(long)]
    no_handover: bool,
    /// The seed of all random waits: the same seed draws the same waits [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// One JSON object a line instead of the timeline
    #[arg(long)]
    json: bool,
    /// Write what the policy is told to this file, as a log for the example "replay"
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    Rotate(rotate::Arguments),
}

impl Arguments {
    /// Writes the log of a recording where that was asked for.
    fn write(&self, recorded: Option<(String, String)>) -> Result<(), String> {
        match (&self.record, recorded) {
            (Some(path), Some((log, _))) => {
                std::fs::write(path, log).map_err(|error| format!("{}: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn positive(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A reader that has seen enough of the help is no error.
            error.print().unwrap_or_default();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let text = error.to_string();
            // What is wrong comes first; the rest is advice.
            let lines: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            return unusable(&format!("{}; see --help", lines.join(" ").trim_start_matches("error: ")));
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("gateway: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status = match (&arguments.command, &arguments.url) {
        (Some(Command::Rotate(arguments)), _) => runtime.block_on(rotate::run(arguments)),
        (None, None) => runtime.block_on(show(&arguments)),
        (None, Some(url)) => match alone::set_up(&arguments, url, seed(arguments.seed)) {
            Ok((url, rules)) => runtime.block_on(alone::run(&arguments, url, rules)),
            Err(error) => unusable(&error),
        },
    };
    // A name lookup that hangs is not waited for.
    runtime.shutdown_background();
    status
}

/// Short where it is drawn, so that it is easily typed.
fn seed(asked: Option<u64>) -> u64 {
    asked.unwrap_or_else(|| RandomState::new().hash_one(()) % 1_000_000)
}

async fn show(arguments: &Arguments) -> ExitCode {
    let rules = show::rules(seed(arguments.seed), !arguments.no_handover);
    let script = Fault::script(&arguments.fault);
    match show::run(rules, &script, arguments.json, arguments.record.is_some()).await {
        Ok(played) => match arguments.write(played.recorded) {
            Ok(()) if played.survived => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(error) => unusable(&error),
        },
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn unusable(error: &str) -> ExitCode {
    eprintln!("gateway: {}", error.replace('\n', " "));
    ExitCode::from(UNUSABLE)
}
