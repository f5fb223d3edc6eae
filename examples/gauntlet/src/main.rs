//! Hostile servers for reconnecting clients, and a verdict with its reason for each fault: see `README.md`.
//!
//! A fault is a script for servers (`web::Script`, `mqtt::Script`) and a judge, a function of the timeline that the servers
//! recorded. What a client must do stands in the tables of faults: `web::faults`, `discord::faults`, `mqtt::faults`.

mod client;
mod discord;
mod fault;
mod judge;
mod mqtt;
mod naive;
mod report;
mod run;
mod server;
mod timeline;
mod verdict;
mod web;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::time::Instant;

use fault::{Fault, Feature, Shape};
use report::Report;
use run::Options;
use verdict::Outcome;

/// Exit status for arguments that can't be used, and for a client that can't be started.
const UNUSABLE: u8 = 2;

/// Plays hostile servers to a client, and says for each fault whether the client did what it must, and why.
///
/// Exit status 0: no fault failed; 1: at least one did; 2: the arguments or the client can't be used.
#[derive(Parser)]
#[command(name = "gauntlet")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Score a WebSocket client: it connects and stays connected
    Websocket(Score),
    /// Score a client of Discord's gateway
    Discord(Score),
    /// Score an MQTT client: it subscribes to "a" and "b", once each
    Mqtt(Score),
    /// Print runs that --json wrote as Markdown tables
    Table {
        /// A line for each client, and no line for each fault
        #[arg(long)]
        short: bool,
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Be a client that dials again at once, without end: what must fail
    Naive {
        /// Where to, as ws://HOST:PORT
        url: String,
    },
}

#[derive(clap::Args)]
struct Score {
    /// Print the faults and what they ask for, and play none
    #[arg(long)]
    list: bool,
    /// Play these alone, by name, separated by commas; * stands for anything
    #[arg(long, value_delimiter = ',', value_name = "FAULT")]
    only: Vec<String>,
    /// The seed of the servers' moments, and of what each client gets as GAUNTLET_SEED [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// How many faults are played at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// How many clients lose their connection at once where that is the fault, 2 to 1000 [default: 8 to 20, as the fault has it]
    #[arg(long, value_name = "CLIENTS", value_parser = clap::value_parser!(u16).range(2..=1000))]
    herd: Option<u16>,
    /// Stretch all limits of time by this, 0.1 to 100, for slow machines and clients with long waits
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    slow: f64,
    /// What the client does beyond the minimum
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FEATURE")]
    with: Vec<Feature>,
    /// What the client can't do as it is set up here
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FEATURE")]
    without: Vec<Feature>,
    /// What the client is called in reports [default: its program's name]
    #[arg(long)]
    name: Option<String>,
    /// Write everything to this file, timelines included
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the verdicts to this file as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The client's command; {url}, {host}, {port} and {seed} in it are replaced, and GAUNTLET_URL, GAUNTLET_HOST, GAUNTLET_PORT and
    /// GAUNTLET_SEED are set
    #[arg(last = true, value_name = "COMMAND")]
    client: Vec<String>,
}

fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=100.0).contains(&factor) { Ok(factor) } else { Err("not between 0.1 and 100".to_owned()) }
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
        Err(error) => return unusable(&error.to_string()),
    };
    let result = match arguments.command {
        Command::Websocket(arguments) => runtime.block_on(score(Shape::Websocket, arguments)),
        Command::Discord(arguments) => runtime.block_on(score(Shape::Discord, arguments)),
        Command::Mqtt(arguments) => runtime.block_on(score(Shape::Mqtt, arguments)),
        Command::Table { short, files } => {
            let text = if short { report::summary(&files) } else { report::tables(&files) };
            text.map(|text| {
                print!("{text}");
                true
            })
        }
        Command::Naive { url } => match url.strip_prefix("ws://") {
            Some(address) => {
                runtime.block_on(naive::websocket(address.trim_end_matches('/')));
                Ok(true)
            }
            None => Err(format!("naive: {url:?} is no ws://HOST:PORT")),
        },
    };
    // Which ends the clients that still run.
    runtime.shutdown_timeout(Duration::from_secs(5));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => unusable(&error),
    }
}

/// Plays the faults that were asked for. False if one failed.
async fn score(shape: Shape, arguments: Score) -> Result<bool, String> {
    let faults = chosen(shape, &arguments.only)?;
    let width = faults.iter().map(|fault| fault.name.len()).max().unwrap_or(0);
    if arguments.list {
        for fault in &faults {
            println!("{:width$}  {}: {}", fault.name, fault.about, fault.source);
        }
        return Ok(true);
    }
    let Some(program) = arguments.client.first() else {
        return Err(format!(
            "no client: name its command after --, as in \"gauntlet {shape} -- node client.js {{url}}\""
        ));
    };
    let by_program = || Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let options = Arc::new(Options {
        shape,
        seed: arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(()) % 1_000_000),
        slow: arguments.slow,
        jobs: usize::from(arguments.jobs),
        herd: arguments.herd.map(usize::from),
        with: arguments.with,
        without: arguments.without,
        command: arguments.client.clone(),
    });
    // Before hours of a run whose result has no place.
    for path in arguments.json.iter().chain(&arguments.junit) {
        write(path, "")?;
    }
    let start = Instant::now();
    let playing = async {
        run::check(&options).await?;
        run::all(&options, faults, |played| println!("{}", report::line(played, width))).await
    };
    let results = tokio::select! {
        results = playing => results?,
        () = interrupted() => return Err("interrupted; --only plays a part".to_owned()),
    };
    let report = Report {
        shape: shape.to_string(),
        client: arguments.name.clone().unwrap_or_else(by_program),
        command: options.command.clone(),
        seed: options.seed,
        slow: options.slow,
        seconds: start.elapsed().as_secs_f64(),
        results,
    };
    println!("\n{}", report.summary());
    if let Some(path) = &arguments.json {
        write(path, &report.json()?)?;
    }
    if let Some(path) = &arguments.junit {
        write(path, &report.junit()?)?;
    }
    Ok(report.count(Outcome::Fail) == 0)
}

/// Ends when the user wants the program to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.unwrap_or_default(),
        _ = terminated.recv() => {}
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text)
        .map_err(|error| format!("{}: {error}; name a file that can be written", path.display()))
}

/// The faults with these names, all without one.
fn chosen(shape: Shape, only: &[String]) -> Result<Vec<Fault>, String> {
    let mut faults = shape.faults();
    if only.is_empty() {
        return Ok(faults);
    }
    for name in only {
        if !faults.iter().any(|fault| is_like(name, &fault.name)) {
            return Err(format!("--only: {shape} has no fault {name:?}; see gauntlet {shape} --list"));
        }
    }
    faults.retain(|fault| only.iter().any(|name| is_like(name, &fault.name)));
    Ok(faults)
}

/// Whether a name is as this pattern says, in which * stands for anything.
fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|from| rest.get(from..).is_some_and(|rest| is_like(after, rest)))
        }),
    }
}

fn unusable(error: &str) -> ExitCode {
    eprintln!("gauntlet: {}", error.replace('\n', " "));
    ExitCode::from(UNUSABLE)
}
