//! A gateway that misbehaves by a script, and a client that rides through all of it.
//!
//! ```text
//! cargo run --release --example gateway --features websocket
//! ```
//!
//! `--url ws://HOST:PORT` runs the client alone against another gateway; `--help` prints the rest.

mod client;
#[cfg(all(test, feature = "chacha"))]
#[path = "../replay/engine.rs"]
#[expect(dead_code, reason = "the replay program uses all of it")]
mod engine;
mod fault;
mod protocol;
mod report;
mod server;
mod show;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use redial::driver::{Outcome, Runtime, Tokio};
use redial::policy::ConfigOver;
use redial::websocket::Url;
use redial::{Config, presets};
use serde::de::DeserializeSeed;

use client::{Client, signal};
use report::client_event::ClientEvent;
use report::view::View;

/// Exit status for arguments that can't be used.
const UNUSABLE: u8 = 2;

/// A gateway that misbehaves, and a client on redial that rides through all of it.
///
/// Without --url: starts a WebSocket server on a loopback port, plays 27 faults on a client, prints a timeline and a
/// table. Exit status 0 if every fault was survived, no event was lost or came twice where the server could resume,
/// no two sockets were open at once, no dial came too early and the fatal code at the end stopped the client for good.
///
/// With --url: the client alone, until Ctrl-C (0) or until its policy gives up (1).
#[derive(Parser)]
#[command(name = "gateway")]
struct Arguments {
    /// Run the client alone against this gateway (ws://HOST:PORT or wss://HOST)
    #[arg(long)]
    url: Option<String>,
    /// The token to identify with [default: the one that the show's server takes]
    #[arg(long, requires = "url")]
    token: Option<String>,
    /// The policy: recommended or discord-gateway [default: discord-gateway]
    #[arg(long, requires = "url")]
    preset: Option<String>,
    /// A JSON file with settings to lay over the preset (the "config" object of a replay log)
    #[arg(long, value_name = "FILE", requires = "url")]
    config: Option<PathBuf>,
    /// Stop after so many seconds [default: never]
    #[arg(long = "for", value_name = "SECONDS", requires = "url", value_parser = positive, allow_negative_numbers = true)]
    limit: Option<Duration>,
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
    // Short, so that it is easily typed.
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(()) % 1_000_000);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("gateway: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status = match &arguments.url {
        None => match runtime.block_on(show::run(seed, arguments.json, arguments.record.is_some())) {
            Ok(played) => match arguments.write(played.recorded) {
                Ok(()) if played.survived => ExitCode::SUCCESS,
                Ok(()) => ExitCode::FAILURE,
                Err(error) => unusable(&error),
            },
            Err(error) => {
                eprintln!("gateway: {error}");
                ExitCode::FAILURE
            }
        },
        Some(url) => match set_up(&arguments, url) {
            Ok((url, config)) => runtime.block_on(alone(&arguments, seed, url, config)),
            Err(error) => unusable(&error),
        },
    };
    // A name lookup that hangs is not waited for.
    runtime.shutdown_background();
    status
}

fn unusable(error: &str) -> ExitCode {
    eprintln!("gateway: {}", error.replace('\n', " "));
    ExitCode::from(UNUSABLE)
}

fn set_up(arguments: &Arguments, url: &str) -> Result<(Url, Config), String> {
    let url = client::gateway_url(url).map_err(|error| error.to_string())?;
    let name = preset(arguments);
    let preset = presets::by_name(name).ok_or_else(|| {
        let known: Vec<_> = presets::ALL.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        format!("unknown preset \"{name}\"; use one of {}", known.join(", "))
    })?;
    let config = match &arguments.config {
        Some(path) => read(path, preset)?,
        None => *preset,
    };
    if config.greeting() {
        return Ok((url, config));
    }
    // This protocol greets, whatever the preset is made for: nothing may be said before the hello.
    let config =
        config.to_builder().greeting(config.greeting_timeout()).build().map_err(|error| error.to_string())?;
    Ok((url, config))
}

fn preset(arguments: &Arguments) -> &str {
    arguments.preset.as_deref().unwrap_or("discord-gateway")
}

/// The settings of a file over a preset.
fn read(path: &Path, preset: &Config) -> Result<Config, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut json = serde_json::Deserializer::from_str(&text);
    let config = ConfigOver::new(preset).named("config").deserialize(&mut json);
    config.and_then(|config| json.end().map(|()| config)).map_err(|error| {
        let syntax = if error.is_data() { "" } else { "not valid JSON: " };
        format!("{shown}: {syntax}{error}")
    })
}

/// The client alone.
async fn alone(arguments: &Arguments, seed: u64, url: Url, config: Config) -> ExitCode {
    let clock = Tokio::new();
    let view = Arc::new(View::new(arguments.json));
    let start =
        ClientEvent::Start { seed, url: url.as_str().to_owned(), preset: preset(arguments).to_owned() };
    view.show(clock.now(), 0, &start);
    let token = arguments.token.clone().unwrap_or_else(|| protocol::TOKEN.to_owned());
    let client = Client::new(&url, token, (config, seed), clock, Arc::clone(&view), None);
    let mut client = match client {
        Ok(client) => client,
        Err(error) => return unusable(&error.to_string()),
    };
    if arguments.record.is_some() {
        if let Err(error) = client.record() {
            return unusable(&error);
        }
    }
    let handle = client.driver.handle();
    let over = async {
        match arguments.limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let stop = async {
        tokio::select! {
            () = signal::interrupted() => {}
            () = over => {}
        }
        handle.stop();
        // A second one does not wait for the close.
        signal::interrupted().await;
    };
    let outcome = tokio::select! {
        outcome = client.run() => outcome,
        () = stop => return ExitCode::from(130),
    };
    if let Err(error) = arguments.write(client.recorded()) {
        return unusable(&error);
    }
    if outcome != Outcome::Stopped {
        return ExitCode::FAILURE;
    }
    let stats = client.driver.policy().stats();
    let stopped = ClientEvent::Stopped { opens: stats.opens, resumed: stats.resumed, fresh: stats.fresh };
    view.show(clock.now(), client.newest(), &stopped);
    ExitCode::SUCCESS
}
